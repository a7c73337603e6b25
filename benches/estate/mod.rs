//! A made-up account: so many principals, five policies each, six statements each, no two policies alike; a bucket and a key.

use std::collections::BTreeMap;

use auditseal::iam::symbolic::{self, Keys, Limits, Part, World};
use auditseal::iam::{NamedPolicy, Policies, Principal, Request, Truth};

const ACCOUNT: &str = "111122223333";
const BUCKET: &str = "arn:aws:s3:::acme-databricks-audit";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555";
const OBJECT: &str = "arn:aws:s3:::acme-databricks-audit/logs/workspaceId=0/date=2026-01-01/auditlogs_0.json";

/// What tampers with an object or the bucket, each asked alone.
const TAMPER: [(&str, &str); 28] = [
    ("s3:PutObject", OBJECT),
    ("s3:DeleteObject", OBJECT),
    ("s3:DeleteObjectVersion", OBJECT),
    ("s3:PutObjectRetention", OBJECT),
    ("s3:PutObjectLegalHold", OBJECT),
    ("s3:BypassGovernanceRetention", OBJECT),
    ("s3:PutObjectAcl", OBJECT),
    ("s3:RestoreObject", OBJECT),
    ("s3:ReplicateObject", OBJECT),
    ("s3:ReplicateDelete", OBJECT),
    ("s3:PutLifecycleConfiguration", BUCKET),
    ("s3:PutReplicationConfiguration", BUCKET),
    ("s3:PutBucketVersioning", BUCKET),
    ("s3:PutBucketObjectLockConfiguration", BUCKET),
    ("s3:PutBucketPolicy", BUCKET),
    ("s3:DeleteBucketPolicy", BUCKET),
    ("s3:DeleteBucket", BUCKET),
    ("s3:PutBucketPublicAccessBlock", BUCKET),
    ("s3:PutBucketOwnershipControls", BUCKET),
    ("s3:PutBucketAcl", BUCKET),
    ("s3:PutEncryptionConfiguration", BUCKET),
    ("s3:PutBucketLogging", BUCKET),
    ("s3:PutBucketNotification", BUCKET),
    ("kms:DisableKey", KEY),
    ("kms:ScheduleKeyDeletion", KEY),
    ("kms:PutKeyPolicy", KEY),
    ("kms:RevokeGrant", KEY),
    ("kms:DeleteImportedKeyMaterial", KEY),
];

/// The texts of the policies of every principal.
pub fn texts(principals: usize) -> Vec<Vec<String>> {
    (0..principals).map(|principal| (0..5).map(|policy| text(principal, policy)).collect()).collect()
}

fn text(principal: usize, policy: usize) -> String {
    let statements: Vec<String> = (0..6).map(|statement| self::statement(principal, policy, statement)).collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn statement(principal: usize, policy: usize, statement: usize) -> String {
    let seed = principal * 31 + policy * 7 + statement;
    let action = match seed % 12 {
        0 => r#"["s3:GetObject","s3:ListBucket"]"#,
        1 => r#""s3:Get*""#,
        2 => r#"["s3:PutObject","s3:DeleteObject"]"#,
        3 => r#"["kms:Decrypt","kms:GenerateDataKey","kms:DescribeKey"]"#,
        4 => r#"["ec2:Describe*","ec2:StartInstances","ec2:StopInstances"]"#,
        5 => r#"["dynamodb:GetItem","dynamodb:Query","dynamodb:PutItem"]"#,
        6 => r#""s3:*Object*""#,
        7 => r#"["logs:CreateLogGroup","logs:PutLogEvents"]"#,
        8 => r#"["kms:*"]"#,
        9 => r#"["s3:List*","s3:PutBucket*"]"#,
        10 => r#"["sts:AssumeRole","iam:GetRole"]"#,
        _ => r#"["sqs:SendMessage","sqs:ReceiveMessage"]"#,
    };
    let resource = match seed % 7 {
        0 => r#""*""#.to_owned(),
        1 => format!(r#"["{BUCKET}","{BUCKET}/*"]"#),
        2 => format!(r#""arn:aws:s3:::team-{principal}-{statement}/*""#),
        3 => format!(r#"["arn:aws:s3:::data-{policy}-*","arn:aws:kms:*:{ACCOUNT}:key/*"]"#),
        4 => format!(r#""arn:aws:s3:::acme-*/logs/{}*""#, principal % 10),
        5 => format!(r#""arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t{principal}""#),
        _ => r#""arn:aws:s3:::acme-databricks-audit/logs/*""#.to_owned(),
    };
    let condition = match seed % 9 {
        0 => r#","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
        1 => r#","Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","192.0.2.0/24"]}}"#,
        2 => r#","Condition":{"StringEquals":{"aws:RequestedRegion":["us-east-1","eu-west-1"]}}"#,
        3 => r#","Condition":{"StringLike":{"aws:PrincipalTag/team":"data-*"}}"#,
        4 => r#","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}"#,
        _ => "",
    };
    let effect = if seed % 10 == 9 { "Deny" } else { "Allow" };
    format!(r#"{{"Sid":"S{statement}","Effect":"{effect}","Action":{action},"Resource":{resource}{condition}}}"#)
}

fn bucket_policy() -> NamedPolicy {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[
        {{"Sid":"Tls","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["{BUCKET}","{BUCKET}/*"],"Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}},
        {{"Sid":"Org","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["{BUCKET}","{BUCKET}/*"],"Condition":{{"StringNotEqualsIfExists":{{"aws:PrincipalOrgID":"o-acme"}},"BoolIfExists":{{"aws:PrincipalIsAWSService":"false"}}}}}},
        {{"Sid":"Readers","Effect":"Deny","Principal":"*","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":"{BUCKET}/logs/*","Condition":{{"ArnNotLike":{{"aws:PrincipalArn":["arn:aws:iam::{ACCOUNT}:role/P1*","arn:aws:iam::{ACCOUNT}:role/Security"]}}}}}}
        ]}}"#
    );
    NamedPolicy::read("bucket policy", &text)
}

fn key_policy() -> NamedPolicy {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[
        {{"Sid":"Account","Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":"kms:*","Resource":"*"}},
        {{"Sid":"OnlyS3","Effect":"Deny","Principal":"*","Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*","Condition":{{"StringNotEquals":{{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}}}}}
        ]}}"#
    );
    NamedPolicy::read("key policy", &text)
}

fn worlds() -> Vec<World> {
    let keys = |present: &str, absent: &[&str]| Keys {
        absent: absent.iter().map(|key| (*key).to_owned()).collect(),
        present: [present.to_owned()].into(),
        ..Keys::default()
    };
    vec![
        World::new("internet", keys("aws:SourceIp", &["aws:SourceVpc*", "aws:Vpce*", "aws:VpcSourceIp"])),
        World::new("endpoint", keys("aws:SourceVpce", &["aws:SourceIp"])),
    ]
}

/// Parses the texts and asks of every principal whether it reads, writes and tampers. How many do each.
pub fn answer(texts: &[Vec<String>]) -> [usize; 3] {
    let worlds = worlds();
    let (bucket, key) = (bucket_policy(), key_policy());
    let context = BTreeMap::from([("kms:ViaService".to_owned(), vec!["s3.us-east-1.amazonaws.com".to_owned()])]);
    let mut counts = [0; 3];
    for (index, list) in texts.iter().enumerate() {
        let who = format!("arn:aws:iam::{ACCOUNT}:role/P{index}");
        let Ok(principal) = who.parse::<Principal>() else { continue };
        let identity: Vec<NamedPolicy> = list.iter().map(|text| NamedPolicy::read("policy", text)).collect();
        let on_bucket = Policies { identity: identity.clone(), resource: Some(bucket.clone()), ..Policies::default() };
        let on_key = Policies { identity, resource: Some(key.clone()), ..Policies::default() };
        let own = Keys::default();
        let ask = |asked: &[(&str, &str)]| {
            let request = |(action, resource): &(&str, &str)| {
                let mut request = Request::new(principal.clone(), action, resource);
                request.resource_account = Some(ACCOUNT.to_owned());
                if *resource == KEY {
                    request.context = context.clone();
                }
                request
            };
            let requests: Vec<Request> = asked.iter().map(request).collect();
            let policies = |request: &Request| if request.resource == KEY { &on_key } else { &on_bucket };
            let part = |request| Part { request, policies: policies(request), own: &own };
            let parts: Vec<Part<'_>> = requests.iter().map(part).collect();
            symbolic::ask(&parts, &worlds, Limits::default()).can != Truth::No
        };
        let read = ask(&[("s3:GetObject", OBJECT), ("kms:Decrypt", KEY)]);
        let write = ask(&[("s3:PutObject", OBJECT), ("kms:GenerateDataKey", KEY)]);
        let tamper = TAMPER.iter().filter(|one| ask(&[**one])).count() > 0;
        for (count, found) in counts.iter_mut().zip([read, write, tamper]) {
            *count += usize::from(found);
        }
    }
    counts
}

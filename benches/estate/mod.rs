//! A made-up account: so many roles, five policies each, six statements each, no two policies alike.

use auditseal::model::authorization::{IamRole, InlinePolicy};

use crate::lab::{BUCKET, KEY, Lab, OWN, SAML, document};

/// What the policies of most roles are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One role in fifty has policies that meet the audit bucket; the others use S3 and KMS elsewhere.
    Ordinary,
    /// Every role does, in many ways: the worst case.
    AllMeet,
}

/// A sealed estate with so many roles more.
pub fn account(mut lab: Lab, roles: usize, kind: Kind) -> Lab {
    for index in 0..roles {
        let meets = kind == Kind::AllMeet || index % 50 == 0;
        let policy = |number| InlinePolicy { name: format!("Own{number}"), text: text(index, number, meets) };
        lab.people.roles.push(IamRole {
            arn: format!("arn:aws:iam::{OWN}:role/P{index}"),
            id: format!("AROA{index:0>17}"),
            trust: document(&[SAML]),
            inline: (0..5).map(policy).collect(),
            attached: Vec::new(),
            boundary: None,
            tags: Default::default(),
            instance_profiles: Vec::new(),
        });
    }
    lab
}

fn text(role: usize, policy: usize, meets: bool) -> String {
    let statements: Vec<String> = (0..6).map(|number| statement(role, policy, number, meets)).collect();
    document(&statements)
}

fn statement(role: usize, policy: usize, number: usize, meets: bool) -> String {
    let seed = role * 31 + policy * 7 + number;
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
    let bucket = if meets { BUCKET.to_owned() } else { format!("other-{role}") };
    let acme = if meets { "acme-*".to_owned() } else { format!("team{role}-*") };
    let resource = match seed % 7 {
        0 if meets => r#""*""#.to_owned(),
        0 => format!(r#""arn:aws:sqs:us-east-1:{OWN}:q{role}""#),
        1 => format!(r#"["arn:aws:s3:::{bucket}","arn:aws:s3:::{bucket}/*"]"#),
        2 => format!(r#""arn:aws:s3:::team-{role}-{number}/*""#),
        3 if meets => format!(r#"["arn:aws:s3:::data-{policy}-*","{KEY}"]"#),
        3 => format!(r#"["arn:aws:s3:::data-{policy}-*","arn:aws:kms:*:{OWN}:key/0{role}"]"#),
        4 => format!(r#""arn:aws:s3:::{acme}/audit/{}*""#, role % 10),
        5 => format!(r#""arn:aws:dynamodb:us-east-1:{OWN}:table/t{role}""#),
        _ => format!(r#""arn:aws:s3:::{bucket}/audit/*""#),
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
    format!(r#"{{"Sid":"S{number}","Effect":"{effect}","Action":{action},"Resource":{resource}{condition}}}"#)
}

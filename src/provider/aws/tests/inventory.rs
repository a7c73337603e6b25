//! What an access proof reads: pages, texts, and what a refusal means.

use super::*;
use crate::model::access_point::AccessPoint;
use crate::model::authorization::{Authorization, IamGroup, IamRole, IamUser, InlinePolicy, ManagedPolicy};
use crate::model::organization::{Organization, OrganizationLevel};

const ALLOW: &str = "{\"Statement\":[]}";
const ENCODED: &str = "%7B%22Statement%22%3A%5B%5D%7D";
const MANAGED: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const OWN: &str = "arn:aws:iam::111122223333:policy/own";

fn details(lists: &str, rest: &str) -> Scripted {
    say(
        200,
        &format!(
            "<GetAccountAuthorizationDetailsResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <GetAccountAuthorizationDetailsResult>{lists}{rest}</GetAccountAuthorizationDetailsResult>\
             </GetAccountAuthorizationDetailsResponse>"
        ),
    )
}

fn iam(operation: &str, result: &str) -> Scripted {
    let space = "https://iam.amazonaws.com/doc/2010-05-08/";
    say(
        200,
        &format!(
            "<{operation}Response xmlns=\"{space}\"><{operation}Result>{result}</{operation}Result></{operation}Response>"
        ),
    )
}

fn iam_refusal(message: &str) -> Scripted {
    let error = format!("<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{message}</Message></Error>");
    say(403, &format!("<ErrorResponse>{error}<RequestId>R</RequestId></ErrorResponse>"))
}

fn first_page() -> Scripted {
    let user = format!(
        "<member><Path>/p/</Path><UserName>ann</UserName><UserId>AIDA1</UserId>\
         <Arn>arn:aws:iam::111122223333:user/p/ann</Arn><UserPolicyList><member><PolicyName>i</PolicyName>\
         <PolicyDocument>{ENCODED}</PolicyDocument></member></UserPolicyList><GroupList><member>g</member></GroupList>\
         <AttachedManagedPolicies/><PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>\
         <PermissionsBoundaryArn>{OWN}</PermissionsBoundaryArn></PermissionsBoundary>\
         <Tags><member><Key>team</Key><Value>a</Value></member></Tags></member>"
    );
    details(&format!("<UserDetailList>{user}</UserDetailList>"), "<IsTruncated>true</IsTruncated><Marker>m1</Marker>")
}

fn second_page() -> Scripted {
    let attached = |arn: &str| format!("<member><PolicyName>x</PolicyName><PolicyArn>{arn}</PolicyArn></member>");
    let role = format!(
        "<member><RoleName>r</RoleName><RoleId>AROA1</RoleId><Arn>arn:aws:iam::111122223333:role/r</Arn>\
         <AssumeRolePolicyDocument>{ENCODED}</AssumeRolePolicyDocument><AttachedManagedPolicies>{}</AttachedManagedPolicies>\
         <InstanceProfileList><member><Path>/</Path><InstanceProfileName>p</InstanceProfileName>\
         <InstanceProfileId>AIPA1</InstanceProfileId><Arn>arn:aws:iam::111122223333:instance-profile/p</Arn>\
         <CreateDate>2026-01-01T00:00:00Z</CreateDate><Roles/></member></InstanceProfileList></member>",
        attached(MANAGED)
    );
    let group = format!(
        "<member><GroupName>g</GroupName><GroupId>AGPA1</GroupId><Arn>arn:aws:iam::111122223333:group/g</Arn>\
         <AttachedManagedPolicies>{}</AttachedManagedPolicies></member>",
        attached(OWN)
    );
    let version = |id: &str, default: bool, text: &str| {
        format!(
            "<member><Document>{text}</Document><VersionId>{id}</VersionId>\
             <IsDefaultVersion>{default}</IsDefaultVersion></member>"
        )
    };
    let policy = format!(
        "<member><PolicyName>own</PolicyName><Arn>{OWN}</Arn><DefaultVersionId>v2</DefaultVersionId>\
         <PolicyVersionList>{}{}</PolicyVersionList></member>",
        version("v1", false, "%7B%22old%22%3A1%7D"),
        version("v2", true, ENCODED)
    );
    let lists = format!(
        "<RoleDetailList>{role}</RoleDetailList><GroupDetailList>{group}</GroupDetailList><Policies>{policy}</Policies>"
    );
    details(&lists, "<IsTruncated>false</IsTruncated>")
}

fn get_policy() -> Scripted {
    iam("GetPolicy", &format!("<Policy><Arn>{MANAGED}</Arn><DefaultVersionId>v7</DefaultVersionId></Policy>"))
}

#[tokio::test]
async fn everybody_and_every_policy_is_read_and_what_is_left_out_is_fetched() {
    let version = iam(
        "GetPolicyVersion",
        &format!("<PolicyVersion><Document>{ENCODED}</Document><VersionId>v7</VersionId></PolicyVersion>"),
    );
    let (server, aws) = Server::start(vec![first_page(), second_page(), get_policy(), version]).await;
    let inline = InlinePolicy { name: text("i"), text: text(ALLOW) };
    let policy = |arn: &str| ManagedPolicy { arn: text(arn), text: text(ALLOW) };
    let wanted = Authorization {
        users: vec![IamUser {
            arn: text("arn:aws:iam::111122223333:user/p/ann"),
            id: text("AIDA1"),
            inline: vec![inline],
            attached: Vec::new(),
            boundary: Some(text(OWN)),
            groups: vec![text("g")],
            tags: [(text("team"), text("a"))].into(),
        }],
        groups: vec![IamGroup {
            arn: text("arn:aws:iam::111122223333:group/g"),
            name: text("g"),
            inline: Vec::new(),
            attached: vec![text(OWN)],
        }],
        roles: vec![IamRole {
            arn: text("arn:aws:iam::111122223333:role/r"),
            id: text("AROA1"),
            trust: text(ALLOW),
            inline: Vec::new(),
            attached: vec![text(MANAGED)],
            boundary: None,
            tags: Default::default(),
            instance_profiles: vec![text("arn:aws:iam::111122223333:instance-profile/p")],
        }],
        policies: vec![policy(OWN), policy(MANAGED)],
    };
    let answer = aws.read(&Read::AccountAuthorization).await;
    assert_eq!(answer, Observed::Present(Fact::from(wanted)));
    let bodies: Vec<_> = server.seen().into_iter().map(|seen| seen.body).collect();
    assert!(bodies[1].contains("Marker=m1"), "{}", bodies[1]);
    assert!(bodies[3].contains("VersionId=v7"), "{}", bodies[3]);
}

#[tokio::test]
async fn iam_is_asked_what_a_principal_may() {
    let result = |action: &str, decision: &str, missing: &str| {
        format!(
            "<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision>\
             <MissingContextValues>{missing}</MissingContextValues></member>"
        )
    };
    let results = |members: &str, rest: &str| {
        iam("SimulatePrincipalPolicy", &format!("<EvaluationResults>{members}</EvaluationResults>{rest}"))
    };
    let first = results(&result("s3:A", "allowed", ""), "<IsTruncated>true</IsTruncated><Marker>m1</Marker>");
    let second = results(
        &result("s3:B", "implicitDeny", "<member>aws:MultiFactorAuthPresent</member>"),
        "<IsTruncated>false</IsTruncated>",
    );
    let read = Read::Simulation {
        principal: text("arn:aws:iam::111122223333:role/p/r"),
        resource: text("arn:aws:s3:::b"),
        actions: vec![text("s3:A"), text("s3:B")],
    };
    let (server, aws) = Server::start(vec![first, second]).await;
    let answer = aws.read(&read).await.present().expect("an answer");
    let all = answer.simulated().expect("simulated");
    assert_eq!((all["s3:A"].decision.as_str(), all["s3:A"].missing_keys.len()), ("allowed", 0));
    assert_eq!(
        (all["s3:B"].decision.as_str(), all["s3:B"].missing_keys[0].as_str()),
        ("implicitDeny", "aws:MultiFactorAuthPresent")
    );
    let body = &server.seen()[0].body;
    assert!(body.contains("PolicySourceArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fp%2Fr"), "{body}");
    assert!(body.contains("ResourceArns.member.1=arn%3Aaws%3As3%3A%3A%3Ab"), "{body}");

    let (_server, aws) = Server::start(vec![iam_refusal("Access Denied")]).await;
    assert_eq!(gap(aws.read(&read).await).permission.as_deref(), Some("iam:SimulatePrincipalPolicy"));
}

#[tokio::test]
async fn a_policy_that_acts_is_never_missing() {
    let refusal = iam_refusal("User: u is not authorized to perform: iam:GetPolicyVersion on resource: policy x");
    let (_server, aws) = Server::start(vec![first_page(), second_page(), get_policy(), refusal]).await;
    let found = gap(aws.read(&Read::AccountAuthorization).await);
    assert_eq!(found.permission.as_deref(), Some("iam:GetPolicyVersion"));
    assert!(found.message.contains(MANAGED), "{found}");

    let (_server, aws) = Server::start(vec![first_page(), iam_refusal("Access Denied")]).await;
    let found = gap(aws.read(&Read::AccountAuthorization).await);
    assert_eq!(found.permission.as_deref(), Some("iam:GetAccountAuthorizationDetails"));

    // More is said to follow, and not where.
    let (_server, aws) = Server::start(vec![details("", "<IsTruncated>true</IsTruncated>")]).await;
    assert!(aws.read(&Read::AccountAuthorization).await.is_unknown());
    // Without its trust policy nobody knows who may become the role.
    let role =
        "<RoleDetailList><member><RoleName>r</RoleName><RoleId>AROA1</RoleId><Arn>a</Arn></member></RoleDetailList>";
    let (_server, aws) = Server::start(vec![details(role, "<IsTruncated>false</IsTruncated>")]).await;
    assert!(aws.read(&Read::AccountAuthorization).await.is_unknown());
}

fn points(names: &[&str], token: &str) -> Scripted {
    let point = |name: &&str| format!("<AccessPoint><Name>{name}</Name><Bucket>acme-audit</Bucket></AccessPoint>");
    let list: String = names.iter().map(point).collect();
    say(
        200,
        &format!(
            "<ListAccessPointsResult xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\"><AccessPointList>{list}\
             </AccessPointList><NextToken>{token}</NextToken></ListAccessPointsResult>"
        ),
    )
}

#[tokio::test]
async fn access_points_are_listed_page_by_page() {
    let pages = vec![points(&["b"], "a+/="), points(&[], "two"), points(&["c", "a"], "")];
    let (server, aws) = Server::start(pages).await;
    let list = Read::AccessPoints { bucket: bucket() };
    assert_eq!(aws.read(&list).await, Observed::Present(Fact::from(Names(vec![text("a"), text("b"), text("c")]))));
    let uris: Vec<_> = server.seen().into_iter().map(|seen| seen.uri).collect();
    assert_eq!(
        uris,
        [
            "/v20180820/accesspoint?bucket=acme-audit&maxResults=1000",
            "/v20180820/accesspoint?bucket=acme-audit&maxResults=1000&nextToken=a%2B%2F%3D",
            "/v20180820/accesspoint?bucket=acme-audit&maxResults=1000&nextToken=two",
        ]
    );
    // A page that is refused, a page that names itself, and something else than a list are no list.
    for second in [say(403, &error_xml("AccessDenied")), points(&["c"], "a+/=")] {
        let (_server, aws) = Server::start(vec![points(&["b"], "a+/="), second]).await;
        assert!(aws.read(&list).await.is_unknown());
    }
    let (_server, aws) = Server::start(vec![say(200, "<ListBucketResult><Name>acme</Name></ListBucketResult>")]).await;
    assert!(aws.read(&list).await.is_unknown());
    let (_server, aws) = Server::start(vec![say(403, &error_xml("AccessDenied"))]).await;
    assert_eq!(gap(aws.read(&list).await).permission.as_deref(), Some("s3:ListAccessPoints"));
}

#[tokio::test]
async fn an_access_point_says_from_where_and_what_is_blocked() {
    let whole = |network: &str| {
        say(
            200,
            &format!(
                "<GetAccessPointResult><Name>p</Name><Bucket>acme-audit</Bucket>{network}<PublicAccessBlockConfiguration>\
                 <BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
                 <BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>\
                 </PublicAccessBlockConfiguration><AccessPointArn>arn:aws:s3:eu-west-1:444455556666:accesspoint/p\
                 </AccessPointArn><Alias>p-s3alias</Alias><Endpoints><entry><key>ipv4</key><value>h</value></entry>\
                 </Endpoints></GetAccessPointResult>"
            ),
        )
    };
    let read = Read::AccessPoint { name: text("p") };
    let wanted = |vpc: Option<&str>| AccessPoint {
        name: text("p"),
        arn: text("arn:aws:s3:eu-west-1:444455556666:accesspoint/p"),
        bucket: bucket(),
        account: text("444455556666"),
        vpc: vpc.map(text),
        block: PublicAccessBlock {
            block_public_acls: true,
            ignore_public_acls: true,
            block_public_policy: false,
            restrict_public_buckets: true,
        },
    };
    let vpc = "<NetworkOrigin>VPC</NetworkOrigin><VpcConfiguration><VpcId>vpc-1</VpcId></VpcConfiguration>";
    let internet = "<NetworkOrigin>Internet</NetworkOrigin>";
    for (network, id) in [(vpc, Some("vpc-1")), (internet, None)] {
        let (_server, aws) = Server::start(vec![whole(network)]).await;
        assert_eq!(aws.read(&read).await, Observed::Present(Fact::from(wanted(id))));
    }
    for odd in ["<NetworkOrigin>VPC</NetworkOrigin>", "<NetworkOrigin>Mars</NetworkOrigin>", ""] {
        let (_server, aws) = Server::start(vec![whole(odd)]).await;
        assert!(aws.read(&read).await.is_unknown(), "{odd}");
    }
}

#[tokio::test]
async fn an_access_point_without_policy_differs_from_one_that_is_hidden() {
    let read = Read::AccessPointPolicy { name: text("p") };
    let policy = "<GetAccessPointPolicyResult><Policy>{&quot;Statement&quot;:[&quot;a&amp;b&quot;]}</Policy></GetAccessPointPolicyResult>";
    let (_server, aws) = Server::start(vec![say(200, policy)]).await;
    assert_eq!(aws.read(&read).await, Observed::Present(Fact::from(PolicyText(text("{\"Statement\":[\"a&b\"]}")))));
    for code in ["NoSuchAccessPointPolicy", "NoSuchAccessPoint"] {
        let (_server, aws) = Server::start(vec![say(404, &error_xml(code))]).await;
        assert_eq!(aws.read(&read).await, Observed::Absent, "{code}");
    }
    for answer in [say(403, &error_xml("AccessDenied")), say(404, "<html/>"), say(404, &error_xml("InvalidURI"))] {
        let (_server, aws) = Server::start(vec![answer]).await;
        assert!(aws.read(&read).await.is_unknown());
    }
}

fn refused(code: &str) -> Scripted {
    say(400, &format!("{{\"__type\":\"{code}\",\"Message\":\"because\"}}"))
}

#[tokio::test]
async fn an_account_without_organization_is_a_definite_answer() {
    let (server, aws) = Server::start(vec![refused("AWSOrganizationsNotInUseException")]).await;
    assert_eq!(aws.read(&Read::Organization).await, Observed::Present(Fact::from(Organization::default())));
    let levels: Vec<OrganizationLevel> = Vec::new();
    assert_eq!(aws.read(&Read::OrganizationPolicies).await, Observed::Present(Fact::from(levels)));
    // One region serves the partition, whatever the client's own.
    let signature = server.seen()[0].header("authorization").unwrap().to_owned();
    assert!(signature.contains("/us-east-1/organizations/"), "{signature}");
    assert_eq!(server.seen()[0].header("x-amz-target"), Some("AWSOrganizationsV20161128.DescribeOrganization"));

    let (_server, aws) = Server::start(vec![refused("AccessDeniedException")]).await;
    let found = gap(aws.read(&Read::Organization).await);
    assert_eq!(found.permission.as_deref(), Some("organizations:DescribeOrganization"));
    let found = gap(aws.read(&Read::OrganizationPolicies).await);
    assert_eq!(found.permission.as_deref(), Some("organizations:ListParents"));
    let (_server, aws) = Server::start(vec![say(200, "{\"Organization\":{}}")]).await;
    assert!(aws.read(&Read::Organization).await.is_unknown());
}

#[tokio::test]
async fn policies_are_read_from_the_root_to_the_account_and_each_once() {
    let full = "{\"Policies\":[{\"Id\":\"p-1\",\"Arn\":\"arn:1\"}]}";
    let content = "{\"Policy\":{\"Content\":\"{}\",\"PolicySummary\":{}}}";
    let mut answers = vec![
        // An empty page with a token is not the end.
        say(200, "{\"Parents\":[],\"NextToken\":\"t\"}"),
        say(200, "{\"Parents\":[{\"Id\":\"r-1\",\"Type\":\"ROOT\"}]}"),
    ];
    answers.extend((0..4).map(|_| say(200, full)));
    answers.push(say(200, content));
    let (server, aws) = Server::start(answers).await;
    let policy = || vec![ManagedPolicy { arn: text("arn:1"), text: text("{}") }];
    let level = |target: &str| OrganizationLevel {
        target: text(target),
        service_control: policy(),
        resource_control: policy(),
    };
    let wanted = vec![level("r-1"), level(ACCOUNT)];
    assert_eq!(aws.read(&Read::OrganizationPolicies).await, Observed::Present(Fact::from(wanted)));
    assert_eq!(server.seen().len(), 7);
    assert!(server.seen()[1].body.contains("\"NextToken\":\"t\""));

    // A policy that cannot be read is not left out, and a tree that does not end is none.
    let root = || say(200, "{\"Parents\":[{\"Id\":\"r-1\",\"Type\":\"ROOT\"}]}");
    let mut answers = vec![root()];
    answers.extend((0..4).map(|_| say(200, full)));
    answers.push(refused("AccessDeniedException"));
    let (_server, aws) = Server::start(answers).await;
    let found = gap(aws.read(&Read::OrganizationPolicies).await);
    assert!(found.message.contains("organizations:DescribePolicy of p-1"), "{found}");
    let loops = say(200, "{\"Parents\":[{\"Id\":\"ou-1\",\"Type\":\"ORGANIZATIONAL_UNIT\"}]}");
    let (_server, aws) = Server::start(vec![loops]).await;
    assert!(aws.read(&Read::OrganizationPolicies).await.is_unknown());
}

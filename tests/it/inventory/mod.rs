//! What an access proof reads, over the wire, in pages of three, against an estate that is known to the last policy.

mod catalog;
mod needed;

use std::sync::Arc;

use auditseal::call::{Query, Read};
use auditseal::model::access_grant::Grantee;
use auditseal::model::access_point::AccessPoint;
use auditseal::model::authorization::{Authorization, IamGroup, IamRole, IamUser, InlinePolicy, ManagedPolicy};
use auditseal::model::bucket::PublicAccessBlock;
use auditseal::model::fact::{Names, PolicyText};
use auditseal::model::organization::{Organization, OrganizationLevel};
use auditseal::model::{Fact, Gap, Observed, Place};
use auditseal::provider::Reader;
use auditseal::provider::router::Router;
use aws_credential_types::Credentials;
use serde_json::{Value, json};

use crate::harness::{Case, timeouts};
use crate::sandbox::aws_seed::World;
use crate::sandbox::databricks::Options as SimOptions;
use crate::sandbox::estate::REGION;

const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

fn allow(actions: &str, resource: &str) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": resource }] })
}

async fn ask(router: &Router, place: &Place, read: Read) -> Observed<Fact> {
    router.read(&Query { place: place.clone(), read }).await
}

async fn present<T: Clone>(router: &Router, place: &Place, read: Read, narrow: fn(&Fact) -> Option<&T>) -> T {
    match ask(router, place, read.clone()).await {
        Observed::Present(fact) => narrow(&fact).expect("the shape that was asked").clone(),
        other => panic!("{read:?}: {other:?}"),
    }
}

async fn gap(router: &Router, place: &Place, read: Read) -> Gap {
    match ask(router, place, read.clone()).await {
        Observed::Unknown(gap) => gap,
        other => panic!("{read:?}: {other:?}"),
    }
}

fn answered(case: &Case, service: &str, operation: &str) -> usize {
    let all = case.sandbox.faults.recorded();
    all.iter().filter(|one| one.name == format!("{service}:{operation}")).count()
}

/// Users, groups, roles and policies of every kind beside the people of the empty estate.
async fn seed_identities(case: &Case) -> (IamUser, IamRole) {
    let aws = &case.sandbox.aws;
    let iam = aws.world.iam(&aws.root());
    let own = |name: &str| format!("arn:aws:iam::{}:policy/team/{name}", aws.account);
    for name in ["limit", "reader", "unused"] {
        let text = allow("s3:Old*", "*").to_string();
        iam.create_policy().policy_name(name).path("/team/").policy_document(text).send().await.expect("CreatePolicy");
    }
    let second = allow("s3:GetObject", "*").to_string();
    let version = iam.create_policy_version().policy_arn(own("reader")).policy_document(second).set_as_default(true);
    version.send().await.expect("CreatePolicyVersion");
    for name in ["auditors", "builders"] {
        iam.create_group().group_name(name).send().await.expect("CreateGroup");
    }
    let attach = iam.attach_group_policy().group_name("auditors").policy_arn(own("reader"));
    attach.send().await.expect("AttachGroupPolicy");
    let text = allow("kms:Decrypt", "*").to_string();
    let inline = iam.put_group_policy().group_name("auditors").policy_name("inline").policy_document(text);
    inline.send().await.expect("PutGroupPolicy");

    let tag = |key: &str, value: &str| aws_sdk_iam::types::Tag::builder().key(key).value(value).build().expect("a tag");
    for name in ["bob", "eve", "mallory"] {
        iam.create_user().user_name(name).send().await.expect("CreateUser");
    }
    let create = iam.create_user().user_name("ann").path("/p/").permissions_boundary(own("limit"));
    let ann = create.tags(tag("team", "a=b/ü c")).send().await.expect("CreateUser").user.expect("a user");
    let text = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Action": "s3:*",
        "Resource": "arn:aws:s3:::x/a+b%20c/*" }] });
    let inline = iam.put_user_policy().user_name("ann").policy_name("no+way").policy_document(text.to_string());
    inline.send().await.expect("PutUserPolicy");
    for group in ["builders", "auditors"] {
        iam.add_user_to_group().user_name("ann").group_name(group).send().await.expect("AddUserToGroup");
    }
    let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "Service": "ec2.amazonaws.com" } }] });
    let create = iam.create_role().role_name("Machine").path("/apps/").assume_role_policy_document(trust.to_string());
    let create = create.permissions_boundary(own("limit")).tags(tag("team", "m"));
    let machine = create.send().await.expect("CreateRole").role.expect("a role");
    iam.attach_role_policy().role_name("Machine").policy_arn(READ_ONLY).send().await.expect("AttachRolePolicy");
    iam.create_instance_profile().instance_profile_name("machines").send().await.expect("CreateInstanceProfile");
    let add = iam.add_role_to_instance_profile().instance_profile_name("machines").role_name("Machine");
    add.send().await.expect("AddRoleToInstanceProfile");

    let ann = IamUser {
        arn: ann.arn,
        id: ann.user_id,
        inline: vec![InlinePolicy { name: "no+way".to_owned(), text: text.to_string() }],
        attached: Vec::new(),
        boundary: Some(own("limit")),
        groups: vec!["auditors".to_owned(), "builders".to_owned()],
        tags: [("team".to_owned(), "a=b/ü c".to_owned())].into(),
    };
    let machine = IamRole {
        arn: machine.arn,
        id: machine.role_id,
        trust: trust.to_string(),
        inline: Vec::new(),
        attached: vec![READ_ONLY.to_owned()],
        boundary: Some(own("limit")),
        tags: [("team".to_owned(), "m".to_owned())].into(),
        instance_profiles: vec![format!("arn:aws:iam::{}:instance-profile/machines", aws.account)],
    };
    (ann, machine)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn iam_is_read_whole() {
    let case = Case::empty().await;
    let (ann, machine) = seed_identities(&case).await;
    let account = &case.sandbox.aws.account;
    let router = case.router().await;
    let found: Arc<Authorization> =
        present(&router, &case.aws_place(), Read::AccountAuthorization, Fact::authorization).await;

    let names = |arns: Vec<&String>| -> Vec<String> {
        arns.into_iter().map(|arn| arn.rsplit(':').next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(
        names(found.users.iter().map(|user| &user.arn).collect()),
        ["user/bob", "user/eve", "user/mallory", "user/p/ann"]
    );
    assert_eq!(
        names(found.roles.iter().map(|role| &role.arn).collect()),
        ["role/AccountAdmin", "role/PlatformAdmin", "role/SecondAdmin", "role/SecurityAnalyst", "role/apps/Machine"]
    );
    assert_eq!(found.users.last(), Some(&ann));
    assert_eq!(found.roles.last(), Some(&machine));
    let auditors = IamGroup {
        arn: format!("arn:aws:iam::{account}:group/auditors"),
        name: "auditors".to_owned(),
        inline: vec![InlinePolicy { name: "inline".to_owned(), text: allow("kms:Decrypt", "*").to_string() }],
        attached: vec![format!("arn:aws:iam::{account}:policy/team/reader")],
    };
    assert_eq!(found.groups.first(), Some(&auditors));
    assert_eq!(found.groups.len(), 2);
    let text = |arn: &str| found.policies.iter().find(|one| one.arn.ends_with(arn)).map(|one| one.text.as_str());
    assert_eq!(text(":policy/team/reader"), Some(allow("s3:GetObject", "*").to_string().as_str()));
    assert_eq!(text(":policy/team/unused"), Some(allow("s3:Old*", "*").to_string().as_str()));
    assert!(text(READ_ONLY).is_some_and(|text| text.contains("s3:Get*") || text.contains("s3:GetObject")));
    let analyst = found.roles.iter().find(|role| role.arn.ends_with("/SecurityAnalyst")).expect("the analyst");
    assert!(analyst.trust.contains("aws:MultiFactorAuthPresent"), "{}", analyst.trust);
    // 4 users, 2 groups, 5 roles, 3 policies and one of AWS in pages of three.
    assert_eq!(answered(&case, "iam", "GetAccountAuthorizationDetails"), 5);
    assert_eq!(answered(&case, "iam", "GetPolicyVersion"), 0);
}

/// AWS may leave out a policy of its own that serves as a boundary only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_boundary_that_the_answer_leaves_out_is_fetched() {
    let case = Case::empty().await;
    let aws = &case.sandbox.aws;
    let iam = aws.world.iam(&aws.root());
    iam.create_user().user_name("ann").permissions_boundary(READ_ONLY).send().await.expect("CreateUser");
    let router = case.router().await;
    let found = present(&router, &case.aws_place(), Read::AccountAuthorization, Fact::authorization).await;
    assert_eq!(found.users.first().and_then(|user| user.boundary.as_deref()), Some(READ_ONLY));
    assert!(found.policies.iter().any(|policy| policy.arn == READ_ONLY && policy.text.starts_with('{')));
    assert_eq!(answered(&case, "iam", "GetPolicyVersion"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_door_of_the_bucket_is_found() {
    let case = Case::insecure().await;
    let aws = &case.sandbox.aws;
    let (root, account) = (aws.root(), aws.account.as_str());
    let second = case.sandbox.insecure.as_ref().expect("insecure").second_bucket.clone();
    for (name, bucket, vpc) in [
        ("alpha", &aws.bucket, None),
        ("beta", &aws.bucket, Some("vpc-0abc")),
        ("gamma", &aws.bucket, None),
        ("delta", &aws.bucket, None),
        ("elsewhere", &second, None),
    ] {
        aws.world.create_access_point(&root, account, name, bucket, vpc).await.expect("CreateAccessPoint");
    }
    let resource = format!("arn:aws:s3:{REGION}:{account}:accesspoint/beta/object/*");
    let policy = json!({ "Version": "2012-10-17", "Statement": [{ "Sid": "a<b&c", "Effect": "Allow",
        "Principal": { "AWS": aws.role_arn("ContractorX") }, "Action": "s3:GetObject", "Resource": resource }] });
    aws.world.put_access_point_policy(&root, account, "beta", &policy).await.expect("PutAccessPointPolicy");

    let (router, place) = (case.router().await, case.aws_place());
    let names: Names = present(&router, &place, Read::AccessPoints { bucket: aws.bucket.clone() }, Fact::names).await;
    assert_eq!(names.0, ["alpha", "beta", "delta", "gamma"]);
    assert_eq!(answered(&case, "s3control", "ListAccessPoints"), 2);
    let beta = present(&router, &place, Read::AccessPoint { name: "beta".to_owned() }, Fact::access_point).await;
    let wanted = AccessPoint {
        name: "beta".to_owned(),
        arn: format!("arn:aws:s3:{REGION}:{account}:accesspoint/beta"),
        bucket: aws.bucket.clone(),
        account: account.to_owned(),
        vpc: Some("vpc-0abc".to_owned()),
        block: PublicAccessBlock {
            block_public_acls: true,
            ignore_public_acls: true,
            block_public_policy: true,
            restrict_public_buckets: true,
        },
    };
    assert_eq!(beta, wanted);
    let text: PolicyText =
        present(&router, &place, Read::AccessPointPolicy { name: "beta".to_owned() }, Fact::policy).await;
    assert_eq!(serde_json::from_str::<Value>(&text.0).expect("JSON"), policy);
    for (read, what) in [
        (Read::AccessPointPolicy { name: "alpha".to_owned() }, "no policy"),
        (Read::AccessPoint { name: "omega".to_owned() }, "no access point"),
    ] {
        assert_eq!(ask(&router, &place, read).await, Observed::Absent, "{what}");
    }
    // The contractor may ask none of it.
    let router = case.router_as("ContractorX").await;
    for (read, permission) in [
        (Read::AccessPoints { bucket: aws.bucket.clone() }, "s3:ListAccessPoints"),
        (Read::AccessPoint { name: "beta".to_owned() }, "s3:GetAccessPoint"),
        (Read::AccessPointPolicy { name: "beta".to_owned() }, "s3:GetAccessPointPolicy"),
        (Read::AccountAuthorization, "iam:GetAccountAuthorizationDetails"),
        (Read::Organization, "organizations:DescribeOrganization"),
        (Read::OrganizationPolicies, "organizations:ListParents"),
    ] {
        assert_eq!(gap(&router, &place, read).await.permission.as_deref(), Some(permission));
    }
}

/// Doors of several regions, and what S3 lends as a role of the account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doors_of_regions_and_grants_are_found() {
    let case = Case::insecure().await;
    let aws = &case.sandbox.aws;
    let (root, account, place) = (aws.root(), aws.account.as_str(), case.aws_place());
    let router = case.router().await;
    let points = || Read::MultiRegionAccessPoints { bucket: aws.bucket.clone() };
    let of = Fact::multi_region_access_points;
    assert_eq!(present(&router, &place, points(), of).await, []);
    assert_eq!(ask(&router, &place, Read::AccessGrants).await, Observed::Absent, "no instance");

    let policy = json!({ "Version": "2012-10-17", "Statement": [{ "Sid": "a<b&c", "Effect": "Allow" }] });
    for (name, bucket, policy) in
        [("a", "elsewhere", None), ("b", aws.bucket.as_str(), Some(&policy)), ("c", &aws.bucket, None)]
    {
        aws.world.create_multi_region_access_point(&root, account, name, bucket, policy).await.expect(name);
    }
    let found = present(&router, &place, points(), of).await;
    let names: Vec<&str> = found.iter().map(|one| one.point.name.as_str()).collect();
    assert_eq!(names, ["b", "c"]);
    let arn = &found[0].point.arn;
    assert!(arn.starts_with(&format!("arn:aws:s3::{account}:accesspoint/m")) && arn.ends_with(".mrap"), "{arn}");
    assert!(found[0].point.block.restrict_public_buckets && found[1].policy.is_none());
    let text = found[0].policy.as_deref().expect("a policy");
    assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), policy);

    let (role, below) = (aws.role_arn("Lent"), format!("{}/audit/", aws.bucket));
    for (kind, grantee) in
        [("IAM", aws.role_arn("Jump")), ("DIRECTORY_USER", "u-1".to_owned()), ("DIRECTORY_GROUP", "g-1".to_owned())]
    {
        aws.world.create_access_grant(&root, account, &role, &below, (kind, &grantee)).await.expect(kind);
    }
    let mut found = present(&router, &place, Read::AccessGrants, Fact::access_grants).await;
    found.sort_by(|a, b| a.grantee.cmp(&b.grantee));
    let grantees: Vec<&Grantee> = found.iter().map(|one| &one.grantee).collect();
    let wanted = [
        Grantee::Iam(aws.role_arn("Jump")),
        Grantee::DirectoryUser("u-1".to_owned()),
        Grantee::DirectoryGroup("g-1".to_owned()),
    ];
    assert_eq!(grantees, wanted.iter().collect::<Vec<_>>());
    for one in &found {
        assert_eq!((one.role.as_deref(), one.permission.as_str()), (Some(role.as_str()), "READ"));
        assert_eq!(one.scope, format!("s3://{below}*"));
    }
    // Who may not ask learns nothing, and is told what to grant.
    let router = case.router_as("ContractorX").await;
    for (read, permission) in
        [(points(), "s3:ListMultiRegionAccessPoints"), (Read::AccessGrants, "s3:ListAccessGrantsInstances")]
    {
        assert_eq!(gap(&router, &place, read).await.permission.as_deref(), Some(permission));
    }
}

async fn router_of(case: &Case, session: &Credentials) -> Router {
    case.router_with(session, SimOptions::ADMIN, timeouts()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_organization_is_read_from_the_root_to_the_account() {
    let case = Case::empty().await;
    let aws = &case.sandbox.aws;
    let (router, place) = (case.router().await, case.aws_place());
    // Nobody has asked for an organization yet.
    let none: Organization = present(&router, &place, Read::Organization, Fact::organization).await;
    assert_eq!(none, Organization::default());
    let levels = present(&router, &place, Read::OrganizationPolicies, Fact::organization_levels).await;
    assert_eq!(levels, []);

    let management = case.sandbox.emulator.fresh_account();
    let world = World::new(case.sandbox.proxy.quiet_url(), REGION);
    let head = World::root(&management);
    let (top, unit) = world.make_organization(&head).await.expect("an organization");
    world.join_organization(&head, &aws.account, &top, &unit).await.expect("join");
    let text = |sid: &str| {
        json!({ "Version": "2012-10-17", "Statement": [{ "Sid": sid, "Effect": "Deny",
        "Action": "s3:DeleteBucket", "Resource": "*" }] })
    };
    let mut made = Vec::new();
    for (kind, name, target) in [
        ("SERVICE_CONTROL_POLICY", "s1", &unit),
        ("SERVICE_CONTROL_POLICY", "s2", &unit),
        ("SERVICE_CONTROL_POLICY", "s3", &unit),
        ("RESOURCE_CONTROL_POLICY", "r1", &aws.account),
    ] {
        let arn = world.attach_organization_policy(&head, kind, name, target, &text(name)).await.expect("a policy");
        made.push(ManagedPolicy { arn, text: text(name).to_string() });
    }

    // A member sees its organization, and nothing of its policies: the one is no reason to lose the other.
    let found: Organization = present(&router, &place, Read::Organization, Fact::organization).await;
    assert!(found.id.as_ref().is_some_and(|id| id.starts_with("o-")), "{found:?}");
    assert_eq!(found.management_account.as_deref(), Some(management.as_str()));
    let refused = gap(&router, &place, Read::OrganizationPolicies).await;
    assert_eq!(refused.permission.as_deref(), Some("organizations:ListParents"));

    let delegated = json!({ "Content": format!("{{\"Principal\":\"{}\"}}", aws.account) });
    world.organizations(&head, "PutResourcePolicy", delegated).await.expect("PutResourcePolicy");
    case.sandbox.faults.reset();
    let levels: Vec<OrganizationLevel> =
        present(&router, &place, Read::OrganizationPolicies, Fact::organization_levels).await;
    let targets: Vec<&str> = levels.iter().map(|level| level.target.as_str()).collect();
    assert_eq!(targets, [top.as_str(), unit.as_str(), aws.account.as_str()]);
    let full = |level: &OrganizationLevel| {
        let arns = level.service_control.iter().chain(&level.resource_control).map(|policy| policy.arn.as_str());
        arns.filter(|arn| arn.contains("::aws:policy/")).count()
    };
    assert_eq!(levels.iter().map(full).collect::<Vec<_>>(), [2, 2, 2]);
    let own = |policies: &[ManagedPolicy]| -> Vec<ManagedPolicy> {
        policies.iter().filter(|policy| !policy.arn.contains("::aws:policy/")).cloned().collect()
    };
    let mut scps: Vec<ManagedPolicy> = made.iter().take(3).cloned().collect();
    scps.sort_by(|a, b| a.arn.cmp(&b.arn));
    assert_eq!(own(&levels[1].service_control), scps);
    assert_eq!(own(&levels[2].resource_control), &made[3..]);
    assert_eq!((own(&levels[0].service_control), own(&levels[2].service_control)), (Vec::new(), Vec::new()));
    // Four of one's own and two of AWS, each read once.
    assert_eq!(answered(&case, "organizations", "DescribePolicy"), 6);
    // The unit has four policies of a type: two pages.
    assert_eq!(answered(&case, "organizations", "ListPoliciesForTarget"), 7);

    // The management account is asked as any other.
    let session = World::root(&management);
    let router = router_of(&case, &session).await;
    let found: Organization = present(&router, &place, Read::Organization, Fact::organization).await;
    assert_eq!(found.management_account.as_deref(), Some(management.as_str()));
}

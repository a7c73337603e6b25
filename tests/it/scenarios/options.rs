//! Declarations beside the smallest one: workspace filters, a disabled delivery, replicas, previous keys, GovCloud.

use auditseal::harden::{Scope, harden};
use auditseal::model::{Fact, Live, Observed};
use auditseal::observe::needed;

use super::*;
use crate::sandbox::aws_seed::World;
use crate::sandbox::estate::WORKSPACE;

const REPLICA_REGION: &str = "us-west-2";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_filter_is_delivered_beside_the_account() {
    let mut case = Case::empty().await;
    let filter = format!("{PREFIX}\nworkspaces = [{WORKSPACE}]");
    case.declare(&manifest(&case, &[(PREFIX, &filter)]));
    settle(&case, &[]).await;
    let now = enabled(&case);
    assert_eq!(now.len(), 1);
    assert_eq!(now[0].workspace_ids_filter, [WORKSPACE]);
    // Dropping the filter is another delivery: made before the filtered one is switched off.
    let text = case.sandbox.manifest();
    case.declare(&text);
    settle_watched(&case).await;
    let now = enabled(&case);
    assert_eq!(now.len(), 1);
    assert!(now[0].is_account_level());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_declared_as_disabled_is_disabled() {
    let mut case = Case::empty().await;
    let disabled = format!("{PREFIX}\nstatus = \"disabled\"");
    let text = manifest(&case, &[(PREFIX, &disabled)]);
    case.declare(&text);
    let (plan, _) = settle(&case, &[]).await;
    assert!(plan.findings.iter().any(|finding| finding.code == "delivery-disabled"));
    assert_eq!(case.sandbox.databricks.log_deliveries(), [], "nothing is created to be disabled");
    let on = case.sandbox.manifest();
    case.declare(&on);
    settle(&case, &[]).await;
    assert_eq!(enabled(&case).len(), 1);
    case.declare(&text);
    settle(&case, &[]).await;
    assert_eq!(enabled(&case), []);
    case.declare(&on);
    settle(&case, &[]).await;
    assert_eq!((enabled(&case).len(), case.sandbox.databricks.log_deliveries().len()), (1, 1), "the same one again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_that_delivers_is_adopted_and_narrowed() {
    let mut case = Case::insecure().await;
    let aws = case.sandbox.aws.clone();
    let role = "DatabricksAuditDelivery";
    let iam = aws.world.iam(&aws.root());
    let all = serde_json::json!({ "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }] });
    let put = iam.put_role_policy().role_name(role).policy_name("more").policy_document(all.to_string());
    put.send().await.expect("PutRolePolicy");
    let text = format!("{}[role]\narn = \"{}\"\n", case.sandbox.manifest(), aws.role_arn(role));
    case.declare(&text);
    settle_watched(&case).await;
    let left = iam.list_role_policies().role_name(role).send().await.expect("policies").policy_names;
    assert_eq!(left, ["auditseal-delivery"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_in_another_region_is_sealed_too() {
    let mut case = Case::empty().await;
    let replica = format!("{}-replica", case.sandbox.aws.bucket);
    let text = format!(
        "{}[[bucket.replicas]]\nbucket = \"{replica}\"\nregion = \"{REPLICA_REGION}\"\n",
        case.sandbox.manifest()
    );
    case.declare(&text);
    let router = case.router_of_two_regions(REPLICA_REGION).await;
    assert_not_refused(&case.plan_proved(&router).await);
    case.converge(&router).await;
    assert_eq!(changes(&case.plan(&router).await), [""; 0]);
    let aws = &case.sandbox.aws;
    let s3 = aws.world.s3(&aws.root());
    let found = s3.get_bucket_replication().bucket(&aws.bucket).send().await.expect("replication");
    let rules = found.replication_configuration.expect("a configuration").rules;
    let to: Vec<_> = rules.iter().filter_map(|rule| rule.destination.as_ref()).map(|to| to.bucket.clone()).collect();
    assert_eq!(to, [format!("arn:aws:s3:::{replica}")]);
    let where_is = s3.get_bucket_location().bucket(&replica).send().await.expect("location");
    assert_eq!(where_is.location_constraint.map(|one| one.as_str().to_owned()), Some(REPLICA_REGION.to_owned()));
    let there = World::new(case.sandbox.proxy.quiet_url(), REPLICA_REGION).s3(&aws.root());
    let policy = there.get_bucket_policy().bucket(&replica).send().await.expect("policy").policy.expect("a policy");
    assert!(policy.contains(&case.desired[0].replication_role_name()), "{policy}");
    assert_eq!(broken_delivery(&case).await, None);
    // A destination that nobody declared any more stops being one.
    let text = case.sandbox.manifest();
    case.declare(&text);
    assert_not_refused(&case.plan_proved(&router).await);
    let plan = case.plan(&router).await;
    assert!(changed(&plan, Kind::BucketReplication), "{:?}", changes(&plan));
}

/// Every question answered with "there is none", until no further one follows.
fn nothing_there(desired: &[auditseal::model::Desired]) -> Live {
    let mut live = Live::default();
    loop {
        let new: Vec<_> = needed(desired, &live).into_iter().filter(|query| !live.contains(query)).collect();
        if new.is_empty() {
            return live;
        }
        for query in new {
            live.set(query, Observed::Absent);
        }
    }
}

#[test]
fn govcloud_has_its_own_partition_everywhere() {
    let text = r#"version = 1
[databricks]
account_id = "0d26daa6-5e44-4c97-a497-ef015f91254a"
[aws]
account_id = "111122223333"
region = "us-gov-west-1"
[delivery]
bucket = "acme-gov-audit"
[readers.analysts]
role = "arn:aws-us-gov:iam::111122223333:role/Analyst"
[admins.platform]
role = "arn:aws-us-gov:iam::111122223333:role/Admin"
"#;
    let desired = vec![auditseal::manifest::parse("gov", "gov.toml", text).expect("valid")];
    let wanted = harden(&desired, &nothing_there(&desired), Scope::default());
    assert_eq!(wanted.gaps, []);
    let policies: Vec<(Kind, &str)> = wanted
        .resources
        .iter()
        .filter_map(|one| match &one.fact {
            Fact::Policy(text) => Some((one.address.kind, text.0.as_str())),
            Fact::Role(role) => Some((one.address.kind, role.trust.as_str())),
            _ => None,
        })
        .collect();
    for kind in [Kind::BucketPolicy, Kind::KmsKeyPolicy, Kind::Role, Kind::RolePolicy] {
        assert!(policies.iter().any(|(found, _)| *found == kind), "no {kind:?}");
    }
    for (kind, text) in &policies {
        assert!(text.contains("arn:aws-us-gov:"), "{kind:?}: {text}");
        assert!(!text.contains("arn:aws:"), "{kind:?}: {text}");
    }
}

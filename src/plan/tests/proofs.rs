//! Guards by the proofs: what a step does to the delivery and to control, in every context.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::ProofVerdict;
use crate::access::tests::lab::{
    ADMIN, BUCKET, DELIVERY, KEY, LOGS, Lab, READER, SAML, allow, deny, document, may, sealed, when,
};
use crate::call::Write;
use crate::model::databricks::{Credential, DeliveryHealth, LogDelivery, StorageConfiguration};
use crate::model::{Address, Fact, Kind, Wanted};
use crate::plan::guard::{Purpose, Subject, check};
use crate::plan::{Effects, GuardResult, Order, Step, StepAction, Verdict, effects, safe_order};

use super::{bucket_policy, key_policy, numbered};
use crate::call::Read;

/// The sealed estate with an enabled delivery by the declared role.
fn delivering() -> Lab {
    sealed().with(|lab| {
        let place = lab.desired.databricks_place();
        let credential = Credential {
            credentials_id: "c".to_owned(),
            credentials_name: "c".to_owned(),
            role_arn: DELIVERY.to_owned(),
            creation_time: 0,
        };
        let storage = StorageConfiguration {
            storage_configuration_id: "s".to_owned(),
            storage_configuration_name: "s".to_owned(),
            bucket_name: BUCKET.to_owned(),
            creation_time: 0,
        };
        let delivery = LogDelivery {
            config_id: "d".to_owned(),
            config_name: String::new(),
            log_type: "AUDIT_LOGS".to_owned(),
            output_format: "JSON".to_owned(),
            credentials_id: "c".to_owned(),
            storage_configuration_id: "s".to_owned(),
            delivery_path_prefix: "audit".to_owned(),
            workspace_ids_filter: Vec::new(),
            status: "ENABLED".to_owned(),
            creation_time: 0,
            delivery: Some(DeliveryHealth {
                status: "SUCCEEDED".to_owned(),
                message: String::new(),
                last_attempt_time: None,
                last_successful_attempt_time: None,
            }),
        };
        for (read, fact) in [
            (Read::Credentials, Fact::Credentials(vec![credential])),
            (Read::StorageConfigurations, Fact::StorageConfigurations(vec![storage])),
            (Read::LogDeliveries, Fact::LogDeliveries(vec![delivery])),
        ] {
            lab.extra.push((place.clone(), read, fact));
        }
    })
}

fn write(lab: &Lab, kind: Kind, write: Write) -> Step {
    Step {
        id: 0,
        address: Address::new("acme", kind, "audit"),
        title: format!("write {kind}"),
        action: StepAction::Write { place: lab.place(), write },
        depends_on: Vec::new(),
        target: None,
        gives: BTreeMap::new(),
        settle_seconds: 0,
        undo: None,
    }
}

/// Databricks is let in under its external id, or under another one.
fn trust(lab: &Lab, right: bool) -> Step {
    let id = if right { lab.desired.databricks.account_id.as_str() } else { "somebody-else" };
    let databricks = lab.desired.aws.partition.delivery_principal();
    let statement = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{databricks}"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"sts:ExternalId":"{id}"}}}}}}"#
    );
    let update = Write::UpdateTrust { role: "AuditDelivery".to_owned(), policy: document(&[statement]) };
    write(lab, Kind::Role, update)
}

fn status(lab: &Lab, to: &str) -> Step {
    let set = Write::SetLogDeliveryStatus { config_id: "d".to_owned(), status: to.to_owned() };
    write(lab, Kind::LogDelivery, set)
}

fn create(lab: &Lab) -> Step {
    let create = Write::CreateLogDelivery {
        name: "acme".to_owned(),
        credentials_id: "c".to_owned(),
        storage_configuration_id: "s".to_owned(),
        prefix: "audit".to_owned(),
        workspaces: Vec::new(),
    };
    write(lab, Kind::LogDelivery, create)
}

fn guards(lab: &Lab, steps: &[Step], access: &Effects, order: &Order) -> Vec<GuardResult> {
    check(&Subject {
        desired: std::slice::from_ref(&lab.desired),
        live: &lab.live(),
        wanted: &Wanted::default(),
        changes: &[],
        steps,
        gaps: &[],
        access,
        order,
        caller: &BTreeMap::new(),
        allow: &BTreeSet::new(),
        purpose: Purpose::Plan,
    })
}

/// What is refused, with the proofs and without them.
fn refused(lab: &Lab, steps: Vec<Step>) -> (Vec<(String, String)>, Vec<String>) {
    let steps = numbered(steps.into_iter().map(|step| (step, &[][..])).collect());
    let access = effects(std::slice::from_ref(&lab.desired), &lab.live(), &steps);
    let of = |access: &Effects| guards(lab, &steps, access, &Order::Usual);
    let refused = |all: Vec<GuardResult>| all.into_iter().filter(|guard| guard.verdict == Verdict::Refuse);
    let proved = of(&access);
    for guard in &proved {
        let both = proved.iter().filter(|other| other.code == guard.code && other.verdict == Verdict::Pass).count();
        assert!(both == 0 || guard.verdict == Verdict::Pass, "{} passes and is refused", guard.code);
    }
    (
        refused(proved).map(|guard| (guard.code, guard.message)).collect(),
        refused(of(&Effects::default())).map(|guard| guard.code).collect(),
    )
}

#[track_caller]
fn only_proofs_refuse(lab: &Lab, steps: Vec<Step>, code: &str, says: &[&str]) {
    let (proved, without) = refused(lab, steps);
    assert_eq!(proved.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(), [code], "{proved:?}");
    for part in says {
        assert!(proved[0].1.contains(part), "`{part}`: {}", proved[0].1);
    }
    assert_eq!(without, [""; 0], "one context would have been enough");
}

#[track_caller]
fn passes(lab: &Lab, steps: Vec<Step>) {
    assert_eq!(refused(lab, steps), (Vec::new(), Vec::new()));
}

#[test]
fn a_delivery_that_databricks_can_no_longer_take_its_role_for_is_refused() {
    let lab = delivering();
    passes(&lab, vec![trust(&lab, true)]);
    let says = ["acme/role[audit]: after `write role`", "`acme`", "sts:AssumeRole by Databricks"];
    only_proofs_refuse(&lab, vec![trust(&lab, false)], "delivery-cannot-write", &says);
    // A later repair comes too late, and is no second fault.
    only_proofs_refuse(&lab, vec![trust(&lab, false), trust(&lab, true)], "delivery-cannot-write", &says);
}

#[test]
fn a_delivery_that_some_network_would_refuse_is_refused() {
    // The allow of the policy is there; one more deny hits whoever does not come through an endpoint.
    let lab = delivering();
    let mut statements = lab.bucket.clone();
    let elsewhere = when("StringNotEquals", "aws:SourceVpce", "vpce-1");
    statements.push(deny("*", "s3:PutObject", "arn:aws:s3:::acme-databricks-audit/*", &elsewhere));
    let (proved, _) = refused(&lab, vec![bucket_policy(&lab, &statements)]);
    // One context sees that too: it is said once.
    assert_eq!(proved.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(), ["delivery-cannot-write"]);
}

#[test]
fn what_is_broken_already_and_what_is_repaired_is_not_the_plans_fault() {
    let broken = delivering().edit_role("AuditDelivery", |role| role.trust = document(&[SAML]));
    passes(&broken, vec![trust(&broken, true)]);
    passes(&broken, vec![trust(&broken, false)]);
    // Repaired and broken again is.
    let again = vec![trust(&broken, true), trust(&broken, false)];
    only_proofs_refuse(&broken, again, "delivery-cannot-write", &["write role"]);
}

#[test]
fn nothing_stops_while_nothing_is_delivered() {
    // A new estate, or the new side of a move, is put together in states in which nobody could deliver.
    let new = sealed();
    passes(&new, vec![trust(&new, false), trust(&new, true), create(&new)]);
    // The delivery must not begin in such a state, nor be caught in one.
    only_proofs_refuse(&new, vec![trust(&new, false), create(&new)], "delivery-cannot-write", &["after `write role`"]);
    only_proofs_refuse(&new, vec![create(&new), trust(&new, false)], "delivery-cannot-write", &["after `write role`"]);
    // What was switched off need not work.
    let lab = delivering();
    passes(&lab, vec![status(&lab, "DISABLED"), trust(&lab, false)]);
    let back = vec![status(&lab, "DISABLED"), trust(&lab, false), status(&lab, "ENABLED")];
    only_proofs_refuse(&lab, back, "delivery-cannot-write", &["after `write role`"]);
}

#[test]
fn an_admin_who_has_only_the_bucket_policy_keeps_it() {
    let lab = delivering().edit_role("PlatformAdmin", |role| role.inline.clear());
    let admin = allow(ADMIN, "s3:PutBucketPolicy", "arn:aws:s3:::acme-databricks-audit", "");
    let lab = lab.on_bucket(&admin);
    let (with, without) =
        (lab.bucket.clone(), lab.bucket.iter().filter(|one| **one != admin).cloned().collect::<Vec<_>>());
    passes(&lab, vec![bucket_policy(&lab, &with)]);
    let says = ["acme/bucket-policy[audit]: after `write bucket-policy`", "s3:PutBucketPolicy"];
    only_proofs_refuse(&lab, vec![bucket_policy(&lab, &without)], "self-lockout-bucket", &says);
    // Out of control already: no step made it so.
    let lost = Lab { bucket: without.clone(), ..lab.clone() };
    passes(&lost, vec![bucket_policy(&lost, &without)]);
}

#[test]
fn a_key_that_no_admin_controls_any_more_is_refused_once() {
    let lab = delivering();
    let kept: Vec<String> = lab.keys[KEY].iter().filter(|one| !one.contains(ADMIN)).cloned().collect();
    let (proved, without) = refused(&lab, vec![key_policy(&lab, &kept)]);
    assert_eq!(proved.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(), ["self-lockout-key"]);
    assert_eq!(without, ["self-lockout-key"]);
}

#[test]
fn proofs_that_turn_are_part_of_the_effects() {
    let lab = delivering();
    let steps = numbered(vec![(trust(&lab, false), &[]), (trust(&lab, true), &[])]);
    let effects = effects(std::slice::from_ref(&lab.desired), &lab.live(), &steps);
    let turned: Vec<_> =
        effects.proofs.iter().map(|one| (one.step, one.code.as_str(), one.before, one.after)).collect();
    let (holds, not) = (ProofVerdict::Holds, ProofVerdict::DoesNotHold);
    assert_eq!(turned, [(0, "delivery-works", Some(holds), not), (1, "delivery-works", Some(not), holds)]);
}

const CONTRACTOR: &str = "arn:aws:iam::111122223333:role/Contractor";

/// The contractor may read objects, and the key keeps them out.
fn half_open() -> Lab {
    delivering().role("Contractor", SAML, &[]).on_bucket(&allow(
        CONTRACTOR,
        "s3:GetObject",
        LOGS,
        r#","Sid":"ForContractor""#,
    ))
}

/// The key policy that lets the contractor in, and the bucket policy that shuts them out.
fn crossing(lab: &Lab) -> (Step, Step) {
    let mut key = lab.keys[KEY].clone();
    key.push(allow(CONTRACTOR, "kms:Decrypt", "*", ""));
    (key_policy(lab, &key), bucket_policy(lab, &delivering().bucket))
}

#[test]
fn a_safe_order_is_taken_where_the_usual_one_opens() {
    let lab = half_open();
    let (key, bucket) = crossing(&lab);
    let desired = std::slice::from_ref(&lab.desired);
    let tags = write(&lab, Kind::BucketTags, Write::PutBucketTags { bucket: BUCKET.to_owned(), tags: BTreeMap::new() });
    let steps = numbered(vec![(key.clone(), &[]), (tags.clone(), &[0]), (bucket.clone(), &[])]);
    let usual = effects(desired, &lab.live(), &steps);
    assert!(usual.steps[0].gained.iter().any(|holder| holder.arn == CONTRACTOR), "{usual:?}");

    let ordered = safe_order(desired, &lab.live(), steps.clone());
    let kinds: Vec<Kind> = ordered.steps.iter().map(|step| step.address.kind).collect();
    assert_eq!(
        kinds,
        [Kind::BucketPolicy, Kind::KmsKeyPolicy, Kind::BucketTags],
        "what depends on the key comes along"
    );
    let numbers: Vec<_> = ordered.steps.iter().map(|step| (step.id, step.depends_on.clone())).collect();
    assert_eq!(numbers, [(0, vec![]), (1, vec![0]), (2, vec![1])], "the key waits for the bucket, should that fail");
    assert!(ordered.access.steps.iter().all(|effect| effect.gained.is_empty()), "{:?}", ordered.access.steps);
    assert_eq!(ordered.access, effects(desired, &lab.live(), &ordered.steps), "proved in the new order");
    let verdicts = guards(&lab, &ordered.steps, &ordered.access, &ordered.order);
    assert!(verdicts.iter().all(|guard| guard.verdict != Verdict::Refuse), "{verdicts:?}");
    let said = verdicts.iter().find(|guard| guard.code == "safe-order").expect("said");
    assert_eq!(said.verdict, Verdict::Warn);
    assert!(said.message.starts_with("acme/kms-key-policy[audit]: ") && said.message.contains(CONTRACTOR));

    // The same inputs, the same order.
    assert_eq!(safe_order(desired, &lab.live(), steps).steps, ordered.steps);
}

#[test]
fn where_no_order_is_safe_the_plan_says_which_step_and_why() {
    let lab = half_open();
    let (key, bucket) = crossing(&lab);
    let desired = std::slice::from_ref(&lab.desired);
    // The bucket policy needs what the key policy does.
    let steps = numbered(vec![(key, &[]), (bucket, &[0])]);
    let ordered = safe_order(desired, &lab.live(), steps.clone());
    assert_eq!(ordered.steps, steps, "the usual order stays");
    assert_eq!(ordered.order, Order::NoneFound { tried: 0, bounded: false });
    let verdicts = guards(&lab, &ordered.steps, &ordered.access, &ordered.order);
    let refused: Vec<_> = verdicts.iter().filter(|guard| guard.verdict == Verdict::Refuse).collect();
    // The contractor, and whoever comes in as it.
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused.iter().all(|guard| guard.code == "access-widened"), "{refused:?}");
    let message = &refused[0].message;
    for part in ["acme/kms-key-policy[audit]: after `write kms-key-policy`", CONTRACTOR, "allows no other order"] {
        assert!(message.contains(part), "`{part}`: {message}");
    }
}

#[test]
fn a_wait_keeps_its_steps_on_their_side() {
    let lab = half_open();
    let (key, bucket) = crossing(&lab);
    let wait = Step {
        action: StepAction::AwaitDelivery {
            place: lab.desired.databricks_place(),
            config_id: "d".to_owned(),
            after_steps: vec![0],
            deadline_seconds: 60,
        },
        ..write(
            &lab,
            Kind::LogDelivery,
            Write::SetLogDeliveryStatus { config_id: String::new(), status: String::new() },
        )
    };
    // The bucket policy stands behind a wait that is there for the key policy: neither may cross it.
    let steps = numbered(vec![(key, &[]), (wait, &[0]), (bucket, &[])]);
    let ordered = safe_order(std::slice::from_ref(&lab.desired), &lab.live(), steps.clone());
    assert_eq!(ordered.steps, steps);
    assert!(matches!(ordered.order, Order::NoneFound { .. }));
}

#[test]
fn an_order_that_nothing_speaks_against_is_not_touched() {
    let lab = delivering();
    let readers = vec![allow(READER, "s3:GetObject", LOGS, "")];
    let mut statements = lab.bucket.clone();
    statements.extend(readers);
    let more = may("s3:GetObject", LOGS);
    let own = Write::PutRolePolicy {
        role: "SecurityAnalyst".to_owned(),
        policy_name: "more".to_owned(),
        policy: document(&[more]),
    };
    let steps = numbered(vec![(bucket_policy(&lab, &statements), &[]), (write(&lab, Kind::RolePolicy, own), &[])]);
    let ordered = safe_order(std::slice::from_ref(&lab.desired), &lab.live(), steps.clone());
    assert_eq!((ordered.steps, ordered.order), (steps, Order::Usual));
}

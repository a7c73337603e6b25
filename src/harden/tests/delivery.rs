//! Live writers, moves, slots and retirements.

use super::estate::*;
use crate::harden::{LiveWriter, Scope, harden, live_writers, writer_roles};
use crate::model::bucket::Encryption;
use crate::model::databricks::{LogDelivery, StorageConfiguration};
use crate::model::desired::{DeliveryStatus, Undeclared};
use crate::model::fact::PolicyText;
use crate::model::live::Read;
use crate::model::{Desired, Fact, Kind, Live};

const OLD_KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/00000000-2222-3333-4444-555555555555";

/// An existing bucket under an old key, the declared key, and some deliveries.
fn live_with(all: Vec<LogDelivery>) -> Live {
    let mut live = new_account(&plain());
    existing_bucket(&mut live, BUCKET);
    put_key(&mut live, &aws(), KEY, "alias/audit");
    encrypted(&mut live, "00000000-2222-3333-4444-555555555555");
    put(&mut live, &aws(), Read::Role { role: "OldDelivery".to_owned() }, live_role(OLD_ROLE, USERS));
    put(&mut live, &aws(), Read::Role { role: "DatabricksAuditDelivery".to_owned() }, live_role(ROLE, USERS));
    deliveries(&mut live, all);
    live
}

fn encrypted(live: &mut Live, key: &str) {
    let encryption = Encryption::kms(key);
    put(live, &aws(), Read::BucketEncryption { bucket: BUCKET.to_owned() }, encryption);
}

fn old(id: &str) -> LogDelivery {
    delivery(id, "o", "s", "old", "SUCCEEDED")
}

fn declared(id: &str) -> LogDelivery {
    delivery(id, "c", "s", "audit", "SUCCEEDED")
}

fn wanted_delivery(desired: &Desired, live: &Live) -> LogDelivery {
    run(desired, live).find("acme", Kind::LogDelivery, "primary").unwrap().fact.log_deliveries().unwrap()[0].clone()
}

#[test]
fn a_move_names_every_live_writer_and_then_none_of_them() {
    let wanted = run(&plain(), &live_with(vec![old("d1")]));
    assert!(wanted.moving);
    let names =
        |text: &str| (text.contains("role/OldDelivery"), text.contains("/old/*"), text.contains("key/00000000"));
    let bucket = transition(&wanted, Kind::BucketPolicy, "audit").unwrap();
    assert_eq!(names(&bucket), (true, true, true));
    for sid in ["ObjectsOnlyDeclared", "WritesOnlyDelivery", "ListOnlyDeclared", "DeliveryWrites"] {
        assert!(statement(&bucket, sid).unwrap().to_string().contains("role/OldDelivery"), "{sid}");
    }
    let key = transition(&wanted, Kind::KmsKeyPolicy, "audit").unwrap();
    assert_eq!(names(&key), (true, true, false));
    let inline = transition(&wanted, Kind::RolePolicy, "delivery").unwrap();
    assert_eq!(names(&inline), (false, false, true));
    for (kind, name) in [(Kind::BucketPolicy, "audit"), (Kind::KmsKeyPolicy, "audit"), (Kind::RolePolicy, "delivery")] {
        assert_eq!(names(&policy(&wanted, kind, name)), (false, false, false), "{kind}");
    }
    // The old role gains the new key for the time of the move.
    let lent = transition(&wanted, Kind::RolePolicy, "transition-OldDelivery").unwrap();
    assert!(lent.contains(KEY) && lent.contains("acme-databricks-audit/old/*") && !lent.contains("s3:PutObject"));
    assert_eq!(policy(&wanted, Kind::RolePolicy, "transition-OldDelivery"), "");
    assert_eq!(
        wanted.retire.iter().map(|one| (one.config_id.as_str(), one.before_create)).collect::<Vec<_>>(),
        [("d1", false)]
    );
}

#[test]
fn nothing_moves_when_the_live_writer_is_the_declared_one() {
    let mut live = live_with(vec![declared("d1")]);
    encrypted(&mut live, KEY);
    assert_eq!(live_writers(&plain(), &live).len(), 1);
    let wanted = run(&plain(), &live);
    assert!(!wanted.moving && wanted.retire.is_empty());
    assert!(wanted.resources.iter().all(|one| one.transition.is_none()));
}

#[test]
fn a_change_of_key_alone_is_a_move() {
    let wanted = run(&plain(), &live_with(vec![declared("d1")]));
    assert!(wanted.moving && wanted.retire.is_empty());
    assert!(transition(&wanted, Kind::RolePolicy, "delivery").unwrap().contains(OLD_KEY));
    assert!(wanted.find("acme", Kind::RolePolicy, "transition-OldDelivery").is_none());
}

#[test]
fn writers_that_cannot_write_are_not_protected() {
    let mut off = old("d0");
    off.status = "DISABLED".to_owned();
    let mut billing = old("d9");
    billing.log_type = "BILLABLE_USAGE".to_owned();
    let broken = delivery("d1", "o", "s", "old", "USER_FAILURE");
    let elsewhere = delivery("d2", "o", "x", "old", "SUCCEEDED");
    let dangling = delivery("d3", "gone", "s", "old", "SUCCEEDED");
    let mut live = live_with(vec![off, billing, broken, elsewhere, dangling, old("d4")]);
    let writer = LiveWriter {
        role_arn: OLD_ROLE.to_owned(),
        prefix: "old".to_owned(),
        key: Some(OLD_KEY.to_owned()),
        config_id: "d4".to_owned(),
    };
    assert_eq!(live_writers(&plain(), &live), [writer]);
    assert_eq!(writer_roles(&plain(), &live), [arn(OLD_ROLE)]);
    none(&mut live, &aws(), Read::Role { role: "OldDelivery".to_owned() });
    assert_eq!(live_writers(&plain(), &live), []);
    let noticed = run(&plain(), &live);
    for code in ["dangling-delivery", "undeclared-delivery"] {
        assert!(notices(&noticed).contains(&code), "{code}");
    }
    // What our policies would stop is not stopped unasked.
    assert_eq!(codes(&noticed), ["no-free-delivery-slot", "other-delivery-in-audit-bucket"]);
}

#[test]
fn what_an_earlier_move_left_behind_goes() {
    let mut done = old("d1");
    done.status = "DISABLED".to_owned();
    let mut live = live_with(vec![done, declared("d2")]);
    encrypted(&mut live, KEY);
    assert!(run(&plain(), &live).find("acme", Kind::RolePolicy, "transition-OldDelivery").is_none());
    let left = Read::RolePolicy { role: "OldDelivery".to_owned(), policy: "auditseal-transition".to_owned() };
    put(&mut live, &aws(), left, PolicyText("{}".to_owned()));
    let wanted = run(&plain(), &live);
    assert_eq!(policy(&wanted, Kind::RolePolicy, "transition-OldDelivery"), "");
    assert_eq!(transition(&wanted, Kind::RolePolicy, "transition-OldDelivery"), None);
}

#[test]
fn a_live_writer_of_another_account_is_refused_with_what_to_add() {
    let live = live_with(vec![delivery("d1", "f", "s", "old", "SUCCEEDED")]);
    let wanted = run(&plain(), &live);
    assert_eq!(codes(&wanted), ["foreign-live-writer"]);
    assert!(wanted.refusals[0].1.contains("kms:GenerateDataKey"), "{}", wanted.refusals[0].1);
}

#[test]
fn a_delivery_role_in_another_account_needs_a_profile() {
    let mut desired = plain();
    desired.role.arn = arn("arn:aws:iam::777788889999:role/Delivery");
    let live = new_account(&desired);
    let wanted = run(&desired, &live);
    assert_eq!(codes(&wanted), ["delivery-role-elsewhere"]);
    assert!(wanted.refusals[0].1.contains("sts:ExternalId") && wanted.find("acme", Kind::Role, "delivery").is_none());
    desired.role.profile = Some("logs".to_owned());
    let mut live = live;
    none(&mut live, &desired.role_place(), Read::Role { role: "Delivery".to_owned() });
    let wanted = run(&desired, &live);
    assert_eq!(codes(&wanted), [""; 0]);
    assert_eq!(wanted.find("acme", Kind::Role, "delivery").unwrap().query.place, desired.role_place());
}

#[test]
fn the_delivery_is_chosen_by_what_it_does_and_how_well() {
    let mut oldest = declared("z");
    oldest.creation_time = 1;
    oldest.status = "DISABLED".to_owned();
    let broken = LogDelivery { creation_time: 2, ..delivery("b", "c", "s", "audit", "USER_FAILURE") };
    let fresh = LogDelivery { creation_time: 3, ..delivery("f", "c", "s", "audit", "CREATED") };
    let good = LogDelivery { creation_time: 4, ..declared("g") };
    let all = [oldest.clone(), broken.clone(), fresh.clone(), good];
    for (count, expected) in [(4, "g"), (3, "f"), (2, "b"), (1, "z")] {
        let chosen = wanted_delivery(&plain(), &live_with(all.iter().take(count).cloned().collect()));
        assert_eq!((chosen.config_id.as_str(), chosen.status.as_str()), (expected, "ENABLED"));
    }
    let filtered = LogDelivery { workspace_ids_filter: vec![1], ..declared("w") };
    let chosen = wanted_delivery(&plain(), &live_with(vec![filtered]));
    assert!(chosen.config_id.starts_with("(known-after-apply:"));
    assert_eq!((chosen.credentials_id.as_str(), chosen.storage_configuration_id.as_str()), ("c", "s"));
}

#[test]
fn names_that_are_taken_are_not_used_again() {
    let mut other = delivery("d1", "o", "x", "", "SUCCEEDED");
    other.config_name = "audit".to_owned();
    assert_eq!(wanted_delivery(&plain(), &live_with(vec![other])).config_name, "audit-2");
}

#[test]
fn undeclared_deliveries_are_reported_or_disabled() {
    let rogue = delivery("r", "o", "x", "", "SUCCEEDED");
    let live = live_with(vec![rogue, declared("d")]);
    let wanted = run(&plain(), &live);
    assert!(wanted.retire.is_empty() && notices(&wanted).contains(&"undeclared-delivery"));
    let mut desired = plain();
    desired.delivery.undeclared = Undeclared::Disable;
    let wanted = run(&desired, &live);
    assert_eq!(wanted.retire.iter().map(|one| one.address.to_string()).collect::<Vec<_>>(), ["_/log-delivery[r]"]);
    let wanted = harden(&[desired], &live, Scope { partial: true, ..Scope::default() });
    assert!(wanted.retire.is_empty() && notices(&wanted).contains(&"undeclared-delivery"));
}

#[test]
fn a_new_delivery_needs_a_slot() {
    let rogue = |id: &str| delivery(id, "o", "x", "", "SUCCEEDED");
    let mut disabling = plain();
    disabling.delivery.undeclared = Undeclared::Disable;
    let first = |wanted: &crate::model::Wanted| -> Vec<String> {
        wanted.retire.iter().filter(|one| one.before_create).map(|one| one.config_id.clone()).collect()
    };
    // One place is free.
    let wanted = run(&disabling, &live_with(vec![rogue("r")]));
    assert_eq!((codes(&wanted), first(&wanted)), (vec![], vec![]));
    // Both are taken by others, which are only reported.
    let wanted = run(&plain(), &live_with(vec![rogue("r1"), rogue("r2")]));
    assert_eq!(codes(&wanted), ["no-free-delivery-slot"]);
    assert!(wanted.refusals[0].1.contains("(r1)") && wanted.refusals[0].1.contains("(r2)"));
    // An undeclared one goes first; the delivery that works today does not.
    let wanted = run(&disabling, &live_with(vec![old("d"), rogue("r")]));
    assert_eq!((codes(&wanted), first(&wanted)), (vec![], vec!["r".to_owned()]));
    let wanted = run(&disabling, &live_with(vec![old("d1"), old("d2")]));
    assert_eq!(codes(&wanted), ["no-free-delivery-slot"]);
    // A broken one has nothing to lose.
    let broken = delivery("b", "o", "s", "old", "USER_FAILURE");
    let wanted = run(&plain(), &live_with(vec![old("d"), broken]));
    assert_eq!((codes(&wanted), first(&wanted)), (vec![], vec!["b".to_owned()]));
}

#[test]
fn an_account_full_of_storage_configurations_is_said_before_it_refuses() {
    let other = |index| StorageConfiguration {
        storage_configuration_id: format!("id-{index}"),
        storage_configuration_name: format!("name-{index}"),
        bucket_name: format!("workspace-root-{index}"),
        creation_time: 0,
    };
    let with = |all: Vec<StorageConfiguration>, desired: &Desired| {
        let mut live = new_account(&plain());
        put(&mut live, &databricks(), Read::StorageConfigurations, Fact::StorageConfigurations(all));
        run(desired, &live).notices.into_iter().find(|one| one.code == "storage-configurations-full")
    };
    let full: Vec<StorageConfiguration> = (0..50).map(other).collect();
    assert_eq!(with(full.iter().skip(1).cloned().collect(), &plain()), None);
    let said = with(full.clone(), &plain()).unwrap();
    assert!(said.message.contains("has 50") && said.message.contains("1 more"), "{}", said.message);
    assert_eq!(said.address.to_string(), "acme/storage-configuration[audit]");
    // Nothing is made.
    let mut disabled = plain();
    disabled.delivery.status = DeliveryStatus::Disabled;
    assert_eq!(with(full.clone(), &disabled), None);
    let mut own = full;
    own[7].bucket_name = BUCKET.to_owned();
    assert_eq!(with(own, &plain()), None);
}

#[test]
fn filtered_deliveries_have_slots_per_workspace() {
    let filtered = |id: &str, ids: &[i64]| LogDelivery {
        workspace_ids_filter: ids.to_vec(),
        ..delivery(id, "o", "x", "", "SUCCEEDED")
    };
    let mut desired = plain();
    desired.delivery.workspaces = vec![12, 11];
    let taken = live_with(vec![filtered("a", &[11]), filtered("b", &[11, 13])]);
    assert_eq!(codes(&run(&desired, &taken)), ["no-free-delivery-slot"]);
    let free = live_with(vec![filtered("a", &[11]), filtered("b", &[13]), old("x1"), old("x2")]);
    assert_eq!(codes(&run(&desired, &free)), [""; 0]);
    assert_eq!(wanted_delivery(&desired, &free).workspace_ids_filter, [11, 12]);
}

#[test]
fn a_disabled_delivery_is_not_created() {
    let mut desired = plain();
    desired.delivery.status = DeliveryStatus::Disabled;
    let wanted = run(&desired, &live_with(vec![]));
    assert!(wanted.find("acme", Kind::LogDelivery, "primary").is_none());
    assert!(notices(&wanted).contains(&"delivery-disabled"));
    assert_eq!(wanted_delivery(&desired, &live_with(vec![declared("d")])).status, "DISABLED");
}

#[test]
fn an_audit_bucket_that_is_a_workspace_root_is_refused() {
    let mut live = live_with(vec![]);
    let mut root = workspace(12, "prod");
    root.storage_configuration_id = Some("s".to_owned());
    put(&mut live, &databricks(), Read::Workspaces, Fact::Workspaces(vec![root, workspace(11, "dev")]));
    assert_eq!(codes(&run(&plain(), &live)), ["audit-bucket-is-workspace-root"]);
}

#[test]
fn a_role_that_delivers_elsewhere_too_is_not_narrowed_unasked() {
    let mut desired = plain();
    desired.role.arn = arn(OLD_ROLE);
    let live = live_with(vec![delivery("d2", "o", "x", "old", "SUCCEEDED")]);
    assert_eq!(codes(&run(&desired, &live)), ["delivery-role-used-elsewhere"]);
    // Unless that delivery is switched off by the same plan.
    desired.delivery.undeclared = Undeclared::Disable;
    assert_eq!(codes(&run(&desired, &live)), [""; 0]);
}

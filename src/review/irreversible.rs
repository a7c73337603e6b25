//! Steps of the next plan that nobody can take back.

use crate::model::Desired;
use crate::model::desired::{DeliveryStatus, LockMode};

use super::Irreversible;
use super::pairs::Pair;

pub(super) fn steps(pair: &Pair<'_>) -> Vec<Irreversible> {
    let Some(head) = pair.head else { return Vec::new() };
    let mut steps = Vec::new();
    let mut add = |code: &str, message: String| {
        steps.push(Irreversible { manifest: head.name.clone(), code: code.to_owned(), message });
    };
    lock(pair.base, head, &mut add);
    let delivers = head.delivery.status == DeliveryStatus::Enabled;
    let same = pair.base.is_some_and(|base| delivery(base) == delivery(head));
    if delivers && !same {
        let bucket = &head.delivery.bucket;
        add(
            "irreversible-log-delivery",
            format!(
                "unless it exists, a log-delivery configuration for `{bucket}` is created: Databricks lets it be disabled, never deleted"
            ),
        );
    }
    steps
}

/// What a log-delivery configuration is made of: none of it can be changed afterwards.
fn delivery(one: &Desired) -> (&str, &str, &str, String, Vec<i64>) {
    let mut workspaces = one.delivery.workspaces.clone();
    workspaces.sort_unstable();
    let account = one.databricks.account_id.as_str();
    (account, &one.delivery.bucket, &one.delivery.prefix, one.role.arn.to_string(), workspaces)
}

fn lock(base: Option<&Desired>, head: &Desired, add: &mut dyn FnMut(&str, String)) {
    let Some(lock) = &head.bucket.object_lock else { return };
    let earlier = base.filter(|base| base.delivery.bucket == head.delivery.bucket);
    let earlier = earlier.and_then(|base| base.bucket.object_lock.as_ref());
    let bucket = &head.delivery.bucket;
    if earlier.is_none() {
        add("irreversible-object-lock", format!("object lock is switched on for `{bucket}`, and stays"));
    }
    let compliance = lock.mode == LockMode::Compliance;
    let held = earlier.filter(|one| one.mode == LockMode::Compliance).map_or(0, |one| one.days);
    if compliance && lock.days > held {
        let days = lock.days;
        add(
            "irreversible-compliance-retention",
            format!("every new object of `{bucket}` is held for {days} days, for the root user too"),
        );
    }
}

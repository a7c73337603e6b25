//! Who can, as the lists of a declaration have it.

use std::collections::BTreeMap;

use crate::access::Question;
use crate::harden::replication_role;
use crate::manifest::join;
use crate::model::Desired;
use crate::model::desired::Reader;

use super::pairs::Pair;
use super::{AccessChange, Direction};

const LOGS: &str = "the delivered logs";
/// Said only of somebody who reads before and after.
const WITHOUT_MFA: &str = "also without multi-factor authentication";

/// (question, who, what) → the path that says so.
type Holders = BTreeMap<(Question, String, String), String>;

pub(super) fn changes(pair: &Pair<'_>) -> Vec<AccessChange> {
    let mut before = pair.base.map(holders).unwrap_or_default();
    let after = pair.head.map(holders).unwrap_or_default();
    if let Some((base, head)) = pair.both()
        && base.delivery.prefix != head.delivery.prefix
    {
        // Whoever reads what is delivered now has read what was delivered under the old prefix.
        let old = below(&base.delivery.prefix);
        let read = before.iter().filter(|((question, _, what), _)| *question == Question::Read && what == LOGS);
        let read: Vec<_> =
            read.map(|((_, who, _), why)| ((Question::Read, who.clone(), old.clone()), why.clone())).collect();
        before.extend(read);
    }
    let minus = |left: &Holders, right: &Holders, change| -> Vec<AccessChange> {
        let reads = |who: &String| right.contains_key(&(Question::Read, who.clone(), LOGS.to_owned()));
        let only = left
            .iter()
            .filter(|(key, _)| !right.contains_key(*key))
            .filter(|((_, who, what), _)| what != WITHOUT_MFA || reads(who));
        only.map(|((question, who, what), because)| AccessChange {
            manifest: pair.name().to_owned(),
            change,
            question: *question,
            who: who.clone(),
            what: what.clone(),
            because: because.clone(),
        })
        .collect()
    };
    let mut changes = minus(&after, &before, Direction::Gains);
    changes.extend(minus(&before, &after, Direction::Loses));
    changes
}

fn below(prefix: &str) -> String {
    if prefix.is_empty() { "logs at the root of the bucket".to_owned() } else { format!("logs below `{prefix}/`") }
}

fn holders(desired: &Desired) -> Holders {
    let mut holders = Holders::new();
    let mut add = |question, who: String, what: &str, because: &str| {
        holders.entry((question, who, what.to_owned())).or_insert_with(|| because.to_owned());
    };
    let mut places: Vec<(String, String)> = vec![(LOGS.to_owned(), String::new())];
    places.extend(
        desired.delivery.previous_prefixes.iter().map(|one| (below(one), "delivery.previous_prefixes".to_owned())),
    );
    places.extend(
        desired
            .key
            .previous
            .iter()
            .map(|key| (format!("logs under the previous key `{key}`"), "key.previous".to_owned())),
    );
    let copies: Vec<String> = desired
        .bucket
        .replicas
        .iter()
        .map(|one| format!("copies in `{}` (account {}, {})", one.bucket, one.account_id, one.region))
        .collect();
    places.extend(copies.iter().map(|copy| (copy.clone(), "bucket.replicas".to_owned())));

    for (who, because, mfa) in readers(desired) {
        for (what, place) in &places {
            let because = if place.is_empty() { &because } else { place };
            add(Question::Read, who.clone(), what, because);
        }
        if !mfa {
            add(Question::Read, who.clone(), WITHOUT_MFA, &because);
        }
        add(Question::List, who, "object names", &because);
    }
    for (name, reader) in &desired.readers {
        if let Reader::Databricks { principal } = reader
            && desired.unity_catalog.enabled
        {
            add(Question::Read, principal.clone(), "`system.access`", &join("readers", name));
        }
    }
    for (name, admin) in &desired.admins {
        let because = join("admins", name);
        add(Question::Tamper, admin.role.to_string(), "the configuration of bucket, key and roles", &because);
        add(Question::List, admin.role.to_string(), "object names", &because);
    }
    for (name, observer) in &desired.observers {
        add(Question::List, observer.role.to_string(), "object names", &join("observers", name));
    }
    let delivery = desired.role.arn.to_string();
    for question in [Question::Read, Question::Write, Question::List] {
        add(question, delivery.clone(), LOGS, "role.arn");
    }
    if let Some(role) = replication_role(desired) {
        add(Question::Read, role.to_string(), LOGS, "bucket.replicas");
        for prefix in &desired.delivery.previous_prefixes {
            add(Question::Read, role.to_string(), &below(prefix), "bucket.replicas");
        }
        for copy in &copies {
            add(Question::Write, role.to_string(), copy, "bucket.replicas");
        }
    }
    for (role, because) in access_log_readers(desired) {
        add(Question::Read, role, "the access log", &because);
    }
    holders
}

/// Roles that read objects, the path that declares each, and whether only with multi-factor authentication.
fn readers(desired: &Desired) -> Vec<(String, String, bool)> {
    let readers = desired.readers.iter().filter_map(|(name, reader)| match reader {
        Reader::Role { role, mfa } => Some((role.to_string(), join("readers", name), *mfa)),
        Reader::Databricks { .. } => None,
    });
    let scanners = desired.scanners.iter().map(|(name, one)| (one.role.to_string(), join("scanners", name), false));
    readers.chain(scanners).collect()
}

/// The admins when none is declared.
fn access_log_readers(desired: &Desired) -> Vec<(String, String)> {
    let declared = &desired.bucket.access_log.readers;
    if declared.is_empty() {
        return desired.admins.iter().map(|(name, one)| (one.role.to_string(), join("admins", name))).collect();
    }
    declared.iter().map(|role| (role.to_string(), "bucket.access_log.readers".to_owned())).collect()
}

//! Replicas: buckets with the same rules and keys of their own, and the configuration that fills them.

use std::collections::BTreeMap;

use crate::model::bucket::{Replication, ReplicationRule};
use crate::model::desired::Replica;
use crate::model::live::Read;
use crate::model::{Desired, Fact, Kind};

use super::bucket::{self, Site};
use super::bucket_policy;
use super::draft::{Draft, Item};
use super::key::{self, KeyChoice, KeySpec};
use super::lifecycle::{self, Retained, folder};
use super::names::{bucket_arn, replica_alias, replica_name, replica_place, replication_role};
use super::parties::Parties;
use super::role;
use super::role_policy::{Destination, REPLICA_KEYS};

/// Replica buckets with their keys, the replication role, and the replication of the audit bucket: exactly the declared.
pub(super) fn want(draft: &mut Draft<'_>, desired: &Desired, audit: &Site<'_>, p: &Parties) {
    let replicas = &desired.bucket.replicas;
    if replicas.len() > REPLICA_KEYS.len() {
        draft.refuse(
            "too-many-replicas",
            format!("{} replicas are declared, {} are possible", replicas.len(), REPLICA_KEYS.len()),
        );
        return;
    }
    let mut destinations = Vec::new();
    for replica in replicas {
        let key = want_replica(draft, desired, replica, p);
        destinations.push(Destination {
            bucket: replica.bucket.clone(),
            account: replica.account_id.clone(),
            region: replica.region.clone(),
            key,
        });
    }
    role::want_replication(draft, desired, p, &destinations);
    let read = Read::BucketReplication { bucket: audit.name_of_bucket() };
    let live = draft.peek(&audit.place, read.clone(), Fact::replication);
    let metered =
        |id: &str| live.as_ref().is_some_and(|live| live.rules.iter().any(|rule| rule.id == id && rule.metrics));
    let mut rules = rules(desired, p, &destinations);
    for rule in &mut rules {
        // Metrics are nobody's access: who switched them on keeps them.
        rule.metrics = metered(&rule.id);
    }
    let role = replication_role(desired).map(|arn| arn.to_string()).unwrap_or_default();
    let mut item = Item::new(&audit.address(Kind::BucketReplication), &audit.place, read, Replication { role, rules })
        .because("", "B16: copies go to declared buckets only")
        .after(Kind::BucketVersioning, "audit")
        .after(Kind::RolePolicy, "replication")
        .after(Kind::KmsKeyPolicy, "audit");
    for replica in replicas {
        let name = replica_name(replica);
        item = item
            .after(Kind::BucketVersioning, &name)
            .after(Kind::BucketPolicy, &name)
            .after(Kind::BucketEncryption, &name)
            .after(Kind::KmsKeyPolicy, &name);
    }
    draft.want(item);
}

/// Everything of one replica bucket. Returns its key, as ARN or token.
fn want_replica(draft: &mut Draft<'_>, desired: &Desired, replica: &Replica, p: &Parties) -> String {
    let name = replica_name(replica);
    let spec = KeySpec {
        manifest: &desired.name,
        name: name.clone(),
        place: replica_place(replica),
        arn: None,
        alias: replica_alias(replica),
        owner: desired.owner(),
        rotation_days: desired.key.rotation_days,
    };
    let choice = spec.find(draft.live).unwrap_or_else(|gap| {
        draft.gap(gap);
        KeyChoice::Create
    });
    let symbol = spec.symbol(&choice);
    if replica.account_id != desired.aws.account_id {
        refuse_elsewhere(draft, desired, replica);
    }
    let parties = p.replica(replica, &symbol);
    key::want(draft, &spec, &choice, &parties, None);
    let site = Site {
        manifest: &desired.name,
        name: name.clone(),
        place: replica_place(replica),
        bucket: replica.bucket.clone(),
        owner: desired.owner(),
    };
    bucket::common(draft, &site);
    let after = [(Kind::Role, "replication"), (Kind::KmsKey, name.as_str())];
    bucket::policy(draft, &site, &bucket_policy::statements(&parties), None, &bucket_policy::SIDS, &after);
    bucket::encrypted_with(draft, &site, &symbol);
    bucket::object_lock(draft, &site, desired.bucket.object_lock.as_ref());
    lifecycle::want(
        draft,
        &site,
        &Retained {
            prefixes: &folders(desired),
            days: desired.bucket.retention_days,
            noncurrent_days: desired.bucket.noncurrent_retention_days,
            abort_multipart_days: desired.bucket.abort_multipart_days,
        },
    );
    symbol
}

/// A bucket and a key in another account are administered from there: KMS takes a key policy only from the key's own
/// account.
fn refuse_elsewhere(draft: &mut Draft<'_>, desired: &Desired, replica: &Replica) {
    let (bucket, account) = (&replica.bucket, &replica.account_id);
    if replica.profile.is_none() {
        draft.refuse(
            "replica-elsewhere",
            format!("the replica `{bucket}` is in the account `{account}`: set `profile` in its `[[bucket.replicas]]`"),
        );
    }
    if !desired.admins.values().any(|admin| admin.role.account == *account) {
        draft.refuse(
            "replica-without-admin",
            format!(
                "no admin is a role of the account `{account}` of the replica `{bucket}`: declare one in `[admins]`"
            ),
        );
    }
}

/// The delivery prefix, then the previous ones, with their slashes.
pub(super) fn folders(desired: &Desired) -> Vec<String> {
    let mut previous = desired.delivery.previous_prefixes.clone();
    previous.retain(|prefix| *prefix != desired.delivery.prefix);
    previous.sort();
    previous.dedup();
    std::iter::once(&desired.delivery.prefix).chain(&previous).map(|prefix| folder(prefix)).collect()
}

/// One rule per replica and prefix, without delete markers: what is deleted at the source stays in the copy.
fn rules(desired: &Desired, p: &Parties, destinations: &[Destination]) -> Vec<ReplicationRule> {
    let prefixes = folders(desired);
    let pairs = destinations
        .iter()
        .flat_map(|one| prefixes.iter().enumerate().map(move |(index, prefix)| (one, index, prefix)));
    let mut rules: Vec<ReplicationRule> = pairs
        .zip(1_i32..)
        .map(|((one, index, prefix), priority)| {
            let foreign = one.account != p.account;
            ReplicationRule {
                id: if index == 0 {
                    format!("auditseal-{}", one.bucket)
                } else {
                    format!("auditseal-{}-previous-{index}", one.bucket)
                },
                enabled: true,
                priority,
                prefix: prefix.clone(),
                tags: BTreeMap::new(),
                bucket: bucket_arn(p.partition, &one.bucket),
                account: foreign.then(|| one.account.clone()),
                storage_class: None,
                replica_key: Some(one.key.clone()),
                owner_override: foreign,
                kms_objects: true,
                delete_markers: false,
                replica_modifications: false,
                replication_time: false,
                metrics: false,
            }
        })
        .collect();
    rules.sort();
    rules
}

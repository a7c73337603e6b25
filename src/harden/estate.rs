//! The whole: every manifest, then what manifests share.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::wanted::Wanted;
use crate::model::{Address, Control, Desired, Kind, Live};

use super::bucket::{self, Site};
use super::draft::Draft;
use super::key::{self, KeyChoice, KeySpec};
use super::lifecycle::{self, Retained};
use super::parties::Parties;
use super::role::Writers;
use super::statement::sorted;
use super::waived::{self, InForce, log_is_without_use};
use super::writers::default_key;
use super::{LiveWriter, Scope, access_policy, account, bucket_policy, delivery, live_writers};
use super::{principals, replica, role, size, unity_catalog, workspace};

/// Everything that is wanted of live state, with the reasons. `desired` are all planned manifests; their order does not
/// matter.
#[must_use]
pub fn harden(desired: &[Desired], live: &Live, scope: Scope) -> Wanted {
    let mut manifests: Vec<&Desired> = desired.iter().collect();
    manifests.sort_by(|a, b| a.name.cmp(&b.name));
    let waivers = InForce::of(&manifests, scope.today);
    let mut draft = Draft { live, scope, waivers, out: Wanted::default() };
    shared_roles(&mut draft, &manifests);
    for desired in &manifests {
        estate(&mut draft, desired);
    }
    for group in grouped(&manifests, |one| one.databricks.account_id.as_str()) {
        delivery::want(&mut draft, &group);
        unity_catalog::want(&mut draft, &group);
        workspace::want(&mut draft, &group);
    }
    for group in grouped(&manifests, |one| one.aws.account_id.as_str()) {
        account::want(&mut draft, &group);
    }
    waived::apply(&mut draft, &manifests);
    size::check_all(&mut draft);
    finished(draft.out)
}

fn grouped<'a>(manifests: &[&'a Desired], key: fn(&Desired) -> &str) -> Vec<Vec<&'a Desired>> {
    let mut groups: BTreeMap<&str, Vec<&'a Desired>> = BTreeMap::new();
    for desired in manifests {
        groups.entry(key(desired)).or_default().push(desired);
    }
    groups.into_values().collect()
}

/// Two estates cannot share a delivery role: its one inline policy is written for one bucket (Databricks docs ask for a
/// role per bucket).
fn shared_roles(draft: &mut Draft<'_>, manifests: &[&Desired]) {
    let mut seen = BTreeMap::new();
    for desired in manifests {
        if let Some(other) = seen.insert(&desired.role.arn, &desired.name) {
            draft.refuse(
                "role-declared-twice",
                format!(
                    "`{other}` and `{}` declare the delivery role `{}`: give each bucket its own",
                    desired.name, desired.role.arn
                ),
            );
        }
    }
}

/// One manifest's own resources.
fn estate(draft: &mut Draft<'_>, desired: &Desired) {
    let spec = KeySpec::of(desired);
    let choice = spec.find(draft.live).unwrap_or_else(|gap| {
        draft.gap(gap);
        KeyChoice::Create
    });
    let symbol = spec.symbol(&choice);
    let keys = Keys::of(draft, desired, &choice, &symbol);
    let (staying, leaving) = writers(draft, desired);
    // One that delivers as declared needs nothing that the final policies do not give.
    let moves = |one: &&LiveWriter| one.moves(desired) || keys.move_from(one);
    let rekeyed = |one: &&LiveWriter| keys.move_from(one);
    let moving: Vec<LiveWriter> = leaving.iter().filter(moves).chain(staying.iter().filter(rekeyed)).cloned().collect();
    draft.out.moving |= !moving.is_empty();
    let p = Parties::declared(desired, keys.named.clone());
    principals::check(draft, desired);
    role::want_delivery(draft, desired, &p, &Writers { moving: &moving, staying: &staying });
    let p = p.and(&staying);
    let first = (!moving.is_empty()).then(|| p.with(&moving));
    if keys.wanted {
        key::want(draft, &spec, &choice, &p, first.as_ref());
    }
    if !log_is_without_use(draft, desired) {
        access_log(draft, desired, &p);
    }
    let site = site(desired, "audit", &desired.delivery.bucket);
    audit(draft, desired, &site, &symbol, &p, first.as_ref());
    replica::want(draft, desired, &site, &p);
}

/// The key of an audit bucket, as the policies name it.
struct Keys {
    /// ARNs or tokens.
    named: Vec<String>,
    /// Whether a key is reconciled: one that would have to be made is not, while the customer key is waived.
    wanted: bool,
    /// Whether new objects are going to be encrypted with the named one.
    moves: bool,
}

impl Keys {
    fn of(draft: &Draft<'_>, desired: &Desired, choice: &KeyChoice, symbol: &str) -> Self {
        let encryption = Address::new(desired.name.clone(), Kind::BucketEncryption, "audit");
        if !draft.waives(&encryption, Control::CustomerKey) {
            return Self { named: vec![symbol.to_owned()], wanted: true, moves: true };
        }
        let wanted = matches!(choice, KeyChoice::Existing(_));
        let today = default_key(desired, draft.live);
        Self { named: sorted(today.into_iter().chain(wanted.then(|| symbol.to_owned()))), wanted, moves: false }
    }

    /// Whether a live delivery encrypts with another key than it is going to.
    fn move_from(&self, writer: &LiveWriter) -> bool {
        self.moves && !self.named.iter().all(|key| writer.key.as_ref() == Some(key))
    }
}

/// The live writers: those that a waiver lets deliver in their own way for now, and the others.
fn writers(draft: &Draft<'_>, desired: &Desired) -> (Vec<LiveWriter>, Vec<LiveWriter>) {
    let stays = |one: &LiveWriter| {
        let address = Address::new(desired.name.clone(), Kind::LogDelivery, one.config_id.clone());
        one.moves(desired) && draft.waives(&address, Control::OtherDeliveries)
    };
    live_writers(desired, draft.live).into_iter().partition(stays)
}

fn site<'a>(desired: &'a Desired, name: &str, bucket: &str) -> Site<'a> {
    Site {
        manifest: &desired.name,
        name: name.to_owned(),
        place: desired.aws_place(),
        bucket: bucket.to_owned(),
        owner: desired.owner(),
    }
}

fn audit(draft: &mut Draft<'_>, desired: &Desired, site: &Site<'_>, key: &str, p: &Parties, first: Option<&Parties>) {
    bucket::common(draft, site);
    let first = first.map(bucket_policy::statements);
    let after = [(Kind::Role, "delivery"), (Kind::Role, "replication"), (Kind::KmsKey, "audit")];
    bucket::policy(draft, site, &bucket_policy::statements(p), first.as_deref(), &bucket_policy::SIDS, &after);
    bucket::encrypted_with(draft, site, key);
    bucket::object_lock(draft, site, desired.bucket.object_lock.as_ref());
    let retained = Retained {
        prefixes: &replica::folders(desired),
        days: desired.bucket.retention_days,
        noncurrent_days: desired.bucket.noncurrent_retention_days,
        abort_multipart_days: desired.bucket.abort_multipart_days,
    };
    lifecycle::want(draft, site, &retained);
    bucket::logging(draft, site, &desired.bucket.access_log);
    bucket::notification(draft, site, desired.bucket.event_bridge);
}

fn access_log(draft: &mut Draft<'_>, desired: &Desired, p: &Parties) {
    let log = &desired.bucket.access_log;
    let site = site(desired, "access", &log.bucket);
    bucket::common(draft, &site);
    bucket::policy(draft, &site, &access_policy::statements(desired, p), None, &access_policy::SIDS, &[]);
    bucket::encrypted_by_s3(draft, &site);
    bucket::refuse_object_lock(draft, &site);
    let retained = Retained {
        prefixes: std::slice::from_ref(&log.prefix),
        days: log.retention_days,
        noncurrent_days: desired.bucket.noncurrent_retention_days,
        abort_multipart_days: desired.bucket.abort_multipart_days,
    };
    lifecycle::want(draft, &site, &retained);
}

/// Sorted, and without dependencies on what is not wanted.
fn finished(mut out: Wanted) -> Wanted {
    out.resources.sort_by(|a, b| a.address.cmp(&b.address));
    let there: BTreeSet<Address> = out.resources.iter().map(|one| one.address.clone()).collect();
    for one in &mut out.resources {
        one.after.retain(|address| there.contains(address));
        one.after.sort();
    }
    out.retire.sort_by(|a, b| a.address.cmp(&b.address));
    out.notices.sort_by(|a, b| (&a.address, &a.code, &a.message).cmp(&(&b.address, &b.code, &b.message)));
    out.refusals.sort();
    out.gaps.sort();
    out
}

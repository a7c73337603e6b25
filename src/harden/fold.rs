//! One wanted fact, with what is waived of it as it is live.

use std::collections::BTreeSet;

use crate::iam::Resolver;
use crate::model::bucket::{Encryption, Lifecycle, LifecycleRule, Notification, PublicAccessBlock};
use crate::model::fact::{Names, PolicyText, Tags};
use crate::model::key::Key;
use crate::model::role::Role;
use crate::model::{Fact, Kind};

use super::fold_policy;

/// What would be wanted is a configuration without content, which the cloud does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Empties;

/// The fact to want instead; `None` when nothing of it is wanted any more. `waived` judges field paths of the diff.
pub(super) fn fold(
    kind: Kind,
    name: &str,
    wanted: &Fact,
    live: Option<&Fact>,
    waived: &dyn Fn(&str) -> bool,
    resolver: &Resolver,
) -> Result<Option<Fact>, Empties> {
    let whole = |path: &str| Ok(if waived(path) { live.cloned() } else { Some(wanted.clone()) });
    match wanted {
        Fact::AccountAndBucketBlock(block) => Ok(public_access_block(block, live, waived).map(Fact::from)),
        Fact::BucketOwnership(_) => whole("object_ownership"),
        Fact::BucketAcl(_) => whole("grants"),
        Fact::BucketEncryption(_) if name == "access" => whole("algorithm"),
        Fact::BucketEncryption(encryption) => Ok(default_encryption(encryption, live, waived).map(Fact::from)),
        Fact::BucketVersioning(_) => whole("status"),
        Fact::BucketObjectLock(_) => whole("enabled"),
        Fact::BucketLogging(_) => whole("target_bucket"),
        Fact::BucketReplication(_) => whole("role"),
        Fact::KeyRotation(_) => whole("enabled"),
        Fact::SystemSchemas(_) => whole("schemas"),
        Fact::Privileges(_) => whole("grants"),
        Fact::WorkspaceConf(_) => whole(""),
        Fact::BucketLifecycle(rules) => lifecycle(rules, live, waived),
        Fact::BucketNotification(notification) => Ok(Some(events(notification, live, waived).into())),
        Fact::Policy(_) if kind == Kind::RolePolicy => whole("policy"),
        Fact::Policy(PolicyText(text)) => {
            let live = live.and_then(Fact::policy).map(|PolicyText(text)| text.as_str());
            let folded = fold_policy::fold("", text, live, waived, resolver)?;
            Ok(folded.map(|text| PolicyText(text).into()))
        }
        Fact::Role(role) => Ok(Some(self::role(role, live, waived, resolver)?.into())),
        Fact::Key(key) => Ok(Some(self::key(key, live, waived).into())),
        Fact::KeyGrants(_) => {
            let kept = live.and_then(Fact::grants).into_iter().flatten();
            Ok(Some(kept.filter(|grant| waived(&format!("grants[{}]", grant.id))).cloned().collect::<Vec<_>>().into()))
        }
        Fact::Names(_) if kind == Kind::KmsAlias => whole("aliases"),
        Fact::Names(Names(names)) => Ok(Some(names_of(kind, names, live, waived).into())),
        Fact::Tags(tags) => Ok(Some(self::tags(tags, live, waived).into())),
        _ => Ok(Some(wanted.clone())),
    }
}

fn public_access_block(
    wanted: &PublicAccessBlock,
    live: Option<&Fact>,
    waived: &dyn Fn(&str) -> bool,
) -> Option<PublicAccessBlock> {
    let live = live.and_then(Fact::public_access_block);
    let side = |path: &str, get: fn(&PublicAccessBlock) -> bool| {
        if waived(path) { live.is_some_and(get) } else { get(wanted) }
    };
    let folded = PublicAccessBlock {
        block_public_acls: side("block_public_acls", |one| one.block_public_acls),
        ignore_public_acls: side("ignore_public_acls", |one| one.ignore_public_acls),
        block_public_policy: side("block_public_policy", |one| one.block_public_policy),
        restrict_public_buckets: side("restrict_public_buckets", |one| one.restrict_public_buckets),
    };
    let PublicAccessBlock { block_public_acls, ignore_public_acls, block_public_policy, restrict_public_buckets } =
        folded;
    let any = block_public_acls || ignore_public_acls || block_public_policy || restrict_public_buckets;
    // No configuration and one with every switch off mean the same, and only the one that is there is kept.
    (any || live.is_some()).then_some(folded)
}

fn default_encryption(wanted: &Encryption, live: Option<&Fact>, waived: &dyn Fn(&str) -> bool) -> Option<Encryption> {
    let live = live.and_then(Fact::encryption);
    let mut folded = wanted.clone();
    if waived("algorithm") {
        let live = live?;
        folded.algorithm.clone_from(&live.algorithm);
        folded.key.clone_from(&live.key);
        if !live.algorithm.starts_with("aws:kms") {
            // Only calls to KMS can be saved by a bucket key.
            folded.bucket_key = live.bucket_key;
        }
    }
    if waived("bucket_key") {
        folded.bucket_key = live.is_some_and(|live| live.bucket_key);
    }
    Some(folded)
}

fn lifecycle(wanted: &Lifecycle, live: Option<&Fact>, waived: &dyn Fn(&str) -> bool) -> Result<Option<Fact>, Empties> {
    let live: &[LifecycleRule] = live.and_then(Fact::lifecycle).map_or(&[], |live| &live.rules);
    let ids: BTreeSet<&String> = wanted.rules.iter().chain(live).map(|rule| &rule.id).collect();
    let of = |rules: &[LifecycleRule], id: &String| rules.iter().filter(|rule| rule.id == *id).cloned().collect();
    let rules: Vec<LifecycleRule> = ids
        .into_iter()
        .flat_map(|id| -> Vec<LifecycleRule> {
            if waived(&format!("rules[{id}]")) { of(live, id) } else { of(&wanted.rules, id) }
        })
        .collect();
    match (rules.is_empty(), live.is_empty()) {
        (true, true) => Ok(None),
        (true, false) => Err(Empties),
        (false, _) => Ok(Some(Lifecycle { rules }.into())),
    }
}

fn events(wanted: &Notification, live: Option<&Fact>, waived: &dyn Fn(&str) -> bool) -> Notification {
    let mut folded = wanted.clone();
    if waived("event_bridge") {
        folded.event_bridge = live.and_then(Fact::notification).is_some_and(|live| live.event_bridge);
    }
    folded
}

/// A role that does not exist is made as declared.
fn role(
    wanted: &Role,
    live: Option<&Fact>,
    waived: &dyn Fn(&str) -> bool,
    resolver: &Resolver,
) -> Result<Role, Empties> {
    let mut folded = wanted.clone();
    if let Some(live) = live.and_then(Fact::role) {
        if let Some(trust) = fold_policy::fold("trust.", &wanted.trust, Some(&live.trust), waived, resolver)? {
            folded.trust = trust;
        }
        folded.tags = self::tags(&Tags(wanted.tags.clone()), Some(&Tags(live.tags.clone()).into()), waived).0;
    }
    Ok(folded)
}

fn key(wanted: &Key, live: Option<&Fact>, waived: &dyn Fn(&str) -> bool) -> Key {
    let mut folded = wanted.clone();
    if let Some(live) = live.and_then(Fact::key)
        && waived("state")
    {
        folded.state.clone_from(&live.state);
    }
    folded
}

fn names_of(kind: Kind, wanted: &[String], live: Option<&Fact>, waived: &dyn Fn(&str) -> bool) -> Names {
    let list = if kind == Kind::RoleInlinePolicies { "inline_policies" } else { "attached_policies" };
    let live: &[String] = live.and_then(Fact::names).map_or(&[], |Names(live)| live);
    let all: BTreeSet<&String> = wanted.iter().chain(live).collect();
    let there = |name: &&String| {
        let side = if waived(&format!("{list}[{name}]")) { live } else { wanted };
        side.contains(name)
    };
    Names(all.into_iter().filter(there).cloned().collect())
}

fn tags(wanted: &Tags, live: Option<&Fact>, waived: &dyn Fn(&str) -> bool) -> Tags {
    let none = Tags::default();
    let (Tags(wanted), Tags(live)) = (wanted, live.and_then(Fact::tags).unwrap_or(&none));
    let keys: BTreeSet<&String> = wanted.keys().chain(live.keys()).collect();
    let side = |key: &String| if waived(&format!("tags[\"{key}\"]")) { live.get(key) } else { wanted.get(key) };
    Tags(keys.into_iter().filter_map(|key| Some((key.clone(), side(key)?.clone()))).collect())
}

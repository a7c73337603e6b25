//! What each command needs to be given, worked out offline: the questions that it asks are those of `observe`, the requests
//! those that `plan` may make of what the manifests want, and `call` says what each of them needs.

mod assumed;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::call::{
    Listing, Permission, Query, Read, Reasons, Requirement, Resource, StoreUse, Write, lock_requirements, question,
    read_requirements, store_requirements, write_requirements,
};
use crate::drift;
use crate::harden::{Scope, harden};
use crate::manifest;
use crate::model::desired::Store;
use crate::model::{Desired, Kind, Live, Place, Reference, WantedResource};
use crate::observe::{needed_for_access, needed_for_plan};
use crate::plan::possible::{Aim, possible};

use super::apply::locations;
use assumed::{Estate, assumed};

/// What is asked next, from the answers so far.
type Needed = fn(&[Desired], &Live) -> BTreeSet<Query>;

/// A command of which the permissions are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Plan,
    Apply,
    Drift,
    Access,
    Rollback,
    Forget,
    Unlock,
    /// `init --from-live`.
    Init,
    /// Reads journals and nothing else.
    Runs,
}

impl Command {
    pub const ALL: [Self; 9] = [
        Self::Plan,
        Self::Apply,
        Self::Drift,
        Self::Access,
        Self::Rollback,
        Self::Forget,
        Self::Unlock,
        Self::Init,
        Self::Runs,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Drift => "drift",
            Self::Access => "access",
            Self::Rollback => "rollback",
            Self::Forget => "forget",
            Self::Unlock => "unlock",
            Self::Init => "init --from-live",
            Self::Runs => "runs",
        }
    }

    fn questions(self) -> Option<Needed> {
        match self {
            Self::Plan | Self::Apply | Self::Rollback | Self::Forget | Self::Init => Some(needed_for_plan),
            Self::Drift => Some(needed_for_check),
            Self::Access => Some(needed_for_access),
            Self::Unlock | Self::Runs => None,
        }
    }

    fn aim(self) -> Option<Aim> {
        match self {
            Self::Apply => Some(Aim::Apply),
            Self::Rollback => Some(Aim::Rollback),
            Self::Forget => Some(Aim::Forget),
            _ => None,
        }
    }
}

/// A plan, the newest object of each delivery, and who made a change.
fn needed_for_check(desired: &[Desired], live: &Live) -> BTreeSet<Query> {
    let mut queries = needed_for_plan(desired, live);
    queries.extend(drift::questions(desired, Timestamp::UNIX_EPOCH));
    queries.extend(desired.iter().map(|one| Query {
        place: one.aws_place(),
        read: Read::TrailEvents { event: String::new(), global: false, since: Timestamp::UNIX_EPOCH },
    }));
    queries
}

/// What a command needs for these manifests; with no manifest, for the smallest one, with words in the place of names.
#[must_use]
pub fn permissions(command: Command, desired: &[Desired]) -> Listing {
    if !desired.is_empty() {
        return Listing::new(command.name(), &reasons(command, desired), notes(command, desired));
    }
    let sample = sample();
    let listing = Listing::new(command.name(), &reasons(command, &sample), notes(command, &sample));
    named_by_words(listing)
}

fn reasons(command: Command, desired: &[Desired]) -> Reasons {
    let mut reasons = Reasons::new();
    let mut add = |requirements: Vec<Requirement>, because: &str| {
        for one in requirements {
            reasons.entry(one).or_default().insert(because.to_owned());
        }
    };
    if let Some(needed) = command.questions() {
        for query in needed(desired, &assumed(desired, Estate::Full, needed)) {
            add(read_requirements(&query), &format!("reads the {}", question(&query.read)));
        }
    }
    if let Some(aim) = command.aim() {
        for (place, write, alias) in writes(desired, aim) {
            let requirements = write_requirements(&place, &write);
            add(by_alias(requirements, alias.as_deref()), &format!("sends {}", write.operation()));
        }
    }
    if command.aim().is_some() || command == Command::Unlock {
        for (place, parameter) in locations(desired) {
            let all = lock_requirements(&place, &parameter);
            // Breaking a lock makes none.
            let breaks = |one: &Requirement| one.permission != Permission::Aws("ssm:PutParameter");
            let all = all.into_iter().filter(|one| command != Command::Unlock || breaks(one)).collect();
            add(all, &format!("the lock of the location, {parameter}"));
        }
    }
    for (place, store) in stores(desired) {
        let because = format!("the store, {}", store.url());
        store_uses(command).iter().for_each(|of| add(store_requirements(&place, store, *of), &because));
    }
    reasons
}

/// What a command does with a declared store.
fn store_uses(command: Command) -> &'static [StoreUse] {
    match command {
        Command::Apply | Command::Rollback | Command::Forget => &[StoreUse::KeepRuns],
        Command::Runs => &[StoreUse::ReadRuns],
        Command::Drift => &[StoreUse::KeepChecks],
        Command::Plan | Command::Access | Command::Unlock | Command::Init => &[],
    }
}

/// The stores that manifests declare. Regions are no part of what objects are called; their account's partition is.
fn stores(desired: &[Desired]) -> Vec<(Place, &Store)> {
    let mut found: Vec<(Place, &Store)> = Vec::new();
    for one in desired {
        let Some(store) = &one.store else { continue };
        if found.iter().all(|(_, known)| *known != store) {
            found.push((Place::Aws { account: store.account_id.clone(), region: one.aws.region.clone() }, store));
        }
    }
    found
}

/// Every request that the command may send, with the alias of the key that it is about, when that has no ARN yet.
fn writes(desired: &[Desired], aim: Aim) -> Vec<(Place, Write, Option<String>)> {
    let live = assumed(desired, Estate::Empty, needed_for_plan);
    let wanted = harden(desired, &live, Scope::default());
    let of = |resource: &WantedResource| {
        let alias = alias_of(resource, &wanted.resources);
        let place = resource.query.place.clone();
        possible(resource, aim).into_iter().map(move |write| (place.clone(), write, alias.clone())).collect::<Vec<_>>()
    };
    wanted.resources.iter().flat_map(of).collect()
}

/// The alias that is wanted of the key that a resource is about, when a step makes that key.
fn alias_of(resource: &WantedResource, all: &[WantedResource]) -> Option<String> {
    let text = serde_json::to_string(&resource.query.read).ok()?;
    let by_name = matches!(&resource.query.read, Read::Key { key } if !key.starts_with("arn:"));
    if !by_name && !Reference::occurs_in(&text) {
        return None;
    }
    let names = all.iter().find(|one| {
        one.address.kind == Kind::KmsAlias
            && one.address.manifest == resource.address.manifest
            && one.address.name == resource.address.name
    });
    names.and_then(|one| one.fact.names()).and_then(|names| names.0.first().cloned())
}

/// A key without an ARN is the one that bears the manifest's alias. A key that was just made does not yet, as far as IAM
/// sees: its own policy, which names the admins, allows what is done to it then.
fn by_alias(requirements: Vec<Requirement>, alias: Option<&str>) -> Vec<Requirement> {
    let Some(alias) = alias else { return requirements };
    let named = |one: Requirement| match (&one.resource, one.permission) {
        // Tags at the birth of a key are asked of IAM, before there is any alias.
        (Resource::Key(key), _) if key == "*" => one,
        (Resource::Key(_), _) => Requirement { resource: Resource::KeyNamed(alias.to_owned()), ..one },
        _ => one,
    };
    requirements.into_iter().map(named).collect()
}

fn notes(command: Command, desired: &[Desired]) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |text: String| notes.push(text);
    if let Some((_, store)) = stores(desired).first().filter(|_| !store_uses(command).is_empty()) {
        note(format!(
            "The store {}: where its bucket encrypts with a key of your own, also kms:Decrypt and kms:GenerateDataKey on \
             that key; in another account, the policy of the bucket has to let the caller in too.",
            store.url()
        ));
    } else if command.questions().is_none() && command != Command::Unlock {
        note("Nothing is asked of AWS or Databricks.".to_owned());
        return notes;
    }
    if command.aim().is_some() {
        note(
            "The caller has to be a role that the manifest names under `[admins]`: the policies of bucket and key let \
              nobody else change them."
                .to_owned(),
        );
        note(
            "A move away from a delivery by another role than the declared one also writes a policy of that role: the \
              plan names it, and `apply` says what is missing before it begins."
                .to_owned(),
        );
    }
    if command.aim().is_some() {
        note("Optional: iam:SimulatePrincipalPolicy on the caller itself, for the check before a run, in accounts whose \
              identities it may not read."
            .to_owned());
    }
    if command == Command::Rollback {
        note("What a run changed decides what is put back: most runs need a part of this.".to_owned());
    }
    if command == Command::Drift {
        note("Optional: cloudtrail:LookupEvents, for who made a change. Without it a check says once that this is not known.".to_owned());
        note("Sinks that keep a secret in AWS Secrets Manager also need secretsmanager:GetSecretValue on it, and kms:Decrypt \
              where it is encrypted with a key of your own."
            .to_owned());
    }
    let roles: BTreeSet<String> =
        desired.iter().filter_map(|one| one.aws.assume_role.as_ref()).map(ToString::to_string).collect();
    for role in roles {
        note(format!("The policies are for `{role}`; who takes that role needs sts:AssumeRole on it."));
    }
    notes
}

const ACCOUNT: &str = "111122223333";
const DATABRICKS: &str = "00000000-0000-4000-8000-000000000000";
const REGION: &str = "us-east-1";
const BUCKET: &str = "audit-bucket-name";

/// The smallest manifest.
fn sample() -> Vec<Desired> {
    let text = format!(
        "version = 1\n[databricks]\naccount_id = \"{DATABRICKS}\"\n[aws]\n\
         account_id = \"{ACCOUNT}\"\nregion = \"{REGION}\"\n[delivery]\nbucket = \"{BUCKET}\"\n\
         [readers.reader]\nrole = \"arn:aws:iam::{ACCOUNT}:role/Reader\"\n\
         [admins.admin]\nrole = \"arn:aws:iam::{ACCOUNT}:role/Admin\"\n"
    );
    manifest::parse("manifest", "manifest.toml", &text).into_iter().collect()
}

/// The sample's names as words to be replaced.
fn named_by_words(listing: Listing) -> Listing {
    let worded = |text: String| {
        [(ACCOUNT, "ACCOUNT_ID"), (REGION, "REGION"), (BUCKET, "AUDIT_BUCKET"), (DATABRICKS, "DATABRICKS_ACCOUNT_ID")]
            .iter()
            .fold(text, |text, (name, word)| text.replace(name, word))
    };
    let text = serde_json::to_string(&listing).map(worded);
    match text.ok().and_then(|text| serde_json::from_str::<Listing>(&text).ok()) {
        Some(worded) => Listing { placeholders: true, ..worded },
        None => listing,
    }
}

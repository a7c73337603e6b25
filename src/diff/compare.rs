//! The comparison itself: both sides to fields, fields to changes, changes with their reasons.

use std::collections::BTreeMap;

use crate::model::{Fact, Gap, Kind, Observed};

use super::fields::Fields;
use super::{Diff, FieldChange, bucket, databricks, key, policy, role};

/// What a spelling stands for: the ARN of a principal whose unique id (`AROA…`) a policy shows, or of the key behind an
/// alias. `None` when it is not known; the two spellings then count as different.
pub type Resolve<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Printed when no reason was given for a field: every change has one.
const DECLARED: &str = "not as declared";

/// How live state differs from the wanted fact.
///
/// `reasons` are looked up by the exact path of a field, then by its longest enclosing path, then by `""`.
#[must_use]
pub fn diff(
    kind: Kind,
    before: &Observed<Fact>,
    wanted: &Fact,
    reasons: &BTreeMap<String, String>,
    resolve: &Resolve<'_>,
) -> Diff {
    let before = match before {
        Observed::Present(fact) => Some(fact),
        Observed::Absent => None,
        Observed::Unknown(gap) => return Diff::Unknown(gap.clone()),
    };
    let (before, after) = match sides(kind, before, wanted, resolve) {
        Ok(sides) => sides,
        Err(gap) => return Diff::Unknown(gap),
    };
    let changes: Vec<FieldChange> = before
        .against(&after)
        .into_iter()
        .map(|(path, before, after)| FieldChange { reason: reason(reasons, &path), path, before, after })
        .collect();
    match (changes.is_empty(), before.is_empty()) {
        (true, _) => Diff::Same,
        (false, true) => Diff::Create(changes),
        (false, false) => Diff::Update(changes),
    }
}

type Sides = Result<(Fields, Fields), Gap>;

/// The fields of both sides. A variant that is no kind's answer is named, so that a new one does not compile until it
/// has a place here.
fn sides(kind: Kind, before: Option<&Fact>, wanted: &Fact, resolve: &Resolve<'_>) -> Sides {
    let pair = Pair { kind, before };
    match wanted {
        Fact::AccountAndBucketBlock(w) => pair.even(Fact::public_access_block, w, bucket::public_access_block),
        Fact::BucketRegion(w) => pair.even(Fact::bucket_region, w, bucket::region),
        Fact::Tags(w) => pair.even(Fact::tags, w, bucket::tags),
        Fact::BucketOwnership(w) => pair.even(Fact::ownership, w, bucket::ownership),
        Fact::BucketAcl(w) => pair.even(Fact::acl, w, bucket::acl),
        Fact::BucketEncryption(w) => {
            pair.even(Fact::encryption, w, |side| bucket::encryption(side, w.key.as_deref(), resolve))
        }
        Fact::BucketVersioning(w) => pair.even(Fact::versioning, w, bucket::versioning),
        Fact::BucketObjectLock(w) => pair.even(Fact::object_lock, w, bucket::object_lock),
        Fact::BucketLifecycle(w) => pair.even(Fact::lifecycle, w, bucket::lifecycle),
        Fact::Policy(w) => pair.both(Fact::policy, w, |live, wanted| policy::text("", live, wanted, resolve)),
        Fact::BucketLogging(w) => pair.even(Fact::logging, w, bucket::logging),
        Fact::BucketNotification(w) => pair.both(Fact::notification, w, |live, wanted| {
            // A bucket without notifications answers with an empty configuration; absent says the same.
            (bucket::notification(live.unwrap_or(&Default::default())), bucket::notification(wanted))
        }),
        Fact::BucketReplication(w) => pair.even(Fact::replication, w, bucket::replication),
        Fact::Key(w) => pair.even(Fact::key, w, |side| key::key(side, before.is_none())),
        Fact::KeyRotation(w) => pair.even(Fact::rotation, w, key::rotation),
        Fact::KeyGrants(w) => pair.both(Fact::grants, w, |live, w| key::grants(live, w)),
        Fact::Names(w) => pair.even(Fact::names, w, |side| role::names(kind, side)),
        Fact::Role(w) => pair.both(Fact::role, w, |live, wanted| role::role(live, wanted, resolve)),
        Fact::Credentials(w) => pair.both(Fact::credentials, w, |live, w| databricks::credentials(live, w)),
        Fact::StorageConfigurations(w) => {
            pair.both(Fact::storage_configurations, w, |live, w| databricks::storage_configurations(live, w))
        }
        Fact::LogDeliveries(w) => pair.both(Fact::log_deliveries, w, |live, w| databricks::log_deliveries(live, w)),
        Fact::SystemSchemas(w) => pair.both(Fact::system_schemas, w, |live, w| databricks::system_schemas(live, w)),
        Fact::Privileges(w) => pair.even(Fact::privileges, w, |side| databricks::privileges(side)),
        Fact::WorkspaceConf(w) => pair.both(Fact::workspace_conf, w, databricks::workspace_conf),
        Fact::Caller(_)
        | Fact::Workspaces(_)
        | Fact::Metastores(_)
        | Fact::WorkspaceIds(_)
        | Fact::Authorization(_)
        | Fact::Simulated(_)
        | Fact::AccessPoint(_)
        | Fact::MultiRegionAccessPoints(_)
        | Fact::AccessGrants(_)
        | Fact::Organization(_)
        | Fact::StorageCredentials(_)
        | Fact::ExternalLocations(_)
        | Fact::StoredObjects(_)
        | Fact::OrganizationLevels(_)
        | Fact::DatabricksCaller(_)
        | Fact::DatabricksIdentities(_)
        | Fact::NewestObject(_)
        | Fact::TrailEvents(_) => Err(pair.gap("it is read for orientation and is never a wanted state")),
    }
}

/// The live side of a comparison, on its way to the shape of the wanted one.
#[derive(Clone, Copy)]
struct Pair<'a> {
    kind: Kind,
    before: Option<&'a Fact>,
}

impl<'a> Pair<'a> {
    /// One function for each side on its own.
    fn even<T>(self, narrow: fn(&Fact) -> Option<&T>, wanted: &T, fields: impl Fn(&T) -> Fields) -> Sides {
        self.both(narrow, wanted, |live, wanted| (live.map(&fields).unwrap_or_default(), fields(wanted)))
    }

    /// Where the wanted side decides which part of the live one counts.
    fn both<T: ?Sized>(
        self,
        narrow: fn(&'a Fact) -> Option<&'a T>,
        wanted: &T,
        fields: impl Fn(Option<&T>, &T) -> (Fields, Fields),
    ) -> Sides {
        let live = match self.before {
            None => None,
            Some(fact) => Some(narrow(fact).ok_or_else(|| self.gap("the answer has another shape than wanted"))?),
        };
        Ok(fields(live, wanted))
    }

    fn gap(self, message: &str) -> Gap {
        Gap { what: format!("live state of {}", self.kind), permission: None, message: message.to_owned() }
    }
}

/// Longest path that encloses the field: the path itself, or what ends where a `.`, `[` or `#` of it begins.
fn reason(reasons: &BTreeMap<String, String>, path: &str) -> String {
    reasons
        .iter()
        .filter(|(known, _)| {
            path.strip_prefix(known.as_str())
                .is_some_and(|rest| known.is_empty() || rest.is_empty() || rest.starts_with(['.', '[', '#']))
        })
        .max_by_key(|(known, _)| known.len())
        .map_or_else(|| DECLARED.to_owned(), |(_, reason)| reason.clone())
}

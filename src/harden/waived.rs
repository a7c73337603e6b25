//! Waivers in force: what they keep as it is becomes part of what is wanted, so that neither the diff nor the plan knows
//! an exception.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::model::live::Read;
use crate::model::{Address, Control, Desired, Fact, Kind, Live, Observed, Place, Reference, Waiver, WantedResource};

use super::controls::control_of;
use super::draft::Draft;
use super::fold::{Empties, fold};
use super::kept;

/// The waivers that hold today, by manifest.
#[derive(Clone, Debug, Default)]
pub(super) struct InForce<'a>(BTreeMap<&'a str, Vec<&'a Waiver>>);

impl<'a> InForce<'a> {
    pub(super) fn of(manifests: &[&'a Desired], today: Date) -> Self {
        let held = |one: &'a Desired| one.waivers.iter().filter(|waiver| waiver.holds(today)).collect();
        Self(manifests.iter().map(|one| (one.name.as_str(), held(one))).collect())
    }

    fn is_empty(&self) -> bool {
        self.0.values().all(Vec::is_empty)
    }

    /// Whether a manifest waives a control for one of its resources.
    pub(super) fn waives(&self, manifest: &str, control: Control, kind: Kind, name: &str) -> bool {
        let mine = self.0.get(manifest).into_iter().flatten();
        mine.into_iter().any(|waiver| waiver.control == control && waiver.is_about(kind, name))
    }
}

impl Draft<'_> {
    /// Whether a waiver keeps this as it is.
    pub(super) fn waives(&self, address: &Address, control: Control) -> bool {
        self.waivers.waives(&address.manifest, control, address.kind, &address.name)
    }

    /// What manifests share is waived when all of them waive it.
    pub(super) fn all_waive(&self, manifests: &[&Desired], address: &Address, control: Control) -> bool {
        let waives = |one: &&Desired| self.waivers.waives(&one.name, control, address.kind, &address.name);
        !manifests.is_empty() && manifests.iter().all(waives)
    }
}

/// Folds what is waived into everything that is wanted. What is then wanted in no way is left out.
pub(super) fn apply(draft: &mut Draft<'_>, manifests: &[&Desired]) {
    if draft.waivers.is_empty() {
        return;
    }
    let resolver = kept::resolver(draft.live);
    let resources = std::mem::take(&mut draft.out.resources);
    for mut resource in resources {
        let sharers = sharers(&resource, manifests);
        let WantedResource { address, .. } = &resource;
        let waived = |path: &str| {
            control_of(address.kind, &address.name, path)
                .is_some_and(|control| draft.all_waive(&sharers, address, control))
        };
        let live = match answer(draft.live, &resource) {
            Observed::Present(fact) => Some(fact),
            Observed::Absent if is_born_tagged(draft.live, &resource) => {
                draft.out.resources.push(resource);
                continue;
            }
            Observed::Absent => None,
            Observed::Unknown(_) => {
                draft.out.resources.push(resource);
                continue;
            }
        };
        let folded = fold(address.kind, &address.name, &resource.fact, live.as_ref(), &waived, &resolver);
        let transition = match &resource.transition {
            Some(first) => fold(address.kind, &address.name, first, live.as_ref(), &waived, &resolver),
            None => Ok(None),
        };
        match (folded, transition) {
            (Ok(Some(fact)), Ok(transition)) => {
                resource.transition = transition.filter(|transition| *transition != fact);
                resource.fact = fact;
                draft.out.resources.push(resource);
            }
            (Ok(None), _) => {}
            (Err(Empties), _) | (_, Err(Empties)) => {
                let message = format!(
                    "{}: everything that is declared is waived and everything that is there is not, so that nothing would be left: waive both, or less",
                    resource.address
                );
                draft.refuse("waivers-leave-nothing", message);
                draft.out.resources.push(resource);
            }
        }
    }
}

/// The manifests that a resource belongs to: one, or for what an account has one of, all that reconcile it.
fn sharers<'a>(resource: &WantedResource, manifests: &[&'a Desired]) -> Vec<&'a Desired> {
    let Address { manifest, kind, .. } = &resource.address;
    let shares = |one: &&Desired| match (&resource.query.place, kind) {
        _ if manifest != "_" => one.name == *manifest,
        (Place::Aws { account, .. }, _) => one.aws.account_id == *account && one.account.public_access_block,
        (Place::Databricks { account } | Place::Workspace { account, .. }, Kind::WorkspaceConf) => {
            one.databricks.account_id == *account && !one.workspaces.is_empty()
        }
        (Place::Databricks { account } | Place::Workspace { account, .. }, _) => {
            one.databricks.account_id == *account && one.unity_catalog.enabled
        }
    };
    manifests.iter().copied().filter(shares).collect()
}

/// What is there now; nothing of a key that has to be made.
fn answer(live: &Live, resource: &WantedResource) -> Observed<Fact> {
    let read = &resource.query.read;
    let waits = serde_json::to_string(read).is_ok_and(|text| Reference::occurs_in(&text));
    if waits { Observed::Absent } else { live.get(&resource.query) }
}

/// A bucket or key that the plan makes is marked at birth: the tag is how it is found again when the run is stopped.
fn is_born_tagged(live: &Live, resource: &WantedResource) -> bool {
    match &resource.query.read {
        Read::BucketTags { bucket } => live
            .view(&resource.query.place, Read::BucketLocation { bucket: bucket.clone() }, Fact::bucket_region)
            .is_absent(),
        Read::KeyTags { key } => Reference::occurs_in(key),
        _ => false,
    }
}

/// Whether the access-log bucket of a manifest does not exist, and nothing asks for it.
pub(super) fn log_is_without_use(draft: &Draft<'_>, desired: &Desired) -> bool {
    let logging = Address::new(desired.name.clone(), Kind::BucketLogging, "audit");
    let read = Read::BucketLocation { bucket: desired.bucket.access_log.bucket.clone() };
    draft.waives(&logging, Control::AccessLogging)
        && draft.live.view(&desired.aws_place(), read, Fact::bucket_region).is_absent()
}

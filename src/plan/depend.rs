//! From slots to numbered steps that name what they depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::model::{Address, Kind, Reference};

use super::build::{Builder, Built, Needs, Slot};
use super::order;
use super::{Action, Change, Step, StepAction, StepId, Summary};

impl Builder<'_> {
    /// Numbers the steps in their order; what a step needs is always earlier.
    pub(super) fn finish(mut self) -> Built {
        self.slots.sort_by(|left, right| {
            (left.rank, &left.step.address, left.sequence).cmp(&(right.rank, &right.step.address, right.sequence))
        });
        let mut steps: Vec<Step> = Vec::with_capacity(self.slots.len());
        let mut givers: BTreeMap<String, StepId> = BTreeMap::new();
        let near = Near::of(&self);
        for (id, slot) in self.slots.iter().enumerate() {
            let mut step = slot.step.clone();
            step.id = id;
            let earlier = near.to(&step.address).filter(|other| *other < id);
            let needed = earlier.filter(|other| self.slots.get(*other).is_some_and(|other| needs(slot, other, &near)));
            let mut depends: BTreeSet<StepId> = needed.collect();
            let text = serde_json::to_string(&(&step.action, &step.target)).unwrap_or_default();
            depends.extend(Reference::all_in(&text).filter_map(|rest| giver(&givers, rest)));
            if let StepAction::AwaitDelivery { after_steps, .. } = &mut step.action {
                after_steps.extend(depends.iter().copied().filter(|id| {
                    self.slots.get(*id).is_some_and(|slot| {
                        touches_delivery(&slot.step) && matches!(slot.step.action, StepAction::Write { .. })
                    })
                }));
            }
            givers.extend(step.gives.values().map(|token| (token.clone(), id)));
            step.depends_on = depends.into_iter().collect();
            steps.push(step);
        }
        let changes: Vec<Change> = self.changes.into_values().collect();
        let summary = summary(&changes, self.noop);
        self.gaps.sort();
        self.gaps.dedup();
        Built { changes, steps, gaps: self.gaps, summary }
    }
}

/// The slots that a slot may have to wait for: of so many manifests most have nothing to do with each other.
struct Near<'a> {
    of_manifest: BTreeMap<&'a str, Vec<StepId>>,
    of_address: BTreeMap<&'a Address, Vec<StepId>>,
    /// What a resource is wanted after.
    after: BTreeMap<&'a Address, &'a [Address]>,
}

impl<'a> Near<'a> {
    fn of(builder: &'a Builder<'_>) -> Self {
        let wanted = builder.inputs.wanted.resources.iter();
        let after = wanted.map(|resource| (&resource.address, resource.after.as_slice())).collect();
        let mut near = Self { of_manifest: BTreeMap::new(), of_address: BTreeMap::new(), after };
        for (id, slot) in builder.slots.iter().enumerate() {
            let address = &slot.step.address;
            near.of_manifest.entry(&address.manifest).or_default().push(id);
            near.of_address.entry(address).or_default().push(id);
        }
        near
    }

    fn to(&self, address: &Address) -> impl Iterator<Item = StepId> {
        let own = self.of_manifest.get(address.manifest.as_str()).into_iter().flatten();
        let others = self.after(address).iter().filter_map(|other| self.of_address.get(other)).flatten();
        own.chain(others).copied()
    }

    fn after(&self, address: &Address) -> &'a [Address] {
        self.after.get(address).copied().unwrap_or_default()
    }
}

/// Whether a step must not be taken without an earlier one.
fn needs(slot: &Slot, other: &Slot, near: &Near<'_>) -> bool {
    let (address, earlier) = (&slot.step.address, &other.step.address);
    let same_manifest = earlier.manifest == address.manifest;
    match slot.needs {
        Needs::Kind => {
            let required = order::requires(address.kind).contains(&earlier.kind) && same_group(earlier, address);
            // Nothing final before the waits and the retirement of what it replaces.
            let waits = order::FINALS.contains(&slot.rank) && earlier.kind == Kind::LogDelivery;
            earlier == address || near.after(address).contains(earlier) || same_manifest && (required || waits)
        }
        Needs::Ranks(low, high) => {
            (low..=high).contains(&other.rank) && same_manifest && is_main(earlier) && touches_delivery(&other.step)
        }
    }
}

/// The step that gives the value whose token a text begins with: no token is the beginning of another.
fn giver(givers: &BTreeMap<String, StepId>, text: &str) -> Option<StepId> {
    let (token, giver) = givers.range::<str, _>((Bound::Unbounded, Bound::Included(text))).next_back()?;
    text.starts_with(token.as_str()).then_some(*giver)
}

pub(super) fn summary(changes: &[Change], noop: usize) -> Summary {
    let count = |action| changes.iter().filter(|change| change.action == action).count();
    Summary {
        create: count(Action::Create),
        update: count(Action::Update),
        replace: count(Action::Replace),
        delete: count(Action::Delete),
        noop,
    }
}

/// What a wait is for: the rest may fail without anything to wait for.
fn touches_delivery(step: &Step) -> bool {
    order::may_stop_delivery(step.address.kind) || step.address.kind == Kind::LogDelivery
}

/// Resources of the audit bucket, its key, its role and its delivery, as opposed to the access-log bucket and replicas.
#[must_use]
pub fn is_main(address: &Address) -> bool {
    group(address) == "audit"
}

fn group(address: &Address) -> &str {
    match address.name.as_str() {
        "delivery" | "primary" | "audit" => "audit",
        other if address.kind == Kind::LogDelivery || other.starts_with("transition-") => "audit",
        other => other,
    }
}

/// Whether two addresses belong to the same bucket with its key, role and delivery.
#[must_use]
pub fn same_group(left: &Address, right: &Address) -> bool {
    group(left) == group(right)
}

//! What waivers keep out of a plan, and what comes back when one has ended.
//!
//! Nothing here judges a resource by itself: the declaration is hardened without its waivers, with those that hold, and with
//! all of them, and what differs between the three plans is what the waivers do.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diff::FieldChange;
use crate::finding::{Finding, Severity};
use crate::harden::{Scope, control_of, harden, wider_control_of};
use crate::model::waiver::WARNING_DAYS;
use crate::model::{Address, Control, Desired, Live, Waiver};

use super::{Change, Inputs, build};

/// A difference that is known, and is not planned as a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waived {
    pub address: Address,
    pub control: Control,
    /// Why, in the words of the manifest.
    pub reason: String,
    pub owner: String,
    /// The last day on which it is left so.
    pub until: Date,
    /// What would be changed, and why.
    pub fields: Vec<FieldChange>,
}

/// What the waivers of a declaration come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reckoning {
    pub waived: Vec<Waived>,
    pub findings: Vec<Finding>,
}

/// A waiver with the name of its manifest.
type Named<'a> = (&'a str, &'a Waiver);

/// Lists what is waived, marks the changes that are back because a waiver has ended, and tells of waivers that end soon or
/// do nothing. `complete` says whether everything was read: otherwise it cannot be told that one does nothing.
#[must_use]
pub fn reckon(desired: &[Desired], live: &Live, scope: Scope, changes: &mut [Change], complete: bool) -> Reckoning {
    let all: Vec<Named<'_>> =
        desired.iter().flat_map(|one| one.waivers.iter().map(|waiver| (one.name.as_str(), waiver))).collect();
    if all.is_empty() {
        return Reckoning::default();
    }
    let (held, ended): (Vec<Named<'_>>, Vec<Named<'_>>) =
        all.iter().copied().partition(|(_, waiver)| waiver.holds(scope.today));
    let planned: BTreeMap<Address, Outcome> = changes.iter().map(|one| (one.address.clone(), outcome(one))).collect();
    let mut used = BTreeSet::new();
    let mut reckoning = Reckoning::default();
    for change in planned_with(desired, live, scope, |_| None) {
        let stays = |field: &FieldChange| planned.get(&change.address).is_some_and(|planned| holds(planned, field));
        let fields = change.fields.iter().filter(|field| !stays(field));
        reckoning.waived.extend(shared_out(&change.address, fields, &held, &mut used));
    }
    if !ended.is_empty() {
        let as_before =
            planned_with(desired, live, scope, |waiver| Some(Waiver { until: Date::MAX, ..waiver.clone() }));
        let as_before: BTreeMap<Address, Outcome> =
            as_before.iter().map(|one| (one.address.clone(), outcome(one))).collect();
        for change in changes {
            mark(change, as_before.get(&change.address), &ended, &mut used);
        }
    }
    reckoning.waived.sort_by(|a, b| (&a.address, a.control, a.until).cmp(&(&b.address, b.control, b.until)));
    reckoning.findings = all.iter().filter_map(|one| finding(*one, &used, scope.today, complete)).collect();
    reckoning
}

/// What a change makes of each field.
type Outcome = BTreeMap<String, Value>;

fn outcome(change: &Change) -> Outcome {
    change.fields.iter().map(|field| (field.path.clone(), field.after.clone())).collect()
}

/// Whether a field comes to the same: a block that has to be made names the switches that stay off, too.
fn holds(outcome: &Outcome, field: &FieldChange) -> bool {
    outcome.get(&field.path) == Some(&field.after)
}

/// The changes of the same declaration with other waivers.
fn planned_with(desired: &[Desired], live: &Live, scope: Scope, other: fn(&Waiver) -> Option<Waiver>) -> Vec<Change> {
    let desired: Vec<Desired> = desired
        .iter()
        .map(|one| Desired { waivers: one.waivers.iter().filter_map(other).collect(), ..one.clone() })
        .collect();
    let wanted = harden(&desired, live, scope);
    build(&Inputs { desired: &desired, live, wanted: &wanted }).changes
}

/// The waiver that keeps a field, or that did: one of its own control before one that takes more along.
fn keeper<'a>(address: &Address, path: &str, waivers: &[Named<'a>]) -> Option<Named<'a>> {
    let Address { manifest, kind, name } = address;
    let mine = |one: &&Named<'a>| manifest == "_" || one.0 == manifest;
    let own = control_of(*kind, name, path);
    let exact = waivers
        .iter()
        .filter(mine)
        .filter(|(_, waiver)| Some(waiver.control) == own && waiver.is_about(*kind, name))
        // One resource before the whole manifest.
        .min_by_key(|(_, waiver)| waiver.address.is_none());
    let wider = wider_control_of(*kind, name, path);
    exact.or_else(|| waivers.iter().filter(mine).find(|(_, waiver)| Some(waiver.control) == wider)).copied()
}

fn shared_out<'a, 'f>(
    address: &Address,
    fields: impl Iterator<Item = &'f FieldChange>,
    waivers: &[Named<'a>],
    used: &mut BTreeSet<Named<'a>>,
) -> Vec<Waived> {
    let mut groups: BTreeMap<Named<'a>, Vec<FieldChange>> = BTreeMap::new();
    let mut loose = Vec::new();
    for field in fields {
        match keeper(address, &field.path, waivers) {
            Some(waiver) => groups.entry(waiver).or_default().push(field.clone()),
            None => loose.push(field.clone()),
        }
    }
    // The language version of a policy has no control of its own: it stays with the statements that do.
    if let Some(first) = groups.values_mut().next() {
        first.extend(loose);
    }
    used.extend(groups.keys().copied());
    groups
        .into_iter()
        .map(|((_, waiver), fields)| {
            let Waiver { control, address: _, reason, owner, until } = waiver.clone();
            Waived { address: address.clone(), control, reason, owner, until, fields }
        })
        .collect()
}

/// Gives fields that would not be planned if their waiver still held that as their reason.
fn mark<'a>(change: &mut Change, as_before: Option<&Outcome>, ended: &[Named<'a>], used: &mut BTreeSet<Named<'a>>) {
    let mut first = None;
    for field in &mut change.fields {
        if as_before.is_some_and(|before| holds(before, field)) {
            continue;
        }
        let Some(waiver) = keeper(&change.address, &field.path, ended) else { continue };
        used.insert(waiver);
        first.get_or_insert(waiver);
        field.reason = returned(waiver.1, &field.reason);
    }
    if let Some((_, waiver)) = first {
        change.reason = returned(waiver, &change.reason);
    }
}

fn returned(waiver: &Waiver, reason: &str) -> String {
    let Waiver { control, owner, until, .. } = waiver;
    format!("waiver-expired: `{control}` was waived until {until} by {owner}; {reason}")
}

fn finding(named: Named<'_>, used: &BTreeSet<Named<'_>>, today: Date, complete: bool) -> Option<Finding> {
    let (manifest, waiver) = named;
    let Waiver { control, address, owner, until, .. } = waiver;
    let place = address.as_ref().map(|address| format!(" for `{address}`")).unwrap_or_default();
    let (code, severity, message) = match (used.contains(&named), waiver.days_left(today)) {
        (true, None) => (
            "waiver-expired",
            Severity::Medium,
            format!("`{control}` was waived{place} until {until} by {owner}: it is planned again"),
        ),
        (true, Some(days)) if days <= WARNING_DAYS => (
            "waiver-ends-soon",
            Severity::Low,
            format!("`{control}` is waived{place} until {until} by {owner}, and is planned from then on"),
        ),
        (true, Some(_)) => return None,
        (false, _) if !complete => return None,
        (false, _) => {
            ("waiver-unneeded", Severity::Low, format!("`{control}` is waived{place} by {owner}, and nothing differs"))
        }
    };
    Some(Finding {
        code: code.to_owned(),
        severity,
        subject: format!("{manifest}/waivers[{control}]"),
        message,
        help: None,
        span: None,
    })
}

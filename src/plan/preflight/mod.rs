//! Whether the caller has every permission that a plan needs, before the first of its requests is sent: of each request, of
//! the reads around it, of what takes it back, and of the lock.
//!
//! The caller's own policies are those that the access inventory read; bucket and key policies are those of the state that a
//! step is taken in, since earlier steps write them. What is not known is neither missing nor there: it is told.

mod ask;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::call::{
    Document, Query, Read, Requirement, StoreUse, documents, lock_requirements, read_requirements, store_requirements,
    write_requirements,
};
use crate::iam::Decision;
use crate::model::{Address, Desired, Live, Place};

use super::project::project;
use super::{GuardResult, Step, StepAction, StepId, Verdict};

pub use ask::UNREAD;
use ask::{Asked, Judge};

/// Code of the guard that refuses a run whose caller lacks a permission.
pub const MISSING: &str = "permission-missing";

/// What a permission is for that the declared store needs.
const STORE: &str = "store";

/// Missing permissions that the guard's message names.
const NAMED: usize = 3;

/// What was found out about the caller's permissions. Empty when nothing is to be done, or nothing was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preflight {
    /// Permissions that the caller has, as far as policies say.
    pub allowed: usize,
    pub missing: Vec<Missing>,
    pub unknown: Vec<Untold>,
    /// What would have to be added, ready to paste, by AWS account.
    pub add: BTreeMap<String, Vec<Document>>,
}

/// A permission that the caller certainly lacks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// `None` for the lock and the store, which come before every step.
    pub step: Option<StepId>,
    pub address: Option<Address>,
    /// What for: `write`, `read before`, `read back`, `undo`, `wait`, `lock`, `store`.
    pub what_for: String,
    pub account: String,
    pub caller: String,
    pub action: String,
    pub resource: String,
    /// What decides: a statement that denies, or that nothing allows it.
    pub because: String,
    /// Whether a statement in the caller's own policies would give it; a key policy that leaves nothing to IAM, and a
    /// statement that denies, have to be changed themselves.
    pub addable: bool,
}

/// A permission of which nothing certain can be said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Untold {
    /// AWS account, or Databricks account or workspace.
    pub place: String,
    /// Action, or Databricks role.
    pub permission: String,
    pub resource: String,
    pub because: String,
}

/// What a check looks at.
pub struct Subject<'a> {
    pub desired: &'a [Desired],
    /// As it was read, before any step.
    pub live: &'a Live,
    pub steps: &'a [Step],
    /// Per AWS account: the caller's role with its path, or its plain ARN.
    pub caller: &'a BTreeMap<String, String>,
    /// The locks that the run takes: where, and the name of the parameter.
    pub locks: &'a [(Place, String)],
}

/// Looks at every permission that the steps need, in the state in which each is needed.
#[must_use]
pub fn preflight(subject: &Subject<'_>) -> Preflight {
    if subject.steps.is_empty() {
        return Preflight::default();
    }
    let mut found = Found {
        judge: Judge::new(subject),
        guarded: guarded(subject.steps),
        allowed: BTreeSet::new(),
        result: Preflight::default(),
    };
    let mut lacking = BTreeSet::new();
    for (place, parameter) in subject.locks {
        found.look(subject.live, lock_requirements(place, parameter), None, "lock", &mut lacking);
    }
    // The first entry of the journal tries it in earnest, before anything is sent: here it is only told early.
    for one in subject.desired.iter().take(1) {
        let Some(store) = &one.store else { continue };
        let place = Place::Aws { account: store.account_id.clone(), region: one.aws.region.clone() };
        let needed = store_requirements(&place, store, StoreUse::KeepRuns);
        found.look(subject.live, needed, None, STORE, &mut lacking);
    }
    let mut state = subject.live.clone();
    for step in subject.steps {
        found.step(&mut state, step, &mut lacking);
    }
    let mut result = found.result;
    result.allowed = found.allowed.len();
    result.missing.sort();
    result.missing.dedup();
    result.unknown.sort();
    result.unknown.dedup();
    result.add = documents(&lacking);
    result
}

/// Steps that are taken back when a delivery does not succeed after them.
fn guarded(steps: &[Step]) -> BTreeSet<StepId> {
    let after = steps.iter().filter_map(|step| match &step.action {
        StepAction::AwaitDelivery { after_steps, .. } => Some(after_steps),
        StepAction::Write { .. } | StepAction::Pause { .. } => None,
    });
    after.flatten().copied().collect()
}

struct Found<'a> {
    judge: Judge<'a>,
    guarded: BTreeSet<StepId>,
    allowed: BTreeSet<Requirement>,
    result: Preflight,
}

impl Found<'_> {
    fn step(&mut self, state: &mut Live, step: &Step, lacking: &mut BTreeSet<Requirement>) {
        match &step.action {
            StepAction::Write { place, write } => {
                if let Some(target) = step.target.as_ref().filter(|_| step.gives.is_empty()) {
                    self.look(state, read_requirements(&target.query), Some(step), "read before", lacking);
                }
                self.look(state, write_requirements(place, write), Some(step), "write", lacking);
                project(state, step);
                if let Some(target) = step.target.as_ref().filter(|target| target.settles) {
                    self.look(state, read_requirements(&target.query), Some(step), "read back", lacking);
                }
                if let Some(undo) = step.undo.as_ref().filter(|_| self.guarded.contains(&step.id)) {
                    self.look(state, write_requirements(&undo.place, &undo.write), Some(step), "undo", lacking);
                }
            }
            StepAction::AwaitDelivery { place, .. } => {
                let query = Query { place: place.clone(), read: Read::LogDeliveries };
                self.look(state, read_requirements(&query), Some(step), "wait", lacking);
            }
            StepAction::Pause { .. } => {}
        }
    }

    fn look(
        &mut self,
        state: &Live,
        requirements: Vec<Requirement>,
        step: Option<&Step>,
        what_for: &str,
        lacking: &mut BTreeSet<Requirement>,
    ) {
        for one in requirements {
            let Asked { resource, decision, because, addable } = self.judge.ask(state, &one);
            let permission = one.permission.name().unwrap_or_default().to_owned();
            let account = one.place.aws_account().map(str::to_owned);
            match decision {
                Decision::Allowed => {
                    self.allowed.insert(one);
                }
                Decision::Unknown => self.result.unknown.push(Untold {
                    place: account.unwrap_or_else(|| one.place.to_string()),
                    permission,
                    resource,
                    because,
                }),
                Decision::ImplicitDeny | Decision::ExplicitDeny => {
                    let account = account.unwrap_or_default();
                    self.result.missing.push(Missing {
                        step: step.map(|step| step.id),
                        address: step.map(|step| step.address.clone()),
                        what_for: what_for.to_owned(),
                        caller: self.judge.caller(&account),
                        account,
                        action: permission,
                        resource,
                        because,
                        addable,
                    });
                    if addable {
                        lacking.insert(one);
                    }
                }
            }
        }
    }
}

impl Preflight {
    /// What to ask IAM itself: the actions of callers whose own policies were not read, by account and resource.
    #[must_use]
    pub fn questions(&self, callers: &BTreeMap<String, String>) -> Vec<(String, Read)> {
        let mut actions: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for one in self.unknown.iter().filter(|one| one.because == UNREAD) {
            actions.entry((&one.place, &one.resource)).or_default().insert(&one.permission);
        }
        let ask = |((account, resource), actions): ((&str, &str), BTreeSet<&str>)| {
            let read = Read::Simulation {
                principal: callers.get(account)?.clone(),
                resource: resource.to_owned(),
                actions: actions.into_iter().map(str::to_owned).collect(),
            };
            Some((account.to_owned(), read))
        };
        actions.into_iter().filter_map(ask).collect()
    }

    /// Whether nothing was looked at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What the guard says of it. Who only plans need not be the one who applies: then it is a warning.
    #[must_use]
    pub fn guard(&self, applies: bool, allowed: bool) -> Option<GuardResult> {
        let result = |verdict, message| GuardResult { code: MISSING.to_owned(), verdict, message };
        if self.is_empty() {
            return None;
        }
        if self.missing.is_empty() {
            let (allowed, unknown) = (self.allowed, self.unknown.len());
            let message = format!(
                "no permission that the steps need is known to be missing: {allowed} are allowed, {unknown} not known"
            );
            return Some(result(Verdict::Pass, message));
        }
        let verdict = match (applies, allowed) {
            (_, true) => Verdict::Allowed,
            (true, false) => Verdict::Refuse,
            (false, false) => Verdict::Warn,
        };
        Some(result(verdict, self.in_words()))
    }

    fn in_words(&self) -> String {
        // The same permission may be missing for several steps: the first tells it.
        let mut told = BTreeSet::new();
        let first: Vec<&Missing> =
            self.missing.iter().filter(|one| told.insert((&one.account, &one.action, &one.resource))).collect();
        let named: Vec<String> = first.iter().take(NAMED).map(ToString::to_string).collect();
        let more = match first.len().saturating_sub(NAMED) {
            0 => String::new(),
            many => format!("; and {many} more"),
        };
        format!("{}{more}", named.join("; "))
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { step: _, address, what_for, account: _, caller, action, resource, because, addable: _ } = self;
        match address {
            Some(address) => write!(f, "{address}: ")?,
            None => write!(f, "the {what_for}: ")?,
        }
        write!(f, "`{caller}` lacks {action} on {resource} ({what_for}): {because}")
    }
}

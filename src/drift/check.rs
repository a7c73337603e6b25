//! The result of one check, as it is printed, counted and turned into an exit code.

use jiff::Timestamp;
use serde::Serialize;

use super::{Advanced, DeliveryReport, Estates, FORMAT_VERSION, Facts, Health, Memory, Open};
use crate::access::Question;
use crate::finding::{ChangedBy, Finding, Notice, NoticeState, Severity};
use crate::model::Gap;
use crate::plan::Verdict;

/// How a check ended, in the order in which one outweighs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    InSync,
    /// Nothing drifts; something is open at or above the severity that was asked for.
    Findings,
    /// A plan would change something.
    Drift,
    /// An input was unread, or a guard refuses a plan of this state: nothing is said to be in order.
    Unread,
}

/// What is open, with whether it is new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenFinding {
    pub fingerprint: String,
    pub manifest: Option<String>,
    /// Opened by this check.
    pub new: bool,
    /// Whether this check could look at it; otherwise it is what an earlier one saw.
    pub seen: bool,
    /// A difference that a plan would change; otherwise it is only reported.
    pub drift: bool,
    pub since: Timestamp,
    pub finding: Finding,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<ChangedBy>,
}

/// Counts of what is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub open: usize,
    pub new: usize,
    pub closed: usize,
    /// Those of the open ones that a plan would change.
    pub drift: usize,
    pub critical: usize,
    pub high: usize,
    pub medium: usize,
    pub low: usize,
    pub info: usize,
    /// Resources that a plan would change.
    pub pending_changes: usize,
    /// Principals that can read, or cannot be ruled out to, and are not declared.
    pub undeclared_readers: usize,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub format_version: String,
    pub checked_at: Timestamp,
    /// The check that new and closed are said against.
    pub previous_check: Option<Timestamp>,
    /// Names of the manifests.
    pub manifests: Vec<String>,
    /// Whether every input was read.
    pub complete: bool,
    pub gaps: Vec<Gap>,
    /// Codes of guards that refuse a plan of this state.
    pub refused: Vec<String>,
    pub summary: Summary,
    pub deliveries: Vec<DeliveryReport>,
    /// Worst first.
    pub open: Vec<OpenFinding>,
    pub closed: Vec<Notice>,
    /// What the check could do without, and had to.
    pub notes: Vec<String>,
}

impl Check {
    /// Puts the parts together. `advanced` is the memory after this check.
    #[must_use]
    pub fn of(facts: &Facts<'_>, health: Health, advanced: &Advanced, before: &Memory, notes: Vec<String>) -> Self {
        let mut gaps = facts.plan.gaps.clone();
        gaps.extend(health.gaps);
        gaps.sort();
        gaps.dedup();
        let mut refused: Vec<String> = facts
            .plan
            .guards
            .iter()
            .filter(|guard| guard.verdict == Verdict::Refuse && guard.code != "unread-inputs")
            .map(|guard| guard.code.clone())
            .collect();
        refused.sort();
        refused.dedup();
        let shown = advanced.memory.open.iter().filter(|one| !advanced.elsewhere.contains(&one.fingerprint));
        let mut open: Vec<OpenFinding> = shown.map(|one| opened(one, advanced)).collect();
        open.sort_by(|a, b| (b.finding.severity, &a.finding).cmp(&(a.finding.severity, &b.finding)));
        let closed = advanced.closed.iter().map(|one| one.notice(NoticeState::Closed, facts.now)).collect();
        let mut check = Self {
            format_version: FORMAT_VERSION.to_owned(),
            checked_at: facts.now,
            previous_check: before.checked_at,
            manifests: facts.desired.iter().map(|one| one.name.clone()).collect(),
            complete: gaps.is_empty(),
            gaps,
            refused,
            summary: Summary::default(),
            deliveries: health.deliveries,
            open,
            closed,
            notes,
        };
        check.summary = check.counted(facts);
        check
    }

    fn counted(&self, facts: &Facts<'_>) -> Summary {
        let of = |severity: Severity| self.open.iter().filter(|one| one.finding.severity == severity).count();
        let mut readers: Vec<&str> = facts
            .access
            .undeclared
            .iter()
            .filter(|holder| holder.question == Question::Read)
            .map(|holder| holder.arn.as_str())
            .collect();
        readers.sort_unstable();
        readers.dedup();
        Summary {
            open: self.open.len(),
            new: self.open.iter().filter(|one| one.new).count(),
            closed: self.closed.len(),
            drift: self.open.iter().filter(|one| one.drift).count(),
            critical: of(Severity::Critical),
            high: of(Severity::High),
            medium: of(Severity::Medium),
            low: of(Severity::Low),
            info: of(Severity::Info),
            pending_changes: facts.plan.changes.len(),
            undeclared_readers: readers.len(),
        }
    }

    /// Never in sync when an input was unread; what is only reported is never drift.
    #[must_use]
    pub fn outcome(&self, fail_on: Option<Severity>) -> Outcome {
        let asked = |severity: Severity| fail_on.is_some_and(|least| severity >= least);
        if !self.complete || !self.refused.is_empty() {
            Outcome::Unread
        } else if self.summary.pending_changes > 0 {
            Outcome::Drift
        } else if self.open.iter().any(|one| asked(one.finding.severity)) {
            Outcome::Findings
        } else {
            Outcome::InSync
        }
    }

    /// What sinks are told: each finding once when it opens, once when it closes.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        let opened = self.open.iter().filter(|one| one.new).map(|one| Notice {
            state: NoticeState::Opened,
            manifest: one.manifest.clone(),
            fingerprint: one.fingerprint.clone(),
            finding: one.finding.clone(),
            since: one.since,
            at: self.checked_at,
            changed_by: one.changed_by.clone(),
        });
        opened.chain(self.closed.iter().cloned()).collect()
    }
}

fn opened(one: &Open, advanced: &Advanced) -> OpenFinding {
    OpenFinding {
        fingerprint: one.fingerprint.clone(),
        manifest: one.manifest.clone(),
        new: advanced.opened.iter().any(|opened| opened.fingerprint == one.fingerprint),
        seen: !advanced.unseen.contains(&one.fingerprint),
        drift: one.drift,
        since: one.since,
        finding: one.finding.clone(),
        changed_by: one.changed_by.clone(),
    }
}

impl super::Scope {
    /// What a check looked at. `whole` says whether these are all manifests of the directory.
    #[must_use]
    pub fn of(facts: &Facts<'_>, judged: std::collections::BTreeSet<String>, whole: bool) -> Self {
        let owners = Estates::of(facts.desired).owners().map(str::to_owned).collect();
        Self { judged, owners, whole, now: Some(facts.now) }
    }
}

//! What earlier checks found and nobody has seen end: `.auditseal/drift.json`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Seen;
use super::findings::basis;
use crate::finding::{ChangedBy, Finding, Notice, NoticeState};

/// Version of the file; one of another version is refused, never overwritten.
const VERSION: &str = "1.0";

/// A finding that was seen and not seen to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    pub fingerprint: String,
    /// Name of the manifest when it was last seen.
    pub manifest: Option<String>,
    pub owner: Option<String>,
    /// Where no manifest owns it (a gap, a refusal, what manifests share): which checks have to look again before it is gone.
    /// Otherwise, and in a memory of an earlier version, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_by: Option<SeenBy>,
    /// What has to be read before it can be said to be gone.
    pub basis: String,
    pub drift: bool,
    /// When it was first seen.
    pub since: Timestamp,
    /// The last check before that read its manifest as a whole and did not see it. None when there was none: then it may be as
    /// old as the estate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Timestamp>,
    pub finding: Finding,
    pub changed_by: Option<ChangedBy>,
}

/// The checks that saw a finding and have not seen it end. A check of one manifest does not see what another one's check
/// does: only one of the same manifests, or of more, can tell that a finding is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenBy {
    /// A check of all manifests.
    pub whole: bool,
    /// Checks of a part of them, each by the owners of its manifests.
    pub parts: BTreeSet<BTreeSet<String>>,
}

impl SeenBy {
    fn is_empty(&self) -> bool {
        !self.whole && self.parts.is_empty()
    }

    /// Seen by either.
    fn and(self, other: Self) -> Self {
        let mut parts = self.parts;
        parts.extend(other.parts);
        Self { whole: self.whole || other.whole, parts }
    }

    /// What is left when a check of this scope does not see it.
    fn without(&self, scope: &Scope) -> Self {
        if scope.whole {
            return Self::default();
        }
        let is_another = |part: &&BTreeSet<String>| !part.is_subset(&scope.owners);
        Self { whole: self.whole, parts: self.parts.iter().filter(is_another).cloned().collect() }
    }

    /// With a check of this scope, which sees it.
    fn with(self, scope: &Scope) -> Self {
        let Self { whole, mut parts } = self.without(scope);
        if !scope.whole {
            parts.insert(scope.owners.clone());
        }
        Self { whole: whole || scope.whole, parts }
    }
}

/// All of them, with the time of the check that wrote them down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    pub format_version: String,
    /// The first check.
    pub begun_at: Option<Timestamp>,
    pub checked_at: Option<Timestamp>,
    /// When each manifest was last read as a whole, by its owner.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub read_at: BTreeMap<String, Timestamp>,
    pub open: Vec<Open>,
}

/// Text that is no memory of this program.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    #[error("it is damaged: {0}")]
    Damaged(serde_json::Error),
    #[error("it has format {found}, this program reads {VERSION}")]
    Foreign { found: String },
}

impl Memory {
    /// Nothing was checked yet.
    #[must_use]
    pub fn empty() -> Self {
        Self { format_version: VERSION.to_owned(), ..Self::default() }
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// When it is damaged or of another version: what is open must not be forgotten in silence.
    pub fn parse(text: &str) -> Result<Self, MemoryError> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(MemoryError::Damaged)?;
        match value.get("format_version").and_then(serde_json::Value::as_str) {
            Some(VERSION) => serde_json::from_value(value).map_err(MemoryError::Damaged),
            found => Err(MemoryError::Foreign { found: found.unwrap_or("none").to_owned() }),
        }
    }

    /// As if the notices of these ids ([`Notice::id`]) had not been made, because nothing had room for them: what opened is
    /// forgotten and what closed stays open, so that the next check makes them again. `before` is the memory that the check
    /// began with.
    #[must_use]
    pub fn untold(mut self, before: &Self, unkept: &BTreeSet<String>) -> Self {
        let is_untold = |one: &Open, state| unkept.contains(&one.notice(state, one.since).id());
        self.open.retain(|one| !is_untold(one, NoticeState::Opened));
        self.open.extend(before.open.iter().filter(|one| is_untold(one, NoticeState::Closed)).cloned());
        self
    }

    /// Everything that either knows to be open, for two checks that did not know of each other. What one of them saw end is
    /// looked at again by the next check: something told twice is better than something never told.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        let mut open: BTreeMap<String, Open> = BTreeMap::new();
        for one in self.open.into_iter().chain(other.open) {
            let known = open.entry(one.fingerprint.clone()).or_insert_with(|| one.clone());
            let seen_by = match (known.seen_by.take(), one.seen_by.clone()) {
                (Some(left), Some(right)) => Some(left.and(right)),
                (left, right) => left.or(right),
            };
            // The first that was told has given its notice its name.
            if one.since < known.since {
                *known = one;
            }
            known.seen_by = seen_by;
        }
        // What either did not see was not there when it was last read.
        let mut read_at = self.read_at;
        for (owner, at) in other.read_at {
            let last = read_at.entry(owner).or_insert(at);
            *last = at.max(*last);
        }
        Self {
            format_version: self.format_version,
            begun_at: [self.begun_at, other.begun_at].into_iter().flatten().min(),
            checked_at: self.checked_at.max(other.checked_at),
            read_at,
            open: open.into_values().collect(),
        }
    }

    /// The file's text; the same memory gives the same bytes.
    ///
    /// # Errors
    /// When a value cannot be JSON, which the types rule out.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}

/// What a check looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// What was read, as `Seen::basis` names it.
    pub judged: BTreeSet<String>,
    /// Owners of the manifests that were checked.
    pub owners: BTreeSet<String>,
    /// Whether these are all manifests of the directory: otherwise nothing is said about what they share, nor about others.
    pub whole: bool,
    pub now: Option<Timestamp>,
}

/// The next memory, and what is different from the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advanced {
    pub memory: Memory,
    pub opened: Vec<Open>,
    pub closed: Vec<Open>,
    /// Fingerprints of what is still open because it could not be looked at.
    pub unseen: BTreeSet<String>,
    /// Fingerprints of what is kept for checks of other manifests.
    pub elsewhere: BTreeSet<String>,
}

/// What opened, what closed, and what is kept because nothing is known about it.
#[must_use]
pub fn advance(memory: &Memory, seen: &[Seen], scope: &Scope) -> Advanced {
    let now = scope.now.unwrap_or(Timestamp::UNIX_EPOCH);
    let mut known: BTreeMap<&str, &Open> = memory.open.iter().map(|one| (one.fingerprint.as_str(), one)).collect();
    let begun_at = memory.begun_at.or(scope.now);
    let memory_now = Memory { begun_at, checked_at: scope.now, read_at: read_at(memory, scope), ..Memory::empty() };
    let mut next = Advanced { memory: memory_now, ..Advanced::default() };
    let mut taken = BTreeSet::new();
    for one in seen {
        if !taken.insert(one.fingerprint.as_str()) {
            continue;
        }
        let before = known.remove(one.fingerprint.as_str());
        let open = Open {
            fingerprint: one.fingerprint.clone(),
            manifest: one.manifest.clone(),
            owner: one.owner.clone(),
            seen_by: one.owner.is_none().then(|| before.map(seen_by).unwrap_or_default().with(scope)),
            basis: one.basis.clone(),
            drift: one.drift,
            since: before.map_or(now, |before| before.since),
            after: before.map_or_else(|| last_read(one, memory, scope), |before| before.after),
            finding: one.finding.clone(),
            changed_by: before.and_then(|before| before.changed_by.clone()),
        };
        if before.is_none() {
            next.opened.push(open.clone());
        }
        next.memory.open.push(open);
    }
    for one in known.into_values() {
        let mut kept = one.clone();
        match fate(one, scope) {
            Fate::Gone => {
                next.closed.push(kept);
                continue;
            }
            Fate::Unseen => next.unseen.insert(one.fingerprint.clone()),
            Fate::Elsewhere { left } => {
                kept.seen_by = left.or(kept.seen_by);
                next.elsewhere.insert(one.fingerprint.clone())
            }
        };
        next.memory.open.push(kept);
    }
    next.closed.sort_by(|a, b| (b.finding.severity, &a.finding).cmp(&(a.finding.severity, &b.finding)));
    next
}

fn read_at(memory: &Memory, scope: &Scope) -> BTreeMap<String, Timestamp> {
    let mut read_at = memory.read_at.clone();
    // What is declared no more need not be kept in mind.
    read_at.retain(|owner, _| !scope.whole || scope.owners.contains(owner));
    let read = scope.owners.iter().filter(|owner| scope.judged.contains(&basis::manifest(owner)));
    read_at.extend(read.filter_map(|owner| Some((owner.clone(), scope.now?))));
    read_at
}

/// What manifests share was last seen by a check that read all of those that are checked now.
fn last_read(one: &Seen, memory: &Memory, scope: &Scope) -> Option<Timestamp> {
    match &one.owner {
        Some(owner) => memory.read_at.get(owner).copied(),
        None => {
            let all: Option<Vec<Timestamp>> =
                scope.owners.iter().map(|owner| memory.read_at.get(owner).copied()).collect();
            all?.into_iter().min()
        }
    }
}

enum Fate {
    Gone,
    /// It could not be looked at.
    Unseen,
    /// It was not to be looked at; `left` are the checks that still are to, where that changed.
    Elsewhere {
        left: Option<SeenBy>,
    },
}

/// What a memory of an earlier version holds is taken for what all manifests together saw.
fn seen_by(one: &Open) -> SeenBy {
    one.seen_by.clone().unwrap_or(SeenBy { whole: true, ..SeenBy::default() })
}

fn fate(one: &Open, scope: &Scope) -> Fate {
    let judged = is_judged(one, scope);
    match &one.owner {
        // Nothing declares it any longer.
        Some(owner) if scope.whole && !scope.owners.contains(owner) => Fate::Gone,
        Some(owner) if !scope.owners.contains(owner) => Fate::Elsewhere { left: None },
        None if !seen_by(one).without(scope).is_empty() => {
            Fate::Elsewhere { left: judged.then(|| seen_by(one).without(scope)) }
        }
        _ if judged => Fate::Gone,
        _ => Fate::Unseen,
    }
}

/// A resource that nothing wants any longer is not asked for by itself: then it takes everything that could want it.
fn is_judged(one: &Open, scope: &Scope) -> bool {
    let wanting = match &one.owner {
        Some(owner) => basis::manifest(owner),
        None => basis::CONFIGURATION.to_owned(),
    };
    scope.judged.contains(&one.basis) || (basis::is_address(&one.basis) && scope.judged.contains(&wanting))
}

impl Open {
    /// What sinks are told.
    #[must_use]
    pub fn notice(&self, state: NoticeState, at: Timestamp) -> Notice {
        Notice {
            state,
            manifest: self.manifest.clone(),
            fingerprint: self.fingerprint.clone(),
            finding: self.finding.clone(),
            since: self.since,
            at,
            changed_by: self.changed_by.clone(),
        }
    }
}

//! Requests that changed the same part, in order, and which of them are to be undone as live state is now.

use std::collections::BTreeSet;

use crate::call::{Read, Write};
use crate::finding::{Finding, Severity};
use crate::journal::Sent;
use crate::model::{Address, Fact, Gap, Live};

use super::parts::{Fate, Made, fate};
use super::value::{Part, Value, before, written};
use super::{CHANGED_SINCE, STAYS};

/// A part with the requests that changed it.
struct Chain {
    part: Part,
    address: Address,
    links: Vec<usize>,
}

/// One value to put back, in the place of the request that took it.
#[derive(Clone, Debug)]
pub(super) struct Undo {
    pub at: usize,
    pub address: Address,
    pub part: Part,
    pub to: Value,
    /// What it is now, or after the undoing of later requests.
    pub from: Value,
}

/// What is to be undone, latest request first, and what is not.
#[derive(Default)]
pub(super) struct Decided {
    pub undo: Vec<Undo>,
    pub gaps: Vec<Gap>,
    pub findings: Vec<Finding>,
    /// Parts that are already as they were.
    pub back: usize,
}

/// The questions that deciding needs, whatever else is read.
pub(super) fn parts(sent: &[Sent], live: &Live) -> Vec<Part> {
    let made = Made::by(sent);
    sent.iter()
        .filter_map(|one| match fate(one, &made, live) {
            Fate::Part(part) => Some(part),
            Fate::Stays(_) | Fate::Nothing => None,
        })
        .collect()
}

pub(super) fn decide(
    sent: &[Sent],
    address: impl Fn(&Address) -> Address,
    live: &Live,
    allow: &BTreeSet<String>,
    resolve: &dyn Fn(&str) -> Option<String>,
) -> Decided {
    let mut decided = Decided::default();
    let made = Made::by(sent);
    let mut chains: Vec<Chain> = Vec::new();
    for (index, one) in sent.iter().enumerate() {
        match fate(one, &made, live) {
            Fate::Nothing => {}
            Fate::Stays(reason) => decided.findings.push(stays(&address(&one.address), reason)),
            Fate::Part(part) => match chains.iter_mut().find(|chain| chain.part.overlaps(&part)) {
                Some(chain) => {
                    chain.part.join(&part);
                    chain.links.push(index);
                }
                None => chains.push(Chain { part, address: address(&one.address), links: vec![index] }),
            },
        }
    }
    for chain in &chains {
        decided.chain(chain, sent, live, allow, resolve);
    }
    decided.undo.sort_by_key(|undo| (is_late(undo), std::cmp::Reverse(undo.at)));
    decided.findings.sort();
    decided.findings.dedup();
    decided
}

/// What our key policy denies can be had again only after the policy of before is back.
fn is_late(undo: &Undo) -> bool {
    match (&undo.part.query.read, &undo.to) {
        (Read::KeyGrants { .. }, Value::There(there)) => *there,
        (Read::KeyRotation { .. }, Value::Fact(fact)) => fact.rotation().is_some_and(|rotation| !rotation.enabled),
        _ => false,
    }
}

impl Decided {
    fn chain(
        &mut self,
        chain: &Chain,
        sent: &[Sent],
        live: &Live,
        allow: &BTreeSet<String>,
        resolve: &dyn Fn(&str) -> Option<String>,
    ) {
        let Chain { part, address, links } = chain;
        let Some(values) = values(part, links, sent) else {
            let reason = "it stays: what was there before is not in the journal".to_owned();
            return self.findings.push(stays(address, reason));
        };
        let Some((_, first, _)) = values.first() else { return };
        let now = match part.of(&live.get(&part.query)) {
            Ok(now) => now,
            Err(gap) => return self.gaps.push(gap),
        };
        let same = |left: &Value, right: &Value| part.same(address.kind, left, right, resolve);
        self.remarks(chain, sent, live, first);
        if same(&now, first) {
            self.back += 1;
            return;
        }
        if self.is_bound(part, first, live) {
            let reason = "versioning stays on: object lock needs it".to_owned();
            return self.findings.push(stays(address, reason));
        }
        let Some(reached) = values.iter().rposition(|(_, _, after)| same(&now, after)) else {
            let allowed = allow.contains(CHANGED_SINCE);
            let what = if allowed { "is put back all the same" } else { "is left alone" };
            self.findings.push(Finding {
                code: CHANGED_SINCE.to_owned(),
                severity: Severity::Medium,
                subject: address.to_string(),
                message: format!("somebody changed it after the run: it {what}"),
                help: (!allowed).then(|| format!("look at it, then `--allow {CHANGED_SINCE}` puts it back too")),
                span: None,
            });
            if allowed && let Some((at, _, _)) = values.first() {
                let (address, part) = (address.clone(), part.clone());
                self.undo.push(Undo { at: *at, address, part, to: first.clone(), from: now });
            }
            return;
        };
        let mut from = now;
        for (at, to, _) in values.iter().take(reached + 1).rev() {
            if !same(&from, to) {
                let (address, part) = (address.clone(), part.clone());
                self.undo.push(Undo { at: *at, address, part, to: to.clone(), from: from.clone() });
                from = to.clone();
            }
        }
    }

    /// S3 refuses to suspend versioning of a bucket with Object Lock (S3 User Guide, "Object Lock considerations").
    fn is_bound(&self, part: &Part, to: &Value, live: &Live) -> bool {
        let Read::BucketVersioning { bucket } = &part.query.read else { return false };
        let suspends = matches!(to, Value::Fact(fact) if fact.versioning().is_some_and(|versioning| versioning.status != "Enabled"));
        let read = Read::BucketObjectLock { bucket: bucket.clone() };
        suspends && live.view(&part.query.place, read, Fact::object_lock).present().is_some()
    }

    /// What comes back only in part.
    fn remarks(&mut self, chain: &Chain, sent: &[Sent], live: &Live, first: &Value) {
        let Chain { part, address, links } = chain;
        let Some(one) = links.first().and_then(|index| sent.get(*index)) else { return };
        let absent = one.before.as_ref().is_some_and(|before| before.is_absent());
        let reason = match (&one.write, first) {
            (Write::CreateLogDelivery { .. }, _) => {
                "the new log-delivery configuration is disabled: Databricks deletes none".to_owned()
            }
            (Write::EnableBucketVersioning { .. }, _) if self.is_bound(part, first, live) => return,
            (Write::EnableBucketVersioning { .. }, _) => {
                "versioning can be suspended, not taken away: versions that are there stay".to_owned()
            }
            (Write::PutBucketObjectLock { .. }, _) if absent => {
                "object lock stays on: only the default retention is put back".to_owned()
            }
            (Write::RevokeGrant { .. }, _) => "the grant is made anew, and has another id and token".to_owned(),
            _ => return,
        };
        self.findings.push(stays(address, reason));
    }
}

/// Before and after of every request; one that took something back has no image of its own.
fn values(part: &Part, links: &[usize], sent: &[Sent]) -> Option<Vec<(usize, Value, Value)>> {
    let mut values: Vec<(usize, Value, Value)> = Vec::new();
    for index in links {
        let one = sent.get(*index)?;
        let before = match before(one, part) {
            Some(Ok(value)) => value,
            Some(Err(_)) => return None,
            None => values.last().map(|(_, _, after)| after.clone())?,
        };
        let after = written(&one.write, part, &before)?;
        values.push((*index, before, after));
    }
    Some(values)
}

fn stays(address: &Address, message: String) -> Finding {
    Finding {
        code: STAYS.to_owned(),
        severity: Severity::Info,
        subject: address.to_string(),
        message,
        help: None,
        span: None,
    }
}

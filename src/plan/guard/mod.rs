//! Named checks over the finished plan. Each sees the live state, every intermediate state and the final one; each has a
//! code, and `--allow CODE` is the only override.

mod access;
mod concern;
mod states;
#[cfg(test)]
mod tests;
mod violation;
mod widened;

use std::collections::{BTreeMap, BTreeSet};

use crate::call::Read;
use crate::harden::own_sids;
use crate::model::{Desired, Fact, Gap, Kind, Live, OWNER_TAG, Wanted};

use super::{Change, Effects, GuardResult, Order, Step, Verdict};

pub use concern::concerning;
pub use violation::{Violation, violations};

/// What a plan is made for: who only looks need not be an admin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Plan,
    Apply,
}

/// Everything that guards look at.
pub struct Subject<'a> {
    pub desired: &'a [Desired],
    pub live: &'a Live,
    pub wanted: &'a Wanted,
    pub changes: &'a [Change],
    pub steps: &'a [Step],
    pub gaps: &'a [Gap],
    pub access: &'a Effects,
    pub order: &'a Order,
    /// Per AWS account: the caller's role with its path, or its plain ARN.
    pub caller: &'a BTreeMap<String, String>,
    pub allow: &'a BTreeSet<String>,
    pub purpose: Purpose,
}

/// Collects verdicts.
struct Verdicts<'a> {
    allow: &'a BTreeSet<String>,
    results: Vec<GuardResult>,
}

impl Verdicts<'_> {
    fn pass(&mut self, code: &str, message: impl Into<String>) {
        self.push(code, Verdict::Pass, message);
    }

    fn warn(&mut self, code: &str, message: impl Into<String>) {
        self.push(code, Verdict::Warn, message);
    }

    fn refuse(&mut self, code: &str, message: impl Into<String>) {
        let verdict = if self.allow.contains(code) { Verdict::Allowed } else { Verdict::Refuse };
        self.push(code, verdict, message);
    }

    fn push(&mut self, code: &str, verdict: Verdict, message: impl Into<String>) {
        self.results.push(GuardResult { code: code.to_owned(), verdict, message: message.into() });
    }
}

/// Runs every guard.
#[must_use]
pub fn check(subject: &Subject<'_>) -> Vec<GuardResult> {
    let mut verdicts = Verdicts { allow: subject.allow, results: Vec::new() };
    unread(subject, &mut verdicts);
    caller(subject, &mut verdicts);
    irreversible(subject, &mut verdicts);
    account_block(subject, &mut verdicts);
    statements_removed(subject, &mut verdicts);
    access::check(subject, &mut verdicts);
    widened::check(subject, &mut verdicts);
    verdicts.results
}

/// Nothing is written while an input is unread: the change might be the wrong one.
fn unread(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    match subject.gaps {
        [] => verdicts.pass("unread-inputs", "every input was read"),
        [gap] => verdicts.refuse("unread-inputs", gap.to_string()),
        [gap, rest @ ..] => verdicts.refuse("unread-inputs", format!("{gap}; and {} more", rest.len())),
    }
}

/// Policies let only declared admins change the configuration: anybody else could not even repair what they wrote.
fn caller(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    for desired in subject.desired {
        let account = &desired.aws.account_id;
        let Some(caller) = subject.caller.get(account) else { continue };
        let is_admin = desired.admin_roles().iter().any(|admin| admin.to_string() == *caller);
        let message = |what: &str| {
            format!("{what} `{caller}` of account {account}, which `{}` does not declare as an admin", desired.name)
        };
        match (is_admin, subject.purpose) {
            (true, _) => verdicts.pass("not-a-declared-admin", format!("the caller `{caller}` is a declared admin")),
            (false, Purpose::Plan) => {
                verdicts.warn("not-a-declared-admin", message("planned as"));
            }
            (false, Purpose::Apply) => {
                verdicts.push("not-a-declared-admin", Verdict::Refuse, message("apply runs as"));
            }
        }
    }
    // Credentials of another account than declared would read and write somebody else's things.
    for (account, caller) in subject.caller {
        let belongs = caller.parse::<crate::model::Arn>().is_ok_and(|arn| arn.account == *account);
        if !belongs {
            verdicts.push(
                "wrong-account",
                Verdict::Refuse,
                format!("the credentials for account {account} belong to `{caller}`: choose another profile"),
            );
        }
    }
}

fn irreversible(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    for change in subject.changes.iter().filter(|change| change.address.kind == Kind::BucketObjectLock) {
        let compliance = change.fields.iter().any(|field| field.after.to_string().contains("COMPLIANCE"));
        if compliance {
            verdicts.refuse(
                "irreversible-compliance-retention",
                format!(
                    "{}: nobody, not even the root user, can shorten or remove COMPLIANCE retention",
                    change.address
                ),
            );
        }
        if change.irreversible {
            verdicts.refuse(
                "irreversible-object-lock",
                format!("{}: object lock cannot be switched off again", change.address),
            );
        }
    }
}

fn account_block(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    for change in subject.changes.iter().filter(|change| change.address.kind == Kind::AccountPublicAccessBlock) {
        verdicts.warn(
            "account-block-acts-on-every-bucket",
            format!("{}: buckets of this account that are public on purpose stop being so", change.address),
        );
    }
}

/// A policy of ours that loses much at once is more likely a mistake in the manifest than a wish.
fn statements_removed(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    for change in subject.changes.iter().filter(|change| is_owned(subject, change)) {
        let Some(total) = live_statements(subject, change) else { continue };
        // Undeclared allows go at any number: the policy only becomes tighter.
        let own: Vec<String> =
            own_sids(change.address.kind).into_iter().map(|sid| format!("statement[{sid}]")).collect();
        let removed = change.fields.iter().filter(|field| field.after.is_null() && own.contains(&field.path)).count();
        if removed * 3 > total {
            verdicts.refuse(
                "statements-removed",
                format!("{}: {removed} of our statements, of {total} in all, would be removed at once", change.address),
            );
        }
    }
}

fn live_statements(subject: &Subject<'_>, change: &Change) -> Option<usize> {
    let resource = subject.wanted.resources.iter().find(|resource| resource.address == change.address)?;
    let text = subject.live.get(&resource.query).present()?.policy()?.0.clone();
    Some(crate::iam::parse(&text).ok()?.statements.len())
}

/// Whether the thing that a policy belongs to has carried our tag before this plan.
fn is_owned(subject: &Subject<'_>, change: &Change) -> bool {
    let Some(resource) = subject.wanted.resources.iter().find(|resource| resource.address == change.address) else {
        return false;
    };
    let place = &resource.query.place;
    let tags = match &resource.query.read {
        Read::BucketPolicy { bucket } => subject
            .live
            .view(place, Read::BucketTags { bucket: bucket.clone() }, Fact::tags)
            .present()
            .map(|tags| tags.0),
        Read::KeyPolicy { key } => {
            subject.live.view(place, Read::KeyTags { key: key.clone() }, Fact::tags).present().map(|tags| tags.0)
        }
        _ => None,
    };
    tags.is_some_and(|tags| tags.contains_key(OWNER_TAG))
}

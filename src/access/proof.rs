//! Statements about the whole: nobody but the declared can, the delivery works in every context, and somebody keeps control.

use std::collections::BTreeSet;

use crate::iam::Truth;
use crate::iam::symbolic::{Answer, Keys};
use crate::model::Desired;

use super::ask::answer;
use super::assessment::{PrincipalAccess, Proof, ProofVerdict, Question};
use super::declared::Declared;
use super::delivery;
use super::estate::Estate;
use super::inventory::Inventory;
use super::objects::Objects;
use super::subject::Subject;
use super::words;

/// More counterexamples than these are counted, not named.
const MOST_NAMED: usize = 20;

pub(super) struct Case<'a> {
    pub estate: &'a Estate<'a>,
    pub declared: &'a Declared,
    pub principals: &'a [PrincipalAccess],
    pub classes: &'a [Objects],
    /// `None` when the account's principals were not read.
    pub inventory: Option<&'a Inventory>,
    /// Inputs that were not read.
    pub unread: &'a [String],
}

const INCLUSIONS: [(Question, &str, &str); 4] = [
    (Question::Read, "readers-declared", "nobody but the declared can read the logs"),
    (Question::Write, "writers-declared", "nobody but the declared can write log objects"),
    (Question::Tamper, "tamperers-declared", "nobody but the declared can change or destroy logs or their protection"),
    (Question::List, "listers-declared", "nobody but the declared can list the logs"),
];

pub(super) fn all(case: &Case<'_>) -> Vec<Proof> {
    let mut proofs: Vec<Proof> =
        INCLUSIONS.iter().map(|(question, code, claim)| inclusion(case, *question, code, claim)).collect();
    let (verdict, because) = delivery::works(case);
    proofs.push(proof(
        case,
        "delivery-works",
        "the delivery can take its role, write and encrypt in every context",
        verdict,
        because,
    ));
    let (verdict, because) = control(case);
    proofs.push(proof(
        case,
        "control-kept",
        "a declared admin can change the policies of bucket and key",
        verdict,
        because,
    ));
    proofs
}

/// A bucket that does not exist holds nothing to prove anything about.
pub(super) fn without_bucket(desired: &Desired) -> Vec<Proof> {
    INCLUSIONS
        .iter()
        .map(|(_, code, claim)| Proof {
            manifest: desired.name.clone(),
            code: (*code).to_owned(),
            claim: (*claim).to_owned(),
            verdict: ProofVerdict::Holds,
            because: vec![format!("bucket `{}` does not exist", desired.delivery.bucket)],
        })
        .collect()
}

fn proof(case: &Case<'_>, code: &str, claim: &str, verdict: ProofVerdict, because: Vec<String>) -> Proof {
    // Nothing is proved while an input is unread.
    let (verdict, mut because) = match verdict {
        ProofVerdict::Holds if !case.unread.is_empty() => (ProofVerdict::NotProven, case.unread.to_vec()),
        other => (other, because),
    };
    let more = because.len().saturating_sub(MOST_NAMED);
    because.truncate(MOST_NAMED);
    if more > 0 {
        because.push(format!("and {more} more"));
    }
    let manifest = case.estate.desired.name.clone();
    Proof { manifest, code: code.to_owned(), claim: claim.to_owned(), verdict, because }
}

fn inclusion(case: &Case<'_>, question: Question, code: &str, claim: &str) -> Proof {
    let sampled = |one: &PrincipalAccess| {
        case.classes.iter().all(|objects| objects.class.id != one.object_class || objects.class.sampled)
    };
    let others =
        || case.principals.iter().filter(|one| one.question == question && one.verdict.possible() && !one.declared);
    let against: BTreeSet<String> = others().filter(|one| one.certain && sampled(one)).map(describe).collect();
    if !against.is_empty() {
        return proof(case, code, claim, ProofVerdict::DoesNotHold, against.into_iter().collect());
    }
    let open: BTreeSet<String> = others()
        .map(|one| {
            let why = if sampled(one) { "" } else { ", if such objects exist" };
            format!("may be: {}{why}", describe(one))
        })
        .collect();
    if !open.is_empty() {
        return proof(case, code, claim, ProofVerdict::NotProven, open.into_iter().collect());
    }
    proof(case, code, claim, ProofVerdict::Holds, Vec::new())
}

fn describe(one: &PrincipalAccess) -> String {
    let through = match one.via.as_slice() {
        [] => String::new(),
        hops => format!(" through {}", hops.iter().map(|hop| hop.role.as_str()).collect::<Vec<_>>().join(" > ")),
    };
    format!("{}{through} ({}, objects `{}`)", one.arn, one.actions.join(", "), one.object_class)
}

/// Someone keeps the policies of bucket and key in hand.
fn control(case: &Case<'_>) -> (ProofVerdict, Vec<String>) {
    let estate = case.estate;
    let Some(inventory) = case.inventory else {
        return (ProofVerdict::NotProven, vec!["the principals of the account were not read".to_owned()]);
    };
    let admins = inventory.subjects.iter().filter(|one| case.declared.admins().any(|admin| *admin == one.name));
    // Proved whatever the account's canonical user is.
    let admins: Vec<_> = admins.map(|one| Subject { canonical_user: None, ..Subject::clone(one) }).collect();
    let keys: Vec<_> = case
        .classes
        .iter()
        .filter(|objects| objects.class.id == "current")
        .filter_map(|objects| estate.keys.get(objects.class.key.as_ref()?))
        .filter(|key| !key.arn.ends_with(":key/aws/s3") && key.account.as_deref() == Some(estate.account()))
        .collect();
    let (mut worst, mut because) = (ProofVerdict::Holds, Vec::new());
    let mut questions = vec![("s3:PutBucketPolicy", None)];
    questions.extend(keys.iter().map(|key| ("kms:PutKeyPolicy", Some(*key))));
    for (action, key) in questions {
        let mut best = Truth::No;
        for admin in &admins {
            let one = match key {
                Some(key) => estate.to_key(admin, action, key, Keys::default()),
                None => {
                    let guard = estate.guard();
                    estate.to_bucket(admin, action, &estate.bucket_arn(), guard, Keys::default())
                }
            };
            let worlds = estate.worlds(admin);
            best = best.or(answer(&worlds.all, &[one]).can);
        }
        let verdict = match best {
            Truth::Yes => continue,
            Truth::Unknown => ProofVerdict::NotProven,
            Truth::No => ProofVerdict::DoesNotHold,
        };
        worst = worst.max(verdict);
        because.push(format!("no declared admin is sure to be allowed {action}"));
    }
    (worst, because)
}

/// What keeps an answer from being always yes.
pub(super) fn unmet(answer: &Answer, name: &str) -> Vec<String> {
    if answer.can == Truth::No {
        return words::obstacles(&answer.blocked, &[name]);
    }
    let conditions = words::conditions(answer);
    if conditions.is_empty() {
        return vec![format!("{name}: not in every context")];
    }
    conditions.into_iter().map(|condition| format!("{name}: only if {condition}")).collect()
}

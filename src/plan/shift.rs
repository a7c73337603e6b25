//! Two states compared: who gains, who loses, who keeps less.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::{Assessment, Holder, Question, Verdict};

/// Who can do what, where, apart from how: manifest, question, ARN, replica.
type Right<'a> = (&'a str, Question, &'a str, Option<&'a str>);

/// What was found for one right, by class of objects.
#[derive(Default)]
struct Found<'a> {
    classes: BTreeMap<&'a str, Verdict>,
}

impl Found<'_> {
    fn most(&self) -> Verdict {
        self.classes.values().copied().max().unwrap_or(Verdict::Cannot)
    }

    fn of(&self, class: &str) -> Verdict {
        self.classes.get(class).copied().unwrap_or(Verdict::Cannot)
    }
}

/// The difference that a step makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shifts {
    pub gained: Vec<Holder>,
    pub lost: Vec<Holder>,
    /// Who still can, in fewer objects or under more conditions.
    pub narrowed: Vec<Holder>,
}

/// Compares the state before a step with the one after it. Whoever could reach some objects and now reaches others that
/// are known to exist has gained, though the question is answered as before: a key that opens is no smaller a change for
/// somebody who may read the objects that lie there without a key.
pub(super) fn shifts(before: &Assessment, after: &Assessment) -> Shifts {
    let (old, new) = (rights(before), rights(after));
    let nothing = Found::default();
    let sampled: BTreeSet<&str> = [before, after]
        .into_iter()
        .flat_map(|one| &one.object_classes)
        .filter(|class| class.sampled)
        .map(|class| class.id.as_str())
        .collect();
    let grows = |right: &Right<'_>| {
        let (was, is) = (old.get(right).unwrap_or(&nothing), new.get(right).unwrap_or(&nothing));
        is.most() > was.most() || sampled.iter().any(|class| is.of(class) > was.of(class))
    };
    let shrinks = |right: &Right<'_>| {
        let (was, is) = (old.get(right).unwrap_or(&nothing), new.get(right).unwrap_or(&nothing));
        was.most() > is.most() || was.classes.iter().any(|(class, verdict)| is.of(class) < *verdict)
    };
    let mut all = Shifts::default();
    for holder in after.holders() {
        let right = right(&holder);
        if grows(&right) {
            all.gained.push(holder);
        } else if shrinks(&right) {
            all.narrowed.push(holder);
        }
    }
    let possible = |holder: &Holder| new.get(&right(holder)).is_some_and(|found| found.most().possible());
    all.lost = before.holders().into_iter().filter(|holder| !possible(holder)).collect();
    all
}

fn right(holder: &Holder) -> Right<'_> {
    (&holder.manifest, holder.question, &holder.arn, holder.replica.as_deref())
}

fn rights(assessment: &Assessment) -> BTreeMap<Right<'_>, Found<'_>> {
    let mut all: BTreeMap<Right<'_>, Found<'_>> = BTreeMap::new();
    for one in assessment.principals.iter().filter(|one| one.verdict.possible()) {
        let found = all.entry((&one.manifest, one.question, &one.arn, one.replica())).or_default();
        let verdict = found.classes.entry(&one.object_class).or_insert(Verdict::Cannot);
        *verdict = one.verdict.max(*verdict);
    }
    all
}

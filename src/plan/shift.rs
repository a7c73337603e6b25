//! Two states compared: who gains, who loses, who keeps less.

use std::collections::BTreeMap;

use crate::access::{Assessment, Holder, ObjectClass, Question, Verdict};

/// Who can do what, where: manifest, question, ARN, replica, and whether by a declared way.
type Right<'a> = (&'a str, Question, &'a str, Option<&'a str>, bool);

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

    /// What was found for the objects that a class of another state stands for.
    fn same_objects(&self, class: &ObjectClass, here: &[ObjectClass]) -> Verdict {
        let same = here.iter().filter(|other| is_same(other, class)).map(|other| self.of(&other.id));
        same.max().unwrap_or_else(|| self.of(&class.id))
    }
}

/// Names of classes move with the key: what is `current` in one state is under a previous key in the next. Objects are the
/// same when they lie under the same key and prefix of the same bucket.
fn is_same(one: &ObjectClass, other: &ObjectClass) -> bool {
    let bucket = |class: &ObjectClass| class.id.rsplit_once(": ").map(|(bucket, _)| bucket.to_owned());
    one.manifest == other.manifest
        && one.key == other.key
        && one.key.is_some()
        && bucket(one) == bucket(other)
        && one.prefixes.iter().any(|prefix| other.prefixes.contains(prefix))
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
    let (were, are) = (before.object_classes.as_slice(), after.object_classes.as_slice());
    let grows = |right: &Right<'_>| {
        let (was, is) = (old.get(right).unwrap_or(&nothing), new.get(right).unwrap_or(&nothing));
        let known = are.iter().filter(|class| class.sampled && class.manifest == right.0);
        is.most() > was.most() || known.into_iter().any(|class| is.of(&class.id) > was.same_objects(class, were))
    };
    let shrinks = |right: &Right<'_>| {
        let (was, is) = (old.get(right).unwrap_or(&nothing), new.get(right).unwrap_or(&nothing));
        let known = were.iter().filter(|class| class.manifest == right.0);
        was.most() > is.most() || known.into_iter().any(|class| was.of(&class.id) > is.same_objects(class, are))
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
    (&holder.manifest, holder.question, &holder.arn, holder.replica.as_deref(), holder.declared)
}

fn rights(assessment: &Assessment) -> BTreeMap<Right<'_>, Found<'_>> {
    let mut all: BTreeMap<Right<'_>, Found<'_>> = BTreeMap::new();
    for one in assessment.principals.iter().filter(|one| one.verdict.possible()) {
        let found = all.entry((&one.manifest, one.question, &one.arn, one.replica(), one.declared)).or_default();
        let verdict = found.classes.entry(&one.object_class).or_insert(Verdict::Cannot);
        *verdict = one.verdict.max(*verdict);
    }
    all
}

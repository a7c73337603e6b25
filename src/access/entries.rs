//! What was found, as entries of the assessment: one per principal, question, class and way of being declared.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::Desired;

use super::assessment::{PrincipalAccess, PrincipalKind, Question, Verdict, Witness};
use super::chain::Path;
use super::declared::Declared;
use super::entry;
use super::inventory::Inventory;
use super::objects::Objects;
use super::question::Duty;
use super::reach::Found;
use super::subject::Subject;

/// What an entry is written from.
pub(super) struct Book<'a> {
    pub desired: &'a Desired,
    pub declared: &'a Declared,
    pub classes: &'a [Objects],
    pub inventory: &'a Inventory,
}

impl Book<'_> {
    fn entry(&self, subject: &Subject, found: &Found, declared: Option<String>) -> Option<PrincipalAccess> {
        let Found { question, class, action, duty: _, outcome } = found;
        let class = &self.classes.get(*class)?.class;
        let about_key = action.starts_with("kms:");
        let mut statements = outcome.statements.clone();
        let mut witness = Witness { context: outcome.context.clone(), ..Witness::default() };
        // The request to the key comes last.
        if about_key || class.key.is_some() && *question == Question::Read {
            witness.kms = statements.pop().unwrap_or_default();
        }
        witness.s3 = statements.into_iter().flatten().collect();
        let able = outcome.verdict.possible();
        Some(PrincipalAccess {
            manifest: self.desired.name.clone(),
            question: *question,
            arn: subject.name.clone(),
            kind: subject.kind,
            declared: declared.is_some(),
            declared_as: declared.unwrap_or_else(|| "not declared".to_owned()),
            verdict: outcome.verdict,
            certain: outcome.certain,
            object_class: class.id.clone(),
            actions: if able { vec![(*action).to_owned()] } else { Vec::new() },
            via: Vec::new(),
            witness,
            conditions: outcome.conditions.clone(),
            blocked_by: outcome.blocked.clone(),
        })
    }
}

/// Name, question, class, declaration.
type Key = (String, Question, String, Option<String>);

pub(super) struct Entries<'a> {
    book: &'a Book<'a>,
    able: BTreeMap<Key, PrincipalAccess>,
    /// (question, name) → why not, for those who cannot in any class.
    unable: BTreeMap<(Question, &'a str), PrincipalAccess>,
}

impl<'a> Entries<'a> {
    pub fn new(book: &'a Book<'a>) -> Self {
        Self { book, able: BTreeMap::new(), unable: BTreeMap::new() }
    }

    /// What a principal can do by itself, or what stops it.
    pub fn direct(&mut self, subject: &'a Subject, found: &[Found]) {
        for one in found {
            let declared = || self.book.declared.aws(&subject.name, one.duty);
            if one.outcome.verdict.possible() {
                let declared = declared();
                if let Some(entry) = self.book.entry(subject, one, declared.clone()) {
                    self.add(entry, declared);
                }
            } else if let Entry::Vacant(place) = self.unable.entry((one.question, &subject.name)) {
                self.book.entry(subject, one, declared()).map(|entry| place.insert(entry));
            }
        }
    }

    /// What a principal can do by taking a role.
    pub fn chained(&mut self, subject: &Subject, end: &Found, path: &Path) {
        let declared = self.declared_through(subject, end.duty, path);
        let Some(mut entry) = self.book.entry(subject, end, declared.clone()) else { return };
        entry.verdict = entry.verdict.min(path.verdict);
        entry.certain &= path.certain;
        entry.conditions = path.hops.iter().flat_map(|hop| hop.conditions.clone()).chain(entry.conditions).collect();
        entry.conditions.dedup();
        entry.witness.assume_role = path.hops.iter().flat_map(|hop| hop.statements.clone()).collect();
        entry.via.clone_from(&path.hops);
        self.add(entry, declared);
    }

    /// Databricks acts through the roles that are declared for it; people and programs come in through a provider or a
    /// service that a declared role trusts. Whoever else takes a declared role is a reader that nobody declared.
    fn declared_through(&self, subject: &Subject, duty: Duty, path: &Path) -> Option<String> {
        if let Some(label) = self.book.declared.aws(&subject.name, duty) {
            return Some(label);
        }
        let roles: Vec<_> = path.roles.iter().filter_map(|role| self.book.inventory.roles.get(*role)).collect();
        let (first, last) = (roles.first()?, roles.last()?);
        let label = self.book.declared.aws(&first.arn, duty)?;
        if self.book.declared.vendor(&subject.name, &last.arn) && roles.len() == 1 {
            return Some(format!("Databricks, through the {label}"));
        }
        let enters = match subject.kind {
            PrincipalKind::IdentityProvider => !entry::is_open(&first.trust, &subject.name),
            PrincipalKind::Service => true,
            _ => false,
        };
        enters.then(|| format!("the way into {label}"))
    }

    fn add(&mut self, entry: PrincipalAccess, declared: Option<String>) {
        let key = (entry.arn.clone(), entry.question, entry.object_class.clone(), declared);
        let Some(kept) = self.able.get_mut(&key) else {
            self.able.insert(key, entry);
            return;
        };
        let mut actions = std::mem::take(&mut kept.actions);
        actions.extend(entry.actions.iter().filter(|action| !actions.contains(action)).cloned().collect::<Vec<_>>());
        // The most certain way is the one to show; by itself before through others.
        if (entry.verdict, std::cmp::Reverse(entry.via.len())) > (kept.verdict, std::cmp::Reverse(kept.via.len())) {
            *kept = entry;
        }
        kept.actions = actions;
    }

    /// Whoever can by name, the others by question. Who can in one way is not said to be unable in another.
    pub fn finish(self) -> Vec<PrincipalAccess> {
        let Self { able, unable, .. } = self;
        let mut all: Vec<PrincipalAccess> = able.into_values().collect();
        let can: BTreeSet<(Question, String)> = all.iter().map(|one| (one.question, one.arn.clone())).collect();
        let can: BTreeSet<(Question, &str)> = can.iter().map(|(question, arn)| (*question, arn.as_str())).collect();
        all.extend(unable.into_iter().filter(|(key, _)| !can.contains(key)).map(|(_, entry)| entry));
        debug_assert!(all.iter().all(|one| one.verdict == Verdict::Cannot || !one.actions.is_empty()));
        all
    }
}

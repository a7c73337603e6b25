//! The statements that can have a say in a part, reduced to what depends on the context.

use super::super::condition::holds;
use super::super::context::Context;
use super::super::decide::public_access_block;
use super::super::document::{Condition, Effect, Element, Policy, Statement, Version};
use super::super::evaluate::{Document, Layer, StatementRef};
use super::super::formula::Slot;
use super::super::glob::variables;
use super::super::matching::action_matches;
use super::super::principal::{Level, Levels};
use super::super::setting::Setting;
use super::super::tally::{documents, resource, unconditional, unread};
use super::super::text::{Text, Texts};
use super::super::truth::Truth;
use super::question::Part;

/// Something that is true or not depending on the context.
#[derive(Clone, Copy, Debug)]
pub(super) struct Atom<'a> {
    pub part: usize,
    pub version: Version,
    pub test: Tested<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Tested<'a> {
    Condition(&'a Condition),
    /// A `Resource` element with variables.
    Resource {
        layer: Layer,
        policy: &'a Policy,
        statement: &'a Statement,
    },
}

impl<'a> Atom<'a> {
    /// The key that is compared, in lower case.
    pub fn key(&self) -> Option<String> {
        match self.test {
            Tested::Condition(condition) => Some(condition.key.to_ascii_lowercase()),
            Tested::Resource { .. } => None,
        }
    }

    fn texts(&self) -> &'a [Text] {
        match self.test {
            Tested::Condition(condition) => &condition.values,
            Tested::Resource { statement, .. } => statement.resource.as_ref().map_or(&[], |element| element.get()),
        }
    }

    /// Every key that its truth depends on, in lower case.
    pub fn mentions(&self) -> impl Iterator<Item = String> {
        let variables = self.texts().iter().flat_map(|text| variables(text, self.version));
        variables.map(str::to_ascii_lowercase).chain(self.key())
    }

    pub fn has_variables(&self) -> bool {
        self.texts().iter().any(|text| variables(text, self.version).next().is_some())
    }

    pub fn truth(&self, setting: &Setting<'_>, context: &Context) -> Truth {
        match self.test {
            Tested::Condition(condition) => holds(condition, self.version, context),
            Tested::Resource { layer, policy, statement } => resource(setting, layer, policy, statement, context),
        }
    }

    fn same(&self, other: &Self) -> bool {
        let test = match (self.test, other.test) {
            (Tested::Condition(a), Tested::Condition(b)) => {
                a.operator == b.operator && a.key.eq_ignore_ascii_case(&b.key) && a.values == b.values
            }
            (Tested::Resource { statement: a, layer: x, .. }, Tested::Resource { statement: b, layer: y, .. }) => {
                x == y && a.resource == b.resource
            }
            _ => false,
        };
        self.part == other.part && self.version == other.version && test
    }
}

/// A statement that applies to a part when all its atoms hold.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub part: usize,
    pub slot: Slot,
    pub effect: Effect,
    /// If its atoms hold.
    pub levels: Levels,
    /// Indices of atoms, sorted.
    pub atoms: Vec<usize>,
    /// Where it stands; the first of several that say the same.
    pub source: StatementRef,
}

/// The rules of a question and the atoms in them.
#[derive(Debug, Default)]
pub(super) struct Rules<'a> {
    pub atoms: Vec<Atom<'a>>,
    pub rules: Vec<Rule>,
}

impl<'a> Rules<'a> {
    /// Adds the rules of one part. Everything that a key could decide is left to atoms.
    pub fn add(&mut self, index: usize, part: &'a Part<'_>, setting: &Setting<'_>) {
        for (slot, named) in documents(setting, part.policies) {
            let reference = |sid, index| StatementRef { layer: slot.layer(), policy: named.name.clone(), sid, index };
            match &named.document {
                Document::Unknown(_) => {
                    for effect in [Effect::Allow, Effect::Deny] {
                        let levels = unread(setting, slot.layer(), effect);
                        self.push(index, slot, effect, levels, Vec::new(), || reference(None, None));
                    }
                }
                Document::Known(policy) => {
                    for (at, statement) in policy.statements.iter().enumerate() {
                        self.statement(index, slot, policy, statement, setting, || {
                            reference(statement.sid.clone(), Some(at))
                        });
                    }
                }
            }
        }
        let blocked = Levels::exactly(Level::Exact).given(public_access_block(setting, part.policies));
        self.push(index, Slot::Resource, Effect::Deny, blocked, Vec::new(), || StatementRef {
            layer: Layer::PublicAccessBlock,
            policy: "RestrictPublicBuckets".into(),
            sid: None,
            index: None,
        });
    }

    fn statement(
        &mut self,
        part: usize,
        slot: Slot,
        policy: &'a Policy,
        statement: &'a Statement,
        setting: &Setting<'_>,
        source: impl FnOnce() -> StatementRef,
    ) {
        let layer = slot.layer();
        if action_matches(&statement.action, &setting.action) == Truth::No {
            return;
        }
        let variable = |element: &Element<Texts>| {
            element.get().iter().any(|text| variables(text, policy.version).next().is_some())
        };
        let open_resource = statement.resource.as_ref().is_some_and(variable);
        let levels = unconditional(setting, layer, policy, statement, &Context::default(), open_resource);
        if levels == Levels::NONE {
            return;
        }
        let mut tested: Vec<Tested<'a>> = statement.conditions.iter().map(Tested::Condition).collect();
        if open_resource {
            tested.push(Tested::Resource { layer, policy, statement });
        }
        let mut atoms: Vec<usize> =
            tested.into_iter().map(|test| self.atom(Atom { part, version: policy.version, test })).collect();
        atoms.sort_unstable();
        atoms.dedup();
        self.push(part, slot, statement.effect, levels, atoms, source);
    }

    fn atom(&mut self, atom: Atom<'a>) -> usize {
        match self.atoms.iter().position(|known| known.same(&atom)) {
            Some(index) => index,
            None => {
                self.atoms.push(atom);
                self.atoms.len() - 1
            }
        }
    }

    fn push(
        &mut self,
        part: usize,
        slot: Slot,
        effect: Effect,
        levels: Levels,
        atoms: Vec<usize>,
        source: impl FnOnce() -> StatementRef,
    ) {
        let repeats = |rule: &Rule| {
            rule.part == part
                && rule.slot == slot
                && rule.effect == effect
                && rule.levels == levels
                && rule.atoms == atoms
        };
        if levels != Levels::NONE && !self.rules.iter().any(repeats) {
            self.rules.push(Rule { part, slot, effect, levels, atoms, source: source() });
        }
    }
}

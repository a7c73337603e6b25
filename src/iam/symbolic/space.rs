//! One world: what each atom is worth, and which statements can apply together.

use std::collections::HashSet;

use super::super::context::Context;
use super::super::document::Effect;
use super::super::evaluate::Decision;
use super::super::formula::{Formula, Sums};
use super::super::principal::Levels;
use super::super::region::{Bounds, Region, Test, regions};
use super::super::setting::Setting;
use super::super::states::{State, Truths, reachable};
use super::super::tally::scp_levels;
use super::super::truth::Truth;
use super::known::{Source, Status, View};
use super::question::{Limits, Part};
use super::rules::{Atom, Rule, Rules, Tested};

/// What decides about an atom in one world.
#[derive(Clone, Debug)]
pub(super) enum Worth {
    /// Known, or not known and why.
    Fixed(Truth, Option<String>),
    /// (dimension, index among its tests)
    Free(usize, usize),
}

/// A key with a value of its own, for one part or for all.
#[derive(Debug)]
pub(super) struct Dimension {
    pub key: String,
    /// `None`: the value is the same in all parts.
    pub part: Option<usize>,
    pub regions: Vec<Region>,
}

#[derive(Debug)]
pub(super) struct Space {
    /// Of each atom.
    pub worth: Vec<Worth>,
    pub dimensions: Vec<Dimension>,
    /// Of each part: the keys that are mentioned, and what is known of them.
    pub statuses: Vec<Vec<(String, Status, Source)>>,
    /// Of each part: without the rules that depend on a dimension.
    pub base: Vec<Sums>,
    /// Rules that depend on a dimension.
    pub open: Vec<OpenRule>,
    pub incomplete: Vec<String>,
}

#[derive(Debug)]
pub(super) struct OpenRule {
    pub rule: usize,
    /// What is known of it without the dimensions.
    pub at_most: Truth,
}

impl Space {
    pub fn of(
        parts: &[Part<'_>],
        settings: &[Setting<'_>],
        views: &[View<'_>],
        rules: &Rules<'_>,
        grants: &[Truth],
        limits: Limits,
    ) -> Self {
        let mut space = Self {
            worth: Vec::new(),
            dimensions: Vec::new(),
            statuses: vec![Vec::new(); parts.len()],
            base: Vec::new(),
            open: Vec::new(),
            incomplete: Vec::new(),
        };
        let contexts = space.mentioned(views, rules);
        space.weigh(settings, views, rules, &contexts, limits);
        for ((part, setting), grant) in parts.iter().zip(settings).zip(grants) {
            space.base.push(Sums { grant: *grant, ..Sums::new(scp_levels(setting, part.policies)) });
        }
        space.split(rules);
        space
    }

    /// Looks up every key that matters; the contexts know what is fixed and absent, all else is unknown in them.
    fn mentioned(&mut self, views: &[View<'_>], rules: &Rules<'_>) -> Vec<Context> {
        let everything = ["*".to_owned()].into();
        let mut contexts = vec![Context::new(&std::collections::BTreeMap::new(), &everything); views.len()];
        for (context, view) in contexts.iter_mut().zip(views) {
            context.same_role(view.derived);
        }
        for atom in &rules.atoms {
            let (Some(view), Some(known), Some(context)) =
                (views.get(atom.part), self.statuses.get_mut(atom.part), contexts.get_mut(atom.part))
            else {
                continue;
            };
            for key in atom.mentions() {
                if known.iter().any(|(name, ..)| *name == key) {
                    continue;
                }
                let (status, source) = view.status(&key);
                match &status {
                    Status::Fixed(values) => context.set(&key, Some(values)),
                    Status::Absent => context.set(&key, None),
                    Status::Present | Status::Free | Status::Unknown => {}
                }
                known.push((key, status, source));
            }
        }
        contexts
    }

    /// Gives every atom a truth or a place in a dimension.
    fn weigh(
        &mut self,
        settings: &[Setting<'_>],
        views: &[View<'_>],
        rules: &Rules<'_>,
        contexts: &[Context],
        limits: Limits,
    ) {
        // Key, part if it is the part's own, whether it may be absent, and the atoms.
        let mut groups: Vec<(String, Option<usize>, bool, Vec<usize>)> = Vec::new();
        for (index, atom) in rules.atoms.iter().enumerate() {
            let (Some(view), Some(setting), Some(context)) =
                (views.get(atom.part), settings.get(atom.part), contexts.get(atom.part))
            else {
                continue;
            };
            let (status, source) = match atom.key() {
                Some(key) => view.status(&key),
                None => (Status::Unknown, Source::World),
            };
            if let (Status::Present | Status::Free, Some(key)) = (&status, atom.key()) {
                let part = (source == Source::Part).then_some(atom.part);
                let may_miss = status == Status::Free;
                self.worth.push(Worth::Free(usize::MAX, 0));
                match groups.iter_mut().find(|(name, of, ..)| *name == key && *of == part) {
                    Some((_, _, miss, atoms)) => {
                        *miss &= may_miss;
                        atoms.push(index);
                    }
                    None => groups.push((key, part, may_miss, vec![index])),
                }
                continue;
            }
            let truth = atom.truth(setting, context);
            let why = (truth == Truth::Unknown).then(|| unresolved(atom, &status));
            self.worth.push(Worth::Fixed(truth, why));
        }
        for (key, part, may_miss, atoms) in groups {
            self.dimension(key, part, may_miss, &atoms, rules, contexts, limits);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a group of atoms and where they stand")]
    fn dimension(
        &mut self,
        key: String,
        part: Option<usize>,
        may_miss: bool,
        atoms: &[usize],
        rules: &Rules<'_>,
        contexts: &[Context],
        limits: Limits,
    ) {
        let tests: Vec<Test<'_>> = atoms
            .iter()
            .filter_map(|index| match rules.atoms.get(*index)? {
                Atom { part, version, test: Tested::Condition(condition) } => {
                    Some(Test { condition, version: *version, context: *part })
                }
                Atom { test: Tested::Resource { .. }, .. } => None,
            })
            .collect();
        let bounds = Bounds { automaton: limits.automaton, regions: limits.regions };
        match regions(&key, &tests, contexts, bounds) {
            Ok(mut regions) => {
                regions.retain(|region| may_miss || region.values.is_some());
                merge(&mut regions);
                for (test, index) in atoms.iter().enumerate() {
                    if let Some(worth) = self.worth.get_mut(*index) {
                        *worth = Worth::Free(self.dimensions.len(), test);
                    }
                }
                self.dimensions.push(Dimension { key, part, regions });
            }
            Err(incomplete) => {
                let why = format!("`{key}`: {}", incomplete.0);
                for index in atoms {
                    if let Some(worth) = self.worth.get_mut(*index) {
                        *worth = Worth::Fixed(Truth::Unknown, Some(why.clone()));
                    }
                }
                self.incomplete.push(why);
            }
        }
    }

    /// The truth of a rule that no dimension decides.
    pub fn closed_truth(&self, rule: &Rule) -> Truth {
        Truth::all(rule.atoms.iter().map(|atom| match self.worth.get(*atom) {
            Some(Worth::Fixed(truth, _)) => *truth,
            Some(Worth::Free(..)) | None => Truth::Unknown,
        }))
    }

    /// Whether some key that the requester chooses has no regions.
    pub fn only_in_variables(&self) -> bool {
        let free = |status: &Status| matches!(status, Status::Present | Status::Free);
        let chosen = |key: &String| self.dimensions.iter().any(|dimension| dimension.key == *key);
        self.statuses.iter().flatten().any(|(key, status, _)| free(status) && !chosen(key))
    }

    pub fn mentions(&self, part: usize, key: &str) -> bool {
        self.statuses.get(part).is_some_and(|known| known.iter().any(|(name, ..)| name == key))
    }

    /// Adds up the rules that no dimension decides, and lists the others.
    fn split(&mut self, rules: &Rules<'_>) {
        let mut open = Vec::new();
        for (index, rule) in rules.rules.iter().enumerate() {
            let mut at_most = Truth::Yes;
            let mut free = false;
            for atom in &rule.atoms {
                match self.worth.get(*atom) {
                    Some(Worth::Fixed(truth, _)) => at_most = at_most.and(*truth),
                    Some(Worth::Free(..)) => free = true,
                    None => at_most = at_most.and(Truth::Unknown),
                }
            }
            if at_most == Truth::No {
                continue;
            }
            match self.base.get_mut(rule.part) {
                Some(sums) if !free => sums.add(rule.slot, rule.effect, rule.levels.given(at_most)),
                _ => open.push(OpenRule { rule: index, at_most }),
            }
        }
        open.retain(|open| self.matters(rules, open));
        self.open = open;
    }

    /// Whether an open rule can add anything to what is certain anyway.
    fn matters(&mut self, rules: &Rules<'_>, open: &OpenRule) -> bool {
        let Some(rule) = rules.rules.get(open.rule) else { return false };
        let Some(sums) = self.base.get_mut(rule.part) else { return true };
        match rule.effect {
            Effect::Deny => sums.deny != Truth::Yes,
            Effect::Allow => sums.allow_mut(rule.slot).is_some_and(|sum| sum.union(rule.levels) != *sum),
        }
    }

    /// Whether a part would be allowed if every open Allow held and no open Deny did.
    pub fn at_best(&self, part: usize, setting: &Setting<'_>, rules: &Rules<'_>) -> (Truth, Sums) {
        let mut sums = self.base.get(part).cloned().unwrap_or_else(|| Sums::new(0));
        for open in &self.open {
            if let Some(rule) =
                rules.rules.get(open.rule).filter(|rule| rule.part == part && rule.effect == Effect::Allow)
            {
                sums.add(rule.slot, rule.effect, rule.levels.given(open.at_most));
            }
        }
        let decision = truth_of(Formula::of(setting, &sums).decision());
        (decision, sums)
    }

    /// Every combination of truths of the open rules that some context leads to; `None` when there are too many.
    pub fn states(&self, rules: &Rules<'_>, limit: usize) -> Option<Vec<State>> {
        let start = Truths::new(self.open.iter().map(|open| open.at_most));
        let masks = self
            .dimensions
            .iter()
            .enumerate()
            .map(|(at, dimension)| dimension.regions.iter().map(|region| self.mask(rules, at, region)).collect());
        reachable(start, &masks.collect::<Vec<Vec<Truths>>>(), limit)
    }

    /// What a region leaves of each open rule.
    fn mask(&self, rules: &Rules<'_>, dimension: usize, region: &Region) -> Truths {
        Truths::new(self.open.iter().map(|open| {
            let atoms = rules.rules.get(open.rule).map_or(&[][..], |rule| &rule.atoms);
            Truth::all(atoms.iter().filter_map(|atom| match self.worth.get(*atom)? {
                Worth::Free(of, test) if *of == dimension => region.outcomes.get(*test).copied(),
                _ => None,
            }))
        }))
    }

    /// The sums of one part when the open rules have these truths.
    pub fn sums(&self, part: usize, rules: &Rules<'_>, truth: impl Fn(usize) -> Truth) -> Sums {
        let mut sums = self.base.get(part).cloned().unwrap_or_else(|| Sums::new(0));
        for (at, open) in self.open.iter().enumerate() {
            if let Some(rule) = rules.rules.get(open.rule).filter(|rule| rule.part == part) {
                let levels = rule.levels.given(truth(at));
                if levels != Levels::NONE {
                    sums.add(rule.slot, rule.effect, levels);
                }
            }
        }
        sums
    }

    /// The sums of one part when every atom is either true or false.
    pub fn sums_at(&self, part: usize, rules: &Rules<'_>, atom: impl Fn(usize) -> bool) -> Sums {
        let Some(base) = self.base.get(part) else { return Sums::new(0) };
        let mut sums = Sums { grant: base.grant, ..Sums::new(base.scps.len()) };
        for rule in rules.rules.iter().filter(|rule| rule.part == part) {
            if rule.atoms.iter().all(|index| atom(*index)) {
                sums.add(rule.slot, rule.effect, rule.levels);
            }
        }
        sums
    }
}

/// Regions that no test tells apart: absence first, so that a witness has no more keys than needed.
fn merge(regions: &mut Vec<Region>) {
    let mut seen: HashSet<Vec<Truth>> = HashSet::new();
    regions.retain(|region| seen.insert(region.outcomes.clone()));
}

pub(super) fn truth_of(decision: Decision) -> Truth {
    match decision {
        Decision::Allowed => Truth::Yes,
        Decision::Unknown => Truth::Unknown,
        Decision::ImplicitDeny | Decision::ExplicitDeny => Truth::No,
    }
}

fn unresolved(atom: &Atom<'_>, status: &Status) -> String {
    match (atom.test, status) {
        (Tested::Condition(condition), Status::Unknown) => format!("nothing is known of `{}`", condition.key),
        (Tested::Condition(_), _) if atom.has_variables() => "it depends on a variable that is not known".to_owned(),
        (Tested::Condition(condition), _) => {
            format!("what `{}` does with this value is not documented", condition.operator_text)
        }
        (Tested::Resource { .. }, _) => "the resource depends on a variable that is not known".to_owned(),
    }
}

//! Puts the pieces together: rules of all parts, one space per world, the worst and the best state of it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::context::Context;
use super::super::decide::grants;
use super::super::document::Effect;
use super::super::evaluate::{Evaluation, Layer, Policies, Request, StatementRef, evaluate};
use super::super::formula::{Formula, Sums};
use super::super::principal::Level;
use super::super::region::takes_any_text;
use super::super::setting::Setting;
use super::super::states::State;
use super::super::tally::scp_levels;
use super::super::truth::Truth;
use super::answer::{Answer, Blocked, Witness};
use super::describe::Description;
use super::known::{Claims, Source, Status, View};
use super::question::{Limits, Part, World};
use super::rules::Rules;
use super::space::{Space, truth_of};

/// How many states with the best outcome are tried on the concrete evaluator before its "no" is believed.
const CONFIRMATIONS: usize = 16;

/// Whether all parts are allowed together: ever, and always, over the contexts of all worlds. No parts are always allowed;
/// no world is no context.
#[must_use]
pub fn ask(parts: &[Part<'_>], worlds: &[World], limits: Limits) -> Answer {
    Asked::new(parts, limits).over(worlds)
}

/// A question that is asked about several sets of worlds.
#[derive(Debug)]
pub struct Asked<'q> {
    question: Question<'q>,
    /// Of each part.
    own: Vec<Claims>,
    derived: Vec<Context>,
    /// The parts that no world opens, if there are any.
    shut: Option<Vec<Blocked>>,
}

impl<'q> Asked<'q> {
    #[must_use]
    pub fn new(parts: &'q [Part<'q>], limits: Limits) -> Self {
        let settings: Vec<Setting<'q>> = parts.iter().map(|part| Setting::of(part.request, part.policies)).collect();
        let mut rules = Rules::default();
        for (index, (part, setting)) in parts.iter().zip(&settings).enumerate() {
            rules.add(index, part, setting);
        }
        let question = Question { parts, settings, rules, limits };
        let shut = question.shut();
        let (mut own, mut contexts) = (Vec::new(), Vec::new());
        if shut.is_none() {
            own.extend(parts.iter().map(|part| Claims::of_part(part.request, part.own)));
            contexts.extend(question.settings.iter().map(derived));
        }
        Self { question, own, derived: contexts, shut }
    }

    /// The answer over the contexts of all worlds.
    #[must_use]
    pub fn over(&self, worlds: &[World]) -> Answer {
        let question = &self.question;
        if let Some(blocked) = self.shut.as_ref().filter(|_| !worlds.is_empty()) {
            return Answer {
                can: Truth::No,
                always: Truth::No,
                conditions: None,
                witness: None,
                blocked: blocked.clone(),
                gave_up: None,
            };
        }
        let mut found = Findings::new(question.parts.len());
        let mut description = Description::new(question.limits.points);
        for world in worlds {
            let views = self.own.iter().zip(&self.derived);
            let views: Vec<View<'_>> =
                views.map(|(own, derived)| View { own, world: &world.claims, derived }).collect();
            question.explore(world, &views, &mut found, &mut description);
        }
        found.answer(question, description)
    }
}

fn derived(setting: &Setting<'_>) -> Context {
    let mut context = Context::default();
    setting.derive(&mut context);
    context
}

#[derive(Debug)]
pub(super) struct Question<'q> {
    pub parts: &'q [Part<'q>],
    pub settings: Vec<Setting<'q>>,
    pub rules: Rules<'q>,
    pub limits: Limits,
}

struct Findings {
    can: Truth,
    always: Truth,
    witness: Option<Witness>,
    gave_up: BTreeSet<String>,
    /// Of each part: whether some state allows it, what no state has, and the Deny rules of every state that would allow it.
    part_can: Vec<Truth>,
    closed: Vec<Option<BTreeSet<Layer>>>,
    denied_by: Vec<BTreeSet<Vec<StatementRef>>>,
    /// Of each part: the layers whose conditions are not met in some context without a Deny.
    unmet: Vec<BTreeSet<Layer>>,
}

impl Findings {
    fn new(parts: usize) -> Self {
        Self {
            can: Truth::No,
            always: Truth::Yes,
            witness: None,
            gave_up: BTreeSet::new(),
            part_can: vec![Truth::No; parts],
            closed: vec![None; parts],
            denied_by: vec![BTreeSet::new(); parts],
            unmet: vec![BTreeSet::new(); parts],
        }
    }

    fn answer(self, question: &Question<'_>, description: Description) -> Answer {
        let conditions = if self.can == Truth::No { None } else { description.conditions(question, self.always) };
        let mut blocked = Vec::new();
        if self.can == Truth::No {
            for (part, can) in self.part_can.iter().enumerate() {
                if *can == Truth::No {
                    let denies = cover(self.denied_by.get(part).cloned().unwrap_or_default());
                    let mut missing = self.closed.get(part).cloned().flatten().unwrap_or_default();
                    if missing.is_empty() && denies.is_empty() {
                        missing = self.unmet.get(part).cloned().unwrap_or_default();
                    }
                    blocked.push(Blocked { part, missing: missing.into_iter().collect(), denies });
                }
            }
        }
        let gave_up: Vec<String> = self.gave_up.into_iter().collect();
        Answer {
            can: self.can,
            always: self.always,
            conditions,
            witness: self.witness,
            blocked,
            gave_up: (!gave_up.is_empty()).then(|| gave_up.join("; ")),
        }
    }
}

/// Few statements of which each set has one: the most frequent first.
fn cover(mut sets: BTreeSet<Vec<StatementRef>>) -> Vec<StatementRef> {
    let mut chosen = Vec::new();
    loop {
        sets.retain(|set| !set.iter().any(|reference| chosen.contains(reference)));
        let mut counts: BTreeMap<&StatementRef, usize> = BTreeMap::new();
        sets.iter().flatten().for_each(|reference| *counts.entry(reference).or_default() += 1);
        // The first of the most frequent, so that the choice does not depend on anything else.
        let best = counts.iter().rev().max_by_key(|(_, count)| **count).map(|(reference, _)| (*reference).clone());
        match best {
            Some(reference) => chosen.push(reference),
            None => return chosen,
        }
    }
}

impl Question<'_> {
    /// The parts that are never allowed, whatever any condition says; `None` when there is none.
    fn shut(&self) -> Option<Vec<Blocked>> {
        let mut blocked = Vec::new();
        for (index, (part, setting)) in self.parts.iter().zip(&self.settings).enumerate() {
            let mut sums = Sums::new(scp_levels(setting, part.policies));
            // What a grant covers depends on the context.
            sums.grant = (!part.policies.kms_grants.is_empty()).into();
            let mut denies = Vec::new();
            for rule in self.rules.rules.iter().filter(|rule| rule.part == index) {
                match rule.effect {
                    Effect::Allow => sums.add(rule.slot, rule.effect, rule.levels),
                    Effect::Deny if rule.atoms.is_empty() => {
                        sums.add(rule.slot, rule.effect, rule.levels);
                        if rule.levels.reaches(Level::Account).certain() {
                            denies.push(rule.source.clone());
                        }
                    }
                    Effect::Deny => {}
                }
            }
            let formula = Formula::of(setting, &sums);
            if truth_of(formula.decision()) == Truth::No {
                let allow = formula.allow();
                let missing = if allow == Truth::No { formula.closed() } else { Vec::new() };
                // One Deny is enough of a proof; the first in the order of the layers is named.
                denies.sort();
                denies.truncate(usize::from(allow != Truth::No));
                blocked.push(Blocked { part: index, missing, denies });
            }
        }
        (!blocked.is_empty()).then_some(blocked)
    }

    fn explore(&self, world: &World, views: &[View<'_>], found: &mut Findings, description: &mut Description) {
        let grants: Vec<Truth> = self
            .parts
            .iter()
            .zip(&self.settings)
            .zip(views)
            .map(|((part, setting), view)| covered(setting, part.policies, view))
            .collect();
        let space = Space::of(self.parts, &self.settings, views, &self.rules, &grants, self.limits);
        found.gave_up.extend(space.incomplete.iter().cloned());

        let mut at_best = Vec::new();
        for (part, setting) in self.settings.iter().enumerate() {
            let (can, sums) = space.at_best(part, setting, &self.rules);
            at_best.push(can);
            let formula = Formula::of(setting, &sums);
            let shut = formula.allow() == Truth::No;
            let layers: BTreeSet<Layer> = formula.closed().into_iter().filter(|_| shut).collect();
            if let Some(closed) = found.closed.get_mut(part) {
                *closed = Some(closed.take().map_or(layers.clone(), |before| &before & &layers));
            }
            if let Some(sets) = found.denied_by.get_mut(part).filter(|_| can == Truth::No && !shut) {
                sets.insert(self.certain_denies(part, &space, |_| Truth::No));
            }
        }
        if Truth::all(at_best.iter().copied()) == Truth::No {
            found.always = Truth::No;
            // One part is shut; how far the others are open on their own is not worked out.
            for (can, best) in found.part_can.iter_mut().zip(&at_best) {
                *can = can.or(best.and(Truth::Unknown));
            }
            return;
        }
        let Some(states) = space.states(&self.rules, self.limits.states) else {
            found.gave_up.insert(format!("more than {} combinations of conditions", self.limits.states));
            found.can = found.can.or(Truth::Unknown);
            found.always = found.always.and(Truth::Unknown);
            found.part_can.iter_mut().for_each(|can| *can = can.or(Truth::Unknown));
            description.give_up();
            return;
        };
        let mut candidates: Vec<(Truth, &State)> = Vec::new();
        for state in &states {
            let mut all = Truth::Yes;
            for (part, setting) in self.settings.iter().enumerate() {
                let sums = space.sums(part, &self.rules, |at| state.truths.get(at));
                let formula = Formula::of(setting, &sums);
                let truth = truth_of(formula.decision());
                all = all.and(truth);
                if let Some(can) = found.part_can.get_mut(part) {
                    *can = can.or(truth);
                }
                if let Some(unmet) = found.unmet.get_mut(part).filter(|_| !formula.allow().possible()) {
                    unmet.extend(formula.closed());
                }
                if truth == Truth::No
                    && formula.allow().possible()
                    && let Some(sets) = found.denied_by.get_mut(part)
                {
                    sets.insert(self.certain_denies(part, &space, |at| state.truths.get(at)));
                }
            }
            found.always = found.always.and(all);
            if all.possible() {
                candidates.push((all, state));
            }
        }
        candidates.sort_by_key(|(truth, _)| std::cmp::Reverse(*truth));
        self.confirm(world, &space, &candidates, found);
        if !candidates.is_empty() {
            description.add(self, &space);
        }
    }

    /// Deny rules that certainly hold.
    fn certain_denies(&self, part: usize, space: &Space, truth: impl Fn(usize) -> Truth) -> Vec<StatementRef> {
        let mut denies = Vec::new();
        for (index, rule) in self.rules.rules.iter().enumerate() {
            if rule.part != part || rule.effect != Effect::Deny {
                continue;
            }
            let holds = match space.open.iter().position(|open| open.rule == index) {
                Some(at) => truth(at),
                None => space.closed_truth(rule),
            };
            if rule.levels.given(holds).reaches(Level::Account).certain() {
                denies.push(rule.source.clone());
            }
        }
        denies.sort();
        denies.dedup();
        denies
    }

    /// A "yes" counts only when the concrete evaluator says so too.
    fn confirm(&self, world: &World, space: &Space, candidates: &[(Truth, &State)], found: &mut Findings) {
        for (_, state) in candidates.iter().take(CONFIRMATIONS) {
            if found.can == Truth::Yes {
                return;
            }
            // A free key that only fills in a variable has no regions: unknown first, then without it, then with some value.
            for filled in [None, Some(Vec::new()), Some(vec!["x".to_owned()])] {
                let variables = space.only_in_variables();
                if filled.is_some() && !variables {
                    break;
                }
                let witness = self.witness(world, space, state, filled.as_deref());
                let confirmed = Truth::all(witness.evaluations.iter().map(|evaluation| truth_of(evaluation.decision)));
                // The witness leaves unknown what is not known, so what the concrete evaluator allows is allowed for certain;
                // where it does not, a "may" is left.
                let truth = confirmed.or(Truth::Unknown);
                if found.witness.is_none() || truth > found.can {
                    found.witness = Some(witness);
                }
                found.can = found.can.or(truth);
                if truth == Truth::Yes {
                    return;
                }
            }
        }
    }

    fn witness(&self, world: &World, space: &Space, state: &State, filled: Option<&[String]>) -> Witness {
        let mut contexts = Vec::new();
        let mut evaluations: Vec<Evaluation> = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            let request = self.request(index, part, space, state, filled);
            evaluations.push(evaluate(&request, part.policies));
            contexts.push(request.context);
        }
        Witness { world: world.name.clone(), contexts, evaluations }
    }

    /// The request of a part in a state: what is known of the keys that matter, and the chosen values.
    fn request(
        &self,
        index: usize,
        part: &Part<'_>,
        space: &Space,
        state: &State,
        filled: Option<&[String]>,
    ) -> Request {
        let mut request = Request { unknown_keys: BTreeSet::new(), ..part.request.clone() };
        let mut set = |key: &str, values: Vec<String>| {
            request.context.retain(|name, _| !name.eq_ignore_ascii_case(key));
            request.context.insert(key.to_owned(), values);
        };
        for (key, status, source) in space.statuses.get(index).into_iter().flatten() {
            if *source == Source::Derived {
                continue;
            }
            match status {
                Status::Fixed(values) => set(key, values.clone()),
                Status::Absent => set(key, Vec::new()),
                Status::Unknown => drop(request.unknown_keys.insert(key.clone())),
                // Chosen below, or part of a comparison that is not worked out.
                Status::Present | Status::Free => match filled {
                    Some([]) if *status == Status::Free => set(key, Vec::new()),
                    Some(values) if !values.is_empty() && takes_any_text(key) => set(key, values.to_vec()),
                    _ => drop(request.unknown_keys.insert(key.clone())),
                },
            }
        }
        for (dimension, region) in space.dimensions.iter().zip(&state.chosen) {
            if dimension.part.is_none_or(|part| part == index) && space.mentions(index, &dimension.key) {
                let values = dimension.regions.get(*region).and_then(|region| region.values.clone());
                request.unknown_keys.remove(&dimension.key);
                request.context.retain(|name, _| !name.eq_ignore_ascii_case(&dimension.key));
                request.context.insert(dimension.key.clone(), values.unwrap_or_default());
            }
        }
        request
    }
}

/// Whether a grant covers a part; keys that are not fixed are unknown to it.
fn covered(setting: &Setting<'_>, policies: &Policies, view: &View<'_>) -> Truth {
    if policies.kms_grants.is_empty() {
        return Truth::No;
    }
    // A name that nobody gives: what is said of it is said of all names of the encryption context.
    let (rest, _) = view.status("kms:encryptioncontext:\u{1}");
    let unknown = if rest == Status::Absent { BTreeSet::new() } else { BTreeSet::from(["*".to_owned()]) };
    let context = view.context(setting.request, &unknown);
    Truth::any(grants(setting, policies, &context).map(|(_, covers)| covers))
}

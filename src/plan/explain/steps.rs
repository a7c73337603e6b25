//! The steps at an address, what they depend on, and why they come in that order.

use crate::model::{Address, Kind};
use crate::plan::order::{self, Stage};
use crate::plan::{Plan, Step, StepAction};

use super::{ExplainedStep, Link};

pub(super) fn explained(plan: &Plan, address: &Address) -> Vec<ExplainedStep> {
    plan.steps.iter().filter(|step| step.address == *address).map(|step| one(plan, step)).collect()
}

fn one(plan: &Plan, step: &Step) -> ExplainedStep {
    let earlier = step.depends_on.iter().filter_map(|id| plan.steps.get(*id));
    let later = plan.steps.iter().filter(|other| other.depends_on.contains(&step.id));
    let (does, place) = match &step.action {
        StepAction::Write { place, write } => (write.operation().to_owned(), Some(place.to_string())),
        StepAction::AwaitDelivery { place, deadline_seconds, .. } => {
            (format!("waits up to {deadline_seconds} seconds for a successful delivery"), Some(place.to_string()))
        }
        StepAction::Pause { seconds, reason } => (format!("waits {seconds} seconds: {reason}"), None),
    };
    ExplainedStep {
        step: step.id,
        title: step.title.clone(),
        does,
        place,
        order: why(step).to_owned(),
        after: earlier.map(|other| link(other, because(plan, step, other))).collect(),
        before: later.map(|other| link(other, because(plan, other, step))).collect(),
        undo: step.undo.as_ref().map(|undo| undo.write.operation().to_owned()),
        precondition: step.target.as_ref().is_some_and(|target| target.before.is_some()),
    }
}

fn link(step: &Step, because: &str) -> Link {
    Link { step: step.id, address: step.address.clone(), title: step.title.clone(), because: because.to_owned() }
}

fn why(step: &Step) -> &'static str {
    match &step.action {
        StepAction::AwaitDelivery { .. } => {
            "nothing that could stop the delivery goes without a later success; what it follows is taken back otherwise"
        }
        StepAction::Pause { .. } => "what was switched off may still act for a while",
        StepAction::Write { .. } => order::why(step.address.kind, stage(step), order::is_supporting(&step.address)),
    }
}

fn stage(step: &Step) -> Stage {
    if step.title.ends_with(Stage::Final.suffix()) { Stage::Final } else { Stage::First }
}

/// Why a step is not taken without an earlier one. The cases are those of `depend.rs`.
fn because(plan: &Plan, step: &Step, earlier: &Step) -> &'static str {
    let text = serde_json::to_string(&(&step.action, &step.target)).unwrap_or_default();
    if earlier.gives.values().any(|token| text.contains(token.as_str())) {
        return "it uses what that step gives";
    }
    match (&step.action, &earlier.action) {
        (StepAction::AwaitDelivery { .. }, _) => "that step could stop the delivery: a later success has to be seen",
        (_, StepAction::AwaitDelivery { .. }) => "the delivery has to be seen to work first",
        (_, StepAction::Pause { .. }) => "the old delivery may still write until then",
        _ if step.address == earlier.address => "an earlier write of the same resource",
        _ if stage(step) == Stage::Final && earlier.address.kind == Kind::LogDelivery => {
            "nothing is taken from the old delivery before the new one works and the old one is off"
        }
        _ if order::requires(step.address.kind).contains(&earlier.address.kind) => {
            "the one needs the other to exist and to be right"
        }
        _ if declared(plan, step, earlier) => "it is made from what that resource is",
        _ => "in the other order, a state between the two would not be safe",
    }
}

fn declared(plan: &Plan, step: &Step, earlier: &Step) -> bool {
    let change = plan.changes.iter().find(|change| change.address == step.address);
    change.is_some_and(|change| change.depends_on.contains(&earlier.address))
}

//! Asks the concrete evaluator with every key that is not fixed unknown.

use super::super::evaluate::{Decision, evaluate};
use super::super::truth::Truth;
use super::answer::{Answer, Witness};
use super::question::{Keys, Limits, Part, World};

/// Answers questions; what it works out about documents is kept for the next question.
#[derive(Debug, Default)]
pub struct Engine {
    limits: Limits,
}

impl Engine {
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// Whether all parts are allowed together: ever, and always, over the contexts of all worlds. No parts are always allowed;
    /// no world is no context.
    pub fn ask(&mut self, parts: &[Part<'_>], worlds: &[World]) -> Answer {
        let mut answer = Answer {
            can: Truth::No,
            always: Truth::Yes,
            conditions: None,
            witness: None,
            blocked: Vec::new(),
            gave_up: None,
        };
        for world in worlds {
            let mut evaluations = Vec::new();
            let mut contexts = Vec::new();
            for part in parts {
                let mut request = part.request.clone();
                // What a part says of its own keys would have to be weighed against the world.
                let shared = world.keys.fixed.iter().filter(|_| part.own == Keys::default());
                for (key, values) in shared {
                    request.context.entry(key.clone()).or_insert_with(|| values.clone());
                }
                request.unknown_keys.insert("*".to_owned());
                evaluations.push(evaluate(&request, part.policies));
                contexts.push(request.context);
            }
            let truth = Truth::all(evaluations.iter().map(|evaluation| match evaluation.decision {
                Decision::Allowed => Truth::Yes,
                Decision::Unknown => Truth::Unknown,
                Decision::ImplicitDeny | Decision::ExplicitDeny => Truth::No,
            }));
            if truth > answer.can {
                answer.can = truth;
                answer.witness = Some(Witness { world: world.name.clone(), contexts, evaluations });
            }
            answer.always = answer.always.and(truth);
        }
        answer
    }
}

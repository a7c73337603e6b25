//! What the symbolic engine says of all contexts, against the concrete evaluator in many of them: nothing that is allowed
//! somewhere may be called impossible, and nothing that is refused somewhere may be called certain.

#![no_main]

use arbitrary::Unstructured;
use auditseal_fuzz::iam::symbolic::{self, Keys, Limits, Part, World};
use auditseal_fuzz::iam::{Decision, Truth, evaluate};
use auditseal_fuzz::scenario;
use libfuzzer_sys::fuzz_target;

fn truth(decision: Decision) -> Truth {
    match decision {
        Decision::Allowed => Truth::Yes,
        Decision::Unknown => Truth::Unknown,
        Decision::ImplicitDeny | Decision::ExplicitDeny => Truth::No,
    }
}

fn agrees(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let (mut request, policies) = (scenario::request(u)?, scenario::policies(u)?);
    let worlds = [World::new("any", Keys::default())];
    let part = Part { request: &request, policies: &policies, own: &Keys::default() };
    let answer = symbolic::ask(&[part], &worlds, Limits::default());
    if answer.can == Truth::Yes {
        let witness = answer.witness.as_ref().expect("who can has a witness");
        request.context = witness.contexts.first().expect("one part").clone();
        assert_eq!(evaluate(&request, &policies).decision, Decision::Allowed, "{answer:#?}\n{policies:#?}");
    }
    for _ in 0..8 {
        request.context = scenario::context(u)?;
        let found = truth(evaluate(&request, &policies).decision);
        assert!(answer.can >= found.min(Truth::Unknown), "{found:?} in {:?}\n{answer:#?}\n{policies:#?}", request.context);
        let refused = answer.always == Truth::Yes && found != Truth::Yes;
        assert!(!refused, "{found:?} in {:?}\n{answer:#?}\n{policies:#?}", request.context);
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    // Too few bytes are no scenario.
    let _ = agrees(&mut Unstructured::new(data));
});

//! Any bytes as a policy, or as an input of `policy simulate`: no panic, and the canonical form stays what it is.

#![no_main]

use auditseal_fuzz::iam::evaluate::{NamedPolicy, Policies, Request, evaluate};
use auditseal_fuzz::iam::{Inputs, Pair, Principal, Simulation, canonical, diff_statements, equivalent, includes, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(policy) = parse(text) {
        let form = canonical(text).expect("a policy that was read has a canonical form");
        assert_eq!(canonical(&form.to_json()).expect("canonical"), form);
        assert!(equivalent(text, &form.to_json()));
        let _ = includes(&policy, &policy);
        let mut request = Request::new(Principal::Anonymous, "s3:GetObject", "arn:aws:s3:::b/x");
        request.resource_account = Some("111122223333".to_owned());
        request.unknown_keys.insert("*".to_owned());
        let named = NamedPolicy::read("p", text);
        let policies = Policies { identity: vec![named.clone()], resource: Some(named), ..Policies::default() };
        let _ = evaluate(&request, &policies);
    }
    assert!(equivalent(text, text));
    let _ = diff_statements(text, text);
    for simulation in match Inputs::<Simulation>::read(text) {
        Ok(Inputs::One(one)) => vec![*one],
        Ok(Inputs::Many(many)) => many,
        Err(_) => Vec::new(),
    } {
        let _ = simulation.run();
    }
    if let Ok(Inputs::One(pair)) = Inputs::<Pair>::read(text) {
        let _ = pair.run();
    }
});

//! What `policy includes` proves, against the concrete evaluator: whatever the candidate allows, an including reference does
//! not refuse; a witness is allowed by the candidate and by the reference is not.

#![no_main]

use arbitrary::Unstructured;
use auditseal_fuzz::iam::{Decision, Inclusion, NamedPolicy, Policies, Request, evaluate, includes, parse};
use auditseal_fuzz::scenario;
use libfuzzer_sys::fuzz_target;

/// Leaves the decision to the policies of the user, where those of keys and roles would have a say (K1, A1).
const DELEGATES: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}]}"#;

fn agrees(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let (reference, candidate) = (scenario::policy(u, false)?, scenario::policy(u, false)?);
    let read = |text: &str| parse(text).expect("a policy");
    let found = includes(&read(&reference), &read(&candidate));
    let decide = |request: &Request, text: &str| {
        let (identity, resource) = (vec![NamedPolicy::read("p", text)], Some(NamedPolicy::read("r", DELEGATES)));
        let policies = Policies { identity, resource, ..Policies::default() };
        evaluate(request, &policies).decision
    };
    let refuses = |request: &Request, text: &str| {
        matches!(decide(request, text), Decision::ImplicitDeny | Decision::ExplicitDeny)
    };
    let user = || "arn:aws:iam::111122223333:user/u".parse().expect("a principal");
    match found {
        Inclusion::Included => {
            for _ in 0..8 {
                let mut request = Request::new(
                    user(),
                    u.choose(&["s3:GetObject", "s3:PutObject", "kms:Decrypt", "iam:GetUser"])?,
                    u.choose(&["arn:aws:s3:::b/audit/x.json", "arn:aws:s3:::b/", "arn:aws:s3:::c", "arn:aws:sqs:::q"])?,
                );
                request.resource_account = Some("111122223333".to_owned());
                request.context = scenario::context(u)?;
                let allowed = decide(&request, &candidate) == Decision::Allowed;
                assert!(!(allowed && refuses(&request, &reference)), "{request:?}\n{reference}\n{candidate}");
            }
        }
        Inclusion::NotIncluded(excess) => {
            let mut request = Request::new(user(), &excess.action, &excess.resource);
            request.resource_account = Some("111122223333".to_owned());
            request.context = excess.context.clone();
            // A key that the witness does not name is absent, whatever follows from this user.
            for key in scenario::KEYS {
                if !excess.context.keys().any(|name| name.eq_ignore_ascii_case(key)) {
                    request.context.insert(key.to_owned(), Vec::new());
                }
            }
            assert_eq!(decide(&request, &candidate), Decision::Allowed, "{excess:?}\n{reference}\n{candidate}");
            assert!(refuses(&request, &reference), "{excess:?}\n{reference}\n{candidate}");
        }
        Inclusion::Unknown(_) => {}
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    // Too few bytes are no pair.
    let _ = agrees(&mut Unstructured::new(data));
});

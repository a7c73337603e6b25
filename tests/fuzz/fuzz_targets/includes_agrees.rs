//! What `policy includes` proves, against the concrete evaluator: whatever the candidate allows, an including reference does
//! not refuse; a witness is allowed by the candidate and by the reference is not.

#![no_main]

use arbitrary::Unstructured;
use auditseal_fuzz::iam::{Decision, Inclusion, NamedPolicy, Policies, Request, evaluate, includes, parse};
use auditseal_fuzz::scenario;
use libfuzzer_sys::fuzz_target;

fn agrees(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let (reference, candidate) = (scenario::policy(u, false)?, scenario::policy(u, false)?);
    let read = |text: &str| parse(text).expect("a policy");
    let found = includes(&read(&reference), &read(&candidate));
    let decide = |request: &Request, text: &str| {
        let policies = Policies { identity: vec![NamedPolicy::read("p", text)], ..Policies::default() };
        evaluate(request, &policies).decision
    };
    match found {
        Inclusion::Included => {
            for _ in 0..8 {
                let mut request = Request::new(
                    "arn:aws:iam::111122223333:user/u".parse().expect("a principal"),
                    u.choose(&["s3:GetObject", "s3:PutObject", "kms:Decrypt", "iam:GetUser"])?,
                    u.choose(&["arn:aws:s3:::b/audit/x.json", "arn:aws:s3:::b/", "arn:aws:s3:::c", "arn:aws:sqs:::q"])?,
                );
                request.resource_account = Some("111122223333".to_owned());
                request.context = scenario::context(u)?;
                if decide(&request, &candidate) == Decision::Allowed {
                    let limit = decide(&request, &reference);
                    let refused = matches!(limit, Decision::ImplicitDeny | Decision::ExplicitDeny);
                    assert!(!refused, "{request:?}\n{reference}\n{candidate}");
                }
            }
        }
        Inclusion::NotIncluded(_) | Inclusion::Unknown(_) => {}
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    // Too few bytes are no pair.
    let _ = agrees(&mut Unstructured::new(data));
});

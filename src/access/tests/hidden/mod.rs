//! Ways to hide a reader: each is found, with a witness that names where; and look-alikes that are safe and are proved so.

mod chains;
mod compute;
mod conditions;
mod databricks;
mod doors;
mod identities;
mod keys;
mod lent;
mod parts;
mod principals;
mod resources;

use super::lab::Lab;
use crate::access::{PrincipalAccess, ProofVerdict, Question};

/// One way and its look-alike.
struct Pair {
    name: &'static str,
    hidden: Lab,
    /// Who is hidden.
    who: String,
    /// What the witness has to name.
    witness: &'static str,
    safe: Lab,
}

fn pair(name: &'static str, hidden: Lab, who: &str, witness: &'static str, safe: Lab) -> Pair {
    Pair { name, hidden, who: who.to_owned(), witness, safe }
}

/// Everything that an entry rests on, in one text.
fn grounds(one: &PrincipalAccess) -> String {
    let hops = one.via.iter().flat_map(|hop| [hop.role.clone(), hop.by.clone(), hop.statements.join(" ")]);
    let lines = [&one.witness.s3, &one.witness.kms, &one.witness.unity_catalog, &one.conditions];
    let lines = lines.into_iter().flatten().cloned();
    hops.chain(lines).collect::<Vec<_>>().join(" | ")
}

fn check(question: Question, pairs: Vec<Pair>) {
    let mut wrong = Vec::new();
    for Pair { name, hidden, who, witness, safe } in pairs {
        let found = hidden.undeclared(question);
        match found.iter().find(|one| one.arn == who) {
            None => {
                let others: Vec<&str> = found.iter().map(|one| one.arn.as_str()).collect();
                wrong.push(format!("{name}: `{who}` is not found; found are {others:?}"));
            }
            Some(one) if !grounds(one).contains(witness) => {
                wrong.push(format!("{name}: `{witness}` is not in the witness: {}", grounds(one)));
            }
            Some(_) => {}
        }
        let code = match question {
            Question::Read => "readers-declared",
            Question::List => "listers-declared",
            Question::Write => "writers-declared",
            Question::Tamper => "tamperers-declared",
        };
        let verdict = hidden.assess().proof("acme", code).expect("proof").verdict;
        if verdict == ProofVerdict::Holds {
            wrong.push(format!("{name}: the proof holds although there is a hidden one"));
        }
        let spared = safe.undeclared(question);
        if let Some(one) = spared.first() {
            wrong.push(format!("{name}: the safe one shows `{}`: {} {:?}", one.arn, grounds(one), one.verdict));
        }
        // Older objects under no key are a question of their own, which only sampling answers.
        let sampled_only = safe.assess().object_classes.iter().all(|class| class.sampled);
        let verdict = safe.assess().proof("acme", code).expect("proof").clone();
        if sampled_only && verdict.verdict != ProofVerdict::Holds {
            wrong.push(format!("{name}: the safe one is not proved: {:?}", verdict.because));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

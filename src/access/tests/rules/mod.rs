//! The rules of the facts sheet (`aws-access-evaluation.md`, section 3) that are this room's, each by its name.

mod chains;
mod context;
mod estate;
mod kms;
mod s3;

use super::lab::*;
use crate::access::{Assessment, PrincipalAccess, ProofVerdict, Question, Verdict};

fn role(name: &str) -> String {
    format!("arn:aws:iam::{OWN}:role/{name}")
}

fn of<'a>(all: &'a Assessment, question: Question, arn: &str) -> Vec<&'a PrincipalAccess> {
    all.principals.iter().filter(|one| one.question == question && one.arn == arn).collect()
}

/// The most that a principal can in objects under the present encryption.
fn verdict(lab: &Lab, question: Question, arn: &str) -> Verdict {
    let all = lab.assess();
    let known = of(&all, question, arn).into_iter().filter(|one| one.object_class != "older");
    known.map(|one| one.verdict).max().unwrap_or(Verdict::Cannot)
}

fn proof(lab: &Lab, code: &str) -> ProofVerdict {
    lab.assess().proof("acme", code).expect("proof").verdict
}

fn jump() -> Lab {
    plain().role("Jump", SAML, &[&may("s3:GetObject", LOGS)])
}

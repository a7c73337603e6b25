//! Tests of the room: the rules of the facts sheet, each by its name, and a corpus of ways to hide a reader.

mod allowed;
mod hidden;
pub(crate) mod lab;
mod rules;
pub(crate) mod shortcuts;

use super::{ProofVerdict, Question, Verdict};
use lab::*;

#[test]
fn a_sealed_estate_is_proved() {
    let all = sealed().assess();
    assert!(all.complete, "{:?}", all.gaps);
    let wrong: Vec<_> = all.proofs.iter().filter(|proof| proof.verdict != ProofVerdict::Holds).collect();
    // Objects of an older encryption are the one thing that only sampling could show.
    assert_eq!(wrong, Vec::<&super::Proof>::new());
    let readers: Vec<_> = all
        .principals
        .iter()
        .filter(|one| one.question == Question::Read && one.verdict == Verdict::Can && one.object_class == "current")
        .map(|one| one.arn.as_str())
        .collect();
    assert!(readers.contains(&READER) && readers.contains(&DELIVERY), "{readers:?}");
}

use crate::access::tests::lab::{BUCKET, KEY, LOGS, Lab, OLD_KEY, READER, SAML, allow, sealed};
use crate::access::{PrincipalAccess, ProofVerdict, Question, Verdict};
use crate::call::{Read, Write};
use crate::model::bucket::Encryption;
use crate::model::{Kind, Live, Wanted};
use crate::plan::explain::{Answer, Explanation, Reasoning, explain};
use crate::plan::{GuardResult, Plan, Verdict as Guard};

use super::{at, bucket_policy, key_policy, numbered, plan, step, wanted};

const CONTRACTOR: &str = "arn:aws:iam::111122223333:role/Contractor";
const PROVIDER: &str = "arn:aws:iam::111122223333:saml-provider/corp";

/// A contractor reads, by bucket and key.
pub(crate) fn open() -> Lab {
    sealed()
        .role("Contractor", SAML, &[])
        .on_bucket(&allow(CONTRACTOR, "s3:GetObject", LOGS, r#","Sid":"ForContractor""#))
        .on_key(KEY, &allow(CONTRACTOR, "kms:Decrypt", "*", r#","Sid":"ContractorDecrypts""#))
}

/// The key policy goes back to what is declared, then the bucket policy.
pub(crate) fn closing(lab: &Lab) -> Plan {
    let declared = sealed();
    let key = key_policy(lab, &declared.keys[KEY]);
    let bucket = bucket_policy(lab, &declared.bucket);
    plan(lab, numbered(vec![(key, &[]), (bucket, &[0])]))
}

pub(crate) fn of(plan: &Plan, live: &Live, wanted: &Wanted, kind: Kind) -> Explanation {
    explain(&Reasoning { plan, seen: Some((live, wanted)) }, &at(kind).to_string()).expect("an explanation")
}

#[test]
fn the_witness_of_whoever_loses_is_told_before_and_what_stands_in_the_way_after() {
    let lab = open();
    let (plan, live, wanted) = (closing(&lab), lab.live(), Wanted::default());
    let explained = of(&plan, &live, &wanted, Kind::KmsKeyPolicy);
    assert!(explained.access.proved && explained.access.missing.is_none());
    let [step] = explained.access.steps.as_slice() else { panic!("{:?}", explained.access.steps) };
    // Of objects without the key, the bucket policy alone decides: the contractor keeps those.
    assert!(step.gained.is_empty() && step.lost.is_empty(), "{step:?}");
    let narrowed: Vec<_> = step.narrowed.iter().map(|one| (one.holder.question, one.holder.arn.as_str())).collect();
    // With it, whoever comes in as the contractor.
    assert_eq!(narrowed, [(Question::Read, CONTRACTOR), (Question::Read, PROVIDER)]);
    let shift = &step.narrowed[0];
    let before = shift.before.iter().find(|one| one.verdict == Verdict::Can).expect("it could");
    assert!(before.witness.s3.iter().any(|text| text.contains("`ForContractor`")), "{:?}", before.witness);
    assert!(before.witness.kms.iter().any(|text| text.contains("`ContractorDecrypts`")), "{:?}", before.witness);
    let classes = |all: &[PrincipalAccess]| -> Vec<String> {
        all.iter().filter(|one| one.verdict.possible()).map(|one| one.object_class.clone()).collect()
    };
    assert_eq!(
        (classes(&shift.before), classes(&shift.after)),
        (vec!["current".into(), "older".into()], vec!["older".into()])
    );
    let proof = step.proofs.iter().find(|proof| proof.code == "readers-declared").expect("the proof turns");
    assert_eq!((proof.before, proof.after), (Some(ProofVerdict::DoesNotHold), proof.after));
    assert_ne!(proof.after, ProofVerdict::DoesNotHold);

    let explained = of(&plan, &live, &wanted, Kind::BucketPolicy);
    let [step] = explained.access.steps.as_slice() else { panic!("{:?}", explained.access.steps) };
    assert_eq!(step.step, 1);
    let lost: Vec<_> = step.lost.iter().map(|one| (one.holder.question, one.holder.arn.as_str())).collect();
    assert_eq!(lost, [(Question::Read, CONTRACTOR), (Question::Read, PROVIDER)]);
    assert!(step.lost[0].after.iter().all(|one| one.verdict == Verdict::Cannot));
}

#[test]
fn a_key_that_opens_is_a_gain_for_whoever_reads_objects_without_it() {
    let lab = sealed().role("Contractor", SAML, &[]).on_bucket(&allow(
        CONTRACTOR,
        "s3:GetObject",
        LOGS,
        r#","Sid":"ForContractor""#,
    ));
    let mut statements = lab.keys[KEY].clone();
    statements.push(allow(CONTRACTOR, "kms:Decrypt", "*", ""));
    let plan = plan(&lab, numbered(vec![(key_policy(&lab, &statements), &[])]));
    assert!(plan.access.before.read.contains(&CONTRACTOR.to_owned()), "objects of an older encryption");
    let gained: Vec<_> = plan.access.steps.iter().flat_map(|step| &step.gained).map(|one| one.arn.as_str()).collect();
    assert_eq!(gained, [CONTRACTOR, PROVIDER]);
}

#[test]
fn objects_that_change_their_class_with_the_key_are_no_gain() {
    // Whoever reads under the old key reads the same objects afterwards, then named after a previous key.
    let lab = open().with(|lab| lab.desired.key.previous = vec![KEY.parse().expect("a key")]);
    let lab = lab.on_key(OLD_KEY, &allow(READER, "kms:Decrypt", "*", ""));
    let encryption = Encryption::kms(OLD_KEY);
    let bucket = BUCKET.to_owned();
    let write = Write::PutBucketEncryption { bucket: bucket.clone(), encryption: encryption.clone() };
    let move_on = step(&lab, Kind::BucketEncryption, write, Read::BucketEncryption { bucket }, encryption);
    let plan = plan(&lab, numbered(vec![(move_on, &[])]));
    assert!(plan.access.after.read.contains(&CONTRACTOR.to_owned()));
    let gained: Vec<_> = plan.access.steps.iter().flat_map(|step| &step.gained).map(|one| one.arn.as_str()).collect();
    assert_eq!(gained, [""; 0]);
}

#[test]
fn steps_say_what_they_wait_for_and_what_waits_for_them() {
    let lab = open();
    let (plan, live, wanted) = (closing(&lab), lab.live(), Wanted::default());
    let key = of(&plan, &live, &wanted, Kind::KmsKeyPolicy);
    assert_eq!(key.steps.len(), 1);
    assert_eq!(key.steps[0].before.iter().map(|link| link.step).collect::<Vec<_>>(), [1]);
    assert!(key.steps[0].after.is_empty() && key.steps[0].precondition);
    let bucket = of(&plan, &live, &wanted, Kind::BucketPolicy);
    assert_eq!(bucket.steps[0].after[0].address, at(Kind::KmsKeyPolicy));
    assert_eq!(bucket.steps[0].does, "s3:PutBucketPolicy");
    assert!(bucket.steps[0].order.contains("narrowed"), "{}", bucket.steps[0].order);
    let codes: Vec<_> = bucket.wanted.iter().map(|reason| (reason.path.as_str(), reason.controls.join(" "))).collect();
    assert_eq!(codes, [("", "B5 B7".to_owned()), ("statement[Contractor]", "B5".to_owned())]);
}

#[test]
fn what_is_as_wanted_is_explained_too() {
    let lab = open();
    let (plan, live) = (closing(&lab), lab.live());
    let read = Read::BucketOwnership { bucket: crate::access::tests::lab::BUCKET.to_owned() };
    let wanted = wanted(&lab, Kind::BucketOwnership, read, &[("", "B4: lists are off")]);
    let explained = of(&plan, &live, &wanted, Kind::BucketOwnership);
    assert!(explained.change.is_none() && explained.steps.is_empty() && explained.access.steps.is_empty());
    assert_eq!(explained.unchanged.as_deref(), Some("it is as wanted: live state and declaration agree"));
    assert_eq!((explained.read[0].answer, explained.read[0].serves.as_str()), (Answer::Present, "its own state"));
    assert_eq!(explained.wanted[0].controls, ["B4"]);
    assert!(!explained.wanted[0].changes);
}

#[test]
fn a_saved_plan_says_who_and_that_the_witnesses_are_missing() {
    let lab = open();
    let plan = closing(&lab);
    let explained = explain(&Reasoning { plan: &plan, seen: None }, "acme/bucket-policy[audit]").expect("explained");
    assert_eq!(explained.access.steps[0].lost[0].holder.arn, CONTRACTOR);
    assert!(explained.access.steps[0].lost[0].before.is_empty());
    assert!(explained.access.missing.expect("missing").contains("auditseal plan --explain"));
    assert_eq!(explained.read[0].answer, Answer::Present);
}

#[test]
fn an_address_that_the_plan_does_not_know_is_named_with_the_nearest() {
    let lab = open();
    let (plan, live, wanted) = (closing(&lab), lab.live(), Wanted::default());
    let reasoning = Reasoning { plan: &plan, seen: Some((&live, &wanted)) };
    for asked in ["acme/bucket-polcy[audit]", "bucket-policy", "acme/bucket-policy[other]", ""] {
        let error = explain(&reasoning, asked).expect_err("unknown");
        assert_eq!(error.asked, asked);
        assert_eq!(error.nearest.len(), 2);
    }
    let error = explain(&reasoning, "acme/bucket-polcy[audit]").expect_err("unknown").to_string();
    assert_eq!(
        error,
        "`acme/bucket-polcy[audit]` is not an address of this plan; nearest are `acme/bucket-policy[audit]`, \
         `acme/kms-key-policy[audit]`"
    );
}

#[test]
fn guards_that_look_at_something_else_are_left_out() {
    let lab = open();
    let (mut plan, live, wanted) = (closing(&lab), lab.live(), Wanted::default());
    let guard = |code: &str, message: &str| GuardResult {
        code: code.to_owned(),
        verdict: Guard::Pass,
        message: message.to_owned(),
    };
    plan.guards = vec![
        guard("access-widened", "acme/kms-key-policy[audit]: after `x` somebody could read"),
        guard("self-lockout-bucket", "a declared admin can change every bucket policy after every step"),
        guard("self-lockout-key", "a declared admin can change every key policy after every step"),
        guard("unread-inputs", "every input was read"),
    ];
    let codes = |kind| of(&plan, &live, &wanted, kind).guards.into_iter().map(|one| one.code).collect::<Vec<_>>();
    assert_eq!(codes(Kind::BucketPolicy), ["self-lockout-bucket", "unread-inputs"]);
    assert_eq!(codes(Kind::KmsKeyPolicy), ["access-widened", "self-lockout-key", "unread-inputs"]);
}

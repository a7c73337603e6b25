//! The lists of `drift` and of `init --from-live`, which only read.

use std::collections::BTreeSet;

use auditseal::call::Listing;
use auditseal::drift::{Check, Memory};
use auditseal::model::{Desired, Gap};
use auditseal::run::adopt::{AdoptError, adopt};
use auditseal::run::drift::{Checked, DriftOptions, check};
use auditseal::run::permissions::{Command, permissions};
use aws_sdk_s3::types as s3t;
use serde_json::json;

use super::{CALLER, NEVER_ASKED, actions, allow_only, exactly, is_in, sampled, without};
use crate::estates::adoption;
use crate::harness::{Case, timeouts};
use crate::sandbox::databricks::Options as SimOptions;
use crate::sandbox::estate::REGION;

const OBSERVER: &str = "Observer";

/// What a check of this estate does without, and why.
const IDLE_CHECK: [(&str, &str); 2] = [
    ("s3:ListBucket", "the bucket's policy lets declared observers, once it is applied"),
    ("cloudtrail:LookupEvents", "the sandbox keeps this history itself, and shows it to everybody"),
];
/// What the adoption of this estate does without, and why.
const IDLE_INIT: [(&str, &str); 1] =
    [("kms:ListKeys", "the bucket's encryption names the key, which is found by its ARN")];

/// An access point leads to questions of its own.
async fn a_door(case: &Case) {
    let (aws, root) = (&case.sandbox.aws, case.sandbox.aws.root());
    let door = aws.world.create_access_point(&root, &aws.account, "a-door", &aws.bucket, None);
    door.await.expect("access point");
}

/// An estate in sync with an access point, and an observer who lists and does not read: the role of a scheduled check.
async fn observed() -> Case {
    let mut case = Case::insecure().await;
    let aws = &case.sandbox.aws;
    let own = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{}:root", aws.account) }, "Action": "sts:AssumeRole"
    }] });
    aws.world.make_role(&aws.root(), OBSERVER, &own, &[("sts:GetCallerIdentity", "*")]).await.expect("role");
    a_door(&case).await;
    let observer = format!("\n[observers.drift]\nrole = \"{}\"\n", aws.role_arn(OBSERVER));
    let manifest = format!("{}{observer}", case.sandbox.manifest());
    case.declare(&manifest);
    case.converge(&case.router().await).await;
    case.sandbox.databricks.deliver_now().await;
    case
}

async fn suspend_versions(case: &Case) {
    let aws = &case.sandbox.aws;
    let admin = aws.session(CALLER, true).await.expect("session");
    let suspended = s3t::VersioningConfiguration::builder().status(s3t::BucketVersioningStatus::Suspended).build();
    let put = aws.world.s3(&admin).put_bucket_versioning().bucket(&aws.bucket).versioning_configuration(suspended);
    put.send().await.expect("versioning");
}

async fn checked(case: &Case, policies: &[String], before: &Memory, at: i64) -> Checked {
    allow_only(case, OBSERVER, policies).await;
    let session = case.sandbox.aws.session(OBSERVER, true).await.expect("session");
    let router = case.router_with(&session, SimOptions::READER, timeouts()).await;
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(at);
    check(&router, &case.desired, before, DriftOptions { now, partial: false }).await
}

fn unread(gaps: &[Gap]) -> BTreeSet<String> {
    gaps.iter().filter_map(|gap| gap.permission.clone()).collect()
}

fn drifting(check: &Check) -> usize {
    check.open.iter().filter(|one| one.drift).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_drift_needs() {
    let case = observed().await;
    let listing = permissions(Command::Drift, &case.desired);
    let first = checked(&case, &exactly(&listing), &Memory::empty(), 0).await;
    assert!(first.check.complete, "{:?}", first.check.gaps);
    assert_eq!(drifting(&first.check), 0, "{:#?}", first.check.open);

    suspend_versions(&case).await;
    case.sandbox.faults.reset();
    let second = checked(&case, &exactly(&listing), &first.memory, 2).await;
    assert!(second.check.complete && second.check.notes.is_empty(), "{:?}", second.check);
    assert_eq!(drifting(&second.check), 1, "{:#?}", second.check.open);
    let asked = case.sandbox.faults.recorded();
    let history = "cloudtrail:LookupEvents";
    assert!(asked.iter().any(|one| one.name == history) && actions(&listing).iter().any(|one| one == history));

    let mut wrong = Vec::new();
    for action in sampled(actions(&listing), 3, 9) {
        let made = checked(&case, &without(&listing, &action), &first.memory, 2).await;
        let idle = is_in(&action, &[&NEVER_ASKED[..], &IDLE_CHECK].concat());
        let expected: BTreeSet<String> = if idle { BTreeSet::new() } else { [action.clone()].into() };
        let unread = unread(&made.check.gaps);
        if unread != expected || made.check.complete != idle {
            wrong.push((action, unread));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What a bucket is encrypted with leads to questions about the key.
async fn encrypt(case: &Case) {
    let (aws, key) = (&case.sandbox.aws, &case.sandbox.insecure.as_ref().expect("insecure").key_arn);
    let default = s3t::ServerSideEncryptionByDefault::builder().sse_algorithm(s3t::ServerSideEncryption::AwsKms);
    let default = default.kms_master_key_id(key).build().expect("default");
    let rule = s3t::ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).build();
    let rules = s3t::ServerSideEncryptionConfiguration::builder().rules(rule).build().expect("rules");
    let put = aws.world.s3(&aws.root()).put_bucket_encryption().bucket(&aws.bucket);
    put.server_side_encryption_configuration(rules).send().await.expect("encryption");
}

/// The text that is written, or the permissions that are missing for it.
async fn adopted(case: &Case) -> Result<String, BTreeSet<String>> {
    let connect = |desired: Desired| async move { Ok::<_, String>(case.router_for(&desired.aws.account_id).await) };
    match adopt(&adoption(case), connect, |_| 0).await {
        Ok(adopted) if adopted.plan.complete => Ok(adopted.text),
        Ok(adopted) => Err(unread(&adopted.plan.gaps)),
        Err(AdoptError::Unread(gaps)) => Err(unread(&gaps)),
        Err(error) => panic!("{error}"),
    }
}

/// What `permissions init` prints where there is no manifest yet, with the names filled in.
fn before_any_manifest(case: &Case) -> Listing {
    let (aws, listing) = (&case.sandbox.aws, permissions(Command::Init, &[]));
    assert!(listing.placeholders);
    let text = serde_json::to_string(&listing).expect("listing");
    let words = [("ACCOUNT_ID", aws.account.as_str()), ("REGION", REGION), ("AUDIT_BUCKET", aws.bucket.as_str())];
    let filled = words.iter().fold(text, |text, (word, name)| text.replace(word, name));
    serde_json::from_str(&filled).expect("listing")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_init_from_live_needs() {
    let case = Case::insecure().await;
    a_door(&case).await;
    encrypt(&case).await;
    let listing = before_any_manifest(&case);
    allow_only(&case, CALLER, &exactly(&listing)).await;
    // Not the same text: the caller, who is part of the estate, may do less now.
    let best = adopted(&case).await.expect("the list is enough");
    let mut wrong = Vec::new();
    for action in sampled(actions(&listing), 1, 9) {
        allow_only(&case, CALLER, &without(&listing, &action)).await;
        let idle = is_in(&action, &[&NEVER_ASKED[..], &IDLE_INIT].concat());
        let expected = if idle { Ok(best.clone()) } else { Err([action.clone()].into()) };
        let made = adopted(&case).await;
        if made != expected {
            wrong.push((action, made));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

//! `--target` and `--exclude`: a part is applied, the rest is said and comes with the next plan.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Shell;
use crate::harness::Case;

const VERSIONING: &str = "acme/bucket-versioning[audit]";

fn addresses(plan: &Value) -> BTreeSet<String> {
    let changes = plan["changes"].as_array().expect("changes");
    changes.iter().map(|change| change["address"].as_str().expect("an address").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_is_applied_and_the_next_plan_shows_the_rest() {
    let case = Case::insecure().await;
    let shell = Shell::of(&case).await;
    let whole = addresses(&shell.ends(&["plan", "--format", "json"], 0).await.json());
    assert!(whole.contains(VERSIONING) && whole.len() > 10, "{whole:?}");

    // A slip is wrong usage; what only a plan of the whole does is said to be that.
    let slip = shell.ends(&["apply", "--auto-approve", "--target", "acme/bucket-versionin[audit]"], 64).await;
    slip.says("nearest are `acme/bucket-versioning[audit]`");
    let shared = whole.iter().find(|address| address.starts_with("_/log-delivery")).expect("a rogue delivery");
    shell.ends(&["plan", "--target", shared], 64).await.says("only a plan of the whole does that");

    // A saved plan remembers what it is a part of.
    let saved = shell.ends(&["plan", "--target", VERSIONING, "--out", "part.json", "--detailed-exitcode"], 2).await;
    saved.says("Partial: ");
    saved.says("Left out of this plan");
    let before = case.sandbox.faults.counted().1;
    let applied = shell.ends(&["apply", "part.json"], 0).await;
    applied.says("1 steps done, 0 failed");
    applied.says("Verification: the part that was planned matches the declaration.");
    applied.says("Left out, and still to be done: ");
    // The write itself, and lock and unlock.
    assert!(case.sandbox.faults.counted().1 - before <= 4, "more was written than was planned");

    let rest = addresses(&shell.ends(&["plan", "--format", "json", "--detailed-exitcode"], 2).await.json());
    assert_eq!(whole.difference(&rest).collect::<Vec<_>>(), [VERSIONING]);
    assert_eq!(rest.difference(&whole).count(), 0, "{rest:?}");
    let part = shell.ends(&["plan", "--target", VERSIONING, "--detailed-exitcode"], 0).await;
    part.says("No changes in the part that was planned.");
    shell.ends(&["apply", "part.json"], 3).await.says("stale-plan");

    // Everything but one thing, and what depends on it.
    let without = shell.ends(&["plan", "--format", "json", "--exclude", "bucket-encryption"], 0).await.json();
    let planned = addresses(&without);
    let left_out: BTreeSet<String> = without["partial"]["left_out"]
        .as_array()
        .expect("left out")
        .iter()
        .map(|one| one["address"].as_str().expect("an address").to_owned())
        .collect();
    assert!(left_out.contains("acme/bucket-encryption[audit]"), "{left_out:?}");
    // The last write of the bucket policy waits for a delivery under the new encryption, and a resource comes whole.
    assert!(left_out.contains("acme/bucket-policy[audit]"), "{left_out:?}");
    assert!(planned.contains("acme/role-policy[delivery]") && planned.is_disjoint(&left_out), "{planned:?}");
    let all: BTreeSet<String> = planned.union(&left_out).cloned().collect();
    assert!(all.is_subset(&rest) && !all.contains(shared), "{all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_manifest_of_a_directory_takes_nothing_from_the_others() {
    let case = Case::insecure().await;
    let shell = Shell::of(&case).await;
    let one = ["plan", "-m", "manifests/acme.toml", "--format", "json"];
    let is_shared = |address: &String| address.starts_with("_/log-delivery");
    let alone = addresses(&shell.ends(&one, 0).await.json());
    assert!(alone.iter().any(is_shared), "alone, the manifest switches off what nothing declares: {alone:?}");

    // The delivery that is switched off could be that of the other manifest.
    let other = case.sandbox.manifest().replace(&case.sandbox.aws.bucket, &format!("{}-b", case.sandbox.aws.bucket));
    shell.write("manifests/beta.toml", other);
    // Then there is no room for a new one, and that is said.
    let beside = shell.ends(&one, 3).await.json();
    let planned = addresses(&beside);
    assert!(!planned.iter().any(is_shared), "{planned:?}");
    assert!(planned.contains(VERSIONING), "{planned:?}");
    assert!(beside["partial"].is_object(), "{beside:?}");
    let text = shell.ends(&["plan", "-m", "manifests/acme.toml", "--concise"], 3).await;
    text.says("Partial: one manifest of several");
    text.says("no-free-delivery-slot");
}

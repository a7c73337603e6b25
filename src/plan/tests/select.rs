//! Parts of a plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::Write;
use crate::model::{Address, Kind, Place};
use crate::plan::build::Built;
use crate::plan::select::matches;
use crate::plan::{Action, Change, Selection, Step, StepAction, Summary, select};

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn change(at: &str) -> Change {
    Change {
        address: address(at),
        action: Action::Update,
        reason: String::new(),
        irreversible: false,
        known_after_apply: Vec::new(),
        fields: Vec::new(),
        depends_on: Vec::new(),
    }
}

fn step(id: usize, at: &str, depends_on: &[usize]) -> Step {
    Step {
        id,
        address: address(at),
        title: at.to_owned(),
        action: StepAction::Write {
            place: Place::Databricks { account: "a".to_owned() },
            write: Write::EnableKey { key: "k".to_owned() },
        },
        depends_on: depends_on.to_vec(),
        target: None,
        gives: BTreeMap::new(),
        settle_seconds: 0,
        undo: None,
    }
}

fn wait(id: usize, behind: &[usize]) -> Step {
    let action = StepAction::AwaitDelivery {
        place: Place::Databricks { account: "a".to_owned() },
        config_id: "d".to_owned(),
        after_steps: behind.to_vec(),
        deadline_seconds: 1,
    };
    Step { action, title: "wait".to_owned(), ..step(id, "acme/log-delivery[primary]", behind) }
}

/// A role, a key that is born with its policy, a bucket policy and an encryption with their wait, what comes after the
/// wait, a lifecycle that needs none of it, and another manifest.
fn built() -> Built {
    let steps = vec![
        step(0, "acme/role[delivery]", &[]),
        step(1, "acme/kms-key[audit]", &[0]),
        step(2, "acme/role-policy[delivery]", &[0, 1]),
        step(3, "acme/bucket-policy[audit]", &[0, 2]),
        step(4, "acme/bucket-encryption[audit]", &[1, 3]),
        wait(5, &[2, 3, 4]),
        step(6, "acme/bucket-lifecycle[audit]", &[]),
        step(7, "acme/bucket-policy[audit]", &[3, 5]),
        step(8, "beta/bucket-policy[audit]", &[]),
    ];
    let mut changes: Vec<Change> = ["acme/kms-key-policy[audit]"].map(change).to_vec();
    let addresses: BTreeSet<String> =
        steps.iter().filter(|step| step.title != "wait").map(|step| step.address.to_string()).collect();
    changes.extend(addresses.iter().map(|one| change(one)));
    Built { changes, steps, gaps: Vec::new(), summary: Summary { noop: 3, ..Summary::default() } }
}

fn part(target: &[&str], exclude: &[&str]) -> (Vec<String>, Vec<String>, Built) {
    let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    let (built, partial) = select(built(), &Selection::new(&owned(target), &owned(exclude)));
    for (place, step) in built.steps.iter().enumerate() {
        assert_eq!(step.id, place);
        assert!(step.depends_on.iter().all(|id| *id < place), "{step:?}");
    }
    let left_out = partial.map(|one| one.left_out).unwrap_or_default();
    let titles = built.steps.iter().map(|step| step.title.clone()).collect();
    (titles, left_out.into_iter().map(|one| one.address.to_string()).collect(), built)
}

#[test]
fn the_whole_is_not_touched() {
    let (steps, left_out, whole) = part(&[], &[]);
    assert_eq!((steps.len(), left_out.len()), (9, 0));
    assert_eq!(whole.steps, built().steps);
}

#[test]
fn a_target_brings_what_it_depends_on_and_its_wait() {
    let (steps, left_out, _) = part(&["acme/bucket-lifecycle[audit]"], &[]);
    assert_eq!(steps, ["acme/bucket-lifecycle[audit]"]);
    assert_eq!(left_out.len(), 7);

    let (steps, left_out, role) = part(&["role-policy"], &[]);
    assert_eq!(steps, ["acme/role[delivery]", "acme/kms-key[audit]", "acme/role-policy[delivery]", "wait"]);
    assert!(!left_out.contains(&"acme/kms-key-policy[audit]".to_owned()), "it is born with the key: {left_out:?}");
    let StepAction::AwaitDelivery { after_steps, .. } = &role.steps[3].action else { panic!("{:?}", role.steps) };
    assert_eq!((after_steps, &role.steps[3].depends_on), (&vec![2], &vec![2]), "the wait is for what is there");
    assert_eq!((role.summary.update, role.summary.noop), (4, 3));

    // What a key is born with is made by making the key.
    let (steps, _, _) = part(&["acme/kms-key-policy[audit]"], &[]);
    assert_eq!(steps, ["acme/role[delivery]", "acme/kms-key[audit]"]);
}

#[test]
fn a_resource_is_taken_whole() {
    // Its second write comes after the wait, and the wait after everything that it is for.
    let (steps, left_out, _) = part(&["acme/bucket-policy[audit]"], &[]);
    assert_eq!(steps.len(), 7);
    assert_eq!(left_out, ["acme/bucket-lifecycle[audit]", "beta/bucket-policy[audit]"]);
}

#[test]
fn what_is_left_out_takes_along_what_depends_on_it() {
    let (steps, left_out, rest) = part(&[], &["bucket-encryption"]);
    let expected = [
        "acme/role[delivery]",
        "acme/kms-key[audit]",
        "acme/role-policy[delivery]",
        "wait",
        "acme/bucket-lifecycle[audit]",
        "beta/bucket-policy[audit]",
    ];
    assert_eq!(steps, expected, "the final policy waits for the encryption, and a resource is left out whole");
    assert_eq!(left_out, ["acme/bucket-encryption[audit]", "acme/bucket-policy[audit]"]);
    let StepAction::AwaitDelivery { after_steps, .. } = &rest.steps[3].action else { panic!("{:?}", rest.steps) };
    assert_eq!(after_steps, &[2]);

    let (steps, _, _) = part(&["role-policy"], &["kms-key"]);
    assert_eq!(steps, ["acme/role[delivery]"], "a target that needs it goes as well");
    let (steps, left_out, _) = part(&["beta"], &["bucket-policy"]);
    assert_eq!((steps.len(), left_out.len()), (0, 8));
}

#[test]
fn patterns_mean_addresses_kinds_and_manifests() {
    let policy = address("acme/bucket-policy[audit]");
    for pattern in [
        "acme/bucket-policy[audit]",
        "acme/bucket-policy",
        "bucket-policy",
        "acme",
        "acme/",
        "acme/*",
        "*policy[audit]",
        "acme/bucket-*[audit]",
        "*",
        "*/bucket-policy",
        "bucket-*",
        "*ck*po*",
    ] {
        assert!(matches(pattern, &policy), "{pattern}");
    }
    for pattern in [
        "",
        "acm",
        "policy",
        "beta",
        "beta/*",
        "acme/bucket-policy[other]",
        "bucket-policy[audit]",
        "acme/bucket",
        "acme/*-policy[audi",
        "kms-*",
        "*audit]*x",
        "ACME",
    ] {
        assert!(!matches(pattern, &policy), "{pattern}");
    }
    // A star matches no character twice.
    assert!(!matches("acme*acme", &Address::new("acme", Kind::Bucket, "b")));
    assert!(!matches("bucket-policy*y", &policy));
}

#[test]
fn a_pattern_that_matches_nothing_is_named_with_the_nearest() {
    let known: BTreeSet<Address> = built().changes.iter().map(|change| change.address.clone()).collect();
    let selection =
        Selection::new(&["acme/bucket-polcy[audit]".to_owned(), "acme".to_owned()], &["kms-kee".to_owned()]);
    let unknown = selection.unknown(&known);
    assert_eq!(
        unknown.iter().map(|one| one.asked.as_str()).collect::<Vec<_>>(),
        ["acme/bucket-polcy[audit]", "kms-kee"]
    );
    assert_eq!(unknown[0].nearest[0], "acme/bucket-policy[audit]");
    assert_eq!(unknown[1].nearest[0], "acme/kms-key[audit]");
    assert!(unknown[0].to_string().contains("matches no address of these manifests; nearest are "));
}

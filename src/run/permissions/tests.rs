use std::collections::BTreeSet;

use super::*;
use crate::call::MANAGED_POLICY_SIZE;

const FULL: &str = include_str!("../../../examples/manifests/full.toml");
const MINIMAL: &str = include_str!("../../../examples/manifests/minimal.toml");

fn desired(name: &str, text: &str) -> Vec<Desired> {
    vec![manifest::parse(name, "acme.toml", text).expect("manifest")]
}

/// Everything that a manifest can ask for.
fn full() -> Vec<Desired> {
    let mut full = desired("full", FULL);
    full[0].account.public_access_block = true;
    full
}

fn actions(listing: &Listing) -> BTreeSet<String> {
    listing.aws.iter().flat_map(|one| &one.actions).map(|one| one.action.clone()).collect()
}

#[test]
fn the_policy_of_the_smallest_manifest() {
    let listing = permissions(Command::Apply, &desired("acme", MINIMAL));
    let [account] = listing.aws.as_slice() else { panic!("{listing:?}") };
    let [policy] = account.policies.as_slice() else { panic!("{listing:?}") };
    let lines: Vec<String> =
        policy.statements.iter().map(|one| serde_json::to_string(one).expect("statement")).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

/// The table of `call` is the only one: what stands in it is in some list, and lists have nothing else.
#[test]
fn every_action_of_the_table_is_in_a_list() {
    let table = include_str!("../../call/permission.rs");
    let named = |text: &str, mark: &'static str| -> BTreeSet<String> {
        text.split(mark).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    };
    let mut known = named(table, "Aws(\"");
    for more in named(table, "&[\"").union(&named(table, ", \"")) {
        known.insert(more.clone());
    }
    known.retain(|name| name.contains(':'));
    // Asked only about a caller whose policies cannot be read, and never needed: a note says so.
    assert!(known.remove("iam:SimulatePrincipalPolicy"));
    let full = full();
    let listed: BTreeSet<String> =
        Command::ALL.into_iter().flat_map(|command| actions(&permissions(command, &full))).collect();
    assert!(known.len() > 70, "{known:?}");
    assert_eq!(known.difference(&listed).collect::<Vec<_>>(), [""; 0], "in no list");
    assert_eq!(listed.difference(&known).collect::<Vec<_>>(), [""; 0], "in no table");
}

#[test]
fn who_only_looks_needs_nothing_that_writes() {
    // The store is apart: what it needs is below.
    let full: Vec<Desired> = full().into_iter().map(|one| Desired { store: None, ..one }).collect();
    for command in [Command::Plan, Command::Drift, Command::Access, Command::Init] {
        let writes: Vec<String> = actions(&permissions(command, &full))
            .into_iter()
            .filter(|action| {
                let operation = action.split(':').nth(1).unwrap_or_default();
                !["Get", "List", "Describe", "Lookup"].iter().any(|verb| operation.starts_with(verb))
            })
            .collect();
        assert_eq!(writes, [""; 0], "{command:?}");
    }
    assert_eq!(actions(&permissions(Command::Runs, &full)).len(), 0);
    assert_eq!(
        actions(&permissions(Command::Unlock, &full)).into_iter().collect::<Vec<_>>(),
        ["ssm:DeleteParameter", "ssm:GetParameter"]
    );
}

/// Of the store's bucket nothing but its names, and below its prefix what each command has to do with it.
#[test]
fn the_store_is_narrow() {
    let full = full();
    let needs = |command: Command| -> Vec<String> {
        let all = permissions(command, &full).aws.into_iter().flat_map(|one| one.actions);
        let on_store = |action: &crate::call::ActionNeed| {
            let own = action.resources.iter().filter(|one| one.contains("acme-auditseal")).cloned().collect::<Vec<_>>();
            (!own.is_empty()).then(|| format!("{} {}", action.action, own.join(" ").replace("arn:aws:s3:::", "")))
        };
        all.filter_map(|action| on_store(&action)).collect()
    };
    let runs = ["s3:GetObject acme-auditseal/audit/runs/*", "s3:ListBucket acme-auditseal"];
    assert_eq!(needs(Command::Runs), runs);
    for command in [Command::Apply, Command::Rollback, Command::Forget] {
        assert_eq!(needs(command), [runs[0], runs[1], "s3:PutObject acme-auditseal/audit/runs/*"], "{command:?}");
    }
    assert_eq!(
        needs(Command::Drift),
        [
            "s3:DeleteObject acme-auditseal/audit/outbox/*",
            "s3:GetObject acme-auditseal/audit/drift.json acme-auditseal/audit/outbox/*",
            "s3:ListBucket acme-auditseal",
            "s3:PutObject acme-auditseal/audit/drift.json acme-auditseal/audit/outbox/*",
        ]
    );
    for command in [Command::Plan, Command::Access, Command::Unlock, Command::Init] {
        assert_eq!(needs(command), [""; 0], "{command:?}");
    }
    assert!(permissions(Command::Runs, &full).notes.iter().any(|note| note.contains("s3://acme-auditseal/audit")));
}

/// A star on its own only where AWS takes nothing narrower, and nothing of another account or bucket.
#[test]
fn resources_are_narrow() {
    let free = [
        "cloudtrail:LookupEvents",
        "iam:GetAccountAuthorizationDetails",
        "kms:CreateKey",
        "kms:ListAliases",
        "kms:ListKeys",
        "organizations:DescribeOrganization",
        "s3:GetAccessPoint",
        "s3:GetAccountPublicAccessBlock",
        "s3:ListAccessGrantsInstances",
        "s3:ListAccessPoints",
        "s3:ListMultiRegionAccessPoints",
        "s3:PutAccountPublicAccessBlock",
    ];
    let full = full();
    for command in Command::ALL {
        for need in permissions(command, &full).aws.iter().flat_map(|one| &one.actions) {
            let is_free = free.contains(&need.action.as_str());
            assert_eq!(need.resources.contains(&"*".to_owned()), is_free, "{need:?}");
            for resource in &need.resources {
                let open = resource.ends_with(":*") || resource.contains(":::*");
                assert!(!open, "{need:?}");
            }
        }
    }
}

/// Documents stay within the quota, and together they say what one would.
#[test]
fn a_long_policy_is_split() {
    let many: Vec<Desired> = (0..120)
        .map(|index| {
            let text = MINIMAL.replace("acme-databricks-audit", &format!("acme-databricks-audit-of-unit-{index}"));
            manifest::parse(&format!("unit-{index}"), "acme.toml", &text).expect("manifest")
        })
        .collect();
    let listing = permissions(Command::Apply, &many);
    let policies = &listing.aws[0].policies;
    assert!(policies.len() > 1);
    for policy in policies {
        assert!(policy.minified().len() <= MANAGED_POLICY_SIZE, "{}", policy.minified().len());
    }
    let said: BTreeSet<(String, String)> = policies
        .iter()
        .flat_map(|policy| &policy.statements)
        .flat_map(|one| one.action.iter().flat_map(|a| one.resource.iter().map(|r| (a.clone(), r.clone()))))
        .collect();
    for index in 0..120 {
        let bucket = format!("arn:aws:s3:::acme-databricks-audit-of-unit-{index}");
        assert!(said.contains(&("s3:PutBucketPolicy".to_owned(), bucket)), "{index}");
    }
}

#[test]
fn without_a_manifest_names_are_words() {
    let listing = permissions(Command::Apply, &[]);
    assert!(listing.placeholders);
    assert_eq!(listing.aws[0].account, "ACCOUNT_ID");
    let text = serde_json::to_string(&listing).expect("json");
    assert!(text.contains("arn:aws:s3:::AUDIT_BUCKET"), "{text}");
    for left in [ACCOUNT, REGION, BUCKET, DATABRICKS] {
        assert!(!text.contains(left), "{left}: {text}");
    }
}

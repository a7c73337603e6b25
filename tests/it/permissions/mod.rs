//! The lists of `permissions` against a cloud that refuses what is not in them: enough, and nothing in them idle.
//!
//! Every sweep takes one action away at a time, all of them with `AUDITSEAL_TEST_ALL`, else a few.

mod reading;

use std::collections::BTreeSet;

use auditseal::apply::StepState;
use auditseal::call::{Document, Listing};
use auditseal::plan::Plan;
use auditseal::plan::guard::Purpose;
use auditseal::provider::router::Router;
use auditseal::run::access::access;
use auditseal::run::forget::{Chosen, plan_forget};
use auditseal::run::lock::{Holder, LockStore, unlock};
use auditseal::run::permissions::{Command, permissions};
use auditseal::run::plan::PlanOptions;
use auditseal::run::rollback::plan_rollback;
use auditseal::run::runs::journal;

use crate::harness::{Case, assert_in_sync};
use crate::struck::{all, lock_of, run};

const CALLER: &str = "PlatformAdmin";

/// Gives a role exactly these policies.
pub async fn allow_only(case: &Case, role: &str, policies: &[String]) {
    let iam = case.sandbox.aws.world.iam(&case.sandbox.aws.root());
    let old = iam.list_role_policies().role_name(role).send().await.expect("policies").policy_names;
    for name in old {
        iam.delete_role_policy().role_name(role).policy_name(name).send().await.expect("deleted");
    }
    for (index, policy) in policies.iter().enumerate() {
        let put = iam.put_role_policy().role_name(role).policy_name(format!("exact-{index}"));
        put.policy_document(policy).send().await.expect("policy");
    }
}

/// What the emulator asks otherwise than AWS does: action → on what.
///
/// A key that is named by an alias is looked up under the alias' own ARN, not under the key's; requests that name the key
/// in another member than `KeyId` have no resource; everything in Organizations is on the organization.
const OTHERWISE: [(&str, &str); 6] = [
    ("kms:DescribeKey", "arn:aws:kms:*:*:alias/*"),
    ("kms:CreateAlias", "*"),
    ("kms:UpdateAlias", "*"),
    ("organizations:ListParents", "*"),
    ("organizations:ListPoliciesForTarget", "*"),
    ("organizations:DescribePolicy", "*"),
];

/// The policies without one action, as the emulator needs them.
fn without(listing: &Listing, action: &str) -> Vec<String> {
    let mut policies: Vec<Document> = listing.aws.iter().flat_map(|one| one.policies.clone()).collect();
    for statement in policies.iter_mut().flat_map(|policy| &mut policy.statements) {
        let extra = OTHERWISE.iter().filter(|(action, _)| statement.action.iter().any(|one| one == action));
        let extra: Vec<String> = extra.map(|(_, resource)| (*resource).to_owned()).collect();
        statement.resource.extend(extra);
        statement.action.retain(|one| one != action);
    }
    for policy in &mut policies {
        policy.statements.retain(|statement| !statement.action.is_empty());
    }
    policies.iter().map(Document::pretty).collect()
}

fn exactly(listing: &Listing) -> Vec<String> {
    without(listing, "")
}

fn actions(listing: &Listing) -> Vec<String> {
    listing.aws.iter().flat_map(|one| &one.actions).map(|one| one.action.clone()).collect()
}

/// What a command needs beyond what planning reads.
fn beyond_plan(case: &Case, command: Command) -> Vec<String> {
    let read = actions(&permissions(Command::Plan, &case.desired));
    let mut own = actions(&permissions(command, &case.desired));
    own.retain(|action| !read.contains(action));
    own
}

/// All of them when the whole matrix was asked for, else every so many.
fn sampled(actions: Vec<String>, first: usize, step: usize) -> Vec<String> {
    if all() {
        return actions;
    }
    actions.into_iter().skip(first).step_by(step).collect()
}

/// What stops somebody who lacks a permission.
#[derive(Debug, Default)]
struct Refused {
    /// Permissions that gaps of the plan name.
    unread: BTreeSet<String>,
    /// Permissions that the check before the run names.
    foreseen: BTreeSet<String>,
    /// What the cloud said while the plan was applied.
    met: Vec<String>,
}

impl Refused {
    fn of(plan: &Plan) -> Self {
        Self {
            unread: plan.gaps.iter().filter_map(|gap| gap.permission.clone()).collect(),
            foreseen: plan.preflight.missing.iter().map(|one| one.action.clone()).collect(),
            met: Vec::new(),
        }
    }
}

async fn planned(case: &Case, policies: &[String]) -> (Router, Plan) {
    allow_only(case, CALLER, policies).await;
    let router = case.router().await;
    let plan = case.plan_proved(&router).await;
    (router, plan)
}

async fn applied(case: &Case, policies: &[String]) -> Refused {
    let (router, plan) = planned(case, policies).await;
    let mut refused = Refused::of(&plan);
    match run(case, &router, &plan, "without").await {
        Err(error) => refused.met.push(error.to_string()),
        Ok(applied) => {
            let failed = applied.outcome.steps.into_iter().filter_map(|step| match step.state {
                StepState::Failed(message) => Some(message),
                _ => None,
            });
            refused.met.extend(failed);
        }
    }
    refused
}

/// What is in the list and never asked for by this emulator.
const NEVER_ASKED: [(&str, &str); 2] = [
    ("iam:GetPolicy", "the emulator's details hold the text of every policy that acts"),
    ("iam:GetPolicyVersion", "the emulator's details hold the text of every policy that acts"),
];

fn is_in(action: &str, list: &[(&str, &str)]) -> bool {
    list.iter().any(|(one, _)| *one == action)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_plan_needs() {
    let case = Case::insecure().await;
    let estate = &case.sandbox.aws;
    let root = estate.root();
    let door = estate.world.create_access_point(&root, &estate.account, "a-door", &estate.bucket, None);
    door.await.expect("access point");
    let listing = permissions(Command::Plan, &case.desired);
    let (_, plan) = planned(&case, &exactly(&listing)).await;
    assert!(plan.complete, "{:?}", plan.gaps);
    let mut wrong = Vec::new();
    for action in sampled(actions(&listing), 5, 12) {
        let (_, plan) = planned(&case, &without(&listing, &action)).await;
        let expected: BTreeSet<String> =
            if is_in(&action, &NEVER_ASKED) { BTreeSet::new() } else { [action.clone()].into() };
        let unread = Refused::of(&plan).unread;
        if unread != expected {
            wrong.push((action, unread));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_access_needs() {
    let case = Case::insecure().await;
    let listing = permissions(Command::Access, &case.desired);
    let gaps = async |policies: Option<Vec<String>>| -> BTreeSet<Option<String>> {
        if let Some(policies) = policies {
            allow_only(&case, CALLER, &policies).await;
        }
        let router = case.router().await;
        access(&router, &case.desired, None, false).await.gaps.into_iter().map(|gap| gap.permission).collect()
    };
    // Who may do everything sees what can be seen.
    let best = gaps(None).await;
    assert_eq!(gaps(Some(exactly(&listing))).await, best);
    let plan = actions(&permissions(Command::Plan, &case.desired));
    let own: Vec<String> = actions(&listing).into_iter().filter(|action| !plan.contains(action)).collect();
    // Nothing in this estate leads to these questions.
    let idle = [
        ("organizations:ListPoliciesForTarget", "the account is in no organization"),
        ("organizations:DescribePolicy", "the account is in no organization"),
        ("s3:GetMultiRegionAccessPointPolicy", "there is no such access point"),
        ("s3:ListAccessGrants", "there is no instance"),
        ("s3:ListAccessGrantsLocations", "there is no instance"),
    ];
    for action in sampled(own, 1, 4) {
        let mut expected = best.clone();
        if !is_in(&action, &idle) {
            expected.insert(Some(action.clone()));
        }
        assert_eq!(gaps(Some(without(&listing, &action))).await, expected, "without {action}");
    }
}

/// The vendor's example with everything wrong that an apply repairs: the role is the declared one and holds policies that
/// nobody declared, the key waits for its deletion, and the access control list lets others in.
async fn rotten() -> Case {
    let mut case = Case::insecure().await;
    let (estate, insecure) = (&case.sandbox.aws, case.sandbox.insecure.as_ref().expect("insecure"));
    let root = estate.root();
    let attach = estate.world.iam(&root).attach_role_policy().role_name("DatabricksAuditDelivery");
    attach.policy_arn("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess").send().await.expect("attached");
    let delete = estate.world.kms(&root).schedule_key_deletion().key_id(&insecure.key_arn);
    delete.pending_window_in_days(7).send().await.expect("scheduled");
    let manifest = format!("{}\n[role]\narn = \"{}\"\n", case.sandbox.manifest(), insecure.role_arn);
    case.declare(&manifest);
    case
}

/// What a case never needs, and what only the check before a run says is missing; with the reasons.
struct Exceptions {
    idle: &'static [(&'static str, &'static str)],
    foreseen: &'static [(&'static str, &'static str)],
}

const OF_LOCKS: (&str, &str) = ("ssm:GetParameter", "a short run does not look after its lock");
const OF_RELEASE: (&str, &str) = ("ssm:DeleteParameter", "a lock that cannot be removed ends with its lease");

const ROTTEN: Exceptions = Exceptions {
    idle: &[
        ("iam:CreateRole", "the declared role is there"),
        ("kms:EnableKeyRotation", "the key policy that is written before lets the admin"),
        ("kms:RevokeGrant", "the key policy that is written before lets the admin"),
        ("kms:UpdateAlias", "the alias names no other key"),
        ("s3:DeleteBucketPolicy", "there was a policy to put back"),
        ("s3:PutBucketAcl", "the list grants nothing to others"),
        ("s3:PutReplicationConfiguration", "nothing replicates"),
    ],
    foreseen: &[OF_LOCKS, OF_RELEASE],
};

const EMPTY: Exceptions = Exceptions {
    idle: &[
        ("iam:DeleteRolePolicy", "the role is new, and no delivery fails"),
        ("iam:DetachRolePolicy", "the role is new"),
        ("iam:UpdateAssumeRolePolicy", "the role is new"),
        ("kms:CancelKeyDeletion", "the key is new"),
        ("kms:EnableKey", "the key is new"),
        ("kms:EnableKeyRotation", "the key's own policy lets the admin"),
        ("kms:PutKeyPolicy", "the key is born with its policy"),
        ("kms:RevokeGrant", "the key is new"),
        ("kms:UpdateAlias", "the alias names no other key"),
        ("s3:DeleteBucketPolicy", "nothing delivered before, so that no wait takes a step back"),
        ("s3:PutBucketAcl", "buckets are new"),
        ("s3:PutReplicationConfiguration", "nothing replicates"),
    ],
    foreseen: &[
        OF_LOCKS,
        OF_RELEASE,
        ("iam:TagRole", "the emulator does not ask for it when a role is made with tags"),
        ("kms:TagResource", "the emulator does not ask for it when a key is made with tags"),
        ("s3:PutBucketOwnershipControls", "a new bucket has them already when the step looks"),
        ("s3:PutBucketPublicAccessBlock", "a new bucket has it already when the step looks"),
    ],
};

/// What is wrong with how an apply without one permission went.
fn judged(action: &str, refused: &Refused, exceptions: &Exceptions) -> Option<String> {
    let idle = is_in(action, exceptions.idle);
    let expected: BTreeSet<String> = if idle { BTreeSet::new() } else { [action.to_owned()].into() };
    let met: Vec<&String> = refused.met.iter().filter(|one| one.contains(action)).collect();
    let stopped = idle == refused.met.is_empty() && idle == met.is_empty() && met.len() == refused.met.len();
    let right =
        refused.unread.is_empty() && refused.foreseen == expected && (stopped || is_in(action, exceptions.foreseen));
    (!right).then(|| format!("without {action}: {refused:?}"))
}

/// Enough on the wire; and without one action the run is refused for it, as the check before the run foresaw.
async fn what_apply_needs(empty: bool, exceptions: &Exceptions, (first, every): (usize, usize)) {
    let estate = async || if empty { Case::empty().await } else { rotten().await };
    let case = estate().await;
    let listing = permissions(Command::Apply, &case.desired);
    let (router, plan) = planned(&case, &exactly(&listing)).await;
    assert_eq!(Refused::of(&plan).foreseen, BTreeSet::new());
    assert_in_sync(&run(&case, &router, &plan, "exact").await.expect("apply"));
    let mut wrong = Vec::new();
    for action in sampled(beyond_plan(&case, Command::Apply), first, every) {
        let case = estate().await;
        let listing = permissions(Command::Apply, &case.desired);
        let refused = applied(&case, &without(&listing, &action)).await;
        wrong.extend(judged(&action, &refused, exceptions));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_apply_needs_to_repair() {
    what_apply_needs(false, &ROTTEN, (3, 14)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_apply_needs_to_make_everything() {
    what_apply_needs(true, &EMPTY, (8, 17)).await;
}

/// What locks a location can be looked at and removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_unlock_needs() {
    let case = Case::empty().await;
    let (place, name) = lock_of(&case);
    let listing = permissions(Command::Unlock, &case.desired);
    let admin = case.router_as("SecondAdmin").await;
    let now = jiff::Timestamp::now();
    let holder = Holder { run: "stopped".to_owned(), owner: "a test".to_owned(), since: now, until: now };
    let held = serde_json::to_string(&holder).expect("holder");
    admin.create(&place, &name, &held).await.expect("created");
    for action in actions(&listing) {
        allow_only(&case, CALLER, &without(&listing, &action)).await;
        let router = case.router().await;
        let error = unlock(&router, &place, &name, "stopped").await.expect_err("refused").to_string();
        assert!(error.contains(&action), "{action}: {error}");
    }
    allow_only(&case, CALLER, &exactly(&listing)).await;
    let router = case.router().await;
    assert!(unlock(&router, &place, &name, "stopped").await.expect("unlocked"));
}

/// A run is put back, and the marks come off, with the lists of those commands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rollback_and_forget_need() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    assert_in_sync(&run(&case, &router, &plan, "first").await.expect("apply"));
    let record = journal(case.folder.path(), "first").expect("journal").record;
    let allow = ["access-widened", "statements-removed"].map(str::to_owned).into();
    let options = PlanOptions { allow, access: true, ..PlanOptions::default() };

    let listing = permissions(Command::Rollback, &case.desired);
    for action in sampled(beyond_plan(&case, Command::Rollback), 9, 14) {
        allow_only(&case, CALLER, &without(&listing, &action)).await;
        let router = case.router().await;
        let plan = plan_rollback(&router, &record, &case.desired, &options, Purpose::Apply).await.expect("declared");
        let foreseen = Refused::of(&plan).foreseen;
        let steps = foreseen.iter().all(|one| *one == action);
        assert!(steps && (!foreseen.is_empty() || all()), "without {action}: {foreseen:?}");
    }
    allow_only(&case, CALLER, &exactly(&listing)).await;
    let router = case.router().await;
    let plan = plan_rollback(&router, &record, &case.desired, &options, Purpose::Apply).await.expect("declared");
    assert_eq!(Refused::of(&plan).foreseen, BTreeSet::new());
    let done = run(&case, &router, &plan, "back").await.expect("rollback");
    let failed: Vec<_> = done.outcome.steps.iter().filter(|step| matches!(step.state, StepState::Failed(_))).collect();
    assert!(failed.is_empty(), "{failed:#?}");

    let again = case.router_as("SecondAdmin").await;
    let plan = case.plan(&again).await;
    assert_in_sync(&run(&case, &again, &plan, "second").await.expect("apply"));
    let listing = permissions(Command::Forget, &case.desired);
    let options = PlanOptions { access: true, ..PlanOptions::default() };
    for action in sampled(beyond_plan(&case, Command::Forget), 2, 3) {
        allow_only(&case, CALLER, &without(&listing, &action)).await;
        let router = case.router().await;
        let plan = plan_forget(&router, &Chosen::All, &case.desired, &options, Purpose::Apply).await.expect("marked");
        let foreseen = Refused::of(&plan).foreseen;
        // The policy of the key lets the admins take tags off.
        let expected = if action == "kms:UntagResource" { BTreeSet::new() } else { [action].into() };
        assert_eq!(foreseen, expected);
    }
    allow_only(&case, CALLER, &exactly(&listing)).await;
    let router = case.router().await;
    let plan = plan_forget(&router, &Chosen::All, &case.desired, &options, Purpose::Apply).await.expect("marked");
    assert_in_sync(&run(&case, &router, &plan, "forgotten").await.expect("forget"));
}

/// A caller who may not read the identities of the account is asked of IAM itself, where it may be asked; what nobody says
/// stays unknown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_whose_policies_are_not_read_is_asked_of_iam() {
    let case = Case::insecure().await;
    let blind = |more: &str| {
        vec![format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","NotAction":["iam:GetAccountAuthorizationDetails","s3:PutBucketVersioning"{more}],"Resource":"*"}}]}}"#
        )]
    };
    let options = PlanOptions { allow: ["unread-inputs".to_owned()].into(), access: true, ..PlanOptions::default() };
    let look = async |policies: Vec<String>| {
        allow_only(&case, CALLER, &policies).await;
        let router = case.router().await;
        auditseal::run::plan::plan(&router, &case.desired, &options, Purpose::Apply).await.preflight
    };
    let told = look(blind("")).await;
    let missing: BTreeSet<&str> = told.missing.iter().map(|one| one.action.as_str()).collect();
    assert_eq!(missing, BTreeSet::from(["s3:PutBucketVersioning"]), "{told:#?}");
    assert!(told.allowed > 30, "{told:#?}");

    let untold = look(blind(r#","iam:SimulatePrincipalPolicy""#)).await;
    assert!(untold.missing.is_empty(), "{untold:#?}");
    assert!(untold.unknown.iter().any(|one| one.permission == "s3:PutBucketVersioning"), "{untold:#?}");
}

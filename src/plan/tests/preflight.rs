//! The caller's permissions before a run, each in the state in which it is needed.

use std::collections::BTreeMap;

use crate::access::tests::lab::{ADMIN, BUCKET, KEY, Lab, OWN, allow, deny, may, sealed, when};
use crate::call::{Read, Write};
use crate::model::authorization::{InlinePolicy, Simulated};
use crate::model::organization::{Organization, OrganizationLevel};
use crate::model::{Fact, Kind, Place};
use crate::plan::preflight::{Preflight, Subject, preflight};
use crate::plan::{PlacedWrite, Step, StepAction, Verdict};

use super::{bucket_policy, key_policy, numbered, step};

/// The sealed estate, outside of any organization, with an admin who may do exactly this.
fn with_admin(statements: &[String]) -> Lab {
    sealed().with(|lab| {
        lab.organization = Some(Organization::default());
        let admin = lab.people.roles.iter_mut().find(|role| role.arn == ADMIN).expect("admin");
        admin.attached.clear();
        admin.inline = vec![InlinePolicy { name: "exact".to_owned(), text: super::document(statements) }];
    })
}

fn look(lab: &Lab, steps: &[Step]) -> Preflight {
    let caller = BTreeMap::from([(OWN.to_owned(), ADMIN.to_owned())]);
    let locks: Vec<(Place, String)> = vec![(lab.place(), "/auditseal/lock/x".to_owned())];
    let live = lab.live();
    preflight(&Subject {
        desired: std::slice::from_ref(&lab.desired),
        live: &live,
        steps,
        caller: &caller,
        locks: &locks,
    })
}

fn missing(found: &Preflight) -> Vec<(Option<usize>, &str, &str)> {
    found.missing.iter().map(|one| (one.step, one.action.as_str(), one.what_for.as_str())).collect()
}

const LOCK: &str = "ssm:PutParameter ssm:GetParameter ssm:DeleteParameter";

fn bucket_arn() -> String {
    format!("arn:aws:s3:::{BUCKET}")
}

fn open_policy() -> Vec<String> {
    vec![allow(&format!(r#""AWS":"arn:aws:iam::{OWN}:root""#), "s3:ListBucket", &bucket_arn(), "")]
}

#[test]
fn nothing_to_do_needs_nothing() {
    assert!(look(&with_admin(&[]), &[]).is_empty());
}

#[test]
fn who_has_all_is_let_through() {
    let lab = with_admin(&[
        may(LOCK, "arn:aws:ssm:*:*:parameter/auditseal/*"),
        may("s3:PutBucketPolicy s3:GetBucketPolicy", &bucket_arn()),
    ]);
    let found = look(&lab, &numbered(vec![(bucket_policy(&lab, &open_policy()), &[])]));
    assert_eq!((missing(&found), &found.unknown[..]), (vec![], &[][..]));
    assert_eq!(found.allowed, 5);
    assert!(found.add.is_empty());
    assert_eq!(found.guard(true, false).map(|guard| guard.verdict), Some(Verdict::Pass));
}

#[test]
fn what_is_missing_is_named_with_the_statement_to_add() {
    let lab = with_admin(&[may("s3:GetBucketPolicy", "*")]);
    let found = look(&lab, &numbered(vec![(bucket_policy(&lab, &open_policy()), &[])]));
    assert_eq!(
        missing(&found),
        [
            (None, "ssm:DeleteParameter", "lock"),
            (None, "ssm:GetParameter", "lock"),
            (None, "ssm:PutParameter", "lock"),
            (Some(0), "s3:PutBucketPolicy", "write"),
        ]
    );
    let added = &found.add[OWN][0];
    let said: Vec<_> = added.statements.iter().map(|one| (one.action.join(" "), one.resource.join(" "))).collect();
    assert_eq!(
        said,
        [
            (
                "ssm:DeleteParameter ssm:GetParameter ssm:PutParameter".to_owned(),
                format!("arn:aws:ssm:us-east-1:{OWN}:parameter/auditseal/lock/x")
            ),
            ("s3:PutBucketPolicy".to_owned(), bucket_arn()),
        ]
    );
    let guard = found.guard(true, false).expect("guard");
    assert_eq!((guard.code.as_str(), guard.verdict), ("permission-missing", Verdict::Refuse));
    assert_eq!(found.guard(true, true).map(|guard| guard.verdict), Some(Verdict::Allowed));
    assert_eq!(found.guard(false, false).map(|guard| guard.verdict), Some(Verdict::Warn));
}

/// What the bucket of a store says is not read: only what is denied to the caller is certain, and the journal's first entry
/// tries the rest.
#[test]
fn a_store_that_is_denied_is_told_early() {
    let store = "arn:aws:s3:::acme-auditseal/audit/runs/*";
    let with = |statement: String| {
        let mut lab =
            with_admin(&[may(LOCK, "*"), may("s3:PutBucketPolicy s3:GetBucketPolicy s3:ListBucket", "*"), statement]);
        lab.desired.store = Some(crate::model::desired::Store {
            bucket: "acme-auditseal".to_owned(),
            prefix: "audit".to_owned(),
            account_id: OWN.to_owned(),
        });
        look(&lab, &numbered(vec![(bucket_policy(&lab, &open_policy()), &[])]))
    };
    let denied = with(format!(r#"{{"Effect":"Deny","Action":"s3:PutObject","Resource":"{store}"}}"#));
    assert_eq!(missing(&denied), [(None, "s3:PutObject", "store")]);
    assert!(denied.missing[0].to_string().starts_with("the store: "), "{}", denied.missing[0]);
    let open = with(may("s3:PutObject s3:GetObject", store));
    assert_eq!(missing(&open), []);
    let unknown: Vec<&str> = open.unknown.iter().map(|one| one.permission.as_str()).collect();
    assert_eq!(unknown, ["s3:GetObject", "s3:ListBucket", "s3:PutObject"]);
}

/// The statements that are printed are enough: with them, nothing is missing any more.
#[test]
fn the_statement_to_add_is_enough() {
    let steps = |lab: &Lab| {
        let own = lab.people.roles.iter().map(|role| role.arn.as_str()).collect::<Vec<_>>();
        assert!(own.contains(&ADMIN));
        numbered(vec![
            (bucket_policy(lab, &open_policy()), &[]),
            (key_policy(lab, &[delegates()]), &[]),
            (tagged(lab), &[]),
        ])
    };
    let with_admin = |statements: &[String]| {
        with_admin(statements).with(|lab| drop(lab.keys.insert(KEY.to_owned(), vec![delegates()])))
    };
    let poor = with_admin(&[may("s3:GetObject", "*")]);
    let found = look(&poor, &steps(&poor));
    assert!(!found.missing.is_empty());
    let statements: Vec<String> = found.add[OWN]
        .iter()
        .flat_map(|policy| &policy.statements)
        .map(|one| serde_json::to_string(one).expect("statement"))
        .collect();
    let rich = with_admin(&statements);
    assert_eq!(missing(&look(&rich, &steps(&rich))), []);
}

/// Where the key policy leaves nothing to IAM, or something denies, adding a statement would not help.
#[test]
fn what_no_statement_gives_is_not_offered() {
    let sees = allow(&format!(r#""AWS":"{ADMIN}""#), "kms:ListResourceTags", "*", "");
    let closed = with_admin(&[may(LOCK, "*")]).with(|lab| drop(lab.keys.insert(KEY.to_owned(), vec![sees])));
    let found = look(&closed, &numbered(vec![(tagged(&closed), &[])]));
    assert_eq!(missing(&found), [(Some(0), "kms:TagResource", "write")]);
    assert!(!found.missing[0].addable);
    assert!(found.missing[0].because.contains("no resource policy allows it"), "{found:?}");
    assert!(found.add.is_empty(), "{found:?}");
}

fn delegates() -> String {
    allow(&format!(r#""AWS":"arn:aws:iam::{OWN}:root""#), "kms:*", "*", "")
}

fn tagged(lab: &Lab) -> Step {
    let (key, tags) = (KEY.to_owned(), BTreeMap::new());
    let write = Write::TagKey { key: key.clone(), tags };
    step(lab, Kind::KmsTags, write, Read::KeyTags { key }, crate::model::fact::Tags::default())
}

/// An earlier step may take a permission away, or give it.
#[test]
fn each_step_is_looked_at_in_the_state_before_it() {
    let rights = [may(LOCK, "*"), may("s3:* kms:ListResourceTags", "*")];
    let lab = with_admin(&rights);
    let closes = deny("*", "s3:PutBucketTagging", &bucket_arn(), "");
    let tags = |lab: &Lab| {
        let write = Write::PutBucketTags { bucket: BUCKET.to_owned(), tags: BTreeMap::new() };
        let read = Read::BucketTags { bucket: BUCKET.to_owned() };
        step(lab, Kind::BucketTags, write, read, crate::model::fact::Tags::default())
    };
    let before = look(&lab, &numbered(vec![(tags(&lab), &[]), (bucket_policy(&lab, &[&closes]), &[])]));
    assert_eq!(missing(&before), []);
    let after = look(&lab, &numbered(vec![(bucket_policy(&lab, &[&closes]), &[]), (tags(&lab), &[])]));
    assert_eq!(missing(&after), [(Some(1), "s3:PutBucketTagging", "write")]);
    assert!(after.missing[0].because.contains("denied by resource policy"), "{}", after.missing[0].because);
    // The policy of the key is what allows: nothing does before it names the caller.
    let names = allow(&format!(r#""AWS":"{ADMIN}""#), "kms:TagResource kms:GetKeyPolicy", "*", "");
    let all = numbered(vec![(key_policy(&lab, &[delegates(), names]), &[]), (tagged(&lab), &[])]);
    assert!(
        !missing(&look(&lab, &all)).iter().any(|(step, action, _)| *step == Some(1) && *action == "kms:TagResource")
    );
}

/// What depends on something that nobody knows is neither missing nor there.
#[test]
fn the_unknown_is_never_missing() {
    let steps = |lab: &Lab| numbered(vec![(bucket_policy(lab, &open_policy()), &[])]);
    let mfa = when("Bool", "aws:MultiFactorAuthPresent", "true");
    let conditional = with_admin(&[may(LOCK, "*"), allow("", "s3:*", "*", &mfa)]);
    let found = look(&conditional, &steps(&conditional));
    assert_eq!(missing(&found), []);
    assert!(found.unknown.iter().all(|one| one.because.contains("conditions of identity policy")), "{found:?}");
    assert_eq!(found.unknown.iter().filter(|one| one.permission == "s3:PutBucketPolicy").count(), 1);

    // Policies of an organization that nobody read may forbid anything, and give nothing.
    let member = |statements: &[String]| {
        with_admin(statements).with(|lab| {
            lab.organization = None;
            lab.unread.extend([Read::Organization, Read::OrganizationPolicies]);
        })
    };
    let rich = member(&[may("*", "*")]);
    let found = look(&rich, &steps(&rich));
    assert_eq!((found.allowed, missing(&found)), (0, vec![]));
    assert!(found.unknown.iter().all(|one| one.because.contains("organization were not read")), "{found:?}");
    let poor = member(&[may(LOCK, "*")]);
    assert!(missing(&look(&poor, &steps(&poor))).contains(&(Some(0), "s3:PutBucketPolicy", "write")));

    // A caller whose policies were not read.
    let hidden = with_admin(&[]).with(|lab| lab.unread.push(Read::AccountAuthorization));
    let found = look(&hidden, &steps(&hidden));
    assert_eq!(missing(&found), []);
    assert!(found.unknown.iter().any(|one| one.because == "the caller's own policies were not read"), "{found:?}");
}

#[test]
fn a_policy_of_the_organization_forbids() {
    let lab = with_admin(&[may("*", "*")]).with(|lab| {
        lab.organization =
            Some(Organization { id: Some("o-1".to_owned()), management_account: Some("999999999999".to_owned()) });
        let policy = |name: &str, statements: &[String]| crate::model::authorization::ManagedPolicy {
            arn: name.to_owned(),
            text: super::document(statements),
        };
        lab.levels = vec![OrganizationLevel {
            target: "r-1".to_owned(),
            service_control: vec![
                policy("FullAWSAccess", &[may("*", "*")]),
                policy("NoPolicies", &[deny("", "s3:PutBucketPolicy", "*", "")]),
            ],
            resource_control: Vec::new(),
        }];
    });
    let found = look(&lab, &numbered(vec![(bucket_policy(&lab, &open_policy()), &[])]));
    assert_eq!(missing(&found), [(Some(0), "s3:PutBucketPolicy", "write")]);
    assert!(found.missing[0].because.contains("service control policy `SCP NoPolicies on r-1`"), "{found:?}");
}

/// What takes a step back is needed where a wait may take it back, and nowhere else.
#[test]
fn an_undo_counts_where_it_may_be_sent() {
    let lab = with_admin(&[may(LOCK, "*"), may("s3:PutBucketPolicy s3:GetBucketPolicy", "*")]);
    let mut first = bucket_policy(&lab, &open_policy());
    let write = Write::DeleteBucketPolicy { bucket: BUCKET.to_owned() };
    first.undo = Some(PlacedWrite { place: lab.place(), write });
    let mut wait = first.clone();
    wait.action = StepAction::AwaitDelivery {
        place: lab.desired.databricks_place(),
        config_id: "c".to_owned(),
        after_steps: vec![0],
        deadline_seconds: 1,
    };
    assert_eq!(missing(&look(&lab, &numbered(vec![(first.clone(), &[])]))), []);
    let found = look(&lab, &numbered(vec![(first, &[]), (wait, &[0])]));
    assert_eq!(missing(&found), [(Some(0), "s3:DeleteBucketPolicy", "undo")]);
    assert!(found.unknown.iter().all(|one| one.because == "Databricks does not say beforehand"), "{found:?}");
}

/// IAM is asked about a caller whose policies were not read; its answer counts, unless it depends on the context.
#[test]
fn the_simulator_says_what_was_not_read() {
    let steps = |lab: &Lab| numbered(vec![(bucket_policy(lab, &open_policy()), &[])]);
    let simulated = |decision: &str, missing_keys: &[&str]| {
        let one = Simulated {
            decision: decision.to_owned(),
            missing_keys: missing_keys.iter().map(|key| (*key).to_owned()).collect(),
        };
        let actions = ["s3:PutBucketPolicy", "s3:GetBucketPolicy"].map(str::to_owned);
        let fact = Fact::Simulated(actions.clone().map(|action| (action, one.clone())).into());
        let read = Read::Simulation { principal: ADMIN.to_owned(), resource: bucket_arn(), actions: actions.to_vec() };
        with_admin(&[]).with(|lab| {
            lab.unread.push(Read::AccountAuthorization);
            lab.extra.push((lab.place(), read, fact));
        })
    };
    let of = |found: &Preflight| {
        let is = |one: &&crate::plan::preflight::Untold| one.permission.starts_with("s3:");
        (found.allowed, missing(found).len(), found.unknown.iter().filter(is).count())
    };
    for (decision, keys, expected) in [
        ("allowed", &[][..], (2, 0, 0)),
        ("implicitDeny", &[], (0, 3, 0)),
        ("explicitDeny", &[], (0, 3, 0)),
        ("implicitDeny", &["aws:MultiFactorAuthPresent"], (0, 0, 2)),
        ("something new", &[], (0, 0, 2)),
    ] {
        let lab = simulated(decision, keys);
        assert_eq!(of(&look(&lab, &steps(&lab))), expected, "{decision} {keys:?}");
    }
    let hidden = with_admin(&[]).with(|lab| lab.unread.push(Read::AccountAuthorization));
    let callers = BTreeMap::from([(OWN.to_owned(), ADMIN.to_owned())]);
    let asked = look(&hidden, &steps(&hidden)).questions(&callers);
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked.iter().any(|(_, read)| matches!(read, Read::Simulation { actions, resource, .. }
        if *resource == bucket_arn() && *actions == ["s3:GetBucketPolicy", "s3:PutBucketPolicy"])));
}

/// The printed list names a key by its alias: what was read of the key's aliases decides, and nothing else does.
#[test]
fn a_condition_on_the_alias_is_held_against_the_aliases_that_were_read() {
    let named = when("ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/auditseal/audit");
    let rights = [may(LOCK, "*"), may("kms:ListResourceTags", "*"), allow("", "kms:TagResource", "*", &named)];
    let with = |aliases: Option<&[&str]>| {
        with_admin(&rights).with(|lab| {
            lab.keys.insert(KEY.to_owned(), vec![delegates()]);
            if let Some(aliases) = aliases {
                let names = crate::model::fact::Names(aliases.iter().map(|one| (*one).to_owned()).collect());
                lab.extra.push((lab.place(), Read::KeyAliases { key: KEY.to_owned() }, names.into()));
            }
        })
    };
    let tags = |lab: &Lab| {
        let found = look(lab, &numbered(vec![(tagged(lab), &[])]));
        (missing(&found).len(), found.unknown.len())
    };
    assert_eq!(tags(&with(Some(&["alias/other", "alias/auditseal/audit"]))), (0, 0));
    assert_eq!(tags(&with(Some(&["alias/other"]))), (1, 0));
    assert_eq!(tags(&with(None)), (0, 1));
}

//! Of every state only what a step touched is judged again: the same comes out as when everything is.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::step;
use crate::access::tests::lab::*;
use crate::access::tests::shortcuts::{estate, of_resource, own, some};
use crate::access::{Compiled, Part};
use crate::call::{Query, Read, Write};
use crate::model::authorization::Authorization;
use crate::model::databricks::PrivilegeAssignment;
use crate::model::fact::PolicyText;
use crate::model::{Desired, Fact, Kind, Live, Observed};
use crate::plan::Step;
use crate::plan::prove::{Prover, light};
use crate::plan::walk::Walk;

/// What of a second estate has another name than in the first.
const TWIN: &[(&str, &str)] = &[
    ("acme-databricks-audit", "acme-databricks-audit-2"),
    ("11111111-2222-3333", "22222222-2222-3333"),
    ("role/SecurityAnalyst", "role/SecurityAnalyst2"),
    ("role/PlatformAdmin", "role/PlatformAdmin2"),
    ("role/AuditDelivery", "role/AuditDelivery2"),
    ("role/P", "role/Q"),
    ("user/u", "user/w"),
    ("policy/limit", "policy/limit2"),
];

const ROLES: &[&str] =
    &["P0", "P1", "Q0", "New", "SecurityAnalyst", "SecurityAnalyst2", "AuditDelivery2", "PlatformAdmin"];

fn twin<T: Serialize + DeserializeOwned>(one: &T) -> T {
    let text = serde_json::to_string(one).expect("text");
    let text = TWIN.iter().fold(text, |text, (from, to)| text.replace(from, to));
    serde_json::from_str(&text).expect("the same with other names")
}

/// Two estates in one account.
#[derive(Clone, Debug)]
struct Two {
    labs: [Lab; 2],
    desired: Vec<Desired>,
    live: Live,
}

impl Two {
    fn of(first: Lab, second: Lab) -> Self {
        let mut other: Desired = twin(&second.desired);
        "second".clone_into(&mut other.name);
        let mut live = first.live();
        let mut people: Authorization = first.people.clone();
        let also: Authorization = twin(&second.people);
        people.users.extend(also.users);
        people.policies.extend(also.policies);
        people.roles.extend(also.roles);
        people.roles.sort_by(|a, b| a.arn.cmp(&b.arn));
        for (query, answer) in second.live().iter() {
            let (query, answer): (Query, Observed<Fact>) = (
                twin(query),
                match answer {
                    Observed::Present(fact) => Observed::Present(twin(fact)),
                    other => other.clone(),
                },
            );
            if !live.contains(&query) {
                live.set(query, answer);
            }
        }
        let query = Query { place: first.place(), read: Read::AccountAuthorization };
        live.set(query, Observed::Present(people.into()));
        Self { desired: vec![first.desired.clone(), other], labs: [first, second], live }
    }
}

/// A step in the first of two estates, or in the second.
type Move = (bool, What);

#[derive(Clone, Debug)]
enum What {
    Bucket(Vec<String>),
    Key(Vec<String>),
    Create(String),
    Trust(&'static str, String),
    Put(&'static str, &'static str, Vec<String>),
    Delete(&'static str),
    Share(&'static str),
}

fn trust() -> impl Strategy<Value = String> {
    select(vec![
        SAML.to_owned(),
        trusts("arn:aws:iam::111122223333:root"),
        trusts("arn:aws:iam::111122223333:role/P0"),
        trusts("arn:aws:iam::111122223333:role/New"),
        trusts("arn:aws:sts::111122223333:assumed-role/P1/me"),
        trusts("*"),
        trusts("arn:aws:iam::444455556666:root"),
        trusts_service("ec2.amazonaws.com"),
    ])
}

/// An estate whose reader is taken in one way or another, by roles that may take others.
fn reached() -> impl Strategy<Value = Lab> {
    (estate(), trust(), any::<bool>()).prop_map(|(lab, trust, chained)| {
        let lab = lab.edit_role("SecurityAnalyst", |role| role.trust = document(&[trust]));
        let roles = [("P8", trusts("arn:aws:iam::111122223333:role/New")), ("P9", trusts("*"))];
        roles
            .iter()
            .filter(|_| chained)
            .fold(lab, |lab, (name, trust)| lab.role(name, trust, &[&may("sts:AssumeRole", "*")]))
    })
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        some(of_resource(), 2).prop_map(What::Bucket),
        some(of_resource(), 2).prop_map(What::Key),
        trust().prop_map(What::Create),
        (select(ROLES), trust()).prop_map(|(role, trust)| What::Trust(role, trust)),
        (select(ROLES), select(&["Own0", "Own1", "Added"][..]), some(own(), 2))
            .prop_map(|(role, name, policy)| What::Put(role, name, policy)),
        select(ROLES).prop_map(|role| What::Put(role, "Takes", vec![may("sts:AssumeRole iam:PassRole", "*")])),
        select(ROLES).prop_map(What::Delete),
        select(&["audit-readers", "somebody@example.com"][..]).prop_map(What::Share),
    ]
}

fn taken(two: &Two, (second, what): &Move) -> Step {
    let lab = &two.labs[usize::from(*second)];
    let named = |text: String| if *second { TWIN.iter().fold(text, |text, (a, b)| text.replace(a, b)) } else { text };
    let (bucket, key) = (named(BUCKET.to_owned()), named(KEY.to_owned()));
    let with = |own: &[String], more: &[String]| named(document(&[own, more].concat()));
    let plain = |write: Write| Step {
        target: None,
        ..step(lab, Kind::Role, write, Read::CallerIdentity, PolicyText(String::new()))
    };
    match what {
        What::Bucket(more) => {
            let policy = with(&lab.bucket, more);
            let write = Write::PutBucketPolicy { bucket: bucket.clone(), policy: policy.clone() };
            step(lab, Kind::BucketPolicy, write, Read::BucketPolicy { bucket }, PolicyText(policy))
        }
        What::Key(more) => {
            plain(Write::PutKeyPolicy { key, policy: with(lab.keys.values().next().expect("key"), more) })
        }
        What::Create(trust) => plain(Write::CreateRole {
            path: "/".to_owned(),
            role: "New".to_owned(),
            trust: document(&[trust]),
            tags: BTreeMap::new(),
        }),
        What::Trust(role, trust) => plain(Write::UpdateTrust { role: (*role).to_owned(), policy: document(&[trust]) }),
        What::Put(role, name, policy) => plain(Write::PutRolePolicy {
            role: (*role).to_owned(),
            policy_name: (*name).to_owned(),
            policy: named(document(policy)),
        }),
        What::Delete(role) => {
            plain(Write::DeleteRolePolicy { role: (*role).to_owned(), policy_name: "Own0".to_owned() })
        }
        What::Share(principal) => {
            let read = Read::Privileges { securable: "schema".to_owned(), name: "system.access".to_owned() };
            let grant = PrivilegeAssignment {
                principal: (*principal).to_owned(),
                principal_id: None,
                privileges: vec!["SELECT".to_owned(), "USE_SCHEMA".to_owned()],
            };
            let mut step = step(lab, Kind::SystemSchema, Write::PutBucketAclPrivate { bucket }, read, vec![grant]);
            let target = step.target.as_mut().expect("target");
            target.query.place = lab.workspace();
            step
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn what_no_step_touches_stays_as_it_was(
        first in reached(),
        second in reached(),
        moves in prop::collection::vec((any::<bool>(), what()), 1..5),
    ) {
        let two = Two::of(first, second);
        let steps: Vec<Step> = moves.iter().map(|one| taken(&two, one)).collect();
        let order: Vec<usize> = (0..steps.len()).collect();
        let mut prover = Prover::new(&two.desired, &two.live, &steps);
        prover.effects(&order).expect("effects");

        let compiled = Compiled::default();
        let mut walk = Walk::new(&compiled, &two.desired, &two.live);
        for place in 0..=steps.len() {
            let known = prover.known_after(&order[..place]);
            let parts = Part::all(&two.desired);
            prop_assert_eq!(parts.len(), known.len());
            for (part, known) in parts.iter().zip(known) {
                let afresh = light(walk.judge(part).0);
                prop_assert_eq!(&afresh.principals, &known.principals, "{} after {} steps", part.bucket(), place);
                prop_assert_eq!(&afresh.proofs, &known.proofs, "{} after {} steps", part.bucket(), place);
                prop_assert_eq!(&afresh.object_classes, &known.object_classes, "{} after {} steps", part.bucket(), place);
            }
            if let Some(step) = steps.get(place) {
                walk.take(step);
            }
        }
    }
}

/// Which of the two buckets are judged again after a step.
fn judged_again(what: What) -> Vec<bool> {
    let two = Two::of(sealed().role("P0", SAML, &[]), sealed());
    let compiled = Compiled::default();
    let mut walk = Walk::new(&compiled, &two.desired, &two.live);
    let bases: Vec<_> = Part::all(&two.desired).iter().map(|part| walk.judge(part).1).collect();
    walk.take(&taken(&two, &(true, what)));
    let changes = walk.changes();
    bases.iter().map(|basis| !basis.outlasts(&changes)).collect()
}

#[test]
fn only_what_a_step_touches_is_judged_again() {
    let on_second = may("s3:GetObject s3:PutObject", "arn:aws:s3:::acme-databricks-audit-2/audit/*");
    assert_eq!(judged_again(What::Bucket(Vec::new())), [false, false], "the same policy again");
    assert_eq!(judged_again(What::Bucket(vec![allow(READER, "s3:ListBucket", "*", "")])), [false, true]);
    assert_eq!(judged_again(What::Key(vec![allow(READER, "kms:DescribeKey", "*", "")])), [false, true]);
    // A role of one manifest is nothing to the other.
    assert_eq!(judged_again(What::Trust("AuditDelivery2", SAML.to_owned())), [false, true]);
    assert_eq!(judged_again(What::Put("AuditDelivery2", "Added", vec![on_second])), [false, true]);
    // One that nobody declares is something to both when it may reach both, or lead to who can.
    assert_eq!(judged_again(What::Put("P0", "Added", vec![may("ec2:*", "*")])), [false, false]);
    assert_eq!(judged_again(What::Put("P0", "Added", vec![may("s3:GetObject", "*")])), [true, true]);
    assert_eq!(judged_again(What::Put("P0", "Added", vec![may("sts:AssumeRole", "*")])), [true, true]);
    assert_eq!(judged_again(What::Trust("P0", trusts("arn:aws:iam::111122223333:role/P0"))), [true, true]);
    // Unity Catalog is one for both.
    assert_eq!(judged_again(What::Share("somebody@example.com")), [true, true]);
}

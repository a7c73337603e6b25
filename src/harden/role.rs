//! The roles that deliver and replicate, as IAM shall have them.

use std::collections::BTreeMap;

use crate::model::fact::{Names, PolicyText};
use crate::model::live::Read;
use crate::model::role::Role;
use crate::model::{Address, Arn, Desired, Fact, Kind, Observed, Place};

use super::draft::{Draft, Item};
use super::names::{policy_names, replication_role};
use super::parties::Parties;
use super::role_policy::{self, Destination};
use super::statement::{Statement, document, reasons};
use super::writers::writer_roles;
use super::{LiveWriter, statement};

/// IAM's default, in seconds.
const SESSION_SECONDS: i32 = 3_600;

/// A role of ours and its one inline policy.
struct Owned<'a> {
    manifest: &'a str,
    name: &'static str,
    place: Place,
    arn: &'a Arn,
    owner: String,
    trust: Vec<Statement>,
    policy_name: &'static str,
    policy: Vec<Statement>,
    transition: Option<Vec<Statement>>,
}

impl Owned<'_> {
    fn address(&self, kind: Kind) -> Address {
        Address::new(self.manifest, kind, self.name)
    }
}

/// Live deliveries that differ from the declared one.
pub(super) struct Writers<'a> {
    /// Those that the plan moves.
    pub moving: &'a [LiveWriter],
    /// Those that a waiver lets deliver in their own way.
    pub staying: &'a [LiveWriter],
}

pub(super) fn want_delivery(draft: &mut Draft<'_>, desired: &Desired, p: &Parties, writers: &Writers<'_>) {
    let declared = desired.role.arn.to_string();
    // The declared role may itself deliver elsewhere in the bucket today; others have policies of their own.
    let own = |all: &[LiveWriter]| -> Vec<LiveWriter> {
        all.iter().filter(|one| one.role_arn == declared).cloned().collect()
    };
    let p = &p.and(&own(writers.staying));
    let mut first = p.with(&own(writers.moving));
    first.keys = p.with(writers.moving).keys;
    let role = Owned {
        manifest: &desired.name,
        name: "delivery",
        place: desired.role_place(),
        arn: &desired.role.arn,
        owner: desired.owner(),
        trust: role_policy::delivery_trust(desired),
        policy_name: policy_names::DELIVERY,
        policy: role_policy::delivery(p),
        transition: (!writers.moving.is_empty()).then(|| role_policy::delivery(&first)),
    };
    if desired.role.arn.account != desired.aws.account_id && desired.role.profile.is_none() {
        draft.refuse(
            "delivery-role-elsewhere",
            format!(
                "the delivery role `{declared}` is in another account: set `[role] profile`, or write there the trust policy {} and the inline policy {}",
                document(&role.trust, &[]).0,
                document(&role.policy, &[]).0
            ),
        );
        return;
    }
    want(draft, &role);
    transitions(draft, desired, p, writers);
}

pub(super) fn want_replication(draft: &mut Draft<'_>, desired: &Desired, p: &Parties, destinations: &[Destination]) {
    let Some(arn) = replication_role(desired) else { return };
    let role = Owned {
        manifest: &desired.name,
        name: "replication",
        place: desired.aws_place(),
        arn: &arn,
        owner: desired.owner(),
        trust: role_policy::replication_trust(p),
        policy_name: policy_names::REPLICATION,
        policy: role_policy::replication(p, destinations),
        transition: None,
    };
    want(draft, &role);
}

fn want(draft: &mut Draft<'_>, one: &Owned<'_>) {
    let Some((_, role)) = one.arn.role() else {
        draft.refuse("unknown-principal", format!("`{}` is not the ARN of a role: correct `[role] arn`", one.arn));
        return;
    };
    let read = Read::Role { role: role.clone() };
    let Ok(live) = draft.need(&one.place, read.clone(), Fact::role) else { return };
    if let Some(live) = live.as_ref().filter(|live| live.arn != one.arn.to_string()) {
        draft.refuse(
            "role-path-differs",
            format!(
                "the role `{role}` has the ARN `{}`, declared is `{}`: a path cannot change, correct it",
                live.arn, one.arn
            ),
        );
        return;
    }
    let tags: Option<BTreeMap<String, String>> = live.as_ref().map(|live| live.tags.clone());
    let Some(tags) = draft.owned_tags(&one.address(Kind::Role), tags, &one.owner) else { return };
    let trust = document(&one.trust, &[]);
    let wanted = Role {
        arn: one.arn.to_string(),
        id: live.as_ref().map(|live| live.id.clone()).unwrap_or_default(),
        trust: trust.0,
        tags,
        max_session_duration: live.as_ref().map_or(SESSION_SECONDS, |live| live.max_session_duration),
        boundary: live.and_then(|live| live.boundary),
    };
    draft.want(
        Item::new(&one.address(Kind::Role), &one.place, read, wanted)
            .reasons(reasons("trust.", &one.trust, "R1: nobody else may assume the role"))
            .because("", "the role is declared; the tag marks it, other tags stay"),
    );
    policies(draft, one, role);
}

/// Exactly one inline policy and nothing attached.
fn policies(draft: &mut Draft<'_>, one: &Owned<'_>, role: String) {
    let address = one.address(Kind::RolePolicy);
    let last = document(&one.policy, &[]);
    let first = one.transition.as_ref().map(|statements| document(statements, &[]));
    let read = Read::RolePolicy { role: role.clone(), policy: one.policy_name.to_owned() };
    let item = Item::new(&address, &one.place, read, last)
        .reasons(statement::reasons("", &one.policy, "R2: no more than the delivery needs"))
        .transition(first.map(Fact::from))
        .after(Kind::Role, one.name)
        .after(Kind::KmsKey, "audit");
    // The replication policy names the keys of the replicas.
    let keys: Vec<Address> = match one.name {
        "replication" => {
            draft.out.resources.iter().map(|r| r.address.clone()).filter(|a| a.kind == Kind::KmsKey).collect()
        }
        _ => Vec::new(),
    };
    let keys = keys.into_iter().filter(|key| key.manifest == one.manifest);
    draft.want(keys.fold(item, Item::after_address));
    let names = Names(vec![one.policy_name.to_owned()]);
    draft.want(
        Item::new(
            &one.address(Kind::RoleInlinePolicies),
            &one.place,
            Read::RoleInlinePolicies { role: role.clone() },
            names,
        )
        .because("", "R2: an undeclared inline policy widens the role")
        .after(Kind::RolePolicy, one.name),
    );
    draft.want(
        Item::new(
            &one.address(Kind::RoleAttachedPolicies),
            &one.place,
            Read::RoleAttachedPolicies { role },
            Names(Vec::new()),
        )
        .because("", "R2: an attached policy widens the role")
        .after(Kind::RolePolicy, one.name),
    );
}

/// Every other role that still delivers gains the new key for the time of the move; a policy that an earlier move left
/// behind goes.
fn transitions(draft: &mut Draft<'_>, desired: &Desired, p: &Parties, writers: &Writers<'_>) {
    let declared = desired.role.arn.to_string();
    let needs = |one: &&LiveWriter| one.role_arn != declared && !p.keys.iter().all(|key| one.key.as_ref() == Some(key));
    for writer in writers.moving.iter().filter(needs) {
        let Ok(arn) = writer.role_arn.parse::<Arn>() else { continue };
        if arn.account != desired.aws.account_id {
            let text = document(&role_policy::transition(p, vec![writer.prefix.clone()]), &[]).0;
            draft.refuse(
                "foreign-live-writer",
                format!(
                    "`{arn}` in another account delivers to the bucket and would lose the new key: add there the policy {text}, then pass `--allow foreign-live-writer`"
                ),
            );
        }
    }
    let live: Vec<&LiveWriter> = writers.moving.iter().filter(needs).collect();
    for arn in writer_roles(desired, draft.live) {
        let Some((_, role)) = arn.role() else { continue };
        // A role with several deliveries needs the contexts of all of them.
        let mine: Vec<&LiveWriter> = live.iter().copied().filter(|one| one.role_arn == arn.to_string()).collect();
        let read = Read::RolePolicy { role: role.clone(), policy: policy_names::TRANSITION.to_owned() };
        let left = draft.live.view(&desired.aws_place(), read.clone(), Fact::policy);
        let stays = writers.staying.iter().any(|one| one.role_arn == arn.to_string());
        if mine.is_empty() && (stays || !matches!(left, Observed::Present(_))) {
            continue;
        }
        let prefixes: Vec<String> = statement::sorted(mine.iter().map(|one| one.prefix.clone()));
        let first = (!mine.is_empty()).then(|| document(&role_policy::transition(p, prefixes), &[]));
        let address = Address::new(desired.name.clone(), Kind::RolePolicy, format!("transition-{role}"));
        // A role that goes on delivering goes on needing the key.
        let last = first.clone().filter(|_| stays).unwrap_or(PolicyText(String::new()));
        draft.want(
            Item::new(&address, &desired.aws_place(), read, last)
                .because(
                    "",
                    "the delivery that works today keeps working under the new key, until the new one has succeeded",
                )
                .transition(first.map(Fact::from))
                .after(Kind::KmsKey, "audit"),
        );
    }
}

//! The generated policies of both sides, compared by `iam`: who may do what under which conditions, on the same things.

use jiff::civil::Date;

use crate::harden::{DeclaredPolicy, declared_policies};
use crate::iam::{Inclusion, Policy, includes, parse};
use crate::model::{Desired, Kind};

use super::pairs::Pair;
use super::{More, PolicyProof};

/// Somebody whose own policies allow everything: against them only the denies of a policy count.
const ANYBODY: &str = r#"{"Sid":"Anybody","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;

/// Every policy of both sides that differs. A policy that comes or goes with its bucket is in the lists of who can.
pub(super) fn proofs(pair: &Pair<'_>, today: Date) -> Vec<PolicyProof> {
    let Some((base, head)) = pair.both() else { return Vec::new() };
    let after = declared_policies(head, today);
    let before = declared_policies(&on_the_things_of(base, head), today);
    after
        .iter()
        .filter_map(|after| Some((before.iter().find(|before| before.address == after.address)?, after)))
        .filter(|(before, after)| before.text != after.text)
        .map(|(before, after)| PolicyProof {
            manifest: head.name.clone(),
            policy: after.address.clone(),
            wider: more(before, after),
            narrower: more(after, before),
        })
        .filter(|proof| (&proof.wider, &proof.narrower) != (&More::No, &More::No))
        .collect()
}

/// The earlier declaration about the buckets, prefixes and keys of the later one: what is left is who, and how. What a
/// change of those things itself gives is in the lists.
fn on_the_things_of(base: &Desired, head: &Desired) -> Desired {
    let mut same = base.clone();
    same.aws.clone_from(&head.aws);
    same.delivery.bucket.clone_from(&head.delivery.bucket);
    same.delivery.prefix.clone_from(&head.delivery.prefix);
    same.delivery.previous_prefixes.clone_from(&head.delivery.previous_prefixes);
    same.key.clone_from(&head.key);
    same.bucket.access_log.bucket.clone_from(&head.bucket.access_log.bucket);
    same.bucket.access_log.prefix.clone_from(&head.bucket.access_log.prefix);
    same.bucket.replicas.clone_from(&head.bucket.replicas);
    same
}

/// What the second allows and the first does not: by its allows, and, for somebody whose own policies allow everything, by
/// what it does not deny.
fn more(first: &DeclaredPolicy, second: &DeclaredPolicy) -> More {
    let of_a_resource = matches!(first.address.kind, Kind::BucketPolicy | Kind::KmsKeyPolicy);
    let modes: &[bool] = if of_a_resource { &[false, true] } else { &[false] };
    let mut result = More::No;
    for open in modes {
        let (Some(reference), Some(candidate)) = (read(&first.text, *open), read(&second.text, *open)) else {
            return More::NotProved { reason: "a generated policy could not be read".to_owned() };
        };
        match includes(&reference, &candidate) {
            Inclusion::Included => {}
            Inclusion::NotIncluded(excess) => {
                // A key policy speaks of its key, whatever resource stands in the request.
                let own_key = first.address.kind == Kind::KmsKeyPolicy;
                let resource = if own_key { "*".to_owned() } else { excess.resource };
                return More::Yes { principal: excess.principal, action: excess.action, resource };
            }
            Inclusion::Unknown(reason) => result = More::NotProved { reason },
        }
    }
    result
}

fn read(text: &str, open: bool) -> Option<Policy> {
    if !open {
        return parse(text).ok();
    }
    let mut document: serde_json::Value = serde_json::from_str(text).ok()?;
    document.get_mut("Statement")?.as_array_mut()?.push(serde_json::from_str(ANYBODY).ok()?);
    parse(&document.to_string()).ok()
}

//! The policies of one manifest as they stand after each step: what the guards about lock-out and delivery look at.

use std::collections::BTreeMap;

use crate::call::{Read, Write};
use crate::model::{Desired, Fact, Kind, Live, Observed, Place};

use super::super::{Step, StepAction, StepId};

/// What decides at one moment who may do what with the audit bucket and its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Text of the bucket policy; `None` without one.
    pub bucket_policy: Option<String>,
    /// Customer key that new objects are encrypted with; `None` for keys of AWS.
    pub default_key: Option<String>,
    /// Key ARN (or the token of one that is being made) → policy text.
    pub key_policies: BTreeMap<String, String>,
    /// Configurations that were switched off so far.
    pub disabled: Vec<String>,
    /// Configurations that were switched on so far.
    pub enabled: Vec<String>,
    /// Whether the declared delivery exists.
    pub declared: bool,
}

/// The live state, then the state after each step that changes it.
#[must_use]
pub fn states(desired: &Desired, live: &Live, steps: &[Step]) -> Vec<(Option<StepId>, State)> {
    let place = desired.aws_place();
    let mut state = live_state(desired, live, &place);
    let mut states = vec![(None, state.clone())];
    for step in steps {
        let StepAction::Write { write, .. } = &step.action else { continue };
        let mut next = state.clone();
        let own = step.address.manifest == desired.name;
        match write {
            Write::PutBucketPolicy { bucket, policy } if *bucket == desired.delivery.bucket => {
                next.bucket_policy = Some(policy.clone());
            }
            Write::DeleteBucketPolicy { bucket } if *bucket == desired.delivery.bucket => next.bucket_policy = None,
            Write::PutBucketEncryption { bucket, encryption } if *bucket == desired.delivery.bucket => {
                next.default_key.clone_from(&encryption.key);
            }
            Write::PutKeyPolicy { key, policy } if own => {
                next.key_policies.insert(key.clone(), policy.clone());
            }
            Write::CreateKey { policy, .. } if own => {
                for token in step.gives.values() {
                    next.key_policies.insert(token.clone(), policy.clone());
                }
            }
            Write::SetLogDeliveryStatus { config_id, status } if status == "DISABLED" => {
                next.enabled.retain(|one| one != config_id);
                next.disabled.push(config_id.clone());
            }
            Write::SetLogDeliveryStatus { config_id, .. } => {
                next.disabled.retain(|one| one != config_id);
                next.enabled.push(config_id.clone());
            }
            Write::CreateLogDelivery { .. } if own => next.declared = true,
            _ => continue,
        }
        if next != state {
            states.push((Some(step.id), next.clone()));
            state = next;
        }
    }
    states
}

fn live_state(desired: &Desired, live: &Live, place: &Place) -> State {
    let bucket = || desired.delivery.bucket.clone();
    let policy = live.view(place, Read::BucketPolicy { bucket: bucket() }, Fact::policy).present();
    let encryption = live.view(place, Read::BucketEncryption { bucket: bucket() }, Fact::encryption).present();
    let key_policies = live
        .iter()
        .filter_map(|(query, answer)| match (&query.read, answer) {
            (Read::KeyPolicy { key }, Observed::Present(Fact::Policy(text))) => Some((key.clone(), text.0.clone())),
            _ => None,
        })
        .collect();
    let key = encryption.and_then(|encryption| encryption.key).map(|key| {
        let described = live.view(place, Read::Key { key: key.clone() }, Fact::key).present();
        described.map_or(key, |key| key.arn)
    });
    State {
        bucket_policy: policy.map(|policy| policy.0),
        default_key: key,
        key_policies,
        disabled: Vec::new(),
        enabled: Vec::new(),
        declared: false,
    }
}

/// Whether a step writes a policy that could lock out: of any bucket or key.
#[must_use]
pub fn written_policy(step: &Step) -> Option<(Kind, &str, &str)> {
    let StepAction::Write { write, .. } = &step.action else { return None };
    match write {
        Write::PutBucketPolicy { bucket, policy } => Some((Kind::BucketPolicy, bucket, policy)),
        Write::PutKeyPolicy { key, policy } => Some((Kind::KmsKeyPolicy, key, policy)),
        Write::CreateKey { policy, .. } => {
            step.gives.values().next().map(|token| (Kind::KmsKeyPolicy, token.as_str(), policy.as_str()))
        }
        _ => None,
    }
}

//! Quotas of policy documents, checked while planning: a policy that AWS refuses must not become a step.

use crate::model::fact::PolicyText;
use crate::model::{Address, Fact, Kind, Reference};

use super::draft::Draft;

/// Bytes of a bucket policy (S3 User Guide, "Bucket policies": 20 KB).
const BUCKET_POLICY: usize = 20_480;
/// Bytes of a key policy (KMS Developer Guide, "Quotas": 32 KB).
const KEY_POLICY: usize = 32_768;
/// Characters of all inline policies of a role, whitespace not counted (IAM User Guide, "IAM and AWS STS quotas").
const INLINE_POLICIES: usize = 10_240;
/// Characters of a trust policy; the quota can be raised (same page).
const TRUST_POLICY: usize = 2_048;

/// Length of a key ARN with the longest region name in use.
const KEY_ARN: usize = 80;

/// Refuses every wanted document that is longer than its quota, in a transition too.
pub(super) fn check_all(draft: &mut Draft<'_>) {
    let documents: Vec<(Address, PolicyText, usize)> = draft
        .out
        .resources
        .iter()
        .flat_map(|resource| {
            let facts = [Some(&resource.fact), resource.transition.as_ref()];
            facts.into_iter().flatten().filter_map(|fact| {
                let (text, limit) = match (resource.address.kind, fact) {
                    (Kind::BucketPolicy, Fact::Policy(text)) => (text.clone(), BUCKET_POLICY),
                    (Kind::KmsKeyPolicy, Fact::Policy(text)) => (text.clone(), KEY_POLICY),
                    (Kind::RolePolicy, Fact::Policy(text)) => (text.clone(), INLINE_POLICIES),
                    (Kind::Role, Fact::Role(role)) => (PolicyText(role.trust.clone()), TRUST_POLICY),
                    _ => return None,
                };
                Some((resource.address.clone(), text, limit))
            })
        })
        .collect();
    for (address, text, limit) in &documents {
        check(draft, address, text, *limit);
    }
}

fn check(draft: &mut Draft<'_>, address: &Address, text: &PolicyText, limit: usize) {
    let length = length(text);
    if length > limit {
        draft.refuse(
            "policy-too-large",
            format!(
                "the policy of {address} has {length} bytes, and AWS takes {limit}: declare fewer readers or prefixes"
            ),
        );
    }
}

/// Bytes of a minified document once every reference is resolved.
fn length(PolicyText(text): &PolicyText) -> usize {
    text.len() + Reference::count_in(text) * KEY_ARN
}

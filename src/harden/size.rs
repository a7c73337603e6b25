//! Quotas of policy documents, checked while planning: a policy that AWS refuses must not become a step.

use crate::model::Address;
use crate::model::Reference;
use crate::model::fact::PolicyText;

use super::draft::Draft;

/// Bytes of a bucket policy (S3 User Guide, "Bucket policies": 20 KB).
pub(super) const BUCKET_POLICY: usize = 20_480;
/// Bytes of a key policy (KMS Developer Guide, "Quotas": 32 KB).
pub(super) const KEY_POLICY: usize = 32_768;
/// Characters of all inline policies of a role, whitespace not counted (IAM User Guide, "IAM and AWS STS quotas").
pub(super) const INLINE_POLICIES: usize = 10_240;
/// Characters of a trust policy; the quota can be raised (same page).
pub(super) const TRUST_POLICY: usize = 2_048;

/// Length of a key ARN with the longest region name in use.
const KEY_ARN: usize = 80;

/// Refuses a document that is longer than its quota.
pub(super) fn check(draft: &mut Draft<'_>, address: &Address, text: &PolicyText, limit: usize) {
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

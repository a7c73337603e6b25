//! What CloudTrail's event history says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One management event that succeeded and changed something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailEvent {
    /// `eventID`.
    pub id: String,
    /// `eventName`, in CloudTrail's own spelling: `PutBucketEncryption`, never IAM's `PutEncryptionConfiguration`.
    pub name: String,
    pub time: Timestamp,
    /// ARN of the caller; the account, service or user name where the record has no ARN.
    pub principal: String,
    /// What it was done to: bucket names, role names, key ids and ARNs, account ids. Sorted.
    pub resources: Vec<String>,
}

//! Names and places that the generated documents agree on.

use crate::model::desired::Replica;
use crate::model::{Arn, Desired, Kind, Place};

pub use crate::model::role::policy_names;

/// The role that S3 assumes to replicate the audit bucket; `None` when no replica is declared.
#[must_use]
pub fn replication_role(desired: &Desired) -> Option<Arn> {
    if desired.bucket.replicas.is_empty() {
        return None;
    }
    Some(Arn {
        partition: desired.aws.partition.arn_name().to_owned(),
        service: "iam".to_owned(),
        region: String::new(),
        account: desired.aws.account_id.clone(),
        resource: format!("role/{}", desired.replication_role_name()),
    })
}

/// Alias of the key of a replica bucket. Aliases take no dots (KMS API reference, CreateAlias).
#[must_use]
pub fn replica_alias(replica: &Replica) -> String {
    replica.alias()
}

/// Name of the addresses of a replica bucket.
#[must_use]
pub fn replica_name(replica: &Replica) -> String {
    format!("replica-{}", replica.bucket)
}

#[must_use]
pub fn replica_place(replica: &Replica) -> Place {
    replica.place()
}

/// The account principal. In a `Principal` it means every identity of the account, as an `aws:PrincipalArn` the root user
/// alone.
pub(super) fn root(partition: &str, account: &str) -> String {
    format!("arn:{partition}:iam::{account}:root")
}

pub(super) fn bucket_arn(partition: &str, bucket: &str) -> String {
    format!("arn:{partition}:s3:::{bucket}")
}

/// `kms:ViaService` value of S3 in a region (KMS Developer Guide, "kms:ViaService").
pub(super) fn s3_of(region: &str) -> String {
    format!("s3.{region}.amazonaws.com")
}

/// Sids of the statements that this tool writes, in any version, into the policy of a kind of resource. Empty for kinds
/// whose policy holds nothing but ours.
#[must_use]
pub fn own_sids(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::BucketPolicy => super::bucket_policy::SIDS.iter().chain(&super::access_policy::SIDS).copied().collect(),
        Kind::KmsKeyPolicy => super::key_policy::SIDS.to_vec(),
        _ => Vec::new(),
    }
}

//! Copies of the logs (B8): declared replicas are judged as the bucket itself is, undeclared ones are readers.

use crate::model::bucket::ReplicationRule;
use crate::model::desired::Replica;
use crate::model::live::Read;
use crate::model::{Desired, Fact};

use super::assessment::{Assessment, PrincipalAccess, PrincipalKind, ProofVerdict, Question, Verdict, Witness};
use super::databricks::SYSTEM_TABLES;
use super::facts::Facts;

/// How ids of classes begin that lie in a declared replica; its bucket follows.
const REPLICA: &str = "replica ";

impl PrincipalAccess {
    /// The replica that this is about; `None` for the audit bucket and the system tables.
    #[must_use]
    pub fn replica(&self) -> Option<&str> {
        Some(self.object_class.strip_prefix(REPLICA)?.split_once(": ")?.0)
    }
}

/// Each declared replica with the declaration as it reads for its bucket: the replication role delivers there.
pub(super) fn declared(desired: &Desired) -> Vec<(Replica, Desired)> {
    let partition = desired.aws.partition.arn_name();
    let role = format!("arn:{partition}:iam::{}:role/{}", desired.aws.account_id, desired.replication_role_name());
    let of = |replica: &Replica| {
        let mut copy = desired.clone();
        copy.aws.account_id.clone_from(&replica.account_id);
        copy.aws.region.clone_from(&replica.region);
        copy.delivery.bucket.clone_from(&replica.bucket);
        copy.bucket.replicas.clear();
        copy.key.arn = None;
        copy.key.previous.clear();
        if let Ok(arn) = role.parse() {
            copy.role.arn = arn;
        }
        copy
    };
    desired.bucket.replicas.iter().map(|replica| (replica.clone(), of(replica))).collect()
}

/// The assessment of a replica's bucket beside that of the audit bucket: classes and proofs are named for it, and what is
/// not about the bucket is said once.
pub(super) fn of_replica(replica: &Replica, mut part: Assessment) -> Assessment {
    let named = |id: &str| format!("{REPLICA}{}: {id}", replica.bucket);
    part.object_classes.retain(|class| class.id != SYSTEM_TABLES);
    part.principals.retain(|one| one.object_class != SYSTEM_TABLES);
    for class in &mut part.object_classes {
        class.id = named(&class.id);
    }
    for one in &mut part.principals {
        one.object_class = named(&one.object_class);
    }
    // Replication is S3's own doing, and control of a replica is its account's.
    part.proofs.retain(|proof| proof.code.ends_with("-declared"));
    for proof in &mut part.proofs {
        proof.code.push_str("-in-replica");
        proof.claim = format!("{} in replica `{}`", proof.claim, replica.bucket);
    }
    part
}

/// Whoever owns a bucket to which live rules copy, and which nothing declares, reads what is copied.
pub(super) fn undeclared(desired: &Desired, live: &Facts<'_>, part: &mut Assessment) {
    let read = Read::BucketReplication { bucket: desired.delivery.bucket.clone() };
    let Some(replication) = live.view(&desired.aws_place(), read, Fact::replication).present() else { return };
    let mut added = false;
    for ReplicationRule { id, enabled, bucket, account, .. } in &replication.rules {
        let name = bucket.rsplit(':').next().unwrap_or(bucket);
        if desired.bucket.replicas.iter().any(|replica| replica.bucket == name) {
            continue;
        }
        let of = account.as_ref().map_or(String::new(), |account| format!(" of account {account}"));
        // Copies that were made stay when a rule is switched off; whether there are any is not known.
        let verdict = if *enabled { Verdict::Can } else { Verdict::Conditional };
        part.principals.push(PrincipalAccess {
            manifest: desired.name.clone(),
            question: Question::Read,
            arn: bucket.clone(),
            kind: PrincipalKind::Account,
            declared: false,
            declared_as: "not declared".to_owned(),
            verdict,
            certain: *enabled,
            object_class: "current".to_owned(),
            actions: vec!["s3:ReplicateObject".to_owned()],
            via: Vec::new(),
            witness: Witness {
                s3: vec![format!("replication rule `{id}` copies to {bucket}{of}, by {}", replication.role)],
                ..Witness::default()
            },
            conditions: if *enabled { Vec::new() } else { vec!["if the rule, now off, ever copied".to_owned()] },
            blocked_by: Vec::new(),
        });
        added = true;
        for proof in part.proofs.iter_mut().filter(|proof| proof.code == "readers-declared") {
            let worse = if *enabled { ProofVerdict::DoesNotHold } else { ProofVerdict::NotProven };
            proof.verdict = proof.verdict.max(worse);
            proof.because.push(format!("replication rule `{id}` copies to {bucket}{of}"));
        }
    }
    if added {
        part.principals.sort();
    }
}

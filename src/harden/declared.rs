//! The policies that a declaration comes to by itself, without a cloud: for comparing declarations.

use jiff::civil::Date;

use crate::model::waiver::LocalAddress;
use crate::model::{Desired, Kind};

use super::controls::control_of;
use super::names::{replica_name, replication_role};
use super::parties::Parties;
use super::role_policy::{self, Destination};
use super::statement::{Statement, document};
use super::{access_policy, bucket_policy, key_policy};

/// One generated policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredPolicy {
    pub address: LocalAddress,
    pub text: String,
}

/// Every policy that an estate of its own would get on a day: of its buckets, keys and roles. A statement that is waived is
/// not among them. A key that has to be made has a made-up ARN, the same in every declaration of one account and region.
#[must_use]
pub fn declared_policies(desired: &Desired, today: Date) -> Vec<DeclaredPolicy> {
    let key = |account: &str, region: &str, name: &str| {
        format!("arn:{}:kms:{region}:{account}:key/{name}", desired.aws.partition.arn_name())
    };
    let audit = desired.key.arn.as_ref().map(ToString::to_string);
    let audit = audit.unwrap_or_else(|| key(&desired.aws.account_id, &desired.aws.region, "audit"));
    let p = Parties::declared(desired, vec![audit]);
    let mut all = vec![
        (Kind::BucketPolicy, "audit".to_owned(), bucket_policy::statements(&p)),
        (Kind::KmsKeyPolicy, "audit".to_owned(), key_policy::statements(&p)),
        (Kind::BucketPolicy, "access".to_owned(), access_policy::statements(desired, &p)),
        (Kind::Role, "delivery".to_owned(), role_policy::delivery_trust(desired)),
        (Kind::RolePolicy, "delivery".to_owned(), role_policy::delivery(&p)),
    ];
    let mut destinations = Vec::new();
    for replica in &desired.bucket.replicas {
        let name = replica_name(replica);
        let key = key(&replica.account_id, &replica.region, &name);
        let theirs = p.replica(replica, &key);
        all.push((Kind::BucketPolicy, name.clone(), bucket_policy::statements(&theirs)));
        all.push((Kind::KmsKeyPolicy, name, key_policy::statements(&theirs)));
        destinations.push(Destination {
            bucket: replica.bucket.clone(),
            account: replica.account_id.clone(),
            region: replica.region.clone(),
            key,
        });
    }
    if replication_role(desired).is_some() {
        all.push((Kind::Role, "replication".to_owned(), role_policy::replication_trust(&p)));
        all.push((Kind::RolePolicy, "replication".to_owned(), role_policy::replication(&p, &destinations)));
    }
    all.into_iter()
        .map(|(kind, name, statements)| {
            let statements: Vec<Statement> =
                statements.into_iter().filter(|one| !is_waived(desired, today, kind, &name, one.sid)).collect();
            DeclaredPolicy { address: LocalAddress { kind, name }, text: document(&statements, &[]).0 }
        })
        .collect()
}

fn is_waived(desired: &Desired, today: Date, kind: Kind, name: &str, sid: &str) -> bool {
    let path = if kind == Kind::Role { format!("trust.statement[{sid}]") } else { format!("statement[{sid}]") };
    let control = control_of(kind, name, &path);
    // What a role may do and who may take it is then what is there, which no declaration knows.
    let known = matches!(kind, Kind::BucketPolicy | Kind::KmsKeyPolicy);
    known
        && desired
            .waivers
            .iter()
            .any(|waiver| waiver.holds(today) && Some(waiver.control) == control && waiver.is_about(kind, name))
}

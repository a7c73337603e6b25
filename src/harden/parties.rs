//! Who and what the policies name. Derived from the declaration, the key, and, for a transition, the live writers; never
//! from the caller.

use crate::model::desired::{Reader, Replica};
use crate::model::{Arn, Desired};

use super::LiveWriter;
use super::names::{bucket_arn, replication_role};
use super::statement::{arns, sorted};

#[derive(Clone, Debug)]
pub(super) struct Parties {
    pub partition: &'static str,
    /// Owner of the bucket that the policies are for.
    pub account: String,
    pub region: String,
    pub bucket: String,
    /// Roles that write: the delivery role, in a replica the replication role.
    pub writers: Vec<String>,
    pub writing: Writing,
    /// Readers and scanners.
    pub readers: Vec<String>,
    pub mfa_readers: Vec<String>,
    /// Role that copies objects out of this bucket.
    pub replication: Vec<String>,
    pub observers: Vec<String>,
    pub admins: Vec<String>,
    pub write_prefixes: Vec<String>,
    pub read_prefixes: Vec<String>,
    /// ARNs or tokens; new objects are encrypted with one of these.
    pub keys: Vec<String>,
}

/// How objects come into the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    Delivery,
    Replication {
        /// Across accounts the replica has to be handed to the account that owns its bucket.
        override_owner: bool,
    },
}

impl Parties {
    /// What the declaration alone says of the audit bucket.
    pub(super) fn declared(desired: &Desired, keys: Vec<String>) -> Self {
        let mfa = desired.readers.values().filter_map(|reader| match reader {
            Reader::Role { role, mfa: true } => Some(role),
            Reader::Role { .. } | Reader::Databricks { .. } => None,
        });
        let prefix = desired.delivery.prefix.clone();
        Self {
            partition: desired.aws.partition.arn_name(),
            account: desired.aws.account_id.clone(),
            region: desired.aws.region.clone(),
            bucket: desired.delivery.bucket.clone(),
            writers: vec![desired.role.arn.to_string()],
            writing: Writing::Delivery,
            readers: arns(desired.reader_roles()),
            mfa_readers: arns(mfa),
            replication: arns(&replication_role(desired)),
            observers: arns(desired.observers.values().map(|observer| &observer.role)),
            admins: arns(desired.admin_roles()),
            read_prefixes: sorted(desired.delivery.previous_prefixes.iter().cloned().chain([prefix.clone()])),
            write_prefixes: vec![prefix],
            keys,
        }
    }

    /// The same with live writers that stay: under the keys that everybody uses.
    pub(super) fn and(&self, staying: &[LiveWriter]) -> Self {
        Self { keys: self.keys.clone(), ..self.with(staying) }
    }

    /// The same with every live writer, its prefix and its key: what holds while a move is under way.
    pub(super) fn with(&self, live: &[LiveWriter]) -> Self {
        let mut all = self.clone();
        all.writers = sorted(self.writers.iter().cloned().chain(live.iter().map(|one| one.role_arn.clone())));
        all.write_prefixes =
            sorted(self.write_prefixes.iter().cloned().chain(live.iter().map(|one| one.prefix.clone())));
        all.read_prefixes = sorted(self.read_prefixes.iter().cloned().chain(live.iter().map(|one| one.prefix.clone())));
        all.keys = sorted(self.keys.iter().cloned().chain(live.iter().filter_map(|one| one.key.clone())));
        all
    }

    /// The same rules for a replica: written by the replication role, under its own key.
    pub(super) fn replica(&self, replica: &Replica, key: &str) -> Self {
        Self {
            account: replica.account_id.clone(),
            region: replica.region.clone(),
            bucket: replica.bucket.clone(),
            writers: self.replication.clone(),
            writing: Writing::Replication { override_owner: replica.account_id != self.account },
            replication: Vec::new(),
            write_prefixes: self.read_prefixes.clone(),
            keys: vec![key.to_owned()],
            ..self.clone()
        }
    }

    pub(super) fn bucket_arn(&self) -> String {
        bucket_arn(self.partition, &self.bucket)
    }

    /// Every object of the bucket.
    pub(super) fn all_objects(&self) -> String {
        format!("{}/*", self.bucket_arn())
    }

    /// The bucket and every object of it.
    pub(super) fn everything(&self) -> Vec<String> {
        vec![self.bucket_arn(), self.all_objects()]
    }

    /// Objects below some prefixes; the empty prefix is the root of the bucket.
    pub(super) fn objects(&self, prefixes: &[String]) -> Vec<String> {
        prefixes
            .iter()
            .map(
                |prefix| {
                    if prefix.is_empty() { self.all_objects() } else { format!("{}/{prefix}/*", self.bucket_arn()) }
                },
            )
            .collect()
    }

    /// Values of `s3:prefix` for listing below some prefixes; `None` when one of them is the root of the bucket.
    pub(super) fn listings(&self, prefixes: &[String]) -> Option<Vec<String>> {
        if prefixes.iter().any(String::is_empty) {
            return None;
        }
        Some(prefixes.iter().flat_map(|prefix| [prefix.clone(), format!("{prefix}/*")]).collect())
    }

    /// Values of the S3 encryption context. The bucket ARN with bucket keys, the object ARN without: both, always, since
    /// older objects keep the form they were written with (S3 User Guide, "Reducing the cost of SSE-KMS with bucket keys").
    pub(super) fn contexts(&self, prefixes: &[String]) -> Vec<String> {
        std::iter::once(self.bucket_arn()).chain(self.objects(prefixes)).collect()
    }

    /// Everyone who touches objects.
    pub(super) fn data_principals(&self) -> Vec<String> {
        sorted(self.writers.iter().chain(&self.readers).chain(&self.replication).cloned())
    }

    /// Accounts of everyone named but the admins, with the owner.
    pub(super) fn accounts(&self) -> Vec<String> {
        let named = self.data_principals().into_iter().chain(self.observers.iter().cloned());
        let named = named.filter_map(|arn| arn.parse::<Arn>().ok()).map(|arn| arn.account);
        sorted(named.chain([self.account.clone()]))
    }
}

//! The values of one manifest, singly and against each other. Works on a file with some parts missing: what is missing or
//! misshapen has been reported already, and everything else is still judged.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::model::Arn;
use crate::model::place::Partition;

use super::codes;
use super::grammar::{Aws, Delivery, File, Replica, Store};
use super::names::{self, Problem};
use super::source::{error, quote};
use super::walk::Places;

pub(super) fn check(file: &File, places: &Places) -> Vec<Finding> {
    let mut rules =
        Rules { file, places, partition: file.aws.as_ref().and_then(|aws| aws.partition), findings: Vec::new() };
    rules.accounts();
    rules.delivery();
    rules.bucket();
    rules.replicas();
    rules.key();
    rules.delivery_role();
    rules.readers();
    rules.roles();
    rules.labels();
    rules.unity_catalog();
    rules.store();
    rules.waivers();
    rules.alerts();
    rules.findings
}

pub(super) struct Rules<'a> {
    pub file: &'a File,
    pub places: &'a Places,
    partition: Option<Partition>,
    findings: Vec<Finding>,
}

impl<'a> Rules<'a> {
    pub fn report(&mut self, code: &str, path: &str, message: String, help: &str) {
        let span = self.places.closest(path).cloned();
        self.findings.push(error(code, path, message, Some(help.to_owned()), span));
    }

    /// Keeps a good value, reports a bad one.
    pub fn value<T>(&mut self, path: &str, checked: Result<T, Problem>) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(Problem { code, message, help }) => {
                self.report(code, path, message, &help);
                None
            }
        }
    }

    pub fn text(&mut self, path: &str, text: Option<&String>, rule: fn(&str) -> Result<(), Problem>) {
        if let Some(text) = text {
            self.value(path, rule(text));
        }
    }

    pub fn role(&mut self, path: &str, text: &str) -> Option<Arn> {
        let checked = names::role(text, self.partition);
        self.value(path, checked)
    }

    fn home(&self) -> Option<(&'a str, &'a str)> {
        let aws = self.file.aws.as_ref()?;
        Some((aws.account_id.as_deref()?, aws.region.as_deref()?))
    }

    fn account(&self) -> Option<&'a str> {
        self.file.aws.as_ref()?.account_id.as_deref()
    }

    fn audit_bucket(&self) -> Option<&'a str> {
        self.file.delivery.as_ref()?.bucket.as_deref()
    }

    fn accounts(&mut self) {
        if let Some(databricks) = &self.file.databricks {
            self.text("databricks.account_id", databricks.account_id.as_ref(), names::databricks_account);
            self.text("databricks.profile", databricks.profile.as_ref(), names::name);
        }
        let Some(Aws { account_id, region, partition, profile, assume_role }) = &self.file.aws else { return };
        self.text("aws.account_id", account_id.as_ref(), names::aws_account);
        self.text("aws.profile", profile.as_ref(), names::name);
        if let Some(region) = region
            && self.value("aws.region", names::region(region)).is_some()
            && let Some(partition) = partition
            && super::defaults::partition(region).arn_name() != partition.arn_name()
        {
            let message = format!("region {} is not in partition `{}`", quote(region), word(*partition));
            self.report(
                codes::INVALID_REGION,
                "aws.partition",
                message,
                "leave `partition` out: it follows from the region",
            );
        }
        if let Some(text) = assume_role
            && let Some(arn) = self.role("aws.assume_role", text)
            && account_id.as_deref().is_some_and(|account| account != arn.account)
        {
            let message = format!("the role to assume is in account {}", quote(&arn.account));
            self.report(codes::ELSEWHERE, "aws.assume_role", message, "name a role of `aws.account_id`");
        }
    }

    fn delivery(&mut self) {
        let Some(delivery) = &self.file.delivery else { return };
        let Delivery { bucket, prefix, name, workspaces, max_silence, previous_prefixes, status: _, undeclared: _ } =
            delivery;
        if let Some(bucket) = bucket {
            let checked = names::bucket(bucket, self.home());
            self.value("delivery.bucket", checked);
        }
        self.value("delivery.prefix", names::prefix(prefix));
        if self.places.exact("delivery.name").is_some() {
            self.text("delivery.name", name.as_ref(), names::name);
        }
        self.value("delivery.max_silence", names::minutes(max_silence));
        self.distinct("delivery.workspaces", workspaces.iter().map(ToString::to_string));
        for (index, previous) in previous_prefixes.iter().enumerate() {
            let path = format!("delivery.previous_prefixes[{index}]");
            self.value(&path, names::prefix(previous));
            if previous == prefix {
                let message = format!("{} is the current prefix", quote(previous));
                self.report(codes::DUPLICATE_VALUE, &path, message, "keep only earlier prefixes here");
            }
        }
        self.distinct("delivery.previous_prefixes", previous_prefixes.iter().cloned());
    }

    pub fn distinct(&mut self, path: &str, values: impl Iterator<Item = String>) {
        let mut seen = BTreeMap::new();
        for (index, value) in values.enumerate() {
            if seen.insert(value.clone(), index).is_some() {
                let message = format!("{} is listed twice in `{path}`", quote(&value));
                self.report(codes::DUPLICATE_VALUE, &format!("{path}[{index}]"), message, "keep one of the two");
            }
        }
    }

    fn bucket(&mut self) {
        let bucket = &self.file.bucket;
        if let Some(days) = bucket.object_lock.as_ref().and_then(|lock| lock.days)
            && bucket.retention_days < days
        {
            let message = format!("objects are kept {} days, but locked for {days}", bucket.retention_days);
            let written = self.places.exact("bucket.retention_days").is_some();
            let path = if written { "bucket.retention_days" } else { "bucket.object_lock.days" };
            self.report(codes::RETENTION, path, message, "keep objects at least as long as they are locked");
        }
        let log = &bucket.access_log;
        if let Some(name) = log.bucket.as_ref().filter(|_| self.places.exact("bucket.access_log.bucket").is_some()) {
            let checked = names::bucket(name, self.home());
            self.value("bucket.access_log.bucket", checked);
        }
        self.value("bucket.access_log.prefix", names::log_prefix(&log.prefix));
        for (index, reader) in log.readers.iter().enumerate() {
            let path = format!("bucket.access_log.readers[{index}]");
            let role = self.role(&path, reader);
            self.not_delivery_role(&path, role.as_ref());
        }
        self.distinct("bucket.access_log.readers", log.readers.iter().cloned());
        self.buckets_differ();
    }

    fn buckets_differ(&mut self) {
        let store = self.file.store.as_ref().and_then(|store| names::store(store.s3.as_deref()?).ok());
        let store = store.map(|(bucket, _)| bucket);
        let replicas = self.file.bucket.replicas.iter().enumerate();
        let all = [("delivery.bucket".to_owned(), self.audit_bucket())]
            .into_iter()
            .chain([("bucket.access_log.bucket".to_owned(), self.file.bucket.access_log.bucket.as_deref())])
            .chain(
                replicas
                    .map(|(index, replica)| (format!("bucket.replicas[{index}].bucket"), replica.bucket.as_deref())),
            )
            .chain([("store.s3".to_owned(), store.as_deref())]);
        let mut seen: BTreeMap<&str, String> = BTreeMap::new();
        for (path, name) in all {
            let Some(name) = name else { continue };
            if let Some(other) = seen.get(name) {
                let message = format!("bucket {} is used twice: as `{other}` and as `{path}`", quote(name));
                self.report(codes::DUPLICATE_BUCKET, &path, message, "give each use its own bucket");
            } else {
                seen.insert(name, path);
            }
        }
    }

    fn replicas(&mut self) {
        for (index, replica) in self.file.bucket.replicas.iter().enumerate() {
            let Replica { bucket, account_id, region, profile } = replica;
            let path = |key: &str| format!("bucket.replicas[{index}].{key}");
            if self.places.exact(&path("account_id")).is_some() {
                self.text(&path("account_id"), account_id.as_ref(), names::aws_account);
            }
            self.text(&path("profile"), profile.as_ref(), names::name);
            if let Some(bucket) = bucket {
                let home = account_id.as_deref().zip(region.as_deref());
                self.value(&path("bucket"), names::bucket(bucket, home));
            }
            if let Some(region) = region
                && self.value(&path("region"), names::region(region)).is_some()
            {
                self.replica_region(&path("region"), region);
            }
            if let (Some(account), Some(theirs)) = (self.account(), account_id)
                && account != theirs
                && profile.is_none()
            {
                let message = format!("the replica is in account {}, and no profile reaches it", quote(theirs));
                self.report(codes::PROFILE_MISSING, &path("account_id"), message, "add `profile` to the replica");
            }
        }
    }

    fn replica_region(&mut self, path: &str, region: &str) {
        let ours = self.file.aws.as_ref().and_then(|aws| aws.region.as_deref());
        if ours == Some(region) {
            let message = format!("the replica is in {}, the region of the audit bucket", quote(region));
            self.report(codes::REPLICA_REGION, path, message, "choose another region");
        }
        let partition = super::defaults::partition(region).arn_name();
        if let Some(ours) = self.partition.filter(|ours| ours.arn_name() != partition) {
            let message = format!("region {} is in partition `{partition}`", quote(region));
            let help = format!("replication stays within a partition: choose a region of `{}`", ours.arn_name());
            self.report(codes::INVALID_REGION, path, message, &help);
        }
    }

    fn key(&mut self) {
        let key = &self.file.key;
        if self.places.exact("key.alias").is_some() {
            self.text("key.alias", key.alias.as_ref(), names::alias);
        }
        let current = key.arn.as_ref().and_then(|arn| {
            let checked = names::key(arn, self.partition);
            self.value("key.arn", checked)
        });
        if let (Some(arn), Some((account, region))) = (&current, self.home())
            && (arn.account != account || arn.region != region)
        {
            let message = format!("the key is in account {} and region {}", quote(&arn.account), quote(&arn.region));
            self.report(
                codes::ELSEWHERE,
                "key.arn",
                message,
                "name a key in the account and region of the audit bucket",
            );
        }
        for (index, text) in key.previous.iter().enumerate() {
            let path = format!("key.previous[{index}]");
            let checked = names::key(text, self.partition);
            let Some(arn) = self.value(&path, checked) else { continue };
            if let Some((_, region)) = self.home()
                && arn.region != region
            {
                let message = format!("the key is in region {}", quote(&arn.region));
                self.report(
                    codes::ELSEWHERE,
                    &path,
                    message,
                    "objects are only encrypted with keys of their bucket's region",
                );
            }
            if current.as_ref() == Some(&arn) {
                let message = "the current key is listed as a previous one".to_owned();
                self.report(codes::DUPLICATE_VALUE, &path, message, "keep only earlier keys here");
            }
        }
        self.distinct("key.previous", key.previous.iter().cloned());
    }

    fn delivery_role(&mut self) {
        let role = &self.file.role;
        self.text("role.profile", role.profile.as_ref(), names::name);
        let Some(text) = role.arn.as_ref().filter(|_| self.places.exact("role.arn").is_some()) else { return };
        if let Some(arn) = self.role("role.arn", text)
            && self.account().is_some_and(|account| account != arn.account)
            && role.profile.is_none()
        {
            let message = format!("the delivery role is in account {}, and no profile reaches it", quote(&arn.account));
            self.report(codes::PROFILE_MISSING, "role.arn", message, "add `profile` to `[role]`");
        }
    }

    pub fn not_delivery_role(&mut self, path: &str, arn: Option<&Arn>) {
        let delivery = self.file.role.arn.as_ref();
        if let Some(arn) = arn
            && delivery.is_some_and(|delivery| *delivery == arn.to_string())
        {
            let message = format!("{} is the delivery role, which only Databricks may use", quote(&arn.to_string()));
            self.report(codes::DELIVERY_ROLE, path, message, "use a role of its own");
        }
    }

    fn store(&mut self) {
        let Some(Store { s3, account_id }) = &self.file.store else { return };
        if let Some(s3) = s3 {
            self.value("store.s3", names::store(s3));
        }
        if self.places.exact("store.account_id").is_some() {
            self.text("store.account_id", account_id.as_ref(), names::aws_account);
        }
    }

    fn unity_catalog(&mut self) {
        let metastores = &self.file.unity_catalog.metastores;
        for (index, metastore) in metastores.iter().enumerate() {
            self.value(&format!("unity_catalog.metastores[{index}]"), names::name(metastore));
        }
        self.distinct("unity_catalog.metastores", metastores.iter().cloned());
    }
}

fn word(partition: Partition) -> &'static str {
    match partition {
        Partition::Aws => "aws",
        Partition::AwsUsGov => "aws-us-gov",
        Partition::AwsUsGovDod => "aws-us-gov-dod",
    }
}

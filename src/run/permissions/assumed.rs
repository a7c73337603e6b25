//! Answers that nobody gave: what a command would find, so that it says what it would ask next. What only the cloud knows
//! stands as `*`.

use std::collections::BTreeSet;

use crate::call::{Query, Read, partition};
use crate::model::bucket::{Acl, Encryption};
use crate::model::databricks::{Credential, LogDelivery, Metastore, StorageConfiguration, Workspace};
use crate::model::fact::{Names, Tags};
use crate::model::key::Key;
use crate::model::role::Caller;
use crate::model::{Desired, Fact, Live, Observed, Place};

use super::Needed;

/// What is taken to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Estate {
    /// Everything that leads to more questions.
    Full,
    /// Nothing, apart from the Databricks account and declared keys: everything has to be made.
    Empty,
}

/// Live state in which every question that `needed` asks has an answer.
pub(super) fn assumed(desired: &[Desired], estate: Estate, needed: Needed) -> Live {
    let mut live = Live::default();
    loop {
        let open: Vec<Query> = needed(desired, &live).into_iter().filter(|query| !live.contains(query)).collect();
        if open.is_empty() {
            return live;
        }
        for query in open {
            let answer = match (&query.place, estate) {
                (Place::Aws { account, region }, Estate::Full) => found(&query.read, account, region),
                (Place::Aws { .. }, Estate::Empty) => declared(&query.read, desired),
                _ => of_databricks(&query.read, desired, estate),
            };
            live.set(query, answer.map_or(Observed::Absent, Observed::Present));
        }
    }
}

fn some_key(arn: &str) -> Fact {
    Key {
        id: arn.rsplit('/').next().unwrap_or(arn).to_owned(),
        arn: arn.to_owned(),
        state: "Enabled".to_owned(),
        manager: "CUSTOMER".to_owned(),
        spec: "SYMMETRIC_DEFAULT".to_owned(),
        usage: "ENCRYPT_DECRYPT".to_owned(),
        origin: "AWS_KMS".to_owned(),
        multi_region: false,
    }
    .into()
}

fn any() -> Names {
    Names(vec!["*".to_owned()])
}

fn found(read: &Read, account: &str, region: &str) -> Option<Fact> {
    let partition = partition(region);
    let any_key = || format!("arn:{partition}:kms:{region}:{account}:key/*");
    Some(match read {
        // A session: its role is asked for.
        Read::CallerIdentity => Caller {
            account: account.to_owned(),
            arn: format!("arn:{partition}:sts::{account}:assumed-role/*/session"),
            user_id: String::new(),
        }
        .into(),
        Read::Key { key } if key.starts_with("arn:") => some_key(key),
        Read::Key { .. } => some_key(&any_key()),
        // Of somebody else, so that the key is looked for among all.
        Read::KeyTags { .. } => Tags::default().into(),
        Read::Keys => Names(vec![any_key()]).into(),
        Read::BucketEncryption { .. } => Encryption::kms(any_key()).into(),
        Read::RoleInlinePolicies { .. } | Read::AccessPoints { .. } => any().into(),
        _ => return None,
    })
}

/// A key that a manifest names by its ARN has to be there already, and a bucket that is there has an access control list.
fn declared(read: &Read, desired: &[Desired]) -> Option<Fact> {
    let key = match read {
        Read::Key { key } => key,
        Read::BucketAcl { .. } => return Some(Acl { owner: String::new(), grants: Vec::new() }.into()),
        _ => return None,
    };
    let arns = desired.iter().filter_map(|one| one.key.arn.as_ref()).map(ToString::to_string);
    arns.into_iter().find(|arn| arn == key).map(|arn| some_key(&arn))
}

/// One metastore, attached to a running workspace, and every declared workspace.
fn of_databricks(read: &Read, desired: &[Desired], estate: Estate) -> Option<Fact> {
    let full = estate == Estate::Full;
    Some(match read {
        Read::Workspaces => workspaces(desired).into(),
        Read::Metastores => metastores(desired).into(),
        Read::MetastoreWorkspaces { .. } => {
            Fact::WorkspaceIds(workspaces(desired).iter().map(|one| one.workspace_id).collect())
        }
        Read::Tables { .. } => Names(vec!["system.access.*".to_owned()]).into(),
        Read::Credentials if full => {
            let credential = |one: &Desired| Credential {
                credentials_id: one.name.clone(),
                credentials_name: String::new(),
                // Whichever role delivers today.
                role_arn: format!("arn:{}:iam::{}:role/*", one.aws.partition.arn_name(), one.aws.account_id),
                creation_time: 0,
            };
            desired.iter().map(credential).collect::<Vec<_>>().into()
        }
        Read::StorageConfigurations if full => {
            let storage = |one: &Desired| StorageConfiguration {
                storage_configuration_id: one.name.clone(),
                storage_configuration_name: String::new(),
                bucket_name: one.delivery.bucket.clone(),
                creation_time: 0,
            };
            desired.iter().map(storage).collect::<Vec<_>>().into()
        }
        Read::LogDeliveries if full => desired.iter().map(delivery).collect::<Vec<_>>().into(),
        Read::Credentials => Fact::Credentials(Vec::new()),
        Read::StorageConfigurations => Fact::StorageConfigurations(Vec::new()),
        Read::LogDeliveries => Fact::LogDeliveries(Vec::new()),
        Read::SystemSchemas { .. } => Fact::SystemSchemas(Vec::new()),
        Read::Privileges { .. } => Fact::Privileges(Vec::new()),
        _ => return None,
    })
}

fn delivery(one: &Desired) -> LogDelivery {
    LogDelivery {
        config_id: one.name.clone(),
        config_name: String::new(),
        log_type: "AUDIT_LOGS".to_owned(),
        output_format: "JSON".to_owned(),
        credentials_id: one.name.clone(),
        storage_configuration_id: one.name.clone(),
        delivery_path_prefix: String::new(),
        workspace_ids_filter: Vec::new(),
        status: "ENABLED".to_owned(),
        creation_time: 0,
        delivery: None,
    }
}

fn workspaces(desired: &[Desired]) -> Vec<Workspace> {
    let names: BTreeSet<&str> =
        desired.iter().flat_map(|one| one.workspaces.keys().map(String::as_str)).chain(["*"]).collect();
    let region = desired.first().map(|one| one.aws.region.clone()).unwrap_or_default();
    let workspace = |(id, name): (i64, &str)| Workspace {
        // A workspace may be declared by its number.
        workspace_id: name.parse().unwrap_or(id),
        workspace_name: name.to_owned(),
        deployment_name: name.to_owned(),
        region: region.clone(),
        status: "RUNNING".to_owned(),
        storage_configuration_id: None,
    };
    (0..).zip(names).map(workspace).collect()
}

fn metastores(desired: &[Desired]) -> Vec<Metastore> {
    let declared = desired.iter().flat_map(|one| &one.unity_catalog.metastores).map(String::as_str);
    let mut names: BTreeSet<&str> = declared.collect();
    if desired.iter().any(|one| one.unity_catalog.metastores.is_empty()) {
        names.insert("*");
    }
    let region = desired.first().map(|one| one.aws.region.clone()).unwrap_or_default();
    let metastore = |name: &str| Metastore {
        metastore_id: name.to_owned(),
        name: name.to_owned(),
        region: region.clone(),
        owner: String::new(),
        storage_root: None,
    };
    names.into_iter().map(metastore).collect()
}

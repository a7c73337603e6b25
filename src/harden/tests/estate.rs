//! The declaration of the policies sheet, and live states to hold it against.

use std::collections::BTreeMap;

use crate::harden::{Scope, harden, replica_alias, replica_place};
use crate::model::bucket::{Acl, AclGrant};
use crate::model::databricks::{Credential, DeliveryHealth, LogDelivery, Metastore, StorageConfiguration, Workspace};
use crate::model::desired::*;
use crate::model::fact::{BucketRegion, Names, PolicyText, Tags};
use crate::model::key::Key as LiveKey;
use crate::model::live::{Query, Read};
use crate::model::place::Partition;
use crate::model::role::Role as LiveRole;
use crate::model::wanted::Wanted;
use crate::model::{Arn, Desired, Fact, Kind, Live, Observed, Place};

pub const ACCOUNT: &str = "111122223333";
pub const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555";
pub const REPLICA_KEY: &str = "arn:aws:kms:us-west-2:111122223333:key/99999999-2222-3333-4444-555555555555";
pub const BUCKET: &str = "acme-databricks-audit";
pub const ACCESS: &str = "acme-databricks-audit-access";
pub const REPLICA: &str = "acme-databricks-audit-west";
pub const ROLE: &str = "arn:aws:iam::111122223333:role/auditseal/DatabricksAuditDelivery";
pub const OLD_ROLE: &str = "arn:aws:iam::111122223333:role/OldDelivery";
pub const OWNER: &str = "0d26daa6-5e44-4c97-a497-ef015f91254a/acme-databricks-audit";

pub fn arn(text: &str) -> Arn {
    text.parse().unwrap()
}

pub fn role(name: &str) -> Arn {
    arn(&format!("arn:aws:iam::{ACCOUNT}:role/{name}"))
}

/// The declaration of `policies.md`, with a replica in us-west-2.
pub fn desired() -> Desired {
    let reader = |role: Arn, mfa| Reader::Role { role, mfa };
    Desired {
        name: "acme".to_owned(),
        databricks: DatabricksAccount { account_id: "0d26daa6-5e44-4c97-a497-ef015f91254a".to_owned(), profile: None },
        aws: AwsAccount {
            account_id: ACCOUNT.to_owned(),
            region: "us-east-1".to_owned(),
            partition: Partition::Aws,
            profile: None,
            assume_role: None,
        },
        delivery: Delivery {
            bucket: BUCKET.to_owned(),
            prefix: "audit".to_owned(),
            name: "audit".to_owned(),
            status: DeliveryStatus::Enabled,
            workspaces: Vec::new(),
            max_silence_minutes: 60,
            previous_prefixes: Vec::new(),
            undeclared: Undeclared::Report,
        },
        bucket: Bucket {
            retention_days: 365,
            noncurrent_retention_days: 90,
            abort_multipart_days: 7,
            object_lock: None,
            access_log: AccessLog {
                bucket: ACCESS.to_owned(),
                prefix: "s3/".to_owned(),
                retention_days: 365,
                readers: vec![role("SecurityAnalyst")],
            },
            event_bridge: true,
            replicas: vec![Replica {
                bucket: REPLICA.to_owned(),
                account_id: ACCOUNT.to_owned(),
                region: "us-west-2".to_owned(),
                profile: None,
            }],
        },
        key: Key { arn: None, alias: "alias/audit".to_owned(), rotation_days: 365, previous: Vec::new() },
        role: Role { arn: arn(ROLE), profile: None },
        readers: BTreeMap::from([
            ("analyst".to_owned(), reader(role("SecurityAnalyst"), true)),
            ("siem".to_owned(), reader(arn("arn:aws:iam::444455556666:role/SiemReader"), false)),
            ("uc".to_owned(), reader(role("UcAuditReader"), false)),
            ("team".to_owned(), Reader::Databricks { principal: "audit-readers".to_owned() }),
        ]),
        admins: BTreeMap::from([("platform".to_owned(), Admin { role: role("PlatformAdmin") })]),
        observers: BTreeMap::new(),
        scanners: BTreeMap::from([("dspm".to_owned(), Scanner { role: role("DspmScanner") })]),
        unity_catalog: UnityCatalog { enabled: true, metastores: Vec::new(), revoke_undeclared: false },
        workspaces: BTreeMap::from([(
            "prod".to_owned(),
            crate::model::desired::Workspace { verbose_audit_logs: true },
        )]),
        account: Account { public_access_block: false },
        waivers: Vec::new(),
        alerts: Vec::new(),
        store: None,
    }
}

/// Without replica, for what has nothing to do with it.
pub fn plain() -> Desired {
    let mut desired = desired();
    desired.bucket.replicas.clear();
    desired
}

pub fn aws() -> Place {
    Place::Aws { account: ACCOUNT.to_owned(), region: "us-east-1".to_owned() }
}

pub fn databricks() -> Place {
    desired().databricks_place()
}

pub fn put(live: &mut Live, place: &Place, read: Read, fact: impl Into<Fact>) {
    live.set(Query { place: place.clone(), read }, Observed::Present(fact.into()));
}

pub fn none(live: &mut Live, place: &Place, read: Read) {
    live.set(Query { place: place.clone(), read }, Observed::Absent);
}

pub fn bucket_reads(bucket: &str) -> Vec<Read> {
    let bucket = || bucket.to_owned();
    vec![
        Read::BucketLocation { bucket: bucket() },
        Read::BucketTags { bucket: bucket() },
        Read::BucketPublicAccessBlock { bucket: bucket() },
        Read::BucketOwnership { bucket: bucket() },
        Read::BucketAcl { bucket: bucket() },
        Read::BucketEncryption { bucket: bucket() },
        Read::BucketVersioning { bucket: bucket() },
        Read::BucketObjectLock { bucket: bucket() },
        Read::BucketLifecycle { bucket: bucket() },
        Read::BucketPolicy { bucket: bucket() },
        Read::BucketLogging { bucket: bucket() },
        Read::BucketNotification { bucket: bucket() },
        Read::BucketReplication { bucket: bucket() },
    ]
}

pub fn live_role(arn: &str, trust: &str) -> LiveRole {
    LiveRole {
        arn: arn.to_owned(),
        id: String::new(),
        trust: trust.to_owned(),
        tags: BTreeMap::new(),
        max_session_duration: 7_200,
        boundary: None,
    }
}

pub const USERS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}"#;

pub fn live_key(arn: &str) -> LiveKey {
    LiveKey {
        id: arn.rsplit('/').next().unwrap().to_owned(),
        arn: arn.to_owned(),
        state: "Enabled".to_owned(),
        manager: "CUSTOMER".to_owned(),
        spec: "SYMMETRIC_DEFAULT".to_owned(),
        usage: "ENCRYPT_DECRYPT".to_owned(),
        origin: "AWS_KMS".to_owned(),
        multi_region: false,
    }
}

/// A key found by alias, with nothing of ours on it.
pub fn put_key(live: &mut Live, place: &Place, arn: &str, alias: &str) {
    let key = || arn.to_owned();
    put(live, place, Read::Key { key: alias.to_owned() }, live_key(arn));
    put(live, place, Read::Key { key: key() }, live_key(arn));
    put(live, place, Read::KeyTags { key: key() }, Tags::default());
    put(live, place, Read::KeyAliases { key: key() }, Names(vec![alias.to_owned()]));
    put(live, place, Read::KeyGrants { key: key() }, Fact::KeyGrants(Vec::new()));
    put(
        live,
        place,
        Read::KeyPolicy { key: key() },
        PolicyText(r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned()),
    );
}

/// An account with the named roles, one workspace on one metastore, and nothing else.
pub fn new_account(desired: &Desired) -> Live {
    let mut live = Live::default();
    for bucket in [BUCKET, ACCESS] {
        for read in bucket_reads(bucket) {
            none(&mut live, &aws(), read);
        }
    }
    none(&mut live, &aws(), Read::Key { key: desired.key.alias.clone() });
    for replica in &desired.bucket.replicas {
        for read in bucket_reads(&replica.bucket) {
            none(&mut live, &replica_place(replica), read);
        }
        none(&mut live, &replica_place(replica), Read::Key { key: replica_alias(replica) });
    }
    for name in ["SecurityAnalyst", "UcAuditReader", "DspmScanner", "PlatformAdmin", "Observer"] {
        put(&mut live, &aws(), Read::Role { role: name.to_owned() }, live_role(&role(name).to_string(), USERS));
    }
    none(&mut live, &aws(), Read::Role { role: "DatabricksAuditDelivery".to_owned() });
    none(&mut live, &aws(), Read::Role { role: "AuditReplication-acme-databricks-audit".to_owned() });
    let at = databricks();
    put(&mut live, &at, Read::LogDeliveries, Fact::LogDeliveries(Vec::new()));
    put(&mut live, &at, Read::Credentials, Fact::Credentials(Vec::new()));
    put(&mut live, &at, Read::StorageConfigurations, Fact::StorageConfigurations(Vec::new()));
    put(&mut live, &at, Read::Workspaces, Fact::Workspaces(vec![workspace(12, "prod"), workspace(11, "dev")]));
    put(&mut live, &at, Read::Metastores, Fact::Metastores(vec![metastore("m-1", "east")]));
    put(&mut live, &at, Read::MetastoreWorkspaces { metastore: "m-1".to_owned() }, Fact::WorkspaceIds(vec![12, 11]));
    let dev = in_workspace(11, "dev");
    put(&mut live, &dev, Read::SystemSchemas { metastore: "m-1".to_owned() }, Fact::SystemSchemas(Vec::new()));
    put(&mut live, &dev, schema_grants(), Fact::Privileges(Vec::new()));
    put(&mut live, &dev, tables(), Names(Vec::new()));
    live
}

pub fn schema_grants() -> Read {
    Read::Privileges { securable: "schema".to_owned(), name: "system.access".to_owned() }
}

pub fn tables() -> Read {
    Read::Tables { catalog: "system".to_owned(), schema: "access".to_owned() }
}

pub fn in_workspace(id: i64, name: &str) -> Place {
    Place::Workspace { account: desired().databricks.account_id, workspace: id, deployment: format!("dbc-{name}") }
}

pub fn workspace(id: i64, name: &str) -> Workspace {
    Workspace {
        workspace_id: id,
        workspace_name: name.to_owned(),
        deployment_name: format!("dbc-{name}"),
        region: "us-east-1".to_owned(),
        status: "RUNNING".to_owned(),
        storage_configuration_id: None,
    }
}

pub fn metastore(id: &str, name: &str) -> Metastore {
    Metastore {
        metastore_id: id.to_owned(),
        name: name.to_owned(),
        region: "us-east-1".to_owned(),
        owner: "owners".to_owned(),
        storage_root: None,
    }
}

pub fn credential(id: &str, role: &str) -> Credential {
    Credential {
        credentials_id: id.to_owned(),
        credentials_name: format!("credential {id}"),
        role_arn: role.to_owned(),
        creation_time: 5,
    }
}

pub fn storage(id: &str, bucket: &str) -> StorageConfiguration {
    StorageConfiguration {
        storage_configuration_id: id.to_owned(),
        storage_configuration_name: format!("storage {id}"),
        bucket_name: bucket.to_owned(),
        creation_time: 5,
    }
}

/// An enabled delivery of the account; `status` is how its last attempt went.
pub fn delivery(id: &str, credential: &str, storage: &str, prefix: &str, status: &str) -> LogDelivery {
    LogDelivery {
        config_id: id.to_owned(),
        config_name: format!("delivery {id}"),
        log_type: "AUDIT_LOGS".to_owned(),
        output_format: "JSON".to_owned(),
        credentials_id: credential.to_owned(),
        storage_configuration_id: storage.to_owned(),
        delivery_path_prefix: prefix.to_owned(),
        workspace_ids_filter: Vec::new(),
        status: "ENABLED".to_owned(),
        creation_time: 10,
        delivery: Some(DeliveryHealth {
            status: status.to_owned(),
            message: String::new(),
            last_attempt_time: None,
            last_successful_attempt_time: None,
        }),
    }
}

/// Deliveries with the credentials `c` (declared role), `o` (old role), `f` (role of another account) and the storages `s`
/// (audit bucket), `x` (another bucket).
pub fn deliveries(live: &mut Live, all: Vec<LogDelivery>) {
    let at = databricks();
    let foreign = "arn:aws:iam::777788889999:role/ForeignDelivery";
    let credentials = vec![credential("c", ROLE), credential("o", OLD_ROLE), credential("f", foreign)];
    put(live, &at, Read::Credentials, Fact::Credentials(credentials));
    put(
        live,
        &at,
        Read::StorageConfigurations,
        Fact::StorageConfigurations(vec![storage("s", BUCKET), storage("x", "other")]),
    );
    put(live, &at, Read::LogDeliveries, Fact::LogDeliveries(all));
}

/// A bucket that exists, with nothing set.
pub fn existing_bucket(live: &mut Live, bucket: &str) {
    put(live, &aws(), Read::BucketLocation { bucket: bucket.to_owned() }, BucketRegion("us-east-1".to_owned()));
    let grants = vec![
        AclGrant { grantee: "me".to_owned(), permission: "FULL_CONTROL".to_owned() },
        AclGrant {
            grantee: "http://acs.amazonaws.com/groups/global/AllUsers".to_owned(),
            permission: "READ".to_owned(),
        },
    ];
    put(live, &aws(), Read::BucketAcl { bucket: bucket.to_owned() }, Acl { owner: "me".to_owned(), grants });
}

pub fn run(desired: &Desired, live: &Live) -> Wanted {
    harden(std::slice::from_ref(desired), live, Scope::default())
}

pub fn policy(wanted: &Wanted, kind: Kind, name: &str) -> String {
    let found = wanted.find("acme", kind, name).unwrap_or_else(|| panic!("no {kind}[{name}]"));
    found.fact.policy().unwrap().0.clone()
}

pub fn transition(wanted: &Wanted, kind: Kind, name: &str) -> Option<String> {
    let found = wanted.find("acme", kind, name).unwrap_or_else(|| panic!("no {kind}[{name}]"));
    found.transition.as_ref().map(|fact| fact.policy().unwrap().0.clone())
}

pub fn statement(text: &str, sid: &str) -> Option<serde_json::Value> {
    let document: serde_json::Value = serde_json::from_str(text).unwrap();
    document["Statement"].as_array().unwrap().iter().find(|one| one["Sid"] == sid).cloned()
}

pub fn codes(wanted: &Wanted) -> Vec<&str> {
    wanted.refusals.iter().map(|(code, _)| code.as_str()).collect()
}

pub fn notices(wanted: &Wanted) -> Vec<&str> {
    wanted.notices.iter().map(|notice| notice.code.as_str()).collect()
}

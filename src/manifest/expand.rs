//! `Desired` → a manifest that says everything: the way back of `parse`.

use crate::model::Waiver;
use crate::model::desired::{Desired, Reader};

use super::grammar::{self, File};
use super::names;
use super::{alerts, defaults};

/// A TOML manifest with every default filled in; parsing it gives an equal `Desired`.
#[must_use]
pub fn expand(desired: &Desired) -> String {
    toml::to_string(&file(desired)).unwrap_or_default()
}

fn file(desired: &Desired) -> File {
    // Every field by name: a new one must not be lost here.
    let Desired {
        name: _,
        databricks,
        aws,
        delivery,
        bucket,
        key,
        role,
        readers,
        admins,
        observers,
        scanners,
        unity_catalog,
        workspaces,
        account,
        waivers,
        alerts,
        store,
    } = desired;
    let only = |role: &crate::model::Arn| grammar::RoleOnly { role: Some(role.to_string()) };
    File {
        version: Some(defaults::VERSION),
        databricks: Some(grammar::Databricks {
            account_id: Some(databricks.account_id.clone()),
            profile: databricks.profile.clone(),
        }),
        aws: Some(grammar::Aws {
            account_id: Some(aws.account_id.clone()),
            region: Some(aws.region.clone()),
            partition: Some(aws.partition),
            profile: aws.profile.clone(),
            assume_role: aws.assume_role.as_ref().map(ToString::to_string),
        }),
        delivery: Some(grammar::Delivery {
            bucket: Some(delivery.bucket.clone()),
            prefix: delivery.prefix.clone(),
            name: Some(delivery.name.clone()),
            status: delivery.status,
            workspaces: delivery.workspaces.clone(),
            max_silence: format!("{}m", delivery.max_silence_minutes),
            previous_prefixes: delivery.previous_prefixes.clone(),
            undeclared: delivery.undeclared,
        }),
        bucket: grammar::Bucket {
            retention_days: bucket.retention_days,
            noncurrent_retention_days: bucket.noncurrent_retention_days,
            abort_multipart_days: bucket.abort_multipart_days,
            event_bridge: bucket.event_bridge,
            object_lock: bucket
                .object_lock
                .as_ref()
                .map(|lock| grammar::ObjectLock { mode: Some(lock.mode), days: Some(lock.days) }),
            access_log: grammar::AccessLog {
                bucket: Some(bucket.access_log.bucket.clone()),
                prefix: bucket.access_log.prefix.clone(),
                retention_days: bucket.access_log.retention_days,
                readers: bucket.access_log.readers.iter().map(ToString::to_string).collect(),
            },
            replicas: bucket
                .replicas
                .iter()
                .map(|replica| grammar::Replica {
                    bucket: Some(replica.bucket.clone()),
                    account_id: Some(replica.account_id.clone()),
                    region: Some(replica.region.clone()),
                    profile: replica.profile.clone(),
                })
                .collect(),
        },
        key: grammar::Key {
            arn: key.arn.as_ref().map(ToString::to_string),
            alias: Some(key.alias.clone()),
            rotation_days: key.rotation_days,
            previous: key.previous.iter().map(ToString::to_string).collect(),
        },
        role: grammar::Role { arn: Some(role.arn.to_string()), profile: role.profile.clone() },
        readers: readers.iter().map(|(name, value)| (name.clone(), reader(value))).collect(),
        admins: admins.iter().map(|(name, admin)| (name.clone(), only(&admin.role))).collect(),
        observers: observers.iter().map(|(name, observer)| (name.clone(), only(&observer.role))).collect(),
        scanners: scanners.iter().map(|(name, scanner)| (name.clone(), only(&scanner.role))).collect(),
        unity_catalog: grammar::UnityCatalog {
            enabled: unity_catalog.enabled,
            metastores: unity_catalog.metastores.clone(),
            revoke_undeclared: unity_catalog.revoke_undeclared,
        },
        workspaces: workspaces
            .iter()
            .map(|(name, value)| {
                (name.clone(), grammar::Workspace { verbose_audit_logs: Some(value.verbose_audit_logs) })
            })
            .collect(),
        account: grammar::Account { public_access_block: account.public_access_block },
        store: store
            .as_ref()
            .map(|store| grammar::Store { s3: Some(store.url()), account_id: Some(store.account_id.clone()) }),
        waivers: waivers.iter().map(waiver).collect(),
        alerts: alerts.iter().map(alerts::written).collect(),
    }
}

fn waiver(waiver: &Waiver) -> grammar::Waiver {
    let Waiver { control, address, reason, owner, until } = waiver;
    grammar::Waiver {
        control: Some(control.to_string()),
        address: address.as_ref().map(ToString::to_string),
        reason: Some(reason.clone()),
        owner: Some(owner.clone()),
        until: Some(until.to_string()),
    }
}

/// A Databricks principal is one name in the end; which key it came from shows in its form.
fn reader(reader: &Reader) -> grammar::Reader {
    match reader {
        Reader::Role { role, mfa } => {
            grammar::Reader { role: Some(role.to_string()), mfa: Some(*mfa), ..grammar::Reader::default() }
        }
        Reader::Databricks { principal } => {
            let mut reader = grammar::Reader::default();
            let key = if names::is_uuid(principal) {
                &mut reader.databricks_service_principal
            } else if names::user(principal).is_ok() {
                &mut reader.databricks_user
            } else {
                &mut reader.databricks_group
            };
            *key = Some(principal.clone());
            reader
        }
    }
}

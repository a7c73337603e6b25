//! Databricks' side: credential, storage and log-delivery configurations, found by what they do, and those to retire.

use std::collections::BTreeSet;

use crate::model::databricks::{Credential, LogDelivery, StorageConfiguration};
use crate::model::desired::{DeliveryStatus, Undeclared};
use crate::model::live::Read;
use crate::model::reference::Output;
use crate::model::wanted::Retirement;
use crate::model::{Address, Control, Desired, Fact, Kind, Place, Reference};

use super::draft::{Draft, Item, Unread};
use super::slots;
use super::writers::{Books, is_audit, is_broken, is_enabled};

/// All manifests of one Databricks account: its list of deliveries belongs to them together.
pub(super) fn want(draft: &mut Draft<'_>, manifests: &[&Desired]) {
    let Some(place) = manifests.first().map(|desired| desired.databricks_place()) else { return };
    let Ok(books) = read(draft, &place) else { return };
    let declared: BTreeSet<&str> = manifests.iter().map(|desired| desired.delivery.bucket.as_str()).collect();
    let mut retire = Vec::new();
    let mut asking = Vec::new();
    dangling(draft, &books);
    for desired in manifests {
        let chosen = choose(desired, &books);
        retire.extend(superseded(draft, desired, &books, chosen));
        if want_one(draft, desired, &place, &books, chosen) {
            asking.push(*desired);
        }
    }
    undeclared(draft, manifests, &books, &declared, &mut retire);
    slots::assign(draft, &asking, &books, &declared, &mut retire);
    slots::storage(draft, manifests, &books);
    for desired in manifests {
        others_in_bucket(draft, desired, &books, &retire);
    }
    for retirement in retire {
        draft.retire(retirement);
    }
}

fn read(draft: &mut Draft<'_>, place: &Place) -> Result<Books, Unread> {
    // All three before giving up, so that every gap is named at once.
    let deliveries = draft.need(place, Read::LogDeliveries, Fact::log_deliveries);
    let credentials = draft.need(place, Read::Credentials, Fact::credentials);
    let storage = draft.need(place, Read::StorageConfigurations, Fact::storage_configurations);
    Ok(Books {
        deliveries: deliveries?.unwrap_or_default(),
        credentials: credentials?.unwrap_or_default(),
        storage: storage?.unwrap_or_default(),
    })
}

/// The configuration that does what is declared: an enabled one that succeeds, before one that is enabled, before one that
/// is broken, before a disabled one; the oldest of equals.
fn choose<'a>(desired: &Desired, books: &'a Books) -> Option<&'a LogDelivery> {
    let role = desired.role.arn.to_string();
    let mut filter = desired.delivery.workspaces.clone();
    filter.sort_unstable();
    let matching = books.deliveries.iter().filter(|one| {
        is_audit(one)
            && one.output_format == "JSON"
            && one.delivery_path_prefix == desired.delivery.prefix
            && one.workspace_ids_filter == filter
            && books.role_of(one) == Some(role.as_str())
            && books.bucket_of(one) == Some(desired.delivery.bucket.as_str())
    });
    matching.min_by_key(|one| (rank(one), one.creation_time, one.config_id.clone()))
}

fn rank(one: &LogDelivery) -> u8 {
    let succeeded = one.delivery.as_ref().is_some_and(|health| health.status == "SUCCEEDED");
    match (is_enabled(one), succeeded, is_broken(one)) {
        (true, true, _) => 0,
        (true, false, false) => 1,
        (true, false, true) => 2,
        (false, ..) => 3,
    }
}

/// Enabled deliveries to the declared bucket that are not the chosen one: another role, prefix or filter, or a second one.
fn superseded(draft: &Draft<'_>, desired: &Desired, books: &Books, chosen: Option<&LogDelivery>) -> Vec<Retirement> {
    let chosen = chosen.map(|one| one.config_id.as_str());
    let bucket = desired.delivery.bucket.as_str();
    books
        .enabled()
        .filter(|one| books.bucket_of(one) == Some(bucket) && Some(one.config_id.as_str()) != chosen)
        .map(|one| Retirement {
            address: Address::new(desired.name.clone(), Kind::LogDelivery, one.config_id.clone()),
            config_id: one.config_id.clone(),
            reason: format!("D1: it delivers to `{bucket}` in another way than declared, or a second time"),
            before_create: false,
        })
        .filter(|one| !draft.waives(&one.address, Control::OtherDeliveries))
        .collect()
}

/// Wants the three configurations of one manifest. Says whether the delivery has to be created or enabled, and so needs a
/// slot.
fn want_one(
    draft: &mut Draft<'_>,
    desired: &Desired,
    place: &Place,
    books: &Books,
    chosen: Option<&LogDelivery>,
) -> bool {
    let enabled = desired.delivery.status == DeliveryStatus::Enabled;
    let address = |kind, name: &str| Address::new(desired.name.clone(), kind, name);
    let at = address(Kind::LogDelivery, "primary");
    if !enabled && chosen.is_none() {
        draft.notice(
            "delivery-disabled",
            &at,
            "delivery is declared as disabled, and there is none: nothing is created",
        );
        return false;
    }
    let credential = credential(desired, books, chosen, &address(Kind::Credential, "delivery"));
    let storage = storage(desired, books, chosen, &address(Kind::StorageConfiguration, "audit"));
    let mut workspaces = desired.delivery.workspaces.clone();
    workspaces.sort_unstable();
    let status = if enabled { "ENABLED" } else { "DISABLED" }.to_owned();
    let wanted = match chosen {
        Some(live) => LogDelivery { status, ..live.clone() },
        None => LogDelivery {
            config_id: Reference::new(at.clone(), Output::LogDeliveryId).to_string(),
            config_name: free(&desired.delivery.name, books.deliveries.iter().map(|one| one.config_name.as_str())),
            log_type: "AUDIT_LOGS".to_owned(),
            output_format: "JSON".to_owned(),
            credentials_id: credential.credentials_id.clone(),
            storage_configuration_id: storage.storage_configuration_id.clone(),
            delivery_path_prefix: desired.delivery.prefix.clone(),
            workspace_ids_filter: workspaces,
            status,
            creation_time: 0,
            delivery: None,
        },
    };
    draft.want(
        Item::new(&address(Kind::Credential, "delivery"), place, Read::Credentials, vec![credential])
            .because("", "D1: Databricks delivers with the declared role")
            .after(Kind::Role, "delivery")
            .after(Kind::RolePolicy, "delivery"),
    );
    draft.want(
        Item::new(&address(Kind::StorageConfiguration, "audit"), place, Read::StorageConfigurations, vec![storage])
            .because("", "D1: Databricks delivers to the declared bucket")
            .after(Kind::Bucket, "audit"),
    );
    let needs_slot = enabled && !chosen.is_some_and(is_enabled);
    draft.want(
        Item::new(&at, place, Read::LogDeliveries, vec![wanted])
            .because("", "D1: audit logs of the account are delivered as declared")
            .after(Kind::Credential, "delivery")
            .after(Kind::StorageConfiguration, "audit")
            .after(Kind::RolePolicy, "delivery")
            .after(Kind::BucketPolicy, "audit")
            .after(Kind::BucketEncryption, "audit")
            .after(Kind::KmsKeyPolicy, "audit"),
    );
    needs_slot
}

/// The credential of the chosen delivery, else the oldest with the declared role, else a new one.
fn credential(desired: &Desired, books: &Books, chosen: Option<&LogDelivery>, address: &Address) -> Credential {
    let role = desired.role.arn.to_string();
    let used = chosen.and_then(|one| books.credentials.iter().find(|c| c.credentials_id == one.credentials_id));
    let same = books.credentials.iter().filter(|one| one.role_arn == role);
    let oldest = same.min_by_key(|one| (one.creation_time, one.credentials_id.clone()));
    used.or(oldest).cloned().unwrap_or_else(|| Credential {
        credentials_id: Reference::new(address.clone(), Output::CredentialsId).to_string(),
        credentials_name: free(
            &desired.delivery.name,
            books.credentials.iter().map(|one| one.credentials_name.as_str()),
        ),
        role_arn: role,
        creation_time: 0,
    })
}

/// As `credential`, by bucket.
fn storage(desired: &Desired, books: &Books, chosen: Option<&LogDelivery>, address: &Address) -> StorageConfiguration {
    let bucket = &desired.delivery.bucket;
    let used = chosen
        .and_then(|one| books.storage.iter().find(|s| s.storage_configuration_id == one.storage_configuration_id));
    let same = books.storage.iter().filter(|one| one.bucket_name == *bucket);
    let oldest = same.min_by_key(|one| (one.creation_time, one.storage_configuration_id.clone()));
    used.or(oldest).cloned().unwrap_or_else(|| StorageConfiguration {
        storage_configuration_id: Reference::new(address.clone(), Output::StorageConfigurationId).to_string(),
        storage_configuration_name: free(
            &desired.delivery.name,
            books.storage.iter().map(|one| one.storage_configuration_name.as_str()),
        ),
        bucket_name: bucket.clone(),
        creation_time: 0,
    })
}

/// The name, or the first of `name-2`, `name-3`, … that nothing has: Databricks refuses a second configuration of one name.
fn free<'a>(name: &str, taken: impl Iterator<Item = &'a str>) -> String {
    let taken: BTreeSet<&str> = taken.collect();
    if !taken.contains(name) {
        return name.to_owned();
    }
    (2_u64..).map(|number| format!("{name}-{number}")).find(|free| !taken.contains(free.as_str())).unwrap_or_default()
}

/// Enabled configurations whose bucket no manifest declares: retired when all manifests say so.
fn undeclared(
    draft: &mut Draft<'_>,
    manifests: &[&Desired],
    books: &Books,
    declared: &BTreeSet<&str>,
    retire: &mut Vec<Retirement>,
) {
    let disable = manifests.iter().filter(|one| one.delivery.undeclared == Undeclared::Disable).count();
    let rogue: Vec<&LogDelivery> =
        books.enabled().filter(|one| !books.bucket_of(one).is_some_and(|bucket| declared.contains(bucket))).collect();
    if !rogue.is_empty() && disable != 0 && disable != manifests.len() {
        draft.refuse(
            "contradicting-manifests",
            "manifests of one Databricks account differ in `[delivery] undeclared`: write the same in all of them",
        );
        return;
    }
    for one in rogue {
        let address = Address::new("_", Kind::LogDelivery, one.config_id.clone());
        let bucket = books.bucket_of(one).unwrap_or("an unknown bucket");
        let waived = draft.all_waive(manifests, &address, Control::OtherDeliveries);
        if disable != 0 && !draft.scope.partial && !waived {
            retire.push(Retirement {
                address,
                config_id: one.config_id.clone(),
                reason: format!("D3: it copies audit logs to `{bucket}`, which nothing declares"),
                before_create: false,
            });
        } else {
            let name = &one.config_name;
            draft.notice(
                "undeclared-delivery",
                &address,
                format!("the enabled delivery `{name}` copies audit logs to `{bucket}`, which no planned manifest declares: declare it, or set `[delivery] undeclared = \"disable\"` and plan all manifests"),
            );
        }
    }
}

/// Databricks lets credentials and storage configurations be deleted under a delivery that still names them.
fn dangling(draft: &mut Draft<'_>, books: &Books) {
    for one in books.enabled() {
        let missing = match (books.role_of(one), books.bucket_of(one)) {
            (Some(_), Some(_)) => continue,
            (None, Some(_)) => "credential",
            (Some(_), None) => "storage configuration",
            (None, None) => "credential and storage configuration",
        };
        let address = Address::new("_", Kind::LogDelivery, one.config_id.clone());
        let name = &one.config_name;
        draft.notice(
            "dangling-delivery",
            &address,
            format!(
                "the enabled delivery `{name}` names a {missing} that does not exist: it cannot be told what it does"
            ),
        );
    }
}

/// What else uses the declared bucket or role, and would stop without anybody having asked for it.
fn others_in_bucket(draft: &mut Draft<'_>, desired: &Desired, books: &Books, retire: &[Retirement]) {
    let bucket = desired.delivery.bucket.as_str();
    let role = desired.role.arn.to_string();
    for one in books.deliveries.iter().filter(|one| is_enabled(one)) {
        let name = &one.config_name;
        let here = books.bucket_of(one) == Some(bucket);
        if here && !is_audit(one) {
            draft.refuse(
                "other-delivery-in-audit-bucket",
                format!("the {} delivery `{name}` writes to the audit bucket too, and is going to be stopped: give it a bucket of its own", one.log_type),
            );
        }
        let retired = retire.iter().any(|retirement| retirement.config_id == one.config_id);
        if !here && !retired && books.role_of(one) == Some(role.as_str()) {
            draft.refuse(
                "delivery-role-used-elsewhere",
                format!("the delivery `{name}` uses the delivery role for another bucket, and is going to be stopped: give it a role of its own"),
            );
        }
    }
    let Some(workspaces) = draft.peek(&desired.databricks_place(), Read::Workspaces, Fact::workspaces) else { return };
    for workspace in workspaces {
        let Some(id) = &workspace.storage_configuration_id else { continue };
        let root = books.storage.iter().find(|one| one.storage_configuration_id == *id);
        if root.is_some_and(|one| one.bucket_name == bucket) {
            let name = &workspace.workspace_name;
            draft.refuse(
                "audit-bucket-is-workspace-root",
                format!("the audit bucket is also the root bucket of the workspace `{name}`, whose users then reach the logs, and which the policy is going to stop: deliver to a bucket of its own"),
            );
        }
    }
}

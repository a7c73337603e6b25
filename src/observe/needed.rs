use std::collections::BTreeSet;

use crate::call::{Query, Read};
use crate::model::databricks::Workspace;
use crate::model::desired::{Desired, Reader};
use crate::model::role::policy_names;
use crate::model::{Arn, Fact, Live, OWNER_TAG, Observed, Place};

use super::questions::{Questions, workspace_place};

/// More keys than this are not searched for an ownership tag: an account like that uses the alias or the ARN.
const KEYS_SEARCHED: usize = 500;

/// Every question that planning needs, as far as it can be told from the answers so far. Pure: the same answers give the
/// same questions, and asking until nothing new appears ends.
#[must_use]
pub fn needed(desired: &[Desired], live: &Live) -> BTreeSet<Query> {
    let mut questions = Questions::new(live);
    questions.plan(desired);
    questions.queries
}

impl Questions<'_> {
    pub(super) fn plan(&mut self, desired: &[Desired]) {
        for one in desired {
            self.aws(one);
            self.databricks(one);
        }
    }

    fn aws(&mut self, desired: &Desired) {
        let place = desired.aws_place();
        self.caller(&place);
        if desired.account.public_access_block {
            self.ask(&place, Read::AccountPublicAccessBlock);
        }
        self.bucket(&place, &desired.delivery.bucket);
        self.bucket(&place, &desired.bucket.access_log.bucket);
        self.key(&place, desired.key.arn.as_ref().map(Arn::to_string), &desired.key.alias, &desired.owner());
        self.role(&desired.role_place(), &desired.role.arn, &[policy_names::DELIVERY, policy_names::TRANSITION]);
        if desired.role_place() != place {
            self.caller(&desired.role_place());
        }
        for replica in &desired.bucket.replicas {
            let replica_place = replica.place();
            self.caller(&replica_place);
            self.bucket(&replica_place, &replica.bucket);
            self.key(&replica_place, None, &replica.alias(), &desired.owner());
        }
        // The replication role is asked for even when none is declared: one that a former declaration left is drift.
        if !desired.bucket.replicas.is_empty() {
            let name = desired.replication_role_name();
            self.role_by_name(&place, &name, &[policy_names::REPLICATION]);
        }
        for arn in named_principals(desired) {
            if arn.account == desired.aws.account_id
                && let Some((_, name)) = arn.role()
            {
                self.ask(&place, Read::Role { role: name });
            }
        }
        self.live_writers(desired, &place);
    }

    /// A key given by ARN, else found by alias, else by the tag that it was born with: a run may have been killed
    /// between creating the key and naming it, and somebody may have given its name to another key.
    fn key(&mut self, place: &Place, arn: Option<String>, alias: &str, owner: &str) {
        let by_alias = Read::Key { key: alias.to_owned() };
        self.ask(place, by_alias.clone());
        let named = self.answer(place, by_alias, Fact::key);
        if let Some(arn) = arn {
            let by_arn = Read::Key { key: arn };
            self.ask(place, by_arn.clone());
            if let Observed::Present(key) = self.answer(place, by_arn, Fact::key) {
                self.key_details(place, &key.arn);
            }
            if let Observed::Present(key) = named {
                self.ask(place, Read::KeyTags { key: key.arn });
            }
            return;
        }
        match named {
            Observed::Present(key) => {
                self.key_details(place, &key.arn);
                let tags = self.answer(place, Read::KeyTags { key: key.arn }, Fact::tags);
                if matches!(tags, Observed::Present(tags) if tags.0.get(OWNER_TAG).is_none_or(|found| found != owner)) {
                    self.key_by_tag(place, owner);
                }
            }
            Observed::Absent => self.key_by_tag(place, owner),
            Observed::Unknown(_) => {}
        }
    }

    fn key_by_tag(&mut self, place: &Place, owner: &str) {
        self.ask(place, Read::Keys);
        let Observed::Present(keys) = self.answer(place, Read::Keys, Fact::names) else { return };
        for key in keys.0.into_iter().take(KEYS_SEARCHED) {
            self.ask(place, Read::KeyTags { key: key.clone() });
            if let Observed::Present(tags) = self.answer(place, Read::KeyTags { key: key.clone() }, Fact::tags)
                && tags.0.get(OWNER_TAG).is_some_and(|found| found == owner)
            {
                self.ask(place, Read::Key { key: key.clone() });
                self.key_details(place, &key);
            }
        }
    }

    fn key_details(&mut self, place: &Place, arn: &str) {
        let key = || arn.to_owned();
        for read in [
            Read::Key { key: key() },
            Read::KeyPolicy { key: key() },
            Read::KeyRotation { key: key() },
            Read::KeyGrants { key: key() },
            Read::KeyAliases { key: key() },
            Read::KeyTags { key: key() },
        ] {
            self.ask(place, read);
        }
    }

    fn role(&mut self, place: &Place, arn: &Arn, own_policies: &[&str]) {
        if let Some((_, name)) = arn.role() {
            self.role_by_name(place, &name, own_policies);
        }
    }

    fn role_by_name(&mut self, place: &Place, name: &str, own_policies: &[&str]) {
        let role = || name.to_owned();
        self.ask(place, Read::Role { role: role() });
        self.ask(place, Read::RoleInlinePolicies { role: role() });
        self.ask(place, Read::RoleAttachedPolicies { role: role() });
        for policy in own_policies {
            self.ask(place, Read::RolePolicy { role: role(), policy: (*policy).to_owned() });
        }
        // Undeclared inline policies will be removed: their text is the before-image.
        if let Observed::Present(names) = self.answer(place, Read::RoleInlinePolicies { role: role() }, Fact::names) {
            for policy in names.0 {
                self.ask(place, Read::RolePolicy { role: role(), policy });
            }
        }
    }

    /// Roles that deliver today, which a move has to keep working until it is done, and roles that delivered to this
    /// bucket before, on which a killed run may have left its transition policy.
    fn live_writers(&mut self, desired: &Desired, place: &Place) {
        let databricks = desired.databricks_place();
        let (Observed::Present(deliveries), Observed::Present(credentials), Observed::Present(storages)) = (
            self.answer(&databricks, Read::LogDeliveries, Fact::log_deliveries),
            self.answer(&databricks, Read::Credentials, Fact::credentials),
            self.answer(&databricks, Read::StorageConfigurations, Fact::storage_configurations),
        ) else {
            return;
        };
        for delivery in deliveries.iter().filter(|delivery| delivery.log_type == "AUDIT_LOGS") {
            let here = storages.iter().any(|storage| {
                storage.storage_configuration_id == delivery.storage_configuration_id
                    && storage.bucket_name == desired.delivery.bucket
            });
            let credential = credentials.iter().find(|c| c.credentials_id == delivery.credentials_id);
            if let Some(arn) = credential.and_then(|credential| credential.role_arn.parse::<Arn>().ok())
                && arn.account == desired.aws.account_id
                && here
            {
                self.role(place, &arn, &[policy_names::TRANSITION]);
            }
        }
    }

    fn databricks(&mut self, desired: &Desired) {
        let account = desired.databricks_place();
        for read in [Read::Credentials, Read::StorageConfigurations, Read::LogDeliveries, Read::Workspaces] {
            self.ask(&account, read);
        }
        let Observed::Present(mut workspaces) = self.answer(&account, Read::Workspaces, Fact::workspaces) else {
            if desired.unity_catalog.enabled {
                self.ask(&account, Read::Metastores);
            }
            return;
        };
        workspaces.sort();
        for workspace in &workspaces {
            let declared =
                |key: &String| *key == workspace.workspace_name || *key == workspace.workspace_id.to_string();
            if desired.workspaces.keys().any(declared) {
                let place = workspace_place(&desired.databricks.account_id, workspace);
                self.ask(&place, Read::WorkspaceConf { key: "enableVerboseAuditLogs".to_owned() });
            }
        }
        if desired.unity_catalog.enabled {
            self.ask(&account, Read::Metastores);
            self.metastores(desired, &account, &workspaces);
        }
    }

    fn metastores(&mut self, desired: &Desired, account: &Place, workspaces: &[Workspace]) {
        let Observed::Present(metastores) = self.answer(account, Read::Metastores, Fact::metastores) else { return };
        for metastore in metastores {
            let wanted = &desired.unity_catalog.metastores;
            if !wanted.is_empty() && !wanted.iter().any(|w| *w == metastore.name || *w == metastore.metastore_id) {
                continue;
            }
            if let Some(place) = self.workspace_of(account, &metastore, workspaces) {
                self.system_access(&place, &metastore.metastore_id);
            }
        }
    }
}

fn named_principals(desired: &Desired) -> Vec<&Arn> {
    let mut arns = desired.reader_roles();
    arns.extend(desired.admin_roles());
    arns.extend(desired.observers.values().map(|observer| &observer.role));
    arns.extend(&desired.bucket.access_log.readers);
    arns.extend(desired.readers.values().filter_map(|reader| match reader {
        Reader::Role { role, .. } => Some(role),
        Reader::Databricks { .. } => None,
    }));
    arns.sort();
    arns.dedup();
    arns
}

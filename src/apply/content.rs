//! Looks for what a creating request may have made although its answer was lost: found by what it is, not by its id, which
//! nobody heard.

use std::collections::BTreeMap;

use crate::call::{Query, Read, Write};
use crate::model::reference::Output;
use crate::model::{Fact, OWNER_TAG, Observed, Place};
use crate::provider::Reader;

/// The outputs that `write` would have given, when its effect is there. `None`: it is not, as far as can be read.
pub async fn find<R: Reader>(reader: &R, place: &Place, write: &Write) -> Option<BTreeMap<Output, String>> {
    let ask = |read: Read| async move {
        match reader.read(&Query { place: place.clone(), read }).await {
            Observed::Present(fact) => Some(fact),
            Observed::Absent | Observed::Unknown(_) => None,
        }
    };
    let (output, value) = match write {
        Write::CreateKey { tags, .. } => {
            let owner = tags.get(OWNER_TAG)?;
            let keys = ask(Read::Keys).await?.names()?.0.clone();
            let mut found = None;
            for key in keys {
                let Some(Fact::Tags(tags)) = ask(Read::KeyTags { key: key.clone() }).await else { continue };
                if tags.0.get(OWNER_TAG) == Some(owner) {
                    let Some(Fact::Key(described)) = ask(Read::Key { key: key.clone() }).await else { continue };
                    if described.state != "PendingDeletion" {
                        found = Some(described.arn);
                        break;
                    }
                }
            }
            (Output::KeyArn, found?)
        }
        Write::CreateGrant { key, grant } => {
            let fact = ask(Read::KeyGrants { key: key.clone() }).await?;
            fact.grants()?.iter().find(|one| one.does_the_same(grant))?;
            return Some(BTreeMap::new());
        }
        Write::CreateCredential { name, role_arn } => {
            let fact = ask(Read::Credentials).await?;
            let found = fact
                .credentials()?
                .iter()
                .find(|credential| credential.credentials_name == *name && credential.role_arn == *role_arn)?;
            (Output::CredentialsId, found.credentials_id.clone())
        }
        Write::CreateStorageConfiguration { name, bucket } => {
            let fact = ask(Read::StorageConfigurations).await?;
            let found = fact
                .storage_configurations()?
                .iter()
                .find(|storage| storage.storage_configuration_name == *name && storage.bucket_name == *bucket)?;
            (Output::StorageConfigurationId, found.storage_configuration_id.clone())
        }
        Write::CreateLogDelivery { credentials_id, storage_configuration_id, prefix, workspaces, .. } => {
            let fact = ask(Read::LogDeliveries).await?;
            let found = fact.log_deliveries()?.iter().find(|delivery| {
                delivery.log_type == "AUDIT_LOGS"
                    && delivery.status == "ENABLED"
                    && delivery.credentials_id == *credentials_id
                    && delivery.storage_configuration_id == *storage_configuration_id
                    && delivery.delivery_path_prefix == *prefix
                    && delivery.workspace_ids_filter == *workspaces
            })?;
            (Output::LogDeliveryId, found.config_id.clone())
        }
        _ => return None,
    };
    Some(BTreeMap::from([(output, value)]))
}

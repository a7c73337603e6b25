//! Looks for what a creating request may have made although its answer was lost: found by what it is, not by its id, which
//! nobody heard.

use std::collections::BTreeMap;

use crate::call::{Query, Read, Write};
use crate::model::reference::Output;
use crate::model::{Fact, Gap, OWNER_TAG, Observed, Place};
use crate::provider::Reader;

/// The outputs that `write` would have given, when its effect is there; `None` when it is not.
///
/// # Errors
/// When that could not be read: whoever sends then may make a second one.
pub async fn find<R: Reader>(
    reader: &R,
    place: &Place,
    write: &Write,
) -> Result<Option<BTreeMap<Output, String>>, Gap> {
    let ask = |read: Read| async move {
        match reader.read(&Query { place: place.clone(), read }).await {
            Observed::Present(fact) => Ok(Some(fact)),
            Observed::Absent => Ok(None),
            Observed::Unknown(gap) => Err(gap),
        }
    };
    let given = |output, value: Option<String>| value.map(|value| BTreeMap::from([(output, value)]));
    Ok(match write {
        Write::CreateKey { tags, .. } => {
            let Some(owner) = tags.get(OWNER_TAG) else { return Ok(None) };
            let keys = ask(Read::Keys).await?;
            let mut found = None;
            for key in keys.as_ref().and_then(Fact::names).into_iter().flat_map(|names| &names.0) {
                let tags = match ask(Read::KeyTags { key: key.clone() }).await {
                    // A key that others keep to themselves: those that we make let the account read their tags.
                    Err(gap) if gap.permission.is_some() => continue,
                    tags => tags?,
                };
                let Some(Fact::Tags(tags)) = tags else { continue };
                if tags.0.get(OWNER_TAG) == Some(owner)
                    && let Some(Fact::Key(described)) = ask(Read::Key { key: key.clone() }).await?
                    && described.state != "PendingDeletion"
                {
                    found = Some(described.arn);
                    break;
                }
            }
            given(Output::KeyArn, found)
        }
        Write::CreateGrant { key, grant } => {
            let all = ask(Read::KeyGrants { key: key.clone() }).await?;
            let mut all = all.as_ref().and_then(Fact::grants).into_iter().flatten();
            all.any(|one| one.does_the_same(grant)).then(BTreeMap::new)
        }
        Write::CreateCredential { name, role_arn } => {
            let all = ask(Read::Credentials).await?;
            let mut all = all.as_ref().and_then(Fact::credentials).into_iter().flatten();
            let found = all.find(|one| one.credentials_name == *name && one.role_arn == *role_arn);
            given(Output::CredentialsId, found.map(|one| one.credentials_id.clone()))
        }
        Write::CreateStorageConfiguration { name, bucket } => {
            let all = ask(Read::StorageConfigurations).await?;
            let mut all = all.as_ref().and_then(Fact::storage_configurations).into_iter().flatten();
            let found = all.find(|one| one.storage_configuration_name == *name && one.bucket_name == *bucket);
            given(Output::StorageConfigurationId, found.map(|one| one.storage_configuration_id.clone()))
        }
        Write::CreateLogDelivery { credentials_id, storage_configuration_id, prefix, workspaces, .. } => {
            let all = ask(Read::LogDeliveries).await?;
            let mut all = all.as_ref().and_then(Fact::log_deliveries).into_iter().flatten();
            let found = all.find(|delivery| {
                delivery.log_type == "AUDIT_LOGS"
                    && delivery.status == "ENABLED"
                    && delivery.credentials_id == *credentials_id
                    && delivery.storage_configuration_id == *storage_configuration_id
                    && delivery.delivery_path_prefix == *prefix
                    && delivery.workspace_ids_filter == *workspaces
            });
            given(Output::LogDeliveryId, found.map(|one| one.config_id.clone()))
        }
        _ => None,
    })
}

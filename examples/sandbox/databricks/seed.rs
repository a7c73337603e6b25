//! Objects that exist before a test starts, and short ways to look at what it left.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::DatabricksSim;
use super::account::STORAGE_LIMIT;
use super::options::Role;
use super::state::{Credential, LogDelivery, Metastore, Principal, Storage, SystemSchema, Workspace, now_ms};

impl DatabricksSim {
    /// The service principals of [`super::Options::clients`].
    pub(super) fn seed_clients(&self) {
        for (n, client) in (1..).zip(&self.options().clients) {
            let roles = if client.role == Role::Admin { vec!["account_admin".to_owned()] } else { Vec::new() };
            let principal = Principal {
                display_name: client.display_name.clone(),
                roles,
                ..Principal::new(&format!("70{n:04}"), &client.client_id)
            };
            self.edit(|data| data.service_principals.push(principal));
        }
    }

    /// A running workspace, attached to the metastore if one is named.
    pub fn seed_workspace(&self, id: i64, name: &str, region: &str, metastore_id: Option<&str>) {
        let metastore_id = metastore_id.map(str::to_owned);
        let workspace = Workspace { metastore_id, ..Workspace::new(id, name, region) };
        self.edit(|data| data.workspaces.push(workspace));
    }

    /// A metastore with the system schemas of a new one; answers its id.
    pub fn seed_metastore(&self, name: &str, owner: &str, region: &str) -> String {
        let id = Uuid::new_v4().to_string();
        let metastore = Metastore::new(&id, name, owner, region);
        self.edit(|data| data.metastores.push(metastore));
        id
    }

    /// An account-level group; answers its id.
    pub fn seed_group(&self, name: &str, members: &[(&str, &str)]) -> String {
        let id = Uuid::new_v4().as_u64_pair().0.to_string();
        let members = members.iter().map(|(id, name)| ((*id).to_owned(), (*name).to_owned())).collect();
        let group = Principal { members, ..Principal::new(&id, name) };
        self.edit(|data| data.groups.push(group));
        id
    }

    /// A user with account-level roles; answers its id.
    pub fn seed_user(&self, email: &str, roles: &[&str]) -> String {
        let id = Uuid::new_v4().as_u64_pair().0.to_string();
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let user = Principal { roles, ..Principal::new(&id, email) };
        self.edit(|data| data.users.push(user));
        id
    }

    /// Grants privileges; the securable (lower-case type and full name) exists from then on.
    pub fn seed_grant(&self, metastore_id: &str, securable: (&str, &str), principal: &str, privileges: &[&str]) {
        let key = (securable.0.to_owned(), securable.1.to_owned());
        let privileges: BTreeSet<String> = privileges.iter().map(|one| (*one).to_owned()).collect();
        self.edit(|data| {
            if let Some(metastore) = data.metastore_mut(metastore_id) {
                metastore.grants.entry(key).or_default().entry(principal.to_owned()).or_default().extend(privileges);
            }
        });
    }

    /// Sets the state of a system schema.
    pub fn seed_system_schema(&self, metastore_id: &str, schema: &str, state: &str) {
        self.edit(|data| {
            if let Some(metastore) = data.metastore_mut(metastore_id) {
                metastore.system_schemas.insert(schema.to_owned(), SystemSchema::new(state));
            }
        });
    }

    /// A credential configuration; answers its id.
    pub fn seed_credential(&self, name: &str, role_arn: &str) -> String {
        let id = Uuid::new_v4().to_string();
        let credential = Credential {
            credentials_id: id.clone(),
            credentials_name: name.to_owned(),
            role_arn: role_arn.to_owned(),
            creation_time: now_ms(),
        };
        self.edit(|data| data.credentials.push(credential));
        id
    }

    /// A storage configuration; answers its id.
    pub fn seed_storage(&self, name: &str, bucket: &str) -> String {
        let id = Uuid::new_v4().to_string();
        let storage = Storage {
            storage_configuration_id: id.clone(),
            storage_configuration_name: name.to_owned(),
            bucket_name: bucket.to_owned(),
            role_arn: None,
            creation_time: now_ms(),
        };
        self.edit(|data| data.storage.push(storage));
        id
    }

    /// Raises the number of storage configurations that the account may have.
    pub fn allow_storage(&self, count: usize) {
        self.edit(|data| data.more_storage = count.saturating_sub(STORAGE_LIMIT));
    }

    /// The shortest time between two attempts for one configuration from here on. An attempt is made when somebody asks, who
    /// waits for it.
    pub fn attempt_every(&self, interval: Duration) {
        self.edit(|data| data.attempt_interval = Some(interval));
    }

    /// A configuration as given, for instance [`LogDelivery::delivered`]; answers its id.
    pub fn seed_log_delivery(&self, config: LogDelivery) -> String {
        let id = config.config_id.clone();
        self.edit(|data| data.log_delivery.push(config));
        id
    }

    /// An external location with the fields of `ExternalLocationInfo`; `extra` is merged in.
    pub fn seed_external_location(
        &self,
        metastore_id: &str,
        name: &str,
        url: &str,
        credential: &str,
        extra: Map<String, Value>,
    ) {
        let base = json!({
            "name": name,
            "url": url,
            "credential_name": credential,
            "owner": "metastore-admins",
            "read_only": false,
            "isolation_mode": "ISOLATION_MODE_OPEN",
            "fallback": false,
            "metastore_id": metastore_id,
            "created_at": now_ms(),
        });
        self.seed_securable(metastore_id, base, extra, |metastore| &mut metastore.external_locations);
    }

    /// A storage credential with the fields of `StorageCredentialInfo`; `extra` is merged in.
    pub fn seed_storage_credential(&self, metastore_id: &str, name: &str, role_arn: &str, extra: Map<String, Value>) {
        let base = json!({
            "id": Uuid::new_v4().to_string(),
            "name": name,
            "full_name": name,
            "aws_iam_role": {
                "role_arn": role_arn,
                "external_id": self.options().databricks_account_id,
                "unity_catalog_iam_arn":
                    "arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL",
            },
            "owner": "metastore-admins",
            "read_only": false,
            "isolation_mode": "ISOLATION_MODE_OPEN",
            "used_for_managed_storage": false,
            "metastore_id": metastore_id,
            "created_at": now_ms(),
        });
        self.seed_securable(metastore_id, base, extra, |metastore| &mut metastore.storage_credentials);
    }

    /// A credential of purpose `SERVICE`, with the fields of `CredentialInfo`.
    pub fn seed_service_credential(&self, metastore_id: &str, name: &str, role_arn: &str) {
        let base = json!({
            "id": Uuid::new_v4().to_string(),
            "name": name,
            "full_name": name,
            "aws_iam_role": { "role_arn": role_arn },
            "owner": "metastore-admins",
            "isolation_mode": "ISOLATION_MODE_OPEN",
            "metastore_id": metastore_id,
            "created_at": now_ms(),
        });
        self.seed_securable(metastore_id, base, Map::new(), |metastore| &mut metastore.service_credentials);
    }

    /// A catalog, schema, volume or table with its owner; `extra` (`storage_root`, `storage_location`, …) is merged in.
    /// Its parents are to be seeded as well.
    pub fn seed_object(&self, metastore_id: &str, securable: (&str, &str), owner: &str, extra: Value) {
        let (kind, full_name) = securable;
        let parts: Vec<&str> = full_name.split('.').collect();
        let mut fields = Map::from_iter([
            ("full_name".to_owned(), json!(full_name)),
            ("owner".to_owned(), json!(owner)),
            ("metastore_id".to_owned(), json!(metastore_id)),
        ]);
        for (name, part) in ["name", "schema_name", "catalog_name"].into_iter().zip(parts.iter().rev()) {
            fields.insert(name.to_owned(), json!(part));
        }
        if let [catalog, _schema] = parts.as_slice() {
            fields.remove("schema_name");
            fields.insert("catalog_name".to_owned(), json!(catalog));
        }
        match kind {
            "catalog" => fields.insert("catalog_type".to_owned(), json!("MANAGED_CATALOG")),
            "volume" => fields.insert("volume_type".to_owned(), json!("EXTERNAL")),
            "table" => fields.insert("table_type".to_owned(), json!("EXTERNAL")),
            _ => None,
        };
        if let Value::Object(extra) = extra {
            fields.extend(extra);
        }
        let key = (kind.to_owned(), full_name.to_owned());
        self.edit(|data| {
            if let Some(metastore) = data.metastore_mut(metastore_id) {
                metastore.objects.insert(key, fields);
            }
        });
    }

    fn seed_securable(
        &self,
        metastore_id: &str,
        base: Value,
        extra: Map<String, Value>,
        list: impl FnOnce(&mut Metastore) -> &mut Vec<Map<String, Value>>,
    ) {
        let Value::Object(mut fields) = base else { return };
        fields.extend(extra);
        self.edit(|data| {
            if let Some(metastore) = data.metastore_mut(metastore_id) {
                list(metastore).push(fields);
            }
        });
    }

    /// Sets or unsets a workspace-conf value.
    pub fn seed_workspace_conf(&self, workspace_id: i64, key: &str, value: Option<&str>) {
        self.edit(|data| {
            if let Some(workspace) = data.workspace_mut(workspace_id) {
                match value {
                    Some(value) => workspace.conf.insert(key.to_owned(), value.to_owned()),
                    None => workspace.conf.remove(key),
                };
            }
        });
    }

    /// All credential configurations.
    pub fn credentials(&self) -> Vec<Credential> {
        self.inspect(|data| data.credentials.clone())
    }

    /// All storage configurations.
    pub fn storage_configurations(&self) -> Vec<Storage> {
        self.inspect(|data| data.storage.clone())
    }

    /// All log delivery configurations.
    pub fn log_deliveries(&self) -> Vec<LogDelivery> {
        self.inspect(|data| data.log_delivery.clone())
    }

    /// Principals and privileges on a securable.
    pub fn grants(&self, metastore_id: &str, securable: (&str, &str)) -> super::Grants {
        let key = (securable.0.to_owned(), securable.1.to_owned());
        let of = |metastore: &Metastore| metastore.grants.get(&key).cloned();
        self.inspect(|data| data.metastore(metastore_id).and_then(of)).unwrap_or_default()
    }

    /// The state of a system schema.
    pub fn system_schema(&self, metastore_id: &str, schema: &str) -> Option<String> {
        let of = |metastore: &Metastore| metastore.system_schemas.get(schema).map(|one| one.state.clone());
        self.inspect(|data| data.metastore(metastore_id).and_then(of))
    }

    /// A workspace-conf value.
    pub fn workspace_conf(&self, workspace_id: i64, key: &str) -> Option<String> {
        self.inspect(|data| data.workspace(workspace_id).and_then(|one| one.conf.get(key).cloned()))
    }
}

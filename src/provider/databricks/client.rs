//! One Databricks account as the ports see it: a `Read` becomes an answer, a `Write` becomes an outcome.

use std::collections::HashSet;
use std::sync::Arc;

use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::auth::Auth;
use super::config_file::Sources;
use super::endpoint::{Hosts, Target};
use super::error::{ConnectError, Failure};
use super::http::{Body, Http, Reply, Request};
use super::oauth::Tokens;
use super::page::Paging;
use super::{DatabricksOptions, http};
use crate::call::{Read, Write, WriteOutcome, read_permission, write_permissions};
use crate::model::{Fact, Gap, Observed, Place, Reference};
use crate::provider::WriteError;

/// The APIs of one Databricks account and of its workspaces. Cheap to clone; clones share connections, tokens and limits.
#[derive(Clone)]
pub struct DatabricksClient {
    inner: Arc<Inner>,
}

struct Inner {
    account_id: String,
    hosts: Hosts,
    http: Http,
    tokens: Tokens,
}

impl DatabricksClient {
    /// Finds credentials and checks that they are meant for this account and cloud. Sends nothing: a wrong secret shows
    /// up with the first call.
    ///
    /// # Errors
    /// When there are no usable credentials, more than one kind of them, or they belong elsewhere.
    pub async fn connect(options: DatabricksOptions) -> Result<Self, ConnectError> {
        let hosts = Hosts::new(&options.account_id, options.partition, options.endpoint.as_deref())?;
        let sources = Sources::locate(options.profile.as_deref(), &options.env);
        let text = match &sources.file {
            None => None,
            Some(path) => match tokio::fs::read_to_string(path).await {
                Ok(text) => Some(text),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => {
                    return Err(ConnectError::File { path: sources.file_name, message: error.to_string() });
                }
            },
        };
        let settings = sources.settle(text.as_deref())?;
        if let Some(found) = settings.get("account_id").filter(|found| *found != options.account_id) {
            return Err(ConnectError::OtherAccount {
                origin: settings.origin.clone(),
                found: found.to_owned(),
                wanted: options.account_id,
            });
        }
        if let Some(host) = settings.get("host") {
            hosts.check(host, &settings.origin)?;
        }
        let auth = Auth::choose(&settings, &options.env, &options.account_id, hosts.has_endpoint())?;
        let http = Http::new(&options, hosts.is_loopback())?;
        let tokens = Tokens::new(auth, settings.origin, options.env);
        Ok(Self { inner: Arc::new(Inner { account_id: options.account_id, hosts, http, tokens }) })
    }

    /// UUID of the Databricks account that this client serves.
    #[must_use]
    pub fn account_id(&self) -> &str {
        &self.inner.account_id
    }

    /// Asks one question, with all its pages, and repeats it while the failure is one that passes.
    pub async fn read(&self, place: &Place, read: &Read) -> Observed<Fact> {
        match self.ask(place, read).await {
            Ok(fact) => Observed::Present(fact),
            Err(Failure::Api(error)) if error.is_absence(absence_codes(read)) => Observed::Absent,
            Err(failure) => {
                let denied = failure.status() == Some(403);
                let permission = read_permission(read).name().filter(|_| denied).map(str::to_owned);
                Observed::Unknown(Gap { what: describe(place, read), permission, message: failure.to_string() })
            }
        }
    }

    /// Sends one changing request, once. Only a request that was refused for its token (401) is sent a second time, with
    /// a new token, since the first did nothing.
    ///
    /// # Errors
    /// Classified for the applier, see [`WriteError`]. A request that still holds a reference to another step's output is
    /// refused here.
    pub async fn write(&self, place: &Place, write: &Write) -> Result<WriteOutcome, WriteError> {
        if serde_json::to_string(write).map_or(true, |text| Reference::occurs_in(&text)) {
            let message = format!("{} holds a value that is known only after another step", write.operation());
            return Err(WriteError::Rejected { message });
        }
        self.send(place, write).await.map_err(|failure| {
            let permission = write_permissions(write).first().and_then(|permission| permission.name());
            failure.into_write_error(permission)
        })
    }

    async fn ask(&self, place: &Place, read: &Read) -> Result<Fact, Failure> {
        match (self.target(place)?, read) {
            (Target::Account, Read::Credentials) => self.credentials().await.map(Fact::from),
            (Target::Account, Read::StorageConfigurations) => self.storage_configurations().await.map(Fact::from),
            (Target::Account, Read::LogDeliveries) => self.log_deliveries().await.map(Fact::from),
            (Target::Account, Read::Workspaces) => self.workspaces().await.map(Fact::from),
            (Target::Account, Read::Metastores) => self.metastores().await.map(Fact::from),
            (Target::Account, Read::MetastoreWorkspaces { metastore }) => {
                self.metastore_workspaces(metastore).await.map(Fact::from)
            }
            (at @ Target::Workspace { .. }, Read::SystemSchemas { metastore }) => {
                self.system_schemas(&at, metastore).await.map(Fact::from)
            }
            (at @ Target::Workspace { .. }, Read::Privileges { securable, name }) => {
                self.privileges(&at, securable, name).await.map(Fact::from)
            }
            (at @ Target::Workspace { .. }, Read::Tables { catalog, schema }) => {
                self.tables(&at, catalog, schema).await.map(Fact::from)
            }
            (at @ Target::Workspace { .. }, Read::WorkspaceConf { key }) => {
                self.workspace_conf(&at, key).await.map(Fact::from)
            }
            (Target::Account, Read::DatabricksIdentities) => self.identities().await.map(Fact::from),
            (at @ Target::Workspace { .. }, Read::DatabricksCaller) => self.caller(&at).await.map(Fact::from),
            // The workspace decides the metastore; its id tells the questions apart.
            (at @ Target::Workspace { .. }, Read::StorageCredentials { metastore: _ }) => {
                self.storage_credentials(&at).await.map(Fact::from)
            }
            (at @ Target::Workspace { .. }, Read::ServiceCredentials { metastore: _ }) => {
                self.service_credentials(&at).await.map(Fact::from)
            }
            (at @ Target::Workspace { .. }, Read::ExternalLocations { metastore: _ }) => {
                self.external_locations(&at).await.map(Fact::from)
            }
            (at @ Target::Workspace { .. }, Read::Catalogs { metastore: _ }) => {
                self.catalogs(&at).await.map(Fact::from)
            }
            (at @ Target::Workspace { .. }, Read::Schemas { catalog }) => {
                self.schemas(&at, catalog).await.map(Fact::from)
            }
            (at @ Target::Workspace { .. }, Read::Volumes { catalog, schema }) => {
                self.volumes(&at, catalog, schema).await.map(Fact::from)
            }
            (at @ Target::Workspace { .. }, Read::StoredTables { catalog, schema }) => {
                self.stored_tables(&at, catalog, schema).await.map(Fact::from)
            }
            _ => Err(misplaced(place)),
        }
    }

    async fn send(&self, place: &Place, write: &Write) -> Result<WriteOutcome, Failure> {
        match (self.target(place)?, write) {
            (Target::Account, Write::CreateCredential { name, role_arn }) => {
                self.create_credential(name, role_arn).await
            }
            (Target::Account, Write::CreateStorageConfiguration { name, bucket }) => {
                self.create_storage_configuration(name, bucket).await
            }
            (
                Target::Account,
                Write::CreateLogDelivery { name, credentials_id, storage_configuration_id, prefix, workspaces },
            ) => {
                let ids = (credentials_id.as_str(), storage_configuration_id.as_str());
                self.create_log_delivery(name, ids, prefix, workspaces).await
            }
            (Target::Account, Write::SetLogDeliveryStatus { config_id, status }) => {
                self.set_log_delivery_status(config_id, status).await
            }
            (at @ Target::Workspace { .. }, Write::EnableSystemSchema { metastore, schema }) => {
                self.enable_system_schema(&at, metastore, schema).await
            }
            (at @ Target::Workspace { .. }, Write::UpdatePrivileges { securable, name, changes }) => {
                self.update_privileges(&at, securable, name, changes).await
            }
            (at @ Target::Workspace { .. }, Write::SetWorkspaceConf { key, value }) => {
                self.set_workspace_conf(&at, key, value).await
            }
            _ => Err(misplaced(place)),
        }
    }

    /// Refuses places of other accounts: this client's credentials are for one.
    fn target(&self, place: &Place) -> Result<Target, Failure> {
        match place {
            Place::Databricks { account } if *account == self.inner.account_id => Ok(Target::Account),
            Place::Workspace { account, workspace, deployment } if *account == self.inner.account_id => {
                Ok(Target::Workspace { id: *workspace, deployment: deployment.clone() })
            }
            _ => Err(misplaced(place)),
        }
    }

    pub(super) fn hosts(&self) -> &Hosts {
        &self.inner.hosts
    }

    /// Joins all pages of a list.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        target: &Target,
        url: Url,
        paging: Paging,
    ) -> Result<Vec<T>, Failure> {
        let mut items = Vec::new();
        let mut seen = HashSet::new();
        let mut next = Some(url);
        while let Some(url) = next {
            if !seen.insert(url.clone()) {
                return Err(Failure::Answer("a page names itself or an earlier one as the next".to_owned()));
            }
            let page = paging.page(&url, self.get(target, url.clone()).await?)?;
            for item in page.items {
                items.push(decode(item)?);
            }
            next = page.next;
        }
        Ok(items)
    }

    pub(super) async fn get(&self, target: &Target, url: Url) -> Result<Value, Failure> {
        self.call(target, Method::GET, url, None).await?.json()
    }

    /// Reads are repeated, changes are not.
    pub(super) async fn call(
        &self,
        target: &Target,
        method: Method,
        url: Url,
        body: Option<Value>,
    ) -> Result<Reply, Failure> {
        let Inner { http, hosts, tokens, .. } = &*self.inner;
        let mut token = tokens.bearer(http, hosts, target).await?;
        let body = body.map_or(Body::Empty, Body::Json);
        let login = http::Login::Bearer(token.clone());
        let mut request = Request { method, url, workspace: hosts.workspace_header(target), login, body };
        let mut renewed = false;
        loop {
            let result = match request.method {
                Method::GET => http.repeat(&request).await,
                _ => http.once(&request).await,
            };
            let error = match result {
                Err(Failure::Api(error)) if error.status == 401 => error,
                other => return other,
            };
            if renewed || !tokens.drop_refused(target, &token).await {
                return Err(tokens.refused(&error));
            }
            token = tokens.bearer(http, hosts, target).await?;
            request.login = http::Login::Bearer(token.clone());
            renewed = true;
        }
    }
}

pub(super) fn decode<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| Failure::Answer(super::error::tidy(&error.to_string())))
}

fn misplaced(place: &Place) -> Failure {
    Failure::Impossible(format!("this is not asked at {place}; correct the place"))
}

/// Codes that say that the thing asked for is not there. The lists of an account and of a metastore that was just found
/// are always there: a 404 for one of them is a wrong host or a missing feature.
fn absence_codes(read: &Read) -> &'static [&'static str] {
    match read {
        Read::MetastoreWorkspaces { .. } => &["RESOURCE_DOES_NOT_EXIST", "METASTORE_DOES_NOT_EXIST"],
        // Not RESOURCE_DOES_NOT_EXIST: it may be the workspace that does not exist.
        Read::Privileges { .. } => &["CATALOG_DOES_NOT_EXIST", "SCHEMA_DOES_NOT_EXIST", "TABLE_DOES_NOT_EXIST"],
        Read::Tables { .. } | Read::Volumes { .. } | Read::StoredTables { .. } => {
            &["CATALOG_DOES_NOT_EXIST", "SCHEMA_DOES_NOT_EXIST"]
        }
        Read::Schemas { .. } => &["CATALOG_DOES_NOT_EXIST"],
        _ => &[],
    }
}

/// The question in words, for a gap.
fn describe(place: &Place, read: &Read) -> String {
    let what = match read {
        Read::Credentials => "databricks:credentials:list".to_owned(),
        Read::StorageConfigurations => "databricks:storage-configurations:list".to_owned(),
        Read::LogDeliveries => "databricks:log-delivery:list".to_owned(),
        Read::Workspaces => "databricks:workspaces:list".to_owned(),
        Read::Metastores => "databricks:metastores:list".to_owned(),
        Read::MetastoreWorkspaces { metastore } => format!("databricks:metastore-assignments:list of {metastore}"),
        Read::SystemSchemas { metastore } => format!("databricks:system-schemas:list of {metastore}"),
        Read::Privileges { securable, name } => format!("databricks:permissions:get on {securable} {name}"),
        Read::Tables { catalog, schema } => format!("databricks:tables:list of {catalog}.{schema}"),
        Read::WorkspaceConf { key } => format!("databricks:workspace-conf:get of {key}"),
        Read::DatabricksCaller => "databricks:scim:me".to_owned(),
        Read::DatabricksIdentities => "databricks:scim:list of users, service principals and groups".to_owned(),
        Read::StorageCredentials { metastore } => format!("databricks:storage-credentials:list of {metastore}"),
        Read::ServiceCredentials { metastore } => format!("databricks:credentials:list of {metastore}"),
        Read::ExternalLocations { metastore } => format!("databricks:external-locations:list of {metastore}"),
        Read::Catalogs { metastore } => format!("databricks:catalogs:list of {metastore}"),
        Read::Schemas { catalog } => format!("databricks:schemas:list of {catalog}"),
        Read::Volumes { catalog, schema } => format!("databricks:volumes:list of {catalog}.{schema}"),
        Read::StoredTables { catalog, schema } => format!("databricks:tables:list of {catalog}.{schema}"),
        other => format!("{other:?}"),
    };
    format!("{what} in {place}")
}

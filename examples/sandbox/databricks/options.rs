//! How the simulated account behaves.

use std::time::Duration;

use super::super::faults::Faults;

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Account admin, workspace admin and metastore admin.
    Admin,
    /// Sees what an admin sees and changes nothing.
    Reader,
    /// A service principal without any role.
    Unprivileged,
}

/// A service principal with an OAuth secret.
#[derive(Clone, Debug)]
pub struct Client {
    pub client_id: String,
    pub client_secret: String,
    pub display_name: String,
    pub role: Role,
}

impl Client {
    fn new(client_id: &str, client_secret: &str, display_name: &str, role: Role) -> Self {
        Self {
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            display_name: display_name.to_owned(),
            role,
        }
    }
}

/// A personal access token, good for workspace calls only.
#[derive(Clone, Debug)]
pub struct PersonalToken {
    pub token: String,
    /// The service principal it acts as.
    pub client_id: String,
    /// The workspace it belongs to; none is good for all.
    pub workspace_id: Option<i64>,
}

/// The reply of a successful log-delivery PATCH: documented as `{}`, seen as zero bytes
/// (databricks/terraform-provider-databricks#2675).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyReply {
    ZeroLength,
    Object,
}

/// Settings of a [`super::DatabricksSim`]; [`Options::new`] has the documented behaviour.
#[derive(Clone)]
pub struct Options {
    pub databricks_account_id: String,
    /// URL of the AWS emulator or of the proxy in front of it.
    pub aws_endpoint: String,
    /// Region of signatures, and of a bucket whose location cannot be read.
    pub region: String,
    pub faults: Faults,
    pub clients: Vec<Client>,
    pub personal_tokens: Vec<PersonalToken>,
    pub token_ttl: Duration,
    /// Configurations on one page of the log-delivery list.
    pub log_delivery_page_size: usize,
    /// Entries on one page of a Unity Catalog list when the client lets the server choose.
    pub catalog_page_size: usize,
    /// The most entries on one page of a SCIM list.
    pub scim_page_size: usize,
    /// Paged Unity Catalog lists start with an empty page that has a token.
    pub empty_first_page: bool,
    /// The status of a created configuration whose request named none: documented as enabled,
    /// observed as disabled (SDK-go `internal/billing_test.go`).
    pub enabled_by_default: bool,
    pub empty_patch_reply: EmptyReply,
    /// Whether the probe runs on creation of an enabled configuration.
    pub probe_on_create: bool,
    /// Reads that answer `CREATED` before the first delivery attempt.
    pub quiet_reads: u32,
    /// Shortest time between two attempts for one configuration.
    pub attempt_interval: Duration,
    /// Reads that answer `ENABLE_INITIALIZED` after a system schema was enabled.
    pub schema_pending_reads: u32,
    /// Deleting a credential or storage configuration that an enabled log delivery uses is refused.
    pub refuse_delete_in_use: bool,
    /// Group lists carry members (accounts created before 2025-08-22).
    pub group_list_has_members: bool,
    /// The `Retry-After` of 429 and 503, in seconds.
    pub retry_after: u64,
}

impl Options {
    /// Id and secret of the account admin's service principal.
    pub const ADMIN: (&'static str, &'static str) = ("5f2b7a10-0000-4000-8000-00000000ad01", "sandbox-admin-secret");
    /// Id and secret of the service principal that may read everything.
    pub const READER: (&'static str, &'static str) = ("5f2b7a10-0000-4000-8000-00000000ad02", "sandbox-reader-secret");
    /// Id and secret of the service principal without rights.
    pub const UNPRIVILEGED: (&'static str, &'static str) =
        ("5f2b7a10-0000-4000-8000-00000000ad03", "sandbox-unprivileged-secret");
    /// The admin's personal access token.
    pub const PERSONAL_TOKEN: &'static str = "dapi-sandbox-admin";

    pub fn new(databricks_account_id: &str, aws_endpoint: &str, region: &str, faults: Faults) -> Self {
        let client = |(id, secret), name, role| Client::new(id, secret, name, role);
        Self {
            databricks_account_id: databricks_account_id.to_owned(),
            aws_endpoint: aws_endpoint.trim_end_matches('/').to_owned(),
            region: region.to_owned(),
            faults,
            clients: vec![
                client(Self::ADMIN, "auditseal-admin", Role::Admin),
                client(Self::READER, "auditseal-reader", Role::Reader),
                client(Self::UNPRIVILEGED, "auditseal-unprivileged", Role::Unprivileged),
            ],
            personal_tokens: vec![PersonalToken {
                token: Self::PERSONAL_TOKEN.to_owned(),
                client_id: Self::ADMIN.0.to_owned(),
                workspace_id: None,
            }],
            token_ttl: Duration::from_secs(3600),
            log_delivery_page_size: 100,
            catalog_page_size: 100,
            scim_page_size: 100,
            empty_first_page: false,
            enabled_by_default: true,
            empty_patch_reply: EmptyReply::ZeroLength,
            probe_on_create: true,
            quiet_reads: 1,
            attempt_interval: Duration::from_millis(50),
            schema_pending_reads: 1,
            refuse_delete_in_use: false,
            group_list_has_members: false,
            retry_after: 1,
        }
    }
}

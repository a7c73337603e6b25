//! From a request to its handler: authentication, permission, stale reads.

use super::call::{Call, Reply};
use super::errors::ApiError;
use super::options::{Options, Role};
use super::route::{Host, Operation};
use super::server::Shared;
use super::state::Data;
use super::{account, grants, log_delivery, oauth, scim, storage, unity_catalog, workspace};

/// What the account host shows for a workspace path (databricks/terraform-provider-databricks#752).
const SIGN_IN: &str = "<!doctype html><html><head><meta charset=\"utf-8\"/><title>Databricks - Sign In</title>\
    </head><body class=\"light-mode\"><uses-legacy-bootstrap><div id=\"login-page\"></div>\
    </uses-legacy-bootstrap></body></html>";

/// Runs a request.
pub async fn run(shared: &Shared, mut call: Call) -> Result<Reply, ApiError> {
    if call.route.host == Host::Open {
        return open(shared, &call);
    }
    if call.route.host == Host::Workspace && call.workspace.is_none() {
        return Ok(Reply::Html(SIGN_IN));
    }
    admit(shared, &mut call)?;
    let operation = call.route.operation;
    if !call.route.is_write {
        let stale = shared.inner().stale(operation);
        if let Some(mut before) = stale {
            return handle(&call, &shared.options, &mut before);
        }
    }
    match operation {
        Operation::CreateLogDelivery => return log_delivery::create(&call, shared).await,
        Operation::GetLogDelivery | Operation::ListLogDelivery => log_delivery::attempt_due(shared, false).await,
        _ => {}
    }
    handle(&call, &shared.options, &mut shared.inner().data)
}

fn open(shared: &Shared, call: &Call) -> Result<Reply, ApiError> {
    let (options, url) = (&shared.options, &shared.url);
    let account = call.argument(0);
    match call.route.operation {
        Operation::HostMetadata => Ok(Reply::Json(oauth::host_metadata(url, options))),
        Operation::WorkspaceDiscovery => Ok(Reply::Json(oauth::discovery(&format!("{url}/oidc")))),
        Operation::AccountDiscovery => {
            oauth::check_account(options, account)?;
            Ok(Reply::Json(oauth::discovery(&format!("{url}/oidc/accounts/{account}"))))
        }
        Operation::AccountToken => {
            oauth::check_account(options, account)?;
            oauth::token(call, &mut shared.inner(), options, true)
        }
        Operation::WorkspaceToken => oauth::token(call, &mut shared.inner(), options, false),
        _ => Ok(Reply::Html(SIGN_IN)),
    }
}

/// Authentication, the existence of account and workspace, and permission.
fn admit(shared: &Shared, call: &mut Call) -> Result<(), ApiError> {
    let inner = shared.inner();
    let client = oauth::authenticate(call, &inner, &shared.options)?;
    let (route, options) = (&call.route, &shared.options);
    if route.account_id.as_ref().is_some_and(|account| *account != options.databricks_account_id) {
        return Err(ApiError::denied("The caller does not belong to the requested account."));
    }
    if route.host == Host::Workspace
        && let Some(id) = call.workspace
        && inner.data.workspace(id).is_none()
    {
        return Err(ApiError::not_found(format!("Workspace {id} does not exist.")));
    }
    let refused = inner.denied.contains(&route.operation)
        || match client.role {
            Role::Admin => false,
            Role::Reader => route.is_write,
            Role::Unprivileged => !route.operation.open_to_everyone(),
        };
    if refused {
        return Err(ApiError::denied(match route.host {
            Host::Account => "This API is disabled for users without account admin status. Contact your Databricks \
                 representative for more information."
                .to_owned(),
            _ => format!("User '{}' does not have the required permission on this resource.", client.client_id),
        }));
    }
    call.role = client.role;
    call.client = Some(client);
    Ok(())
}

/// Everything that only reads or writes the state.
fn handle(call: &Call, options: &Options, data: &mut Data) -> Result<Reply, ApiError> {
    use Operation as Op;
    match call.route.operation {
        Op::CreateCredentials => account::create_credentials(call, options, data),
        Op::ListCredentials => account::list_credentials(options, data),
        Op::GetCredentials => account::get_credentials(call, options, data),
        Op::DeleteCredentials => account::delete_credentials(call, options, data),
        Op::CreateStorage => account::create_storage(call, options, data),
        Op::ListStorage => account::list_storage(options, data),
        Op::GetStorage => account::get_storage(call, options, data),
        Op::DeleteStorage => account::delete_storage(call, options, data),
        Op::ListLogDelivery => log_delivery::list(call, options, data),
        Op::GetLogDelivery => log_delivery::get(call, options, data),
        Op::PatchLogDelivery => log_delivery::patch(call, options, data),
        Op::ListWorkspaces => account::list_workspaces(options, data),
        Op::GetWorkspace => account::get_workspace(call, options, data),
        Op::ListAccountMetastores => account::list_metastores(data),
        Op::GetAccountMetastore => account::get_metastore(call, data),
        Op::ListMetastoreWorkspaces => account::metastore_workspaces(call, data),
        Op::GetWorkspaceMetastore => account::workspace_metastore(call, data),
        Op::ListUsers | Op::ListGroups | Op::ListServicePrincipals => scim::list(call, options, data),
        Op::GetUser | Op::GetGroup | Op::GetServicePrincipal => scim::get(call, data),
        Op::ListSystemSchemas => unity_catalog::list_schemas(call, options, data),
        Op::EnableSystemSchema => unity_catalog::enable_schema(call, options, data),
        Op::DisableSystemSchema => unity_catalog::disable_schema(call, data),
        Op::ListTables | Op::ListVolumes => storage::list_objects(call, options, data),
        Op::ListCatalogs => storage::list_catalogs(call, options, data),
        Op::ListSchemas => storage::list_schemas(call, options, data),
        Op::ListExternalLocations | Op::ListStorageCredentials | Op::ListServiceCredentials => {
            storage::list_securables(call, options, data)
        }
        Op::MetastoreSummary => unity_catalog::summary(call, data),
        Op::CurrentMetastoreAssignment => unity_catalog::assignment(call, data),
        Op::GetPermissions | Op::ListPrivilegeAssignments => grants::get(call, options, data),
        Op::GetEffectivePermissions | Op::ListEffectivePrivilegeAssignments => grants::effective(call, options, data),
        Op::UpdatePermissions => grants::update(call, data),
        Op::GetWorkspaceConf => workspace::get_conf(call, data),
        Op::SetWorkspaceConf => workspace::set_conf(call, data),
        Op::GetMe => workspace::me(call, data),
        _ => Err(ApiError::no_endpoint(&call.method, &call.path)),
    }
}

#!/usr/bin/env python3
"""Drives the official databricks-sdk against the simulator and checks what it decodes.

The sandbox starts the simulator with a metastore, a workspace attached to it, a workspace without
one, a group, a user and an account admin, with short pages (see ``--help``), and a bucket and role on
the AWS emulator that the delivery probe can use. Exits with 1 when an answer decodes wrongly.
"""

import argparse
import base64
import json
import logging
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk import errors
from databricks.sdk.service.billing import (
    CreateLogDeliveryConfigurationParams,
    DeliveryStatus,
    LogDeliveryConfigStatus,
    LogType,
    OutputFormat,
)
from databricks.sdk.service.catalog import CredentialPurpose, PermissionsChange, Privilege, SecurableType
from databricks.sdk.service.provisioning import CreateCredentialAwsCredentials, CreateCredentialStsRole, RootBucketInfo

SYSTEM_SCHEMA_STATES = {
    "AVAILABLE",
    "ENABLE_INITIALIZED",
    "ENABLE_COMPLETED",
    "DISABLE_INITIALIZED",
    "UNAVAILABLE",
    "MANAGED",
}


class Checks:
    def __init__(self):
        self.passed = 0
        self.failed = []

    def that(self, name, condition, seen=None):
        if condition:
            self.passed += 1
        else:
            self.failed.append(name)
            print(f"FAILED {name}: {seen!r}")

    def equal(self, name, seen, wanted):
        self.that(name, seen == wanted, (seen, "wanted", wanted))

    def raises(self, name, kind, text, call, code=None):
        """The call fails with exactly this class, a message with this text and this error code."""
        try:
            result = call()
        except errors.DatabricksError as error:
            right = type(error) is kind and text in str(error) and code in (None, error.error_code)
            self.that(name, right, (type(error).__name__, error.error_code, str(error)))
        else:
            self.that(name, False, ("no error", result))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("account_id")
    parser.add_argument("client_id")
    parser.add_argument("client_secret")
    parser.add_argument("--bucket", required=True, help="bucket that the role may write to under --prefix")
    parser.add_argument("--role-arn", required=True, help="delivery role with the right trust and policy")
    parser.add_argument("--prefix", default="audit")
    parser.add_argument("--workspace", type=int, default=1111, help="workspace with a metastore")
    parser.add_argument("--bare-workspace", type=int, default=2222, help="workspace without a metastore")
    parser.add_argument("--group", default="security")
    parser.add_argument("--user", default="ada@example.com")
    parser.add_argument("--personal-token", default="dapi-sandbox-admin")
    parser.add_argument("--reader", nargs=2, metavar=("ID", "SECRET"))
    parser.add_argument("--unprivileged", nargs=2, metavar=("ID", "SECRET"))
    return parser.parse_args()


def raw(url, method="GET", headers=None, body=None):
    """A request without the SDK: status, headers, text."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def oauth(checks, given):
    account, url = given.account_id, given.url
    status, _, text = raw(f"{url}/.well-known/databricks-config")
    metadata = json.loads(text)
    checks.equal("host metadata status", status, 200)
    checks.equal("host metadata endpoint", metadata["oidc_endpoint"], f"{url}/oidc/accounts/{{account_id}}")
    checks.equal("host metadata cloud", metadata["cloud"], "AWS")
    for base in (f"{url}/oidc/accounts/{account}", f"{url}/oidc"):
        _, _, text = raw(f"{base}/.well-known/oauth-authorization-server")
        checks.equal(f"token endpoint of {base}", json.loads(text)["token_endpoint"], f"{base}/v1/token")

    def token(base, secret, grant="client_credentials", headers=None, scope="all-apis"):
        basic = base64.b64encode(f"{given.client_id}:{secret}".encode()).decode()
        form = urllib.parse.urlencode({"grant_type": grant, "scope": scope}).encode()
        all_headers = {
            "Authorization": f"Basic {basic}",
            "Content-Type": "application/x-www-form-urlencoded",
            **(headers or {}),
        }
        status, _, text = raw(f"{base}/v1/token", "POST", all_headers, form)
        return status, json.loads(text)

    account_oidc, workspace_oidc = f"{url}/oidc/accounts/{account}", f"{url}/oidc"
    status, answer = token(account_oidc, given.client_secret)
    checks.equal("token status", status, 200)
    checks.equal("token type", answer["token_type"], "Bearer")
    checks.that("token lifetime", answer["expires_in"] > 0, answer)
    status, answer = token(account_oidc, "wrong")
    checks.equal("wrong secret", (status, answer["error"]), (401, "invalid_client"))
    status, answer = token(account_oidc, given.client_secret, grant="password")
    checks.equal("wrong grant", (status, answer["error"]), (400, "unsupported_grant_type"))
    status, answer = token(account_oidc, given.client_secret, scope="none")
    checks.equal("wrong scope", (status, answer["error"]), (400, "invalid_scope"))
    status, answer = token(f"{url}/oidc/accounts/{uuid.uuid4()}", given.client_secret)
    checks.equal("foreign account", status, 400)

    here = {"X-Databricks-Workspace-Id": str(given.workspace)}
    status, answer = token(workspace_oidc, given.client_secret, headers=here)
    checks.equal("workspace token status", status, 200)
    bearer = {"Authorization": f"Bearer {answer['access_token']}"}
    me = f"{url}/api/2.0/preview/scim/v2/Me"
    checks.equal("workspace token at its workspace", raw(me, headers={**bearer, **here})[0], 200)
    there = {"X-Databricks-Workspace-Id": str(given.bare_workspace)}
    checks.equal("workspace token elsewhere", raw(me, headers={**bearer, **there})[0], 401)
    credentials = f"{url}/api/2.0/accounts/{account}/credentials"
    checks.equal("workspace token at the account", raw(credentials, headers=bearer)[0], 401)
    checks.equal("no token", raw(credentials)[0], 401)
    checks.equal("unknown token", raw(credentials, headers={"Authorization": "Bearer x"})[0], 401)
    personal = {"Authorization": f"Bearer {given.personal_token}"}
    checks.equal("personal token at a workspace", raw(me, headers={**personal, **here})[0], 200)
    checks.equal("personal token at the account", raw(credentials, headers=personal)[0], 401)
    status, headers, text = raw(f"{url}/api/2.1/unity-catalog/metastore_summary", headers=bearer)
    html = status == 200 and headers["Content-Type"].startswith("text/html") and "<title>" in text
    checks.that("catalog call at the account host", html, (status, text[:80]))
    try:
        AccountClient(host=url, account_id=account, client_id=given.client_id, client_secret="wrong").credentials.list()
    except ValueError as error:
        checks.that("SDK shows invalid_client", "invalid_client" in str(error), str(error))
    else:
        checks.that("SDK shows invalid_client", False)
    refused = AccountClient(host=url, account_id=account, token="nonsense")
    checks.raises("SDK 401", errors.Unauthenticated, "Token", refused.credentials.list)


def provisioning(checks, given, account):
    marker = uuid.uuid4().hex[:8]
    role = CreateCredentialAwsCredentials(sts_role=CreateCredentialStsRole(role_arn=given.role_arn))
    name = f"sdk-check-{marker}"
    created = account.credentials.create(name, role)
    checks.equal("credential name", created.credentials_name, name)
    checks.equal("credential account", created.account_id, given.account_id)
    checks.equal("credential role", created.aws_credentials.sts_role.role_arn, given.role_arn)
    checks.that("credential time in ms", created.creation_time > 1_500_000_000_000, created.creation_time)
    checks.equal("credential get", account.credentials.get(created.credentials_id).credentials_name, name)
    listed = [one.credentials_id for one in account.credentials.list()]
    checks.that("credential list", created.credentials_id in listed, listed)
    checks.raises(
        "credential name twice",
        errors.InvalidParameterValue,
        f"Credential configuration name {name} already exists in this account. Try again with a unique name.",
        lambda: account.credentials.create(name, role),
    )
    bad = CreateCredentialAwsCredentials(sts_role=CreateCredentialStsRole(role_arn="no-arn"))
    checks.raises(
        "credential bad role",
        errors.BadRequest,
        "Failed credential validation checks",
        lambda: account.credentials.create(f"{name}-bad", bad),
        code="MALFORMED_REQUEST",
    )
    checks.raises(
        "credential missing",
        errors.ResourceDoesNotExist,
        "does not exist",
        lambda: account.credentials.get(str(uuid.uuid4())),
    )
    spare = account.credentials.create(f"{name}-spare", role)
    deleted = account.credentials.delete(spare.credentials_id)
    checks.equal("credential deleted object", deleted.credentials_id, spare.credentials_id)
    checks.raises(
        "credential gone",
        errors.ResourceDoesNotExist,
        "does not exist",
        lambda: account.credentials.get(spare.credentials_id),
    )

    bucket = RootBucketInfo(bucket_name=given.bucket)
    storage = account.storage.create(name, bucket)
    checks.equal("storage bucket", storage.root_bucket_info.bucket_name, given.bucket)
    checks.equal("storage name", storage.storage_configuration_name, name)
    checks.equal("storage role absent", storage.role_arn, None)
    again = account.storage.get(storage.storage_configuration_id)
    checks.equal("storage get", again, storage)
    listed = [one.storage_configuration_id for one in account.storage.list()]
    checks.that("storage list", storage.storage_configuration_id in listed, listed)
    checks.raises(
        "storage name twice",
        errors.InvalidParameterValue,
        "already exists",
        lambda: account.storage.create(name, bucket),
    )
    spare = account.storage.create(f"{name}-spare", bucket, role_arn=given.role_arn)
    checks.equal("storage role", spare.role_arn, given.role_arn)
    checks.equal(
        "storage deleted object",
        account.storage.delete(spare.storage_configuration_id).storage_configuration_id,
        spare.storage_configuration_id,
    )
    checks.raises(
        "storage gone",
        errors.ResourceDoesNotExist,
        "does not exist",
        lambda: account.storage.delete(spare.storage_configuration_id),
    )

    workspaces = {one.workspace_id: one for one in account.workspaces.list()}
    checks.that("workspaces", {given.workspace, given.bare_workspace} <= set(workspaces), list(workspaces))
    one = account.workspaces.get(given.workspace)
    checks.equal("workspace id", one.workspace_id, given.workspace)
    checks.equal("workspace status", one.workspace_status.value, "RUNNING")
    checks.that("workspace region", bool(one.aws_region), one)
    checks.raises(
        "workspace missing", errors.ResourceDoesNotExist, "does not exist", lambda: account.workspaces.get(99)
    )
    return created.credentials_id, storage.storage_configuration_id


def log_delivery(checks, given, account, credentials_id, storage_id):
    def params(**changes):
        values = dict(
            log_type=LogType.AUDIT_LOGS,
            output_format=OutputFormat.JSON,
            credentials_id=credentials_id,
            storage_configuration_id=storage_id,
            delivery_path_prefix=given.prefix,
            status=LogDeliveryConfigStatus.ENABLED,
            config_name="sdk check",
        )
        return CreateLogDeliveryConfigurationParams(**{**values, **changes})

    api = account.log_delivery
    enabled, disabled = LogDeliveryConfigStatus.ENABLED, LogDeliveryConfigStatus.DISABLED
    before = {one.config_id for one in api.list()}
    created = api.create(params()).log_delivery_configuration
    checks.equal("config account", created.account_id, given.account_id)
    checks.equal("config type", (created.log_type, created.output_format), (LogType.AUDIT_LOGS, OutputFormat.JSON))
    checks.equal("config prefix", created.delivery_path_prefix, given.prefix)
    checks.equal("config status", created.status, enabled)
    checks.equal("config not tried", created.log_delivery_status.status, DeliveryStatus.CREATED)
    checks.that("config message", bool(created.log_delivery_status.message), created)
    checks.equal("config no attempt time", created.log_delivery_status.last_attempt_time, None)
    checks.that("config times in ms", created.creation_time == created.update_time > 1_500_000_000_000, created)
    checks.equal("config without filter", created.workspace_ids_filter, None)

    states = []
    for _ in range(40):
        seen = api.get(created.config_id).log_delivery_configuration
        states.append(seen.log_delivery_status.status)
        if states[-1] is DeliveryStatus.SUCCEEDED:
            break
        time.sleep(0.05)
    checks.equal("first read still CREATED", states[0], DeliveryStatus.CREATED)
    checks.equal("delivery succeeds", states[-1], DeliveryStatus.SUCCEEDED)
    times = seen.log_delivery_status
    checks.that("attempt time is UTC text", str(times.last_attempt_time).endswith("Z"), times)
    checks.equal("success time", times.last_successful_attempt_time, times.last_attempt_time)

    filtered = api.create(params(workspace_ids_filter=[given.workspace])).log_delivery_configuration
    checks.equal("config filter", filtered.workspace_ids_filter, [given.workspace])
    off = api.create(params(status=disabled, config_name="")).log_delivery_configuration
    checks.equal("config created disabled", off.status, disabled)
    mine = {created.config_id, filtered.config_id, off.config_id}
    listed = list(api.list())
    checks.equal("list pages through all", {one.config_id for one in listed}, before | mine)
    checks.equal("list shows none twice", len(listed), len(before | mine))

    def ids(**query):
        return {one.config_id for one in api.list(**query)}

    checks.that(
        "list by status", off.config_id in ids(status=disabled) and not mine & ids(status=disabled) - {off.config_id}
    )
    checks.equal("list by credential", ids(credentials_id=credentials_id), mine)
    checks.equal("list by storage", ids(storage_configuration_id=storage_id), mine)
    checks.equal("list by unknown", ids(credentials_id=str(uuid.uuid4())), set())

    checks.equal("PATCH off", api.patch_status(created.config_id, disabled), None)
    checks.equal("PATCH off shows", api.get(created.config_id).log_delivery_configuration.status, disabled)
    checks.equal("PATCH on", api.patch_status(created.config_id, enabled), None)
    checks.equal("PATCH on shows", api.get(created.config_id).log_delivery_configuration.status, enabled)

    invalid = errors.InvalidParameterValue
    room = 2 - sum(1 for one in api.list(status=enabled) if not one.workspace_ids_filter)
    extra = [api.create(params()).log_delivery_configuration.config_id for _ in range(room)]
    checks.raises("account limit", invalid, "at most 2", lambda: api.create(params()))
    checks.raises("account limit on re-enable", invalid, "at most 2", lambda: api.patch_status(off.config_id, enabled))
    second = api.create(params(workspace_ids_filter=[given.workspace, given.bare_workspace]))
    checks.raises(
        "workspace limit", invalid, "at most 2", lambda: api.create(params(workspace_ids_filter=[given.workspace]))
    )
    for one in [*extra, second.log_delivery_configuration.config_id, created.config_id]:
        api.patch_status(one, disabled)

    for prefix in ("/audit", "audit/", "/"):
        checks.raises(
            f"prefix {prefix}", invalid, "slash", lambda prefix=prefix: api.create(params(delivery_path_prefix=prefix))
        )
    checks.raises("wrong format", invalid, "JSON", lambda: api.create(params(output_format=OutputFormat.CSV)))
    checks.raises(
        "unknown credential", invalid, "does not exist", lambda: api.create(params(credentials_id=str(uuid.uuid4())))
    )
    checks.raises(
        "unknown storage",
        invalid,
        "does not exist",
        lambda: api.create(params(storage_configuration_id=str(uuid.uuid4()))),
    )
    checks.raises("long name", invalid, "255", lambda: api.create(params(config_name="x" * 256)))
    checks.raises(
        "start time of audit logs", invalid, "BILLABLE_USAGE", lambda: api.create(params(delivery_start_time="2024-01"))
    )
    count = len(list(api.list()))
    checks.raises(
        "probe refused",
        invalid,
        f"Failed to perform putObject operations on s3Bucket:{given.bucket} with "
        f"deliveryPathPrefix:not-{given.prefix} with the IAM Role:{given.role_arn} provided.",
        lambda: api.create(params(delivery_path_prefix=f"not-{given.prefix}")),
    )
    checks.equal("refused create leaves nothing", len(list(api.list())), count)
    missing = errors.ResourceDoesNotExist
    checks.raises("config missing", missing, "does not exist", lambda: api.get(str(uuid.uuid4())))
    checks.raises("PATCH missing", missing, "does not exist", lambda: api.patch_status(str(uuid.uuid4()), enabled))
    path = f"/api/2.0/accounts/{given.account_id}/log-delivery/{created.config_id}"
    checks.raises(
        "no DELETE",
        errors.NotFound,
        "No API found for 'DELETE",
        lambda: account.api_client.do("DELETE", path),
        code="ENDPOINT_NOT_FOUND",
    )
    checks.raises(
        "PATCH of the prefix",
        invalid,
        "Only status",
        lambda: account.api_client.do("PATCH", path, body={"delivery_path_prefix": "x"}),
    )
    usage = params(
        log_type=LogType.BILLABLE_USAGE, output_format=OutputFormat.CSV, delivery_start_time="2024-01", status=disabled
    )
    seen = api.create(usage).log_delivery_configuration
    checks.equal("usage start", (seen.output_format, seen.delivery_start_time), (OutputFormat.CSV, "2024-01"))

    role = CreateCredentialAwsCredentials(sts_role=CreateCredentialStsRole(role_arn=given.role_arn + "-missing"))
    wrong = account.credentials.create(f"sdk-check-missing-{uuid.uuid4().hex[:8]}", role).credentials_id
    checks.raises(
        "probe without role", invalid, "Failed to perform putObject", lambda: api.create(params(credentials_id=wrong))
    )
    dangling = account.credentials.create(
        f"sdk-check-dangling-{uuid.uuid4().hex[:8]}",
        CreateCredentialAwsCredentials(sts_role=CreateCredentialStsRole(role_arn=given.role_arn)),
    )
    victim = api.create(params(credentials_id=dangling.credentials_id)).log_delivery_configuration.config_id
    account.credentials.delete(dangling.credentials_id)
    api.get(victim)
    seen = api.get(victim).log_delivery_configuration
    checks.equal("dangling credential", seen.log_delivery_status.status, DeliveryStatus.USER_FAILURE)
    checks.equal("failure without success", seen.log_delivery_status.last_successful_attempt_time, None)
    api.patch_status(victim, disabled)
    api.patch_status(filtered.config_id, disabled)


def metastores_and_scim(checks, given, account):
    found = list(account.metastores.list())
    checks.that("metastores", len(found) >= 1, found)
    assigned = account.metastore_assignments.get(given.workspace).metastore_assignment
    info = account.metastores.get(assigned.metastore_id).metastore_info
    checks.equal("metastore id", info.metastore_id, assigned.metastore_id)
    checks.that("metastore owner and region", bool(info.owner and info.region), info)
    checks.that("metastore in list", info in found, info)
    ids = list(account.metastore_assignments.list(assigned.metastore_id))
    checks.that("metastore workspaces", given.workspace in ids and given.bare_workspace not in ids, ids)
    checks.raises(
        "no assignment",
        errors.ResourceDoesNotExist,
        "No metastore assigned",
        lambda: account.metastore_assignments.get(given.bare_workspace),
    )
    checks.raises(
        "metastore missing", errors.NotFound, "does not exist", lambda: account.metastores.get(str(uuid.uuid4()))
    )

    group = next(iter(account.groups.list(filter=f'displayName eq "{given.group}"')))
    checks.equal("group name", group.display_name, given.group)
    checks.that("group list hides members", not group.members, group.members)
    members = account.groups.get(group.id).members
    checks.that("group members", bool(members) and bool(members[0].value), members)
    user = next(iter(account.users.list(filter=f'userName eq "{given.user}"')))
    checks.equal("user name", user.user_name, given.user)
    checks.equal("user admin", [role.value for role in user.roles], ["account_admin"])
    checks.equal("user get", account.users.get(user.id).user_name, given.user)
    service = next(iter(account.service_principals.list(filter=f'applicationId eq "{given.client_id}"')))
    checks.equal("service principal", service.application_id, given.client_id)
    checks.equal("service principal get", account.service_principals.get(service.id).id, service.id)
    everyone = list(account.service_principals.list())
    paged = list(account.service_principals.list(count=1))
    checks.equal("SCIM pages", [one.id for one in paged], [one.id for one in everyone])
    checks.equal("SCIM empty", list(account.users.list(filter='userName eq "nobody"')), [])
    checks.raises("SCIM missing", errors.NotFound, "not found", lambda: account.groups.get("1"), code="SCIM_404")
    return assigned.metastore_id


def workspace_calls(checks, given, metastore_id):
    def client(workspace_id, **credentials):
        credentials = credentials or dict(client_id=given.client_id, client_secret=given.client_secret)
        return WorkspaceClient(
            host=given.url, account_id=given.account_id, workspace_id=str(workspace_id), **credentials
        )

    workspace, bare = client(given.workspace), client(given.bare_workspace)
    me = workspace.current_user.me()
    checks.equal("Me", me.user_name, given.client_id)
    checks.equal("Me groups", [group.display for group in me.groups or []], ["metastore-admins"])
    personal = client(given.workspace, token=given.personal_token)
    checks.equal("Me by personal token", personal.current_user.me().user_name, given.client_id)
    checks.equal("summary", workspace.metastores.summary().metastore_id, metastore_id)
    current = workspace.metastores.current()
    checks.equal("assignment", (current.workspace_id, current.metastore_id), (given.workspace, metastore_id))
    checks.raises("no metastore", errors.NotFound, "No metastore assigned", bare.metastores.summary)
    checks.raises("unknown workspace", errors.ResourceDoesNotExist, "does not exist", client(987).current_user.me)

    def schemas():
        return {one.schema: one.state for one in workspace.system_schemas.list(metastore_id)}

    first = schemas()
    checks.that("schemas page through", {"access", "billing", "information_schema"} <= set(first), first)
    checks.that("schema states", set(first.values()) <= SYSTEM_SCHEMA_STATES, first)
    checks.equal("schema available", first["access"], "AVAILABLE")
    checks.raises(
        "tables before enable",
        errors.NotFound,
        "does not exist",
        lambda: list(workspace.tables.list("system", "access")),
        code="SCHEMA_DOES_NOT_EXIST",
    )
    checks.raises(
        "grants before enable",
        errors.NotFound,
        "does not exist",
        lambda: workspace.grants.get("schema", "system.access"),
    )
    checks.equal("schema enable", workspace.system_schemas.enable(metastore_id, "access"), None)
    states = [schemas()["access"] for _ in range(3)]
    checks.equal("schema states in order", states, ["ENABLE_INITIALIZED", "ENABLE_COMPLETED", "ENABLE_COMPLETED"])
    checks.raises(
        "schema enabled already",
        errors.BadRequest,
        "schema already exists",
        lambda: workspace.system_schemas.enable(metastore_id, "access"),
    )
    checks.raises(
        "schema managed",
        errors.InvalidParameterValue,
        "billing system schema can only be enabled by Databricks",
        lambda: workspace.system_schemas.enable(metastore_id, "billing"),
    )
    checks.raises(
        "schema managed off",
        errors.InvalidParameterValue,
        "billing system schema can only be disabled by Databricks",
        lambda: workspace.system_schemas.disable(metastore_id, "billing"),
    )
    checks.raises(
        "schema unknown",
        errors.NotFound,
        "does not exist",
        lambda: workspace.system_schemas.enable(metastore_id, "nonsense"),
    )
    checks.raises(
        "schema of another metastore",
        errors.PermissionDenied,
        "not assigned",
        lambda: list(workspace.system_schemas.list(str(uuid.uuid4()))),
    )
    tables = {one.full_name for one in workspace.tables.list("system", "access")}
    checks.that("tables", {"system.access.audit", "system.access.table_lineage"} <= tables, tables)
    grants(checks, given, workspace)
    checks.equal("schema disable", workspace.system_schemas.disable(metastore_id, "access"), None)
    checks.equal("schema disabled", schemas()["access"], "AVAILABLE")

    storage_securables(checks, given, workspace)
    stored_objects(checks, given, workspace)

    key = "enableVerboseAuditLogs"
    checks.equal("conf unset", workspace.workspace_conf.get_status(key), {key: None})
    checks.equal("conf set", workspace.workspace_conf.set_status({key: "true"}), None)
    both = f"{key},enableIpAccessLists"
    checks.equal("conf get", workspace.workspace_conf.get_status(both), {key: "true", "enableIpAccessLists": None})
    checks.equal("conf of another workspace", bare.workspace_conf.get_status(key), {key: None})
    checks.raises(
        "conf key", errors.BadRequest, 'Invalid keys: ["nope"]', lambda: workspace.workspace_conf.get_status("nope")
    )
    checks.raises(
        "conf key set",
        errors.BadRequest,
        'Invalid keys: ["nope"]',
        lambda: workspace.workspace_conf.set_status({"nope": "true"}),
    )
    checks.raises(
        "conf value",
        errors.BadRequest,
        "Some values are not allowed:",
        lambda: workspace.workspace_conf.set_status({key: "maybe"}),
    )
    checks.raises(
        "conf boolean", errors.BadRequest, "must be a string", lambda: workspace.workspace_conf.set_status({key: True})
    )
    workspace.workspace_conf.set_status({key: "false"})
    return client


def storage_securables(checks, given, workspace):
    """Seeded ones decode; the raw answer without any is ``{}``."""
    for api, path in (
        (workspace.external_locations, "external-locations"),
        (workspace.storage_credentials, "storage-credentials"),
    ):
        found = list(api.list(include_unbound=True, max_results=0))
        legacy = workspace.api_client.do(
            "GET", f"/api/2.1/unity-catalog/{path}", headers={"X-Databricks-Workspace-Id": str(given.workspace)}
        )
        checks.equal(f"{path} unpaged", len(legacy.get(path.replace("-", "_"), [])), len(found))
        checks.that(f"{path} empty or listed", bool(found) == bool(legacy), legacy)
        names = [one.name for one in found]
        checks.that(f"{path} names", all(names) and len(set(names)) == len(names), names)
        checks.that(f"{path} owners", all(one.owner for one in found), found)
        checks.that(f"{path} isolation", all(one.isolation_mode for one in found), found)
        for one in found:
            if path == "external-locations":
                checks.that(f"location {one.name}", bool(one.url and one.credential_name), one)
                checks.that(f"location {one.name} fallback", one.fallback is not None, one)
            else:
                checks.that(f"credential {one.name}", one.aws_iam_role.role_arn.startswith("arn:aws:iam::"), one)


def stored_objects(checks, given, workspace):
    """Seeded by tests/it/simulator.rs: what Unity Catalog keeps in storage, as the SDK decodes it."""
    locations = {one.name: one for one in workspace.external_locations.list(include_browse=True, max_results=0)}
    checks.equal("locations with stubs", sorted(locations), ["logs", "other", "stub"])
    checks.equal("location url", locations["logs"].url, f"s3://{given.bucket}/audit")
    checks.equal("location stub", (locations["stub"].browse_only, locations["stub"].url), (True, None))
    plain = [one.name for one in workspace.external_locations.list(max_results=0)]
    checks.equal("locations without stubs", plain, ["logs", "other"])
    service = list(workspace.credentials.list_credentials(purpose=CredentialPurpose.SERVICE, max_results=0))
    checks.equal("service credentials", [one.name for one in service], ["code"])
    checks.equal("service credential purpose", service[0].purpose, CredentialPurpose.SERVICE)
    checks.that("service credential role", service[0].aws_iam_role.role_arn.endswith(":role/code"), service[0])
    both = list(workspace.credentials.list_credentials(max_results=0))
    checks.equal("credentials of both purposes", sorted(one.name for one in both), ["code", "uc"])

    catalogs = {one.name: one for one in workspace.catalogs.list(include_unbound=True, max_results=0)}
    checks.equal("catalogs", sorted(catalogs), ["elsewhere", "main", "system"])
    checks.equal("catalog root", catalogs["main"].storage_root, f"s3://{given.bucket}/managed")
    checks.equal("catalog owner", catalogs["main"].owner, "owner@example.com")
    bound = [one.name for one in workspace.catalogs.list(max_results=0)]
    checks.that("unbound catalog hidden", "elsewhere" not in bound and "main" in bound, bound)
    schemas = {one.full_name: one for one in workspace.schemas.list("main", max_results=0)}
    checks.equal("schemas", sorted(schemas), ["main.a", "main.b", "main.c"])
    checks.equal("schema names", (schemas["main.b"].name, schemas["main.b"].catalog_name), ("b", "main"))
    checks.that("system schemas", "system.billing" in {one.full_name for one in workspace.schemas.list("system")})
    volumes = list(workspace.volumes.list("main", "a", max_results=0))
    checks.equal("volumes", [one.full_name for one in volumes], ["main.a.logs"])
    checks.equal("volume location", volumes[0].storage_location, f"s3://{given.bucket}/audit/volume")
    checks.equal("volume parents", (volumes[0].catalog_name, volumes[0].schema_name), ("main", "a"))
    tables = list(workspace.tables.list("main", "a", omit_columns=True, omit_properties=True, max_results=0))
    checks.equal("tables", sorted(one.full_name for one in tables), ["main.a.t1", "main.a.t2", "main.a.t3"])
    checks.equal("table location", tables[0].storage_location, f"s3a://{given.bucket}/audit/t1")
    checks.equal("no volumes", list(workspace.volumes.list("main", "b", max_results=0)), [])
    for name, call in (
        ("catalog", lambda: list(workspace.schemas.list("nope", max_results=0))),
        ("schema", lambda: list(workspace.tables.list("main", "nope", max_results=0))),
    ):
        checks.raises(f"unknown {name}", errors.NotFound, "does not exist", call, f"{name.upper()}_DOES_NOT_EXIST")

    for kind, name in (
        ("external_location", "logs"),
        ("storage_credential", "uc"),
        ("credential", "code"),
        ("catalog", "main"),
        ("schema", "main.a"),
        ("volume", "main.a.logs"),
        ("table", "main.a.t1"),
        ("metastore", workspace.metastores.summary().metastore_id),
    ):
        change = PermissionsChange(principal=given.group, add=[Privilege.MANAGE])
        workspace.grants.update(kind, name, changes=[change])
        held = [(one.principal, one.privileges) for one in workspace.grants.list(kind, name)]
        checks.equal(f"grant on {kind}", held, [(given.group, [Privilege.MANAGE])])
        workspace.grants.update(kind, name, changes=[PermissionsChange(principal=given.group, remove=[Privilege.MANAGE])])


def grants(checks, given, workspace):
    api, schema, table = workspace.grants, ("schema", "system.access"), ("table", "system.access.audit")
    wanted = {Privilege.USE_SCHEMA, Privilege.SELECT}
    change = PermissionsChange(principal=given.group, add=[Privilege.USE_SCHEMA, Privilege.SELECT])
    answer = api.update(*schema, changes=[change])
    held = {one.principal: set(one.privileges) for one in answer.privilege_assignments}
    checks.equal("grant answer", held, {given.group: wanted})
    user = PermissionsChange(principal=given.user, add=[Privilege.SELECT])
    answer = api.update(*table, changes=[user], omit_permissions_in_response=True)
    checks.that("grant answer omitted", not answer.privilege_assignments, answer)
    service = PermissionsChange(principal=given.client_id, add=[Privilege.USE_SCHEMA])
    everyone = PermissionsChange(principal="account users", add=[Privilege.USE_SCHEMA])
    api.update(*schema, changes=[service, everyone])
    principals = {given.group, given.client_id, "account users"}
    unpaged = api.get(*schema)
    checks.equal("grants unpaged", {one.principal for one in unpaged.privilege_assignments}, principals)
    checks.equal("grants unpaged token", unpaged.next_page_token, None)
    pages, token, seen = 0, None, []
    while True:
        page = api.get(*schema, max_results=0, page_token=token)
        pages, token = pages + 1, page.next_page_token
        seen += [one.principal for one in page.privilege_assignments or []]
        if not token:
            break
    checks.equal("grants paged", sorted(seen), sorted(principals))
    checks.that("grants in several pages", pages > 1, pages)
    checks.equal("grants listed", {one.principal for one in api.list(*schema)}, principals)
    one = api.get(*schema, principal=given.group).privilege_assignments
    checks.equal("grants of one", [(two.principal, set(two.privileges)) for two in one], [(given.group, wanted)])
    for size in (-1, 1, 149):
        checks.raises(
            f"page of {size}",
            errors.InvalidParameterValue,
            "max_results",
            lambda size=size: api.get(*schema, max_results=size),
        )
    checks.that("page of 150", api.get(*schema, max_results=150) is not None)
    checks.raises(
        "page token",
        errors.InvalidParameterValue,
        "page token",
        lambda: api.get(*schema, max_results=0, page_token="x"),
    )

    def inherited(listed):
        return {
            (one.principal, two.privilege, two.inherited_from_type, two.inherited_from_name)
            for one in listed
            for two in one.privileges
        }

    effective = inherited(api.get_effective(*table).privilege_assignments)
    checks.that("effective own", (given.user, Privilege.SELECT, None, None) in effective, effective)
    below = (given.group, Privilege.SELECT, SecurableType.SCHEMA, "system.access")
    checks.that("effective from schema", below in effective, effective)
    above = ("account users", Privilege.USE_CATALOG, SecurableType.CATALOG, "system")
    checks.that("effective from catalog", above in effective, effective)
    checks.equal("effective listed", inherited(api.list_effective(*table)), effective)
    api.update("catalog", "system", changes=[PermissionsChange(principal=given.user, add=[Privilege.USE_SCHEMA])])
    effective = inherited(api.get_effective(*schema).privilege_assignments)
    checks.that(
        "USE SCHEMA on the system catalog has no effect",
        not any(one[0] == given.user and one[1] is Privilege.USE_SCHEMA for one in effective),
        effective,
    )
    checks.raises(
        "workspace-local group",
        errors.NotFound,
        "Could not find principal with name admins",
        lambda: api.update(*schema, changes=[PermissionsChange(principal="admins", add=[Privilege.SELECT])]),
        code="PRINCIPAL_DOES_NOT_EXIST",
    )
    checks.raises("unknown table", errors.NotFound, "does not exist", lambda: api.get("table", "system.access.nope"))
    checks.raises(
        "unknown type", errors.InvalidParameterValue, "not a valid securable type", lambda: api.get("thing", "x")
    )
    gone = [PermissionsChange(principal=name, remove=[Privilege.USE_SCHEMA, Privilege.SELECT]) for name in principals]
    answer = api.update(*schema, changes=gone)
    checks.that("grants removed", not answer.privilege_assignments, answer)
    api.update(*table, changes=[PermissionsChange(principal=given.user, remove=[Privilege.SELECT])])
    checks.that("grants empty", not api.get(*table).privilege_assignments)


def permissions(checks, given, client, metastore_id):
    def account(pair):
        return AccountClient(host=given.url, account_id=given.account_id, client_id=pair[0], client_secret=pair[1])

    role = CreateCredentialAwsCredentials(sts_role=CreateCredentialStsRole(role_arn=given.role_arn))
    denied = errors.PermissionDenied
    if given.reader:
        reader = account(given.reader)
        checks.that("reader reads", len(reader.credentials.list()) > 0)
        checks.raises(
            "reader writes", denied, "account admin", lambda: reader.credentials.create("x", role), "PERMISSION_DENIED"
        )
        workspace = client(given.workspace, client_id=given.reader[0], client_secret=given.reader[1])
        checks.raises(
            "reader sets conf",
            denied,
            "permission",
            lambda: workspace.workspace_conf.set_status({"enableVerboseAuditLogs": "true"}),
        )
    if given.unprivileged:
        nobody = account(given.unprivileged)
        checks.raises(
            "unprivileged lists", denied, "account admin", lambda: list(nobody.log_delivery.list()), "PERMISSION_DENIED"
        )
        pair = dict(client_id=given.unprivileged[0], client_secret=given.unprivileged[1])
        workspace = client(given.workspace, **pair)
        checks.equal("unprivileged Me", workspace.current_user.me().user_name, given.unprivileged[0])
        checks.equal("unprivileged sees no locations", list(workspace.external_locations.list()), [])
        checks.raises(
            "unprivileged schemas", denied, "permission", lambda: list(workspace.system_schemas.list(metastore_id))
        )


def main():
    given = arguments()
    logging.getLogger("databricks.sdk").setLevel(logging.ERROR)
    checks = Checks()
    account = AccountClient(
        host=given.url, account_id=given.account_id, client_id=given.client_id, client_secret=given.client_secret
    )
    oauth(checks, given)
    credentials_id, storage_id = provisioning(checks, given, account)
    log_delivery(checks, given, account, credentials_id, storage_id)
    metastore_id = metastores_and_scim(checks, given, account)
    client = workspace_calls(checks, given, metastore_id)
    permissions(checks, given, client, metastore_id)
    print(f"databricks-sdk: {checks.passed} checks passed, {len(checks.failed)} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())

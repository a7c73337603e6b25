"""What an inventory of access reads, where MiniStack 1.5.33 leaves something out.

* GetAccountAuthorizationDetails: the permissions boundary of users and roles, and the attached
  policies that AWS manages (IAM API, UserDetail and RoleDetail: PermissionsBoundary; request
  filter AWSManagedPolicy).
* S3 Control ListAccessPoints: pages of the sandbox's size, opaque tokens.
* Organizations: an account is in no organization until CreateOrganization or
  InviteAccountToOrganization (which joins at once: nobody is there to accept); members see
  DescribeOrganization only, unless a PutResourcePolicy names them (delegated administrators); RCPFullAWSAccess and FullAWSAccess are attached to what is made
  (Organizations user guide, orgs_manage_policies_scps and _rcps); lists have pages.
"""

import base64
import json
from xml.etree import ElementTree

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json, get_account_id, get_region, request_scope
from ministack.services import iam, organizations, s3

import rules_listing

_NS = f"{{{rules_listing._IAM_NS}}}"


def _number(headers, name):
    text = headers.get(name, "")
    return int(text) if text.isdigit() else 0


# ---- IAM ---------------------------------------------------------------------------------------


def _install_authorization_details():
    original = iam._IAM_HANDLERS["GetAccountAuthorizationDetails"]

    def handler(params):
        answer = original(params)
        status, headers, body = answer
        if status != 200:
            return answer
        ElementTree.register_namespace("", rules_listing._IAM_NS)
        root = ElementTree.fromstring(body)
        result = root.find(f"{_NS}GetAccountAuthorizationDetailsResult")
        attached = set()
        for listed, name, store in (("UserDetailList", "UserName", iam._users), ("RoleDetailList", "RoleName", iam._roles),
                                    ("GroupDetailList", "GroupName", {})):
            for member in result.find(f"{_NS}{listed}"):
                attached.update(arn.text for arn in member.iter(f"{_NS}PolicyArn"))
                boundary = (store.get(member.findtext(f"{_NS}{name}")) or {}).get("PermissionsBoundary")
                if boundary:
                    element = ElementTree.SubElement(member, f"{_NS}PermissionsBoundary")
                    ElementTree.SubElement(element, f"{_NS}PermissionsBoundaryType").text = "Policy"
                    ElementTree.SubElement(element, f"{_NS}PermissionsBoundaryArn").text = boundary
        filters = {value for key in params if key.startswith("Filter.member.") for value in [iam._p(params, key)]}
        if not filters or "AWSManagedPolicy" in filters:
            for arn in sorted(arn for arn in attached if arn and arn.startswith("arn:aws:iam::aws:policy/")):
                _add_policy(result.find(f"{_NS}Policies"), arn)
        return status, headers, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)

    iam._IAM_HANDLERS["GetAccountAuthorizationDetails"] = handler


def _add_policy(policies, arn):
    record = iam._lookup_policy(arn)
    if not record:
        return
    version = record["Versions"][record.get("DefaultVersionId", "v1")]
    member = ElementTree.SubElement(policies, f"{_NS}member")
    for name in ("PolicyName", "PolicyId"):
        ElementTree.SubElement(member, f"{_NS}{name}").text = record[name]
    ElementTree.SubElement(member, f"{_NS}Arn").text = arn
    ElementTree.SubElement(member, f"{_NS}DefaultVersionId").text = version["VersionId"]
    listed = ElementTree.SubElement(ElementTree.SubElement(member, f"{_NS}PolicyVersionList"), f"{_NS}member")
    ElementTree.SubElement(listed, f"{_NS}Document").text = iam._url_quote(version["Document"], safe="")
    ElementTree.SubElement(listed, f"{_NS}VersionId").text = version["VersionId"]
    ElementTree.SubElement(listed, f"{_NS}IsDefaultVersion").text = "true"


# ---- S3 Control --------------------------------------------------------------------------------


def _token(offset):
    return base64.b64encode(f"sandbox:{offset}+/".encode()).decode()


def _offset(token):
    if not token:
        return 0
    try:
        return int(base64.b64decode(token.encode()).decode().removeprefix("sandbox:").removesuffix("+/"))
    except ValueError:
        return None


def _install_access_points():
    control = app._handle_s3_control_request
    listed = s3._access_point_list

    async def handle(path, method, body, query_params, request_id, headers=None):
        rules_listing.page_size.set(_number(headers or {}, "x-sandbox-page-size") or None)
        return await control(path, method, body, query_params, request_id, headers)

    def access_point_list(query_params):
        start = _offset(s3._qp(query_params, "nextToken", ""))
        if start is None:
            return s3.s3control_error("InvalidRequest", "Invalid token", 400)
        size = rules_listing._size(int(s3._qp(query_params, "maxResults", "1000")), 1000)
        asked = {"bucket": s3._qp(query_params, "bucket", ""), "nextToken": str(start), "maxResults": str(size)}
        status, headers, body = listed({name: [value] for name, value in asked.items()})
        plain, opaque = f"<NextToken>{start + size}<".encode(), f"<NextToken>{_token(start + size)}<".encode()
        return status, headers, body.replace(plain, opaque)

    app._handle_s3_control_request = handle
    s3._access_point_list = access_point_list


# ---- Organizations -----------------------------------------------------------------------------

# Account -> management account.
_members = {}
_RCP = "p-RCPFullAWSAccess"
_FOR_MEMBERS = {"DescribeOrganization"}
# Management account -> the delegation policy.
_delegations = {}


def _answer(body):
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode()


def _attach(policy, target):
    attached = list(organizations._attachments.get(policy) or [])
    if target not in attached:
        organizations._attachments[policy] = [*attached, target]


def _attach_full_access(target):
    _attach(organizations.FULL_ACCESS_POLICY_ID, target)
    if organizations._policies.get(_RCP):
        _attach(_RCP, target)


def _invite(payload):
    account = (payload.get("Target") or {}).get("Id", "")
    if account in _members:
        return error_response_json("AccountOwnerNotVerifiedException", f"{account} is in an organization", 400)
    _members[account] = get_account_id()
    organization = organizations._orgs["self"]
    organizations._accounts[account] = {
        "Id": account, "Arn": organization["MasterAccountArn"].rpartition("/")[0] + f"/{account}",
        "Name": account, "Status": "ACTIVE", "JoinedMethod": "INVITED", "Path": "/",
        "_ParentId": next(iter(organizations._roots.keys())),
    }
    _attach_full_access(account)
    return _answer({"Handshake": {"State": "ACCEPTED"}})


def _delegate(payload):
    _delegations[get_account_id()] = payload.get("Content", "")
    return _answer({"ResourcePolicy": {"Content": payload.get("Content", "")}})


def _enable_resource_control():
    root = next(iter(organizations._roots.keys()))
    if organizations._policies.get(_RCP):
        return
    organizations._policies[_RCP] = {
        "Id": _RCP, "Arn": f"arn:aws:organizations::aws:policy/resource_control_policy/{_RCP}",
        "Name": "RCPFullAWSAccess", "Description": "Allows access to every operation",
        "Type": "RESOURCE_CONTROL_POLICY", "AwsManaged": True,
        "_Content": json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}),
    }
    for target in [root, *organizations._ous.keys(), *organizations._accounts.keys()]:
        _attach(_RCP, target)


_PAGED = {"ListPoliciesForTarget": "Policies", "ListParents": "Parents", "ListRoots": "Roots"}


def _paged(operation, payload, answer):
    status, headers, body = answer
    field = _PAGED.get(operation)
    if status != 200 or field is None:
        return answer
    start = _offset(payload.get("NextToken"))
    if start is None:
        return error_response_json("InvalidInputException", "You provided invalid values for NextToken.", 400)
    listed = json.loads(body)
    size = rules_listing._size(payload.get("MaxResults"), 20)
    entries = listed[field]
    listed[field] = entries[start:start + size]
    if start + size < len(entries):
        listed["NextToken"] = _token(start + size)
    return _answer(listed)


def _serve_organization(operation, payload):
    dispatch = {**organizations._DISPATCH, "InviteAccountToOrganization": _invite, "PutResourcePolicy": _delegate}
    if operation not in dispatch:
        return error_response_json("InvalidAction", f"Operation '{operation}' not implemented", 400)
    answer = _paged(operation, payload, dispatch[operation](payload))
    if answer[0] == 200 and operation == "CreateOrganizationalUnit":
        _attach_full_access(json.loads(answer[2])["OrganizationalUnit"]["Id"])
    if answer[0] == 200 and operation == "EnablePolicyType" and payload.get("PolicyType") == "RESOURCE_CONTROL_POLICY":
        _enable_resource_control()
    return answer


def _install_organizations():
    async def handle(method, path, headers, body, query_params):
        rules_listing.page_size.set(_number(headers, "x-sandbox-page-size") or None)
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        payload = json.loads(body or b"{}")
        account = get_account_id()
        if operation == "CreateOrganization":
            if account in _members:
                return error_response_json("AlreadyInOrganizationException", "The account is in an organization.", 400)
            _members[account] = account
            return organizations._describe_organization(payload)
        management = _members.get(account)
        if management is None:
            return error_response_json("AWSOrganizationsNotInUseException",
                                       "Your account is not a member of an organization.", 400)
        delegated = account in _delegations.get(management, "") and operation.startswith(("Describe", "List"))
        if management != account and operation not in _FOR_MEMBERS and not delegated:
            return error_response_json("AccessDeniedException",
                                       "You don't have permissions to access this resource.", 400)
        with request_scope(management, get_region()):
            return _serve_organization(operation, payload)

    def principal_org_id(account):
        management = _members.get(account)
        organization = organizations._orgs.get_scoped(management, None, "self") if management else None
        return organization.get("Id") if organization else None

    app.SERVICE_HANDLERS["organizations"] = handle
    iam_evaluator._principal_org_id = principal_org_id


def install():
    _install_authorization_details()
    _install_access_points()
    _install_organizations()

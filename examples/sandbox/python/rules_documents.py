"""What AWS refuses and rewrites in policy documents; MiniStack 1.5.33 stores any text.

* Bucket policies (S3 user guide, bucket-policies and access-policy-language-overview; S3 API
  ErrorResponses MalformedPolicy, PolicyTooLarge): valid JSON, Principal required, principals must
  exist, s3 actions only, resources of this bucket only, every action must fit a resource, known
  condition operators, unique Sids, 20 KiB.
* Key policies (KMS API PutKeyPolicy, CreateKey): MalformedPolicyDocumentException, principals must
  exist, 32 KiB, and the lock-out safety check: the caller must keep kms:PutKeyPolicy.
* Trust policies (IAM API UpdateAssumeRolePolicy; IAM user guide, reference_policies_elements_principal
  and reference_iam-quotas): MalformedPolicyDocument, no Resource, 2,048 characters.
* Inline role policies (IAM user guide, reference_policies_grammar and reference_iam-quotas): no
  principal, vendor-prefixed actions, ARNs, 10,240 characters without white space in all.
* A 12-digit principal is stored as the account's root ARN; the principal of a deleted user or role
  turns into its unique id and never matches again (reference_policies_elements_principal).

A principal of another account is looked up only when that account has IAM entities here.
"""

import json
import re
from xml.sax.saxutils import escape

from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import iam, kms, s3

import rules_access

_ARN = re.compile(r"arn:aws(?:-[a-z-]+)?:(iam|sts)::(\d{12}):(root|user/.+|role/.+|assumed-role/.+|federated-user/.+)")
_UNIQUE_ID = re.compile(r"(AIDA|AROA|AGPA)[A-Z0-9]{12,}")
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?")
_FIELDS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
_PRINCIPAL_KINDS = {"AWS", "Service", "Federated", "CanonicalUser"}
_OPERATOR = re.compile(
    r"(ForAllValues:|ForAnyValue:)?("
    r"(String(Not)?(Equals|Like)|String(Not)?EqualsIgnoreCase|Arn(Not)?(Equals|Like)|(Not)?IpAddress|Bool|BinaryEquals|"
    r"(Numeric|Date)((Not)?Equals|LessThan|LessThanEquals|GreaterThan|GreaterThanEquals))(IfExists)?|Null)", re.I)
_OBJECT_ACTION = re.compile(
    r"s3:(Get|Put|Delete|Restore|Replicate|Initiate|Update)Object.*|s3:(AbortMultipartUpload|ListMultipartUploadParts|"
    r"BypassGovernanceRetention|Replicate(Delete|Tags)|ObjectOwnerOverrideToBucketOwner)", re.I)


class Refused(Exception):
    """Why a document is not accepted."""


def _listed(value):
    return value if isinstance(value, list) else [value]


def _strings(value, what):
    values = _listed(value)
    if not values or not all(isinstance(v, str) for v in values):
        raise Refused(f"Invalid policy syntax: {what}")
    return values


def _known_account(account):
    """Whether this emulator models the account's IAM: then an unknown principal of it is refused."""
    return account == get_account_id() or any(
        scope[0] == account for store in (iam._roles, iam._users) for scope in store._data)


def _check_principal(name):
    if name == "*" or re.fullmatch(r"\d{12}", name):
        return
    if _UNIQUE_ID.fullmatch(name):
        ids = {entity.get(field) for store, field in ((iam._roles, "RoleId"), (iam._users, "UserId"))
               for entity in store._data.values()}
        if name in ids:
            return
        raise Refused(f'Invalid principal in policy: "AWS":"{name}"')
    match = _ARN.fullmatch(name)
    if not match or "*" in name or "?" in name:
        raise Refused(f'Invalid principal in policy: "AWS":"{name}"')
    kind, account, resource = match.groups()
    if kind != "iam" or resource == "root" or not _known_account(account):
        return
    store = iam._roles if resource.startswith("role/") else iam._users
    entity = store.get_scoped(account, None, resource.rsplit("/", 1)[-1])
    if entity is None or entity["Arn"] != name or _not_yet_known(entity):
        raise Refused(f'Invalid principal in policy: "AWS":"{name}"')


def _not_yet_known(entity):
    """IAM is eventually consistent (IAM user guide, troubleshoot_general): other services may refuse
    a new role as unknown. x-sandbox-new-principal-refusals says how often they do."""
    left = entity.get("_sandbox_refusals", 0)
    entity["_sandbox_refusals"] = max(left - 1, 0)
    return left > 0


def _check_principals(principal):
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal or not set(principal) <= _PRINCIPAL_KINDS:
        raise Refused("Invalid principal in policy")
    for name in _strings(principal["AWS"], "Principal") if "AWS" in principal else []:
        _check_principal(name)
    for name in _strings(principal["Service"], "Principal") if "Service" in principal else []:
        if not _SERVICE.fullmatch(name):
            raise Refused(f'Invalid principal in policy: "SERVICE":"{name}"')


def _statements(text):
    """A document and its statements, after the checks that every kind of policy has."""
    try:
        document = json.loads(text) if text.startswith("{") else None
    except ValueError:
        raise Refused("Policies must be valid JSON and the first byte must be '{'") from None
    if not isinstance(document, dict) or not set(document) <= {"Version", "Id", "Statement"}:
        raise Refused("Policies must be valid JSON and the first byte must be '{'")
    if document.get("Version", "2008-10-17") not in ("2012-10-17", "2008-10-17"):
        raise Refused("The policy must contain a valid version string")
    statements = _listed(document.get("Statement"))
    if not statements or not all(isinstance(s, dict) for s in statements):
        raise Refused("Missing required field Statement")
    sids = [s["Sid"] for s in statements if s.get("Sid")]
    if len(sids) != len(set(sids)):
        raise Refused("Statement IDs (SID) in a single policy must be unique.")
    for statement in statements:
        _check_statement(statement)
    return document, statements


def _check_statement(statement):
    unknown = set(statement) - _FIELDS
    if unknown:
        raise Refused(f"Unknown field {sorted(unknown)[0]}")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise Refused("Missing required field Effect" if "Effect" not in statement else "Invalid effect")
    if ("Action" in statement) == ("NotAction" in statement):
        raise Refused("Missing required field Action")
    _strings(statement.get("Action", statement.get("NotAction")), "Action")
    conditions = statement.get("Condition", {})
    if not isinstance(conditions, dict):
        raise Refused("Invalid policy syntax: Condition")
    for operator, keys in conditions.items():
        if not _OPERATOR.fullmatch(operator):
            raise Refused(f"Invalid Condition type : {operator}")
        if not isinstance(keys, dict) or not keys:
            raise Refused("Invalid policy syntax: Condition")


def _check_resource_principals(statements):
    for statement in statements:
        if ("Principal" in statement) == ("NotPrincipal" in statement):
            raise Refused("Missing required field Principal")
        _check_principals(statement.get("Principal", statement.get("NotPrincipal")))


def check_bucket_policy(text, bucket):
    _, statements = _statements(text)
    _check_resource_principals(statements)
    for statement in statements:
        actions = _strings(statement.get("Action", statement.get("NotAction")), "Action")
        if any(a != "*" and not re.fullmatch(r"s3:[A-Za-z*?]+", a, re.I) for a in actions):
            raise Refused("Policy has invalid action")
        if ("Resource" in statement) == ("NotResource" in statement):
            raise Refused("Missing required field Resource")
        resources = _strings(statement.get("Resource", statement.get("NotResource")), "Resource")
        own = f"arn:aws:s3:::{bucket}"
        if any(r != own and not r.startswith(f"{own}/") and r not in ("*", f"{own}*") for r in resources):
            raise Refused("Policy has invalid resource")
        objects = any("/" in r or r.endswith("*") for r in resources)
        whole = any("/" not in r for r in resources)
        for action in actions if "Action" in statement and "Resource" in statement else []:
            if "*" in action or "?" in action:
                continue
            if not (objects if _OBJECT_ACTION.fullmatch(action) else whole):
                raise Refused("Action does not apply to any resource(s) in statement")
        for keys in (statement.get("Condition") or {}).values():
            if any(not key.lower().startswith(("aws:", "s3:")) for key in keys):
                raise Refused("Policy has an invalid condition key")


def _rooted(name):
    return f"arn:aws:iam::{name}:root" if re.fullmatch(r"\d{12}", name) else name


def canonical(document, collapse):
    """The document as AWS stores it; `collapse` makes lists of one plain strings, as S3 does."""
    for statement in _listed(document["Statement"]):
        for field in ("Principal", "NotPrincipal"):
            principal = statement.get(field)
            if isinstance(principal, dict) and "AWS" in principal:
                names = [_rooted(name) for name in _listed(principal["AWS"])]
                principal["AWS"] = names if isinstance(principal["AWS"], list) else names[0]
            if collapse and isinstance(principal, dict):
                statement[field] = {k: _collapsed(v) for k, v in principal.items()}
        for field in ("Action", "NotAction", "Resource", "NotResource") if collapse else ():
            if field in statement:
                statement[field] = _collapsed(statement[field])
    return document


def _stored(text, document):
    """What IAM and KMS store: the text as given, unless a principal had to be rewritten."""
    document = canonical(document, collapse=False)
    return text if document == json.loads(text) else json.dumps(document)


def _collapsed(value):
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _install_bucket_policies():
    put = s3._put_bucket_policy

    def put_bucket_policy(name, body):
        if name not in s3._buckets:
            return put(name, body)
        text = body.decode("utf-8", errors="replace")
        try:
            check_bucket_policy(text, name)
        except Refused as refused:
            return s3._error("MalformedPolicy", str(refused), 400, f"/{name}")
        stored = json.dumps(canonical(json.loads(text), collapse=True), separators=(",", ":"))
        if len(stored.encode()) > 20480:
            return s3._error("PolicyTooLarge", "Normalized policy document exceeds the maximum allowed size of "
                             "20480 bytes.", 400, f"/{name}")
        return put(name, stored.encode())

    s3._put_bucket_policy = put_bucket_policy


def check_key_policy(text, key_arn, bypass):
    """Raises Refused; `key_arn` is the key's (for a new key any ARN of the account)."""
    document, statements = _statements(text)
    _check_resource_principals(statements)
    if any("Resource" not in s and "NotResource" not in s for s in statements):
        raise Refused("Missing required field Resource")
    if bypass:
        return document
    principal = iam_evaluator.resolve_principal(rules_access.caller_key.get(), get_account_id())
    if isinstance(principal, iam_evaluator.AuthError):
        raise Refused(principal.message)
    ctx = iam_evaluator.EvalContext(
        principal_arn=principal.arn, principal_type=principal.type, principal_account=principal.account,
        action="kms:PutKeyPolicy", resource_arn=key_arn, region=get_region(),
        service_context={"kms:calleraccount": principal.account}, principal_keys=principal.keys)
    if principal.policies is None:
        allowed = iam_evaluator.evaluate_resource_policy(document, ctx).decision
    else:
        identity = iam_evaluator.evaluate(ctx, principal.policies, *principal.limits)
        allowed = iam_evaluator.combine_resource_policy(
            identity, ctx, document, principal.account, required=True, limits=principal.limits).decision
    if allowed != "Allow":
        raise Refused("The new key policy will not allow you to update the key policy in the future.")
    return document


def _key_policy_answer(data, key_arn):
    """The text to store, or the refusal."""
    text = data["Policy"]
    if len(text.encode()) > 32768:
        return None, error_response_json("LimitExceededException", "The key policy is larger than 32 KiB.", 400)
    try:
        document = check_key_policy(text, key_arn, data.get("BypassPolicyLockoutSafetyCheck") is True)
    except Refused as refused:
        return None, error_response_json("MalformedPolicyDocumentException", str(refused), 400)
    return _stored(text, document), None


def _install_key_policies():
    put, create = kms._put_key_policy, kms._create_key

    def put_key_policy(data):
        record = kms._resolve_key(data.get("KeyId", ""))
        if record is None or data.get("PolicyName", "default") != "default":
            return put(data) if record is None else error_response_json("NotFoundException", "No such policy", 400)
        text, refusal = _key_policy_answer({"Policy": "", **data}, record["Arn"])
        return refusal or put({**data, "Policy": text})

    def create_key(data):
        if data.get("Policy"):
            text, refusal = _key_policy_answer(data, f"arn:aws:kms:{get_region()}:{get_account_id()}:key/new")
            if refusal:
                return refusal
            data = {**data, "Policy": text}
        return create(data)

    kms._put_key_policy, kms._create_key = put_key_policy, create_key


def _check_sids(statements):
    if not all(re.fullmatch(r"[A-Za-z0-9]*", s.get("Sid", "")) for s in statements):
        raise Refused("Statement IDs (SID) must be alpha-numeric.")


def check_identity_policy(text):
    _, statements = _statements(text)
    _check_sids(statements)
    for statement in statements:
        if "Principal" in statement or "NotPrincipal" in statement:
            raise Refused("Policy document should not specify a principal.")
        for action in _strings(statement.get("Action", statement.get("NotAction")), "Action"):
            if action != "*" and not re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9*?]+", action, re.I):
                raise Refused("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
        for resource in _strings(statement.get("Resource", statement.get("NotResource")), "Resource"):
            if resource != "*" and not resource.startswith("arn:"):
                raise Refused(f'Resource {resource} must be in ARN format or "*".')


def _install_role_documents():
    handlers = iam._IAM_HANDLERS

    def checked_trust(action, field):
        original = handlers[action]

        def handler(params):
            text = iam._p(params, field)
            known = action == "CreateRole" or iam._p(params, "RoleName") in iam._roles
            if not known:
                return original(params)
            try:
                document, statements = _statements(text)
                _check_sids(statements)
                if any("Resource" in s or "NotResource" in s for s in statements):
                    raise Refused("Has prohibited field Resource")
                _check_resource_principals(statements)
            except Refused as refused:
                return iam._error(400, "MalformedPolicyDocument", escape(str(refused)))
            if len(re.sub(r"\s", "", text)) > 2048:
                return iam._error(409, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048")
            answer = original({**params, field: [_stored(text, document)]})
            if action == "CreateRole" and answer[0] == 200:
                iam._roles[iam._p(params, "RoleName")]["_sandbox_refusals"] = rules_access.new_principal_refusals.get()
            return answer

        handlers[action] = handler

    checked_trust("CreateRole", "AssumeRolePolicyDocument")
    checked_trust("UpdateAssumeRolePolicy", "PolicyDocument")
    put = handlers["PutRolePolicy"]

    def put_role_policy(params):
        name, role = iam._p(params, "RoleName"), iam._roles.get(iam._p(params, "RoleName"))
        if role:
            try:
                check_identity_policy(iam._p(params, "PolicyDocument"))
            except Refused as refused:
                return iam._error(400, "MalformedPolicyDocument", escape(str(refused)))
        inline = dict((role or {}).get("InlinePolicies") or {})
        inline[iam._p(params, "PolicyName")] = iam._p(params, "PolicyDocument")
        if role and sum(len(re.sub(r"\s", "", text)) for text in inline.values()) > 10240:
            return iam._error(409, "LimitExceeded", f"Maximum policy size of 10240 bytes exceeded for role {name}")
        return put(params)

    handlers["PutRolePolicy"] = put_role_policy


def _install_deleted_principals():
    """The ARN of a deleted role or user in stored resource policies becomes its unique id."""

    def forgetting(action, parameter, store, id_field):
        original = iam._IAM_HANDLERS[action]

        def handler(params):
            entity = store.get(iam._p(params, parameter))
            answer = original(params)
            if entity and answer[0] == 200:
                _replace_principal(entity["Arn"], entity[id_field])
            return answer

        iam._IAM_HANDLERS[action] = handler

    forgetting("DeleteRole", "RoleName", iam._roles, "RoleId")
    forgetting("DeleteUser", "UserName", iam._users, "UserId")


def _replace_principal(arn, unique_id):
    def replaced(text):
        if not text or arn not in text:
            return text
        document = json.loads(text)
        for statement in _listed(document.get("Statement")):
            for field in ("Principal", "NotPrincipal"):
                principal = statement.get(field)
                if isinstance(principal, dict) and "AWS" in principal:
                    names = [unique_id if name == arn else name for name in _listed(principal["AWS"])]
                    principal["AWS"] = names if isinstance(principal["AWS"], list) else names[0]
        return json.dumps(document, separators=(",", ":"))

    for scope, text in list(s3._bucket_policies._data.items()):
        s3._bucket_policies._data[scope] = replaced(text)
    for record in kms._keys._data.values():
        record["Policy"] = replaced(record.get("Policy"))
    for role in iam._roles._data.values():
        role["AssumeRolePolicyDocument"] = replaced(role.get("AssumeRolePolicyDocument"))


def install():
    _install_bucket_policies()
    _install_key_policies()
    _install_role_documents()
    _install_deleted_principals()

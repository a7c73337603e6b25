"""Who may do what: the condition keys and the permission checks that MiniStack 1.5.33 gets wrong.

Each rule names the AWS page it restores:

* aws:PrincipalArn of a role session is the role's ARN, with its path
  (IAM user guide, reference_policies_condition-keys: "For IAM roles, the request context returns
  the ARN of the role, not the ARN of the user that assumed the role").
* aws:MultiFactorAuthPresent of a session is "true" only when it was made with SerialNumber and
  TokenCode; it is absent for long-term keys (same page; id_credentials_mfa_configure-api-require).
* s3:x-amz-server-side-encryption-aws-kms-key-id and -customer-algorithm (S3 service
  authorization reference).
* S3 asks KMS on the caller's behalf: kms:GenerateDataKey to write, kms:Decrypt to read, with
  kms:ViaService and the encryption context (S3 user guide, UsingKMSEncryption; KMS developer
  guide, conditions-kms). A disabled key is KMS.DisabledException, one pending deletion
  KMS.KMSInvalidStateException, a missing one KMS.NotFoundException (S3 API ErrorResponses).
* A bucket-key object has the bucket's ARN as context, another the object's (S3 user guide,
  bucket-key).
* KMS grants allow (KMS developer guide, grants); an explicit Deny still wins.
* A role's trust policy decides together with the caller's own policies: whom it names directly, in the same account,
  needs no identity policy (IAM user guide, reference_policies_evaluation-logic; id_roles_terms-and-concepts).
* A foreign account's principal is matched as itself, not as its account's root (IAM user guide,
  reference_policies_evaluation-logic-cross-account).
"""

import contextlib
import contextvars
import json
import re

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.core.router import extract_access_key_id
from ministack.services import iam, kms, s3, sts

# The access key of the request being served.
caller_key = contextvars.ContextVar("sandbox_caller_key", default="")
# How often a role made by this request is refused as a principal before it is known.
new_principal_refusals = contextvars.ContextVar("sandbox_new_principal_refusals", default=0)
# Whether the AssumeRole being served carries an MFA code.
_mfa_given = contextvars.ContextVar("sandbox_mfa_given", default=False)
_KEY_ARN = re.compile(r"arn:aws:kms:([a-z0-9-]+):(\d{12}):(key/.+|alias/.+)")


def role_arn_of_session(session_arn, account):
    """The ARN of the role behind arn:aws:sts::N:assumed-role/NAME/SESSION."""
    name = iam_evaluator._role_name_from_assumed_arn(session_arn)
    role = iam._roles.get_scoped(account, None, name)
    return role["Arn"] if role else f"arn:aws:iam::{account}:role/{name}"


def _install_condition_keys():
    principal_keys = iam_evaluator._principal_keys
    resolve = iam_evaluator._resolve_condition_key
    service_context = iam_actions.s3_service_context
    register = sts.register_session

    def keys_of(credential):
        keys = principal_keys(credential)
        if credential.principal_type == "AssumedRole":
            keys["aws:principalarn"] = role_arn_of_session(credential.principal_arn, credential.account_id)
        session = sts._sessions.get(credential.access_key_id)
        if _mfa_given.get() or (session or {}).get("SandboxMfa"):
            keys["aws:multifactorauthpresent"] = "true"
        return keys

    def resolve_key(key, ctx):
        name = key.lower()
        if name == "aws:principalarn" and name in ctx.principal_keys:
            return ctx.principal_keys[name]
        if name in ("aws:viaawsservice", "aws:principalisawsservice") and name not in ctx.service_context:
            return "false"
        return resolve(key, ctx)

    def s3_context(iam_action, query_params, path="", headers=None):
        context = service_context(iam_action, query_params, path, headers)
        if iam_action == "s3:PutObject":
            for header in ("x-amz-server-side-encryption-aws-kms-key-id",
                           "x-amz-server-side-encryption-customer-algorithm"):
                if (headers or {}).get(header):
                    context[f"s3:{header}"] = headers[header]
        return context

    def register_session(access_key, session):
        if _mfa_given.get():
            session["SandboxMfa"] = True
        register(access_key, session)

    iam_evaluator._principal_keys = keys_of
    sts._principal_keys = keys_of
    iam_evaluator._resolve_condition_key = resolve_key
    iam_actions.s3_service_context = s3_context
    sts.register_session = register_session


def assume_role_has_mfa(headers, body, query_params):
    """Whether an STS call names an MFA device and its six digits."""
    text = body.decode("utf-8", errors="replace") if body else ""
    given = sts.parse_qs(text) if "json" not in headers.get("content-type", "") else {}
    code = sts._p({**query_params, **given}, "TokenCode")
    serial = sts._p({**query_params, **given}, "SerialNumber")
    return bool(serial) and bool(re.fullmatch(r"\d{6}", code))


def _key_record(arn):
    """A key by its full ARN, whoever asks."""
    match = _KEY_ARN.fullmatch(arn or "")
    if not match:
        return None
    with request_scope(match[2], match[1]):
        return kms._resolve_key(arn)


def _install_key_access():
    combine = iam_evaluator.combine_resource_policy
    enforce = iam_evaluator.enforce

    def key_policy_for_arn(resource_arn):
        record = _key_record(resource_arn)
        return (record.get("Policy") or "", record["Arn"].split(":")[4]) if record else None

    def combined(identity, ctx, policy, owner_account, required=False, limits=()):
        result = combine(identity, ctx, policy, owner_account, required=required, limits=limits)
        if required and result.decision == "ImplicitDeny" and _granted(ctx):
            return iam_evaluator.EvalResult("Allow", ctx.principal_arn, "", "Grant")
        return result

    def enforced(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        if service == "kms":
            # "kms:ListAliases (IAM policy)": no key policy takes part (KMS API reference, ListAliases).
            if iam_action == "kms:ListAliases":
                resource_arn = "*"
            service_context = {"kms:CallerAccount": get_account_id(), **(service_context or {})}
        result = enforce(access_key_id, iam_action, service, region, resource_arn=resource_arn,
                         service_context=service_context)
        # Here the caller's policies are looked at alone; the trust policy is looked at later, with both.
        if iam_action == "sts:AssumeRole" and getattr(result, "decision", "") == "ImplicitDeny":
            return None
        return result

    kms.key_policy_for_arn = key_policy_for_arn
    iam_evaluator.combine_resource_policy = combined
    iam_evaluator.enforce = enforced


def _granted(ctx):
    """Whether a grant on the key gives its grantee this operation in this encryption context."""
    record = _key_record(ctx.resource_arn)
    if record is None:
        return False
    principals = {ctx.principal_arn, ctx.principal_keys.get("aws:principalarn")}
    operation = ctx.action.partition(":")[2]
    prefix = "kms:encryptioncontext:"
    context = {k[len(prefix):]: v for k, v in ctx.service_context.items() if k.startswith(prefix)}
    account, region = record["Arn"].split(":")[4], record["Arn"].split(":")[3]
    with request_scope(account, region):
        grants = [g for g in kms._grants.values() if g["KeyId"] == record["Arn"]]
    for grant in grants:
        if grant["GranteePrincipal"] not in principals or operation not in grant["Operations"]:
            continue
        constraints = grant.get("Constraints") or {}
        subset = {k.lower(): v for k, v in (constraints.get("EncryptionContextSubset") or {}).items()}
        equal = {k.lower(): v for k, v in (constraints.get("EncryptionContextEquals") or {}).items()}
        if all(context.get(k) == v for k, v in subset.items()) and (not equal or equal == context):
            return True
    return False


def _resolve_for_s3(reference, owner, region):
    """The key that a bucket or a header names by id, ARN or alias, in the bucket's region."""
    if reference.startswith("arn:"):
        return _key_record(reference)
    with request_scope(owner, region):
        return kms._resolve_key(reference)


def key_refusal(action, reference, owner, bucket, key, bucket_key):
    """What S3 answers when KMS refuses the caller, or None. `owner` owns the bucket."""
    with request_scope(owner, get_region()):
        region = s3.bucket_region(bucket) or get_region()
    record = _resolve_for_s3(reference, owner, region)
    resource = f"/{bucket}/{key}"
    if record is None:
        return s3._error("KMS.NotFoundException", f"Invalid keyId {reference}", 400, resource)
    context = {
        "kms:ViaService": f"s3.{region}.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}" + ("" if bucket_key else f"/{key}"),
        "kms:EncryptionContextKeys": ["aws:s3:arn"],
        "aws:ViaAWSService": "true",
    }
    denied = iam_evaluator.enforce(caller_key.get(), action, "kms", region, resource_arn=record["Arn"],
                                   service_context=context)
    if denied is not None:
        who = getattr(denied, "principal_arn", "") or "anonymous"
        return s3._error("AccessDenied", f"User: {who} is not authorized to perform: {action} on resource: "
                         f"{record['Arn']}", 403, resource)
    if record["KeyState"] == "Disabled":
        return s3._error("KMS.DisabledException", f"{record['Arn']} is disabled.", 400, resource)
    if record["KeyState"] != "Enabled":
        return s3._error("KMS.KMSInvalidStateException", f"{record['Arn']} is pending deletion.", 400, resource)
    return None


def _default_key(owner, bucket):
    """The SSE-KMS key of the bucket's default encryption and whether bucket keys are on."""
    config = s3._bucket_encryption.get_scoped(owner, None, bucket) or ""
    if "aws:kms" not in config:
        return None, False
    found = re.search(r"<KMSMasterKeyID>\s*([^<\s]+)\s*</KMSMasterKeyID>", config)
    return (found[1] if found else None), bool(re.search(r"<BucketKeyEnabled>\s*true", config))


def s3_write_refusal(method, bucket, key, headers, query_params):
    """kms:GenerateDataKey for an upload into an SSE-KMS bucket or with an SSE-KMS header."""
    starts_upload = method == "POST" and "uploads" in query_params
    plain_put = method == "PUT" and not (set(query_params) - {"x-id"})
    part = method == "PUT" and "uploadId" in query_params
    owner = s3._bucket_owner_account(bucket)
    if not key or owner is None or not (starts_upload or plain_put or part):
        return None
    reference, bucket_key = _default_key(owner, bucket)
    asked = headers.get("x-amz-server-side-encryption", "")
    if asked.startswith("aws:kms"):
        reference = headers.get("x-amz-server-side-encryption-aws-kms-key-id") or reference
        header = headers.get("x-amz-server-side-encryption-bucket-key-enabled")
        bucket_key = header == "true" if header else bucket_key
    elif asked:
        return None
    if not reference:
        return None
    refusal = key_refusal("kms:GenerateDataKey", reference, owner, bucket, key, bucket_key)
    if refusal is None and (starts_upload or part):
        # "to perform a multipart upload with encryption ... kms:Decrypt" (S3 user guide, mpuoverview).
        refusal = key_refusal("kms:Decrypt", reference, owner, bucket, key, bucket_key)
    return refusal


def s3_read_refusal(method, bucket, key, query_params, response):
    """kms:Decrypt for reading an SSE-KMS object."""
    status, headers, _ = response
    plain_get = method == "GET" and not (set(query_params) - {"x-id", "versionId", "partNumber"})
    if not key or not plain_get or status not in (200, 206):
        return None
    lower = {name.lower(): value for name, value in headers.items()}
    reference = lower.get("x-amz-server-side-encryption-aws-kms-key-id")
    owner = s3._bucket_owner_account(bucket)
    if not reference or owner is None:
        return None
    bucket_key = str(lower.get("x-amz-server-side-encryption-bucket-key-enabled", "")).lower() == "true"
    return key_refusal("kms:Decrypt", reference, owner, bucket, key, bucket_key)


def _install_foreign_buckets():
    allows = s3._foreign_bucket_allows

    def foreign_bucket_allows(owner, bucket, key, method, query_params, caller, headers=None):
        access_key = caller_key.get()
        policy = s3._bucket_policies.get_scoped(owner, None, bucket)
        if not caller or not access_key or iam_evaluator.is_root_access_key(access_key) or not policy:
            return allows(owner, bucket, key, method, query_params, caller, headers)
        principal = iam_evaluator.resolve_principal(access_key, caller)
        if isinstance(principal, iam_evaluator.AuthError):
            return False
        path = f"/{bucket}/{key}" if key else f"/{bucket}"
        fallback = "GetObject" if method in ("GET", "HEAD") else "PutObject"
        action = f"s3:{iam_actions._s3_action(method, path, query_params) or fallback}"
        context = iam_actions.s3_service_context(action, query_params, path, headers or {})
        ctx = iam_evaluator.EvalContext(
            principal_arn=principal.arn, principal_type=principal.type, principal_account=principal.account,
            action=action, resource_arn=f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else ""),
            region=get_region(), service_context={k.lower(): v for k, v in context.items()},
            principal_keys=principal.keys)
        decision = iam_evaluator.evaluate_resource_policy(policy, ctx).decision
        if decision == "Allow" and s3._policy_is_public(policy):
            return not s3._public_access_blocked(owner, bucket, "RestrictPublicBuckets")
        return decision == "Allow"

    s3._foreign_bucket_allows = foreign_bucket_allows


# KMS operations that take a key of another account (KMS developer guide, key-policy-modifying-external-accounts).
_CROSS_ACCOUNT = {"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "DescribeKey",
                  "CreateGrant", "ListGrants", "RevokeGrant", "GetKeyRotationStatus", "GetPublicKey"}


def key_scope(headers, body):
    """The scope a KMS call runs in: the key's own account when the call may cross accounts."""
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    match = None
    if operation in _CROSS_ACCOUNT and body:
        with contextlib.suppress(ValueError, AttributeError):
            match = _KEY_ARN.fullmatch(str(json.loads(body).get("KeyId", "")))
    if match is None or match[1] != get_region():
        return contextlib.nullcontext()
    return request_scope(match[2], match[1])


def access_key_of(headers, query_params):
    return extract_access_key_id(headers, query_params) or ""


def mfa_scope(given):
    """Runs a block as part of a call that carries an MFA code."""
    @contextlib.contextmanager
    def scope():
        token = _mfa_given.set(given)
        try:
            yield
        finally:
            _mfa_given.reset(token)
    return scope()


def _install_role_trust():
    trusted = iam_evaluator.evaluate_trust_policy

    def evaluate_trust_policy(trust_doc, caller_arn, ctx=None):
        if not trusted(trust_doc, caller_arn, ctx):
            return False
        if ctx is None or ctx.action != "sts:AssumeRole" or not caller_key.get():
            return True
        principal = iam_evaluator.resolve_principal(caller_key.get(), ctx.principal_account)
        if isinstance(principal, iam_evaluator.AuthError) or principal.policies is None:
            return True
        document = json.loads(trust_doc) if isinstance(trust_doc, str) else trust_doc
        listed = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
        document = {**document, "Statement": [{**statement, "Resource": "*"} for statement in listed]}
        identity = iam_evaluator.evaluate(ctx, principal.policies, *principal.limits)
        owner = ctx.resource_arn.split(":")[4]
        combined = iam_evaluator.combine_resource_policy(identity, ctx, document, owner, required=True,
                                                         limits=principal.limits)
        return combined.decision == "Allow"

    direct = iam_evaluator._names_caller_directly

    def names_caller_directly(principal, caller_arn):
        named = principal.get("AWS", []) if isinstance(principal, dict) else principal
        # "*" names every principal, and no boundary narrows it (reference_policies_elements_principal, "All principals").
        return named == "*" or (isinstance(named, list) and "*" in named) or direct(principal, caller_arn)

    iam_evaluator.evaluate_trust_policy = evaluate_trust_policy
    iam_evaluator._names_caller_directly = names_caller_directly


def install():
    _install_condition_keys()
    _install_role_trust()
    _install_key_access()
    _install_foreign_buckets()

"""Answers of S3 that MiniStack 1.5.33 lacks or gives in another form, and the common entry.

* S3 Control's account-level public access block (S3 API: Get/Put/DeletePublicAccessBlock of S3
  Control), with its effect on bucket policies and ACLs.
* ExpectedBucketOwner (S3 user guide, bucket-owner-condition): another owner is 403 AccessDenied.
* PutObject into a bucket with a default retention needs a checksum (S3 user guide,
  object-lock-managing: "Content-MD5 or x-amz-sdk-checksum-algorithm"): 400 InvalidRequest.
* A public access block answers all four flags; a lifecycle rule must expire later than it moves.
* GetBucketPolicyStatus and GetBucketRequestPayment.
* PutBucketLogging checks the target (S3 user guide, enable-server-access-logging).
* Versioning of a bucket with Object Lock cannot be suspended (409 InvalidBucketState).
"""

import re
from xml.etree import ElementTree

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import s3

import rules_access
import rules_listing

_account_blocks = {}


# ---- every service: who calls, and how large a page may be -------------------------------------


def _number(headers, name):
    text = headers.get(name, "")
    return int(text) if text.isdigit() else 0


def _wrap_services():
    def wrapped(service, handler):
        async def serve(method, path, headers, body, query_params):
            rules_access.caller_key.set(rules_access.access_key_of(headers, query_params))
            rules_listing.page_size.set(_number(headers, "x-sandbox-page-size") or None)
            rules_access.new_principal_refusals.set(_number(headers, "x-sandbox-new-principal-refusals"))
            if service == "s3":
                return await _serve_s3(handler, method, path, headers, body, query_params)
            if service == "kms":
                with rules_access.key_scope(headers, body):
                    return await handler(method, path, headers, body, query_params)
            if service == "sts":
                with rules_access.mfa_scope(rules_access.assume_role_has_mfa(headers, body, query_params)):
                    return await handler(method, path, headers, body, query_params)
            return await handler(method, path, headers, body, query_params)
        return serve

    for service in ("s3", "kms", "iam", "sts"):
        app.SERVICE_HANDLERS[service] = wrapped(service, app.SERVICE_HANDLERS[service])


# ---- S3 ----------------------------------------------------------------------------------------


async def _serve_s3(handler, method, path, headers, body, query_params):
    bucket, key = s3._parse_bucket_key(path, headers)
    owner = s3._bucket_owner_account(bucket) if bucket else None
    expected = headers.get("x-amz-expected-bucket-owner")
    if owner and expected and expected != owner:
        return s3._error("AccessDenied", "Access Denied", 403, path)
    if owner == get_account_id():
        answer = _bucket_answer(method, bucket, key, body, query_params)
        if answer is not None:
            return answer
    caller = get_account_id()
    # What the bucket's owner did not open is refused as such, before the upload is looked at.
    if owner == caller or (owner and s3._foreign_bucket_allows(owner, bucket, key, method, query_params, caller, headers)):
        refusal = _checksum_refusal(method, bucket, key, owner, headers, query_params)
        refusal = refusal or rules_access.s3_write_refusal(method, bucket, key, headers, query_params)
        if refusal is not None:
            return refusal
    answer = await handler(method, path, headers, body, query_params)
    return rules_access.s3_read_refusal(method, bucket, key, query_params, answer) or answer


def _bucket_answer(method, bucket, key, body, query_params):
    if key or method not in ("GET", "PUT"):
        return None
    if method == "GET" and "policyStatus" in query_params:
        policy = s3._bucket_policies.get(bucket)
        if not policy:
            return s3._get_bucket_policy(bucket)
        public = str(s3._policy_is_public(policy)).lower()
        return _xml(f'<PolicyStatus xmlns="{s3.S3_NS}"><IsPublic>{public}</IsPublic></PolicyStatus>')
    if method == "GET" and "requestPayment" in query_params:
        return _xml(f'<RequestPaymentConfiguration xmlns="{s3.S3_NS}"><Payer>BucketOwner</Payer>'
                    "</RequestPaymentConfiguration>")
    if method == "PUT" and "logging" in query_params:
        return _logging_refusal(bucket, body)
    if (method == "PUT" and "versioning" in query_params and s3._bucket_object_lock.get(bucket)
            and re.search(rb"<Status>\s*Suspended", body or b"")):
        return s3._error("InvalidBucketState", "An Object Lock configuration is present on this bucket, so the "
                         "versioning state cannot be changed.", 409, f"/{bucket}")
    return None


def _logging_refusal(bucket, body):
    """The target must exist in the same account and region and let the logging service write there."""
    text = (body or b"").decode("utf-8", errors="replace")
    target = re.search(r"<TargetBucket>([^<]+)<", text)
    if not target:
        return None
    prefix = re.search(r"<TargetPrefix>([^<]*)<", text)
    target, prefix = target[1], prefix[1] if prefix else ""
    if target not in s3._buckets:
        return s3._error("InvalidTargetBucketForLogging", "The target bucket for logging does not exist", 400)
    if s3.bucket_region(target) != s3.bucket_region(bucket):
        return s3._error("CrossLocationLoggingProhibitted", "Cross S3 location logging not allowed. ", 403)
    service = "logging.s3.amazonaws.com"
    ctx = iam_evaluator.EvalContext(
        principal_arn="", principal_type="Service", principal_account="", action="s3:PutObject",
        resource_arn=f"arn:aws:s3:::{target}/{prefix}log", region=s3.bucket_region(target),
        service_context={"aws:sourcearn": f"arn:aws:s3:::{bucket}", "aws:sourceaccount": get_account_id(),
                         "aws:principalservicename": service, "aws:principalisawsservice": "true"})
    policy = s3._bucket_policies.get(target)
    by_acl = "LogDelivery" in (s3._bucket_acl.get(target) or "") and not s3._bucket_owner_enforced(s3._buckets[target])
    if by_acl or iam_evaluator.evaluate_resource_policy(policy, ctx, service=service).decision == "Allow":
        return None
    return s3._error("InvalidTargetBucketForLogging", "You must either provide the necessary permissions to the "
                     "logging service using a bucket policy or give the log-delivery group WRITE and READ_ACP "
                     "permissions to the target bucket", 400)


def _xml(text):
    return 200, {"Content-Type": "application/xml"}, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _checksum_refusal(method, bucket, key, owner, headers, query_params):
    uploads = method == "PUT" and key and not (set(query_params) - {"x-id", "partNumber", "uploadId"})
    lock = (s3._bucket_object_lock.get_scoped(owner, None, bucket) or {}) if owner and uploads else {}
    if not lock.get("default_retention") or "x-amz-copy-source" in headers:
        return None
    given = "content-md5" in headers or "x-amz-checksum-" in headers.get("x-amz-trailer", "") or any(
        name.startswith("x-amz-checksum-") for name in headers)
    if given:
        return None
    return s3._error("InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object "
                     "requests with Object Lock parameters", 400, f"/{bucket}/{key}")


_BLOCK_FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def _whole_block(body, namespace):
    """A public access block as AWS answers it: all four flags, absent ones false."""
    text = (body or b"").decode("utf-8", errors="replace")
    flags = "".join(f"<{flag}>{str(bool(re.search(rf'<{flag}>[ ]*true', text, re.I))).lower()}</{flag}>"
                    for flag in _BLOCK_FLAGS)
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<PublicAccessBlockConfiguration xmlns="{namespace}">{flags}'
            "</PublicAccessBlockConfiguration>")


def _install_bucket_configurations():
    put_block, put_lifecycle = s3._put_public_access_block, s3._put_bucket_lifecycle

    def put_public_access_block(name, body):
        return put_block(name, _whole_block(body, s3.S3_NS).encode())

    def put_bucket_lifecycle(name, body):
        return _lifecycle_refusal(name, body) or put_lifecycle(name, body)

    s3._put_public_access_block = put_public_access_block
    s3._put_bucket_lifecycle = put_bucket_lifecycle


def _lifecycle_refusal(name, body):
    """An object must expire later than it moves (S3 user guide, intro-lifecycle-rules)."""
    try:
        rules = [el for el in ElementTree.fromstring(body) if el.tag.rpartition("}")[2] == "Rule"]
    except ElementTree.ParseError:
        return None
    for moving, ending, unit in (("Transition", "Expiration", "Days"),
                                 ("NoncurrentVersionTransition", "NoncurrentVersionExpiration", "NoncurrentDays")):
        for rule in rules:
            moves, ends = _days(rule, moving, unit), _days(rule, ending, unit)
            if moves and ends and min(ends) <= max(moves):
                return s3._error("InvalidArgument", f"'{unit}' in the {ending} action must be greater than '{unit}' "
                                 f"in the {moving} action", 400, f"/{name}")
    return None


def _days(rule, action, unit):
    return [int(value.text) for el in rule if el.tag.rpartition("}")[2] == action
            for value in el if value.tag.rpartition("}")[2] == unit and (value.text or "").strip().isdigit()]


def _install_account_block():
    control = app._handle_s3_control_request
    blocked = s3._public_access_blocked
    path_of_block = "/v20180820/configuration/publicAccessBlock"
    actions = {"GET": "s3:GetAccountPublicAccessBlock", "PUT": "s3:PutAccountPublicAccessBlock",
               "DELETE": "s3:PutAccountPublicAccessBlock"}

    async def handle(path, method, body, query_params, request_id, headers=None):
        if path.rstrip("/") != path_of_block or method not in actions:
            return await control(path, method, body, query_params, request_id, headers)
        denied = app._enforce_data_plane("s3", actions[method], headers or {}, query_params, request_id,
                                         resource_arn="*")
        denied = denied or s3.s3control_account_error(headers or {})
        if denied:
            return denied
        account = get_account_id()
        if method == "PUT":
            _account_blocks[account] = _whole_block(body, s3.S3CONTROL_NS)
            return 200, {"x-amzn-requestid": request_id}, b""
        if method == "DELETE":
            _account_blocks.pop(account, None)
            return 204, {"x-amzn-requestid": request_id}, b""
        if account not in _account_blocks:
            return s3.s3control_error("NoSuchPublicAccessBlockConfiguration",
                                      "The public access block configuration was not found", 404)
        return 200, {"Content-Type": "application/xml"}, _account_blocks[account].encode()

    def public_access_blocked(owner_account, bucket_name, setting):
        account = re.search(rf"<{setting}>\s*true", _account_blocks.get(owner_account, ""), re.I)
        return bool(account) or blocked(owner_account, bucket_name, setting)

    app._handle_s3_control_request = handle
    s3._public_access_blocked = public_access_blocked


def install():
    _wrap_services()
    _install_bucket_configurations()
    _install_account_block()

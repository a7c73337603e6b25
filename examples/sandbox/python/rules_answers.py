"""Answers of AWS that MiniStack 1.5.33 lacks or gives in another form.

* S3 Control's account-level public access block (S3 API: Get/Put/DeletePublicAccessBlock of S3
  Control), with its effect on bucket policies and ACLs.
* ExpectedBucketOwner (S3 user guide, bucket-owner-condition): another owner is 403 AccessDenied.
* PutObject into a bucket with a default retention needs a checksum (S3 user guide,
  object-lock-managing: "Content-MD5 or x-amz-sdk-checksum-algorithm"): 400 InvalidRequest.
* GetBucketPolicyStatus and GetBucketRequestPayment.
* PutBucketLogging checks the target (S3 user guide, enable-server-access-logging).
* Versioning of a bucket with Object Lock cannot be suspended (409 InvalidBucketState).
* Paging: IAM MaxItems/Marker, KMS Limit/Marker. The header x-sandbox-page-size lowers the page
  size, so that small estates page too.
* KMS rotation period, NextRotationDate and KeyId of GetKeyRotationStatus; states in which KMS
  refuses a call (KMS developer guide, key-state).
"""

import base64
import contextvars
import json
import re
import time
from xml.etree import ElementTree

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json, get_account_id, json_response
from ministack.services import iam, kms, s3

import rules_access

_page_size = contextvars.ContextVar("sandbox_page_size", default=None)
_IAM_NS = "https://iam.amazonaws.com/doc/2010-05-08/"
_account_blocks = {}


# ---- every service: who calls, and how large a page may be -------------------------------------


def _number(headers, name):
    text = headers.get(name, "")
    return int(text) if text.isdigit() else 0


def _wrap_services():
    def wrapped(service, handler):
        async def serve(method, path, headers, body, query_params):
            rules_access.caller_key.set(rules_access.access_key_of(headers, query_params))
            _page_size.set(_number(headers, "x-sandbox-page-size") or None)
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
            _account_blocks[account] = body.decode("utf-8", errors="replace")
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


# ---- IAM: paging -------------------------------------------------------------------------------


def _token(offset):
    return base64.urlsafe_b64encode(f"sandbox:{offset}".encode()).decode()


def _offset(token):
    """The offset a marker stands for, or None for a marker of somebody else's."""
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode().removeprefix("sandbox:"))
    except ValueError:
        return None


def _size(asked, default):
    return min(n for n in (asked, _page_size.get(), default) if n)


def _install_iam_paging():
    def paged(original):
        def handler(params):
            answer = original(params)
            if answer[0] != 200:
                return answer
            start = _offset(iam._p(params, "Marker"))
            if start is None:
                return iam._error(400, "ValidationError", "Invalid Marker")
            asked = iam._p(params, "MaxItems")
            return _iam_page(answer, start, _size(int(asked) if asked.isdigit() else None, 100))
        return handler

    for action in list(iam._IAM_HANDLERS):
        if action.startswith("List") or action == "GetAccountAuthorizationDetails":
            iam._IAM_HANDLERS[action] = paged(iam._IAM_HANDLERS[action])


def _iam_page(answer, start, size):
    status, headers, body = answer
    ElementTree.register_namespace("", _IAM_NS)
    root = ElementTree.fromstring(body)
    result = next((child for child in root if child.tag.endswith("Result")), None)
    truncated = result.find(f"{{{_IAM_NS}}}IsTruncated") if result is not None else None
    if truncated is None:
        return answer
    entries = [(parent, member) for parent in result for member in parent.findall(f"{{{_IAM_NS}}}member")]
    if start == 0 and len(entries) <= size:
        return answer
    for position, (parent, member) in enumerate(entries):
        if not start <= position < start + size:
            parent.remove(member)
    if start + size < len(entries):
        truncated.text = "true"
        ElementTree.SubElement(result, f"{{{_IAM_NS}}}Marker").text = _token(start + size)
    return status, headers, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


# ---- KMS: paging, rotation, states -------------------------------------------------------------


def _install_kms_paging():
    def paged(name, field):
        original = getattr(kms, name)

        def handler(data):
            start = _offset(data.get("Marker"))
            if start is None:
                return error_response_json("InvalidMarkerException", "Invalid marker.", 400)
            everything = {k: v for k, v in data.items() if k not in ("Marker", "Limit")}
            answer = original({**everything, "Limit": 1000})
            if answer[0] != 200:
                return answer
            listed = json.loads(answer[2])
            entries = listed[field]
            size = _size(data.get("Limit"), 50)
            listed[field] = entries[start:start + size]
            listed["Truncated"] = start + size < len(entries)
            listed.pop("NextMarker", None)
            if listed["Truncated"]:
                listed["NextMarker"] = _token(start + size)
            return json_response(listed)

        setattr(kms, name, handler)

    paged("_list_keys", "Keys")
    paged("_list_aliases", "Aliases")
    paged("_list_resource_tags", "Tags")
    kms._GRANTS_MAX_LIMIT = 1000
    paged("_list_grants", "Grants")


def _install_rotation():
    enable = kms._enable_key_rotation

    def enable_key_rotation(data):
        record = kms._resolve_key(data.get("KeyId", ""))
        period = data.get("RotationPeriodInDays", (record or {}).get("RotationPeriodInDays", 365))
        if not 90 <= period <= 2560:
            return error_response_json("ValidationException", f"1 validation error detected: Value '{period}' at "
                                       "'rotationPeriodInDays' failed to satisfy constraint", 400)
        answer = enable({**data, "RotationPeriodInDays": period})
        if record and answer[0] == 200:
            record["_rotation_from"] = int(time.time())
        return answer

    def get_key_rotation_status(data):
        record = kms._resolve_key(data.get("KeyId", ""))
        if not record:
            return error_response_json("NotFoundException", f"Key {data.get('KeyId', '')} not found", 400)
        # "While a KMS key is pending deletion, its key rotation status is false" (GetKeyRotationStatus).
        enabled = bool(record.get("KeyRotationEnabled")) and record["KeyState"] != "PendingDeletion"
        status = {"KeyId": record["Arn"], "KeyRotationEnabled": enabled}
        if status["KeyRotationEnabled"]:
            period = record.get("RotationPeriodInDays", 365)
            start = record.get("_rotation_from", record["CreationDate"])
            status["RotationPeriodInDays"] = period
            status["NextRotationDate"] = start + period * 86400
        return json_response(status)

    kms._enable_key_rotation = enable_key_rotation
    kms._get_key_rotation_status = get_key_rotation_status


# Calls that a key pending deletion refuses, and that a disabled key refuses.
_NOT_PENDING = ("_enable_key", "_disable_key", "_enable_key_rotation", "_disable_key_rotation",
                "_tag_resource", "_untag_resource", "_update_key_description", "_create_grant",
                "_schedule_key_deletion")
_NOT_DISABLED = ("_enable_key_rotation", "_disable_key_rotation", "_create_grant")


def _install_states():
    def guarded(name):
        original = getattr(kms, name)

        def handler(data):
            record = kms._resolve_key(data.get("KeyId", ""))
            state = (record or {}).get("KeyState")
            if state == "PendingDeletion":
                return error_response_json("KMSInvalidStateException", f"{record['Arn']} is pending deletion.", 400)
            if state == "Disabled" and name in _NOT_DISABLED:
                return error_response_json("DisabledException", f"{record['Arn']} is disabled.", 400)
            return original(data)

        setattr(kms, name, handler)

    for name in _NOT_PENDING:
        guarded(name)
    cancel = kms._cancel_key_deletion

    def cancel_key_deletion(data):
        record = kms._resolve_key(data.get("KeyId", ""))
        if record and record["KeyState"] != "PendingDeletion":
            return error_response_json("KMSInvalidStateException", f"{record['Arn']} is not pending deletion.", 400)
        return cancel(data)

    kms._cancel_key_deletion = cancel_key_deletion


def install():
    _wrap_services()
    _install_account_block()
    _install_iam_paging()
    _install_kms_paging()
    _install_rotation()
    _install_states()

"""Answers of IAM and KMS that MiniStack 1.5.33 lacks or gives in another form.

* Paging: IAM MaxItems/Marker, KMS Limit/Marker (IAM and KMS API references). The header
  x-sandbox-page-size lowers the page size, so that small estates page too.
* KMS rotation period, NextRotationDate and KeyId of GetKeyRotationStatus; AWSAccountId in a key's
  metadata; states in which KMS refuses a call (KMS developer guide, key-state).
"""

import base64
import contextvars
import json
import time
from xml.etree import ElementTree

from ministack.core.responses import error_response_json, json_response
from ministack.services import iam, kms

page_size = contextvars.ContextVar("sandbox_page_size", default=None)
_IAM_NS = "https://iam.amazonaws.com/doc/2010-05-08/"


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
    return min(n for n in (asked, page_size.get(), default) if n)


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


def _install_metadata():
    metadata = kms._key_metadata
    kms._key_metadata = lambda record: {**metadata(record), "AWSAccountId": record["Arn"].split(":")[4]}


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
    _install_iam_paging()
    _install_kms_paging()
    _install_rotation()
    _install_metadata()
    _install_states()

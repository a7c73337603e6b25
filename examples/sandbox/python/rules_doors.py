"""Doors to buckets that MiniStack 1.5.33 does not know: Multi-Region access points and S3 Access Grants.

* Multi-Region access points (S3 API, S3 Control: CreateMultiRegionAccessPoint and
  PutMultiRegionAccessPointPolicy, both done at once here; ListMultiRegionAccessPoints,
  GetMultiRegionAccessPointPolicy): one list per account, answered in us-west-2 alone.
* Access Grants (CreateAccessGrantsInstance, CreateAccessGrantsLocation, CreateAccessGrant and the three
  lists): one instance per account and region; without one, its lists are refused. Nobody is lent
  credentials: GetDataAccess is not served.
"""

import secrets
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from ministack import app
from ministack.core.responses import get_account_id, get_region
from ministack.services import s3

import rules_inventory
import rules_listing

_BASE = "/v20180820/"
_MRAP_REGION = "us-west-2"
# Account -> name -> Multi-Region access point.
_points = {}
# (account, region) -> {"locations": [...], "grants": [...]}.
_instances = {}
_SWITCHES = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")

# (method, path) -> (permission, operation).
_OPERATIONS = {
    ("POST", "async-requests/mrap/create"): "CreateMultiRegionAccessPoint",
    ("POST", "async-requests/mrap/put-policy"): "PutMultiRegionAccessPointPolicy",
    ("GET", "mrap/instances"): "ListMultiRegionAccessPoints",
    ("POST", "accessgrantsinstance"): "CreateAccessGrantsInstance",
    ("POST", "accessgrantsinstance/location"): "CreateAccessGrantsLocation",
    ("POST", "accessgrantsinstance/grant"): "CreateAccessGrant",
    ("GET", "accessgrantsinstances"): "ListAccessGrantsInstances",
    ("GET", "accessgrantsinstance/locations"): "ListAccessGrantsLocations",
    ("GET", "accessgrantsinstance/grants"): "ListAccessGrants",
}


def _operation(method, path):
    rest = path.removeprefix(_BASE).rstrip("/")
    if method == "GET" and rest.startswith("mrap/instances/") and rest.endswith("/policy"):
        return "GetMultiRegionAccessPointPolicy", rest.split("/")[2]
    return _OPERATIONS.get((method, rest)), None


def _element(name, value):
    if isinstance(value, dict):
        return f"<{name}>{''.join(_element(*pair) for pair in value.items())}</{name}>"
    if isinstance(value, list):
        return f"<{name}>{''.join(_element(*pair) for pair in value)}</{name}>"
    return f"<{name}>{escape(value)}</{name}>"


def _answer(operation, value, request_id):
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{_element(f"{operation}Result", value)}'
    return 200, {"Content-Type": "application/xml", "x-amzn-requestid": request_id}, body.encode()


def _page(operation, holder, entry, entries, query, request_id):
    start = rules_inventory._offset(s3._qp(query, "nextToken", ""))
    if start is None:
        return s3.s3control_error("InvalidRequest", "Invalid token", 400)
    size = rules_listing._size(int(s3._qp(query, "maxResults", "1000")), 1000)
    listed = [(holder, [(entry, one) for one in entries[start:start + size]])]
    if start + size < len(entries):
        listed.insert(0, ("NextToken", rules_inventory._token(start + size)))
    return _answer(operation, listed, request_id)


class _Body:
    """The texts of a request by local name."""

    def __init__(self, body):
        self.elements = [(el.tag.rpartition("}")[2], (el.text or "").strip()) for el in ElementTree.fromstring(body or b"<a/>").iter()]

    def one(self, name):
        return next((text for tag, text in self.elements if tag == name and text), "")

    def all(self, name):
        return [text for tag, text in self.elements if tag == name and text]


def _multi_region(operation, name, body, query, request_id):
    if get_region() != _MRAP_REGION:
        return s3.s3control_error("InvalidRequest", "Multi-Region access points are managed in us-west-2.", 400)
    points = _points.setdefault(get_account_id(), {})
    if operation == "CreateMultiRegionAccessPoint":
        points[body.one("Name")] = {
            "Name": body.one("Name"), "Alias": f"m{secrets.token_hex(6)}.mrap", "CreatedAt": "2026-01-01T00:00:00Z",
            "PublicAccessBlock": {switch: body.one(switch) or "true" for switch in _SWITCHES}, "Status": "READY",
            "Regions": [("Region", {"Bucket": bucket, "Region": "us-east-1"}) for bucket in body.all("Bucket")],
            "policy": "",
        }
        return _answer(operation, {"RequestTokenARN": "arn:aws:s3:us-west-2::async-request/mrap/create/1"}, request_id)
    if operation == "ListMultiRegionAccessPoints":
        shown = [{key: value for key, value in one.items() if key != "policy"} for _, one in sorted(points.items())]
        return _page(operation, "AccessPoints", "AccessPoint", shown, query, request_id)
    point = points.get(name or body.one("Name"))
    if point is None:
        return s3.s3control_error("NoSuchMultiRegionAccessPoint", "There is no such Multi-Region access point.", 404)
    if operation == "PutMultiRegionAccessPointPolicy":
        point["policy"] = body.one("Policy")
        return _answer(operation, {"RequestTokenARN": "arn:aws:s3:us-west-2::async-request/mrap/put-policy/1"}, request_id)
    policy = {"Established": {"Policy": point["policy"]}} if point["policy"] else {}
    return _answer(operation, {"Policy": policy}, request_id)


def _grants(operation, body, query, request_id):
    place = (get_account_id(), get_region())
    arn = f"arn:aws:s3:{place[1]}:{place[0]}:access-grants/default"
    if operation == "CreateAccessGrantsInstance":
        _instances.setdefault(place, {"locations": [], "grants": []})
        return _answer(operation, {"AccessGrantsInstanceId": "default", "AccessGrantsInstanceArn": arn}, request_id)
    instance = _instances.get(place)
    if operation == "ListAccessGrantsInstances":
        entries = [{"AccessGrantsInstanceId": "default", "AccessGrantsInstanceArn": arn}] if instance else []
        return _page(operation, "AccessGrantsInstancesList", "AccessGrantsInstance", entries, query, request_id)
    if instance is None:
        return s3.s3control_error("AccessGrantsInstanceNotExistsError", "Access Grants Instance does not exist", 404)
    if operation == "ListAccessGrantsLocations":
        return _page(operation, "AccessGrantsLocationsList", "AccessGrantsLocation", instance["locations"], query, request_id)
    if operation == "ListAccessGrants":
        return _page(operation, "AccessGrantsList", "AccessGrant", instance["grants"], query, request_id)
    if operation == "CreateAccessGrantsLocation":
        location = {"AccessGrantsLocationId": secrets.token_hex(8), "LocationScope": body.one("LocationScope"),
                    "IAMRoleArn": body.one("IAMRoleArn")}
        instance["locations"].append(location)
        return _answer(operation, location, request_id)
    location = next((one for one in instance["locations"]
                     if one["AccessGrantsLocationId"] == body.one("AccessGrantsLocationId")), None)
    if location is None:
        return s3.s3control_error("NoSuchAccessGrantsLocationError", "The specified location does not exist", 404)
    grant = {
        "AccessGrantId": secrets.token_hex(8),
        "Grantee": {"GranteeType": body.one("GranteeType"), "GranteeIdentifier": body.one("GranteeIdentifier")},
        "Permission": body.one("Permission"), "AccessGrantsLocationId": location["AccessGrantsLocationId"],
        "GrantScope": location["LocationScope"].removesuffix("*") + body.one("S3SubPrefix"),
    }
    instance["grants"].append(grant)
    return _answer(operation, grant, request_id)


def install():
    control = app._handle_s3_control_request

    async def handle(path, method, body, query_params, request_id, headers=None):
        operation, name = _operation(method, path)
        if operation is None:
            return await control(path, method, body, query_params, request_id, headers)
        headers = headers or {}
        rules_listing.page_size.set(rules_inventory._number(headers, "x-sandbox-page-size") or None)
        denied = app._enforce_data_plane("s3", f"s3:{operation}", headers, query_params, request_id, resource_arn="*")
        denied = denied or s3.s3control_account_error(headers)
        if denied:
            return denied
        if "MultiRegion" in operation:
            return _multi_region(operation, name, _Body(body), query_params, request_id)
        return _grants(operation, _Body(body), query_params, request_id)

    app._handle_s3_control_request = handle

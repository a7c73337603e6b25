"""Random requests with policies, in the input format of `auditseal policy simulate`.

The context holds everything that follows from the principal, so that a program which derives nothing can decide too.
"""

import random

OWNER, OTHER = "111122223333", "444455556666"
BUCKET = "arn:aws:s3:::b"
OBJECT = "arn:aws:s3:::b/audit/x.json"
KEY = f"arn:aws:kms:us-east-1:{OWNER}:key/11111111-2222-3333-4444-555555555555"
TARGET = f"arn:aws:iam::{OWNER}:role/Target"

ACTIONS = [
    ("s3:GetObject", OBJECT),
    ("s3:PutObject", OBJECT),
    ("s3:DeleteObjectVersion", OBJECT),
    ("s3:ListBucket", BUCKET),
    ("s3:PutBucketPolicy", BUCKET),
    ("kms:Decrypt", KEY),
    ("kms:GenerateDataKey", KEY),
    ("kms:PutKeyPolicy", KEY),
    ("sts:AssumeRole", TARGET),
]


def principals(account):
    """(ARN or name, what follows from it)"""
    base = {"aws:PrincipalAccount": account, "aws:PrincipalIsAWSService": "false"}
    role = f"arn:aws:iam::{account}:role/R"
    return [
        (f"arn:aws:sts::{account}:assumed-role/R/s", base | {
            "aws:PrincipalArn": role, "aws:PrincipalType": "AssumedRole", "aws:userid": "AROAEXAMPLEEXAMPLE123:s",
            "aws:TokenIssueTime": "2026-01-01T00:00:00Z"}),
        (f"arn:aws:iam::{account}:user/u", base | {
            "aws:PrincipalArn": f"arn:aws:iam::{account}:user/u", "aws:PrincipalType": "User",
            "aws:userid": "AIDAEXAMPLEEXAMPLE123", "aws:username": "u"}),
        (f"arn:aws:sts::{account}:federated-user/f", base | {
            "aws:PrincipalArn": f"arn:aws:sts::{account}:federated-user/f", "aws:PrincipalType": "FederatedUser",
            "aws:userid": f"{account}:f", "aws:TokenIssueTime": "2026-01-01T00:00:00Z"}),
        (f"arn:aws:iam::{account}:root", base | {
            "aws:PrincipalArn": f"arn:aws:iam::{account}:root", "aws:PrincipalType": "Account", "aws:userid": account}),
    ]


SERVICE = ("logging.s3.amazonaws.com", {
    "aws:PrincipalServiceName": "logging.s3.amazonaws.com", "aws:PrincipalIsAWSService": "true",
    "aws:PrincipalServiceNamesList": ["logging.s3.amazonaws.com"], "aws:SourceAccount": OWNER})
ANONYMOUS = ("anonymous", {
    "aws:PrincipalAccount": "anonymous", "aws:PrincipalType": "Anonymous", "aws:userid": "anonymous"})

ACTION_PATTERNS = ["*", "s3:*", "s3:Get*", "s3:GetObject", "S3:getobject", "s3:*Object*", "s3:ListBucket", "s3:Put*", "kms:*",
                   "kms:Decrypt", "kms:GenerateDataKey*", "kms:De*", "sts:*", "sts:AssumeRole", "iam:*", "s3:?etObject"]
RESOURCES = {
    "s3": ["*", "arn:aws:s3:::*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::b/audit/*", "arn:aws:s3:::b/other/*",
           "arn:aws:s3:::b*", "arn:aws:s3:::b/audit/?.json", "arn:aws:s3:::B/*", "arn:aws:s3:::b/${aws:PrincipalTag/team}/*",
           "arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::*/x.json"],
    "kms": ["*", KEY, f"arn:aws:kms:*:{OWNER}:key/*", f"arn:aws:kms:us-east-1:{OTHER}:key/*", "arn:aws:s3:::b/*"],
    "sts": ["*", TARGET, f"arn:aws:iam::{OWNER}:role/*", f"arn:aws:iam::*:role/T*", f"arn:aws:iam::{OTHER}:role/*"],
}
CONDITIONS = [
    ("String", "aws:PrincipalTag/team", ["audit", "AUDIT", "a*", "${aws:username}", "${aws:PrincipalTag/dept}", "other"]),
    ("String", "aws:PrincipalOrgID", ["o-1", "o-2", "o-*"]),
    ("String", "aws:SourceVpce", ["vpce-1", "vpce-2", "vpce-*"]),
    ("String", "aws:PrincipalAccount", [OWNER, OTHER, "*"]),
    ("String", "aws:PrincipalType", ["AssumedRole", "User", "Account"]),
    ("String", "aws:userid", ["AROAEXAMPLEEXAMPLE123:s", "AROAEXAMPLEEXAMPLE123:*", "AIDAEXAMPLEEXAMPLE123", OWNER]),
    ("String", "aws:RequestedRegion", ["us-east-1", "eu-*"]),
    ("String", "aws:ResourceAccount", [OWNER, OTHER, "${aws:PrincipalAccount}"]),
    ("Arn", "aws:PrincipalArn", [f"arn:aws:iam::{OWNER}:role/R", f"arn:aws:iam::{OWNER}:role/*", f"arn:aws:iam::*:user/u",
                                 f"arn:aws:iam::{OTHER}:role/R", f"arn:aws:iam::{OWNER}:*"]),
    ("Ip", "aws:SourceIp", ["203.0.113.0/24", "10.0.0.0/8", "203.0.113.7", "0.0.0.0/0", "2001:db8::/32"]),
    ("Bool", "aws:SecureTransport", ["true", "false"]),
    ("Bool", "aws:MultiFactorAuthPresent", ["true", "false"]),
    ("Bool", "aws:PrincipalIsAWSService", ["true", "false"]),
    ("Numeric", "aws:MultiFactorAuthAge", ["300", "3600", "0"]),
    ("Date", "aws:CurrentTime", ["2026-06-01T00:00:00Z", "2027-01-01T00:00:00Z", "1767225600"]),
    ("List", "aws:PrincipalOrgPaths", ["o-1/r-1/ou-1/*", "o-1/*", "o-2/*"]),
    ("List", "aws:TagKeys", ["a", "b", "c*"]),
    ("Null", "aws:SourceVpce", ["true", "false"]),
    ("Null", "aws:MultiFactorAuthPresent", ["true", "false"]),
]
SERVICE_CONDITIONS = {
    "s3:ListBucket": [("String", "s3:prefix", ["audit/", "audit/*", "${aws:username}/*"])],
    "s3:PutObject": [("String", "s3:x-amz-acl", ["bucket-owner-full-control", "public-read"])],
    "kms:Decrypt": [("String", "kms:ViaService", ["s3.us-east-1.amazonaws.com", "s3.*"]),
                    ("String", "kms:EncryptionContext:aws:s3:arn", [BUCKET, OBJECT, "arn:aws:s3:::b/*"]),
                    ("String", "kms:CallerAccount", [OWNER, OTHER])],
    "sts:AssumeRole": [("String", "sts:ExternalId", ["x", "y", "*"]), ("String", "sts:RoleSessionName", ["s", "s*"])],
}
OPERATORS = {
    "String": ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase",
               "StringNotEqualsIgnoreCase"],
    "Arn": ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
    "Ip": ["IpAddress", "NotIpAddress"],
    "Bool": ["Bool"],
    "Numeric": ["NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan",
                "NumericGreaterThanEquals"],
    "Date": ["DateLessThan", "DateGreaterThan", "DateLessThanEquals", "DateGreaterThanEquals", "DateNotEquals"],
    "List": ["StringEquals", "StringLike", "StringNotEquals", "StringNotLike"],
    "Null": ["Null"],
}


def some(rng, items, most=2):
    return rng.sample(items, rng.randint(1, min(most, len(items))))


def one_or_list(items):
    return items[0] if len(items) == 1 else items


def condition(rng, action):
    kind, key, values = rng.choice(CONDITIONS + 4 * SERVICE_CONDITIONS.get(action, []))
    operator = rng.choice(OPERATORS[kind])
    if kind == "List":
        operator = rng.choice(["ForAllValues:", "ForAnyValue:", "ForAnyValue:", ""]) + operator
    elif kind != "Null" and rng.random() < 0.1:
        operator = rng.choice(["ForAllValues:", "ForAnyValue:"]) + operator
    if kind != "Null" and rng.random() < 0.25:
        operator += "IfExists"
    if rng.random() < 0.1:
        key = key.upper() if "/" not in key else key
    return operator, key, one_or_list(some(rng, values))


def principal_element(rng, who, account):
    role, session = f"arn:aws:iam::{account}:role/R", f"arn:aws:sts::{account}:assumed-role/R/s"
    choices = ["*", {"AWS": "*"}, {"AWS": account}, {"AWS": f"arn:aws:iam::{account}:root"}, {"AWS": OWNER}, {"AWS": OTHER},
               {"AWS": role}, {"AWS": session}, {"AWS": f"arn:aws:iam::{account}:user/u"},
               {"AWS": [f"arn:aws:iam::{OWNER}:role/Q", role]}, {"Service": "logging.s3.amazonaws.com"},
               {"Service": ["ec2.amazonaws.com", "logging.s3.amazonaws.com"]}, {"AWS": "AROAEXAMPLEEXAMPLE123"},
               {"AWS": f"arn:aws:sts::{account}:federated-user/f"}]
    return rng.choice(choices)


def statement(rng, action, layer, who, account, deny):
    service = action.split(":")[0]
    result = {"Effect": "Deny" if rng.random() < deny else "Allow"}
    if rng.random() < 0.3:
        result["Sid"] = f"S{rng.randint(0, 99)}"
    if layer in ("resource", "rcp", "vpce"):
        if layer == "resource" and result["Effect"] == "Deny" and rng.random() < 0.15:
            result["NotPrincipal"] = {"AWS": some(rng, [
                f"arn:aws:iam::{account}:root", f"arn:aws:iam::{account}:role/R", f"arn:aws:sts::{account}:assumed-role/R/s",
                f"arn:aws:iam::{OTHER}:role/Q"], 3)}
        else:
            result["Principal"] = "*" if layer != "resource" else principal_element(rng, who, account)
    likely = [pattern for pattern in ACTION_PATTERNS if pattern.lower().startswith(service + ":") or pattern == "*"]
    if layer == "rcp":
        likely = [pattern for pattern in likely if pattern != "*"]
    trust = layer == "resource" and service == "sts"
    name = "NotAction" if rng.random() < 0.1 and layer not in ("scp", "rcp") and not trust else "Action"
    unlikely = ACTION_PATTERNS if layer != "rcp" else [pattern for pattern in ACTION_PATTERNS if pattern != "*"]
    result[name] = one_or_list(some(rng, likely if rng.random() < 0.8 else unlikely, 3))
    if trust:
        result["Action"] = one_or_list(some(rng, ["sts:AssumeRole", "sts:*", "sts:TagSession"]))
    else:
        key_policy = layer == "resource" and service == "kms"
        if not (key_policy and rng.random() < 0.05):
            name = "NotResource" if rng.random() < 0.08 and layer not in ("scp", "rcp", "resource") else "Resource"
            result[name] = one_or_list(some(rng, RESOURCES[service], 3))
    if rng.random() < 0.45:
        block = {}
        for operator, key, values in (condition(rng, action) for _ in range(rng.choice([1, 1, 1, 2]))):
            block.setdefault(operator, {})[key] = values
        result["Condition"] = block
    return result


def policy(rng, action, layer, who, account, deny=0.2, most=3):
    statements = [statement(rng, action, layer, who, account, deny) for _ in range(rng.randint(1, most))]
    result = {"Statement": statements}
    # Organizations takes control policies of this version only.
    if layer == "rcp" or rng.random() < 0.9:
        result["Version"] = "2012-10-17"
    return result


FULL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def scenario(rng):
    action, resource = rng.choice(ACTIONS)
    account = rng.choice([OWNER, OWNER, OTHER])
    who, context = rng.choices(
        principals(account) + [SERVICE, ANONYMOUS], weights=[8, 6, 2, 1, 1, 1 if action.startswith("s3:") else 0])[0]
    if "federated-user" in who and action.startswith("sts:"):
        # Such credentials cannot call STS at all.
        who, context = principals(account)[0]
    unsigned = who == "anonymous"
    person = not unsigned and who != SERVICE[0]
    context = dict(context)
    context |= {"aws:SecureTransport": rng.choice(["true", "true", "false"]), "aws:CurrentTime": "2026-11-23T00:00:00Z",
                "aws:EpochTime": "1795392000", "aws:RequestedRegion": "us-east-1", "aws:UserAgent": "x",
                "aws:ViaAWSService": "false", "aws:ResourceAccount": OWNER}
    if who == SERVICE[0]:
        pass
    elif rng.random() < 0.5:
        context["aws:SourceIp"] = rng.choice(["203.0.113.7", "10.1.2.3", "198.51.100.1", "2001:db8::1"])
    else:
        context |= {"aws:SourceVpce": rng.choice(["vpce-1", "vpce-3"]), "aws:SourceVpc": "vpc-1"}
    if person and "assumed-role" in who and rng.random() < 0.9:
        context["aws:MultiFactorAuthPresent"] = rng.choice(["true", "false"])
        if context["aws:MultiFactorAuthPresent"] == "true":
            context["aws:MultiFactorAuthAge"] = rng.choice(["10", "300", "7200"])
    elif person and "assumed-role" in who:
        context["aws:MultiFactorAuthPresent"] = "false"
    if "federated-user" in who:
        context["aws:MultiFactorAuthPresent"] = "false"
    if person and rng.random() < 0.5:
        context["aws:PrincipalTag/team"] = rng.choice(["audit", "other", "Audit"])
    in_organization = person and rng.random() < 0.5
    if in_organization:
        context |= {"aws:PrincipalOrgID": "o-1", "aws:PrincipalOrgPaths": ["o-1/r-1/ou-1/"]}
    if rng.random() < 0.2:
        context["aws:TagKeys"] = rng.choice([["a"], ["a", "b"], ["c1", "x"]])
    if action == "s3:ListBucket" and rng.random() < 0.7:
        context["s3:prefix"] = rng.choice(["audit/", "audit/x", "u/y"])
    if action == "s3:PutObject" and rng.random() < 0.5:
        context["s3:x-amz-acl"] = "bucket-owner-full-control"
    if action.startswith("kms:"):
        context["kms:CallerAccount"] = account
        if action == "kms:Decrypt" and rng.random() < 0.6:
            context |= {"kms:ViaService": "s3.us-east-1.amazonaws.com",
                        "kms:EncryptionContext:aws:s3:arn": rng.choice([BUCKET, OBJECT])}
    if action == "sts:AssumeRole":
        context["sts:RoleSessionName"] = "s"
        if rng.random() < 0.5:
            context["sts:ExternalId"] = rng.choice(["x", "y"])
    result = {"principal": who, "action": action, "resource": resource, "resource_account": OWNER, "context": context}
    make = lambda layer, **more: policy(rng, action, layer, who, account, **more)
    if person and not who.endswith(":root"):
        result["identity_policies"] = [make("identity") for _ in range(rng.choice([0, 1, 1, 1, 2]))]
        if rng.random() < 0.25:
            result["permissions_boundary"] = make("boundary", deny=0.1)
        if "assumed-role" in who and rng.random() < 0.15 or "federated-user" in who and rng.random() < 0.8:
            result["session_policy"] = make("session", deny=0.1)
    if in_organization and rng.random() < 0.4:
        result["service_control_policies"] = [
            [rng.choice([FULL, FULL, make("scp", deny=0.5)])] + ([make("scp", deny=0.9)] if rng.random() < 0.3 else [])
            for _ in range(rng.choice([1, 2, 3]))]
        if not any(result["service_control_policies"]):
            del result["service_control_policies"]
    if rng.random() < 0.1:
        result["resource_control_policies"] = [[make("rcp", deny=1.0)]]
        context |= {"aws:ResourceOrgID": "o-1", "aws:ResourceOrgPaths": ["o-1/r-1/ou-1/"]}
    if action.startswith(("kms:", "sts:")) or rng.random() < 0.7:
        result["resource_policy"] = make("resource", deny=0.25)
    if "aws:SourceVpce" in context and rng.random() < 0.1:
        result["vpc_endpoint_policy"] = make("vpce")
    if action.startswith("s3:") and "resource_policy" in result and rng.random() < 0.1:
        result["block_public_access"] = {"restrict_public_buckets": True}
    return result


def scenarios(count, seed):
    rng = random.Random(seed)
    return [scenario(rng) for _ in range(count)]

"""Where iam-simulate and AWS's documentation part.

Letters a–k are those of the facts sheet `aws-access-evaluation.md`, section 1.1; l and later were found by this harness.
Each has a predicate over a request on which the two disagree, and fixed requests on which they must go on disagreeing:
when the oracle changes its mind, this list has to shrink.
"""

import dataclasses
import json

from generate import FULL, KEY, OBJECT, OTHER, OWNER

SESSION = f"arn:aws:sts::{OWNER}:assumed-role/R/s"
UNIQUE_ID = "AROAEXAMPLEEXAMPLE123"
ROOT_ACCOUNT_KMS = {
    "kms:decrypt", "kms:encrypt", "kms:generatedatakey", "kms:describekey", "kms:creategrant", "kms:listgrants",
    "kms:revokegrant", "kms:retiregrant", "kms:getpublickey", "kms:getkeyrotationstatus"}


def as_list(value):
    return value if isinstance(value, list) else [value]


def policies(scenario):
    for name in ("identity_policies",):
        yield from scenario.get(name, [])
    for name in ("permissions_boundary", "session_policy", "resource_policy", "vpc_endpoint_policy"):
        if name in scenario:
            yield scenario[name]
    for name in ("service_control_policies", "resource_control_policies"):
        for level in scenario.get(name, []):
            yield from level


def statements(scenario):
    for policy in policies(scenario):
        for statement in as_list(policy["Statement"]):
            yield policy, statement


def resource_statements(scenario):
    return as_list(scenario["resource_policy"]["Statement"]) if "resource_policy" in scenario else []


def present(scenario, key):
    return any(name.lower() == key.lower() for name in scenario["context"])


def lines(statement):
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            yield operator, key, as_list(values)


def unresolved(scenario, text):
    """Whether a text has a variable without a value."""
    return "${" in text and not present(scenario, text.split("${")[1].split("}")[0])


def session_policy_limits_an_exact_grant(scenario, their, our):
    """a. An exact grant (session, user, everybody) is not limited by what a session policy leaves out
    ("Policies and permissions in IAM", session policies)."""
    return "session_policy" in scenario and our["decision"] == "allowed" and any(
        statement.get("Principal") in ("*", {"AWS": "*"}) or ":assumed-role/" in json.dumps(statement.get("Principal"))
        or ":federated-user/" in json.dumps(statement.get("Principal")) for statement in resource_statements(scenario))


def unique_id(scenario, their, our):
    """b. `AROA…` is the stored form of a role ("Principal")."""
    return UNIQUE_ID in json.dumps([statement.get("Principal") for statement in resource_statements(scenario)])


def root_user(scenario, their, our):
    """c. The root user has full access unless it is denied ("Policy evaluation logic")."""
    return scenario["principal"].endswith(":root") and (our["decision"], their["decision"]) == ("allowed", "implicit_deny")


def service_under_scp(scenario, their, our):
    """d. SCPs do not reach service principals and service-linked roles ("Service control policies")."""
    linked = "AWSServiceRoleFor" in scenario["principal"] or scenario["principal"].endswith(".amazonaws.com")
    return linked and "service_control_policies" in scenario


def unresolved_variable(scenario, their, our):
    """e. A negated operator matches when the variable has no value ("Variables and tags", no value)."""
    return any(unresolved(scenario, value) and "Not" in operator
               for _, statement in statements(scenario) for operator, _, values in lines(statement) for value in values)


def old_version(scenario, their, our):
    """f. Without Version 2012-10-17, `${…}` is plain text ("Version")."""
    return any("${" in json.dumps(statement) and policy.get("Version") != "2012-10-17"
               for policy, statement in statements(scenario))


def key_policy_without_resource(scenario, their, our):
    """g. A key policy statement without Resource has no effect ("Key policies", overview)."""
    return scenario["action"].startswith("kms:") and any(
        "Resource" not in statement and "NotResource" not in statement for statement in resource_statements(scenario))


def public_policy(scenario, their, our):
    """h. What "public" means ("Blocking public access", the meaning of public)."""
    return "block_public_access" in scenario and any(
        "Federated" in json.dumps(statement.get("Principal")) or "DataAccessPoint" in json.dumps(statement)
        for statement in resource_statements(scenario))


def not_principal(scenario, their, our):
    """i. NotPrincipal with Deny that names the role only: whether its sessions are hit is not promised ("NotPrincipal")."""
    return any("NotPrincipal" in statement for statement in resource_statements(scenario))


def dropped_key(scenario, their, our):
    """k. Keys that its table does not list for the action and resource are dropped, though the request has them."""
    dropped = {key.lower() for key in their.get("ignored", [])}
    asked = {key.lower() for _, statement in statements(scenario) for _, key, _ in lines(statement)}
    return bool(dropped & asked)


def federated_without_session_policy(scenario, their, our):
    """l. GetFederationToken without a session policy gives no permissions of its own ("Permissions for
    GetFederationToken"): only a resource policy that names the session does."""
    return ":federated-user/" in scenario["principal"] and "session_policy" not in scenario


def foreign_key_administration(scenario, their, our):
    """m. Another account can use a key and never administer it ("Allowing users in other accounts to use a KMS key")."""
    return (scenario["action"].startswith("kms:") and scenario["action"].lower() not in ROOT_ACCOUNT_KMS
            and f"::{OTHER}:" in scenario["principal"])


def root_assumes_role(scenario, their, our):
    """n. The root user cannot assume a role (STS API, AssumeRole)."""
    return scenario["principal"].endswith(":root") and scenario["action"] == "sts:AssumeRole"


def everything_is_no_range(scenario, their, our):
    """o. 0.0.0.0/0 holds every IPv4 address ("Condition operators", IP address); the oracle finds none in it."""
    return any(value.endswith("/0") for _, statement in statements(scenario)
               for operator, _, values in lines(statement) if "IpAddress" in operator for value in values)


def unresolved_not_resource(scenario, their, our):
    """p. A NotResource whose variable has no value excludes nothing ("Variables and tags", no value)."""
    return any(unresolved(scenario, text) for _, statement in statements(scenario)
               for text in as_list(statement.get("NotResource", [])))


def other_family(scenario, their, our):
    """r. An IPv6 address is no IPv4 address, so NotIpAddress holds ("Condition operators", IP address)."""
    source = scenario["context"].get("aws:SourceIp", "")
    return any(operator.startswith(("NotIp", "ForAnyValue:NotIp", "ForAllValues:NotIp"))
               and any((":" in source) != (":" in value) for value in values)
               for _, statement in statements(scenario) for operator, _, values in lines(statement))


def key_of_a_service(scenario, their, our):
    """s. Both deny: the oracle takes a key of a service principal that was not given for absent, to us it is unknown, so no
    Deny that asks for it is certain; nothing allows either way."""
    return (scenario["principal"].endswith(".amazonaws.com")
            and (our["decision"], their["decision"]) == ("implicit_deny", "explicit_deny")
            and any(not present(scenario, key) for _, statement in statements(scenario) for _, key, _ in lines(statement)))


def root_keeps_the_bucket_policy(scenario, their, our):
    """t. No bucket policy takes the policy of its own bucket away from the root user (S3 API, PutBucketPolicy)."""
    return (scenario["principal"] == f"arn:aws:iam::{OWNER}:root" and scenario["action"].endswith("BucketPolicy")
            and (our["decision"], their["decision"]) == ("allowed", "explicit_deny"))


def block_without_allow(scenario, their, our):
    """q. Both deny: under RestrictPublicBuckets we name the block even where nothing allows."""
    return our["decision"] == "explicit_deny" and their["decision"] == "implicit_deny" and all(
        one["layer"] == "public_access_block" for one in our["deciding"])


KNOWN = [session_policy_limits_an_exact_grant, unique_id, root_user, service_under_scp, unresolved_variable, old_version,
         key_policy_without_resource, public_policy, not_principal, dropped_key, federated_without_session_policy,
         foreign_key_administration, root_assumes_role, everything_is_no_range, unresolved_not_resource,
         other_family, key_of_a_service, root_keeps_the_bucket_policy,
         block_without_allow]


def explain(scenario, their, our):
    """The letter of the divergence that explains a disagreement, if one does."""
    for known in KNOWN:
        if known(scenario, their, our):
            return known.__doc__.split(".")[0] + " " + known.__name__
    return None


@dataclasses.dataclass
class Probe:
    letter: str
    ours: str
    theirs: str
    scenario: dict


def allow(**elements):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", **elements}]}


def deny(**elements):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*", **elements}]}


def probe(letter, ours, theirs, principal=SESSION, action="s3:GetObject", resource=OBJECT, context=None, **parts):
    given = {"aws:SecureTransport": "true", "aws:MultiFactorAuthPresent": "false"} | (context or {})
    scenario = {"principal": principal, "action": action, "resource": resource, "resource_account": OWNER, "context": given}
    return Probe(letter, ours, theirs, scenario | parts)


NOTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"}]}
PROBES = [
    probe("a", "allowed", "implicit_deny", session_policy=NOTHING, resource_policy=allow(Principal={"AWS": SESSION})),
    probe("b", "allowed", "implicit_deny", context={"aws:userid": f"{UNIQUE_ID}:s"},
          resource_policy=allow(Principal={"AWS": UNIQUE_ID})),
    probe("c", "allowed", "implicit_deny", principal=f"arn:aws:iam::{OWNER}:root"),
    probe("d", "allowed", "explicit_deny", principal="logging.s3.amazonaws.com", service_control_policies=[[FULL, deny()]],
          resource_policy=allow(Principal={"Service": "logging.s3.amazonaws.com"})),
    probe("e", "explicit_deny", "allowed", identity_policies=[FULL, deny(
        Condition={"StringNotEquals": {"aws:PrincipalTag/team": "${aws:PrincipalTag/dept}"}})],
          context={"aws:PrincipalTag/team": "audit"}),
    probe("f", "implicit_deny", "allowed", context={"aws:PrincipalTag/team": "audit"}, identity_policies=[
        {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b/${aws:PrincipalTag/team}/*"}]}]),
    probe("g", "implicit_deny", "allowed", action="kms:Decrypt", resource=KEY, resource_policy={
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": SESSION}, "Action": "*"}]}),
    probe("h", "explicit_deny", "allowed", principal=f"arn:aws:sts::{OTHER}:assumed-role/R/s", identity_policies=[FULL],
          block_public_access={"restrict_public_buckets": True}, resource_policy={"Version": "2012-10-17", "Statement": [
              {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "*", "Resource": "*"},
              {"Effect": "Allow", "Principal": {"Federated": "graph.facebook.com"}, "Action": "*", "Resource": "*"}]}),
    probe("i", "unknown", "allowed", identity_policies=[FULL], resource_policy=deny(
        NotPrincipal={"AWS": f"arn:aws:iam::{OWNER}:role/R"})),
    probe("j", "allowed", "implicit_deny", identity_policies=[
        allow(Condition={"StringEquals": {"aws:PrincipalAccount": OWNER}})]),
    probe("k", "allowed", "implicit_deny", context={"s3:DataAccessPointAccount": OWNER}, identity_policies=[
        allow(Condition={"StringEquals": {"s3:DataAccessPointAccount": OWNER}})]),
    probe("l", "implicit_deny", "allowed", principal=f"arn:aws:sts::{OWNER}:federated-user/f", identity_policies=[FULL]),
    probe("m", "implicit_deny", "allowed", principal=f"arn:aws:sts::{OTHER}:assumed-role/R/s", action="kms:PutKeyPolicy",
          resource=KEY, identity_policies=[FULL], resource_policy=allow(Principal={"AWS": OTHER})),
    probe("n", "implicit_deny", "allowed", principal=f"arn:aws:iam::{OWNER}:root", action="sts:AssumeRole",
          resource=f"arn:aws:iam::{OWNER}:role/Target", resource_policy={"Version": "2012-10-17", "Statement": [
              {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}),
    probe("o", "allowed", "implicit_deny", context={"aws:SourceIp": "203.0.113.7"}, identity_policies=[
        allow(Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})]),
    probe("p", "allowed", "implicit_deny", identity_policies=[{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b/${aws:PrincipalTag/team}/*"}]}]),
    probe("q", "explicit_deny", "implicit_deny", principal="anonymous", action="s3:PutObject",
          block_public_access={"restrict_public_buckets": True}, resource_policy=allow(Principal="*", Action="s3:GetObject")),
    probe("r", "explicit_deny", "allowed", context={"aws:SourceIp": "2001:db8::1"}, identity_policies=[FULL, deny(
        Condition={"NotIpAddress": {"aws:SourceIp": "203.0.113.7"}})]),
    probe("s", "implicit_deny", "explicit_deny", principal="logging.s3.amazonaws.com", resource_policy=deny(
        Principal="*", Condition={"StringNotLike": {"aws:userid": "AROAEXAMPLEEXAMPLE123:*"}})),
    probe("t", "allowed", "explicit_deny", principal=f"arn:aws:iam::{OWNER}:root", action="s3:PutBucketPolicy",
          resource="arn:aws:s3:::b", resource_policy=deny(Principal="*")),
]

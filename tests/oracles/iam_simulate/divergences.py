"""Where iam-simulate and AWS's documentation part.

Letters a–k are those of the facts sheet `aws-access-evaluation.md`, section 1.1; l and later were found by this harness.

Each divergence is a rule with the exact spelling that the oracle reads otherwise, and a rewriting that says the same, by the
documentation, in a spelling that both read alike (or, where only our answer can be changed, takes away what the oracle does
not see). A disagreement counts as explained only when both are asked again about the rewritten request and then agree, on
what the documentation says of the request as it was. Whatever is left is a disagreement, whichever rule it may resemble.

Each has fixed requests on which the two must go on disagreeing: when the oracle changes its mind, this list has to shrink.
h, i and j have such requests only: no random one turns on them.
"""

import copy
import dataclasses
import itertools
import json

from generate import FULL, KEY, OBJECT, OTHER, OWNER

SESSION = f"arn:aws:sts::{OWNER}:assumed-role/R/s"
UNIQUE_ID = "AROAEXAMPLEEXAMPLE123"
# What an account may do with a key of another ("Allowing users in other accounts to use a KMS key").
ACROSS_ACCOUNTS = {
    "kms:decrypt", "kms:encrypt", "kms:generatedatakey", "kms:describekey", "kms:creategrant", "kms:listgrants",
    "kms:revokegrant", "kms:retiregrant", "kms:getpublickey", "kms:getkeyrotationstatus"}
KEEPS = {"s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"}
SINGLE = ("permissions_boundary", "session_policy", "resource_policy", "vpc_endpoint_policy")
LEVELS = ("service_control_policies", "resource_control_policies")
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def as_list(value):
    return value if isinstance(value, list) else [value]


def policies(scenario):
    yield from scenario.get("identity_policies", [])
    yield from (scenario[name] for name in SINGLE if name in scenario)
    for name in LEVELS:
        for level in scenario.get(name, []):
            yield from level


def statements(scenario):
    for policy in policies(scenario):
        for statement in as_list(policy["Statement"]):
            yield policy, statement


def resource_statements(scenario):
    return as_list(scenario["resource_policy"]["Statement"]) if "resource_policy" in scenario else []


def value_of(scenario, key):
    return next((value for name, value in scenario["context"].items() if name.lower() == key.lower()), None)


def lines(statement):
    for operator, keys in statement.get("Condition", {}).items():
        for key in list(keys):
            yield operator, key, keys


def is_without_value(scenario, text):
    """Whether a text has a variable without a value. The generator writes one variable at most."""
    return "${" in text and value_of(scenario, text.split("${")[1].split("}")[0]) is None


def keep(scenario, which):
    """Leaves only some statements in the resource policy."""
    kept = [one for one in resource_statements(scenario) if which(one)]
    if kept:
        scenario["resource_policy"]["Statement"] = kept
    else:
        scenario.pop("resource_policy", None)


def is_root(scenario):
    return scenario["principal"].endswith(":root")


def is_service(scenario):
    return scenario["principal"].endswith(".amazonaws.com")


def session_policy_limits_an_exact_grant(scenario):
    """a. An exact grant (session, user, everybody) is not limited by what a session policy leaves out ("Policies and
    permissions in IAM", session policies). Rewritten: the session policy allows everything beside its Denies, and identity
    policies, which it would have limited, allow nothing."""
    exact = ("*", {"AWS": "*"}, {"AWS": scenario["principal"]})
    granted = any(one["Effect"] == "Allow" and one.get("Principal") in exact for one in resource_statements(scenario))
    if "session_policy" not in scenario or not granted:
        return
    denies = [one for one in as_list(scenario["session_policy"]["Statement"]) if one["Effect"] == "Deny"]
    scenario["session_policy"]["Statement"] = denies + [ALLOW_ALL]
    for policy in scenario.get("identity_policies", []):
        policy["Statement"] = [one for one in as_list(policy["Statement"]) if one["Effect"] == "Deny"]
    scenario["identity_policies"] = [one for one in scenario.get("identity_policies", []) if one["Statement"]]
    keep(scenario, lambda one: one["Effect"] == "Deny" or one.get("Principal") in exact)


def unique_id(scenario):
    """b. `AROA…` is the stored form of a role ("Principal"). Rewritten: the ARN of the role whose session asks."""
    role = scenario["context"].get("aws:PrincipalArn")
    if not scenario["context"].get("aws:userid", "").startswith(UNIQUE_ID + ":"):
        return
    for one in resource_statements(scenario):
        if one.get("Principal") == {"AWS": UNIQUE_ID}:
            one["Principal"] = {"AWS": role}


def root_user(scenario):
    """c. The root user has full access in its account unless it is denied ("Policy evaluation logic"). Rewritten: with a
    policy that allows everything. To a key or a role of its account it still needs the resource's word (K1, A1)."""
    if is_root(scenario):
        scenario["identity_policies"] = [FULL]


def service_under_scp(scenario):
    """d. SCPs do not reach service principals and service-linked roles ("Service control policies"). Rewritten: none."""
    if is_service(scenario) or ":assumed-role/AWSServiceRoleFor" in scenario["principal"]:
        scenario.pop("service_control_policies", None)


def unresolved_variable(scenario):
    """e. A negated operator matches when the variable has no value ("Variables and tags", no value). Rewritten: with a text
    that no request has in its place."""
    for _, statement in statements(scenario):
        for operator, key, keys in lines(statement):
            if "Not" in operator:
                values = as_list(keys[key])
                keys[key] = ["\u0001" if is_without_value(scenario, value) else value for value in values]


def old_version(scenario):
    """f. Without Version 2012-10-17, `${…}` is plain text ("Version"). Rewritten: as a text that is no variable; no request
    has either."""
    for policy in policies(scenario):
        if policy.get("Version") != "2012-10-17":
            policy["Statement"] = json.loads(json.dumps(policy["Statement"]).replace("${", "$("))


def key_policy_without_resource(scenario):
    """g. A key policy statement without Resource has no effect ("Key policies", overview). Rewritten: without it."""
    if scenario["action"].startswith("kms:"):
        keep(scenario, lambda one: "Resource" in one or "NotResource" in one)


def federated_without_session_policy(scenario):
    """l. GetFederationToken without a session policy gives no permissions of its own ("Permissions for
    GetFederationToken"). Rewritten: without what identity policies allow."""
    if ":federated-user/" in scenario["principal"] and "session_policy" not in scenario:
        for policy in scenario.get("identity_policies", []):
            policy["Statement"] = [one for one in as_list(policy["Statement"]) if one["Effect"] == "Deny"]
        scenario["identity_policies"] = [one for one in scenario.get("identity_policies", []) if one["Statement"]]


def foreign_key_administration(scenario):
    """m. Another account can use a key and never administer it ("Allowing users in other accounts to use a KMS key").
    Rewritten: without what the key policy allows."""
    if (scenario["action"].startswith("kms:") and scenario["action"].lower() not in ACROSS_ACCOUNTS
            and f"::{OTHER}:" in scenario["principal"]):
        keep(scenario, lambda one: one["Effect"] == "Deny")


def root_assumes_role(scenario):
    """n. The root user cannot assume a role (STS API, AssumeRole). Rewritten: without what the trust policy allows."""
    if is_root(scenario) and scenario["action"] == "sts:AssumeRole":
        keep(scenario, lambda one: one["Effect"] == "Deny")


def everything_is_no_range(scenario):
    """o. 0.0.0.0/0 holds every IPv4 address ("Condition operators", IP address); the oracle finds none in it. Rewritten: as
    its two halves."""
    for _, statement in statements(scenario):
        for operator, key, keys in lines(statement):
            if "IpAddress" in operator and "0.0.0.0/0" in as_list(keys[key]):
                keys[key] = [one for one in as_list(keys[key]) if one != "0.0.0.0/0"] + ["0.0.0.0/1", "128.0.0.0/1"]


def unresolved_not_resource(scenario):
    """p. A NotResource whose variable has no value excludes nothing ("Variables and tags", no value). Rewritten: without
    that resource."""
    for _, statement in statements(scenario):
        left = [one for one in as_list(statement.get("NotResource", [])) if not is_without_value(scenario, one)]
        if "NotResource" in statement:
            statement["NotResource"] = left or ["arn:aws:s3:::no-such-bucket-1"]


def other_family(scenario):
    """r. An IPv6 address is no IPv4 address, so NotIpAddress holds ("Condition operators", IP address). Rewritten: ranges of
    the other family as a range of its own family that is nobody's."""
    source = scenario["context"].get("aws:SourceIp", "")
    nobody = "2001:db8:ffff::/48" if ":" in source else "192.0.2.0/32"
    for _, statement in statements(scenario):
        for operator, key, keys in lines(statement):
            if "NotIpAddress" in operator and source:
                keys[key] = [one if (":" in one) == (":" in source) else nobody for one in as_list(keys[key])]


def root_keeps_the_bucket_policy(scenario):
    """t. No bucket policy takes the policy of its own bucket away from the root user (S3 API, PutBucketPolicy). Rewritten:
    without the Denies of that policy."""
    if scenario["principal"] == f"arn:aws:iam::{OWNER}:root" and scenario["action"].lower() in KEEPS:
        keep(scenario, lambda one: one["Effect"] == "Allow")


def fixed_user_id(scenario):
    """u. A fixed `aws:userid` makes a statement no public one ("Blocking public access", the meaning of public names no
    operators); the oracle takes StringEquals alone. Rewritten: values without wildcard or variable with StringEquals."""
    if "block_public_access" not in scenario:
        return
    for one in resource_statements(scenario):
        for operator, key, keys in list(lines(one)):
            like = operator.removeprefix("ForAnyValue:") in ("StringLike", "StringEquals", "StringEqualsIgnoreCase")
            fixed = not any(set(value) & set("*?$") for value in as_list(keys[key]))
            equals = one["Condition"].setdefault("StringEquals", {}) if like and fixed else keys
            if key.lower() == "aws:userid" and like and fixed and key not in equals:
                equals[key] = keys.pop(key)
        one["Condition"] = {operator: keys for operator, keys in one.get("Condition", {}).items() if keys}
        if not one["Condition"]:
            del one["Condition"]


# What the oracle would say if it read what the documentation says.
REWRITTEN_FOR_THE_ORACLE = [
    session_policy_limits_an_exact_grant, unique_id, root_user, service_under_scp, unresolved_variable, old_version,
    key_policy_without_resource, federated_without_session_policy, foreign_key_administration,
    root_assumes_role, everything_is_no_range, unresolved_not_resource, other_family, root_keeps_the_bucket_policy,
    fixed_user_id]


def dropped_key(scenario, their):
    """k. Keys that its table does not list for the action and resource are dropped, though the request has them. Taken away:
    those keys."""
    dropped = {key.lower() for key in their.get("ignored", [])}
    for name in [name for name in scenario["context"] if name.lower() in dropped]:
        # An empty list says that the key is absent.
        scenario["context"][name] = []


def block_without_allow(scenario, their):
    """q. Both deny: under RestrictPublicBuckets we name the block even where nothing allows. Taken away: the block, and the
    oracle must have denied implicitly."""
    if their["decision"] == "implicit_deny":
        scenario.pop("block_public_access", None)


def key_of_a_service(scenario, their):
    """s. Both deny: the oracle takes keys of a service principal that were not given for absent, to us they are unknown, so
    no Deny that asks for one is certain. Taken away: those keys, where the oracle denied explicitly."""
    if is_service(scenario) and their["decision"] == "explicit_deny":
        for key in ("aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalType", "aws:userid"):
            scenario["context"].setdefault(key, [])


# What we would say if we did not know what the oracle does not.
TAKEN_FROM_US = [dropped_key, block_without_allow, key_of_a_service]


def name(divergence):
    return divergence.__doc__.split(".")[0] + " " + divergence.__name__


def rewritten(scenario, their):
    """(names, rewritten for the oracle, taken away from us): each rule that applies alone, any two, and all together."""

    def apply(rules):
        for_oracle, for_us = copy.deepcopy(scenario), copy.deepcopy(scenario)
        for rule in rules:
            rule(for_oracle) if rule in REWRITTEN_FOR_THE_ORACLE else rule(for_us, their)
        return [name(rule) for rule in rules], for_oracle, for_us

    rules = [rule for rule in REWRITTEN_FOR_THE_ORACLE + TAKEN_FROM_US if apply([rule])[1:] != (scenario, scenario)]
    yield from map(apply, itertools.combinations(rules, 1))
    yield from map(apply, itertools.combinations(rules, 2))
    if len(rules) > 2:
        yield apply(rules)


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
    probe("u", "allowed", "explicit_deny", principal=f"arn:aws:iam::{OTHER}:user/u", identity_policies=[FULL],
          context={"aws:userid": "AIDAEXAMPLEEXAMPLE123"}, block_public_access={"restrict_public_buckets": True},
          resource_policy=allow(Principal="*", Condition={"StringLike": {"aws:userid": "AIDAEXAMPLEEXAMPLE123"}})),
]

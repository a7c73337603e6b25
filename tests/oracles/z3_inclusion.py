#!/usr/bin/env python3
"""`auditseal policy includes` against Z3, on the policies of a folder and on small changes of them.

    tests/oracles/z3_inclusion.py [--policies /work/shared/corpora/policies] [--seed 1] [--changes 8]

Installs z3-solver from PyPI into target/oracles. Every policy gets `Allow *` beside it (these are guard rails that only deny)
and is compared, in both directions, with copies of itself that lack a statement, a condition, a value or an action. The
encoding is this script's own: strings, globs as regular expressions, a presence count for every key. A "true" of ours that Z3
refutes, or a "false" that it proves wrong, is a failure; "unknown" on either side is counted.
"""

import argparse
import collections
import copy
import ipaddress
import json
import pathlib
import random
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / "target/oracles/venv"

try:
    import z3
except ImportError:
    if not (VENV / "bin/python").exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    if sys.prefix == str(VENV):
        sys.exit("z3-solver could not be installed")
    subprocess.run([VENV / "bin/pip", "install", "--quiet", "z3-solver"], check=True)
    sys.exit(subprocess.run([VENV / "bin/python", *sys.argv]).returncode)

MOST_VALUES = 3


class NotEncoded(Exception):
    """Something that this script leaves to others."""


def as_list(value):
    return value if isinstance(value, list) else [value]


def literal(text):
    return z3.Re(z3.StringVal(text))


ANY = z3.AllChar(z3.ReSort(z3.StringSort()))
NO_COLON = z3.Intersect(ANY, z3.Complement(literal(":")))


def glob(pattern, one=ANY):
    parts = [z3.Star(one) if part == "*" else one if part == "?" else literal(part)
             for part in re.split(r"([*?])", pattern) if part]
    if not parts:
        return literal("")
    return parts[0] if len(parts) == 1 else z3.Concat(*parts)


class Key:
    """The values of one context key: a count and as many values. Only keys under a set operator have more than one."""

    def __init__(self, name, many):
        self.count = z3.Int(f"{name}#")
        self.most = MOST_VALUES if many else 1
        self.text = [z3.String(f"{name}{index}") for index in range(self.most)]
        self.number = [z3.Real(f"{name}n{index}") for index in range(self.most)]
        self.address = [z3.BitVec(f"{name}a{index}", 32) for index in range(self.most)]
        self.domain = [self.count >= 0, self.count <= self.most]

    def restrict(self, kind):
        for value in self.text:
            if kind == "Bool":
                self.domain.append(z3.Or(value == "true", value == "false"))
            if kind == "Arn":
                self.domain.append(z3.InRe(value, z3.Concat(*([z3.Star(NO_COLON), literal(":")] * 5), z3.Star(ANY))))



def taken_apart(operator):
    prefix, rest = ("", operator)
    if ":" in operator:
        prefix, rest = operator.split(":", 1)
    if_exists = rest.lower().endswith("ifexists")
    base = (rest[:-8] if if_exists else rest).lower()
    return prefix.lower(), base, if_exists


KINDS = {"bool": "Bool", "arnlike": "Arn", "arnequals": "Arn", "arnnotlike": "Arn", "arnnotequals": "Arn"}


class World:
    def __init__(self, policies):
        self.action = z3.String("action")
        self.service, self.name = z3.String("service"), z3.String("name")
        lower = z3.Union(z3.Range("a", "z"), z3.Range("0", "9"), literal("-"))
        self.facts = [z3.InRe(self.service, z3.Plus(lower)), z3.InRe(self.name, z3.Plus(lower)),
                      self.action == z3.Concat(self.service, z3.StringVal(":"), self.name)]
        self.parts = [z3.String(f"resource{index}") for index in range(6)]
        self.facts.append(self.parts[0] == "arn")
        self.facts += [z3.InRe(part, z3.Star(NO_COLON)) for part in self.parts[1:5]]
        self.facts += [z3.Length(self.parts[index]) > 0 for index in (1, 2, 5)]
        self.keys = {}
        used = collections.defaultdict(set)
        for policy in policies:
            for statement in as_list(policy["Statement"]):
                for operator, lines in statement.get("Condition", {}).items():
                    prefix, base, _ = taken_apart(operator)
                    for key in lines:
                        used[key.lower()].add((prefix, base))
        for name, operators in used.items():
            key = self.keys[name] = Key(name, any(prefix for prefix, _ in operators))
            kinds = {KINDS.get(base, "Ip" if "ipaddress" in base else "Number" if base.startswith("numeric") else "Text")
                     for _, base in operators if base != "null"}
            if len(kinds - {"Text", "Arn"}) and len(kinds) > 1:
                raise NotEncoded(f"{name} is compared as {kinds}")
            for kind in kinds:
                key.restrict(kind)
            self.facts += key.domain

    def matches(self, base, key, index, wanted):
        if "${" in wanted:
            raise NotEncoded("a policy variable")
        text = key.text[index]
        if base in ("stringequals", "stringnotequals"):
            return text == z3.StringVal(wanted)
        if base in ("stringlike", "stringnotlike"):
            return z3.InRe(text, glob(wanted))
        if base.startswith("arn"):
            parts = wanted.split(":", 5)
            if len(parts) < 6:
                raise NotEncoded("a short ARN")
            patterns = [glob(part, NO_COLON) for part in parts[:5]]
            joined = [piece for pattern in patterns for piece in (pattern, literal(":"))]
            return z3.InRe(text, z3.Concat(*joined, glob(parts[5])))
        if base == "bool":
            return text == z3.StringVal(wanted.lower())
        if base in ("ipaddress", "notipaddress"):
            network = ipaddress.ip_network(wanted, strict=False)
            if network.version != 4:
                raise NotEncoded("IPv6")
            return key.address[index] & int(network.netmask) == int(network.network_address)
        if base.startswith("numeric"):
            number, asked = key.number[index], z3.RealVal(wanted)
            return {"numericequals": number == asked, "numericnotequals": number == asked, "numericlessthan": number < asked,
                    "numericlessthanequals": number <= asked, "numericgreaterthan": number > asked,
                    "numericgreaterthanequals": number >= asked}[base]
        raise NotEncoded(base)

    def line(self, operator, name, values):
        prefix, base, if_exists = taken_apart(operator)
        key = self.keys[name.lower()]
        values = [str(value).lower() if isinstance(value, bool) else str(value) for value in as_list(values)]
        if base == "null":
            return z3.Or([key.count == 0 if value.lower() == "true" else key.count > 0 for value in values])
        negated = "not" in base

        def listed(index):
            found = z3.Or([self.matches(base, key, index, value) for value in values])
            return z3.Not(found) if negated else found

        every = range(key.most)
        if prefix == "forallvalues":
            return z3.And([z3.Implies(key.count > index, listed(index)) for index in every])
        if prefix == "foranyvalue":
            if if_exists:
                raise NotEncoded("ForAnyValue with IfExists")
            return z3.Or([z3.And(key.count > index, listed(index)) for index in every])
        if key.most > 1:
            raise NotEncoded(f"{name} with and without a set operator")
        return z3.If(key.count == 0, z3.BoolVal(negated or if_exists), listed(0))

    def resource(self, pattern):
        if "${" in pattern:
            raise NotEncoded("a policy variable")
        if pattern == "*":
            return z3.BoolVal(True)
        parts = pattern.split(":", 5)
        if len(parts) > 2 and re.search("[*?]", parts[2]):
            raise NotEncoded("a wildcard as service")
        return z3.And([z3.InRe(value, glob(part, NO_COLON if index < 5 else ANY))
                       for index, (part, value) in enumerate(zip(parts, self.parts))])

    def statement(self, statement):
        all_of = []
        for name, test in (("Action", lambda text: z3.InRe(self.action, glob(text.lower()))), ("Resource", self.resource)):
            if name in statement:
                all_of.append(z3.Or([test(text) for text in as_list(statement[name])]))
            elif "Not" + name in statement:
                all_of.append(z3.Not(z3.Or([test(text) for text in as_list(statement["Not" + name])])))
            else:
                raise NotEncoded(f"no {name}")
        for operator, lines in statement.get("Condition", {}).items():
            for key, values in lines.items():
                all_of.append(self.line(operator, key, values))
        return z3.And(all_of)

    def policy(self, policy):
        effects = {"Allow": [z3.BoolVal(False)], "Deny": [z3.BoolVal(False)]}
        for statement in as_list(policy["Statement"]):
            effects[statement["Effect"]].append(self.statement(statement))
        return z3.And(z3.Or(effects["Allow"]), z3.Not(z3.Or(effects["Deny"])))


def solve(reference, candidate, timeout):
    world = World([reference, candidate])
    solver = z3.Solver()
    solver.set("timeout", timeout)
    solver.add(world.facts)
    solver.add(world.policy(candidate), z3.Not(world.policy(reference)))
    found = solver.check()
    return False if found == z3.sat else True if found == z3.unsat else "unknown"


PLACEHOLDERS = [(r'"[^"]*cidr[^"]*"', '"203.0.113.0/24"'), (r"\[MAX_SIGNATURE_AGE_IN_MILLISECONDS\]", "600000"),
                (r"<[^>\"]*account[^>\"]*>", "111122223333"), (r"<[^>\"]*>", "x"), (r"\$\{Account\}", "111122223333"),
                (r"\[[A-Z_]+\]", "x")]


def load(folder):
    found = []
    for path in sorted(pathlib.Path(folder).rglob("*.json")):
        text = path.read_text()
        for pattern, replacement in PLACEHOLDERS:
            text = re.sub(pattern, replacement, text)
        policy = json.loads(text)
        policy["Statement"] = [{key: value for key, value in statement.items() if key != "Principal"}
                               for statement in as_list(policy["Statement"])]
        policy["Statement"].append({"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"})
        found.append((path.name, {"Version": "2012-10-17", "Statement": policy["Statement"]}))
    return found


def changes(rng, policy, most):
    """Copies that lack one thing."""
    made = []
    for at, statement in enumerate(policy["Statement"][:-1]):
        def change(edit):
            copied = copy.deepcopy(policy)
            edit(copied["Statement"], copied["Statement"][at])
            made.append(copied)
        change(lambda statements, _: statements.pop(at))
        for name in ("Action", "NotAction", "Resource", "NotResource"):
            for index in range(len(as_list(statement.get(name, [])))) if isinstance(statement.get(name), list) else ():
                if len(statement[name]) > 1:
                    change(lambda _, one: one[name].pop(index))
        for operator, lines in statement.get("Condition", {}).items():
            for key, values in lines.items():
                change(lambda _, one: one["Condition"][operator].pop(key))
                if isinstance(values, list) and len(values) > 1:
                    change(lambda _, one: one["Condition"][operator][key].pop())
                if operator.endswith("IfExists"):
                    change(lambda _, one: one["Condition"].__setitem__(operator[:-8], one["Condition"].pop(operator)))
    return rng.sample(made, min(most, len(made)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", default="/work/shared/corpora/policies")
    parser.add_argument("--labelled", default="/work/shared/corpora/access-analyzer/inclusion-pairs.json")
    parser.add_argument("--binary", default=str(ROOT / "target/debug/auditseal"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changes", type=int, default=8, help="changed copies of each policy")
    parser.add_argument("--timeout", type=int, default=5_000, help="of Z3, in milliseconds")
    options = parser.parse_args()
    rng, pairs = random.Random(options.seed), []
    for name, policy in load(options.policies):
        for changed in changes(rng, policy, options.changes):
            pairs += [(name, policy, changed), (name, changed, policy)]
    if pathlib.Path(options.labelled).exists():
        pairs += [("labelled " + pair["file"], pair["reference"], pair["candidate"])
                  for pair in json.loads(pathlib.Path(options.labelled).read_text())
                  if not any("Principal" in statement for policy in (pair["reference"], pair["candidate"])
                             for statement in as_list(policy["Statement"]))]
    start = time.perf_counter()
    asked = json.dumps([{"reference": reference, "candidate": candidate} for _, reference, candidate in pairs])
    done = subprocess.run([options.binary, "policy", "includes", "--pairs", "-"], input=asked, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(done.stderr)
    ours, our_time = json.loads(done.stdout), time.perf_counter() - start
    counts, open_ones, solver_time = collections.Counter(), [], 0.0
    for (name, reference, candidate), our in zip(pairs, ours, strict=True):
        start = time.perf_counter()
        try:
            their = solve(reference, candidate, options.timeout)
        except NotEncoded as why:
            counts[f"not encoded for Z3: {why}"] += 1
            continue
        solver_time += time.perf_counter() - start
        if "unknown" in (their, our["included"]):
            counts[f"ours {our['included']}, Z3 {their}"] += 1
        elif their == our["included"]:
            counts[f"agree: {their}"] += 1
        else:
            counts["DISAGREE"] += 1
            open_ones.append({"file": name, "z3": their, "ours": our, "reference": reference, "candidate": candidate})
    for text, count in sorted(counts.items()):
        print(f"{count:6}  {text}")
    print(f"{len(pairs)} pairs: ours {our_time:.2f} s ({options.binary}, with start of the process), Z3 {solver_time:.2f} s")
    for one in open_ones[:3]:
        print(json.dumps(one, indent=1))
    sys.exit(1 if open_ones else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""auditseal's evaluator against @cloud-copilot/iam-simulate, on random requests.

    tests/oracles/iam_simulate/run.py [--count 10000] [--seed 1] [--binary target/debug/auditseal]

Installs the oracle with npm into target/oracles (it is AGPL: a process of its own, never part of this repository), asks both,
and fails when they disagree in a way that `divergences.py` does not explain. AWS's documentation decides who is right; where
it is iam-simulate that differs, the reason stands there, a fixed request makes sure that it still does, and a disagreement
counts as explained only when both agree once it is spelled in a way that both read alike. An "unknown" of ours is no
disagreement, but is counted.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import time

import divergences
import generate

ROOT = pathlib.Path(__file__).resolve().parents[3]
VERSION = "0.1.173"


def install():
    folder = ROOT / "target/oracles/node"
    manifest = folder / "node_modules/@cloud-copilot/iam-simulate/package.json"
    if not manifest.exists() or json.loads(manifest.read_text())["version"] != VERSION:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n')
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent",
                        f"@cloud-copilot/iam-simulate@{VERSION}"], cwd=folder, check=True)
    return folder / "node_modules"


def ask_oracle(modules, scenarios):
    lines = "".join(json.dumps(scenario) + "\n" for scenario in scenarios)
    script = pathlib.Path(__file__).with_name("oracle.mjs")
    done = subprocess.run(["node", script, modules], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def ask_ours(binary, scenarios):
    done = subprocess.run([binary, "policy", "simulate", "-"], input=json.dumps(scenarios), capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(f"{binary} ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def compare(scenarios, theirs, ours):
    """(counts, disagreements)"""
    counts, apart = collections.Counter(), []
    for scenario, their, our in zip(scenarios, theirs, ours, strict=True):
        if "error" in their:
            counts["REFUSED by the oracle: " + their["error"][:400]] += 1
        elif our["decision"] == "unknown":
            counts["unknown to us, oracle: " + their["decision"]] += 1
        elif their["decision"] == our["decision"]:
            counts["agree: " + our["decision"]] += 1
        else:
            apart.append((scenario, their, our))
    return counts, apart


def explained(modules, binary, apart):
    """(counts, disagreements that nothing explains): both are asked again about every rewriting."""
    tries = [(at, names, for_oracle, for_us) for at, (scenario, their, _) in enumerate(apart)
             for names, for_oracle, for_us in divergences.rewritten(scenario, their)]
    theirs = ask_oracle(modules, [for_oracle for _, _, for_oracle, _ in tries])
    ours = ask_ours(binary, [for_us for *_, for_us in tries])
    # A rewriting for the oracle must not change what we say of it.
    same = ask_ours(binary, [for_oracle for _, _, for_oracle, _ in tries])
    counts, reasons = collections.Counter(), {}
    for (at, names, for_oracle, _), their, our, reread in zip(tries, theirs, ours, same, strict=True):
        said, meant = their.get("decision"), our["decision"]
        kept = for_oracle == apart[at][0] or reread["decision"] == apart[at][2]["decision"]
        if meant == "unknown":
            said, names = meant, [*names, "unknown to us"]
        if said == meant and kept:
            reasons.setdefault(at, names)
    for names in reasons.values():
        counts["divergence " + " and ".join(names)] += 1
    left = [one for at, one in enumerate(apart) if at not in reasons]
    counts["DISAGREE"] += len(left)
    return counts, left


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binary", default=str(ROOT / "target/debug/auditseal"))
    parser.add_argument("--show", type=int, default=3, help="disagreements to print")
    options = parser.parse_args()
    modules = install()

    failed = False
    probes = divergences.PROBES
    theirs, ours = ask_oracle(modules, [p.scenario for p in probes]), ask_ours(options.binary, [p.scenario for p in probes])
    for probe, their, our in zip(probes, theirs, ours, strict=True):
        found = (our["decision"], their.get("decision", "error"))
        if found != (probe.ours, probe.theirs):
            failed = True
            print(f"probe {probe.letter}: expected {(probe.ours, probe.theirs)}, found {found}: {their}")
    print(f"{len(probes)} fixed divergences still diverge" if not failed else "a listed divergence changed")

    scenarios = generate.scenarios(options.count, options.seed)
    theirs, ours = ask_oracle(modules, scenarios), ask_ours(options.binary, scenarios)
    counts, apart = compare(scenarios, theirs, ours)
    reasons, open_ones = explained(modules, options.binary, apart)
    counts += reasons
    for name, count in sorted(counts.items()):
        print(f"{count:7}  {name}")
    for scenario, their, our in open_ones[: options.show]:
        print(json.dumps({"scenario": scenario, "theirs": their, "ours": our}, indent=1))

    timed = generate.scenarios(2_000, 2)
    start = time.perf_counter()
    ask_ours(options.binary, timed)
    middle = time.perf_counter()
    ask_oracle(modules, timed)
    end = time.perf_counter()
    print(f"2000 requests, wall time with start of the process: ours {middle - start:.3f} s ({options.binary}), "
          f"iam-simulate {end - middle:.3f} s, ratio {(end - middle) / (middle - start):.1f}")
    refused = any(name.startswith("REFUSED") for name in counts)
    sys.exit(1 if failed or open_ones or refused else 0)


if __name__ == "__main__":
    main()

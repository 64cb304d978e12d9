#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bench: runs the workloads in rounds, candidates in turn, and writes what came out.

Started by run.sh, which builds what is needed here."""

import argparse
import json
import os
import signal
import sys
import time

import report
from candidates import STARTERS
from harness import LOAD_CORE, Failure, Stage, connections_are_tracked
from workloads import WORKLOADS, Context

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
QUICK_CANDIDATES = ["ours", "ceiling", "uws"]
QUICK_WORKLOADS = ["fanout1", "burst10", "sequenced", "mix", "idle", "handshake", "stalled",
                   "saturation", "latency"]


def parse_options():
    parser = argparse.ArgumentParser(prog="tests/bench/run.sh", description=__doc__)
    parser.add_argument("--quick", action="store_true",
                        help="one short round of the most telling candidates, under two minutes")
    parser.add_argument("--only", metavar="WORKLOAD", action="append", choices=list(WORKLOADS),
                        help="one of " + ", ".join(WORKLOADS) + "; may be repeated")
    parser.add_argument("--candidates", metavar="A,B", help="only these, of " + ", ".join(STARTERS))
    parser.add_argument("--trial", action="store_true",
                        help="also where every send is dearer than it should be")
    parser.add_argument("--rounds", type=int, metavar="N", help="5, or 1 with --quick")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    if not 1 <= options.rounds <= 20:
        parser.error("--rounds is from 1 to 20")
    unknown = set((options.candidates or "ours").split(",")) - set(STARTERS)
    if unknown:
        parser.error("no such candidate: " + ", ".join(unknown))
    return options


def chosen(options, workload):
    candidates = WORKLOADS[workload][1]
    if options.candidates:
        wanted = options.candidates.split(",")
        return [name for name in candidates if name in wanted]
    if options.quick:
        return [name for name in candidates if name in QUICK_CANDIDATES or len(candidates) == 1]
    return candidates


def load_results(path):
    try:
        with open(path) as known:
            return json.load(known)
    except (OSError, ValueError):
        return {}


def run_one(context, record, workload, candidate):
    """One figure of each kind for one candidate; a failure is a result, too."""
    try:
        figures, problems = WORKLOADS[workload][0](context, candidate)
    except Failure as failure:
        figures, problems = {}, [str(failure)]
    into = record["figures"].setdefault(candidate, {})
    for name, value in figures.items():
        into.setdefault(name, []).append(value)
    for problem in problems:
        record["problems"].setdefault(candidate, []).append(problem)
    said = " ".join(f"{name}={value:.6g}" for name, value in figures.items())
    print(f"  {workload:12} {candidate:12} {said} {'; '.join(problems)}", flush=True)


def run_workload(context, options, workload):
    candidates = chosen(options, workload)
    record = {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "quick": options.quick,
              "rounds": options.rounds, "figures": {}, "problems": {}}
    context.results[workload] = record["figures"]
    for number in range(options.rounds):
        first = number % max(1, len(candidates))  # another one begins in each round
        for candidate in candidates[first:] + candidates[:first]:
            run_one(context, record, workload, candidate)
    return record


def run_all(stage, options, results):
    workloads = options.only or (QUICK_WORKLOADS if options.quick else list(WORKLOADS))
    known = {name: record["figures"] for name, record in results["workloads"].items()
             if record["quick"] == options.quick}
    context = Context(stage, options.quick, known)
    for workload in workloads:
        results["workloads"][workload] = run_workload(context, options, workload)
        report.write_json(stage, results)


def main():
    options = parse_options()
    tracked = connections_are_tracked()
    if tracked and not options.trial:
        sys.exit("bench: the kernel tracks connections, as Docker makes it do, and every send is "
                 "dearer: stop Docker and remove its iptables rules, or say --trial")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.sched_setaffinity(0, {LOAD_CORE})
    began = time.monotonic()
    stage = Stage(ROOT)
    try:
        results = load_results(report.json_path(stage))
        results.setdefault("workloads", {})
        results["machine"] = {**report.machine(stage), "tracked": tracked}
        run_all(stage, options, results)
    finally:
        stage.close()
    report.write_all(stage, results)
    print(f"bench: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()

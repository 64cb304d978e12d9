# SPDX-License-Identifier: MIT
"""report: what came out, as JSON, as a table, as RESULTS.md and as a chart."""

import json
import os
import re
import statistics
import subprocess

import chart
from candidates import TITLES

# workload → (heading, what it is, [(figure, heading, unit's divisor, digits, better)])
TABLES = {
    "fanout1": ("One topic, 500 clients, one message at a time", "50 messages per second", [
        ("cpu_us", "CPU per message, µs", 1, 2, min), ("p50_us", "p50, ms", 1000, 2, min),
        ("p99_us", "p99, ms", 1000, 2, min), ("bytes", "bytes per message", 1, 0, None)]),
    "burst10": ("One topic, 500 clients, bursts of ten", "10 bursts per second", [
        ("cpu_us", "CPU per message, µs", 1, 3, min), ("p50_us", "p50, ms", 1000, 2, min),
        ("p99_us", "p99, ms", 1000, 2, min)]),
    "sequenced": ("The same as the first, published with ids", "each client checks the ids", [
        ("cpu_us", "CPU per message, µs", 1, 2, min), ("p99_us", "p99, ms", 1000, 2, min)]),
    "mix": ("1,000 clients, each with 20 of 500 topics", "5,000 messages per second", [
        ("cpu_us", "CPU per message, µs", 1, 2, min), ("core", "of the core", 0.01, 0, None),
        ("delivered", "arrived, %", 0.01, 1, max), ("p99_us", "p99, ms", 1000, 2, min)]),
    "idle": ("Idle subscribed clients", "10,000 (2,000 when quick), one of 500 topics each", [
        ("bytes_per_client", "user memory per client, KB", 1024, 2, min)]),
    "crowd": ("A crowd on one port", "several gateways, each with as many as its file limit allows", [
        ("clients", "clients", 1, 0, max), ("gateways", "gateways", 1, 0, None),
        ("received", "messages that each got", 1, 3, None), ("p99_us", "p99, ms", 1000, 1, None),
        ("bytes_per_client", "user memory per client, KB", 1024, 2, None),
        ("opened_per_s", "clients per second on two cores", 1, 0, None)]),
    "handshake": ("Handshakes", "64 clients that connect, subscribe and leave, again and again", [
        ("per_core_s", "per second of CPU", 1, 0, max), ("per_s", "per second", 1, 0, None)]),
    "stalled": ("One stalled client among 500", "it holds a topic of 1.6 MB/s besides theirs", [
        ("p99_us", "others' p99, ms", 1000, 2, min),
        ("p99_ratio", "to that without a stall", 1, 2, min),
        ("memory_kb", "memory for it, KB", 1, 0, min),
        ("kernel_kb", "of this the kernel's, KB", 1, 0, None),
        ("cut", "disconnected", 1, 0, None)]),
    "saturation": ("Saturation, 500 clients", "the most that all get, 99 % within 100 ms", [
        ("rate", "messages per second", 1, 0, max),
        ("deliveries", "deliveries per second, thousands", 1000, 0, max),
        ("load_core", "generator's core at the limit, %", 0.01, 0, None)]),
    "latency": ("Latency at half of each one's saturation", "500 clients", [
        ("rate", "messages per second", 1, 0, None), ("p50_us", "p50, ms", 1000, 2, min),
        ("p99_us", "p99, ms", 1000, 2, min)]),
    "latency_same": ("Latency at the same rate", "half of the slowest one's saturation", [
        ("rate", "messages per second", 1, 0, None), ("p50_us", "p50, ms", 1000, 2, min),
        ("p99_us", "p99, ms", 1000, 2, min)]),
}


# ---- the machine ---------------------------------------------------------------------


def said_by(*command):
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "missing"
    return (shown.stdout + shown.stderr).strip().splitlines()[0]


def machine(stage):
    with open("/proc/cpuinfo") as cpuinfo:
        model = re.search(r"model name\s*: (.*)", cpuinfo.read())
    with open(os.path.join(stage.root, "tests/bench/peers/package.json")) as package:
        packages = json.load(package)["dependencies"]
    git = ["git", "-C", stage.root]
    changed = " with changes" if subprocess.run(
        git + ["status", "--porcelain", "--", "common", "gateway", "CMakeLists.txt"],
        capture_output=True, text=True, check=False).stdout else ""
    return {
        "cpu": model[1] if model else "unknown", "cores": os.cpu_count(),
        "kernel": os.uname().release,
        "load": os.getloadavg()[0],
        "gateway": said_by(*git, "rev-parse", "--short", "HEAD") + changed,
        "redis": said_by("redis-server", "--version").split(" sha")[0],
        "nginx": said_by("nginx", "-v"), "node": said_by("node", "--version"),
        "nchan": said_by("dpkg-query", "-W", "-f", "${Version}", "libnginx-mod-nchan"),
        "packages": packages,
    }


# ---- figures -------------------------------------------------------------------------


def text_of(values, divisor, digits):
    if not values:
        return "—"
    shown = [f"{value / divisor:,.{digits}f}" for value in
             (statistics.median(values), min(values), max(values))]
    return shown[0] if shown[1] == shown[2] else f"{shown[0]} ({shown[1]}…{shown[2]})"


def rows_of(workload, record):
    figures = TABLES[workload][2]
    for candidate, values in record["figures"].items():
        yield candidate, [text_of(values.get(name), divisor, digits)
                          for name, _, divisor, digits, _ in figures]


def ratios(record, figure, ours, other):
    """Round by round, as absolute figures drift."""
    pairs = zip(record["figures"].get(ours, {}).get(figure, []),
                record["figures"].get(other, {}).get(figure, []))
    return [mine / theirs for mine, theirs in pairs if theirs]


def peers_of(record):
    return [name for name in record["figures"] if name not in ("ours", "ceiling")
            and record["figures"][name]]


def against_peers(workload, figure, limit):
    def check(records):
        record = records.get(workload, {"figures": {}})
        known = {peer: ratios(record, figure, "ours", peer) for peer in peers_of(record)}
        known = {peer: values for peer, values in known.items() if values}
        if not known:
            return None
        worst = max(known, key=lambda peer: statistics.median(known[peer]))
        ratio = statistics.median(known[worst])
        return ratio < limit, f"{text_of(known[worst], 1, 2)} × {TITLES[worst]}, the best peer"
    return check


def against_ceiling(workload, limit):
    def check(records):
        values = ratios(records.get(workload, {"figures": {}}), "cpu_us", "ours", "ceiling")
        return (statistics.median(values) <= limit, text_of(values, 1, 2) + " ×") \
            if values else None
    return check


def absolute(workload, figure, divisor, limit, better):
    def check(records):
        values = records.get(workload, {"figures": {}})["figures"].get("ours", {}).get(figure)
        if not values:
            return None
        value = statistics.median(values) / divisor
        return better(value, limit) == value, text_of(values, divisor, 2)
    return check


TARGETS = [
    ("CPU per message, one at a time, ≤ 1.10 × ceiling", against_ceiling("fanout1", 1.10)),
    ("CPU per message, bursts of ten, ≤ 1.25 × ceiling", against_ceiling("burst10", 1.25)),
    ("CPU per message, one at a time, below every peer", against_peers("fanout1", "cpu_us", 1)),
    ("CPU per message, bursts of ten, below every peer", against_peers("burst10", "cpu_us", 1)),
    ("mix, CPU per message ≤ 0.7 × the best peer", against_peers("mix", "cpu_us", 0.7)),
    ("p50 at half the saturation, below every peer", against_peers("latency", "p50_us", 1)),
    ("p99 at half the saturation, below every peer", against_peers("latency", "p99_us", 1)),
    ("p50 at the same rate, below every peer", against_peers("latency_same", "p50_us", 1)),
    ("p99 at the same rate, below every peer", against_peers("latency_same", "p99_us", 1)),
    ("memory per idle client ≤ 2.5 KB", absolute("idle", "bytes_per_client", 1024, 2.5, min)),
    ("memory per idle client ≤ 1.4 KB", absolute("idle", "bytes_per_client", 1024, 1.4, min)),
    ("150,000 clients on one port", absolute("crowd", "clients", 1, 150000, max)),
    ("one stalled client: others' p99 ≤ 1.2 ×", absolute("stalled", "p99_ratio", 1, 1.2, min)),
    ("one stalled client: ≤ 512 KB for it", absolute("stalled", "memory_kb", 1, 512, min)),
    ("handshakes ≥ 5,000 per second and core",
     absolute("handshake", "per_core_s", 1, 5000, max)),
]


def losses(records):
    """Rows where a peer is better than the gateway, in the median."""
    for workload, record in records.items():
        ours = record["figures"].get("ours", {})
        for name, heading, divisor, digits, better in TABLES[workload][2]:
            if better is None or not ours.get(name):
                continue
            mine = statistics.median(ours[name])
            for other in peers_of(record):
                theirs = record["figures"][other].get(name)
                if not theirs or statistics.median(theirs) == mine:
                    continue
                if better(mine, statistics.median(theirs)) != mine:
                    yield (f"{workload}, {heading}: {text_of(ours[name], divisor, digits)}, "
                           f"{TITLES[other]} {text_of(theirs, divisor, digits)}")


# ---- the files -----------------------------------------------------------------------


def in_order(results):
    """The workloads that were run, in the order of the document."""
    return {name: results["workloads"][name] for name in TABLES if name in results["workloads"]}


def table(workload, record):
    heads = ["", *(heading for _, heading, _, _, _ in TABLES[workload][2])]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for candidate, cells in rows_of(workload, record):
        lines.append("| " + " | ".join([TITLES[candidate], *cells]) + " |")
    notes = [f"* {TITLES[candidate]}: {problem}" for candidate, problems in
             record["problems"].items() for problem in sorted(set(problems))]
    return "\n".join(lines + ([""] + notes if notes else []))


def markdown(results):
    about = results["machine"]
    records = in_order(results)
    versions = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
    lines = ["# Results", "",
             "Written by `tests/bench/run.sh`; [README.md](README.md) says what is measured.",
             "Each cell is the median of the rounds and, in brackets, their range.", "",
             f"{about['cpu']}, {about['cores']} cores, Linux {about['kernel']}; gateway "
             f"{about['gateway']}; {about['redis']}; Node {about['node']}; {about['nginx']}; "
             f"nchan {about['nchan']}; {versions}.", "",
             *(["**A trial**: the kernel tracked connections, so every send was dearer.", ""]
               if about["tracked"] else []),
             "## Targets", "", "| target | measured | |", "|---|---|---|"]
    for title, check in TARGETS:
        answer = check(records)
        if answer is not None:
            lines.append(f"| {title} | {answer[1]} | {'met' if answer[0] else '**missed**'} |")
    for workload, record in records.items():
        heading, what, _ = TABLES[workload]
        lines += ["", f"## {heading}", "",
                  f"`{workload}`: {what}. {record['date']}, rounds: {record['rounds']}"
                  f"{', quick' if record['quick'] else ''}.", "", table(workload, record)]
    lost = [f"* {line}" for line in losses(records)]
    lines += ["", "## Where a peer is better", "", *(lost or ["Nowhere."])]
    remarks = os.path.join(os.path.dirname(os.path.abspath(__file__)), "remarks.md")
    if os.path.exists(remarks):
        with open(remarks) as text:
            lines += ["", text.read().rstrip()]
    return "\n".join(lines) + "\n"


def json_path(stage):
    return os.path.join(stage.build, "results.json")


def write_json(stage, results):
    with open(json_path(stage), "w") as out:
        json.dump(results, out, indent=1)


def write_all(stage, results):
    write_json(stage, results)
    text = markdown(results)
    with open(os.path.join(stage.build, "RESULTS.md"), "w") as out:
        out.write(text)
    with open(os.path.join(stage.build, "results.svg"), "w") as out:
        out.write(chart.draw(in_order(results), TABLES, TITLES))
    print(text[text.index("## Targets"):])

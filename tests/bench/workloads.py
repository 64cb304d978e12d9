# SPDX-License-Identifier: MIT
"""workloads: what each candidate is put to, and which figures come out.

Each workload is called with a Context and the name of a candidate, starts a fresh server, and
returns (figures, problems): figures by name, and in words what was not as it should be."""

import statistics
import time
from contextlib import ExitStack, contextmanager

from candidates import STARTERS, add_gateway
from harness import Failure, Load, Stream, measure, socket_memory, user_memory

IN_TIME_US = 100_000  # saturation: 99 of 100 messages within this, and none missing
RATE_MIN = 10
RATE_FIRST = 400
RATE_MAX = 60_000
FULL_CORE = 0.97


class Context:
    def __init__(self, stage, quick, results):
        self.stage = stage
        self.quick = quick
        self.results = results  # {workload: {candidate: {figure: [value per round]}}}

    def seconds(self, full, quick):
        return quick if self.quick else full

    def median(self, workload, candidate, figure):
        values = self.results.get(workload, {}).get(candidate, {}).get(figure)
        return statistics.median(values) if values else None


@contextmanager
def server_of(context, candidate):
    before = len(context.stage.processes)
    try:
        yield STARTERS[candidate](context.stage)
    finally:
        for process in context.stage.processes[before:]:
            context.stage.stop(process)


@contextmanager
def load_on(context, server, **options):
    load = Load(context.stage, server, **options)
    try:
        if "churn" not in options:
            load.wait_ready()
        yield load
    finally:
        load.close()


def problems_of(result):
    """In words; nothing when every client got every message once, in order and whole."""
    problems = [f"{result[key]} {key}" for key in ("failed", "lost", "disordered", "corrupt")
                if result[key]]
    if result["delivered"] < result["expected"]:
        share = 100 * result["delivered"] / result["expected"]
        problems.append(f"only {share:.1f} % arrived")
    if result["delivered"] > result["expected"]:
        problems.append("more arrived than was sent")
    if result["foreign"] > 0.05:
        problems.append(f"others used {100 * result['foreign']:.0f} % of the server's core")
    return problems


def cost_figures(result):
    if not result["received"]:
        raise Failure("nothing was received")
    return {
        "cpu_us": 1e6 * result["cpu_s"] / result["received"],
        "core": result["cpu_s"] / result["window_s"],
        "bytes": result["bytes"] / result["received"],
        "p50_us": result["latency_us"]["p50"],
        "p99_us": result["latency_us"]["p99"],
        "delivered": result["delivered"] / max(1, result["expected"]),
        "load_core": result["load_core"],
    }


def fan_out(context, candidate, stream, seconds, **load_options):
    with server_of(context, candidate) as server:
        with load_on(context, server, **load_options) as load:
            result = measure(context.stage, server, [load], [stream], seconds,
                             warmup=context.seconds(1.0, 0.5), grace=context.seconds(1.0, 0.5))
    return cost_figures(result), problems_of(result)


def fanout1(context, candidate):
    return fan_out(context, candidate, Stream(rate=50), context.seconds(6, 1.5), clients=500)


def burst10(context, candidate):
    return fan_out(context, candidate, Stream(rate=100, burst=10), context.seconds(8, 2),
                   clients=500)


def mix(context, candidate):
    return fan_out(context, candidate, Stream(rate=5000, topics=500), context.seconds(5, 1.5),
                   clients=1000, topics=500, per_client=20)


def sequenced(context, candidate):
    """As fanout1, published with ids; each client checks that they grow."""
    return fan_out(context, candidate, Stream(rate=50), context.seconds(6, 1.5), clients=500,
                   ids=1)


def idle(context, candidate):
    clients = 2000 if context.quick else 10000
    with server_of(context, candidate) as server:
        server.settle()
        before = user_memory(server.pid)
        with load_on(context, server, clients=clients, topics=500):
            server.settle()
            after = user_memory(server.pid)
    return {"bytes_per_client": (after - before) / clients}, []


def crowd(context, candidate):
    """Many clients on several gateways that share one port, each of which still receives."""
    gateways, each = (8, 18750) if not context.quick else (2, 5000)
    topics = 50
    with server_of(context, candidate) as server, ExitStack() as loads:
        for _ in range(gateways - 1):
            add_gateway(server)
        pids = [process.pid for process in server.processes]
        before = sum(user_memory(pid) for pid in pids)
        began = time.monotonic()
        crowds = [Load(context.stage, server, clients=each, topics=topics, max_seconds=600)
                  for _ in range(gateways)]
        for load in crowds:
            loads.callback(load.close)
        for load in crowds:
            load.wait_ready(240)
        took = time.monotonic() - began
        server.settle()
        after = sum(user_memory(pid) for pid in pids)
        result = measure(context.stage, server, crowds, [Stream(rate=10, topics=topics)],
                         2 * topics / 10, grace=3.0)
    everyone = [result, *result["others"]]
    clients = gateways * each
    figures = {
        "clients": clients,
        "gateways": gateways,
        "opened_per_s": clients / took,
        "bytes_per_client": (after - before) / clients,
        "received": sum(one["delivered"] for one in everyone) / clients,
        "p99_us": max(one["latency_us"]["p99"] for one in everyone),
    }
    fair = {"expected": result["expected"], "foreign": 0}  # both cores are theirs
    return figures, [problem for one in everyone for problem in problems_of({**one, **fair})]


def handshake(context, candidate):
    with server_of(context, candidate) as server:
        with load_on(context, server, clients=64, churn=1) as load:
            result = measure(context.stage, server, [load], [], context.seconds(5, 1.5),
                             warmup=0.5, grace=0.1)
    if not result["opened"]:
        raise Failure("no client came in")
    figures = {
        "per_s": result["opened"] / result["window_s"],
        "per_core_s": result["opened"] / result["cpu_s"],
        "load_core": result["load_core"],
    }
    return figures, [f"{result['failed']} failed"] if result["failed"] else []


def stalled_phase(context, candidate, pace):
    """500 clients with a moderate topic, and one that also holds a heavy one. Returns the
    result, and the most that the kernel and the process held for that one at any time."""
    peak = {"kernel": 0, "user": 0}
    with server_of(context, candidate) as server, \
            load_on(context, server, clients=500) as others, \
            load_on(context, server, clients=1, topics=2, per_client=2, pace=pace) as one:
        server.settle()
        before = user_memory(server.pid)

        def sample():
            kernel = socket_memory(server.port, one.first_port)
            peak["kernel"] = max(peak["kernel"], kernel)
            peak["user"] = max(peak["user"], user_memory(server.pid) - before)

        streams = [Stream(rate=50), Stream(rate=100, first_topic=1, pad=16384)]
        result = measure(context.stage, server, [others, one], streams,
                         context.seconds(8, 2.5), warmup=0.5, sample=sample)
    return result, peak


def stalled(context, candidate):
    reading, reading_peak = stalled_phase(context, candidate, -1)
    stalling, stalling_peak = stalled_phase(context, candidate, 0)
    with_it = stalling["latency_us"]["p99"]
    without = reading["latency_us"]["p99"]
    user = max(0, stalling_peak["user"] - reading_peak["user"])
    figures = {
        "p99_us": with_it,
        "p99_ratio": with_it / without if without else 0.0,
        "kernel_kb": stalling_peak["kernel"] / 1024,
        "user_kb": user / 1024,
        "memory_kb": (stalling_peak["kernel"] + user) / 1024,
        "cut": stalling["others"][0]["failed"],
    }
    problems = problems_of(reading) + problems_of(stalling)
    if not figures["cut"] and not figures["kernel_kb"]:
        problems.append("no backlog was seen")
    return figures, problems


class Attempts:
    """Windows at one rate after another. A server that has once fallen behind is replaced, so
    that no backlog is carried over."""

    def __init__(self, context, candidate):
        self.context = context
        self.candidate = candidate
        self.running = None

    def at(self, rate, seconds):
        if self.running is None:
            self.running = ExitStack()
            self.server = self.running.enter_context(server_of(self.context, self.candidate))
            self.load = self.running.enter_context(
                load_on(self.context, self.server, clients=500))
        result = measure(self.context.stage, self.server, [self.load], [Stream(rate=rate)],
                         seconds, warmup=0.4, grace=0.3)
        if not kept_up(result):
            self.close()
        return result

    def close(self):
        if self.running is not None:
            self.running.close()
            self.running = None


def kept_up(result):
    return (result["delivered"] == result["expected"] and not result["failed"]
            and result["latency_us"]["p99"] <= IN_TIME_US)


def bracket(attempts, seconds, first):
    """Doubles or halves the rate until one is kept up with and twice that is not. Returns
    both, and how busy the generator's core was at the latter."""
    rate = first
    result = attempts.at(rate, seconds)
    if kept_up(result):
        while rate <= RATE_MAX and kept_up(result):
            rate *= 2
            result = attempts.at(rate, seconds)
        return rate // 2, rate, result["load_core"]
    while rate >= RATE_MIN:
        load_core = result["load_core"]
        rate //= 2
        result = attempts.at(rate, seconds)
        if kept_up(result):
            return rate, rate * 2, load_core
    raise Failure(f"does not keep up with {rate} messages per second")


def saturation(context, candidate):
    """The highest rate at which 500 clients get all in time: to 9 %, or 19 % when quick."""
    seconds = context.seconds(1.5, 0.6)
    attempts = Attempts(context, candidate)
    try:
        good, bad, load_core = bracket(attempts, seconds, RATE_FIRST)
        for _ in range(context.seconds(3, 2)):
            middle = round((good * bad) ** 0.5)
            result = attempts.at(middle, seconds)
            if kept_up(result):
                good = middle
            else:
                bad, load_core = middle, result["load_core"]
    finally:
        attempts.close()
    figures = {"rate": good, "deliveries": good * 500, "load_core": load_core}
    return figures, ["at least: the generator's core was full"] if load_core > FULL_CORE else []


def saturation_rate(context, candidate):
    rate = context.median("saturation", candidate, "rate")
    if rate is None:
        figures, _ = saturation(context, candidate)
        for name, value in figures.items():
            known = context.results.setdefault("saturation", {}).setdefault(candidate, {})
            known.setdefault(name, []).append(value)
        rate = figures["rate"]
    return rate


def latency_at(context, candidate, rate):
    attempts = Attempts(context, candidate)
    try:
        result = attempts.at(rate, context.seconds(4, 1.0))
    finally:
        attempts.close()
    figures = {"rate": rate, "p50_us": result["latency_us"]["p50"],
               "p99_us": result["latency_us"]["p99"], "load_core": result["load_core"]}
    return figures, problems_of(result)


def latency(context, candidate):
    """At half the rate at which this candidate saturates."""
    return latency_at(context, candidate, round(saturation_rate(context, candidate) / 2))


def latency_same(context, candidate):
    """At half the rate at which the slowest candidate saturates: the same work for each."""
    known = context.results.get("saturation", {})
    rates = [context.median("saturation", name, "rate") for name in known]
    slowest = min([rate for rate in rates if rate] + [saturation_rate(context, candidate)])
    return latency_at(context, candidate, round(slowest / 2))


EVERY = ["ours", "ceiling", "uws", "ws", "socketio", "socketio-uws", "nchan"]
PEERS = ["uws", "ws", "socketio", "socketio-uws", "nchan"]
WITHOUT_CEILING = ["ours"] + PEERS

# name → (function, candidates)
WORKLOADS = {
    "fanout1": (fanout1, EVERY),
    "burst10": (burst10, EVERY),
    "sequenced": (sequenced, ["sequenced"]),
    "mix": (mix, WITHOUT_CEILING),
    "idle": (idle, WITHOUT_CEILING),
    "crowd": (crowd, ["ours"]),
    "handshake": (handshake, EVERY),
    "stalled": (stalled, WITHOUT_CEILING),
    "saturation": (saturation, EVERY),
    "latency": (latency, EVERY),
    "latency_same": (latency_same, EVERY),
}

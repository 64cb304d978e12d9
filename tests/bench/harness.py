# SPDX-License-Identifier: MIT
"""harness: processes on their cores, Redis, wsload, publish, and what /proc and ss tell."""

import ctypes
import json
import os
import random
import re
import resource
import select
import signal
import socket
import subprocess
import time
from contextlib import ExitStack

SERVER_CORE = 0  # the server under test, alone
LOAD_CORE = 1  # generator, publisher, Redis and this program
NS = 1_000_000_000
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """A run that gave no figure; its text says why."""


def free_port():
    """Below those that the kernel gives to connections, which come and go."""
    while True:
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", random.randrange(10240, 32768)))
                return sock.getsockname()[1]
            except OSError:
                continue


def _prepare_child(core):
    """In the child before exec: its core, its files, and its end when this program ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.sched_setaffinity(0, {core})
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


class Process:
    """A child process with its log; stop() ends it by its id."""

    def __init__(self, args, core, log, env=None, pipes=False):
        pipe = subprocess.PIPE if pipes else None
        with open(log, "ab") as errors:
            self.popen = subprocess.Popen(
                [str(arg) for arg in args],
                stdin=pipe or subprocess.DEVNULL,
                stdout=pipe or errors,
                stderr=errors,
                env={**os.environ, **(env or {})},
                preexec_fn=lambda: _prepare_child(core),
            )
        self.log = log
        self.pid = self.popen.pid
        self.pending = b""

    def stop(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(6)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                pipe.close()

    def alive(self):
        return self.popen.poll() is None

    def read_event(self, seconds):
        """The next line of JSON on its standard output."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.popen.stdout], [], [], left)[0]:
                raise Failure(f"{os.path.basename(self.log)}: no answer in {seconds:.0f} s")
            got = os.read(self.popen.stdout.fileno(), 65536)
            if not got:
                raise Failure(f"{os.path.basename(self.log)}: ended: {last_line(self.log)}")
            self.pending += got
        line, self.pending = self.pending.split(b"\n", 1)
        return json.loads(line)


def last_line(path):
    with open(path, "rb") as log:
        lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def connections_are_tracked():
    """Does the kernel's connection tracking look at loopback, too?"""
    def known():
        try:
            with open("/proc/sys/net/netfilter/nf_conntrack_count") as count:
                return int(count.read())
        except OSError:
            return 0
    before = known()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server, ExitStack() as clients:
        for _ in range(50):
            clients.enter_context(socket.create_connection(server.getsockname()))
        return known() - before > 40


def wait_for_port(port, process, seconds=8):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not process.alive():
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise Failure(f"no server on its port: {last_line(process.log)}")


class Stage:
    """Where everything runs: directories, one Redis, and all processes that were started."""

    def __init__(self, root):
        self.root = root
        self.build = os.path.join(root, "build/bench")
        self.logs = os.path.join(self.build, "logs")
        os.makedirs(self.logs, exist_ok=True)
        for name in os.listdir(self.logs):
            path = os.path.join(self.logs, name)
            if os.path.isfile(path):
                os.remove(path)
        self.processes = []
        self.redis_port = free_port()
        redis = self.start(
            ["redis-server", "--port", self.redis_port, "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--client-output-buffer-limit", "pubsub 512mb 512mb 60"],
            LOAD_CORE, "redis")
        wait_for_port(self.redis_port, redis)

    def start(self, args, core, name, env=None, pipes=False):
        log = os.path.join(self.logs, name + ".log")
        process = Process(args, core, log, env, pipes)
        self.processes.append(process)
        return process

    def stop(self, process):
        process.stop()
        self.processes.remove(process)

    def close(self):
        for process in reversed(self.processes[:]):
            self.stop(process)

    def tool(self, name):
        return os.path.join(self.build, "tools", name)


class Load:
    """One wsload, connected and subscribed."""

    def __init__(self, stage, server, clients=1, topics=1, per_client=1, **options):
        args = [stage.tool("wsload"), "--port", server.port, "--dialect", server.dialect,
                "--watch", server.pid, "--clients", clients, "--topics", topics,
                "--per-client", per_client]
        for name, value in options.items():
            args += ["--" + name.replace("_", "-"), value]
        self.stage = stage
        self.clients = clients
        self.copies = clients * per_client / topics  # clients that get each message
        self.process = stage.start(args, LOAD_CORE, "wsload", pipes=True)
        self.first_port = 0

    def wait_ready(self, seconds=60):
        self.first_port = self.process.read_event(seconds)["first_port"]

    def begin_window(self, edges):
        self.process.popen.stdin.write(b"window %d %d %d\n" % edges)
        self.process.popen.stdin.flush()

    def result(self, edges):
        return self.process.read_event((edges[2] - time.monotonic_ns()) / NS + 10)

    def close(self):
        self.stage.stop(self.process)


class Stream:
    """What is to be published while something is measured."""

    def __init__(self, rate, topics=1, burst=1, first_topic=0, pad=0):
        self.options = {"rate": rate, "topics": topics, "burst": burst,
                        "first-topic": first_topic, "pad": pad}

    def start(self, stage, server, start, edges):
        options = {"port": server.publish_port, "to": server.publish_to, "start": start,
                   "stop": edges[1] + NS // 20, "from": edges[0], "until": edges[1],
                   **self.options}
        args = [stage.tool("publish")]
        for name, value in options.items():
            args += ["--" + name, value]
        return stage.start(args, LOAD_CORE, "publish", pipes=True)


def sleep_until(at_ns):
    time.sleep(max(0.0, (at_ns - time.monotonic_ns()) / NS))


def core_times():
    """Busy and total ticks of each core."""
    times = {}
    with open("/proc/stat") as stat:
        for line in stat:
            match = re.match(r"cpu(\d+) (.*)", line)
            if match:
                ticks = [int(text) for text in match[2].split()[:8]]
                times[int(match[1])] = (sum(ticks) - ticks[3] - ticks[4], sum(ticks))
    return times


def busy_share(before, after, core):
    total = after[core][1] - before[core][1]
    return (after[core][0] - before[core][0]) / total if total else 0.0


def measure(stage, server, loads, streams, seconds, warmup=1.0, grace=1.0, sample=None):
    """Publishes, and counts during the window. Returns the first load's result, with the
    number of messages it should have had; `sample` is called now and then meanwhile."""
    start = time.monotonic_ns() + NS // 5
    edges = (start + int(warmup * NS), start + int((warmup + seconds) * NS),
             start + int((warmup + seconds + grace) * NS))
    for load in loads:
        load.begin_window(edges)
    publishers = [stream.start(stage, server, start, edges) for stream in streams]
    sleep_until(edges[0])
    before = core_times()
    while sample and time.monotonic_ns() < edges[1] - NS // 2:
        sample()
        time.sleep(0.4)
    sleep_until(edges[1])
    after = core_times()
    if sample:
        sample()
    result, *others = [load.result(edges) for load in loads]
    published = [publisher.read_event(30) for publisher in publishers]
    for publisher in publishers:
        stage.stop(publisher)
    if any(event["errors"] for event in published):
        raise Failure("publishing failed")
    result["expected"] = round(published[0]["in_window"] * loads[0].copies) if published else 0
    result["late_us"] = max((event["late_us"] for event in published), default=0)
    result["others"] = others
    result["load_core"] = busy_share(before, after, LOAD_CORE)
    result["foreign"] = max(0.0, busy_share(before, after, SERVER_CORE)
                            - result["cpu_s"] / result["window_s"])
    return result


def user_memory(pid):
    """Bytes that would be free if the process were gone: its share of pages it has written."""
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        return 1024 * int(re.search(r"^Pss_Dirty: +(\d+) kB", rollup.read(), re.M)[1])


def socket_memory(server_port, client_port):
    """Bytes that the kernel holds for the server's end of a connection."""
    shown = subprocess.run(
        ["ss", "-tmnH", f"sport = :{server_port} and dport = :{client_port}"],
        capture_output=True, text=True, check=True).stdout
    match = re.search(r"skmem:\(r(\d+),rb\d+,t\d+,tb\d+,f(\d+),w(\d+),o(\d+)", shown)
    return sum(int(text) for text in match.groups()) if match else 0

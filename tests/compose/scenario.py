# SPDX-License-Identifier: MIT
"""The cluster of docker-compose.yml under load: run.sh has made the images and says where the
engine is. The clients are those of the cluster tests: they check every id."""

import asyncio
import contextlib
import http.client
import json
import os
import pathlib
import resource
import shlex
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "cluster"))
for variable in list(os.environ):
    if variable.lower().endswith("_proxy"):
        del os.environ[variable]

# pylint: disable=wrong-import-position
from support.client import Client  # noqa: E402
from support.feed import Feed, Flow  # noqa: E402
from support.follower import Follower  # noqa: E402
from support.prometheus import Metrics  # noqa: E402
from support.redis import free_port  # noqa: E402
from support.resp import Resp, RespError  # noqa: E402
from support.swarm import Swarm  # noqa: E402
from support.wait import until  # noqa: E402

PROJECT = f"chronogate-test-{os.getpid()}"
TOPICS = [f"stock.C{n}.1m" for n in range(4)]
FOLLOWERS = 60
RATE = 200
LONG = 60
LARGEST = 120  # MB of an image of ours
LABEL = "chronogate.test"  # of images made here only to differ
FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
BEGAN = time.monotonic()


def say(words):
    print(f"compose: {time.monotonic() - BEGAN:5.1f} s: {words}", flush=True)


def run(*argv, **how):
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=False, **how)
    assert done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def docker(*argv):
    return run("docker", *argv)


def get(address, port, path):
    """Returns status and body of a page, or None if nobody answers."""
    try:
        with socket.create_connection((address, port), 5) as sock:
            request = f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
            sock.sendall(request.encode())
            with sock.makefile("rb") as file:
                answer = file.read()
    except OSError:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head.lower():
        body = b"".join(chunks(body))
    return (int(head.split()[1]), body.decode()) if head else None


def chunks(body):
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return
        yield body[:length]
        body = body[length + 2 :]


class Container:
    def __init__(self, id_):
        self.id = id_

    def about(self):
        return json.loads(docker("inspect", self.id))[0]

    def address(self):
        (network,) = self.about()["NetworkSettings"]["Networks"].values()
        return network["IPAddress"]

    def ready(self):
        return (get(self.address(), 9100, "/readyz") or (0, ""))[0] == 200

    def metrics(self):
        return Metrics(get(self.address(), 9100, "/metrics")[1])


class Cluster:
    """Its only published ports are the balancer's."""

    def __init__(self):
        self.api_port, self.console_port = free_port(), free_port()
        self.environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": PROJECT,
            "API_PORT": f"127.0.0.1:{self.api_port}",
            "CONSOLE_PORT": f"127.0.0.1:{self.console_port}",
            # An engine in a container may have to be content with less than .env says.
            "GATEWAY_FILES": str(min(65536, FILES)),
            "BALANCER_FILES": str(min(131072, FILES)),
        }
        self.compose_argv = shlex.split(os.environ["COMPOSE"])

    def compose(self, *argv):
        return run(*self.compose_argv, *argv, env=self.environment)

    def containers(self, service):
        return [Container(id_) for id_ in self.compose("ps", "-q", service).split()]

    def scale(self, gateways, feeders=1):
        scale = ["--scale", f"gateway={gateways}", "--scale", f"feeder={feeders}"]
        self.compose("up", "-d", "--no-recreate", *scale)
        self.wait_ready(gateways)

    def wait_ready(self, count):
        def ready():
            gateways = self.containers("gateway")
            return len(gateways) == count and all(one.ready() for one in gateways)

        until(ready, LONG, f"{count} gateways are ready")

    def wait_served(self, count):
        """Until the balancer knows so many: as many connections go to as many gateways."""

        def served():
            with contextlib.ExitStack() as stack:
                for _ in range(count):
                    stack.enter_context(Swarm([self], [Follower([])]))
                gateways = self.containers("gateway")
                time.sleep(0.5)
                return all(one.metrics()["chronogate_connections"] >= 1 for one in gateways)

        until(served, LONG, "the balancer knows them")

    def client(self, client_id):
        return Client(f"ws://127.0.0.1:{self.api_port}/api/v1/ws/{client_id}")


class FarResp(Resp):
    """To a Redis that is not on this machine."""

    def __init__(self, address, timeout=10):  # pylint: disable=super-init-not-called
        self.sock = socket.create_connection((address, 6379), timeout)
        self.file = self.sock.makefile("rb")


class FarFeed(Feed):
    def __init__(self, address):
        self.address = address
        super().__init__(None, self._library())

    def _library(self):
        def loaded():
            try:
                resp = FarResp(self.address)
                found = resp.call("FUNCTION", "LIST", "LIBRARYNAME", "chronogate", "WITHCODE")
                resp.close()
                return found
            except (OSError, RespError):
                return None

        (found,) = until(loaded, LONG, "a feeder has loaded the library")
        return found[found.index(b"library_code") + 1]

    def _connect(self):
        self.resp = FarResp(self.address, timeout=None)
        self.resp.call("FUNCTION", "LOAD", "REPLACE", self.library)
        for topic in list(self.numbers):
            self._settle(self.resp, topic)


def flows_on(followers, more=50):
    """Returns once each has got so many more messages."""
    begin = [one.counts["data"] + more for one in followers]
    until(
        lambda: all(one.counts["data"] > n for one, n in zip(followers, begin)),
        LONG,
        "data goes on",
    )


async def publish_by_hand(cluster):
    topic, text = "stock.HAND.1m", '{"symbol":"HAND","price":1}'
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(cluster.client(f"h{n}")) for n in range(30)]
        for client in clients:
            await client.subscribe(topic)
        spread = [one.metrics()["chronogate_connections"] for one in cluster.containers("gateway")]
        assert sum(spread) == 30 and min(spread) >= 8, spread
        say(f"30 clients are spread {'+'.join(str(int(n)) for n in spread)}")
        arguments = ["exec", "-T", "redis", "redis-cli", "PUBLISH", topic, text]
        reached = await asyncio.to_thread(cluster.compose, *arguments)
        assert reached.split()[-1] == "3", reached
        for client in clients:
            message = await client.hear()
            assert message["topic"] == topic and message["data"]["price"] == 1, message
        page = get(cluster.containers("gateway")[0].address(), 9100, "/debug/clients")
        balancers = {one.address() for one in cluster.containers("balancer")}
        assert page[0] == 200 and '"address"' in page[1], page
        for address in balancers:
            assert f'"{address}' not in page[1], f"clients have the balancer's address: {page}"
    say("what redis-cli published reached all of them, and each counts under its own address")


async def live_data(cluster):
    async with cluster.client("live") as client:
        await client.subscribe("stock.AAPL.1d")
        seen = 0
        while seen < 3:
            message = await client.hear(LONG)
            seen += message["type"] == "data" and not message.get("snapshot")
    say("the feeder's data is live")


def console(cluster):
    status, page = get("127.0.0.1", cluster.console_port, "/websocket-test")
    assert status == 200 and "<html" in page.lower(), (status, page[:200])
    connection = http.client.HTTPConnection("127.0.0.1", cluster.console_port, timeout=10)
    connection.request("GET", "/lightweight-charts.js")
    answer = connection.getresponse()
    kind, library = answer.getheader("Content-Type", ""), answer.read()
    connection.close()
    assert answer.status == 200 and kind.startswith("text/javascript"), (answer.status, kind)
    has_chart = len(library) > 100_000 and b"createChart" in library
    if "CHART" in os.environ:  # what npm has brought to this machine
        assert library == pathlib.Path(os.environ["CHART"]).read_bytes(), library[:200]
        assert has_chart, library[:200]
    say(f"the console loads, {'with' if has_chart else 'without'} its chart ({len(library)} bytes)")


def images():
    for name in ("chronogate", "chronofeed"):
        about = json.loads(docker("image", "inspect", name))[0]
        config, size = about["Config"], about["Size"] / 1e6
        assert size < LARGEST, f"{name} has {size:.0f} MB"
        assert config["User"] not in ("", "0", "root", "0:0"), config["User"]
        assert config["StopSignal"] == "SIGTERM", config
        assert config["Labels"]["org.opencontainers.image.title"] == name, config["Labels"]
        assert name == "chronofeed" or "/healthz" in " ".join(config["Healthcheck"]["Test"])


@contextlib.contextmanager
def new_image():
    """One that differs from the last by a label only."""
    old = docker("image", "inspect", "--format", "{{.Id}}", "chronogate")
    run("docker", "build", "-q", "-t", "chronogate", "-", input=f"FROM chronogate\nLABEL {LABEL}=1\n")
    new = docker("image", "inspect", "--format", "{{.Id}}", "chronogate")
    try:
        yield new
    finally:
        docker("tag", old, "chronogate")


def upgrade(cluster, followers):
    """As deploy/README.md says: new ones beside the old ones, which then leave one at a time."""
    with new_image() as new:
        old = cluster.containers("gateway")
        cluster.scale(2 * len(old))
        cluster.wait_served(2 * len(old))
        for gateway in old:
            docker("stop", "-t", "15", gateway.id)
            docker("rm", gateway.id)
            flows_on(followers)
        assert [one.about()["Image"] for one in cluster.containers("gateway")] == [new] * len(old)


def under_load(cluster, feed):
    followers = [Follower(TOPICS, name=f"f{n}") for n in range(FOLLOWERS)]
    with Swarm([cluster], followers) as swarm, Flow(feed, TOPICS, rate=RATE) as flow:
        until(lambda: all(one.counts["data"] for one in followers), LONG, "all get data")
        cluster.scale(5)
        cluster.wait_served(5)
        flows_on(followers)
        say("five gateways")
        cluster.scale(2)
        flows_on(followers)
        say("two gateways")
        for gateway in cluster.containers("gateway"):
            docker("restart", "-t", "15", gateway.id)
            until(gateway.ready, LONG, "it is back")
            time.sleep(1.5)  # the balancer takes it back
            flows_on(followers)
        say("each of them restarted")
        upgrade(cluster, followers)
        say("each of them replaced by one with a new image")
        cluster.scale(3)
        cluster.wait_served(3)
        victim = cluster.containers("gateway")[0]
        os.kill(victim.about()["State"]["Pid"], 9)
        until(lambda: victim.about()["RestartCount"] == 1 and victim.ready(), LONG, "it is back")
        flows_on(followers)
        say("one was killed, and came back")
        flow.stop()
        swarm.check_whole(feed.journal)
        losses = sum(one.told_of_losses() for one in followers)
        assert losses == 0, f"{losses} losses were announced"
        count = sum(one.counts["data"] for one in followers)
        resumed = sum(one.counts["recovered"] for one in followers)
        kicks = sum((one.closes for one in followers[1:]), followers[0].closes)
        say(f"{count} messages to {FOLLOWERS} clients, {feed.journal.count()} published, none lost, "
            f"{resumed} topics resumed; connections ended: {dict(kicks)}")  # fmt: skip


async def feeders(cluster):
    """The one that publishes is killed: its restart, or the other one, goes on."""
    cluster.scale(3, feeders=2)
    async with cluster.client("standby") as client:
        await client.subscribe("stock.AAPL.1d")
        for feeder in cluster.containers("feeder")[:2]:
            os.kill(feeder.about()["State"]["Pid"], 9)
            seen, last = 0, None
            while seen < 5:
                message = await client.hear(LONG)
                assert message["type"] != "gap", message
                if message["type"] == "data":
                    last, seen = message["id"], seen + (message["id"] != last)
    say("two feeders, each killed once: the data goes on")


def monitoring(cluster):
    cluster.compose("--profile", "monitoring", "up", "-d", "--no-deps", "--no-recreate", "prometheus")
    (prometheus,) = cluster.containers("prometheus")
    address = prometheus.address()

    def ask(path):
        answer = get(address, 9090, path)
        return json.loads(answer[1])["data"] if answer and answer[0] == 200 else None

    def scraped():
        found = ask("/api/v1/query?query=up%7Bjob%3D%22chronogate%22%7D%3D%3D1")
        return found and len(found["result"]) == 3

    until(scraped, LONG, "Prometheus has scraped all three")
    rules = [rule for group in ask("/api/v1/rules")["groups"] for rule in group["rules"]]
    assert rules and all(rule["health"] != "err" for rule in rules), rules
    say(f"Prometheus has scraped every gateway, and loaded {len(rules)} rules")


def left_over():
    label = ["--filter", f"label=com.docker.compose.project={PROJECT}"]
    lists = (["ps", "-aq"], ["network", "ls", "-q"], ["volume", "ls", "-q"])
    return [docker(*kind, *label) for kind in lists]


def health(cluster):
    for service in ("redis", "gateway"):
        for one in cluster.containers(service):
            until(lambda: one.about()["State"]["Health"]["Status"] == "healthy", LONG, service)
    for service in ("redis", "gateway", "feeder", "balancer"):
        about = cluster.containers(service)[0].about()
        assert about["HostConfig"]["ReadonlyRootfs"] and about["HostConfig"]["Memory"] > 0, service
        assert bool(about["HostConfig"]["PortBindings"]) == (service == "balancer"), service
    (limit,) = {one.about()["HostConfig"]["Memory"] for one in cluster.containers("gateway")}
    for one in cluster.containers("gateway"):
        metrics = one.metrics()
        assert metrics["chronogate_memory_limit_bytes"] == limit, "the container's limit is known"
        assert 0 < metrics["chronogate_memory_bytes"] < limit / 4
    say("all healthy and read-only; only the balancer is published; gateways know their limits")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    cluster = Cluster()
    images()
    try:
        cluster.scale(3)
        cluster.wait_served(3)
        say("three gateways are up")
        asyncio.run(publish_by_hand(cluster))
        console(cluster)
        asyncio.run(live_data(cluster))
        feed = FarFeed(cluster.containers("redis")[0].address())
        under_load(cluster, feed)
        feed.close()
        asyncio.run(feeders(cluster))
        health(cluster)
        monitoring(cluster)
    except Exception:
        with contextlib.suppress(Exception):
            print(cluster.compose("ps"), cluster.compose("logs", "--tail=30"), sep="\n")
        raise
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        cluster.compose("--profile", "monitoring", "down", "-v", "--remove-orphans")
        docker("image", "prune", "-f", "--filter", f"label={LABEL}")
    assert left_over() == ["", "", ""], left_over()
    say("down leaves nothing")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""deploy/haproxy.cfg as it stands, in front of three gateways on this machine."""

import os
import pathlib
import signal
import ssl
import time

import pytest

from support import http
from support.client import Client
from support.feed import Flow
from support.follower import Follower
from support.redis import free_port
from support.swarm import Swarm
from support.venue import Certificates
from support.wait import until

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "haproxy.cfg"
TOPICS = [f"stock.H{n}.1m" for n in range(4)]
LONG = 60
DRAIN_MS = {"drain_delay_ms": 1000, "drain_spread_ms": 2000}


class Farm:
    """Gateways with ports of their own, which they keep when they are restarted, and HAProxy."""

    def __init__(self, supervisor, start_gateway, redis, limit=1000, **more):
        self.supervisor = supervisor
        self.start_gateway = start_gateway
        self.redis = redis
        self.ports = [[free_port() for _ in range(3)] for _ in range(3)]
        self.gateways = [self.start(n) for n in range(3)]
        self.api_port, self.console_port = free_port(), free_port()
        env = {
            **os.environ,
            "API_BIND": f"127.0.0.1:{self.api_port}",
            "CONSOLE_BIND": f"127.0.0.1:{self.console_port}",
            "CLIENTS_PER_ADDRESS": str(limit),
            **more,
        }
        for n, (api, admin, console) in enumerate(self.ports, 1):
            env[f"GATEWAY_{n}"] = f"127.0.0.1:{api}"
            env[f"GATEWAY_{n}_ADMIN"] = str(admin)
            env[f"GATEWAY_{n}_PAGE"] = f"127.0.0.1:{console}"
        self.balancer = supervisor.start(["haproxy", "-db", "-f", CONFIG], env=env, chatty=True)
        until(self.listens, what="HAProxy listens")
        self.wait_known(3)

    def start(self, n):
        api, admin, console = (f"127.0.0.1:{port}" for port in self.ports[n])
        return self.start_gateway(
            redis=self.redis, listen=api, admin=admin, console=console, trusted_proxies="127.0.0.1",
            probe_timeout_ms=60000, **DRAIN_MS,
        )  # fmt: skip

    def listens(self):
        try:
            http.connect(self.api_port).close()
            return True
        except OSError:
            return False

    def connections(self):
        return [one.metrics()["chronogate_connections"] for one in self.gateways]

    def wait_known(self, count):
        """Until so many connections are given to as many gateways."""

        def known():
            answers = [http.upgrade(self.api_port, http.API + "probe") for _ in range(count)]
            good = all(answer.status == 101 for answer in answers) and min(self.connections()) > 0
            for answer in answers:
                answer.sock.close()
            return good

        until(known, LONG, "HAProxy knows all gateways")
        until(lambda: sum(self.connections()) == 0, what="the probes are gone")

    def roll(self, n):
        leaving = self.gateways[n]
        leaving.process.expected_to_end = True
        leaving.process.send_signal(signal.SIGTERM)
        assert leaving.process.wait(LONG) == 0
        self.gateways[n] = self.start(n)

    def stop(self):
        self.supervisor.release(self.balancer)


@pytest.fixture
def start_farm(supervisor, start_gateway, own_redis):
    started = []

    def start(**how):
        started.append(Farm(supervisor, start_gateway, own_redis, **how))
        return started[-1]

    yield start
    for farm in started:
        farm.stop()


@pytest.fixture
def farm(start_farm):
    return start_farm()


def call(farm, name="me", source=None, more=""):
    """Returns the answer to an upgrade; its socket is open."""
    sock = http.connect(farm.api_port, source=source)
    request = http.upgrade_request(http.API + name).decode()[:-2] + more + "\r\n"
    sock.sendall(request.encode())
    return http.read_response(sock)


def flows_on(followers, more=50):
    begin = [one.counts["data"] + more for one in followers]
    until(
        lambda: all(one.counts["data"] > n for one, n in zip(followers, begin)),
        LONG,
        "data goes on",
    )


def test_clients_are_spread_evenly(farm):
    answers = [call(farm, f"c{n}") for n in range(30)]
    assert [answer.status for answer in answers] == [101] * 30
    assert farm.connections() == [10, 10, 10]
    for answer in answers:
        answer.sock.close()


def test_who_gets_more_than_its_share_is_refused(start_farm):
    farm = start_farm(limit=5)
    answers = [call(farm, f"c{n}") for n in range(5)]
    assert [answer.status for answer in answers] == [101] * 5
    refused = call(farm)
    assert refused.status == 429 and refused.headers["retry-after"] == "10"
    other = call(farm, source="127.0.0.9")
    assert other.status == 101
    for answer in [*answers, refused, other]:
        answer.sock.close()

    def again():
        answer = call(farm)
        answer.sock.close()
        return answer.status == 101

    until(again, what="there is a place again")


def test_one_connection_is_one_client(start_farm):
    """HTTP/2 would carry many WebSockets, each of them a stream."""
    farm = start_farm(limit=5)
    settings = b"\0\0\0\4\0\0\0\0\0"
    with http.connect(farm.api_port) as sock:
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings)
        answer = sock.recv(9)
    assert answer[:4] in (b"", b"HTTP"), f"HTTP/2 is spoken: {answer!r}"


def test_gateways_know_whom_haproxy_asks_for_whatever_the_client_says(farm):
    answer = call(farm, "liar", source="127.0.0.9", more="X-Forwarded-For: 203.0.113.1\r\n")
    assert answer.status == 101
    pages = [one.admin("/debug/clients").json()["clients"] for one in farm.gateways]
    assert [client["address"] for page in pages for client in page] == ["127.0.0.9"]
    answer.sock.close()


def test_the_console_is_there(farm):
    answer = http.get(farm.console_port, "/websocket-test")
    assert answer.status == 200 and b"<html" in answer.body.lower()


async def test_with_a_certificate_clients_come_by_tls(start_farm, own_redis, tmp_path):
    certificates = Certificates(tmp_path)
    both = [(tmp_path / f"localhost.{end}").read_text() for end in ("pem", "key")]
    (tmp_path / "both.pem").write_text("".join(both))
    port = free_port()
    start_farm(TLS_CERT=str(tmp_path / "both.pem"), TLS_BIND=f"127.0.0.1:{port}")
    context = ssl.create_default_context(cafile=certificates.authority)
    async with Client(f"wss://localhost:{port}{http.API}me", ssl=context) as client:
        await client.subscribe(TOPICS[0])
        own_redis.publish(TOPICS[0], '{"n":1}')
        assert (await client.hear())["data"] == {"n": 1}
    with pytest.raises(ssl.SSLCertVerificationError):
        async with Client(f"wss://localhost:{port}{http.API}me", ssl=ssl.create_default_context()):
            pass


def test_nobody_is_refused_while_a_gateway_leaves(farm):
    leaving = farm.gateways[0]
    leaving.process.expected_to_end = True
    leaving.process.send_signal(signal.SIGTERM)
    statuses, end = [], time.monotonic() + 4
    while time.monotonic() < end:
        answer = call(farm)
        statuses.append(answer.status)
        answer.sock.close()
        time.sleep(0.02)
    assert set(statuses) == {101}, statuses
    assert leaving.process.wait(LONG) == 0


def test_without_any_gateway_clients_are_told_so(farm):
    for gateway in farm.gateways:
        gateway.process.stop()
    until(lambda: call(farm).status == 503, what="503")


def test_nothing_is_lost_when_gateways_are_restarted_and_killed(farm, feed):
    followers = [Follower(TOPICS, name=f"f{n}") for n in range(30)]
    with Swarm([farm], followers) as swarm, Flow(feed, TOPICS, rate=200) as flow:
        flows_on(followers)
        for n in range(3):
            farm.roll(n)
            flows_on(followers)
        farm.gateways[1].process.kill()
        flows_on(followers)
        farm.gateways[1] = farm.start(1)
        flows_on(followers)
        flow.stop()
        swarm.check_whole(feed.journal)
    for one in followers:
        assert one.told_of_losses() == 0
    assert sum(one.closes[1012] for one in followers) >= 30
    assert sum(one.closes[None] for one in followers) > 0

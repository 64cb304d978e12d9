# SPDX-License-Identifier: MIT
"""Whose address counts when clients come through balancers: --trusted-proxies."""

import subprocess

import pytest

from support import http
from support.balancer import Balancer
from support.gateway import options

CLIENT, OTHER, PROXY = "127.0.0.7", "127.0.0.8", "127.0.0.1"


class Callers:
    """Upgrades from any loopback address, held until the end."""

    def __init__(self):
        self.socks = []

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for sock in self.socks:
            sock.close()

    def call(self, port, name, source=CLIENT, lists=()):
        """Returns the status; each of `lists` is a header."""
        sock = http.connect(port, source=source)
        self.socks.append(sock)
        request = http.upgrade_request(http.API + name).decode()[:-2]
        request += "".join(f"X-Forwarded-For: {text}\r\n" for text in lists)
        sock.sendall((request + "\r\n").encode())
        return http.read_response(sock).status


@pytest.fixture
def callers():
    with Callers() as callers:
        yield callers


@pytest.fixture
def start_balancer(supervisor, tmp_path):
    started = []

    def start(gateway, **how):
        started.append(Balancer(supervisor, tmp_path, gateway.api_port, **how))
        return started[-1]

    yield start
    for balancer in started:
        balancer.stop()


def address_of(gateway, name):
    line = rf"client connected.* client={name} address=(\S+)"
    return gateway.log.wait_for(line).group(1)


def strict(start_gateway, proxies, limit=1):
    return start_gateway(
        trusted_proxies=proxies, max_connections_per_address=limit, log_level="debug"
    )


# Through a real balancer.


def test_behind_a_trusted_balancer_each_client_counts_for_itself(
    start_gateway, start_balancer, callers
):
    gateway = strict(start_gateway, PROXY)
    port = start_balancer(gateway).port
    assert callers.call(port, "one") == 101
    assert callers.call(port, "other", OTHER) == 101
    assert callers.call(port, "again") == 429
    assert callers.call(port, "another", OTHER) == 429
    assert address_of(gateway, "one") == CLIENT
    assert address_of(gateway, "other") == OTHER


def test_what_a_client_forges_is_not_believed_behind_a_balancer(
    start_gateway, start_balancer, callers
):
    gateway = strict(start_gateway, PROXY)
    port = start_balancer(gateway).port
    assert callers.call(port, "one", lists=["203.0.113.1"]) == 101
    assert callers.call(port, "two", lists=["203.0.113.2"]) == 429
    assert callers.call(port, "three", lists=["203.0.113.3, " + PROXY]) == 429
    assert callers.call(port, "four", lists=[PROXY, "nonsense"]) == 429
    assert address_of(gateway, "one") == CLIENT


def test_two_balancers_in_a_row_are_followed_to_the_client(
    start_gateway, start_balancer, callers
):
    gateway = strict(start_gateway, PROXY)
    inner = start_balancer(gateway)
    inner.api_port = inner.port
    port = start_balancer(inner).port
    assert callers.call(port, "one", lists=["203.0.113.1"]) == 101
    assert address_of(gateway, "one") == CLIENT
    assert callers.call(port, "two") == 429


def test_behind_a_balancer_that_is_not_trusted_all_count_as_one(
    start_gateway, start_balancer, callers
):
    gateway = strict(start_gateway, "10.0.0.0/8", limit=2)
    port = start_balancer(gateway).port
    assert callers.call(port, "one") == 101
    assert callers.call(port, "other", OTHER) == 101
    assert callers.call(port, "third", "127.0.0.9") == 429
    assert address_of(gateway, "other") == PROXY


def test_a_trusted_balancer_that_names_nobody_has_no_limit(
    start_gateway, start_balancer, callers
):
    gateway = strict(start_gateway, PROXY)
    port = start_balancer(gateway, forwarding="").port
    for n in range(5):
        assert callers.call(port, f"c{n}") == 101
    assert address_of(gateway, "c4") == PROXY


# Without one.


def test_whoever_is_not_trusted_speaks_for_himself(start_gateway, callers):
    gateway = strict(start_gateway, PROXY)
    assert callers.call(gateway.api_port, "one", lists=["203.0.113.1"]) == 101
    assert callers.call(gateway.api_port, "two", lists=["203.0.113.2"]) == 429
    assert address_of(gateway, "one") == CLIENT


def test_by_default_nobody_is_trusted(start_gateway, callers):
    gateway = start_gateway(log_level="debug")
    assert callers.call(gateway.api_port, "one", PROXY, ["203.0.113.1"]) == 101
    assert address_of(gateway, "one") == PROXY


@pytest.mark.parametrize(
    "lists, expected",
    [
        (["203.0.113.1"], "203.0.113.1"),
        (["198.51.100.1, 203.0.113.1, 10.1.2.3"], "203.0.113.1"),
        (["203.0.113.1", "10.1.2.3", "::1"], "203.0.113.1"),
        (["2001:db8::7"], "2001:db8::7"),
        (["::ffff:203.0.113.1"], "203.0.113.1"),
        (["[2001:db8::7]:443"], "2001:db8::7"),
        (["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
        (["nonsense"], PROXY),
        (["203.0.113.1, , 10.1.2.3"], PROXY),
        ([", ".join(["203.0.113.1"] + ["10.1.2.3"] * 200)], PROXY),
        ([], PROXY),
    ],
    ids=str,
)
def test_a_trusted_proxy_is_believed_as_far_as_it_makes_sense(
    start_gateway, callers, lists, expected
):
    gateway = strict(start_gateway, "127.0.0.1,10.0.0.0/8,::1", limit=2)
    assert callers.call(gateway.api_port, "one", PROXY, lists) == 101
    assert address_of(gateway, "one") == expected


def test_a_client_that_leaves_makes_room_for_its_address(start_gateway, callers):
    gateway = strict(start_gateway, PROXY)
    assert callers.call(gateway.api_port, "one", PROXY, ["203.0.113.1"]) == 101
    assert callers.call(gateway.api_port, "two", PROXY, ["203.0.113.1"]) == 429
    callers.socks[0].close()
    gateway.wait_metric("chronogate_connections", 0)
    assert callers.call(gateway.api_port, "two", PROXY, ["203.0.113.1"]) == 101


# The setting.


@pytest.mark.parametrize("text", ["10.0.0.1/8", "localhost", "10.0.0.0/33", "::1,", "1.2.3.4 ::1"])
def test_a_list_that_is_not_well_written_is_refused_at_the_start(chronogate, text):
    argv = [chronogate, "-n", *options({"trusted_proxies": text})]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("chronogate: --trusted-proxies: ")
    assert ended.stderr.count("\n") == 1

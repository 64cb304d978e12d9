# SPDX-License-Identifier: MIT
"""The limits of gateway/PROTOCOL.md, section 6, each at its bound."""

import asyncio
import time

from support import http
from support.wait import soon

PING = {"type": "ping"}


async def test_the_topics_of_a_connection_are_limited(start_gateway):
    gateway = start_gateway(max_topics=3)
    async with gateway.client() as client, gateway.client() as other:
        await client.subscribe("stock.A.1m", "stock.B.1m", "stock.C.1m")
        answer = await client.ask({"type": "subscribe", "topic": "stock.D.1m"})
        assert answer["error_code"] == "subscription_failed"
        assert answer["error_message"].startswith("订阅失败: ")
        await client.subscribe("stock.B.1m")  # held already
        await other.subscribe("stock.D.1m")  # another connection's count
        await client.unsubscribe("stock.A.1m")
        await client.subscribe("stock.D.1m")
        listed = await client.ask({"type": "get_subscriptions"})
        assert listed["subscriptions"] == ["stock.B.1m", "stock.C.1m", "stock.D.1m"]


async def test_a_list_is_accepted_up_to_the_limit_of_topics(start_gateway):
    async with start_gateway(max_topics=2).client() as client:
        topics = ["stock.A.1m", "stock.B.1m", "stock.C.1m", "stock.A.1m"]
        await client.say({"type": "subscribe", "topics": topics})
        kinds = [(await client.hear())["type"] for _ in topics]
        assert kinds == ["subscribe_ack", "subscribe_ack", "error", "subscribe_ack"]


async def test_requests_beyond_the_burst_are_refused_and_not_carried_out(start_gateway):
    gateway = start_gateway(request_rate=1, request_burst=3)
    async with gateway.client() as client, gateway.client() as other:
        for _ in range(3):
            assert (await client.ask(PING))["type"] == "pong"
        await client.say({"type": "subscribe", "topic": "stock.A.1m", "request_id": "r"})
        answer = await client.hear()
        assert answer["error_code"] == "rate_limited"
        assert answer["error_message"] == "请求过于频繁"
        assert (await other.ask(PING))["type"] == "pong"

        async def listed():
            answer = await client.ask({"type": "get_subscriptions"})
            return answer if answer["type"] == "subscriptions_list" else None

        answer = await listed()
        while answer is None:
            await asyncio.sleep(0.3)
            answer = await listed()
        assert answer["subscriptions"] == []


async def test_each_topic_of_a_list_counts_as_a_request(start_gateway):
    async with start_gateway(request_rate=1, request_burst=6).client() as client:
        await client.say({"type": "subscribe", "topics": [f"stock.{s}.1m" for s in "ABCDE"]})
        assert [(await client.hear())["type"] for _ in range(5)] == ["subscribe_ack"] * 5
        answers = [await client.ask(PING) for _ in range(3)]
        assert answers[-1]["error_code"] == "rate_limited"


async def test_the_bucket_fills_up_again(start_gateway):
    async with start_gateway(request_rate=20, request_burst=1).client() as client:
        for _ in range(5):
            assert (await client.ask(PING))["type"] == "pong"
            await asyncio.sleep(0.1)


async def test_flooding_on_is_closed_with_4029(start_gateway):
    gateway = start_gateway(request_rate=1, request_burst=2, flood_limit=5)
    async with gateway.client() as client, gateway.client() as other:
        for _ in range(30):
            await client.say(PING)
        assert await client.close_code() == 4029
        await other.nothing_came()
        closes = gateway.metrics().by("chronogate_closes_total", "reason")
        assert sum(closes.values()) == 1


async def test_only_refusals_in_a_row_count_as_flooding(start_gateway):
    gateway = start_gateway(request_rate=5, request_burst=1, flood_limit=4)
    async with gateway.client() as client:
        for _ in range(4):
            kinds = [(await client.ask(PING))["type"] for _ in range(4)]
            assert kinds == ["pong", "error", "error", "error"]
            await asyncio.sleep(0.4)


async def test_by_default_a_burst_of_300_is_served_and_400_in_a_row_are_not(start_gateway):
    gateway = start_gateway()
    async with gateway.client() as client:
        for _ in range(300):
            await client.say(PING)
        kinds = {(await client.hear())["type"] for _ in range(300)}
        assert kinds == {"pong"}
        for _ in range(400):
            await client.say(PING)
        assert await client.close_code() == 4029


async def test_invalid_messages_count_as_requests(start_gateway):
    gateway = start_gateway(request_rate=1, request_burst=3, flood_limit=5)
    async with gateway.client() as client:
        for _ in range(20):
            await client.say("{")
        assert await client.close_code() == 4029


async def test_connections_beyond_the_limit_are_refused_until_one_leaves(start_gateway):
    gateway = start_gateway(max_connections=2)
    async with gateway.client() as one:
        async with gateway.client() as other:
            refused = gateway.upgrade()
            assert refused.status == 503
            assert int(refused.headers["retry-after"]) > 0
            assert set(refused.json()) == {"error_code", "error_message"}
            await one.nothing_came()
            await other.nothing_came()

        def admitted():
            answer = gateway.upgrade()
            if answer.status == 101:
                answer.sock.close()
            return answer.status == 101

        await soon(admitted, what="there is room again")
        assert sum(gateway.metrics().by("chronogate_refusals_total", "reason").values()) >= 1


def test_without_a_limit_of_its_own_the_gateway_keeps_within_its_file_limit(start_gateway):
    gateway = start_gateway(wrap=["prlimit", "--nofile=100:100"])
    wires = []
    try:
        while (answer := gateway.upgrade()).status == 101:
            wires.append(answer.sock)
            assert len(wires) < 100
        assert len(wires) >= 40
        before = gateway.process.cpu_seconds()
        for _ in range(30):
            assert gateway.upgrade().status == 503
        time.sleep(0.5)
        assert gateway.process.cpu_seconds() - before < 0.4
        assert gateway.admin("/readyz").status == 200
        assert gateway.process.descriptors() < 100
    finally:
        for sock in wires:
            sock.close()
    gateway.wait_metric("chronogate_connections", 0)
    with gateway.wire() as wire:
        wire.subscribe("stock.A.1m")


def test_more_connections_than_descriptors_do_not_make_it_spin(start_gateway):
    gateway = start_gateway(wrap=["prlimit", "--nofile=100:100"])
    socks = [http.connect(gateway.api_port) for _ in range(200)]
    before = gateway.process.cpu_seconds()
    time.sleep(1)
    assert gateway.process.cpu_seconds() - before < 0.4
    for sock in socks:
        sock.close()
    gateway.wait_ready()
    with gateway.wire() as wire:
        wire.subscribe("stock.A.1m")


async def test_connections_from_one_address_are_limited_if_wished(start_gateway):
    gateway = start_gateway(max_connections_per_address=2)
    async with gateway.client(), gateway.client():
        refused = gateway.upgrade()
        assert refused.status == 429
        assert int(refused.headers["retry-after"]) > 0
        assert set(refused.json()) == {"error_code", "error_message"}


async def test_a_message_of_the_largest_size_is_accepted_and_one_byte_more_is_not(start_gateway):
    gateway = start_gateway(max_message_bytes=1000)
    async with gateway.client() as client:
        fill = 1000 - len('{"type":"ping","x":""}')
        largest = '{"type":"ping","x":"' + "x" * fill + '"}'
        assert (await client.ask(largest))["type"] == "pong"
        await client.say(largest + " ")
        assert await client.close_code() == 1009


async def test_the_default_size_of_a_message_is_64_kib(gateway):
    async with gateway.client() as client:
        fill = 65536 - len('{"type":"ping","x":""}')
        largest = '{"type":"ping","x":"' + "x" * fill + '"}'
        assert (await client.ask(largest))["type"] == "pong"
        await client.say(largest + " ")
        assert await client.close_code() == 1009

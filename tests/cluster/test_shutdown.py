# SPDX-License-Identifier: MIT
"""Leaving: a signal closes every client with 1012 and the gateway is gone in a few seconds,
whatever its clients and Redis do; a second signal does not wait for anything."""

import asyncio
import signal
import threading
import time

import pytest

from support import http
from support.wait import until

FEW_SECONDS = 8


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_closes_the_clients_with_1012_and_ends_with_0(start_gateway, signo):
    gateway = start_gateway()
    clients = [gateway.client(f"c{n}") for n in range(20)]
    await asyncio.gather(*(client.__aenter__() for client in clients))
    await clients[0].subscribe("stock.A.1m")
    gateway.process.expected_to_end = True
    gateway.process.send_signal(signo)
    assert await asyncio.gather(*(c.close_code() for c in clients)) == [1012] * 20
    assert await asyncio.to_thread(gateway.process.wait, FEW_SECONDS) == 0


async def test_clients_are_closed_with_1012_while_data_flows(start_gateway, redis):
    gateway = start_gateway()
    async with gateway.client() as one, gateway.client() as other:
        await one.subscribe("stock.FLOW.1m")
        await other.subscribe("stock.FLOW.1m")
        over = threading.Event()

        def flow():
            while not over.wait(0.001):
                redis.publish("stock.FLOW.1m", '{"x":"%s"}' % ("x" * 100))

        stream = asyncio.create_task(asyncio.to_thread(flow))
        try:
            for _ in range(100):
                assert (await one.hear())["type"] == (await other.hear())["type"] == "data"
            gateway.process.expected_to_end = True
            gateway.process.send_signal(signal.SIGTERM)
            assert await asyncio.gather(one.close_code(), other.close_code()) == [1012, 1012]
            assert await asyncio.to_thread(gateway.process.wait, FEW_SECONDS) == 0
        finally:
            over.set()
            await stream


def test_without_clients_it_leaves_at_once(start_gateway):
    gateway = start_gateway()
    begin = time.monotonic()
    assert gateway.process.stop() == 0
    assert time.monotonic() - begin < 3


def test_nobody_is_accepted_any_more(start_gateway):
    gateway = start_gateway()
    with gateway.wire():  # does not answer the close frame, and so keeps the gateway waiting
        gateway.process.expected_to_end = True
        gateway.process.send_signal(signal.SIGTERM)

        def refused():
            try:
                answer = gateway.upgrade()
                return answer.status == 503
            except OSError:
                return True

        until(refused, what="connections are refused")
        assert gateway.process.wait(FEW_SECONDS) == 0


def test_a_client_that_does_not_answer_the_close_does_not_hold_it_up(start_gateway):
    gateway = start_gateway()
    with gateway.wire() as wire:
        gateway.process.expected_to_end = True
        gateway.process.send_signal(signal.SIGTERM)
        assert wire.read_close() == 1012
        assert gateway.process.wait(FEW_SECONDS) == 0


def test_a_client_that_does_not_read_does_not_hold_it_up(start_gateway, redis):
    gateway = start_gateway(backlog_hard_bytes=16 << 20)
    big = '{"x":"' + "x" * 8000 + '"}'
    with gateway.wire("slow?delivery=all", receive_buffer=4096) as wire:
        wire.subscribe("stock.STUCK.1m")

        def backlog():
            for _ in range(16):
                redis.publish("stock.STUCK.1m", big)
            return gateway.metrics()["chronogate_queue_bytes"] > 500_000

        until(backlog, what="the client's backlog grows")
        assert gateway.process.stop(within=FEW_SECONDS) == 0


def test_a_handshake_under_way_does_not_hold_it_up(start_gateway):
    gateway = start_gateway()
    with http.connect(gateway.api_port) as sock:
        sock.sendall(http.upgrade_request()[:-2])
        assert gateway.process.stop(within=FEW_SECONDS) == 0


def test_a_redis_that_is_away_does_not_hold_it_up(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis)
    with gateway.wire() as wire:
        wire.subscribe("stock.A.1m")
        own_redis.stop()
        until(lambda: not gateway.ready(), what="the loss is seen")
        assert gateway.process.stop(within=FEW_SECONDS) == 0


def test_a_redis_that_stands_still_does_not_hold_it_up(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis)
    with gateway.wire() as wire:
        own_redis.pause()
        wire.say({"type": "subscribe", "topic": "stock.PENDING.1m"})
        try:
            assert gateway.process.stop(within=FEW_SECONDS) == 0
        finally:
            own_redis.resume()


def test_before_redis_was_reached_it_can_be_ended(start_gateway, own_redis):
    own_redis.stop()
    gateway = start_gateway(redis=own_redis, ready=False)
    assert gateway.process.stop(within=FEW_SECONDS) == 0


def test_a_second_signal_leaves_at_once(start_gateway):
    gateway = start_gateway()
    with gateway.wire() as wire:
        gateway.process.expected_to_end = True
        gateway.process.send_signal(signal.SIGTERM)
        assert wire.read_close() == 1012
        begin = time.monotonic()
        if gateway.process.alive:
            gateway.process.send_signal(signal.SIGTERM)
        gateway.process.wait()
        assert time.monotonic() - begin < 2

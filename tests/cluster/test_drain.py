# SPDX-License-Identifier: MIT
"""A gateway that is asked to leave: the balancer sees it at once, clients are sent away a few at
a time and told when to come again, and nobody misses a message."""

import asyncio
import contextlib
import datetime
import signal

from support.feed import Flow
from support.stream import Stream, check_whole
from support.wait import soon, until

TOPICS = [f"stock.D{n}.1m" for n in range(4)]
CROWD = 30
NEVER_MS = 600000
MINUTE = 60


def drain(gateway):
    gateway.process.expected_to_end = True
    gateway.process.send_signal(signal.SIGTERM)


def leave_at_once(gateway):
    """The second signal; what becomes of the clients is not asked here."""
    gateway.process.send_signal(signal.SIGTERM)
    gateway.process.wait()


def when(message):
    return datetime.datetime.fromisoformat(message["timestamp"])


@contextlib.asynccontextmanager
async def crowd(gateway, count=CROWD):
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(gateway.client(f"c{n}")) for n in range(count)]


async def hear_reconnect(client, within=MINUTE):
    """The next message, which must be followed by nothing but the close."""
    message = await client.hear(within)
    assert list(message) == ["type", "after_ms", "timestamp"], message
    assert message["type"] == "reconnect"
    assert type(message["after_ms"]) is int and message["after_ms"] >= 0
    assert await client.close_code() == 1012
    return message


async def gone(gateway, within=MINUTE):
    return await asyncio.to_thread(gateway.process.wait, within)


async def test_readyz_is_red_at_once_and_new_clients_are_let_in_for_the_delay(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis, drain_delay_ms=NEVER_MS)
    async with gateway.client() as client:
        await client.subscribe(TOPICS[0])
        drain(gateway)
        await soon(lambda: not gateway.ready(), what="it is red")
        assert gateway.admin("/healthz").status == 200
        async with gateway.client() as late:
            await late.subscribe(TOPICS[0])
            ids = feed.publish(TOPICS[0])
            for one in (client, late):
                assert (await one.hear())["id"] == ids[0]
                await one.nothing_came()
        leave_at_once(gateway)


async def test_after_the_delay_new_clients_are_refused(start_patient_gateway, own_redis):
    gateway = start_patient_gateway(redis=own_redis, drain_delay_ms=100, drain_spread_ms=NEVER_MS)
    async with crowd(gateway, 3):
        drain(gateway)

        def refused():
            try:
                answer = gateway.upgrade()
                answer.sock.close()
                return answer.status == 503
            except OSError:
                return True

        await soon(refused, what="new clients are refused")
        assert gateway.process.alive
        leave_at_once(gateway)


async def test_every_client_is_told_to_reconnect_and_closed_with_1012(
    start_patient_gateway, own_redis
):
    gateway = start_patient_gateway(redis=own_redis, drain_delay_ms=100, drain_spread_ms=1000)
    async with crowd(gateway) as clients:
        drain(gateway)
        await asyncio.gather(*map(hear_reconnect, clients))
        assert await gone(gateway) == 0


async def test_the_clients_are_sent_away_over_the_spread(start_patient_gateway, own_redis):
    gateway = start_patient_gateway(redis=own_redis, drain_delay_ms=100, drain_spread_ms=4000)
    async with crowd(gateway) as clients:
        drain(gateway)
        told = await asyncio.gather(*map(hear_reconnect, clients))
        times = sorted(map(when, told))
        assert (times[-1] - times[0]).total_seconds() > 1
        assert len(set(times)) > CROWD / 3
        assert len({message["after_ms"] for message in told}) > CROWD / 3
        assert await gone(gateway) == 0


async def test_a_client_that_came_during_the_delay_is_told_too(start_patient_gateway, own_redis):
    gateway = start_patient_gateway(redis=own_redis, drain_delay_ms=4000, drain_spread_ms=100)
    async with gateway.client() as client:
        drain(gateway)
        await soon(lambda: not gateway.ready(), what="it is red")
        async with gateway.client() as late:
            await asyncio.gather(hear_reconnect(client), hear_reconnect(late))
            assert await gone(gateway) == 0


async def test_with_neither_delay_nor_spread_all_are_told_at_once(start_patient_gateway, own_redis):
    gateway = start_patient_gateway(redis=own_redis, drain_delay_ms=0, drain_spread_ms=0)
    async with crowd(gateway) as clients:
        drain(gateway)
        await asyncio.gather(*map(hear_reconnect, clients))
        assert await gone(gateway) == 0


def test_without_clients_it_leaves_when_the_delay_is_over(start_patient_gateway, own_redis):
    gateway = start_patient_gateway(redis=own_redis, drain_delay_ms=500, drain_spread_ms=NEVER_MS)
    drain(gateway)
    until(lambda: not gateway.process.alive, MINUTE, "it has left")
    assert gateway.process.wait() == 0


async def test_a_second_signal_ends_a_drain(start_patient_gateway, own_redis):
    gateway = start_patient_gateway(redis=own_redis, drain_delay_ms=NEVER_MS)
    async with crowd(gateway, 3):
        drain(gateway)
        await soon(lambda: not gateway.ready(), what="it is red")
        leave_at_once(gateway)


async def test_a_client_that_does_not_answer_the_close_does_not_hold_a_drain_up(
    start_patient_gateway, own_redis
):
    gateway = start_patient_gateway(redis=own_redis, drain_delay_ms=0, drain_spread_ms=0)
    with gateway.wire() as wire:
        drain(gateway)
        assert wire.read_json()["type"] == "reconnect"
        assert wire.read_close() == 1012
        assert await gone(gateway) == 0


async def test_a_drain_ends_while_redis_is_away(start_patient_gateway, own_redis):
    gateway = start_patient_gateway(redis=own_redis, drain_delay_ms=100, drain_spread_ms=500)
    async with gateway.client() as client:
        own_redis.stop()
        assert (await client.hear())["state"] == "degraded"
        drain(gateway)
        await hear_reconnect(client)
        assert await gone(gateway) == 0


async def test_clients_of_a_drained_gateway_go_on_elsewhere_and_miss_nothing(
    start_patient_gateway, own_redis, feed
):
    how = {"redis": own_redis, "drain_delay_ms": 200, "drain_spread_ms": 1000}
    gateways = [start_patient_gateway(**how), start_patient_gateway(**how)]
    async with contextlib.AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(Stream(gateways, TOPICS, name=f"c{n}"))
            for n in range(10)
        ]
        with Flow(feed, TOPICS, rate=200):
            for _ in range(2):
                begin = [stream.follower.counts["data"] + 50 for stream in streams]
                await soon(
                    lambda: all(s.follower.counts["data"] > n for s, n in zip(streams, begin)),
                    30,
                    "data goes on",
                )
                leaving = gateways.pop(0)
                gateways.append(start_patient_gateway(**how))
                drain(leaving)
                assert await gone(leaving) == 0
        await check_whole(streams, feed.journal)
        for stream in streams:
            assert stream.follower.closes[1012] >= 1
            assert stream.follower.told_of_losses() == 0

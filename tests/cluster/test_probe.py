# SPDX-License-Identifier: MIT
"""The way through Redis and back, tried all the time: a link that stands still is found out
whatever TCP says of it, and what was published meanwhile comes when it goes again."""

import asyncio
import contextlib
import signal
import time

import pytest

from support.feed import Flow
from support.follower import Follower
from support.proxy import Proxy, connections_of_gateways
from support.stream import Stream, check_whole
from support.swarm import Swarm
from support.wait import soon, until

TOPICS = [f"stock.P{n}.1m" for n in range(4)]
STANDSTILL = 5  # seconds
BLACKOUT = 10
RED_WITHIN = 3.5  # seconds, with the default settings
NOISE = 1.5  # a loaded machine may add this
EAGER = {"probe_interval_ms": 200, "probe_timeout_ms": 1000}


@contextlib.contextmanager
def standing_still(redis):
    redis.pause()
    try:
        yield
    finally:
        redis.resume()


async def check_survives(gateway, feed, begin, end, seconds):
    """Streams and an idle client live through a standstill: all know of it, none loses."""
    async with contextlib.AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(Stream([gateway], TOPICS, name=f"c{n}"))
            for n in range(4)
        ]
        idle = await stack.enter_async_context(gateway.client("idle"))
        with Flow(feed, TOPICS, rate=200):
            await soon(lambda: all(s.follower.counts["data"] > 50 for s in streams), 30)
            began = time.monotonic()
            begin()
            try:
                await soon(lambda: not gateway.ready(), RED_WITHIN + NOISE, "it is red")
                assert (await idle.hear())["state"] == "degraded"
                await asyncio.sleep(began + seconds - time.monotonic())
                assert not gateway.ready()
            finally:
                end()
            assert (await idle.hear(30))["state"] == "live"
            await soon(gateway.ready, what="it is green")
        await check_whole(streams, feed.journal)
        for stream in streams:
            states = [state for state in stream.follower.states if state]
            assert states[:2] == ["degraded", "live"] and states[-1] == "live"
            assert stream.follower.closes.total() == 0
            assert stream.follower.told_of_losses() == 0


async def test_a_redis_that_stands_still_is_noticed_and_nothing_is_lost(
    start_gateway, own_redis, feed
):
    gateway = start_gateway(redis=own_redis, backlog_hard_bytes="64m")
    await check_survives(gateway, feed, own_redis.pause, own_redis.resume, STANDSTILL)


async def test_a_network_that_swallows_everything_is_noticed_and_nothing_is_lost(
    start_gateway, own_redis, feed
):
    with Proxy(own_redis.port) as proxy:
        gateway = start_gateway(redis=proxy.url, backlog_hard_bytes="64m", replay_max=10000)
        await check_survives(gateway, feed, proxy.hold, proxy.resume, BLACKOUT)


@pytest.mark.parametrize("flag", ["P", "N"], ids=["subscriptions", "commands"])
async def test_one_dead_connection_is_enough_and_both_are_made_anew(
    start_gateway, own_redis, feed, flag
):
    with Proxy(own_redis.port) as proxy:
        gateway = start_gateway(redis=proxy.url, **EAGER)
        async with gateway.client() as client:
            await client.subscribe(TOPICS[0])
            (first,) = feed.publish(TOPICS[0])
            assert (await client.hear())["id"] == first
            before = connections_of_gateways(own_redis)
            assert len(before) == proxy.made == 2
            (dead,) = [c for c in before if (c["flags"] == "P") == (flag == "P")]
            proxy.hold(dead["port"])
            message = await client.hear(30)
            assert (message["type"], message["state"]) == ("status", "degraded")
            ids = feed.publish_many(TOPICS[0], 5)
            got = []
            while (message := await client.hear(30))["type"] == "data":
                got.append(message["id"])
            assert (message["type"], message["state"]) == ("status", "live")
            while len(got) < len(ids):
                got.append((await client.hear())["id"])
            assert got == ids
            assert proxy.made >= 4
            await soon(gateway.ready, what="it is green")
            anew = {c["id"] for c in connections_of_gateways(own_redis)} - {c["id"] for c in before}
            assert len(anew) == 2
            proxy.resume()
            await client.nothing_came()


async def test_commands_without_answers_are_noticed_while_messages_come(
    start_gateway, own_redis, feed
):
    with Proxy(own_redis.port) as proxy:
        gateway = start_gateway(
            redis=proxy.url, probe_interval_ms=200, redis_command_timeout_ms=1000
        )
        async with gateway.client() as client:
            await client.subscribe(TOPICS[0])
            with Flow(feed, TOPICS[:1], rate=50):
                (dead,) = [c for c in connections_of_gateways(own_redis) if c["flags"] == "N"]
                proxy.hold(dead["port"])
                await soon(
                    lambda: gateway.metrics()["chronogate_redis_reconnects_total"] == 1,
                    what="it is noticed",
                )
            while (message := await client.hear())["type"] == "data":
                pass
            assert (message["type"], message["state"]) == ("status", "degraded")


async def test_a_standstill_shorter_than_the_timeout_is_nobodys_business(
    start_gateway, own_redis, feed
):
    gateway = start_gateway(redis=own_redis, probe_timeout_ms=60000, redis_command_timeout_ms=60000)
    async with gateway.client() as client:
        await client.subscribe(TOPICS[0])
        with standing_still(own_redis):
            await asyncio.sleep(2)
            assert gateway.ready()
            await client.nothing_came()
        assert (await client.ask({"type": "ping"}))["type"] == "pong"
        ids = feed.publish(TOPICS[0])
        assert (await client.hear())["id"] == ids[0]
        assert gateway.metrics()["chronogate_redis_reconnects_total"] == 0


def test_a_gateway_that_stood_still_itself_does_not_take_redis_for_dead(
    start_gateway, own_redis, feed
):
    gateway = start_gateway(redis=own_redis, backlog_hard_bytes="64m", **EAGER)
    followers = [Follower(TOPICS[:2], name=f"c{n}") for n in range(3)]
    feed.publish(*TOPICS)
    with Swarm([gateway], followers) as swarm:
        swarm.wait_for(feed.journal)
        for _ in range(2):
            gateway.process.send_signal(signal.SIGSTOP)
            try:
                for _ in range(10):  # more than a repair may read, and all of it on its way
                    feed.publish(*TOPICS[:2] * 200, fill="x" * 300)
                time.sleep(1.5)
            finally:
                gateway.process.send_signal(signal.SIGCONT)
            swarm.check_whole(feed.journal)
    assert sum(follower.told_of_losses() for follower in followers) == 0


async def test_a_client_that_comes_during_a_standstill_is_told_so_first(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis, **EAGER)
    with standing_still(own_redis):
        await soon(lambda: not gateway.ready(), what="it is red")
        async with gateway.client() as client:
            assert client.ack["type"] == "connection_ack"
            message = await client.hear()
            assert list(message) == ["type", "state", "timestamp"]
            assert (message["type"], message["state"]) == ("status", "degraded")
            await client.nothing_came()
            own_redis.resume()
            message = await client.hear(30)
            assert (message["type"], message["state"]) == ("status", "live")


async def test_a_subscription_whose_history_is_not_read_in_time_fails(
    start_gateway, own_redis, feed
):
    with Proxy(own_redis.port) as proxy:
        gateway = start_gateway(
            redis=proxy.url,
            subscribe_timeout_ms=500,
            probe_timeout_ms=60000,
            redis_command_timeout_ms=60000,
        )
        (id_,) = feed.publish(TOPICS[0])
        async with gateway.client() as client:
            (commands,) = [c for c in connections_of_gateways(own_redis) if c["flags"] == "N"]
            proxy.hold(commands["port"])
            answer = await client.ask({"type": "subscribe", "topic": TOPICS[0]})
            assert (answer["type"], answer.get("error_code")) == ("error", "subscription_failed")
            listed = await client.ask({"type": "get_subscriptions"})
            assert listed["subscriptions"] == []
            proxy.resume()
            answer = await client.ask({"type": "subscribe", "topic": TOPICS[0]})
            assert answer["type"] == "subscribe_ack"
            assert (await client.hear())["id"] == id_


async def test_a_subscription_during_a_standstill_fails_in_time_or_is_carried_out_later(
    start_gateway, own_redis, feed
):
    gateway = start_gateway(redis=own_redis, subscribe_timeout_ms=1000, **EAGER)
    (id_,) = feed.publish(TOPICS[0])
    async with gateway.client() as client:
        with standing_still(own_redis):
            await client.say({"type": "subscribe", "topic": TOPICS[0], "since": id_})
            while (message := await client.hear())["type"] == "status":
                assert message["state"] == "degraded"
            assert message["error_code"] == "subscription_failed"
        await soon(gateway.ready, what="it is green")
        await client.say({"type": "subscribe", "topic": TOPICS[0], "since": id_})
        while (message := await client.hear())["type"] == "status":
            pass
        assert message["recovered"] is True
        (next_id,) = feed.publish(TOPICS[0])
        while (message := await client.hear())["type"] == "status":
            pass
        assert message["id"] == next_id


def test_the_age_of_the_probe_is_a_metric(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis)

    def age():
        return gateway.metrics()["chronogate_probe_age_seconds"]

    until(lambda: age() < 1.5, what="the probe is young")
    with standing_still(own_redis):
        until(lambda: age() > 2, what="the probe is old")
        until(lambda: not gateway.ready(), what="it is red")
    until(lambda: age() < 1.5 and gateway.ready(), 30, "the probe is young again")


async def test_each_gateway_has_a_probe_of_its_own(start_gateway, own_redis):
    gateways = [start_gateway(redis=own_redis) for _ in range(2)]
    await soon(lambda: len(own_redis.channels("*")) == 2, what="each has a channel")
    for channel in own_redis.channels("*"):
        assert own_redis.subscribers(channel) == 1
        async with gateways[0].client() as client:
            answer = await client.ask({"type": "subscribe", "topic": channel})
            assert answer["error_code"] == "invalid_topic"

# SPDX-License-Identifier: MIT
"""`since`: everything behind the last id a client saw, joined to what is live at the exact id;
or the plain word that it is not to be had."""

import asyncio
import contextlib
import json

import pytest

from support.feed import Flow, calls, history_key
from support.follower import Follower
from support.proxy import Proxy, connections_of_gateways
from support.swarm import Swarm, frame_at
from support.wait import until
from support.wire import TEXT

TOPIC = "stock.SINCE.1m"
ACK = ["type", "topic", "recovered", "timestamp"]
LIVE = ["type", "topic", "data", "id", "timestamp"]
SNAPSHOT = ["type", "topic", "data", "id", "snapshot", "timestamp"]
READS = ("xrange", "xrevrange")


def subscribe(topic=TOPIC, **more):
    return {"type": "subscribe", "topic": topic, **more}


async def resume(client, since, recovered, **more):
    ack = await client.ask(subscribe(since=since, **more))
    assert list(ack) == ACK, ack
    assert (ack["topic"], ack["recovered"]) == (TOPIC, recovered)


async def hear_entries(client, ids):
    """These come next, as ordinary messages."""
    for id_ in ids:
        message = await client.hear()
        assert (list(message), message.get("id")) == (LIVE, id_), message


async def hear_snapshot(client, id_):
    message = await client.hear()
    assert (list(message), message.get("id")) == (SNAPSHOT, id_), message


def replays(gateway):
    return gateway.metrics().by("chronogate_replays_total", "outcome")


# What is in the history.


@pytest.mark.parametrize("holder", [False, True], ids=["first", "later"])
async def test_everything_behind_since_comes_in_order_and_then_what_is_live(
    start_patient_gateway, own_redis, feed, holder
):
    gateway = start_patient_gateway(redis=own_redis)
    ids = feed.publish_many(TOPIC, 20)
    async with gateway.client() as one, gateway.client() as client:
        if holder:
            await one.subscribe(TOPIC)
            await hear_snapshot(one, ids[-1])
        await resume(client, ids[4], True)
        await hear_entries(client, ids[5:])
        live = feed.publish_many(TOPIC, 3)
        await hear_entries(client, live)
        await client.nothing_came()
        if holder:
            await hear_entries(one, live)
    assert replays(gateway)["recovered"] == 1


@pytest.mark.parametrize("holder", [False, True], ids=["first", "later"])
async def test_since_the_newest_id_brings_nothing_but_what_is_live(
    start_patient_gateway, own_redis, feed, holder
):
    gateway = start_patient_gateway(redis=own_redis)
    ids = feed.publish_many(TOPIC, 3)
    async with gateway.client() as one, gateway.client() as client:
        if holder:
            await one.subscribe(TOPIC)
        await resume(client, ids[-1], True)
        await client.nothing_came()
        await hear_entries(client, feed.publish_many(TOPIC, 2))


async def test_the_ack_of_a_replay_echoes_the_request_id(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis)
    (id_,) = feed.publish(TOPIC)
    async with gateway.client() as client:
        ack = await client.ask(subscribe(since=id_, request_id="mine"))
        assert list(ack) == ["type", "topic", "recovered", "request_id", "timestamp"]
        assert (ack["recovered"], ack["request_id"]) == (True, "mine")


async def test_a_replay_is_the_payloads_byte_for_byte(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis)
    (since,) = feed.publish(TOPIC)
    payload = '{ "a" : [ 1 , 2.50 , 1e5 , -0.0 ], "b":"\\u4e2d\\/中文📈","b":2 }\n'
    own_redis.call("FCALL", "chrono_publish", 1, TOPIC, payload)
    async with gateway.client() as client:
        await resume(client, since, True)
        assert payload in await client.hear_text()


async def test_many_replays_that_are_more_than_may_wait_come_one_after_the_other(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis, backlog_hard_bytes="64k")
    topics = [f"stock.MANY{n}.1m" for n in range(30)]
    ids = {topic: feed.publish_many(topic, 20, fill="x" * 300) for topic in topics}
    async with gateway.client("reader?delivery=all") as client:
        for topic in topics:  # 8 KiB each
            await client.say(subscribe(topic, since=ids[topic][0]))
        for topic in topics:
            ack = await client.hear()
            assert (ack["topic"], ack.get("recovered")) == (topic, True), ack
            await hear_entries(client, ids[topic][1:])
    assert replays(gateway) == {"recovered": 30, "not_recovered": 0}


async def test_what_was_published_between_two_connections_comes_with_the_second(
    start_patient_gateway, own_redis, feed
):
    one, other = start_patient_gateway(redis=own_redis), start_patient_gateway(redis=own_redis)
    async with one.client() as client:
        await client.subscribe(TOPIC)
        (since,) = feed.publish(TOPIC)
        await hear_entries(client, [since])
    missed = feed.publish_many(TOPIC, 10)
    for gateway in (one, other):
        async with gateway.client() as client:
            await resume(client, since, True)
            await hear_entries(client, missed)
            await client.nothing_came()


async def test_since_may_be_ahead_of_a_gateway_that_has_not_heard_yet(
    start_patient_gateway, own_redis, feed
):
    with Proxy(own_redis.port) as proxy:
        ahead = start_patient_gateway(redis=own_redis)
        behind = start_patient_gateway(redis=proxy.url, probe_timeout_ms=60000)
        async with ahead.client() as one, behind.client() as other, behind.client() as client:
            for holder in (one, other):
                await holder.subscribe(TOPIC)
            first = feed.publish(TOPIC)
            await hear_entries(one, first)
            await hear_entries(other, first)
            ports = [c["port"] for c in connections_of_gateways(own_redis) if c["flags"] == "P"]
            (deaf,) = set(ports).intersection(proxy.ports())
            proxy.hold(deaf)
            ids = feed.publish_many(TOPIC, 5)
            await hear_entries(one, ids)
            await resume(client, ids[3], True)
            await hear_entries(client, ids[4:])
            proxy.resume()
            await hear_entries(other, ids)
            ids = feed.publish_many(TOPIC, 5)
            for holder in (one, other, client):
                await hear_entries(holder, ids)
                await holder.nothing_came()


def read_ids(sock, rest):
    """The ids of all complete messages until the connection ends, in whatever way."""
    with contextlib.suppress(ConnectionResetError):
        while more := sock.recv(65536):
            rest += more
    at, ids = 0, []
    while found := frame_at(rest, at):
        opcode, begin, at = found
        if opcode == TEXT:
            ids.append(json.loads(rest[begin:at])["id"])
    return ids


def test_a_client_closed_for_being_too_slow_resumes_where_it_was(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis, socket_buffer_bytes=8192, backlog_age_ms=300)
    with gateway.wire("slow?delivery=all", receive_buffer=4096) as wire:
        wire.subscribe(TOPIC)
        ids = feed.publish(TOPIC)
        assert wire.read_json()["id"] == ids[0]
        ids += feed.publish_many(TOPIC, 300, fill="x" * 1000)
        gateway.wait_metric("chronogate_connections", 0)
        got = ids[:1] + read_ids(wire.sock, wire.buffer)
    assert got == ids[: len(got)] and len(got) < len(ids)
    with gateway.wire("again?delivery=all") as wire:
        wire.say(subscribe(since=got[-1]))
        assert wire.read_json()["recovered"] is True
        assert [wire.read_json()["id"] for _ in ids[len(got) :]] == ids[len(got) :]


async def test_a_held_topic_can_be_asked_for_again_with_since(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    async with gateway.client() as client, gateway.client() as bystander:
        await client.subscribe(TOPIC)
        await bystander.subscribe(TOPIC)
        ids = feed.publish_many(TOPIC, 10)
        await hear_entries(client, ids)
        await hear_entries(bystander, ids)
        await resume(client, ids[3], True)
        await hear_entries(client, ids[4:])
        live = feed.publish_many(TOPIC, 2)
        await hear_entries(client, live)
        await client.nothing_came()
        await hear_entries(bystander, live)
        await bystander.nothing_came()
        listed = await client.ask({"type": "get_subscriptions"})
        assert listed["subscriptions"] == [TOPIC]


async def test_bad_payloads_in_a_history_are_left_out_of_a_replay(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    (since,) = feed.publish(TOPIC)
    for payload in ('{"bad"', '{"n":1}', "{]", '{"n":2}'):
        own_redis.call("FCALL", "chrono_publish", 1, TOPIC, payload)
    async with gateway.client() as client:
        await resume(client, since, True)
        assert [(await client.hear())["data"] for _ in range(2)] == [{"n": 1}, {"n": 2}]
        await client.nothing_came()


async def test_a_replay_given_up_at_once_ends_with_the_unsubscribe_ack(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    ids = feed.publish_many(TOPIC, 20)
    async with gateway.client() as client:
        for _ in range(5):
            await client.say(subscribe(since=ids[0]))
            await client.say({"type": "unsubscribe", "topic": TOPIC})
            types = []
            while types[-1:] != ["unsubscribe_ack"]:
                types.append((await client.hear())["type"])
            assert types[0] == "subscribe_ack"
            assert set(types[1:-1]) <= {"data"}
            await client.nothing_came()
        await resume(client, ids[0], True)
        await hear_entries(client, ids[1:])


# What is not.


@pytest.mark.parametrize("holder", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("since", ["1-1", "9999999999999-0", "18446744073709551615-0"])
async def test_an_id_that_is_not_in_the_history_brings_a_snapshot(
    start_patient_gateway, own_redis, feed, holder, since
):
    gateway = start_patient_gateway(redis=own_redis)
    ids = feed.publish_many(TOPIC, 3)
    async with gateway.client() as one, gateway.client() as client:
        if holder:
            await one.subscribe(TOPIC)
        await resume(client, since, False)
        await hear_snapshot(client, ids[-1])
        await hear_entries(client, feed.publish_many(TOPIC, 2))
        await client.nothing_came()
    assert replays(gateway)["not_recovered"] == 1


async def test_an_id_that_was_trimmed_brings_a_snapshot(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis)
    ids = feed.publish_many(TOPIC, 10)
    own_redis.call("XTRIM", history_key(TOPIC), "MAXLEN", 5)
    async with gateway.client() as client:
        await resume(client, ids[4], False)
        await hear_snapshot(client, ids[-1])
        await resume(client, ids[5], True)
        await hear_entries(client, ids[6:])


async def test_without_a_history_since_brings_nothing(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis)
    async with gateway.client() as client:
        await resume(client, "1732283000123-0", False)
        await client.nothing_came()
        await hear_entries(client, feed.publish(TOPIC))


async def test_the_snapshot_can_be_left_out_here_too(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis)
    feed.publish(TOPIC)
    async with gateway.client() as client:
        await resume(client, "1-1", False, snapshot=False)
        await client.nothing_came()
        await hear_entries(client, feed.publish(TOPIC))


async def test_more_than_a_replay_may_read_brings_a_snapshot(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis, replay_max=20)
    ids = feed.publish_many(TOPIC, 60)
    async with gateway.client() as client:
        await resume(client, ids[0], False)
        await hear_snapshot(client, ids[-1])
        await resume(client, ids[49], True)
        await hear_entries(client, ids[50:])


async def test_more_than_a_client_may_have_waiting_brings_a_snapshot(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(
        redis=own_redis, backlog_hard_bytes="64k", backlog_soft_bytes="16k"
    )
    ids = feed.publish_many(TOPIC, 100, fill="x" * 2000)
    async with gateway.client("all?delivery=all") as client:
        await resume(client, ids[0], False)
        await hear_snapshot(client, ids[-1])
        await resume(client, ids[89], True)
        await hear_entries(client, ids[90:])
        await hear_entries(client, feed.publish(TOPIC))


# What is no request.

MALFORMED = ["", "abc", "1", "1-", "-1", "1-x", "x-1", "01-0", "1-00", "+1-0", " 1-0", "1-0 "]
MALFORMED += ["18446744073709551616-0", "0-18446744073709551616", "$", "(1-0", "1-0-0", 5, [], {}]


@pytest.mark.parametrize("since", MALFORMED, ids=repr)
async def test_a_since_that_is_no_id_is_refused(gateway, since):
    async with gateway.client() as client:
        answer = await client.ask(subscribe(since=since, request_id=1))
        assert (answer["type"], answer["error_code"]) == ("error", "invalid_message")
        assert answer["error_message"] == "无效的消息格式: since"
        assert answer["request_id"] == 1
        listed = await client.ask({"type": "get_subscriptions"})
        assert listed["subscriptions"] == []


async def test_since_together_with_topics_is_refused(gateway):
    async with gateway.client() as client:
        answer = await client.ask({"type": "subscribe", "topics": [TOPIC], "since": "1-1"})
        assert (answer["type"], answer["error_code"]) == ("error", "invalid_message")
        assert answer["error_message"] == "无效的消息格式: since"
        listed = await client.ask({"type": "get_subscriptions"})
        assert listed["subscriptions"] == []


# Joined at the exact id.


def test_clients_that_come_back_again_and_again_miss_nothing(
    start_patient_gateway, own_redis, feed
):
    gateways = [start_patient_gateway(redis=own_redis, backlog_hard_bytes="64m") for _ in range(2)]
    topics = [f"stock.B{n}.1m" for n in range(4)]
    followers = [Follower(topics, name=f"c{n}") for n in range(10)]
    with Swarm(gateways, followers) as swarm, Flow(feed, topics, rate=1000) as flow:
        for visit in range(1, 6):
            wanted = visit * 100
            until(lambda: all(f.counts["data"] > wanted for f in followers), 30)
            swarm.disconnect()
        flow.stop()
        swarm.check_whole(feed.journal)
    for follower in followers:
        assert follower.counts["recovered"] >= len(topics) * 4
        assert follower.told_of_losses() == 0


@pytest.mark.parametrize("linger_ms", [0, 300])
def test_clients_that_leave_topics_and_come_back_at_once_miss_nothing(
    start_patient_gateway, own_redis, feed, linger_ms
):
    gateway = start_patient_gateway(
        redis=own_redis, backlog_hard_bytes="64m", unsubscribe_linger_ms=linger_ms
    )
    topics = [f"stock.R{n}.1m" for n in range(12)]
    alone = [Follower([topic], name="alone", restless=True) for topic in topics[4:]]
    together = [Follower(topics[:4], name="together", restless=True) for _ in range(3)]
    followers = alone + together
    with Swarm([gateway], followers) as swarm, Flow(feed, topics, rate=600) as flow:
        until(lambda: all(f.counts["recovered"] >= 8 for f in followers), 50)
        flow.stop()
        swarm.check_whole(feed.journal)
    assert sum(follower.told_of_losses() for follower in followers) == 0


def check_numbers(messages):
    numbers = [message["data"]["n"] for message in messages]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_a_held_topic_can_be_replayed_again_and_again_while_it_flows(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis, backlog_hard_bytes="64m", replay_max=10000)
    async with gateway.client("all?delivery=all") as client:
        await client.subscribe(TOPIC)
        with Flow(feed, [TOPIC], rate=500):
            got = [await client.hear() for _ in range(20)]
            for _ in range(10):
                since = got[10]
                await client.say(subscribe(since=since["id"]))
                while (message := await client.hear())["type"] == "data":
                    got.append(message)
                check_numbers(got)
                assert message["recovered"] is True
                got = [since] + [await client.hear() for _ in range(len(got) + 10)]
                check_numbers(got)


# What it costs.


def size_of_a_crowd(gateway):
    with open(f"/proc/{gateway.process.pid}/exe", "rb") as program:
        return 300 if b"__asan_init" in program.read() else 1000


def test_a_crowd_that_comes_back_at_once_costs_redis_few_reads(
    start_patient_gateway, own_redis, feed
):
    first = start_patient_gateway(redis=own_redis)
    topics = [f"stock.C{n}.1m" for n in range(4)]
    count = size_of_a_crowd(first)
    followers = [Follower(topics, name=f"c{n}") for n in range(count)]
    feed.publish(*topics)
    with Swarm([first], followers) as swarm:
        swarm.wait_for(feed.journal)
        second = start_patient_gateway(redis=own_redis)
        swarm.let_in(False)
        swarm.gateways = [second]
        first.process.kill()
        until(lambda: swarm.connected() == 0, what="all have noticed")
        feed.publish(*topics * 5)
        own_redis.call("CONFIG", "RESETSTAT")
        swarm.let_in(True)
        swarm.check_whole(feed.journal)
        reads = calls(own_redis, *READS)
    assert sum(follower.counts["recovered"] for follower in followers) == count * len(topics)
    assert reads < 100, f"{count} clients cost {reads} reads"


async def test_a_gateway_answers_others_while_a_replay_is_read(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    ids = feed.publish_many(TOPIC, 10)
    async with gateway.client() as waiting, gateway.client() as other:
        own_redis.pause()
        try:
            await waiting.say(subscribe(since=ids[0]))
            assert (await other.ask({"type": "ping"}))["type"] == "pong"
            assert (await waiting.ask({"type": "ping"}))["type"] == "pong"
            await asyncio.sleep(0.2)
        finally:
            own_redis.resume()
        assert (await waiting.hear())["recovered"] is True
        await hear_entries(waiting, ids[1:])

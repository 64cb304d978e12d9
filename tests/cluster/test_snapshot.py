# SPDX-License-Identifier: MIT
"""The newest message of a topic's history, behind the acknowledgement of a subscription and
joined to what follows without a hole; what it costs Redis; and how long a topic is kept for
those who come back."""

import asyncio
import json

import pytest

from support.feed import Flow, as_id, calls, history_key
from support.follower import Follower
from support.swarm import Swarm
from support.wait import soon, until

TOPIC = "stock.SNAP.1m"
SNAPSHOT = ["type", "topic", "data", "id", "snapshot", "timestamp"]
LIVE = ["type", "topic", "data", "id", "timestamp"]
READS = ("xrange", "xrevrange")
BACKLOG = "64m"


def subscribe(topic=TOPIC, **more):
    return {"type": "subscribe", "topic": topic, **more}


async def hear_snapshot(client, id_, n):
    """The next message is the snapshot with this id and number."""
    message = await client.hear()
    assert list(message) == SNAPSHOT, message
    assert message["snapshot"] is True
    assert (message["type"], message["id"], message["data"]["n"]) == ("data", id_, n)
    return message


async def hear_live(client, id_):
    message = await client.hear()
    assert (list(message), message.get("id")) == (LIVE, id_), message
    return message


# What comes.


async def test_the_first_subscriber_gets_the_newest_message_behind_its_ack(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    ids = feed.publish_many(TOPIC, 3)
    async with gateway.client() as client:
        await client.subscribe(TOPIC)
        assert (await hear_snapshot(client, ids[-1], 2))["topic"] == TOPIC
        for id_ in feed.publish_many(TOPIC, 2):
            await hear_live(client, id_)
        await client.nothing_came()


async def test_the_ack_without_since_does_not_say_recovered(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis)
    feed.publish(TOPIC)
    async with gateway.client() as client:
        ack = await client.ask(subscribe(request_id=7))
        assert list(ack) == ["type", "topic", "request_id", "timestamp"]


async def test_a_snapshot_is_the_payload_byte_for_byte(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis)
    feed.publish("stock.OTHER.1m")  # loads the library
    payload = '{ "a" : [ 1 , 2.50 , 1e5 , -0.0 ], "b":"\\u4e2d\\/中文📈","b":2 }\n'
    own_redis.call("FCALL", "chrono_publish", 1, TOPIC, payload)
    async with gateway.client() as one, gateway.client() as other:
        for client in (one, other):
            await client.subscribe(TOPIC)
            assert payload in await client.hear_text()


async def test_a_topic_without_a_history_has_no_snapshot(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis)
    async with gateway.client() as client:
        await client.subscribe(TOPIC)
        await client.nothing_came()
        (id_,) = feed.publish(TOPIC)
        await hear_live(client, id_)


async def test_many_topics_in_one_request_have_their_snapshots_behind_their_acks(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    topics = [f"stock.M{n}.1m" for n in range(100)]
    filled = topics[::2]
    ids = dict(zip(filled, feed.publish(*filled)))
    async with gateway.client() as client:
        await client.say({"type": "subscribe", "topics": topics})
        acked, got = [], {}
        while len(acked) < len(topics) or len(got) < len(filled):
            message = await client.hear()
            if message["type"] == "subscribe_ack":
                acked.append(message["topic"])
            else:
                assert list(message) == SNAPSHOT and message["topic"] in acked, message
                assert message["topic"] not in got
                got[message["topic"]] = message["id"]
        assert acked == topics
        assert got == ids
        await client.nothing_came()


async def test_plain_messages_are_neither_snapshots_nor_in_the_way_of_one(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    async with gateway.client() as one, gateway.client() as other:
        await one.subscribe(TOPIC)
        own_redis.publish(TOPIC, '{"plain":1}')
        assert (await one.hear())["data"] == {"plain": 1}
        async with gateway.client() as early:
            await early.subscribe(TOPIC)
            await early.nothing_came()
        (id_,) = feed.publish(TOPIC)
        await hear_live(one, id_)
        own_redis.publish(TOPIC, '{"plain":2}')
        assert (await one.hear())["data"] == {"plain": 2}
        await other.subscribe(TOPIC)
        await hear_snapshot(other, id_, 0)
        await other.nothing_came()


async def test_a_history_that_ends_in_a_bad_payload_gives_nobody_that_payload(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    good = feed.publish(TOPIC)[0]
    own_redis.call("FCALL", "chrono_publish", 1, TOPIC, '{"bad"')
    async with gateway.client() as client:
        await client.subscribe(TOPIC)
        await client.say({"type": "ping"})
        messages = [await client.hear()]
        if messages[0]["type"] == "data":
            messages.append(await client.hear())
        assert messages[-1]["type"] == "pong"
        assert [message["id"] for message in messages[:-1]] in ([], [good])
        next_id = own_redis.call("FCALL", "chrono_publish", 1, TOPIC, '{"n":2}').decode()
        await hear_live(client, next_id)


async def test_a_channel_prefix_is_part_of_the_histories_name(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis, channel_prefix="test:")
    feed.publish(TOPIC)
    id_ = own_redis.call("FCALL", "chrono_publish", 1, "test:" + TOPIC, '{"n":5}').decode()
    assert own_redis.call("EXISTS", history_key("test:" + TOPIC)) == 1
    async with gateway.client() as client:
        await client.subscribe(TOPIC)
        assert (await hear_snapshot(client, id_, 5))["topic"] == TOPIC


# What may be asked.


@pytest.mark.parametrize("holder", [False, True], ids=["first", "later"])
async def test_a_snapshot_can_be_left_out(start_patient_gateway, own_redis, feed, holder):
    gateway = start_patient_gateway(redis=own_redis)
    feed.publish(TOPIC)
    async with gateway.client() as one, gateway.client() as client:
        if holder:
            await one.subscribe(TOPIC)
        assert (await client.ask(subscribe(snapshot=False)))["type"] == "subscribe_ack"
        await client.nothing_came()
        (id_,) = feed.publish(TOPIC)
        await hear_live(client, id_)


async def test_subscribing_again_is_acknowledged_and_no_more(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    (id_,) = feed.publish(TOPIC)
    async with gateway.client() as client:
        await client.subscribe(TOPIC)
        await hear_snapshot(client, id_, 0)
        for again in (subscribe(), subscribe(snapshot=False)):
            assert (await client.ask(again))["type"] == "subscribe_ack"
            await client.nothing_came()


async def test_subscribing_again_with_snapshot_true_sends_it_again(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    ids = feed.publish(TOPIC)
    async with gateway.client() as client, gateway.client() as bystander:
        await bystander.subscribe(TOPIC)
        await hear_snapshot(bystander, ids[0], 0)
        await client.subscribe(TOPIC)
        await hear_snapshot(client, ids[0], 0)
        ids += feed.publish(TOPIC)
        await hear_live(client, ids[1])
        assert (await client.ask(subscribe(snapshot=True)))["type"] == "subscribe_ack"
        await hear_snapshot(client, ids[1], 1)
        ids += feed.publish(TOPIC)
        await hear_live(client, ids[2])
        for id_ in ids[1:]:
            await hear_live(bystander, id_)
        await bystander.nothing_came()


@pytest.mark.parametrize("snapshot", ["true", 1, [], {}])
async def test_a_snapshot_that_is_no_boolean_is_refused(gateway, snapshot):
    async with gateway.client() as client:
        answer = await client.ask(subscribe(snapshot=snapshot, request_id="r"))
        assert (answer["type"], answer["error_code"]) == ("error", "invalid_message")
        assert answer["request_id"] == "r"
        listed = await client.ask({"type": "get_subscriptions"})
        assert listed["subscriptions"] == []


# What it costs.


async def test_a_later_subscriber_gets_the_kept_frame_without_asking_redis(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    ids = feed.publish(TOPIC)
    async with gateway.client() as holder:
        await holder.subscribe(TOPIC)
        await hear_snapshot(holder, ids[0], 0)
        for n in range(3):
            reads = calls(own_redis, *READS)
            history_reads = gateway.metrics()["chronogate_history_reads_total"]
            async with gateway.client() as later:
                await later.subscribe(TOPIC)
                await hear_snapshot(later, ids[-1], n)
            assert calls(own_redis, *READS) == reads
            assert gateway.metrics()["chronogate_history_reads_total"] == history_reads
            ids += feed.publish(TOPIC)
            await hear_live(holder, ids[-1])


async def test_a_crowd_of_first_subscribers_reads_the_history_once(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    (id_,) = feed.publish(TOPIC)
    clients = [gateway.client(f"c{n}") for n in range(30)]
    await asyncio.gather(*(client.__aenter__() for client in clients))
    reads = calls(own_redis, *READS)
    await asyncio.gather(*(client.say(subscribe()) for client in clients))
    for client in clients:
        assert (await client.hear())["type"] == "subscribe_ack"
        await hear_snapshot(client, id_, 0)
    assert calls(own_redis, *READS) == reads + 1
    await asyncio.gather(*(client.__aexit__(None, None, None) for client in clients))


# Joined at the exact id.


def join_during_flow(gateway, feed, topics_of, first):
    """Followers come one by one while bursts are published as fast as Redis takes them."""
    topics = sorted({topic for of in topics_of for topic in of})
    feed.publish(*topics)
    followers = []
    with Swarm([gateway], []) as swarm, Flow(feed, topics, rate=1500) as flow:
        for n, of in enumerate(topics_of):
            known = feed.journal.newest()
            follower = Follower(of, name=f"c{n}")
            followers.append(follower)
            swarm.add(follower)
            until(lambda: all(held.n is not None for held in follower.held.values()), 30)
            for topic, ids in follower.seen.items():
                assert not first or min(ids) >= known[topic], "the snapshot is an old one"
            until(lambda: follower.counts["data"] >= 60, 30)
        flow.stop()
        swarm.check_whole(feed.journal)
    for follower, of in zip(followers, topics_of):
        assert follower.counts["snapshots"] == len(of)
        assert follower.counts["gaps"] == 0


def test_first_subscribers_miss_nothing_and_get_nothing_twice(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis, backlog_hard_bytes=BACKLOG)
    topics_of = [[f"stock.F{n}.{i}" for i in ("1m", "5m")] for n in range(8)]
    join_during_flow(gateway, feed, topics_of, first=True)


def test_later_subscribers_miss_nothing_and_get_nothing_twice(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis, backlog_hard_bytes=BACKLOG)
    join_during_flow(gateway, feed, [[TOPIC, "stock.LATER.1m"]] * 6, first=False)


# Those who come back soon.


async def test_a_reload_of_a_page_costs_no_subscription(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis, unsubscribe_linger_ms=600000)
    ids = feed.publish(TOPIC)
    async with gateway.client() as client:
        await client.subscribe(TOPIC)
        await hear_snapshot(client, ids[0], 0)
    before = calls(own_redis, "subscribe", "unsubscribe")
    for n in range(5):
        await soon(lambda: gateway.metrics()["chronogate_topics_lingering"] == 1, what="it lingers")
        async with gateway.client() as client:
            await client.subscribe(TOPIC)
            await hear_snapshot(client, ids[-1], n)
            assert gateway.metrics()["chronogate_topics_lingering"] == 0
            ids += feed.publish(TOPIC)
            await hear_live(client, ids[-1])
    assert calls(own_redis, "subscribe", "unsubscribe") == before


async def test_a_topic_that_lingers_keeps_its_newest_message(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis, unsubscribe_linger_ms=600000)
    async with gateway.client() as client, gateway.client() as witness:
        await witness.subscribe("stock.WITNESS.1m")
        await client.subscribe(TOPIC)
        await client.unsubscribe(TOPIC)
        ids = feed.publish(TOPIC, TOPIC, "stock.WITNESS.1m")
        await hear_live(witness, ids[2])  # what was published before has come, too
        await client.nothing_came()
        reads = calls(own_redis, *READS)
        await client.subscribe(TOPIC)
        await hear_snapshot(client, ids[1], 1)
        assert calls(own_redis, *READS) == reads


async def test_after_the_linger_the_channel_is_gone_and_a_snapshot_is_read_anew(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis, unsubscribe_linger_ms=300)
    feed.publish(TOPIC)
    async with gateway.client() as client:
        for leave in range(2):
            await client.subscribe(TOPIC)
            assert list(await client.hear()) == SNAPSHOT
            assert own_redis.subscribers(TOPIC) == 1
            await client.unsubscribe(TOPIC)
            await soon(lambda: own_redis.subscribers(TOPIC) == 0, what="the channel is gone")
            await soon(
                lambda: gateway.metrics()["chronogate_topics_lingering"] == 0, what="so it is"
            )
            (id_,) = feed.publish(TOPIC)
        await client.subscribe(TOPIC)
        await hear_snapshot(client, id_, leave + 1)


async def test_what_comes_for_a_topic_that_lingers_reaches_nobody(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis, unsubscribe_linger_ms=600000)
    async with gateway.client() as client:
        await client.subscribe(TOPIC, "stock.KEPT.1m")
        await client.unsubscribe(TOPIC)
        assert own_redis.subscribers(TOPIC) == 1
        ids = feed.publish(TOPIC, "stock.KEPT.1m")
        await hear_live(client, ids[1])
        await client.nothing_came()


# How long it took.


async def test_the_time_from_publishing_to_sending_is_measured(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    name = "chronogate_publish_to_send_seconds"
    async with gateway.client() as client:
        await client.subscribe(TOPIC)
        ids = feed.publish_many(TOPIC, 50)
        assert sorted(ids, key=as_id) == ids
        for id_ in ids:
            await hear_live(client, id_)
        metrics = gateway.metrics()
        assert metrics.kinds[name] == "histogram"
        buckets = metrics.by(name + "_bucket", "le")
        counts = [buckets[le] for le in sorted(buckets, key=float)]
        assert counts == sorted(counts)
        assert counts[-1] == buckets["+Inf"] == metrics[name + "_count"] > 0
        assert metrics[name + "_sum"] >= 0


async def test_the_text_of_snapshot_and_live_message_differ_in_one_place(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    async with gateway.client() as one, gateway.client() as other:
        await one.subscribe(TOPIC)
        feed.publish(TOPIC)
        live = await one.hear_text()
        await other.subscribe(TOPIC)
        snapshot = await other.hear_text()
        assert json.loads(snapshot).pop("snapshot") is True
        found = snapshot.index('"snapshot"')
        assert live[:found] == snapshot[:found]

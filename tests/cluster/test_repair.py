# SPDX-License-Identifier: MIT
"""What Redis did not deliver is read from the history before anybody notices; where the history
does not reach back, the clients are told; and Redis may come and go."""

import contextlib
import signal

from support.feed import Flow, as_id, history_key, payload
from support.proxy import Proxy
from support.stream import Stream, check_whole
from support.wait import soon

TOPIC = "stock.LOSS.1m"
TOPICS = [f"stock.L{n}.1m" for n in range(6)]
LIVE = ["type", "topic", "data", "id", "timestamp"]
SNAPSHOT = ["type", "topic", "data", "id", "snapshot", "timestamp"]
GAP = ["type", "topic", "after", "timestamp"]
KILLS = 6


async def hear_live(client, ids):
    for id_ in ids:
        message = await client.hear()
        assert (list(message), message.get("id")) == (LIVE, id_), message


async def hear_gap(client, after, topic=TOPIC):
    message = await client.hear()
    assert list(message) == GAP, message
    assert (message["type"], message["topic"], message["after"]) == ("gap", topic, after)


async def hear_snapshot(client, id_):
    message = await client.hear()
    assert (list(message), message.get("id")) == (SNAPSHOT, id_), message
    assert message["snapshot"] is True


async def hear_status(client, state):
    message = await client.hear()
    assert list(message) == ["type", "state", "timestamp"], message
    assert (message["type"], message["state"]) == ("status", state)


@contextlib.asynccontextmanager
async def held_from(gateway, feed, count=1):
    """Clients that hold the topic and have its first message, and that message's id."""
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(gateway.client()) for _ in range(count)]
        for client in clients:
            await client.subscribe(TOPIC)
        (first,) = feed.publish(TOPIC)
        for client in clients:
            await hear_live(client, [first])
        yield (*clients, first)


# One message too few.


async def test_a_message_that_did_not_come_is_delivered_before_the_next(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    async with held_from(gateway, feed, 2) as (one, other, _):
        ids = feed.lose(TOPIC, 3) + feed.publish_many(TOPIC, 5)
        await hear_live(one, ids)
        await hear_live(other, ids)
        await one.nothing_came()
        metrics = gateway.metrics()
        assert metrics["chronogate_repairs_total"] == 1
        # Those behind the loss may have been read with it.
        assert 3 <= metrics["chronogate_repaired_messages_total"] <= 8
        assert metrics["chronogate_gaps_total"] == 0


async def test_a_repaired_message_is_the_payload_byte_for_byte(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    async with held_from(gateway, feed) as (client, _):
        text = '{ "a" : [ 1 , 2.50 , 1e5 , -0.0 ], "b":"\\u4e2d\\/中文📈","b":2 }\n'
        own_redis.call("XADD", history_key(TOPIC), "*", "d", text)
        own_redis.call("FCALL", "chrono_publish", 1, TOPIC, '{"n":2}')
        assert text in await client.hear_text()
        assert (await client.hear())["data"] == {"n": 2}


async def test_losses_are_repaired_again_and_again(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis)
    async with held_from(gateway, feed) as (client, _):
        for _ in range(30):
            ids = feed.lose(TOPIC, 2) + feed.publish_many(TOPIC, 2)
            ids += feed.lose(TOPIC) + feed.publish(TOPIC)
            await hear_live(client, ids)
        await client.nothing_came()


async def test_the_first_message_of_a_history_is_repaired_too(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    async with gateway.client() as client:
        await client.subscribe(TOPIC)
        await hear_live(client, feed.lose(TOPIC, 2) + feed.publish(TOPIC))
        await client.nothing_came()


async def test_a_history_that_began_and_was_trimmed_unheard_is_a_gap(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    async with gateway.client() as client:
        await client.subscribe(TOPIC)
        lost = feed.lose(TOPIC, 3)
        own_redis.call("XTRIM", history_key(TOPIC), "MINID", lost[-1])
        (newest,) = feed.publish(TOPIC)
        assert list(await client.hear()) == GAP
        await hear_snapshot(client, newest)
        await client.nothing_came()


async def test_who_wanted_no_snapshot_misses_nothing_that_came_later(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    feed.publish(TOPIC)
    async with gateway.client() as client:
        answer = await client.ask({"type": "subscribe", "topic": TOPIC, "snapshot": False})
        assert answer["type"] == "subscribe_ack"
        await hear_live(client, feed.lose(TOPIC) + feed.publish(TOPIC))
        await client.nothing_came()


async def test_who_subscribes_while_a_loss_is_repaired_misses_nothing_behind_his_snapshot(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    async with held_from(gateway, feed) as (client, first), gateway.client() as late:
        for _ in range(20):
            ids = [first, *feed.lose(TOPIC), *feed.publish(TOPIC)]
            await late.subscribe(TOPIC)
            snapshot = await late.hear()
            assert list(snapshot) == SNAPSHOT
            await hear_live(late, ids[ids.index(snapshot["id"]) + 1 :])
            await hear_live(client, ids[1:])
            await late.nothing_came()
            await late.unsubscribe(TOPIC)
            first = ids[-1]


async def test_losses_of_one_topic_hold_no_other_topic_up(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis)
    async with held_from(gateway, feed) as (client, _), gateway.client() as other:
        await other.subscribe("stock.OTHER.1m")
        ids = feed.lose(TOPIC, 50) + feed.publish(TOPIC)
        others = feed.publish_many("stock.OTHER.1m", 5)
        await hear_live(other, others)
        await hear_live(client, ids)


async def test_plain_messages_are_no_reason_for_a_repair(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis)
    async with held_from(gateway, feed) as (client, _):
        for n in range(5):
            own_redis.publish(TOPIC, '{"plain":%d}' % n)
            assert (await client.hear())["data"] == {"plain": n}
            await hear_live(client, feed.publish(TOPIC))
        assert gateway.metrics()["chronogate_repairs_total"] == 0


async def test_a_bad_payload_in_a_history_is_no_gap(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis)
    async with held_from(gateway, feed) as (client, _):
        own_redis.call("FCALL", "chrono_publish", 1, TOPIC, '{"bad"')
        id_ = own_redis.call("FCALL", "chrono_publish", 1, TOPIC, '{"n":1}').decode()
        await hear_live(client, [id_])
        own_redis.call("XADD", history_key(TOPIC), "*", "d", "[]")
        id_ = own_redis.call("FCALL", "chrono_publish", 1, TOPIC, '{"n":2}').decode()
        await hear_live(client, [id_])
        await client.nothing_came()


async def test_a_payload_that_is_too_long_is_no_gap(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis, max_payload_bytes=2048)
    async with held_from(gateway, feed) as (client, first):
        feed.publish(TOPIC, fill="x" * 3000)
        await hear_live(client, feed.publish(TOPIC))
        feed.lose(TOPIC, fill="x" * 3000)
        await hear_live(client, feed.lose(TOPIC) + feed.publish(TOPIC))
        await client.nothing_came()
        async with gateway.client() as late:
            ack = await late.ask({"type": "subscribe", "topic": TOPIC, "since": first})
            assert ack["recovered"] is True
            assert [(await late.hear())["data"]["n"] for _ in range(3)] == [2, 4, 5]
            await late.nothing_came()


async def test_a_message_that_comes_again_is_not_repeated(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis)
    async with held_from(gateway, feed) as (client, first):
        (second,) = feed.publish(TOPIC)
        await hear_live(client, [second])
        for id_, prev in ((second, first), (first, "0-0"), (second, first)):
            own_redis.publish(TOPIC, f"@{id_} {prev} {payload(TOPIC, 9)}")
        await hear_live(client, feed.publish(TOPIC))
        await client.nothing_came()


# The history cannot be read.


async def check_lives_without_a_history(gateway, redis):
    """Clients are let in and get what is live; what was before is not to be had."""
    async with gateway.client() as client, gateway.client() as late:
        await client.subscribe(TOPIC)
        await client.nothing_came()
        redis.publish(TOPIC, '@5-1 5-0 {"n":1}')
        await hear_live(client, ["5-1"])
        ack = await late.ask({"type": "subscribe", "topic": TOPIC, "since": "4-0"})
        assert ack["recovered"] is False
        assert (await late.hear())["id"] == "5-1"
        redis.publish(TOPIC, '@5-2 5-1 {"n":2}')
        await hear_live(client, ["5-2"])
        await hear_live(late, ["5-2"])
        redis.publish(TOPIC, '@5-4 5-3 {"n":4}')
        for one in (client, late):
            await hear_gap(one, "5-2")
            message = await one.hear()
            assert message["id"] == "5-4" and list(message) in (LIVE, SNAPSHOT)
            await one.nothing_came()
        assert gateway.ready()


async def test_a_history_that_is_no_stream_takes_nothing_from_what_is_live(
    start_patient_gateway, own_redis
):
    own_redis.call("SET", history_key(TOPIC), "not a stream")
    gateway = start_patient_gateway(redis=own_redis)
    await check_lives_without_a_history(gateway, own_redis)


async def test_an_account_that_may_not_read_histories_gets_what_is_live(
    start_patient_gateway, own_redis
):
    own_redis.call("ACL", "SETUSER", "gate", "on", ">s3cret", "&*", "+@all", "~nothing")
    gateway = start_patient_gateway(redis=own_redis.url.replace("//", "//gate:s3cret@"))
    await check_lives_without_a_history(gateway, own_redis)


# The history does not reach back.


async def test_a_gap_is_announced_where_the_history_was_trimmed(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    async with held_from(gateway, feed, 2) as (one, other, first):
        lost = feed.lose(TOPIC, 3)
        own_redis.call("XTRIM", history_key(TOPIC), "MINID", lost[-1])
        (newest,) = feed.publish(TOPIC)
        live = feed.publish_many(TOPIC, 3)
        for client in (one, other):
            await hear_gap(client, first)
            snapshot = await client.hear()
            assert list(snapshot) == SNAPSHOT
            come = [newest, *live]
            await hear_live(client, come[come.index(snapshot["id"]) + 1 :])
            await client.nothing_came()
        assert gateway.metrics()["chronogate_gaps_total"] >= 1


async def test_a_gap_has_a_message_of_each_subscriptions_own(
    start_patient_gateway, own_redis, feed
):
    """Those who hold one topic have the same last id; those who hold another have theirs."""
    gateway = start_patient_gateway(redis=own_redis)
    topics = [TOPIC, "stock.SECOND.1m"]
    async with gateway.client() as client:
        await client.subscribe(*topics)
        firsts = feed.publish(*topics)
        await hear_live(client, firsts)
        for topic, first in zip(topics, firsts):
            lost = feed.lose(topic, 2)
            own_redis.call("XTRIM", history_key(topic), "MINID", lost[-1])
            (newest,) = feed.publish(topic)
            await hear_gap(client, first, topic)
            await hear_snapshot(client, newest)
        await client.nothing_came()


async def test_a_gap_is_announced_where_more_was_lost_than_a_repair_may_read(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis, replay_max=20)
    async with held_from(gateway, feed) as (client, first):
        feed.lose(TOPIC, 60)
        (newest,) = feed.publish(TOPIC)
        await hear_gap(client, first)
        await hear_snapshot(client, newest)
        await hear_live(client, feed.lose(TOPIC, 5) + feed.publish(TOPIC))
        await client.nothing_came()


def redis_ms(redis):
    """The clock by which a new history's ids begin."""
    seconds, micros = redis.call("TIME")
    return int(seconds) * 1000 + int(micros) // 1000


async def test_a_gap_is_announced_where_the_history_was_deleted(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    async with held_from(gateway, feed) as (client, _):
        last = feed.publish_many(TOPIC, 3)
        await hear_live(client, last)
        own_redis.call("DEL", history_key(TOPIC))
        await soon(lambda: redis_ms(own_redis) > int(last[-1].split("-")[0]), what="ids go on")
        newest = own_redis.call("FCALL", "chrono_publish", 1, TOPIC, '{"n":9}').decode()
        await hear_gap(client, last[-1])
        await hear_snapshot(client, newest)
        await client.nothing_came()


# The connection breaks.


async def data_goes_on(streams):
    """A hundred messages more for everybody."""
    wanted = [stream.follower.counts["data"] + 100 for stream in streams]

    def have():
        return all(s.follower.counts["data"] >= n for s, n in zip(streams, wanted))

    await soon(have, 30, "data goes on")


def kill_subscriptions(redis):
    return redis.call("CLIENT", "KILL", "TYPE", "pubsub")


async def test_nothing_is_lost_when_the_subscription_link_is_killed_in_mid_flow(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis, backlog_hard_bytes="64m")
    async with contextlib.AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(Stream([gateway], TOPICS, name=f"c{n}"))
            for n in range(4)
        ]
        with Flow(feed, TOPICS, rate=300):
            for _ in range(KILLS):
                await soon(lambda: kill_subscriptions(own_redis) > 0, what="it is there")
                await data_goes_on(streams)
        await check_whole(streams, feed.journal)
        for stream in streams:
            assert stream.follower.closes.total() == 0
            assert stream.follower.told_of_losses() == 0


async def test_ids_only_go_up_for_who_gets_only_the_newest(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(
        redis=own_redis, socket_buffer_bytes=8192, backlog_soft_bytes="4k", backlog_age_ms=600000
    )
    with gateway.wire("newest", receive_buffer=4096) as wire:
        for topic in TOPICS:
            wire.subscribe(topic)
        with Flow(feed, TOPICS, rate=1000):
            for _ in range(KILLS):
                wanted = feed.journal.count() + 200
                await soon(lambda: kill_subscriptions(own_redis) > 0, what="it is there")
                await soon(lambda: feed.journal.count() > wanted, what="data goes on")
        newest, last = feed.journal.newest(), {}
        while any(last.get(topic, (-1,))[0] < n for topic, n in newest.items()):
            message = wire.read_json()
            assert message["type"] in ("data", "status", "conflated"), message
            if message["type"] == "data":
                n, id_ = message["data"]["n"], as_id(message["id"])
                assert (n, id_) > last.get(message["topic"], (-1, (0, 0)))
                last[message["topic"]] = (n, id_)
    assert gateway.metrics()["chronogate_messages_conflated_total"] > 0


async def test_what_was_published_while_the_way_was_cut_comes_before_status_live(
    start_patient_gateway, own_redis, feed
):
    with Proxy(own_redis.port) as proxy:
        gateway = start_patient_gateway(redis=proxy.url)
        async with held_from(gateway, feed) as (client, _):
            proxy.hold()
            proxy.cut()
            await hear_status(client, "degraded")
            await soon(lambda: not gateway.ready(), what="it is not ready")
            ids = feed.publish_many(TOPIC, 20)
            proxy.resume()
            await hear_live(client, ids)
            await hear_status(client, "live")
            await soon(gateway.ready, what="it is ready")
            await hear_live(client, feed.publish(TOPIC))
            await client.nothing_came()


async def test_many_topics_are_whole_before_status_live(start_patient_gateway, own_redis, feed):
    topics = [f"stock.W{n}.1m" for n in range(300)]
    with Proxy(own_redis.port) as proxy:
        gateway = start_patient_gateway(redis=proxy.url, request_burst=1000)
        async with gateway.client() as client:
            for begin in (0, 150):
                await client.say({"type": "subscribe", "topics": topics[begin : begin + 150]})
            assert [(await client.hear())["topic"] for _ in topics] == topics
            ids = feed.publish(*topics)
            await hear_live(client, ids)
            proxy.hold()
            proxy.cut()
            await hear_status(client, "degraded")
            losers = topics[::3]
            missed = {
                t: list(two) for t, *two in zip(losers, *(feed.publish(*losers) for _ in "12"))
            }
            proxy.resume()
            came = {}
            while (message := await client.hear())["type"] == "data":
                assert list(message) == LIVE
                came.setdefault(message["topic"], []).append(message["id"])
            assert (message["type"], message["state"]) == ("status", "live")
            assert came == missed
            await client.nothing_came()


async def test_a_gap_is_announced_before_status_live(start_patient_gateway, own_redis, feed):
    with Proxy(own_redis.port) as proxy:
        gateway = start_patient_gateway(redis=proxy.url)
        async with held_from(gateway, feed) as (client, first):
            proxy.hold()
            proxy.cut()
            await hear_status(client, "degraded")
            ids = feed.publish_many(TOPIC, 20)
            own_redis.call("XTRIM", history_key(TOPIC), "MAXLEN", 5)
            proxy.resume()
            await hear_gap(client, first)
            await hear_snapshot(client, ids[-1])
            await hear_status(client, "live")
            await hear_live(client, feed.publish(TOPIC))
            await client.nothing_came()


async def test_a_history_that_was_rolled_back_is_a_gap_and_never_repeats_an_id(
    start_patient_gateway, own_redis, feed
):
    with Proxy(own_redis.port) as proxy:
        gateway = start_patient_gateway(redis=proxy.url)
        async with held_from(gateway, feed) as (client, first):
            ids = feed.publish_many(TOPIC, 3)
            await hear_live(client, ids)
            proxy.hold()
            proxy.cut()
            await hear_status(client, "degraded")
            own_redis.call("XDEL", history_key(TOPIC), *ids[1:])
            proxy.resume()
            heard = [await client.hear()]
            while heard[-1]["type"] != "status":
                heard.append(await client.hear())
            assert heard[-1]["state"] == "live"
            later = [
                own_redis.call("FCALL", "chrono_publish", 1, TOPIC, '{"n":%d}' % n).decode()
                for n in range(3)
            ]
            while heard[-1].get("id") != later[-1]:
                heard.append(await client.hear())
            gaps = [message["after"] for message in heard if message["type"] == "gap"]
            assert gaps == ids[-1:]
            assert [message["id"] for message in heard if message["type"] == "data"] == later
            await client.nothing_came()


async def test_a_client_that_comes_while_the_gateway_is_degraded_is_told_so_first(
    start_patient_gateway, own_redis, feed
):
    with Proxy(own_redis.port) as proxy:
        gateway = start_patient_gateway(redis=proxy.url, subscribe_timeout_ms=30000)
        async with held_from(gateway, feed) as (client, first):
            proxy.hold()
            proxy.cut()
            await hear_status(client, "degraded")
            async with gateway.client() as late:
                await hear_status(late, "degraded")
                await late.say({"type": "subscribe", "topic": TOPIC, "since": first})
                ids = feed.publish_many(TOPIC, 3)
                proxy.resume()
                await hear_live(client, ids)
                await hear_status(client, "live")
                types = set()
                got = []
                while "status" not in types or len(got) < len(ids):
                    message = await late.hear()
                    types.add(message["type"])
                    if message["type"] == "data":
                        assert "subscribe_ack" in types and list(message) == LIVE
                        got.append(message["id"])
                    elif message["type"] == "subscribe_ack":
                        assert message["recovered"] is True
                    else:
                        assert (message["type"], message["state"]) == ("status", "live")
                assert got == ids
                async with gateway.client() as later:
                    await later.nothing_came()


async def test_status_comes_once_for_each_loss(start_patient_gateway, own_redis, feed):
    gateway = start_patient_gateway(redis=own_redis)
    async with gateway.client() as client:
        for _ in range(3):
            own_redis.stop()
            await hear_status(client, "degraded")
            await soon(lambda: not gateway.ready(), what="it is not ready")
            own_redis.start()
            await hear_status(client, "live")
            await client.say({"type": "ping"})
            assert (await client.hear())["type"] == "pong"


async def test_nothing_is_lost_when_redis_ends_the_link_for_its_full_buffer(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(
        redis=own_redis, backlog_hard_bytes="256m", backlog_total_bytes="512m"
    )
    own_redis.call("CONFIG", "SET", "client-output-buffer-limit", "pubsub 64kb 64kb 1")
    fill = "x" * 32768
    async with Stream([gateway], [TOPIC]) as stream, Stream([gateway], [TOPIC]) as other:
        feed.publish(TOPIC)
        await check_whole([stream, other], feed.journal)
        gateway.process.send_signal(signal.SIGSTOP)
        try:
            for _ in range(800):
                feed.publish(TOPIC, fill=fill)
                if own_redis.subscribers(TOPIC) == 0:
                    break
            assert own_redis.subscribers(TOPIC) == 0, "the limit did not bite"
            feed.publish_many(TOPIC, 5)
        finally:
            gateway.process.send_signal(signal.SIGCONT)
        await soon(lambda: own_redis.subscribers(TOPIC) == 1, what="it is back")
        feed.publish(TOPIC)
        await check_whole([stream, other], feed.journal)
        for one in (stream, other):
            assert one.follower.told_of_losses() == 0
            assert one.follower.counts["data"] == feed.journal.count()


# Redis itself.


async def start_streams(stack, gateway, count=3):
    return [
        await stack.enter_async_context(Stream([gateway], TOPICS, name=f"c{n}"))
        for n in range(count)
    ]


async def test_nothing_is_lost_when_redis_is_restarted_with_its_data(
    start_patient_gateway, durable_redis, durable_feed
):
    gateway = start_patient_gateway(redis=durable_redis, backlog_hard_bytes="64m")
    async with contextlib.AsyncExitStack() as stack:
        streams = await start_streams(stack, gateway)
        with Flow(durable_feed, TOPICS, rate=300):
            await data_goes_on(streams)
            for _ in range(3):
                durable_redis.restart()
                await data_goes_on(streams)
        await check_whole(streams, durable_feed.journal)
        assert not any(durable_feed.journal.torn.values())
        for stream in streams:
            assert stream.follower.closes.total() == 0
            assert stream.follower.told_of_losses() == 0


async def test_after_a_restart_without_data_there_is_a_gap_and_all_goes_on(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis, backlog_hard_bytes="64m")
    async with contextlib.AsyncExitStack() as stack:
        streams = await start_streams(stack, gateway)
        with Flow(feed, TOPICS, rate=300):
            await data_goes_on(streams)
            for _ in range(2):
                own_redis.restart()
                await data_goes_on(streams)
        await check_whole(streams, feed.journal)
        for stream in streams:
            assert stream.follower.closes.total() == 0
            assert stream.follower.counts["gaps"] == 2 * len(TOPICS)
            assert [s for s in stream.follower.states if s] == ["degraded", "live"] * 2


async def test_a_history_that_is_gone_and_still_empty_is_a_gap_without_a_snapshot(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    async with held_from(gateway, feed) as (client, first):
        own_redis.restart()
        await hear_status(client, "degraded")
        message = await client.hear()
        told = message["type"] == "gap"
        if told:
            assert (list(message), message["after"]) == (GAP, first)
            message = await client.hear()
        assert (message["type"], message.get("state")) == ("status", "live")
        feed.reach()
        (id_,) = feed.publish(TOPIC)
        if not told:
            await hear_gap(client, first)
        message = await client.hear()
        assert message["id"] == id_ and list(message) in (LIVE, SNAPSHOT)
        await hear_live(client, feed.publish(TOPIC))
        await client.nothing_came()


async def test_since_is_not_recovered_from_a_redis_that_has_forgotten(
    start_patient_gateway, own_redis, feed
):
    gateway = start_patient_gateway(redis=own_redis)
    (since,) = feed.publish(TOPIC)
    own_redis.restart()
    feed.reach()
    await soon(gateway.ready, what="Redis is back")
    (newest,) = feed.publish(TOPIC)
    async with gateway.client() as client:
        ack = await client.ask({"type": "subscribe", "topic": TOPIC, "since": since})
        assert ack["recovered"] is False
        await hear_snapshot(client, newest)
        await hear_live(client, feed.publish(TOPIC))
        await client.nothing_came()

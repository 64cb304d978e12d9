# SPDX-License-Identifier: MIT
"""The client contract, message by message: gateway/PROTOCOL.md, sections 1 to 3 and their
answers. Errors and limits are in test_errors.py and test_limits.py."""

import asyncio
import datetime
import json
import re

import pytest

from support.wire import TEXT, Wire, frame

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")


def check_timestamp(text):
    """UTC, six digits, no zone, and now."""
    assert TIMESTAMP.fullmatch(text), text
    then = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)
    age = (datetime.datetime.now(datetime.timezone.utc) - then).total_seconds()
    assert -1 < age < 60, f"{text} is {age} s old"


def check(message, **expected):
    """The fields, their values and their order; the timestamp closes every message."""
    check_timestamp(message["timestamp"])
    assert list(message) == [*expected, "timestamp"]
    assert {**message, "timestamp": None} == {**expected, "timestamp": None}


# Connecting.


async def test_the_first_message_acknowledges_the_connection(gateway):
    async with gateway.client("frontend_client") as client:
        check(client.ack, type="connection_ack", client_id="frontend_client")


@pytest.mark.parametrize(
    "segment, client_id",
    [
        ("a", "a"),
        ("A-Za-z0-9._~", "A-Za-z0-9._~"),
        ("with%20space", "with space"),
        ("%E4%B8%AD%E6%96%87", "中文"),
        ("a%22b%5Cc", 'a"b\\c'),
        ("100%25", "100%"),
        ("a+b", "a+b"),
        ("a%2Fb", "a/b"),
        ("%2E%2E", ".."),
        ("x" * 128, "x" * 128),
        ("%E4%B8%AD" * 42 + "xx", "中" * 42 + "xx"),
        ("%F0%9F%93%88", "📈"),
    ],
)
async def test_a_client_id_is_percent_decoded(gateway, segment, client_id):
    async with gateway.client(segment) as client:
        check(client.ack, type="connection_ack", client_id=client_id)


async def test_connections_may_share_a_client_id(gateway, redis):
    async with gateway.client("connect") as one, gateway.client("connect") as other:
        await one.subscribe("stock.SHARED.1m")
        await other.nothing_came()
        redis.publish("stock.SHARED.1m", '{"n":1}')
        assert (await one.hear())["data"] == {"n": 1}
        await other.nothing_came()


@pytest.mark.parametrize(
    "query",
    ["?", "?a=1", "?token=abc.def.ghi", "?token=" + "x" * 2000, "?a=b?c=/d/e"],
    ids=lambda query: query[:16],
)
async def test_the_query_is_ignored(gateway, query):
    async with gateway.client("me" + query) as client:
        assert client.ack["client_id"] == "me"
        await client.nothing_came()


# Requests and their answers.


async def test_subscribe_is_acknowledged(gateway):
    async with gateway.client() as client:
        answer = await client.ask({"type": "subscribe", "topic": "stock.AAPL.1m"})
        check(answer, type="subscribe_ack", topic="stock.AAPL.1m")


async def test_subscribing_again_is_acknowledged_again_and_changes_nothing(gateway, redis):
    async with gateway.client() as client:
        await client.subscribe("stock.AGAIN.1m", "stock.AGAIN.1m")
        redis.publish("stock.AGAIN.1m", '{"n":1}')
        assert (await client.hear())["type"] == "data"
        await client.nothing_came()
        listed = await client.ask({"type": "get_subscriptions"})
        assert listed["subscriptions"] == ["stock.AGAIN.1m"]
        await client.unsubscribe("stock.AGAIN.1m")
        redis.publish("stock.AGAIN.1m", '{"n":2}')
        await client.nothing_came()


async def test_unsubscribe_is_acknowledged_and_ends_the_data(gateway, redis):
    async with gateway.client() as client:
        await client.subscribe("stock.LEFT.1m", "stock.KEPT.1m")
        answer = await client.ask({"type": "unsubscribe", "topic": "stock.LEFT.1m"})
        check(answer, type="unsubscribe_ack", topic="stock.LEFT.1m")
        redis.publish("stock.LEFT.1m", '{"n":1}')
        redis.publish("stock.KEPT.1m", '{"n":2}')
        assert (await client.hear())["topic"] == "stock.KEPT.1m"
        await client.nothing_came()


async def test_unsubscribing_a_topic_that_is_not_held_is_acknowledged(gateway):
    async with gateway.client() as client:
        answer = await client.ask({"type": "unsubscribe", "topic": "crypto.BTC.5m"})
        check(answer, type="unsubscribe_ack", topic="crypto.BTC.5m")


async def test_a_topic_can_be_left_and_taken_again(gateway, redis):
    async with gateway.client() as client:
        for n in range(5):
            await client.subscribe("stock.BACK.1m")
            redis.publish("stock.BACK.1m", '{"n":%d}' % n)
            assert (await client.hear())["data"] == {"n": n}
            await client.unsubscribe("stock.BACK.1m")


@pytest.mark.parametrize("others", [0, 1])
async def test_a_topic_left_and_taken_again_in_one_breath_is_served(gateway, redis, others):
    topic = f"stock.BREATH{others}.1m"
    changes = ["unsubscribe", "subscribe", "unsubscribe", "subscribe"]
    async with gateway.client() as other:
        if others:
            await other.subscribe(topic)
        with gateway.wire() as wire:
            wire.subscribe(topic)
            requests = [json.dumps({"type": type_, "topic": topic}) for type_ in changes]
            wire.sock.sendall(b"".join(frame(TEXT, request.encode()) for request in requests))
            assert [wire.read_json()["type"] for _ in changes] == [c + "_ack" for c in changes]
            redis.publish(topic, '{"n":1}')
            assert wire.read_json()["data"] == {"n": 1}


async def test_a_list_of_topics_is_answered_one_by_one_in_order(gateway):
    topics = ["stock.Z.1m", "stock_data", "market.US.summary", "", "crypto.A.1M", "stock.Z.1m"]
    async with gateway.client() as client:
        await client.say({"type": "subscribe", "topics": topics})
        answers = [await client.hear() for _ in topics]
        kinds = [a["type"] for a in answers]
        ack, error = "subscribe_ack", "error"
        assert kinds == [ack, error, ack, error, ack, ack]
        assert [a["topic"] for a in answers if a["type"] == ack] == [
            topic for topic, kind in zip(topics, kinds) if kind == ack
        ]
        await client.say({"type": "unsubscribe", "topics": ["crypto.A.1M", "stock.NO.1m"]})
        check(await client.hear(), type="unsubscribe_ack", topic="crypto.A.1M")
        check(await client.hear(), type="unsubscribe_ack", topic="stock.NO.1m")
        listed = await client.ask({"type": "get_subscriptions"})
        assert listed["subscriptions"] == ["market.US.summary", "stock.Z.1m"]


async def test_a_list_may_have_256_topics(gateway):
    topics = [f"stock.T{n}.1m" for n in range(256)]
    async with gateway.client() as client:
        await client.say({"type": "subscribe", "topics": topics})
        assert [(await client.hear()).get("topic") for _ in topics] == topics


async def test_ping_is_answered_with_pong(gateway):
    async with gateway.client() as client:
        check(await client.ask({"type": "ping"}), type="pong")


async def test_subscriptions_are_listed_sorted(gateway):
    topics = ["stock.b.1m", "market.US.summary", "stock.B.1m", "crypto.BTC.5m", "stock.B.1M"]
    async with gateway.client() as client:
        check(
            await client.ask({"type": "get_subscriptions"}),
            type="subscriptions_list",
            subscriptions=[],
        )
        await client.subscribe(*topics)
        check(
            await client.ask({"type": "get_subscriptions"}),
            type="subscriptions_list",
            subscriptions=sorted(topics),
        )


async def test_heartbeat_response_is_not_answered(gateway):
    async with gateway.client() as client:
        await client.say({"type": "heartbeat_response"})
        await client.nothing_came()


async def test_unknown_fields_are_ignored(gateway):
    extra = {"v": 2, "x": {"type": "nope", "topic": [1, {"a": None}]}, "": "", "中": 1.5e300}
    async with gateway.client() as client:
        check(await client.ask({**extra, "type": "ping"}), type="pong")
        answer = await client.ask({"topic": "stock.AAPL.1m", **extra, "type": "subscribe"})
        check(answer, type="subscribe_ack", topic="stock.AAPL.1m")


async def test_white_space_and_escapes_are_json_as_any_other(gateway):
    text = ' \r\n\t{ "t\\u0079pe" :\n"subscribe", "topic":"stock.\\u0041APL.1m\\u0000"} '
    async with gateway.client() as client:
        assert (await client.ask(text))["error_code"] == "invalid_topic"
        answer = await client.ask(text.replace("\\u0000", ""))
        check(answer, type="subscribe_ack", topic="stock.AAPL.1m")


# request_id.

REQUESTS = {
    "subscribe": {"type": "subscribe", "topic": "stock.AAPL.1m"},
    "unsubscribe": {"type": "unsubscribe", "topic": "stock.AAPL.1m"},
    "ping": {"type": "ping"},
    "get_subscriptions": {"type": "get_subscriptions"},
    "a bad topic": {"type": "subscribe", "topic": "nope"},
    "an unknown type": {"type": "nope"},
    "a missing field": {"type": "subscribe"},
}


@pytest.mark.parametrize("request_id", ["r-1", "", 'q"\\\n中', "x" * 64, 0, 17, -1, 2**53 + 1])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_a_request_id_is_echoed(gateway, request_, request_id):
    async with gateway.client() as client:
        answer = await client.ask({**request_, "request_id": request_id})
        assert answer["request_id"] == request_id
        assert type(answer["request_id"]) is type(request_id)
        plain = await client.ask(request_)
        assert "request_id" not in plain
        del answer["request_id"]
        assert list(answer) == list(plain)


async def test_a_request_id_is_echoed_in_each_answer_of_a_list(gateway):
    async with gateway.client() as client:
        await client.say({"type": "subscribe", "topics": ["stock.A.1m", "nope"], "request_id": 7})
        first, second = await client.hear(), await client.hear()
        assert (first["type"], first["request_id"]) == ("subscribe_ack", 7)
        assert (second["type"], second["request_id"]) == ("error", 7)


@pytest.mark.parametrize("request_id", ["x" * 65, "中" * 22, 1.5, True, None, [], {}])
async def test_a_request_id_of_another_kind_is_an_invalid_message(gateway, request_id):
    async with gateway.client() as client:
        answer = await client.ask({"type": "ping", "request_id": request_id})
        assert answer["error_code"] == "invalid_message"
        assert "request_id" not in answer


# Topics.

LONGEST = "x" * 32


@pytest.mark.parametrize(
    "topic",
    ["stock.AAPL.1m", "crypto.BTC-USDT.5m", "futures.ES=F.15m", "options.AAPL250117C00150000.30m"]
    + ["commodity.XAU/USD.1h", "stock.^GSPC.4h", "stock.600519.SH.1d", "stock.BRK.B.1w"]
    + ["stock.AAPL.1M", "market.US.summary", "market.CN_A.summary", "stock.a:b+c@d&e.1m"]
    + [f"commodity.{LONGEST}.15m", "stock.x.1m", "stock.a..b.1m", "market.a.1m.summary"],
)
async def test_a_topic_of_the_grammar_is_accepted(gateway, redis, topic):
    async with gateway.client() as client:
        check(
            await client.ask({"type": "subscribe", "topic": topic}),
            type="subscribe_ack",
            topic=topic,
        )
        assert redis.publish(topic, '{"n":1}') == 1
        assert (await client.hear())["topic"] == topic


@pytest.mark.parametrize(
    "topic",
    ["", ".", "..", "stock_data", "stock", "stock.AAPL", "stock..1m", "stock.AAPL.", ".AAPL.1m"]
    + ["bond.AAPL.1m", "Stock.AAPL.1m", "STOCK.AAPL.1m", "stock.AAPL.2m", "stock.AAPL.1H"]
    + ["stock.AAPL.summary", "market.US.1m", "market.summary", "market..summary"]
    + [" stock.AAPL.1m", "stock.AAPL.1m ", "stock.AAPL.1m\n", "stock.A PL.1m", "stock.中.1m"]
    + ["stock.*.1m", "stock.A?.1m", "stock.[a].1m", "stock.a\\.1m", 'stock.a".1m', "stock.a%.1m"]
    + ["stock..AAPL.1m", "stock.AAPL..1m", f"stock.{LONGEST}x.1m", "stock.AAPL.1m\0"]
    + ["stock.A\0PL.1m", "__keyspace@0__:x", "x" * 60000],
    ids=lambda topic: repr(topic[:24]),
)
async def test_a_topic_outside_the_grammar_is_refused(gateway, redis, topic):
    async with gateway.client() as client:
        answer = await client.ask({"type": "subscribe", "topic": topic})
        assert (answer["type"], answer["error_code"]) == ("error", "invalid_topic")
        listed = await client.ask({"type": "get_subscriptions"})
        assert listed["subscriptions"] == []


# Data.


async def test_data_has_the_fields_of_the_contract_in_their_order(gateway, redis):
    async with gateway.client() as client:
        await client.subscribe("stock.AAPL.1m")
        redis.publish("stock.AAPL.1m", '{"symbol":"AAPL","price":150.25}')
        payload = {"symbol": "AAPL", "price": 150.25}
        check(await client.hear(), type="data", topic="stock.AAPL.1m", data=payload)


async def test_server_text_is_utf8_and_not_escaped(gateway, redis):
    async with gateway.client("%E4%B8%AD") as client:
        await client.say({"type": "subscribe", "topic": "股票"})
        text = await client.hear_text()
        assert "无效的主题格式: 股票" in text
    wire = gateway.wire("%E4%B8%AD")
    with wire:
        assert wire.ack["client_id"] == "中"
        wire.say("{")
        assert "无效的消息格式" in wire.read_text()


async def test_a_message_goes_to_every_subscriber_once_and_to_nobody_else(gateway, redis):
    async with gateway.client() as a, gateway.client() as b, gateway.client() as c:
        await a.subscribe("stock.ONE.1m", "stock.TWO.1m")
        await b.subscribe("stock.ONE.1m")
        await c.subscribe("stock.ONE.5m", "stock.ONE.1M", "crypto.ONE.1m")
        assert redis.publish("stock.ONE.1m", '{"n":1}') == 1
        for client in (a, b):
            assert (await client.hear())["data"] == {"n": 1}
        for client in (a, b, c):
            await client.nothing_came()


async def test_messages_keep_their_order(gateway, redis):
    topics = [f"stock.ORDER{n}.1m" for n in range(3)]
    async with gateway.client() as client:
        await client.subscribe(*topics)
        sent = [(topics[n % 3], {"n": n}) for n in range(600)]
        for topic, payload in sent:
            redis.publish(topic, json.dumps(payload))
        got = [await client.hear() for _ in sent]
        assert [(m["topic"], m["data"]) for m in got] == sent


async def test_many_clients_each_get_everything(gateway, redis):
    clients = [gateway.client(f"c{n}") for n in range(50)]
    await asyncio.gather(*(client.__aenter__() for client in clients))
    await asyncio.gather(*(client.subscribe("stock.MANY.1m") for client in clients))
    for n in range(20):
        assert redis.publish("stock.MANY.1m", '{"n":%d}' % n) == 1
    for client in clients:
        assert [(await client.hear())["data"]["n"] for _ in range(20)] == list(range(20))
    await asyncio.gather(*(client.__aexit__(None, None, None) for client in clients))


# Heartbeats.


async def test_the_server_sends_heartbeats(start_gateway):
    async with start_gateway(heartbeat_interval_ms=200).client("me") as client:
        for _ in range(3):
            check(await client.hear(), type="heartbeat", client_id="me")


async def test_heartbeats_can_be_turned_off(start_gateway):
    off = start_gateway(heartbeat_interval_ms=0)
    on = start_gateway(heartbeat_interval_ms=200)
    async with off.client() as quiet, on.client() as beating:
        assert [(await beating.hear())["type"] for _ in range(3)] == ["heartbeat"] * 3
        await quiet.nothing_came()


# The order of answers.


async def test_answers_per_topic_keep_their_order_while_redis_is_slow(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis)
    async with gateway.client() as client:
        own_redis.pause()
        await client.say({"type": "subscribe", "topic": "stock.NEW.1m"})
        await client.say({"type": "subscribe", "topic": "nope"})
        await client.say({"type": "unsubscribe", "topic": "stock.OTHER.1m"})
        await client.say({"type": "ping"})
        await client.say({"type": "get_subscriptions"})
        await client.say("{")
        at_once = [(await client.hear())["type"] for _ in range(3)]
        own_redis.resume()
        in_order = [(await client.hear())["type"] for _ in range(3)]
        assert at_once == ["pong", "subscriptions_list", "error"]
        assert in_order == ["subscribe_ack", "error", "unsubscribe_ack"]


async def test_what_waits_for_redis_is_carried_out_in_order(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis)
    async with gateway.client() as client, gateway.client() as other:
        own_redis.pause()
        await client.say({"type": "subscribe", "topics": ["stock.A.1m", "stock.B.1m"]})
        await client.say({"type": "unsubscribe", "topic": "stock.A.1m"})
        await client.say({"type": "subscribe", "topics": ["stock.B.1m", "stock.C.1m"]})
        await client.say({"type": "unsubscribe", "topic": "stock.C.1m"})
        await other.say({"type": "subscribe", "topics": ["stock.A.1m", "stock.C.1m"]})
        await client.nothing_came()
        own_redis.resume()
        kinds = [(await client.hear())["type"] for _ in range(6)]
        ack, left = "subscribe_ack", "unsubscribe_ack"
        assert kinds == [ack, ack, left, ack, ack, left]
        assert [(await other.hear())["type"] for _ in range(2)] == [ack, ack]
        listed = await client.ask({"type": "get_subscriptions"})
        assert listed["subscriptions"] == ["stock.B.1m"]
        for topic in ("stock.A.1m", "stock.B.1m", "stock.C.1m"):
            assert own_redis.publish(topic, "{}") == 1
        assert (await client.hear())["topic"] == "stock.B.1m"
        assert [(await other.hear())["topic"] for _ in range(2)] == ["stock.A.1m", "stock.C.1m"]
        await client.nothing_came()
        await other.nothing_came()


def test_a_client_may_leave_while_it_waits_for_redis(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis)
    own_redis.pause()
    for leave in (Wire.vanish, lambda wire: wire.sock.close()):
        wire = gateway.wire()
        wire.say({"type": "subscribe", "topics": ["stock.A.1m", "stock.B.1m"]})
        wire.say({"type": "ping"})
        assert wire.read_json()["type"] == "pong"
        leave(wire)
    gateway.wait_metric("chronogate_connections", 0)
    assert gateway.metrics()["chronogate_topics"] == 0
    with gateway.wire() as wire:
        wire.say({"type": "subscribe", "topic": "stock.A.1m"})
        own_redis.resume()
        assert wire.read_json()["type"] == "subscribe_ack"
        assert own_redis.publish("stock.A.1m", "{}") == 1
        assert wire.read_json()["type"] == "data"


async def test_data_never_comes_before_its_acknowledgement(start_gateway, redis):
    gateway = start_gateway()
    for n in range(20):
        topic = f"stock.FIRST{n}.1m"
        async with gateway.client() as client:
            await client.say({"type": "subscribe", "topic": topic})
            while redis.publish(topic, '{"n":1}') == 0:
                await asyncio.sleep(0)
            assert (await client.hear())["type"] == "subscribe_ack"
            redis.publish(topic, '{"n":2}')
            assert (await client.hear())["type"] == "data"

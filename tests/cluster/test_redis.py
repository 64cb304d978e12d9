# SPDX-License-Identifier: MIT
"""Redis and the gateway: what is published arrives as it is, once, on every gateway; Redis may
come late, restart, or ask for a password; subscriptions follow the clients."""

import asyncio
import json
import re

import pytest

from support.wait import soon, until

# Delivery.

PAYLOADS = [
    '{"symbol":"AAPL","price":150.25}',
    "{}",
    '{ "a" : [ 1 , 2.50 , 1e5 , -0.0 , 1E+2 ] }',
    '{"b":1,"a":2,"b":3}',
    '{"t":"\\u4e2d\\/\\n中文📈"}',
    '{"n":12345678901234567890.123456789012345678901234567890}',
    '{"a":1}\n',
    '{"d":' + "[" * 31 + "]" * 31 + "}",
    '{"x":"' + "x" * 300000 + '"}',
]


async def hear_payload(client):
    """The bytes between "data": and what follows the payload, and the id or None."""
    text = await client.hear_text()
    message = json.loads(text)
    assert message["type"] == "data"
    tail = rf'(?:,\s?"id":\s?"{message["id"]}")?' if "id" in message else ""
    found = re.fullmatch(rf'.*?"data":\s?(.*?){tail},\s?"timestamp":\s?"[^"]*"\}}', text, re.S)
    return found.group(1), message.get("id")


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda text: text[:20])
async def test_a_plain_payload_is_passed_on_byte_for_byte(gateway, redis, payload):
    async with gateway.client() as client:
        await client.subscribe("stock.PLAIN.1m")
        assert redis.publish("stock.PLAIN.1m", payload) == 1
        assert await hear_payload(client) == (payload, None)


async def test_a_sequenced_payload_is_stripped_of_its_envelope(gateway, redis):
    async with gateway.client() as client:
        await client.subscribe("stock.SEQ.1m")
        for n, payload in enumerate(PAYLOADS, start=1):
            prev = f"1732283000123-{n - 1}" if n > 1 else "0-0"
            redis.publish("stock.SEQ.1m", f"@1732283000123-{n} {prev} {payload}")
            assert await hear_payload(client) == (payload, f"1732283000123-{n}")


async def test_plain_and_sequenced_messages_mix_in_order(gateway, redis):
    async with gateway.client() as client:
        await client.subscribe("crypto.MIX.1m")
        redis.publish("crypto.MIX.1m", '@5-0 0-0 {"n":1}')
        redis.publish("crypto.MIX.1m", '{"n":2}')
        redis.publish("crypto.MIX.1m", '@5-1 5-0 {"n":3}')
        redis.publish("crypto.MIX.1m", '@1795400000000-18446744073709551615 5-1 {"n":4}')
        got = [await client.hear() for _ in range(4)]
        assert [m["data"]["n"] for m in got] == [1, 2, 3, 4]
        ids = [m.get("id") for m in got]
        assert ids == ["5-0", None, "5-1", "1795400000000-18446744073709551615"]


BAD_PAYLOADS = [
    b"", b"hello", b"[]", b"null", b"1", b'"x"', b"{", b'{"a":1', b'{"a":1}}', b"{} {}", b"{} x",
    b" {}", b"{'a':1}", b'{"a":NaN}', b'{"a":\xff}', b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}',
    b'{"a":"\n"}', b'{"a":"\0"}', b"{}\0", b'{"d":' + b"[" * 32 + b"]" * 32 + b"}",
    b"@", b"@1-0", b"@1-0 0-0", b"@1-0 0-0 ", b"@1-0 {}", b"@1-0 0-0 []", b"@1-0  0-0 {}",
    b"@1 0-0 {}", b"@1- 0-0 {}", b"@-1 0-0 {}", b"@1-0 0 {}", b"@x-0 0-0 {}", b"@ 1-0 0-0 {}",
    b"@+1-0 0-0 {}", b"@1-0 0-0 {", b"@99999999999999999999-0 0-0 {}", b"@1-0 0-0 {} x",
]  # fmt: skip


async def test_a_bad_payload_reaches_nobody_and_is_counted(start_gateway, redis):
    gateway = start_gateway()
    async with gateway.client() as client:
        await client.subscribe("stock.BAD.1m")
        for n, payload in enumerate(BAD_PAYLOADS):
            assert redis.publish("stock.BAD.1m", payload) == 1
            redis.publish("stock.BAD.1m", '{"n":%d}' % n)
            answer = await client.hear()
            assert answer.get("data") == {"n": n}, f"after {payload!r} came {answer}"
        assert gateway.metrics()["chronogate_payloads_rejected_total"] == len(BAD_PAYLOADS)
    line = r" (warn|error) .*stock\.BAD\.1m"
    gateway.log.wait_for(line)
    complaints = [text for text in gateway.log.lines if re.search(line, text)]
    assert len(complaints) < len(BAD_PAYLOADS), "the complaints are not rate limited"


# Several gateways.


async def test_two_gateways_share_a_port_and_each_client_gets_a_message_once(
    start_gateway, redis
):
    one = start_gateway()
    other = start_gateway(listen=f"127.0.0.1:{one.api_port}")
    assert other.api_port == one.api_port
    clients = [one.client(f"c{n}") for n in range(40)]
    await asyncio.gather(*(client.__aenter__() for client in clients))
    await asyncio.gather(*(client.subscribe("stock.BOTH.1m") for client in clients))
    counts = [g.metrics()["chronogate_connections"] for g in (one, other)]
    assert sum(counts) == 40 and min(counts) > 0, counts
    for n in range(10):
        assert redis.publish("stock.BOTH.1m", '{"n":%d}' % n) == 2
    for client in clients:
        assert [(await client.hear())["data"]["n"] for _ in range(10)] == list(range(10))
        await client.nothing_came()
    await asyncio.gather(*(client.__aexit__(None, None, None) for client in clients))


# Subscriptions follow the clients.


async def test_redis_is_subscribed_with_the_first_client_and_not_twice(start_gateway, redis):
    gateway = start_gateway()
    topic = "futures.CL.1h"
    async with gateway.client() as one, gateway.client() as other:
        assert redis.subscribers(topic) == 0
        await one.subscribe(topic)
        assert redis.subscribers(topic) == 1
        await other.subscribe(topic)
        await one.unsubscribe(topic)
        redis.publish(topic, '{"n":1}')
        assert (await other.hear())["data"] == {"n": 1}
        assert redis.subscribers(topic) == 1


async def test_redis_is_unsubscribed_a_while_after_the_last_client(start_gateway, redis):
    gateway = start_gateway()
    async with gateway.client() as client:
        await client.subscribe("futures.LEFT.1h", "futures.KEPT.1h")
        async with gateway.client() as other:
            await other.subscribe("futures.GONE.1h")
        await client.unsubscribe("futures.LEFT.1h")
        left = ["futures.LEFT.1h", "futures.GONE.1h"]
        await soon(lambda: not any(map(redis.subscribers, left)), 15, "Redis is unsubscribed")
        assert redis.subscribers("futures.KEPT.1h") == 1
        redis.publish("futures.KEPT.1h", '{"n":1}')
        assert (await client.hear())["data"] == {"n": 1}
        await client.subscribe("futures.LEFT.1h")
        redis.publish("futures.LEFT.1h", '{"n":2}')
        assert (await client.hear())["data"] == {"n": 2}


async def test_a_thousand_topics_are_subscribed_at_once(start_gateway, redis):
    gateway = start_gateway(request_burst=2000)
    topics = [f"stock.K{n}.1m" for n in range(1000)]
    async with gateway.client() as client:
        for start in range(0, 1000, 250):
            await client.say({"type": "subscribe", "topics": topics[start : start + 250]})
        assert [(await client.hear())["topic"] for _ in topics] == topics
        assert all(redis.publish(topic, '{"n":1}') == 1 for topic in topics)
        assert [(await client.hear())["topic"] for _ in topics] == topics


async def test_a_refused_topic_never_reaches_redis(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis)
    async with gateway.client() as client:
        for topic in ("*", "nope", "__keyspace@0__:a", "stock.*.1m", "stock.A.1m\r\nPING"):
            answer = await client.ask({"type": "subscribe", "topic": topic})
            assert answer["error_code"] == "invalid_topic"
        assert own_redis.channels() == []


# Redis comes and goes.


async def test_clients_survive_a_restart_of_redis_and_data_resumes(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis)
    topics = [f"stock.R{n}.1m" for n in range(300)]
    async with gateway.client() as one, gateway.client() as other:
        await one.subscribe("stock.R0.1m")
        await other.say({"type": "subscribe", "topics": topics[:150]})
        await other.say({"type": "subscribe", "topics": topics[150:290]})
        assert {(await other.hear_past_status())["type"] for _ in range(290)} == {"subscribe_ack"}
        for round_ in range(2):
            own_redis.stop()
            await soon(lambda: gateway.admin("/readyz").status == 503, what="the loss is seen")
            assert gateway.admin("/healthz").status == 200
            assert gateway.metrics()["chronogate_redis_connected"] == 0
            await one.nothing_came()
            own_redis.start()
            await soon(gateway.ready, what="Redis is back")
            await soon(lambda: len(own_redis.channels()) == 290, what="all is subscribed again")
            assert own_redis.publish("stock.R0.1m", '{"n":%d}' % round_) == 1
            assert own_redis.publish("stock.R289.1m", '{"n":%d}' % round_) == 1
            assert (await one.hear_past_status())["data"] == {"n": round_}
            got = [await other.hear_past_status(), await other.hear_past_status()]
            assert [m["topic"] for m in got] == ["stock.R0.1m", "stock.R289.1m"]
        await one.nothing_came()
        metrics = gateway.metrics()
        assert metrics["chronogate_redis_reconnects_total"] >= 2
        assert metrics["chronogate_redis_connected"] == 1


async def test_a_lost_subscription_link_alone_comes_back(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis)
    async with gateway.client() as client:
        await client.subscribe("stock.A.1m")
        assert own_redis.call("CLIENT", "KILL", "TYPE", "pubsub") == 1
        await soon(lambda: own_redis.publish("stock.A.1m", '{"n":1}') == 1, what="it is back")
        assert (await client.hear_past_status())["data"] == {"n": 1}


async def test_a_lost_command_link_alone_comes_back(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis)
    async with gateway.client() as client:
        await client.subscribe("stock.A.1m")
        own_redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await soon(gateway.ready, what="it is back")
        await soon(lambda: own_redis.publish("stock.A.1m", '{"n":1}') == 1, what="it is back")
        assert (await client.hear_past_status())["data"] == {"n": 1}


@pytest.mark.parametrize("lost", ["pubsub", "normal"])
async def test_a_topic_held_while_one_link_was_lost_can_be_subscribed_by_others(
    start_gateway, own_redis, lost
):
    gateway = start_gateway(redis=own_redis)
    async with gateway.client() as one, gateway.client() as other:
        await one.subscribe("stock.A.1m")
        for _ in range(3):
            reconnects = gateway.metrics()["chronogate_redis_reconnects_total"]
            own_redis.call("CLIENT", "KILL", "TYPE", lost, "SKIPME", "yes")
            await soon(
                lambda: gateway.metrics()["chronogate_redis_reconnects_total"] > reconnects,
                what="it is back",
            )
            await other.subscribe("stock.A.1m")
            await soon(lambda: own_redis.publish("stock.A.1m", '{"n":1}') == 1)
            assert (await one.hear_past_status())["data"] == {"n": 1}
            assert (await other.hear_past_status())["data"] == {"n": 1}
            await other.unsubscribe("stock.A.1m")


async def test_what_is_asked_while_redis_is_away_is_done_when_it_is_back(
    start_gateway, own_redis
):
    gateway = start_gateway(redis=own_redis)
    async with gateway.client() as client:
        await client.subscribe("stock.OLD.1m")
        own_redis.stop()
        await soon(lambda: not gateway.ready(), what="the loss is seen")
        await client.say({"type": "subscribe", "topic": "stock.NEW.1m"})
        await client.say({"type": "unsubscribe", "topic": "stock.OLD.1m"})
        async with gateway.client() as late:  # known Redis once: new clients are welcome
            await late.say({"type": "subscribe", "topic": "stock.NEW.1m"})
            own_redis.start()
            assert (await late.hear_past_status())["type"] == "subscribe_ack"
            assert (await client.hear_past_status())["type"] == "subscribe_ack"
            assert (await client.hear_past_status())["type"] == "unsubscribe_ack"
            await soon(lambda: own_redis.publish("stock.NEW.1m", '{"n":1}') == 1)
            assert (await client.hear_past_status())["data"] == {"n": 1}
            assert (await late.hear_past_status())["data"] == {"n": 1}


def test_before_redis_was_reached_clients_are_told_to_come_later(start_gateway, own_redis):
    own_redis.stop()
    gateway = start_gateway(redis=own_redis, ready=False)
    refused = gateway.upgrade()
    assert refused.status == 503
    assert int(refused.headers["retry-after"]) > 0
    assert set(refused.json()) == {"error_code", "error_message"}
    assert gateway.admin("/healthz").status == 200
    unready = gateway.admin("/readyz")
    assert unready.status == 503
    assert "redis" in unready.text().lower()
    gateway.log.wait_for(r"(?i) warn .*redis.*retry")
    own_redis.start()
    gateway.wait_ready()
    with gateway.wire() as wire:
        wire.subscribe("stock.A.1m")
        assert own_redis.publish("stock.A.1m", '{"n":1}') == 1
        assert wire.read_json()["data"] == {"n": 1}


# Ways to reach Redis.


def check_delivers(gateway, redis, channel="stock.WAY.1m"):
    with gateway.wire() as wire:
        wire.subscribe("stock.WAY.1m")
        until(lambda: redis.publish(channel, '{"n":1}') == 1)
        assert wire.read_json()["data"] == {"n": 1}


def clients_of(redis):
    """CLIENT LIST without our own connection, as dicts."""
    lines = redis.call("CLIENT", "LIST").decode().splitlines()
    clients = [dict(word.partition("=")[::2] for word in line.split()) for line in lines]
    return [client for client in clients if client["cmd"] != "client|list"]


def test_the_connections_to_redis_have_a_name(start_gateway, own_redis):
    start_gateway(redis=own_redis)
    names = [client["name"] for client in clients_of(own_redis)]
    assert len(names) == 2 and all("chronogate" in name for name in names), names


def test_a_database_can_be_chosen(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis.url + "/3")
    check_delivers(gateway, own_redis)
    assert "3" in [client["db"] for client in clients_of(own_redis)]


def test_a_unix_socket_can_be_used(start_gateway, own_redis):
    gateway = start_gateway(redis=f"unix://{own_redis.path}")
    check_delivers(gateway, own_redis)
    assert all(client["addr"].startswith(own_redis.path) for client in clients_of(own_redis))


def test_a_password_can_be_given(start_gateway, own_redis):
    own_redis.call("CONFIG", "SET", "requirepass", "s3cret/@:x")
    url = own_redis.url.replace("//", "//:s3cret%2F%40%3Ax@")
    gateway = start_gateway(redis=url)
    check_delivers(gateway, own_redis)
    assert "s3cret" not in gateway.log.text()


def test_an_acl_user_can_be_given(start_gateway, own_redis):
    own_redis.call("ACL", "SETUSER", "gate", "on", ">s3cret", "~*", "&*", "+@all")
    gateway = start_gateway(redis=own_redis.url.replace("//", "//gate:s3cret@"))
    check_delivers(gateway, own_redis)
    assert {client["user"] for client in clients_of(own_redis)} == {"gate"}


def test_a_wrong_password_is_said_and_tried_again_and_not_shown(start_gateway, own_redis):
    own_redis.call("CONFIG", "SET", "requirepass", "right")
    url = own_redis.url.replace("//", "//:s3cret@")
    gateway = start_gateway(redis=url, ready=False)
    gateway.log.wait_for(r"(?i) (warn|error) .*(WRONGPASS|password)")
    assert gateway.upgrade().status == 503
    assert "s3cret" not in gateway.log.text()
    own_redis.call("CONFIG", "SET", "requirepass", "s3cret")
    gateway.wait_ready()
    check_delivers(gateway, own_redis)


def test_a_host_name_is_looked_up(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis.url.replace("127.0.0.1", "localhost"))
    check_delivers(gateway, own_redis)


def test_a_host_name_that_does_not_exist_does_not_stop_the_gateway(start_gateway):
    gateway = start_gateway(redis="redis://no-such-host.invalid:6379", ready=False)
    gateway.log.wait_for(r"(?i) warn .*retry")
    assert gateway.admin("/healthz").status == 200
    assert gateway.upgrade().status == 503


async def test_a_channel_prefix_parts_the_gateways_of_one_redis(start_gateway, redis):
    test, live = start_gateway(channel_prefix="test:"), start_gateway()
    async with test.client() as tester, live.client() as user:
        await tester.subscribe("stock.PX.1m")
        await user.subscribe("stock.PX.1m")
        assert redis.publish("test:stock.PX.1m", '{"n":1}') == 1
        assert redis.publish("stock.PX.1m", '{"n":2}') == 1
        got = await tester.hear()
        assert (got["topic"], got["data"]) == ("stock.PX.1m", {"n": 1})
        got = await user.hear()
        assert (got["topic"], got["data"]) == ("stock.PX.1m", {"n": 2})
        await tester.nothing_came()

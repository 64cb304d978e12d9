# SPDX-License-Identifier: MIT
"""The table of errors, row by row: gateway/PROTOCOL.md, section 4. None of them closes the
connection."""

import json

import pytest


def check_error(message, code):
    assert list(message) == ["type", "error_code", "error_message", "timestamp"]
    assert (message["type"], message["error_code"]) == ("error", code)


async def check_invalid(gateway, message):
    """It is an invalid_message with a reason, and the connection goes on."""
    async with gateway.client() as client:
        answer = await client.ask(message)
        check_error(answer, "invalid_message")
        prefix = "无效的消息格式: "
        assert answer["error_message"].startswith(prefix)
        assert len(answer["error_message"]) > len(prefix)
        await client.nothing_came()
        listed = await client.ask({"type": "get_subscriptions"})
        assert listed["subscriptions"] == [], "it was refused, and carried out"


@pytest.mark.parametrize(
    "text",
    ["", " ", "hello", "{", "}", '{"type":"ping"', '{"type":"ping"}}', '{"type":"ping"} x']
    + ['{"type":"ping"}{"type":"ping"}', "{'type':'ping'}", '{"type":"ping",}', '{type:"ping"}']
    + ['{"type":"ping","x":NaN}', '{"type":"ping","x":Infinity}', '{"type":"ping","x":01}']
    + ['{"type":"ping","x":"\n"}', '{"type":"ping","x":"\\x"}', '{"type":"ping","x":"\\u12"}']
    + ['{"type":"ping"}\0', '{"type":"ping",/**/"x":1}', '{"type":"ping","x":.5}'],
    ids=repr,
)
async def test_what_is_not_json_is_an_invalid_message(gateway, text):
    await check_invalid(gateway, text)


@pytest.mark.parametrize("text", ["null", "true", "1", '"ping"', "[]", '[{"type":"ping"}]'])
async def test_what_is_not_an_object_is_an_invalid_message(gateway, text):
    await check_invalid(gateway, text)


@pytest.mark.parametrize("type_", [None, 1, True, [], {}, ["ping"]], ids=repr)
async def test_a_type_that_is_no_string_is_an_invalid_message(gateway, type_):
    await check_invalid(gateway, {"type": type_})


async def test_a_missing_type_is_an_invalid_message(gateway):
    await check_invalid(gateway, {})
    await check_invalid(gateway, {"topic": "stock.AAPL.1m"})


@pytest.mark.parametrize(
    "type_", ["", "nope", "Ping", "PING", " ping", "ping ", "ping\0", "connection_ack", "data"]
)
async def test_an_unknown_type_is_an_invalid_message(gateway, type_):
    await check_invalid(gateway, {"type": type_})


@pytest.mark.parametrize("type_", ["subscribe", "unsubscribe"])
@pytest.mark.parametrize(
    "fields",
    [{}, {"topic": None}, {"topic": 1}, {"topic": ["stock.A.1m"]}, {"topic": {}}]
    + [{"topics": "stock.A.1m"}, {"topics": []}, {"topics": None}, {"topics": {}}]
    + [{"topics": ["stock.A.1m", 1]}, {"topics": ["stock.A.1m", None]}]
    + [{"topics": [["stock.A.1m"]]}, {"topics": ["stock.A.1m"] * 257}],
    ids=lambda fields: json.dumps(fields)[:40],
)
async def test_a_missing_or_wrongly_typed_topic_is_an_invalid_message(gateway, type_, fields):
    await check_invalid(gateway, {"type": type_, **fields})


@pytest.mark.parametrize(
    "field",
    [{"snapshot": "yes"}, {"snapshot": 1}, {"since": 5}, {"since": "5"}, {"since": "5-x"}],
    ids=str,
)
async def test_a_wrong_option_is_an_invalid_message(gateway, field):
    await check_invalid(gateway, {"type": "subscribe", "topic": "stock.A.1m", **field})


async def test_a_binary_frame_is_an_invalid_message(gateway):
    await check_invalid(gateway, b'{"type":"ping"}')
    await check_invalid(gateway, b"")
    await check_invalid(gateway, bytes(range(256)))


async def test_objects_may_nest_32_deep_and_no_deeper(gateway):
    async with gateway.client() as client:
        assert (await client.ask(nested(32)))["type"] == "pong"
    await check_invalid(gateway, nested(33))


def nested(depth):
    """A ping whose innermost value is that deep; the object itself is the first level."""
    arrays = depth - 1
    return '{"type":"ping","x":' + "[" * arrays + "]" * arrays + "}"


async def test_an_invalid_topic_is_named_in_the_error(gateway):
    async with gateway.client() as client:
        answer = await client.ask({"type": "subscribe", "topic": "stock_data"})
        check_error(answer, "invalid_topic")
        assert answer["error_message"] == "无效的主题格式: stock_data"
        answer = await client.ask({"type": "subscribe", "topic": ""})
        check_error(answer, "invalid_topic")
        assert answer["error_message"].rstrip() == "无效的主题格式:"


@pytest.mark.parametrize(
    "topic, shown",
    [
        ("x" * 128, "x" * 128),
        ("x" * 129, "x" * 128),
        ("中" * 60, "中" * 42),
        ("x" * 127 + "é", "x" * 127),
        ("x" * 126 + "é", "x" * 126 + "é"),
        ("x" * 125 + "📈", "x" * 125),
        ('"\\\n\t\x01\x7f/', '"\\\n\t\x01\x7f/'),
        ('"' * 200, '"' * 128),
        ("stock.A.1m\0x", "stock.A.1m\0x"),
        ("</script>\u2028", "</script>\u2028"),
    ],
    ids=lambda text: repr(text[:12]),
)
async def test_echoed_text_is_escaped_and_cut_between_characters(gateway, topic, shown):
    async with gateway.client() as client:
        answer = await client.ask({"type": "subscribe", "topic": topic})
        check_error(answer, "invalid_topic")
        assert answer["error_message"] == "无效的主题格式: " + shown


async def test_a_lone_surrogate_does_not_come_back_as_broken_text(gateway):
    async with gateway.client() as client:
        answer = await client.ask('{"type":"subscribe","topic":"a\\ud800b"}')
        assert answer["type"] == "error"
        answer = await client.ask('{"type":"ping","request_id":"\\udc00"}')
        assert answer["type"] in ("pong", "error")
        await client.nothing_came()


async def test_a_subscription_redis_does_not_confirm_fails_at_the_deadline(
    start_gateway, own_redis
):
    gateway = start_gateway(redis=own_redis, subscribe_timeout_ms=600)
    async with gateway.client() as client, gateway.client() as other:
        await other.subscribe("stock.HELD.1m")
        own_redis.pause()
        await client.say({"type": "subscribe", "topic": "stock.NEW.1m", "request_id": 1})
        await client.nothing_came()
        answer = await client.hear()
        own_redis.resume()
        assert answer.pop("request_id") == 1
        check_error(answer, "subscription_failed")
        assert answer["error_message"].startswith("订阅失败: ")
        listed = await client.ask({"type": "get_subscriptions"})
        assert listed["subscriptions"] == []


async def test_a_failed_subscription_can_be_tried_again(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis, subscribe_timeout_ms=300)
    async with gateway.client() as client:
        own_redis.pause()
        answer = await client.ask({"type": "subscribe", "topic": "stock.NEW.1m"})
        assert answer["error_code"] == "subscription_failed"
        own_redis.resume()
        gateway.wait_ready()
        await client.subscribe("stock.NEW.1m")
        own_redis.publish("stock.NEW.1m", '{"n":1}')
        assert (await client.hear())["data"] == {"n": 1}
        await client.nothing_came()

# SPDX-License-Identifier: MIT
"""Closed bars: kept by chrono_publish beside a topic's history, and read at GET /api/v1/bars, as
feeder/FEEDS.md, section 6, and gateway/PROTOCOL.md, section 8, say."""

import contextlib
import json
import re
import signal
import socket

import pytest

from support import http
from support.listener import Listener
from support.resp import RespError
from support.wait import until


@pytest.fixture
def loaded_redis(own_redis, library):
    own_redis.call("FUNCTION", "LOAD", "REPLACE", library)
    return own_redis


def kept(redis, topic):
    return [fields[1] for _, fields in redis.call("XRANGE", f"history:{{{topic}}}:bars", "-", "+")]


# What is kept.


def test_as_many_closed_bars_are_kept_as_was_said(loaded_redis):
    for n in range(500):
        payload = '{"n":%d,"closed":true}' % n
        loaded_redis.call("FCALL", "chrono_publish", 1, "stock.W.1m", payload, 10, 100)
    some = kept(loaded_redis, "stock.W.1m")
    assert 100 <= len(some) <= 200 and some[-1] == b'{"n":499,"closed":true}'


@pytest.mark.parametrize(
    "payload, is_closed",
    [
        ('{"closed":true}', True),
        ('{"closed" :\n true,"n":1}', True),
        ('{"x":"closed","closed":true}', True),
        ('{"closed":false,"bar":{"closed":true}}', True),
        ('{"disclosed":true}', False),
        ('{"closed":[true]}', False),
        ('{"closed":false}', False),
        ('{"closed":"true"}', False),
        ('{"x":"\\"closed\\":true"}', False),
        ('{"n":1}', False),
    ],
)
def test_a_bar_is_closed_when_its_message_says_so(loaded_redis, payload, is_closed):
    loaded_redis.call("FCALL", "chrono_publish", 1, "stock.W.1m", payload)
    assert kept(loaded_redis, "stock.W.1m") == ([payload.encode()] if is_closed else [])


def test_what_is_wrong_with_the_key_of_bars_holds_no_message_up(loaded_redis):
    loaded_redis.call("SET", "history:{stock.W.1m}:bars", "no stream")
    with Listener(loaded_redis) as listener:
        loaded_redis.call("FCALL", "chrono_publish", 1, "stock.W.1m", '{"closed":true}')
        listener.wait_for(1)
    assert loaded_redis.call("XLEN", "history:{stock.W.1m}") == 1
    assert loaded_redis.call("TTL", "history:{stock.W.1m}:bars") == -1, "it is not ours to end"


@pytest.mark.parametrize("bars", ["-1", "10001", "x", "", "1.5", "00", "0x10"])
def test_a_bars_length_that_is_none_is_refused(loaded_redis, bars):
    with pytest.raises(RespError, match="bars length"):
        loaded_redis.call("FCALL", "chrono_publish", 1, "stock.W.1m", "{}", 1, bars)
    assert loaded_redis.call("EXISTS", "history:{stock.W.1m}") == 0


# What is read.

PATH = "/api/v1/bars"
TOPIC = "stock.600519.SH.1d"


def ask(port, query, method="GET", **headers):
    return http.ask(port, PATH + query, method, **headers)


def close_bars(redis, count, topic=TOPIC, fill=""):
    texts = ['{"n": %d,"fill":"%s","closed":true}' % (n, fill) for n in range(count)]
    for text in texts:
        redis.client.send("XADD", f"history:{{{topic}}}:bars", "*", "d", text)
    for _ in texts:
        redis.client.read()
    return texts


def test_closed_bars_are_read_as_they_were_published_the_oldest_first(
    start_patient_gateway, loaded_redis
):
    gateway = start_patient_gateway(redis=loaded_redis, console="127.0.0.1:0")
    texts = ['{"start":"2025-09-%02d", "closed":true}' % day for day in range(1, 30)]
    for text in texts:
        loaded_redis.call("FCALL", "chrono_publish", 1, TOPIC, text)
        loaded_redis.call("FCALL", "chrono_publish", 1, TOPIC, '{"closed":false}')
    expected = '{"topic":"%s","bars":[%s]}'
    for port in (gateway.api_port, gateway.console_port):
        answer = ask(port, f"?topic={TOPIC}")
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["cache-control"] == "max-age=1"
        assert answer.body.decode() == expected % (TOPIC, ",".join(texts))
    answer = ask(gateway.api_port, f"?topic={TOPIC}&limit=2")
    assert answer.body.decode() == expected % (TOPIC, ",".join(texts[-2:]))
    head = ask(gateway.api_port, f"?topic={TOPIC}", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert gateway.metrics()["chronogate_bar_pages_total"] == 4


def test_many_bars_come_in_one_answer_and_no_more_than_were_asked_for(
    start_patient_gateway, own_redis
):
    texts = close_bars(own_redis, 1500)
    gateway = start_patient_gateway(redis=own_redis)
    assert len(ask(gateway.api_port, f"?topic={TOPIC}").json()["bars"]) == 300
    bars = ask(gateway.api_port, f"?topic={TOPIC}&limit=1000").json()["bars"]
    assert bars == [json.loads(text) for text in texts[-1000:]]


def test_of_long_bars_only_the_newest_half_mebibyte_comes(start_patient_gateway, own_redis):
    close_bars(own_redis, 40, fill="x" * 50_000)
    gateway = start_patient_gateway(redis=own_redis)
    bars = ask(gateway.api_port, f"?topic={TOPIC}").json()["bars"]
    assert [bar["n"] for bar in bars] == list(range(40 - len(bars), 40))
    assert 10 <= len(bars) <= 11


def test_what_no_client_may_see_is_left_out(start_patient_gateway, own_redis):
    key = f"history:{{{TOPIC}}}:bars"
    for text in ('{"n":1}', '{"n":', "@1-0 0-0 {}", "[]", '{"n":2}'):
        own_redis.call("XADD", key, "*", "d", text)
    own_redis.call("XADD", key, "*", "other", "{}")
    gateway = start_patient_gateway(redis=own_redis)
    assert ask(gateway.api_port, f"?topic={TOPIC}").json()["bars"] == [{"n": 1}, {"n": 2}]
    assert gateway.metrics()["chronogate_payloads_rejected_total"] == 4


def test_a_topic_without_closed_bars_has_an_empty_list(start_patient_gateway, own_redis):
    gateway = start_patient_gateway(redis=own_redis)
    assert ask(gateway.api_port, "?topic=market.US.summary").json() == {
        "topic": "market.US.summary",
        "bars": [],
    }


def test_a_channel_prefix_is_part_of_the_key(start_patient_gateway, own_redis):
    close_bars(own_redis, 2, topic="eu:" + TOPIC)
    gateway = start_patient_gateway(redis=own_redis, channel_prefix="eu:")
    answer = ask(gateway.api_port, f"?topic={TOPIC}").json()
    assert answer["topic"] == TOPIC and len(answer["bars"]) == 2


@pytest.mark.parametrize("query", ["", "?topic=stock.A", f"?topic={TOPIC}&limit=1001"])
def test_a_bad_question_is_refused(gateway, query):
    answer = ask(gateway.api_port, query)
    assert (answer.status, answer.json()["error_code"]) == (400, "invalid_parameter")


def test_other_methods_and_origins_are_refused(start_patient_gateway, redis):
    gateway = start_patient_gateway(redis=redis, allowed_origins="https://a.example")
    answer = ask(gateway.api_port, f"?topic={TOPIC}", method="POST")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    answer = ask(gateway.api_port, f"?topic={TOPIC}", origin="https://b.example")
    assert answer.status == 403 and "access-control-allow-origin" not in answer.headers
    answer = ask(gateway.api_port, f"?topic={TOPIC}", origin="https://a.example")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://a.example"


# What goes wrong.


def test_while_redis_is_away_nobody_waits(start_patient_gateway, own_redis):
    gateway = start_patient_gateway(redis=own_redis)
    own_redis.stop()
    until(lambda: gateway.metrics()["chronogate_redis_connected"] == 0, what="it is noticed")
    answer = ask(gateway.api_port, f"?topic={TOPIC}")
    assert (answer.status, answer.json()["error_code"]) == (503, "not_ready")
    assert "retry-after" in answer.headers


def test_an_answer_that_is_lost_is_told(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis, redis_command_timeout_ms=500)
    own_redis.pause()
    try:
        answer = ask(gateway.api_port, f"?topic={TOPIC}")
    finally:
        own_redis.resume()
    assert (answer.status, answer.json()["error_code"]) == (503, "not_ready")


def test_who_has_waited_too_long_is_told(start_patient_gateway, own_redis):
    gateway = start_patient_gateway(redis=own_redis)
    own_redis.pause()
    request = f"GET {PATH}?topic={TOPIC} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    try:
        with http.connect(gateway.api_port, timeout=20) as sock:
            sock.sendall(request)
            answer = http.read_response(sock)
    finally:
        own_redis.resume()
    assert (answer.status, answer.json()["error_code"]) == (504, "too_slow")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert ask(gateway.api_port, f"?topic={TOPIC}").json()["bars"] == []


def test_who_has_asked_is_answered_before_the_gateway_stops(start_patient_gateway, own_redis):
    close_bars(own_redis, 10)
    gateway = start_patient_gateway(redis=own_redis, drain_delay_ms=0, drain_spread_ms=0)
    own_redis.pause()
    try:
        with http.connect(gateway.api_port) as sock:
            sock.sendall(f"GET {PATH}?topic={TOPIC} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert ask(gateway.api_port, "").status == 400  # so the question has come
            gateway.process.expected_to_end = True
            gateway.process.send_signal(signal.SIGTERM)
            until(lambda: "sending clients away" in gateway.log.text(), what="it stops")
            own_redis.resume()
            assert len(http.read_response(sock).json()["bars"]) == 10
    finally:
        own_redis.resume()
    assert gateway.process.wait(10) == 0


def test_who_leaves_before_the_answer_hurts_nobody(start_patient_gateway, own_redis):
    close_bars(own_redis, 10)
    gateway = start_patient_gateway(redis=own_redis)
    before = gateway.process.descriptors()
    own_redis.pause()
    request = f"GET {PATH}?topic={TOPIC} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    for _ in range(30):
        with http.connect(gateway.api_port) as sock:
            sock.sendall(request)
    own_redis.resume()
    assert len(ask(gateway.api_port, f"?topic={TOPIC}").json()["bars"]) == 10
    until(lambda: gateway.process.descriptors() <= before, what="the descriptors are back")


def test_who_has_said_all_still_gets_the_answer(start_patient_gateway, own_redis):
    close_bars(own_redis, 10)
    gateway = start_patient_gateway(redis=own_redis)
    own_redis.pause()
    with http.connect(gateway.api_port) as sock:
        sock.sendall(f"GET {PATH}?topic={TOPIC} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        sock.shutdown(socket.SHUT_WR)
        own_redis.resume()
        assert len(http.read_response(sock, "GET").json()["bars"]) == 10


def test_those_who_wait_are_pushed_out_by_newcomers_and_forgotten(
    start_patient_gateway, own_redis
):
    gateway = start_patient_gateway(redis=own_redis)
    own_redis.pause()
    request = f"GET {PATH}?topic={TOPIC} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    try:
        with contextlib.ExitStack() as stack:
            waiting = [stack.enter_context(http.connect(gateway.api_port)) for _ in range(40)]
            for sock in waiting:
                sock.sendall(request)
            for _ in range(300):
                stack.enter_context(http.connect(gateway.api_port))
            assert all(sock.recv(1) == b"" for sock in waiting)
    finally:
        own_redis.resume()
    assert ask(gateway.api_port, f"?topic={TOPIC}").json()["bars"] == []


def test_more_questions_than_the_rate_are_told_to_come_again(start_patient_gateway, own_redis):
    gateway = start_patient_gateway(redis=own_redis, bars_rate=5)
    answers = [ask(gateway.api_port, f"?topic={TOPIC}") for _ in range(30)]
    refused = [one for one in answers if one.status == 503]
    assert 10 <= len(refused) <= 20
    assert refused[0].json()["error_code"] == "busy" and refused[0].headers["retry-after"] == "1"
    assert gateway.metrics()["chronogate_bar_pages_refused_total"] == len(refused)
    until(lambda: ask(gateway.api_port, f"?topic={TOPIC}").status == 200, what="it may again")


def test_a_key_that_is_no_stream_is_told_and_logged_once(start_patient_gateway, own_redis):
    own_redis.call("SET", f"history:{{{TOPIC}}}:bars", "no stream")
    gateway = start_patient_gateway(redis=own_redis)
    for _ in range(3):
        answer = ask(gateway.api_port, f"?topic={TOPIC}")
        assert (answer.status, answer.json()["error_code"]) == (503, "not_ready")
    assert len(re.findall("closed bars can't be read.*WRONGTYPE", gateway.log.text())) == 1

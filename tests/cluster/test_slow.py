# SPDX-License-Identifier: MIT
"""Clients that are slower than their topics: conflation, delivery=all, the budget for all."""

import time

import pytest

from support.wait import until

TOPICS = ["stock.A.1m", "crypto.B.5m", "futures.C.1h"]
FILL = "x" * 400


def publish(redis, topic, n):
    redis.publish(topic, '{"n":%d,"fill":"%s"}' % (n, FILL))


def slow(gateway, how=""):
    return gateway.wire("slow" + how, receive_buffer=4096)


def test_a_stalled_client_gets_the_newest_of_each_topic_and_an_exact_count(start_gateway, redis):
    gateway = start_gateway(socket_buffer_bytes=8192, backlog_soft_bytes=16384)
    last, sent = 1999, 2000 * len(TOPICS)
    with gateway.wire() as lively, slow(gateway) as stalled:
        for topic in TOPICS:
            stalled.subscribe(topic)
        lively.subscribe(TOPICS[0])
        for n in range(last + 1):
            for topic in TOPICS:
                publish(redis, topic, n)
            assert lively.read_json()["data"]["n"] == n
        metrics = gateway.metrics()
        assert metrics["chronogate_queue_bytes"] < 20000
        assert metrics["chronogate_messages_conflated_total"] > sent / 2

        stalled.say({"type": "ping", "request_id": "behind the backlog"})
        newest, received, dropped, pong = {}, 0, 0, False
        while dropped == 0 or received + dropped < sent:
            message = stalled.read_json()
            if message["type"] == "data":
                assert message["data"]["n"] > newest.get(message["topic"], -1)
                newest[message["topic"]] = message["data"]["n"]
                received += 1
            elif message["type"] == "conflated":
                assert list(message) == ["type", "dropped", "timestamp"]
                dropped += message["dropped"]
            else:
                assert message["type"] == "pong"
                pong = True
        assert received + dropped == sent
        assert newest == {topic: last for topic in TOPICS}
        assert pong

        publish(redis, TOPICS[0], last + 1)  # it has caught up: all is as before
        assert stalled.read_json()["data"]["n"] == last + 1
        assert lively.read_json()["data"]["n"] == last + 1


def test_a_client_that_wants_all_gets_all_while_it_is_within_the_hard_limit(start_gateway, redis):
    gateway = start_gateway(
        socket_buffer_bytes=8192, backlog_soft_bytes=1024, backlog_hard_bytes="16m"
    )
    with slow(gateway, "?delivery=all") as wire:
        wire.subscribe(TOPICS[0])
        for n in range(3000):
            publish(redis, TOPICS[0], n)
        for n in range(3000):
            assert wire.read_json()["data"]["n"] == n
    assert gateway.metrics()["chronogate_messages_conflated_total"] == 0


def test_beyond_the_budget_the_clients_with_the_most_waiting_go_first(start_gateway, redis):
    gateway = start_gateway(
        socket_buffer_bytes=8192,
        backlog_hard_bytes="16m",
        backlog_total_bytes="1m",
        close_timeout_ms=300,
    )
    with slow(gateway, "?delivery=all") as worst, slow(gateway, "?delivery=all") as other:
        worst.subscribe(TOPICS[0])
        other.subscribe(TOPICS[1])

        def over_budget():
            for n in range(100):
                publish(redis, TOPICS[0], n)
            for n in range(10):
                publish(redis, TOPICS[1], n)
            return gateway.metrics().by("chronogate_closes_total", "reason")["over_budget"]

        assert until(over_budget, what="the budget is spent") == 1
        assert gateway.metrics()["chronogate_queue_bytes"] < 1 << 20
        gateway.wait_metric("chronogate_connections", 1)
        assert other.read_json()["data"]["n"] == 0


def test_a_reader_that_keeps_up_behind_a_backlog_is_not_taken_for_stuck(start_gateway, redis):
    gateway = start_gateway(
        socket_buffer_bytes=8192, backlog_hard_bytes="16m", backlog_age_ms=1000
    )
    with slow(gateway, "?delivery=all") as wire:
        wire.subscribe(TOPICS[0])
        behind = 2000
        for n in range(behind):
            publish(redis, TOPICS[0], n)
        expected, end = 0, time.monotonic() + 3
        while time.monotonic() < end:  # as much as is published is read, never more
            for _ in range(20):
                publish(redis, TOPICS[0], behind + expected)
                assert wire.read_json()["data"]["n"] == expected
                expected += 1
            time.sleep(0.02)
        assert gateway.metrics()["chronogate_connections"] == 1


def test_a_flush_interval_makes_fewer_and_larger_writes(start_gateway, redis):
    gateway = start_gateway(flush_interval_ms=100)
    with gateway.wire() as wire:
        wire.subscribe(TOPICS[0])
        before = gateway.metrics()
        for n in range(100):
            publish(redis, TOPICS[0], n)
            time.sleep(0.005)
        for n in range(100):
            assert wire.read_json()["data"]["n"] == n
        after = gateway.metrics()
    assert after["chronogate_messages_sent_total"] - before["chronogate_messages_sent_total"] == 100
    assert after["chronogate_writes_total"] - before["chronogate_writes_total"] <= 20


@pytest.mark.parametrize("rest", ["true", "false"])
def test_everything_arrives_in_order_whether_writes_are_rested_or_not(start_gateway, redis, rest):
    gateway = start_gateway(flush_rest=rest)
    wires = [gateway.wire(f"w{n}?delivery=all") for n in range(100)]
    try:
        for wire in wires:
            wire.subscribe(TOPICS[0])
        for n in range(200):
            publish(redis, TOPICS[0], n)
        for wire in wires:
            for n in range(200):
                assert wire.read_json()["data"]["n"] == n
    finally:
        for wire in wires:
            wire.sock.close()

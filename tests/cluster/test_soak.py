# SPDX-License-Identifier: MIT
"""Churn: clients that connect, subscribe, read a little or nothing, and vanish. What a
gateway holds for them must go with them.

    tests/soak.sh            ten minutes, with the release build and with the sanitizers
    SOAK_SECONDS=60 …        the same for another time
"""

import os
import random
import threading
import time

SECONDS = float(os.environ.get("SOAK_SECONDS", 6))
CROWD = 20  # come and go together
GROWTH_MAX = 64 << 10  # bytes, from a quarter of the time to its end
TOPICS = [f"stock.S{n}.1m" for n in range(200)]
FILL = "x" * 200


def part(wire):
    """One of the ways in which clients leave."""
    how = random.randrange(4)
    if how == 0:
        wire.vanish()
    elif how == 1:
        wire.send(0x8, b"\x03\xe8")  # a close frame, and no wait for the answer
        wire.sock.close()
    elif how == 2:
        wire.send(0x1, b"half a frame", length=100)
        wire.sock.close()
    else:
        wire.sock.close()


def crowd(gateway):
    wires = [gateway.wire(f"soak{n}") for n in range(CROWD)]
    for wire in wires:
        wire.say({"type": "subscribe", "topics": random.sample(TOPICS, 5)})
    for wire in random.sample(wires, CROWD // 2):
        assert wire.read_json()["type"] == "subscribe_ack"
    time.sleep(random.random() * 0.1)
    for wire in wires:
        part(wire)


def publish_until(stop, redis_client):
    n = 0
    while not stop.wait(0.002):
        redis_client.call("PUBLISH", random.choice(TOPICS), '{"n":%d,"fill":"%s"}' % (n, FILL))
        n += 1


def test_clients_that_come_and_vanish_leave_nothing_behind(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis)
    process = gateway.process
    is_sanitized = b"__asan_init" in open(f"/proc/{process.pid}/exe", "rb").read()
    idle_descriptors = process.descriptors()
    stop = threading.Event()
    publisher = threading.Thread(target=publish_until, args=(stop, own_redis.client))
    publisher.start()
    try:
        began = time.monotonic()
        samples, gone = [], 0
        while time.monotonic() - began < SECONDS:
            crowd(gateway)
            gone += CROWD
            if time.monotonic() - began > (len(samples) + 1) * SECONDS / 20:
                samples.append(process.private_bytes())
                print(f"{time.monotonic() - began:6.0f} s {gone:7} clients {samples[-1] >> 10} KB")
    finally:
        stop.set()
        publisher.join()
    gateway.wait_metric("chronogate_connections", 0)
    metrics = gateway.metrics()
    assert metrics["chronogate_connections_total"] == gone
    assert metrics["chronogate_topics"] == metrics["chronogate_subscriptions"] == 0
    assert metrics["chronogate_queue_bytes"] == 0
    assert process.descriptors() <= idle_descriptors + 1
    if not is_sanitized and SECONDS >= 60:
        assert max(samples[-3:]) - max(samples[4:8]) <= GROWTH_MAX

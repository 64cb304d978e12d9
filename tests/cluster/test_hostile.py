# SPDX-License-Identifier: MIT
"""Clients that mean harm or are broken: each one costs itself its connection and nobody else
anything, neither time nor memory nor descriptors."""

import asyncio
import random
import socket
import time

import pytest

from support import http
from support.resp import Resp
from support.wait import until
from support.wire import CLOSE, CONTINUATION, PING, PONG, TEXT, Wire, frame

BIG = '{"x":"' + "x" * 8000 + '"}'


def check_served(gateway):
    with gateway.wire() as wire:
        wire.say({"type": "ping"})
        assert wire.read_json()["type"] == "pong"


def stall(gateway, redis, topic):
    """Publishes to a client that does not read, until the kernel takes no more for it."""

    def backlog():
        for _ in range(16):
            redis.publish(topic, BIG)
        return gateway.metrics()["chronogate_queue_bytes"] > 500_000

    until(backlog, what="the client's backlog grows")


# Garbage.


@pytest.mark.parametrize("seed", range(3))
def test_garbage_instead_of_a_handshake_hurts_nobody(gateway, seed):
    noise = random.Random(seed)
    socks = [http.connect(gateway.api_port) for _ in range(20)]
    for sock in socks:
        try:
            sock.sendall(noise.randbytes(noise.randrange(1, 9000)))
        except (BrokenPipeError, ConnectionResetError):
            pass
    check_served(gateway)
    for sock in socks:
        sock.close()
    gateway.wait_metric("chronogate_connections", 0)


@pytest.mark.parametrize("seed", range(3))
def test_garbage_after_the_handshake_hurts_nobody(gateway, seed):
    noise = random.Random(seed)
    wires = [gateway.wire() for _ in range(20)]
    for wire in wires:
        try:
            for _ in range(5):
                wire.sock.sendall(noise.randbytes(noise.randrange(1, 2000)))
        except (BrokenPipeError, ConnectionResetError):
            pass
    check_served(gateway)
    for wire in wires:
        wire.sock.close()
    gateway.wait_metric("chronogate_connections", 0)


@pytest.mark.parametrize("seed", range(3))
def test_well_formed_frames_in_senseless_order_hurt_nobody(gateway, seed):
    noise = random.Random(seed)
    words = [b'{"type":"ping"}', b'{"type":"subscribe","topic":"stock.A.1m"}', b"{", b"", b"\xff"]
    words += [b'{"type":"unsubscribe","topic":"stock.A.1m"}', b"x" * 300, b'{"type":"subscribe"']
    for _ in range(20):
        with gateway.wire() as wire:
            try:
                for _ in range(noise.randrange(1, 12)):
                    opcode = noise.choice([TEXT, TEXT, CONTINUATION, PING, PONG, CLOSE])
                    wire.send(opcode, noise.choice(words), fin=noise.random() < 0.7)
            except (BrokenPipeError, ConnectionResetError):
                pass
    check_served(gateway)
    gateway.wait_metric("chronogate_connections", 0)


def test_tls_on_the_plain_port_hurts_nobody(start_gateway):
    gateway = start_gateway(handshake_timeout_ms=1000)
    hello = bytes.fromhex("16030100c5010000c10303") + bytes(range(186))
    with http.connect(gateway.api_port) as sock:
        sock.sendall(hello)
        try:
            while sock.recv(65536):
                pass
        except ConnectionResetError:
            pass
        except TimeoutError:
            pytest.fail("still open")
    check_served(gateway)


@pytest.mark.parametrize("bracket", ["[", "{", '{"a":', "[[[[{"])
def test_endless_nesting_is_an_invalid_message(gateway, bracket):
    with gateway.wire() as wire:
        wire.say((bracket * 65000)[:65000])
        assert wire.read_json()["error_code"] == "invalid_message"
        wire.say('{"type":"ping","x":' + (bracket * 65000)[:65000])
        assert wire.read_json()["error_code"] == "invalid_message"


# Slowness.


def test_clients_that_do_nothing_cost_nothing(start_gateway):
    gateway = start_gateway()
    wires = [gateway.wire(f"idle{n}") for n in range(100)]
    for wire in wires:
        wire.subscribe("stock.IDLE.1m")
    before = gateway.process.cpu_seconds()
    time.sleep(1)
    assert gateway.process.cpu_seconds() - before < 0.1
    for wire in wires:
        wire.sock.close()
    gateway.wait_metric("chronogate_connections", 0)


def test_a_handshake_that_takes_too_long_is_closed(start_gateway):
    gateway = start_gateway(handshake_timeout_ms=1000)
    begin = time.monotonic()
    with gateway.wire() as settled:
        silent = http.connect(gateway.api_port)
        partial = http.connect(gateway.api_port)
        partial.sendall(http.upgrade_request()[:-2])
        dripping = http.connect(gateway.api_port)
        dripping.sendall(b"GET /api/v1/ws/a HTTP/1.1\r\nX-Slow: ")
        left = {"silent": silent, "partial": partial, "dripping": dripping}
        ended = {}
        while left:
            assert time.monotonic() - begin < 8, f"still open: {list(left)}"
            time.sleep(0.05)
            for name, sock in list(left.items()):
                try:
                    if name == "dripping":
                        sock.send(b"x")
                    sock.settimeout(0.01)
                    answer = sock.recv(4096)
                    assert not answer or answer.startswith(b"HTTP/1.1 408 ")
                    if not answer:
                        raise ConnectionResetError
                except TimeoutError:
                    continue
                except (BrokenPipeError, ConnectionResetError):
                    ended[name] = time.monotonic() - begin
                    left.pop(name).close()
        assert all(0.8 < seconds < 5 for seconds in ended.values()), ended
        settled.say({"type": "ping"})
        assert settled.read_json()["type"] == "pong"


def test_a_stalled_admin_client_stops_nobody(gateway):
    with http.connect(gateway.admin_port) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost")
        assert gateway.admin("/metrics").status == 200
        check_served(gateway)


def test_a_client_that_answers_no_ping_is_dropped(start_gateway):
    gateway = start_gateway(ping_interval_ms=300, pong_timeout_ms=300)
    begin = time.monotonic()
    with gateway.wire("dead") as dead, gateway.wire("alive") as alive:
        while time.monotonic() - begin < 2:
            got = alive.read_frame()
            assert got is not None and got.opcode == PING, got
            alive.send(PONG, got.payload)
        assert dead.read_frame().opcode == PING
        dead.read_end()
        assert gateway.metrics()["chronogate_connections"] == 1


def test_requests_do_not_stand_in_for_pongs(start_gateway):
    gateway = start_gateway(ping_interval_ms=300, pong_timeout_ms=300)
    with gateway.wire() as wire:
        begin = time.monotonic()
        while time.monotonic() - begin < 8:
            try:
                wire.say({"type": "ping"})
                got = wire.read_frame()
            except (BrokenPipeError, ConnectionResetError):
                return
            if got is None:
                return
            time.sleep(0.05)
        pytest.fail("it was never dropped")


def test_a_half_closed_client_that_does_not_read_costs_no_cpu_and_is_dropped(
    start_gateway, redis
):
    gateway = start_gateway(backlog_hard_bytes=16 << 20, backlog_age_ms=3000)
    with gateway.wire() as other, gateway.wire("slow?delivery=all", receive_buffer=4096) as wire:
        other.subscribe("stock.OTHER.1m")
        wire.subscribe("stock.HALF.1m")
        stall(gateway, redis, "stock.HALF.1m")
        wire.sock.shutdown(socket.SHUT_WR)
        begin, before = time.monotonic(), gateway.process.cpu_seconds()
        for n in range(15):
            redis.publish("stock.HALF.1m", BIG)
            redis.publish("stock.OTHER.1m", '{"n":%d}' % n)
            assert other.read_json()["data"] == {"n": n}
            time.sleep(0.1)
        used = gateway.process.cpu_seconds() - before
        assert used < 0.4 * (time.monotonic() - begin), f"{used} s of CPU"
        gateway.wait_metric("chronogate_connections", 1)
        assert time.monotonic() - begin < 8


def test_a_half_closed_client_that_reads_costs_no_cpu(start_gateway, redis):
    gateway = start_gateway()
    with gateway.wire() as wire:
        wire.subscribe("stock.HALF.1m")
        wire.sock.shutdown(socket.SHUT_WR)
        before = gateway.process.cpu_seconds()
        for _ in range(10):
            redis.publish("stock.HALF.1m", '{"n":1}')
            time.sleep(0.1)
        assert gateway.process.cpu_seconds() - before < 0.4
        wire.read_end()


def test_a_stalled_reader_is_dropped_at_the_hard_limit_and_the_others_flow_on(
    start_gateway, redis
):
    gateway = start_gateway(backlog_hard_bytes=256 << 10, close_timeout_ms=300)
    with gateway.wire() as reader, gateway.wire("slow?delivery=all", receive_buffer=4096) as stalled:
        reader.subscribe("stock.FLOW.1m")
        stalled.subscribe("stock.FLOW.1m")
        begin, n = time.monotonic(), 0
        while gateway.metrics()["chronogate_connections"] == 2:
            assert time.monotonic() - begin < 10, "it is still connected"
            for _ in range(20):
                redis.publish("stock.FLOW.1m", '{"n":%d,%s' % (n, BIG[1:]))
                assert reader.read_json()["data"]["n"] == n
                n += 1
            assert gateway.metrics()["chronogate_queue_bytes"] < 512 << 10
        assert gateway.metrics()["chronogate_queue_bytes"] == 0
        check_dropped(stalled)
        reader.say({"type": "ping"})
        assert reader.read_json()["type"] == "pong"


def check_dropped(wire):
    """The connection ends, with 4008 where a close frame still got through."""
    try:
        code = wire.read_close()
    except (ConnectionResetError, AssertionError):
        return
    assert code == 4008


def test_a_reader_without_progress_is_dropped_at_the_maximum_age(start_gateway, redis):
    gateway = start_gateway(backlog_hard_bytes=16 << 20, backlog_age_ms=700, close_timeout_ms=300)
    with gateway.wire() as reader, gateway.wire("slow?delivery=all", receive_buffer=4096) as stalled:
        stalled.subscribe("stock.AGE.1m")
        stall(gateway, redis, "stock.AGE.1m")
        gateway.wait_metric("chronogate_connections", 1)
        check_dropped(stalled)
        reader.say({"type": "ping"})
        assert reader.read_json()["type"] == "pong"


def test_a_reader_that_pauses_shortly_loses_nothing(start_gateway, redis):
    gateway = start_gateway(backlog_hard_bytes=16 << 20)
    with gateway.wire("slow?delivery=all", receive_buffer=4096) as wire:
        wire.subscribe("stock.PAUSE.1m")
        for n in range(500):
            redis.publish("stock.PAUSE.1m", '{"n":%d,%s' % (n, BIG[1:]))
        assert [wire.read_json()["data"]["n"] for _ in range(500)] == list(range(500))
        gateway.wait_metric("chronogate_queue_bytes", 0)


async def test_a_burst_below_the_hard_limit_drops_nobody(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis, backlog_hard_bytes="4m")
    count = 300  # 2.4 MB, in one go

    def burst():
        publisher = Resp(own_redis.port)
        for n in range(count):
            publisher.send("PUBLISH", "stock.BURST.1m", '{"n":%d,%s' % (n, BIG[1:]))
        for _ in range(count):
            publisher.read()
        publisher.close()

    async with gateway.client("a?delivery=all") as one, gateway.client("b?delivery=all") as other:
        await one.subscribe("stock.BURST.1m")
        await other.subscribe("stock.BURST.1m")

        async def read_all(client):
            return [(await client.hear())["data"]["n"] for _ in range(count)]

        got = await asyncio.gather(read_all(one), read_all(other), asyncio.to_thread(burst))
        assert got[0] == got[1] == list(range(count))


# Floods.


def send_all(wire, frames):
    """Without ever reading. True if the gateway put up with all of it."""
    try:
        for data in frames:
            wire.sock.sendall(data)
    except (BrokenPipeError, ConnectionResetError, TimeoutError):
        return False
    return True


def test_a_flood_of_requests_without_reading_ends(gateway):
    with gateway.wire() as other, gateway.wire() as wire:
        send_all(wire, [frame(TEXT, b'{"type":"ping"}') * 100] * 200)
        try:
            code = wire.read_close()
            assert code == 4029
        except ConnectionResetError:
            pass  # what we sent after its close was never read
        other.say({"type": "ping"})
        assert other.read_json()["type"] == "pong"
    gateway.wait_metric("chronogate_connections", 0)


def test_a_flood_of_websocket_pings_stops_nobody(gateway):
    with gateway.wire() as other, gateway.wire("slow?delivery=all", receive_buffer=4096) as wire:
        wire.sock.settimeout(2)
        send_all(wire, [frame(PING, b"x" * 125) * 100] * 100)
        other.say({"type": "ping"})
        assert other.read_json()["type"] == "pong"
        assert gateway.metrics()["chronogate_queue_bytes"] < 4 << 20


def test_a_flood_of_tiny_fragments_stops_nobody(gateway):
    with gateway.wire() as other, gateway.wire() as wire:
        wire.sock.settimeout(2)
        first = frame(TEXT, b"{", fin=False)
        send_all(wire, [first] + [frame(CONTINUATION, b"", fin=False) * 500] * 40)
        other.say({"type": "ping"})
        assert other.read_json()["type"] == "pong"


# Vanishing.


def vanish_often(gateway, redis, count):
    """Clients that break off at every stage there is."""
    for n in range(count):
        stage = n % 6
        if stage < 2:
            sock = http.connect(gateway.api_port)
            if stage == 1:
                sock.sendall(http.upgrade_request()[: 40 + n % 90])
            sock.close()
            continue
        wire = gateway.wire(f"vanishing{n}")
        if stage == 3:
            wire.say({"type": "subscribe", "topics": ["stock.GONE.1m", f"stock.GONE{n}.1m"]})
        if stage == 4:
            wire.subscribe("stock.GONE.1m")
            redis.publish("stock.GONE.1m", BIG)
        if stage == 5:
            wire.sock.sendall(frame(TEXT, b"{" * 100)[:50])
            if n % 2:
                wire.send(CLOSE, b"")
        wire.vanish()


def test_clients_that_vanish_leave_nothing_behind(start_gateway, redis):
    gateway = start_gateway()
    vanish_often(gateway, redis, 300)
    gateway.wait_metric("chronogate_connections", 0)
    descriptors, memory = gateway.process.descriptors(), gateway.process.resident_bytes()
    vanish_often(gateway, redis, 1800)
    gateway.wait_metric("chronogate_connections", 0)
    assert gateway.metrics()["chronogate_subscriptions"] == 0
    until(lambda: gateway.process.descriptors() <= descriptors, what="descriptors are closed")
    until(
        lambda: gateway.process.resident_bytes() < memory + (8 << 20),
        what=f"memory is back from {memory}",
    )
    gateway.wait_metric("chronogate_topics", 0)
    check_served(gateway)


def test_many_connections_at_once_are_held_and_let_go(start_gateway, redis):
    gateway = start_gateway()
    descriptors = gateway.process.descriptors()
    wires = [Wire(gateway.api_port, f"crowd{n}") for n in range(400)]
    for wire in wires:
        wire.subscribe("stock.CROWD.1m")
    redis.publish("stock.CROWD.1m", '{"n":1}')
    for wire in wires:
        assert wire.read_json()["data"] == {"n": 1}
    assert gateway.metrics()["chronogate_connections"] == 400
    for wire in wires:
        wire.vanish()
    gateway.wait_metric("chronogate_connections", 0)
    until(lambda: gateway.process.descriptors() <= descriptors, what="descriptors are closed")

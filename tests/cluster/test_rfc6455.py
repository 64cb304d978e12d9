# SPDX-License-Identifier: MIT
"""RFC 6455 as clients rely on it, on plain sockets: what is right is understood however it is
cut up, and what is wrong is closed with the code that says so."""

import json
import socket
import struct
import time

import pytest

from support import http
from support.gateway import gateway_factory
from support.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

PING_MESSAGE = b'{"type":"ping"}'


@pytest.fixture(scope="module")
def gateway(supervisor, chronogate, redis):
    """One that does not wait long for the close frames our broken clients never send."""
    for start in gateway_factory(supervisor, chronogate, redis):
        yield start(close_timeout_ms=100)


def named_ping(text):
    """A ping whose pong shows that every byte of the text arrived."""
    return json.dumps({"type": "ping", "request_id": text}, ensure_ascii=False).encode()


def check_closed(wire, code):
    assert wire.read_close() == code
    wire.read_end()


def check_pong(wire, request_id=None):
    answer = wire.read_json()
    assert (answer["type"], answer.get("request_id")) == ("pong", request_id), answer


# Messages, however they are cut up.


@pytest.mark.parametrize("cuts", [1, 2, 3, 10])
def test_a_fragmented_message_is_put_together(gateway, cuts):
    message = named_ping("中文 ✓")  # cut within characters, too
    step = -(-len(message) // cuts)
    pieces = [message[i : i + step] for i in range(0, len(message), step)]
    with gateway.wire() as wire:
        for n, piece in enumerate(pieces):
            opcode = CONTINUATION if n else TEXT
            wire.send(opcode, piece, fin=n == len(pieces) - 1)
        check_pong(wire, "中文 ✓")


def test_every_byte_may_be_a_fragment_and_some_may_be_empty(gateway):
    message = named_ping("bytes")
    with gateway.wire() as wire:
        wire.send(TEXT, b"", fin=False)
        for n in range(len(message)):
            wire.send(CONTINUATION, message[n : n + 1], fin=False)
            wire.send(CONTINUATION, b"", fin=False)
        wire.send(CONTINUATION, b"")
        check_pong(wire, "bytes")


def test_pings_are_answered_between_fragments(gateway):
    with gateway.wire() as wire:
        wire.send(TEXT, PING_MESSAGE[:5], fin=False)
        wire.send(PING, b"first")
        got = wire.read_frame()
        assert (got.opcode, got.payload) == (PONG, b"first")
        wire.send(CONTINUATION, PING_MESSAGE[5:9], fin=False)
        wire.send(PONG, b"unasked")
        wire.send(PING, b"second")
        got = wire.read_frame()
        assert (got.opcode, got.payload) == (PONG, b"second")
        wire.send(CONTINUATION, PING_MESSAGE[9:])
        check_pong(wire)


def test_frames_may_come_byte_by_byte(gateway):
    stream = frame(TEXT, PING_MESSAGE) + frame(PING, b"p") + frame(TEXT, named_ping("x" * 60))
    stream += frame(TEXT, b'{"type":"ping","x":"' + b"x" * 200 + b'"}')  # a two-byte length
    with gateway.wire() as wire:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in stream:
            wire.sock.send(bytes([byte]))
        got = []
        while len(got) < 4:
            got.append(wire.read_frame())
        assert sorted(f.opcode for f in got) == [TEXT, TEXT, TEXT, PONG]


def test_many_frames_may_come_in_one_piece(gateway):
    with gateway.wire() as wire:
        wire.sock.sendall(b"".join(frame(TEXT, named_ping(str(n))) for n in range(100)))
        for n in range(100):
            check_pong(wire, str(n))


def test_frames_sent_before_our_answer_confuse_nobody(gateway):
    """RFC 6455, section 4.1 forbids it, so the client may be dropped, but not misread."""
    with http.connect(gateway.api_port) as sock:
        sock.sendall(http.upgrade_request() + frame(TEXT, PING_MESSAGE))
        assert http.read_response(sock).status == 101
    with gateway.wire() as wire:
        check_ping_works(wire)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536])
def test_lengths_at_the_edges_of_their_encodings_are_read(gateway, size):
    message = (PING_MESSAGE + b" " * size)[:size]
    with gateway.wire() as wire:
        wire.send(TEXT, message)
        expected = "pong" if size >= len(PING_MESSAGE) else "error"
        assert wire.read_json()["type"] == expected
        wire.send(TEXT, PING_MESSAGE)
        check_pong(wire)


def test_our_own_lengths_are_in_the_shortest_form(gateway, redis):
    with gateway.wire() as wire:
        wire.subscribe("stock.SIZE.1m")
        overhead = len(json.dumps({}))
        for size in [*range(1, 70), 65300, 65380, *range(65400, 65440), 65600, 200000]:
            payload = '{"x":"%s"}' % ("x" * (size - overhead))
            redis.publish("stock.SIZE.1m", payload)
            assert wire.read_json()["data"] == json.loads(payload)  # wire.py checks the form


def test_an_empty_message_is_an_invalid_message(gateway):
    with gateway.wire() as wire:
        wire.send(TEXT, b"")
        assert wire.read_json()["error_code"] == "invalid_message"
        check_ping_works(wire)


def test_a_binary_message_is_an_invalid_message(gateway):
    with gateway.wire() as wire:
        wire.send(BINARY, PING_MESSAGE)
        assert wire.read_json()["error_code"] == "invalid_message"
        wire.send(BINARY, b"\xff\x00", fin=False)
        wire.send(CONTINUATION, b"\xff")
        assert wire.read_json()["error_code"] == "invalid_message"
        check_ping_works(wire)


def check_ping_works(wire):
    wire.send(TEXT, PING_MESSAGE)
    check_pong(wire)


# Control frames.


@pytest.mark.parametrize("payload", [b"", b"x", b"\x00\xff" * 60, b"y" * 125])
def test_a_ping_is_answered_with_its_payload(gateway, payload):
    with gateway.wire() as wire:
        wire.send(PING, payload)
        got = wire.read_frame()
        assert (got.opcode, got.payload) == (PONG, payload)


def test_pongs_nobody_asked_for_are_ignored(gateway):
    with gateway.wire() as wire:
        for _ in range(10):
            wire.send(PONG, b"unasked")
        check_ping_works(wire)


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_a_control_frame_too_long_is_a_protocol_error(gateway, opcode):
    with gateway.wire() as wire:
        wire.send(opcode, struct.pack("!H", 1000) + b"x" * 124)
        check_closed(wire, 1002)


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_a_fragmented_control_frame_is_a_protocol_error(gateway, opcode):
    with gateway.wire() as wire:
        wire.send(opcode, struct.pack("!H", 1000), fin=False)
        check_closed(wire, 1002)


# Protocol errors.


@pytest.mark.parametrize("opcode, payload", [(TEXT, PING_MESSAGE), (PING, b"x"), (TEXT, b"")])
def test_a_frame_that_is_not_masked_is_a_protocol_error(gateway, opcode, payload):
    with gateway.wire() as wire:
        wire.send(opcode, payload, masked=False)
        check_closed(wire, 1002)


def test_a_later_frame_that_is_not_masked_is_a_protocol_error(gateway):
    with gateway.wire() as wire:
        check_ping_works(wire)
        wire.send(TEXT, PING_MESSAGE[:5], fin=False)
        wire.send(CONTINUATION, PING_MESSAGE[5:], masked=False)
        check_closed(wire, 1002)


@pytest.mark.parametrize("rsv", [1, 2, 4, 7])
def test_a_reserved_bit_is_a_protocol_error(gateway, rsv):
    with gateway.wire() as wire:
        wire.send(TEXT, PING_MESSAGE, rsv=rsv)
        check_closed(wire, 1002)


@pytest.mark.parametrize("opcode", [0x3, 0x4, 0x7, 0xB, 0xF])
def test_a_reserved_opcode_is_a_protocol_error(gateway, opcode):
    with gateway.wire() as wire:
        wire.send(opcode, b"x")
        check_closed(wire, 1002)


def test_a_continuation_of_nothing_is_a_protocol_error(gateway):
    with gateway.wire() as wire:
        wire.send(CONTINUATION, PING_MESSAGE)
        check_closed(wire, 1002)


def test_a_continuation_after_the_last_fragment_is_a_protocol_error(gateway):
    with gateway.wire() as wire:
        wire.send(TEXT, PING_MESSAGE[:5], fin=False)
        wire.send(CONTINUATION, PING_MESSAGE[5:])
        wire.send(CONTINUATION, b"more")
        check_closed(wire, 1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_within_a_fragmented_one_is_a_protocol_error(gateway, opcode):
    with gateway.wire() as wire:
        wire.send(TEXT, PING_MESSAGE[:5], fin=False)
        wire.send(opcode, PING_MESSAGE)
        check_closed(wire, 1002)


def test_a_length_beyond_63_bits_is_refused(gateway):
    with gateway.wire() as wire:
        wire.sock.sendall(bytes([0x81, 0xFF]) + b"\xff" * 8 + b"mask")
        assert wire.read_close() in (1002, 1009)
        wire.read_end()


def test_a_broken_client_is_let_go_without_waiting_for_its_close(start_gateway):
    with start_gateway().wire() as wire:
        wire.send(TEXT, PING_MESSAGE, rsv=1)
        assert wire.read_close() == 1002
        begin = time.monotonic()
        wire.read_end()
        assert time.monotonic() - begin < 1


# Text.


@pytest.mark.parametrize(
    "text",
    [b"\xff", b"\x80", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"]
    + [b"\xf8\x88\x80\x80\x80", b"\xe4\xb8", b"\xf0\x9f\x93"],
)
def test_text_that_is_not_utf8_is_closed_with_1007(gateway, text):
    with gateway.wire() as wire:
        wire.send(TEXT, b'{"type":"ping","x":"' + text + b'"}')
        check_closed(wire, 1007)


def test_a_character_cut_off_by_the_end_is_closed_with_1007(gateway):
    with gateway.wire() as wire:
        wire.send(TEXT, b'{"type":"ping"} \xe4\xb8')
        check_closed(wire, 1007)


def test_broken_text_across_fragments_is_closed_with_1007(gateway):
    with gateway.wire() as wire:
        wire.send(TEXT, b'{"type":"ping","x":"\xe4\xb8', fin=False)
        wire.send(CONTINUATION, b'x"}')
        check_closed(wire, 1007)


def test_a_fragmented_message_may_not_end_within_a_character(gateway):
    with gateway.wire() as wire:
        wire.send(TEXT, PING_MESSAGE, fin=False)
        wire.send(CONTINUATION, b" \xf0\x9f")
        check_closed(wire, 1007)


# Size.


def test_a_message_over_the_limit_is_closed_with_1009(gateway):
    with gateway.wire() as wire:
        wire.send(TEXT, b" " * 65537)
        check_closed(wire, 1009)


def test_fragments_together_over_the_limit_are_closed_with_1009(gateway):
    with gateway.wire() as wire:
        wire.send(TEXT, b" " * 40000, fin=False)
        wire.send(CONTINUATION, b" " * 40000)
        check_closed(wire, 1009)


def test_fragments_without_end_are_closed_with_1009(gateway):
    with gateway.wire() as wire:
        wire.send(TEXT, b" ", fin=False)
        try:
            for _ in range(100):
                wire.send(CONTINUATION, b" " * 1000, fin=False)
        except (BrokenPipeError, ConnectionResetError):
            return
        check_closed(wire, 1009)


def test_a_length_over_the_limit_is_refused_before_the_bytes_come(gateway):
    with gateway.wire() as wire:
        wire.sock.sendall(frame(TEXT, b"{", length=1 << 40))
        check_closed(wire, 1009)


# Closing.


@pytest.mark.parametrize("code", [1000, 1001, 1003, 3000, 4999])
def test_a_close_is_answered_with_its_code(gateway, code):
    with gateway.wire() as wire:
        wire.send(CLOSE, struct.pack("!H", code) + b"bye")
        check_closed(wire, code)


def test_a_close_without_a_code_is_answered(gateway):
    with gateway.wire() as wire:
        wire.send(CLOSE, b"")
        assert wire.read_close() in (None, 1000)
        wire.read_end()


@pytest.mark.parametrize("code", [0, 999, 1005, 1006, 1015, 2000])
def test_a_close_code_that_must_not_be_sent_is_a_protocol_error(gateway, code):
    with gateway.wire() as wire:
        wire.send(CLOSE, struct.pack("!H", code))
        check_closed(wire, 1002)


def test_a_close_of_one_byte_is_a_protocol_error(gateway):
    with gateway.wire() as wire:
        wire.send(CLOSE, b"\x03")
        check_closed(wire, 1002)


def test_a_close_reason_that_is_not_utf8_is_refused(gateway):
    with gateway.wire() as wire:
        wire.send(CLOSE, struct.pack("!H", 1000) + b"\xff")
        assert wire.read_close() in (1002, 1007)
        wire.read_end()


def test_what_follows_a_close_is_not_answered(gateway):
    with gateway.wire() as wire:
        wire.sock.sendall(frame(CLOSE, struct.pack("!H", 1000)) + frame(TEXT, PING_MESSAGE))
        got = wire.read_frame()
        assert got.opcode == CLOSE, got
        try:
            assert wire.read_frame() is None
        except ConnectionResetError:
            pass  # the ping was never read


def test_a_close_between_fragments_is_answered(gateway):
    with gateway.wire() as wire:
        wire.send(TEXT, PING_MESSAGE[:5], fin=False)
        wire.send(CLOSE, struct.pack("!H", 1000))
        check_closed(wire, 1000)


def test_data_ends_with_the_close(gateway, redis):
    with gateway.wire() as wire:
        wire.subscribe("stock.CLOSING.1m")
        wire.send(CLOSE, struct.pack("!H", 1000))
        redis.publish("stock.CLOSING.1m", '{"n":1}')
        check_closed(wire, 1000)

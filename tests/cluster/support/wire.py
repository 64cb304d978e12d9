# SPDX-License-Identifier: MIT
"""A WebSocket client that hides nothing: it sends the frames it is told to, right or wrong,
and shows the frames that came. RFC 6455, section 5."""

import base64
import hashlib
import json
import os
import socket
import struct

from . import http
from .wait import PATIENCE

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True, length=None):
    """The bytes of a frame. `length` announces another length than the payload has."""
    length = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if length < 126:
        head += bytes([mask_bit | length])
    elif length < 65536:
        head += bytes([mask_bit | 126]) + struct.pack("!H", length)
    else:
        head += bytes([mask_bit | 127]) + struct.pack("!Q", length)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    stream = (mask * (len(payload) // 4 + 1))[: len(payload)]
    xored = int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")
    return head + mask + xored.to_bytes(len(payload), "big")


class Frame:
    def __init__(self, fin, opcode, payload):
        self.fin = fin
        self.opcode = opcode
        self.payload = payload

    def __repr__(self):
        return f"<frame {self.opcode:#x} fin={self.fin} {self.payload[:80]!r}>"


class Wire:
    def __init__(self, port, client_id="wire", receive_buffer=None, **changes):
        self.sock = socket.socket()
        self.sock.settimeout(PATIENCE)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.connect(("127.0.0.1", port))
        key = http.new_key()
        request = http.upgrade_request(http.API + client_id, sec_websocket_key=key, **changes)
        self.sock.sendall(request)
        self.answer = http.read_response(self.sock)
        assert self.answer.status == 101, self.answer
        expected = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
        assert self.answer.headers["sec-websocket-accept"] == expected
        assert self.answer.headers["upgrade"].lower() == "websocket"
        assert self.answer.headers["connection"].lower() == "upgrade"
        self.buffer = self.answer.rest
        self.ack = self.read_json()
        assert self.ack["type"] == "connection_ack", self.ack

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    # Sending.

    def send(self, opcode, payload=b"", **how):
        self.sock.sendall(frame(opcode, payload, **how))

    def say(self, message):
        """Sends a dict as JSON, or a text as it is."""
        text = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
        self.send(TEXT, text.encode())

    def subscribe(self, topic):
        self.say({"type": "subscribe", "topic": topic})
        answer = self.read_json()
        assert answer["type"] == "subscribe_ack", answer

    def vanish(self):
        """Resets the TCP connection."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    # Receiving.

    def _take(self, count):
        while len(self.buffer) < count:
            more = self.sock.recv(65536)
            if not more:
                return None
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read_frame(self):
        """Returns the next frame, or None when the gateway closed the connection."""
        head = self._take(2)
        if head is None:
            return None
        assert head[0] & 0x70 == 0, f"reserved bits are set: {head!r}"
        assert head[1] & 0x80 == 0, "a server must not mask its frames"
        length = head[1]
        if length == 126:
            (length,) = struct.unpack("!H", self._take(2))
            assert length > 125, "not the shortest form of the length"
        elif length == 127:
            (length,) = struct.unpack("!Q", self._take(8))
            assert length > 65535, "not the shortest form of the length"
        payload = self._take(length)
        assert payload is not None, "closed within a frame"
        if head[0] & 0x08:
            assert length < 126 and head[0] & 0x80, "a control frame is short and whole"
        return Frame(bool(head[0] & 0x80), head[0] & 0x0F, payload)

    def read_text(self):
        """Returns the next text message, passing over pings."""
        while True:
            got = self.read_frame()
            assert got is not None, "closed without a message"
            if got.opcode != PING:
                assert got.opcode == TEXT and got.fin, got
                return got.payload.decode()

    def read_json(self):
        return json.loads(self.read_text())

    def read_close(self):
        """Returns the code of the close frame, passing over what came before it."""
        while True:
            got = self.read_frame()
            assert got is not None, "closed without a close frame"
            if got.opcode == CLOSE:
                if not got.payload:
                    return None
                got.payload[2:].decode()
                return struct.unpack("!H", got.payload[:2])[0]

    def read_end(self):
        """Returns when the gateway has closed the TCP connection, whatever came before."""
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionResetError:
            pass

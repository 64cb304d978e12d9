# SPDX-License-Identifier: MIT
"""HTTP by hand: what was asked and what was answered, byte for byte."""

import base64
import json
import os
import socket

from .wait import PATIENCE

API = "/api/v1/ws/"


class Response:
    """A status line, headers (names in lower case) and a body of the length announced."""

    def __init__(self, status, reason, headers, body, sock=None, rest=b""):
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
        self.sock = sock  # still open after a 101
        self.rest = rest  # what came behind the answer

    def json(self):
        return json.loads(self.body.decode())

    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.headers} {self.body[:200]!r}>"


def receive_until(sock, buffer, end):
    while end not in buffer:
        more = sock.recv(65536)
        assert more, f"closed without a complete answer; got {buffer!r}"
        buffer += more
    head, _, rest = buffer.partition(end)
    return head, rest


def read_response(sock, method="GET"):
    head, rest = receive_until(sock, b"", b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    version, status, reason = (lines[0] + " ").split(" ", 2)
    assert version in ("HTTP/1.1", "HTTP/1.0"), lines[0]
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        assert colon and name == name.strip(), f"not a header: {line!r}"
        headers[name.lower()] = value.strip()
    status = int(status)
    body = b""
    if status != 101 and method != "HEAD":
        assert "content-length" in headers, f"an answer of unknown length: {headers}"
        length = int(headers["content-length"])
        while len(rest) < length:
            more = sock.recv(65536)
            assert more, f"the body ends after {len(rest)} of {length} bytes"
            rest += more
        body, rest = rest[:length], rest[length:]
    return Response(status, reason.strip(), headers, body, sock, rest)


def connect(port, timeout=PATIENCE, source=None):
    """`source` is the address to come from, any of 127.0.0.0/8."""
    source = source and (source, 0)
    return socket.create_connection(("127.0.0.1", port), timeout, source_address=source)


def exchange(port, request):
    """Sends the bytes and returns the complete answer, having seen the connection end.
    A 101 stays open; close its `sock`."""
    sock = connect(port)
    try:
        sock.sendall(request)
        answer = read_response(sock)
        if answer.status == 101:
            return answer
        assert answer.rest == b"", f"more than one answer: {answer.rest!r}"
        if answer.headers.get("connection", "").lower() == "close":
            assert sock.recv(1) == b"", "said it would close, and sent more"
        sock.close()
        return answer
    except BaseException:
        sock.close()
        raise


def get(port, path):
    return exchange(
        port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    )


def ask(port, target, method="GET", **headers):
    """Header names are written with underscores."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    with connect(port) as sock:
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return read_response(sock, method)


def new_key():
    return base64.b64encode(os.urandom(16)).decode()


def upgrade_request(path=API + "raw", method="GET", version="HTTP/1.1", **changes):
    """The bytes of a good WebSocket upgrade, with headers changed (sec_websocket_key="x")
    or left out (host=None)."""
    headers = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": new_key(),
        "Sec-WebSocket-Version": "13",
    }
    names = {name.lower().replace("-", "_"): name for name in headers}
    for name, value in changes.items():
        headers[names.get(name, name.replace("_", "-").title())] = value
    lines = [f"{method} {path} {version}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def upgrade(port, path=API + "raw", **changes):
    return exchange(port, upgrade_request(path, **changes))

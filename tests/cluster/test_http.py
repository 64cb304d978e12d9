# SPDX-License-Identifier: MIT
"""What is answered over HTTP: a refused upgrade is a complete answer with a reason in JSON,
never a bare close; the admin pages say how the gateway is."""

import socket

import pytest

from support import http
from support.http import API
from support.wait import until


def check_refusal(answer, *statuses):
    """A whole answer that says why, in the contract's form."""
    assert answer.status in statuses, answer
    assert answer.headers["content-type"].startswith("application/json"), answer
    assert answer.headers["connection"].lower() == "close", answer
    body = answer.json()
    assert list(body) == ["error_code", "error_message"]
    assert all(isinstance(text, str) and text for text in body.values())
    return answer


def check_served(gateway):
    with gateway.wire() as wire:
        wire.say({"type": "ping"})
        assert wire.read_json()["type"] == "pong"


# Paths.


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/v1/ws", "/api/v1/ws/", "/api/v1/ws/a/b", "/api/v1/ws/a/", "/ws/a"]
    + ["/api/v2/ws/a", "/API/v1/ws/a", "/api/v1/wsx/a", "/api/v1/ws/?a=b", "//api/v1/ws/a/b"],
)
def test_another_path_is_not_found(gateway, path):
    check_refusal(gateway.upgrade(path), 404)


@pytest.mark.parametrize(
    "segment",
    ["x" * 129, "%E4%B8%AD" * 43, "a%00b", "a%0Ab", "%1F", "%7F", "%FF", "%C0%80", "%ED%A0%80"]
    + ["%E4%B8"],
    ids=lambda segment: segment[:12],
)
def test_a_bad_client_id_is_a_bad_request(gateway, segment):
    check_refusal(gateway.upgrade(API + segment), 400)


@pytest.mark.parametrize("segment", ["%", "%2", "%zz", "a%", "a%4", "%%20", "%u0041"])
def test_a_broken_escape_is_a_bad_request(gateway, segment):
    check_refusal(gateway.upgrade(API + segment), 400)


def test_a_whole_url_may_stand_for_the_path(gateway):
    """RFC 9112, section 3.2.2."""
    answer = gateway.upgrade("http://localhost:8000" + API + "me")
    assert answer.status == 101
    answer.sock.close()


# The handshake: RFC 6455, section 4.2.


def test_without_an_upgrade_the_api_answers_that_one_is_needed(gateway):
    check_refusal(http.get(gateway.api_port, API + "me"), 400, 426)
    check_refusal(http.get(gateway.api_port, "/"), 404)


@pytest.mark.parametrize("version", ["0", "7", "8", "12", "14", "x", "", None])
def test_another_websocket_version_is_refused_with_ours(gateway, version):
    answer = gateway.upgrade(sec_websocket_version=version)
    check_refusal(answer, 426 if version else 400, 426)
    if answer.status == 426:
        assert answer.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    "key",
    [None, "", "x", "AAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAA", "A" * 24]
    + ["AAAAAAAAAAAAAAAAAAAAAA==AAAAAAAAAAAAAAAAAAAAAA==", "!AAAAAAAAAAAAAAAAAAAAA=="],
)
def test_a_bad_key_is_a_bad_request(gateway, key):
    check_refusal(gateway.upgrade(sec_websocket_key=key), 400)


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "OPTIONS", "DELETE", "FROB"])
def test_only_get_can_upgrade(gateway, method):
    changes = {"content_length": "0"} if method in ("POST", "PUT") else {}
    sock = http.connect(gateway.api_port)
    with sock:
        sock.sendall(http.upgrade_request(method=method, **changes))
        answer = http.read_response(sock, method)
        assert 400 <= answer.status < 500 or answer.status == 501, answer


def test_http_1_0_cannot_upgrade(gateway):
    check_refusal(gateway.upgrade(version="HTTP/1.0"), 400, 426, 505)


@pytest.mark.parametrize("token", ["h2c", "TLS/1.0", "websockets", "web socket", ""])
def test_another_upgrade_is_refused(gateway, token):
    check_refusal(gateway.upgrade(upgrade=token), 400, 426)
    check_served(gateway)


def test_h2c_is_refused_and_leaves_no_trace(gateway):
    request = http.upgrade_request(
        upgrade="h2c", connection="Upgrade, HTTP2-Settings", http2_settings="AAMAAABkAAQAAP__"
    )
    check_refusal(http.exchange(gateway.api_port, request), 400, 426)


def test_http2_with_prior_knowledge_hurts_nobody(gateway):
    with http.connect(gateway.api_port) as sock:
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
        try:
            while sock.recv(65536):
                pass
        except ConnectionResetError:
            pass
    check_served(gateway)


def test_a_missing_host_is_a_bad_request(gateway):
    check_refusal(gateway.upgrade(host=None), 400)


def test_a_missing_connection_header_is_no_upgrade(gateway):
    check_refusal(gateway.upgrade(connection=None), 400, 426)


@pytest.mark.parametrize(
    "changes",
    [
        {"upgrade": "WebSocket"},
        {"upgrade": "WEBSOCKET"},
        {"connection": "keep-alive, Upgrade"},
        {"connection": "upgrade"},
        {"origin": "https://anywhere.example"},
        {"origin": "null"},
        {"sec_websocket_extensions": "permessage-deflate; client_max_window_bits"},
        {"sec_websocket_extensions": "x-unknown; a=b, y"},
        {"cookie": "a=b; c=d"},
        {"x_forwarded_for": "192.0.2.1, 198.51.100.2"},
        {"authorization": "Bearer abc"},
    ],
    ids=str,
)
def test_what_browsers_and_proxies_send_is_accepted(gateway, changes):
    with gateway.wire(**changes) as wire:
        wire.say({"type": "ping"})
        assert wire.read_json()["type"] == "pong"


def test_a_subprotocol_we_do_not_speak_is_not_selected(gateway):
    with gateway.wire(sec_websocket_protocol="graphql-ws, mqtt") as wire:
        assert "sec-websocket-protocol" not in wire.answer.headers
        wire.say({"type": "ping"})
        assert wire.read_json()["type"] == "pong"


def test_a_handshake_may_come_byte_by_byte(gateway):
    with http.connect(gateway.api_port) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in http.upgrade_request():
            sock.send(bytes([byte]))
        assert http.read_response(sock).status == 101


def test_a_long_head_is_accepted_up_to_a_limit(gateway):
    """A front end's cookies and a token fit."""
    with gateway.wire(cookie="c=" + "x" * 4000, authorization="Bearer " + "x" * 2000) as wire:
        wire.say({"type": "ping"})
        assert wire.read_json()["type"] == "pong"


@pytest.mark.parametrize("size", [9000, 20000, 200000, 2000000])
def test_a_head_beyond_the_limit_is_refused_and_hurts_nobody_else(gateway, size):
    with gateway.wire() as before, http.connect(gateway.api_port) as sock:
        try:
            sock.sendall(http.upgrade_request(x_large="x" * size))
            answer = http.read_response(sock)
        except (ConnectionResetError, BrokenPipeError):
            assert size > 1000000, "the answer was lost"
        else:
            check_refusal(answer, 431)
        before.say({"type": "ping"})
        assert before.read_json()["type"] == "pong"
        check_served(gateway)


def test_too_many_headers_are_refused(gateway):
    changes = {f"x_header_{n}": "x" for n in range(500)}
    check_refusal(gateway.upgrade(**changes), 431)


HEAD = "GET /api/v1/ws/me HTTP/1.1\r\n"
GOOD = "\r\n".join(http.upgrade_request().decode().split("\r\n")[1:])


@pytest.mark.parametrize(
    "request_",
    ["GET\r\n\r\n", "\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", " " + HEAD + GOOD, "\0\r\n\r\n"]
    + ["GET /api/v1/ws/me HTTP/9.9\r\n" + GOOD, "GET /api/v1/ws/me\r\n" + GOOD]
    + ["GET /api/v1/ws/me HTTP/1.1 x\r\n" + GOOD, "GET /api/v1/ws/me http/1.1\r\n" + GOOD]
    + ["GET /api/v1/ws/m e HTTP/1.1\r\n" + GOOD, "GET /api/v1/ws/m\0e HTTP/1.1\r\n" + GOOD]
    + ["G@T /api/v1/ws/me HTTP/1.1\r\n" + GOOD, "GET me HTTP/1.1\r\n" + GOOD]
    + ["GET * HTTP/1.1\r\n" + GOOD, "GET /api/v1/ws/me\tHTTP/1.1\r\n" + GOOD]
    + [(HEAD + GOOD).replace("\r\n", "\n"), HEAD + "Host x\r\n" + GOOD, HEAD + ": x\r\n" + GOOD]
    + [HEAD + "X : y\r\n" + GOOD, HEAD + " X: y\r\n" + GOOD, HEAD + "X: a\r\n b\r\n" + GOOD]
    + [HEAD + "X: a\0b\r\n" + GOOD, HEAD + "X: a\rb\r\n" + GOOD, HEAD + "X(): y\r\n" + GOOD],
    ids=lambda text: repr(text[:40]),
)
def test_a_malformed_request_is_a_bad_request(gateway, request_):
    """RFC 9112: where parsers differ in opinion, attackers live."""
    check_refusal(http.exchange(gateway.api_port, request_.encode()), 400, 505)


@pytest.mark.parametrize("name", ["Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version"])
def test_what_must_be_there_once_must_not_be_there_twice(gateway, name):
    values = {"Host": "x", "Sec-WebSocket-Key": http.new_key(), "Sec-WebSocket-Version": "8"}
    request_ = (HEAD + f"{name}: {values[name]}\r\n" + GOOD).encode()
    check_refusal(http.exchange(gateway.api_port, request_), 400, 426)


def test_headers_may_be_spread_over_lines_and_cases(gateway):
    request_ = http.upgrade_request(connection=None, upgrade=None).decode()[:-2]
    request_ += (
        "connection: keep-alive\r\nCONNECTION:Upgrade\t\r\nuPgRaDe:  h2c , WebSocket\r\n\r\n"
    )
    answer = http.exchange(gateway.api_port, request_.encode())
    assert answer.status == 101
    answer.sock.close()


def test_a_request_with_a_body_and_another_behind_it_gets_one_answer(gateway):
    request = b"POST /api/v1/ws/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
    answer = http.exchange(gateway.api_port, request + http.upgrade_request())
    check_refusal(answer, 400, 405, 426)


def test_a_refused_client_that_stays_is_let_go(start_gateway):
    gateway = start_gateway()
    descriptors = gateway.process.descriptors()
    socks = [http.connect(gateway.api_port) for _ in range(20)]
    for sock in socks:
        sock.sendall(http.upgrade_request("/nope"))
        assert http.read_response(sock).status == 404
    until(lambda: gateway.process.descriptors() <= descriptors, what="they are closed")
    for sock in socks:
        sock.close()


# Who may connect.


def test_other_origins_are_refused_when_some_are_allowed(start_gateway):
    gateway = start_gateway(allowed_origins="https://a.example,http://b.example:8080")
    check_refusal(gateway.upgrade(origin="https://evil.example"), 403)
    check_refusal(gateway.upgrade(origin="http://a.example"), 403)
    check_refusal(gateway.upgrade(origin="https://a.example.evil.example"), 403)
    check_refusal(gateway.upgrade(origin="https://a.exampl"), 403)
    check_refusal(gateway.upgrade(origin="null"), 403)
    for origin in ("https://a.example", "http://b.example:8080"):
        with gateway.wire(origin=origin) as wire:
            assert wire.ack["type"] == "connection_ack"
    reasons = gateway.metrics().by("chronogate_refusals_total", "reason")
    assert sum(reasons.values()) == 5


def test_programs_without_an_origin_connect_wherever_pages_must_not(start_gateway):
    with start_gateway(allowed_origins="https://a.example").wire() as wire:
        assert wire.ack["type"] == "connection_ack"


# The admin pages.


def test_a_healthy_gateway_says_so(gateway):
    assert gateway.admin("/healthz").status == 200
    assert gateway.admin("/readyz").status == 200


def test_other_admin_pages_do_not_exist(gateway):
    assert gateway.admin("/").status == 404
    assert gateway.admin("/nope").status == 404
    assert gateway.admin("/metrics/x").status == 404


def test_admin_pages_are_only_on_the_admin_port(gateway):
    for path in ("/healthz", "/readyz", "/metrics"):
        assert http.get(gateway.api_port, path).status == 404


def test_the_admin_port_upgrades_nothing(gateway):
    assert http.upgrade(gateway.admin_port, "/metrics").status in (200, 400, 404, 426)


def test_admin_pages_are_read_only(gateway):
    request = (
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    assert 400 <= http.exchange(gateway.admin_port, request).status < 500


def test_metrics_are_prometheus_text(gateway):
    answer = gateway.admin("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "version=0.0.4" in answer.headers["content-type"]
    metrics = gateway.metrics()
    gauges = ["connections", "subscriptions", "topics", "redis_connected", "queue_bytes"]
    gauges += ["build_info"]
    counters = ["messages_sent", "bytes_sent", "messages_received", "redis_messages"]
    counters += ["redis_reconnects", "refusals", "closes", "payloads_rejected"]
    for name in gauges:
        assert metrics.kinds[f"chronogate_{name}"] == "gauge"
    for name in counters:
        assert metrics.kinds[f"chronogate_{name}_total"] == "counter"
    assert metrics["chronogate_build_info"] == 1
    assert "version" in str(metrics.samples)


async def test_metrics_count_what_happens(start_gateway, redis):
    gateway = start_gateway()
    before = gateway.metrics()
    assert before["chronogate_connections"] == 0
    assert before["chronogate_redis_connected"] == 1
    async with gateway.client() as one, gateway.client() as other:
        await one.subscribe("stock.A.1m", "stock.B.1m")
        await other.subscribe("stock.A.1m")
        redis.publish("stock.A.1m", '{"n":1}')
        assert (await one.hear())["type"] == (await other.hear())["type"] == "data"
        during = gateway.metrics()
        assert during["chronogate_connections"] == 2
        assert during["chronogate_subscriptions"] == 3
        assert during["chronogate_topics"] == 2
        assert during["chronogate_messages_received_total"] == 3
        assert during["chronogate_messages_sent_total"] == 2 + 3 + 2
        assert during["chronogate_redis_messages_total"] == 1
        assert during["chronogate_bytes_sent_total"] > 7 * 50
        assert during["chronogate_queue_bytes"] == 0
    gateway.wait_metric("chronogate_connections", 0)
    after = gateway.metrics()
    assert after["chronogate_subscriptions"] == 0
    assert sum(after.by("chronogate_closes_total", "reason").values()) == 2


def test_admin_answers_while_the_api_is_full(start_gateway):
    gateway = start_gateway(max_connections=1)
    with gateway.wire():
        assert gateway.upgrade().status == 503
        for path in ("/healthz", "/readyz", "/metrics"):
            assert gateway.admin(path).status == 200


# The test page.


def test_the_console_serves_the_test_page(start_gateway):
    gateway = start_gateway(console="127.0.0.1:0")
    page = http.get(gateway.console_port, "/websocket-test")
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "<html" in page.text().lower()
    assert http.get(gateway.console_port, "/nope").status == 404

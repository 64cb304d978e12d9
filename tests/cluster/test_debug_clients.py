# SPDX-License-Identifier: MIT
"""/debug/clients on the admin port: who falls behind, and how far."""

import pytest

from support.wait import until

TOPIC, FILL = "stock.A.1m", "x" * 400
KEYS = ["address", "client_id", "state", "age_s", "queue_bytes", "queue_frames", "oldest_ms"]
KEYS += ["blocked_ms", "topics", "sent", "conflated"]


def listed(gateway, query=""):
    answer = gateway.admin("/debug/clients" + query)
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def publish(redis, count, first=0):
    for n in range(first, first + count):
        redis.publish(TOPIC, '{"n":%d,"fill":"%s"}' % (n, FILL))


def test_without_clients_the_list_is_empty(start_gateway):
    assert listed(start_gateway()) == {"total": 0, "clients": []}


def test_a_stalled_client_comes_first_and_shows_what_waits(start_gateway, redis):
    gateway = start_gateway(socket_buffer_bytes=8192, backlog_soft_bytes=16384)
    with gateway.wire("lively") as lively, gateway.wire("idle"):
        with gateway.wire("stalled", receive_buffer=4096) as stalled:
            stalled.subscribe(TOPIC)
            stalled.subscribe("stock.B.1m")
            lively.subscribe(TOPIC)
            for n in range(500):
                publish(redis, 1, n)
                assert lively.read_json()["data"]["n"] == n

            def first():
                found = listed(gateway)["clients"][0]
                return found if found["oldest_ms"] > 100 and found["blocked_ms"] > 100 else None

            worst = until(first, what="the stalled client is behind")
            assert list(worst) == KEYS
            assert worst["client_id"] == "stalled"
            assert worst["address"] == "127.0.0.1"
            assert worst["state"] == "open"
            assert 1000 < worst["queue_bytes"] < 20000
            assert 0 < worst["queue_frames"] < worst["queue_bytes"] / 400
            assert worst["topics"] == 2
            assert worst["conflated"] > 100
            assert worst["sent"] + worst["queue_frames"] + worst["conflated"] == 3 + 500

            others = listed(gateway)
            assert others["total"] == 3
            rest = {one["client_id"]: one for one in others["clients"][1:]}
            assert set(rest) == {"lively", "idle"}
            assert rest["lively"]["sent"] == 2 + 500
            assert rest["lively"]["queue_bytes"] == rest["idle"]["queue_bytes"] == 0
            assert rest["lively"]["conflated"] == rest["lively"]["blocked_ms"] == 0
            assert rest["idle"]["topics"] == 0
            assert listed(gateway, "?limit=1")["clients"][0]["client_id"] == "stalled"


def test_only_as_many_are_listed_as_are_asked_for(start_gateway):
    gateway = start_gateway()
    wires = [gateway.wire(f"w{n}") for n in range(30)]
    try:
        assert len(listed(gateway)["clients"]) == 20
        found = listed(gateway, "?limit=7")
        assert (found["total"], len(found["clients"])) == (30, 7)
        found = listed(gateway, "?limit=1000")
        assert {one["client_id"] for one in found["clients"]} == {f"w{n}" for n in range(30)}
    finally:
        for wire in wires:
            wire.sock.close()


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "", "1e3", "%31", "9" * 30])
def test_another_limit_is_a_bad_request(gateway, limit):
    assert gateway.admin(f"/debug/clients?limit={limit}").status == 400


@pytest.mark.parametrize("name", ['a"b', "a\\b", "中文", "<script>", "a/b"])
def test_names_are_written_as_json_strings(start_gateway, name):
    gateway = start_gateway()
    path = "".join(f"%{byte:02X}" for byte in name.encode())
    with gateway.wire(path):
        assert listed(gateway)["clients"][0]["client_id"] == name


def test_the_list_is_on_the_admin_port_only(gateway):
    assert gateway.upgrade("/debug/clients").status == 404


def test_while_clients_come_and_go_the_list_is_whole(start_gateway, redis):
    gateway = start_gateway(socket_buffer_bytes=8192)
    for turn in range(10):
        wires = [gateway.wire(f"w{n}", receive_buffer=4096) for n in range(20)]
        for wire in wires:
            wire.subscribe(TOPIC)
        publish(redis, 50)
        for wire in wires[:10]:
            wire.vanish()
        found = listed(gateway, f"?limit={turn + 1}")
        assert len(found["clients"]) == turn + 1 and 10 <= found["total"]
        for wire in wires[10:]:
            wire.sock.close()
    gateway.wait_metric("chronogate_connections", 0)

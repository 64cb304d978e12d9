# SPDX-License-Identifier: MIT
"""GET /api/v1/topics: which topics are being fed, as gateway/PROTOCOL.md, section 7, says."""

import pytest

from support import http
from support.feed import calls, history_key
from support.wait import until

PATH = "/api/v1/topics"
FIELDS = ["topics", "total", "next", "complete", "truncated", "stale", "age_ms"]
MINUTE = 60000


def ask(port, query="", method="GET", **headers):
    return http.ask(port, PATH + query, method, **headers)


def page(gateway, query=""):
    answer = ask(gateway.api_port, query)
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith("application/json")
    assert list(answer.json()) == FIELDS
    return answer.json()


def complete(gateway, query="", check=lambda found: True):
    """The page once Redis was scanned."""

    def found():
        got = page(gateway, query)
        return got if got["complete"] and check(got) else None

    return until(found, what="the list is complete")


def feed_history(redis, *topics, prefix=""):
    for topic in topics:
        redis.client.send("XADD", history_key(prefix + topic), "*", "d", "{}")
    for _ in topics:
        redis.client.read()


def walk(gateway, query):
    """All pages, one behind the other."""
    pages = [page(gateway, "?" + query)]
    while pages[-1]["next"] is not None:
        after = pages[-1]["next"].replace("^", "%5E")
        assert after and len(pages) < 1000
        pages.append(page(gateway, f"?{query}&after={after}"))
    return pages


# What is listed.


def test_topics_with_a_history_are_listed_in_order(start_patient_gateway, own_redis):
    feed_history(own_redis, "stock.B.1m", "stock.A.1m", "market.US.summary", "futures.ES=F.1h")
    gateway = start_patient_gateway(redis=own_redis)
    found = complete(gateway)
    assert found["topics"] == ["futures.ES=F.1h", "market.US.summary", "stock.A.1m", "stock.B.1m"]
    assert (found["total"], found["next"]) == (4, None)
    assert found["truncated"] is found["stale"] is False
    assert found["age_ms"] >= 0


def test_the_first_answer_comes_at_once_and_says_that_it_is_not_complete(
    start_patient_gateway, own_redis
):
    feed_history(own_redis, "stock.A.1m")
    gateway = start_patient_gateway(redis=own_redis)
    own_redis.pause()
    try:
        first = page(gateway)
        assert first["complete"] is False and first["topics"] == []
    finally:
        own_redis.resume()
    assert complete(gateway)["topics"] == ["stock.A.1m"]


def test_other_keys_are_passed_over(start_patient_gateway, own_redis):
    feed_history(own_redis, "stock.A.1m", "stock.A.1m}x", "nonsense", "eu:stock.B.1m", 'a"b')
    own_redis.call("SET", history_key("stock.C.1m"), "no stream")
    own_redis.call("XADD", "stock.D.1m", "*", "d", "{}")
    assert complete(start_patient_gateway(redis=own_redis))["topics"] == ["stock.A.1m"]


@pytest.mark.parametrize("prefix", ["eu:", "a*b?[c]\\:", "x-^"])
def test_only_the_gateways_own_prefix_is_listed(start_patient_gateway, own_redis, prefix):
    feed_history(own_redis, "stock.A.1m", "stock.B.1m", prefix=prefix)
    feed_history(own_redis, "stock.OTHER.1m")
    feed_history(own_redis, "stock.OTHER.1m", prefix="aXbYc\\:")
    gateway = start_patient_gateway(redis=own_redis, channel_prefix=prefix)
    assert complete(gateway)["topics"] == ["stock.A.1m", "stock.B.1m"]


def test_many_topics_are_found_and_come_in_pages(start_patient_gateway, own_redis):
    topics = sorted(f"stock.S{n}.1m" for n in range(2500)) + ["stock.^GSPC.1d"]
    feed_history(own_redis, *topics)
    gateway = start_patient_gateway(redis=own_redis, list_refresh_ms=MINUTE)
    found = complete(gateway)
    assert (len(found["topics"]), found["total"]) == (500, 2501)
    assert len(page(gateway, "?limit=1000")["topics"]) == 1000
    pages = walk(gateway, "limit=300")
    assert [topic for one in pages for topic in one["topics"]] == topics
    pages = walk(gateway, "limit=7&prefix=stock.S24")
    expected = [topic for topic in topics if topic.startswith("stock.S24")]
    assert [topic for one in pages for topic in one["topics"]] == expected
    assert {one["total"] for one in pages} == {len(expected)}


def test_the_list_has_a_bound_and_says_when_it_is_reached(start_patient_gateway, own_redis):
    feed_history(own_redis, *[f"stock.S{n}.1m" for n in range(1000)])
    gateway = start_patient_gateway(redis=own_redis, max_listed_topics=100)
    found = complete(gateway)
    assert found["truncated"] is True
    assert found["total"] == len(found["topics"]) == 100
    assert found["topics"] == sorted(set(found["topics"]))


def test_what_the_gateway_has_had_messages_of_is_listed_too(start_patient_gateway, own_redis):
    feed_history(own_redis, "stock.A.1m")
    gateway = start_patient_gateway(redis=own_redis, list_refresh_ms=100)
    with gateway.wire() as wire:
        wire.subscribe("stock.LIVE.1m")
        wire.subscribe("stock.SILENT.1m")
        own_redis.publish("stock.LIVE.1m", '{"n":1}')
        assert wire.read_json()["type"] == "data"
        found = complete(gateway, check=lambda found: found["total"] == 2)
        assert found["topics"] == ["stock.A.1m", "stock.LIVE.1m"]


# How often Redis is asked.


def test_however_many_ask_redis_is_scanned_once_in_a_while(start_patient_gateway, own_redis):
    feed_history(own_redis, "stock.A.1m")
    gateway = start_patient_gateway(redis=own_redis, list_refresh_ms=MINUTE)
    assert calls(own_redis, "scan") == 0  # nobody has asked
    complete(gateway)
    feed_history(own_redis, "stock.B.1m")
    for _ in range(100):
        assert page(gateway)["topics"] == ["stock.A.1m"]
    assert calls(own_redis, "scan") == 1


def test_the_list_is_made_anew_when_its_time_is_over(start_patient_gateway, own_redis):
    feed_history(own_redis, "stock.A.1m")
    gateway = start_patient_gateway(redis=own_redis, list_refresh_ms=100)
    complete(gateway)
    feed_history(own_redis, "stock.B.1m")
    own_redis.call("DEL", history_key("stock.A.1m"))
    found = complete(gateway, check=lambda found: found["topics"] != ["stock.A.1m"])
    assert found["topics"] == ["stock.B.1m"]


# Without Redis, or without permission.


def test_while_redis_is_away_the_old_list_is_called_stale(start_gateway, own_redis):
    feed_history(own_redis, "stock.A.1m")
    gateway = start_gateway(redis=own_redis, list_refresh_ms=100)
    complete(gateway)
    own_redis.stop()
    until(lambda: not gateway.ready(), what="the loss is noticed")
    for _ in range(3):
        found = page(gateway)
        assert found["stale"] is found["complete"] is True
        assert found["topics"] == ["stock.A.1m"]
    answer = ask(gateway.api_port)
    assert answer.headers["cache-control"] == "no-store"
    own_redis.start()
    feed_history(own_redis, "stock.B.1m")
    gateway.wait_ready()
    found = complete(gateway, check=lambda found: found["topics"] != ["stock.A.1m"])
    assert found["topics"] == ["stock.B.1m"]
    assert found["stale"] is False


def test_what_knows_nothing_and_has_no_redis_says_so(start_gateway, own_redis):
    gateway = start_gateway(redis=own_redis)
    own_redis.stop()
    until(lambda: not gateway.ready(), what="the loss is noticed")
    answer = ask(gateway.api_port)
    assert answer.status == 503
    assert answer.json()["error_code"] == "not_ready"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["access-control-allow-origin"] == "*"


def test_without_the_permission_the_list_is_what_the_gateway_has_seen(
    start_patient_gateway, own_redis
):
    own_redis.call("ACL", "SETUSER", "gate", "on", ">s3cret", "~*", "&*", "+@all", "-scan")
    feed_history(own_redis, "stock.A.1m")
    url = own_redis.url.replace("//", "//gate:s3cret@")
    gateway = start_patient_gateway(redis=url, list_refresh_ms=100)
    with gateway.wire() as wire:
        wire.subscribe("stock.LIVE.1m")
        own_redis.publish("stock.LIVE.1m", '{"n":1}')
        assert wire.read_json()["type"] == "data"
        until(lambda: page(gateway)["topics"] == ["stock.LIVE.1m"], what="it is listed")
        until(lambda: page(gateway) and scans_refused(own_redis) > 3, what="it is tried again")
        found = page(gateway)
        assert found["complete"] is False and found["stale"] is False
        lines = [line for line in gateway.log.lines if "topics can't be listed" in line]
        assert len(lines) == 1 and "NOPERM" in lines[0]

    own_redis.call("ACL", "SETUSER", "gate", "+scan")
    found = complete(gateway)
    assert "stock.A.1m" in found["topics"]


def scans_refused(redis):
    for line in redis.call("INFO", "commandstats").decode().splitlines():
        if line.startswith("cmdstat_scan:"):
            return int(line.split("rejected_calls=")[1].split(",")[0])
    return 0


def test_the_permissions_in_the_readme_are_enough(start_patient_gateway, own_redis):
    rights = "+subscribe +unsubscribe +publish +xrevrange +xinfo|stream +ping +client|setname +scan"
    own_redis.call(
        *["ACL", "SETUSER", "gate", "on", ">s3cret", "resetkeys", "resetchannels", "-@all"],
        *["~history:*", "&*.*.*", "&chronogate:probe:*", *rights.split()],
    )
    feed_history(own_redis, "stock.A.1m")
    gateway = start_patient_gateway(redis=own_redis.url.replace("//", "//gate:s3cret@"))
    assert complete(gateway)["topics"] == ["stock.A.1m"]


# HTTP.


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "limit=", "limit=-1", "after=%", "prefix=%zz"]
    + ["after=" + "x" * 129, "prefix=" + "x" * 4000],
    ids=lambda query: query[:16],
)
def test_a_bad_parameter_is_a_bad_request(gateway, query):
    answer = ask(gateway.api_port, "?" + query)
    assert answer.status == 400
    assert answer.json()["error_code"] == "invalid_parameter"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "FROB"])
def test_only_get_and_head_are_answered(gateway, method):
    answer = ask(gateway.api_port, method=method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["error_code"] == "method_not_allowed"


def test_head_gets_the_headers_only(gateway):
    answer = ask(gateway.api_port, method="HEAD")
    assert answer.status == 200
    assert int(answer.headers["content-length"]) > 0
    assert answer.rest == b""


def test_it_is_on_the_consoles_port_too_and_not_on_the_admin_port(start_gateway):
    gateway = start_gateway(console="127.0.0.1:0")
    answer = ask(gateway.console_port)
    assert answer.status == 200
    assert list(answer.json()) == FIELDS
    assert ask(gateway.admin_port).status == 404


@pytest.mark.parametrize("path", [PATH + "/", PATH + "/x", "/api/v1/Topics", "/api/v1/topics%2F"])
def test_another_path_is_not_found(gateway, path):
    assert http.get(gateway.api_port, path).status == 404


def test_pages_of_all_origins_may_read_it_if_all_may_connect(gateway):
    for origin in ({}, {"origin": "https://a.example"}):
        answer = ask(gateway.api_port, **origin)
        assert answer.headers["access-control-allow-origin"] == "*"


def test_pages_of_other_origins_may_not_read_it_when_some_are_allowed(start_gateway):
    gateway = start_gateway(allowed_origins="https://a.example,http://b.example:8080")
    for origin in ("https://a.example", "http://b.example:8080"):
        answer = ask(gateway.api_port, origin=origin)
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["vary"] == "Origin"
    answer = ask(gateway.api_port, origin="https://evil.example")
    assert answer.status == 403
    assert answer.json()["error_code"] == "origin_not_allowed"
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin"
    answer = ask(gateway.api_port)  # a program
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers


def test_a_complete_list_may_be_kept_for_a_moment_and_another_may_not(
    start_patient_gateway, own_redis
):
    gateway = start_patient_gateway(redis=own_redis, list_refresh_ms=MINUTE)
    own_redis.pause()
    try:
        assert ask(gateway.api_port).headers["cache-control"] == "no-store"
    finally:
        own_redis.resume()
    complete(gateway)
    assert ask(gateway.api_port).headers["cache-control"] == "max-age=5"

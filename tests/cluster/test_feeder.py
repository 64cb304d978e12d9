# SPDX-License-Identifier: MIT
"""The feeder against a real Redis: what it publishes is the feed contract to the letter, in
unbroken chains, whatever happens to Redis or to itself."""

import csv
import datetime
import json
import re
import signal
import subprocess
import time

import pytest

from support.listener import Listener, check_chains
from support.wait import until

INTERVALS = ["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", "1M"]
MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1440}
TYPES = ["stock", "crypto", "futures", "options", "commodity"]
BAR = ["symbol", "interval", "start", "open", "high", "low", "close", "price", "volume"]
BAR += ["trades", "change", "change_percent", "closed", "timestamp"]
SUMMARY = ["market", "start", "index_value", "change", "change_percent", "volume", "advancers"]
SUMMARY += ["decliners", "unchanged", "timestamp"]
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d*[1-9])?")  # the shortest exact form


def walk(*more):
    """Every tick of it is said."""
    return [*"--source walk --rate 300 --seed 7 --min-update-ms 0".split(), *more]


def when(text, digits=6):
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d" + (rf"\.\d{{{digits}}}" if digits else "")
    assert re.fullmatch(pattern, text), text
    return datetime.datetime.fromisoformat(text)


def check_bar(topic, payload):
    """A bar of the topic it came on, with the fields of the contract. Returns it."""
    bar = json.loads(payload)
    raw = json.loads(payload, parse_float=str, parse_int=str)
    type_, symbol, interval = re.fullmatch(r"(\w+?)\.(.*)\.(\w+)", topic).groups()
    assert type_ in TYPES
    expected = BAR[:]
    if "last_trade" in bar:
        expected.insert(expected.index("change"), "last_trade")
    if interval == "1d" and "previous_close" in bar:
        expected.insert(expected.index("change"), "previous_close")
    assert list(bar) == expected
    assert (bar["symbol"], bar["interval"]) == (symbol, interval)
    for field in ("open", "high", "low", "close", "volume", "change", "change_percent"):
        assert NUMBER.fullmatch(raw[field]), f"{field}: {raw[field]}"
    assert bar["price"] == bar["close"]
    assert 0 < bar["low"] <= min(bar["open"], bar["close"])
    assert bar["high"] >= max(bar["open"], bar["close"])
    assert bar["volume"] >= 0 and type(bar["trades"]) is int and bar["trades"] > 0
    assert type(bar["closed"]) is bool
    start, time = when(bar["start"], 0), when(bar["timestamp"])
    end = start + length(interval, start)
    assert start <= time <= end and (time == end) <= bar["closed"]
    assert start == beginning(interval, start)
    return bar


def beginning(interval, time):
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval == "1M":
        return midnight.replace(day=1)
    if interval == "1w":
        return midnight - datetime.timedelta(days=midnight.weekday())
    minutes = int((time - midnight).total_seconds()) // 60
    return midnight + datetime.timedelta(minutes=minutes - minutes % MINUTES[interval])


def length(interval, start):
    if interval == "1M":
        return (start + datetime.timedelta(days=31)).replace(day=1) - start
    return datetime.timedelta(minutes=MINUTES.get(interval, 7 * 1440))


def check_closings(bars):
    """Of the bars of one topic, each is closed exactly once, by its last message."""
    for bar, following in zip(bars, bars[1:]):
        if bar["closed"]:
            assert following["start"] > bar["start"]
        else:
            assert following["start"] == bar["start"], "a bar was left open"


# The walk.


def test_the_walk_publishes_all_intervals_and_summaries(start_feeder, own_redis):
    with Listener(own_redis) as listener:
        start_feeder(*walk())

        def complete():
            topics = {channel for channel, _ in list(listener.heard)}
            wanted = {f"stock.600519.SH.{i}" for i in INTERVALS}
            types = {topic.partition(".")[0] for topic in topics}
            return wanted <= topics and types == {*TYPES, "market"}

        until(complete, what="all kinds of topics were published")
        messages = listener.wait_for(3000)
    check_chains(messages)
    firsts = {}
    for message in messages:
        firsts.setdefault(message.channel, message.prev)
        if message.channel.startswith("market."):
            check_summary(message.channel, message.payload)
        else:
            check_bar(message.channel, message.payload)
    assert set(firsts.values()) == {(0, 0)}


def check_summary(topic, payload):
    summary = json.loads(payload)
    assert list(summary) == SUMMARY
    assert topic == f"market.{summary['market']}.summary"
    assert summary["index_value"] > 0
    counts = [summary[field] for field in ("advancers", "decliners", "unchanged")]
    assert all(type(n) is int and n >= 0 for n in counts) and sum(counts) > 0
    when(summary["start"], 0)
    when(summary["timestamp"])


def test_each_tick_updates_the_nine_bars_of_its_symbol(start_feeder, own_redis):
    with Listener(own_redis) as listener:
        start_feeder(*walk())
        listener.wait_for(1000)
        listener.close()
        prices = {}
        for message in listener.messages():
            symbol, _, interval = message.channel.rpartition(".")
            if interval in INTERVALS and not json.loads(message.payload)["closed"]:
                price = json.loads(message.payload)["price"]
                prices.setdefault(symbol, {}).setdefault(interval, []).append(price)
    for symbol, of in prices.items():
        assert set(of) <= set(INTERVALS)
        shortest = min(len(of.get(interval, [])) for interval in INTERVALS)
        for interval in INTERVALS:  # the last tick may be cut off
            assert len(of.get(interval, [])) <= shortest + 1
            assert of.get(interval, [])[:shortest] == of["1m"][:shortest], symbol


def test_the_same_seed_gives_the_same_walk(start_feeder, own_redis):
    with Listener(own_redis) as listener:
        for prefix, seed in (("a:", "7"), ("b:", "7"), ("c:", "8")):
            start_feeder(
                *["--source", "walk", "--rate", "300", "--seed", seed, "--min-update-ms", "0"],
                *["--channel-prefix", prefix],
            )

        def walks():
            taken = {"a": [], "b": [], "c": []}
            for message in listener.messages():
                prefix, _, topic = message.channel.partition(":")
                bar = json.loads(message.payload)
                if topic.endswith(".1d") and not bar["closed"]:
                    taken[prefix].append((topic, bar["price"]))
            return taken if min(map(len, taken.values())) >= 100 else None

        taken = until(walks, what="all three walked")
    assert taken["a"][:100] == taken["b"][:100]
    assert taken["a"][:100] != taken["c"][:100]


def test_the_rate_is_kept(start_feeder, own_redis):
    with Listener(own_redis) as listener:
        start_feeder("--source", "walk", "--rate", "50", "--min-update-ms", "0")
        listener.wait_for(1)
        count = len(listener.heard)
        begin = datetime.datetime.now()
        listener.wait_for(count + 9 * 100)
        seconds = (datetime.datetime.now() - begin).total_seconds()
    assert 1.2 < seconds < 4, f"100 ticks at 50 per second took {seconds} s"


# What is left in Redis.


def test_the_history_holds_what_was_published(start_feeder, own_redis):
    with Listener(own_redis) as listener:
        feeder = start_feeder(*walk("--history-length", "50"))
        listener.wait_for(5000)
        assert feeder.stop() == 0
        key = "history:{crypto.BTC.1m}"
        entries = own_redis.call("XRANGE", key, "-", "+")
        kept = [(entry[0].decode(), entry[1][1].decode()) for entry in entries]

        def published():
            messages = listener.messages("crypto.BTC.1m")
            told = [("%d-%d" % message.id, message.payload) for message in messages]
            return told if told and told[-1] == kept[-1] else None

        assert kept == until(published, what="the last message came")[-len(kept) :]
    assert [entry[1][0] for entry in entries] == [b"d"] * len(entries)
    assert 0 < own_redis.call("TTL", key) <= 60 * 86400


def test_a_history_is_trimmed(start_feeder, own_redis):
    lines = b"".join(b'{"topic":"stock.W.1m","data":{"n":%d}}\n' % n for n in range(2000))
    assert feed(start_feeder, lines, "--history-length", "300").wait(20) == 0
    assert 300 <= own_redis.call("XLEN", "history:{stock.W.1m}") < 600


def test_anybody_may_publish_with_the_feeders_function(start_feeder, own_redis):
    assert feed(start_feeder, b'{"topic":"stock.W.1m","data":{"n":1}}').wait() == 0
    with Listener(own_redis) as listener:
        payload = '{"n":2}'
        id_ = own_redis.call("FCALL", "chrono_publish", 1, "stock.W.1m", payload).decode()
        [message] = listener.wait_for(1)
    assert ("%d-%d" % message.id, message.payload) == (id_, payload)
    assert message.prev > (0, 0)


def test_a_restarted_feeder_goes_on_with_the_chains(start_feeder, own_redis):
    with Listener(own_redis) as listener:
        feeder = start_feeder(*walk())
        listener.wait_for(500)
        assert feeder.stop() == 0
        count = len(listener.heard)
        start_feeder(*walk())
        listener.wait_for(count + 2000)
        listener.close()
        check_chains(listener.messages())


def test_a_channel_prefix_is_put_before_channels_and_histories(start_feeder, own_redis):
    with Listener(own_redis) as listener:
        start_feeder(*walk("--channel-prefix", "px:"))
        listener.wait_for(50)
        assert all(channel.startswith("px:") for channel, _ in listener.heard)
        keys = set(own_redis.call("KEYS", "*"))
        histories = {key for key in keys if key.startswith(b"history:{px:")}
        assert histories and keys - histories == {b"chronogate:lease:px:{walk}"}


def test_the_feeder_reaches_redis_over_a_unix_socket_with_a_name(start_feeder, own_redis):
    with Listener(own_redis) as listener:
        start_feeder(*walk(), redis=f"unix://{own_redis.path}")
        listener.wait_for(50)
        assert b"name=chronofeed" in own_redis.call("CLIENT", "LIST")


# Replay.

ROWS = """symbol,time,open,high,low,close,volume,type,market
AAPL,2024-01-30,10.5,12.25,10,11,4000,stock,US
BTC,2024-01-30,100,100,90,95.125,7,crypto,
AAPL,2024-01-31,11,11.5,9,9.5,8000,stock,US
AAPL,2024-02-01,9.5,10,9.25,9.75,100,stock,US
AAPL,2024-02-05,9.75,9.75,9.75,9.75,0,stock,US
"""


def replayed(start_feeder, redis, *argv):
    """Replays as fast as possible and returns the bars of each topic."""
    with Listener(redis) as listener:
        feeder = start_feeder("--source", "replay", "--speed", "0", *argv)
        assert feeder.wait(60) == 0
        redis.publish("end", "@1-0 0-0 {}")
        until(lambda: listener.heard[-1][0] == "end", what="all was heard")
        listener.close()
        messages = listener.messages()[:-1]
    check_chains(messages)
    bars = {}
    for message in messages:
        if message.channel.startswith("market."):
            check_summary(message.channel, message.payload)
        else:
            bar = check_bar(message.channel, message.payload)
            bars.setdefault(message.channel, []).append(bar)
    return bars


def test_rows_of_a_file_come_out_as_the_bars_they_were(start_feeder, own_redis, tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text(ROWS)
    bars = replayed(start_feeder, own_redis, "--file", str(file))
    assert set(bars) == {f"{s}.{i}" for s in ("stock.AAPL", "crypto.BTC") for i in INTERVALS}
    for of_topic in bars.values():
        check_closings(of_topic)
    fields = ("start", "open", "high", "low", "close", "volume")
    days = [[bar[f] for f in fields] for bar in bars["stock.AAPL.1d"] if bar["closed"]]
    assert days == [
        ["2024-01-30T00:00:00", 10.5, 12.25, 10, 11, 4000],
        ["2024-01-31T00:00:00", 11, 11.5, 9, 9.5, 8000],
        ["2024-02-01T00:00:00", 9.5, 10, 9.25, 9.75, 100],
        ["2024-02-05T00:00:00", 9.75, 9.75, 9.75, 9.75, 0],
    ]
    weeks = [[bar[f] for f in fields] for bar in bars["stock.AAPL.1w"] if bar["closed"]]
    assert weeks[0] == ["2024-01-29T00:00:00", 10.5, 12.25, 9, 9.75, 12100]
    months = [[bar[f] for f in fields] for bar in bars["stock.AAPL.1M"] if bar["closed"]]
    assert months[0] == ["2024-01-01T00:00:00", 10.5, 12.25, 9, 9.5, 12000]
    changes = [
        [bar["change"], bar["change_percent"]] for bar in bars["stock.AAPL.1d"] if bar["closed"]
    ]
    assert changes[1:] == [[-1.5, -13.64], [0.25, 2.63], [0, 0]]


def closed_bars(redis, topic):
    return [fields[1] for _, fields in redis.call("XRANGE", f"history:{{{topic}}}:bars", "-", "+")]


def test_closed_bars_are_kept_beside_the_history(start_feeder, own_redis, tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text(ROWS)
    bars = replayed(start_feeder, own_redis, "--file", str(file), "--history-length", "1")
    for topic, of_topic in bars.items():
        closed = [bar["start"] for bar in of_topic if bar["closed"]]
        assert [json.loads(text)["start"] for text in closed_bars(own_redis, topic)] == closed
    assert 80 * 86400 < own_redis.call("TTL", "history:{stock.AAPL.1d}:bars") <= 90 * 86400
    assert own_redis.call("EXISTS", "history:{market.US.summary}:bars") == 0


def test_without_a_length_no_closed_bars_are_kept(start_feeder, own_redis, tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text(ROWS)
    replayed(start_feeder, own_redis, "--file", str(file), "--bars-length", "0")
    assert [key for key in own_redis.call("KEYS", "*") if key.endswith(b"bars")] == []


def test_a_bad_row_is_reported_by_its_line_and_skipped(start_feeder, own_redis, tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text(ROWS.replace("95.125", "dear"))
    feeder = start_feeder("--source", "replay", "--speed", "0", "--file", str(file))
    assert feeder.wait() == 0
    assert feeder.log.find(r" warn .*\bline=3\b")
    assert own_redis.call("EXISTS", "history:{stock.AAPL.1d}") == 1
    assert own_redis.call("EXISTS", "history:{crypto.BTC.1d}") == 0


def test_the_shipped_prices_are_replayed(start_feeder, own_redis, shipped_prices, tmp_path):
    lines = shipped_prices.read_text().splitlines()[:301]
    file = tmp_path / "some.csv"
    file.write_text("\n".join(lines))
    bars = replayed(start_feeder, own_redis, "--file", str(file))
    for of_topic in bars.values():
        check_closings(of_topic)
    rows = list(csv.DictReader(lines))
    fields = ("open", "high", "low", "close", "volume")
    days = [[bar[f] for f in fields] for bar in bars["stock.AAPL.1d"] if bar["closed"]]
    assert days == [[float(row[f]) for f in fields] for row in rows]


def test_a_replay_can_be_looped(start_feeder, own_redis, tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text(ROWS)
    with Listener(own_redis) as listener:
        feeder = start_feeder(
            *["--source", "replay", "--speed", "0", "--loop", "--file", str(file)]
        )
        listener.wait_for(200, "stock.AAPL.1d")
        assert feeder.stop() == 0
        listener.close()
        messages = listener.messages("stock.AAPL.1d")
    check_chains(messages)
    bars = [check_bar(m.channel, m.payload) for m in messages]
    check_closings(bars)
    assert len({bar["start"] for bar in bars}) > 8


@pytest.mark.parametrize("text", [None, "", "a,b\n1,2\n", "symbol,time,price\n"])
def test_a_useless_file_is_one_clear_line(chronofeed, own_redis, tmp_path, text):
    file = tmp_path / "prices.csv"
    if text is not None:
        file.write_text(text)
    ended = subprocess.run(
        [chronofeed, "--source", "replay", "--file", str(file), "--redis", own_redis.url],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1 and str(file) in ended.stderr


# Standard input.


def feed(start_feeder, lines, *argv, end=True):
    feeder = start_feeder("--source", "stdin", *argv, stdin=subprocess.PIPE)
    feeder.popen.stdin.write(lines)
    if end:
        feeder.popen.stdin.close()
    return feeder


def test_lines_are_published_byte_for_byte(start_feeder, own_redis):
    payloads = ['{"price":1}', '{ "b" : 2.50, "a":[1e5] }', '{"x":"\\u4e2d中📈"}', "{}"]
    lines = "".join('{"topic":"stock.OWN.1m","data":%s}\n' % p for p in payloads)
    with Listener(own_redis) as listener:
        feeder = feed(start_feeder, lines.encode())
        assert feeder.wait() == 0
        messages = listener.wait_for(len(payloads))
    assert [m.payload for m in messages] == payloads
    assert check_chains(messages).keys() == {"stock.OWN.1m"}


BAD_LINES = [
    b"hello",
    b"",
    b"{",
    b"[]",
    b'{"data":{}}',
    b'{"topic":"nope","data":{}}',
    b'{"topic":"stock.A.1m","data":[]}',
    b'{"topic":"stock.A.1m"}',
    b'{"topic":"stock.A.1m","data":{"a":"\xff"}}',
    b'{"topic":"stock.A.1m","data":{}} x',
    b'{"topic":"stock.A.1m","data":{"x":"' + b"x" * 70000 + b'"}}',
]


def test_bad_lines_are_reported_by_number_and_skipped(start_feeder, own_redis):
    good = b'{"topic":"stock.GOOD.1m","data":{"n":%d}}'
    lines = []
    for n, bad in enumerate(BAD_LINES):
        lines += [bad, good % n]
    with Listener(own_redis) as listener:
        feeder = feed(start_feeder, b"\n".join(lines))  # no end to the last one
        assert feeder.wait() == 0
        messages = listener.wait_for(len(BAD_LINES))
    assert [json.loads(m.payload)["n"] for m in messages] == list(range(len(BAD_LINES)))
    numbers = [int(n) for n in re.findall(r" warn .*\bline=(\d+)", feeder.log.text())]
    empty = 2 * BAD_LINES.index(b"") + 1
    expected = list(range(1, 2 * len(BAD_LINES), 2))
    assert numbers in (expected, [n for n in expected if n != empty])


def test_ticks_on_standard_input_become_bars(start_feeder, own_redis):
    lines = b"""\
{"topic":"stock.OWN","price":10.5,"size":3,"time":"2024-05-06T10:00:01Z","market":"MINE"}
{"topic":"stock.OWN","price":11,"size":2,"time":"2024-05-06T10:00:59.5Z","market":"MINE"}
{"topic":"stock.OWN","price":9,"time":"2024-05-06T10:01:00Z","market":"MINE"}
"""
    with Listener(own_redis) as listener:
        feeder = feed(start_feeder, lines)
        listener.wait_for(4, "stock.OWN.1m")
        feeder.wait()
        bars = [check_bar(m.channel, m.payload) for m in listener.messages("stock.OWN.1m")]
    check_closings(bars)
    fields = ("start", "open", "high", "low", "close", "volume", "trades", "closed")
    assert [[bar[f] for f in fields] for bar in bars][:4] == [
        ["2024-05-06T10:00:00", 10.5, 10.5, 10.5, 10.5, 3, 1, False],
        ["2024-05-06T10:00:00", 10.5, 11, 10.5, 11, 5, 2, False],
        ["2024-05-06T10:00:00", 10.5, 11, 10.5, 11, 5, 2, True],
        ["2024-05-06T10:01:00", 9, 9, 9, 9, 0, 1, False],
    ]


async def test_a_line_reaches_a_client_with_its_id(start_feeder, start_gateway, own_redis):
    async with start_gateway(redis=own_redis).client() as client:
        await client.subscribe("stock.OWN.1m")
        feed(start_feeder, b'{"topic":"stock.OWN.1m","data":{"n":1}}\n')
        message = await client.hear()
        assert message["data"] == {"n": 1}
        [entry] = own_redis.call("XRANGE", "history:{stock.OWN.1m}", "-", "+")
        assert message["id"] == entry[0].decode()


# Redis comes and goes.


def test_the_feeder_survives_a_restart_of_redis(start_feeder, own_redis):
    feeder = start_feeder(*walk())
    with Listener(own_redis) as listener:
        listener.wait_for(50)
    for _ in range(2):
        own_redis.stop()
        feeder.log.wait_for(r"(?i) warn .*redis.*retry")
        own_redis.start()
        with Listener(own_redis) as listener:
            messages = listener.wait_for(500)
        check_chains(messages)


def test_the_feeder_waits_for_a_redis_that_is_not_there_yet(start_feeder, own_redis):
    own_redis.stop()
    feeder = start_feeder(*walk())
    feeder.log.wait_for(r"(?i) warn .*redis.*retry")
    own_redis.start()
    with Listener(own_redis) as listener:
        check_chains(listener.wait_for(50))


def test_lines_wait_for_redis_and_none_is_lost(start_feeder, own_redis):
    own_redis.stop()
    lines = b"".join(b'{"topic":"stock.W.1m","data":{"n":%d}}\n' % n for n in range(3000))
    feeder = feed(start_feeder, lines[:30000], "--max-queue", "100", end=False)
    feeder.log.wait_for(r"(?i) warn .*redis.*retry")
    own_redis.start()
    with feeder.popen.stdin as pipe:
        pipe.write(lines[30000:])
    assert feeder.wait(20) == 0
    about = own_redis.call("XINFO", "STREAM", "history:{stock.W.1m}")
    assert about[about.index(b"entries-added") + 1] == 3000


def test_more_bars_than_may_wait_close_at_once_and_none_is_lost(start_feeder, own_redis):
    tick = b'{"topic":"stock.S%d","price":1,"time":"2026-01-31T%02d:59:59Z"}\n'
    lines = b"".join(tick % (n, 22) for n in range(100))
    lines += tick.replace(b"-01-31", b"-02-01") % (0, 0)
    feeder = feed(start_feeder, lines, "--max-queue", "100")
    assert feeder.wait(20) == 0
    for interval in INTERVALS:
        key = f"history:{{stock.S99.{interval}}}"
        newest = own_redis.call("XREVRANGE", key, "+", "-", "COUNT", 1)
        assert json.loads(newest[0][1][1])["closed"] == (interval != "1w"), interval
    assert own_redis.call("XLEN", "history:{stock.S50.1m}") == 2
    feeder.log.wait_for(r"\bdropped=0\b")


def test_a_history_from_the_future_is_told(start_feeder, own_redis):
    future = ["--from", "2999-01-01", "--to", "2999-01-01T00:00:02Z", "--speed", "0"]
    assert start_feeder(*walk(*future)).wait(20) == 0
    feeder = start_feeder(*walk())
    feeder.log.wait_for(r" warn .*from the future.*until=2999-01-01T00:00:0")


def test_a_walk_without_redis_drops_the_oldest_and_says_how_many(start_feeder, own_redis):
    feeder = start_feeder(*walk("--max-queue", "100"))
    with Listener(own_redis) as listener:
        listener.wait_for(50)
    own_redis.stop()
    feeder.log.wait_for(r"(?i) warn .*redis.*retry")
    time.sleep(0.5)  # 1350 messages
    own_redis.start()
    with Listener(own_redis) as listener:
        check_chains(listener.wait_for(50))
    feeder.log.wait_for(r"\bdropped=[1-9]")


def test_an_account_that_may_not_load_functions_gets_a_clear_error(start_feeder, own_redis):
    own_redis.call("ACL", "SETUSER", "feed", "on", ">pw", "~*", "&*", "+@all", "-function")
    url = own_redis.url.replace("//", "//feed:pw@")
    feeder = start_feeder(*walk("--drain-timeout-ms", "100"), redis=url)
    feeder.log.wait_for(r"(?i) (warn|error) .*(function|NOPERM)")
    assert not feeder.log.find(r"\bpw\b")
    if not feeder.alive:
        assert feeder.wait() == 1


# Leaving.


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
def test_the_feeder_leaves_with_0_when_asked(start_feeder, own_redis, signo):
    feeder = start_feeder(*walk())
    with Listener(own_redis) as listener:
        listener.wait_for(50)
    assert feeder.stop(signo) == 0


def test_the_feeder_leaves_soon_although_redis_is_away(start_feeder, own_redis):
    feeder = start_feeder(*walk("--drain-timeout-ms", "500"))
    with Listener(own_redis) as listener:
        listener.wait_for(50)
    own_redis.stop()
    feeder.log.wait_for(r"(?i) warn .*redis.*retry")
    assert feeder.stop(within=5) == 0

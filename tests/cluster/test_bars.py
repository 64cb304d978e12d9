# SPDX-License-Identifier: MIT
"""Every bar of the nine intervals, number by number, against a reference of its own."""

import csv
import dataclasses
import datetime
import json
import random
import subprocess
from decimal import Decimal

import pytest

from support.listener import Listener, check_chains
from support.reference import INTERVALS, MICROSECOND, UTC, Calendar, Reference
from support.wait import until

SESSIONS = ["UTC", "America/New_York", "Europe/London", "Asia/Shanghai", "Australia/Lord_Howe"]
SYMBOLS = {"stock.AAPL": "US", "stock.IBM": "US", "crypto.BTC-USD": ""}

# Ends of days, months, a year and February, and where clocks are changed.
MOMENTS = ["2023-12-31T22", "2024-01-31T23", "2024-02-29T12", "2024-03-01T04", "2024-03-10T06"]
MOMENTS += ["2024-03-31T00", "2024-04-06T14", "2024-04-30T15", "2024-10-05T15", "2024-10-27T00"]
MOMENTS += ["2024-11-03T05", "2024-12-31T15", "2025-01-01T04"]


@dataclasses.dataclass
class Tick:
    symbol: str
    market: str
    time: datetime.datetime
    price: Decimal
    size: Decimal

    def line(self):
        fields = [f'"topic":"{self.symbol}","price":{self.price:f},"size":{self.size:f}']
        fields += [f'"time":"{self.time.replace(tzinfo=None).isoformat()}Z"']
        fields += [f'"market":"{self.market}"'] if self.market else []
        return ("{%s}\n" % ",".join(fields)).encode()


def random_ticks(seed, per_moment, disorder_s=0):
    chance = random.Random(seed)
    prices = {"stock.AAPL": Decimal(100), "stock.IBM": Decimal(250), "crypto.BTC-USD": Decimal(3)}
    ticks = []
    for moment in MOMENTS:
        begin = datetime.datetime.fromisoformat(moment + ":00:00+00:00")
        reach = chance.choice([100, 900] if disorder_s else [600, 7200, 86400])
        offsets = [chance.uniform(-reach, reach) for _ in range(per_moment)]
        offsets += [3600 * chance.randrange(-2, 4) for _ in range(4)]
        offsets += [3600 * chance.randrange(-2, 4) - 0.000001 for _ in range(2)]
        for offset in sorted(offsets):
            symbol = chance.choice(list(SYMBOLS))
            prices[symbol] += Decimal(chance.randrange(-300, 301)).scaleb(-chance.randrange(2, 6))
            size = Decimal(chance.randrange(10**6)).scaleb(-chance.randrange(7))
            late = chance.uniform(0, disorder_s) if chance.random() < 0.3 else 0
            time = begin + datetime.timedelta(microseconds=round((offset - late) * 1e6))
            ticks.append(Tick(symbol, SYMBOLS[symbol], time, prices[symbol], size))
    if not disorder_s:
        ticks.sort(key=lambda tick: tick.time)
    return ticks


def instant(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)


def numbers(payload):
    """The payload's members, as exact as they are written."""
    fields = json.loads(payload, parse_float=Decimal, parse_int=Decimal)
    for name in ("start", "timestamp"):
        fields[name] = instant(fields[name])
    return fields


def publish(start_feeder, redis, *argv, lines=None):
    """What a feeder publishes until it ends: of each channel, its payloads. And the feeder."""
    with Listener(redis) as listener:
        stdin = subprocess.PIPE if lines is not None else None
        feeder = start_feeder(*argv, "--history-length", "1", stdin=stdin)
        if lines is not None:
            with feeder.popen.stdin as pipe:
                pipe.write(b"".join(lines))
        assert feeder.wait(60) == 0
        redis.publish("end", "@1-0 0-0 {}")
        until(lambda: listener.heard[-1][0] == "end", what="all was heard")
        listener.close()
        messages = listener.messages()[:-1]
    check_chains(messages)
    said = {}
    for message in messages:
        said.setdefault(message.channel, []).append(message.payload)
    return said, feeder


def feed(start_feeder, redis, ticks, *argv):
    lines = [tick.line() for tick in ticks]
    return publish(start_feeder, redis, "--source", "stdin", *argv, lines=lines)


def refer(ticks, **how):
    reference = Reference(**how)
    for tick in ticks:
        reference.take(tick)
    return reference


def finals(payloads):
    """A topic's closed bars, and its last message if that is about an open one."""
    closed = [numbers(payload) for payload in payloads if '"closed":true' in payload]
    last = numbers(payloads[-1])
    return closed + ([] if last["closed"] else [last])


def check_bars(said, reference):
    bars = {topic: payloads for topic, payloads in said.items() if topic[:7] != "market."}
    assert set(bars) == set(reference.bars)
    count = 0
    for topic, payloads in bars.items():
        expected = reference.fields(topic)
        found = finals(payloads)
        for bar, wanted in zip(found, expected):
            assert {name: bar[name] for name in wanted} == wanted, topic
        assert len(found) == len(expected), topic
        count += len(found)
    return count


def check_markets(said, reference):
    assert {t for t in said if t[:7] == "market."} == {
        f"market.{market}.summary" for market in reference.markets
    }
    for name, market in reference.markets.items():
        reports = [numbers(payload) for payload in said[f"market.{name}.summary"]]
        wanted = market.fields()
        assert {field: reports[-1][field] for field in wanted} == wanted
        base, days = Decimal(1000), {}
        for report, following in zip(reports, reports[1:] + [None]):
            assert report["index_value"] - report["change"] == base
            days[report["start"]] = report["index_value"]
            if following and following["start"] != report["start"]:
                base = report["index_value"]
        assert days == market.finals


@pytest.mark.parametrize("session", SESSIONS)
def test_every_bar_is_what_its_ticks_make_it(start_feeder, own_redis, session):
    ticks = random_ticks(session, per_moment=60)
    said, _ = feed(start_feeder, own_redis, ticks, "--session", session, "--min-update-ms", "0")
    reference = refer(ticks, session=session)
    assert check_bars(said, reference) > 1000
    check_markets(said, reference)


@pytest.mark.parametrize(
    "session, lateness_ms", [("UTC", 2000), ("Europe/London", 0), ("America/New_York", 90000)]
)
def test_late_ticks_are_in_the_bars_while_those_are_open(
    start_feeder, own_redis, session, lateness_ms
):
    ticks = random_ticks(lateness_ms, per_moment=150, disorder_s=2 + lateness_ms / 500)
    argv = ["--session", session, "--lateness-ms", str(lateness_ms), "--min-update-ms", "0"]
    said, feeder = feed(start_feeder, own_redis, ticks, *argv)
    reference = refer(ticks, session=session, lateness_ms=lateness_ms)
    check_bars(said, reference)
    late = int(feeder.log.find(r" counters .*\blate=(\d+)").group(1))
    assert late == reference.late > 0


def test_a_pace_changes_no_bar(start_feeder, own_redis):
    """Here ticks are some milliseconds apart, so that most of what is open goes unsaid."""
    chance = random.Random(5)
    time = instant("2024-02-29T23:59:50")
    ticks = []
    for _ in range(400):
        time += datetime.timedelta(microseconds=chance.randrange(90000))
        price = Decimal(chance.randrange(10000, 10100)).scaleb(-2)
        ticks.append(Tick("stock.AAPL", "US", time, price, Decimal(chance.randrange(100))))
    said = {}
    for pace, prefix in (("0", "a:"), ("250", "b:")):
        argv = ["--min-update-ms", pace, "--channel-prefix", prefix]
        heard, _ = feed(start_feeder, own_redis, ticks, *argv)
        said[prefix] = {topic.removeprefix(prefix): heard[topic] for topic in heard}
        check_bars(said[prefix], refer(ticks))
    for topic in (f"stock.AAPL.{interval}" for interval in INTERVALS):
        assert len(said["a:"][topic]) > 3 * len(said["b:"][topic])
        times = [numbers(p)["timestamp"] for p in said["b:"][topic] if '"closed":false' in p]
        assert len(times) == len(set(times))


# The shipped prices.


def ticks_of(row):
    """Open, then low and high, the other way round if it fell, then close."""
    start, end = Calendar("UTC").bar("1d", instant(row["date"]))
    open_, high, low, close = (Decimal(row[name]) for name in ("open", "high", "low", "close"))
    prices = [open_, low, high, close] if close >= open_ else [open_, high, low, close]
    quarter = int(row["volume"]) // 4
    sizes = [quarter, quarter, quarter, int(row["volume"]) - 3 * quarter]
    times = [start, start + (end - start) / 3, start + (end - start) / 3 * 2, end - MICROSECOND]
    return [
        Tick("stock.AAPL", "US", time, price, Decimal(size))
        for time, price, size in zip(times, prices, sizes)
    ]


def test_the_shipped_prices_come_out_as_they_went_in_twice(
    start_feeder, own_redis, shipped_prices
):
    rows = list(csv.DictReader(shipped_prices.read_text().splitlines()))
    argv = ["--source", "replay", "--speed", "0", "--file", str(shipped_prices)]
    said, _ = publish(start_feeder, own_redis, *argv, "--channel-prefix", "a:")
    again, _ = publish(start_feeder, own_redis, *argv, "--channel-prefix", "b:")
    said = {topic.removeprefix("a:"): payloads for topic, payloads in said.items()}
    assert said == {topic.removeprefix("b:"): payloads for topic, payloads in again.items()}

    fields = ("open", "high", "low", "close", "volume")
    days = finals(said["stock.AAPL.1d"])
    assert [[day["start"], *(day[name] for name in fields)] for day in days] == [
        [instant(row["date"]), *(Decimal(row[name]) for name in fields)] for row in rows
    ]
    assert all(day["closed"] for day in days)
    reference = refer([tick for row in rows for tick in ticks_of(row)])
    reference.clock = days[-1]["timestamp"]  # a replay's clock goes to the end of its data
    check_bars(said, reference)
    check_markets(said, reference)

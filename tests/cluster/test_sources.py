# SPDX-License-Identifier: MIT
"""The sources as people use them: files as they come, a walk that can be repeated to the byte,
ticks by standard input, and a line of progress for whoever watches."""

import datetime
import gzip
import json
import os
import pty
import re
import signal
import subprocess

import pytest

from support.listener import Listener, check_chains
from support.wait import until

TRADES = """\
{"e":"trade","s":"BTC-USD","T":1709210041000,"p":"61000.10","q":"0.5","t":1,"m":true}
{"e":"trade","s":"BTC-USD","T":1709210042500,"p":"61000.30","q":"0.25","t":2,"m":true}
{"e":"trade","s":"BTC-USD","T":1709210042500,"p":"61000.30","q":"0.25","t":2,"m":true}
{"e":"trade","s":"ETH-USD","T":1709210042750,"p":"3400.5","q":"1","t":2,"m":false}
{"e":"trade","s":"BTC-USD","T":1709210101000,"p":"60999","q":"0.125","t":3,"m":false}
"""
COLUMNS = "symbol=s,time=T,price=p,size=q,id=t"
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warn|error) [^%]+")


@pytest.fixture
def trades(tmp_path):
    """A file of a venue's trades, packed, with the venue's own names and times."""
    file = tmp_path / "trades"
    file.write_bytes(gzip.compress(TRADES.encode()))
    return file


def heard(redis, run):
    """What is published while run() runs, which ends with the last message."""
    with Listener(redis) as listener:
        run()
        redis.publish("end", "@1-0 0-0 {}")
        until(lambda: listener.heard and listener.heard[-1][0] == "end", what="all was heard")
        listener.close()
        messages = listener.messages()[:-1]
    check_chains(messages)
    return messages


def replayed(start_feeder, redis, *argv):
    """Replays as fast as possible. Returns the process and the closed bars by topic."""
    feeders = []

    def run():
        feeders.append(start_feeder("--source", "replay", "--speed", "0", *argv))
        assert feeders[0].wait(60) == 0

    bars = {}
    for message in heard(redis, run):
        bar = json.loads(message.payload)
        if bar.get("closed"):
            bars.setdefault(message.channel, []).append(bar)
    return feeders[0], bars


def refused(chronofeed, redis, *argv):
    """Returns the one line with which the feeder ends."""
    ended = subprocess.run(
        [chronofeed, "--redis", redis.url, *argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


# Files.


def test_a_packed_file_of_a_venues_trades_is_replayed(start_feeder, own_redis, trades):
    feeder, bars = replayed(
        start_feeder, own_redis, "--file", str(trades), "--columns", COLUMNS
    )
    [bar] = bars["stock.BTC-USD.1m"]
    fields = ("start", "open", "high", "low", "close", "volume", "trades")
    assert [bar[f] for f in fields] == [
        *["2024-02-29T12:34:00", 61000.1, 61000.3, 61000.1, 61000.3, 0.75, 2]
    ]
    assert feeder.log.find(r" info rows left out .*1 of 5 have an id that came before")
    [newest] = own_redis.call("XREVRANGE", "history:{stock.BTC-USD.1h}", "+", "-", "COUNT", 1)
    bar = json.loads(newest[1][1])
    assert (bar["close"], bar["volume"], bar["trades"]) == (60999, 0.875, 3)


def test_a_name_that_means_nothing_is_refused_before_anything_runs(chronofeed, own_redis, trades):
    argv = ["-n", "--source", "replay", "--file", str(trades), "--columns"]
    assert '"when=T" does not begin with' in refused(chronofeed, own_redis, *argv, "when=T")
    assert "gives a second name" in refused(chronofeed, own_redis, *argv, "time=T,date=E")


def test_a_name_that_the_file_has_not_is_refused(chronofeed, own_redis, tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text("symbol,date,price\nA,20240131,1\n")
    line = refused(
        chronofeed, own_redis, "--source", "replay", "--file", str(file), "--columns", "size=Qty"
    )
    assert str(file) in line and "--columns" in line


@pytest.mark.parametrize("spoil", ["cut", "damage", "bomb"])
def test_a_spoilt_archive_is_one_clear_line(chronofeed, own_redis, tmp_path, spoil):
    file = tmp_path / "trades.gz"
    packed = bytearray(gzip.compress(TRADES.encode() * 100))
    if spoil == "cut":
        del packed[-20:]
    elif spoil == "damage":
        packed[len(packed) // 2] ^= 0x55
    file.write_bytes(packed)
    limit = ["--max-file-bytes", "1k"] if spoil == "bomb" else []
    argv = ["--source", "replay", "--file", str(file), "--columns", COLUMNS, *limit]
    line = refused(chronofeed, own_redis, *argv)
    expected = {"cut": "cut off", "damage": "damaged", "bomb": "--max-file-bytes"}
    assert str(file) in line and expected[spoil] in line


def test_a_file_that_nobody_writes_to_can_be_given_up(start_feeder, own_redis, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    feeder = start_feeder("--source", "replay", "--file", str(path))

    def write():
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            return None

    end = until(write)
    feeder.popen.terminate()
    assert feeder.wait(10) == -signal.SIGTERM
    os.close(end)


def test_only_the_rows_between_from_and_to_are_replayed(start_feeder, own_redis, tmp_path):
    file = tmp_path / "prices.csv"
    days = [f"A,2024-01-{day:02},{day},{day},{day},{day},1\n" for day in range(1, 31)]
    file.write_text("symbol,date,open,high,low,close,volume\n" + "".join(days))
    _, bars = replayed(
        start_feeder,
        own_redis,
        *["--file", str(file), "--from", "2024-01-10", "--to", "2024-01-13T00:00:00Z"],
    )
    assert [bar["close"] for bar in bars["stock.A.1d"]] == [10, 11, 12]


def test_a_range_without_rows_is_one_clear_line(chronofeed, own_redis, trades):
    argv = ["--source", "replay", "--file", str(trades), "--columns", COLUMNS]
    line = refused(chronofeed, own_redis, *argv, "--from", "2025-01-01")
    assert str(trades) in line and "no rows between --from and --to" in line


def test_a_loop_keeps_the_weekdays(start_feeder, own_redis, tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text("symbol,date,price\nA,2024-01-03,1\nA,2024-01-05,2\nA,2024-01-05T12:00,3\n")
    with Listener(own_redis) as listener:
        start_feeder("--source", "replay", "--loop", "--speed", "0", "--file", str(file))

        def passes():
            starts = [
                json.loads(m.payload)["start"] for m in listener.messages("stock.A.1d")
            ]
            return starts if len(set(starts)) >= 6 else None

        days = [datetime.datetime.fromisoformat(start) for start in until(passes)]
    assert days == sorted(days)
    assert {day.weekday() for day in days} == {2, 4}


# The walk.


def walked(start_feeder, redis, prefix, *argv):
    """What a walk with a clock of its own says on each topic, byte for byte."""

    def run():
        feeder = start_feeder(
            *["--source", "walk", "--rate", "2", "--speed", "0", "--channel-prefix", prefix],
            *["--from", "2024-01-02T14:58", "--to", "2024-01-02T15:03", *argv],
        )
        assert feeder.wait(60) == 0

    said = {}
    for message in heard(redis, run):
        said.setdefault(message.channel.removeprefix(prefix), []).append(message.payload)
    return said


def test_a_walk_with_from_is_the_same_to_the_byte(start_feeder, own_redis):
    first = walked(start_feeder, own_redis, "a:")
    assert sum(map(len, first.values())) > 1000
    assert walked(start_feeder, own_redis, "b:") == first
    assert walked(start_feeder, own_redis, "c:", "--seed", "2") != first
    bars = [json.loads(payload) for payload in first["crypto.BTC.1h"]]
    assert bars[0]["start"] == "2024-01-02T14:00:00"
    assert all("2024-01-02T14:58" <= bar["timestamp"] < "2024-01-02T15:03:01" for bar in bars)
    assert [bar["closed"] for bar in bars].count(True) == 1


# Standard input.


def test_a_tick_may_have_an_id_and_a_time_that_is_a_number(start_feeder, own_redis):
    lines = b"""\
{"topic":"crypto.OWN","price":10.5,"size":3,"time":1709210041.25,"id":71}
{"topic":"crypto.OWN","price":11,"size":2,"time":1709210042250,"id":72}
{"topic":"crypto.OWN","price":12,"size":2,"time":1709210042251,"id":0}
{"topic":"crypto.OWN","price":12,"size":2,"time":1709210042251,"id":7.5}
"""
    feeder = start_feeder("--source", "stdin", stdin=subprocess.PIPE)
    with feeder.popen.stdin as pipe:
        pipe.write(lines)
    assert feeder.wait() == 0
    [newest] = own_redis.call("XREVRANGE", "history:{crypto.OWN.1m}", "+", "-", "COUNT", 1)
    bar = json.loads(newest[1][1])
    assert (bar["start"], bar["close"], bar["volume"]) == ("2024-02-29T12:34:00", 11, 5)
    numbers = re.findall(r" warn .*\bline=(\d+) why=\"id is not a whole", feeder.log.text())
    assert numbers == ["3", "4"]


# Progress.


class Terminal:
    """A program with a terminal for its standard error, and what that shows."""

    def __init__(self, argv):
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        ) as popen:
            os.close(theirs)
            self.bytes = b"".join(iter(lambda: self.read(ours), b""))
            os.close(ours)
            self.status = popen.wait(30)

    @staticmethod
    def read(descriptor):
        try:
            return os.read(descriptor, 65536)
        except OSError:  # nobody has the other end any more
            return b""

    def screen(self):
        """The lines that stand there at the end."""
        lines, column = [""], 0
        for token in re.findall(r"\x1b\[K|.", self.bytes.decode(), re.S):
            if token == "\r":
                column = 0
            elif token == "\n":
                lines.append("")
                column = 0
            elif token == "\x1b[K":
                lines[-1] = lines[-1][:column]
            else:
                lines[-1] = lines[-1][:column] + token + lines[-1][column + 1 :]
                column += 1
        return lines


@pytest.fixture
def slow_file(tmp_path):
    """Three and a half seconds of prices, one of them not to be read."""
    file = tmp_path / "prices.csv"
    rows = [f"A,17092100{n // 2 + 41}.{n % 2 * 5},{n + 1}\n" for n in range(8)]
    file.write_text("symbol,time,price\n" + "".join(rows) + "A,later,9\n")
    return file


def watch(chronofeed, redis, *argv):
    terminal = Terminal([chronofeed, "--redis", redis.url, "--source", "replay", *argv])
    assert terminal.status == 0, terminal.bytes.decode()
    return terminal


def test_a_terminal_shows_the_progress_and_keeps_the_log(chronofeed, own_redis, slow_file):
    terminal = watch(chronofeed, own_redis, "--file", str(slow_file))
    shown = re.findall(rb"\r\x1b\[K *(\d+\.\d)%([^\r]*)\r", terminal.bytes)
    assert len(shown) >= 5
    shares = [float(share) for share, _ in shown]
    assert shares == sorted(shares) and 0 < shares[-1] <= 100
    assert any(re.fullmatch(rb"  \d+ ticks/s  0:00:0\d left", more) for _, more in shown)
    *lines, last = terminal.screen()
    assert last == "" and len(lines) >= 4
    assert all(LOG_LINE.fullmatch(line) for line in lines), lines


def test_a_log_of_json_is_not_disturbed(chronofeed, own_redis, slow_file):
    argv = ["--file", str(slow_file), "--speed", "20", "--log-format", "json"]
    terminal = watch(chronofeed, own_redis, *argv)
    assert b"\x1b" not in terminal.bytes
    for line in terminal.bytes.decode().splitlines():
        json.loads(line)

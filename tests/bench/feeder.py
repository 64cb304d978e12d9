#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""feeder: what a tick costs chronofeed, split into reading, bars and publishing.

    tests/bench/feeder.py [--ticks N] [--rounds N] [--rate N] [--write]

Ticks of 500 symbols, 50,000 in each second of their own time, go to the release build's
standard input, from a file, as fast as they are taken; Redis has the other core. Three runs
give the split: all ticks refused as duplicates (reading, with finding the symbol and its
bars), bars that are published only when they close (reading and bars), the default pace
(everything). A fourth is fed at --rate in real time. CPU is the process's user and system
time over the ticks. --write keeps the table in tests/bench/FEEDER.md. Needs
`cmake --build --preset release` and a quiet machine.
"""

import argparse
import datetime
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from harness import LOAD_CORE, SERVER_CORE, free_port  # noqa: E402

ROOT = pathlib.Path(__file__).parents[2]
CHRONOFEED = ROOT / "build/release/feeder/chronofeed"
SYMBOLS = 500
TICKS_PER_SECOND = 50_000
START = datetime.datetime(2025, 9, 22, 14, 29, 50)


def write_ticks(path, count, ids):
    """Lines as a venue's adapter would write them. `ids`: "new", or "same" for duplicates."""
    chance = random.Random(1)
    prices = [chance.randrange(1000, 100000) for _ in range(SYMBOLS)]
    seen = [0] * SYMBOLS
    with open(path, "w", buffering=1 << 20) as out:
        for tick in range(count):
            which = chance.randrange(SYMBOLS)
            prices[which] = max(1, prices[which] + chance.randrange(-3, 4))
            seen[which] += 1
            at = START + datetime.timedelta(microseconds=tick * 1_000_000 // TICKS_PER_SECOND)
            out.write(
                f'{{"topic":"stock.S{which:03}","price":{prices[which] / 100},'
                f'"size":{chance.randrange(1, 500)},"time":"{at:%Y-%m-%dT%H:%M:%S.%f}",'
                f'"id":{seen[which] if ids == "new" else 1},"market":"US"}}\n'
            )


def pinned(core):
    return lambda: os.sched_setaffinity(0, {core})


class Redis:
    def __init__(self, directory):
        self.port = free_port()
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--save", "", "--dir", directory],
            stdout=subprocess.DEVNULL,
            preexec_fn=pinned(LOAD_CORE),
        )
        self.url = f"redis://127.0.0.1:{self.port}"
        while self.cli("PING") != "PONG":
            time.sleep(0.05)

    def cli(self, *words):
        command = ["redis-cli", "-p", str(self.port), *words]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    def stop(self):
        self.process.kill()
        self.process.wait()


def feed(redis, log, stdin, *options):
    """Runs chronofeed to the end of its input; returns its CPU seconds, seconds, counters."""
    redis.cli("FLUSHALL")
    begin = time.monotonic()
    process = subprocess.Popen(
        [CHRONOFEED, "--source", "stdin", "--redis", redis.url, *options],
        stdin=stdin,
        stderr=open(log, "w"),
        preexec_fn=pinned(SERVER_CORE),
    )
    if stdin == subprocess.PIPE:
        return process
    return finish(process, begin, log)


def finish(process, begin, log):
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    text = pathlib.Path(log).read_text()
    if status != 0:
        sys.exit(f"feeder: chronofeed ended with {status}:\n{text}")
    counters = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", text)}
    return usage.ru_utime + usage.ru_stime, seconds, counters


def feed_in_real_time(redis, log, path, rate, seconds):
    """The same lines with no time of their own, `rate` of them a second."""
    lines = []
    with open(path) as source:
        for _, line in zip(range(rate // 20), source):
            lines.append(re.sub(r'"time":"[^"]*",|"id":\d+,', "", line))
    chunk = "".join(lines).encode()
    begin = time.monotonic()
    process = feed(redis, log, subprocess.PIPE)
    os.sched_setaffinity(0, {LOAD_CORE})
    for turn in range(seconds * 20):
        time.sleep(max(0.0, begin + turn / 20 - time.monotonic()))
        process.stdin.write(chunk)
        process.stdin.flush()
    late = time.monotonic() - begin - seconds
    process.stdin.close()
    return (*finish(process, begin, log), late)


def middle(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f}…{max(values):.2f})"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--ticks", type=int, default=2_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--rate", type=int, default=TICKS_PER_SECOND)
    options.add_argument("--write", action="store_true")
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        redis = Redis(directory)
        try:
            table = take(redis, directory, options)
        finally:
            redis.stop()
    print(table)
    if options.write:
        (ROOT / "tests/bench/FEEDER.md").write_text(table)


def take(redis, directory, options):
    new, same, log = (f"{directory}/{name}" for name in ("new", "same", "log"))
    print(f"writing {options.ticks} ticks", file=sys.stderr)
    write_ticks(new, options.ticks, "new")
    write_ticks(same, options.ticks, "same")
    runs = (
        ("reading", same, ()),
        ("reading, bars", new, ("--min-update-ms", "3600000")),
        ("reading, bars, publishing", new, ()),
    )
    cost = {name: [] for name, _, _ in runs}
    speed = {name: [] for name, _, _ in runs}
    published = {}
    for round_ in range(options.rounds):
        for name, path, settings in runs:
            print(f"round {round_ + 1}: {name}", file=sys.stderr)
            with open(path) as stdin:
                cpu, seconds, counters = feed(redis, log, stdin, *settings)
            if counters["dropped"] or counters["bad_lines"]:
                sys.exit(f"feeder: {counters}")
            cost[name].append(cpu / options.ticks * 1e6)
            speed[name].append(options.ticks / seconds / 1000)
            published[name] = counters["published"]
    print("in real time", file=sys.stderr)
    cpu, seconds, counters, late = feed_in_real_time(redis, log, new, options.rate, 10)
    rows = "\n".join(
        f"| {name} | {middle(cost[name])} | {middle(speed[name])} | {published[name]} |"
        for name, _, _ in runs
    )
    parse, bars, everything = (statistics.median(cost[name]) for name, _, _ in runs)
    return f"""# What a tick costs the feeder

Written by `tests/bench/feeder.py --write`, which says how it is taken.

{options.ticks} ticks of {SYMBOLS} symbols, {TICKS_PER_SECOND} in a second of their own time, nine intervals, one core for
chronofeed. Median of {options.rounds} rounds and their range.

| run | CPU per tick, µs | thousand ticks per second | messages |
|---|---|---|---|
{rows}

Of a tick's {everything:.2f} µs, reading its line is {parse:.2f}, nine bars {bars - parse:.2f}, publishing
{everything - bars:.2f} ({(everything - bars) * options.ticks / max(1, published[runs[2][0]] - published[runs[1][0]]):.1f} for each message).

Fed with {options.rate} ticks a second in real time for ten seconds: {counters["ticks"]} taken, {counters["published"]} messages published,
{counters["dropped"]} dropped, {100 * cpu / seconds:.0f} % of a core, the writer {1000 * late:.0f} ms behind at the end.
"""


if __name__ == "__main__":
    main()

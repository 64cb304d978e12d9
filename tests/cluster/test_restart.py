# SPDX-License-Identifier: MIT
"""A feeder that is killed under load and started again leaves every bar as if nothing had been."""

import json
import random

import pytest

from support.listener import Listener, check_chains
from support.wait import until

TICKS = 3000
KILLS = 4
SETTINGS = {
    "as it comes": [],
    "late ticks waited for, every tick said": ["--lateness-ms", "90000", "--min-update-ms", "0"],
    "days of New York": ["--session", "America/New_York"],
}


@pytest.fixture(scope="module")
def ticks(tmp_path_factory):
    """Ticks of three symbols over two days, as lines with ids that a script may say again."""
    chance = random.Random(5)
    prices = [10000, 2500, 700]
    ids = [0, 0, 0]
    at_ms = 1709150000000  # 2024-02-28
    file = tmp_path_factory.mktemp("ticks") / "ticks"
    with open(file, "w", encoding="utf-8") as out:
        for _ in range(TICKS):
            which = chance.randrange(3)
            at_ms += chance.choice([0, 1, 900, 20000, 93000])
            prices[which] += chance.randrange(-5, 6)
            ids[which] += 1
            symbol = ["AAPL", "IBM", "KO"][which]
            line = {"topic": f"stock.{symbol}", "symbol": symbol, "market": "US", "time": at_ms}
            line |= {"price": prices[which] / 100, "size": chance.randrange(100)}
            out.write(json.dumps(line | {"id": ids[which]}) + "\n")
    return file


def source(kind, file):
    if kind == "stdin":
        return ["--source", "stdin"], file
    # slow enough to be killed, fast enough to wait for
    return ["--source", "replay", "--file", str(file), "--speed", "200000"], None


def start(start_feeder, kind, file, settings):
    argv, stdin = source(kind, file)
    return start_feeder(*argv, *settings, stdin=stdin and open(stdin, "rb"))


def closed_bars(messages):
    bars = {}
    for message in messages:
        payload = json.loads(message.payload)
        if payload.get("closed"):
            bars.setdefault(message.channel, []).append(message.payload)
    return bars


def last_words(messages):
    """The newest message of each topic, the market's among them."""
    return {m.channel: m.payload for m in messages}


def run_through(start_feeder, redis, kind, file, settings, kills=0):
    """Feeds all of it, killed so many times. Returns the messages, and how often it was."""
    redis.call("FLUSHALL")
    chance = random.Random(7)
    killed = 0
    with Listener(redis) as listener:
        feeder = start(start_feeder, kind, file, settings)
        for _ in range(kills):
            enough = len(listener.heard) + chance.randrange(500, 2500)
            until(
                lambda e=enough, f=feeder: len(listener.heard) >= e or not f.alive,
                within=60,
                what="the feeder has said more",
            )
            if not feeder.alive:
                break
            feeder.kill()
            killed += 1
            feeder = start(start_feeder, kind, file, settings)
        assert feeder.wait(120) == 0
        redis.publish("end", "@1-0 0-0 {}")
        until(lambda: listener.heard[-1][0] == "end", within=60, what="all was heard")
        listener.close()
        messages = listener.messages()[:-1]
    check_chains(messages)
    return messages, killed


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
@pytest.mark.parametrize("kind", ["replay", "stdin"])
def test_a_feeder_killed_again_and_again_leaves_every_bar_as_it_would_be(
    start_feeder, own_redis, ticks, kind, settings
):
    undisturbed, _ = run_through(start_feeder, own_redis, kind, ticks, settings)
    disturbed, killed = run_through(start_feeder, own_redis, kind, ticks, settings, KILLS)
    assert killed >= 2
    expected = closed_bars(undisturbed)
    bars = closed_bars(disturbed)
    assert len(expected["stock.AAPL.1m"]) > 200
    assert bars.keys() == expected.keys()
    for topic, messages in expected.items():
        assert bars[topic] == messages, topic
    assert last_words(disturbed) == last_words(undisturbed)

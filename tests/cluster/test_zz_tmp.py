# SPDX-License-Identifier: MIT
"""Everything that may fail, in turn, under load: nothing is lost, repeated or out of order, and
where a history was really gone every client is told.

    tests/storm.sh           ten minutes at full size, with the release build
    STORM_SECONDS=600 STORM_CLIENTS=200 STORM_RATE=1000 …
"""

import contextlib
import itertools
import os
import signal
import time

from support.feed import Feed, Flow
from support.follower import Follower
from support.proxy import Proxy, connections_of_gateways
from support.resp import RespError
from support.swarm import Swarm
from support.wait import until

SECONDS = float(os.environ.get("STORM_SECONDS", 0))  # 0: each fault once, and short
CLIENTS = int(os.environ.get("STORM_CLIENTS", 40))
RATE = int(os.environ.get("STORM_RATE", 200))
IS_SHORT = SECONDS == 0
STANDSTILL = 2 if IS_SHORT else 5
BLACKOUT = 3 if IS_SHORT else 10
KILLS = 10 if IS_SHORT else 50
CALM = 1 if IS_SHORT else 3  # seconds before and after a fault
PATIENCE = 60

TOPICS = [f"stock.T{n}.1m" for n in range(20)]
DELIVERIES_MAX = 10000  # a second: what these clients can read
TOPICS_EACH = max(1, min(4, DELIVERIES_MAX * len(TOPICS) // (RATE * CLIENTS)))
RESTLESS = 1
BALLAST = "stock.BALLAST.1m"
BALLAST_MAX = 64 << 20  # bytes
HISTORY = 10000
COMPLAINTS_MAX = 3  # then it is no use going on

# A repair may reach as far back as the histories, and a client may take it.
SETTINGS = {
    "replay_max": 20000,
    "backlog_hard_bytes": "64m",
    "backlog_total_bytes": "1024m",
    "drain_delay_ms": 500,
    "drain_spread_ms": 2000,
    "unsubscribe_linger_ms": 1000, "replay_keep_ms": 300, "subscribe_timeout_ms": 500, "channel_prefix": "",
    **({"probe_interval_ms": 200, "probe_timeout_ms": 1000} if IS_SHORT else {}),
}


class Storm:
    def __init__(self, redis, proxy, start):
        self.redis = redis
        self.proxy = proxy
        self.start = start
        self.gateways = [self.start_gateway(), self.start_gateway()]
        seen = {topic: {} for topic in TOPICS}
        self.followers = [
            Follower(self._topics_of(n), seen, f"c{n}", restless=n % RESTLESS == 0)
            for n in range(CLIENTS)
        ]
        self.swarm = Swarm(self.gateways, self.followers)

    @staticmethod
    def _topics_of(n):
        chosen = {TOPICS[(n * TOPICS_EACH + k) % len(TOPICS)] for k in range(TOPICS_EACH)}
        return [*sorted(chosen), BALLAST]

    def start_gateway(self):
        return self.start(redis=self.proxy.url, **SETTINGS)

    def replace(self, leave):
        """Another gateway takes the place of the oldest, which leaves."""
        oldest, *others = self.gateways
        self.gateways = [*others, self.start_gateway()]
        self.swarm.gateways = self.gateways
        leave(oldest.process)

    # The faults.

    def gateway_killed(self):
        self.replace(lambda process: process.kill())

    def gateway_drained(self):
        def leave(process):
            assert process.stop(within=PATIENCE) == 0

        self.replace(leave)

    def redis_restarted_with_its_data(self):
        self.redis.restart()

    def redis_restarted_empty(self):
        self.redis.restart_empty()

    def connections_killed(self):
        for _ in range(KILLS):
            time.sleep(0.1)
            self.redis.call("CLIENT", "KILL", "TYPE", "pubsub")
            for connection in connections_of_gateways(self.redis)[:1]:
                with contextlib.suppress(RespError):  # it is gone by itself
                    self.redis.call("CLIENT", "KILL", "ID", connection["id"])

    def redis_stood_still(self):
        self.redis.pause()
        try:
            time.sleep(STANDSTILL)
        finally:
            self.redis.resume()

    def network_swallowed_everything(self):
        self.proxy.hold()
        time.sleep(BLACKOUT)
        self.proxy.resume()

    def output_buffer_limit_hit(self):
        process = self.gateways[0].process
        until(lambda: self.redis.subscribers(BALLAST) == 2, PATIENCE, "both hold the ballast")
        limit = "client-output-buffer-limit"
        self.redis.call("CONFIG", "SET", limit, "pubsub 64kb 64kb 1")
        process.send_signal(signal.SIGSTOP)
        try:
            junk = "x" * 16384  # no payload: it reaches no client
            for _ in range(BALLAST_MAX // len(junk)):
                if self.redis.publish(BALLAST, junk) < 2 and self._has_lost_one_for_good():
                    break
            else:
                raise AssertionError("the limit did not bite")
        finally:
            process.send_signal(signal.SIGCONT)
            self.redis.call("CONFIG", "SET", limit, "pubsub 32mb 8mb 60")

    FAULTS = [
        gateway_killed,
        gateway_drained,
        redis_restarted_with_its_data,
        redis_restarted_empty,
        connections_killed,
        redis_stood_still,
        network_swallowed_everything,
        output_buffer_limit_hit,
    ]

    def _has_lost_one_for_good(self):
        """A gateway that runs subscribes again; the one that was stopped does not."""
        try:
            until(lambda: self.redis.subscribers(BALLAST) == 2, 2)
            return False
        except AssertionError:
            return True


class Row:
    """What one fault has come to, over all its runs."""

    TITLES = ["fault", "runs", "messages sent", "messages received by all", "gaps"]
    TITLES += ["duplicates", "longest silence a client saw"]

    def __init__(self, name):
        self.name = name.replace("_", " ")
        self.runs = self.sent = self.received = self.gaps = self.duplicates = 0
        self.silence = 0.0

    def cells(self):
        counts = [self.runs, self.sent, self.received, self.gaps, self.duplicates]
        return [self.name, *map(str, counts), f"{self.silence:.1f} s"]


def table(rows):
    lines = [Row.TITLES, ["---"] + ["---:"] * (len(Row.TITLES) - 1)]
    lines += [row.cells() for row in rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def totals(followers):
    gaps = sum(follower.told_of_losses() for follower in followers)
    repeated = sum(f.counts["duplicates"] + f.counts["reorderings"] for f in followers)
    return gaps, repeated


def skipped(followers):
    """The messages that at least one client was told it would not get."""
    numbers = set()
    for follower in followers:
        for jump in follower.jumps:
            numbers.update((jump.topic, n) for n in range(jump.before + 1, jump.after))
    return numbers


def begin_anew(followers):
    for follower in followers:
        follower.silence = 0.0
        follower.problems.clear()
        follower.jumps.clear()


def run(storm, fault, journal, row):
    """One fault, with calm before and after it; fills the row and checks that all is whole."""
    followers = storm.followers
    row.runs += 1
    storm.swarm.wait_for(journal)
    begin_anew(followers)
    begin, before = journal.count(), totals(followers)
    told = [follower.told_of_losses() for follower in followers]
    time.sleep(CALM)
    fault(storm)
    time.sleep(CALM)
    for gateway in storm.gateways:
        until(gateway.ready, PATIENCE, "the gateways are ready")
    sent = journal.count() - begin
    try:
        storm.swarm.check_whole(journal)
        assert sent > 0, "nothing was published"
        if fault is Storm.redis_restarted_empty:
            told_now = [follower.told_of_losses() for follower in followers]
            assert all(now > then for now, then in zip(told_now, told)), "not all were told"
    finally:
        after = totals(followers)
        row.sent += sent
        row.received += sent - len(skipped(followers))
        row.gaps += after[0] - before[0]
        row.duplicates += after[1] - before[1]
        row.silence = max([row.silence, *(follower.silence for follower in followers)])


def weather(storm, journal, rows):
    """The faults in turn, until each has happened and the time is over. Returns complaints."""
    complaints, begin = [], time.monotonic()
    for fault, row in itertools.cycle(zip(Storm.FAULTS, rows)):
        is_over = rows[-1].runs > 0 and time.monotonic() - begin >= SECONDS
        if is_over or len(complaints) >= COMPLAINTS_MAX:
            return complaints
        try:
            run(storm, fault, journal, row)
        except AssertionError as error:
            complaints.append(f"{row.name}: {error}")
        print(f"{time.monotonic() - begin:6.0f} s  {row.name}", flush=True)


def test_nothing_is_lost_or_repeated_whatever_fails(start_gateway, durable_redis, library):
    feed = Feed(durable_redis, library, history=HISTORY)
    rows = [Row(fault.__name__) for fault in Storm.FAULTS]
    with Proxy(durable_redis.port) as proxy:
        storm = Storm(durable_redis, proxy, start_gateway)
        with storm.swarm, Flow(feed, TOPICS, RATE):
            until(lambda: feed.journal.count() > len(TOPICS), PATIENCE, "data flows")
            complaints = weather(storm, feed.journal, rows)
    print("\n" + table(rows))
    assert not complaints, "\n".join(complaints)

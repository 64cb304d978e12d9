# SPDX-License-Identifier: MIT
"""What a client of the contract remembers and checks, whatever carries its messages: ids that
increase, numbers without a hole, and a `gap` wherever there is one."""

import collections
import json
import random
import re
import time

from .feed import as_id

DATA = re.compile(
    r'\{"type":\s?"data",\s?"topic":\s?"([^"]+)",\s?"data":\s?\{"topic":"([^"]+)","n":(\d+)[^}]*\}'
    r',\s?"id":\s?"(\d+)-(\d+)",\s?(?:"snapshot":\s?(true),\s?)?"timestamp":\s?"[^"]+"\}'
)
PROBLEMS_MAX = 20
PAUSE_MAX = 1.0


class Jump(collections.namedtuple("Jump", "topic before after why")):
    """From one number to another that need not follow it."""


class Held:
    """One topic as this client knows it."""

    __slots__ = ("id", "n", "asked", "since", "acked", "jump")

    def __init__(self):
        self.id = None  # of the newest message, as two numbers
        self.n = None
        self.asked = False  # a subscription is under way
        self.since = None  # which named this id and number
        self.acked = False
        self.jump = None  # why the next message need not follow the newest

    def text(self):
        return f"{self.id[0]}-{self.id[1]}"

    def ask(self, topic):
        """Returns the request to subscribe from here on."""
        self.asked, self.since = True, (self.id, self.n) if self.id else None
        since = {"since": self.text()} if self.id else {}
        return {"type": "subscribe", "topic": topic, **since}


class Follower:
    """`seen` is shared by all followers of a test: seen[topic][n] is the id that came. One
    that is restless does more than it has to, see fidget()."""

    def __init__(self, topics, seen=None, name="follower", restless=False):
        self.path = f"{name}?delivery=all"
        self.restless = restless
        self.held = {topic: Held() for topic in topics}
        self.seen = collections.defaultdict(dict) if seen is None else seen
        self.problems = []
        self.jumps = []
        self.counts = collections.Counter()
        self.after_ms = None  # the gateway's wish for the time until the next connection
        self.states = []
        self.closes = collections.Counter()
        self.useless = False  # give this connection up
        self.greeted = False
        self.failures = 0
        self.silence = 0.0
        self.heard_at = None

    # The connection.

    def opened(self):
        """A new connection, which has not said anything yet."""
        self.greeted = self.useless = False
        self.after_ms = None
        self.states.append(None)

    def closed(self, code):
        """The connection ended, or was refused. Returns the seconds to wait."""
        self.closes[code] += 1
        after_ms, self.after_ms = self.after_ms, None
        if (code == 1012) != (after_ms is not None) and code is not None:
            self._problem(f"closed with {code}, reconnect said {after_ms}")
        if after_ms is not None:
            return after_ms / 1000
        self.failures = 0 if self.greeted else self.failures + 1
        self.greeted = False
        return random.uniform(0.02, min(0.1 * 2**self.failures, PAUSE_MAX))

    def hear(self, text):
        """Takes a message and returns what is to be said to it."""
        found = DATA.fullmatch(text)
        if found:
            topic, inner, n, ms, seq, snapshot = found.groups()
            if topic != inner or topic not in self.held:
                self._problem(f"not mine: {text}")
            else:
                self._data(topic, int(n), (int(ms), int(seq)), snapshot)
            return ()
        message = json.loads(text)
        return getattr(self, "_on_" + message["type"], self._unexpected)(message) or ()

    def fidget(self):
        """Returns requests that are not necessary: to begin a topic anew where it is, or to
        leave it and to come back."""
        idle = [topic for topic, held in self.held.items() if held.id and not held.asked]
        if not idle or not self.greeted:
            return ()
        topic = random.choice(idle)
        again = self.held[topic].ask(topic)
        if random.random() < 0.5:
            return [again]
        return [{"type": "unsubscribe", "topic": topic}, again]

    # What comes.

    def _on_connection_ack(self, _):
        self.greeted = True
        for held in self.held.values():
            held.acked = False
        return [held.ask(topic) for topic, held in self.held.items()]

    def _on_subscribe_ack(self, message):
        held = self.held[message["topic"]]
        recovered = ["recovered"] if held.since else []
        if not held.asked or list(message) != ["type", "topic", *recovered, "timestamp"]:
            self._problem(f"a strange ack to since={held.since}: {message}")
        held.asked, held.acked = False, True
        if not held.since:
            held.jump = "first"
            return
        held.id, held.n = held.since  # what came since it was asked comes again
        if message.get("recovered"):
            self.counts["recovered"] += 1
            held.jump = None
        else:
            self.counts["not recovered"] += 1
            held.jump = "not recovered"

    def _on_unsubscribe_ack(self, message):
        self.held[message["topic"]].acked = False

    def _data(self, topic, n, id_, snapshot):
        held = self.held[topic]
        now = time.monotonic()
        if self.heard_at is not None:
            self.silence = max(self.silence, now - self.heard_at)
        self.heard_at = now
        self.counts["data"] += 1
        self.counts["snapshots"] += bool(snapshot)
        if not held.acked:
            self._problem(f"{topic} {n} before the ack")
        if snapshot and not held.jump:
            self._problem(f"{topic} {n} is a snapshot that nothing called for")
        if held.id is not None and id_ <= held.id:
            what = "duplicates" if id_ == held.id else "reorderings"
            self.counts[what] += 1
            self._problem(f"{topic} {n} {id_} after {held.n} {held.id}")
            return
        if held.n is not None:
            if held.jump:
                self.jumps.append(Jump(topic, held.n, n, held.jump))
            elif n != held.n + 1:
                self.counts["missing"] += 1
                self._problem(f"{topic} {n} after {held.n}, and no word about it")
        if self.seen[topic].setdefault(n, id_) != id_:
            self._problem(f"{topic} {n} is {id_} here and {self.seen[topic][n]} elsewhere")
        held.id, held.n, held.jump = id_, n, None

    def _on_gap(self, message):
        held = self.held[message["topic"]]
        self.counts["gaps"] += 1
        good = list(message) == ["type", "topic", "after", "timestamp"] and held.acked
        if not good or (held.id and message["after"] != held.text()):
            self._problem(f"a strange gap: {message}, having {held.id}")
        if held.jump == "gap":
            self._problem(f"told twice: {message}")
        held.jump = "gap"

    def _on_status(self, message):
        states = {None: ("degraded",), "degraded": ("live",), "live": ("degraded",)}
        if message["state"] not in states[self.states[-1]]:
            self._problem(f"{message['state']} after {self.states[-1]}")
        self.states.append(message["state"])

    def _on_reconnect(self, message):
        if list(message) != ["type", "after_ms", "timestamp"] or self.after_ms is not None:
            self._problem(f"a strange or second reconnect: {message}")
        self.after_ms = message["after_ms"]

    def _on_error(self, message):
        if message["error_code"] != "subscription_failed":
            self._problem(str(message))
        self.counts["refusals"] += 1
        self.useless = True

    def _on_heartbeat(self, _):
        pass

    def _unexpected(self, message):
        self._problem(f"unexpected: {message}")

    def _problem(self, what):
        self.counts["problems"] += 1
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(what)

    # What it amounts to.

    def has(self, newest):
        """Has it got as far as these numbers, in the topics it holds?"""
        return all(
            held.n is not None and held.n >= newest[topic]
            for topic, held in self.held.items()
            if newest.get(topic, -1) >= 0
        )

    def told_of_losses(self):
        return self.counts["gaps"] + self.counts["not recovered"]


def waiting_for(followers, newest):
    """Words for those that are behind, to be shown when waiting for them was in vain."""
    behind = [follower for follower in followers if not follower.has(newest)]
    if not behind:
        return ""
    one = behind[0]
    where = {topic: (held.n, newest.get(topic)) for topic, held in one.held.items()}
    return f"{len(behind)} of {len(followers)} are behind; {one.path} is at {where}, {one.closes}"


def verdict(followers, journal):
    """Complaints of the followers, announced losses that were none, and messages that came
    with another id than the one they were published with."""
    complaints = [f"{one.path}: {what}" for one in followers for what in one.problems]
    for one in followers:
        for jump in one.jumps:
            if not journal.is_torn(jump.topic, jump.before, jump.after):
                complaints.append(f"{one.path}: nothing was lost: {jump}")
    for seen in {id(one.seen): one.seen for one in followers}.values():
        for topic, ids in list(seen.items()):
            for n, known in enumerate(journal.ids[topic].copy()):
                if known and n in ids and as_id(known) != ids[n]:
                    complaints.append(f"{topic} {n} came as {ids[n]}, published as {known}")
    return complaints

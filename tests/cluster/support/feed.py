# SPDX-License-Identifier: MIT
"""A careful feeder: publishes running numbers with chrono_publish, and knows what is really in
the histories whatever happens to Redis."""

import collections
import itertools
import re
import threading
import time

from .resp import Resp, RespError

NUMBER = re.compile(rb'"n":(\d+)')
ROUND_S = 0.02
BATCH = 100
ENDURANCE = 60  # seconds to go on trying


def history_key(channel):
    return "history:{%s}" % channel


def payload(topic, n, fill=""):
    more = f',"fill":"{fill}"' if fill else ""
    return f'{{"topic":"{topic}","n":{n}{more}}}'


def as_id(text):
    ms, _, seq = text.partition("-")
    return int(ms), int(seq)


def calls(redis, *commands):
    """How often Redis has carried out these commands, also for functions."""
    counts = {}
    for line in redis.call("INFO", "commandstats").decode().splitlines():
        found = re.match(r"cmdstat_([\w|]+):calls=(\d+)", line)
        if found:
            counts[found.group(1)] = int(found.group(2))
    return sum(counts.get(command, 0) for command in commands)


class Journal:
    """What is in the histories: ids[topic][n] is the id of the topic's message number n. It
    is None where nobody can know it, because the history was lost with the answer."""

    def __init__(self):
        self.ids = collections.defaultdict(list)
        self.torn = collections.defaultdict(list)  # numbers that came first after a loss

    def add(self, topic, n, id_):
        assert n == len(self.ids[topic]), f"{topic}: number {n} after {len(self.ids[topic])}"
        self.ids[topic].append(id_)

    def tear(self, topic):
        self.torn[topic].append(len(self.ids[topic]))

    def is_torn(self, topic, before, after):
        """Was the history lost somewhere between these two numbers?"""
        return any(before < n <= after for n in self.torn[topic])

    def last(self, topic):
        return next((id_ for id_ in reversed(self.ids[topic]) if id_), None)

    def newest(self):
        """The number of each topic's newest message."""
        ends = {}
        for topic, ids in list(self.ids.items()):
            n = len(ids) - 1
            while n >= 0 and ids[n] is None:
                n -= 1
            ends[topic] = n
        return ends

    def count(self):
        return sum(len(ids) for ids in list(self.ids.values()))


class Feed:
    """Publishes over one connection that it makes anew when lost. It waits for Redis as long
    as the connection lasts: what it has sent cannot be carried out behind its back."""

    def __init__(self, redis, library, history=10000):
        self.redis = redis
        self.library = library
        self.history = history
        self.journal = Journal()
        self.numbers = collections.defaultdict(itertools.count)
        self.unanswered = collections.deque()  # topic, number, fill
        self.resp = None
        self.closed = False

    def publish(self, *topics, fill=""):
        """One message on each topic, pipelined. Returns their ids, in order, once they are in
        their histories."""
        before = {topic: len(self.journal.ids[topic]) for topic in topics}
        for topic in topics:
            self.unanswered.append((topic, next(self.numbers[topic]), fill))
        self._carry_out(self._publish_all)
        rest = {topic: iter(self.journal.ids[topic][n:]) for topic, n in before.items()}
        return [next(rest[topic], None) for topic in topics]

    def publish_many(self, topic, count, fill=""):
        return self.publish(*[topic] * count, fill=fill)

    def reach(self):
        """Is connected to Redis as it is now, and knows what became of its histories."""
        self._carry_out(lambda: self.resp.call("PING"))

    def lose(self, topic, count=1, fill=""):
        """Messages that are in the history but were published to nobody. Returns their ids."""
        self.reach()
        ids = []
        for n in itertools.islice(self.numbers[topic], count):
            entry = ("d", payload(topic, n, fill))
            ids.append(self.resp.call("XADD", history_key(topic), "*", *entry).decode())
            self.journal.add(topic, n, ids[-1])
        return ids

    def close(self):
        self.closed = True
        self._drop(shut=True)

    def _carry_out(self, step):
        end = time.monotonic() + ENDURANCE
        while not self.closed:
            try:
                if self.resp is None:
                    self._connect()
                return step()
            except (OSError, ValueError, RespError) as error:
                assert time.monotonic() < end, f"cannot publish: {error!r}"
                self._drop()
                time.sleep(ROUND_S)

    def _publish_all(self):
        resp = self.resp
        resp.sock.sendall(b"".join(self._call(*one) for one in self.unanswered))
        while self.unanswered:
            id_ = resp.read().decode()
            topic, n, _ = self.unanswered.popleft()
            self.journal.add(topic, n, id_)

    def _call(self, topic, n, fill):
        words = ["FCALL", "chrono_publish", "1", topic, payload(topic, n, fill)]
        words = [word.encode() for word in [*words, str(self.history)]]
        return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)

    def _connect(self):
        self.resp = resp = Resp(self.redis.port, timeout=None)
        resp.call("FUNCTION", "LOAD", "REPLACE", self.library)
        for topic in list(self.numbers):
            self._settle(resp, topic)

    def _settle(self, resp, topic):
        """Finds out what became of the calls whose answers were lost."""
        key, last = history_key(topic), self.journal.last(topic)
        waiting = [one for one in self.unanswered if one[0] == topic]
        if last and not resp.call("XRANGE", key, last, last):
            for one in waiting:
                self.unanswered.remove(one)
                self.journal.add(topic, one[1], None)
            self.journal.tear(topic)
            return
        for id_, (_, text) in resp.call("XRANGE", key, f"({last}" if last else "-", "+"):
            one = waiting.pop(0)
            assert one[1] == int(NUMBER.search(text).group(1)), f"{topic}: {one} is {text}"
            self.unanswered.remove(one)
            self.journal.add(topic, one[1], id_.decode())

    def _drop(self, shut=False):
        resp, self.resp = self.resp, None
        if resp and shut:
            try:
                resp.sock.shutdown(2)  # wakes a thread that waits for an answer
            except OSError:
                pass
        elif resp:
            resp.close()


class Flow:
    """While the context lasts, publishes on the topics in turn: `rate` messages a second, or
    as many as Redis takes."""

    def __init__(self, feed, topics, rate=None):
        self.feed = feed
        self.turn = itertools.cycle(topics)
        self.rate = rate
        self.stopping = False
        self.error = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.stop()

    def stop(self):
        """Ends the flow once all that was sent is known to be in the histories."""
        self.stopping = True
        self.thread.join(ENDURANCE / 2)
        if self.thread.is_alive():
            self.feed.close()
            self.thread.join()
        assert self.error is None, self.error

    def _run(self):
        try:
            due, then = 0.0, time.monotonic()
            while not self.stopping:
                count = BATCH
                if self.rate:
                    time.sleep(ROUND_S)
                    now = time.monotonic()
                    # What was due while Redis stood still is not made good for.
                    due += min(now - then, 10 * ROUND_S) * self.rate
                    then = now
                    count, due = int(due), due - int(due)
                self.feed.publish(*itertools.islice(self.turn, count))
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

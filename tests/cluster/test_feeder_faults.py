# SPDX-License-Identifier: MIT
"""The feeder loses no message and publishes none twice, however the way to Redis breaks: what
it was given is in the histories exactly once, in order."""

import json
import re
import subprocess
import threading
import time

import pytest

from support.listener import Listener, check_chains
from support.redis import Redis
from support.resp import Resp, RespError
from support.wait import until
from support.way import Way, hang_up

IN_FLIGHT = 200
SETTINGS = ["--max-in-flight", str(IN_FLIGHT), "--history-length", "100000"]
TOPICS = ["stock.A.1m", "crypto.B.5m", "market.C.summary"]
VERDICTS = r"without an answer.* count=(\d+) published=(\d+) unknown=(\d+)"


class Feed:
    """A feeder that publishes {"n":0}, {"n":1}, … in turn on some topics."""

    def __init__(self, start_feeder, redis, *argv, url=None, topics=TOPICS, prefix="", line=None):
        self.redis = redis
        self.topics = topics
        self.prefix = prefix
        self.line = line or '{"n":%d}'
        self.said = 0
        if prefix:
            argv = [*argv, "--channel-prefix", prefix]
        self.process = start_feeder(
            *["--source", "stdin", *SETTINGS, *argv],
            redis=url or redis.url,
            stdin=subprocess.PIPE,
        )
        self.log = self.process.log
        self.pipe = self.process.popen.stdin

    def say(self, count):
        lines = []
        for n in range(self.said, self.said + count):
            data = self.line % n if "%" in self.line else self.line
            lines.append('{"topic":"%s","data":%s}\n' % (self.topics[n % len(self.topics)], data))
        self.said += count
        self.pipe.write("".join(lines).encode())
        self.pipe.flush()

    def end(self, within=30):
        """Returns the counters of its last line."""
        self.pipe.close()
        assert self.process.wait(within) == 0
        last = [line for line in self.log.lines if " counters " in line][-1]
        counters = {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", last)}
        assert counters["dropped"] == counters["rejected"] == 0
        return counters

    def history(self, topic):
        key = "history:{%s%s}" % (self.prefix, topic)
        return [entry[1][1].decode() for entry in self.redis.call("XRANGE", key, "-", "+")]

    def published(self):
        return sum(len(self.history(topic)) for topic in self.topics)

    def wait_until_published(self, count):
        until(lambda: self.published() == count, what=f"{count} were published")

    def verdicts(self):
        """What became of messages without an answer, once for each inquiry."""
        found = [re.search(VERDICTS, line) for line in list(self.log.lines)]
        return [tuple(map(int, match.groups())) for match in found if match]

    def wait_for_verdict(self, count):
        return until(lambda: self.verdicts()[count - 1 :], what=f"verdict {count}")[0]

    def check(self):
        """Each is there once and in order; others' messages, which have no "n", may be too."""
        step = len(self.topics)
        for first, topic in enumerate(self.topics):
            payloads = [json.loads(payload) for payload in self.history(topic)]
            found = [payload["n"] for payload in payloads if "n" in payload]
            wanted = list(range(first, self.said, step))
            assert len(found) == len(wanted), f"{topic}: {len(found)} for {len(wanted)}"
            assert found == wanted


@pytest.fixture
def way(own_redis):
    way = Way(own_redis)
    yield way
    way.close()


@pytest.fixture
def start_feed(start_feeder, own_redis):
    return lambda *argv, **how: Feed(start_feeder, own_redis, *argv, **how)


def lose_answers(feed, way, wait=True):
    """Redis publishes all that may be in flight, but no answer comes back."""
    before = feed.said
    feed.wait_until_published(before)
    time.sleep(0.1)  # for the answers
    way.wire.mute = True
    feed.say(1000)
    if wait:
        feed.wait_until_published(before + IN_FLIGHT)


# Answers and commands get lost.


@pytest.mark.parametrize("prefix", ["", "px:"])
def test_what_was_published_without_an_answer_is_not_sent_again(start_feed, way, prefix):
    feed = start_feed(url=way.url, prefix=prefix)
    feed.say(100)
    for count in range(1, 5):
        lose_answers(feed, way)
        way.wire.cut()
        assert feed.wait_for_verdict(count) == (IN_FLIGHT, IN_FLIGHT, 0)
    assert feed.end()["unknown"] == 0
    feed.check()


def test_it_is_found_even_if_no_answer_ever_came(start_feed, own_redis, way):
    feed = start_feed(url=way.url)
    until(lambda: own_redis.call("FUNCTION", "LIST"), what="the library is loaded")
    lose_answers(feed, way)
    way.wire.cut()
    assert feed.wait_for_verdict(1) == (IN_FLIGHT, IN_FLIGHT, 0)
    feed.end()
    feed.check()


def keep_commands(feed, way):
    """The feeder sends all that may be in flight, but it does not get to Redis."""
    feed.wait_until_published(feed.said)
    time.sleep(0.1)
    wire = way.wire
    wire.hold = True
    feed.say(1000)
    until(lambda: wire.kept.count(b"FCALL") == IN_FLIGHT, what="all are on their way")
    time.sleep(0.1)
    return wire


def test_what_redis_did_not_get_is_sent_again(start_feed, way):
    feed = start_feed(url=way.url)
    feed.say(100)
    for count in range(1, 4):
        keep_commands(feed, way).cut()
        assert feed.wait_for_verdict(count) == (IN_FLIGHT, 0, 0)
    assert feed.end()["unknown"] == 0
    feed.check()


LINES = ['{"n":%d}', '{"same":"bytes"}']


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("topics", [TOPICS, TOPICS[:1]])
def test_a_break_in_the_middle_of_a_pipeline(start_feed, way, topics, line):
    feed = start_feed(url=way.url, topics=topics, line=line)
    feed.say(100)
    for count, part in enumerate((0.1, 0.5, 0.9), 1):
        before = feed.said
        wire = keep_commands(feed, way)
        size = int(len(wire.kept) * part)
        got = wire.kept[:size].count(b"*7\r\n$5\r\nFCALL") - 1  # and one cut off
        wire.mute = True
        wire.let_through(size)
        until(lambda: feed.published() - before - got in (0, 1), what="they are published")
        got = feed.published() - before
        wire.cut()
        assert feed.wait_for_verdict(count) == (IN_FLIGHT, got, 0)
    assert feed.end()["unknown"] == 0
    if line == LINES[0]:
        feed.check()
    assert feed.published() == feed.said


def test_commands_that_come_late_are_not_carried_out(start_feed, way):
    """The feeder has long connected anew when Redis gets the rest of the old connection."""
    feed = start_feed(url=way.url)
    feed.say(100)
    for count in range(1, 3):
        wire = keep_commands(feed, way)
        wire.mute = True
        wire.let_through(len(wire.kept) // 2)
        hang_up(wire.near)
        feed.wait_for_verdict(count)
        feed.wait_until_published(feed.said)
        wire.let_through()
        time.sleep(0.3)
        feed.check()
    assert feed.end()["unknown"] == 0
    feed.check()


def test_a_break_during_the_inquiry_begins_it_anew(start_feed, way):
    feed = start_feed(url=way.url)
    feed.say(100)
    feed.wait_until_published(100)
    way.cuts = [b"FUNCTION", b"KILL", b"XINFO", b"XRANGE"]
    lose_answers(feed, way)
    way.wire.cut()
    assert feed.wait_for_verdict(1) == (IN_FLIGHT, IN_FLIGHT, 0)
    assert not way.cuts
    assert feed.end()["unknown"] == 0
    feed.check()


def test_a_refusal_for_now_during_the_inquiry_is_waited_out(start_feed, way):
    feed = start_feed(url=way.url, line=LINES[1], topics=TOPICS[:1])
    feed.say(100)
    wire = keep_commands(feed, way)
    wire.mute = True
    wire.let_through(len(wire.kept) // 2)
    time.sleep(0.2)
    got = feed.published() - 100
    way.refuse = [(b"KILL", 0), (b"XINFO", 0), (b"XRANGE", 0), (b"XRANGE", 2), (b"XINFO", 1)]
    wire.cut()
    assert feed.wait_for_verdict(1) == (IN_FLIGHT, got, 0)
    assert not way.wire.refuse
    assert len([line for line in feed.log.lines if "redis refuses to publish" in line]) == 1
    assert feed.end()["unknown"] == 0
    assert feed.published() == feed.said


def test_other_publishers_on_the_same_topics_do_not_confuse_it(start_feed, own_redis, way):
    feed = start_feed(url=way.url)
    over = threading.Event()

    def publish():
        other = Resp(own_redis.port)
        n = 0
        while not over.is_set():
            payload = '{"other":%d}' % n
            other.call("FCALL", "chrono_publish", 1, TOPICS[n % 3], payload, 100000)
            n += 1
        other.close()

    feed.say(100)
    until(lambda: feed.published() == 100, what="the library is loaded")
    time.sleep(0.1)
    thread = threading.Thread(target=publish)
    thread.start()
    try:
        for count in range(1, 5):
            way.wire.mute = True
            feed.say(1000)
            time.sleep(0.4)
            way.wire.cut()
            assert feed.wait_for_verdict(count) == (IN_FLIGHT, IN_FLIGHT, 0)
            time.sleep(0.3)
    finally:
        over.set()
        thread.join()
    assert feed.end()["unknown"] == 0
    feed.check()


# What Redis does not tell.


def told(feed):
    return [line for line in feed.log.lines if "does not tell" in line]


def test_a_short_history_is_enough_while_nobody_else_publishes(start_feed, own_redis, way):
    with Listener(own_redis) as listener:
        feed = start_feed("--history-length", "1", url=way.url)
        feed.say(100)
        listener.wait_for(100)
        time.sleep(0.1)
        way.wire.mute = True
        feed.say(1000)
        listener.wait_for(100 + IN_FLIGHT)
        way.wire.cut()
        assert feed.wait_for_verdict(1) == (IN_FLIGHT, IN_FLIGHT, 0)
        assert feed.end()["unknown"] == 0
        messages = listener.wait_for(1100)
    check_chains(messages)
    assert [json.loads(m.payload)["n"] for m in messages] == list(range(1100))


def test_what_has_left_a_short_history_stays_unknown(start_feed, own_redis, way):
    with Listener(own_redis) as listener:
        feed = start_feed("--history-length", "1", url=way.url)
        feed.say(99)
        listener.wait_for(99)
        time.sleep(0.1)
        way.wire.mute = True
        feed.say(1002)
        listener.wait_for(99 + IN_FLIGHT)
        way.blocked = True
        way.wire.cut()
        for n in range(500):
            payload = '{"other":%d}' % n
            own_redis.call("FCALL", "chrono_publish", 1, TOPICS[0], payload, 1)
        way.blocked = False
        ours = len(range(0, 99 + IN_FLIGHT, 3)) - 33
        assert feed.wait_for_verdict(1) == (IN_FLIGHT, IN_FLIGHT - ours, ours)
        assert feed.end()["unknown"] == ours
        messages = listener.wait_for(1101 + 500)
    payloads = [json.loads(m.payload) for m in messages]
    for first in range(3):
        found = [p["n"] for p in payloads if p.get("n", -1) % 3 == first and "n" in p]
        assert found == list(range(first, 1101, 3))


ACCOUNT = "+fcall +xadd +xrevrange +expire +publish +scan +function|load +client|setname"
INQUIRY = "+client|info +client|kill +time +xinfo|stream +xrange"


def restricted(own_redis, way, permissions):
    keys = ["~history:*", "~stock.*", "~crypto.*", "~market.*"]
    own_redis.call("ACL", "SETUSER", "feed", "on", ">pw", *keys, "&*", *permissions)
    return way.url.replace("//", "//feed:pw@")


def test_the_documented_permissions_are_enough(start_feed, own_redis, way):
    url = restricted(own_redis, way, [*ACCOUNT.split(), *INQUIRY.split()])
    feed = start_feed(url=url)
    feed.say(100)
    lose_answers(feed, way)
    way.wire.cut()
    assert feed.wait_for_verdict(1) == (IN_FLIGHT, IN_FLIGHT, 0)
    feed.end()
    feed.check()
    assert not told(feed)


@pytest.mark.parametrize("missing", [None, *INQUIRY.split()])
def test_without_a_permission_nothing_is_published_twice(start_feed, own_redis, way, missing):
    """Without TIME the inquiry does all the same; without the others it cannot."""
    granted = [word for word in INQUIRY.split() if missing and word != missing]
    feed = start_feed(url=restricted(own_redis, way, [*ACCOUNT.split(), *granted]))
    feed.say(100)
    for count in range(1, 3):
        lose_answers(feed, way)
        way.wire.cut()
        verdict = feed.wait_for_verdict(count)
        if missing == "+time":
            assert verdict == (IN_FLIGHT, IN_FLIGHT, 0)
        else:
            assert verdict == (IN_FLIGHT, 0, IN_FLIGHT)
    feed.end()
    feed.check()
    assert len(told(feed)) == (0 if missing == "+time" else 1)
    assert all("permission" in line for line in told(feed))


def test_a_history_that_is_none_is_told_once(start_feed, own_redis, way):
    feed = start_feed(url=way.url)
    feed.say(99)
    lose_answers(feed, way)
    way.blocked = True
    way.wire.cut()
    key = "history:{%s}" % TOPICS[0]
    assert len(feed.history(TOPICS[0])) == 33 + len(range(99, 99 + IN_FLIGHT, 3))
    own_redis.call("SET", key, "spoiled")
    way.blocked = False
    ours = len(range(99, 99 + IN_FLIGHT, 3))
    assert feed.wait_for_verdict(1) == (IN_FLIGHT, IN_FLIGHT - ours, ours)
    assert len(told(feed)) == 1 and "WRONGTYPE" in told(feed)[0]
    feed.log.wait_for("rejected a message.*WRONGTYPE")
    own_redis.call("DEL", key)
    feed.pipe.close()
    assert feed.process.wait() == 0


# Redis itself.


def kill_feeders(redis):
    """Kills the connections of all feeders. Redis stands still a moment before, so that it
    reads from them and kills them in one turn: what it then published is not answered."""
    clients = redis.call("CLIENT", "LIST").decode().splitlines()
    victims = [re.match(r"id=(\d+)", line)[1] for line in clients if "name=chronofeed" in line]
    redis.pause()
    time.sleep(0.02)
    for victim in victims:
        redis.client.send("CLIENT", "KILL", "ID", victim)
    redis.resume()
    return sum(redis.client.read() for _ in victims)


def test_connections_are_killed_while_much_is_published(start_feeder, own_redis):
    feeds = [
        Feed(start_feeder, own_redis, topics=TOPICS[:1]),
        Feed(start_feeder, own_redis, topics=["stock.D.1m", "stock.E.1m"]),
    ]
    talkers = [threading.Thread(target=feed.say, args=(40000,)) for feed in feeds]
    for talker in talkers:
        talker.start()

    def entries():
        return sum(own_redis.call("XLEN", "history:{%s}" % feed.topics[0]) for feed in feeds)

    kills = 0
    while kills < 14:
        before = entries()
        until(lambda: entries() > before + 200, what="much is published")
        kills += kill_feeders(own_redis)
    for talker in talkers:
        talker.join()
    for feed in feeds:
        counters = feed.end(60)
        assert counters["unknown"] == 0 and counters["published"] == feed.said
        feed.check()
    verdicts = [verdict for feed in feeds for verdict in feed.verdicts()]
    assert any(published for _, published, _ in verdicts)
    assert any(published < count for count, published, _ in verdicts)


def test_redis_stands_still_longer_than_the_feeder_waits(start_feeder, own_redis):
    feed = Feed(
        start_feeder,
        own_redis,
        *["--redis-command-timeout-ms", "300", "--redis-connect-timeout-ms", "300"],
        *["--max-in-flight", "5000"],
    )
    talker = threading.Thread(target=feed.say, args=(60000,))
    talker.start()
    for count in range(1, 4):
        start = own_redis.call("XLEN", "history:{%s}" % TOPICS[0])
        until(lambda: own_redis.call("XLEN", "history:{%s}" % TOPICS[0]) > start + 300)
        own_redis.pause()
        time.sleep(1)
        own_redis.resume()
        feed.wait_for_verdict(count)
    talker.join()
    assert feed.end(60)["unknown"] == 0
    feed.check()


class DurableRedis(Redis):
    """What it has answered, it still knows after a crash."""

    def start(self):
        self.process = self.supervisor.start(
            ["redis-server", "--port", self.port, "--bind", "127.0.0.1"]
            + ["--dir", self.directory, "--save", ""]
            + ["--appendonly", "yes", "--appendfsync", "always"],
            chatty=True,
        )
        self.client = until(self._connect, what="redis-server answers")
        return self

    def _connect(self):
        try:
            return super()._connect()
        except RespError:
            return None  # it is reading its file


@pytest.fixture
def durable_redis(supervisor, tmp_path_factory):
    redis = DurableRedis(supervisor, tmp_path_factory.mktemp("durable")).start()
    yield redis
    redis.stop()


def test_redis_crashes_and_comes_back_with_its_data(durable_redis, start_feeder):
    feed = Feed(start_feeder, durable_redis)
    talker = threading.Thread(target=feed.say, args=(30000,))
    talker.start()
    for _ in range(4):
        start = durable_redis.call("XLEN", "history:{%s}" % TOPICS[0])
        until(lambda: durable_redis.call("XLEN", "history:{%s}" % TOPICS[0]) > start + 200)
        durable_redis.restart()
    talker.join()
    assert feed.end(60)["unknown"] == 0
    feed.check()
    assert feed.verdicts()


def test_redis_comes_back_without_its_data(start_feed, own_redis, way):
    feed = start_feed(url=way.url)
    feed.say(99)
    lose_answers(feed, way)
    way.blocked = True
    own_redis.restart()
    way.wire.cut()
    way.blocked = False
    assert feed.wait_for_verdict(1) == (IN_FLIGHT, 0, 0)
    assert feed.end()["unknown"] == 0
    for first, topic in enumerate(TOPICS):
        found = [json.loads(payload)["n"] for payload in feed.history(topic)]
        assert found == list(range(99 + first, feed.said, 3))


def test_a_lost_history_is_known_though_others_have_begun_it_anew(start_feed, own_redis, way):
    feed = start_feed(url=way.url)
    feed.say(99)
    lose_answers(feed, way)
    way.blocked = True
    way.wire.cut()
    for topic in TOPICS:
        own_redis.call("DEL", "history:{%s}" % topic)
        own_redis.call("FCALL", "chrono_publish", 1, topic, '{"other":1}')
    way.blocked = False
    assert feed.wait_for_verdict(1) == (IN_FLIGHT, 0, 0)
    assert feed.end()["unknown"] == 0
    for first, topic in enumerate(TOPICS):
        found = [json.loads(payload).get("n") for payload in feed.history(topic)]
        assert found == [None, *range(99 + first, feed.said, 3)]


def test_a_small_queue_has_room_for_what_comes_back(start_feed, own_redis, way):
    feed = start_feed("--max-queue", "100", url=way.url)
    feed.say(50)
    feed.wait_until_published(50)
    time.sleep(0.1)
    way.wire.hold = True
    feed.say(1000)
    until(lambda: way.wire.kept.count(b"FCALL") == 25, what="a quarter is in flight")
    time.sleep(0.2)
    way.wire.cut()
    assert feed.wait_for_verdict(1) == (25, 0, 0)
    feed.end()
    feed.check()

# SPDX-License-Identifier: MIT
"""Of feeders with the same name one publishes and the others stand by: whatever becomes of the
first, the next goes on within seconds, and never do two publish at a time."""

import itertools
import json
import re
import signal
import subprocess
import threading
import time

import pytest

from support.listener import Listener, check_chains
from support.redis import Redis
from support.resp import Resp, RespError
from support.wait import until
from support.way import Way

LEASE_MS = 1000
PATIENT = ["--lease-ms", "5000"]  # for holders that are to come back in time
BY = r"another feeder publishes under this name, standing by"
KEY = "chronogate:lease:{walk}"


def begun(feeder, within=10):
    feeder.log.wait_for(r" publishing\b", within)


def walk(start_feeder, *argv, rate=500, **how):
    settings = ["--source", "walk", "--rate", rate, "--lease-ms", LEASE_MS, "--min-update-ms", 0]
    return start_feeder(*map(str, [*settings, *argv]), **how)


def pair(start_feeder, *more, **how):
    """The one that publishes, and the one that stands by. Their walks are different ones."""
    first = walk(start_feeder, "--seed", "1", *more, **how)
    begun(first)
    second = walk(start_feeder, "--seed", "2", *more, **how)
    second.log.wait_for(BY)
    return first, second


def holder(redis, key=KEY):
    """The process id that the record names."""
    record = redis.call("HGET", key, "holder")
    return int(record.decode().rpartition(":")[2])


def record(redis, key=KEY):
    fields = iter(redis.call("HGETALL", key))
    return {name.decode(): value.decode() for name, value in zip(fields, fields)}


def connection_of(redis, key=KEY):
    return record(redis, key)["connection"].partition(" ")[0]


def entries(redis):
    """The ids and payloads of every history."""
    found = {}
    for key in redis.call("KEYS", "history:*"):
        read = redis.call("XRANGE", key, "-", "+")
        found[key.decode()] = [(entry[0].decode(), entry[1][1].decode()) for entry in read]
    return found


def wait_for_more(listener, count=500):
    listener.wait_for(len(listener.heard) + count)


# Two of them.


def test_the_second_stands_by_and_says_who_publishes(start_feeder, own_redis):
    first, second = pair(start_feeder)
    line = next(line for line in second.log.lines if re.search(BY, line))
    assert f":{first.pid}" in line and "name=walk" in line and "--name" in line
    assert re.search(r"since=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", line)
    with Listener(own_redis) as listener:
        listener.wait_for(5000)
        check_chains(listener.messages())
    assert holder(own_redis) == first.pid
    assert len([line for line in second.log.lines if re.search(BY, line)]) == 1
    assert not second.log.find(r" publishing\b")
    assert not second.log.find("histories read")


def test_one_that_stands_by_leaves_when_asked(start_feeder, own_redis):
    first, second = pair(start_feeder)
    assert second.stop() == 0
    assert holder(own_redis) == first.pid
    with Listener(own_redis) as listener:
        listener.wait_for(100)


def test_feeders_of_other_names_publish_side_by_side(start_feeder, own_redis):
    first = walk(start_feeder)
    begun(first)
    begun(walk(start_feeder, "--name", "other"))
    begun(walk(start_feeder, "--channel-prefix", "px:"))
    keys = ["chronogate:lease:{walk}", "chronogate:lease:{other}", "chronogate:lease:px:{walk}"]
    assert {key.decode() for key in own_redis.call("KEYS", "chronogate:*")} == set(keys)
    assert len({holder(own_redis, key) for key in keys}) == 3


def test_feeders_of_standard_input_have_no_lease_but_with_a_name(start_feeder, own_redis):
    def feed(topic, *argv):
        process = start_feeder("--source", "stdin", *argv, stdin=subprocess.PIPE)
        process.popen.stdin.write(b'{"topic":"%s","data":{}}\n' % topic)
        process.popen.stdin.flush()
        return process

    feed(b"stock.A.1m")
    feed(b"stock.B.1m")
    until(lambda: own_redis.call("EXISTS", "history:{stock.A.1m}", "history:{stock.B.1m}") == 2)
    assert own_redis.call("KEYS", "chronogate:*") == []
    first = feed(b"stock.C.1m", "--name", "mine")
    begun(first)
    second = feed(b"stock.D.1m", "--name", "mine")
    second.log.wait_for(BY)
    until(lambda: own_redis.call("EXISTS", "history:{stock.C.1m}") == 1)
    first.popen.stdin.close()
    assert first.wait() == 0
    until(lambda: own_redis.call("EXISTS", "history:{stock.D.1m}") == 1)


# The first one goes.


class Speakers:
    """Two feeders that tell who speaks: each writes its letter and running numbers."""

    TOPICS = ["stock.A.1m", "crypto.B.5m", "market.C.summary"]

    def __init__(self, start_feeder, redis, *more, first_url=None):
        self.redis = redis
        self.feeders = {}
        self.numbers = {letter: itertools.count() for letter in "ab"}
        settings = ["--source", "stdin", "--name", "pair", "--lease-ms", str(LEASE_MS)]
        settings += ["--history-length", "100000", *more]
        for letter in "ab":
            url = letter == "a" and first_url or redis.url
            self.feeders[letter] = start_feeder(*settings, redis=url, stdin=subprocess.PIPE)
            if letter == "a":
                begun(self.feeders["a"])
        self.feeders["b"].log.wait_for(BY)

    def say(self, letter, count):
        numbers = itertools.islice(self.numbers[letter], count)
        line = '{"topic":"%s","data":{"by":"%s","n":%d}}\n'
        lines = [line % (self.TOPICS[n % 3], letter, n) for n in numbers]
        pipe = self.feeders[letter].popen.stdin
        pipe.write("".join(lines).encode())
        pipe.flush()

    def say_until_it_is_gone(self, letter):
        try:
            while True:
                self.say(letter, 300)
        except OSError:
            pass

    def said(self, topic):
        read = self.redis.call("XRANGE", "history:{%s}" % topic, "-", "+")
        return [json.loads(entry[1][1]) for entry in read]

    def count(self, letter):
        payloads = [payload for topic in self.TOPICS for payload in self.said(topic)]
        return sum(payload["by"] == letter for payload in payloads)

    def check(self, runs="ab"):
        """Each has its turns, in this order, and its numbers are without a gap or a repeat."""
        for first, topic in enumerate(self.TOPICS):
            said = self.said(topic)
            turns = "".join(letter for letter, _ in itertools.groupby(p["by"] for p in said))
            assert turns == runs, f"{topic}: {turns}"
            for letter in set(runs):
                numbers = [p["n"] for p in said if p["by"] == letter]
                assert numbers == list(range(first, first + 3 * len(numbers), 3))


def test_a_killed_one_is_replaced_under_load_and_neither_speaks_between(start_feeder, own_redis):
    speakers = Speakers(start_feeder, own_redis)
    speakers.say("b", 300)
    talker = threading.Thread(target=speakers.say_until_it_is_gone, args=("a",))
    talker.start()
    until(lambda: speakers.count("a") > 300, what="the first speaks")
    speakers.feeders["a"].kill()
    killed = time.monotonic()
    talker.join()
    until(lambda: speakers.count("b") > 0, LEASE_MS / 1000 + 2, "the second took over")
    assert time.monotonic() - killed < LEASE_MS / 1000 + 2
    until(lambda: speakers.count("b") == 300, what="the second has said it all")
    speakers.check()
    assert speakers.feeders["b"].log.find("lease taken .*from=")
    speakers.feeders["b"].popen.stdin.close()
    assert speakers.feeders["b"].wait() == 0


def test_a_walk_goes_on_in_unbroken_chains_when_its_feeder_is_killed(start_feeder, own_redis):
    with Listener(own_redis) as listener:
        first, second = pair(start_feeder, rate=1000)
        listener.wait_for(3000)
        first.kill()
        begun(second, LEASE_MS / 1000 + 2)
        wait_for_more(listener, 3000)
        check_chains(listener.messages())
    assert second.log.find(r"histories read topics=[1-9]\d* ms=\d+")
    third = walk(start_feeder, "--seed", "3")
    third.log.wait_for(BY)
    second.kill()
    begun(third, LEASE_MS / 1000 + 2)


def test_one_that_ends_cleanly_is_replaced_at_once(start_feeder, own_redis):
    lease_ms = 60000
    first = walk(start_feeder, "--lease-ms", lease_ms)
    begun(first)
    second = walk(start_feeder, "--lease-ms", lease_ms)
    second.log.wait_for(BY)
    assert first.stop() == 0
    assert first.log.find("lease released")
    begun(second)
    assert holder(own_redis) == second.pid
    assert second.stop() == 0
    begun(walk(start_feeder, "--lease-ms", lease_ms))


def test_the_end_of_its_input_gives_the_lease_back(start_feeder, own_redis):
    speakers = Speakers(start_feeder, own_redis)
    speakers.say("a", 300)
    speakers.say("b", 300)
    speakers.feeders["a"].popen.stdin.close()
    assert speakers.feeders["a"].wait() == 0
    until(lambda: speakers.count("b") == 300, what="the second has said it all")
    assert speakers.count("a") == 300
    speakers.check()


def test_one_that_stood_still_finds_itself_replaced_and_is_silent(start_feeder, own_redis):
    speakers = Speakers(start_feeder, own_redis)
    speakers.say("a", 600)
    speakers.say("b", 300)
    until(lambda: speakers.count("a") == 600, what="the first speaks")
    speakers.feeders["a"].send_signal(signal.SIGSTOP)
    speakers.say("a", 600)  # it finds them when it wakes
    until(lambda: speakers.count("b") == 300, what="the second took over")
    speakers.feeders["a"].send_signal(signal.SIGCONT)
    speakers.feeders["a"].log.wait_for(BY)
    speakers.say("b", 300)
    until(lambda: speakers.count("b") == 600, what="the second speaks on")
    assert speakers.count("a") == 600
    speakers.check()


def test_roles_change_as_often_as_holders_stand_still(start_feeder, own_redis):
    with Listener(own_redis) as listener:
        active, idle = pair(start_feeder, rate=1000)
        for _ in range(3):
            wait_for_more(listener)
            assert holder(own_redis) == active.pid
            count = len(re.findall(" publishing ", idle.log.text()))
            active.send_signal(signal.SIGSTOP)
            until(lambda: holder(own_redis) == idle.pid, LEASE_MS / 1000 + 2, "a new holder")
            until(lambda: len(re.findall(" publishing ", idle.log.text())) > count)
            wait_for_more(listener)
            said = len(re.findall(BY, active.log.text()))
            active.send_signal(signal.SIGCONT)
            until(lambda: len(re.findall(BY, active.log.text())) > said, what="it stands by")
            active, idle = idle, active
        check_chains(listener.messages())
    assert active.log.find("another feeder took over, what waited is not published")


# The way to Redis, and Redis itself.


def test_a_holder_whose_connection_is_killed_goes_on(start_feeder, own_redis):
    with Listener(own_redis) as listener:
        first, second = pair(start_feeder, *PATIENT, rate=1000)
        for _ in range(5):
            wait_for_more(listener)
            before = connection_of(own_redis)
            assert own_redis.call("CLIENT", "KILL", "ID", before) == 1
            until(lambda: connection_of(own_redis) != before, what="it is back")
        wait_for_more(listener)
        check_chains(listener.messages())
    assert holder(own_redis) == first.pid
    assert not second.log.find(r" publishing\b")
    assert not first.log.find("another feeder")
    assert len(re.findall("histories read", first.log.text())) == 1


@pytest.fixture
def way(own_redis):
    way = Way(own_redis)
    yield way
    way.close()


def test_what_a_holder_sent_comes_too_late_when_another_took_over(start_feeder, own_redis, way):
    """Its commands are on their way to Redis, which gets them, if ever, after the take-over."""
    speakers = Speakers(start_feeder, own_redis, first_url=way.url)
    speakers.say("a", 300)
    until(lambda: speakers.count("a") == 300, what="the first speaks")
    wire = way.wire
    wire.hold = True
    speakers.say("a", 300)
    speakers.say("b", 300)
    until(lambda: speakers.count("b") == 300, LEASE_MS / 1000 + 2, "the second took over")
    assert wire.kept.count(b"chrono_publish") > 100
    wire.hold = False
    wire.let_through()
    speakers.feeders["a"].log.wait_for(BY)
    speakers.say("b", 30)
    until(lambda: speakers.count("b") == 330, what="the second speaks on")
    assert speakers.count("a") == 300
    speakers.check()


def test_a_holder_that_hears_nothing_falls_silent(start_feeder, own_redis, way):
    """Redis gets what it sends, but no answer comes back."""
    speakers = Speakers(start_feeder, own_redis, first_url=way.url)
    speakers.say("a", 300)
    until(lambda: speakers.count("a") == 300, what="the first speaks")
    way.wire.mute = True
    time.sleep(LEASE_MS / 1000)
    speakers.say("a", 300)
    speakers.say("b", 300)
    until(lambda: speakers.count("b") == 300, LEASE_MS / 1000 + 2, "the second took over")
    speakers.feeders["a"].log.wait_for(BY)
    assert speakers.count("a") == 300
    speakers.check()


def test_a_holder_that_is_cut_off_for_a_moment_goes_on(start_feeder, own_redis, way):
    speakers = Speakers(start_feeder, own_redis, *PATIENT, first_url=way.url)
    speakers.say("b", 30)
    for count in range(1, 4):
        before = speakers.count("a")
        way.wire.mute = True
        speakers.say("a", 300)
        until(lambda: speakers.count("a") >= before + 100, what="they are published")
        way.wire.cut()
        until(lambda: speakers.count("a") == 300 * count, what="it goes on")
    speakers.check(runs="a")
    assert not speakers.feeders["a"].log.find("another feeder")


@pytest.mark.parametrize("with_data", [True, False])
def test_a_restart_of_redis_changes_no_roles(start_feeder, own_redis, durable_redis, with_data):
    redis = durable_redis if with_data else own_redis
    first, second = pair(start_feeder, *PATIENT, redis=redis.url)
    for _ in range(2):
        redis.restart()
        with Listener(redis) as listener:
            check_chains(listener.wait_for(1000))
        until(lambda: redis.call("EXISTS", KEY) == 1, what="the lease is renewed")
        until(lambda: holder(redis) == first.pid, what="the first has the lease")
    assert not second.log.find(r" publishing\b")
    assert not first.log.find("another feeder")


def test_a_holder_that_dies_with_redis_is_replaced(start_feeder, durable_redis):
    first, second = pair(start_feeder, redis=durable_redis.url)
    durable_redis.stop()
    first.kill()
    durable_redis.start()
    begun(second, 20)


def test_a_redis_that_stood_still_changes_no_roles(start_feeder, own_redis):
    with Listener(own_redis) as listener:
        first, second = pair(start_feeder)
        own_redis.pause()
        time.sleep(2 * LEASE_MS / 1000)
        own_redis.resume()
        wait_for_more(listener, 1000)
        check_chains(listener.messages())
    assert holder(own_redis) == first.pid
    assert not second.log.find(r" publishing\b")


def test_a_lost_record_is_made_again_by_its_holder(start_feeder, own_redis):
    first, second = pair(start_feeder, "--lease-ms", "3000")
    own_redis.call("FLUSHALL")
    until(lambda: own_redis.call("EXISTS", KEY) == 1, what="the record is back")
    time.sleep(3)
    assert holder(own_redis) == first.pid
    assert not second.log.find(r" publishing\b")


def test_a_lease_outlives_a_redis_without_memory(start_feeder, own_redis):
    first, second = pair(start_feeder)
    own_redis.call("CONFIG", "SET", "maxmemory", "1")
    first.log.wait_for("out of memory")
    left = [record(own_redis)["until"]]
    until(lambda: record(own_redis)["until"] != left[0], what="the lease is renewed")
    time.sleep(1.5 * LEASE_MS / 1000)
    own_redis.call("CONFIG", "SET", "maxmemory", "0")
    with Listener(own_redis) as listener:
        check_chains(listener.wait_for(500))
    assert holder(own_redis) == first.pid
    assert not second.log.find(r" publishing\b")


# What the account may not do.

ACCOUNT = "+fcall +xadd +xrevrange +expire +publish +scan +function|load +client|setname"
LEASE = "+hmget +hset +time +client|info +client|kill"
KEYS = ["~history:*", "~chronogate:lease:*", "~stock.*", "~crypto.*", "~futures.*"]
KEYS += ["~options.*", "~commodity.*", "~market.*"]


def restricted(redis, permissions):
    redis.call("ACL", "SETUSER", "feed", "on", ">pw", *KEYS, "&*", *permissions)
    return redis.url.replace("//", "//feed:pw@")


def test_the_documented_permissions_are_enough(start_feeder, own_redis):
    url = restricted(own_redis, f"{ACCOUNT} {LEASE}".split())
    first, second = pair(start_feeder, redis=url)
    first.kill()
    begun(second)
    assert not second.log.find("permission")


@pytest.mark.parametrize("missing", ["+hmget", "+hset", "+time", "+client|info", "+scan"])
def test_a_missing_permission_is_one_clear_line(start_feeder, own_redis, missing):
    granted = [word for word in f"{ACCOUNT} {LEASE}".split() if word != missing]
    url = restricted(own_redis, granted)
    feeder = walk(start_feeder, redis=url)
    feeder.log.wait_for("redis refuses to publish.*permission")
    assert len(re.findall("redis refuses", feeder.log.text())) == 1
    assert own_redis.call("KEYS", "history:*") == []
    own_redis.call("ACL", "SETUSER", "feed", missing)
    begun(feeder)


def test_nobody_takes_over_who_may_not_close_the_last_ones_connection(start_feeder, own_redis):
    granted = [word for word in f"{ACCOUNT} {LEASE}".split() if word != "+client|kill"]
    url = restricted(own_redis, granted)
    first, second = pair(start_feeder, redis=url)
    first.kill()
    second.log.wait_for("redis refuses to publish.*permission")
    assert not second.log.find(r" publishing\b")
    own_redis.call("ACL", "SETUSER", "feed", "+client|kill")
    begun(second)


# The histories.


def test_the_histories_of_our_topics_are_read_at_the_start(start_feeder, own_redis):
    walk(start_feeder, "--name", "a").log.wait_for("histories read topics=0 ")
    until(lambda: len(own_redis.call("KEYS", "history:{*}")) > 300)
    other = walk(start_feeder, "--name", "b")
    assert int(other.log.wait_for(r"histories read topics=(\d+) ")[1]) > 300


def test_only_topics_with_our_prefix_are_read(start_feeder, own_redis):
    keys = ["history:{p*:stock.A.1m}", "history:{p*:market.US.summary}"]
    others = ["history:{px:stock.A.1m}", "history:{stock.A.1m}", "history:{p*:stock.A.2m}"]
    for key in [*keys, *others]:
        own_redis.call("XADD", key, "*", "d", "{}")
    own_redis.call("SET", "history:{p*:stock.B.1m}", "no stream")
    feeder = walk(start_feeder, "--channel-prefix", "p*:")
    feeder.log.wait_for("histories read topics=2 ")
    begun(feeder)


def test_many_histories_are_read(start_feeder, own_redis):
    for n in range(3000):
        own_redis.client.send("XADD", "history:{stock.S%d.1m}" % n, "*", "d", "{}")
    for _ in range(3000):
        own_redis.client.read()
    walk(start_feeder).log.wait_for("histories read topics=3000 ")
    feeder = walk(start_feeder, "--name", "small", "--max-symbols", "50")
    feeder.log.wait_for("too many histories.* max=500")
    feeder.log.wait_for("histories read topics=500 ")
    begun(feeder)


def test_the_histories_need_not_be_read(start_feeder, own_redis):
    feeder = walk(start_feeder, "--resume=false")
    begun(feeder)
    assert not feeder.log.find("histories read")


def test_nothing_is_published_before_the_histories_are_read(start_feeder, own_redis):
    granted = [word for word in f"{ACCOUNT} {LEASE}".split() if word != "+xrevrange"]
    own_redis.call("XADD", "history:{stock.A.1m}", "*", "d", "{}")
    url = restricted(own_redis, granted)
    settings = ["--source", "stdin", "--name", "mine"]
    feeder = start_feeder(*settings, redis=url, stdin=subprocess.PIPE)
    feeder.popen.stdin.write(b'{"topic":"stock.B.1m","data":{}}\n')
    feeder.popen.stdin.close()
    feeder.log.wait_for("redis refuses to publish.*permission")
    assert own_redis.call("EXISTS", "history:{stock.B.1m}") == 0
    own_redis.call("ACL", "SETUSER", "feed", "+xrevrange")
    assert feeder.wait() == 0
    assert own_redis.call("EXISTS", "history:{stock.B.1m}") == 1


# The function itself.


@pytest.fixture(scope="module")
def lease_redis(supervisor, tmp_path_factory, library):
    redis = Redis(supervisor, tmp_path_factory.mktemp("lease")).start()
    redis.call("FUNCTION", "LOAD", "REPLACE", library)
    yield redis
    redis.stop()


class Lease:
    def __init__(self, redis):
        self.redis = redis
        self.redis.call("FLUSHDB")

    def __call__(self, token, ms, connection=None, closed=None):
        """The verdict, the holder, and the connection that is to be closed."""
        words = [token, f"host:{token}", f"{token}1" if connection is None else connection, ms]
        words += [] if closed is None else [closed]
        answer = self.redis.call("FCALL", "chrono_lease", 1, "key", *words)
        self.since, self.left = int(answer[2]), answer[3]
        return tuple(answer[n].decode() for n in (0, 1, 4))


@pytest.fixture
def lease(lease_redis):
    return Lease(lease_redis)


def test_a_lease_is_given_to_the_first_and_kept_by_it(lease):
    assert lease("a", 60000) == ("new", "", "")
    since = lease.since
    assert lease("a", 60000) == ("kept", "host:a", "")
    assert lease.since == since
    assert lease("b", 60000) == ("elsewhere", "host:a", "")
    assert lease.since == since and 0 < lease.left <= 60000
    seconds = lease.redis.call("TIME")[0]
    assert abs(since / 1000 - int(seconds)) < 30
    assert 0 < lease.redis.call("TTL", "key") <= 86400


def test_a_lease_that_is_over_is_taken_with_a_connection_to_be_closed(lease):
    lease("a", 1)
    until(lambda: lease("b", 60000) != ("elsewhere", "host:a", ""))
    assert lease("b", 60000) == ("kept", "host:b", "a1")
    assert record(lease.redis, "key")["connection"] == "a1"
    assert lease("b", 60000, closed="other") == ("kept", "host:b", "a1")
    assert lease("b", 60000, closed="a1") == ("kept", "host:b", "")
    assert record(lease.redis, "key")["connection"] == "b1"


def test_a_lease_that_is_over_is_still_its_holders_if_nobody_took_it(lease):
    lease("a", 1)
    until(lambda: lease("c", 0) and lease.left <= 0)
    assert lease("a", 60000) == ("kept", "host:a", "")


def test_a_holder_that_comes_back_has_its_last_connection_closed(lease):
    lease("a", 60000)
    assert lease("a", 60000, connection="a2") == ("kept", "host:a", "a1")
    assert lease("a", 60000, connection="a2", closed="a1") == ("kept", "host:a", "")
    assert record(lease.redis, "key")["connection"] == "a2"


def test_a_lease_is_let_go_of_by_its_holder_only(lease):
    assert lease("b", 0) == ("free", "", "")
    assert lease.redis.call("EXISTS", "key") == 0
    lease("a", 60000)
    assert lease("b", 0) == ("elsewhere", "host:a", "")
    assert lease("a", 0) == ("kept", "host:a", "")
    assert lease("b", 0) == ("free", "host:a", "")
    assert lease("b", 60000) == ("taken", "host:a", "a1")


def test_a_record_that_somebody_spoiled_is_free(lease):
    lease("a", 60000)
    lease.redis.call("HSET", "key", "until", "tomorrow")
    assert lease("a", 60000) == ("kept", "host:a", "")
    lease.redis.call("HSET", "key", "until", "tomorrow")
    assert lease("b", 60000) == ("taken", "host:a", "a1")


def test_one_that_went_in_peace_leaves_no_connection_to_be_closed(lease):
    lease("a", 60000)
    lease("a", 0, connection="", closed="a1")
    assert lease("b", 60000) == ("taken", "host:a", "")


@pytest.mark.parametrize(
    "words",
    [
        [1, "key", "t", "h", "c"],
        [1, "key", "t", "h", "c", "1", "x", "y"],
        [1, "key", "", "h", "c", "1"],
        [1, "key", "t", "h", "c", "-1"],
        [1, "key", "t", "h", "c", "1.5"],
        [1, "key", "t", "h", "c", "soon"],
        [2, "key", "other", "t", "h", "c", "1"],
    ],
)
def test_a_wrong_call_is_refused(lease, words):
    with pytest.raises(RespError, match="ERR chrono_lease: usage"):
        lease.redis.call("FCALL", "chrono_lease", *words)
    assert lease.redis.call("EXISTS", "key") == 0

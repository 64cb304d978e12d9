# SPDX-License-Identifier: MIT
"""Fixtures of the cluster tests: real gateways, feeders and Redis servers on free ports.

Run with Debian's python3 from anywhere; CHRONOGATE and CHRONOFEED name the programs:
    /usr/bin/python3 -B -m pytest tests/cluster

A test that is a coroutine runs in an event loop of its own. After every test, each process
must still be alive (or have been asked to end) and must not have written a sanitizer's
report; at its own end it must exit with 0, which includes the search for leaks.
"""

import asyncio
import functools
import inspect
import os
import pathlib
import sys
import tempfile

import pytest

from support.durable import DurableRedis
from support.feed import Feed
from support.gateway import gateway_factory
from support.process import Supervisor
from support.redis import Redis

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
TEST_DEADLINE = 60
PATIENCE_WITH_REDIS = {"probe_timeout_ms": 60000, "redis_command_timeout_ms": 60000}

# Nothing outside a test's own settings reaches the programs or the WebSocket library.
for variable in list(os.environ):
    if variable.startswith(("CHRONOGATE_", "CHRONOFEED_")) or variable.lower().endswith("_proxy"):
        del os.environ[variable]

# A small quarantine: freed memory is to be seen as free by the tests that measure it.
os.environ["ASAN_OPTIONS"] = ":".join(
    filter(None, [os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=4"])
)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(asyncio.wait_for(test(**arguments), TEST_DEADLINE))
    return True


def program(variable, default):
    path = pathlib.Path(os.environ.get(variable, ROOT / default))
    if not os.access(path, os.X_OK):
        pytest.exit(f"{path} is missing: build it, or set {variable}", 2)
    return path


@pytest.fixture(scope="session")
def chronogate():
    return program("CHRONOGATE", "build/check/gateway/chronogate")


@pytest.fixture(scope="session")
def chronofeed():
    return program("CHRONOFEED", "build/check/feeder/chronofeed")


@pytest.fixture(scope="session")
def shipped_prices():
    return ROOT / "feeder" / "data" / "aapl.csv"


@pytest.fixture(scope="session")
def supervisor():
    supervisor = Supervisor()
    yield supervisor
    complaints = [supervisor.release(process) for process in reversed(supervisor.processes[:])]
    assert not any(complaints), "\n".join(filter(None, complaints))


@pytest.fixture(autouse=True)
def everything_is_well(supervisor):
    yield
    complaints = supervisor.verdict()
    assert not complaints, "\n".join(complaints)


def fresh_redis(supervisor, tmp_path_factory, kind=Redis):
    redis = kind(supervisor, tmp_path_factory.mktemp("redis")).start()
    yield redis
    redis.stop()


@pytest.fixture(scope="session")
def redis(supervisor, tmp_path_factory):
    """One for all tests that do it no harm."""
    yield from fresh_redis(supervisor, tmp_path_factory)


@pytest.fixture
def own_redis(supervisor, tmp_path_factory):
    """One to stop, restart and spoil."""
    yield from fresh_redis(supervisor, tmp_path_factory)


@pytest.fixture
def durable_redis(supervisor, tmp_path_factory):
    """One that finds its data again when it is restarted."""
    yield from fresh_redis(supervisor, tmp_path_factory, DurableRedis)


@pytest.fixture(scope="session")
def library(supervisor, chronofeed, redis):
    """The text of the function library that feeders load."""
    message = tempfile.TemporaryFile()
    message.write(b'{"topic":"stock.LIBRARY.1m","data":{}}\n')
    message.seek(0)
    process = supervisor.start(
        [chronofeed, "--redis", redis.url, "--source", "stdin"], stdin=message
    )
    process.wait(30)
    found = redis.call("FUNCTION", "LIST", "LIBRARYNAME", "chronogate", "WITHCODE")[0]
    return found[found.index(b"library_code") + 1]


def fresh_feed(redis, library):
    feed = Feed(redis, library)
    yield feed
    feed.close()


@pytest.fixture
def feed(own_redis, library):
    """Publishes to `own_redis`."""
    yield from fresh_feed(own_redis, library)


@pytest.fixture
def durable_feed(durable_redis, library):
    """Publishes to `durable_redis`."""
    yield from fresh_feed(durable_redis, library)


@pytest.fixture
def start_gateway(supervisor, chronogate, redis):
    yield from gateway_factory(supervisor, chronogate, redis)


@pytest.fixture
def start_patient_gateway(start_gateway):
    """The same, for tests in which Redis is not given up when the machine stands still."""
    return functools.partial(start_gateway, **PATIENCE_WITH_REDIS)


@pytest.fixture(scope="module")
def gateway(supervisor, chronogate, redis):
    """One for all tests of a file that do it no harm, with default settings, but patient."""
    for start in gateway_factory(supervisor, chronogate, redis):
        yield start(**PATIENCE_WITH_REDIS)


@pytest.fixture
def start_feeder(supervisor, chronofeed, own_redis):
    """start("--source", "walk") -> Process, which publishes to `own_redis` if not told
    otherwise, and ends before it does."""
    started = []

    def start(*argv, redis=own_redis.url, **how):
        started.append(supervisor.start([chronofeed, "--redis", redis, *argv], **how))
        return started[-1]

    yield start
    complaints = [supervisor.release(p) for p in reversed(started) if p in supervisor.processes]
    assert not any(complaints), "\n".join(filter(None, complaints))

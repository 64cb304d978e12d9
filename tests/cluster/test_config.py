# SPDX-License-Identifier: MIT
"""Settings of both programs: arguments, environment and defaults; a mistake is one clear line
and exit status 1, before anything is opened."""

import json
import os
import re
import signal
import socket
import subprocess

import pytest

from support import http

GATEWAY_SETTINGS = """
    listen admin console redis channel-prefix allowed-origins max-message-bytes max-topics
    request-rate request-burst flood-limit max-connections max-connections-per-address
    handshake-timeout-ms backlog-hard-bytes backlog-age-ms ping-interval-ms pong-timeout-ms
    heartbeat-interval-ms subscribe-timeout-ms log-level log-format
""".split()
FEEDER_SETTINGS = """
    source redis channel-prefix history-length rate seed file speed loop row-interval
    log-level log-format
""".split()


def run(program, *argv, env=None):
    return subprocess.run(
        [program, *argv],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def check_one_clear_line(ended, *words):
    """Exit status 1, nothing on standard output, and one line that has the words."""
    assert ended.returncode == 1, ended
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1 and ended.stderr.endswith("\n"), ended.stderr
    for word in words:
        assert word in ended.stderr
    assert "s3cret" not in ended.stderr


@pytest.fixture(params=["chronogate", "chronofeed"])
def program(request):
    return request.getfixturevalue(request.param)


def settings_of(program):
    return GATEWAY_SETTINGS if program.name == "chronogate" else FEEDER_SETTINGS


# Help.


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_setting(program, option):
    ended = run(program, option)
    assert (ended.returncode, ended.stderr) == (0, "")
    for name in settings_of(program):
        assert re.search(rf"--{name}\b", ended.stdout), f"--{name} is not in the help"
    assert max(map(len, ended.stdout.splitlines())) <= 100


def test_the_version_is_told(program):
    ended = run(program, "--version")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.search(r"\d+\.\d+", ended.stdout)


def test_the_configuration_is_printed_with_secrets_masked(program):
    url = "redis://user:s3cret@127.0.0.1:7/2"
    ended = run(program, "--redis", url, "--channel-prefix", "p:", "--print-config")
    assert (ended.returncode, ended.stderr) == (0, "")
    for name in settings_of(program):
        assert re.search(rf"\b{name}\b", ended.stdout), f"{name} is not printed"
    assert "127.0.0.1:7/2" in ended.stdout
    assert "p:" in ended.stdout
    assert "s3cret" not in ended.stdout


# Checking.


def test_a_good_configuration_is_checked_and_nothing_is_started(chronogate):
    ended = run(chronogate, "-n", "--redis", "redis://127.0.0.1:1")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_good_feeder_configuration_is_checked_and_nothing_is_started(chronofeed):
    ended = run(chronofeed, "-n", "--source", "walk", "--redis", "redis://127.0.0.1:1")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "argv",
    [
        ["--nope", "1"],
        ["--listenx", "127.0.0.1:0"],
        ["-x"],
        ["stray"],
        ["--listen"],
        ["--listen", ""],
        ["--listen", "8000"],
        ["--listen", "127.0.0.1:65536"],
        ["--listen", "127.0.0.1:x"],
        ["--listen", "example.org:8000"],
        ["--admin", "127.0.0.1:-1"],
        ["--redis", "http://127.0.0.1"],
        ["--redis", "redis://user:s3cret@127.0.0.1:0x"],
        ["--redis", "redis://127.0.0.1/x"],
        ["--redis", "unix://"],
        ["--log-level", "loud"],
        ["--log-format", "xml"],
        ["--max-topics", "many"],
        ["--max-topics", "-1"],
        ["--max-topics", "1.5"],
        ["--max-topics", ""],
        ["--max-topics", " 1"],
        ["--max-topics", "99999999999999999999"],
        ["--heartbeat-interval-ms", "-1"],
        ["--max-message-bytes", "64q"],
        ["--backlog-hard-bytes", "1m1"],
    ],
    ids=" ".join,
)
def test_a_bad_setting_of_the_gateway_is_one_clear_line(chronogate, argv):
    name = argv[0].lstrip("-")
    for how in ([], ["-n"]):
        check_one_clear_line(run(chronogate, *how, *argv), name)


@pytest.mark.parametrize(
    "argv",
    [
        ["--nope", "1"],
        ["--source", "nope"],
        ["--redis", "nope"],
        ["--rate", "fast"],
        ["--rate", "-1"],
        ["--seed", "x"],
        ["--speed", "-1"],
        ["--log-level", "loud"],
    ],
    ids=" ".join,
)
def test_a_bad_setting_of_the_feeder_is_one_clear_line(chronofeed, argv):
    name = argv[0].lstrip("-")
    for how in ([], ["-n"]):
        check_one_clear_line(run(chronofeed, *how, *argv), name)


def test_a_bad_setting_in_the_environment_is_named_by_its_variable(chronogate):
    ended = run(chronogate, env={"CHRONOGATE_MAX_TOPICS": "many"})
    check_one_clear_line(ended, "CHRONOGATE_MAX_TOPICS")


# Where settings come from.


async def test_settings_come_from_the_environment(start_gateway):
    gateway = start_gateway(env={"CHRONOGATE_MAX_TOPICS": "1", "CHRONOGATE_LOG_FORMAT": ""})
    async with gateway.client() as client:
        await client.subscribe("stock.A.1m")
        answer = await client.ask({"type": "subscribe", "topic": "stock.B.1m"})
        assert answer["error_code"] == "subscription_failed"


async def test_an_argument_beats_the_environment(start_gateway):
    gateway = start_gateway(env={"CHRONOGATE_MAX_TOPICS": "1"}, max_topics=2)
    async with gateway.client() as client:
        await client.subscribe("stock.A.1m", "stock.B.1m")


def test_a_value_may_follow_an_equals_sign(chronogate):
    ended = run(chronogate, "--channel-prefix=a=b", "--print-config")
    assert ended.returncode == 0
    assert "a=b" in ended.stdout


# The log.


def test_the_log_can_be_json(start_gateway, supervisor, chronogate, redis):
    process = supervisor.start(
        [chronogate, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--console", "off"]
        + ["--redis", redis.url, "--log-format", "json"]
    )
    process.log.wait_for(r'"listening".*"api"')
    assert process.stop() == 0
    lines = [json.loads(line) for line in process.log.lines]
    for line in lines:
        assert list(line)[:3] == ["time", "level", "event"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    listening = [line for line in lines if line["event"] == "listening"]
    assert {line["role"] for line in listening} == {"api", "admin"}


def test_the_log_has_time_level_and_event(gateway):
    for line in gateway.log.lines:
        assert re.match(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warn|error) \S", line
        )


def test_a_higher_level_leaves_lines_out(supervisor, chronogate, redis):
    process = supervisor.start(
        [chronogate, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--console", "off"]
        + ["--redis", redis.url, "--log-level", "error"]
    )
    try:
        process.popen.wait(1)
    except subprocess.TimeoutExpired:
        pass
    assert process.stop(signal.SIGTERM) == 0
    assert process.log.lines == []


def test_a_gateway_may_have_nothing_but_the_page(supervisor, chronogate, redis):
    process = supervisor.start(
        [chronogate, "--listen", "off", "--admin", "off", "--console", "127.0.0.1:0"]
        + ["--redis", redis.url, "--drain-delay-ms", "0"]
    )
    port = int(process.log.wait_for(r":(\d+) role=console").group(1))
    assert http.get(port, "/websocket-test").status == 200
    assert process.stop(signal.SIGTERM) == 0


def test_client_bytes_in_the_log_are_escaped(start_gateway):
    gateway = start_gateway(log_level="debug")
    with gateway.wire("evil%22%20level%3Dx"):
        pass
    gateway.upgrade("/nope%0A2026-01-01T00:00:00.000Z%20info%20forged")
    gateway.wait_metric("chronogate_connections", 0)
    assert not gateway.log.find(r"^2026-01-01T00:00:00\.000Z info forged")


# What goes wrong at the start.


def last_words(ended, *words):
    """Exit status 1, and one error, which has the words."""
    assert ended.returncode == 1, ended
    trouble = [line for line in ended.stderr.splitlines() if " error " in line]
    assert len(trouble) == 1, ended.stderr
    for word in words:
        assert word in trouble[0]


@pytest.mark.parametrize("setting", ["listen", "admin", "console"])
def test_a_port_in_use_is_one_clear_line(chronogate, redis, setting):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", "console": "off"}
        settings[setting] = address
        argv = [word for name, value in settings.items() for word in (f"--{name}", value)]
        last_words(run(chronogate, *argv, "--redis", redis.url), address, "in use")


def test_an_address_that_is_not_ours_is_one_clear_line(chronogate, redis):
    address = "192.0.2.1:8000"
    argv = ["--listen", address, "--admin", "127.0.0.1:0", "--console", "off"]
    last_words(run(chronogate, *argv, "--redis", redis.url), address)


def test_two_gateways_do_not_share_the_admin_port(start_gateway, chronogate, redis):
    """The API port is shared on purpose; answers about one process are not."""
    address = f"127.0.0.1:{start_gateway().admin_port}"
    argv = ["--listen", "127.0.0.1:0", "--admin", address, "--console", "off"]
    last_words(run(chronogate, *argv, "--redis", redis.url), address, "in use")

# SPDX-License-Identifier: MIT
"""The feeder as a client of exchanges: stand-ins for them behave well and badly, and what
they trade comes out as bars."""

import json
import os
import subprocess

import pytest

from support.listener import Listener, check_chains
from support.venue import Binance, Certificates, Coinbase, Kraken, Mute, open_minute
from support.wait import until


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def follow(start_feeder, certificates):
    """follow(venue, "BTCUSDT", …) -> the feeder's Process"""

    def start(venue, symbols, *argv, url=None, trusted=True, **environment):
        return start_feeder(
            *["--source", "exchange", "--venue", venue.name, "--symbols", symbols],
            *["--venue-url", url or venue.url, "--venue-backoff-ms", "200"],
            *(["--ca-file", str(certificates.authority)] if trusted else []),
            *["--min-update-ms", "0", *argv],
            env=os.environ | environment,
        )

    return start


def newest(redis, channel):
    """The newest message of the channel as text, or None."""
    entries = redis.call("XREVRANGE", f"history:{{{channel}}}", "+", "-", "COUNT", "1")
    return entries[0][1][1].decode() if entries else None


def bar_when(redis, channel, trades):
    """Waits until so many trades are in the channel's newest bar. Returns its text."""

    def complete():
        text = newest(redis, channel)
        return text if text and json.loads(text)["trades"] == trades else None

    return until(complete, what=f"{trades} trades are in {channel}")


def has(text, **fields):
    """Whether the JSON has these members, number for number as they are written."""
    bar = json.loads(text, parse_float=str, parse_int=str)
    return {name: bar[name] for name in fields} == fields


def at(minute, seconds):
    return minute.replace(second=seconds)


# What is traded.


def test_binances_trades_become_bars(follow, own_redis, certificates):
    minute = open_minute()
    with Binance(certificates) as venue, Listener(own_redis) as listener:
        follow(venue, "BTCUSDT,ETHUSDT")
        session = venue.session(symbols=2)
        assert session.path == "/stream" and session.symbols == ["BTCUSDT", "ETHUSDT"]
        headers = session.socket.request_headers
        assert headers["Host"] == f"localhost:{venue.port}"
        assert headers["User-Agent"].startswith("chronofeed/")
        trade = venue.trade
        session.send(
            trade("BTCUSDT", 10, "67890.10000000", "0.00010000", at(minute, 1)),
            trade("ETHUSDT", 77, "0.1", "1", at(minute, 1)),
            trade("BTCUSDT", 11, "67890.30000000", "0.00020000", at(minute, 2)),
            trade("BTCUSDT", 12, "67889.99999999", "100", at(minute, 3)),
        )
        bar = bar_when(own_redis, "crypto.BTCUSDT.1m", 3)
        until(lambda: newest(own_redis, "crypto.ETHUSDT.1M"), what="the other was traded")
        until(lambda: newest(own_redis, "market.BINANCE.summary"), what="a summary came")
        check_chains(listener.messages())
    assert has(
        bar,
        **{"open": "67890.1", "high": "67890.3", "low": "67889.99999999"},
        **{"close": "67889.99999999", "volume": "100.0003", "symbol": "BTCUSDT"},
        **{"start": minute.strftime("%Y-%m-%dT%H:%M:%S"), "closed": False},
    )


def test_coinbases_trades_become_bars(follow, own_redis, certificates):
    minute = open_minute()
    with Coinbase(certificates) as venue:
        follow(venue, "BTC-USD")
        session = venue.session()
        trade = venue.trade
        session.send(
            venue.heartbeat("BTC-USD"),
            trade("BTC-USD", 5, "400.23", "5.23512", at(minute, 1), "last_match"),
            trade("BTC-USD", 6, "400.2300000000000001", "1", at(minute, 2)),
        )
        bar = bar_when(own_redis, "crypto.BTC-USD.1m", 2)
    assert has(bar, open="400.23", high="400.2300000000000001", volume="6.23512")


def test_krakens_snapshot_and_trades_become_bars(follow, own_redis, certificates):
    minute = open_minute()
    with Kraken(certificates) as venue:
        follow(venue, "BTC/USD")
        session = venue.session()
        session.send(
            venue.trades(
                "BTC/USD",
                [(2, "0.2", "1", at(minute, 2)), (1, "0.1", "1", at(minute, 1))],
                "snapshot",
            ),
            venue.trades("BTC/USD", [(3, "67890.12345678901", "1e-8", at(minute, 3))]),
            {"channel": "heartbeat"},
        )
        bar = bar_when(own_redis, "crypto.BTC/USD.1m", 3)
    exact = {"open": "0.1", "close": "67890.12345678901", "low": "0.1"}
    assert has(bar, volume="2.00000001", **exact)


def test_symbols_come_out_as_the_user_wrote_them(follow, own_redis, certificates):
    with Binance(certificates) as venue:
        follow(venue, "btcusdt")
        venue.session().send(venue.trade("BTCUSDT", 1, "1", "1", open_minute()))
        bar_when(own_redis, "crypto.btcusdt.1m", 1)


# Subscribing.


def test_many_symbols_are_asked_for_in_batches(follow, certificates):
    symbols = [f"S{n:03}" for n in range(120)]
    with Kraken(certificates) as venue:
        follow(venue, ",".join(symbols)).log.wait_for(r"subscribed .*120 of 120")
        session = venue.session(symbols=120)
        batches = [request["params"]["symbol"] for _, request in session.requests]
        times = [when for when, _ in session.requests]
    assert [len(batch) for batch in batches] == [50, 50, 20]
    assert sum(batches, []) == symbols
    assert times[2] - times[0] > 0.8  # 500 ms between two, less what the way may eat


def test_too_many_for_one_connection_are_shared_out(follow, certificates):
    symbols = [f"S{n:03}" for n in range(201)]
    with Coinbase(certificates) as venue:
        follow(venue, ",".join(symbols))
        venue.session(1)

        def all_are_asked_for():
            return sorted(venue.sessions[0].symbols + venue.sessions[1].symbols) == symbols

        until(all_are_asked_for, what="all symbols were asked for")
        assert all(len(session.symbols) <= 200 for session in venue.sessions)


@pytest.mark.parametrize("kind,symbol", [(Coinbase, "FOO-USD"), (Kraken, "FOO/USD")])
def test_a_bad_symbol_is_named_and_the_others_go_on(follow, certificates, kind, symbol):
    good = ["A" + symbol, "Z" + symbol]
    with kind(certificates, unknown=[symbol]) as venue:
        feeder = follow(venue, ",".join([good[1], symbol, good[0]]))
        feeder.log.wait_for(rf" warn symbol refused .*{symbol}")
        feeder.log.wait_for(r"subscribed .*2 of 3")
        assert venue.session(symbols=2).symbols == good


# A connection's life.


def test_pings_are_answered(follow, certificates):
    with Binance(certificates) as venue:
        follow(venue, "BTCUSDT")
        for _ in range(3):
            venue.session().ping()


def test_a_quiet_venue_is_pinged_and_kept(follow, certificates):
    with Binance(certificates) as venue:
        follow(venue, "BTCUSDT", "--venue-silence-ms", "3000")
        session = venue.session()
        until(
            lambda: session.socket.pings_heard >= 4, what="it was pinged for longer than that"
        )
        assert not session.over and len(venue.sessions) == 1


def test_a_message_may_come_in_fragments(follow, own_redis, certificates):
    with Binance(certificates) as venue:
        follow(venue, "BTCUSDT")
        text = json.dumps(venue.trade("BTCUSDT", 1, "12.5", "1", open_minute()))
        venue.session().send([text[:1], text[1:40], "", text[40:]])
        assert has(bar_when(own_redis, "crypto.BTCUSDT.1m", 1), close="12.5")


def test_silence_ends_a_connection(follow, certificates):
    with Kraken(certificates) as venue:
        feeder = follow(venue, "BTC/USD", "--venue-silence-ms", "1000")
        venue.session(1)
        feeder.log.wait_for(r" warn venue away .*silent for \d+ ms, retrying in \d+ ms")
        until(lambda: venue.sessions[0].over, what="the silent connection was closed")


def test_a_frozen_venue_is_cut_off(follow, certificates):
    with Kraken(certificates) as venue:
        feeder = follow(venue, "BTC/USD", "--venue-silence-ms", "1500")
        venue.session().freeze()
        before = feeder.descriptors()
        venue.session(1).close()
        session = venue.session(2)
        until(lambda: feeder.descriptors() <= before, what="the old connection is cut")
        session.ping()
        assert feeder.cpu_seconds() < 10


def test_a_half_closed_connection_is_left(follow, certificates):
    with Binance(certificates, certificate=None) as venue:
        feeder = follow(venue, "BTCUSDT")
        venue.session().half_close()
        feeder.log.wait_for(r" warn venue away .*broke")
        venue.session(1).ping()
        until(lambda: venue.sessions[0].over, what="the old connection is gone")
        assert feeder.cpu_seconds() < 5


@pytest.mark.parametrize("code,reason", [(1001, "going away"), (1008, ""), (1000, "bye")])
def test_an_orderly_disconnect_is_followed_by_a_new_connection(
    follow, own_redis, certificates, code, reason
):
    minute = open_minute()
    with Binance(certificates) as venue:
        feeder = follow(venue, "BTCUSDT")
        venue.session(0).send(venue.trade("BTCUSDT", 1, "1", "1", minute))
        bar_when(own_redis, "crypto.BTCUSDT.1m", 1)
        venue.session(0).close(code, reason)
        feeder.log.wait_for(rf"away .*closed by the venue: {code} ?{reason}")
        venue.session(1).send(venue.trade("BTCUSDT", 2, "2", "1", minute))
        bar_when(own_redis, "crypto.BTCUSDT.1m", 2)
        assert not feeder.log.find("trades missed")


def test_a_cut_connection_is_made_anew_and_what_it_missed_is_said(
    follow, own_redis, certificates
):
    minute = open_minute()
    with Binance(certificates) as venue:
        feeder = follow(venue, "BTCUSDT")
        venue.session(0).send(venue.trade("BTCUSDT", 100, "1", "1", minute))
        bar_when(own_redis, "crypto.BTCUSDT.1m", 1)
        venue.session(0).cut()
        feeder.log.wait_for(r"away .*retrying in \d+ ms")
        venue.session(1).send(venue.trade("BTCUSDT", 105, "2", "1", minute))
        feeder.log.wait_for(r" warn trades missed .*BTCUSDT: 4 between ids 100 and 105")
        bar_when(own_redis, "crypto.BTCUSDT.1m", 2)


def test_a_venue_that_announces_its_end_is_left(follow, certificates):
    with Binance(certificates) as venue:
        feeder = follow(venue, "BTCUSDT")
        event = {"e": "serverShutdown", "E": 1770123456789}
        venue.session().send({"stream": "!serverShutdown", "data": event})
        venue.session(1)
        assert feeder.log.find(r"away .*about to shut down")


def test_maintenance_is_told_and_waited_out(follow, own_redis, certificates):
    with Kraken(certificates) as venue:
        feeder = follow(venue, "BTC/USD")
        session = venue.session()
        session.send(venue.status("maintenance"), venue.status("maintenance"))
        feeder.log.wait_for(r" warn venue's market .*maintenance")
        session.send(venue.status("online"))
        feeder.log.wait_for(r" info venue's market .*online")
        session.send(venue.trades("BTC/USD", [(1, "5", "1", open_minute())]))
        bar_when(own_redis, "crypto.BTC/USD.1m", 1)
        assert feeder.log.text().count("maintenance") == 1


def test_garbage_is_reported_and_survived(follow, own_redis, certificates):
    with Binance(certificates) as venue:
        feeder = follow(venue, "BTCUSDT")
        session = venue.session()
        session.send("hello", "{", "[]", "\x00", "", {"e": "trade", "s": "BTCUSDT", "t": -1})
        session.send({"never": "heard of"}, venue.trade("BTCUSDT", 1, "1", "1", open_minute()))
        bar_when(own_redis, "crypto.BTCUSDT.1m", 1)
        assert feeder.log.find(r" warn message not understood")
        assert len(venue.sessions) == 1


def test_a_huge_message_ends_the_connection(follow, certificates):
    with Binance(certificates) as venue:
        feeder = follow(venue, "BTCUSDT")
        session = venue.session()
        session.send("x" * (1 << 20))  # the longest
        session.ping()
        session.send(["x" * 600000, "x" * 600000])
        feeder.log.wait_for(r" warn venue away .*longer than 1 MiB")
        venue.session(1)
        until(lambda: session.over, what="the connection was closed")
        assert session.socket.close_code in (1009, 1006)


# Getting there.


def test_an_untrusted_certificate_is_refused(follow, certificates):
    with Binance(certificates) as venue:
        feeder = follow(venue, "BTCUSDT", trusted=False)
        feeder.log.wait_for(r" warn venue away .*localhost.*certificate.*not trusted")
        assert not venue.sessions


def test_what_the_system_trusts_is_trusted(follow, certificates):
    with Binance(certificates) as venue:
        follow(venue, "BTCUSDT", trusted=False, SSL_CERT_FILE=str(certificates.authority))
        venue.session()


def test_a_file_of_certificates_stands_in_for_the_systems(follow, certificates, tmp_path):
    others = Certificates(tmp_path)
    with Binance(certificates) as venue:
        ours = {"SSL_CERT_FILE": str(certificates.authority)}
        file = ["--ca-file", str(others.authority)]
        feeder = follow(venue, "BTCUSDT", *file, trusted=False, **ours)
        feeder.log.wait_for(r" warn venue away .*certificate.*not trusted")
        assert not venue.sessions


def test_a_proxy_in_the_environment_is_not_used(follow, certificates):
    with Mute() as mute, Binance(certificates) as venue:
        proxy = f"http://localhost:{mute.port}"
        follow(venue, "BTCUSDT", http_proxy=proxy, https_proxy=proxy)
        venue.session()
        assert mute.accepted == 0


def test_a_certificate_for_another_host_is_refused(follow, certificates):
    with Binance(certificates, certificate="other") as venue:
        feeder = follow(venue, "BTCUSDT")
        feeder.log.wait_for(r" warn venue away .*localhost.*certificate.*another host")
        assert not venue.sessions


def test_without_tls_this_machine_will_do(follow, own_redis, certificates):
    with Binance(certificates, certificate=None) as venue:
        assert venue.url.startswith("ws://localhost")
        follow(venue, "BTCUSDT")
        venue.session().send(venue.trade("BTCUSDT", 1, "1", "1", open_minute()))
        bar_when(own_redis, "crypto.BTCUSDT.1m", 1)


@pytest.mark.parametrize("status", [503, 429, 302])
def test_a_venue_that_lets_nobody_in_is_asked_again(follow, certificates, status):
    with Binance(certificates) as venue:
        venue.refuse_with = status
        feeder = follow(venue, "BTCUSDT")
        feeder.log.wait_for(rf" warn venue away .*status {status}, retrying")
        until(lambda: venue.refused >= 3, what="it was asked again")
        venue.refuse_with = None
        assert venue.session().path == "/stream"


def test_a_venue_that_is_not_there_is_waited_for(follow, certificates):
    venue = Binance(certificates)
    with venue:
        port = venue.port
    later = Binance(certificates)
    later.port = port
    feeder = follow(later, "BTCUSDT")
    feeder.log.wait_for(r" warn venue away .*Connection refused, retrying in \d+ ms")
    with later:
        later.session()


def test_a_server_that_never_answers_is_given_up(follow, certificates):
    with Mute() as mute:
        url = f"wss://localhost:{mute.port}/"
        feeder = follow(Binance(certificates), "BTCUSDT", url=url)
        feeder.log.wait_for(r" warn venue away .*(?i:timed out).*retrying", within=30)
        until(lambda: mute.accepted >= 2, within=30, what="it was tried again")


def test_a_host_that_does_not_exist_is_named(follow, certificates):
    url = "wss://venue.invalid/"
    feeder = follow(Binance(certificates), "BTCUSDT", url=url)
    feeder.log.wait_for(r" warn venue away .*venue\.invalid: .*retrying", within=30)


@pytest.mark.parametrize(
    "argv,complaint",
    [
        ([], "--symbols"),
        (["--symbols", "BTC USDT"], "--symbols"),
        (["--symbols", "BTCUSDT,,ETHUSDT"], "--symbols"),
        (["--symbols", "BTCUSDT,BTCUSDT"], "--symbols"),
        (["--symbols", ",".join(f"S{n}" for n in range(2001))], "--symbols"),
        (["--symbols", "BTCUSDT", "--venue-url", "ws://venue.example/"], "--venue-url"),
        (["--symbols", "BTCUSDT", "--venue-url", "venue.example"], "--venue-url"),
        (["--symbols", "BTCUSDT", "--ca-file", "/nonexistent"], "--ca-file"),
        (["--symbols", "BTCUSDT", "--ca-file", "/dev/null"], "--ca-file"),
        (["--symbols", "BTCUSDT", "--venue", "mtgox"], "--venue"),
    ],
)
def test_useless_settings_are_one_clear_line(chronofeed, own_redis, argv, complaint):
    ended = subprocess.run(
        [chronofeed, "--source", "exchange", "--redis", own_redis.url, *argv],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1 and complaint in ended.stderr


# needs bars' trade ids


def test_trades_that_come_twice_count_once(follow, own_redis, certificates):
    minute = open_minute()
    with Coinbase(certificates) as venue:
        follow(venue, "BTC-USD")
        first = venue.trade("BTC-USD", 1, "1", "1", at(minute, 1))
        second = venue.trade("BTC-USD", 2, "2", "1", at(minute, 2))
        venue.session(0).send(first, second, second)
        bar_when(own_redis, "crypto.BTC-USD.1m", 2)
        venue.session(0).cut()
        venue.session(1).send(
            second | {"type": "last_match"},
            venue.trade("BTC-USD", 3, "3", "1", at(minute, 3)),
        )
        bar = bar_when(own_redis, "crypto.BTC-USD.1m", 3)
    assert has(bar, volume="3", open="1", close="3")


def test_a_snapshot_fills_what_a_reconnect_missed(follow, own_redis, certificates):
    minute = open_minute()
    rows = [(n, str(n), "1", at(minute, n)) for n in range(1, 9)]
    with Kraken(certificates) as venue:
        feeder = follow(venue, "BTC/USD")
        venue.session(0).send(venue.trades("BTC/USD", rows[:4], "snapshot"))
        bar_when(own_redis, "crypto.BTC/USD.1m", 4)
        venue.session(0).cut()
        session = venue.session(1)
        session.send(venue.trades("BTC/USD", rows[1:7], "snapshot"))
        session.send(venue.trades("BTC/USD", rows[7:]))
        bar = bar_when(own_redis, "crypto.BTC/USD.1m", 8)
        assert not feeder.log.find("trades missed")
    assert has(bar, volume="8", open="1", close="8")


def test_a_restarted_feeder_goes_on_without_counting_twice(follow, own_redis, certificates):
    minute = open_minute()
    with Coinbase(certificates) as venue:
        feeder = follow(venue, "BTC-USD")
        first = venue.trade("BTC-USD", 1, "1", "1", at(minute, 1))
        second = venue.trade("BTC-USD", 2, "2", "1", at(minute, 2))
        venue.session(0).send(first, second)
        bar_when(own_redis, "crypto.BTC-USD.1m", 2)
        assert feeder.stop() == 0
        follow(venue, "BTC-USD")
        venue.session(1).send(
            second | {"type": "last_match"},
            venue.trade("BTC-USD", 3, "3", "1", at(minute, 3)),
        )
        bar = bar_when(own_redis, "crypto.BTC-USD.1m", 3)
    assert has(bar, volume="3", open="1", close="3")


def test_a_feeder_that_stands_by_listens_and_loses_nothing(follow, own_redis, certificates):
    minute = open_minute()
    with Binance(certificates) as venue:
        first = follow(venue, "BTCUSDT")
        venue.session(0)
        first.log.wait_for("venue subscribed")
        second = follow(venue, "BTCUSDT")
        sessions = [venue.session(0), venue.session(1)]
        second.log.wait_for("venue subscribed")
        trades = [venue.trade("BTCUSDT", n, str(n), "1", at(minute, n)) for n in range(1, 9)]
        for session in sessions:
            session.send(*trades[:4])
        bar_when(own_redis, "crypto.BTCUSDT.1m", 4)
        first.kill()
        sessions[1].send(*trades[4:])
        bar = bar_when(own_redis, "crypto.BTCUSDT.1m", 8)
        assert not second.log.find("trades missed")
    assert has(bar, volume="8", open="1", close="8")

# SPDX-License-Identifier: MIT
"""Closed bars: kept by chrono_publish beside a topic's history, and read at GET /api/v1/bars, as
feeder/FEEDS.md, section 6, and gateway/PROTOCOL.md, section 8, say."""

import pytest

from support.listener import Listener
from support.resp import RespError


@pytest.fixture
def loaded_redis(own_redis, library):
    own_redis.call("FUNCTION", "LOAD", "REPLACE", library)
    return own_redis


def kept(redis, topic):
    return [fields[1] for _, fields in redis.call("XRANGE", f"history:{{{topic}}}:bars", "-", "+")]


# What is kept.


def test_as_many_closed_bars_are_kept_as_was_said(loaded_redis):
    for n in range(500):
        payload = '{"n":%d,"closed":true}' % n
        loaded_redis.call("FCALL", "chrono_publish", 1, "stock.W.1m", payload, 10, 100)
    some = kept(loaded_redis, "stock.W.1m")
    assert 100 <= len(some) <= 200 and some[-1] == b'{"n":499,"closed":true}'


@pytest.mark.parametrize(
    "payload, is_closed",
    [
        ('{"closed":true}', True),
        ('{"closed" :\n true,"n":1}', True),
        ('{"x":"closed","closed":true}', True),
        ('{"closed":false}', False),
        ('{"closed":"true"}', False),
        ('{"x":"\\"closed\\":true"}', False),
        ('{"n":1}', False),
    ],
)
def test_a_bar_is_closed_when_its_message_says_so(loaded_redis, payload, is_closed):
    loaded_redis.call("FCALL", "chrono_publish", 1, "stock.W.1m", payload)
    assert kept(loaded_redis, "stock.W.1m") == ([payload.encode()] if is_closed else [])


def test_what_is_wrong_with_the_key_of_bars_holds_no_message_up(loaded_redis):
    loaded_redis.call("SET", "history:{stock.W.1m}:bars", "no stream")
    with Listener(loaded_redis) as listener:
        loaded_redis.call("FCALL", "chrono_publish", 1, "stock.W.1m", '{"closed":true}')
        listener.wait_for(1)
    assert loaded_redis.call("XLEN", "history:{stock.W.1m}") == 1


@pytest.mark.parametrize("bars", ["-1", "10001", "x", "", "1.5"])
def test_a_bars_length_that_is_none_is_refused(loaded_redis, bars):
    with pytest.raises(RespError, match="bars length"):
        loaded_redis.call("FCALL", "chrono_publish", 1, "stock.W.1m", "{}", 1, bars)
    assert loaded_redis.call("EXISTS", "history:{stock.W.1m}") == 0



# SPDX-License-Identifier: MIT
"""Everything that is published on a Redis, as it came, and what feeders' messages must be."""

import re
import threading

from .resp import Resp
from .wait import PATIENCE, until

ENVELOPE = re.compile(r"@(\d+)-(\d+) (\d+)-(\d+) (\{.*\})", re.S)


class Message:
    """A sequenced message, taken apart."""

    def __init__(self, channel, text):
        found = ENVELOPE.fullmatch(text)
        assert found, f"not a sequenced message on {channel}: {text!r}"
        numbers = [int(n) for n in found.groups()[:4]]
        self.channel = channel
        self.id, self.prev = tuple(numbers[:2]), tuple(numbers[2:])
        self.payload = found.group(5)


class Listener:
    """Hears all channels from the moment it exists. Use as a context."""

    def __init__(self, redis):
        self.heard = []  # channel and text
        self.resp = Resp(redis.port, timeout=None)
        self.resp.call("PSUBSCRIBE", "*")
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        try:
            while True:
                _, _, channel, payload = self.resp.read()
                self.heard.append((channel.decode(), payload.decode()))
        except (OSError, ValueError):
            pass  # closed

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Stops listening; what was heard stays."""
        try:
            self.resp.sock.shutdown(2)
        except OSError:
            pass
        self.thread.join()
        self.resp.close()

    def messages(self, channel=None):
        return [Message(c, t) for c, t in list(self.heard) if channel in (None, c)]

    def wait_for(self, count, channel=None, within=PATIENCE):
        """Returns the messages once there are so many."""

        def enough():
            have = sum(channel in (None, c) for c, _ in list(self.heard))
            return self.messages(channel) if have >= count else None

        return until(enough, within, f"{count} messages came on {channel or 'all channels'}")


def check_chains(messages):
    """On each channel the ids increase, and each message names the one before it. Returns
    the last id of each channel."""
    last = {}
    for message in messages:
        if message.channel in last:
            assert message.prev == last[message.channel], f"a gap on {message.channel}"
        assert message.id > message.prev
        last[message.channel] = message.id
    return last

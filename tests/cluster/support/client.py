# SPDX-License-Identifier: MIT
"""A well-behaved client on the websockets library, which knows nothing of our gateway.
Works with version 10 (Debian 12) and 15 (Debian 13): only what both have is used."""

import asyncio
import json

import websockets

from .wait import PATIENCE


class Client:
    """`async with gateway.client("me") as client:` is connected and has its `ack`."""

    def __init__(self, uri, **how):
        how = {"ping_interval": None, "close_timeout": 2, "max_size": None, **how}
        self.connecting = websockets.connect(uri, **how)
        self.socket = None
        self.ack = None

    async def __aenter__(self):
        self.socket = await asyncio.wait_for(self.connecting.__aenter__(), PATIENCE)
        self.ack = await self.hear()
        return self

    async def __aexit__(self, *exc):
        await self.connecting.__aexit__(*exc)

    async def say(self, message):
        """Sends a dict as JSON; text and bytes as they are."""
        if isinstance(message, dict):
            message = json.dumps(message, ensure_ascii=False)
        await self.socket.send(message)

    async def hear_text(self, within=PATIENCE):
        try:
            return await asyncio.wait_for(self.socket.recv(), within)
        except asyncio.TimeoutError:
            raise AssertionError(f"no message within {within} s") from None

    async def hear(self, within=PATIENCE):
        text = await self.hear_text(within)
        assert isinstance(text, str), "the gateway sends text frames only"
        return json.loads(text)

    async def hear_past_status(self):
        """The next message that does not say whether data may be old."""
        while True:
            message = await self.hear()
            if message["type"] != "status":
                return message

    async def ask(self, message):
        """Sends and returns the next message that is no `status`."""
        await self.say(message)
        return await self.hear_past_status()

    async def subscribe(self, *topics):
        for topic in topics:
            answer = await self.ask({"type": "subscribe", "topic": topic})
            assert (answer["type"], answer.get("topic")) == ("subscribe_ack", topic), answer

    async def unsubscribe(self, topic):
        answer = await self.ask({"type": "unsubscribe", "topic": topic})
        assert (answer["type"], answer.get("topic")) == ("unsubscribe_ack", topic), answer

    async def nothing_came(self):
        """Passes if the gateway's next message is the answer to a ping."""
        await self.say({"type": "ping"})
        answer = await self.hear_past_status()
        assert answer["type"] == "pong", answer

    async def close_code(self, within=PATIENCE):
        """Waits for the end and returns its code; 1006 if there was no close frame."""
        try:
            while True:
                await asyncio.wait_for(self.socket.recv(), within)
        except asyncio.TimeoutError:
            raise AssertionError(f"still open after {within} s") from None
        except websockets.exceptions.ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

# SPDX-License-Identifier: MIT
"""A follower on the websockets library: goes to another gateway whenever a connection ends, and
resumes with `since`."""

import asyncio
import itertools
import json

import websockets

from .follower import Follower, verdict, waiting_for
from .wait import soon

ERRORS = (OSError, EOFError, asyncio.TimeoutError, websockets.WebSocketException)
CATCH_UP = 40  # seconds


class Stream:
    """`async with Stream(gateways, topics) as stream:`; the list of gateways may change."""

    def __init__(self, gateways, topics, **how):
        self.gateways = gateways
        self.follower = Follower(topics, **how)
        self.gateway = None
        self.task = None

    async def __aenter__(self):
        self.task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *exc):
        self.task.cancel()
        try:
            await self.task
        except asyncio.CancelledError:
            pass

    async def _run(self):
        for turn in itertools.count():
            code = None
            self.gateway = self.gateways[turn % len(self.gateways)]
            try:
                code = await self._follow(self.gateway.uri(self.follower.path))
            except ERRORS:
                pass
            await asyncio.sleep(self.follower.closed(code))

    async def _follow(self, uri):
        """Returns the close code, or None if there was no close frame."""
        self.follower.opened()
        how = {"ping_interval": None, "close_timeout": 2, "max_size": None}
        async with websockets.connect(uri, **how) as socket:
            try:
                while not self.follower.useless:
                    for request in self.follower.hear(await socket.recv()):
                        await socket.send(json.dumps(request))
            except websockets.ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else None
        return None


async def check_whole(streams, journal):
    """Waits until the streams have all that is in the histories; then nothing is missing,
    repeated, out of order, or announced as lost without being so."""
    followers = [stream.follower for stream in streams]
    newest = journal.newest()

    def complete():
        ended = [stream.task for stream in streams if stream.task.done()]
        if ended:
            ended[0].result()
        return not waiting_for(followers, newest)

    try:
        await soon(complete, CATCH_UP, "all have all")
    except AssertionError:
        raise AssertionError(
            "\n".join([waiting_for(followers, newest), *verdict(followers, journal)])
        ) from None
    complaints = verdict(followers, journal)
    assert not complaints, "\n".join(complaints)

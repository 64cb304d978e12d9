# SPDX-License-Identifier: MIT
"""Many followers at little cost: sockets of our own in an event loop in a thread, and frames
taken apart by hand."""

import asyncio
import json
import random
import struct

from . import http
from .background import Background
from .follower import verdict, waiting_for
from .wait import PATIENCE, until
from .wire import CLOSE, PING, PONG, TEXT, frame

CATCH_UP = 60  # seconds


def frame_at(data, at):
    """Returns opcode, begin and end of the frame's payload, or None if it is not complete."""
    if len(data) < at + 2:
        return None
    begin, length = at + 2, data[at + 1]
    if length == 126:
        begin += 2
        if len(data) < begin:
            return None
        (length,) = struct.unpack_from("!H", data, at + 2)
    elif length == 127:
        begin += 8
        if len(data) < begin:
            return None
        (length,) = struct.unpack_from("!Q", data, at + 2)
    end = begin + length
    return (data[at] & 0x0F, begin, end) if len(data) >= end else None


class Connection(asyncio.Protocol):
    def __init__(self, follower):
        self.follower = follower
        self.transport = None
        self.rest = b""
        self.upgraded = False
        self.code = None
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.follower.opened()
        transport.write(http.upgrade_request(http.API + self.follower.path))

    def say(self, requests):
        for request in requests:
            self.transport.write(frame(TEXT, json.dumps(request).encode()))

    def connection_lost(self, exc):
        if not self.lost.done():
            self.lost.set_result(self.code)

    def data_received(self, data):
        data = self.rest + data
        if not self.upgraded:
            head, end, behind = data.partition(b"\r\n\r\n")
            if not end:
                self.rest = data
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                self.transport.abort()
                return
            self.upgraded, data = True, behind
        at = 0
        while (found := frame_at(data, at)) and not self.transport.is_closing():
            opcode, begin, at = found
            self._frame(opcode, data[begin:at])
        self.rest = data[at:]

    def _frame(self, opcode, body):
        if opcode == TEXT:
            self.say(self.follower.hear(body.decode()))
            if self.follower.useless:
                self.transport.abort()
        elif opcode == PING:
            self.transport.write(frame(PONG, body))
        elif opcode == CLOSE:
            self.code = struct.unpack("!H", body[:2])[0] if body else 1005
            self.transport.write(frame(CLOSE, body[:2]))
            self.transport.close()


class Swarm(Background):
    """`with Swarm(gateways, followers) as swarm:`; the list of gateways may change, and is
    replaced rather than altered, for two threads know it."""

    def __init__(self, gateways, followers):
        super().__init__()
        self.gateways = gateways
        self.followers = followers
        self.errors = []
        self.tasks = []
        self.connections = set()
        self.open = None  # while it is set, followers may connect

    def let_in(self, may_connect):
        """Those who are connected stay so."""
        self.loop.call_soon_threadsafe(self.open.set if may_connect else self.open.clear)

    def connected(self):
        return len(self.connections)

    def disconnect(self):
        """Every connection breaks off without a word."""
        self._do(self._disconnect())

    def add(self, *followers):
        self.followers = [*self.followers, *followers]
        self._do(self._start(followers))

    def wait_for(self, journal, within=CATCH_UP):
        """Returns once all followers have what is in the histories now."""
        newest = journal.newest()

        def complete():
            assert not self.errors, self.errors
            return not waiting_for(self.followers, newest)

        try:
            until(complete, within, "all have all")
        except AssertionError:
            words = [waiting_for(self.followers, newest), *verdict(self.followers, journal)]
            raise AssertionError("\n".join([*words, *map(repr, self.errors)])) from None

    def check_whole(self, journal):
        """The same; and nothing was missing, repeated, out of order, or announced as lost
        without being so."""
        self.wait_for(journal)
        complaints = verdict(self.followers, journal)
        assert not complaints, "\n".join(complaints[:50])

    async def _begin(self):
        self.open = asyncio.Event()
        self.open.set()
        await self._start(self.followers)

    async def _start(self, followers):
        for follower in followers:
            self.tasks.append(self.loop.create_task(self._guard(follower)))

    async def _disconnect(self):
        for connection in self.connections:
            connection.transport.abort()

    async def _end(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _guard(self, follower):
        try:
            await self._follow(follower)
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(error)

    async def _follow(self, follower):
        while True:
            await self.open.wait()
            code = await self._connect(follower, random.choice(self.gateways).api_port)
            await asyncio.sleep(follower.closed(code))

    async def _connect(self, follower, port):
        """Returns the close code, or None if there was no close frame."""
        try:
            transport, connection = await asyncio.wait_for(
                self.loop.create_connection(lambda: Connection(follower), "127.0.0.1", port),
                PATIENCE,
            )
        except (OSError, asyncio.TimeoutError):
            return None
        self.connections.add(connection)
        unrest = self.loop.create_task(self._unrest(follower, connection))
        try:
            return await connection.lost
        finally:
            unrest.cancel()
            self.connections.remove(connection)
            transport.abort()

    @staticmethod
    async def _unrest(follower, connection):
        while follower.restless:
            await asyncio.sleep(random.uniform(0.1, 1))
            if random.random() < 0.1:
                connection.transport.abort()
            connection.say(follower.fidget())

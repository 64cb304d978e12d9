# SPDX-License-Identifier: MIT
"""A way to Redis that can be blocked without being closed, as networks do, and cut."""

import asyncio

from .background import Background

PIPES_MAX = 64


def connections_of_gateways(redis):
    """What CLIENT LIST says about each, and its `port`."""
    lines = redis.call("CLIENT", "LIST").decode().splitlines()
    clients = [dict(word.partition("=")[::2] for word in line.split()) for line in lines]
    for client in clients:
        client["port"] = int(client["addr"].rpartition(":")[2])
    return [client for client in clients if "chronogate" in client["name"]]


class Pipe:
    """One connection through the proxy."""

    def __init__(self, near, far):
        self.writers = (near, far)
        self.port = far.get_extra_info("sockname")[1]  # what Redis knows it by
        self.open = asyncio.Event()

    async def pump(self, reader, writer):
        try:
            while data := await reader.read(65536):
                await self.open.wait()
                writer.write(data)
                await writer.drain()
            await self.open.wait()
        except OSError:
            pass

    def cut(self):
        for writer in self.writers:
            writer.transport.abort()
        self.open.set()


class Proxy(Background):
    """`with Proxy(redis.port) as proxy:` forwards from proxy.url until it is told to hold."""

    def __init__(self, port):
        super().__init__()
        self.target = port
        self.pipes = []
        self.made = 0  # connections so far
        self.held = False
        self.server = None
        self.tasks = set()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    def hold(self, port=None):
        """Nothing is forwarded any more: on all connections, those to come included, or on
        the one that Redis knows by this port."""
        self._do(self._hold(port))

    def resume(self):
        """What was held back goes on first."""
        self._do(self._resume())

    def ports(self):
        """By which Redis knows the connections."""
        return [pipe.port for pipe in self.pipes]

    def cut(self):
        """Ends all connections."""
        self._do(self._cut())

    async def _begin(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _end(self):
        self.server.close()
        await self._cut()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _hold(self, port):
        self.held = self.held or port is None
        for pipe in self.pipes:
            if port in (None, pipe.port):
                pipe.open.clear()

    async def _resume(self):
        self.held = False
        for pipe in self.pipes:
            pipe.open.set()

    async def _cut(self):
        for pipe in self.pipes:
            pipe.cut()

    async def _serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        pipe = None
        try:
            if len(self.pipes) >= PIPES_MAX:
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
            pipe = Pipe(writer, far_writer)
            self.pipes.append(pipe)
            self.made += 1
            if not self.held:
                pipe.open.set()
            pumps = {
                asyncio.create_task(pipe.pump(reader, far_writer)),
                asyncio.create_task(pipe.pump(far_reader, writer)),
            }
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass  # Redis is away
        finally:
            if pipe:
                self.pipes.remove(pipe)
                far_writer.close()
            writer.close()
            self.tasks.discard(asyncio.current_task())

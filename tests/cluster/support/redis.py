# SPDX-License-Identifier: MIT
"""A private redis-server: its own port, nothing on disk, gone with the test."""

import random
import signal
import socket

from .resp import Resp
from .wait import until


def free_port():
    """Below those that the kernel gives to connections, which come and go."""
    while True:
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", random.randrange(10240, 32768)))
                return sock.getsockname()[1]
            except OSError:
                continue


class Redis:
    def __init__(self, supervisor, directory):
        self.supervisor = supervisor
        self.directory = directory
        self.port = free_port()
        self.path = str(directory / "redis.sock")
        self.url = f"redis://127.0.0.1:{self.port}"
        self.process = None
        self.client = None

    def start(self):
        self.process = self.supervisor.start(
            ["redis-server", "--port", self.port, "--bind", "127.0.0.1"]
            + ["--unixsocket", self.path, "--dir", self.directory]
            + ["--save", "", "--appendonly", "no"],
            chatty=True,
        )
        self.client = until(self._connect, what="redis-server answers")
        return self

    def _connect(self):
        assert self.process.alive, self.process.out.text()
        try:
            client = Resp(self.port)
            client.call("PING")
            return client
        except (OSError, ValueError):
            return None

    def stop(self):
        """Dies as in a crash."""
        if self.client:
            self.client.close()
            self.client = None
        if self.process:
            self.supervisor.release(self.process)
            self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def pause(self):
        """Stands still, with its connections open, until resume()."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def call(self, *words):
        return self.client.call(*words)

    def publish(self, channel, payload):
        """Returns how many subscribers it reached; every gateway is one."""
        return self.call("PUBLISH", channel, payload)

    def channels(self, pattern="*.*.*"):
        return sorted(name.decode() for name in self.call("PUBSUB", "CHANNELS", pattern))

    def subscribers(self, channel):
        return self.call("PUBSUB", "NUMSUB", channel)[1]

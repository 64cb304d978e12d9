# SPDX-License-Identifier: MIT
"""The ways from feeders to Redis, for what gets lost on them: commands and answers."""

import socket
import threading


class Wire:
    """One connection of the feeder's, on its way to Redis."""

    def __init__(self, near, port):
        self.near = near
        self.far = socket.create_connection(("127.0.0.1", port), 10)
        self.far.settimeout(None)
        self.mute = False  # answers are lost
        self.hold = False  # commands are kept back
        self.kept = b""
        self.cut_at = None  # breaks when these bytes come by
        self.refuse = []  # commands that are answered with BUSY, and how many pass before
        for copy in (self._up, self._down):
            threading.Thread(target=copy, daemon=True).start()

    def _up(self):
        try:
            while data := self.near.recv(65536):
                if self.hold:
                    self.kept += data
                    continue
                if self.refuse and self.refuse[0][0] in data:
                    command, passing = self.refuse.pop(0)
                    if passing == 0:
                        self.near.sendall(b"-BUSY for a moment\r\n")
                        continue
                    self.refuse.insert(0, (command, passing - 1))
                if self.cut_at and self.cut_at in data:
                    self.mute = True
                    self.far.sendall(data)
                    break
                self.far.sendall(data)
        except OSError:
            pass
        if self.hold:
            hang_up(self.near)
        else:
            self.cut()

    def _down(self):
        try:
            while data := self.far.recv(65536):
                if not self.mute:
                    self.near.sendall(data)
        except OSError:
            pass
        self.cut()

    def cut(self):
        hang_up(self.near)
        hang_up(self.far)

    def let_through(self, size=None):
        """Hands Redis what was kept back, or the beginning of it."""
        part = self.kept[:size]
        self.kept = self.kept[len(part) :]
        try:
            self.far.sendall(part)
        except OSError:
            pass  # Redis closed it


def hang_up(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class Way:
    """The way from a feeder to Redis, which breaks as the test likes."""

    def __init__(self, redis):
        self.redis = redis
        self.wires = []
        self.cuts = []  # each breaks one of the next connections: see Wire.cut_at
        self.refuse = []  # on the next connection
        self.blocked = False
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "redis://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while True:
                near, _ = self.socket.accept()
                if self.blocked:
                    near.close()
                    continue
                wire = Wire(near, self.redis.port)
                if self.cuts:
                    wire.cut_at = self.cuts.pop(0)
                wire.refuse, self.refuse = self.refuse, []
                self.wires.append(wire)
        except OSError:
            pass

    def close(self):
        hang_up(self.socket)
        self.socket.close()
        for wire in self.wires:
            wire.cut()

    @property
    def wire(self):
        return self.wires[-1]

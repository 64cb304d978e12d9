# SPDX-License-Identifier: MIT
"""A redis-server that finds its data again when it is started anew, unless told to forget."""

import shutil

from .redis import Redis
from .resp import RespError
from .wait import until


class DurableRedis(Redis):
    """Every change is in its file before anybody hears of it (beforeSleep() in Redis writes
    the file first and answers then), so a crash of the process alone loses nothing."""

    def start(self):
        self.process = self.supervisor.start(
            ["redis-server", "--port", self.port, "--bind", "127.0.0.1"]
            + ["--dir", self.directory, "--save", "", "--appendonly", "yes"]
            + ["--auto-aof-rewrite-percentage", "0"],
            chatty=True,
        )
        self.client = until(self._connect, what="redis-server answers")
        return self

    def _connect(self):
        try:
            return super()._connect()
        except RespError:  # it is still loading
            return None

    def restart_empty(self):
        self.stop()
        shutil.rmtree(self.directory / "appendonlydir")
        return self.start()

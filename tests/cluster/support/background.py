# SPDX-License-Identifier: MIT
"""An event loop in a thread of its own, for what goes on beside a test."""

import asyncio
import threading

from .wait import PATIENCE


class Background:
    """`with` runs _begin() in the loop, and _end() when it is left."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self._do(self._begin())
        return self

    def __exit__(self, *exc):
        self._do(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

# SPDX-License-Identifier: MIT
"""Waiting with a deadline: the only way a test here waits for something to happen."""

import asyncio
import time

PATIENCE = 10  # seconds; long, because a loaded machine is no reason to fail


def until(check, within=PATIENCE, what="it happened"):
    """Calls check() until it returns something true, and returns that."""
    end = time.monotonic() + within
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"after {within} s still waiting until {what}; last: {result!r}")
        time.sleep(0.02)


async def soon(check, within=PATIENCE, what="it happened"):
    """The same for coroutines, which keep running meanwhile."""
    end = time.monotonic() + within
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"after {within} s still waiting until {what}; last: {result!r}")
        await asyncio.sleep(0.02)

# SPDX-License-Identifier: MIT
"""chronogate as the tests see it: three ports, a log, and a status to end with."""

import os

from . import http
from .client import Client
from .prometheus import Metrics
from .wait import PATIENCE, until
from .wire import Wire


def options(settings):
    """max_topics=3 becomes --max-topics=3."""
    return [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]


class Gateway:
    def __init__(self, process, console=False):
        self.process = process
        self.log = process.log
        self.api_port = self._port("api")
        self.admin_port = self._port("admin")
        self.console_port = self._port("console") if console else None

    def _port(self, role):
        line = rf"^(?=.* role={role}\b).* info listening .*\baddress=127\.0\.0\.1:(\d+)"
        return int(self.log.wait_for(line).group(1))

    def uri(self, client_id="test"):
        return f"ws://127.0.0.1:{self.api_port}{http.API}{client_id}"

    def client(self, client_id="test", **how):
        return Client(self.uri(client_id), **how)

    def wire(self, client_id="wire", **how):
        return Wire(self.api_port, client_id, **how)

    def upgrade(self, path=http.API + "raw", **changes):
        return http.upgrade(self.api_port, path, **changes)

    def admin(self, path):
        return http.get(self.admin_port, path)

    def metrics(self):
        return Metrics(self.admin("/metrics").text())

    def ready(self):
        return self.admin("/readyz").status == 200

    def wait_ready(self, within=PATIENCE):
        until(self.ready, within, "the gateway is ready")

    def wait_metric(self, name, value, within=PATIENCE):
        until(lambda: self.metrics()[name] == value, within, f"{name} is {value}")


def gateway_factory(supervisor, chronogate, redis):
    """A fixture's body. Yields start(max_topics=3, redis=url_or_server, env={...}) -> Gateway.
    The ports default to 0 on the loopback interface, without the console."""
    started = []

    def start(redis=redis, ready=True, env=None, wrap=(), **settings):
        url = redis if isinstance(redis, str) else redis.url
        settings = {
            "listen": "127.0.0.1:0",
            "admin": "127.0.0.1:0",
            "console": "off",
            "redis": url,
            "drain_delay_ms": 0,
            "drain_spread_ms": 0,
            **settings,
        }
        argv = [*wrap, chronogate, *options(settings)]
        started.append(supervisor.start(argv, env={**os.environ, **(env or {})}))
        gateway = Gateway(started[-1], console=settings["console"] != "off")
        if ready:
            gateway.wait_ready()
        return gateway

    yield start
    complaints = [supervisor.release(p) for p in reversed(started) if p in supervisor.processes]
    assert not any(complaints), "\n".join(filter(None, complaints))

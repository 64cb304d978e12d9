# SPDX-License-Identifier: MIT
"""A real HAProxy before a gateway, which says for whom it asks."""

import socket

CONFIG = """
global
    maxconn 200
defaults
    mode http
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
    {forwarding}
frontend clients
    bind fd@{listener}
    default_backend gateways
backend gateways
    server gateway 127.0.0.1:{gateway}
"""


class Balancer:
    """Ends with the test run, or at stop(). Its socket listens before it runs: so its port
    is its own, and whoever connects too early waits."""

    def __init__(self, supervisor, directory, gateway_port, forwarding="option forwardfor"):
        self.supervisor = supervisor
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            config = directory / f"haproxy-{self.port}.cfg"
            fd = listener.fileno()
            config.write_text(
                CONFIG.format(listener=fd, gateway=gateway_port, forwarding=forwarding)
            )
            argv = ["haproxy", "-db", "-q", "-f", config]
            self.process = supervisor.start(argv, chatty=True, pass_fds=[fd])

    def stop(self):
        self.supervisor.release(self.process)

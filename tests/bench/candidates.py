# SPDX-License-Identifier: MIT
"""candidates: what is compared, and how each server is started on its core."""

import os
import shutil
import signal
import time
import urllib.error
import urllib.request

from harness import LOAD_CORE, SERVER_CORE, Failure, free_port, wait_for_port


class Server:
    """A running candidate: where clients connect, and how messages get to it."""

    def __init__(self, stage, dialect):
        self.stage = stage
        self.dialect = dialect
        self.port = free_port()
        self.publish_to = "redis"
        self.publish_port = stage.redis_port
        self.processes = []
        self.pid = 0  # whose CPU time and memory count
        self.collects_garbage = False

    def run(self, name, args, env=None, core=SERVER_CORE):
        process = self.stage.start(args, core, name, env)
        self.processes.append(process)
        self.pid = self.pid or process.pid
        return process

    def settle(self):
        """Lets it put its memory in order before that is read."""
        if self.collects_garbage:
            os.kill(self.pid, signal.SIGUSR2)
        time.sleep(1.0)

    def stop(self):
        for process in self.processes:
            self.stage.stop(process)


def add_gateway(server):
    """One more gateway on the server's port."""
    admin = free_port()
    process = server.run("ours", [
        os.path.join(server.stage.root, "build/release/gateway/chronogate"),
        "--listen", f"127.0.0.1:{server.port}", "--admin", f"127.0.0.1:{admin}",
        "--console", "off", "--redis", f"redis://127.0.0.1:{server.stage.redis_port}"])
    wait_for_port(server.port, process)
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz", timeout=1).close()
            return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise Failure("the gateway does not become ready")


def start_ours(stage):
    server = Server(stage, "json")
    add_gateway(server)
    return server


def start_sequenced(stage):
    """The gateway fed through the function library, which chronofeed loads as it starts."""
    feeder = stage.start([os.path.join(stage.root, "build/release/feeder/chronofeed"),
                          "--source", "stdin", "--redis",
                          f"redis://127.0.0.1:{stage.redis_port}"], LOAD_CORE, "chronofeed",
                         pipes=True)
    feeder.popen.stdin.write(b'{"topic":"stock.NOBODY.1m","data":{}}\n')
    feeder.popen.stdin.close()
    feeder.popen.wait(10)
    stage.stop(feeder)
    server = start_ours(stage)
    server.publish_to = "function"
    return server


def start_ceiling(stage):
    server = Server(stage, "raw")
    process = server.run("ceiling", [stage.tool("ceiling"), "--port", server.port,
                                     "--redis", stage.redis_port])
    wait_for_port(server.port, process)
    return server


def node_server(script, dialect, engine=""):
    def start(stage):
        server = Server(stage, dialect)
        server.collects_garbage = True
        path = os.path.join(stage.root, "tests/bench/peers", script)
        process = server.run(script, ["node", "--expose-gc", path], {
            "NODE_ENV": "production", "PORT": str(server.port), "ENGINE": engine,
            "NODE_PATH": os.path.join(stage.build, "peers/node_modules"),
            "REDIS_PORT": str(stage.redis_port)})
        wait_for_port(server.port, process)
        time.sleep(0.3)
        return server
    return start


def run_nginx(stage, server, role, port, core):
    directory = os.path.join(stage.build, "nchan-" + role)
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    with open(os.path.join(stage.root, "tests/bench/peers/nchan.conf")) as template:
        text = template.read()
    for name, value in {"DIR": directory, "PORT": port, "REDIS_PORT": stage.redis_port}.items():
        text = text.replace(f"@{name}@", str(value))
    conf = os.path.join(directory, "nginx.conf")
    with open(conf, "w") as out:
        out.write(text)
    process = server.run("nchan-" + role, ["nginx", "-p", directory, "-c", conf, "-e",
                                           os.path.join(directory, "error.log")], core=core)
    wait_for_port(port, process)


def start_nchan(stage):
    server = Server(stage, "raw")
    server.publish_to = "nchan"
    server.publish_port = free_port()
    run_nginx(stage, server, "serve", server.port, SERVER_CORE)
    run_nginx(stage, server, "publish", server.publish_port, LOAD_CORE)
    time.sleep(1.0)  # until both have found Redis
    return server


STARTERS = {
    "ours": start_ours,
    "ceiling": start_ceiling,
    "uws": node_server("uws.js", "json"),
    "ws": node_server("ws.js", "json"),
    "socketio": node_server("socketio.js", "socketio"),
    "socketio-uws": node_server("socketio.js", "socketio", "uws"),
    "nchan": start_nchan,
    "sequenced": start_sequenced,
}

TITLES = {
    "ours": "ChronoGate",
    "ceiling": "plain sockets (ceiling)",
    "uws": "uWebSockets.js + ioredis",
    "ws": "ws + ioredis",
    "socketio": "Socket.IO + Redis adapter",
    "socketio-uws": "Socket.IO on uWebSockets.js",
    "nchan": "nchan (nginx)",
    "sequenced": "ChronoGate, sequenced feed",
}

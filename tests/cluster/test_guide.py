# SPDX-License-Identifier: MIT
"""The users' guide: clients that do what its two examples do are served by the real chain,
feeder to Redis to gateway. The JavaScript one runs where it was written for, in a browser."""

import asyncio
import http.server
import json
import os
import queue
import shutil
import threading

import pytest
import websockets

BAR = ["symbol", "interval", "start", "open", "high", "low", "close", "price", "volume"]
BAR += ["trades", "change", "change_percent", "closed", "timestamp"]

PAGE = """<!DOCTYPE html><meta charset="utf-8"><script>
const report = (event) => fetch('/report', {method: 'POST', body: JSON.stringify(event)});
const clientId = 'my_client';
const ws = new WebSocket(`ws://127.0.0.1:API_PORT/api/v1/ws/${clientId}`);

ws.onopen = function() {
    report({event: 'open'});
};

ws.onmessage = function(event) {
    const data = JSON.parse(event.data);
    report({event: 'message', data});

    if (data.type === 'connection_ack') {
        const subscribeMessage = {
            type: 'subscribe',
            topic: 'stock.AAPL.1m'
        };
        ws.send(JSON.stringify(subscribeMessage));
    } else if (data.type === 'data') {
        ws.close();
    }
};

ws.onclose = function(event) {
    report({event: 'close', code: event.code, clean: event.wasClean});
};

ws.onerror = function() {
    report({event: 'error'});
};
</script>"""


@pytest.fixture
def live(start_gateway, start_feeder, own_redis):
    """A gateway behind which a feeder is at work."""
    start_feeder("--source", "walk", "--rate", "200", "--seed", "1")
    return start_gateway(redis=own_redis)


def check_conversation(messages):
    """Those the guide promises, in its order, and then a bar of real shape."""
    ack, subscribed, data = messages
    assert list(ack) == ["type", "client_id", "timestamp"]
    assert (ack["type"], ack["client_id"]) == ("connection_ack", "my_client")
    assert list(subscribed) == ["type", "topic", "timestamp"]
    assert (subscribed["type"], subscribed["topic"]) == ("subscribe_ack", "stock.AAPL.1m")
    assert data.pop("snapshot", True) is True  # the first may be the newest of the history
    assert list(data) == ["type", "topic", "data", "id", "timestamp"]
    assert (data["type"], data["topic"]) == ("data", "stock.AAPL.1m")
    assert list(data["data"]) == BAR
    assert data["data"]["symbol"] == "AAPL"
    assert data["data"]["price"] == data["data"]["close"] > 0


async def test_the_guides_python_client_is_served(live):
    messages = []
    client_id = "my_client"
    uri = f"ws://127.0.0.1:{live.api_port}/api/v1/ws/{client_id}"

    async with websockets.connect(uri) as websocket:
        response = await asyncio.wait_for(websocket.recv(), 10)
        messages.append(json.loads(response))

        subscribe_message = {"type": "subscribe", "topic": "stock.AAPL.1m"}
        await websocket.send(json.dumps(subscribe_message))

        while len(messages) < 3:
            response = await asyncio.wait_for(websocket.recv(), 10)
            messages.append(json.loads(response))

    check_conversation(messages)


class PageServer(http.server.ThreadingHTTPServer):
    """Serves the page and collects what it reports."""

    daemon_threads = True

    def __init__(self, page):
        self.page = page.encode()
        self.reports = queue.Queue()
        super().__init__(("127.0.0.1", 0), PageRequest)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class PageRequest(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802
        self.answer(200 if self.path == "/" else 404, self.server.page)

    def do_POST(self):  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.reports.put(json.loads(body))
        self.answer(200, b"")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_the_guides_javascript_client_is_served_in_a_browser(live, supervisor, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "chromium is not installed"
    server = PageServer(PAGE.replace("API_PORT", str(live.api_port)))
    browser = supervisor.start(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        + ["--no-first-run", "--no-proxy-server", "--disable-background-networking"]
        + [f"--user-data-dir={tmp_path}/profile", f"http://127.0.0.1:{server.server_port}/"],
        env={**os.environ, "HOME": str(tmp_path)},
        chatty=True,
    )
    try:
        reports = []
        while not reports or reports[-1]["event"] != "close":
            reports.append(server.reports.get(timeout=30))
    except queue.Empty:
        pytest.fail(f"the page reported only {reports}\n{browser.log.text()}")
    finally:
        browser.stop()
        supervisor.release(browser)
        server.shutdown()
        server.server_close()

    # The reports are sent side by side, so they may overtake each other.
    assert {"event": "open"} in reports
    assert {"event": "error"} not in reports
    by_type = {r["data"]["type"]: r["data"] for r in reports if r["event"] == "message"}
    check_conversation([by_type[t] for t in ("connection_ack", "subscribe_ack", "data")])
    assert reports[-1]["clean"], reports[-1]

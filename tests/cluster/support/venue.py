# SPDX-License-Identifier: MIT
"""Stand-ins for exchanges: WebSocket servers with TLS that speak the venues' languages, as
their public documents give them, and do what a test tells them."""

import asyncio
import datetime
import http
import json
import ssl
import subprocess
import time

import websockets

from .background import Background
from .wait import PATIENCE, until


class Certificates:
    """An authority and what it signed, for localhost and for somebody else."""

    def __init__(self, directory):
        self.directory = directory
        self.authority = directory / "authority.pem"
        self._openssl(
            *["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=Test authority"],
            *["-keyout", "authority.key", "-out", "authority.pem", *self._new_key()],
        )
        for name, host in (("localhost", "localhost"), ("other", "elsewhere.example")):
            extensions = directory / f"{name}.ext"
            extensions.write_text(f"subjectAltName=DNS:{host}\n")
            self._openssl(
                *["req", "-nodes", "-subj", f"/CN={host}", "-keyout", f"{name}.key"],
                *["-out", f"{name}.csr", *self._new_key()],
            )
            self._openssl(
                *["x509", "-req", "-days", "30", "-in", f"{name}.csr", "-CA", "authority.pem"],
                *["-CAkey", "authority.key", "-CAcreateserial", "-out", f"{name}.pem"],
                *["-extfile", f"{name}.ext"],
            )

    @staticmethod
    def _new_key():
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]

    def _openssl(self, *argv):
        subprocess.run(
            ["openssl", *argv], cwd=self.directory, check=True, capture_output=True, timeout=60
        )

    def server(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        return context


class Socket(websockets.WebSocketServerProtocol):
    """Counts the pings that come."""

    pings_heard = 0

    async def pong(self, data=b""):
        self.pings_heard += 1
        await super().pong(data)


class Session:
    """One connection of a feeder, and all it has said."""

    def __init__(self, venue, socket, path):
        self.venue = venue
        self.socket = socket
        self.path = path
        self.requests = []  # when, and the JSON
        self.symbols = []  # subscribed
        self.over = False

    def _do(self, coroutine):
        return self.venue.do(coroutine)

    def send(self, *messages):
        """Texts as they are, lists as fragments of one text, anything else as JSON."""
        for message in messages:
            if not isinstance(message, (str, list)):
                message = json.dumps(message)
            self._do(self.socket.send(message))

    def ping(self):
        """Returns once the pong is here."""

        async def ping():
            await asyncio.wait_for(await self.socket.ping(b"are you there"), PATIENCE)

        self._do(ping())

    def close(self, code=1001, reason=""):
        self._do(self.socket.close(code, reason))

    def freeze(self):
        """From now on nothing is read, and no close frame answered."""

        async def pause():
            self.socket.transport.pause_reading()

        self._do(pause())

    def half_close(self):
        """Sends nothing more, but goes on reading. Not with TLS."""

        async def end():
            self.socket.transport.write_eof()

        self._do(end())

    def cut(self):
        """Without a goodbye."""

        async def cut():
            self.socket.transport.abort()

        self._do(cut())


class Venue(Background):
    """What all have in common. Use as a context; several sessions at a time are fine."""

    def __init__(self, certificates, unknown=(), certificate="localhost"):
        super().__init__()
        self.context = certificates.server(certificate) if certificate else None
        self.unknown = set(unknown)
        self.sessions = []
        self.port = 0
        self.refuse_with = None  # a status, instead of letting anybody in
        self.refused = 0

    @property
    def url(self):
        return f"{'wss' if self.context else 'ws'}://localhost:{self.port}/stream"

    def do(self, coroutine):
        return self._do(coroutine)

    async def _begin(self):
        self.server = await websockets.serve(
            *[self._serve, "127.0.0.1", self.port],
            **{"ssl": self.context, "ping_interval": None, "close_timeout": 1},
            **{"process_request": self._admit, "create_protocol": Socket},
        )
        self.port = self.server.sockets[0].getsockname()[1]

    async def _end(self):
        self.server.close()
        await self.server.wait_closed()

    async def _admit(self, _path, _headers):
        if self.refuse_with is None:
            return None
        self.refused += 1
        elsewhere = [("Location", f"{self.url}/elsewhere")]
        return http.HTTPStatus(self.refuse_with), elsewhere, b"no\n"

    async def _serve(self, socket, path):
        session = Session(self, socket, path)
        self.sessions.append(session)
        try:
            await self.greet(session)
            async for text in socket:
                request = json.loads(text)
                session.requests.append((time.monotonic(), request))
                for answer in self.answers(session, request):
                    await socket.send(json.dumps(answer))
        except websockets.ConnectionClosed:
            pass
        finally:
            session.over = True

    async def greet(self, session):
        pass

    def session(self, number=0, symbols=1):
        """Waits for the so-manieth connection to be subscribed to so many symbols."""

        def ready():
            if len(self.sessions) <= number:
                return None
            session = self.sessions[number]
            return session if len(session.symbols) >= symbols else None

        return until(ready, what=f"{self.name}'s session {number} has {symbols} symbols")


def iso(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Binance(Venue):
    name = "binance"

    def answers(self, session, request):
        assert request["method"] == "SUBSCRIBE" and isinstance(request["id"], int)
        for stream in request["params"]:
            symbol, _, channel = stream.partition("@")
            assert symbol == symbol.lower() and channel == "trade", stream
            session.symbols.append(symbol.upper())
        yield {"result": None, "id": request["id"]}

    @staticmethod
    def trade(symbol, id_, price, size, when):
        ms = int(when.timestamp() * 1000)
        event = {"e": "trade", "E": ms, "s": symbol, "t": id_, "p": price, "q": size}
        event.update({"T": ms, "m": True, "M": True})
        return {"stream": f"{symbol.lower()}@trade", "data": event}


class Coinbase(Venue):
    name = "coinbase"

    def answers(self, session, request):
        assert request["type"] == "subscribe"
        channels = {channel["name"]: channel["product_ids"] for channel in request["channels"]}
        assert set(channels) == {"matches", "heartbeat"}
        assert channels["matches"] == channels["heartbeat"]
        bad = [symbol for symbol in channels["matches"] if symbol in self.unknown]
        if bad:
            reason = f"{bad[0]} is not a valid product"
            yield {"type": "error", "message": "Failed to subscribe", "reason": reason}
            return
        session.symbols += channels["matches"]
        yield {"type": "subscriptions", "channels": request["channels"]}

    @staticmethod
    def trade(symbol, id_, price, size, when, type_="match"):
        return {
            **{"type": type_, "trade_id": id_, "maker_order_id": "ac928c66", "sequence": 50},
            **{"taker_order_id": "132fb6ae", "time": iso(when), "product_id": symbol},
            **{"size": size, "price": price, "side": "sell"},
        }

    @staticmethod
    def heartbeat(symbol):
        time_ = "2014-11-07T08:19:28.464459Z"
        return {
            "type": "heartbeat",
            "sequence": 90,
            "last_trade_id": 20,
            "product_id": symbol,
        } | {"time": time_}


class Kraken(Venue):
    name = "kraken"

    @staticmethod
    def status(system):
        data = {"api_version": "v2", "connection_id": 1, "system": system, "version": "2.0.0"}
        return {"channel": "status", "data": [data], "type": "update"}

    async def greet(self, session):
        await session.socket.send(json.dumps(self.status("online")))

    def answers(self, session, request):
        assert request["method"] == "subscribe" and isinstance(request["req_id"], int)
        params = request["params"]
        assert params["channel"] == "trade" and params["snapshot"] is True
        times = {"time_in": iso(now()), "time_out": iso(now()), "req_id": request["req_id"]}
        for symbol in params["symbol"]:
            if symbol in self.unknown:
                why = f"Currency pair not supported {symbol}"
                yield {
                    "error": why,
                    "method": "subscribe",
                    "success": False,
                    "symbol": symbol,
                } | times
                continue
            result = {"channel": "trade", "snapshot": True, "symbol": symbol}
            yield {"method": "subscribe", "result": result, "success": True} | times
            session.symbols.append(symbol)

    @staticmethod
    def trades(symbol, trades, type_="update"):
        """As text, for JSON in Python knows no exact numbers. A trade is its id, price, size
        and time."""
        rows = ",".join(
            f'{{"symbol":"{symbol}","side":"buy","price":{price},"qty":{size},'
            f'"ord_type":"limit","trade_id":{id_},"timestamp":"{iso(when)}"}}'
            for id_, price, size, when in trades
        )
        return f'{{"channel":"trade","type":"{type_}","data":[{rows}]}}'


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def open_minute():
    """The beginning of a minute whose bar stays open for the next half of a minute at least;
    a trade within its first 20 seconds is not in the future by much."""
    return (now() + datetime.timedelta(seconds=30)).replace(second=0, microsecond=0)


class Mute(Background):
    """Accepts TCP connections and never says a word."""

    def __init__(self):
        super().__init__()
        self.accepted = 0

    async def _begin(self):
        self.server = await self.loop.create_server(self._accept, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _end(self):
        self.server.close()

    def _accept(self):
        self.accepted += 1
        return asyncio.Protocol()

// chronogate.js — a client that stays connected: topics in, every message once and in order.
// SPDX-License-Identifier: MIT
//
//     const gate = connect('ws://localhost:8000', { clientId: 'my_page' });
//     const unsubscribe = gate.subscribe('stock.AAPL.1m', ({ data }) => console.log(data));
//
// For browsers and Node: 22 as it is; 20 with --experimental-websocket; 18 and 20 with the
// package ws: connect(url, { WebSocket }). chronogate.d.ts says what everything does and takes,
// gateway/PROTOCOL.md is the language spoken here.
//
// The promise: on each topic ids only increase, across lost connections, gateways and
// replays, and whatever is missing or refused is told. What is kept is bounded: for each
// topic its newest message, for each connection the answers it waits for.

const DEFAULTS = {
    delivery: 'latest',
    minBackoffMs: 500,
    maxBackoffMs: 30_000,
    connectTimeoutMs: 10_000,
    answerTimeoutMs: 30_000,
    pingEveryMs: 30_000,
    requestRate: 40, // below what a gateway allows: 50 per second, 300 at once
    requestBurst: 250,
};
const BATCH_TOPICS = 256; // a gateway takes no more in one request,
const BATCH_BYTES = 700; // and of a refused one beyond 1 KiB it does not tell the request_id
const WINDOW = 32; // unanswered requests; a hundred refusals would end the connection
const HEARTBEAT_MS = 30_000; // until the gateway's own interval is known
const PROBE_MS = 5_000;
const STABLE_MS = 10_000; // after a connection of this length the back-off begins anew
const TOPIC = /^[!-~]{1,64}$/; // what else is no topic could make a request too long
const ID = /^(0|[1-9]\d{0,19})-(0|[1-9]\d{0,19})$/;

/** Opens a connection, now and again whenever it is lost. */
export function connect(url, options) {
    return new Connection(url, options);
}

/** What went wrong: `code` in one word; `willRetry`: nothing has to be done about it. */
export class ChronoGateError extends Error {
    constructor(code, message, { cause, topic, willRetry = false } = {}) {
        super(message, { cause });
        Object.assign(this, { name: 'ChronoGateError', code, topic, willRetry });
    }
}

/** Compares two ids as two numbers each, which may be beyond what a Number holds. */
export function compareIds(a, b) {
    const [one, other] = [a.split('-'), b.split('-')];
    const compare = (x, y) => x.length - y.length || Number(x > y) - Number(x < y);
    return compare(one[0], other[0]) || compare(one[1], other[1]);
}

/** One topic: who wants it, what the gateway knows of that, and how far we are. */
class Topic {
    handlers = new Set();
    request = null; // the one about it that is not answered yet
    isHeld = false; // by the gateway
    wasHeld = false; // on a connection that was lost
    askedSnapshot = false;
    lastId = undefined;
    newest = undefined;
    replaying = undefined; // messages since a replay began

    constructor(name) {
        this.name = name;
    }

    /** What is to be asked of the gateway now, if anything. */
    question() {
        const isWanted = this.handlers.size > 0;
        const snapshot = [...this.handlers].some((one) => one.snapshot);
        if (this.request || (!isWanted && !this.isHeld)) {
            return undefined;
        }
        if (!isWanted) {
            return { type: 'unsubscribe' };
        }
        if (!this.isHeld) {
            return { type: 'subscribe', snapshot, since: this.lastId };
        }
        const lacksSnapshot = snapshot && !this.askedSnapshot && !this.newest;
        return lacksSnapshot ? { type: 'subscribe', snapshot } : undefined;
    }
}

/** How fast requests may be made, counted by their topics: the gateway's bucket, mirrored. */
class Pace {
    constructor({ requestRate, requestBurst }) {
        Object.assign(this, { rate: requestRate, burst: requestBurst, window: WINDOW });
        Object.assign(this, { tokens: requestBurst, then: 0, pauseMs: 0, pausedUntil: 0 });
    }

    /** How many of the `wanted` topics may be asked for now; a few make a request worth while. */
    allows(wanted, unanswered, now) {
        this.tokens = Math.min(this.burst, this.tokens + ((now - this.then) * this.rate) / 1000);
        this.then = now;
        const isOpen = unanswered < this.window && now >= this.pausedUntil;
        const isEnough = this.tokens >= Math.min(wanted, 10, this.burst);
        return isOpen && isEnough ? Math.min(BATCH_TOPICS, Math.floor(this.tokens)) : 0;
    }

    waitMs(now) {
        return Math.max(5000 / this.rate, this.pausedUntil - now);
    }

    /** A request was refused by the gateway's bucket. */
    slowDown(now) {
        this.window = 1;
        if (now >= this.pausedUntil) {
            this.pauseMs = Math.min(16_000, Math.max(1000, this.pauseMs * 2));
            this.pausedUntil = now + this.pauseMs;
        }
    }

    speedUp() {
        this.window = Math.min(WINDOW, this.window * 2);
        this.pauseMs = 0;
    }
}

class Connection {
    counters = {
        received: 0, duplicates: 0, gaps: 0, conflated: 0, replayed: 0, unrecovered: 0,
        reconnects: 0, rateLimited: 0, overflowed: 0, invalid: 0,
    };
    roundTripMs = undefined;
    #options;
    #urls;
    #token;
    #state = 'connecting';
    #isOver = false; // close() was called
    #listeners = new Map();
    #topics = new Map();

    #tries = 0;
    #failedTries = 0; // connections in a row that did not last
    #retryTimer;
    #hasLived = false;
    #afterMs; // what `reconnect` said

    // Of the present connection:
    #number = 0; // what belongs to another one is not listened to
    #socket = null;
    #isGreeted = false;
    #pending = new Set(); // topics that may have a question
    #requests = new Map(); // by request_id, the oldest first
    #lastRequest = 0;
    #pace;
    #pumpTimer;
    #isPumpDue = false;
    #failed = new Set(); // topics to ask for again
    #failures = 0;
    #retryFailedAt = 0;
    #replays = new Set(); // topics whose replays are not counted yet
    #tickTimer;
    #tickMs;
    #at = {}; // when it last ticked, began, heard, heard a heartbeat, pinged, probed
    #heartbeatMs = HEARTBEAT_MS;

    constructor(url, options = {}) {
        const given = Object.entries(options).filter(([, value]) => value !== undefined);
        const { WebSocket } = globalThis;
        this.#options = { WebSocket, ...DEFAULTS, ...Object.fromEntries(given) };
        this.#options.clientId ??= `client-${Math.random().toString(36).slice(2, 10)}`;
        if (typeof this.#options.WebSocket !== 'function') {
            throw new ChronoGateError('no_websocket', 'There is no WebSocket here: use Node 22 ' +
                'or later, start Node 20 with --experimental-websocket, or give { WebSocket } ' +
                "from the package 'ws' to connect()");
        }
        this.#urls = [url].flat().map((one) => this.#address(one));
        if (this.#urls.length === 0) {
            throw new TypeError('connect() takes an address, or several');
        }
        this.#token = this.#options.token;
        this.#tickMs = Math.min(1000, Math.max(20, (this.#options.deadAfterMs ?? 6000) / 6));
        this.#retry(0);
    }

    get state() {
        return this.#state;
    }

    get topics() {
        return [...this.#topics.values()].filter((t) => t.handlers.size > 0).map((t) => t.name);
    }

    lastId(name) {
        return this.#topics.get(name)?.lastId;
    }

    on(event, listener) {
        const listeners = this.#listeners.get(event) ?? new Set();
        this.#listeners.set(event, listeners.add(listener));
        return () => void listeners.delete(listener);
    }

    subscribe(name, handler, { snapshot = true, onError, onClose } = {}) {
        if (this.#isOver) {
            throw new ChronoGateError('closed', 'The connection was closed');
        }
        if (typeof name !== 'string' || typeof handler !== 'function') {
            throw new TypeError('subscribe() takes a topic, a string, and a handler, a function');
        }
        const topic = this.#topics.get(name) ?? new Topic(name);
        this.#topics.set(name, topic);
        const one = { handler, snapshot, onError, onClose, isLate: snapshot && !!topic.newest };
        topic.handlers.add(one);
        queueMicrotask(() => {
            // Unless it has gone, or a newer message came first.
            if (one.isLate && topic.handlers.has(one)) {
                this.#call(one, { ...topic.newest, snapshot: true });
            }
        });
        if (TOPIC.test(name)) {
            this.#ask(topic);
        } else {
            const why = `Not a topic: ${name.slice(0, 64)}`;
            queueMicrotask(() => this.#refuse(topic, 'invalid_topic', why));
        }
        return () => {
            if (topic.handlers.delete(one)) {
                this.#ask(topic);
            }
        };
    }

    topic(name, options = {}) {
        return { [Symbol.asyncIterator]: () => this.#iterate(name, options) };
    }

    #iterate(name, { snapshot = true, limit = 1000, overflow = 'drop' }) {
        const over = { done: true, value: undefined };
        const waiting = [];
        const takers = []; // of promises, while nothing waits
        let missed = 0;
        let end; // gives what comes when nothing waits any more
        const finish = (error) => {
            end ??= () => (error ? Promise.reject(error) : over);
            unsubscribe();
            takers.splice(0).forEach((taker) => taker(end()));
        };
        const take = (message) => {
            if (takers.length > 0) {
                takers.shift()({ done: false, value: message });
                return;
            }
            if (waiting.length >= limit) {
                this.counters.overflowed += 1;
                if (overflow === 'error') {
                    finish(new ChronoGateError('overflow', 'Too many wait', { topic: name }));
                    return;
                }
                waiting.shift();
                missed += 1;
            }
            waiting.push(message);
        };
        const onError = (error) => (error.willRetry ? this.#report(error) : finish(error));
        const unsubscribe =
            this.subscribe(name, take, { snapshot, onError, onClose: () => finish() });
        const next = async () => {
            if (waiting.length > 0) {
                const value = missed > 0 ? { ...waiting.shift(), missed } : waiting.shift();
                missed = 0;
                return { done: false, value };
            }
            const ending = end;
            end = end && (() => over); // an error is told once
            return ending ? ending() : new Promise((resolve) => takers.push(resolve));
        };
        const leave = async () => {
            waiting.length = 0;
            finish();
            return over;
        };
        return { next, return: leave };
    }

    setToken(token) {
        this.#token = token;
        if (this.#state === 'closed' && !this.#isOver) {
            this.#setState('connecting', { reason: 'a new token' });
            this.#retry(0);
        }
    }

    close() {
        if (this.#isOver) {
            return;
        }
        const handlers = [...this.#topics.values()].flatMap((topic) => [...topic.handlers]);
        this.#isOver = true;
        clearTimeout(this.#retryTimer);
        this.#topics.forEach((topic) => topic.handlers.clear());
        this.#drop();
        handlers.forEach((one) => one.onClose && this.#shield(one.onClose));
        this.#setState('closed', { reason: 'close() was called' });
        this.#listeners.clear();
    }

    /* One connection after the other. */

    #address(base) {
        const url = new URL(base, globalThis.location?.href);
        url.protocol = url.protocol.replace('http', 'ws');
        const path = url.pathname === '/' ? '/api/v1/ws' : url.pathname.replace(/\/+$/, '');
        url.pathname = `${path}/${encodeURIComponent(this.#options.clientId)}`;
        if (this.#options.delivery !== 'latest') {
            url.searchParams.set('delivery', this.#options.delivery);
        }
        return url.href;
    }

    #retry(afterMs) {
        this.#retryTimer = setTimeout(() => this.#open(), afterMs);
    }

    async #open() {
        const number = ++this.#number;
        const url = new URL(this.#urls[this.#tries++ % this.#urls.length]);
        const now = performance.now();
        this.#at = { tick: now, begin: now, heard: now, ping: now };
        this.#tickTimer = setInterval(() => this.#tick(performance.now()), this.#tickMs);
        try {
            const token = typeof this.#token === 'function' ? await this.#token() : this.#token;
            if (number !== this.#number) {
                return;
            }
            if (token !== undefined && token !== null) {
                url.searchParams.set('token', token);
            }
            this.#socket = new this.#options.WebSocket(url.href);
        } catch (cause) {
            if (number === this.#number) {
                this.#lost({ reason: 'no token or no socket' });
                this.#fail('cannot_connect', 'No token or no socket', { cause, willRetry: true });
            }
            return;
        }
        let failure; // which only some programs are told; a close follows
        this.#socket.onerror = ({ message }) => (failure = message);
        this.#socket.onclose = ({ code, reason }) =>
            this.#lost({ code, reason: reason || failure });
        this.#socket.onmessage = ({ data }) => this.#receive(data);
    }

    /** Lets go of the socket and of all that was asked over it. */
    #drop() {
        const socket = this.#socket;
        this.#socket = null;
        this.#isGreeted = false;
        this.#number += 1;
        clearTimeout(this.#pumpTimer);
        clearInterval(this.#tickTimer);
        [this.#requests, this.#failed, this.#replays].forEach((all) => all.clear());
        for (const topic of [...this.#topics.values()]) {
            topic.wasHeld ||= topic.isHeld;
            topic.isHeld = false;
            topic.request = null;
            this.#ask(topic);
        }
        if (socket) {
            socket.onmessage = socket.onclose = null;
            if (socket.readyState === 1 && this.#isOver) {
                socket.close(1000);
            } else {
                socket.terminate ? socket.terminate() : socket.close();
            }
        }
    }

    #lost({ code, reason = '' }) {
        const lived = this.#isGreeted ? performance.now() - this.#at.begin : 0;
        this.#failedTries = lived > STABLE_MS ? 0 : this.#failedTries;
        const stops = code === 1008 && typeof this.#token !== 'function';
        const afterMs = this.#afterMs ?? this.#backoff(code);
        this.#afterMs = undefined;
        this.#failedTries += 1;
        this.#drop();
        if (!stops) {
            this.#retry(afterMs);
        }
        this.#setState(stops ? 'closed' : 'connecting', { code, reason });
        if (!stops && !this.#isOver) {
            this.#emit('retry', { afterMs, tries: this.#failedTries, code, reason });
        }
        if (code === 1008) {
            this.#fail('unauthorized', `Token refused: ${reason}`, { willRetry: !stops });
        } else if ([1002, 1003, 1007, 1009].includes(code)) {
            this.#fail('protocol', `Closed with ${code}: ${reason}`, { willRetry: true });
        }
    }

    /** How long to wait before the next try, in ms: what the close code advises, jittered. */
    #backoff(code) {
        const { minBackoffMs: min, maxBackoffMs: max } = this.#options;
        if (code === 4008 && this.#failedTries === 0) {
            return 0;
        }
        const some = { 1008: max / 4, 1013: max / 4, 4029: max / 4 };
        const most = { 1002: max, 1003: max, 1007: max, 1009: max };
        const wanted = min * 2 ** Math.min(this.#failedTries, 30);
        const base = Math.min(max, Math.max(wanted, some[code] ?? most[code] ?? 0));
        return base * (0.5 + Math.random() / 2);
    }

    /** Looks from time to time whether the gateway is still there. */
    #tick(now) {
        const { connectTimeoutMs, answerTimeoutMs, deadAfterMs, pingEveryMs } = this.#options;
        const wasAway = now - this.#at.tick > 2 * this.#tickMs + 50;
        this.#at.tick = now;
        if (wasAway || this.#at.heard > this.#at.probe) {
            this.#at.probe = undefined; // what was said meanwhile may not be read yet
        }
        if (wasAway) {
            return;
        }
        const [oldest] = this.#requests.values();
        const probeMs = deadAfterMs ? deadAfterMs / 2 : PROBE_MS;
        const quietMs = deadAfterMs ? deadAfterMs / 2 : this.#heartbeatMs * 1.25;
        if (!this.#isGreeted) {
            if (now - this.#at.begin > connectTimeoutMs) {
                this.#lost({ reason: 'no greeting in time' });
            }
        } else if (oldest && now - oldest.sentAt > answerTimeoutMs) {
            this.#lost({ reason: 'no answer in time' });
        } else if (now - this.#at.probe > probeMs) {
            this.#lost({ reason: 'the gateway is silent' });
        } else if (this.#at.probe === undefined && now - this.#at.heard > quietMs) {
            this.#ping();
            this.#at.probe = now;
        } else if (pingEveryMs > 0 && now - this.#at.ping > pingEveryMs) {
            this.#ping();
        } else if (this.#failed.size > 0 && now > this.#retryFailedAt) {
            this.#askFailed();
        }
    }

    /* What is asked. */

    /** The topic may have a question, which is put at the end of this turn. */
    #ask(topic) {
        if (topic.handlers.size === 0 && !topic.isHeld && !topic.request) {
            this.#pending.delete(topic);
            this.#failed.delete(topic);
            if (this.#topics.get(topic.name) === topic) {
                this.#topics.delete(topic.name);
            }
            return;
        }
        this.#pending.add(topic);
        if (!this.#isPumpDue) {
            this.#isPumpDue = true;
            queueMicrotask(() => this.#pump());
        }
    }

    /** Puts the questions there are, as fast as the gateway wants them. */
    #pump() {
        clearTimeout(this.#pumpTimer);
        this.#isPumpDue = false;
        if (!this.#isGreeted) {
            return;
        }
        const now = performance.now();
        const count = () => this.#pace.allows(this.#pending.size, this.#requests.size, now);
        for (let max, request; (max = count()) > 0 && (request = this.#nextRequest(max)); ) {
            this.#send(request);
        }
        const isPinging = [...this.#requests.values()].some(({ type }) => type === 'ping');
        const isReplaying = this.#replays.size > 0 && !isPinging;
        if (isReplaying && this.#pace.allows(0, 0, now) > 0 &&
            (this.#pending.size === 0 || now - this.#at.ping > 100)) {
            this.#ping();
        } else if (isReplaying || this.#pending.size > 0) {
            this.#pumpTimer = setTimeout(() => this.#pump(), this.#pace.waitMs(now));
        }
    }

    /** Takes topics with the same question off the pending ones; a `since` stands alone. */
    #nextRequest(max) {
        let request;
        let bytes = 0;
        for (const topic of this.#pending) {
            const question = topic.question();
            if (!question) {
                this.#pending.delete(topic);
            } else if (!request || (question.type === request.type && !question.since &&
                question.snapshot === request.snapshot)) {
                request ??= { ...question, topics: [], next: 0 };
                request.topics.push(topic);
                this.#pending.delete(topic);
                bytes += JSON.stringify(topic.name).length + 1;
            }
            if (request && (request.since || request.topics.length >= max || bytes > BATCH_BYTES)) {
                break;
            }
        }
        return request;
    }

    #send(request) {
        const { type, topics = [], snapshot, since } = request;
        const names = topics.map((topic) => topic.name);
        const what = names.length === 1 ? { topic: names[0] } : { topics: names };
        const request_id = (this.#lastRequest += 1);
        for (const topic of topics) {
            topic.request = request;
            topic.askedSnapshot = snapshot === true;
        }
        request.sentAt = performance.now();
        this.#requests.set(request_id, request);
        this.#pace.tokens -= Math.max(1, topics.length);
        const fields = topics.length > 0 ? { ...what, snapshot, since } : {};
        this.#socket.send(JSON.stringify({ type, ...fields, request_id }));
    }

    /** Measures the round trip. What was to be said before its answer has been said then, so
     * that the replays which have begun are over. */
    #ping() {
        this.#send({ type: 'ping', replays: [...this.#replays] });
        this.#replays.clear();
        this.#at.ping = performance.now();
    }

    /* What is heard. */

    #receive(text) {
        this.#at.heard = performance.now();
        let message;
        try {
            message = JSON.parse(text);
        } catch {
            // told below
        }
        const { type, id, topic } = message ?? {};
        if (typeof type !== 'string' || (type === 'data' &&
            (typeof topic !== 'string' || !(id === undefined || ID.test(id))))) {
            this.counters.invalid += 1;
            this.#fail('bad_message', `Not understood: ${String(text).slice(0, 100)}`);
        } else if (Object.hasOwn(this.#hearing, type)) {
            this.#hearing[type](message);
        }
    }

    #hearing = {
        connection_ack: () => this.#onGreeting(),
        data: (message) => this.#onData(message),
        subscribe_ack: (message) => this.#onAcknowledged(message),
        unsubscribe_ack: (message) => this.#onAcknowledged(message),
        error: (message) => this.#onError(message),
        pong: (message) => this.#onPong(message),
        heartbeat: () => this.#onHeartbeat(this.#at.heard),
        status: ({ state }) => this.#onStatus(state),
        gap: ({ topic, after }) => {
            this.counters.gaps += 1;
            this.#emit('gap', { topic, after });
        },
        conflated: ({ dropped }) => {
            this.counters.conflated += dropped;
            this.#emit('conflated', { dropped });
        },
        reconnect: (message) => {
            this.#afterMs = Math.min(600_000, Math.max(0, Number(message.after_ms) || 0));
        },
    };

    #onGreeting() {
        if (this.#isGreeted) {
            return;
        }
        this.counters.reconnects += this.#hasLived ? 1 : 0;
        this.#hasLived = this.#isGreeted = true;
        this.#pace = new Pace(this.#options);
        this.#failures = 0;
        this.#ping();
        this.#setState('live', {});
        this.#pump();
    }

    #onStatus(state) {
        if (this.#isGreeted && (state === 'degraded' || state === 'live')) {
            this.#setState(state, { reason: 'the gateway says so' });
            if (state === 'live') {
                this.#failures = 0;
                this.#askFailed();
            }
        }
    }

    /** Learns the interval: no less than a second, as two may come at once. */
    #onHeartbeat(now) {
        const measured = Math.min(120_000, Math.max(1000, now - this.#at.heartbeat));
        this.#heartbeatMs = Math.max(measured || 0, this.#heartbeatMs / (measured ? 2 : 1));
        this.#at.heartbeat = now;
    }

    #onPong({ request_id }) {
        const ping = this.#requests.get(request_id);
        if (ping?.type !== 'ping') {
            return;
        }
        this.#requests.delete(request_id);
        this.roundTripMs = this.#at.heard - ping.sentAt;
        for (const topic of ping.replays) {
            const replayed = topic.replaying ?? 0;
            topic.replaying = undefined;
            this.counters.replayed += replayed;
            this.#emit('recovered', { topic: topic.name, recovered: true, replayed });
        }
        this.#pump();
    }

    /** The topic that an answer is about: answers to one request come in order. */
    #take({ request_id, topic: name }) {
        const request = this.#requests.get(request_id);
        const topic = request?.topics?.[request.next];
        if (!topic || (name !== undefined && name !== topic.name)) {
            return undefined;
        }
        request.next += 1;
        if (request.next === request.topics.length) {
            this.#requests.delete(request_id);
        }
        topic.request = null;
        return topic;
    }

    #onAcknowledged(message) {
        const since = this.#requests.get(message.request_id)?.since;
        const topic = this.#take(message);
        if (!topic) {
            return;
        }
        this.#pace.speedUp();
        topic.isHeld = message.type === 'subscribe_ack';
        const isResumed = topic.isHeld && (topic.wasHeld || since !== undefined);
        topic.wasHeld = false;
        this.#ask(topic); // it may be wanted otherwise by now
        if (isResumed && message.recovered === true) {
            topic.replaying ??= 0;
            this.#replays.add(topic);
        } else if (isResumed) {
            topic.replaying = undefined;
            this.counters.unrecovered += 1;
            this.#emit('recovered', { topic: topic.name, recovered: false, replayed: 0 });
        }
    }

    #onError(message) {
        const { request_id, error_code: code, error_message: text } = message;
        const request = this.#requests.get(request_id);
        if (code === 'rate_limited') {
            this.#onRateLimited(request_id, request);
        } else if (!request?.topics) {
            this.#fail(String(code), String(text));
        } else if (code === 'subscription_failed') {
            this.#askLater(this.#take({ request_id }), String(text));
        } else {
            this.#refuse(this.#take({ request_id }), String(code), String(text));
        }
    }

    /** The request was not carried out: it is made again, later, and others wait with it. */
    #onRateLimited(request_id, request) {
        this.counters.rateLimited += 1;
        this.#pace.slowDown(this.#at.heard);
        this.#requests.delete(request_id);
        for (const topic of request?.topics ?? []) {
            topic.request = null;
            this.#ask(topic);
        }
        request?.replays?.forEach((topic) => this.#replays.add(topic));
        this.#pump();
    }

    /** Refused for good: its handlers are told and gone. */
    #refuse(topic, code, message) {
        const handlers = [...topic.handlers];
        topic.handlers.clear();
        topic.isHeld = false;
        this.#ask(topic);
        this.#tell(handlers, new ChronoGateError(code, message, { topic: topic.name }));
    }

    /** Refused for now: it is asked for again, later or when the gateway is live again. */
    #askLater(topic, message) {
        topic.isHeld = false;
        if (topic.handlers.size === 0) {
            this.#ask(topic);
            return;
        }
        if (this.#failed.size === 0) {
            const afterMs = Math.min(60_000, 1000 * 2 ** this.#failures);
            this.#retryFailedAt = performance.now() + afterMs;
            this.#failures = Math.min(10, this.#failures + 1);
        }
        this.#failed.add(topic);
        const what = { topic: topic.name, willRetry: true };
        this.#tell([...topic.handlers], new ChronoGateError('subscription_failed', message, what));
    }

    #askFailed() {
        const failed = [...this.#failed];
        this.#failed.clear();
        failed.forEach((topic) => this.#ask(topic));
    }

    /* What is delivered. */

    #onData(message) {
        const topic = this.#topics.get(message.topic);
        const { id } = message;
        if (!topic || !this.#isGreeted) {
            return;
        }
        if (id !== undefined && topic.lastId !== undefined && compareIds(id, topic.lastId) <= 0) {
            this.counters.duplicates += 1;
            return;
        }
        const isStart = message.snapshot === true && topic.lastId === undefined;
        topic.lastId = id ?? topic.lastId;
        topic.newest = message;
        if (topic.replaying !== undefined) {
            topic.replaying += 1;
        }
        this.counters.received += 1;
        for (const one of [...topic.handlers]) {
            if (topic.handlers.has(one) && (one.snapshot || !isStart)) {
                this.#call(one, message);
            }
        }
    }

    #call(one, message) {
        const { topic } = message;
        const onFailure = (cause) =>
            this.#fail('handler', `A handler failed: ${cause?.message ?? cause}`, { cause, topic });
        one.isLate = false;
        try {
            one.handler(message)?.then?.(undefined, onFailure);
        } catch (cause) {
            onFailure(cause);
        }
    }

    /** Tells each handler's onError; where there is none, the listeners. */
    #tell(handlers, error) {
        for (const { onError } of handlers) {
            onError ? this.#shield(onError, error) : this.#report(error);
        }
    }

    #fail(...what) {
        this.#report(new ChronoGateError(...what));
    }

    #report(error) {
        if (!this.#emit('error', error) && !this.#isOver) {
            console.error(error);
        }
    }

    /** Returns whether anybody listened. */
    #emit(event, what) {
        const listeners = [...(this.#listeners.get(event) ?? [])];
        listeners.forEach((listener) => this.#shield(listener, what));
        return listeners.length > 0;
    }

    #shield(listener, what) {
        try {
            listener(what);
        } catch (cause) {
            console.error(cause);
        }
    }

    #setState(state, { code, reason = '' }) {
        const previous = this.#state;
        this.#state = state;
        if (state !== previous) {
            this.#emit('state', { state, previous, code, reason });
        }
    }
}

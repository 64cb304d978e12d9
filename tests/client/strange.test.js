// strange.test.js — what a real gateway never does, or only after hours: answered by a fake.
// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChronoGateError, compareIds, connect } from '../../gateway/console/chronogate.js';
import { isLive, numbers, open } from './client.js';
import { answer, data, greet, startFake } from './fake.js';
import { until } from './stack.js';

const TOPIC = 'stock.X.1m';
const ID = (n) => `1732283000123-${n}`;

test('ids are compared as numbers, however large', () => {
    const order = ['0-0', '0-1', '9-0', '9-2', '9-10', '10-0', '9007199254740993-0',
        '9007199254740993-18446744073709551614', '9007199254740993-18446744073709551615'];
    for (const [i, a] of order.entries()) {
        for (const [j, b] of order.entries()) {
            assert.equal(Math.sign(compareIds(a, b)), Math.sign(i - j), `${a} and ${b}`);
        }
    }
});

test('garbage is told and dropped, strange types are passed over', async (t) => {
    const fake = await startFake(t, {
        onRequest(socket, request) {
            answer(socket, request);
            if (request.type !== 'subscribe') {
                return;
            }
            const garbage = ['', 'x', '[]', 'null', '7', '{}', '{"type":7}', '{"type":"data"}'];
            garbage.forEach((text) => socket.say(text));
            for (const id of ['', '1', '1-', '-1', '01-1', '1-1-1', 5, null, {}]) {
                data(socket, TOPIC, 0, id);
            }
            socket.send(Buffer.from('binary'));
            for (const type of ['toString', '__proto__', 'constructor', 'news']) {
                socket.say({ type });
            }
            for (const type of ['subscribe_ack', 'unsubscribe_ack', 'pong', 'error', 'status',
                'heartbeat', 'connection_ack']) {
                socket.say({ type, request_id: 999, topic: TOPIC });
            }
            data(socket, 'stock.UNASKED.1m', 0, ID(1));
            data(socket, TOPIC, 1, ID(1));
        },
    });
    const { gate, heard } = open(t, fake.url);
    const got = [];
    gate.subscribe(TOPIC, (message) => got.push(message));
    await until(() => got.length > 0, 'the sound message');
    assert.deepEqual(numbers(got), [1]);
    assert.equal(gate.counters.invalid, 8 + 9 + 1);
    assert.equal(heard.error.filter(({ code }) => code === 'bad_message').length, 18);
    assert.equal(fake.connections.length, 1);
    assert.equal(gate.state, 'live');
});

test('nothing is delivered twice or out of order, whatever a gateway sends', async (t) => {
    const fake = await startFake(t, {
        onRequest(socket, request, number) {
            answer(socket, request, true);
            if (request.type !== 'subscribe') {
                return;
            }
            if (number === 1) {
                [1, 2, 2, 1, 4, 3, 4].forEach((n) => data(socket, TOPIC, n, ID(n)));
                data(socket, TOPIC, 3, ID(3), { snapshot: true });
                data(socket, TOPIC, 5, ID(5), { snapshot: true });
                data(socket, TOPIC, 10, ID(10));
                data(socket, TOPIC, 9, ID(9));
                setTimeout(() => socket.terminate(), 20);
            } else {
                assert.equal(request.since, ID(10));
                [8, 9, 10, 11, 11, 12].forEach((n) => data(socket, TOPIC, n, ID(n)));
                data(socket, TOPIC, 12, ID(12), { snapshot: true });
            }
        },
    });
    const { gate, heard } = open(t, fake.url);
    const got = [];
    gate.subscribe(TOPIC, (message) => got.push(message));
    await until(() => heard.recovered.length > 0, 'it is recovered');
    assert.deepEqual(numbers(got), [1, 2, 4, 5, 10, 11, 12]);
    assert.deepEqual(heard.recovered, [{ topic: TOPIC, recovered: true, replayed: 2 }]);
    assert.equal(gate.counters.duplicates, 11);
});

test('handlers that come and go in the middle of a burst get each message once, too', async () => {
    let socket;
    class WebSocket {
        constructor() {
            socket = this;
        }

        send(text) {
            answer({ say: (what) => queueMicrotask(() => this.say(what)) }, JSON.parse(text));
        }

        say(what) {
            this.onmessage?.({ data: JSON.stringify(what) });
        }

        close() {}
    }
    const gate = connect('ws://x', { WebSocket });
    const got = [];
    const later = [];
    gate.subscribe(TOPIC, ({ data: { n } }) => {
        got.push(n);
        if (n === 2) {
            gate.subscribe(TOPIC, (message) => later.push(message.data.n));
        }
        if (n === 4) {
            leave();
        }
        if (n === 5) {
            gate.subscribe(TOPIC, (message) => later.push(-message.data.n));
        }
    });
    const left = [];
    const leave = gate.subscribe(TOPIC, ({ data: { n } }) => left.push(n));
    await until(() => socket, 'it connects');
    greet(socket);
    await Promise.resolve();
    [1, 2, 3, 4, 5].forEach((n) => data(socket, TOPIC, n, ID(n)));
    await until(() => later.includes(-5), 'all are told');
    gate.close();
    assert.deepEqual(got, [1, 2, 3, 4, 5]);
    assert.deepEqual(later, [3, 4, 5, -5]);
    assert.deepEqual(left, [1, 2, 3]); // not the one in the middle of which it left
});

test('random messages from many connections only ever increase', async (t) => {
    let seed = 7;
    const random = (below) => {
        seed = (seed * 48271) % 2147483647;
        return seed % below;
    };
    let newest = 0;
    const fake = await startFake(t, {
        onRequest(socket, request) {
            answer(socket, request, random(2) === 0);
            for (let i = 0; request.type === 'subscribe' && i < 60; i += 1) {
                const n = Math.max(1, newest + 3 - random(12));
                newest = Math.max(newest, n);
                const snapshot = random(5) === 0 || undefined;
                data(socket, TOPIC, n, `${170 + n}-${random(2)}`, { snapshot });
            }
            if (request.type === 'subscribe') {
                socket.close([1000, 1001, 1012, 4008][random(4)]);
            }
        },
    });
    const { gate } = open(t, fake.url, { minBackoffMs: 1, maxBackoffMs: 5 });
    const got = [];
    gate.subscribe(TOPIC, ({ id }) => got.push(id));
    await until(() => fake.connections.length > 40, 'many connections');
    gate.close();
    assert.ok(got.length > 100);
    got.reduce((before, id) => (assert.ok(compareIds(before, id) < 0, `${before} ${id}`), id));
    assert.equal(got.length, gate.counters.received);
});

test('who never greets and who never answers is left', async (t) => {
    const mute = await startFake(t, { onConnection() {} });
    const deaf = await startFake(t, {
        onRequest: (socket, request) => request.type === 'ping' && answer(socket, request),
    });
    const sound = await startFake(t, { onRequest: answer });
    const { gate, heard, wire } = open(t, [mute.url, deaf.url, sound.url],
        { connectTimeoutMs: 200, answerTimeoutMs: 200, deadAfterMs: 300 });
    gate.subscribe(TOPIC, () => {});
    await until(() => wire.held.has(TOPIC), 'the third one answers');
    const reasons = heard.state.map(({ reason }) => reason).filter(Boolean);
    assert.ok(heard.retry.some(({ reason }) => reason === 'no greeting in time'));
    assert.ok(reasons.includes('no answer in time'));
});

test('a server that is silent after its greeting is left, a ping is asked before', async (t) => {
    const silent = await startFake(t, {});
    const sound = await startFake(t, { onRequest: answer });
    const { gate, heard } = open(t, [silent.url, sound.url], { deadAfterMs: 300 });
    await until(() => sound.connections.length === 1, 'the other one is tried');
    await isLive(gate);
    assert.equal(heard.state[1].reason, 'the gateway is silent');
    assert.equal(silent.requests.at(-1).type, 'ping');
});

test('close codes are heeded', async (t) => {
    const advice = [
        // code, least and most ms until the next try, with back-off from 40 to 400 ms
        [1000, 20, 40], [1006, 20, 40], [1012, 20, 40], [4008, 0, 0],
        [1013, 50, 100], [4029, 50, 100], [1002, 200, 400], [1007, 200, 400], [1009, 200, 400],
    ];
    for (const [code, least, most] of advice) {
        const fake = await startFake(t, {
            onConnection(socket, number) {
                greet(socket);
                if (number === 1) {
                    code === 1006 ? socket.terminate() : socket.close(code, 'why');
                }
            },
            onRequest: answer,
        });
        const { gate, heard } = open(t, fake.url);
        await until(() => fake.connections.length === 2, `another try after ${code}`);
        const [{ afterMs }] = heard.retry;
        assert.ok(afterMs >= least && afterMs <= most, `${code}: ${afterMs} ms`);
        assert.equal(heard.retry[0].code, code);
        await isLive(gate);
        assert.equal(heard.state[1].code, code);
        const isOurFault = [1002, 1007, 1009].includes(code);
        assert.deepEqual(heard.error.map((error) => error.code), isOurFault ? ['protocol'] : []);
        gate.close();
    }
});

test('4008 again and again is not answered at once for ever', async (t) => {
    const fake = await startFake(t, {
        onConnection(socket) {
            greet(socket);
            socket.close(4008, 'slow');
        },
    });
    const { heard } = open(t, fake.url, { minBackoffMs: 60, maxBackoffMs: 60 });
    await until(() => heard.retry.length === 5, 'five tries');
    const [first, ...others] = heard.retry.map(({ afterMs }) => afterMs);
    assert.equal(first, 0);
    assert.ok(others.every((afterMs) => afterMs >= 30 && afterMs <= 60), `${others}`);
});

test('nobody there: each try is told, further and further apart', async (t) => {
    const fake = await startFake(t, { onRequest: answer });
    const { gate, heard } = open(t, ['http://127.0.0.1:1/ws/', 'ws://127.0.0.1:1', fake.url],
        { minBackoffMs: 20, token: null, clientId: undefined });
    await isLive(gate);
    assert.deepEqual(heard.retry.map(({ tries }) => tries), [1, 2]);
    assert.ok(heard.retry.every(({ reason }) => /ECONNREFUSED/.test(reason)));
    assert.ok(heard.retry[1].afterMs > heard.retry[0].afterMs - 1);
    assert.equal(gate.counters.reconnects, 0);
    assert.match(fake.connections[0].url, /^\/api\/v1\/ws\/client-\w+$/);
});

test('the time that reconnect says is kept to', async (t) => {
    const fake = await startFake(t, {
        onConnection(socket, number) {
            greet(socket);
            if (number === 1) {
                socket.say({ type: 'reconnect', after_ms: 300 });
                socket.close(1012);
            }
        },
    });
    const { heard } = open(t, fake.url, { minBackoffMs: 9000, maxBackoffMs: 9000 });
    await until(() => fake.connections.length === 2, 'the second try');
    assert.equal(heard.retry[0].afterMs, 300);
    assert.ok(fake.connections[1].at - fake.connections[0].at > 290);
});

const guarded = {
    onConnection(socket, number) {
        const { url } = this.fake.connections[number - 1];
        const token = new URL(url, 'ws://x').searchParams.get('token');
        greet(socket);
        if (token !== 'good&new') {
            socket.close(1008, 'expired');
        }
    },
    onRequest: answer,
};

test('a refused token stops everything until there is a new one', async (t) => {
    const rules = { ...guarded };
    const fake = (rules.fake = await startFake(t, {
        onConnection: (...what) => rules.onConnection(...what), onRequest: answer,
    }));
    const { gate, heard, wire } = open(t, fake.url, { token: 'old' });
    gate.subscribe(TOPIC, () => {});
    await until(() => heard.error.length === 1, 'it is told');
    assert.equal(heard.error[0].code, 'unauthorized');
    assert.equal(heard.error[0].willRetry, false);
    assert.equal(gate.state, 'closed');
    assert.equal(heard.state.at(-1).code, 1008);
    gate.on('error', () => gate.setToken('good&new')); // from inside the event, too
    gate.setToken('older');
    await until(() => wire.held.has(TOPIC), 'it goes on where it was');
    assert.equal(fake.connections.length, 3);
    assert.equal(gate.state, 'live');
});

test('a token may be a function: it is asked each time, and may fail', async (t) => {
    const rules = { ...guarded };
    const fake = (rules.fake = await startFake(t, {
        onConnection: (...what) => rules.onConnection(...what), onRequest: answer,
    }));
    const tokens = ['old', new Error('no token today'), 'good&new'];
    const { gate, heard, wire } = open(t, fake.url, {
        token: async () => {
            const next = tokens.shift();
            if (next instanceof Error) {
                throw next;
            }
            return next;
        },
    });
    gate.subscribe(TOPIC, () => {});
    await until(() => wire.held.has(TOPIC), 'the third token is good');
    assert.deepEqual(heard.error.map(({ code }) => code), ['unauthorized', 'cannot_connect']);
    assert.ok(heard.error.every(({ willRetry }) => willRetry));
    assert.equal(heard.error[1].cause.message, 'no token today');
});

test('a token that comes too late is not used, and others are asked for', async (t) => {
    const fake = await startFake(t, { onRequest: answer });
    let give;
    let asked = 0;
    const { gate } = open(t, fake.url, {
        connectTimeoutMs: 100, deadAfterMs: 120,
        token: () => (++asked === 1 ? new Promise((resolve) => (give = resolve)) : 'in time'),
    });
    await isLive(gate);
    give('late');
    const pings = fake.requests.length;
    await until(() => fake.requests.length > pings + 2, 'it goes on');
    assert.ok(asked >= 2);
    assert.ok(fake.connections.every(({ url }) => url.endsWith('token=in+time')));
});

test('a requester that is always refused slows down and is not flooding', async (t) => {
    const fake = await startFake(t, {
        onRequest: (socket, request) => (request.type === 'ping' ? answer(socket, request) :
            socket.say({ type: 'error', error_code: 'rate_limited', error_message: 'x',
                request_id: request.request_id })),
    });
    const { gate, heard } = open(t, fake.url);
    for (let n = 0; n < 900; n += 1) {
        gate.subscribe(`stock.X${n}.1m`, () => {});
    }
    await until(() => gate.counters.rateLimited > 4, 'it is refused');
    const count = gate.counters.rateLimited;
    await until(() => gate.counters.rateLimited > count, 'it tries again');
    assert.ok(gate.counters.rateLimited < 20, `${gate.counters.rateLimited} refusals`);
    assert.deepEqual(heard.error, []);
});

test('no listener, no onError: errors go to the console, nothing is thrown', async (t) => {
    const said = t.mock.method(console, 'error', () => {});
    const fake = await startFake(t, { onRequest: answer });
    const { gate } = open(t, fake.url);
    const alone = connect(fake.url, { WebSocket: class extends EventTarget {} });
    alone.subscribe('nonsense', () => {}, {
        onError() {
            throw new Error('a bad onError');
        },
    });
    alone.close();
    gate.on('state', () => {
        throw new Error('a bad listener');
    });
    await until(() => said.mock.callCount() > 0, 'it is said');
    assert.equal(said.mock.calls[0].arguments[0].message, 'a bad listener');
    await isLive(gate);
});

test('what cannot work is said at once', () => {
    class WebSocket {}
    assert.throws(() => connect('not an address', { WebSocket }), TypeError);
    assert.throws(() => connect([], { WebSocket }), TypeError);
    assert.throws(() => connect('ws://localhost', { WebSocket: null }), (error) =>
        error instanceof ChronoGateError && error.code === 'no_websocket' &&
        /Node 22.*--experimental-websocket.*'ws'/s.test(error.message));
    const gate = connect('ws://localhost', { WebSocket });
    assert.throws(() => gate.subscribe(7, () => {}), TypeError);
    assert.throws(() => gate.subscribe(TOPIC), TypeError);
    gate.close();
});

// gateway.test.js — the client with real gateways and Redis, and what may happen to them.
// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect, names, numbers, open } from './client.js';
import { Feed } from './redis.js';
import { startGateway, startRedis, until } from './stack.js';

/** A Redis, a gateway and a feed. */
async function stage(t, settings) {
    const redis = await startRedis(t);
    const gateway = await startGateway(t, redis, settings);
    return { redis, gateway, feed: new Feed(redis.redis) };
}

test('a subscription begins with the newest message and goes on live', async (t) => {
    const { gateway, feed } = await stage(t);
    const [topic] = names('A', 1);
    await feed.publish(topic);
    await feed.publish(topic);
    const { gate, heard } = open(t, gateway.url, { clientId: '一 id/with?signs' });
    assert.equal(gate.state, 'connecting');
    const got = collect(gate, [topic]).get(topic);
    await until(() => got.length === 1, 'the snapshot');
    assert.equal(got[0].snapshot, true);
    await feed.publish(topic);
    await until(() => got.length === 2, 'the live message');
    assert.deepEqual(numbers(got), [1, 2]);
    assert.equal(gate.lastId(topic), feed.ids.get(topic)[2]);
    assert.deepEqual(gate.topics, [topic]);
    assert.equal(gate.counters.received, 2);
    await until(() => gate.roundTripMs > 0, 'the round trip is measured');
    assert.deepEqual(heard.state.map(({ state }) => state), ['live']);
    gate.close();
    assert.equal(gate.state, 'closed');
});

test('one gateway serves many wishes', async (t) => {
    const { redis, gateway, feed } = await stage(t);
    const { gate, heard, wire } = open(t, gateway.url);

    await t.test('two handlers share a subscription, the later one gets the newest', async () => {
        const [topic] = names('B', 1);
        await feed.publish(topic);
        const first = [];
        const leave = gate.subscribe(topic, (message) => first.push(message));
        await until(() => first.length === 1, 'the snapshot');
        const later = [];
        const none = [];
        gate.subscribe(topic, (message) => later.push(message));
        gate.subscribe(topic, (message) => none.push(message), { snapshot: false });
        assert.equal(later.length, 0); // not before subscribe() has returned
        await until(() => later.length === 1, 'the newest message');
        assert.equal(later[0].snapshot, true);
        leave();
        leave();
        await feed.publish(topic);
        await until(() => later.length === 2, 'the live message');
        assert.deepEqual([numbers(first), numbers(later), numbers(none)], [[0], [0, 1], [1]]);
    });

    await t.test('who wants no snapshot gets none; who comes later and wants it does', async () => {
        const [topic] = names('C', 1);
        await feed.publish(topic);
        const none = [];
        const wants = [];
        gate.subscribe(topic, (message) => none.push(message), { snapshot: false });
        await until(() => wire.held.has(topic), 'it is held');
        gate.subscribe(topic, (message) => wants.push(message));
        await until(() => wants.length === 1, 'the snapshot');
        await feed.publish(topic);
        await until(() => none.length === 1, 'the live message');
        assert.deepEqual([numbers(none), numbers(wants)], [[1], [0, 1]]);
    });

    await t.test('a refused topic is an error, others are not touched', async () => {
        const told = [];
        const refused = ['stock_data', 'stock.AAPL.7m', '股票.A.1m', '', 'x'.repeat(1e5)];
        refused.forEach((topic) =>
            gate.subscribe(topic, assert.fail, { onError: (error) => told.push(error) }));
        gate.subscribe('nonsense', assert.fail);
        await until(() => told.length === refused.length, 'all are refused');
        await until(() => heard.error.length === 1, 'the one without onError is told, too');
        assert.deepEqual(told.map(({ topic }) => topic).sort(), [...refused].sort());
        for (const error of [...told, ...heard.error.splice(0)]) {
            assert.equal(error.code, 'invalid_topic');
            assert.equal(error.willRetry, false);
        }
        const loop = async () => {
            for await (const message of gate.topic('stock_data')) {
                assert.fail(message);
            }
        };
        await assert.rejects(loop, { code: 'invalid_topic', topic: 'stock_data' });
        assert.ok(!gate.topics.includes('stock_data'));
    });

    await t.test('subscribing and leaving in quick succession ends as was last said', async () => {
        const [topic] = names('D', 1);
        await feed.publish(topic);
        const got = [];
        let leave;
        for (let i = 0; i < 20; i += 1) {
            leave?.();
            leave = gate.subscribe(topic, (message) => got.push(message));
            await Promise.resolve();
        }
        await until(() => got.length >= 1, 'a snapshot');
        await feed.publish(topic);
        await until(() => got.at(-1).data.n === 1, 'the live message');
        assert.deepEqual(numbers(got), [0, 1]);
        const asked = wire.sent.filter((request) => request.topic === topic);
        assert.ok(asked.length <= 3, `asked for ${asked.length} times`);
        leave();
        gate.subscribe(topic, () => {})();
        assert.ok(!gate.topics.includes(topic));
        await until(() => !wire.held.has(topic), 'it is not held');
        assert.equal(gate.lastId(topic), undefined);
        gate.subscribe(topic, (message) => got.push(message));
        await until(() => got.length === 3, 'a new subscription begins anew');
    });

    await t.test('messages without ids pass, in order', async () => {
        const [topic] = names('E', 1);
        const got = collect(gate, [topic]).get(topic);
        const publish = (n) => redis.redis.call('PUBLISH', topic, JSON.stringify({ n }));
        await until(() => wire.held.has(topic), 'it is held');
        await Promise.all([publish(1), publish(1), publish(0)]);
        await until(() => got.length === 3, 'they arrive');
        assert.deepEqual(numbers(got), [1, 1, 0]);
        assert.equal(gate.lastId(topic), undefined);
    });

    await t.test('a handler that fails is told of and breaks nothing', async () => {
        const [topic] = names('F', 1);
        const got = [];
        gate.subscribe(topic, () => {
            throw new Error('the first');
        });
        gate.subscribe(topic, async () => {
            throw new Error('the second');
        });
        gate.subscribe(topic, (message) => got.push(message));
        await until(() => wire.held.has(topic), 'it is held');
        await feed.publish(topic);
        await until(() => got.length === 1, 'the message');
        await until(() => heard.error.length === 2, 'both are told');
        const errors = heard.error.splice(0);
        assert.deepEqual(errors.map(({ code }) => code), ['handler', 'handler']);
        assert.deepEqual(errors.map(({ cause }) => cause.message), ['the first', 'the second']);
    });

    await t.test('for await gives each message, and ends with break', async () => {
        const [topic] = names('G', 1);
        await feed.publish(topic);
        const got = [];
        for await (const message of gate.topic(topic)) {
            got.push(message);
            if (got.length === 4) {
                break;
            }
            await feed.publish(topic);
        }
        assert.deepEqual(numbers(got), [0, 1, 2, 3]);
        assert.ok(!gate.topics.includes(topic));
    });

    await t.test('for await with too slow a loop drops or ends, as was said', async () => {
        const [topic] = names('H', 1);
        await feed.publish(topic);
        const drop = gate.topic(topic, { limit: 3 })[Symbol.asyncIterator]();
        const end = gate.topic(topic, { limit: 3, overflow: 'error' })[Symbol.asyncIterator]();
        await drop.next();
        await end.next();
        for (let n = 0; n < 9; n += 1) {
            await feed.publish(topic);
        }
        await until(() => gate.counters.overflowed >= 7, 'messages were dropped');
        const { value } = await drop.next();
        assert.deepEqual([value.data.n, value.missed], [7, 6]);
        assert.deepEqual((await drop.next()).value.missed, undefined);
        for (const n of [1, 2, 3]) {
            assert.equal((await end.next()).value.data.n, n);
        }
        await assert.rejects(end.next(), { code: 'overflow' });
        assert.deepEqual(await end.next(), { done: true, value: undefined });
        const waiting = drop.next().then(() => drop.next());
        await drop.return();
        assert.deepEqual(await waiting, { done: true, value: undefined });
    });
    assert.deepEqual(heard.error, []);
    assert.equal(gate.counters.reconnects, 0);
});

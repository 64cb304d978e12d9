// many.test.js — as many topics as a connection may hold, at the pace a gateway allows.
// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkWhole, collect, names, open } from './client.js';
import { Feed } from './redis.js';
import { startGateway, startRedis, until } from './stack.js';

const COUNT = 1000;
const LONG_MS = 40_000; // 750 of them at 40 per second

test('a thousand topics are subscribed within the limits', async (t) => {
    const redis = await startRedis(t);
    const gateway = await startGateway(t, redis);
    const feed = new Feed(redis.redis);
    const topics = names('K', COUNT);
    const { gate, heard, wire } = open(t, gateway.url);
    const got = collect(gate, topics);
    await until(() => wire.held.size === COUNT, 'all are held', LONG_MS);
    await feed.publish(...topics);
    await checkWhole(feed, got);
    assert.ok(wire.sent.length < 150, `${wire.sent.length} requests: many topics at a time`);
    assert.ok(wire.sent.every(({ topics: some }) => (some?.length ?? 0) <= 256));
    assert.equal(gate.counters.rateLimited, 0);
    assert.equal(gate.counters.received, COUNT);
    assert.deepEqual(heard.error, []);
});

test('three hundred topics are resumed within the limits, each with its replay', async (t) => {
    const redis = await startRedis(t);
    const [first, second] = [await startGateway(t, redis), await startGateway(t, redis)];
    const feed = new Feed(redis.redis);
    const topics = names('S', 300);
    const { gate, heard, wire } = open(t, [first.url, second.url], { delivery: 'all' });
    const got = collect(gate, topics);
    await until(() => wire.held.size === topics.length, 'all are held', LONG_MS);
    await feed.publish(...topics);
    await checkWhole(feed, got);
    await first.kill();
    await feed.publish(...topics);
    await feed.publish(...topics);
    await until(() => heard.recovered.length === topics.length, 'all are resumed', LONG_MS);
    await feed.publish(...topics);
    await checkWhole(feed, got);
    assert.ok(heard.recovered.every(({ recovered, replayed }) => recovered && replayed >= 2));
    assert.equal(gate.counters.replayed, 2 * topics.length);
    assert.equal(gate.counters.rateLimited, 0);
    assert.deepEqual(heard.error, []);
});

test('what is refused as too fast is asked for again, at a lower pace', async (t) => {
    const redis = await startRedis(t);
    const gateway = await startGateway(t, redis, { requestRate: 50, requestBurst: 50 });
    const feed = new Feed(redis.redis);
    const topics = names('R', 120);
    const { gate, heard, wire } = open(t, gateway.url);
    const got = collect(gate, topics);
    await until(() => wire.held.size === topics.length, 'all are held', LONG_MS);
    await feed.publish(...topics);
    await checkWhole(feed, got);
    assert.ok(gate.counters.rateLimited > 0);
    assert.equal(gate.counters.reconnects, 0);
    assert.deepEqual(heard.error, []);
});

test('more topics than one may hold: the others work, and the refusal is told', async (t) => {
    const redis = await startRedis(t);
    const gateway = await startGateway(t, redis, { maxTopics: 3 });
    const feed = new Feed(redis.redis);
    const topics = names('M', 4);
    const { gate, heard, wire } = open(t, gateway.url);
    const got = collect(gate, topics.slice(0, 3));
    const last = [];
    await until(() => wire.held.size === 3, 'three are held');
    gate.subscribe(topics[3], (message) => last.push(message));
    await until(() => heard.error.length > 0, 'the fourth is refused');
    assert.equal(heard.error[0].code, 'subscription_failed');
    assert.equal(heard.error[0].topic, topics[3]);
    assert.equal(heard.error[0].willRetry, true);
    await feed.publish(...topics);
    await checkWhole(feed, got);
    gate.subscribe(topics[0], assert.fail, { snapshot: false });
    const loop = gate.topic(topics[0])[Symbol.asyncIterator]();
    await loop.return();
    assert.deepEqual(last, []);
});

// faults.test.js — gateways that are killed, drained and stopped, and Redis too.
// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkWhole, collect, isLive, names, numbers, open } from './client.js';
import { Feed } from './redis.js';
import { freePort } from './port.js';
import { startGateway, startRedis, until } from './stack.js';

const TOPICS = names('F', 4);
const ALL = { delivery: 'all' }; // otherwise long replays may be conflated

/** Subscribes to TOPICS while a feed publishes on them, and waits until some have come. */
async function flow(t, gate, redis) {
    const feed = new Feed(redis.redis);
    await feed.publish(...TOPICS);
    const got = collect(gate, TOPICS);
    await until(() => [...got.values()].every((all) => all.length > 0), 'all snapshots');
    feed.start(TOPICS);
    t.after(() => feed.stop());
    await more(got);
    return { feed, got };
}

/** Some more messages have come on every topic. */
async function more(got) {
    const counts = new Map([...got].map(([topic, all]) => [topic, all.length]));
    await until(() => [...got].every(([topic, all]) => all.length > counts.get(topic) + 5),
        'messages flow');
}

test('a gateway killed and restarted costs no message, again and again', async (t) => {
    const redis = await startRedis(t);
    const port = await freePort();
    let gateway = await startGateway(t, redis, { port });
    const { gate, heard } = open(t, gateway.url, ALL);
    const { feed, got } = await flow(t, gate, redis);
    for (let kills = 1; kills <= 3; kills += 1) {
        await gateway.kill();
        await until(() => gate.state === 'connecting', 'the loss is noticed');
        gateway = await startGateway(t, redis, { port });
        const count = kills * TOPICS.length;
        await until(() => heard.recovered.length === count, 'all have recovered');
        await more(got);
    }
    await feed.stop();
    await checkWhole(feed, got);
    assert.ok(heard.recovered.every(({ recovered }) => recovered), 'nothing was lost');
    const replayed = heard.recovered.reduce((sum, one) => sum + one.replayed, 0);
    assert.ok(replayed > 0);
    assert.equal(gate.counters.replayed, replayed);
    assert.equal(gate.counters.reconnects, 3);
    assert.equal(gate.counters.duplicates + gate.counters.gaps, 0);
    assert.deepEqual(heard.error, []);
    t.diagnostic(`${gate.counters.received} messages, ${replayed} of them replayed`);
});

test('a gateway that leaves says when to come back, and the client does', async (t) => {
    const redis = await startRedis(t);
    const leaving = await startGateway(t, redis, { drainSpreadMs: 2000 });
    const staying = await startGateway(t, redis);
    const { gate, heard } = open(t, [leaving.url, staying.url],
        { ...ALL, minBackoffMs: 10_000, maxBackoffMs: 10_000 });
    const { feed, got } = await flow(t, gate, redis);
    leaving.signal('SIGTERM');
    await until(() => gate.counters.reconnects === 1, 'it is live again');
    const [{ code, afterMs }] = heard.retry;
    assert.equal(code, 1012);
    assert.ok(afterMs <= 2000, `${afterMs} ms: what reconnect said, not its own 10 s`);
    await until(() => heard.recovered.length === TOPICS.length, 'all have recovered');
    await more(got);
    await feed.stop();
    await checkWhole(feed, got);
    assert.equal(await leaving.ended(), 0);
});

test('a gateway that falls silent is noticed, another one takes over', async (t) => {
    const redis = await startRedis(t);
    const silent = await startGateway(t, redis, { heartbeatIntervalMs: 200 });
    const other = await startGateway(t, redis);
    const { gate, heard } = open(t, [silent.url, other.url], { ...ALL, deadAfterMs: 1000 });
    const { feed, got } = await flow(t, gate, redis);
    silent.signal('SIGSTOP');
    const stopped = performance.now();
    await until(() => gate.state === 'connecting', 'the silence is noticed');
    const noticed = performance.now() - stopped;
    assert.ok(noticed > 400 && noticed < 4000, `noticed after ${noticed} ms`);
    assert.equal(heard.state.at(-1).reason, 'the gateway is silent');
    await until(() => heard.recovered.length === TOPICS.length, 'all have recovered');
    await more(got);
    await feed.stop();
    await checkWhole(feed, got);
    t.diagnostic(`noticed after ${Math.round(noticed)} ms`);
});

test('without a setting, what is silence is learnt from the heartbeats', async (t) => {
    const redis = await startRedis(t);
    const gateway = await startGateway(t, redis, { heartbeatIntervalMs: 100 });
    const { gate, wire } = open(t, gateway.url);
    await until(() => wire.heartbeats >= 10, 'its heartbeats');
    gateway.signal('SIGSTOP');
    const stopped = performance.now();
    await until(() => gate.state === 'connecting', 'the silence is noticed');
    const noticed = performance.now() - stopped; // 1.25 s, and 5 s for the probe
    assert.ok(noticed > 6000, `noticed after ${noticed} ms`);
    gateway.signal('SIGCONT');
    await isLive(gate);
});

test('silence that only is silence is no reason to leave', async (t) => {
    const redis = await startRedis(t);
    const gateway = await startGateway(t, redis, { heartbeatIntervalMs: 0 });
    const { gate, heard, wire } = open(t, gateway.url, { deadAfterMs: 200 });
    await isLive(gate);
    const pings = () => wire.sent.filter(({ type }) => type === 'ping').length;
    await until(() => pings() >= 6, 'it is probed now and then');
    assert.deepEqual(heard.state.map(({ state }) => state), ['live']);
});

test('Redis away makes it degraded, Redis back makes it live and whole', async (t) => {
    const redis = await startRedis(t);
    const gateway = await startGateway(t, redis, { subscribeTimeoutMs: 300 });
    const { gate, heard } = open(t, gateway.url);
    const feed = new Feed(redis.redis);
    await feed.publish(...TOPICS);
    const got = collect(gate, TOPICS);
    await until(() => [...got.values()].every((all) => all.length === 1), 'all snapshots');
    const before = gate.lastId(TOPICS[0]);
    await redis.stop();
    await until(() => gate.state === 'degraded', 'it is degraded');
    const late = [];
    gate.subscribe('stock.LATE.1m', (message) => late.push(message));
    await until(() => heard.error.length > 0, 'the late one is refused for now');
    assert.equal(heard.error[0].code, 'subscription_failed');
    assert.equal(heard.error[0].willRetry, true);
    await redis.start();
    await until(() => gate.state === 'live', 'it is live again');
    const anew = new Feed(redis.redis);
    await until(async () => {
        await anew.publish(...TOPICS, 'stock.LATE.1m');
        return late.length > 0;
    }, 'the late one is subscribed');
    for (const topic of TOPICS) {
        await until(() => got.get(topic).at(-1).id === anew.ids.get(topic).at(-1), topic);
        const ids = got.get(topic).slice(1).map(({ id }) => id);
        assert.deepEqual(ids, anew.ids.get(topic).slice(-ids.length));
    }
    assert.deepEqual(heard.gap.map(({ topic }) => topic).sort(), TOPICS);
    assert.equal(heard.gap.find(({ topic }) => topic === TOPICS[0]).after, before);
    assert.equal(gate.counters.gaps, TOPICS.length);
    assert.equal(gate.counters.reconnects, 0);
});

test('a history that no longer reaches back is told, and a snapshot follows', async (t) => {
    const redis = await startRedis(t);
    const gateway = await startGateway(t, redis, { unsubscribeLingerMs: 0 });
    const other = await startGateway(t, redis);
    const { gate, heard } = open(t, [gateway.url, other.url]);
    const [topic] = TOPICS;
    const feed = new Feed(redis.redis);
    await feed.publish(topic);
    const got = collect(gate, [topic]).get(topic);
    await until(() => got.length === 1, 'the snapshot');
    await gateway.kill();
    const missed = Array.from({ length: 40 }, () => topic);
    await feed.publish(...missed);
    await redis.redis.call('XTRIM', `history:{${topic}}`, 'MAXLEN', '=', 5);
    await until(() => got.length === 2, 'the next snapshot');
    assert.deepEqual(numbers(got), [0, 40]);
    assert.equal(got[1].snapshot, true);
    assert.deepEqual(heard.recovered, [{ topic, recovered: false, replayed: 0 }]);
    assert.equal(gate.counters.unrecovered, 1);
    await feed.publish(topic);
    await until(() => got.length === 3, 'it goes on live');
});

test('a topic that had no message yet is resumed, and it is told that some may be missing',
    async (t) => {
        const redis = await startRedis(t);
        const [gateway, other] = [await startGateway(t, redis), await startGateway(t, redis)];
        const { gate, heard, wire } = open(t, [gateway.url, other.url]);
        const [topic] = TOPICS;
        const got = collect(gate, [topic]).get(topic);
        await until(() => wire.held.has(topic), 'it is held');
        await gateway.kill();
        await until(() => heard.recovered.length === 1, 'it is resumed');
        assert.equal(heard.recovered[0].recovered, false);
        await new Feed(redis.redis).publish(topic);
        await until(() => got.length === 1, 'it goes on live');
    });

test('close() is the end, whatever is under way', async (t) => {
    const redis = await startRedis(t);
    const gateway = await startGateway(t, redis);
    const ends = [];
    for (let turns = 0; turns < 12; turns += 1) {
        const { gate, heard, wire } = open(t, gateway.url);
        const loop = gate.topic(TOPICS[0])[Symbol.asyncIterator]();
        ends.push(loop.next());
        const got = collect(gate, TOPICS);
        const feed = new Feed(redis.redis);
        if (turns > 3) {
            await isLive(gate);
        }
        if (turns > 6) {
            await until(() => wire.held.size > 0, 'something is held');
            await feed.publish(...TOPICS);
        }
        for (let i = 0; i < turns; i += 1) {
            await Promise.resolve();
        }
        gate.close();
        gate.close();
        const counts = [...got.values()].map((all) => all.length);
        assert.equal(gate.state, 'closed');
        assert.deepEqual(gate.topics, []);
        assert.throws(() => gate.subscribe(TOPICS[0], () => {}), { code: 'closed' });
        gate.setToken('x');
        await feed.publish(...TOPICS);
        assert.deepEqual([...got.values()].map((all) => all.length), counts);
        assert.equal(heard.state.filter(({ state }) => state === 'closed').length, 1);
    }
    await Promise.all(ends);
});

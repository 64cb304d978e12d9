// bars.test.js — closed bars for a chart to begin with, from real gateways.
// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import { Backfill } from '../../gateway/console/backfill.js';
import { fetchBars } from '../../gateway/console/bars.js';
import { Quote } from '../../gateway/console/quote.js';
import { startGateway, startRedis } from './stack.js';

const TOPIC = 'stock.^GSPC.1d';

test('closed bars come the oldest first, as many as are asked for', async (t) => {
    const server = await startRedis(t);
    const gateway = await startGateway(t, server);
    const expected = [];
    for (let n = 0; n < 400; n += 1) {
        const bar = { start: '2026-01-01T00:00:00', n, closed: n % 2 === 1 };
        await server.redis.call('FCALL', 'chrono_publish', 1, TOPIC, JSON.stringify(bar), 256, 1000);
        expected.push(...(bar.closed ? [bar] : []));
    }
    assert.deepEqual(await fetchBars(gateway.url, TOPIC), expected);
    assert.deepEqual(await fetchBars(`${gateway.url}/api/v1/ws/`, TOPIC, 3), expected.slice(-3));
    assert.deepEqual(await fetchBars(gateway.url, 'stock.NONE.1d'), []);
    assert.deepEqual(await fetchBars(gateway.url, 'no topic'), []);
    await gateway.kill();
    assert.deepEqual(await fetchBars(gateway.url, TOPIC), []);
});

test('a gateway that is busy is asked again', async (t) => {
    let asked = 0;
    const busy = createServer((request, response) => {
        asked += 1;
        response.writeHead(asked < 3 ? 503 : 200).end('{"bars":[{"n":1}]}');
    }).listen(0, '127.0.0.1');
    t.after(() => busy.close());
    await once(busy, 'listening');
    const { port } = busy.address();
    assert.deepEqual(await fetchBars(`ws://127.0.0.1:${port}`, TOPIC), [{ n: 1 }]);
    assert.equal(asked, 3);
});

const BAR = { start: '2026-01-01T00:00:00', open: 1, high: 3, low: 1, close: 2, volume: 7 };
const GOOD = { time: 1767225600, open: 1, high: 3, low: 1, close: 2, volume: 7 };
const ODD = { toString: 1, valueOf: 1 };

/** The bars of each topic, in the order in which they were filled in. */
async function fillFrom(t, listsByTopic) {
    const server = createServer((request, response) => {
        const topic = new URL(request.url, 'http://x').searchParams.get('topic');
        response.writeHead(200).end(JSON.stringify({ bars: listsByTopic[topic] }));
    }).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const filled = {};
    const topics = Object.keys(listsByTopic);
    await new Promise((resolve, reject) => {
        const timer = setTimeout(reject, 5000, new Error('not all are filled'));
        t.after(() => clearTimeout(timer));
        const backfill = new Backfill(({ topic, series }) => {
            filled[topic] = series.bars;
            if (topic === topics.at(-1)) {
                resolve();
            }
        });
        backfill.attach(`ws://127.0.0.1:${server.address().port}`);
        backfill.want(...topics.map((topic) => new Quote(topic)));
    });
    return filled;
}

test('strange bars are left out, the others of the topic are not', async (t) => {
    const strange = [null, 5, [], {}, { ...BAR, start: ODD }, { ...BAR, start: 'noon' },
        { ...BAR, start: 1767225600 }, { ...BAR, high: '3' }, { ...BAR, close: null }];
    const filled = await fillFrom(t, {
        'stock.A.1m': [...strange, BAR],
        'stock.B.1m': [{ ...BAR, volume: ODD }],
        'stock.C.1m': [{ ...BAR, volume: '7' }],
    });
    assert.deepEqual(filled['stock.A.1m'], [GOOD]);
    assert.deepEqual(filled['stock.B.1m'], [{ ...GOOD, volume: 0 }]);
    assert.deepEqual(filled['stock.C.1m'], [GOOD]);
});

test('answers that are no lists of bars leave the other topics theirs', async (t) => {
    for (const answer of [undefined, null, 'abc', { length: 3 }]) {
        const filled = await fillFrom(t, { 'stock.A.1m': answer, 'stock.B.1m': [BAR] });
        assert.deepEqual(filled['stock.B.1m'], [GOOD]);
    }
});

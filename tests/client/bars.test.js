// bars.test.js — closed bars for a chart to begin with, from real gateways.
// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import { fetchBars } from '../../gateway/console/bars.js';
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

// usage.test.js — the client as people meet it: served, documented, typed, with Node's WebSocket.
// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as client from '../../gateway/console/chronogate.js';
import { Program, startGateway, startRedis, until } from './stack.js';

const CONSOLE = new URL('../../gateway/console/', import.meta.url);
const TYPES = {
    'chronogate.js': 'text/javascript; charset=utf-8',
    'chronogate.d.ts': 'text/plain; charset=utf-8',
    'bars.js': 'text/javascript; charset=utf-8',
    'bars.d.ts': 'text/plain; charset=utf-8',
};
const FLAG = '--experimental-websocket';
const node = typeof WebSocket === 'function' ? [] : [FLAG];
const skip = node.length > 0 && !process.allowedNodeEnvironmentFlags.has(FLAG) &&
    'this Node has no WebSocket of its own';

test('a gateway serves the client and its types', async (t) => {
    const gateway = await startGateway(t, await startRedis(t));
    for (const [name, type] of Object.entries(TYPES)) {
        const answer = await fetch(`${gateway.page}/${name}`);
        assert.equal(answer.status, 200);
        assert.equal(answer.headers.get('content-type'), type);
        const text = await readFile(new URL(name, CONSOLE), 'utf8');
        assert.ok((await answer.text()) === text, `${name} is the one in the tree`);
    }
});

test('the example of the documentation works as it stands', { skip }, async (t) => {
    const redis = await startRedis(t);
    let gateway = await startGateway(t, redis);
    const page = await readFile(new URL('README.md', CONSOLE), 'utf8');
    const [, example] = /```js\n([^]*?)```/.exec(page);
    const folder = await mkdtemp(join(tmpdir(), 'example-'));
    const text = example
        .replace('./chronogate.js', new URL('chronogate.js', CONSOLE).href)
        .replace('ws://localhost:8000', gateway.url);
    assert.ok(text.includes(gateway.url));
    await writeFile(join(folder, 'example.mjs'), text);
    const program = new Program(process.execPath, [...node, join(folder, 'example.mjs')]);
    t.after(() => program.kill());
    const publish = (topic, close) => redis.redis.call('FCALL', 'chrono_publish', 1, topic,
        JSON.stringify({ close }));
    await publish('stock.AAPL.1m', 150.25);
    await program.says(/^AAPL \d+-\d+ 150.25$/m);
    await publish('crypto.BTC.1m', 99000);
    await program.says(/^BTC 99000$/m);
    await gateway.kill();
    await program.says(/^state connecting$/m);
    await publish('stock.AAPL.1m', 151);
    await publish('stock.AAPL.1m', 152);
    gateway = await startGateway(t, redis, { port: gateway.port });
    await program.says(/^AAPL \d+-\d+ 151\nAAPL \d+-\d+ 152$/m);
    assert.equal(program.said.match(/^state live$/gm).length, 2);
    assert.ok(!/error/.test(program.said), program.said);
});

test('the types compile, and promise what there is', async () => {
    const here = fileURLToPath(new URL('.', import.meta.url));
    const tsc = join(here, 'node_modules/typescript/bin/tsc');
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext',
        '--lib', 'es2022', 'usage.ts'];
    const run = promisify(execFile)(process.execPath, [tsc, ...options], { cwd: here });
    await assert.doesNotReject(run.catch(({ stdout, stderr }) => {
        throw new Error(stdout + stderr);
    }));
    const types = await readFile(new URL('chronogate.d.ts', CONSOLE), 'utf8');
    const exported = [...types.matchAll(/^export (?:function|class) (\w+)/gm)].map(([, n]) => n);
    assert.deepEqual(exported.sort(), Object.keys(client).sort());
    const gate = client.connect('ws://x', { WebSocket: class {} });
    gate.close();
    const members = (name) => [...new RegExp(`^export interface ${name} {\n([^]*?)^}`, 'm')
        .exec(types)[1].matchAll(/^ {4}(?:readonly )?(\w+)[<(:?]/gm)].map(([, n]) => n).sort();
    const own = [...Object.getOwnPropertyNames(Object.getPrototypeOf(gate)), ...Object.keys(gate)];
    assert.deepEqual(members('Connection'), own.filter((n) => n !== 'constructor').sort());
    assert.deepEqual(members('Counters'), Object.keys(gate.counters).sort());
});

// stack.js — redis-servers and gateways on free ports, ended with the test that started them.
// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './port.js';
import { Redis } from './redis.js';

const { CHRONOGATE, CHRONOFEED } = process.env;
const WAIT_MS = 15_000;
const LOCAL = '127.0.0.1';
let library;
const running = new Set();
process.on('exit', () => running.forEach((program) => program.signal('SIGKILL')));

/** Waits until `look()` is true, or throws an error that says what was not. */
export async function until(look, what, withinMs = WAIT_MS) {
    const deadline = Date.now() + withinMs;
    for (let seen; !(seen = await look()); await sleep(5)) {
        if (Date.now() > deadline) {
            throw new Error(`not in time: ${what}; it is ${seen}`);
        }
    }
}

/** One child process: everything it said, signals for it alone, its end. */
export class Program {
    said = '';
    #child;
    #ended;

    constructor(path, args) {
        this.#child = spawn(path, args.map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
        this.#child.stdout.on('data', (text) => (this.said += text));
        this.#child.stderr.on('data', (text) => (this.said += text));
        this.#ended = once(this.#child, 'close');
        running.add(this);
        this.#ended.then(() => running.delete(this));
    }

    async says(pattern) {
        const died = () => this.#child.exitCode !== null;
        await until(() => pattern.test(this.said) || died(), pattern);
        if (!pattern.test(this.said)) {
            throw new Error(`it ended: ${this.said}`);
        }
        return pattern.exec(this.said);
    }

    signal(name) {
        this.#child.kill(name);
    }

    async ended() {
        const [code, signal] = await this.#ended;
        return code ?? signal;
    }

    async kill() {
        this.signal('SIGKILL');
        await this.ended();
    }
}

/** A Redis with the feeds' function, and a connection to it; `stop` and `start` as wanted. */
export async function startRedis(t) {
    const port = await freePort();
    const self = { port };
    self.start = async () => {
        self.program = new Program('redis-server', [
            ...['--port', port, '--bind', LOCAL, '--dir', tmpdir()],
            ...['--dbfilename', `client-${port}.rdb`, '--save', '', '--appendonly', 'no'],
        ]);
        await self.program.says(/Ready to accept connections/);
        self.redis = await Redis.open(port);
        library ??= await fetchLibrary(port, self.redis);
        await self.redis.call('FUNCTION', 'LOAD', 'REPLACE', library);
    };
    self.stop = async () => {
        self.redis.close();
        await self.program.kill();
    };
    t.after(self.stop);
    await self.start();
    return self;
}

/** The text of the function library, from a feeder that has loaded it. */
async function fetchLibrary(port, redis) {
    const feeder = new Program(CHRONOFEED, ['--redis', `redis://${LOCAL}:${port}`, '--rate', 1]);
    let found;
    await until(async () => {
        found = await redis.call('FUNCTION', 'LIST', 'WITHCODE');
        return found.length > 0;
    }, 'the feeder has loaded its library');
    await feeder.kill();
    return found[0][found[0].indexOf('library_code') + 1];
}

export async function startGateway(t, { port: redisPort }, settings = {}) {
    const port = settings.port ?? (await freePort());
    const all = {
        listen: `${LOCAL}:${port}`, admin: `${LOCAL}:0`, console: `${LOCAL}:0`,
        redis: `redis://${LOCAL}:${redisPort}`, drainDelayMs: 0, ...settings, port: undefined,
    };
    const args = Object.entries(all).filter(([, value]) => value !== undefined).flatMap(
        ([name, value]) => [`--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`, value]);
    const gateway = new Program(CHRONOGATE, args);
    t.after(() => gateway.kill());
    const [, admin] = await gateway.says(/address=(\S+) role=admin/);
    const [, page] = await gateway.says(/address=(\S+) role=console/);
    await until(async () => (await fetch(`http://${admin}/readyz`)).ok, 'the gateway is ready');
    return Object.assign(gateway, { port, url: `ws://${LOCAL}:${port}`, page: `http://${page}` });
}

// stack.js — a private redis-server, one gateway and perhaps a feeder, from start to end.
// SPDX-License-Identifier: MIT
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../client/port.js';

const START_MS = 10_000;
const STOP_MS = 5_000;
const LOCAL = '127.0.0.1';

/**
 * Starts them all, or none: Redis, a gateway, and a feeder if one is named.
 * `stop` ends them and gives the gateway's exit status and log.
 */
export async function startStack(chronogate, chronofeed) {
    const [redisPort, api, admin, site] = await Promise.all([1, 2, 3, 4].map(freePort));
    const programs = [];
    let gateway;
    const start = (...what) => programs[programs.push(new Program(...what)) - 1];
    const stop = async () => {
        await Promise.all(programs.map((program) => program.stop()));
        return gateway?.stop();
    };
    const startRedis = async () => {
        const redis = start('redis-server', [
            ...['--port', redisPort, '--bind', LOCAL, '--dir', tmpdir()],
            ...['--save', '', '--appendonly', 'no'],
        ]);
        await redis.says(/Ready to accept connections/);
        return redis;
    };
    const startGateway = async () => {
        gateway = start(chronogate, [
            ...['--listen', `${LOCAL}:${api}`, '--admin', `${LOCAL}:${admin}`],
            ...['--console', `${LOCAL}:${site}`, '--redis', `redis://${LOCAL}:${redisPort}`],
            ...['--heartbeat-interval-ms', '2000', '--drain-delay-ms', '0', '--drain-spread-ms', '0'],
        ]);
        await gateway.says(/role=console$/m);
        await ready(`http://${LOCAL}:${admin}/readyz`);
    };
    try {
        let redis = await startRedis();
        await startGateway();
        if (chronofeed) {
            const feeder = start(chronofeed, ['--source', 'walk', '--rate', '400',
                '--redis', `redis://${LOCAL}:${redisPort}`]);
            await feeder.says(/redis connected|publishing|leads/);
        }
        return {
            api: `ws://${LOCAL}:${api}/api/v1/ws/`,
            console: `http://${LOCAL}:${site}`,
            http: `http://${LOCAL}:${api}`,
            publish: (...what) => publish(redisPort, ...what),
            call: (...words) => call(redisPort, words),
            flood: (...what) => flood(redisPort, ...what),
            stopGateway: () => gateway.stop(),
            killGateway: () => gateway.stop('SIGKILL'),
            startGateway,
            stopRedis: () => redis.stop(),
            startRedis: async () => (redis = await startRedis()),
            stop,
        };
    } catch (error) {
        const ended = await stop();
        throw new Error(`${error.message}\n${ended?.said ?? ''}`, { cause: error });
    }
}

async function ready(url) {
    const deadline = Date.now() + START_MS;
    while (!(await fetch(url)).ok) {
        if (Date.now() > deadline) {
            throw new Error(`${url} does not turn green`);
        }
        await sleep(50);
    }
}

/** Publishes as any feed may, once there are that many subscribers. */
async function publish(port, topic, payload, subscribers = 1) {
    for (let tries = 0; tries < 50; tries += 1) {
        const heard = await call(port, ['PUBLISH', topic, JSON.stringify(payload)]);
        if (Number(heard) >= subscribers) {
            return;
        }
        await sleep(50);
    }
    throw new Error(`nobody subscribed to ${topic}`);
}

/** Publishes bars in turn on these topics, so many per second, for `ms`. */
async function flood(port, topics, ms, perSecond) {
    const pipe = spawn('redis-cli', ['-h', LOCAL, '-p', String(port)],
        { stdio: ['pipe', 'ignore', 'inherit'] });
    const start = Date.now();
    for (let sent = 0, price = 100; Date.now() - start < ms; await sleep(20)) {
        for (; sent < ((Date.now() - start) * perSecond) / 1000; sent += 1) {
            price += Math.sin(sent) / 10;
            const close = Number(price.toFixed(2));
            const bar = { symbol: 'LOAD', interval: '1m', start: '2026-01-02T03:04:00', open: 100,
                high: close + 1, low: close - 1, close, price: close, volume: sent, change_percent: 0.1 };
            pipe.stdin.write(`PUBLISH ${topics[sent % topics.length]} '${JSON.stringify(bar)}'\n`);
        }
    }
    pipe.stdin.end();
    await once(pipe, 'close');
}

/** What redis-cli answers to this command. */
async function call(port, words) {
    const args = ['-h', LOCAL, '-p', port, ...words];
    const { stdout } = await promisify(execFile)('redis-cli', args, { timeout: START_MS });
    return stdout.trim();
}

/** One child process, everything it said, and its end. */
class Program {
    #child;
    #ended;
    #name;
    #said = '';
    #listeners = new Set();

    constructor(path, args) {
        this.#name = path;
        this.#child = spawn(path, args.map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
        this.#ended = new Promise((resolve) => {
            this.#child.on('error', (error) => resolve(error.message));
            this.#child.on('close', (code, signal) => resolve(code ?? signal));
        });
        for (const stream of [this.#child.stdout, this.#child.stderr]) {
            createInterface({ input: stream }).on('line', (line) => this.#hear(line));
        }
        process.on('exit', () => this.#child.kill('SIGKILL'));
    }

    #hear(line) {
        this.#said += `${line}\n`;
        this.#listeners.forEach((listener) => listener());
    }

    /** Waits until its output matches; gives the match. */
    says(pattern) {
        return new Promise((resolve, reject) => {
            const fail = (why) => reject(new Error(`${this.#name}: ${why}, no ${pattern}`));
            const timer = setTimeout(() => fail('too slow'), START_MS);
            const look = () => {
                const match = pattern.exec(this.#said);
                if (match) {
                    clearTimeout(timer);
                    this.#listeners.delete(look);
                    resolve(match);
                }
            };
            this.#listeners.add(look);
            this.#ended.then((how) => {
                clearTimeout(timer);
                fail(`ended (${how})`);
            });
            look();
        });
    }

    /** Asks it to end, then makes it; gives its exit status and what it said. */
    async stop(signal = 'SIGTERM') {
        this.#child.kill(signal);
        const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
        const status = await this.#ended;
        clearTimeout(timer);
        return { status, said: this.#said };
    }
}

// stack.js — a private redis-server and one gateway, on free ports, from start to end.
// SPDX-License-Identifier: MIT
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const START_MS = 10_000;
const STOP_MS = 5_000;
const LOCAL = '127.0.0.1';

/** Starts both, or neither. `stop` ends them and gives the gateway's exit status and log. */
export async function startStack(chronogate) {
    const programs = [];
    const start = (...what) => programs[programs.push(new Program(...what)) - 1];
    const stop = async () => {
        const ends = await Promise.all(programs.map((program) => program.stop()));
        return ends[1];
    };
    try {
        const port = await freePort();
        const redis = start('redis-server', [
            ...['--port', port, '--bind', LOCAL, '--dir', tmpdir()],
            ...['--save', '', '--appendonly', 'no'],
        ]);
        await redis.says(/Ready to accept connections/);
        const gateway = start(chronogate, [
            ...['--listen', `${LOCAL}:0`, '--admin', `${LOCAL}:0`, '--console', `${LOCAL}:0`],
            ...['--redis', `redis://${LOCAL}:${port}`],
            ...['--drain-delay-ms', '0', '--drain-spread-ms', '0'],
        ]);
        const [api, admin, page] = await addresses(gateway, ['api', 'admin', 'console']);
        await ready(`http://${admin}/readyz`);
        return {
            api: `ws://${api}/api/v1/ws/`,
            console: `http://${page}`,
            publish: (...what) => publish(port, ...what),
            stopGateway: () => gateway.stop(),
            stop,
        };
    } catch (error) {
        const gateway = await stop();
        throw new Error(`${error.message}\n${gateway?.said ?? ''}`, { cause: error });
    }
}

function addresses(gateway, roles) {
    return Promise.all(roles.map(async (role) => {
        const [, address] = await gateway.says(new RegExp(`address=(\\S+) role=${role}$`, 'm'));
        return address;
    }));
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
    const args = ['-h', LOCAL, '-p', port, 'PUBLISH', topic, JSON.stringify(payload)];
    for (let tries = 0; tries < 50; tries += 1) {
        const { stdout } = await promisify(execFile)('redis-cli', args, { timeout: START_MS });
        if (Number(stdout) >= subscribers) {
            return;
        }
        await sleep(50);
    }
    throw new Error(`nobody subscribed to ${topic}`);
}

/** A free port: nothing else takes it in the moment before redis-server does, we trust. */
async function freePort() {
    const server = createServer().listen(0, LOCAL);
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    return port;
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
    async stop() {
        this.#child.kill('SIGTERM');
        const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
        const status = await this.#ended;
        clearTimeout(timer);
        return { status, said: this.#said };
    }
}

// redis.js — one connection to Redis, and a feed that publishes running numbers over it.
// SPDX-License-Identifier: MIT
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Commands are pipelined; each gives a promise of its answer. */
export class Redis {
    #socket;
    #waiting = [];
    #bytes = Buffer.alloc(0);

    static async open(port) {
        const redis = new Redis();
        redis.#socket = connect(port, '127.0.0.1');
        redis.#socket.on('data', (bytes) => redis.#hear(bytes));
        redis.#socket.on('close', () => redis.#fail(new Error('Redis has gone')));
        redis.#socket.on('error', () => {});
        await once(redis.#socket, 'connect');
        return redis;
    }

    call(...words) {
        const parts = words.map((word) => {
            const text = String(word);
            return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
        });
        this.#socket.write(`*${words.length}\r\n${parts.join('')}`);
        return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    }

    close() {
        this.#socket.destroy();
    }

    #fail(error) {
        this.#waiting.splice(0).forEach(({ reject }) => reject(error));
    }

    #hear(bytes) {
        this.#bytes = Buffer.concat([this.#bytes, bytes]);
        for (let reply; (reply = parse(this.#bytes, 0)); ) {
            this.#bytes = this.#bytes.subarray(reply.end);
            const { resolve, reject } = this.#waiting.shift();
            reply.value instanceof Error ? reject(reply.value) : resolve(reply.value);
        }
    }
}

/** One reply and where it ends, or undefined if it is not complete. */
function parse(bytes, at) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) {
        return undefined;
    }
    const text = bytes.toString('utf8', at + 1, line);
    const kind = String.fromCharCode(bytes[at]);
    let end = line + 2;
    if (kind === '$' && text !== '-1') {
        const length = Number(text);
        return bytes.length < end + length + 2 ? undefined
            : { value: bytes.toString('utf8', end, end + length), end: end + length + 2 };
    }
    if (kind === '*') {
        const value = [];
        for (let i = 0; i < Number(text); i += 1) {
            const item = parse(bytes, end);
            if (!item) {
                return undefined;
            }
            value.push(item.value);
            end = item.end;
        }
        return { value, end };
    }
    const simple = { '-': () => new Error(text), ':': () => Number(text), $: () => null };
    return { value: (simple[kind] ?? (() => text))(), end };
}

/** Publishes {"n":0}, {"n":1}, … on each topic, and knows their ids. */
export class Feed {
    ids = new Map();
    #redis;
    #history;
    #running = false;
    #flow;

    constructor(redis, history = 10_000) {
        this.#redis = redis;
        this.#history = history;
    }

    /** One message on each topic; they are in their histories when this is over. */
    async publish(...topics) {
        await Promise.all(topics.map(async (topic) => {
            const ids = this.ids.get(topic) ?? [];
            this.ids.set(topic, ids);
            const n = ids.push(undefined) - 1;
            const payload = JSON.stringify({ n });
            ids[n] = await this.#redis.call(
                'FCALL', 'chrono_publish', 1, topic, payload, this.#history);
        }));
    }

    /** Goes on publishing on all of them until stop(). */
    start(topics) {
        this.#running = true;
        this.#flow = (async () => {
            while (this.#running) {
                await this.publish(...topics);
                await sleep(5);
            }
        })();
    }

    async stop() {
        this.#running = false;
        await this.#flow;
    }
}

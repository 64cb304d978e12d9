// client.js — a client that keeps what it was told and what went over its wire.
// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import Socket from 'ws';
import { connect } from '../../gateway/console/chronogate.js';
import { until } from './stack.js';

const ACK = /^{"type":"(un)?subscribe_ack","topic":"([^"]+)"/;
const QUICK = { minBackoffMs: 40, maxBackoffMs: 400, connectTimeoutMs: 1000 };

export const names = (prefix, count) =>
    Array.from({ length: count }, (_, i) => `stock.${prefix}${i}.1m`);

export const numbers = (messages) => messages.map(({ data }) => data.n);

export const isLive = (gate) => until(() => gate.state === 'live', 'it is live');

/** Connects; `heard` are the events, `wire` what was sent and the topics that are held. */
export function open(t, url, options = {}) {
    const wire = { sent: [], held: new Set(), heartbeats: 0 };
    class WebSocket extends Socket {
        constructor(...what) {
            super(...what);
            wire.held.clear();
            this.on('message', (text) => {
                wire.heartbeats += String(text).startsWith('{"type":"heartbeat"') ? 1 : 0;
                const [, change, topic] = ACK.exec(text) ?? [];
                if (topic) {
                    wire.held[change ? 'delete' : 'add'](topic);
                }
            });
        }

        send(text) {
            wire.sent.push(JSON.parse(text));
            super.send(text);
        }
    }
    const gate = connect(url, { WebSocket, ...QUICK, ...options });
    const heard = { state: [], error: [], gap: [], recovered: [], conflated: [],
        retry: [] };
    Object.keys(heard).forEach((event) => gate.on(event, (what) => heard[event].push(what)));
    t.after(() => gate.close());
    return { gate, heard, wire };
}

/** Subscribes to them all; gives each topic's messages. */
export function collect(gate, topics, options) {
    const got = new Map(topics.map((topic) => [topic, []]));
    topics.forEach((topic) =>
        gate.subscribe(topic, (message) => got.get(topic).push(message), options));
    return got;
}

/** Everything that was published came once and in order, from the first message that came. */
export async function checkWhole(feed, got) {
    for (const [topic, messages] of got) {
        const ids = feed.ids.get(topic);
        await until(() => messages.at(-1)?.id === ids.at(-1), `${topic} is at its end`);
        assert.deepEqual(messages.map(({ id }) => id), ids.slice(messages[0].data.n), topic);
    }
}

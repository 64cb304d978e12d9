// quote.js — what is known of one topic: its price and where that went, its pace, its bars.
// SPDX-License-Identifier: MIT
import { Series } from './series.js';

const WINDOW_S = 5; // the rate is the mean of so many seconds
const TRAIL = 120;
const SKEWED_MS = 60_000; // clocks this far apart say nothing about latency

export class Quote {
    price = undefined;
    direction = 0; // of the last change: 1 up, -1 down
    changePercent = undefined;
    latencyMs = undefined;
    rate = 0; // messages per second
    messages = 0;
    error = ''; // why it is refused
    trail = []; // the last prices
    #seen = [];

    constructor(topic) {
        this.topic = topic;
        const parts = topic.split('.');
        this.type = parts[0];
        this.interval = parts.length > 2 ? parts.at(-1) : '';
        this.symbol = parts.slice(1, parts.length > 2 ? -1 : undefined).join('.') || topic;
        this.series = new Series(this.interval);
    }

    /** The same symbol at another interval. */
    at(interval) {
        return `${this.type}.${this.symbol}.${interval}`;
    }

    /** Markets have none. */
    get hasBars() {
        return this.type !== 'market' && this.interval !== '';
    }

    /** Takes a message; returns the bar that changed, if one did. */
    take({ data, id, snapshot, timestamp }) {
        const before = this.price;
        this.error = '';
        this.messages += 1;
        const bar = this.series.take(data);
        if (bar) {
            this.price = this.series.last.close;
            this.trail.push(this.price);
            this.trail.splice(0, this.trail.length - TRAIL);
        }
        if (before !== undefined && this.price !== before) {
            this.direction = Math.sign(this.price - before);
        }
        if (Number.isFinite(data?.change_percent)) {
            this.changePercent = data.change_percent;
        }
        if (!snapshot) {
            this.#measure(id ? Number(id.split('-')[0]) : Date.parse(`${timestamp}Z`));
        }
        return bar;
    }

    /** What a small chart shows: closes, or while there are few bars the last prices. */
    get line() {
        const { bars } = this.series;
        return bars.length < 20 ? this.trail : bars.map(({ close }) => close);
    }

    /** Once a second: the rate moves on. */
    tick() {
        this.#seen.push(this.messages);
        const span = this.#seen.length - 1;
        this.rate = span > 0 ? (this.messages - this.#seen[0]) / span : 0;
        if (span >= WINDOW_S) {
            this.#seen.shift();
        }
    }

    /** From its publication, by Redis's clock, until now by ours; smoothed. */
    #measure(publishedAt) {
        const ms = Date.now() - publishedAt;
        if (Math.abs(ms) > SKEWED_MS) {
            this.latencyMs = undefined;
        } else {
            this.latencyMs = 0.8 * (this.latencyMs ?? ms) + 0.2 * Math.max(0, ms);
        }
    }
}

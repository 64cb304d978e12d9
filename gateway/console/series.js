// series.js — one topic's bars: the newest thousand, in the order of time.
// SPDX-License-Identifier: MIT

const MINUTE = 60;
const SECONDS = {
    '1m': MINUTE, '5m': 5 * MINUTE, '15m': 15 * MINUTE, '30m': 30 * MINUTE,
    '1h': 60 * MINUTE, '4h': 240 * MINUTE, '1d': 1440 * MINUTE, '1w': 10080 * MINUTE,
    '1M': 43200 * MINUTE, summary: MINUTE,
};
const LIMIT = 1000;
const MAX_DIGITS = 8;

export class Series {
    bars = []; // { time (seconds, UTC), open, high, low, close, volume }
    digits = 2; // behind the point
    #seconds;

    constructor(interval) {
        this.#seconds = SECONDS[interval] ?? MINUTE;
    }

    get last() {
        return this.bars.at(-1);
    }

    /**
     * Takes what a message says. A feed that tells prices only gets its bars made here.
     * Returns the bar that changed, or undefined if there was no price.
     */
    take(data) {
        const close = [data?.close, data?.price, data?.index_value].find(Number.isFinite);
        if (close === undefined) {
            return undefined;
        }
        this.#countDigits(close);
        const bar = isBar({ ...data, close }) ? this.#told(data, close) : this.#made(data, close);
        this.#put(bar);
        return bar;
    }

    /** Takes closed bars. Nothing comes after the last message of a bar, so they are right. */
    fill(closed) {
        const told = closed.filter(isBar).map((data) => this.#told(data, data.close));
        told.forEach(({ close }) => this.#countDigits(close));
        const byTime = new Map([...this.bars, ...told].map((bar) => [bar.time, bar]));
        this.bars = [...byTime.values()].sort((a, b) => a.time - b.time).slice(-LIMIT);
    }

    #told({ start, open, high, low, volume }, close) {
        return { time: seconds(start), open, high, low, close, volume: amount(volume) };
    }

    #made({ timestamp, volume }, close) {
        const now = seconds(timestamp) || Math.floor(Date.now() / 1000);
        const time = now - (now % this.#seconds);
        const { last } = this;
        const known = last?.time === time ? last : { open: close, high: close, low: close };
        const [high, low] = [Math.max(known.high, close), Math.min(known.low, close)];
        return { time, open: known.open, high, low, close, volume: amount(volume) };
    }

    #put(bar) {
        const { bars } = this;
        let at = bars.length;
        while (at > 0 && bars[at - 1].time > bar.time) {
            at -= 1; // a correction of an older bar
        }
        const isKnown = at > 0 && bars[at - 1].time === bar.time;
        bars.splice(isKnown ? at - 1 : at, isKnown ? 1 : 0, bar);
        if (bars.length > LIMIT) {
            bars.shift();
        }
    }

    #countDigits(price) {
        const digits = /\.(\d+)$/.exec(String(price))?.[1].length ?? 0;
        this.digits = Math.min(MAX_DIGITS, Math.max(this.digits, digits));
    }
}

function isBar(data) {
    const prices = [data?.open, data?.high, data?.low, data?.close];
    return prices.every(Number.isFinite) && seconds(data.start) !== 0;
}

/** Feeds say what they like, an object too, which `Number()` may throw at. */
function amount(volume) {
    return typeof volume === 'object' ? 0 : Number(volume) || 0;
}

/** `2025-09-22T05:16:00`, which is UTC, in seconds; 0 if it is no such thing. */
function seconds(stamp) {
    const ms = typeof stamp === 'string' ? Date.parse(`${stamp.slice(0, 23)}Z`) : NaN;
    return Number.isFinite(ms) ? Math.floor(ms / 1000) : 0;
}

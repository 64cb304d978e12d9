// picker.js — the form that makes a topic: type, symbol, interval, with what is fed suggested.
// SPDX-License-Identifier: MIT
import { make, page } from './dom.js';

export const INTERVALS = ['1m', '5m', '15m', '30m', '1h', '4h', '1d', '1w', '1M'];
const PAGE_TOPICS = 1000;
const MAX_PAGES = 10;
const MAX_TRIES = 8;
const AGAIN_MS = 200;
const KNOWN = { // of the walk, which is fed where nothing else is
    stock: ['AAPL', 'MSFT', 'GOOGL', 'AMZN', 'NVDA', 'META', 'TSLA', 'BRK.B', 'JPM', 'V', 'KO', 'IBM',
        '600519.SH', '601318.SH', '600036.SH', '000001.SZ', '000858.SZ', '300750.SZ', '0700.HK',
        '9988.HK', '0005.HK'],
    crypto: ['BTC', 'ETH', 'SOL', 'XRP', 'DOGE', 'BTC-USDT', 'ETH-USDT'],
    futures: ['CL', 'ES=F', 'NQ=F', 'IF2412'],
    options: ['AAPL250117C00150000', 'AAPL250117P00200000', 'SPY250117C00600000',
        'TSLA250117C00300000'],
    commodity: ['GOLD', 'SILVER', 'COPPER', 'NATGAS', 'BRENT', 'WHEAT'],
    market: ['US', 'CN', 'HK', 'CRYPTO', 'FUTURES', 'OPTIONS', 'COMMODITY'],
};

/** What the gateway says is being fed; undefined if it does not say. */
export async function fetchTopics() {
    for (let tries = 1; ; tries += 1) {
        const list = await fetchPages();
        if (list === undefined || list.isComplete || tries === MAX_TRIES) {
            return list?.topics;
        }
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
}

/** All there are now; the gateway may still be looking for more. */
async function fetchPages() {
    const topics = [];
    let isComplete = true;
    try {
        for (let after = null, pages = 0; pages < MAX_PAGES; pages += 1) {
            const query = new URLSearchParams({ limit: PAGE_TOPICS, ...(after && { after }) });
            const response = await fetch(`/api/v1/topics?${query}`);
            if (!response.ok) {
                return undefined;
            }
            const { topics: some, next, complete } = await response.json();
            isComplete &&= complete !== false;
            topics.push(...some);
            after = next;
            if (!after) {
                break;
            }
        }
    } catch {
        return undefined;
    }
    return { topics, isComplete };
}

export class Picker {
    #symbols = new Map(Object.entries(KNOWN).map(([type, some]) => [type, new Set(some)]));
    #suggested = ''; // the topics, as one text

    constructor() {
        page.interval.append(...INTERVALS.map((one) => make('option', { value: one }, one)));
        const onPart = () => this.#compose();
        page.type.addEventListener('change', onPart);
        page.symbol.addEventListener('input', onPart);
        page.interval.addEventListener('change', onPart);
        page.topic.addEventListener('input', () => this.#takeApart());
        this.#takeApart();
    }

    /** These are fed, and so are suggested. */
    suggest(topics) {
        const suggested = topics.join();
        if (suggested === this.#suggested) {
            return;
        }
        this.#suggested = suggested;
        if (topics.length > 0) {
            this.#symbols.forEach((symbols) => symbols.clear());
        }
        for (const topic of topics) {
            const [, type, symbol] = /^([^.]+)\.(.+)\.[^.]+$/.exec(topic) ?? [];
            this.#symbols.get(type)?.add(symbol);
        }
        page.topics.replaceChildren(
            ...topics.slice(0, PAGE_TOPICS).map((value) => make('option', { value })));
        this.#offer();
    }

    /** The markets there are summaries of. */
    get markets() {
        return [...this.#symbols.get('market')];
    }

    #compose() {
        const isMarket = page.type.value === 'market';
        const interval = isMarket ? 'summary' : page.interval.value;
        page.interval.disabled = isMarket;
        page.topic.value = `${page.type.value}.${page.symbol.value}.${interval}`;
        this.#offer();
    }

    #takeApart() {
        const [, type, symbol, interval] = /^([^.]+)\.(.+)\.([^.]+)$/.exec(page.topic.value) ?? [];
        if (this.#symbols.has(type)) {
            page.type.value = type;
            page.symbol.value = symbol;
            page.interval.disabled = type === 'market';
            if (INTERVALS.includes(interval)) {
                page.interval.value = interval;
            }
        }
        this.#offer();
    }

    #offer() {
        const symbols = [...this.#symbols.get(page.type.value)].slice(0, PAGE_TOPICS);
        page.symbols.replaceChildren(...symbols.map((value) => make('option', { value })));
    }
}

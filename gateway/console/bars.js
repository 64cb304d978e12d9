// bars.js — a topic's closed bars, asked of the gateway: what a chart begins with.
// SPDX-License-Identifier: MIT
//
// One topic after the other, so that a page with many is no crowd. What cannot be had now is
// left: charts then begin with what comes.

const LIMIT = 300; // of bars, as many as feeders keep
const MAX_TRIES = 3;
const AGAIN_MS = 1500;
const MAX_WAIT_MS = 10_000;

/** The bars of one topic, the oldest first; undefined if there are none to be had. */
export async function fetchBars(server, topic, limit = LIMIT) {
    const url = new URL(server);
    url.protocol = url.protocol.replace('ws', 'http');
    url.pathname = url.pathname.replace(/\/(api\/v1\/ws\/*)?$/, '/api/v1/bars');
    url.search = new URLSearchParams({ topic, limit });
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
        try {
            const response = await fetch(url, { signal: AbortSignal.timeout(MAX_WAIT_MS) });
            if (response.ok) {
                return (await response.json()).bars;
            }
            if (response.status !== 503) {
                return undefined;
            }
        } catch {
            return undefined;
        }
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
    return undefined;
}

/** Fills quotes with their closed bars, and says when one is. */
export class Backfill {
    #server;
    #wanted = new Set();
    #isBusy = false;
    #filled;

    constructor(filled) {
        this.#filled = filled;
    }

    /** They are asked of this server from now on. */
    attach(server) {
        this.#server = server;
        this.#wanted.clear();
    }

    /** Asks for the closed bars of these, the first of them first. */
    want(...quotes) {
        this.#wanted = new Set([...quotes.filter((quote) => quote?.hasBars), ...this.#wanted]);
        if (!this.#isBusy) {
            this.#work();
        }
    }

    async #work() {
        this.#isBusy = true;
        while (this.#wanted.size > 0) {
            const [quote] = this.#wanted;
            this.#wanted.delete(quote);
            const bars = await fetchBars(this.#server, quote.topic);
            if (bars?.length > 0) {
                quote.series.fill(bars);
                this.#filled(quote);
            }
        }
        this.#isBusy = false;
    }
}

// backfill.js — fills charts with the bars that were closed before the page was opened.
// SPDX-License-Identifier: MIT
//
// One topic after the other, so that a page with many is no crowd. What cannot be had now is
// left: such a chart begins with what comes.
import { fetchBars } from './bars.js';

export class Backfill {
    #server;
    #wanted = new Set();
    #isBusy = false;
    #filled;

    /** `filled(quote)` is told of each that has got some. */
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
            try {
                if (bars.length > 0) {
                    quote.series.fill(bars);
                    this.#filled(quote);
                }
            } catch (error) {
                console.warn(quote.topic, error); // the others are to get theirs
            }
        }
        this.#isBusy = false;
    }
}

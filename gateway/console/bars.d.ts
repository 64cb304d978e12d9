// bars.d.ts — what bars.js does.
// SPDX-License-Identifier: MIT

/** A bar as it was published; chronofeed's have these and more. */
export interface Bar {
    readonly symbol: string;
    readonly interval: string;
    /** Its beginning, UTC, as in 2025-09-22T05:16:00. */
    readonly start: string;
    readonly open: number;
    readonly high: number;
    readonly low: number;
    readonly close: number;
    readonly volume: number;
    readonly closed: true;
}

/**
 * The topic's newest closed bars, the oldest first: `limit` at most, 300 if it is left out. None
 * if they cannot be had; a gateway that is busy is asked three times. `server` is the address
 * that connect() takes. Subscribe first and ask then: the bar that is still open, and what is
 * closed meanwhile, come as messages, and `start` tells which bar is meant.
 */
export function fetchBars<Data = Bar>(server: string, topic: string,
    limit?: number): Promise<Data[]>;

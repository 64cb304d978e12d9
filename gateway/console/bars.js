// bars.js — a topic's closed bars, asked of a gateway: what a chart begins with.
// SPDX-License-Identifier: MIT

const LIMIT = 300; // of bars, as many as feeders keep
const MAX_TRIES = 3;
const AGAIN_MS = 1500;
const MAX_WAIT_MS = 10_000;

/** The bars, the oldest first; none if they cannot be had. `server` is what connect() takes. */
export async function fetchBars(server, topic, limit = LIMIT) {
    const url = new URL(server);
    url.protocol = url.protocol.replace('ws', 'http');
    url.pathname = url.pathname.replace(/\/(api\/v1\/ws\/*)?$/, '/api/v1/bars');
    url.search = new URLSearchParams({ topic, limit });
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
        try {
            const response = await fetch(url, { signal: AbortSignal.timeout(MAX_WAIT_MS) });
            if (response.ok) {
                const { bars } = await response.json();
                return Array.isArray(bars) ? bars : [];
            }
            if (response.status !== 503) {
                return [];
            }
        } catch {
            return [];
        }
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
    return [];
}

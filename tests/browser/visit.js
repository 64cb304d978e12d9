// visit.js — headless Chromium, and the console opened in it with an ear for complaints.
// SPDX-License-Identifier: MIT
import { chromium } from 'playwright-core';

export const WAIT_MS = 8_000;

export function launch() {
    return chromium.launch({
        executablePath: '/usr/bin/chromium',
        timeout: 20_000,
        args: [
            ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
            ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
        ],
    });
}

/**
 * Opens the stack's page; whatever it complains about or asks of other hosts is collected.
 * `first` is run in the page before its own program.
 */
export async function visit(browser, stack, { query = '', complaints, first = () => {}, ...options }) {
    const opened = await browser.newPage(options);
    opened.setDefaultTimeout(WAIT_MS);
    opened.on('pageerror', (error) => complaints.push(error.message));
    opened.on('console', (line) => {
        if (['error', 'warning'].includes(line.type())) {
            complaints.push(line.text());
        }
    });
    opened.on('request', (request) => {
        const { protocol, origin } = new URL(request.url());
        if (protocol !== 'data:' && ![stack.console, stack.http].includes(origin)) {
            complaints.push(`asked another host: ${request.url()}`);
        }
    });
    await opened.addInitScript(() =>
        addEventListener('securitypolicyviolation', (event) =>
            console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
    await opened.addInitScript(first);
    const response =
        await opened.goto(`${stack.console}/websocket-test?server=${stack.api}${query}`);
    await hasBegun(opened);
    return { opened, response };
}

/** The page's program runs, which on a busy machine may be after it is loaded. */
export function hasBegun(opened) {
    return opened.locator('body[data-state]').waitFor({ timeout: 15_000 });
}

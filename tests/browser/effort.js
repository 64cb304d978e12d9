// effort.js — what a page costs: frames shown, and the work of its main thread.
// SPDX-License-Identifier: MIT
//
// Work is CPU time, from Chromium's own trace, as the time on the clock tells of the other programs
// of the machine, too. Frames are compared with those of an empty page at the same time.
const TRACED = ['-*', 'devtools.timeline', 'disabled-by-default-devtools.timeline'];

/**
 * Watches the page for `ms`. Returns, per second, its frames, those possible (the empty page's)
 * and late ones (of more than 50 ms), and its share of what is possible.
 */
export async function countFrames(browser, page, ms) {
    const empty = await browser.newPage({ viewport: page.viewportSize() });
    const count = (one) => one.evaluate((time) => new Promise((resolve) => {
        const times = [];
        const step = (now) => {
            times.push(now);
            if (now - times[0] < time) {
                requestAnimationFrame(step);
            } else {
                const late = times.filter((at, index) => at - times[index - 1] > 50).length;
                const seconds = (now - times[0]) / 1000;
                resolve([(times.length - 1) / seconds, late / seconds]);
            }
        };
        requestAnimationFrame(step);
    }), ms);
    const [[frames, late], [possible]] = await Promise.all([count(page), count(empty)]);
    await empty.close();
    return { frames, possible, share: frames / possible, late };
}

/** Watches the page for `ms`. Returns { busy (ms per second), longest (task, in ms) }. */
export async function traceWork(browser, page, ms) {
    await browser.startTracing(page, { categories: TRACED });
    await page.waitForTimeout(ms);
    const { traceEvents: events } = JSON.parse(await browser.stopTracing());
    const frames = events.filter(({ name }) => name === 'TracingStartedInBrowser')
        .flatMap(({ args }) => args.data.frames);
    const { processId } = frames.find(({ url }) => url === page.url());
    const main = events.find(({ name, pid, args }) => name === 'thread_name' &&
        pid === processId && args.name === 'CrRendererMain');
    const tasks = events.filter(({ name, pid, tid, tdur }) =>
        name === 'RunTask' && pid === main.pid && tid === main.tid && tdur !== undefined)
        .map(({ tdur }) => tdur / 1000);
    const busy = tasks.reduce((sum, task) => sum + task, 0) / (ms / 1000);
    return { busy, longest: Math.max(...tasks) };
}

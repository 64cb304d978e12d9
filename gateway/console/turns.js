// turns.js — who draws in which frame: each part of the page at its own pace, one to a frame.
// SPDX-License-Identifier: MIT
//
// Messages only say that something has changed; drawing waits for a frame. With one part to a
// frame none is long, and the layout that one part makes is never thrown away by the next.

const waiting = new Set();
let timer;
let timerAt = Infinity;
let isFrameDue = false;

/** Gives a function that asks for `draw`: it is called in a frame, once for all who asked, and
 * no sooner than `everyMs` after the last time. */
export function inTurn(draw, everyMs) {
    const part = { draw, everyMs, dueAt: 0 };
    return () => {
        if (!waiting.has(part)) {
            waiting.add(part);
            schedule(performance.now());
        }
    };
}

function schedule(now) {
    if (isFrameDue || waiting.size === 0) {
        return;
    }
    const dueAt = Math.max(now, Math.min(...[...waiting].map((part) => part.dueAt)));
    if (dueAt < timerAt) {
        clearTimeout(timer);
        timerAt = dueAt;
        timer = setTimeout(onTimer, dueAt - now);
    }
}

function onTimer() {
    timerAt = Infinity;
    isFrameDue = true;
    requestAnimationFrame(onFrame);
}

/** Whoever has been due for longest draws. */
function onFrame() {
    isFrameDue = false;
    const now = performance.now();
    const [first] = [...waiting].sort((a, b) => a.dueAt - b.dueAt);
    waiting.delete(first);
    first.dueAt = now + first.everyMs;
    try {
        first.draw(now);
    } finally {
        schedule(performance.now());
    }
}

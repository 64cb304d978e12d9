// format.js — numbers and times as the page shows them.
// SPDX-License-Identifier: MIT

const two = (value) => String(Math.floor(value)).padStart(2, '0');
const formats = new Map();
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 2 });

/** With separators; `digits` behind the point. */
export function number(value, digits = 0) {
    if (!Number.isFinite(value)) {
        return '–';
    }
    if (!formats.has(digits)) {
        formats.set(digits, new Intl.NumberFormat('en-US',
            { minimumFractionDigits: digits, maximumFractionDigits: digits }));
    }
    return formats.get(digits).format(value);
}

/** With its sign, which is never left out. */
export function percent(value) {
    return Number.isFinite(value) ? `${value > 0 ? '+' : ''}${value.toFixed(2)}%` : '–';
}

export function milliseconds(value) {
    if (!Number.isFinite(value)) {
        return '–';
    }
    return value < 10 ? `${value.toFixed(1)} ms` : `${number(Math.round(value))} ms`;
}

export function duration(ms) {
    const seconds = Math.floor(ms / 1000);
    return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** The time of day, to the millisecond. */
export function clock(date) {
    const ms = String(date.getMilliseconds()).padStart(3, '0');
    return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

/** Large amounts in few characters: 1.2M. */
export function compact(value) {
    return Number.isFinite(value) ? short.format(value) : '–';
}

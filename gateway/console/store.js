// store.js — what the page remembers between visits; without storage it remembers nothing.
// SPDX-License-Identifier: MIT

const PREFIX = 'chronogate.';

export function recall(key, otherwise) {
    try {
        const text = localStorage.getItem(PREFIX + key);
        return text === null ? otherwise : JSON.parse(text);
    } catch {
        return otherwise;
    }
}

export function remember(key, value) {
    try {
        localStorage.setItem(PREFIX + key, JSON.stringify(value));
    } catch {
        // forbidden, or full
    }
}

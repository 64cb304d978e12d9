// banner.js — what whoever looks at prices must know: that they may be old, that some came late.
// SPDX-License-Identifier: MIT
//
// One notice of each kind; a notice stays until it is taken away, or for some seconds.
import { make, page } from './dom.js';
import { word } from './words.js';

const STAY_MS = 10_000;
const GRAVE = new Set(['stale', 'lost', 'drain']);

export class Banner {
    #notices = new Map(); // by kind

    /** Says it, or says it anew: the word `kind` with these values. */
    say(kind, values = [], { forMs = GRAVE.has(kind) ? 0 : STAY_MS } = {}) {
        const notice = this.#notices.get(kind) ?? this.#build(kind);
        clearTimeout(notice.timer);
        notice.values = values;
        notice.draw();
        notice.timer = forMs > 0 ? setTimeout(() => this.take(kind), forMs) : undefined;
    }

    take(...kinds) {
        for (const kind of kinds) {
            const notice = this.#notices.get(kind);
            clearTimeout(notice?.timer);
            notice?.element.remove();
            this.#notices.delete(kind);
        }
    }

    translate() {
        this.#notices.forEach((notice) => notice.draw());
    }

    #build(kind) {
        const text = make('span');
        const close = make('button', { type: 'button' }, '×');
        close.addEventListener('click', () => this.take(kind));
        const element = make('p', { className: 'notice', data: { kind } }, text, close);
        const notice = { element, values: [] };
        notice.draw = () => {
            text.textContent = word(`notice.${kind}`, ...notice.values);
            close.setAttribute('aria-label', word('dismiss'));
        };
        this.#notices.set(kind, notice);
        (GRAVE.has(kind) ? page.alerts : page.notices).append(element);
        return notice;
    }
}

// log.js — the message log: a bounded list of rows, newest last, drawn five times per second.
// SPDX-License-Identifier: MIT
//
// What is kept and what waits (to be drawn, or for the end of a pause) are each at
// most `limit` messages; beyond that the oldest go. Text becomes text nodes, never markup.
// The page has rows for a part of it only, as thousands would slow it down: the newest, as long
// as the end is in view. Whoever scrolls up is left alone and gets the older ones as they come
// into view; back at the end is back at the newest.
import { clock } from './format.js';
import { inTurn } from './turns.js';
import { word } from './words.js';

const MAX_CHARACTERS = 4096;
const NEAR_END_PX = 32;
const DRAW_MS = 200;
const ROW_PX = 19; // no row is lower
const SPARE_ROWS = 8; // above what is in view, for the first step up
const OLDER_ROWS = 120;

export class Log {
    #list;
    #limit;
    #kept = [];
    #waiting = [];
    #shown = []; // those of the kept that have rows, in the order of these
    #room = 60; // for so many rows
    #follows = true; // the end is in view
    #behind = 0; // how many came while it was not
    #paused = false;
    #matches = () => true;
    #redraw = inTurn(() => this.#draw(), DRAW_MS);

    constructor(list, limit = 2000) {
        this.#list = list;
        this.#limit = limit;
        list.addEventListener('scroll', () => this.#onScroll(), { passive: true });
        new ResizeObserver(([{ contentRect }]) => this.#fit(contentRect.height)).observe(list);
    }

    /** Adds a message: direction is 'in', 'out' or 'note', type the message's own. */
    add(direction, type, text) {
        this.#waiting.push({ at: new Date(), direction, type, text: cut(text) });
        if (this.#waiting.length > this.#limit) {
            this.#waiting.shift();
        }
        if (!this.#paused) {
            this.#redraw();
        }
    }

    /** How many messages wait to be seen: for the end of a pause, or for the end to be in view. */
    get unseen() {
        return this.#paused ? this.#waiting.length : this.#behind;
    }

    get paused() {
        return this.#paused;
    }

    set paused(paused) {
        this.#paused = paused;
        this.#redraw();
    }

    /** Shows only what contains every word of the text, in whatever case. */
    filter(text) {
        const words = text.toLowerCase().split(/\s+/).filter(Boolean);
        this.#matches = ({ direction, type, text: all }) => {
            const line = `${direction} ${type} ${all}`.toLowerCase();
            return words.every((one) => line.includes(one));
        };
        this.#showNewest();
    }

    /** What is shown, as lines of text. */
    get text() {
        return this.#kept.filter(this.#matches)
            .map(({ at, direction, type, text }) => `${clock(at)}\t${direction}\t${type}\t${text}\n`)
            .join('');
    }

    clear() {
        this.#waiting = [];
        this.#kept = [];
        this.#showNewest();
    }

    #fit(height) {
        this.#room = Math.ceil(height / ROW_PX) + SPARE_ROWS;
        if (this.#follows) {
            this.#showNewest();
        }
    }

    #draw() {
        if (this.#paused) {
            return;
        }
        const added = this.#waiting.filter(this.#matches);
        this.#kept.push(...this.#waiting);
        this.#kept.splice(0, this.#kept.length - this.#limit);
        this.#waiting = [];
        if (this.#follows) {
            this.#append(added);
        } else {
            this.#behind += added.length;
        }
    }

    #showNewest() {
        this.#list.replaceChildren();
        this.#shown = [];
        this.#follows = true;
        this.#behind = 0;
        this.#append(this.#kept.filter(this.#matches));
    }

    /** New rows at the end, which is in view and stays there. */
    #append(messages) {
        const list = this.#list;
        const room = Math.min(this.#room, this.#limit);
        const added = messages.slice(-room);
        if (added.length === 0) {
            return;
        }
        this.#shown.push(...added);
        for (const _ of this.#shown.splice(0, this.#shown.length - room)) {
            list.firstElementChild?.remove();
        }
        list.append(...added.map(row));
        list.scrollTop = list.scrollHeight;
    }

    /** More rows above, as the first one is near. */
    #prepend() {
        const list = this.#list;
        const end = Math.max(0, this.#kept.indexOf(this.#shown[0]));
        const older = this.#kept.slice(0, end).filter(this.#matches).slice(-OLDER_ROWS);
        if (older.length > 0) {
            const below = list.scrollHeight - list.scrollTop;
            this.#shown.unshift(...older);
            list.prepend(...older.map(row));
            list.scrollTop = list.scrollHeight - below;
        }
    }

    #onScroll() {
        const { scrollTop, scrollHeight, clientHeight } = this.#list;
        const isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
        if (isAtEnd && !this.#follows) {
            this.#showNewest();
        } else if (!isAtEnd && scrollTop < clientHeight) {
            this.#prepend();
        }
        this.#follows = isAtEnd;
    }
}

function row({ at, direction, type, text }) {
    const item = document.createElement('li');
    item.dataset.direction = direction;
    item.dataset.type = type;
    const way = cell('span', word(direction));
    way.dataset.word = direction;
    item.append(cell('time', clock(at)), way, cell('b', type), cell('code', text));
    return item;
}

function cell(name, text) {
    const element = document.createElement(name);
    element.textContent = text;
    return element;
}

function cut(text) {
    const more = text.length - MAX_CHARACTERS;
    return more > 0 ? text.slice(0, MAX_CHARACTERS) + word('cut', more) : text;
}

// log.js — the message log: a bounded list of rows, newest last, drawn ten times per second.
// SPDX-License-Identifier: MIT
//
// What is kept and what waits (to be drawn, or for the end of a pause) are each at
// most `limit` messages; beyond that the oldest go. Text becomes text nodes, never markup.
// As long as the end is in view only the last rows are in the page, which thousands would slow
// down; whoever scrolls up gets the older ones as they come into view.
import { clock } from './format.js';
import { word } from './words.js';

const MAX_CHARACTERS = 4096;
const NEAR_END_PX = 32;
const DRAW_MS = 100;
const SHOWN = 120;

export class Log {
    #list;
    #limit;
    #kept = [];
    #waiting = [];
    #paused = false;
    #scheduled = false;
    #matches = () => true;

    constructor(list, limit = 2000) {
        this.#list = list;
        this.#limit = limit;
        list.addEventListener('scroll', () => this.#reachBack(), { passive: true });
    }

    /** Adds a message: direction is 'in', 'out' or 'note', type the message's own. */
    add(direction, type, text) {
        this.#waiting.push({ time: clock(new Date()), direction, type, text: cut(text) });
        if (this.#waiting.length > this.#limit) {
            this.#waiting.shift();
        }
        this.#schedule();
    }

    /** How many rows a pause holds back. */
    get heldBack() {
        return this.#paused ? this.#waiting.length : 0;
    }

    get paused() {
        return this.#paused;
    }

    set paused(paused) {
        this.#paused = paused;
        this.#schedule();
    }

    /** Shows only what contains every word of the text, in whatever case. */
    filter(text) {
        const words = text.toLowerCase().split(/\s+/).filter(Boolean);
        this.#matches = ({ direction, type, text: all }) => {
            const line = `${direction} ${type} ${all}`.toLowerCase();
            return words.every((one) => line.includes(one));
        };
        this.#list.replaceChildren(...this.#kept.filter(this.#matches).slice(-SHOWN).map(row));
        this.#list.scrollTop = this.#list.scrollHeight;
    }

    /** What is shown, as lines of text. */
    get text() {
        return this.#kept.filter(this.#matches)
            .map(({ time, direction, type, text }) => `${time}\t${direction}\t${type}\t${text}\n`)
            .join('');
    }

    clear() {
        this.#waiting = [];
        this.#kept = [];
        this.#list.replaceChildren();
    }

    #schedule() {
        if (!this.#scheduled && !this.#paused) {
            this.#scheduled = true;
            setTimeout(() => requestAnimationFrame(() => this.#draw()), DRAW_MS);
        }
    }

    #draw() {
        this.#scheduled = false;
        if (this.#paused) {
            return;
        }
        const list = this.#list;
        const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PX;
        const rows = this.#waiting.filter(this.#matches).slice(isAtEnd ? -SHOWN : 0);
        const limit = isAtEnd ? Math.min(SHOWN, this.#limit) : this.#limit;
        for (let over = list.childElementCount + rows.length - limit; over > 0; over -= 1) {
            list.firstElementChild?.remove();
        }
        list.append(...rows.map(row));
        this.#kept.push(...this.#waiting);
        this.#kept.splice(0, this.#kept.length - this.#limit);
        this.#waiting = [];
        if (isAtEnd) {
            list.scrollTop = list.scrollHeight;
        }
    }

    /** The top is near: rows from before it. */
    #reachBack() {
        const list = this.#list;
        if (list.scrollTop > list.clientHeight) {
            return;
        }
        const matching = this.#kept.filter(this.#matches);
        const end = Math.max(0, matching.length - list.childElementCount);
        const older = matching.slice(Math.max(0, end - SHOWN), end);
        if (older.length > 0) {
            const below = list.scrollHeight - list.scrollTop;
            list.prepend(...older.map(row));
            list.scrollTop = list.scrollHeight - below;
        }
    }
}

function row({ time, direction, type, text }) {
    const item = document.createElement('li');
    item.dataset.direction = direction;
    item.dataset.type = type;
    const way = cell('span', word(direction));
    way.dataset.word = direction;
    item.append(cell('time', time), way, cell('b', type), cell('code', text));
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

// log.js — the message log: a bounded list of rows, newest last, drawn once per frame.
// SPDX-License-Identifier: MIT
//
// What is kept and what waits (for the next frame, or for the end of a pause) are each at
// most `limit` messages; beyond that the oldest go. Text becomes text nodes, never markup.
import { clock } from './format.js';
import { word } from './words.js';

const MAX_CHARACTERS = 4096;
const NEAR_END_PX = 32;

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
        this.#list.replaceChildren(...this.#kept.filter(this.#matches).map(row));
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
            requestAnimationFrame(() => this.#draw());
        }
    }

    #draw() {
        this.#scheduled = false;
        if (this.#paused) {
            return;
        }
        const list = this.#list;
        const below = list.scrollHeight - list.scrollTop - list.clientHeight;
        list.append(...this.#waiting.filter(this.#matches).map(row));
        this.#kept.push(...this.#waiting);
        this.#kept.splice(0, this.#kept.length - this.#limit);
        this.#waiting = [];
        while (list.childElementCount > this.#limit) {
            list.firstElementChild.remove();
        }
        if (below < NEAR_END_PX) {
            list.scrollTop = list.scrollHeight;
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

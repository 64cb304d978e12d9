// log.js — the message log: a bounded list of rows, newest last, drawn once per frame.
// SPDX-License-Identifier: MIT
//
// What is shown and what waits (for the next frame, or for the end of a pause) are each at
// most `limit` rows; beyond that the oldest go. Text becomes text nodes, never markup.
import { word } from './words.js';

const MAX_CHARACTERS = 4096;
const NEAR_END_PX = 32;

export class Log {
    #list;
    #limit;
    #waiting = [];
    #paused = false;
    #scheduled = false;

    constructor(list, limit = 2000) {
        this.#list = list;
        this.#limit = limit;
    }

    /** Adds a row: direction is 'in', 'out' or 'note', type the message's own. */
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

    clear() {
        this.#waiting = [];
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
        list.append(...this.#waiting.map(row));
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
    item.append(cell('time', time), way, cell('b', type), breakable(cell('code', text)));
    return item;
}

/** Lets long JSON break after its commas; what is copied from it stays the same. */
function breakable(element) {
    const [first, ...rest] = element.textContent.split(/(?<=,)/);
    element.replaceChildren(first, ...rest.flatMap((part) => [cell('wbr', ''), part]));
    return element;
}

function cell(name, text) {
    const element = document.createElement(name);
    element.textContent = text;
    return element;
}

function clock(date) {
    const two = (number) => String(number).padStart(2, '0');
    const ms = String(date.getMilliseconds()).padStart(3, '0');
    return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

function cut(text) {
    const more = text.length - MAX_CHARACTERS;
    return more > 0 ? text.slice(0, MAX_CHARACTERS) + word('cut', more) : text;
}

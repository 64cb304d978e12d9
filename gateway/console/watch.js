// watch.js — the topics that are subscribed to: a live table, and a small chart of each.
// SPDX-License-Identifier: MIT
//
// Drawn eight times per second, which is calm and as fast as one reads, and only what changed:
// of many rows some in this turn and some in the next, so that none is long.
import { make, page, setData, setText } from './dom.js';
import { milliseconds, number, percent } from './format.js';
import { Quote } from './quote.js';
import { Spark } from './spark.js';
import { inTurn } from './turns.js';
import { word } from './words.js';

const DRAW_MS = 125;
const SPARK_MS = 500;
const MAX_FLASHES = 8; // at a time; more of them say nothing
const MAX_CARDS = 24;
const MAX_ROWS = 32; // in a turn

export class Watch {
    #rows = new Map(); // by topic
    #dirty = new Set();
    #flashing = new Set(); // rows whose prices have just changed
    #redraw = inTurn((now) => this.#draw(now), DRAW_MS);
    #gate = null;
    #events;
    #selected;

    /** `events` are told: asked(quote), selected(quote), changed(topics), updated(quote, bar),
     * failed(topic). */
    constructor(events) {
        this.#events = events;
    }

    get topics() {
        return [...this.#rows.keys()];
    }

    get quotes() {
        return [...this.#rows.values()].map((row) => row.quote);
    }

    get selected() {
        return this.#rows.get(this.#selected)?.quote;
    }

    /** Everything is asked of this connection from now on; null: of none. */
    attach(gate) {
        this.#gate = gate;
        this.#rows.forEach((row) => this.#ask(row));
    }

    add(topic) {
        if (this.#rows.has(topic)) {
            this.#ask(this.#rows.get(topic));
            return;
        }
        const row = { quote: new Quote(topic), leave: () => {}, drawn: 0, drawnAt: -SPARK_MS };
        this.#build(row);
        this.#rows.set(topic, row);
        page.watch.append(row.line);
        page.cards.append(row.card);
        this.#ask(row);
        this.#changed();
        this.select(this.#selected ?? topic);
    }

    remove(topic) {
        const row = this.#rows.get(topic);
        if (!row) {
            return;
        }
        row.leave();
        const hadFocus = row.line.contains(document.activeElement);
        const next = (row.line.nextElementSibling ?? row.line.previousElementSibling)
            ?.querySelector('button');
        row.line.remove();
        row.card.remove();
        this.#rows.delete(topic);
        if (hadFocus) {
            (next ?? page.topic).focus();
        }
        this.#changed();
        if (this.#selected === topic) {
            this.#selected = undefined;
            const [first] = this.#rows.keys();
            first ? this.select(first) : this.#events.selected(undefined);
        }
    }

    /** One topic takes the place of another, in the list and on the chart. */
    replace(topic, other) {
        const row = this.#rows.get(topic);
        if (topic === other || !row) {
            return;
        }
        const [line, card] = [row.line, row.card];
        this.add(other);
        const { line: newLine, card: newCard } = this.#rows.get(other);
        line.before(newLine);
        card.before(newCard);
        this.select(other);
        this.remove(topic);
    }

    select(topic) {
        if (!this.#rows.has(topic)) {
            return;
        }
        this.#selected = topic;
        for (const [name, { line, card }] of this.#rows) {
            line.toggleAttribute('data-selected', name === topic);
            line.querySelector('button').setAttribute('aria-pressed', String(name === topic));
            card.setAttribute('aria-pressed', String(name === topic));
        }
        this.#events.selected(this.selected);
    }

    /** Older bars have come. */
    fill(quote) {
        const row = this.#rows.get(quote.topic);
        if (row) {
            row.drawn = -1;
            this.#mark(row);
        }
    }

    /** Once a second: rates and latencies. */
    tick() {
        for (const row of this.#rows.values()) {
            row.quote.tick();
            row.ticked = true;
            this.#mark(row);
        }
    }

    translate() {
        for (const { quote, remove } of this.#rows.values()) {
            remove.title = word('unsubscribe');
            remove.setAttribute('aria-label', `${word('unsubscribe')} ${quote.topic}`);
        }
    }

    #ask(row) {
        const { quote } = row;
        row.leave();
        row.leave = () => {};
        if (!this.#gate) {
            return;
        }
        const onError = (error) => {
            quote.error = error.message;
            this.#mark(row);
            this.#events.failed(quote.topic, error);
        };
        this.#events.asked(quote);
        row.leave = this.#gate.subscribe(quote.topic, (message) => {
            const before = quote.price;
            const bar = quote.take(message);
            row.changed ||= before !== quote.price;
            this.#mark(row);
            if (bar) {
                this.#events.updated(quote, bar);
            }
        }, { onError });
    }

    #build(row) {
        const { quote } = row;
        const { topic, symbol, interval } = quote;
        const name = make('button', { type: 'button', className: 'name', title: topic },
            make('b', {}, symbol), ' ', make('small', {}, interval));
        name.addEventListener('click', () => this.select(topic));
        row.price = make('td', { className: 'price' });
        row.change = make('td', { className: 'change' });
        row.rate = make('td', { className: 'wide' });
        row.latency = make('td', { className: 'wide' });
        row.remove = make('button', { type: 'button', className: 'remove' }, '×');
        row.remove.addEventListener('click', () => this.remove(topic));
        row.line = make('tr', { data: { topic } }, make('th', { scope: 'row' }, name), row.price,
            row.change, row.rate, row.latency, make('td', {}, row.remove));
        row.spark = new Spark();
        row.cardPrice = make('span', { className: 'price' });
        row.cardChange = make('span', { className: 'change' });
        row.card = make('button', { type: 'button', className: 'card', title: topic, data: { topic } },
            make('b', {}, symbol),
            row.cardChange, row.cardPrice, row.spark.element);
        row.card.addEventListener('click', () => this.select(topic));
        row.remove.title = word('unsubscribe');
        row.remove.setAttribute('aria-label', `${word('unsubscribe')} ${topic}`);
        this.#drawRow(row, performance.now()); // so that its first price need not wait
    }

    #changed() {
        page.cards.hidden = this.#rows.size === 0;
        [...page.cards.children].forEach((card, index) => (card.hidden = index >= MAX_CARDS));
        this.#events.changed(this.topics);
    }

    #mark(row) {
        this.#dirty.add(row);
        this.#redraw();
    }

    #draw(now) {
        const rows = [...this.#dirty].slice(0, MAX_ROWS);
        rows.forEach((row) => this.#dirty.delete(row));
        this.#endFlashes();
        rows.forEach((row) => this.#drawRow(row, now));
        if (rows.length <= MAX_FLASHES) {
            rows.filter((row) => row.changed).forEach((row) => this.#flash(row));
        }
        rows.forEach((row) => (row.changed = false));
        if (this.#dirty.size > 0 || this.#flashing.size > 0) {
            this.#redraw();
        }
    }

    /** A price that has moved stands out until the next turn; a fading one is painted every frame. */
    #flash(row) {
        if (row.quote.direction !== 0) {
            row.price.toggleAttribute('data-flash', true);
            this.#flashing.add(row);
        }
    }

    #endFlashes() {
        this.#flashing.forEach((row) => row.price.toggleAttribute('data-flash', false));
        this.#flashing.clear();
    }

    #drawRow(row, now) {
        const { quote } = row;
        const { price, direction, series, changePercent, error } = quote;
        const arrow = { 1: '▲', 0: '', '-1': '▼' }[direction];
        const shown = error || number(price, series.digits);
        setText(row.price, error ? '!' : `${shown} ${arrow}`.trim());
        if (row.price.title !== error) {
            row.price.title = error;
        }
        setText(row.cardPrice, shown);
        setText(row.change, percent(changePercent));
        setText(row.cardChange, percent(changePercent));
        if (row.ticked) {
            row.ticked = false;
            setText(row.rate, number(quote.rate, quote.rate < 10 ? 1 : 0));
            setText(row.latency, milliseconds(quote.latencyMs));
        }
        setData(row.line, 'direction', direction);
        setData(row.card, 'direction', direction);
        setData(row.change, 'direction', Math.sign(changePercent || 0));
        setData(row.cardChange, 'direction', Math.sign(changePercent || 0));
        if (row.drawn !== quote.messages && !row.card.hidden && now - row.drawnAt > SPARK_MS) {
            row.drawn = quote.messages;
            row.drawnAt = now;
            row.spark.draw(quote.line);
        }
    }
}

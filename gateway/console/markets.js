// markets.js — a tile for each market there is a summary of.
// SPDX-License-Identifier: MIT
import { make, page, setData, setText } from './dom.js';
import { number, percent } from './format.js';
import { inTurn } from './turns.js';
import { word } from './words.js';

const DRAW_MS = 250;
const NAMES = ['US', 'CN', 'HK', 'CRYPTO', 'FUTURES', 'OPTIONS', 'COMMODITY'];

export class Markets {
    #tiles = new Map(); // by market
    #gate = null;
    #wanted = [];
    #on = true;
    #changed = new Map(); // what is not drawn yet, by tile
    #redraw = inTurn(() => this.#draw(), DRAW_MS);

    /** These markets have summaries; the first `NAMES` come first. */
    offer(markets) {
        const rank = (market) => (NAMES.indexOf(market) + NAMES.length) % NAMES.length;
        const wanted = [...markets].sort((a, b) => rank(a) - rank(b)).slice(0, 12);
        if (wanted.join() !== this.#wanted.join()) {
            this.#wanted = wanted;
            this.attach(this.#gate);
        }
    }

    set isOn(on) {
        this.#on = on;
        this.attach(this.#gate);
    }

    attach(gate) {
        this.#gate = gate;
        const wanted = this.#on ? this.#wanted : [];
        for (const [market, tile] of this.#tiles) {
            tile.leave();
            if (!wanted.includes(market)) {
                tile.element.remove();
                this.#tiles.delete(market);
            }
        }
        for (const market of wanted) {
            const tile = this.#tiles.get(market) ?? this.#build(market);
            this.#tiles.set(market, tile);
            tile.leave = gate?.subscribe(`market.${market}.summary`, ({ data }) => {
                this.#changed.set(tile, data);
                this.#redraw();
            }, { onError: () => {} }) ?? (() => {});
        }
        page.markets.hidden = page.markets.childElementCount === 0;
    }

    translate() {
        for (const [market, { name, index }] of this.#tiles) {
            setText(name, word(`market${market}`, market));
            name.title = index.title = `market.${market}.summary`;
        }
    }

    #build(market) {
        const [name, index, change, breadth] = [make('b'), make('span', { className: 'index' }),
            make('span', { className: 'change' }), make('small')];
        const bar = make('i', { className: 'breadth' });
        const element = make('li', { data: { market } }, name, index, change, breadth);
        breadth.before(bar);
        page.markets.append(element);
        setText(name, word(`market${market}`, market));
        setText(index, '–');
        return { element, name, index, change, breadth, bar, leave: () => {} };
    }

    #draw() {
        this.#changed.forEach((data, tile) => this.#drawTile(tile, data));
        this.#changed.clear();
    }

    #drawTile(tile, { index_value, change_percent, advancers, decliners }) {
        setText(tile.index, number(index_value, 2));
        setText(tile.change, percent(change_percent));
        setText(tile.breadth, Number.isFinite(advancers) ? `▲${advancers} ▼${decliners}` : '');
        tile.breadth.title = word('breadth', advancers, decliners);
        setData(tile.element, 'direction', Math.sign(change_percent || 0));
        const moved = advancers + decliners;
        tile.bar.style.setProperty('--share', moved > 0 ? `${(100 * advancers) / moved}%` : '50%');
    }
}

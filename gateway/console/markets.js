// markets.js — a tile for each market there is a summary of.
// SPDX-License-Identifier: MIT
import { make, page, setText } from './dom.js';
import { number, percent } from './format.js';
import { word } from './words.js';

const NAMES = ['US', 'CN', 'HK', 'CRYPTO', 'FUTURES', 'OPTIONS', 'COMMODITY'];

export class Markets {
    #tiles = new Map(); // by market
    #gate = null;
    #wanted = [];
    #on = true;

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
            tile.leave = gate?.subscribe(`market.${market}.summary`,
                ({ data }) => this.#draw(tile, data), { onError: () => {} }) ?? (() => {});
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

    #draw(tile, { index_value, change_percent, advancers, decliners }) {
        setText(tile.index, number(index_value, 2));
        setText(tile.change, percent(change_percent));
        setText(tile.breadth, Number.isFinite(advancers) ? `▲${advancers} ▼${decliners}` : '');
        tile.breadth.title = word('breadth', advancers, decliners);
        tile.element.dataset.direction = String(Math.sign(change_percent || 0));
        const moved = advancers + decliners;
        tile.bar.style.setProperty('--share', moved > 0 ? `${(100 * advancers) / moved}%` : '50%');
    }
}

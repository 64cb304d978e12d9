// spark.js — a small chart: the last closes of a topic as a line, in the colour of its text.
// SPDX-License-Identifier: MIT
//
// It is a drawing and no canvas: each canvas would be a layer, which every frame has to look after.
const SPACE = 'http://www.w3.org/2000/svg';
const POINTS = 60;
const WIDTH = 100;
const HEIGHT = 34;
const MARGIN = 3;

export class Spark {
    element = part('svg');
    #line = part('polyline');
    #area = part('polygon');

    constructor() {
        this.element.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
        this.element.setAttribute('preserveAspectRatio', 'none');
        this.element.setAttribute('aria-hidden', 'true');
        this.element.append(this.#area, this.#line);
    }

    draw(values) {
        const shown = values.slice(-POINTS);
        const [low, high] = [Math.min(...shown), Math.max(...shown)];
        const step = WIDTH / Math.max(1, shown.length - 1);
        const y = (value) => high === low ? HEIGHT / 2
            : MARGIN + ((high - value) / (high - low)) * (HEIGHT - 2 * MARGIN);
        const points = shown.map((value, index) =>
            `${(index * step).toFixed(1)},${y(value).toFixed(1)}`);
        if (shown.length === 1) {
            points.push(`${WIDTH},${y(shown[0])}`);
        }
        const line = points.join(' ');
        this.#line.setAttribute('points', line);
        this.#area.setAttribute('points', line && `${line} ${WIDTH},${HEIGHT} 0,${HEIGHT}`);
    }
}

function part(name) {
    return document.createElementNS(SPACE, name);
}

// spark.js — a small chart: the last closes of a topic as a line, in its own canvas.
// SPDX-License-Identifier: MIT

const POINTS = 60;
const MARGIN_PX = 3;

/** Draws the values into the canvas, as large as the canvas is shown. */
export function drawSpark(canvas, values, { line, fill }) {
    const ratio = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === 0) {
        return;
    }
    if (canvas.width !== Math.round(width * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const shown = values.slice(-POINTS);
    if (shown.length === 0) {
        return;
    }
    const [low, high] = [Math.min(...shown), Math.max(...shown)];
    const step = width / Math.max(1, shown.length - 1);
    const y = (value) => high === low ? height / 2
        : MARGIN_PX + ((high - value) / (high - low)) * (height - 2 * MARGIN_PX);
    context.beginPath();
    context.moveTo(0, y(shown[0]));
    shown.forEach((value, index) => context.lineTo(index * step, y(value)));
    if (shown.length === 1) {
        context.lineTo(width, y(shown[0]));
    }
    context.strokeStyle = line;
    context.lineWidth = 1.5;
    context.lineJoin = 'round';
    context.stroke();
    context.lineTo(width, height);
    context.lineTo(0, height);
    context.fillStyle = fill;
    context.globalAlpha = 0.12;
    context.fill();
    context.globalAlpha = 1;
}

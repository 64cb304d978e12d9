// chart.js — the large chart: candles and volume of one topic.
// SPDX-License-Identifier: MIT
//
// It is drawn by TradingView's lightweight-charts, which the build copies in; without it
// (`createChart` is null) the legend still says what the chart would show.
import { colour, page, setData, setText } from './dom.js';
import { compact, number, percent } from './format.js';
import * as library from './lightweight-charts.js';
import { inTurn } from './turns.js';
import { word } from './words.js';

const RIGHT_BARS = 4; // left free behind the newest one
const DRAW_MS = 100;

export class Chart {
    #quote;
    #chart = null;
    #candles;
    #volume;
    #soft = {}; // colours of the volume
    #pointed; // the time of the bar under the pointer
    #place; // in time, to go back to when there are bars of it
    #changed = new Map(); // bars that are not drawn yet, by their times
    #drawnTo; // the time of the last bar that is
    #redraw = inTurn(() => this.#draw(), DRAW_MS);

    constructor() {
        page['chart-missing'].hidden = !!library.createChart;
        page.chart.hidden = page.credit.hidden = !library.createChart;
        if (library.createChart) {
            this.#create();
        }
    }

    /** Shows another topic. Of the same symbol at another interval the place in time is kept. */
    show(quote) {
        const before = this.#quote;
        const scale = this.#chart?.timeScale();
        const isSame = before && quote && before.type === quote.type &&
            before.symbol === quote.symbol;
        const isAway = isSame && scale?.scrollPosition() < 0;
        this.#place = isAway ? this.#place ?? scale.getVisibleRange() : null;
        this.#quote = quote;
        this.#pointed = undefined;
        this.#fill();
        if (scale && !isSame) {
            scale.applyOptions({ barSpacing: 9, rightOffset: RIGHT_BARS });
        }
        scale?.scrollToPosition(RIGHT_BARS, false);
        this.#goBack();
        this.drawLegend();
    }

    /** Older bars of this topic have come. */
    fill(quote) {
        if (quote === this.#quote) {
            this.#fill();
            this.#goBack();
            this.drawLegend();
        }
    }

    /** A bar of this topic has changed. */
    update(quote, bar) {
        if (quote !== this.#quote) {
            return;
        }
        this.#changed.set(bar.time, bar);
        this.#redraw();
    }

    /** The theme or the language has changed. */
    recolour() {
        this.#applyColours();
        this.#fill();
        this.drawLegend();
    }

    /** The words above the chart: the bar under the pointer, or else the newest. */
    drawLegend() {
        const quote = this.#quote;
        const bars = quote?.series.bars ?? [];
        const bar = bars.find(({ time }) => time === this.#pointed) ?? bars.at(-1);
        setText(page['chart-title'], quote ? quote.symbol : word('noTopic'));
        setText(page['chart-type'], quote ? `${quote.type} · ${quote.interval}` : '');
        setText(page['chart-price'], quote ? number(quote.price, quote.series.digits) : '');
        setText(page['chart-change'], quote ? percent(quote.changePercent) : '');
        setData(page['chart-price'], 'direction', quote?.direction ?? 0);
        setData(page['chart-change'], 'direction', Math.sign(quote?.changePercent || 0));
        for (const part of ['open', 'high', 'low', 'close']) {
            setText(page[`bar-${part}`], number(bar?.[part], quote?.series.digits));
        }
        setText(page['bar-volume'], compact(bar?.volume));
        setText(page['bar-time'], bar ? `${new Date(bar.time * 1000).toISOString().slice(0, 16)
            .replace('T', ' ')} UTC` : '–');
        const label = quote && bar
            ? word('chartLabel', quote.topic, bars.length, number(bar.close, quote.series.digits))
            : word('chart');
        if (page.chart.getAttribute('aria-label') !== label) {
            page.chart.setAttribute('aria-label', label);
        }
    }

    #create() {
        const { createChart, CandlestickSeries, HistogramSeries } = library;
        this.#chart = createChart(page.chart, {
            autoSize: true,
            layout: { attributionLogo: false, background: { color: 'transparent' }, fontSize: 11 },
            timeScale: { timeVisible: true, rightOffset: RIGHT_BARS, borderVisible: false,
                barSpacing: 9, minBarSpacing: 2 },
            rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.24 } },
            crosshair: { mode: 0 },
        });
        this.#candles = this.#chart.addSeries(CandlestickSeries, { borderVisible: false });
        this.#volume = this.#chart.addSeries(HistogramSeries, {
            priceScaleId: 'volume', priceFormat: { type: 'volume' },
            priceLineVisible: false, lastValueVisible: false,
        });
        this.#volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
        this.#chart.subscribeCrosshairMove(({ time }) => {
            this.#pointed = time;
            this.drawLegend();
        });
        this.#applyColours();
    }

    #applyColours() {
        const [up, down, line, text] = ['up', 'down', 'line', 'muted'].map((name) => colour(name));
        this.#soft = { up: colour('up', 0.4), down: colour('down', 0.4) };
        const fontFamily = getComputedStyle(document.body).fontFamily;
        this.#chart?.applyOptions({
            layout: { textColor: text, fontFamily },
            grid: { vertLines: { color: line }, horzLines: { color: line } },
            localization: { locale: document.documentElement.lang },
        });
        this.#candles?.applyOptions(
            { upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
    }

    #applyDigits() {
        const precision = this.#quote?.series.digits ?? 2;
        if (this.#candles.options().priceFormat.precision !== precision) {
            const priceFormat = { type: 'price', precision, minMove: 10 ** -precision };
            this.#candles.applyOptions({ priceFormat });
        }
    }

    /** What has changed since the last time; all of it if that was not only at the end. */
    #draw() {
        const changed = [...this.#changed.values()].sort((a, b) => a.time - b.time);
        if (changed.length > 0 && !(changed[0].time >= this.#drawnTo)) {
            this.#fill();
        } else if (changed.length > 0 && this.#chart) {
            this.#applyDigits();
            for (const bar of changed) {
                this.#candles.update(bar);
                this.#volume.update(this.#volumeOf(bar));
            }
            this.#drawnTo = changed.at(-1).time;
        }
        this.#changed.clear();
    }

    #fill() {
        const bars = this.#quote?.series.bars ?? [];
        if (this.#chart) {
            this.#applyDigits();
            this.#candles.setData(bars);
            this.#volume.setData(bars.map((bar) => this.#volumeOf(bar)));
        }
        this.#changed.clear();
        this.#drawnTo = bars.at(-1)?.time;
    }

    /** To the place that was looked at, if there are bars of it by now. */
    #goBack() {
        const [first, last] = [this.#quote?.series.bars[0], this.#quote?.series.last];
        if (this.#place && first?.time < this.#place.to && last?.time > this.#place.from) {
            this.#chart.timeScale().setVisibleRange(this.#place);
            this.#place = null;
        }
    }

    #volumeOf({ time, open, close, volume }) {
        return { time, value: volume, color: close < open ? this.#soft.down : this.#soft.up };
    }
}

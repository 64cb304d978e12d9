// console.js — the page: joins the controls, the client library, the chart, the list and the log.
// SPDX-License-Identifier: MIT
import { Backfill } from './backfill.js';
import { Banner } from './banner.js';
import { Chart } from './chart.js';
import { connect as open } from './chronogate.js';
import { make, page, setData, setText } from './dom.js';
import { clock, duration, milliseconds, number } from './format.js';
import { Log } from './log.js';
import { startLooks } from './looks.js';
import { Markets } from './markets.js';
import { fetchTopics, INTERVALS, Picker } from './picker.js';
import { recall, remember } from './store.js';
import { Watch } from './watch.js';
import { Wire } from './wire.js';
import { translatePage, word } from './words.js';

const TICK_MS = 250;
const RATE_TICKS = 8;
const SUGGEST_SOON_MS = 10_000; // as often as a gateway looks
const SOON = 6;
const SUGGEST_MS = 60_000;
const RECOVERY_MS = 400; // resumptions of one reconnection come together
const FIRST_TOPICS = ['stock.AAPL.1d', 'stock.600519.SH.1m', 'crypto.BTC-USDT.1m', 'crypto.ETH.1m',
    'futures.ES=F.1m', 'commodity.GOLD.1m'];

const log = new Log(page.log);
const banner = new Banner();
const markets = new Markets();
const picker = new Picker();
const chart = new Chart();
const wire = new Wire({ in: hear, out: onSent, opened: onOpened, closed: onClosed });
const backfill = new Backfill((quote) => {
    watch.fill(quote);
    chart.fill(quote);
});
const watch = new Watch({
    asked: (quote) => backfill.want(quote),
    selected: onSelected,
    changed: (topics) => remember('topics', topics),
    updated: (quote, bar) => chart.update(quote, bar),
    failed: onFailed,
});

let gate = null;
let state = 'closed';
let detail = () => '';
let counts = newCounts();
let recovery = null;
let ticks = 0;
let suggestions = 0;

function newCounts() {
    return { received: 0, sent: 0, errors: 0, topics: new Set(), since: null, heartbeat: null,
        heard: null, ticks: [] };
}

/* Connection: the library's states, and why. */

function setState(next, describe) {
    state = next;
    detail = describe;
    const text = detail();
    log.add('note', word(`state.${next}`), text);
    drawState();
    drawControls();
}

function connect() {
    const address = addressOf(page.server.value);
    const client = page.client.value;
    if (!address) {
        setState('closed', () => word('badAddress', page.server.value));
        return;
    }
    const bytes = new TextEncoder().encode(client).length;
    if (bytes < 1 || bytes > 128) {
        setState('closed', () => word('badClient'));
        return;
    }
    counts = newCounts();
    backfill.attach(address);
    const token = page.token.value || undefined;
    gate = open(address, { clientId: client, token, WebSocket: wire.WebSocket, pingEveryMs: 5000 });
    setState('connecting', () => address);
    gate.on('state', onState);
    gate.on('retry', onRetry);
    gate.on('recovered', onRecovered);
    gate.on('gap', onGap);
    gate.on('conflated', () => banner.say('conflated', [number(gate.counters.conflated)]));
    gate.on('error', ({ code, message }) => {
        if (['cannot_connect', 'handler', 'bad_message'].includes(code)) {
            log.add('note', code, message);
        }
    });
    watch.attach(gate);
    backfill.want(watch.selected);
    markets.attach(gate);
    remember('connected', true);
}

function disconnect() {
    watch.attach(null);
    markets.attach(null);
    gate.close();
    gate = null;
    counts.since = null;
    counts.topics.clear();
    banner.take('stale', 'lost', 'drain');
    setState('closed', () => word('byUser'));
    remember('connected', false);
}

/** What the library takes: a WebSocket's address without a client id; undefined if it is none. */
function addressOf(text) {
    try {
        const url = new URL(text);
        return ['ws:', 'wss:', 'http:', 'https:'].includes(url.protocol) ? url.href : undefined;
    } catch {
        return undefined;
    }
}

function onOpened(url) {
    detail = () => url.replace(/([?&]token=)[^&]*/, '$1…');
}

function onState({ state: next, previous }) {
    if (next === 'live' || next === 'degraded') {
        setState(next, next === 'live' ? detail : () => '');
        counts.since ??= Date.now();
        banner.take('lost', 'drain');
        if (next === 'live' && gate.counters.reconnects > 0) {
            backfill.want(watch.selected, ...watch.quotes); // a bar or two may be missing
        }
    } else if (next === 'closed' && gate) {
        setState('closed', () => word('badToken'));
        gate.close();
        gate = null;
        watch.attach(null);
        markets.attach(null);
    } else if (previous === 'live' || previous === 'degraded') {
        const at = clock(counts.heard ?? new Date()).slice(0, 8);
        state = next;
        banner.say('lost', [at]);
    }
    if (next === 'degraded') {
        banner.say('stale');
    } else {
        banner.take('stale');
    }
}

function onClosed(code, reason, wasOpen) {
    counts.since = null;
    counts.heartbeat = null;
    counts.topics.clear();
    log.add('note', word('state.closed'),
        wasOpen ? word('byServer', code, reason) : word('refused'));
}

function onRetry({ afterMs, code, reason }) {
    const at = Date.now() + afterMs;
    const why = code === undefined || code === 1006 ? word('refused') : word('byServer', code, reason);
    state = 'connecting';
    detail = () => `${why} · ${word('again', Math.max(0, Math.ceil((at - Date.now()) / 1000)))}`;
    drawState();
    drawControls();
}

/** Of what was lost the bars may still be there. */
function onGap({ topic }) {
    banner.say('gap', [topic]);
    backfill.want(...watch.quotes.filter((quote) => quote.topic === topic));
}

/** One notice for all topics of a reconnection. */
function onRecovered({ recovered, replayed }) {
    if (!recovery) {
        recovery = { topics: 0, messages: 0, unrecovered: 0, timer: null };
    }
    recovery.topics += recovered ? 1 : 0;
    recovery.messages += replayed;
    recovery.unrecovered += recovered ? 0 : 1;
    clearTimeout(recovery.timer);
    recovery.timer = setTimeout(() => {
        if (recovery.topics > 0) {
            banner.say('recovered', [number(recovery.messages), recovery.topics]);
        }
        if (recovery.unrecovered > 0) {
            banner.say('unrecovered', [recovery.unrecovered]);
        }
        recovery = null;
    }, RECOVERY_MS);
}

/* Messages. */

function onSent(text) {
    counts.sent += 1;
    log.add('out', typeOf(text), text);
}

function request(type, fields) {
    wire.send(JSON.stringify({ type, ...fields }));
}

function hear(data) {
    const text = typeof data === 'string' ? data : word('binary', data.byteLength);
    const type = typeOf(text);
    counts.received += 1;
    counts.heard = new Date();
    log.add('in', type, text);
    if (type === 'data') {
        return;
    }
    const message = parse(text);
    if (type === 'error') {
        counts.errors += 1;
    } else if (type === 'subscribe_ack') {
        counts.topics.add(message.topic);
    } else if (type === 'unsubscribe_ack') {
        counts.topics.delete(message.topic);
    } else if (type === 'subscriptions_list') {
        counts.topics = new Set(message.subscriptions);
    } else if (type === 'heartbeat') {
        counts.heartbeat = Date.now();
    } else if (type === 'reconnect') {
        banner.say('drain', [Math.ceil((Number(message.after_ms) || 0) / 1000) + 1]);
    }
}

/** The message's type; most begin with it. */
function typeOf(text) {
    return /^\{"type":"(\w+)"/.exec(text)?.[1] ?? String(parse(text).type ?? '');
}

function parse(text) {
    try {
        return { ...JSON.parse(text) };
    } catch {
        return {};
    }
}

/* Topics. */

/** Other pages of this host may have written there what they like. */
function recallTopics() {
    const topics = recall('topics', null);
    return Array.isArray(topics) ? topics.filter((topic) => typeof topic === 'string') : null;
}

function subscribe() {
    watch.add(page.topic.value);
    watch.select(page.topic.value);
}

/** Also what was subscribed to by hand, which the library does not know of. */
function unsubscribe() {
    const topic = page.topic.value;
    if (watch.topics.includes(topic)) {
        watch.remove(topic);
    } else {
        request('unsubscribe', { topic });
    }
}

function onSelected(quote) {
    chart.show(quote);
    for (const button of page.intervals.children) {
        button.disabled = !quote || quote.type === 'market';
        button.setAttribute('aria-pressed', String(button.value === quote?.interval));
    }
    remember('selected', quote?.topic);
}

function onFailed(topic, error) {
    banner.say('refused', [topic, error.message]);
    if (!error.willRetry) {
        log.add('note', error.code, error.message);
        watch.remove(topic);
    }
}

/** Offers what is fed, now and from time to time: a feed may begin after the page. */
async function suggest() {
    suggestions += 1;
    setTimeout(suggest, suggestions < SOON ? SUGGEST_SOON_MS : SUGGEST_MS);
    const topics = document.hidden ? undefined : await fetchTopics();
    if (topics) {
        picker.suggest(topics);
        markets.offer(topics.length === 0 ? [] : picker.markets);
    } else if (suggestions === 1) {
        markets.offer(picker.markets); // the gateway cannot say: these are likely
    }
    if (!remembered && watch.topics.length === 0) {
        FIRST_TOPICS.filter((topic) => topics?.includes(topic)).forEach((topic) => watch.add(topic));
    }
}

/* What is shown. */

function drawState() {
    setData(page.state, 'state', state);
    setData(document.body, 'state', state);
    setText(page['state-name'], word(`state.${state}`));
    setText(page['state-detail'], detail());
}

function drawControls() {
    const focused = document.activeElement;
    const isUp = state === 'live' || state === 'degraded';
    page.connect.disabled = gate !== null;
    page.disconnect.disabled = gate === null;
    page.server.readOnly = page.client.readOnly = page.token.readOnly = gate !== null;
    for (const button of document.querySelectorAll('.needs-open')) {
        button.disabled = !isUp;
    }
    if (focused?.disabled) {
        (page.connect.disabled ? page.disconnect : page.connect).focus();
    }
}

function drawCounters() {
    const { received, ticks: past, since, heartbeat } = counts;
    const { reconnects = 0, replayed = 0, conflated = 0 } = gate?.counters ?? {};
    past.push(received);
    const rate = ((received - past[0]) * 1000) / (TICK_MS * RATE_TICKS);
    if (past.length > RATE_TICKS) {
        past.shift();
    }
    setText(page.received, number(received));
    setText(page.rate, number(Math.round(rate)));
    setText(page.sent, number(counts.sent));
    setText(page.errors, number(counts.errors));
    setText(page.held, number(counts.topics.size));
    setText(page.uptime, since === null ? '–' : duration(Date.now() - since));
    setText(page['round-trip'], milliseconds(gate?.roundTripMs));
    setText(page.heartbeat, heartbeat === null ? '–'
        : word('ago', Math.floor((Date.now() - heartbeat) / 1000)));
    setText(page.reconnects, number(reconnects));
    setText(page.recovered, number(replayed));
    setText(page.skipped, number(conflated));
    setText(page.waiting, log.unseen > 0 ? word('waiting', number(log.unseen)) : '');
}

function onTick() {
    ticks += 1;
    drawState();
    drawCounters();
    chart.drawLegend();
    if (ticks % (1000 / TICK_MS) === 0) {
        watch.tick();
    }
}

/** The language or the colours have changed. */
function redraw() {
    translatePage();
    drawState();
    drawCounters();
    banner.translate();
    markets.translate();
    watch.translate();
    chart.recolour();
}

function togglePause() {
    log.paused = !log.paused;
    page.pause.dataset.word = log.paused ? 'resume' : 'pause';
    setText(page.pause, word(page.pause.dataset.word));
    page.pause.setAttribute('aria-pressed', String(log.paused));
    drawCounters();
}

async function copy() {
    try {
        await navigator.clipboard.writeText(log.text);
    } catch { // not a secure context, or not allowed
        const area = make('textarea', { value: log.text });
        document.body.append(area);
        area.select();
        document.execCommand('copy');
        area.remove();
    }
    setText(page.copy, word('copied'));
    setTimeout(() => setText(page.copy, word('copy')), 1200);
}

/* Controls. */

function onSubmit(form, action) {
    form.addEventListener('submit', (event) => {
        event.preventDefault();
        action();
    });
}

function onClick(button, action) {
    button.addEventListener('click', action);
}

onSubmit(page.connection, () => gate === null && connect());
onSubmit(page.subscription, subscribe);
onSubmit(page.message, () => wire.send(page.text.value));
onClick(page.disconnect, disconnect);
onClick(page.unsubscribe, unsubscribe);
onClick(page.ping, () => request('ping'));
onClick(page.list, () => request('get_subscriptions'));
onClick(page.pause, togglePause);
onClick(page.copy, copy);
onClick(page.clear, () => log.clear());
page.filter.addEventListener('input', () => log.filter(page.filter.value));
page.wrap.addEventListener('change', () => page.log.toggleAttribute('data-wrap', page.wrap.checked));
page.summaries.addEventListener('change', () => {
    markets.isOn = page.summaries.checked;
    remember('summaries', page.summaries.checked);
});
page.text.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        wire.send(page.text.value);
    }
});
for (const interval of INTERVALS) {
    const button = make('button', { type: 'button', value: interval, disabled: true }, interval);
    onClick(button, () => watch.replace(watch.selected.topic, watch.selected.at(interval)));
    page.intervals.append(button);
}

/* The beginning: as it was left, or with what a first look is worth. */

const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
const asked = new URLSearchParams(location.search);
page.server.value = asked.get('server') ?? `${scheme}://${location.hostname}:8000/api/v1/ws/`;
page.client.value = `console-${Math.random().toString(36).slice(2, 8)}`;
page.summaries.checked = markets.isOn = recall('summaries', true);
startLooks(redraw);
drawControls();
setInterval(onTick, TICK_MS);

const remembered = asked.get('topics')?.split(',').filter(Boolean) ?? recallTopics();
const selected = recall('selected', undefined);
remembered?.forEach((topic) => watch.add(topic));
watch.select(selected);
if (!asked.has('server') && recall('connected', true)) {
    connect();
}
suggest();

// console.js — the page: joins the controls, one WebSocket, the counters and the log.
// SPDX-License-Identifier: MIT
import { Log } from './log.js';
import { otherLanguage, switchLanguage, translatePage, word } from './words.js';

const TICK_MS = 250;
const RATE_TICKS = 8;

const page = Object.fromEntries(
    [...document.querySelectorAll('[id]')].map((element) => [element.id, element]),
);
const log = new Log(page.log);

let socket = null;
let state = 'closed';
let detail = () => '';
let counts = newCounts();

function newCounts() {
    return { received: 0, sent: 0, errors: 0, topics: new Set(), since: null, ticks: [] };
}

/* Connection: closed → connecting → open → closing → closed, any of them → closed. */

function setState(next, describe) {
    state = next;
    detail = describe;
    log.add('note', word(next), detail());
    drawState();
    drawControls();
}

function connect() {
    counts = newCounts();
    try {
        socket = new WebSocket(address());
    } catch {
        setState('closed', () => word('badAddress', page.server.value));
        return;
    }
    const { url } = socket;
    let opened = false;
    setState('connecting', () => url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
        opened = true;
        counts.since = Date.now();
        setState('open', () => url);
    };
    socket.onmessage = (event) => receive(event.data);
    socket.onclose = ({ code, reason }) => {
        const asked = state === 'closing';
        counts.since = null;
        counts.topics.clear();
        if (asked) {
            setState('closed', () => word('byUser'));
        } else if (opened) {
            setState('closed', () => word('byServer', code, reason));
        } else {
            setState('closed', () => word('refused'));
        }
    };
}

function disconnect() {
    setState('closing', () => '');
    socket.close(1000);
}

/** The server's address with the client id as its last path segment; throws if it is none. */
function address() {
    const url = new URL(page.server.value);
    const base = url.pathname.replace(/\/*$/, '/');
    url.pathname = base + encodeURIComponent(page.client.value);
    return url.href;
}

/* Messages. */

function send(text) {
    if (state !== 'open') {
        return;
    }
    socket.send(text);
    counts.sent += 1;
    log.add('out', parse(text).type, text);
}

function request(type, fields) {
    send(JSON.stringify({ type, ...fields }));
}

function receive(data) {
    const text = typeof data === 'string' ? data : word('binary', data.byteLength);
    const message = parse(text);
    counts.received += 1;
    log.add('in', message.type, text);
    if (message.type === 'error') {
        counts.errors += 1;
    } else if (message.type === 'subscribe_ack') {
        counts.topics.add(message.topic);
    } else if (message.type === 'unsubscribe_ack') {
        counts.topics.delete(message.topic);
    } else if (message.type === 'subscriptions_list') {
        counts.topics = new Set(message.subscriptions);
    }
}

/** The message's fields, its type always a string; an empty one where there is none. */
function parse(text) {
    try {
        const message = JSON.parse(text);
        return { ...message, type: String(message.type ?? '') };
    } catch {
        return { type: '' };
    }
}

/* What is shown. */

function drawState() {
    page.state.dataset.state = state;
    page['state-name'].textContent = word(state);
    page['state-detail'].textContent = detail();
}

function drawControls() {
    const focused = document.activeElement;
    page.connect.disabled = state !== 'closed';
    page.disconnect.disabled = state !== 'connecting' && state !== 'open';
    page.server.readOnly = page.client.readOnly = state !== 'closed';
    for (const button of document.querySelectorAll('.needs-open')) {
        button.disabled = state !== 'open';
    }
    if (focused?.disabled) {
        (page.connect.disabled ? page.disconnect : page.connect).focus();
    }
}

function drawCounters() {
    const { received, ticks } = counts;
    ticks.push(received);
    const rate = ((received - ticks[0]) * 1000) / (TICK_MS * RATE_TICKS);
    if (ticks.length > RATE_TICKS) {
        ticks.shift();
    }
    const number = (value) => value.toLocaleString(document.documentElement.lang);
    page.received.textContent = number(received);
    page.rate.textContent = number(Math.round(rate));
    page.sent.textContent = number(counts.sent);
    page.errors.textContent = number(counts.errors);
    page.held.textContent = number(counts.topics.size);
    page.uptime.textContent = counts.since === null ? '–' : duration(Date.now() - counts.since);
    page.waiting.textContent = log.paused ? word('waiting', number(log.heldBack)) : '';
}

function duration(ms) {
    const seconds = Math.floor(ms / 1000);
    const two = (value) => String(Math.floor(value)).padStart(2, '0');
    return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function drawLanguage() {
    const other = otherLanguage();
    translatePage();
    page.language.textContent = other.name;
    page.language.lang = other.code;
    drawState();
    drawCounters();
}

function togglePause() {
    log.paused = !log.paused;
    page.pause.dataset.word = log.paused ? 'resume' : 'pause';
    page.pause.textContent = word(page.pause.dataset.word);
    drawCounters();
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

onSubmit(page.connection, () => state === 'closed' && connect());
onSubmit(page.subscription, () => request('subscribe', { topic: page.topic.value }));
onSubmit(page.message, () => send(page.text.value));
onClick(page.disconnect, disconnect);
onClick(page.unsubscribe, () => request('unsubscribe', { topic: page.topic.value }));
onClick(page.ping, () => request('ping'));
onClick(page.list, () => request('get_subscriptions'));
onClick(page.pause, togglePause);
onClick(page.clear, () => log.clear());
onClick(page.language, () => {
    switchLanguage();
    drawLanguage();
});
page.text.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        send(page.text.value);
    }
});

const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
page.server.value = `${scheme}://${location.hostname}:8000/api/v1/ws/`;
page.client.value = `console-${Math.random().toString(36).slice(2, 8)}`;
drawControls();
drawLanguage();
setInterval(drawCounters, TICK_MS);

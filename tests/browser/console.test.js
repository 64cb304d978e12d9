// console.test.js — every control of the test console, pressed in headless Chromium.
// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startStack } from './stack.js';
import { launch, visit, WAIT_MS } from './visit.js';

const { CHRONOGATE, OUTPUT } = process.env;
const SCREENSHOT = join(OUTPUT, 'console.png');
const TOPIC = 'stock.AAPL.1m';
const POLICY =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src *; " +
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

let stack;
let browser;
let page;
const complaints = [];
const pressed = new Set();

const openPage = (options) => visit(browser, stack, { query: '&topics=', complaints, ...options });

const press = (id) => {
    pressed.add(id);
    return page.click(`#${id}`);
};

const rows = (direction, type, text = '') =>
    page.locator(`#log li[data-direction="${direction}"][data-type="${type}"]`, { hasText: text });

const see = (direction, type, text) => rows(direction, type, text).last().waitFor();

const seeState = (state) => page.locator(`#state[data-state="${state}"]`).waitFor();

async function seeCount(id, expected) {
    const deadline = Date.now() + WAIT_MS;
    let text = await page.textContent(`#${id}`);
    while (text !== String(expected)) {
        assert.ok(Date.now() < deadline, `#${id} is ${text}, not ${expected}`);
        await sleep(50);
        text = await page.textContent(`#${id}`);
    }
}

/** What came before a ping has arrived, or never will, once its pong is here. */
async function settle() {
    const pongs = rows('in', 'pong').filter({ hasNotText: 'request_id' });
    const before = await pongs.count();
    await press('ping');
    await pongs.nth(before).waitFor();
}

const scenarios = {
    async 'the page comes with its policy, and / leads to it'() {
        const { opened, response } = await openPage({ locale: 'en-US' });
        page = opened;
        const root = await fetch(`${stack.console}/`, { redirect: 'manual' });
        assert.equal(root.headers.get('location'), '/websocket-test');
        assert.equal(response.headers()['content-security-policy'], POLICY);
        assert.match(response.headers()['content-type'], /^text\/html/);
        await seeState('closed');
        assert.equal(await page.inputValue('#server'), stack.api);
        assert.match(await page.inputValue('#client'), /^console-\w+$/);
        assert.equal(await page.inputValue('#topic'), TOPIC);
        assert.ok(await page.isDisabled('#subscribe'));
        const late = await page.evaluate(() => performance.getEntriesByType('resource')
            .filter(({ name }) => name.endsWith('.js') && !name.endsWith('/console.js') &&
                !document.querySelector(`link[href="${name.split('/').pop()}"]`))
            .map(({ name }) => name));
        assert.deepEqual(late, [], 'every module is preloaded');
    },

    async 'every field has a label and every control is reached by keyboard'() {
        const unnamed = await page.$$eval('input, textarea, select', (fields) =>
            fields.filter((field) => !(field.labels[0]?.textContent ||
                field.getAttribute('aria-label'))).map((field) => field.id));
        assert.deepEqual(unnamed, []);
        const wanted = await page.$$eval(
            'button:enabled, input, select, textarea, .scroll, a, #log',
            (all) => all.map((one) => one.id));
        const reached = [];
        for (let i = 0; i < wanted.length; i += 1) {
            await page.keyboard.press('Tab');
            reached.push(await page.evaluate(() => document.activeElement.id));
        }
        assert.deepEqual(reached.sort(), wanted.sort());
    },

    async 'connect opens a connection and shows the acknowledgement'() {
        await page.fill('#client', '浏览器 test 1');
        await press('connect');
        await seeState('live');
        await see('in', 'connection_ack', '"client_id":"浏览器 test 1"');
        assert.ok(await page.isDisabled('#connect'));
        assert.equal(await page.evaluate(() => document.activeElement.id), 'disconnect');
    },

    async 'subscribe brings what redis-cli publishes, shown as text only'() {
        await press('subscribe');
        await see('out', 'subscribe', TOPIC);
        await see('in', 'subscribe_ack', TOPIC);
        await stack.publish(TOPIC, { symbol: 'AAPL', price: 150.25 });
        await see('in', 'data', '"price":150.25');
        await stack.publish(TOPIC, { name: '<img src=x onerror=alert(1)>苹果' });
        await see('in', 'data', '<img src=x onerror=alert(1)>苹果');
        assert.equal(await page.locator('#log img').count(), 0);
        await seeCount('held', 1);
    },

    async 'list and ping are answered'() {
        await press('list');
        await see('in', 'subscriptions_list', `"subscriptions":["${TOPIC}"]`);
        await press('ping');
        await see('out', 'ping');
        await see('in', 'pong');
    },

    async 'an invalid topic shows the error'() {
        await page.fill('#topic', 'stock_data');
        await press('subscribe');
        await see('in', 'error', '无效的主题格式: stock_data');
        await seeCount('errors', 1);
        await page.locator('.notice[data-kind="refused"]', { hasText: 'stock_data' }).waitFor();
        assert.equal(await page.locator('#watch tr').count(), 1);
        await page.click('.notice button');
        assert.equal(await page.locator('.notice').count(), 0);
    },

    async 'unsubscribe ends the flow'() {
        await page.fill('#topic', TOPIC);
        await press('unsubscribe');
        await see('in', 'unsubscribe_ack', TOPIC);
        await stack.publish(TOPIC, { price: 999 }, 0);
        await settle();
        assert.equal(await rows('in', 'data', '"price":999').count(), 0);
        await seeCount('held', 0);
    },

    async 'a message by hand goes out as it is, by button and by Ctrl+Enter'() {
        await page.fill('#text', 'not json');
        await press('send');
        await see('in', 'error', 'invalid_message');
        await page.fill('#text', '{ "type": "ping", "request_id": "by hand" }');
        await page.press('#text', 'Control+Enter');
        await see('out', 'ping', '{ "type": "ping", "request_id": "by hand" }');
        await see('in', 'pong', '"request_id":"by hand"');
    },

    async 'Enter in the topic field subscribes'() {
        await page.fill('#topic', 'stock.600519.SH.1d');
        await page.press('#topic', 'Enter');
        await see('in', 'subscribe_ack', 'stock.600519.SH.1d');
        await stack.publish('stock.600519.SH.1d', { symbol: '600519.SH', price: 1688.5 });
        await see('in', 'data', '"price":1688.5');
        await page.screenshot({ path: SCREENSHOT });
    },

    async 'pause holds messages back, clear empties the log'() {
        await press('pause');
        await stack.publish('stock.600519.SH.1d', { price: 1700 });
        await page.locator('#waiting', { hasText: /[1-9]/ }).waitFor();
        assert.equal(await rows('in', 'data', '"price":1700').count(), 0);
        await press('pause');
        await see('in', 'data', '"price":1700');
        pressed.add('clear');
        const [left, hint] = await page.$eval('#clear', (button) => {
            const log = document.getElementById('log');
            button.click(); // and nothing may come in between
            return [log.childElementCount, getComputedStyle(log.nextElementSibling).display];
        });
        assert.equal(left, 0);
        assert.notEqual(hint, 'none');
    },

    async 'the counters add up'() {
        const read = async () => Object.fromEntries(await Promise.all(['received', 'sent'].map(
            async (id) => [id, Number((await page.textContent(`#${id}`)).replace(/,/g, ''))])));
        const count = (way) => page.locator(`#log li[data-direction="${way}"]`).count();
        const attempt = async () => { // fails when a heartbeat comes at the wrong moment
            await sleep(600);
            const before = await read();
            await press('clear');
            await settle();
            await sleep(600);
            const after = await read();
            return after.received - before.received === await count('in') &&
                after.sent - before.sent === await count('out');
        };
        assert.ok(await attempt() || await attempt() || await attempt());
        assert.match(await page.textContent('#uptime'), /^00:00:\d\d$/);
        assert.match(await page.textContent('#round-trip'), /^[\d.,]+ ms$/);
        assert.match(await page.textContent('#heartbeat'), /^\d s ago$/);
    },

    async 'the filter shows what has every word, wrap shows all of it, copy takes what is shown'() {
        await press('clear');
        await stack.publish('stock.600519.SH.1d', { price: 1701, note: 'x'.repeat(400) });
        await see('in', 'data', '"price":1701');
        await settle();
        await page.fill('#filter', 'DATA 1701');
        assert.equal(await page.locator('#log li').count(), 1);
        const height = () => page.locator('#log li').first().evaluate((one) => one.clientHeight);
        const before = await height();
        await page.check('#wrap');
        assert.ok(await height() > before);
        await page.uncheck('#wrap');
        await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
        await press('copy');
        await page.locator('#copy', { hasText: 'Copied' }).waitFor();
        const copied = await page.evaluate(() => navigator.clipboard.readText());
        assert.match(copied, /^[\d:.]+\tin\tdata\t\{.*"price":1701,.*\}\n$/);
        await page.fill('#filter', '');
        assert.ok(await page.locator('#log li').count() > 1);
    },

    async 'the list has price, direction and a way out; the picker makes topics'() {
        const row = page.locator('#watch tr[data-topic="stock.600519.SH.1d"]');
        await stack.publish('stock.600519.SH.1d', { price: 1702.5, change_percent: 0.85 });
        await row.locator('.price', { hasText: '1,702.50 ▲' }).waitFor();
        assert.equal(await row.locator('.change').textContent(), '+0.85%');
        await stack.publish('stock.600519.SH.1d', { price: 1699.5 });
        await row.locator('.price', { hasText: '1,699.50 ▼' }).waitFor();
        await page.selectOption('#type', 'crypto');
        await page.fill('#symbol', 'BTC-USDT');
        await page.selectOption('#interval', '4h');
        assert.equal(await page.inputValue('#topic'), 'crypto.BTC-USDT.4h');
        await page.selectOption('#type', 'market');
        await page.fill('#symbol', 'US');
        assert.equal(await page.inputValue('#topic'), 'market.US.summary');
        await page.fill('#topic', 'futures.ES=F.15m');
        assert.equal(await page.inputValue('#symbol'), 'ES=F');
        assert.equal(await page.inputValue('#interval'), '15m');
        await press('subscribe');
        await see('in', 'subscribe_ack', 'futures.ES=F.15m');
        await page.click('#watch tr[data-topic="futures.ES=F.15m"] .remove');
        await see('in', 'unsubscribe_ack', 'futures.ES=F.15m');
        assert.equal(await page.locator('#watch tr').count(), 1);
    },

    async 'one part of the page draws in a frame, each as often as it may, whatever becomes of others'() {
        const told = await page.evaluate(async () => {
            const { inTurn } = await import('/turns.js');
            const frames = [];
            const ask = ['a', 'b', 'c'].map((name) => inTurn((now) => {
                frames.push([name, document.timeline.currentTime, now]);
                if (name === 'b') {
                    queueMicrotask(() => removeEventListener('error', onError));
                    throw new Error('b has failed');
                }
            }, 100));
            const onError = (event) => event.preventDefault();
            addEventListener('error', onError);
            ask.forEach((one) => one());
            ask.forEach((one) => one());
            await new Promise((resolve) => setTimeout(resolve, 400));
            ask[0]();
            ask[0]();
            await new Promise((resolve) => setTimeout(resolve, 50));
            ask[0]();
            await new Promise((resolve) => setTimeout(resolve, 400));
            return frames;
        });
        assert.equal(told.map(([name]) => name).join(''), 'abcaa');
        assert.equal(new Set(told.map(([, frame]) => frame)).size, 5);
        assert.ok(told[4][2] - told[3][2] >= 99, 'a pace of 100 ms');
    },

    async 'the log keeps its limit of messages, has rows for the end, and is quick with thousands'() {
        const { lines, rows, last, isAtEnd, ms } = await page.evaluate(async () => {
            const { Log } = await import('/log.js');
            const list = document.getElementById('log').cloneNode();
            document.getElementById('log').after(list);
            const log = new Log(list, 2000);
            const drawn = () => new Promise((resolve) => setTimeout(resolve, 500));
            const started = performance.now();
            for (let i = 0; i < 5000; i += 1) log.add('in', 'data', `#${i} ${'x'.repeat(300)}`);
            const ms = { add: performance.now() - started };
            await drawn();
            const take = (name, action) => {
                const before = performance.now();
                action();
                ms[name] = performance.now() - before;
            };
            take('filter', () => log.filter('DATA #499'));
            const some = log.text.split('\n').length - 1;
            take('unfilter', () => log.filter(''));
            let text;
            take('copy', () => (text = log.text));
            const lines = [some, text.split('\n').length - 1, /#\d+/.exec(text)[0]];
            const [rows, last] = [list.childElementCount, list.lastChild.textContent];
            const isAtEnd = list.scrollTop + list.clientHeight > list.scrollHeight - 2;
            take('clear', () => log.clear());
            list.remove();
            return { lines, rows, last, isAtEnd, ms };
        });
        console.log(`# ms for thousands of messages: ${JSON.stringify(ms)}`);
        assert.deepEqual(lines, [10, 2000, '#3000']); // #499 is gone, #4990 to #4999 are not
        assert.ok(rows < 100 && isAtEnd, `${rows} rows`);
        assert.match(last, /#4999 /);
        assert.ok(Object.values(ms).every((one) => one < 200), JSON.stringify(ms));
    },

    async 'whoever scrolls up in the log is left alone, gets what is older, and at the end what is new'() {
        const seen = await page.evaluate(async () => {
            const { Log } = await import('/log.js');
            const list = document.getElementById('log').cloneNode();
            document.getElementById('log').after(list);
            const log = new Log(list, 1000);
            const drawn = () => new Promise((resolve) => setTimeout(resolve, 500));
            const inView = () => {
                const { top, left } = list.getBoundingClientRect();
                return document.elementFromPoint(left + 400, top + 40).closest('li').textContent;
            };
            const add = (from, to) => {
                for (let i = from; i < to; i += 1) log.add('in', 'data', `#${i}`);
            };
            add(0, 1000);
            await drawn();
            list.scrollTop = 0;
            await drawn();
            const before = inView();
            add(1000, 1100);
            await drawn();
            const [after, { unseen }] = [inView(), log];
            for (let i = 0; i < 20; i += 1) {
                list.scrollTop = 0;
                await new Promise(requestAnimationFrame);
            }
            await drawn();
            const oldest = list.firstChild.textContent;
            list.scrollTop = list.scrollHeight;
            await drawn();
            const newest = list.lastChild.textContent;
            const rows = list.childElementCount;
            list.remove();
            return { before, after, unseen, oldest, newest, rows, then: log.unseen };
        });
        assert.equal(seen.before, seen.after);
        assert.equal(seen.unseen, 100);
        assert.match(seen.oldest, /#100$/);
        assert.match(seen.newest, /#1099$/);
        assert.ok(seen.rows < 100);
        assert.equal(seen.then, 0);
    },

    async 'the language follows the browser and switches'() {
        const { opened } = await openPage({ locale: 'zh-CN' });
        assert.equal(await opened.textContent('#connect'), '连接');
        assert.equal(await opened.getAttribute('html', 'lang'), 'zh');
        await opened.click('#language');
        assert.equal(await opened.textContent('#connect'), 'Connect');
        await opened.close();
        await press('language');
        assert.equal(await page.textContent('#connect'), '连接');
        assert.equal(await page.textContent('#state-name'), '实时');
        const left = await page.$$eval('h2, label, dt, th[scope=col], button, #log span', (all) =>
            all.map((one) => one.textContent).filter((text) => /^[A-Z]?[a-z ]+$/.test(text)));
        assert.deepEqual(left.filter((text) => !['English', 'Ping'].includes(text)), []);
        await press('language');
    },

    async 'dark is dark, light is light, a phone needs no sideways scrolling'() {
        const brightness = async (colorScheme) => {
            await page.emulateMedia({ colorScheme });
            const colour = await page.evaluate(
                () => getComputedStyle(document.body).backgroundColor);
            return Number(/\d+/.exec(colour)[0]);
        };
        assert.ok(await brightness('dark') < 64);
        assert.ok(await brightness('light') > 192);
        await press('theme'); // light, whatever the system says
        assert.ok(await brightness('dark') > 192);
        await press('theme');
        assert.ok(await brightness('light') < 64);
        await press('theme');
        assert.ok(await brightness('light') > 192);
        const up = () => page.evaluate(() => document.documentElement.dataset.rising);
        assert.equal(await up(), 'green');
        await press('colours');
        assert.equal(await up(), 'red');
        await press('colours');
        const desk = page.viewportSize();
        await page.setViewportSize({ width: 360, height: 740 });
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
        await page.setViewportSize(desk);
    },

    async 'disconnect closes the connection'() {
        await press('disconnect');
        await seeState('closed');
        assert.match(await page.textContent('#state-detail'), /from this page/);
        assert.ok(await page.isDisabled('#send'));
        assert.ok(await page.isEnabled('#connect'));
    },

    async 'nothing was complained about and no control was left out'() {
        assert.deepEqual(complaints, []);
        const all = await page.$$eval('button[id]', (buttons) => buttons.map((one) => one.id));
        assert.deepEqual([...pressed].sort(), all.sort());
    },

    async 'a gateway that leaves, and one that is not there, are told apart'() {
        await page.press('#client', 'Enter');
        await seeState('live');
        const { status, said } = await stack.stopGateway();
        assert.equal(status, 0, said);
        await seeState('connecting');
        await rows('note', 'Disconnected', 'code 1012').waitFor();
        await page.locator('#state-detail', { hasText: 'is the gateway running' }).waitFor();
        await press('disconnect');
        await page.fill('#server', 'ftp://nowhere/');
        await press('connect');
        await page.locator('#state-detail', { hasText: 'not a WebSocket address' }).waitFor();
    },
};

test('console', async (t) => {
    let failed = false;
    try {
        stack = await startStack(CHRONOGATE);
        browser = await launch();
        for (const [name, scenario] of Object.entries(scenarios)) {
            await t.test(name, { timeout: 30_000, skip: failed }, async () => {
                failed = true;
                await scenario();
                failed = false;
            });
        }
        if (failed) {
            t.diagnostic(`the page complained: ${complaints.join('; ')}`);
            await page?.screenshot({ path: SCREENSHOT });
        }
    } finally {
        await browser?.close();
        const gateway = await stack?.stop();
        if (failed) {
            t.diagnostic(gateway.said);
        }
    }
});

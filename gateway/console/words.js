// words.js — every word of the page in English and Chinese, and the language in use.
// SPDX-License-Identifier: MIT
import { recall, remember } from './store.js';

const WORDS = {
    title: ['Market console', '行情控制台'],
    connection: ['Connection', '连接'],
    server: ['Server address', '服务器地址'],
    client: ['Client id', '客户端标识'],
    token: ['Token, if needed', '令牌（如需要）'],
    connect: ['Connect', '连接'],
    disconnect: ['Disconnect', '断开'],
    subscription: ['Test subscription', '测试订阅'],
    type: ['Type', '类型'],
    symbol: ['Symbol', '代码'],
    interval: ['Interval', '周期'],
    stock: ['Stock', '股票'],
    crypto: ['Crypto', '加密货币'],
    futures: ['Futures', '期货'],
    options: ['Options', '期权'],
    commodity: ['Commodity', '商品'],
    market: ['Market', '市场概览'],
    topic: ['Topic: type.symbol.interval', '主题：类型.代码.时间间隔'],
    subscribe: ['Subscribe', '订阅'],
    unsubscribe: ['Unsubscribe', '取消订阅'],
    ping: ['Ping', 'Ping'],
    list: ['List subscriptions', '列出订阅'],
    message: ['Message by hand', '手写消息'],
    text: ['Text, sent as it is', '文本（原样发送）'],
    send: ['Send', '发送'],
    sendHint: ['or Ctrl + Enter', '或 Ctrl + Enter'],
    received: ['Received', '已接收'],
    rate: ['Per second', '每秒'],
    sent: ['Sent', '已发送'],
    errors: ['Errors', '错误'],
    held: ['Subscriptions', '订阅数'],
    uptime: ['Up for', '连接时长'],
    roundTrip: ['Round trip', '往返时延'],
    heartbeat: ['Heartbeat', '上次心跳'],
    ago: ['{0} s ago', '{0} 秒前'],
    reconnects: ['Reconnects', '重连次数'],
    skipped: ['Skipped', '跳过消息'],
    recoveredCount: ['Recovered', '已补回'],
    markets: ['Market summary', '市场概览'],
    marketUS: ['US', '美股'],
    marketCN: ['China', 'A 股'],
    marketHK: ['Hong Kong', '港股'],
    marketCRYPTO: ['Crypto', '加密货币'],
    marketFUTURES: ['Futures', '期货'],
    marketOPTIONS: ['Options', '期权'],
    marketCOMMODITY: ['Commodities', '商品'],
    breadth: ['{0} up, {1} down', '{0} 涨，{1} 跌'],
    chart: ['Chart', '图表'],
    chartLabel: ['Candlesticks of {0}: {1} bars, last close {2}', '{0} K 线图：{1} 根，最新收盘 {2}'],
    noTopic: ['No topic', '未选主题'],
    chartMissing: [
        'This build has no chart: npm was not there when it was made. Everything else works.',
        '此版本未包含图表：构建时没有 npm。其他功能不受影响。',
    ],
    chartCredit: ['Chart: TradingView Lightweight Charts™', '图表：TradingView Lightweight Charts™'],
    licence: ['licence', '许可证'],
    open: ['O', '开'],
    high: ['H', '高'],
    low: ['L', '低'],
    close: ['C', '收'],
    volume: ['Vol', '量'],
    live: ['Subscribed topics', '已订阅主题'],
    price: ['Price', '最新价'],
    change: ['Change', '涨跌幅'],
    perSecond: ['msg/s', '条/秒'],
    latency: ['Latency', '延迟'],
    noRows: ['Subscribe to a topic, and it is here.', '订阅主题后将显示在此处。'],
    cards: ['Small charts', '小图'],
    log: ['Messages', '消息'],
    filter: ['Filter', '筛选'],
    wrap: ['Wrap', '换行'],
    pause: ['Pause', '暂停'],
    resume: ['Resume', '继续'],
    clear: ['Clear', '清空'],
    copy: ['Copy', '复制'],
    copied: ['Copied', '已复制'],
    waiting: ['{0} new', '{0} 条新消息'],
    empty: [
        'Nothing yet. Connect, then subscribe to a topic.',
        '暂无消息。请先连接，再订阅主题。',
    ],
    in: ['in', '收'],
    out: ['out', '发'],
    note: ['note', '注'],
    binary: ['{0} bytes, binary', '二进制，{0} 字节'],
    cut: ['… {0} more characters', '…… 另有 {0} 个字符'],
    themeAuto: ['Theme: system', '主题：跟随系统'],
    themeLight: ['Theme: light', '主题：浅色'],
    themeDark: ['Theme: dark', '主题：深色'],
    upGreen: ['Green is up', '绿涨红跌'],
    upRed: ['Red is up', '红涨绿跌'],
    dismiss: ['Dismiss', '关闭'],
    'state.closed': ['Disconnected', '未连接'],
    'state.connecting': ['Connecting', '正在连接'],
    'state.live': ['Live', '实时'],
    'state.degraded': ['Data may be old', '数据可能已过时'],
    byUser: ['closed from this page', '由本页面断开'],
    byServer: ['closed with code {0} {1}', '连接已关闭，代码 {0} {1}'],
    again: ['next try in {0} s', '{0} 秒后重试'],
    badToken: ['the token was refused', '令牌被拒绝'],
    badAddress: ['not a WebSocket address: {0}', '不是有效的 WebSocket 地址：{0}'],
    badClient: ['a client id has 1 to 128 bytes', '客户端标识须为 1 至 128 字节'],
    refused: [
        'no connection: is the gateway running, are address and client id right?',
        '无法连接：请确认网关已运行，地址和客户端标识正确',
    ],
    'notice.stale': [
        'Prices may be old: the gateway has lost its data source and is getting it back.',
        '价格可能已过时：网关与数据源的连接中断，正在恢复。',
    ],
    'notice.lost': [
        'Connection lost: prices are as of {0}. Reconnecting.',
        '连接已断开：价格截至 {0}。正在重新连接。',
    ],
    'notice.drain': [
        'This gateway is leaving; the page reconnects by itself within {0} s.',
        '网关即将停止服务；页面将在 {0} 秒内自动重连。',
    ],
    'notice.recovered': [
        'Back again: {0} messages recovered on {1} topics, none lost.',
        '已恢复连接：{1} 个主题补回 {0} 条消息，无丢失。',
    ],
    'notice.unrecovered': [
        '{0} topics went on from their newest message; what came before may be missing.',
        '{0} 个主题已从最新消息继续，之前的消息可能有缺失。',
    ],
    'notice.gap': ['{0}: some messages are lost.', '{0}：部分消息已丢失。'],
    'notice.conflated': [
        'This page was too slow: {0} messages skipped, each for a newer one.',
        '页面处理过慢：已跳过 {0} 条消息，仅保留较新的消息。',
    ],
    'notice.refused': ['{0} was refused: {1}', '{0} 被拒绝：{1}'],
};

const LANGUAGES = ['en', 'zh'];
const NAMES = ['English', '中文'];
let current = LANGUAGES.indexOf(recall('language', ''));
if (current < 0) {
    current = navigator.language.toLowerCase().startsWith('zh') ? 1 : 0;
}

/** The text for a key in the language in use; {0}, {1} are replaced by the values. */
export function word(key, ...values) {
    const words = WORDS[key];
    return words ? words[current].replace(/\{(\d)\}/g, (_, index) => values[index]) : values[0];
}

export function language() {
    return LANGUAGES[current];
}

/** Changes to the other language; the caller translates the page. */
export function switchLanguage() {
    current = 1 - current;
    remember('language', LANGUAGES[current]);
}

/** Says which language `switchLanguage` would bring: { code, name }. */
export function otherLanguage() {
    return { code: LANGUAGES[1 - current], name: NAMES[1 - current] };
}

/** Rewrites every element with a `data-word`, or a name `data-label`, in the language in use. */
export function translatePage() {
    document.documentElement.lang = LANGUAGES[current];
    for (const element of document.querySelectorAll('[data-word]')) {
        element.textContent = word(element.dataset.word);
    }
    for (const element of document.querySelectorAll('[data-label]')) {
        element.setAttribute('aria-label', word(element.dataset.label));
        if ('placeholder' in element) {
            element.placeholder = word(element.dataset.label);
        }
    }
}

// words.js — every word of the page in English and Chinese, and the language in use.
// SPDX-License-Identifier: MIT

const WORDS = {
    title: ['WebSocket test', 'WebSocket 测试'],
    connection: ['Connection', '连接'],
    server: ['Server address', '服务器地址'],
    client: ['Client id', '客户端标识'],
    connect: ['Connect', '连接'],
    disconnect: ['Disconnect', '断开'],
    subscription: ['Test subscription', '测试订阅'],
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
    uptime: ['Connected for', '连接时长'],
    log: ['Messages', '消息'],
    pause: ['Pause', '暂停'],
    resume: ['Resume', '继续'],
    clear: ['Clear', '清空'],
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
    closed: ['Disconnected', '未连接'],
    connecting: ['Connecting', '正在连接'],
    open: ['Connected', '已连接'],
    closing: ['Disconnecting', '正在断开'],
    byUser: ['closed from this page', '由本页面断开'],
    byServer: ['closed with code {0} {1}', '连接已关闭，代码 {0} {1}'],
    badAddress: ['not a WebSocket address: {0}', '不是有效的 WebSocket 地址：{0}'],
    refused: [
        'no connection: is the gateway running, are address and client id right?',
        '无法连接：请确认网关已运行，地址和客户端标识正确',
    ],
};

const LANGUAGES = ['en', 'zh'];
const NAMES = ['English', '中文'];
let current = navigator.language.toLowerCase().startsWith('zh') ? 1 : 0;

/** The text for a key in the language in use; {0}, {1} are replaced by the values. */
export function word(key, ...values) {
    return WORDS[key][current].replace(/\{(\d)\}/g, (_, index) => values[index]);
}

/** Changes to the other language; the caller translates the page. */
export function switchLanguage() {
    current = 1 - current;
}

/** Says which language `switchLanguage` would bring: { code, name }. */
export function otherLanguage() {
    return { code: LANGUAGES[1 - current], name: NAMES[1 - current] };
}

/** Rewrites every element with a `data-word` in the language in use. */
export function translatePage() {
    document.documentElement.lang = LANGUAGES[current];
    for (const element of document.querySelectorAll('[data-word]')) {
        element.textContent = word(element.dataset.word);
    }
}

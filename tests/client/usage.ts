// usage.ts — everything the .d.ts files promise, as a TypeScript user writes it; only compiled.
// SPDX-License-Identifier: MIT
import {
    ChronoGateError, compareIds, connect, type Connection, type Message, type State,
} from '../../gateway/console/chronogate.js';
import { fetchBars } from '../../gateway/console/bars.js';

interface Bar {
    symbol: string;
    close: number;
}

const gate: Connection = connect(['ws://one:8000', 'ws://two:8000'], {
    clientId: 'typed', token: async () => 'jwt', delivery: 'all', WebSocket: class {},
    deadAfterMs: 1, minBackoffMs: 1, maxBackoffMs: 1, connectTimeoutMs: 1, answerTimeoutMs: 1,
    pingEveryMs: 1, requestRate: 1, requestBurst: 1,
});
const leave: () => void = gate.subscribe<Bar>(
    'stock.AAPL.1m',
    async (message: Message<Bar>) => {
        const close: number = message.data.close;
        const id: string | undefined = message.id;
        return [close, id, message.snapshot, message.timestamp, message.topic];
    },
    { snapshot: false, onError: (error: ChronoGateError) => error.willRetry, onClose() {} },
);
for await (const { data, missed } of gate.topic<Bar>('a', { limit: 1, overflow: 'error' })) {
    const numbers: [number, number | undefined] = [data.close, missed];
    numbers.reverse();
}
gate.on('state', ({ state, previous, code, reason }) => {
    const all: [State, State, number | undefined, string] = [state, previous, code, reason];
    all.reverse();
});
gate.on('error', ({ code, topic, cause }) => [code, topic, cause]);
gate.on('gap', ({ topic, after }) => topic + after);
gate.on('conflated', ({ dropped }) => dropped + 1)();
gate.on('recovered', ({ topic, recovered, replayed }) => [topic, !recovered, replayed + 1]);
gate.on('retry', ({ afterMs, tries, code, reason }) => [afterMs + tries, code, reason]);
gate.setToken('new');
const facts: [State, string[], string | undefined, number | undefined, number] =
    [gate.state, gate.topics, gate.lastId('a'), gate.roundTripMs, gate.counters.received];
if (compareIds('1-0', '2-0') < 0 && facts.length > 0) {
    leave();
}
const bars: Bar[] = await fetchBars('ws://x', 'a');
const lasts: number[] = (await fetchBars<{ n: number }>('ws://x', 'a', 3)).map(({ n }) => n);
lasts.push(...bars.map(({ close }) => close));
gate.close();

// @ts-expect-error: there is no such event
gate.on('nothing', () => {});
// @ts-expect-error: a handler is missing
gate.subscribe('a');
// @ts-expect-error: the state is not ours to set
gate.state = 'live';

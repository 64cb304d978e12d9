// fake.js — a gateway that does what a real one never would: the test says what it answers.
// SPDX-License-Identifier: MIT
import { once } from 'node:events';
import { WebSocketServer } from 'ws';

/** Calls `onRequest(socket, request, number)` for each request, the sockets numbered from 1;
 * `onConnection` may take over the greeting. `say` sends an object, or text as it is. */
export async function startFake(t, { onConnection = greet, onRequest = () => {} }) {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const fake = { requests: [], connections: [], url: `ws://127.0.0.1:${server.address().port}` };
    server.on('connection', (socket, { url }) => {
        const number = fake.connections.push({ socket, url, at: performance.now() });
        socket.say = (what) => socket.send(typeof what === 'string' ? what : JSON.stringify(what));
        socket.on('error', () => {});
        socket.on('message', (text) => {
            const request = JSON.parse(text);
            fake.requests.push(request);
            onRequest(socket, request, number);
        });
        onConnection(socket, number);
    });
    t.after(() => {
        server.clients.forEach((socket) => socket.terminate());
        server.close();
    });
    return fake;
}

export function greet(socket) {
    socket.say({ type: 'connection_ack', client_id: 'x' });
}

/** Answers as a gateway does; `recovered` if it has a `since`. */
export function answer(socket, { type, topic, topics = [topic], since, request_id }, recovered) {
    if (type === 'ping') {
        socket.say({ type: 'pong', request_id });
        return;
    }
    for (const one of topics) {
        socket.say({ type: `${type}_ack`, topic: one,
            recovered: since && recovered, request_id });
    }
}

export function data(socket, topic, n, id, more) {
    socket.say({ type: 'data', topic, data: { n }, id, ...more });
}

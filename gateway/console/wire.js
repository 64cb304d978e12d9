// wire.js — every text in and out of a client's connection, and a way to send one by hand.
// SPDX-License-Identifier: MIT
//
// `WebSocket` is given to the client library as the class it opens its sockets with; `events`
// are told what passes: in(text), out(text), opened(url), closed(code, reason, wasOpen).

export class Wire {
    #events;
    #socket = null;

    constructor(events) {
        this.#events = events;
    }

    get WebSocket() {
        const tap = (socket) => this.#tap(socket);
        const events = this.#events;
        return class extends WebSocket {
            constructor(url) {
                super(url);
                tap(this);
            }

            send(text) {
                super.send(text);
                events.out(text);
            }
        };
    }

    get isOpen() {
        return this.#socket?.readyState === WebSocket.OPEN;
    }

    /** Sends the text as it is; without a connection it goes nowhere. */
    send(text) {
        if (this.isOpen) {
            this.#socket.send(text);
        }
    }

    #tap(socket) {
        let wasOpen = false;
        this.#socket = socket;
        socket.binaryType = 'arraybuffer';
        socket.addEventListener('open', () => {
            wasOpen = true;
            this.#events.opened(socket.url);
        });
        socket.addEventListener('message', ({ data }) => this.#events.in(data));
        socket.addEventListener('close', ({ code, reason }) => {
            if (socket === this.#socket) {
                this.#events.closed(code, reason, wasOpen);
            }
        });
    }
}

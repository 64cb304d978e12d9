// port.js — free ports, below those that the kernel gives to connections, which come and go.
// SPDX-License-Identifier: MIT
import { once } from 'node:events';
import { createServer } from 'node:net';

const [LOWEST, HIGHEST] = [10_240, 32_767];

export async function freePort() {
    for (;;) {
        const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
        const server = createServer().listen(port, '127.0.0.1');
        try {
            await once(server, 'listening');
        } catch {
            continue; // somebody has it
        }
        server.close();
        await once(server, 'close');
        return port;
    }
}

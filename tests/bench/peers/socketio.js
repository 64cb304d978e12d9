// Socket.IO with its Redis adapter, WebSocket transport only. Feeds publish plain messages, so each
// node takes them from Redis itself and hands them to its own clients (`local`); the adapter joins
// the nodes for all else. Tuned as socket.io/docs/v4/performance-tuning says: bufferutil, the HTTP
// request not kept, and, with ENGINE=uws, uWebSockets.js instead of ws.
// SPDX-License-Identifier: MIT
'use strict'

const { createServer } = require('node:http')
const { Server } = require('socket.io')
const { createAdapter } = require('@socket.io/redis-adapter')
const { port, redis, feed } = require('./feed')

const io = new Server({
  transports: ['websocket'],
  allowUpgrades: false,
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
  adapter: createAdapter(redis(), redis())
})
const confirm = feed((topic, payload) => io.local.to(topic).emit('data', JSON.parse(payload)))

io.on('connection', (socket) => {
  socket.on('subscribe', async (topics) => {
    await Promise.all(topics.map(confirm))
    await socket.join(topics)
    socket.emit('subscribe_ack', topics)
  })
})

if (process.env.ENGINE === 'uws') {
  const app = require('@trufflesuite/uws-js-unofficial').App()
  io.attachApp(app)
  app.listen('127.0.0.1', port, (listening) => { if (!listening) process.exit(1) })
} else {
  const server = createServer()
  io.attach(server)
  server.listen({ port, host: '127.0.0.1', backlog: 4096 })
}
io.engine.on('connection', (socket) => { socket.request = null })

// ws + ioredis. Each message is framed once, as Socket.IO does it with the same library, and
// the frame is written to every subscriber's socket.
// SPDX-License-Identifier: MIT
'use strict'

const { Sender, WebSocketServer } = require('ws')
const { port, feed, connectionAck, subscribeAck, data } = require('./feed')

const subscribers = new Map() // topic → set of sockets
const frameOptions = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: false }

const confirm = feed((topic, payload) => {
  const frame = Buffer.concat(Sender.frame(Buffer.from(data(topic, payload)), frameOptions))
  for (const socket of subscribers.get(topic)) socket._socket.write(frame)
})

async function subscribe(socket, topic) {
  if (!subscribers.has(topic)) subscribers.set(topic, new Set())
  await confirm(topic)
  socket.send(subscribeAck(topic))
  subscribers.get(topic).add(socket)
  socket.topics.push(topic)
}

const server = new WebSocketServer({
  port, host: '127.0.0.1', perMessageDeflate: false, clientTracking: false, backlog: 4096
})
server.on('connection', (socket) => {
  socket.topics = []
  socket.send(connectionAck())
  socket.on('message', (text) => {
    const request = JSON.parse(text)
    if (request.type === 'subscribe') for (const topic of request.topics) subscribe(socket, topic)
  })
  socket.on('close', () => {
    for (const topic of socket.topics) subscribers.get(topic).delete(socket)
  })
  socket.on('error', () => {})
})

// uWebSockets.js + ioredis. app.publish() is the library's own fan-out: what is published in one
// turn of the loop goes to each subscriber in one send.
// SPDX-License-Identifier: MIT
'use strict'

const uws = require('@trufflesuite/uws-js-unofficial')
const { port, feed, connectionAck, subscribeAck, data } = require('./feed')

const app = uws.App()
const confirm = feed((topic, payload) => app.publish(topic, data(topic, payload), false, false))

app.ws('/*', {
  compression: uws.DISABLED,
  maxBackpressure: 1024 * 1024,
  idleTimeout: 120,
  open: (socket) => {
    socket.isOpen = true
    socket.send(connectionAck())
  },
  message: async (socket, message) => {
    const request = JSON.parse(Buffer.from(message).toString())
    if (request.type !== 'subscribe') return
    await Promise.all(request.topics.map(confirm))
    if (!socket.isOpen) return
    socket.cork(() => {
      for (const topic of request.topics) {
        socket.send(subscribeAck(topic))
        socket.subscribe(topic)
      }
    })
  },
  close: (socket) => { socket.isOpen = false }
})
app.listen('127.0.0.1', port, (listening) => { if (!listening) process.exit(1) })

// feed — what our three Node servers share: Redis through ioredis, and the gateway's envelope.
// SPDX-License-Identifier: MIT
//
// Environment: PORT, REDIS_PORT. SIGUSR2 collects garbage, so that memory can be compared.
'use strict'

const Redis = require('ioredis')

const port = Number(process.env.PORT)
const redis = () => new Redis({ host: '127.0.0.1', port: Number(process.env.REDIS_PORT) })

// Calls deliver(topic, payload) for each message; the result makes sure that a topic is
// subscribed to at Redis, once.
function feed(deliver) {
  const subscriber = redis()
  const confirmed = new Map()
  subscriber.on('message', deliver)
  return (topic) => {
    if (!confirmed.has(topic)) confirmed.set(topic, subscriber.subscribe(topic))
    return confirmed.get(topic)
  }
}

const now = () => new Date().toISOString()
const connectionAck = () =>
  `{"type":"connection_ack","client_id":"bench","timestamp":"${now()}"}`
const subscribeAck = (topic) =>
  `{"type":"subscribe_ack","topic":"${topic}","timestamp":"${now()}"}`
const data = (topic, payload) =>
  `{"type":"data","topic":"${topic}","data":${payload},"timestamp":"${now()}"}`

process.on('SIGUSR2', () => global.gc())

module.exports = { port, redis, feed, connectionAck, subscribeAck, data }

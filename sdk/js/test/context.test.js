// What an actor's functions know and may ask for.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { actor } from 'troupe-actor'
import { Harness } from 'troupe-actor/testing'

const running = (handle, rest = {}) => new Harness(actor({ init: () => ({}), handle, ...rest }))
const once = (task, options) => running((state, message, ctx) => task(ctx)).send({}, options)

test('effects are collected in order and have ids', () => {
  const { effects, reply } = once((ctx) => {
    ctx.send('desk', { a: 1 })
    const request = ctx.request('desk', 'b', 1000)
    const timer = ctx.setTimer(5, null)
    const cron = ctx.setCron('0 * * * *', {})
    ctx.cancel(timer)
    const child = ctx.spawn({ name: 'kid', config: { x: 1 }, supervision: { onFailure: 'restart', failures: 3 } })
    ctx.stop('kid')
    ctx.exit('done')
    return [request, timer, cron, child]
  })
  const seq = 2
  assert.deepEqual(reply, [{ seq, n: 1 }, { seq, n: 2 }, { seq, n: 3 }, { seq, n: 5 }])
  const supervision = {
    onFailure: 'restart',
    failures: 3,
    within: 60_000,
    backoff: 1000,
    maxBackoff: 60_000,
    maxRestarts: 5,
  }
  assert.deepEqual(effects, [
    { kind: 'send', to: 'desk', message: { a: 1 } },
    { kind: 'request', to: 'desk', message: 'b', timeout: 1000 },
    { kind: 'timer', after: 5, message: null },
    { kind: 'cron', cron: '0 * * * *', message: {} },
    { kind: 'cancel', timer: { seq, n: 2 } },
    { kind: 'spawn', component: null, config: { x: 1 }, name: 'kid', grants: [], supervision },
    { kind: 'stop', child: 'kid' },
    { kind: 'exit', reason: 'done' },
  ])
})

test('what the runtime would trap on throws in the author’s code', () => {
  const wrong = [
    [(ctx) => ctx.send('', {}), /name of an actor is 1 to 256 printable ASCII characters, not $/],
    [(ctx) => ctx.send('ü', {}), /not ü/],
    [(ctx) => ctx.send('a'.repeat(257), {}), /1 to 256/],
    [(ctx) => ctx.setTimer(1.5, {}), /after is 1.5; it is a whole number of milliseconds/],
    [(ctx) => ctx.setTimer(-1, {}), /after is -1/],
    [(ctx) => ctx.request('a', {}, 2 ** 53), /timeout is 9007199254740992/],
    [(ctx) => ctx.send('a', { n: NaN }), /message.n: NaN is not JSON/],
    [(ctx) => ctx.spawn({ supervision: { onFailure: 'go-on' } }), /onFailure is go-on; there are goOn, /],
  ]
  for (const [task, message] of wrong) assert.throws(() => once(task), { name: 'Failed', message })
})

test('effects are not possible in accept', () => {
  const harness = running(() => {}, { accept: (state, message, ctx) => ctx.send('a', {}) })
  assert.throws(() => harness.send({}), { name: 'Refused', message: /^send is possible in init/ })
})

test('a context says who sent the message, when, and where it stands', () => {
  const chain = 'c'
  const entry = 'e'
  const senders = [
    { kind: 'http' },
    { kind: 'did', did: 'did:key:z6' },
    { kind: 'actor', chain, entry, n: 1 },
    { kind: 'timer', set: { seq: 2, n: 0 }, due: 5 },
    { kind: 'reply', to: { seq: 2, n: 0 }, chain, entry },
    { kind: 'notice', of: { seq: 2, n: 0 }, about: 'no-reply', chain: null, entry: null },
    { kind: 'parent', chain, entry, n: 1 },
  ]
  for (const from of senders) {
    const { reply } = once(({ from, at, seq }) => ({ from, at, seq }), { from, at: 1_800_000_000_000 })
    assert.deepEqual(reply, { from, at: 1_800_000_000_000, seq: 2 })
  }
})

test('the clock is the entry’s time and there is no chance', () => {
  const at = 1_700_000_000_001
  const { reply } = once(() => [Date.now(), new Date().getTime(), performance.now(), new Date(5).getTime()], { at })
  assert.deepEqual(reply, [at, at, at, 5])
  assert.equal(once(() => new Date() instanceof Date && new Date().constructor === Date).reply, true)
  assert.throws(() => once(() => Math.random()), { name: 'Failed', message: /^there are no random numbers here/ })
  const check = () => void Date.now()
  assert.throws(() => running(() => {}, { check }), { name: 'Refused', message: /^there is no time here/ })
})

test('the host’s own clock is as it was afterwards', () => {
  once(() => Date.now(), { at: 5 })
  assert.ok(Date.now() > 1_700_000_000_000)
  assert.ok(Math.random() < 1)
})

test('log and console write lines at their levels', () => {
  const { log } = once((ctx) => {
    ctx.log.debug('a', 1, { b: [2] })
    console.log('c', null, undefined)
    console.error(new TypeError('d'))
  })
  assert.deepEqual(log, [
    { level: 'debug', line: 'a 1 {"b":[2]}' },
    { level: 'info', line: 'c null undefined' },
    { level: 'error', line: 'TypeError: d' },
  ])
})

test('the web answers, or throws', () => {
  const web = ({ method, url, headers, body }) => {
    if (url !== 'http://a.example/') throw 'not granted'
    assert.equal(method, 'POST')
    assert.deepEqual(headers, [['accept', 'text/plain']])
    return { status: 201, headers: [['Content-Type', 'application/json']], body: body }
  }
  const asking = actor({
    init: () => ({}),
    handle: (state, { url }, ctx) => {
      const answer = ctx.fetch(url, { method: 'POST', headers: { accept: 'text/plain' }, body: '{"a":1}' })
      return [answer.status, answer.ok, answer.header('content-type'), answer.header('x'), answer.json()]
    },
  })
  const harness = new Harness(asking, { web })
  const { reply } = harness.send({ url: 'http://a.example/' })
  assert.deepEqual(reply, [201, true, 'application/json', null, { a: 1 }])
  assert.throws(() => harness.send({ url: 'http://b.example/' }), { message: 'fetch http://b.example/: not granted' })
  assert.throws(() => new Harness(asking).send({ url: 'http://a.example/' }), { message: /build it with --web/ })
})

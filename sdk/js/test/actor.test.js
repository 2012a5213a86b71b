// What an author defines, and what a message then leads to.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { actor, Refused, sorted } from 'troupe-actor'
import { Failed, Harness } from 'troupe-actor/testing'

import counter from '../examples/counter.js'

const refused = (message) => ({ name: 'Refused', message })
const failed = (message) => ({ name: 'Failed', message })
/** An actor with one function for all messages. */
const handling = (handle, rest = {}) => actor({ init: () => ({}), handle, ...rest })

test('a message changes the state in place and what it returns is the reply', () => {
  const harness = new Harness(counter, { config: { count: 2 } })
  assert.equal(harness.send({ inc: null }).reply, undefined)
  assert.equal(harness.send({ add: 4 }).reply, 7)
  assert.equal(harness.stateText, '{"count":7}')
})

test('a message that does not fit its schema is refused with the path', () => {
  const harness = new Harness(counter)
  assert.throws(() => harness.send({ add: 0 }), refused('add: is less than 1'))
  assert.throws(() => harness.send({ add: '1' }), refused('add: is not an integer'))
})

test('what is not a message of the actor is refused', () => {
  const harness = new Harness(counter)
  for (const message of [1, [], null, {}, { add: 1, inc: 1 }]) {
    assert.throws(() => harness.send(message), refused('a message is an object with one key, its name'))
  }
  assert.throws(() => harness.send({ constructor: 1 }), refused('there is no message "constructor"; there are inc, add'))
  assert.throws(() => harness.send(new TextEncoder().encode('{')), /^Refused: the message is not JSON: /)
  assert.throws(() => harness.send(new Uint8Array([0x22, 0xff, 0x22])), /^Refused: the message is not JSON: /)
})

test('accept refuses with its reason and the message takes no position', () => {
  const harness = new Harness(counter, { config: { count: 99 } })
  assert.throws(() => harness.send({ add: 2 }), refused('only 1 left'))
  assert.equal(harness.seq, 2)
})

test('an error while a message is handled is a failure that leaves the state', () => {
  const harness = new Harness(
    handling((state) => {
      state.broken = true
      throw new RangeError('too far')
    }),
  )
  assert.throws(() => harness.send({}), failed('too far'))
  assert.deepEqual(harness.state, {})
  assert.deepEqual(harness.log, [{ level: 'error', line: 'RangeError: too far' }])
  assert.equal(harness.seq, 3)
})

test('a refusal while a message is handled is a failure that is not logged', () => {
  const harness = new Harness(
    handling(() => {
      throw new Refused('as asked')
    }),
  )
  assert.throws(() => harness.send({}), failed('as asked'))
  assert.deepEqual(harness.log, [])
})

test('a state is held to its schema and to check', () => {
  const check = ({ low, high }) => {
    if (low > high) throw new Refused('low is above high')
  }
  const schema = { state: { properties: { low: { minimum: 0 } } } }
  const between = actor({ init: (state) => state, handle: (state, { low }) => void (state.low = low), check, schema })
  const harness = new Harness(between, { config: { low: 1, high: 2 } })
  assert.throws(() => harness.send({ low: 3 }), failed('low is above high'))
  assert.throws(() => harness.send({ low: -1 }), failed('state.low: is less than 0'))
  assert.deepEqual(harness.state, { low: 1, high: 2 })
})

test('a state that is not JSON is a failure that names the place', () => {
  const wrong = [
    [NaN, 'state.a.b[1]: NaN is not JSON'],
    [1n, 'state.a.b[1]: a bigint is not JSON'],
    [undefined, 'state.a.b[1]: undefined is not JSON'],
    [new Set(), 'state.a.b[1]: a Set is not JSON'],
    [new Uint8Array(1), 'state.a.b[1]: a Uint8Array is not JSON'],
  ]
  for (const [value, message] of wrong) {
    const harness = new Harness(handling((state) => void (state.a = { b: [0, value] })))
    assert.throws(() => harness.send({}), failed(message))
  }
})

test('keys stay in the order in which the author made them, and a Map keeps any', () => {
  const harness = new Harness(
    handling((state) => {
      state.zeta = 'ü'
      state.alpha = sorted({ b: 1, 10: 2, 9: 3 })
      state.absent = undefined
    }),
  )
  harness.send({})
  assert.equal(harness.stateText, '{"zeta":"ü","alpha":{"10":2,"9":3,"b":1}}')
})

test('become puts another state in the place of the one at hand', () => {
  const harness = new Harness(handling((state, message, ctx) => ctx.become(message)))
  harness.send({ other: true })
  assert.deepEqual(harness.state, { other: true })
})

test('replies and notices have functions of their own where the actor has them', () => {
  const messages = { inc: () => 'inc' }
  const one = actor({ init: () => ({}), messages, onReply: (state, reply) => ['reply', reply], onNotice: () => 'notice' })
  const harness = new Harness(one)
  const to = { seq: 2, n: 0 }
  assert.deepEqual(harness.send(7, { from: { kind: 'reply', to, chain: 'c', entry: 'e' } }).reply, ['reply', 7])
  assert.equal(harness.send({}, { from: { kind: 'notice', of: to, about: 'late' } }).reply, 'notice')
  const other = new Harness(actor({ init: () => ({}), messages }))
  assert.equal(other.send({ inc: 1 }, { from: { kind: 'reply', to, chain: 'c', entry: 'e' } }).reply, 'inc')
})

test('a configuration that does not fit makes init refuse', () => {
  const schema = { config: { type: 'object', required: ['low'] } }
  const one = (reasons) => actor({ init: () => ({}), handle() {}, schema, reasons })
  assert.throws(() => new Harness(one(), { config: {} }), refused('config.low: is missing'))
  assert.throws(() => new Harness(one()), refused('config: is not an object'))
  const reasons = { config: (found) => `no: ${found}` }
  assert.throws(() => new Harness(one(reasons), { config: 1 }), refused('no: config: is not an object'))
})

test('migrate makes a state of what other code came to', () => {
  const harness = new Harness(handling(() => {}, { migrate: ({ n }) => ({ count: n }) }))
  harness.migrate({ n: 7 })
  assert.deepEqual(harness.state, { count: 7 })
  const same = new Harness(counter)
  same.migrate({ kept: true })
  assert.deepEqual(same.state, { kept: true })
})

test('a function that returns a promise is a failure', () => {
  const harness = new Harness(handling(async () => {}))
  assert.throws(() => harness.send({}), /^Failed: the function returned a promise; /)
})

test('the description says what each message takes', () => {
  const only = (name, schema) => ({
    type: 'object',
    properties: { [name]: schema },
    required: [name],
    additionalProperties: false,
  })
  assert.deepEqual(new Harness(counter).schema, {
    message: { oneOf: [only('inc', true), only('add', { type: 'integer', minimum: 1 })] },
  })
})

test('a definition that makes no sense is an error that says why', () => {
  const wrong = [
    [{}, /actor.init is missing/],
    [{ init() {} }, /either `messages` or `handle`/],
    [{ init() {}, messages: {}, handle() {} }, /either `messages` or `handle`/],
    [{ init() {}, handle() {}, acept() {} }, /actor.acept is not known; there are accept, /],
    [{ init() {}, handle: 7 }, /actor.handle is not a function/],
    [{ init() {}, messages: { add: {} } }, /actor.messages.add: a message is a function/],
    [{ init() {}, messages: {}, accept() {} }, /each has its own `accept`/],
    [{ init() {}, handle() {}, schema: { state: { typ: 'x' } } }, /actor.schema.state: the keyword typ is not understood/],
  ]
  for (const [definition, message] of wrong) assert.throws(() => actor(definition), { name: 'TypeError', message })
  assert.equal(Failed.name, 'Failed')
})

// Stock in JavaScript comes to the states, replies, effects and reasons that every language comes to.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

import { Failed, Harness, Refused } from 'troupe-actor/testing'
import stock from './stock.js'

const START = 1_700_000_000_000
const STEP = 1000

const [seq, n, chain, entry] = [1, 0, 'c', 'e']
/** The senders take turns, one of each kind. */
const SENDERS = [
  { kind: 'http' },
  { kind: 'did', did: 'did:key:z6Mk' },
  { kind: 'actor', chain, entry, n: 1 },
  { kind: 'timer', set: { seq, n }, due: START },
  { kind: 'reply', to: { seq, n }, chain, entry },
  { kind: 'notice', of: { seq, n }, about: 'no-reply', chain, entry: null },
  { kind: 'parent', chain, entry, n: 1 },
]

const file = (name) => new URL(`../${name}`, import.meta.url)
const lines = (name) => readFileSync(file(name), 'utf8').trimEnd().split('\n')

/** A line of `expected.ndjson` for what came of a message. */
function outcome(harness, text, options) {
  try {
    const { replyText, effects } = harness.send(new TextEncoder().encode(text), options)
    const shown = effects.map(({ kind, ...fields }) => ({ [kind]: fields }))
    return `{"state":${harness.stateText},"reply":${replyText},"effects":${JSON.stringify(shown)}}`
  } catch (error) {
    if (error instanceof Refused) return JSON.stringify({ refused: error.message })
    if (error instanceof Failed) return JSON.stringify({ failed: error.message })
    throw error
  }
}

test('stock takes the run as expected', { skip: !existsSync(file('expected.ndjson')) }, () => {
  const [first, ...expected] = lines('expected.ndjson')
  const { config } = JSON.parse(first)
  const harness = new Harness(stock, { config })
  assert.equal(`{"config":${JSON.stringify(config)},"state":${harness.stateText}}`, first)
  lines('messages.ndjson').forEach((message, number) => {
    const options = { from: SENDERS[number % SENDERS.length], at: START + STEP * number }
    assert.equal(outcome(harness, message, options), expected[number], `${number + 1}: ${message}`)
  })
})

test('an item may have a name that every object knows', () => {
  const harness = new Harness(stock)
  assert.deepEqual(harness.send({ add: { item: 'constructor', n: 2 } }).reply, { item: 'constructor', n: 2 })
  assert.equal(harness.stateText, '{"alert":null,"items":{"constructor":2},"low":0,"seen":1}')
})

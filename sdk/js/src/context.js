// What an actor's functions are given beside message and state: who sent it, when, and what may be asked of the runtime.

import { encode } from './codec.js'
import { toBytes, toText } from './utf8.js'

const MAX_TEXT = 256
const PRINTABLE = /^[\x20-\x7e]+$/

/** The runtime's names for what is done about failures. */
const POLICIES = { goOn: 'go-on', pause: 'pause', restart: 'restart', restore: 'restore', stop: 'stop', escalate: 'escalate' }

/** As the node has them where a manifest says nothing. */
const SUPERVISION = {
  onFailure: 'goOn',
  failures: 1,
  within: 60_000,
  backoff: 1000,
  maxBackoff: 60_000,
  maxRestarts: 5,
}

/** What is asked of the runtime; `host` has the imports of the world, `effects` says whether they are possible now. */
export class Context {
  #host
  #effects
  #state

  constructor(context, host, effects) {
    this.at = Number(context.at)
    this.seq = Number(context.seq)
    this.from = sender(context.from)
    this.log = host.log
    this.#host = host
    this.#effects = effects
  }

  send(to, message) {
    this.#runtime('send').send(actorName(to), encode(message, 'message'))
  }

  request(to, message, timeout) {
    const runtime = this.#runtime('request')
    return id(runtime.request(actorName(to), encode(message, 'message'), this.#time(timeout, 'timeout')))
  }

  setTimer(after, message) {
    return id(this.#runtime('setTimer').setTimer(this.#time(after, 'after'), encode(message, 'message')))
  }

  setCron(cron, message) {
    return id(this.#runtime('setCron').setCron(printable(cron, 'cron'), encode(message, 'message')))
  }

  cancel({ seq, n }) {
    this.#runtime('cancel').cancel({ seq: this.#time(seq, 'seq'), n })
  }

  spawn({ component, config, name, grants = [], supervision } = {}) {
    const runtime = this.#runtime('spawn')
    return id(
      runtime.spawn({
        component: component ?? null,
        config: config === undefined ? null : encode(config, 'config'),
        name: name ?? null,
        grants,
        supervision: supervision === undefined ? null : this.#supervision(supervision),
      }),
    )
  }

  stop(child) {
    this.#runtime('stop').stop(actorName(child))
  }

  exit(reason) {
    this.#runtime('exit').exit(printable(reason, 'reason'))
  }

  /** Makes this the state, in the place of the one that the function was given. */
  become(state) {
    this.#state = { state }
  }

  /** What was given to `become`, or else the state at hand. Not for authors. */
  static stateAfter(context, state) {
    return context.#state ? context.#state.state : state
  }

  fetch(url, { method = 'GET', headers = {}, body } = {}) {
    if (!this.#effects) throw new Error('fetch is possible in init, while a message is handled, and in migrate')
    const { fetch } = this.#host
    if (!fetch) throw new Error('this actor was built without the web: build it with --web')
    const pairs = Array.isArray(headers) ? headers : Object.entries(headers)
    try {
      return new Response(fetch({ method, url, headers: pairs, body: bytes(body) }))
    } catch (error) {
      throw new Error(`fetch ${url}: ${reason(error)}`)
    }
  }

  #runtime(what) {
    if (this.#effects) return this.#host.runtime
    throw new Error(`${what} is possible in init, while a message is handled, and in migrate`)
  }

  #supervision(given) {
    const { onFailure, failures, within, backoff, maxBackoff, maxRestarts } = { ...SUPERVISION, ...given }
    if (!Object.hasOwn(POLICIES, onFailure)) {
      throw new TypeError(`onFailure is ${onFailure}; there are ${Object.keys(POLICIES).join(', ')}`)
    }
    return {
      onFailure: POLICIES[onFailure],
      failures,
      within: this.#time(within, 'within'),
      backoff: this.#time(backoff, 'backoff'),
      maxBackoff: this.#time(maxBackoff, 'maxBackoff'),
      maxRestarts,
    }
  }

  /** A whole number for the host: engines differ in how they pass 64 bits. */
  #time(value, what) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`${what} is ${value}; it is a whole number of milliseconds up to 2^53-1`)
    }
    return this.#host.wide(value)
  }
}

/** An answer of the web. */
export class Response {
  constructor({ status, headers, body }) {
    this.status = status
    this.headers = headers
    this.body = body
  }

  get ok() {
    return this.status >= 200 && this.status < 300
  }

  /** The first header of that name, or null. */
  header(name) {
    const found = this.headers.find(([one]) => one.toLowerCase() === name.toLowerCase())
    return found ? found[1] : null
  }

  text() {
    return toText(this.body)
  }

  json() {
    return JSON.parse(this.text())
  }
}

/** Lines for the actor's log: each takes values as `console.log` does. */
export function logTo(write) {
  const line = (level) => (...values) => write(level, values.map(shown).join(' '))
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}

/** What is said of something that was thrown. */
export function reason(thrown) {
  if (!(thrown instanceof Error)) return typeof thrown === 'string' ? thrown : shown(thrown?.payload ?? thrown)
  return thrown.message === '' ? thrown.name : thrown.message
}

function shown(value) {
  if (typeof value === 'string') return value
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return JSON.stringify(value) ?? String(value)
}

function sender({ tag, val }) {
  switch (tag) {
    case 'http':
      return { kind: tag }
    case 'did':
      return { kind: tag, did: val }
    case 'timer':
      return { kind: tag, set: id(val.set), due: Number(val.due) }
    case 'reply':
      return { kind: tag, to: id(val.to), chain: val.chain, entry: val.entry }
    case 'notice':
      return { kind: tag, of: id(val.of), about: val.about, chain: val.chain ?? null, entry: val.entry ?? null }
    default:
      return { kind: tag, chain: val.chain, entry: val.entry, n: val.n }
  }
}

function id({ seq, n }) {
  return { seq: Number(seq), n }
}

function actorName(name) {
  return printable(name, 'the name of an actor')
}

function printable(value, what) {
  if (typeof value === 'string' && value.length <= MAX_TEXT && PRINTABLE.test(value)) return value
  throw new TypeError(`${what} is 1 to ${MAX_TEXT} printable ASCII characters, not ${shown(value)}`)
}

function bytes(body) {
  if (body === undefined || body === null) return null
  return typeof body === 'string' ? toBytes(body) : body
}

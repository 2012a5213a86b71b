// An actor on this machine, without WebAssembly: for the unit tests of its author.

import { decode, encode } from './codec.js'
import { exportsOf, prepare } from './guest.js'
import { Refused } from './refused.js'

const FIRST_SEQ = 2
const HTTP = { kind: 'http' }

export { Refused }

/** The actor failed on a message. */
export class Failed extends Error {
  constructor(reason) {
    super(reason)
    this.name = 'Failed'
  }
}

/** Runs an actor as a node does: contracts before and after, everything through bytes, nothing kept but the state. */
export class Harness {
  #exports
  #log = []
  #effects = []
  #web
  #state
  #seq = 1
  #at

  /** `web` answers `ctx.fetch`: it is given the request and returns `{ status, headers, body }`, or throws. */
  constructor(actor, { config, at = 1_700_000_000_000, web } = {}) {
    this.#at = at
    this.#web = web
    this.#exports = exportsOf(actor, this.#runtime(), web && { fetch: (request) => this.#fetch(request) })
    const { handler } = this.#exports
    const bytes = config === undefined ? null : encode(config, 'config')
    const state = this.#call(() => handler.init(this.#context(HTTP), bytes), Refused)
    this.#checked(state, Refused)
    this.#seq = FIRST_SEQ
  }

  /** The state, as it would be read again. */
  get state() {
    return decode(this.#state)
  }

  /** The state's bytes as text. */
  get stateText() {
    return new TextDecoder().decode(this.#state)
  }

  /** The position of the next entry. */
  get seq() {
    return this.#seq
  }

  /** The JSON Schemas of what the actor takes. */
  get schema() {
    return JSON.parse(this.#exports.description.schema())
  }

  /**
   * Sends a message: a value, or bytes. Returns `{ reply, effects, log }`; throws `Refused` if the contract refuses it,
   * and `Failed` if the actor fails, with the state as it was.
   */
  send(message, { from = HTTP, at = this.#at } = {}) {
    const bytes = message instanceof Uint8Array ? message : encode(message, 'message')
    const { handler } = this.#exports
    this.#at = Math.max(at, this.#at)
    this.#log = []
    this.#effects = []
    const context = this.#context(from)
    this.#call(() => handler.messageContract(context, bytes, this.#state), Refused)
    const { state, reply } = this.#taking(() => {
      const outcome = this.#call(() => handler.handle(context, bytes, this.#state), Failed)
      this.#checked(outcome.state, Failed)
      return outcome
    })
    return {
      reply: reply === null ? undefined : decode(reply),
      replyText: reply === null ? undefined : new TextDecoder().decode(reply),
      effects: this.#effects,
      log: this.#log,
    }
  }

  /** The log of the last message, also of one that was refused or failed. */
  get log() {
    return this.#log
  }

  /** Carries a state over from other code, as an upgrade does. */
  migrate(state) {
    const { migration } = this.#exports
    this.#checked(this.#call(() => migration.migrate(this.#context(HTTP), encode(state, 'state')), Refused), Refused)
  }

  /** Whether a state, a value or bytes, keeps the state contract; throws `Refused` if not. */
  check(state) {
    const bytes = state instanceof Uint8Array ? state : encode(state, 'state')
    this.#call(() => this.#exports.handler.stateContract(bytes), Refused)
  }

  /** A message that was taken has a position, also if the actor fails on it. */
  #taking(task) {
    try {
      return task()
    } finally {
      this.#seq += 1
    }
  }

  #checked(state, Thrown) {
    this.#call(() => this.#exports.handler.stateContract(state), Thrown)
    this.#state = state
  }

  /** Calls the actor in the scope that it has in a component. */
  #call(task, Thrown) {
    const restore = prepare({ log: (level, line) => this.#log.push({ level, line }) })
    try {
      return task()
    } catch (error) {
      throw typeof error === 'string' ? new Thrown(error) : error
    } finally {
      restore()
    }
  }

  #context({ kind, ...rest }) {
    const { did, ...fields } = rest
    return { from: { tag: kind, val: kind === 'did' ? did : fields }, at: this.#at, seq: this.#seq }
  }

  #runtime() {
    const effect = (kind, fields) => {
      this.#effects.push({ kind, ...fields })
      return { seq: this.#seq, n: this.#effects.length - 1 }
    }
    return {
      log: (level, line) => this.#log.push({ level, line }),
      send: (to, message) => void effect('send', { to, message: decode(message) }),
      request: (to, message, timeout) => effect('request', { to, message: decode(message), timeout }),
      setTimer: (after, message) => effect('timer', { after, message: decode(message) }),
      setCron: (cron, message) => effect('cron', { cron, message: decode(message) }),
      cancel: (timer) => void effect('cancel', { timer }),
      spawn: (child) => effect('spawn', { ...child, config: child.config && decode(child.config) }),
      stop: (child) => void effect('stop', { child }),
      exit: (reason) => void effect('exit', { reason }),
    }
  }

  #fetch(request) {
    const { status = 200, headers = [], body = '' } = this.#web(request)
    return { status, headers, body: typeof body === 'string' ? new TextEncoder().encode(body) : body }
  }
}

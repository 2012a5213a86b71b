// The three interfaces that a component exports, made of what an author defined and of what the component imports.
//
// The build makes a component of a module that calls `prepare` before the author's code is evaluated, and `exportsOf`
// after. Everything but `schema` is asked with bytes.

import { describe, keep, route } from './actor.js'
import { install } from './ambient.js'
import { decode, encode } from './codec.js'
import { Context, logTo, reason } from './context.js'
import { where } from './place.js'
import { Refused } from './refused.js'

/** The time of the call that is going on. */
let at

/**
 * Gives the global scope the meanings that an actor may rely on. `random` is what `Math.random` is to be; without it
 * each call throws. Returns a function that takes all of it back.
 */
export function prepare({ log, random }, scope = globalThis) {
  const lines = logTo(log)
  return install(scope, { now: () => at, log: () => lines, random })
}

/** The exports of a component. `runtime` and `http` are what it imports. */
export function exportsOf(actor, runtime, http) {
  if (typeof actor?.init !== 'function') {
    throw new TypeError('the default export is not an actor: write `export default actor({ … })`')
  }
  const host = { runtime, fetch: http?.fetch, log: logTo(runtime.log), wide: Number }
  const calling = (context, effects) => {
    at = Number(context.at)
    // QuickJS passes 64 bits as a number, StarlingMonkey as a BigInt; each takes only its own.
    host.wide = typeof context.at === 'bigint' ? BigInt : Number
    return new Context(context, host, effects)
  }
  const guarded = (task) => {
    try {
      return task()
    } catch (error) {
      if (!(error instanceof Refused)) host.log.error(`${named(error)}${where(error)}`)
      // A text that is thrown is the error of a result.
      throw reason(error)
    } finally {
      at = undefined
    }
  }
  const written = (state) => encode(actor.encode ? actor.encode(state) : state, 'state')

  return {
    handler: {
      init: (context, config) =>
        guarded(() => {
          const ctx = calling(context, true)
          const state = settled(actor.init(configured(actor, config), ctx))
          return written(Context.stateAfter(ctx, state))
        }),
      messageContract: (context, message, state) =>
        guarded(() => {
          const ctx = calling(context, false)
          const { accept, value } = taken(actor, message, ctx)
          if (accept) settled(accept(decode(state), value, ctx))
        }),
      handle: (context, message, bytes) =>
        guarded(() => {
          const ctx = calling(context, true)
          const state = decode(bytes)
          const value = decode(message)
          const { handle, name } = route(actor, value, ctx)
          const reply = settled(handle(state, name === undefined ? value : value[name], ctx))
          return {
            state: written(Context.stateAfter(ctx, state)),
            reply: reply === undefined ? null : encode(reply, 'reply'),
          }
        }),
      stateContract: (bytes) =>
        guarded(() => {
          const state = parsed(bytes, 'state')
          keep(actor.checks.state, state, 'state')
          if (actor.check) settled(actor.check(state))
        }),
    },
    migration: {
      migrate: (context, bytes) =>
        guarded(() => {
          if (!actor.migrate) return bytes
          const ctx = calling(context, true)
          const state = settled(actor.migrate(decode(bytes), ctx))
          return written(Context.stateAfter(ctx, state))
        }),
    },
    description: { schema: () => JSON.stringify(describe(actor)) },
  }
}

function configured(actor, config) {
  return inWords(actor.reasons.config, () => {
    const value = config === null || config === undefined ? null : parsed(config, 'config')
    keep(actor.checks.config, value, 'config')
    return value
  })
}

function taken(actor, message, ctx) {
  return inWords(actor.reasons.message, () => {
    const whole = parsed(message, 'message')
    const { accept, check, name } = route(actor, whole, ctx)
    const value = name === undefined ? whole : whole[name]
    keep(check, value, name ?? 'message')
    return { accept, value }
  })
}

/** Refuses in the author's words, if there are any, in the place of its own. */
function inWords(words, task) {
  try {
    return task()
  } catch (error) {
    if (!(error instanceof Refused) || words === undefined) throw error
    throw new Refused(typeof words === 'function' ? words(error.message) : words)
  }
}

function parsed(bytes, what) {
  try {
    return decode(bytes)
  } catch (error) {
    throw new Refused(`the ${what} is not JSON: ${reason(error)}`)
  }
}

/** A call ends when its function returns: nobody would wait for a promise. */
function settled(value) {
  if (typeof value?.then !== 'function') return value
  throw new TypeError('the function returned a promise; an actor’s functions are not async, and ctx.fetch waits by itself')
}

function named(error) {
  return error instanceof Error ? `${error.name}: ${error.message}` : reason(error)
}

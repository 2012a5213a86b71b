// What a shop has on its shelves: `../README.md` says what each message does.

import { actor, Refused, sorted } from 'troupe-actor'

const MOST = 1_000_000
const ITEM = { type: 'string', pattern: '^[a-z0-9-]{1,32}$' }
const COUNT = { type: 'integer', minimum: 1, maximum: MOST }
const LOW = { type: 'integer', minimum: 0, maximum: MOST }
const NAME = { anyOf: [{ type: 'null' }, { type: 'string', pattern: '^[ -~]{1,256}$' }] }

const object = (properties, required = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})
const SOME = object({ item: ITEM, n: COUNT })
const LEFT = object({ item: ITEM, n: LOW })
const NOTHING = object({})
const CONFIG = object({ alert: NAME, low: LOW }, [])

export default actor({
  schema: {
    config: { anyOf: [{ type: 'null' }, CONFIG] },
    state: object({
      alert: NAME,
      items: { type: 'object', propertyNames: ITEM, additionalProperties: COUNT },
      low: LOW,
      seen: { type: 'integer', minimum: 0 },
    }),
  },
  reasons: { config: 'not a configuration', message: 'not a message of stock' },

  init(config) {
    const { alert = null, low = 0 } = config ?? {}
    return { alert, items: {}, low, seen: 0 }
  },

  // A number among the names would come first in an object, whatever the order: a sorted Map keeps it.
  encode: (state) => ({ ...state, items: sorted(state.items) }),

  messages: {
    add: {
      schema: SOME,
      reply: LEFT,
      accept({ items }, { item, n }) {
        if (count(items, item) + n > MOST) throw new Refused(`no room for ${n} of ${item}`)
      },
      handle: seen('add', ({ items }, { item, n }) => {
        items[item] = count(items, item) + n
        return { item, n: items[item] }
      }),
    },

    take: {
      schema: SOME,
      reply: LEFT,
      accept({ items }, { item, n }) {
        if (count(items, item) < n) throw new Refused(`only ${count(items, item)} of ${item}`)
      },
      handle: seen('take', ({ alert, items, low }, { item, n }, ctx) => {
        const left = count(items, item) - n
        if (left > 0) items[item] = left
        else delete items[item]
        if (left < low && alert !== null) ctx.send(alert, { item, low: left })
        return { item, n: left }
      }),
    },

    total: {
      schema: NOTHING,
      reply: object({ items: { type: 'integer' }, total: { type: 'integer' } }),
      handle: seen('total', ({ items }) => {
        const counts = Object.values(items)
        return { items: counts.length, total: counts.reduce((sum, n) => sum + n, 0) }
      }),
    },

    remind: {
      schema: object({ after: { type: 'integer', minimum: 1, maximum: 86_400_000 } }),
      reply: object({ timer: object({ seq: { type: 'integer' }, n: { type: 'integer' } }) }),
      handle: seen('remind', (state, { after }, ctx) => ({ timer: ctx.setTimer(after, { total: {} }) })),
    },

    who: {
      schema: NOTHING,
      reply: object({ at: { type: 'integer' }, from: { type: 'string' }, seq: { type: 'integer' } }),
      handle: seen('who', (state, nothing, { at, from, seq }) => ({ at, from: from.kind, seq })),
    },

    fail: {
      schema: NOTHING,
      handle: seen('fail', () => {
        throw new Refused('asked to fail')
      }),
    },
  },
})

/** How many there are; `items` may have a name such as `constructor`, which every object knows. */
function count(items, item) {
  return Object.hasOwn(items, item) ? items[item] : 0
}

/** What every message does. */
function seen(key, handle) {
  return (state, value, ctx) => {
    ctx.log.debug(key)
    state.seen += 1
    return handle(state, value, ctx)
  }
}

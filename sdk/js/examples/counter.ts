// The counter of `counter.js` in TypeScript: a state, its messages, and who may send them.

import { actor, Refused } from 'troupe-actor'

interface State {
  count: number
  last: string
}

const MOST = 100

export default actor({
  init: (config: { count: number } | null): State => ({ count: config?.count ?? 0, last: 'nobody' }),
  schema: { config: { anyOf: [{ type: 'null' }, { properties: { count: { type: 'integer' } }, required: ['count'] }] } },
  messages: {
    inc(state) {
      state.count += 1
    },
    add: {
      schema: { type: 'integer', minimum: 1 },
      accept(state, n: number) {
        if (state.count + n > MOST) throw new Refused(`only ${MOST - state.count} left`)
      },
      handle(state, n: number, ctx) {
        state.count += n
        state.last = ctx.from.kind
        return state.count
      },
    },
  },
})

import { actor, Refused } from 'troupe-actor'

export default actor({
  init: (config) => ({ count: config?.count ?? 0 }),
  messages: {
    inc(state) {
      state.count += 1
    },
    add: {
      schema: { type: 'integer', minimum: 1 },
      accept(state, n) {
        if (state.count + n > 100) throw new Refused(`only ${100 - state.count} left`)
      },
      handle(state, n) {
        state.count += n
        return state.count
      },
    },
  },
})

// Compiled and not run: what an author in TypeScript is told.

import { actor, Refused, sorted } from 'troupe-actor'
import { Harness } from 'troupe-actor/testing'

interface State {
  count: number
}

const counter = actor({
  init: (config: { count?: number } | null): State => ({ count: config?.count ?? 0 }),
  messages: {
    inc(state) {
      state.count += 1
    },
    add: {
      schema: { type: 'integer' },
      accept(state, n: number) {
        if (state.count + n > 100) throw new Refused('too many')
      },
      handle(state, n: number, ctx) {
        state.count += n
        const { seq } = ctx.setTimer(1000, { inc: null })
        ctx.become({ count: seq })
        return state.count
      },
    },
    names(state, names: Record<string, number>) {
      // @ts-expect-error a state has no such member
      state.counts = 1
      return [...sorted(names).keys()]
    },
  },
})

const harness = new Harness(counter)
export const count: number = harness.state.count
// @ts-expect-error it is a number
export const text: string = harness.state.count

export default actor<State, { add: number }>({
  init: () => ({ count: 0 }),
  handle(state, message) {
    state.count += message.add
  },
  onNotice(state, { reason }, ctx) {
    if (ctx.from.kind === 'notice' && ctx.from.about === 'late') ctx.log.warn(reason)
  },
})

actor({
  init: (): State => ({ count: 0 }),
  accept(state, message: { add: number }, ctx) {
    // @ts-expect-error effects are not possible here
    ctx.send('observer', message)
  },
  handle(state, message: { add: number }, ctx) {
    state.count += message.add
    ctx.send('observer', message)
  },
})

// @ts-expect-error there is no first state
actor({ handle() {} })

import type { Actor, Sender } from './index.js'

export { Refused } from './index.js'

/** The actor failed on a message. */
export class Failed extends Error {
  constructor(reason: string)
}

/** An effect that the actor asked for: `kind` is `send`, `request`, `timer`, `cron`, `cancel`, `spawn`, `stop` or `exit`. */
export interface Effect {
  kind: string
  [field: string]: any
}

export interface Line {
  level: 'debug' | 'info' | 'warn' | 'error'
  line: string
}

/** Runs an actor on this machine as a node does. */
export class Harness<State = any> {
  constructor(
    actor: Actor<State>,
    options?: {
      config?: unknown
      /** The time of the first entry; later ones have it too, unless `send` says a later one. */
      at?: number
      /** Answers `ctx.fetch`. */
      web?: (request: { method: string; url: string; headers: [string, string][]; body: Uint8Array | null }) => {
        status?: number
        headers?: [string, string][]
        body?: string | Uint8Array
      }
    },
  )
  readonly state: State
  readonly stateText: string
  /** The position of the next entry. */
  readonly seq: number
  readonly schema: Record<string, any>
  /** The log of the last message. */
  readonly log: Line[]
  /** Throws `Refused` if the message is refused, `Failed` if the actor fails; then the state is as it was. */
  send(
    message: unknown,
    options?: { from?: Sender; at?: number },
  ): { reply: any; replyText: string | undefined; effects: Effect[]; log: Line[] }
  /** Carries a state over from other code. */
  migrate(state: unknown): void
  /** Throws `Refused` if a state does not keep the contract. */
  check(state: unknown): void
}

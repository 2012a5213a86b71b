/** A JSON Schema; `README.md` lists the keywords that are understood. */
export type Schema = boolean | { readonly [keyword: string]: unknown }

/** An effect of this actor: number `n` of the entry at position `seq`. */
export interface EffectId {
  seq: number
  n: number
}

/** Who sent a message. */
export type Sender =
  /** An HTTP client that did not say who it is. */
  | { kind: 'http' }
  /** Whoever holds the key of this DID. */
  | { kind: 'did'; did: string }
  /** Another actor: its id, and the entry and number of its effect. */
  | { kind: 'actor'; chain: string; entry: string; n: number }
  /** A timer of this actor. */
  | { kind: 'timer'; set: EffectId; due: number }
  /** The receiver of a request of this actor. */
  | { kind: 'reply'; to: EffectId; chain: string; entry: string }
  /** The runtime, about an effect of this actor. */
  | { kind: 'notice'; of: EffectId; about: About; chain: string | null; entry: string | null }
  /** The actor that started this one. */
  | { kind: 'parent'; chain: string; entry: string; n: number }

/** What became of an effect. */
export type About =
  | 'busy'
  | 'failed'
  | 'lapsed'
  | 'late'
  | 'no-reply'
  | 'out-of-time'
  | 'paused'
  | 'refused'
  | 'restarted'
  | 'started'
  | 'stopped'
  | 'unknown'

/** What the runtime says in the message of a notice. */
export interface Notice {
  notice: About
  reason?: string
}

/** Lines for the actor's log; they reach no chain and no other actor. */
export interface Log {
  debug(...values: unknown[]): void
  info(...values: unknown[]): void
  warn(...values: unknown[]): void
  error(...values: unknown[]): void
}

/** When failures are repeated failures, and what is done about them; times in milliseconds. */
export interface Supervision {
  /** By default `goOn`. */
  onFailure?: 'goOn' | 'pause' | 'restart' | 'restore' | 'stop' | 'escalate'
  /** So many failures within `within` are repeated failures. By default 1. */
  failures?: number
  /** By default 60,000. */
  within?: number
  /** How long an actor rests after it was started again, doubled each time within `within`. By default 1,000. */
  backoff?: number
  /** By default 60,000. */
  maxBackoff?: number
  /** By default 5. */
  maxRestarts?: number
}

/** An actor to be started. */
export interface Child {
  /** The hash of its component; without it, this actor's own. */
  component?: string
  /** Given to its `init`. */
  config?: unknown
  name?: string
  /** What it is granted, each of which is granted to this actor too. */
  grants?: string[]
  supervision?: Supervision
}

/** An answer of the web. */
export interface Response {
  readonly status: number
  readonly ok: boolean
  readonly headers: [name: string, value: string][]
  readonly body: Uint8Array
  /** The first header of that name, or null. */
  header(name: string): string | null
  text(): string
  json(): any
}

/** What every function of an actor may know, and the log. */
export interface Known {
  /** The entry's time: milliseconds since 1970. */
  readonly at: number
  /** The entry's position in the chain. */
  readonly seq: number
  readonly from: Sender
  readonly log: Log
}

/**
 * What `init`, the functions that handle messages, and `migrate` may ask for beside. Effects are noted down in the entry,
 * and done once it is committed. An actor is named by its id or its name, 1 to 256 printable ASCII characters; times are
 * whole milliseconds. Anything else throws.
 */
export interface Context<State = any> extends Known {
  /** Sends a message. */
  send(to: string, message: unknown): void
  /** Sends a message that is to be replied to within `timeout`; the answer comes to `onReply` or `onNotice`. */
  request(to: string, message: unknown, timeout: number): EffectId
  /** Sends this actor a message after so much time. */
  setTimer(after: number, message: unknown): EffectId
  /** Sends this actor a message whenever it is time: minute, hour, day of month, month, day of week, in UTC. */
  setCron(cron: string, message: unknown): EffectId
  /** Ends a timer; does nothing if it has gone off. */
  cancel(timer: EffectId): void
  /** Starts another actor, with this one as its parent. */
  spawn(child?: Child): EffectId
  /** Stops a child. */
  stop(child: string): void
  /** Ends this actor, once the entry being made is committed. */
  exit(reason: string): void
  /** Asks the web and waits for the answer; throws if the host is not granted or does not answer. */
  fetch(
    url: string,
    options?: {
      method?: string
      headers?: Record<string, string> | [name: string, value: string][]
      body?: string | Uint8Array
    },
  ): Response
  /** Makes this the state, in the place of the one that the function was given. */
  become(state: State): void
}

/** What is done with a message: changes the state in place. What it returns, unless undefined, is the reply. */
export type Handle<State, Value> = (state: State, value: Value, ctx: Context<State>) => unknown

/** Throws `Refused` if the message may not be handled in this state. Effects are not possible. */
export type Accept<State, Value> = (state: State, value: Value, ctx: Known) => void

/** A message with more than a function. */
export interface Message<State, Value> {
  /** What its value is; anything else is refused with the path of what is wrong. */
  schema?: Schema
  /** What the reply is; it is shown and not checked. */
  reply?: Schema
  accept?: Accept<State, Value>
  handle: Handle<State, Value>
}

interface Common<State, Config> {
  /** The first state. `config` is null if there is none. */
  init(config: Config, ctx: Context<State>): State
  /** The state contract, beside `schema.state`: throws if the actor may not be in this state. */
  check?(state: State): void
  /** The state to go on from, made of what other code came to. Without it the state stays as it is. */
  migrate?(state: any, ctx: Context<State>): State
  /** What is written of a state, where that is not the state itself: a Map is an object in the Map's order. */
  encode?(state: State): unknown
  /** Takes the answers to requests. Without it they are handled like any other message. */
  onReply?(state: State, reply: any, ctx: Context<State>): unknown
  /** Takes notices. Without it they are handled like any other message. */
  onNotice?(state: State, notice: Notice, ctx: Context<State>): unknown
  /** The reason given for what does not fit its schema, in the place of the path and what is wrong there. */
  reasons?: { config?: Reason; message?: Reason }
}

type Reason = string | ((found: string) => string)

/** An actor whose messages are objects with one key, the message's name: `{"add":2}` is for `messages.add`. */
export interface WithMessages<State, Messages extends object, Config> extends Common<State, Config> {
  messages: { [Name in keyof Messages]: Handle<State, Messages[Name]> | Message<State, Messages[Name]> }
  schema?: { state?: Schema; config?: Schema; reply?: Schema }
  handle?: undefined
  accept?: undefined
}

/** An actor with one function for all messages. */
export interface WithHandle<State, Value, Config> extends Common<State, Config> {
  handle: Handle<State, Value>
  accept?: Accept<State, Value>
  schema?: { message?: Schema; state?: Schema; config?: Schema; reply?: Schema }
  messages?: undefined
}

/** An actor: what a module exports as its default. */
export interface Actor<State = any, Messages = any, Config = any> {
  readonly schema: { readonly [name: string]: Schema | undefined }
  /** Only for the type checker. */
  readonly '~types'?: [State, Messages, Config]
}

/** Defines an actor. Throws a TypeError that names what is wrong with the definition. */
export function actor<State, Messages extends object, Config = any>(
  definition: WithMessages<State, Messages, Config>,
): Actor<State, Messages, Config>
export function actor<State, Value, Config = any>(
  definition: WithHandle<State, Value, Config>,
): Actor<State, Value, Config>

/** What an actor says no with; thrown while a message is handled it is a failure. */
export class Refused extends Error {
  constructor(reason: string)
}

/** The entries of an object, names in ascending order. */
export function sorted<Value>(object: Record<string, Value> | Map<string, Value>): Map<string, Value>

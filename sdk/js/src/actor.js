// What an author defines, checked, and what it means for a message.

import { Refused } from './refused.js'
import { compile } from './schema.js'

const FUNCTIONS = ['accept', 'check', 'encode', 'handle', 'init', 'migrate', 'onNotice', 'onReply']
const MEMBERS = [...FUNCTIONS, 'messages', 'reasons', 'schema']
const MESSAGE_MEMBERS = ['accept', 'handle', 'reply', 'schema']
const SCHEMAS = ['config', 'message', 'reply', 'state']
const REASONS = ['config', 'message']

/** Defines an actor: a module's default export. Throws a TypeError that names what is wrong with the definition. */
export function actor(definition) {
  known(definition, MEMBERS, 'actor')
  const { messages, reasons = {}, schema = {} } = definition
  known(reasons, REASONS, 'actor.reasons')
  known(schema, SCHEMAS, 'actor.schema')
  for (const name of FUNCTIONS) callable(definition[name], `actor.${name}`)
  if (!definition.init) throw new TypeError('actor.init is missing: it makes the first state')
  if (!messages === !definition.handle) throw new TypeError('an actor has either `messages` or `handle`')
  if (messages && (definition.accept || schema.message)) {
    throw new TypeError('where there are `messages`, each has its own `accept` and `schema`')
  }
  const made = { ...definition, reasons, schema, checks: {} }
  for (const name of Object.keys(schema)) made.checks[name] = compile(schema[name], `actor.schema.${name}`)
  if (messages) made.messages = eachMessage(messages)
  return made
}

function eachMessage(messages) {
  const made = {}
  for (const [name, given] of Object.entries(messages)) {
    const path = `actor.messages.${name}`
    const message = typeof given === 'function' ? { handle: given } : given
    known(message, MESSAGE_MEMBERS, path)
    callable(message.accept, `${path}.accept`)
    if (typeof message.handle !== 'function') {
      throw new TypeError(`${path}: a message is a function, or has one as \`handle\``)
    }
    if (message.reply !== undefined) compile(message.reply, `${path}.reply`)
    const check = message.schema === undefined ? undefined : compile(message.schema, `${path}.schema`)
    made[name] = { ...message, check, name }
  }
  return made
}

/**
 * What takes a message: `accept`, `check` and `handle` (the first two may be absent), with the name of the message if it
 * has one. Throws `Refused` if nothing does.
 */
export function route(actor, message, context) {
  const { kind } = context.from
  if (kind === 'reply' && actor.onReply) return { handle: actor.onReply }
  if (kind === 'notice' && actor.onNotice) return { handle: actor.onNotice }
  const { messages } = actor
  if (!messages) return { accept: actor.accept, check: actor.checks.message, handle: actor.handle }
  const names = typeof message === 'object' && message !== null && !Array.isArray(message) ? Object.keys(message) : []
  if (names.length !== 1) throw new Refused('a message is an object with one key, its name')
  const name = names[0]
  if (Object.hasOwn(messages, name)) return messages[name]
  throw new Refused(`there is no message ${JSON.stringify(name)}; there are ${Object.keys(messages).join(', ')}`)
}

/** Throws `Refused` with the path of what a check finds wrong with a value. */
export function keep(check, value, name) {
  const found = check?.(value)
  if (found) throw new Refused(`${name}${found.path}: ${found.what}`)
}

/** The JSON Schemas that say what the actor takes. */
export function describe({ messages, schema }) {
  const said = { message: schema.message, state: schema.state, config: schema.config, reply: schema.reply }
  if (!messages) return said
  said.message = { oneOf: Object.entries(messages).map(([name, { schema = true }]) => only(name, schema)) }
  const replies = Object.values(messages).flatMap(({ reply }) => (reply === undefined ? [] : [reply]))
  if (replies.length > 0) said.reply ??= { anyOf: replies }
  return said
}

function only(name, schema) {
  return { type: 'object', properties: { [name]: schema }, required: [name], additionalProperties: false }
}

function known(object, names, path) {
  if (typeof object !== 'object' || object === null) throw new TypeError(`${path}: not an object`)
  const unknown = Object.keys(object).find((name) => !names.includes(name))
  if (unknown !== undefined) throw new TypeError(`${path}.${unknown} is not known; there are ${names.join(', ')}`)
}

function callable(value, path) {
  if (value !== undefined && typeof value !== 'function') throw new TypeError(`${path} is not a function`)
}

// Values and their bytes: compact JSON in UTF-8, keys in the order in which the author made them.
//
// `JSON.stringify` would drop what it cannot write, or write `null` for it. A state is hashed and kept for good, so here
// whatever is not JSON is an error that names its place.

import { toBytes, toText } from './utf8.js'

/** The entries of an object as a Map, names in ascending order: a Map is written in its own order, whatever the names. */
export function sorted(object) {
  const all = object instanceof Map ? Object.fromEntries(object) : object
  const names = object instanceof Map ? [...object.keys()] : Object.keys(object)
  const made = new Map()
  for (const name of names.sort()) made.set(name, all[name])
  return made
}

/** The bytes of a value. `what` begins the path in an error. */
export function encode(value, what) {
  try {
    return toBytes(write(value))
  } catch (error) {
    if (error instanceof NotJson) throw new TypeError(`${what}${error.path}: ${error.what} is not JSON`)
    throw error
  }
}

/** The value of bytes; throws an error if they are not JSON in UTF-8. */
export function decode(bytes) {
  return JSON.parse(toText(bytes))
}

/** What cannot be written; each value that it is in puts its own name before its path. */
class NotJson {
  constructor(value) {
    this.path = ''
    this.what = typeof value === 'number' || value === undefined ? String(value) : `a ${kind(value)}`
  }
}

function write(value) {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'number':
      if (Number.isFinite(value)) return `${value}`
      break
    case 'object':
      return value === null ? 'null' : writeObject(value)
  }
  throw new NotJson(value)
}

function writeObject(value) {
  if (Array.isArray(value)) return writeArray(value)
  if (typeof value.toJSON === 'function') return write(value.toJSON())
  const isMap = value instanceof Map
  if (!isMap && kind(value) !== 'Object') throw new NotJson(value)
  const names = isMap ? [...value.keys()] : Object.keys(value)
  let written = ''
  let at = 0
  try {
    for (; at < names.length; at += 1) {
      const name = names[at]
      const item = isMap ? value.get(name) : value[name]
      // As with `JSON.stringify`, a member that is undefined is left out.
      if (item === undefined) continue
      if (written !== '') written += ','
      written += JSON.stringify(String(name)) + ':' + write(item)
    }
  } catch (error) {
    throw placed(error, `.${names[at]}`)
  }
  return `{${written}}`
}

function writeArray(items) {
  const written = []
  try {
    while (written.length < items.length) written.push(write(items[written.length]))
  } catch (error) {
    throw placed(error, `[${written.length}]`)
  }
  return `[${written.join()}]`
}

function placed(error, path) {
  if (error instanceof NotJson) error.path = path + error.path
  return error
}

function kind(value) {
  return typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : typeof value
}

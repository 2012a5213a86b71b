// A small validator for a part of JSON Schema 2020-12.
//
// A schema is compiled once, where the actor is defined, into a function that returns what is wrong with a value: nothing,
// or `{ path, what }`, to which each surrounding value adds its own name. Its loops count, since engines that interpret
// take many times as long for iterators.

const SAID = ['$schema', '$id', '$comment', 'title', 'description', 'default', 'examples', 'deprecated']

/** For each keyword a function that makes a check of what the schema says. */
const KEYWORDS = {
  type(types, path) {
    const all = [types].flat()
    const unknown = all.find((type) => !Object.hasOwn(TYPES, type))
    if (unknown !== undefined || all.length === 0) throw new TypeError(`${path}: there is no type ${unknown}`)
    const tests = all.map((type) => TYPES[type])
    const what = `is not ${all.map((type) => ARTICLES[type]).join(' or ')}`
    const [test] = tests
    if (tests.length === 1) return (value) => (test(value) ? undefined : wrong(what))
    return (value) => (tests.some((test) => test(value)) ? undefined : wrong(what))
  },
  enum(allowed) {
    const what = `is not one of ${allowed.map((one) => JSON.stringify(one)).join(', ')}`
    return (value) => (allowed.some((one) => same(one, value)) ? undefined : wrong(what))
  },
  const: (only) => (value) => (same(only, value) ? undefined : wrong(`is not ${JSON.stringify(only)}`)),
  minimum: (least) => (value) => (typeof value === 'number' && value < least ? wrong(`is less than ${least}`) : undefined),
  maximum: (most) => (value) => (typeof value === 'number' && value > most ? wrong(`is more than ${most}`) : undefined),
  minLength: (least) => (value) =>
    typeof value === 'string' && characters(value) < least ? wrong(`is shorter than ${least}`) : undefined,
  maxLength: (most) => (value) =>
    typeof value === 'string' && characters(value) > most ? wrong(`is longer than ${most}`) : undefined,
  pattern(source) {
    const pattern = new RegExp(source, 'u')
    return (value) => (typeof value === 'string' && !pattern.test(value) ? wrong(`does not match ${source}`) : undefined)
  },
  minItems: (least) => (value) =>
    Array.isArray(value) && value.length < least ? wrong(`has fewer than ${least} items`) : undefined,
  maxItems: (most) => (value) =>
    Array.isArray(value) && value.length > most ? wrong(`has more than ${most} items`) : undefined,
  items(schema, path) {
    const check = compile(schema, path)
    return (value) => {
      if (!Array.isArray(value)) return
      for (let at = 0; at < value.length; at += 1) {
        const found = check(value[at])
        if (found) return within(`[${at}]`, found)
      }
    }
  },
  required: (names) => (value) => {
    if (!isObject(value)) return
    for (let at = 0; at < names.length; at += 1) {
      if (!Object.hasOwn(value, names[at])) return within(`.${names[at]}`, wrong('is missing'))
    }
  },
  properties(schemas, path) {
    const names = Object.keys(schemas)
    const checks = names.map((name) => compile(schemas[name], `${path}.${name}`))
    return (value) => {
      if (!isObject(value)) return
      for (let at = 0; at < names.length; at += 1) {
        const name = names[at]
        const found = Object.hasOwn(value, name) ? checks[at](value[name]) : undefined
        if (found) return within(`.${name}`, found)
      }
    }
  },
  propertyNames(schema, path) {
    const check = compile(schema, path)
    return (value) => {
      if (!isObject(value)) return
      const names = Object.keys(value)
      for (let at = 0; at < names.length; at += 1) {
        const name = names[at]
        const found = check(name)
        if (found) return within(`.${name}`, wrong(`the name ${found.what}`))
      }
    }
  },
  additionalProperties(schema, path, { properties = {} }) {
    const check = schema === false ? () => wrong('is not known here') : compile(schema, path)
    return (value) => {
      if (!isObject(value)) return
      const names = Object.keys(value)
      for (let at = 0; at < names.length; at += 1) {
        const name = names[at]
        const found = Object.hasOwn(properties, name) ? undefined : check(value[name])
        if (found) return within(`.${name}`, found)
      }
    }
  },
  anyOf(schemas, path) {
    const checks = schemas.map((schema, at) => compile(schema, `${path}[${at}]`))
    return (value) => {
      const found = checks.map((check) => check(value))
      return found.includes(undefined) ? undefined : closest(found)
    }
  },
  oneOf(schemas, path) {
    const checks = schemas.map((schema, at) => compile(schema, `${path}[${at}]`))
    return (value) => {
      const found = checks.map((check) => check(value))
      const fitting = found.filter((one) => one === undefined).length
      if (fitting !== 1) return fitting === 0 ? closest(found) : wrong(`is ${fitting} of ${checks.length} kinds, not one`)
    }
  },
}

const TYPES = {
  null: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isInteger,
  number: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  array: Array.isArray,
  object: isObject,
}
const ARTICLES = {
  null: 'null',
  boolean: 'a boolean',
  integer: 'an integer',
  number: 'a number',
  string: 'a string',
  array: 'an array',
  object: 'an object',
}

/**
 * Makes the check of a schema. Throws a TypeError for what is not in the part that is understood: a rule that nobody
 * keeps would be worse than none.
 */
export function compile(schema, path) {
  if (schema === true) return () => undefined
  if (schema === false) return () => wrong('is not allowed')
  if (!isObject(schema)) throw new TypeError(`${path}: a schema is an object, true or false`)
  const checks = []
  for (const [keyword, value] of Object.entries(schema)) {
    if (SAID.includes(keyword)) continue
    if (!Object.hasOwn(KEYWORDS, keyword)) {
      const known = Object.keys(KEYWORDS).join(', ')
      throw new TypeError(`${path}: the keyword ${keyword} is not understood; there are ${known}`)
    }
    checks.push(KEYWORDS[keyword](value, `${path}.${keyword}`, schema))
  }
  return (value) => {
    for (let at = 0; at < checks.length; at += 1) {
      const found = checks[at](value)
      if (found) return found
    }
  }
}

function wrong(what) {
  return { path: '', what }
}

function within(name, { path, what }) {
  return { path: name + path, what }
}

/** Of the ways in which a value is none of several kinds, the one that is furthest inside of it. */
function closest(found) {
  const depth = ({ path }) => path.split(/[.[]/).length
  return found.reduce((best, one) => (depth(one) > depth(best) ? one : best))
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether two JSON values are equal, whatever the order of their keys. */
function same(a, b) {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [names, others] = [Object.keys(a), Object.keys(b)]
  return names.length === others.length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]))
}

/** JSON Schema counts characters, not UTF-16 units. */
function characters(text) {
  let count = 0
  for (const _ of text) count += 1
  return count
}

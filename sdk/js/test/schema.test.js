// The part of JSON Schema that is understood.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { compile } from '../src/schema.js'

const says = (schema, value) => {
  const found = compile(schema, 'schema')(value)
  return found && `${found.path}: ${found.what}`
}

test('each keyword accepts what it should and says what is wrong', () => {
  const cases = [
    [{ type: 'integer' }, 1, 1.5, ': is not an integer'],
    [{ type: 'number' }, 1.5, '1', ': is not a number'],
    [{ type: ['string', 'null'] }, null, 1, ': is not a string or null'],
    [{ type: 'object' }, {}, [], ': is not an object'],
    [{ type: 'array' }, [], {}, ': is not an array'],
    [{ type: 'boolean' }, true, 0, ': is not a boolean'],
    [{ enum: [1, { a: [1] }] }, { a: [1] }, { a: [2] }, ': is not one of 1, {"a":[1]}'],
    [{ const: { a: 1, b: 2 } }, { b: 2, a: 1 }, { a: 1 }, ': is not {"a":1,"b":2}'],
    [{ minimum: 1 }, 1, 0, ': is less than 1'],
    [{ maximum: 1 }, 'x', 2, ': is more than 1'],
    [{ minLength: 1 }, 'a', '', ': is shorter than 1'],
    [{ maxLength: 1 }, '😀', 'ab', ': is longer than 1'],
    [{ pattern: '^a' }, 'ab', 'b', ': does not match ^a'],
    [{ minItems: 1 }, [1], [], ': has fewer than 1 items'],
    [{ maxItems: 1 }, [1], [1, 2], ': has more than 1 items'],
    [{ items: { type: 'null' } }, [null], [null, 1], '[1]: is not null'],
    [{ required: ['a'] }, { a: undefined }, { b: 1 }, '.a: is missing'],
    [{ properties: { a: { items: { minimum: 1 } } } }, { b: 0 }, { a: [1, 0] }, '.a[1]: is less than 1'],
    [{ propertyNames: { maxLength: 1 } }, { a: 1 }, { ab: 1 }, '.ab: the name is longer than 1'],
    [{ properties: { a: true }, additionalProperties: false }, { a: 1 }, { b: 1 }, '.b: is not known here'],
    [{ additionalProperties: { minimum: 1 } }, { b: 1 }, { b: 0 }, '.b: is less than 1'],
    [{ anyOf: [{ type: 'null' }, { items: { minimum: 1 } }] }, [1], [0], '[0]: is less than 1'],
    [{ oneOf: [{ minimum: 1 }, { maximum: 2 }] }, 0, 1, ': is 2 of 2 kinds, not one'],
    [true, 1, undefined, undefined],
    [false, undefined, 1, ': is not allowed'],
  ]
  for (const [schema, fits, wrong, message] of cases) {
    if (schema !== false) assert.equal(says(schema, fits), undefined, JSON.stringify(schema))
    if (message) assert.equal(says(schema, wrong), message)
  }
})

test('a schema beyond that is an error when the actor is made', () => {
  assert.throws(() => compile({ format: 'date' }, 's'), /s: the keyword format is not understood; there are type, /)
  assert.throws(() => compile({ properties: { a: { not: {} } } }, 's'), /s.properties.a: the keyword not/)
  assert.throws(() => compile({ type: 'int' }, 's'), /s.type: there is no type int/)
  assert.throws(() => compile(7, 's'), /s: a schema is an object, true or false/)
})

// From a module to a component, as far as componentize-qjs is installed.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { build } from '../src/build.js'
import { linesOf } from '../src/lines.js'
import { placeOf, where } from '../src/place.js'

const installed = await import('componentize-qjs').then(
  () => true,
  () => false,
)
const needsTools = { skip: !installed && 'componentize-qjs is not installed' }

let folder
before(() => (folder = mkdtempSync(join(tmpdir(), 'troupe-actor-'))))
after(() => rmSync(folder, { recursive: true }))

const source = (name, text) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const ACTOR = "import { actor } from 'troupe-actor'\n"

test('an actor in TypeScript, of two files, becomes a component', needsTools, async () => {
  source('other.ts', 'export const first: number = 1\n')
  const path = source(
    'actor.ts',
    `${ACTOR}import { first } from './other'\nexport default actor({ init: () => first, handle() {} })\n`,
  )
  const { component, world } = await build(path)
  assert.deepEqual([...component.subarray(0, 4)], [0, 0x61, 0x73, 0x6d])
  assert.equal(world, 'whole-actor')
  assert.equal((await build(path, { web: true })).world, 'whole-web-actor')
})

test('what is wrong with a module is said with its file and line', needsTools, async () => {
  const wrong = [
    ['syntax.js', 'const x = \n', /syntax\.js:2:1: Unexpected/],
    ['missing.js', "import './nowhere.js'\n", /missing\.js:1:8: Could not resolve "\.\/nowhere\.js"/],
    ['package.js', "import 'left-out'\n", /Could not resolve "left-out"[^]*help: [^]*npm install left-out/],
    ['node.js', "import 'fs'\n", /Could not resolve "fs"[^]*help: [^]*no files, sockets or processes/],
    ['log.js', `${ACTOR}\nconsole.log('hi')\n`, /there is no log here[^]*log\.js:3/],
    ['top.js', `${ACTOR}\nthrow new Error('at the top')\n`, /at the top[^]*top\.js:3/],
    ['wrong.js', `${ACTOR}\n\nexport default actor({})\n`, /actor\.init is missing[^]*wrong\.js:4/],
    ['clock.js', `${ACTOR}\nconst began = Date.now()\n`, /there is no time here[^]*clock\.js:3/],
    ['nothing.js', 'export const a = 1\n', /the default export is not an actor/],
    ['number.js', 'export default 7\n', /the default export is not an actor/],
  ]
  for (const [name, text, message] of wrong) {
    await assert.rejects(build(source(name, text)), { name: 'BuildError', message })
  }
  await assert.rejects(build(join(folder, 'none.js')), { message: /^there is no / })
})

test('lines of a bundle are found in the files that they are from', () => {
  // a.js:1, nothing, a.js:2 and 3, sdk.js:1, a.js:7
  const map = { sources: ['a.js', 'sdk.js'], mappings: 'AAAA;;AACA;AACA;ACFA;ADMA' }
  const lines = linesOf(map, (file) => file !== 'sdk.js')
  assert.deepEqual(lines, {
    files: ['a.js'],
    runs: [
      [1, 0, 1, 1],
      [3, 0, 2, 2],
      [6, 0, 7, 1],
    ],
  })
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((line) => placeOf(line, lines)),
    ['a.js:1', undefined, 'a.js:2', 'a.js:3', undefined, 'a.js:7'],
  )
  assert.equal(where(new Error('no table')), '')
})

test('the world is the one of the repository', () => {
  const own = readFileSync(new URL('../wit/actor.wit', import.meta.url), 'utf8')
  let repository
  try {
    repository = readFileSync(new URL('../../../wit/actor/actor.wit', import.meta.url), 'utf8')
  } catch {
    return // In a package there is no repository around.
  }
  assert.equal(own, repository, 'copy wit/actor/actor.wit to sdk/js/wit/')
})

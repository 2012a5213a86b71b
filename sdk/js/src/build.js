// From an author's module to a component: esbuild makes one file of it and its imports, and componentize-qjs puts that
// and a QuickJS into a component, evaluated up to its last line.

import { existsSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { linesOf } from './lines.js'
import { leaving, placeOf } from './place.js'

const WIT = fileURLToPath(new URL('../wit/actor.wit', import.meta.url))
const ENTRY = 'troupe-actor-entry.js'
const SDK = dirname(fileURLToPath(import.meta.url))
/** How QuickJS names a line of the bundle in a stack. */
const BUNDLE_LINE = /componentize-qjs:user\.js:(\d+)(?::\d+)?/g
/** What componentize-qjs puts before an error of the module. */
const BEFORE = /^[^]*Failed to finish JavaScript module evaluation: /

/** Something that the author has to mend; its message says what and where. */
export class BuildError extends Error {
  constructor(message) {
    super(message)
    this.name = 'BuildError'
  }
}

/** Makes a component of one file, for each engine that can be in it. Neither is given anything of the system. */
const ENGINES = {
  async quickjs(jsSource, world) {
    const { componentize } = await tool('componentize-qjs')
    return componentize({ witPath: WIT, world, jsSource, sync: true, stubWasi: true })
  },
  async starlingmonkey(source, worldName) {
    const { componentize } = await tool('@bytecodealliance/componentize-js')
    const disableFeatures = ['stdio', 'random', 'clocks', 'http', 'fetch-event']
    return componentize(source, { sourceName: 'user.js', witPath: WIT, worldName, disableFeatures })
  },
}

/**
 * Builds a component.
 * @param {string} path the module whose default export is the actor, JavaScript or TypeScript
 * @param {{ web?: boolean, engine?: 'quickjs' | 'starlingmonkey' }} options `web` lets it use `ctx.fetch`
 * @returns {Promise<{ component: Uint8Array, world: string, warnings: string[] }>}
 */
export async function build(path, { web = false, engine = 'quickjs' } = {}) {
  const actor = resolve(path)
  if (!existsSync(actor)) throw new BuildError(`there is no ${path}`)
  if (!Object.hasOwn(ENGINES, engine)) {
    throw new BuildError(`there is no engine ${engine}; there are ${Object.keys(ENGINES).join(', ')}`)
  }
  const { source, lines, warnings } = await bundle(actor, web)
  const world = web ? 'whole-web-actor' : 'whole-actor'
  try {
    const { component } = await ENGINES[engine](source, world)
    return { component, world, warnings }
  } catch (error) {
    if (error instanceof BuildError) throw error
    throw new BuildError(`${basename(path)} could not be evaluated:\n${inAuthorsWords(error.message, lines)}`)
  }
}

/** One file of the author's module, of what it imports, and of the SDK. */
async function bundle(actor, web) {
  const { build } = await tool('esbuild')
  let result
  try {
    result = await build({
      stdin: { contents: entry(actor, web), resolveDir: dirname(actor), sourcefile: ENTRY },
      bundle: true,
      write: false,
      outfile: 'actor.js',
      format: 'esm',
      platform: 'neutral',
      target: 'es2023',
      mainFields: ['module', 'main'],
      conditions: ['module'],
      external: ['troupe:*'],
      alias: { 'troupe-actor': resolve(SDK, 'index.js') },
      sourcemap: 'external',
      sourcesContent: false,
      logLevel: 'silent',
    })
  } catch (error) {
    if (!error.errors) throw error
    throw new BuildError(error.errors.map(shown).join('\nerror: '))
  }
  const [map, code] = result.outputFiles
  const authors = (source) => !inside(SDK, resolve(source)) && basename(source) !== ENTRY
  const found = linesOf(JSON.parse(map.text), authors)
  const lines = { ...found, files: found.files.map((file) => relative(dirname(actor), resolve(file))) }
  return {
    source: `${code.text}\n${leaving(lines)}\n`,
    lines,
    warnings: result.warnings.map(shown),
  }
}

/** The component's own module. Imports are evaluated in order: the scope is prepared before the author's code. */
function entry(actor, web) {
  const quoted = (path) => JSON.stringify(path.replaceAll('\\', '/'))
  return `
import { ready } from ${quoted(resolve(SDK, 'prepared.js'))}
import * as actor from ${quoted(actor)}
import * as runtime from 'troupe:actor/runtime@0.1.0'
${web ? "import * as http from 'troupe:actor/http@0.1.0'" : 'const http = undefined'}
import { exportsOf } from ${quoted(resolve(SDK, 'guest.js'))}
export const { handler, migration, description } = exportsOf(actor.default, runtime, http)
ready()
`
}

async function tool(name) {
  try {
    return await import(name)
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new BuildError(`${name} is not installed: npm install --save-dev ${name}`)
  }
}

function inside(folder, path) {
  return !relative(folder, path).startsWith('..')
}

function shown({ text, location }) {
  if (!location) return text
  const { file, line, column, lineText } = location
  return `${file}:${line}:${column + 1}: ${text}\n    ${lineText.trim()}${missing(text)}`
}

/** What to do about a module that is not found. */
function missing(text) {
  const [, name] = /^Could not resolve "([^"]*)"/.exec(text) ?? []
  if (name === undefined || name.startsWith('.') || name.startsWith('/')) return ''
  if (isBuiltin(name)) return '\nhelp: what Node has of its own is not here: an actor has no files, sockets or processes'
  return `\nhelp: if it is a package: npm install ${name}`
}

/** An engine's message with the author's files and lines in its stack, and without the SDK's own. */
function inAuthorsWords(message, lines) {
  const placed = message.replace(BEFORE, '').replace(BUNDLE_LINE, (whole, line) => placeOf(Number(line), lines) ?? whole)
  return placed
    .trimEnd()
    .split('\n')
    .filter((line) => !line.includes('componentize-qjs:user.js'))
    .join('\n')
}

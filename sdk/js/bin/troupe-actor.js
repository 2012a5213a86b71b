#!/usr/bin/env node
// The command `troupe-actor`.

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { BuildError, build } from '../src/build.js'

const USAGE = `usage: troupe-actor build ACTOR.js [-o ACTOR.wasm] [--web] [--engine NAME]

Builds a component of a module, JavaScript or TypeScript, whose default export is an actor.
  -o, --output FILE   where to put it [default: the module's name with .wasm, beside it]
      --web           let it use ctx.fetch; it also needs a grant for each host
      --engine NAME   quickjs, or starlingmonkey: larger, for what QuickJS lacks [default: quickjs]`

const OPTIONS = {
  output: { type: 'string', short: 'o' },
  web: { type: 'boolean', default: false },
  engine: { type: 'string', default: 'quickjs' },
  help: { type: 'boolean', short: 'h', default: false },
}

/** Returns the exit code: 0 built, 1 the module has to be mended, 2 wrong use. */
async function main(args) {
  let parsed
  try {
    parsed = parseArgs({ args, options: OPTIONS, allowPositionals: true })
  } catch (error) {
    return wrong(error.message)
  }
  const { positionals, values } = parsed
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  const [command, actor, ...more] = positionals
  if (command !== 'build' || actor === undefined || more.length > 0) return wrong(USAGE)
  const output = values.output ?? actor.replace(/\.[^./\\]+$/, '') + '.wasm'
  try {
    const { component, world, warnings } = await build(actor, { web: values.web, engine: values.engine })
    for (const warning of warnings) console.error(`warning: ${warning}`)
    writeFileSync(output, component)
    console.log(`${output}: ${(component.length / (1 << 20)).toFixed(1)} MiB, for the world troupe:actor/${world}`)
    console.log(`next: troupe run ${output}`)
    return 0
  } catch (error) {
    if (!(error instanceof BuildError)) throw error
    console.error(`error: ${error.message}`)
    return 1
  }
}

function wrong(message) {
  console.error(message)
  return 2
}

process.exitCode = await main(process.argv.slice(2))

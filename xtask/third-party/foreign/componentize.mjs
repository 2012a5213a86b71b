// Makes a component of a handler of requests, by StarlingMonkey with all that it can do, nothing stubbed:
// node componentize.mjs HANDLER.js COMPONENT.wasm
//
// It lies beside the packages that it imports. StarlingMonkey has its handler for WASI 0.2.10; the interfaces that jco
// ships are of another patch release, which has the same functions.

import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { componentize } from '@bytecodealliance/componentize-js'

const SHIPPED = '0.2.12'
const BUILT_IN = '0.2.10'
const WORLD = `package foreign:handler;\n\nworld handler {\n    export wasi:http/incoming-handler@${BUILT_IN};\n}\n`

const [sourcePath, output] = process.argv.slice(2)
const witPath = await mkdtemp(join(tmpdir(), 'wit-'))
try {
  const deps = join(witPath, 'deps')
  await cp(new URL(`node_modules/@bytecodealliance/jco/lib/wit/builtin/${SHIPPED}`, import.meta.url), deps, { recursive: true })
  for (const name of await readdir(deps)) {
    const file = join(deps, name, 'package.wit')
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll(SHIPPED, BUILT_IN))
  }
  await writeFile(join(witPath, 'world.wit'), WORLD)
  const { component } = await componentize({ sourcePath, witPath, worldName: 'handler' })
  await writeFile(output, component)
} finally {
  await rm(witPath, { recursive: true })
}

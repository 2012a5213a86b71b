// Where in the author's files an error came from.

const NAME = 'troupe-actor.lines'
const LINES = Symbol.for(NAME)

/**
 * The statement that the build puts at the end of a bundle, to say where its lines are from: `files`, and runs of
 * `[line of the bundle, file, line of the file, how many]`.
 */
export function leaving(lines) {
  return `globalThis[Symbol.for('${NAME}')] = ${JSON.stringify(lines)};`
}

/** ` at FILE:LINE` of the innermost call within the author's files, or nothing if that is not known. */
export function where(error) {
  const lines = globalThis[LINES]
  if (!lines || typeof error?.stack !== 'string') return ''
  for (const [, line] of error.stack.matchAll(/user\.js:(\d+)/g)) {
    const place = placeOf(Number(line), lines)
    if (place) return ` at ${place}`
  }
  return ''
}

/** `FILE:LINE` for a line of the bundle, from 1. */
export function placeOf(line, { files, runs }) {
  const run = runs.find(([first, , , count]) => line >= first && line < first + count)
  return run ? `${files[run[1]]}:${run[2] + line - run[0]}` : undefined
}

// From a source map to the table that `place.js` reads: which lines of a bundle come from which lines of which files.

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** The files that `wanted` accepts, and the runs of lines that come from them, for a source map of version 3. */
export function linesOf({ sources, mappings }, wanted) {
  const files = sources.filter(wanted)
  const runs = []
  let [source, line] = [0, 0]
  mappings.split(';').forEach((segments, at) => {
    let first
    for (const segment of segments === '' ? [] : segments.split(',')) {
      const [, files = 0, lines = 0] = numbers(segment)
      source += files
      line += lines
      first ??= [source, line]
    }
    const file = first === undefined ? -1 : files.indexOf(sources[first[0]])
    if (file !== -1) extend(runs, at + 1, file, first[1] + 1)
  })
  return { files, runs }
}

function extend(runs, bundle, file, line) {
  const last = runs.at(-1)
  if (last && last[1] === file && last[0] + last[3] === bundle && last[2] + last[3] === line) last[3] += 1
  else runs.push([bundle, file, line, 1])
}

/** The numbers of a segment: base 64, variable length, the sign in the lowest bit. */
function numbers(segment) {
  const found = []
  let [value, shift] = [0, 0]
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit)
    value += (bits & 31) << shift
    shift += 5
    if (bits & 32) continue
    found.push(value & 1 ? -(value >> 1) : value >> 1)
    value = shift = 0
  }
  return found
}

// What an author's code finds in the global scope that would not be the same when the chain is replayed.
//
// The clock is the entry's time, console writes to the actor's log, and random numbers say what to use in their place.

const NO_TIME = 'there is no time here: it is known in init, accept, while a message is handled, and in migrate'
const NO_RANDOM =
  'there are no random numbers here: a replay must come to the same. Take what the sender gives, or ctx.at and ctx.seq'

/** Replaces them in a scope. `now` returns milliseconds or undefined, `log` the lines of the moment. */
export function install(scope, { now, log, random }) {
  const Native = scope.Date
  const time = () => {
    const at = now()
    if (at === undefined) throw new Error(NO_TIME)
    return at
  }
  function Clock(...parts) {
    if (!new.target) return new Native(time()).toString()
    return Reflect.construct(Native, parts.length === 0 ? [time()] : parts, new.target)
  }
  Object.defineProperty(Clock, 'name', { value: 'Date' })
  Object.setPrototypeOf(Clock, Native)
  Clock.prototype = Native.prototype
  Clock.now = time
  const before = {
    Date: Native,
    random: scope.Math.random,
    performance: scope.performance,
    console: scope.console,
    constructor: Native.prototype.constructor,
  }
  scope.Date = Clock
  Native.prototype.constructor = Clock
  scope.Math.random =
    random ??
    (() => {
      throw new Error(NO_RANDOM)
    })
  replace(scope, 'performance', { now: time, timeOrigin: 0 })
  const line = (level) => (...values) => log()[level](...values)
  replace(scope, 'console', {
    debug: line('debug'),
    trace: line('debug'),
    log: line('info'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
  })
  return () => {
    scope.Date = before.Date
    Native.prototype.constructor = before.constructor
    scope.Math.random = before.random
    replace(scope, 'performance', before.performance)
    replace(scope, 'console', before.console)
  }
}

/** Some engines have these as accessors, which an assignment would not replace. */
function replace(scope, name, value) {
  Object.defineProperty(scope, name, { value, configurable: true, writable: true, enumerable: false })
}

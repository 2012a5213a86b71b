// Evaluated in a component before the author's code.

import * as runtime from 'troupe:actor/runtime@0.1.0'

import { prepare } from './guest.js'

const NO_LOG = 'there is no log here: it is there in the functions of an actor, and not while its module is evaluated'

let evaluated = false

prepare({
  log(level, line) {
    if (!evaluated) throw new Error(NO_LOG)
    runtime.log(level, line)
  },
})

/** To be called once the author's code is evaluated: the build ends there, and what is imported can be called after. */
export function ready() {
  evaluated = true
}

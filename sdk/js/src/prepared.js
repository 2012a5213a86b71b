// Evaluated in a component before the author's code.

import * as runtime from 'troupe:actor/runtime@0.1.0'

import { prepare } from './guest.js'

prepare({ log: runtime.log })

// What an actor's author imports.

export { actor } from './actor.js'
export { sorted } from './codec.js'
export { Refused } from './refused.js'

// The one error that is not a mistake.

/**
 * What an actor says no with. Thrown in `init`, `accept`, `check` or `migrate` it refuses, with its message as the reason;
 * thrown while a message is handled it is a failure, like any other error, but is not logged as a mistake.
 */
export class Refused extends Error {
  constructor(reason) {
    super(reason)
    this.name = 'Refused'
  }
}

// Where the page's own files are: beside it, as a node serves them, or all in one file, which `troupe ui` writes.

/** What `loader.js` of the one file has put here: the worker's address, and the bytes of the verifier. */
const within = globalThis.troupeFiles ?? null;

/** Whether the page is one file, without a node. */
export const isAlone = within !== null;

/** A bundle that is in the file, too: its name and its bytes. */
export const bundleWithin = within?.bundle ?? null;

/** What a worker needs to find the verifier; nothing where it is beside it. */
export const verifierWithin = within?.verifier ?? null;

/** Starts a worker for the long checks. */
export const startWorker = () =>
  within ? new Worker(within.worker) : new Worker(new URL("worker.js", import.meta.url), { type: "module" });

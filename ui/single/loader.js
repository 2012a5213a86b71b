// Starts the page from one file. Its modules are in it as text; here they become blobs that import each other.
//
// Invariant: nothing is loaded from elsewhere, as the policy at the head of the file says. A page on a disk may give its
// worker neither a module nor a blob to import: the worker makes its own of the same text.

const { files, bundle } = JSON.parse(document.querySelector("#files").textContent);
const bytesOf = (base64) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

/** Finds the address of a module, once those that it imports have theirs: none imports one that imports it. */
function addresses(modules) {
  const urls = new Map();
  const urlOf = (name) => {
    if (!urls.has(name)) {
      const text = modules[name].replaceAll(/ from "\.\/([\w.]+)"/g, (_, other) => ` from "${urlOf(other)}"`);
      urls.set(name, URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    }
    return urls.get(name);
  };
  return urlOf;
}

const { "verifier.wasm": verifier, ...modules } = files;
const urlOf = addresses(modules);
// What is asked before the worker's module is there waits for it.
const worker = `
  const early = [];
  onmessage = (event) => early.push(event);
  import((${addresses})(${JSON.stringify(modules)})("worker.js")).then(
    () => early.forEach((event) => onmessage(event)),
    (error) => postMessage({ stage: "links", kind: "unknown", seq: null, what: error.message }),
  );`;

globalThis.troupeFiles = {
  worker: URL.createObjectURL(new Blob([worker], { type: "text/javascript" })),
  verifier: bytesOf(verifier),
  bundle: bundle && { name: bundle.name, bytes: bytesOf(bundle.bytes) },
};
import(urlOf("app.js"));

// SPDX-License-Identifier: Apache-2.0
"use strict";
// Loads unroll and answers one request after the other, away from the page's own thread.
importScripts("wasm_exec.js");
let ready;
const loaded = new Promise(function (resolve) { ready = resolve; });
self.unrollReady = function () { ready(); };
const go = new Go();
fetch("unroll.wasm").then(function (r) {
  if (!r.ok) throw new Error("unroll.wasm: " + r.status);
  return r.arrayBuffer();
}).then(function (b) { return WebAssembly.instantiate(b, go.importObject); })
  .then(function (w) { go.run(w.instance); })
  .catch(function (e) { self.postMessage({id: 0, error: String(e)}); });
self.onmessage = function (e) {
  loaded.then(function () { self.postMessage(Object.assign({id: e.data.id}, self.unroll(e.data))); });
};
loaded.then(function () { self.postMessage({id: 0}); });

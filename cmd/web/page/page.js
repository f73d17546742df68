// SPDX-License-Identifier: Apache-2.0
"use strict";
(function () {
  const by = function (id) { return document.getElementById(id); };
  const verbs = ["report", "inspect", "verify", "simulate"];
  const accelerators = ["ethos-u55-32", "ethos-u55-64", "ethos-u55-128", "ethos-u55-256", "ethos-u65-256", "ethos-u65-512"];
  for (const a of accelerators) by("accel").add(new Option(a, a, a === "ethos-u55-128", a === "ethos-u55-128"));
  let model = null, ready = false, next = 1, urls = [];
  const waiting = new Map(), worker = new Worker("worker.js");
  const say = function (text, bad) { by("status").textContent = text; by("status").className = bad ? "bad" : ""; };
  const allow = function (on) { for (const v of verbs) by(v).disabled = !(on && ready && model); };
  worker.onerror = function (e) { say("unroll stopped: " + e.message, true); };
  worker.onmessage = function (e) {
    if (e.data.id === 0) {
      if (e.data.error) { say(e.data.error, true); return; }
      ready = true;
      say(model ? "Ready." : "Ready: drop a model.");
      allow(true);
      return;
    }
    const done = waiting.get(e.data.id);
    waiting.delete(e.data.id);
    done(e.data);
  };
  const ask = function (request) {
    return new Promise(function (resolve) {
      request.id = next++;
      waiting.set(request.id, resolve);
      worker.postMessage(request);
    });
  };
  const read = function (file) { return file.arrayBuffer().then(function (b) { return new Uint8Array(b); }); };
  const take = function (file) {
    read(file).then(function (b) {
      model = {name: file.name, bytes: b};
      by("name").textContent = file.name + ", " + b.length.toLocaleString("en") + " bytes";
      allow(true);
      if (ready) run("report");
    });
  };
  // An input is named by its file: state_h0.npy is for state_h0; a single file is for the first input.
  const inputs = function () {
    const list = Array.from(by("inputs").files);
    return Promise.all(list.map(read)).then(function (all) {
      const out = {};
      list.forEach(function (f, i) { out[list.length === 1 ? f.name : f.name.replace(/\.[^.]*$/, "") + "/" + f.name] = all[i]; });
      return out;
    });
  };
  const run = function (verb) {
    allow(false);
    say(verb + " of " + model.name + " …");
    const start = performance.now(), name = model.name;
    inputs().then(function (given) {
      return ask({verb: verb, name: model.name, model: model.bytes, accel: by("accel").value, calls: Number(by("calls").value), inputs: verb === "simulate" ? given : {}});
    }).then(function (r) {
      allow(true);
      if (r.error) { say(r.error, true); by("result").hidden = true; return; }
      say("Done: " + verb + " of " + name + ", " + ((performance.now() - start) / 1000).toFixed(1) + " s.");
      by("result").hidden = false;
      by("text").textContent = r.text;
      by("text").hidden = !r.text;
      by("page").hidden = !r.page;
      by("page").srcdoc = r.page || "";
      for (const u of urls) URL.revokeObjectURL(u);
      urls = [];
      by("files").replaceChildren(...Object.keys(r.files).sort().map(function (name) {
        const a = document.createElement("a"), u = URL.createObjectURL(new Blob([r.files[name]]));
        urls.push(u);
        a.href = u;
        a.download = name;
        a.textContent = "Save " + name;
        return a;
      }));
    });
  };
  for (const v of verbs) by(v).addEventListener("click", function () { run(v); });
  by("model").addEventListener("change", function (e) { if (e.target.files.length) take(e.target.files[0]); });
  const drop = by("drop");
  for (const kind of ["dragover", "dragenter"]) drop.addEventListener(kind, function (e) { e.preventDefault(); drop.classList.add("over"); });
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, function () { drop.classList.remove("over"); });
  drop.addEventListener("drop", function (e) { e.preventDefault(); if (e.dataTransfer.files.length) take(e.dataTransfer.files[0]); });
})();

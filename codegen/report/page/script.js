"use strict";
// What the page does beyond showing itself: zooming, a line of text for what is pointed at,
// copying, and opening everything before it is printed.
(function () {
  for (const region of document.querySelectorAll("[data-chart]")) {
    const svg = region.querySelector("svg"), figure = region.closest(".figure");
    if (!svg) continue;
    const readout = figure.querySelector(".readout");
    const whole = svg.viewBox.baseVal, size = {x: whole.x, y: whole.y, w: whole.width, h: whole.height};
    const graph = svg.classList.contains("graph");
    let marks = null, at = -1, zoom = 1, left = size.x;
    const show = function () {
      if (graph) { // grows in its scrolling frame
        svg.setAttribute("width", size.w * zoom);
        svg.setAttribute("height", size.h * zoom);
        return;
      }
      const w = size.w / zoom; // stretches the time
      left = Math.min(Math.max(left, size.x), size.x + size.w - w);
      svg.setAttribute("viewBox", left + " " + size.y + " " + w + " " + size.h);
      svg.setAttribute("preserveAspectRatio", zoom > 1 ? "none" : "xMidYMid meet");
      svg.style.height = zoom > 1 ? svg.getBoundingClientRect().width * size.h / size.w + "px" : "";
    };
    const change = function (factor, around) {
      const before = size.w / zoom, share = around === undefined ? 0.5 : around;
      const x = left + before * share;
      zoom = Math.min(Math.max(zoom * factor, graph ? 0.2 : 1), graph ? 4 : 400);
      left = x - size.w / zoom * share;
      show();
    };
    const tell = function (element) {
      const t = element && element.querySelector(":scope > title");
      if (t) readout.textContent = t.textContent;
    };
    const reset = function () { zoom = 1; left = size.x; show(); };
    figure.querySelector(".tools").addEventListener("click", function (e) {
      const what = e.target.dataset.zoom;
      if (what === "in") change(2);
      if (what === "out") change(0.5);
      if (what === "reset") reset();
    });
    svg.addEventListener("pointerover", function (e) { tell(e.target); });
    svg.addEventListener("click", function (e) { tell(e.target); });
    region.addEventListener("wheel", function (e) {
      if (!e.ctrlKey && !e.altKey) return;
      e.preventDefault();
      const box = svg.getBoundingClientRect();
      change(e.deltaY < 0 ? 1.25 : 0.8, (e.clientX - box.left) / box.width);
    }, {passive: false});
    let drag = null;
    svg.addEventListener("pointerdown", function (e) { if (!graph && zoom > 1) drag = e.clientX; });
    window.addEventListener("pointerup", function () { drag = null; });
    window.addEventListener("pointermove", function (e) {
      if (drag === null) return;
      left -= (e.clientX - drag) / svg.getBoundingClientRect().width * size.w / zoom;
      drag = e.clientX;
      show();
    });
    region.addEventListener("keydown", function (e) {
      if (e.key === "+" || e.key === "=") change(2);
      else if (e.key === "-") change(0.5);
      else if (e.key === "0") reset();
      else if (e.key === "ArrowRight" || e.key === "ArrowLeft") {
        if (!marks) marks = Array.from(svg.querySelectorAll("title")).map(function (t) { return t.parentNode; });
        if (!marks.length) return;
        if (at >= 0) marks[at].classList.remove("at");
        at = (at + (e.key === "ArrowRight" ? 1 : marks.length - (at < 0 ? 0 : 1))) % marks.length;
        marks[at].classList.add("at");
        tell(marks[at]);
        if (!graph && zoom > 1) {
          const b = marks[at].getBBox();
          if (b.x < left || b.x > left + size.w / zoom) { left = b.x - size.w / zoom / 3; show(); }
        }
        if (graph) marks[at].scrollIntoView({block: "nearest", inline: "nearest"});
      } else return;
      e.preventDefault();
    });
  }
  document.addEventListener("click", function (e) {
    if (!e.target.matches("[data-copy]")) return;
    const text = e.target.parentNode.querySelector("code").textContent;
    const done = function () { e.target.textContent = "Copied"; };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, function () {});
  });
  window.addEventListener("beforeprint", function () {
    for (const d of document.querySelectorAll("details")) d.open = true;
  });
})();

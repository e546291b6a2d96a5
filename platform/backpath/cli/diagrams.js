// Runs in a blank page with mermaid loaded: draws one diagram and copies it, with computed
// styles as plain attributes, into an SVG that holds shapes and text only.
"use strict";

const SHAPES = new Set([
  "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "marker", "defs",
]);
const GEOMETRY = [
  "d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "width", "height",
  "points", "transform", "viewBox", "markerWidth", "markerHeight", "markerUnits", "refX",
  "refY", "orient", "preserveAspectRatio",
];
const PAINT = {
  "fill": "rgb(0, 0, 0)", "fill-opacity": "1", "stroke": "none", "stroke-width": "1px",
  "stroke-dasharray": "none", "stroke-linecap": "butt", "stroke-linejoin": "miter",
  "stroke-opacity": "1", "opacity": "1",
};
const LETTERS = {
  "font-size": "16px", "font-weight": "400", "font-style": "normal", "text-anchor": "start",
  "dominant-baseline": "auto",
};
const NAMESPACE = "http://www.w3.org/2000/svg";

const rounded = (text) => text.replace(/-?\d*\.\d+(?:e-?\d+)?/g, (n) => String(+(+n).toFixed(2)));

function plainColour(value) {
  const parts = /^rgba?\(([^)]+)\)$/.exec(value);
  if (!parts) return value;
  const [red, green, blue, alpha] = parts[1].split(/[ ,/]+/).map(Number);
  if (alpha === 0) return "none";
  const hex = [red, green, blue].map((n) => n.toString(16).padStart(2, "0")).join("");
  return `#${hex}${alpha === undefined ? "" : Math.round(alpha * 255).toString(16).padStart(2, "0")}`;
}

class Copier {
  constructor() {
    this.ids = new Map();
  }

  id(original) {
    if (!this.ids.has(original)) this.ids.set(original, `m${this.ids.size + 1}`);
    return this.ids.get(original);
  }

  paint(from, to, properties) {
    const style = getComputedStyle(from);
    for (const [name, usual] of Object.entries(properties)) {
      const value = style.getPropertyValue(name);
      if (!value || value === usual) continue;
      to.setAttribute(name, rounded(plainColour(value)).replace(/(\d)px\b/g, "$1"));
    }
    for (const name of ["marker-start", "marker-mid", "marker-end"]) {
      const target = /url\("?#([^")]+)"?\)/.exec(style.getPropertyValue(name));
      if (target) to.setAttribute(name, `url(#${this.id(target[1])})`);
    }
  }

  geometry(from, to) {
    for (const name of GEOMETRY) {
      const value = from.getAttribute(name);
      if (value !== null && value !== "") to.setAttribute(name, rounded(value));
    }
  }

  text(from) {
    const to = document.createElementNS(NAMESPACE, "text");
    this.geometry(from, to);
    for (const name of ["dx", "dy"]) {
      if (from.hasAttribute(name)) to.setAttribute(name, rounded(from.getAttribute(name)));
    }
    // Mermaid paints the innermost tspan.
    const inner = [...from.querySelectorAll("tspan")].pop() ?? from;
    this.paint(inner, to, { ...PAINT, ...LETTERS });
    const lines = [...from.querySelectorAll("tspan")].filter((t) => t.hasAttribute("x"));
    for (const line of lines.length ? lines : [from]) {
      const words = line.textContent.replace(/\s+/g, " ").trim();
      if (!words) continue;
      const tspan = document.createElementNS(NAMESPACE, "tspan");
      if (line !== from) {
        for (const name of ["x", "y", "dx", "dy"]) {
          if (line.hasAttribute(name)) tspan.setAttribute(name, rounded(line.getAttribute(name)));
        }
      }
      // The reader's fonts are not ours: the measured width keeps the words inside their box.
      tspan.setAttribute("textLength", rounded(String(line.getComputedTextLength())));
      tspan.setAttribute("lengthAdjust", "spacingAndGlyphs");
      tspan.textContent = words;
      to.append(tspan);
    }
    return to.childNodes.length ? to : null;
  }

  element(from) {
    const tag = from.localName;
    if (tag === "foreignObject" && from.textContent.trim()) {
      throw new Error("the diagram uses HTML labels, which an image cannot show");
    }
    const isMarker = tag === "marker" || from.closest("marker") !== null;
    if (tag === "text") return this.text(from);
    if (!SHAPES.has(tag)) return null;
    const style = getComputedStyle(from);
    if (!isMarker && tag !== "defs" && (style.display === "none" || style.visibility === "hidden")) {
      return null;
    }
    const to = document.createElementNS(NAMESPACE, tag);
    this.geometry(from, to);
    if (tag !== "g" && tag !== "defs") this.paint(from, to, PAINT);
    if (tag === "g" && style.opacity !== "1") to.setAttribute("opacity", rounded(style.opacity));
    if (tag === "marker") to.setAttribute("data-id", from.id);
    for (const child of from.children) {
      const copy = this.element(child);
      if (copy) to.append(copy);
    }
    const isEmpty = (tag === "g" || tag === "defs") && !to.childNodes.length;
    return isEmpty ? null : to;
  }

  // Markers that no line uses are dropped; the rest get short names.
  settleMarkers(root) {
    for (const marker of root.querySelectorAll("marker")) {
      const original = marker.getAttribute("data-id");
      marker.removeAttribute("data-id");
      if (this.ids.has(original)) marker.setAttribute("id", this.ids.get(original));
      else marker.remove();
    }
    for (const group of [...root.querySelectorAll("g,defs")].reverse()) {
      if (!group.childNodes.length) group.remove();
    }
  }
}

window.drawDiagram = async (text, options) => {
  mermaid.initialize(options);
  await document.fonts.ready;
  const { svg } = await mermaid.render("diagram", text);
  const holder = document.getElementById("holder");
  holder.innerHTML = svg;
  const source = holder.querySelector("svg");
  const copier = new Copier();
  const root = document.createElementNS(NAMESPACE, "svg");
  const [x, y, width, height] = source.getAttribute("viewBox").split(/\s+/).map(Number);
  root.setAttribute("viewBox", [x, y, width, height].map((n) => Math.round(n)).join(" "));
  root.setAttribute("width", Math.round(width));
  root.setAttribute("height", Math.round(height));
  root.setAttribute("font-family", options.svgFontFamily);
  for (const child of source.children) {
    const copy = copier.element(child);
    if (copy) root.append(copy);
  }
  copier.settleMarkers(root);
  holder.replaceChildren();
  return new XMLSerializer().serializeToString(root) + "\n";
};

"""Program of the lineage page; it writes text only as text, never as markup."""

from __future__ import annotations

SCRIPT = """
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = new Map(data.nodes.map(node => [node.id, node]));
const palette = ["#8a94a0", "#b8860b", "#8e5bb5", "#2a9d8f", "#c2556e", "#6b8e23", "#4d6fd1", "#a0622d", "#d17bb8",
  "#4a9ab5"];
const stages = data.stages.filter(stage => stage.name !== "failed");
const colours = new Map(stages.map((stage, i) => [stage.name, palette[i % palette.length]]));
colours.set("failed", "#c62828");
const [plot, tip, detail] = ["plot", "tip", "detail"].map(id => document.getElementById(id));
let pinned = null;

function html(parent, tag, text, cls) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (cls) made.className = cls;
  return parent.appendChild(made);
}
function svg(parent, tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return parent.appendChild(made);
}
const number = value => value === null ? "" : String(+value.toPrecision(5));

function ancestry(id) {
  const seen = new Set(), waiting = [id];
  while (waiting.length) {
    const node = byId.get(waiting.pop());
    if (!node || seen.has(node.id)) continue;
    seen.add(node.id);
    waiting.push(...node.p);
  }
  return seen;
}

function scale() {
  const scores = data.nodes.map(n => n.s).sort((a, b) => a - b);
  const level = Math.max(...data.baselines.map(b => b.score));  // -Infinity without a baseline
  if (!scores.length) scores.push(Number.isFinite(level) ? level : 0);
  const at = share => scores[Math.floor((scores.length - 1) * share)], top = at(1);
  // A few very bad scores must not flatten the rest: they stand, hollow, at the bottom edge.
  let low = Math.max(at(0), at(0.5) - 2.5 * (top - at(0.5)), at(0.05) - 0.3 * (top - at(0.05))), high = top;
  if (Number.isFinite(level)) { low = Math.min(low, level); high = Math.max(high, level); }
  const margin = (high - low) * 0.06 || Math.abs(high) * 0.05 || 0.5;
  return { low: low - margin, high: high + margin };
}

function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find(m => m * power >= raw);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(+(i * step).toPrecision(12));
  return found;
}

function place(box, range) {
  const width = box.w / data.generations;
  const y = s => box.y + box.h * (1 - (Math.max(range.low, s) - range.low) / (range.high - range.low));
  const columns = new Map();
  for (const node of data.nodes) {
    if (!columns.has(node.g)) columns.set(node.g, []);
    columns.get(node.g).push(node);
  }
  for (const [generation, nodes] of columns) {
    const middle = box.x + (generation - 0.5) * width, rows = new Map();
    nodes.forEach((node, i) => {
      node.y = y(node.s);
      // Nodes of about one height stand beside each other, alternately right and left of the middle.
      const row = Math.round(node.y / 7), place = rows.get(row) || 0;
      rows.set(row, place + 1);
      const side = (place % 2 ? 1 : -1) * Math.ceil(place / 2) * Math.min(9, width * 0.2);
      node.x = middle + Math.max(-width * 0.42, Math.min(width * 0.42, side));
    });
  }
  return { width, y };
}

const curve = (a, b) => `M${a.x.toFixed(1)} ${a.y.toFixed(1)}C${((a.x + b.x) / 2).toFixed(1)} ${a.y.toFixed(1)} ` +
  `${((a.x + b.x) / 2).toFixed(1)} ${b.y.toFixed(1)} ${b.x.toFixed(1)} ${b.y.toFixed(1)}`;
const edges = (nodes, kept) => nodes.flatMap(node =>
  node.p.filter(id => byId.has(id) && (!kept || kept.has(id))).map(id => curve(byId.get(id), node))).join("");

function draw() {
  plot.replaceChildren();
  const W = plot.clientWidth, H = plot.clientHeight, strip = data.turned.length ? Math.min(90, H * 0.2) : 0;
  const box = { x: 58, y: 6, w: W - 66, h: H - strip - 46 };
  const root = svg(plot, "svg", { width: W, height: H, role: "img", "aria-label": "Candidates by generation, score" });
  const range = scale(), { width, y } = place(box, range);
  for (const tick of ticks(range.low, range.high, 5)) {
    svg(root, "line", { x1: box.x, x2: box.x + box.w, y1: y(tick), y2: y(tick), class: "grid" });
    svg(root, "text", { x: box.x - 6, y: y(tick) + 4, "text-anchor": "end" }, number(tick));
  }
  const half = box.y + box.h / 2;
  svg(root, "text", { x: 11, y: half, transform: `rotate(-90 11 ${half})`, "text-anchor": "middle" }, "score");
  const every = Math.ceil(data.generations / Math.max(1, Math.floor(box.w / 34)));
  for (let g = 1; g <= data.generations; g += every)
    svg(root, "text", { x: box.x + (g - 0.5) * width, y: H - 20, "text-anchor": "middle" }, g);
  svg(root, "text", { x: box.x + box.w / 2, y: H - 4, "text-anchor": "middle" }, "generation");
  drawBaselines(root, box, y, range);
  if (strip) drawStrip(root, { x: box.x, y: box.y + box.h + 8, w: box.w, h: strip - 4 }, width);
  const many = data.nodes.length;
  const opacity = many > 1000 ? 0.1 : many > 200 ? 0.22 : 0.45;
  svg(root, "path", { d: edges(data.nodes), class: "edge", "stroke-opacity": opacity });
  const kin = svg(root, "g", {}), dots = svg(root, "g", {});
  const radius = many > 1500 ? 2.2 : many > 400 ? 3 : 4.2;
  for (const node of data.nodes)
    node.dot = svg(dots, "circle", { cx: node.x.toFixed(1), cy: node.y.toFixed(1), r: radius, "data-id": node.id,
      class: node.s < range.low ? "node below" : "node" });
  dots.addEventListener("mousemove", event => {
    const node = byId.get(event.target.dataset.id);
    if (node) show(event, nodeTip(node));
  });
  dots.addEventListener("mouseleave", hide);
  root.addEventListener("click", event => pin(event.target.dataset.id || null));
  draw.kin = kin; draw.radius = radius;
  mark();
}

function drawBaselines(root, box, y, range) {
  let last = -Infinity;
  for (const base of [...data.baselines].sort((a, b) => b.score - a.score)) {
    if (base.score < range.low) continue;
    const at = y(base.score);
    const line = svg(root, "line", { x1: box.x, x2: box.x + box.w, y1: at, y2: at, class: "base" });
    svg(line, "title", {}, `${base.name}: ${number(base.score)}`);
    if (at - last < 12) continue;
    last = at;
    svg(root, "text", { x: box.x + box.w - 2, y: at - 3, "text-anchor": "end" }, base.name);
  }
}

function drawStrip(root, box, width) {
  const totals = new Map();
  for (const cell of data.turned) totals.set(cell.g, (totals.get(cell.g) || 0) + cell.n);
  const most = Math.max(...totals.values()), filled = new Map();
  svg(root, "text", { x: box.x - 6, y: box.y + 10, "text-anchor": "end" }, "rejected");
  svg(root, "text", { x: box.x - 6, y: box.y + 23, "text-anchor": "end" }, "0-" + most);
  const group = svg(root, "g", {}), order = [...colours.keys()];
  for (const cell of [...data.turned].sort((a, b) => order.indexOf(a.t) - order.indexOf(b.t))) {
    const from = filled.get(cell.g) || 0, tall = cell.n / most * box.h, bar = Math.min(width * 0.8, 60);
    filled.set(cell.g, from + tall);
    const rect = svg(group, "rect", { x: box.x + (cell.g - 0.5) * width - bar / 2, y: box.y + from, width: bar,
      height: Math.max(tall - 0.5, 0.8), fill: colours.get(cell.t) });
    rect.addEventListener("mousemove", event => show(event, cellTip(cell)));
    rect.addEventListener("mouseleave", hide);
  }
}

function mark() {
  const id = pinned || data.winner, kept = ancestry(id);
  draw.kin.replaceChildren();
  svg(draw.kin, "path", { d: edges([...kept].map(k => byId.get(k)), kept), class: "kin" });
  for (const node of data.nodes) {
    node.dot.classList.toggle("ancestor", kept.has(node.id));
    node.dot.setAttribute("r", kept.has(node.id) ? Math.max(draw.radius, 4.2) : draw.radius);
    if (kept.has(node.id)) node.dot.parentNode.append(node.dot);
  }
  const node = byId.get(id);
  if (node) svg(draw.kin, "circle", { cx: node.x, cy: node.y, r: 8, class: "ring" });
  tell(node, kept);
}

function tell(node, kept) {
  detail.replaceChildren();
  if (!node) { html(detail, "p", "No candidate has been scored yet.", "soft"); return; }
  const title = pinned && pinned !== data.winner ? "Pinned" : "Winner";
  html(detail, "h2", `${title}, ${kept.size - 1} ancestor${kept.size === 2 ? "" : "s"}`);
  const hint = pinned ? "Click beside the points to return to the winner." : "Click a point to see its ancestry.";
  html(detail, "p", hint, "soft");
  const list = html(detail, "ol");
  for (const kin of [...kept].map(k => byId.get(k)).sort((a, b) => b.g - a.g || b.s - a.s).slice(0, 200)) {
    const item = html(list, "li");
    html(item, "code", kin.e);
    html(item, "div", facts(kin), "soft");
    item.addEventListener("click", () => pin(kin.id));
  }
}

function facts(node) {
  const parts = [`score ${number(node.s)}`, `generation ${node.g}`, node.m];
  if (node.f !== null) parts.splice(1, 0, `final ${number(node.f)}`);
  if (node.d !== null) parts.splice(2, 0, `${node.d > 0 ? "+" : ""}${number(node.d)} to the best baseline`);
  return parts.join(" · ");
}
function nodeTip(node) {
  const rows = [[node.e, "code"], [facts(node), "div"]];
  for (const id of node.p) rows.push(["from " + (byId.has(id) ? byId.get(id).e : id), "div"]);
  return rows;
}
const cellTip = cell => [[`${cell.t}: ${cell.n} in generation ${cell.g}`, "strong"],
  ...cell.x.flatMap(([expression, reason]) => [[expression, "code"], [reason, "div"]]),
  ...(cell.n > cell.x.length ? [[`and ${cell.n - cell.x.length} more`, "div"]] : [])];

function show(event, rows) {
  tip.replaceChildren();
  for (const [text, tag] of rows) html(html(tip, "div"), tag, text, tag === "div" ? "soft" : "");
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 6)) + "px";
  const under = event.clientY + 14;
  tip.style.top = Math.max(4, under + height > innerHeight ? event.clientY - height - 10 : under) + "px";
}
function hide() { tip.hidden = true; }
function pin(id) { pinned = byId.has(id) ? id : null; mark(); }

function legend() {
  const list = document.getElementById("legend");
  const add = (colour, cls, text) => { const item = html(list, "li"); const sign = html(item, "i", undefined, cls);
    if (colour) sign.style.background = colour; item.append(text); };
  add("var(--node)", "round", `scored ${data.nodes.length}`);
  add("var(--mark)", "round", "ancestry");
  if (data.baselines.length) add("", "dash", `baselines ${data.baselines.length}`);
  for (const stage of data.stages) add(colours.get(stage.name), "", `${stage.name} ${stage.count}`);
}

legend();
draw();
addEventListener("keydown", event => { if (event.key === "Escape") pin(null); });
new ResizeObserver(draw).observe(plot);
"""

"""Program of the atlas page; it writes text only as text, never as markup."""

from __future__ import annotations

SCRIPT = """
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const entries = data.entries.map(([name, year, source, family, formula, aliases, curve]) =>
  ({ name, year, source, family, formula, aliases, curve, is: [], has: [] }));
const byName = new Map(entries.map(entry => [entry.name, entry]));
for (const [name, of, kind, label, whole] of data.relations) {
  const relation = { one: byName.get(name), other: byName.get(of), kind, label, whole };
  relation.one.is.push(relation);
  relation.other.has.push(relation);
}
const order = ["same", "member", "limit"];
const rank = r => order.indexOf(r.kind);
for (const entry of entries) {
  entry.is.sort((a, b) => a.other.year - b.other.year || rank(a) - rank(b));
  // What is the same is said once, by the later of the two.
  entry.has = entry.has.filter(r => !(r.kind === "same" && r.one.is.length && entry.is.some(s => s.other === r.one)));
  entry.has.sort((a, b) => a.one.year - b.one.year);
  entry.old = entry.is.some(r => r.other.year < entry.year && r.kind !== "limit") || entry.aliases.some(a => a[1]);
  entry.text = [entry.name, entry.year, entry.source, entry.formula, entry.family,
    ...entry.aliases.flat(), ...entry.is.map(r => r.other.name)].join(" ").toLowerCase();
}

function add(parent, tag, text, cls) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (cls) made.className = cls;
  return parent.appendChild(made);
}
function link(parent, entry) {
  const made = add(parent, "a", entry.name);
  made.href = "#" + entry.name;
  made.title = entry.formula;
  made.onclick = () => { search.value = ""; family.value = ""; old.checked = false; show(); };
  parent.append(" (" + entry.year + ")");
}
function draw(parent, curve) {
  const space = "http://www.w3.org/2000/svg", svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "-2 -6 " + (2 * curve.length + 4) + " 112");
  svg.setAttribute("preserveAspectRatio", "none");
  let d = "", pen = "M";
  curve.forEach((y, i) => { if (y === null) pen = "M"; else { d += pen + 2 * i + " " + y; pen = "L"; } });
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", d);
  svg.append(path);
  parent.append(svg);
}
const words = { same: "is ", member: "is a member of ", limit: "is a limit of " };
function card(entry) {
  const made = document.createElement("article");
  made.id = entry.name;
  add(made, "time", entry.year);
  if (entry.curve.length) draw(made, entry.curve); else add(made, "span", "");
  const body = add(made, "div");
  add(body, "h2", entry.name);
  body.append(" ");
  add(body, "span", entry.family, "tag");
  add(add(body, "div"), "code", entry.formula);
  add(body, "div", entry.source, "soft");
  const list = add(body, "ul");
  for (const [name, year, source] of entry.aliases)
    add(list, "li", year ? "again as " + name + " in " + year + " (" + source + ")" : "also called " + name);
  for (const r of entry.is) {
    const earlier = r.other.year < entry.year && r.kind !== "limit";
    const item = add(list, "li", (r.whole && r.kind !== "same" ? "is a family within " : words[r.kind]),
      earlier ? "old" : "");
    link(item, r.other);
    if (r.label !== r.other.name) item.append(": " + r.label);
  }
  const kinds = [["member", "contains "], ["limit", "tends to "], ["same", "is "]];
  for (const [kind, word] of kinds) {
    const found = entry.has.filter(r => r.kind === kind);
    if (!found.length) continue;
    const item = add(list, "li", word);
    found.forEach((r, i) => { if (i) item.append(", "); link(item, r.one); });
  }
  return made;
}

const [search, family, old, count, place] = ["search", "family", "old", "count", "list"].map(
  id => document.getElementById(id));
for (const name of [...new Set(entries.map(entry => entry.family))].sort()) add(family, "option", name);
const cards = new Map(entries.map(entry => [entry, card(entry)]));
place.append(...cards.values());
function show() {
  const asked = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  for (const [entry, made] of cards) {
    made.hidden = !(asked.every(word => entry.text.includes(word)) && (!old.checked || entry.old) &&
      (!family.value || entry.family === family.value));
    made.style.display = made.hidden ? "none" : "";
    shown += !made.hidden;
  }
  count.textContent = shown + " of " + entries.length;
}
search.oninput = family.onchange = old.onchange = show;
search.form.onsubmit = event => event.preventDefault();
show();
"""

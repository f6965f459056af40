"""The atlas as one HTML page that needs nothing from elsewhere: no network, no storage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from string import Template
from typing import Any

import numpy as np

from actsearch.analysis.atlas.relations import Relation, relations
from actsearch.analysis.atlas.script import SCRIPT
from actsearch.analysis.catalog import Entry, catalog
from actsearch.analysis.novelty.family import activations, family_of, is_comparable, plainly

_CURVE = np.linspace(-5.0, 5.0, 41)
_HEIGHT = 99
# In a script element these could end it, open a comment or, in older browsers, break a line of the program.
_UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}

# The policy forbids the browser what the page promises not to do: to load anything from anywhere.
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="catalog" content="$digest">
<title>Atlas of activation functions</title>
<style>$style</style>
</head>
<body>
<header>
<h1>Atlas of activation functions</h1>
<p>Who rediscovered whom: $entries functions by year, and what they are of each other on [-5, 5], up to scaling and
shift of input and output, parameters and their limits.</p>
<form><input id="search" type="search" placeholder="name, formula, source" aria-label="Search" autofocus>
<select id="family" aria-label="Family"><option value="">every family</option></select>
<label><input id="old" type="checkbox"> rediscoveries only</label> <output id="count"></output></form>
</header>
<main id="list"></main>
<footer>Written by <code>actsearch catalog --atlas FILE</code>. Functions of more than one input, of arrays or of
statistics are listed, but compared by their formulas only.</footer>
<script type="application/json" id="data">$data</script>
<script>$script</script>
</body>
</html>
""")

_STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1c2430; --soft: #5c6672; --line: #d9dee5;
  --curve: #3f7fb5; --mark: #b8430d; --panel: #f5f7f9; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181d; --ink: #e6eaef; --soft: #9aa5b1; --line: #303841;
  --curve: #6fb1e6; --mark: #ff9248; --panel: #1d232a; } }
* { box-sizing: border-box; }
body { max-width: 980px; margin: 0 auto; padding: 12px 16px 40px; background: var(--ground); color: var(--ink);
  font: 14px/1.45 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 20px; margin: 0; }
header p, footer, .soft { color: var(--soft); margin: 2px 0 8px; }
form { position: sticky; top: 0; display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; padding: 8px 0;
  background: var(--ground); border-bottom: 1px solid var(--line); }
input[type=search] { flex: 1; min-width: 200px; font: inherit; padding: 5px 8px; }
select { font: inherit; padding: 4px; }
article { display: grid; grid-template-columns: 44px 76px 1fr; gap: 0 12px; padding: 8px 0;
  border-bottom: 1px solid var(--line); scroll-margin-top: 60px; }
article:target { background: var(--panel); }
article > time { color: var(--soft); }
svg { width: 76px; height: 44px; }
path { fill: none; stroke: var(--curve); stroke-width: 1.6; vector-effect: non-scaling-stroke; }
h2 { font-size: 15px; margin: 0; display: inline; }
code { font: 12.5px/1.35 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; overflow-wrap: anywhere; }
ul { margin: 3px 0 0; padding: 0 0 0 16px; }
li.old { color: var(--mark); }
a { color: inherit; }
.tag { font-size: 12px; color: var(--soft); border: 1px solid var(--line); border-radius: 9px; padding: 0 7px; }
footer { margin-top: 16px; font-size: 12px; }
"""


def render(entries: Mapping[str, Entry] | None = None) -> str:
    """The page for some entries, by default those of the catalog; the same text for the same entries.

    Takes about a minute for the catalog, since each function is compared with all others.
    """
    chosen = catalog() if entries is None else entries
    document = {"entries": _entries(chosen), "relations": [_relation(relation) for relation in relations(chosen)]}
    return _PAGE.substitute(
        digest=digest(chosen),
        entries=len(chosen),
        style=_STYLE,
        script=SCRIPT,
        data=json.dumps(document, allow_nan=False, ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE),
    )


def digest(entries: Mapping[str, Entry] | None = None) -> str:
    """What the page says of the entries that it was made from, 16 hex digits: another one needs another page."""
    chosen = catalog() if entries is None else entries
    document = [[*_said(entry), [spec.to_json() for spec in entry.parameters]] for entry in chosen.values()]
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()[:16]


def _said(entry: Entry) -> list[Any]:
    formula = entry.formula or "; ".join(entry.lanes) or entry.beyond
    aliases = [[alias.name, alias.year, alias.source] for alias in entry.also]
    return [entry.name, entry.year, entry.source, entry.family, formula, aliases]


def _entries(entries: Mapping[str, Entry]) -> list[list[Any]]:
    curves = {}
    with plainly():
        for entry, activation in activations(entries.values()).values():
            if is_comparable(activation):
                family = family_of(activation)
                curves[entry.name] = _curve(family.values(_CURVE[None], family.initial[None])[0])
    by_year = sorted(entries.values(), key=lambda entry: (entry.year, entry.name))
    return [[*_said(entry), curves.get(entry.name, [])] for entry in by_year]


def _curve(values: np.ndarray) -> list[int | None]:
    """Heights of a drawing, 0 at the top; None where there is no value."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return []
    low, high = float(finite.min()), float(finite.max())
    scale = _HEIGHT / (high - low) if high > low else 0.0
    return [round((high - value) * scale) if np.isfinite(value) else None for value in values.tolist()]


def _relation(relation: Relation) -> Sequence[Any]:
    return [relation.name, relation.of, relation.kind, relation.label, int(relation.whole)]

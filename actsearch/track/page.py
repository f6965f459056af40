"""Frame and style of the lineage page."""

from __future__ import annotations

from string import Template

# The policy forbids the browser what the page promises not to do: to load anything from anywhere.
PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Lineage of $title</title>
<style>$style</style>
</head>
<body>
<header><h1>$title</h1><p>$facts</p></header>
<ul id="legend"></ul>
<main><div id="plot"></div><aside id="detail" aria-live="polite"></aside></main>
<div id="tip" role="tooltip" hidden></div>
<script type="application/json" id="data">$data</script>
<script>$script</script>
</body>
</html>
""")

STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1c2430; --soft: #5c6672; --line: #d9dee5;
  --edge: #7d8fa6; --node: #3f7fb5; --mark: #d9480f; --panel: #f5f7f9; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181d; --ink: #e6eaef; --soft: #9aa5b1; --line: #303841;
  --edge: #71849b; --node: #6fb1e6; --mark: #ff9248; --panel: #1d232a; } }
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; min-height: 420px; padding: 10px 14px; background: var(--ground);
  color: var(--ink); font: 13px/1.4 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 12px; }
h1 { font-size: 16px; margin: 0; }
header p, .soft { color: var(--soft); margin: 0; }
#legend { display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 4px 0; padding: 0; list-style: none; font-size: 12px; }
#legend i { display: inline-block; width: 10px; height: 10px; margin-right: 5px; border-radius: 2px; }
#legend i.round { border-radius: 50%; }
#legend i.dash { height: 0; width: 14px; border-top: 2px dashed var(--soft); border-radius: 0; vertical-align: middle; }
main { flex: 1; display: flex; gap: 12px; min-height: 0; }
#plot { flex: 1; min-width: 0; min-height: 300px; position: relative; }
#plot svg { position: absolute; inset: 0; }
aside { width: 270px; overflow: auto; padding: 8px 12px; background: var(--panel); border-radius: 8px;
  font-size: 12px; }
aside h2 { font-size: 13px; margin: 0 0 4px; }
aside ol { margin: 6px 0 0; padding: 0; list-style: none; }
aside li { border-left: 2px solid var(--mark); padding: 0 0 8px 8px; cursor: pointer; }
code { font: 12px/1.35 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; overflow-wrap: anywhere; }
#tip { position: fixed; max-width: 360px; pointer-events: none; background: var(--panel); color: var(--ink);
  border: 1px solid var(--line); border-radius: 6px; padding: 6px 9px; font-size: 12px; z-index: 2;
  box-shadow: 0 3px 12px rgba(0, 0, 0, .25); }
#tip[hidden] { display: none; }
text { fill: var(--soft); font-size: 11px; }
.grid { stroke: var(--line); } .base { stroke: var(--soft); stroke-dasharray: 5 4; }
.edge { fill: none; stroke: var(--edge); } .kin { fill: none; stroke: var(--mark); stroke-width: 1.8; }
.node { fill: var(--node); fill-opacity: .8; cursor: pointer; }
.node.below { fill-opacity: .1; stroke: var(--node); stroke-width: 1.2; }
.node.ancestor { fill: var(--mark); fill-opacity: 1; stroke: var(--ground); }
.ring { fill: none; stroke: var(--mark); stroke-width: 2; }
@media (max-width: 700px) { html, body { height: auto; } main { flex-direction: column; } #plot { flex: 0 0 360px; }
  aside { width: auto; } }
"""

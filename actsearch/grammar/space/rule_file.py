"""Rules of a space's file: texts become productions, and every name is held against what it can mean."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Container, Mapping

from actsearch.documents import Document
from actsearch.errors import ParseError, SpaceError, unknown_name
from actsearch.grammar.expression import Apply, Expression, Parameter, parameter_names
from actsearch.grammar.operators import OPERATORS
from actsearch.grammar.parameter import array_lengths
from actsearch.grammar.space.alternatives import alternatives, declared, numbered
from actsearch.grammar.space.model import MOST_SITES, SpaceModel
from actsearch.grammar.space.production import Production
from actsearch.grammar.space.rules import EVERYWHERE, RuleSpace
from actsearch.grammar.statistic import literal_arguments
from actsearch.grammar.text import read

_HOLE = re.compile(r"^(?P<symbol>.+?)(_\d+)?$")
_SITES = re.compile(r"(?P<kind>layer|lane):(?P<first>[1-9]\d?)(\.\.(?P<last>[1-9]\d?))?")
_MOST_LANES = 2
_ROOT = "assignment"
_Productions = Mapping[str, Mapping[str, Production]]


def rule_space(document: Document[SpaceModel]) -> RuleSpace:
    """The space that a file with rules describes; raises `SpaceError`."""
    model = document.content
    rules = model.rules or {}
    if (model.start is None) == (model.assign is None):
        reason = "give either start (one activation) or assign (one for each site)"
        raise SpaceError(f"{document.where('assign')}: {reason}.")
    for section in ("depth", "most", "weights", "starts"):
        for symbol in getattr(model, section):
            _require_symbol(symbol, section, rules, document, section, symbol)
    productions = {symbol: _productions(symbol, document) for symbol in rules}
    selectors: tuple[str, ...] = EVERYWHERE
    start = model.start or _ROOT
    if model.assign is not None:
        selectors, productions[_ROOT] = _assignment(model.assign, rules, document)
    else:
        _require_symbol(start, "start", rules, document, "start")
    _check_recursion(productions, document)
    _check_names(start, productions, document)
    space = RuleSpace(
        name=document.path.stem,
        title=model.title,
        paper=model.paper,
        start=start,
        productions=productions,
        depth=model.depth,
        most=model.most,
        selectors=selectors,
        protocols=tuple(model.protocols),
    )
    if not space.size().count:
        reason = f"the rules derive nothing from {start!r}: raise depth or most, or add a rule without holes"
        raise SpaceError(f"{document.where('rules', start)}: {reason}.")
    return space


def _require_symbol(
    symbol: str, section: str, symbols: Mapping[str, object], document: Document[SpaceModel], *place: str
) -> None:
    if symbol not in symbols:
        raise SpaceError(f"{document.where(*place)}: {unknown_name(f'symbol in {section}', symbol, symbols)}")


def _productions(symbol: str, document: Document[SpaceModel]) -> dict[str, Production]:
    model = document.content
    texts = (model.rules or {})[symbol]
    weights, starts = model.weights.get(symbol, {}), model.starts.get(symbol, {})
    templates = {name: _template(text, symbol, name, document) for name, text in texts.items()}
    templates |= _operators(symbol, templates, document)
    for section, keys in (("weights", weights), ("starts", starts)):
        for name in keys:
            if name not in templates:
                error = unknown_name(f"production in {section}.{symbol}", name, templates)
                raise SpaceError(f"{document.where(section, symbol, name)}: {error}")
    if not templates:
        raise SpaceError(f"{document.where('rules', symbol)}: rules.{symbol}: expected at least one production.")
    built = {}
    for name, template in templates.items():
        holes = tuple((hole, s) for hole in parameter_names(template) if (s := _symbol(hole, model.rules or {})))
        own = {n: length for n, length in array_lengths(template).items() if n not in dict(holes)}
        built[name] = Production(
            name=name,
            symbol=symbol,
            template=template,
            holes=holes,
            weight=weights.get(name, 1.0),
            alternatives=alternatives(own, document, "rules", symbol, name),
        )
    return built


def _template(text: str, symbol: str, name: str, document: Document[SpaceModel]) -> Expression:
    try:
        template = read(text, declared(document.content))
    except ParseError as error:
        raise SpaceError(f"{document.where('rules', symbol, name)}: rules.{symbol}.{name}: {error}") from None
    for hole, length in array_lengths(template).items():
        if length is not None and _symbol(hole, document.content.rules or {}):
            reason = f"{hole} is a symbol, and only a parameter has entries"
            raise SpaceError(f"{document.where('rules', symbol, name)}: rules.{symbol}.{name}: {reason}.")
    return template


def _operators(symbol: str, written: Mapping[str, Expression], document: Document[SpaceModel]) -> dict[str, Expression]:
    """A template for each operator of the table that the section `operators` asks for."""
    asked = document.content.operators.get(symbol)
    if asked is None:
        return {}
    rules = document.content.rules or {}
    _require_symbol(asked.arguments, f"operators.{symbol}", rules, document, "operators", symbol, "arguments")
    for name in asked.without:
        if name not in OPERATORS:
            error = unknown_name(f"operator in operators.{symbol}.without", name, OPERATORS)
            raise SpaceError(f"{document.where('operators', symbol, 'without')}: {error}")
    found: dict[str, Expression] = {}
    for name, operator in OPERATORS.items():
        # What takes coefficients, or a literal number where others take an argument, is written out where it is wanted.
        is_plain = not operator.most_coefficients and not literal_arguments(name)
        if is_plain and name not in asked.without and name not in written:
            count = operator.arity or 2
            holes = [Parameter(f"{asked.arguments}_{i + 1}" if count > 1 else asked.arguments) for i in range(count)]
            found[name] = Apply(name, tuple(holes))
    return found


def _assignment(
    assign: Mapping[str, str], rules: Mapping[str, object], document: Document[SpaceModel]
) -> tuple[tuple[str, ...], dict[str, Production]]:
    """The selectors of a space of assignments, and the production at its root, with a hole for each."""
    if _ROOT in rules:
        raise SpaceError(f"{document.where('rules', _ROOT)}: a symbol cannot be called {_ROOT} beside assign.")
    symbols: dict[str, str] = {}
    for text, symbol in assign.items():
        _require_symbol(symbol, f"assign.{text}", rules, document, "assign", text)
        match = _SITES.fullmatch(text)
        first = int(match["first"]) if match else 0
        last = int(match["last"] or first) if match else 0
        most = _MOST_LANES if match and match["kind"] == "lane" else MOST_SITES
        if match is None or not first <= last <= most:
            expected = f"expected layer:N or layer:N..M up to {MOST_SITES}, or lane:1 and lane:2"
            raise SpaceError(f"{document.where('assign', text)}: assign: {text[:40]!r}: {expected}.")
        for number in range(first, last + 1):
            if symbols.setdefault(f"{match['kind']}:{number}", symbol) is not symbol:
                raise SpaceError(f"{document.where('assign', text)}: assign: {match['kind']}:{number} stands twice.")
    kinds = {selector.partition(":")[0] for selector in symbols}
    if len(kinds) > 1 or ("lane" in kinds and len(symbols) != _MOST_LANES):
        raise SpaceError(f"{document.where('assign')}: assign: give layers, or both lane:1 and lane:2.")
    holes = tuple(symbols.items())
    template = Apply("add", tuple(Parameter(selector) for selector in symbols))
    return tuple(symbols), {_ROOT: Production(name=_ROOT, symbol=_ROOT, template=template, holes=holes)}


def _symbol(name: str, symbols: Container[str]) -> str | None:
    match = _HOLE.match(name)
    candidates = (name, match["symbol"] if match else name)
    return next((candidate for candidate in candidates if candidate in symbols), None)


def _check_recursion(productions: _Productions, document: Document[SpaceModel]) -> None:
    """Refuse rules that could go round for ever: every cycle of symbols must pass through a bounded one."""
    edges = {s: {hole for p in by_name.values() for _, hole in p.holes} for s, by_name in productions.items()}
    bounded = set(document.content.depth)
    finished: set[str] = set()

    def visit(symbol: str, above: tuple[str, ...]) -> None:
        if symbol in above:
            cycle = " -> ".join((*above[above.index(symbol) :], symbol))
            reason = f"the rules go round without end ({cycle}): bound one of these symbols under `depth`"
            raise SpaceError(f"{document.where('rules', symbol)}: {reason}.")
        if symbol not in finished:
            for hole in sorted(edges[symbol] - bounded):
                visit(hole, (*above, symbol))
            finished.add(symbol)

    for symbol in edges:
        visit(symbol, ())


def _check_names(start: str, productions: _Productions, document: Document[SpaceModel]) -> None:
    """Refuse names that nothing uses, and those that cannot mean what they seem to."""
    model = document.content
    used: set[str] = set()
    for production in itertools.chain.from_iterable(by_name.values() for by_name in productions.values()):
        used |= set(production.parameters)
        for name in production.parameters:
            near = difflib.get_close_matches(numbered(name), productions, n=1, cutoff=0.75)
            if near and not {name, numbered(name)} & set(model.parameters):
                where = document.where("rules", production.symbol, production.name)
                reason = f"{name!r} is no symbol (did you mean {near[0]}?): a parameter so called is to be declared"
                raise SpaceError(f"{where}: rules.{production.symbol}.{production.name}: {reason} under `parameters`.")
    reached = _reached(start, productions)
    for symbol in productions:
        if symbol not in reached:
            reason = "nothing leads to this symbol; a name of the language (x, e, sin, ...) cannot be one"
            raise SpaceError(f"{document.where('rules', symbol)}: rules.{symbol}: {reason}.")
    for name in model.parameters:
        if not {name} & (used | set(map(numbered, used))):
            error = unknown_name("parameter (no rule uses it)", name, used)
            raise SpaceError(f"{document.where('parameters', name)}: {error}")
    if model.graph is None and set(model.operators) - set(productions):
        symbol = min(set(model.operators) - set(productions))
        _require_symbol(symbol, "operators", productions, document, "operators", symbol)


def _reached(start: str, productions: _Productions) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        symbol = waiting.pop()
        if symbol not in reached:
            reached.add(symbol)
            waiting += [hole for production in productions[symbol].values() for _, hole in production.holes]
    return reached

"""Triton's interpreter made quicker for processes that run many small kernels; no operation's meaning is touched.

For each launch, and for each helper that a kernel calls, the interpreter looks through all of `triton.language` for
what it has to replace, and it parses a function again for every module that holds the same text. Both take a third of
the time of small kernels.
"""

import functools
import inspect

from triton.language.core import is_builtin
from triton.runtime import interpreter


@functools.cache
def _builtins(package):
    """Names of what is replaced in a module or a class of `triton.language`; asked first while nothing is replaced."""
    return [name for name, member in inspect.getmembers(package) if is_builtin(member)]


def _patch_builtin(package, builder, scope):
    for name in _builtins(package):
        member = getattr(package, name)
        if is_builtin(member):
            interpreter._patch_attr(package, name, member, builder, scope)


@functools.cache
def _code(source, transformer):
    """The rewritten function as code. Lines are those of the function alone, which only tracebacks show."""
    tree = transformer.visit(interpreter.ast.parse(source))
    return compile(interpreter.ast.fix_missing_locations(tree), filename="<interpreted>", mode="exec")


class _Rewriter(interpreter.FunctionRewriter):
    def rewrite_ast(self):
        lines, _ = inspect.getsourcelines(self.fn)
        self.def_lineno = self._find_def(lines)
        return self._compile_and_exec(self._prepare_source(lines))

    def _compile_and_exec(self, source):
        names = dict(self.kwargs)
        of_module = self.fn.__globals__
        for name, value in vars(interpreter).items():
            of_module.setdefault(name, value)
        exec(_code(source, self.ast_transformer), of_module, names)
        return names[self.fn.__name__]


def _call_helper(function, *arguments, **named):
    """A helper is called by a kernel, for which everything that ours use is replaced already; Triton's use `core`."""
    if function.fn.__module__.startswith("triton."):
        interpreter._patch_lang(function.fn)
    try:
        return function.rewrite()(*arguments, **named)
    except Exception as error:
        raise interpreter.InterpreterError(repr(error)) from error


def hasten():
    """From now on, in this process; before a kernel is loaded."""
    interpreter._patch_builtin = _patch_builtin
    interpreter.FunctionRewriter = _Rewriter
    interpreter.InterpretedFunction.__call__ = _call_helper

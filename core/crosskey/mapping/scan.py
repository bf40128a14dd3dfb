"""Reads a rule's syntax tree before it is compiled: what it reads, and what it must not do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from jinja2 import nodes
from jinja2.sandbox import SandboxedEnvironment
from jinja2.visitor import NodeTransformer

from crosskey.errors import close_matches
from crosskey.mapping.attributes import ATTRIBUTES, EXTRA, known, suggest
from crosskey.mapping.sandbox import METHODS

__all__ = ("GROUPS", "Scan")

GROUPS = "groups"
"""The variable that holds the logical names of a person's groups."""

_ALLOWED: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.CondExpr),
    *(nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword),
    *(nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Call, nodes.Filter, nodes.Test),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.Add, nodes.Sub, nodes.Neg),
)

_SPELLING = {
    "For": "a loop ({% for %})",
    "Assign": "{% set %}",
    "AssignBlock": "{% set %}",
    "Mul": "multiplication (*)",
    "Div": "division (/)",
    "FloorDiv": "division (//)",
    "Mod": "the % operator",
    "Pow": "the ** operator",
    "Include": "{% include %}",
    "Import": "{% import %}",
    "FromImport": "{% import %}",
    "Extends": "{% extends %}",
    "Macro": "{% macro %}",
}


class Scan(NodeTransformer):
    """One walk over a tree. ``reads`` maps each variable to the attribute it holds, ``problems`` are sentences.

    ``extra.<name>`` becomes a variable of its own: the rule then takes a flat set of values, and a name such as
    ``extra.items`` cannot reach a method of a dictionary.
    """

    def __init__(self, sandbox: SandboxedEnvironment) -> None:
        self._sandbox = sandbox
        self.reads: dict[str, str] = {}
        self.groups: set[str] = set()
        self.problems: list[tuple[int, str]] = []

    def walk(self, tree: nodes.Node) -> nodes.Node:
        """The tree with its variables renamed; fills ``reads``, ``groups`` and ``problems``."""
        return cast("nodes.Node", self.visit(tree))

    def visit(self, node: nodes.Node, *args: object, **kwargs: object) -> object:
        """Refuse what is not on the list, walk on into the rest."""
        if isinstance(node, _ALLOWED):
            return super().visit(node, *args, **kwargs)
        kind = type(node).__name__
        return self._refuse(node, f"{_SPELLING.get(kind, kind)} is not available in rules")

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802 - jinja2.visitor dispatches on this name
        """Note which attribute is read."""
        if node.name == EXTRA.rstrip("."):
            return self._refuse(node, "extra is read by name: extra.<name> or extra['<name>']")
        if node.name not in ATTRIBUTES and node.name != GROUPS:
            return self._refuse(node, f'there is no attribute "{node.name}". {suggest(node.name)}')
        self.reads[node.name] = node.name
        return node

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 - jinja2.visitor dispatches on this name
        """``extra.<name>``; any other attribute access is refused (calls are looked at before)."""
        if _is_extra(node.node):
            return self._extra(node, node.attr)
        self.visit(node.node)
        return self._refuse(node, f'".{node.attr}" is not available: attributes are plain values')

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - jinja2.visitor dispatches on this name
        """``extra['<name>']``, or an element or slice of a value."""
        if _is_extra(node.node) and isinstance(node.arg, nodes.Const):
            return self._extra(node, str(node.arg.value))
        return self.generic_visit(node)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - jinja2.visitor dispatches on this name
        """A method of text."""
        callee = node.node
        if not isinstance(callee, nodes.Getattr):
            name = f"{callee.name}()" if isinstance(callee, nodes.Name) else "calling this"
            return self._refuse(node, f"{name} is not available in rules")
        if callee.attr not in METHODS:
            return self._refuse(node, f"the method .{callee.attr}() is not available. {_hint(callee.attr, METHODS)}")
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            return self._refuse(node, "* and ** in a call are not available in rules")
        callee.node = cast("nodes.Expr", self.visit(callee.node))
        node.args = [cast("nodes.Expr", self.visit(argument)) for argument in node.args]
        node.kwargs = [cast("nodes.Keyword", self.visit(argument)) for argument in node.kwargs]
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802 - jinja2.visitor dispatches on this name
        """A filter of the sandbox."""
        if node.name not in self._sandbox.filters:
            self._refuse(node, f'there is no filter "{node.name}". {_hint(node.name, self._sandbox.filters)}')
        return self.generic_visit(node)

    def visit_Test(self, node: nodes.Test) -> nodes.Node:  # noqa: N802 - jinja2.visitor dispatches on this name
        """A test of the sandbox."""
        if node.name not in self._sandbox.tests:
            self._refuse(node, f'there is no test "{node.name}". {_hint(node.name, self._sandbox.tests)}')
        return self.generic_visit(node)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802 - jinja2.visitor dispatches on this name
        """Note groups that a condition names (``'VIP' in groups``), so that their members are read."""
        if isinstance(node.expr, nodes.Const) and len(node.ops) == 1:
            operand = node.ops[0]
            in_groups = isinstance(operand.expr, nodes.Name) and operand.expr.name == GROUPS
            if in_groups and operand.op in ("in", "notin"):
                self.groups.add(str(node.expr.value))
        return self.generic_visit(node)

    def _extra(self, node: nodes.Expr, name: str) -> nodes.Node:
        attribute = f"{EXTRA}{name}"
        if not known(attribute):
            return self._refuse(node, "extra is read by name: extra.<name> or extra['<name>']")
        variable = next((key for key, read in self.reads.items() if read == attribute), f"extra_{len(self.reads)}")
        self.reads[variable] = attribute
        return nodes.Name(variable, "load", lineno=node.lineno, environment=node.environment)

    def _refuse(self, node: nodes.Node, sentence: str) -> nodes.Node:
        self.problems.append((node.lineno, sentence.strip()))
        return node


def _is_extra(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Name) and node.name == EXTRA.rstrip(".")


def _hint(name: str, available: Iterable[str]) -> str:
    return close_matches(name, (word for word in available if word.isidentifier()))

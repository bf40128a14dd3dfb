"""Templates and conditions: a small, bounded part of Jinja2, compiled once and remembered by the values it read.

A template may print attributes, filter them, choose with ``if`` and call a few methods of text. It cannot loop,
assign, multiply or include, so its work is bounded by its own length and that of the attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jinja2
from jinja2 import nodes
from jinja2.parser import Parser
from jinja2.sandbox import SandboxedEnvironment

from crosskey.connector.mapper import Candidate
from crosskey.mapping.attributes import EXTRA, reader
from crosskey.mapping.findings import Findings, RuleError
from crosskey.mapping.sandbox import environment
from crosskey.mapping.scan import GROUPS, Scan

__all__ = ("Template", "TemplateCompiler", "is_template")

_LONGEST = 4000
"""Characters a template may make; more is a mistake, not a value."""

_REMEMBERED = 4096
"""Answers kept for each template. Conditions see few distinct values; names would otherwise fill memory."""

_Values = tuple[object, ...]


def is_template(text: str) -> bool:
    """Whether a value of the configuration is a template rather than a name."""
    return "{{" in text or "{%" in text


class Template:
    """A compiled template: a candidate in, text out. Pure; raises :class:`RuleError` where it has no answer.

    ``copies`` names the attribute when the template is exactly ``{{ attribute }}``, else it is ``""``; ``attributes``
    are all that it reads.
    """

    def __init__(self, source: str, code: jinja2.Template, reads: dict[str, str], copies: str) -> None:
        self.source = source
        self.copies = copies
        self.attributes = tuple(dict.fromkeys(reads.values()))
        self._code = code
        self._variables = tuple(reads)
        self._values = _values_reader(tuple(reads.values()))
        # Values under `extra` may be of any type, and 1 == True == 1.0 although each prints differently.
        self._typed = any(name.startswith(EXTRA) for name in reads.values())
        self._answers: dict[_Values, str] = {}

    def __call__(self, candidate: Candidate) -> str:
        """The text for one candidate."""
        values = self._values(candidate)
        if self._typed and not all(isinstance(value, str) for value in values):
            return self._render(values)
        answer = self._answers.get(values)
        if answer is None:
            answer = self._render(values)
            if len(self._answers) < _REMEMBERED:
                self._answers[values] = answer
        return answer

    def _render(self, values: _Values) -> str:
        variables = dict(zip(self._variables, values, strict=True))
        try:
            text = "".join(self._code.root_render_func(self._code.new_context(variables, shared=True)))
        except RuleError as error:
            raise RuleError(f"{self.source}: {error}") from error
        except Exception as error:  # a template may raise anything, and one person must not stop a run
            raise RuleError(f"{self.source} fails for this person: {error}") from error
        if len(text) > _LONGEST:
            raise RuleError(f"{self.source} makes {len(text)} characters for this person; the most is {_LONGEST}")
        return text


class TemplateCompiler:
    """Compiles the templates and conditions of one mapping, and gathers what they read and what is wrong with them."""

    def __init__(self, findings: Findings) -> None:
        self.extra: set[str] = set()
        self.groups: set[str] = set()
        self._findings = findings
        self._sandbox = environment()
        self._done: dict[tuple[str, bool], Template | None] = {}

    def template(self, source: str, path: str) -> Template | None:
        """A template of the configuration; ``None`` after noting what is wrong with it."""
        return self._compile(source, path, condition=False)

    def condition(self, source: str, path: str) -> Template | None:
        """A condition: answers text that is empty when it does not hold. ``None`` after noting what is wrong."""
        return self._compile(source, path, condition=True)

    def _compile(self, source: str, path: str, *, condition: bool) -> Template | None:
        known = (source, condition)
        if known not in self._done:
            compiled = self._compile_new(source, path, condition=condition)
            if compiled is None:
                return None  # not remembered: each place where it stands is told
            self._done[known] = compiled
        return self._done[known]

    def _compile_new(self, source: str, path: str, *, condition: bool) -> Template | None:
        what = "condition" if condition else "template"
        try:
            tree = _parse_condition(self._sandbox, source) if condition else self._sandbox.parse(source.strip())
        except jinja2.TemplateSyntaxError as error:
            self._findings.add(
                path,
                f"{what}-syntax",
                f"the {what} cannot be read (line {error.lineno}): {error.message or 'syntax error'}",
                detail=f"(in: {source})",
                fix=_syntax_fix(source, condition=condition),
            )
            return None
        scan = Scan(self._sandbox)
        tree = scan.walk(tree)
        for line, sentence in scan.problems:
            self._findings.add(path, f"{what}-refused", f"line {line}: {sentence}", detail=f"(in: {source})")
        if scan.problems or not isinstance(tree, nodes.Template):
            return None
        self.groups |= scan.groups
        self.extra |= {name.removeprefix(EXTRA) for name in scan.reads.values() if name.startswith(EXTRA)}
        code = self._sandbox.from_string(tree)
        return Template(source, code, scan.reads, scan.reads.get(_only_variable(tree), ""))


def _parse_condition(sandbox: SandboxedEnvironment, source: str) -> nodes.Template:
    # As Environment.compile_expression does, but the tree is looked at before it is compiled,
    # and `{% if %}` makes of a condition a template like any other.
    parser = Parser(sandbox, source.strip(), state="variable")
    test = parser.parse_expression()
    if not parser.stream.eos:
        raise jinja2.TemplateSyntaxError("text after the end of the condition", parser.stream.current.lineno)
    held = nodes.Output([nodes.TemplateData("true", lineno=1)], lineno=1)
    tree = nodes.Template([nodes.If(test, [held], [], [], lineno=1)], lineno=1)
    tree.set_environment(sandbox)
    return tree


def _syntax_fix(source: str, *, condition: bool) -> str:
    if condition and is_template(source):
        return "write a condition without {{ }}, such as department == 'IT'"
    if condition and "=" in source.replace("==", "").replace("!=", "").replace("<=", "").replace(">=", ""):
        return "compare with ==, such as department == 'IT'"
    if condition:
        return "write it as department == 'IT' and locality in ('London', 'Leeds')"
    return "write it as {{ attribute }}, with {% if … %} … {% endif %} around parts that depend on something"


def _only_variable(tree: nodes.Template) -> str:
    match tree.body:
        case [nodes.Output(nodes=[nodes.Name(name=name)])]:
            return name
        case _:
            return ""


def _values_reader(attributes: Sequence[str]) -> Callable[[Candidate], _Values]:
    readers = tuple(_groups if name == GROUPS else reader(name) for name in attributes)
    if len(readers) == 1:
        only = readers[0]
        return lambda candidate: (only(candidate),)
    return lambda candidate: tuple([read(candidate) for read in readers])  # a list is faster here than a generator


def _groups(candidate: Candidate) -> tuple[str, ...]:
    # Sorted: the order of a set differs from process to process, and a template may print it.
    return tuple(sorted(candidate.groups))

"""How a text template becomes Python: every piece of text and every expression carries its place in the template.

Imports jinja2; import it late.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jinja2 import nodes
from jinja2.compiler import Frame
from jinja2.exceptions import TemplateSyntaxError
from jinja2.lexer import Lexer

from fcdeploy.spec.compiler import Compiler
from fcdeploy.spec.traced import Source

if TYPE_CHECKING:
    from fcdeploy.spec.text_sandbox import TextSandbox

# Loads of names and constants cannot fail; what is done with them can, and has a place of its own.
_PLACED = (
    nodes.BinExpr,
    nodes.Call,
    nodes.Compare,
    nodes.Concat,
    nodes.CondExpr,
    nodes.Filter,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Test,
    nodes.UnaryExpr,
)


class At(int):
    """A line number, as jinja counts them, that knows the very character."""

    source: Source
    offset: int

    @classmethod
    def of(cls, line: int, source: Source, offset: int) -> At:
        """The line of a character, with the character."""
        made = cls(line)
        made.source = source
        made.offset = offset
        return made


class TextLexer(Lexer):
    """Gives every token its place, and leaves `${{` alone, which belongs to the file that is being made."""

    def __init__(self, environment: TextSandbox) -> None:
        super().__init__(environment)
        self._environment = environment
        first, *rest = self.rules["root"]
        opening = r"(?P<variable_begin>\{\{"
        pattern = first.pattern
        assert opening in pattern.pattern
        ours = pattern.pattern.replace(opening, r"(?P<variable_begin>(?<!\$)(?<!\$\{)\{\{")
        self.rules["root"] = [first._replace(pattern=re.compile(ours, pattern.flags)), *rest]

    def tokeniter(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> Iterator[tuple[int, str, str]]:
        """The tokens with lines that know more; jinja drops nothing between them but white space."""
        origin = self._environment.sources[name or ""]
        at = 0
        try:
            for line, token, value in super().tokeniter(source, name, filename, state):
                self._environment.count_token(line, origin, at)
                at = max(source.find(value, at), at)
                yield At.of(line, origin, at), token, value
                at += len(value)
        except TemplateSyntaxError as problem:
            problem.lineno = At.of(problem.lineno, origin, at)
            raise


class TextCompiler(Compiler):
    """Writes code that says where it is before it does anything that can fail."""

    environment: TextSandbox

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._looped: set[int] = set()
        self._asked: set[int] = set()

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        """The whole template; what is looped over and asked for is noted first."""
        self._looped = {id(one.iter) for one in node.find_all(nodes.For)}
        self._asked = {id(one.test) for one in node.find_all(nodes.If)}
        self._asked |= {id(one.test) for one in node.find_all(nodes.For) if one.test is not None}
        super().visit_Template(node, frame)

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        """Any node; expressions are wrapped in what notes their place."""
        around = []
        if id(node) in self._looped:
            around.append("items")
        if id(node) in self._asked:
            around.append("truth")
        if isinstance(node, _PLACED):
            around.append("came")
        for name in around:
            self.write(f"environment.{name}(environment.at({self._place(node)}), ")
        super().visit(node, *args, **kwargs)
        self.write(")" * len(around))

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:
        """Text of the template as it is, and what its expressions give as text."""
        if frame.require_output_check:
            if self.has_known_extends:
                return
            self.writeline("if parent_template is None:")
            self.indent()
        for child in node.nodes:
            self.start_write(frame, child)
            if isinstance(child, nodes.TemplateData):
                self.write(f"environment.text({self.environment.note_text(child.data, child.lineno)})")
            else:
                self.write(f"environment.shown(environment.at({self._place(child)}), ")
                self.visit(child, frame)
                self.write(")")
            self.end_write(frame)
        if frame.require_output_check:
            self.outdent()

    def visit_Include(self, node: nodes.Include, frame: Frame) -> None:
        """`{% include %}`."""
        self._here(node.template)
        super().visit_Include(node, frame)

    def visit_Import(self, node: nodes.Import, frame: Frame) -> None:
        """`{% import %}`."""
        self._here(node.template)
        super().visit_Import(node, frame)

    def visit_FromImport(self, node: nodes.FromImport, frame: Frame) -> None:
        """`{% from … import %}`."""
        self._here(node.template)
        super().visit_FromImport(node, frame)

    def visit_Extends(self, node: nodes.Extends, frame: Frame) -> None:
        """`{% extends %}`."""
        self._here(node.template)
        super().visit_Extends(node, frame)

    def visit_CallBlock(self, node: nodes.CallBlock, frame: Frame) -> None:
        """`{% call %}`."""
        self._here(node)
        super().visit_CallBlock(node, frame)

    def visit_FilterBlock(self, node: nodes.FilterBlock, frame: Frame) -> None:
        """`{% filter %}`."""
        self._here(node)
        super().visit_FilterBlock(node, frame)

    def visit_For(self, node: nodes.For, frame: Frame) -> None:
        """`{% for %}`."""
        self._here(node)
        super().visit_For(node, frame)

    def visit_Assign(self, node: nodes.Assign, frame: Frame) -> None:
        """`{% set %}`."""
        self._here(node)
        super().visit_Assign(node, frame)

    def _here(self, node: nodes.Node) -> None:
        self.writeline(f"environment.here({self._place(node)})")

    def _place(self, node: nodes.Node) -> int:
        return self.environment.note_place(node.lineno)

"""How an expression becomes Python: jinja2's code generator, with what it compiles to bare operators sent through us.

Imports jinja2; import it late.
"""

from __future__ import annotations

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame


class Compiler(CodeGenerator):
    """Routes the operations that jinja compiles to bare Python through the environment."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        """`a ~ b`."""
        self.write("environment.tilde(")
        for item in node.nodes:
            self.visit(item, frame)
            self.write(", ")
        self.write(")")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:
        """`a < b`."""
        self.write("environment.compare(")
        self.visit(node.expr, frame)
        for operand in node.ops:
            self.write(f", {operand.op!r}, ")
            self.visit(operand.expr, frame)
        self.write(")")

    def _weigh(self, node: nodes.Node, frame: Frame) -> None:
        self.write("environment.weighed(")
        self.visit(node, frame)
        self.write(")")

    def visit_And(self, node: nodes.BinExpr, frame: Frame) -> None:
        """`a and b`."""
        self._either(node, frame, " and ")

    def visit_Or(self, node: nodes.BinExpr, frame: Frame) -> None:
        """`a or b`."""
        self._either(node, frame, " or ")

    def _either(self, node: nodes.BinExpr, frame: Frame, word: str) -> None:
        self.write("(")
        self._weigh(node.left, frame)
        self.write(word)
        self.visit(node.right, frame)
        self.write(")")

    def visit_Not(self, node: nodes.UnaryExpr, frame: Frame) -> None:
        """`not a`."""
        self.write("(not ")
        self._weigh(node.node, frame)
        self.write(")")

    def visit_CondExpr(self, node: nodes.CondExpr, frame: Frame) -> None:
        """`a if b else c`."""
        self.write("(")
        self.visit(node.expr1, frame)
        self.write(" if ")
        self._weigh(node.test, frame)
        self.write(" else ")
        self.visit(node.expr2 if node.expr2 is not None else nodes.Const(None), frame)
        self.write(")")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        """`a[b]` and `a[b:c]`."""
        self.write("environment.getitem(")
        self.visit(node.node, frame)
        self.write(", ")
        if isinstance(node.arg, nodes.Slice):
            self.write("slice(")
            for bound in (node.arg.start, node.arg.stop, node.arg.step):
                self.visit(bound if bound is not None else nodes.Const(None), frame)
                self.write(", ")
            self.write(")")
        else:
            self.visit(node.arg, frame)
        self.write(")")

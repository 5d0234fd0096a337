"""Expressions as graphs: what a user's function computed, and its derivatives.

Nodes are numbers in the order of computation.  Equal nodes are one node, constants are folded, and
so the derivatives of a sparse function stay sparse.
"""

from saddlecore.folding import folded
from saddlecore.operations import ARITY, PARTIALS

__all__ = ["Graph", "GraphTooLongError", "gradient", "hessian", "hvp"]

_COMMUTE = ("add", "mul")


class GraphTooLongError(Exception):
    """More nodes than were allowed."""


class Graph:
    """Nodes ``(operation, operand, operand)``.

    An input is ``("input", number)``, a constant ``("constant", value, bound of its error)``: a
    number that a user wrote is what it is, one that was folded may have been rounded.
    """

    def __init__(self, inputs):
        """Begin with that many inputs, nodes 0, 1, …"""
        self.nodes = []
        self._known = {}
        for i in range(inputs):
            self._node("input", i)

    def __len__(self):
        """Count the nodes."""
        return len(self.nodes)

    def __getattr__(self, operation):
        """``graph.mul(x, y)`` is the node of the product."""
        if operation not in ARITY:
            raise AttributeError(operation)
        return lambda *operands: self.apply(operation, *operands)

    def constant(self, value, error=0.0):
        """Return the node of a number."""
        # -0.0 == 0.0, yet they are two constants; NaN is itself to a key by its text.
        return self._node("constant", value, error, key=("constant", value.hex(), error))

    def is_constant(self, node):
        """Whether the node is a number."""
        return self.nodes[node][0] == "constant"

    def value(self, node):
        """Return the number that a node is exactly, or None."""
        name, *number = self.nodes[node]
        return number[0] if name == "constant" and number[1] == 0.0 else None

    def operands(self, node):
        """Return the nodes that a node is computed from."""
        return self.nodes[node][1 : 1 + ARITY.get(self.nodes[node][0], 0)]

    def apply(self, operation, *operands):
        """Return the node of an operation, simplified."""
        if all(map(self.is_constant, operands)):
            _, *numbers = zip(*(self.nodes[k] for k in operands), strict=True)
            return self.constant(*folded(operation, *numbers))
        if operation in _COMMUTE:
            operands = tuple(sorted(operands))
        simple = self._simpler(operation, operands)
        return self._node(operation, *operands) if simple is None else simple

    def _simpler(self, operation, operands):
        """Return the node that an operation reduces to, or None."""
        if operation == "neg" and self.nodes[operands[0]][0] == "neg":
            return self.nodes[operands[0]][1]
        rule = _SIMPLER.get(operation)
        return rule and rule(self, *operands, *map(self.value, operands))

    def _node(self, *node, key=None):
        key = node if key is None else key
        if key not in self._known:
            self._known[key] = len(self.nodes)
            self.nodes.append(node)
        return self._known[key]


def _simpler_add(g, x, y, a, b):
    return y if a == 0.0 else x if b == 0.0 else None


def _simpler_sub(g, x, y, a, b):
    if b == 0.0:
        return x
    if x == y:
        return g.constant(0.0)
    return g.neg(y) if a == 0.0 else None


def _simpler_mul(g, x, y, a, b):
    if a == 0.0 or b == 0.0:
        return g.constant(0.0)
    if a in (1.0, -1.0):
        return y if a == 1.0 else g.neg(y)
    if b in (1.0, -1.0):
        return x if b == 1.0 else g.neg(x)
    return None


def _simpler_div(g, x, y, a, b):
    return g.constant(0.0) if a == 0.0 else x if b == 1.0 else None


def _simpler_pow(g, x, y, a, b):
    if b == 2.0:
        return g.mul(x, x)
    return {
        0.0: lambda: g.constant(1.0),
        1.0: lambda: x,
        0.5: lambda: g.sqrt(x),
        -1.0: lambda: g.div(g.constant(1.0), x),
    }.get(b, lambda: None)()


_SIMPLER = {"add": _simpler_add, "sub": _simpler_sub, "mul": _simpler_mul, "div": _simpler_div,
            "pow": _simpler_pow}  # fmt: skip


def _partials(g, node):
    operands = g.operands(node)
    return zip(operands, PARTIALS[g.nodes[node][0]](g, *operands, node), strict=True)


def gradient(g, output, inputs):
    """Nodes of ∂output/∂input for the first `inputs` inputs: reverse accumulation."""
    adjoint = {output: g.constant(1.0)}
    for node in range(output, inputs - 1, -1):
        if node in adjoint and g.operands(node):
            for operand, partial in _partials(g, node):
                if not g.is_constant(operand):
                    term = g.mul(adjoint[node], partial)
                    adjoint[operand] = g.add(adjoint[operand], term) if operand in adjoint else term
    return [adjoint.get(i, g.constant(0.0)) for i in range(inputs)]


def _users(g, outputs):
    """For each node that the outputs need: the nodes computed from it."""
    users = {}
    pending, seen = list(outputs), set(outputs)
    while pending:
        node = pending.pop()
        for operand in g.operands(node):
            users.setdefault(operand, []).append(node)
            if operand not in seen:
                seen.add(operand)
                pending.append(operand)
    return users


def _reached(users, seeds):
    pending, seen = list(seeds), set(seeds)
    while pending:
        for user in users.get(pending.pop(), ()):
            if user not in seen:
                seen.add(user)
                pending.append(user)
    return sorted(seen - set(seeds))


def tangents(g, users, seeds):
    """How every node reached moves when inputs move as `seeds` says: forward accumulation."""
    dots = dict(seeds)
    for node in _reached(users, seeds):
        total = g.constant(0.0)
        for operand, partial in _partials(g, node):
            if operand in dots:
                total = g.add(total, g.mul(partial, dots[operand]))
        dots[node] = total
    return dots


def hessian(g, slopes, limit):
    """Nodes of the lower triangle of the Hessian, row by row, from those of the gradient.

    Raises `GraphTooLongError` beyond `limit` nodes.
    """
    n, users, columns = len(slopes), _users(g, slopes), []
    for j in range(n):
        if len(g) > limit:
            raise GraphTooLongError
        dots = tangents(g, users, {j: g.constant(1.0)})
        columns.append([dots.get(slope, g.constant(0.0)) for slope in slopes])
    return [columns[j][i] for i in range(n) for j in range(i + 1)]


def hvp(g, slopes, first):
    """Nodes of H v, where the numbers of v are the inputs from node `first` on."""
    users = _users(g, slopes)
    dots = tangents(g, users, {j: first + j for j in range(len(slopes))})
    return [dots.get(slope, g.constant(0.0)) for slope in slopes]

"""Exact derivatives of a traced function, as programs made when they are first wanted."""

from functools import cached_property

import numpy as np

from saddlecore.graph import GraphTooLongError, gradient, hessian, hvp
from saddlecore.program import assemble

__all__ = ["Expression"]

#: Nodes beyond which a Hessian is not written out: it is computed column by column then.
_LONGEST = 200_000


class Expression:
    """A function of n variables as a graph, with programs for its derivatives.

    Each program comes with its targets, the columns that its outputs go to (see
    `saddlecore.evaluate.evaluate`).
    """

    def __init__(self, graph, output, n):
        """Take a graph of 2n inputs: x, and a vector v for products."""
        self.n = n
        self._graph, self._output = graph, output

    @cached_property
    def _slopes(self):
        return gradient(self._graph, self._output, self.n)

    @cached_property
    def _lower(self):
        try:
            return hessian(self._graph, self._slopes, _LONGEST)
        except GraphTooLongError:
            return None

    @cached_property
    def value(self):
        """f."""
        return self._program([self._output])

    @cached_property
    def gradient(self):
        """The gradient's n numbers."""
        return self._program(self._slopes)

    @cached_property
    def hessian(self):
        """The entries that are not always 0, to both of their places in n² columns; or None."""
        if self._lower is None:
            return None
        places = [(i, j) for i in range(self.n) for j in range(i + 1)]
        kept = [
            (node, (i * self.n + j, j * self.n + i))
            for node, (i, j) in zip(self._lower, places, strict=True)
            if self._graph.value(node) != 0.0
        ]
        program = assemble(self._graph, [node for node, _ in kept], self.n)
        return program, np.array([place for _, place in kept], np.int64).reshape(-1, 2)

    @cached_property
    def second(self):
        """f, the gradient, and the lower triangle of the Hessian row by row; or None."""
        if self._lower is None:
            return None
        return self._program([self._output, *self._slopes, *self._lower])

    @cached_property
    def hvp(self):
        """H v, from the 2n inputs x and v."""
        return self._program(hvp(self._graph, self._slopes, self.n), 2 * self.n)

    @cached_property
    def pattern(self):
        """(k, 2) int64: the places i > j of entries of H that are not always 0; or None."""
        if self.hessian is None:
            return None
        places = self.hessian[1]
        i, j = np.divmod(places[:, 0], self.n)
        return np.ascontiguousarray(np.stack([i, j], axis=1)[i > j])

    def _program(self, nodes, inputs=None):
        count = len(nodes)
        program = assemble(self._graph, nodes, self.n if inputs is None else inputs)
        return program, np.repeat(np.arange(count), 2).reshape(count, 2)

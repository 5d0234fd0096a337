"""Random functions as graphs: hypothesis strategies, and ways to make ours from plain nodes.

A function is drawn together with its point, and only operations that are harmless there are taken:
no poles, no kinks, nothing too large.  What happens at those is asked of each operation alone.
"""

import math

from hypothesis import strategies as st
from reference import graph as reference

from saddlecore.folding import scalar
from saddlecore.graph import Graph
from saddlecore.operations import ARITY

#: Operations that IEEE 754 defines to the last bit, the same in every lane.
ARITHMETIC = ("add", "sub", "mul", "div", "max", "min", "greater", "neg", "abs", "sign", "floor",
              "sqrt")  # fmt: skip
#: Those whose derivatives hold constants that are rounded, as log 2.
WITH_ROUNDED_CONSTANTS = ("exp2", "log2", "log10", "erf")
ALL = tuple(ARITY)

_SMALL, _LARGE = 1e-6, 1e8
_HARMLESS = {
    "div": lambda a, b: abs(b) > 1e-3,
    "pow": lambda a, b: 1e-2 < a < 1e2 and abs(b) <= 5,
    "atan2": lambda a, b: a * a + b * b > _SMALL and (a != 0.0 or b > 0.0),
    **dict.fromkeys(("max", "min", "greater"), lambda a, b: abs(a - b) > _SMALL),
    **dict.fromkeys(("abs", "sign"), lambda a: abs(a) > _SMALL),
    "floor": lambda a: abs(a - round(a)) > _SMALL,
    **dict.fromkeys(("sqrt", "log", "log2", "log10"), lambda a: a > 1e-3),
    **dict.fromkeys(("exp", "sinh", "cosh", "expm1", "exp2"), lambda a: abs(a) < 15),
    "tan": lambda a: abs(math.cos(a)) > 0.05,
    **dict.fromkeys(("asin", "acos"), lambda a: abs(a) < 0.99),
    "log1p": lambda a: a > -0.99,
}  # fmt: skip

coordinates = st.floats(1e-3, 4.0) | st.floats(-4.0, -1e-3) | st.sampled_from([0.0, 1.0, -1.0])
whole = st.sampled_from([0.0, 1.0, -1.0, 2.0, -3.0, 0.5])
choices = st.tuples(st.integers(0, 999), st.integers(0, 999), st.integers(0, 999))


@st.composite
def functions(draw, operations=ALL, constants=whole | coordinates, longest=25):
    """(nodes, point): the last node is a function of the 1 … 4 inputs, which come first."""
    x = draw(st.lists(coordinates, min_size=1, max_size=4))
    numbers = draw(st.lists(constants, max_size=3))
    picked = draw(st.lists(choices, min_size=1, max_size=longest))
    return _grown(x, numbers, picked, operations), x


def random_function(rng, operations=ALL, length=25):
    """The same, from a generator."""
    x = rng.uniform(-4.0, 4.0, rng.integers(1, 5)).tolist()
    return _grown(x, rng.normal(size=2).tolist(), rng.integers(0, 999, (length, 3)), operations), x


def _grown(x, constants, picked, operations):
    nodes = [*(("input", i) for i in range(len(x))), *(("constant", c) for c in constants)]
    values = [*x, *constants]
    for choice in picked:
        node, value = _harmless_node(operations, choice, values)
        nodes.append(node)
        values.append(value)
    return _with_all_used(nodes)


def _harmless_node(operations, choice, values):
    """The first of the operations, from the one drawn on, that is harmless; else a difference."""
    first, *operands = (choice[0], *(k % len(values) for k in choice[1:]))
    for k in range(len(operations)):
        name = operations[(first + k) % len(operations)]
        node = (name, *operands[: ARITY[name]])
        numbers = [values[i] for i in node[1:]]
        if is_harmless(name, numbers):
            value = scalar(name, *numbers)
            if value == 0.0 or _SMALL < abs(value) < _LARGE:
                return node, value
    return ("sub", operands[0], operands[0]), 0.0


def is_harmless(name, numbers):
    """Whether an operation is smooth, and of a moderate slope, at these numbers."""
    return _HARMLESS.get(name, lambda *_: True)(*numbers)


def _with_all_used(nodes):
    """Add up whatever nobody uses."""
    used = {k for name, *rest in nodes if name in ARITY for k in rest}
    loose = [k for k, node in enumerate(nodes) if k not in used and node[0] in ARITY]
    for k in loose[:-1]:
        nodes = [*nodes, ("add", k, len(nodes) - 1)]
    return nodes


def graph_of(nodes, inputs):
    """(our graph with that many inputs, the number of each node in it)."""
    graph, place = Graph(inputs), []
    for name, *rest in nodes:
        if name == "input":
            place.append(rest[0])
        elif name == "constant":
            place.append(graph.constant(rest[0]))
        else:
            place.append(graph.apply(name, *(place[k] for k in rest)))
    return graph, place


def folded_exactly(graph):
    """Whether no constant of the graph has been rounded."""
    return not any(name == "constant" and rest[1] for name, *rest in graph.nodes)


def in_floats(graph, x):
    """Every node of a graph in plain numbers, the v of products being NaN."""
    inputs = sum(name == "input" for name, *_ in graph.nodes)
    padded = [*map(float, x), *[math.nan] * (inputs - len(x))]
    return reference.in_floats(graph.nodes, padded, scalar)

"""Programs beside their graphs: slots are used again, and no number is lost by it."""

import dataclasses

import graphs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import graph as reference

from saddlecore.folding import scalar
from saddlecore.graph import Graph, gradient, hessian
from saddlecore.operations import ARITY, CODES
from saddlecore.program import assemble

NAMES = {code: (name, ARITY.get(name, 1)) for name, code in CODES.items()}


def run(program, x):
    """A program's outputs in plain numbers, by the reference's interpreter."""
    return reference.run_program(
        program.code.tolist(), program.constants[:, 0].tolist(), [*map(float, x)], program.slots,
        program.outputs, NAMES, scalar,
    )  # fmt: skip


def bits(numbers):
    return np.array(numbers, np.float64).view(np.int64).tolist()


def needed_by(graph, outputs):
    """The nodes that the outputs depend on: whoever is needed needs its operands."""
    needed = set(outputs)
    for node in range(len(graph) - 1, -1, -1):
        if node in needed:
            needed.update(graph.operands(node))
    return sorted(needed)


def check(graph, outputs, x):
    program = assemble(graph, outputs, len(x))
    everything = graphs.in_floats(graph, x)
    assert bits(run(program, x)) == bits([everything[k] for k in outputs])
    assert program.code.dtype == np.int64
    assert program.code.shape == (len(program.code), 4)
    assert program.constants.dtype == np.float64
    assert program.constants.shape == (len(program.constants), 2)
    assert (program.inputs, program.outputs) == (len(x), len(outputs))
    return program


# --- random functions ----------------------------------------------------------------------------


@given(graphs.functions(), st.lists(st.integers(0, 999), max_size=6))
def test_a_program_computes_the_nodes_of_its_graph(function, picks):
    """Any nodes, in any order, some of them twice: the same bits as without slots."""
    nodes, x = function
    graph, _ = graphs.graph_of(nodes, len(x))
    check(graph, [pick % len(graph) for pick in picks], x)


@given(graphs.functions(longest=12))
def test_derivatives_as_programs(function):
    nodes, x = function
    n = len(x)
    graph, place = graphs.graph_of(nodes, 2 * n)
    slopes = gradient(graph, place[-1], n)
    outputs = [place[-1], *slopes, *hessian(graph, slopes, 10**6)]
    program = check(graph, outputs, x)
    computed = set(needed_by(graph, outputs)) - set(range(n))
    steps = [k for k in computed if not graph.is_constant(k)]
    assert len(program.code) == len(steps) + len(outputs)
    fewest = reference.fewest_slots(graph.nodes, sorted(computed))
    assert program.slots == len(program.constants) + n + fewest


@given(graphs.functions(longest=12), st.lists(st.integers(0, 999), max_size=4))
def test_no_program_needs_more_slots_than_the_fewest(function, picks):
    """Every number keeps its slot exactly as long as somebody needs it."""
    nodes, x = function
    graph, place = graphs.graph_of(nodes, len(x))
    outputs = [place[-1], *(pick % len(graph) for pick in picks)]
    program = assemble(graph, outputs, len(x))
    fewest = reference.fewest_slots(graph.nodes, needed_by(graph, outputs))
    assert program.slots == len(program.constants) + len(x) + fewest


def test_a_long_sum_needs_two_slots():
    graph = Graph(50)
    total = 0
    for i in range(1, 50):
        total = graph.add(total, graph.sin(i))
    program = assemble(graph, [total], 50)
    assert program.slots == 50 + 2
    assert len(program.code) == 2 * 49 + 1


# --- programs of little --------------------------------------------------------------------------


def test_no_outputs():
    graph = Graph(2)
    graph.mul(0, 1)
    program = check(graph, [], [1.0, 2.0])
    assert len(program.code) == 0
    assert program.slots == 2


def test_constants_only():
    graph = Graph(2)
    numbers = [2.5, -0.0, float("inf"), float("nan"), 0.0]
    program = check(graph, [graph.constant(c) for c in numbers], [1.0, 2.0])
    assert bits(program.constants[:, 0]) == bits(numbers)
    assert not program.constants[:, 1].any()


def test_an_output_that_is_an_input():
    program = check(Graph(3), [2, 0], [1.0, 2.0, 3.0])
    assert program.slots == 3
    assert run(program, [1.0, 2.0, 3.0]) == [3.0, 1.0]


def test_the_same_output_twice():
    graph = Graph(1)
    node, one = graph.exp(0), graph.constant(1.0)
    program = check(graph, [node, 0, node, one, 0, one], [0.5])
    assert len(program.code) == 1 + 6


def test_an_output_that_others_need_later():
    graph = Graph(1)
    first = graph.exp(0)
    last = graph.mul(graph.sin(first), graph.cos(first))
    check(graph, [first, last, graph.sub(last, first)], [0.5])


def test_an_operation_may_write_over_its_operand():
    graph = Graph(1)
    node = 0
    for _ in range(5):
        node = graph.exp(graph.neg(node))
    program = check(graph, [node], [0.5])
    assert program.slots == 2


def test_nodes_and_inputs_that_nobody_needs_are_left_out():
    graph = Graph(4)
    graph.exp(graph.constant(7.0)), graph.sin(3)
    program = assemble(graph, [graph.mul(0, 1)], 2)
    assert len(program.constants) == 0
    assert program.slots == 3
    assert [NAMES[op][0] for op in program.code[:, 0]] == ["mul", "store"]


def test_no_inputs():
    graph = Graph(0)
    check(graph, [graph.constant(1.0)], [])


def test_a_program_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        assemble(Graph(1), [0], 1).slots = 2

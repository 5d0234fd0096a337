"""Programs: graphs made ready for the machine.

A program works on a buffer of slots, each as wide as the lanes that run it.  The first slots hold
its constants, then come its inputs, then whatever is computed; a slot is used again as soon as its
number is no longer needed, so that the buffer of a long program still fits into the cache.
"""

from dataclasses import dataclass

import numpy as np

from saddlecore.operations import CODES

__all__ = ["Program", "assemble"]


@dataclass(frozen=True, slots=True)
class Program:
    """Code that `saddlecore.evaluate` runs.

    Attributes
    ----------
    code : (k, 4) int64
        An operation's code, the slot it writes (the output's number for "store"), two operands.
    constants : (c, 2) float64
        What slots 0 … c − 1 hold, and bounds of the errors of these numbers; the inputs are in the
        slots after them.
    inputs, outputs, slots : int
        How many.
    """

    code: np.ndarray
    constants: np.ndarray
    inputs: int
    outputs: int
    slots: int

    @property
    def parts(self):
        """What `saddlecore.evaluate.evaluate` takes first."""
        return self.code, self.constants, self.slots


def assemble(graph, outputs, inputs):
    """Return the program that computes the nodes `outputs` from the first `inputs` inputs."""
    needed = _needed(graph, outputs)
    constants = [node for node in needed if graph.is_constant(node)]
    slot = {node: k for k, node in enumerate(constants)}
    slot.update((node, len(constants) + node) for node in range(inputs))
    steps = [node for node in needed if node not in slot]
    last = _last_uses(graph, steps)
    stores = {}
    for number, node in enumerate(outputs):
        stores.setdefault(node, []).append(number)
    code = [(CODES["store"], number, slot[node], 0)
            for node in slot for number in stores.get(node, ())]  # fmt: skip
    free, size = [], len(constants) + inputs
    for node in steps:
        operands = graph.operands(node)
        sources = [slot[operand] for operand in operands]
        for operand in set(operands):
            if last[operand] == node and operand >= inputs and not graph.is_constant(operand):
                free.append(slot[operand])
        if not free:
            free.append(size)
            size += 1
        slot[node] = free.pop()
        code.append((CODES[graph.nodes[node][0]], slot[node], sources[0], sources[-1]))
        code.extend((CODES["store"], number, slot[node], 0) for number in stores.get(node, ()))
        if node not in last:
            free.append(slot[node])
    return Program(
        np.array(code, np.int64).reshape(-1, 4),
        np.array([graph.nodes[node][1:] for node in constants], np.float64).reshape(-1, 2),
        inputs,
        len(outputs),
        size,
    )


def _needed(graph, outputs):
    """The nodes that the outputs depend on, in order."""
    seen, pending = set(outputs), list(outputs)
    while pending:
        for operand in graph.operands(pending.pop()):
            if operand not in seen:
                seen.add(operand)
                pending.append(operand)
    return sorted(seen)


def _last_uses(graph, steps):
    return {operand: node for node in steps for operand in graph.operands(node)}

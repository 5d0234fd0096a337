"""What bounds the figures that miss their targets: measured on a Zen 4 core at 3.66 GHz.

Cycles are per matrix on one core, the stack in the second-level cache, unless said otherwise.
"""

_CLASSIFY = {
    5: """85 cycles: 27 that do not depend on n, 11 to lay eight matrices side by side, 17 to check
symmetry and take norms, the rest the two factorisations, which wait for a chain of five divisions
and for stores to be read back.  On top come fresh pages for the results and, in larger stacks, the
memory's latency (prefetched: 46 to 30 ns on one core)""",
    10: """276 cycles: 145 for the two factorisations, 36 to lay eight matrices side by side, 55 to
check symmetry and take norms, 27 fixed.  From memory 25 ns more on one core, which is the time to
stream 800 bytes""",
    20: """1190 cycles: 640 for the two factorisations, 210 each to lay eight matrices side by side
and to check symmetry and take norms; these two are bound by the second-level cache (4.2 cycles for
each 64-byte line of eight lanes)""",
    50: """11 000 cycles: 7400 for the two factorisations, at 0.70 of the peak of one 512-bit
multiply-add per cycle, 1300 each to lay eight matrices side by side and to check symmetry and take
norms, bound by the second-level cache.  Tried without gain: 4 × 2, 6 × 3, 8 × 2 and 5 × 5 tiles,
transposing by half registers, comparing by tiles while transposing""",
}
_KERNEL = """gamma variates of small shape (rows 2 to 9) are refused more often: with the refusals
left out the kernel took 3.65 ns when with them it took 4.56.  Tried without gain: larger chunks, a
squeeze for either sign of the proposal"""
_SWEEP = """the kernel itself takes 20 ms on one thread (10 on two); Python spends about 2 ms on the
100 blocks, under its lock"""
_NESTED = """0.455 ms is the kernel's, on one thread: 0.355 for the rows, 0.1 for recording 100
dimensions.  Two blocks on two threads were no faster"""


_DIFFERENCES = {
    2: """about 280 ns of one core for eight points: 78 in the 16 evaluations (5 of them to tell
noise and mixed terms apart), 80 to enter and settle two steps, the rest spread over noise, errors
and transposes.  JAX's exact derivative needs 77 in all, less than our evaluations alone""",
    10: """about 3000 ns of one core for eight points: 1560 in the 136 evaluations of the compiled
function, 41 cycles each, 10 % to combine 45 pairs, 14 % to transpose the results, the rest in
steps and estimates of errors.  JAX's exact derivative needs about 1070: differences of a full
Hessian cannot reach it; with the pattern known there are 64 evaluations""",
}
_ONE_POINT = """10.1 when nothing runs between the calls (exact: 8.9): 3.5 are the kernel's, the
rest Python's for checking, allocating and the result"""
_EXACT_2 = """56 µs on one thread for all points, which two threads do not shorten; the medians of
both vary by more than they differ"""


_WEIGHTING = """some 5 ns a sample whatever n is: an exponential, and eight integer digits of the
weight and its square, which make the sums exact"""
_SMALL_ROWS = """gamma variates of small shape are refused more often, and those below 1 take an
exponential and a logarithm more; the rest is within the noise of these runs"""


_DASK = """two threads of one process take 6.7 s for the same; what is left are the shares of
scheduler and driver in the two cores, and the first and last tasks"""
_CHECKPOINT = """within the noise of these runs, whose range is ten times the target; a transaction
of up to 256 blocks takes some 17 ms"""


_ADAM = """a step of Adam for a register of eight numbers: four loads, three stores, 17 products and
sums, a root and a quotient take 5 ns on one core in a loop of C with nothing else (the processor's
own root and division: 7 ns), the gradient of n = 10 another 25 ns for eight starts.  At n = 2 what
surrounds two such steps is as long: a call by address, stores read back"""
_GD = """14 ns on one core for a group of eight starts, about 45 cycles: the gradient is called by
address, its stores are read back, and two products done; optax's compiler has seen the gradient and
keeps everything in registers"""
_RECORD = """writing 64 MB of fresh memory, and eight scattered stores per group and step"""


_TRAINING = """a step takes 30 µs on one thread, 15 of them whatever the size of the batch (to
choose the samples, gather them, get buffers): two thirds of a quiet run of 100 ms.  The last third
are losses and accuracies of all samples after each epoch, which scikit-learn does not compute; its
own run takes 370 to 770 ms as the machine pleases"""
_FEW_SAMPLES = """a call of a compiled kernel beside one of JAX, whose times vary threefold on this
machine: the run before gave 11.0 (8.50–12.0) × for loss and gradient, 5.56 (4.08–6.27) × for
products"""


def bound(job: str, size: str) -> str:
    """The sentence for one line of the tables."""
    if job in ("classify", "differences"):
        n = int(size.split(",")[0].removeprefix("n = "))
        text = (_CLASSIFY if job == "classify" else _DIFFERENCES).get(n, "not examined")
    elif job == "kernel":
        text = _SMALL_ROWS if "β" in size else _KERNEL
    else:
        text = {
            "study, sweep": _SWEEP,
            "study, nested sweep": _NESTED,
            "one point, differences, call": _ONE_POINT,
            "one point, exact, call": _ONE_POINT,
            "exact": _EXACT_2,
            "weighting": _WEIGHTING,
            "Dask, 2 processes": _DASK,
            "checkpoint": _CHECKPOINT,
            "`adam`": _ADAM,
            "`gd`": _GD,
            "`adam`, recording every gradient norm": _RECORD,
            "training": _TRAINING,
            "loss and gradient": _FEW_SAMPLES,
            "Hessian times v": _FEW_SAMPLES,
        }.get(job, "not examined")
    return " ".join(text.split())

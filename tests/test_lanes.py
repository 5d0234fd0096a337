"""Lanes beside plain numbers: one source at three widths gives the same bits in every lane."""

import ctypes
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numba.core.errors import NumbaError
from reference import lanes as reference

from saddlecore import lanes, memory, vecmath
from saddlecore.jit import allocating, entry
from saddlecore.laneops import (
    all_lanes,
    any_lane,
    bits_of,
    fma,
    fold,
    from_bits,
    lane,
    lane_numbers,
    lowest_bit,
    mask_bits,
    not_,
    product_32,
    raise_half,
    repeat,
    select,
    splat,
    width,
    zeros,
)
from saddlecore.memory import (
    load,
    store,
    transpose_in,
)

WIDTHS = (8, 16)
SIZE = 16
MAX_ULPS = 4.0  # glibc's promise for libmvec

SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 2.0**-1022,
           1.7976931348623157e308, -1.7976931348623157e308, 2.0**53, -0.5, 2.5]  # fmt: skip
numbers = st.sampled_from(SPECIAL) | st.floats(width=64)
words = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 1])
floats_16 = hnp.arrays(np.float64, SIZE, elements=numbers, fill=st.nothing())
words_16 = hnp.arrays(np.uint64, SIZE, elements=words, fill=st.nothing())


def at_widths(body, widths=(1, *WIDTHS)):
    """`body(like, *arrays)` compiled for every width; 1 is the scalar twin."""
    body = allocating(body)  # linked into what calls it, and not compiled by itself

    def compiled(w):
        @entry
        def run(*args):
            return body(zeros(w), *args)

        return run

    return {w: compiled(w) for w in widths}


def filled(kernels, rows, *args, dtype=np.float64):
    """What each width writes to `out`, its last argument: {width: (rows, SIZE)}."""
    found = {}
    for w, run in kernels.items():
        found[w] = np.zeros((rows, SIZE), dtype)
        run(*args, found[w])
    return found


def bits(x):
    """The bits of floats, every NaN the same: its sign and payload mean nothing."""
    return np.where(np.isnan(x), np.nan, x).view(np.uint64)


def assert_same_bits(found, expected=None):
    expected = found[1] if expected is None else np.asarray(expected)
    for w, values in found.items():
        for k, (row, truth) in enumerate(zip(values, expected, strict=True)):
            np.testing.assert_array_equal(bits(row), bits(truth), f"width {w}, row {k}")


# --- operators on float64 ------------------------------------------------------------------------


def _arithmetic(like, x, y, out):
    for i in range(0, len(x), width(like)):
        a, b = load(like, x, i), load(like, y, i)
        store(out[0], i, a + b)
        store(out[1], i, a - b)
        store(out[2], i, a * b)
        store(out[3], i, a / b)
        store(out[4], i, -a)
        store(out[5], i, +a)
        store(out[6], i, abs(a))
        store(out[7], i, math.fabs(a))
        store(out[8], i, math.sqrt(a))
        store(out[9], i, max(a, b))
        store(out[10], i, min(a, b))
        c = a
        c += b
        store(out[11], i, c)
        c = a
        c -= b
        store(out[12], i, c)
        c = a
        c *= b
        store(out[13], i, c)
        c = a
        c /= b
        store(out[14], i, c)
        store(out[15], i, from_bits(bits_of(a)))


arithmetic = at_widths(_arithmetic)


@given(floats_16, floats_16)
def test_arithmetic(x, y):
    found = filled(arithmetic, 16, x, y)
    assert_same_bits(found)
    with np.errstate(all="ignore"):
        quotient = [x + y, x - y, x * y, x / y]
        root = np.sqrt(x)
    # Python's max and min: the second only where the comparison says so (NaN, equal zeros).
    larger = [b if b > a else a for a, b in zip(x, y, strict=True)]
    smaller = [b if b < a else a for a, b in zip(x, y, strict=True)]
    assert_same_bits(
        found, [*quotient, -x, x, np.abs(x), np.abs(x), root, larger, smaller, *quotient, x]
    )


def _with_numbers(like, x, whole, single, flag, byte, out):
    for i in range(0, len(x), width(like)):
        a = load(like, x, i)
        store(out[0], i, a + whole)
        store(out[1], i, whole - a)
        store(out[2], i, single * a)
        store(out[3], i, a / single)
        store(out[4], i, a - flag)
        store(out[5], i, flag * a)
        store(out[6], i, byte + a)
        store(out[7], i, a * byte)
        store(out[8], i, 1 / a)
        store(out[9], i, 2.5 * a - 1)
        store(out[10], i, max(a, 0.0))
        store(out[11], i, min(1.0, a))
        store(out[12], i, fma(a, 2.0, single))
        store(out[13], i, splat(a, 1.0 * whole))
        a += 3
        a *= single
        store(out[14], i, a)
        store(out[15], i, select(a > whole, a, splat(a, 0.0)))


with_numbers = at_widths(_with_numbers)


@given(
    floats_16, st.integers(-(2**63), 2**63 - 1), st.floats(width=32), st.booleans(),
    st.integers(-128, 127),
)  # fmt: skip
def test_numbers_of_other_types_splat(x, whole, single, flag, byte):
    assert_same_bits(filled(with_numbers, 16, x, whole, np.float32(single), flag, np.int8(byte)))


def _unify(like, x, take, out):
    s, n = 0.0, 0
    for i in range(0, len(x), width(like)):
        a = load(like, x, i)
        s += a
        n = n + 2 * a
        b = a if take else 1.5
        store(out[0], i, b)
    return fold(0.0, s), fold(0.0, n)


unify = at_widths(_unify)


@pytest.mark.parametrize("take", [True, False])
def test_a_number_becomes_lanes(take):
    """``s = 0.0; s += lane``, an integer start, and branches of both types."""
    x = np.arange(SIZE) / 4  # sums are exact
    for run in unify.values():
        out = np.zeros((1, SIZE))
        total, double = run(x, take, out)
        assert total == x.sum()
        assert double == 2 * x.sum()
        np.testing.assert_array_equal(out[0], x if take else np.full(SIZE, 1.5))


def test_lanes_of_two_widths_do_not_mix():
    @entry
    def mixed():
        return lane(zeros(8) + zeros(16), 0)

    with pytest.raises(NumbaError):
        mixed()


# --- comparisons and masks -----------------------------------------------------------------------


def _compare(like, x, y, out, reduced):
    one, no = splat(bits_of(like), np.uint64(1)), splat(bits_of(like), np.uint64(0))
    for i in range(0, len(x), width(like)):
        a, b = load(like, x, i), load(like, y, i)
        lt, le, eq = a < b, a <= b, a == b
        store(out[0], i, select(lt, one, no))
        store(out[1], i, select(le, one, no))
        store(out[2], i, select(a > b, one, no))
        store(out[3], i, select(a >= b, one, no))
        store(out[4], i, select(eq, one, no))
        store(out[5], i, select(a != b, one, no))
        store(out[6], i, select(lt & le, one, no))
        store(out[7], i, select(lt | eq, one, no))
        store(out[8], i, select(le ^ eq, one, no))
        store(out[9], i, select(not_(le), one, no))
        m = lt
        m |= eq
        m &= not_(lt)
        m ^= le
        store(out[10], i, select(m, one, no))
        store(out[11], i, select(a < 1, one, no))
        store(out[12], i, bits_of(select(lt, a, b)))
        u, v = bits_of(a), bits_of(b)
        store(out[13], i, select(u < v, one, no))
        store(out[14], i, select(u >= v, one, no))
        store(out[15], i, select((u == v) | (u > v), one, no))
        reduced[0, i], reduced[1, i], reduced[2, i] = any_lane(le), all_lanes(le), mask_bits(le)


compare = at_widths(_compare)


@given(floats_16, floats_16)
def test_comparisons_masks_and_select(x, y):
    u, v = x.view(np.uint64), y.view(np.uint64)
    lt, le, eq = x < y, x <= y, x == y
    expected = [lt, le, x > y, x >= y, eq, x != y, lt & le, lt | eq, le ^ eq, ~le,
                ((lt | eq) & ~lt) ^ le, x < 1, np.where(lt, u, v),
                u < v, u >= v, u >= v]  # fmt: skip
    for w, run in compare.items():
        out, reduced = np.zeros((16, SIZE), np.uint64), np.zeros((3, SIZE), np.uint64)
        run(x, y, out, reduced)
        for k, row in enumerate(expected):
            np.testing.assert_array_equal(out[k], row, f"width {w}, row {k}")
        groups = le.reshape(-1, w)
        np.testing.assert_array_equal(reduced[0, ::w], groups.any(axis=1))
        np.testing.assert_array_equal(reduced[1, ::w], groups.all(axis=1))
        packed = [sum(int(held) << k for k, held in enumerate(group)) for group in groups]
        np.testing.assert_array_equal(reduced[2, ::w], packed)


# --- uint64 --------------------------------------------------------------------------------------


def _integers(like, x, y, shift, out):
    u = bits_of(like)
    for i in range(0, len(x), width(like)):
        a, b, s = load(u, x, i), load(u, y, i), load(u, shift, i)
        store(out[0], i, a + b)
        store(out[1], i, a - b)
        store(out[2], i, a * b)
        store(out[3], i, a & b)
        store(out[4], i, a | b)
        store(out[5], i, a ^ b)
        store(out[6], i, a << s)
        store(out[7], i, a >> s)
        store(out[8], i, product_32(a, b))
        store(out[9], i, raise_half(a))
        store(out[10], i, raise_half(product_32(a, b)) ^ np.uint64(5))
        c = a
        c += b
        c *= a
        c -= b
        store(out[11], i, c)
        c = a
        c <<= np.uint64(7)
        c >>= np.uint64(3)
        store(out[12], i, c)
        c = a
        c ^= b
        c |= s
        c &= a
        store(out[13], i, c)
        store(out[14], i, bits_of(from_bits(a)))
        store(out[15], i, lane_numbers(like))


integers = at_widths(_integers)


@given(
    words_16, words_16, hnp.arrays(np.uint64, SIZE, elements=st.integers(0, 63), fill=st.nothing())
)
def test_words(x, y, shift):
    """Against Python's integers, modulo 2**64: carries and halves come out right."""
    found = filled(integers, 16, x, y, shift, dtype=np.uint64)
    low = 2**32 - 1
    for w, out in found.items():
        for i in range(SIZE):
            a, b, s = int(x[i]), int(y[i]), int(shift[i])
            product = (a & low) * (b & low)
            expected = [
                a + b, a - b, a * b, a & b, a | b, a ^ b, a << s, a >> s, product, a << 32,
                (product << 32) ^ 5, (a + b) * a - b, (a << 7) % 2**64 >> 3,
                ((a ^ b) | s) & a, a, i % w,
            ]  # fmt: skip
            assert out[:, i].tolist() == [value % 2**64 for value in expected], (w, i)


@entry
def _lowest_bit(x):
    return lowest_bit(x)


@given(words.filter(bool))
def test_lowest_bit(word):
    assert _lowest_bit(np.uint64(word)) == (word & -word).bit_length() - 1


# --- rounding ------------------------------------------------------------------------------------


def _fma(like, x, y, z, out):
    for i in range(0, len(x), width(like)):
        a, b, c = load(like, x, i), load(like, y, i), load(like, z, i)
        store(out[0], i, fma(a, b, c))
        store(out[1], i, fma(a, b, -(a * b)))  # the rounding of the product
        store(out[2], i, a * b + c)  # must not be contracted


fused = at_widths(_fma)


@given(floats_16, floats_16, floats_16)
def test_fma_rounds_once_and_only_where_it_is_written(x, y, z):
    with np.errstate(all="ignore"):
        product = x * y
        twice = product + z
    once = [reference.fma(*map(float, row)) for row in zip(x, y, z, strict=True)]
    rest = [reference.fma(*map(float, row)) for row in zip(x, y, -product, strict=True)]
    assert_same_bits(filled(fused, 3, x, y, z), [once, rest, twice])


def _floor(like, x, out):
    for i in range(0, len(x), width(like)):
        store(out[0], i, 1.0 * math.floor(load(like, x, i)))


floors = at_widths(_floor)


@given(floats_16)
def test_floor(x):
    found = filled(floors, 1, x)
    # Numba's scalar floor is an int64, which has no −0, inf or 2⁶³; lanes stay float64.
    scalar = found.pop(1)[0]
    assert_same_bits(found, [np.floor(x)])
    fits = np.abs(x) < 2.0**63
    np.testing.assert_array_equal(scalar[fits], np.floor(x)[fits])


# --- math functions ------------------------------------------------------------------------------

FUNCTIONS = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan",
             "expm1", "log1p", "exp2", "log2", "log10", "erf")  # fmt: skip


def _functions(like, x, out):
    for i in range(0, len(x), width(like)):
        a = load(like, x, i)
        store(out[0], i, math.exp(a))
        store(out[1], i, math.log(a))
        store(out[2], i, math.sin(a))
        store(out[3], i, math.cos(a))
        store(out[4], i, math.tan(a))
        store(out[5], i, math.sinh(a))
        store(out[6], i, math.cosh(a))
        store(out[7], i, math.tanh(a))
        store(out[8], i, math.asin(a))
        store(out[9], i, math.acos(a))
        store(out[10], i, math.atan(a))
        store(out[11], i, math.expm1(a))
        store(out[12], i, math.log1p(a))
        store(out[13], i, math.exp2(a))
        store(out[14], i, math.log2(a))
        store(out[15], i, math.log10(a))
        store(out[16], i, math.erf(a))


functions = at_widths(_functions)


def all_functions(w, x):
    """{name: values} at width w, for a multiple of 16 points."""
    out = np.zeros((len(FUNCTIONS), len(x)))
    functions[w](x, out)
    return dict(zip(FUNCTIONS, out, strict=True))


def test_every_vector_function_is_listed():
    assert sorted(FUNCTIONS) == sorted(vecmath.FUNCTIONS)


def spread(rng, size):
    """Points of every magnitude, dense where the functions bend."""
    return np.concatenate([
        rng.uniform(-1.1, 1.1, size), rng.normal(0.0, 5.0, size), rng.uniform(-800, 800, size),
        rng.choice([-1, 1], size) * 10.0 ** rng.uniform(-300, 300, size),
        1.0 + rng.choice([-1, 1], size) * 10.0 ** rng.uniform(-16, -1, size),
    ])  # fmt: skip


@pytest.mark.parametrize("w", [1, *WIDTHS])
def test_functions_are_within_4_ulp(w, record_property):
    x = spread(np.random.default_rng(w), 160)
    worst = {}
    for name, values in all_functions(w, x).items():
        pairs = zip(x.tolist(), values.tolist(), strict=True)
        errors = [(reference.ulps(name, a, b), a, b) for a, b in pairs]
        assert all(math.isnan(b) for ulps, _, b in errors if ulps is None), name
        worst[name] = max(error for error in errors if error[0] is not None)
    assert max(worst.values())[0] <= MAX_ULPS, worst
    record_property(f"worst ulp at width {w}", round(max(worst.values())[0], 2))


@given(floats_16)
def test_functions_of_special_values(x):
    """NaN, infinities, zeros with their sign, poles and overflow are those of the scalars."""
    scalar = all_functions(1, x)
    for w in WIDTHS:
        for name, values in all_functions(w, x).items():
            truth = scalar[name]
            np.testing.assert_array_equal(np.isnan(values), np.isnan(truth), name)
            for a, b, c in zip(x, values, truth, strict=True):
                if not np.isfinite(c) or c == 0:
                    assert bits(b) == bits(c) or reference.ulps(name, a, b) <= MAX_ULPS, (name, a)


# --- memory --------------------------------------------------------------------------------------


def _copy(like, x, at, out, to):
    store(out, to, load(like, x, at))


copies = at_widths(_copy)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 7))
def test_load_and_store_at_any_offset(at, to, start):
    """At every alignment of eight bytes, and nothing beside is touched."""
    x = np.arange(64.0)[start:]
    for w, run in copies.items():
        out = np.full(64, -1.0)
        run(x, at, out[start:], to)
        expected = np.full(64, -1.0)
        expected[start + to : start + to + w] = x[at : at + w]
        np.testing.assert_array_equal(out, expected)


@entry
def _transpose(x, starts, at, out):
    transpose_in(x, starts, at, out)


@given(hnp.arrays(np.int64, 8, elements=st.integers(0, 300), fill=st.nothing()), st.integers(0, 50))
def test_transpose_in(starts, at):
    x = np.random.default_rng(0).standard_normal(400)
    out = np.full((80, 8), np.nan)
    _transpose(x, starts, at, out.reshape(-1))
    for j in range(8):
        np.testing.assert_array_equal(out[at + j], x[starts + at + j])
    assert np.isnan(np.delete(out, np.s_[at : at + 8], axis=0)).all()


@entry
def _repeat(x, out):
    a = load(zeros(8), x, 0)
    store(out[0], 0, repeat(zeros(16), a))
    store(out[1], 0, repeat(zeros(8), a))
    return fold(0.0, a), lane(fold(a, a), 3), lane(a, 5), repeat(0.0, 2.5), fold(0.0, 2.5)


@given(hnp.arrays(np.float64, 8, elements=st.floats(-1e300, 1e300), fill=st.nothing()))
def test_repeat_fold_and_lane(x):
    out = np.zeros((2, 16))
    total, fourth, sixth, *plain = _repeat(x, out)
    np.testing.assert_array_equal(out[0], np.tile(x, 2))
    np.testing.assert_array_equal(out[1], [*x, *[0.0] * 8])
    pairs = [x[i] + x[i + 1] for i in range(0, 8, 2)]
    assert total == (pairs[0] + pairs[1]) + (pairs[2] + pairs[3])
    assert (fourth, sixth, *plain) == (x[3], x[5], 2.5, 2.5)


def _through_memory(like, x, k, out):
    """A list keeps its items in memory, where lanes are arrays and masks bytes."""
    a = load(like, x, 0)
    values, words_, masks = [a, -a], [bits_of(a), lane_numbers(a)], [a > 0.0, a <= 0.0]
    store(out[0], 0, values[k])
    store(out[1], 0, from_bits(words_[k]))
    return mask_bits(masks[k])


through_memory = at_widths(_through_memory)


@pytest.mark.parametrize("k", [0, 1])
def test_lanes_survive_memory(k):
    x = np.random.default_rng(2).standard_normal(SIZE)
    for w, run in through_memory.items():
        out = np.zeros((2, SIZE))
        masks = int(run(x, k, out))
        held = x[:w] > 0 if k == 0 else x[:w] <= 0
        np.testing.assert_array_equal(out[0, :w], -x[:w] if k else x[:w])
        np.testing.assert_array_equal(bits(out[1, :w]), np.arange(w) if k else bits(x[:w]))
        assert masks == sum(int(h) << i for i, h in enumerate(held))


def test_widths_and_alignment():
    @entry
    def widths():
        return width(zeros(1)), width(zeros(8)), width(bits_of(zeros(16))), width(2.5)

    @entry
    def blocks(n):
        return memory.aligned(n), memory.aligned_words(n)

    assert widths() == (1, 8, 16, 1)
    assert lanes.native_width() in (2, 4, 8)
    for n in (1, 7, 64):
        for block in blocks(n):
            assert block.shape == (n,)
            assert block.ctypes.data % ctypes.sizeof(ctypes.c_double * 8) == 0

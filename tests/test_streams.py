"""Random streams: known answers, sample by sample beside the reference, and in distribution."""

import numpy as np
import pytest
from laws import assert_follows
from numba import njit
from reference import streams as reference
from scipy import stats

from saddlecore import philox, streams

EPS = np.finfo(float).eps
KEY = 0x9E3779B97F4A7C15
ALPHAS = [k / 2 for k in (1, 2, 3, 5, 10, 100, 1000)]

# Random123's published vectors for philox4x32-10 (its tests/kat_vectors): counter, key, output.
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@njit
def drawn_words(*counter_and_key):
    return philox.philox4x32(*counter_and_key)


@njit
def constants_of(alpha):
    return streams.gamma_constants(alpha)


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS)
def test_philox_known_answers(counter, key, words):
    assert reference.philox4x32(counter, key) == words
    found = drawn_words(*(np.uint64(value) for value in (*counter, *key)))
    assert tuple(int(word) for word in found) == words


# --- sample by sample ---------------------------------------------------------------------------


def drawn(first, row, count, alpha=0.5, key=KEY, fill=streams.fill_streams):
    """(uniforms, normal pairs, gammas) of samples first, first + 1, … at a row."""
    out = np.full(count, np.nan), np.full((count, 2), np.nan), np.full(count, np.nan)
    fill(np.uint64(key), first, row, alpha, *out)
    return out


def uniform(*args, **kwargs):
    return drawn(*args, **kwargs)[0]


def normal(*args, **kwargs):
    return drawn(*args, **kwargs)[1]


def gamma(*args, **kwargs):
    return drawn(*args, **kwargs)[2]


def normal_rounding(pair):
    """r cos θ: half the 2 ulp of the logarithm, a root, a polynomial and a product, of r each."""
    return 3 * EPS * np.hypot(*np.transpose(pair))


def gamma_rounding(value, alpha):
    """d (1 + cx)³ with x off by the rounding of a normal of radius < 9."""
    if alpha == 0.5:
        return 2 * np.sqrt(value / 2) * 3 * EPS * 9 + 4 * EPS * value
    d = alpha - 1 / 3
    c = 1 / np.sqrt(9 * d)
    return value * (3 * c / np.cbrt(value / d) * 3 * EPS * 9 + 8 * EPS)


PLACES = [(0, 0), (3, 1), (2**32 - 5, 7), (2**40 + 1, 100_000)]


@pytest.mark.parametrize(("first", "row"), PLACES)
@pytest.mark.parametrize("key", [0, 1, KEY, 2**64 - 1])
def test_uniforms_and_normals_equal_the_reference(first, row, key):
    samples = range(first, first + 50)
    expected = [float(reference.uniform(key, i, row)) for i in samples]
    np.testing.assert_array_equal(uniform(first, row, 50, key=key), expected)
    pairs = np.array([reference.normal(key, i, row) for i in samples], dtype=float)
    error = np.abs(normal(first, row, 50, key=key) - pairs)
    assert np.all(error <= normal_rounding(pairs)[:, None])


@pytest.mark.parametrize("alpha", [*ALPHAS, 1.25, 7.75, 50_000.0])
def test_gammas_equal_the_reference(alpha):
    for first, row in PLACES:
        expected = [float(reference.gamma(KEY, first + i, row, alpha)) for i in range(200)]
        error = np.abs(gamma(first, row, 200, alpha) - expected)
        assert np.all(error <= gamma_rounding(np.array(expected), alpha))


@pytest.mark.parametrize("first", [0, 5, 2**32 - 3])
def test_lanes_equal_their_scalar_twin(first):
    for count in (0, 1, 7, 8, 9, 1000):
        for alpha in ALPHAS:
            lanes = drawn(first, 2, count, alpha)
            scalar = drawn(first, 2, count, alpha, fill=streams.fill_streams_scalar)
            for one, two in zip(lanes, scalar, strict=True):
                np.testing.assert_array_equal(one.view(np.int64), two.view(np.int64))


def test_a_sample_does_not_depend_on_where_its_block_starts():
    for alpha in (0.5, 1.0, 2.5):
        whole = gamma(0, 3, 500, alpha)
        for first in (1, 5, 8, 499):
            np.testing.assert_array_equal(gamma(first, 3, 500 - first, alpha), whole[first:])


def test_the_squeeze_accepts_only_what_the_exact_test_accepts():
    """V < 1 − σx⁴ implies ln V < h(x): 1 − σx⁴ ≤ exp h(x) wherever 1 + cx > 0 (up to rounding)."""
    x = np.linspace(-40, 40, 400_001)
    for alpha in [1, 1.25, *np.arange(1.5, 40, 0.5), 100.0, 1e3, 1e4, 1e5, 5e5]:
        d, *_, sigma = constants_of(float(alpha))
        assert d == alpha - 1 / 3
        c = 1 / np.sqrt(9 * d)
        inside = x[1 + c * x > 0]
        # d (1 − v + ln v) with v = (1 + y)³, y = cx, in a form that does not cancel for small y
        y = c * inside
        h = inside**2 / 2 + d * (3 * np.log1p(y) - 3 * y - 3 * y**2 - y**3)
        rounding = 4 * EPS * (1 + inside**2 + d * np.abs(y))
        assert np.all(1 - sigma * inside**4 <= np.exp(np.minimum(h + rounding, 0.0)))


# --- the logarithm ------------------------------------------------------------------------------


def adversarial_points():
    """Around 1, around √2 and its halves, at powers of two, and the ends of the uniforms."""
    rng = np.random.default_rng(0)
    steps = np.arange(-40, 41)
    corners = [1.0, np.sqrt(2), np.sqrt(0.5), 0.5, 0.75, 1.5, 2.0, 2 / 3, 4 / 3]
    near = [corner + steps * np.spacing(corner) for corner in corners]
    close = [1 + sign * 2.0 ** -np.arange(1, 53) for sign in (-1, 1)]
    powers = np.ldexp(1.0, np.arange(-1022, 1024))
    uniforms = np.concatenate(
        [[2.0**-53, 1 - 2.0**-53], rng.random(5000), rng.uniform(0.5, 1.6, 20_000)]
    )
    mantissas = np.ldexp(rng.uniform(1, 2, 5000), rng.integers(-1022, 1023, 5000))
    tables = 1 + np.arange(1, 256) / 256
    sides = [np.nextafter(tables, 0), tables, np.nextafter(tables, 4), tables / 2]
    return np.concatenate([*near, *close, powers, uniforms, mantissas, *sides])


def test_log_within_two_ulp(record_property):
    x = adversarial_points()
    out = np.full(x.shape, np.nan)
    streams.log_array(x, out)
    exact = [reference.log(reference.mpf(value)) for value in x]
    error = np.array([float(abs(e - reference.mpf(o))) for e, o in zip(exact, out, strict=True)])
    ulp = error / np.spacing(np.abs(np.array(exact, dtype=float)))
    record_property("ulp", f"{ulp.max():.3f}")
    assert ulp.max() <= 2


# --- in distribution ----------------------------------------------------------------------------


def test_uniforms_follow_their_law():
    assert_follows(uniform(0, 0, 2_000_000), stats.uniform())


@pytest.mark.parametrize("which", [0, 1])
def test_normals_follow_their_law(which):
    assert_follows(normal(0, 4, 10_000_000)[:, which], stats.norm())


@pytest.mark.parametrize("alpha", ALPHAS)
def test_gammas_follow_their_law(alpha):
    assert_follows(gamma(10**9, int(2 * alpha), 2_000_000, alpha), stats.gamma(alpha))


def test_the_test_of_laws_can_fail():
    """A normal cut at 4.5, one off by 0.2 %, and a gamma of the wrong shape are noticed."""
    rng = np.random.default_rng(3)
    z = rng.standard_normal(10_000_000)
    for sample, law in [
        (z[np.abs(z) < 4.5], stats.norm()),
        (z * 1.002, stats.norm()),
        (rng.standard_gamma(2.51, 2_000_000), stats.gamma(2.5)),
    ]:
        with pytest.raises(AssertionError):
            assert_follows(sample, law)


def test_neighbours_are_independent():
    """Pairs, samples, rows, keys and a row's gamma: no correlation, to z < 4."""
    count = 1_000_000
    z = normal(0, 5, count)
    others = {
        "pair": z[:, 1],
        "next sample": np.roll(z[:, 0], 1),
        "next row": normal(0, 6, count)[:, 0],
        "next key": normal(0, 5, count, key=KEY + 1)[:, 0],
        "key of the other half": normal(0, 5, count, key=KEY + 2**32)[:, 0],
        "gamma of the row": gamma(0, 5, count, 2.5),
        "far sample": normal(2**32, 5, count)[:, 0],
    }
    for name, other in others.items():
        for f in (lambda x: x, np.square, np.abs):
            r = np.corrcoef(f(z[:, 0]), f(other))[0, 1]
            assert abs(r) * np.sqrt(count) < 4, name

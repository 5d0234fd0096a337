"""Exact index laws: tables, mpmath, samples, and what must hold for every law."""

import functools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import LIKELY, chi_square
from matplotlib.figure import Figure
from numba import njit
from reference import ensembles as dense
from reference import index_laws as reference

import saddlelab
from saddlecore import sturm_density
from saddlecore.laneops import zeros
from saddlecore.memory import load, store
from saddlelab import index_law, index_laws, log_minimum_probability, prevalence
from saddlelab.ensembles import get_ensemble
from saddlelab.law_plot import plot_law
from saddlelab.laws._bulk import bulk_law
from saddlelab.laws._chain import chain_laws, transition

DATA = Path(__file__).parent / "data"
GOE = json.loads((DATA / "goe_index.json").read_text())
OTHERS = json.loads((DATA / "gaussian_index.json").read_text())
MANTISSAS = json.loads((DATA / "index_mantissas.json").read_text())
BETAS = {"goe": 1.0, "gue": 2.0, "gse": 4.0}
EPS = np.finfo(float).eps


def bound(logs):
    """Relative error promised, plus the rounding of a logarithm of that size."""
    return 1e-11 + 4 * EPS * np.abs(logs)


def log_of(text):
    """ln of a decimal number, not through its value: it may be below the range."""
    mantissa, _, exponent = text.partition("e")
    return math.log(float(mantissa)) + int(exponent or 0) * math.log(10)


# --- tables and mpmath ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n", "table"),
    [("goe", n, table) for n, table in GOE["probability"].items()]
    + [(name, n, table) for name in ("gue", "gse") for n, table in OTHERS[name].items()],
)
def test_tables(name, n, table, record_property):
    logs = index_law(name, int(n)).log_probabilities
    expected = np.array([log_of(p) for p in table])
    error = np.abs(logs - expected)
    record_property("error", f"{error.max():.1e}")
    assert np.all(error < bound(logs))


@pytest.mark.parametrize("name", BETAS)
def test_every_digit_of_the_last_tail(name, record_property):
    """The mantissas, down to 1e-1260: ten digits and more."""
    table = MANTISSAS[name]
    logs = index_law(name, table["n"]).log_probabilities
    decades = logs / math.log(10) - np.log10(np.array(table["mantissa"], float))
    error = np.abs(decades - np.round(decades)) * math.log(10)
    record_property("error", f"{error.max():.1e}")
    assert np.all(error < bound(logs))
    assert np.all(np.diff(np.diff(logs)) < 0)  # log-concave: no power of ten is wrong


@pytest.mark.parametrize("case", OTHERS["goe_shifted"], ids=lambda c: f"n={c['n']},c={c['c']}")
def test_shifted_tables(case):
    logs = index_law("goe", case["n"], shift=case["c"] / math.sqrt(2)).log_probabilities
    expected = np.array([log_of(p) for p in case["p"]])
    assert np.all(np.abs(logs - expected) < bound(logs))


@pytest.mark.parametrize(
    ("name", "n", "shift", "digits"),
    [("goe", 2, 0.3, 30), ("goe", 4, -0.7, 40), ("gue", 1, 0.9, 40), ("gue", 8, 0.3, 80),
     ("gue", 7, -1.2, 200), ("gse", 3, 0.1, 80), ("gse", 6, -0.5, 150)],
)  # fmt: skip
def test_mpmath(name, n, shift, digits):
    s = shift * math.sqrt(2 * BETAS[name] * n)
    expected = np.array([float(p) for p in getattr(reference, name)(n, s, digits)])
    logs = index_law(name, n, shift=shift).log_probabilities
    assert np.all(np.abs(logs - expected) < bound(expected))


@pytest.mark.parametrize(("n", "shift"), [(20, 1.0), (16, 2.0), (24, 0.3)])
def test_shifted_tails_beside_determinants(n, shift):
    """Where a density falls by many powers of ten over the head."""
    s = shift * math.sqrt(4 * n)
    expected = np.array([float(p) for p in reference.gue(n, s, 1800)])
    logs = index_law("gue", n, shift=shift).log_probabilities
    # s itself is rounded, and the ends know it to 1e-16 of their logarithm.
    assert np.all(np.abs(logs - expected) < bound(expected))


@pytest.mark.parametrize("beta", [0.1, 0.5, 1.3, 3.0, 7.5, 100.0])
@pytest.mark.parametrize("shift", [-0.7, 0.0, 0.2])
def test_two_eigenvalues_of_any_beta(beta, shift):
    """The joint density by quad, which was asked for 1e-10."""
    expected = dense.pair_law_hermite(beta, shift * math.sqrt(4 * beta))
    found = index_law("beta", 2, beta=beta, shift=shift).probabilities
    np.testing.assert_allclose(found, expected, atol=2e-9)


@pytest.mark.parametrize("alpha", [0.05, 0.5, 1.0, 2.0, 7.9, 8.0, 50.0, 400.0])
def test_the_transition_density_integrates_to_one(alpha):
    """Trapezoidal in y over the whole line."""
    for d in (0.3, 1.0, 4.0):
        d = d * math.sqrt(alpha)
        spread = math.sqrt(1 + alpha / d**2)
        y = np.linspace(-alpha / d - 14 * spread - 60 / d, 14, 80_000)
        found = densities(alpha, np.full(y.size, d), y)
        assert abs(np.sum(found) * (y[1] - y[0]) - 1) < 1e-11


@njit
def _densities(alpha, kappa, series, d, y, out):
    z = zeros(8)
    for i in range(0, len(d), 8):
        value, square = sturm_density.exponent(z, alpha, kappa, load(z, d, i), load(z, y, i))
        store(out, i, sturm_density.density(z, kappa, series, value, square))


def densities(alpha, d, y):
    out = np.empty(d.size)
    _densities(*transition(alpha), d, y, out)
    return out


# --- samples --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("beta", "shift"), [(1.0, 0.0), (1.0, 0.3), (2.0, -0.6), (0.5, 0.1), (3.3, 1.0), (0.05, 0.2)]
)
def test_samples_at_thirty(beta, shift):
    study = prevalence("beta", 30, beta=beta, shift=shift, samples=2_000_000, rng=5)
    assert chi_square(study.counts(30), study.exact_laws()[30].probabilities) > LIKELY


def test_a_wrong_law_is_rejected():
    study = prevalence("goe", 30, shift=0.3, samples=2_000_000, rng=5)
    law = index_law("goe", 30, shift=0.302)
    assert chi_square(study.counts(30), law.probabilities) < LIKELY


# --- what holds for every law ---------------------------------------------------------------------


@settings(max_examples=20)
@given(n=st.integers(1, 40), beta=st.floats(0.05, 20), shift=st.floats(-1.5, 1.5))
def test_sums_mirrors_and_log_concavity(n, beta, shift):
    law = index_law("beta", n, beta=beta, shift=shift)
    assert abs(law.probabilities.sum() - 1) < 1e-12
    assert law.log_probabilities.shape == (n + 1,)
    mirrored = index_law("beta", n, beta=beta, shift=-shift).log_probabilities[::-1]
    assert np.all(np.abs(law.log_probabilities - mirrored) < bound(mirrored))


@pytest.mark.parametrize(("name", "n"), [("goe", 200), ("gue", 200), ("gse", 150), ("goe", 101)])
def test_large_laws(name, n):
    law = index_law(name, n)
    assert abs(law.probabilities.sum() - 1) < 1e-12
    assert np.all(np.abs(law.log_probabilities - law.log_probabilities[::-1]) < 1e-11)
    assert abs(law.mean - n / 2) < 1e-10 * n


@pytest.mark.parametrize("n", GOE["variance"])
def test_variance(n):
    assert abs(index_law("goe", int(n)).variance - float(GOE["variance"][n])) < 1e-11


@pytest.mark.parametrize("n", OTHERS["gue_variance"])
def test_gue_variance(n):
    assert abs(index_law("gue", int(n)).variance - float(OTHERS["gue_variance"][n])) < 1e-11


def test_one_sweep_is_every_dimension():
    laws = index_laws("goe", [3, 7, 20])
    assert list(laws) == [3, 7, 20]
    for n, law in laws.items():
        alone = index_law("goe", n).log_probabilities
        assert np.all(np.abs(law.log_probabilities - alone) < bound(alone))


@pytest.mark.parametrize("beta", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("n", [1, 2, 3, 8, 9, 50, 51, 100])
def test_the_bulk_is_the_chain(beta, n):
    chain = np.exp(dict(chain_laws(beta, 0.0, [n]))[n])
    assert np.max(np.abs(bulk_law(beta, n) - chain)) < 1e-13


def test_gue_is_every_second_eigenvalue_of_two_goes():
    """Forrester & Rains 2001: of GOE_n ∪ GOE_{n+1}, sorted, those of even rank are GUE_n."""
    for n in (4, 13):
        both = np.convolve(*(index_law("goe", m).probabilities for m in (n, n + 1)))
        both = np.append(both, 0.0)
        gue = both[::2][: n + 1] + both[1::2][: n + 1]
        np.testing.assert_allclose(gue, index_law("gue", n).probabilities, atol=1e-13)


large = functools.cache(index_law)


@pytest.mark.parametrize("name", BETAS)
@pytest.mark.parametrize("n", [1000, 2000])
def test_the_bulk_of_large_dimensions(name, n):
    law = large(name, n)
    assert law.method == "bulk"
    assert abs(law.probabilities.sum() - 1) < law.accuracy
    known = np.isfinite(law.log_probabilities)
    assert known[[0, n // 2, n]].all()
    assert np.all(law.probabilities[known][1:-1] > 1e-6)
    if name == "goe":  # ln n/π² + (1 + γ + 3 ln 2 − π²/8)/π² − 1/(2π²n) + …
        expected = math.log(n) / math.pi**2 + 0.2454968363451 - 1 / (2 * math.pi**2 * n)
        assert abs(law.variance - expected) < 10 / n**2
    else:  # even and odd n deviate by O(ln n/n)
        expected = {"gue": 1.0, "gse": 0.5}[name] * math.log(2) / (2 * math.pi**2)
        found = large(name, 2000).variance - large(name, 1000).variance
        assert abs(found - expected) < 0.01


@pytest.mark.parametrize(("beta", "n"), [(1.0, 250), (2.0, 250), (4.0, 250), (0.5, 230)])
def test_log_minimum_continues_the_chain(beta, n):
    expected = dict(chain_laws(beta, 0.0, [n]))[n][0]
    found = log_minimum_probability("beta", n, beta=beta)
    assert abs(found - expected) < 1e-12 * abs(expected)
    assert log_minimum_probability("beta", 60, beta=beta) == pytest.approx(
        index_law("beta", 60, beta=beta).log_probabilities[0], rel=1e-13
    )


def test_dean_and_majumdar():
    for beta in (1.0, 2.0, 4.0):
        n = 10**7
        leading = -beta * math.log(3) / 4 * n * n
        assert abs(log_minimum_probability("beta", n, beta=beta) / leading - 1) < 2 / n


# --- weights, and the field -----------------------------------------------------------------------


def test_determinant_weights():
    """Beside the samples of dense matrices."""
    rng, n, s = np.random.default_rng(0), 3, 0.25 * math.sqrt(6)
    values = np.linalg.eigvalsh(dense.gaussian(rng, 1, n, 1_000_000)) - s
    weight, index = np.abs(values.prod(axis=1)), (values < 0).sum(axis=1)
    law = index_law("goe", n, shift=0.25, weight="determinant")
    for k in range(n + 1):
        p = law.probabilities[k]
        error = np.sqrt(np.mean(weight**2 * ((index == k) - p) ** 2) / len(weight)) / weight.mean()
        assert abs(np.sum(weight[index == k]) / weight.sum() - p) < 4 * error


def test_the_field():
    known = {
        1: [0.5, 0.5],
        2: [0.25, 0.5, 0.25],
        3: [(29 - 6 * math.sqrt(6)) / 116, 0.376697745],
        4: [0.05988577803, 0.25, 0.380228444],
        5: [0.02867114364, 0.153695277, 0.317633579],
        6: [0.01355240674, 0.0896262248, 0.236447593, 0.32074755],
    }
    for n, expected in known.items():
        found = index_law("gaussian-field", n).probabilities[: len(expected)]
        digits = 1e-11 if n < 3 else 2e-9  # as the table was printed
        assert np.all(np.abs(found - expected) < digits)


def test_the_signs_of_the_field_add_up_to_nothing():
    for n in (7, 12):
        p = index_law("gaussian-field", n).probabilities
        assert abs(np.sum(p * (-1.0) ** np.arange(n + 1))) < 1e-12


# --- the face -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n", "more", "error", "message"),
    [
        ("goe", 0, {}, ValueError, "`n` must be a positive integer, got 0"),
        ("goe", 2.5, {}, ValueError, "`n` must be a positive integer, got 2.5"),
        ("goe", 2001, {}, ValueError, "`n` must be at most 2000 .*, got 2001; see log_minimum_"),
        ("goe", 501, {"shift": 0.1}, ValueError, "`n` must be at most 500 .*, got 501"),
        ("beta", 501, {"beta": 3}, ValueError, "`n` must be at most 500 .*, got 501"),
        ("goe", 501, {"weight": "determinant"}, ValueError, "`n` must be at most 500"),
        ("beta", 200, {"beta": 100}, ValueError, "`beta` times n must be at most 10000"),
        ("goe", 3, {"weight": "det"}, ValueError, "`weight` must be None or 'determinant'"),
        ("goe", 3, {"beta": 2}, TypeError, "`beta` is not a parameter of the ensemble 'goe'"),
        ("goe", 3, {"shift": np.nan}, ValueError, "`shift` must be a finite number, got nan"),
        ("wishart", 3, {}, ValueError, "`ensemble` must have a known exact law .* 'wishart'"),
        ("go", 3, {}, ValueError, "`ensemble` must be one of beta, .*gaussian-field, .*got 'go'"),
        (3, 3, {}, TypeError, "`ensemble` must be a name, an Ensemble or a sampler, got 3"),
        ("gaussian-field", 51, {}, ValueError, "`n` must be at most 50 for 'gaussian-field'"),
        ("gaussian-field", 3, {"shift": 1.0}, ValueError, "`shift` is not a parameter"),
        ("gaussian-field", 3, {"weight": "determinant"}, ValueError, "`weight` must be None"),
    ],
)
def test_what_is_refused(name, n, more, error, message):
    with pytest.raises(error, match=message):
        index_law(name, n, **more)


def test_log_minimum_has_no_shift():
    with pytest.raises(ValueError, match=r"`shift` must be 0, got 0\.5"):
        log_minimum_probability(get_ensemble("goe", shift=0.5), 10)


def test_an_instance_and_its_parameters():
    law = index_law(get_ensemble("beta", beta=2.5, shift=0.1), 5)
    same = index_law("beta", 5, beta=2.5, shift=0.1)
    np.testing.assert_array_equal(law.probabilities, same.probabilities)
    assert law.parameters == {"beta": 2.5, "shift": 0.1}
    assert (law.ensemble, law.n, law.method, law.weight) == ("beta", 5, "chain", None)
    assert saddlelab.IndexLaw is type(law)


def test_fractions_by_kind():
    law = index_law("goe", 6)
    p = law.probabilities
    assert law.log_fraction("minimum") == law.log_probabilities[0]
    assert law.log_fraction("maximum") == law.log_probabilities[6]
    assert math.exp(law.log_fraction("saddle")) == pytest.approx(p[1:6].sum())
    assert index_law("goe", 1).log_fraction("saddle") == -math.inf
    with pytest.raises(ValueError, match="`kind` must be"):
        law.log_fraction("valley")


# --- pictures -------------------------------------------------------------------------------------


def test_the_law_is_drawn_in_decades():
    law = index_law("goe", 50)
    ax = law.plot(ax=Figure().add_subplot())
    x, y = ax.lines[0].get_data()
    np.testing.assert_array_equal(x, np.arange(51))
    np.testing.assert_allclose(y * math.log(10), law.log_probabilities)
    assert plot_law(law, ax=Figure().add_subplot(), color="red").lines[0].get_color() == "red"


@pytest.mark.parametrize("dims", [[1, 2, 5], range(1, 12)])
def test_exact_laws_are_drawn_beside_the_counts(dims):
    study = prevalence("goe", dims, samples=1000, rng=0)
    laws = study.exact_laws()
    ax = study.plot(Figure().add_subplot(), laws=laws)
    exact = {line.get_label(): line for line in ax.lines if "exact" in line.get_label()}
    minima = exact["_exact minimum"].get_ydata()
    np.testing.assert_allclose(minima, [laws[n].probabilities[0] for n in study.dims.tolist()])
    assert all(line.get_linestyle() == "None" for line in ax.lines if line.get_gid())
    figure = saddlelab.plots.prevalence_figure(study, figure=Figure(), laws=laws)
    labels = [line.get_label() for line in figure.axes[1].lines]
    assert ("exact" in labels) == (len(dims) <= 5)


def test_a_map_shows_where_the_exact_law_passes_powers_of_ten():
    study = prevalence("goe", range(1, 12), samples=20_000, rng=0)
    laws = study.exact_laws()
    del laws[4]  # what is not known leaves a gap
    ax = saddlelab.plots.plot_index_law(study, ax=Figure().add_subplot(), laws=laws)
    stairs = {patch.get_label(): patch for patch in ax.patches}
    assert list(stairs) == ["exact: 1e-2, 1e-4", "_exact 0.01", "_exact 0.0001"]
    heights = [patch.get_data().values for patch in ax.patches]
    for (low, high), level in zip((heights[:2], heights[2:]), (1e-2, 1e-4), strict=True):
        for j, n in enumerate(study.dims.tolist()):
            if n == 4:
                assert np.isnan([low[j], high[j]]).all()
                continue
            p = laws[n].probabilities
            first, stop = round(low[j] * (n + 1)), round(high[j] * (n + 1))
            assert (p[first:stop] >= level).all()
            assert (p[:first] < level).all()
            assert (p[stop:] < level).all()


def test_pictures_from_the_command_line(tmp_path):
    from saddlelab.cli import main

    args = ["prevalence", "gue", "--dims", "1:4", "--samples", "1000", "--seed", "0"]
    for name in ("a.png", "b.png"):
        exact = ["--exact"] if name == "b.png" else []
        assert main([*args, "--plot", str(tmp_path / name), *exact]) == 0
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()

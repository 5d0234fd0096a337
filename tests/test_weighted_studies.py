"""Studies of random landscapes: errors of weighted fractions, numbers of points, the same bits."""

import csv
import json
import math
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from laws import LIKELY, weighted_chi_square
from matplotlib.figure import Figure
from reference import ensembles as dense
from scipy import integrate, special, stats
from test_weighted import FIELD, field_law

import saddlelab
from saddlelab.cli import main
from saddlelab.ensembles import UnknownParameterError, get_ensemble, names
from saddlelab.ensembles._kac_rice import KacRice
from saddlelab.laws import index_law
from saddlelab.plots import plot_index_energy, prevalence_figure
from saddlelab.prevalence import PrevalenceStudy, WeightedStudy, prevalence
from saddlelab.studies.blocks import Histogram
from saddlelab.studies.weighted import MAX_SAMPLES

KINDS = ("saddle", "minimum", "maximum")
Z95 = 1.959963984540054
CASES = [
    ("gaussian-field", {}),
    ("gaussian-field", {"energy": -1.5}),
    ("gaussian-field", {"energy": -1.5, "correlation": 0.7}),
    ("p-spin", {}),
    ("p-spin", {"p": 2}),
    ("p-spin", {"p": 4, "energy": -1.2}),
]


@pytest.fixture(scope="module")
def field():
    return prevalence("gaussian-field", range(1, 7), samples=500_000, rng=1)


def arrays(study):
    return study._sizes, study._index, study._count, study._weight, study._square, study._log_unit


def assert_same(one, two):
    assert isinstance(one, WeightedStudy)
    for a, b in zip(arrays(one), arrays(two), strict=True):
        np.testing.assert_array_equal(a, b)


# --- what is known of landscapes ------------------------------------------------------------------


def test_fractions_of_a_gaussian_field(field):
    assert set(FIELD) == set(field.dims.tolist())
    for n in FIELD:
        index, weight, square = field.weights(n)
        assert index.tolist() == list(range(n + 1))
        assert weighted_chi_square(weight, square, field_law(n)) > LIKELY
        np.testing.assert_array_equal(field.distribution(n)[1], weight / weight.sum())


def test_the_alternating_sum_is_zero(field):
    """Euler's characteristic: minima − saddles + … of a field on a torus."""
    for n in field.dims.tolist():
        index, weight, square = field.weights(n)
        assert abs(weight @ (-1.0) ** index) < 4 * np.sqrt(square.sum())


@pytest.mark.parametrize("p", [2, 3, 7])
def test_numbers_of_critical_points_of_two_spins(p):
    """A random trigonometric polynomial has 2√(3p − 2) critical points on the circle."""
    study = prevalence("p-spin", 1, p=p, samples=400_000, rng=0)
    assert_number(study, [math.log(2 * math.sqrt(3 * p - 2))])


def test_a_quadratic_form_has_two_critical_points_of_each_index():
    dims = [1, 2, 5, 12]
    study = prevalence("p-spin", dims, p=2, samples=400_000, rng=0)
    assert_number(study, np.log(2 * (np.array(dims) + 1)))
    for n in dims:
        _, weight, square = study.weights(n)
        assert weighted_chi_square(weight, square, np.full(n + 1, 1 / (n + 1))) > LIKELY


def assert_number(study, truth):
    error = np.sqrt(1 / study.effective_samples() - 1 / study.samples)
    assert np.all(abs(np.expm1(study.log_number() - truth)) < 4 * error)


def test_extrema_of_a_line_are_rices(field):
    """Rice 1944: √(C''''/C'') / π per length, √3/π in units of ℓ."""
    study = prevalence("gaussian-field", 1, samples=400_000, rng=0)
    assert_number(study, [math.log(math.sqrt(3) / math.pi)])


@pytest.mark.parametrize("correlation", [1.0, 0.6])
def test_numbers_by_height_add_up_to_all(correlation):
    """∫ number(u) du: the trapezoidal rule of an analytic function that vanishes at the ends."""
    heights, step = np.linspace(-9, 9, 37, retstep=True)
    found, error = 0.0, 0.0
    for u in heights.tolist():
        study = prevalence(
            "gaussian-field", 3, energy=u, correlation=correlation, samples=20_000, rng=0
        )
        number = step * math.exp(study.log_number()[0])
        found += number
        error += (number**2 * (1 / study.effective_samples() - 1 / study.samples))[0]
    whole = prevalence("gaussian-field", 3, samples=400_000, rng=0)
    total = math.exp(whole.log_number()[0])
    error += (total**2 * (1 / whole.effective_samples() - 1 / whole.samples))[0]
    assert abs(found - total) < 4 * math.sqrt(error)


def test_numbers_by_energy_add_up_to_all():
    """p = 3, five spins: E of order 1/√N about its most probable, dense enough for the rule."""
    energies, step = np.linspace(-4, 4, 41, retstep=True)
    found, error = 0.0, 0.0
    for e in energies.tolist():
        study = prevalence("p-spin", 4, energy=e, samples=20_000, rng=0)
        number = step * math.exp(study.log_number()[0])
        found += number
        error += (number**2 * (1 / study.effective_samples() - 1 / study.samples))[0]
    whole = prevalence("p-spin", 4, samples=400_000, rng=0)
    total = math.exp(whole.log_number()[0])
    error += (total**2 * (1 / whole.effective_samples() - 1 / whole.samples))[0]
    assert abs(found - total) < 4 * math.sqrt(error)


def spin_complexity(p, E):
    """Auffinger, Ben Arous & Černý (2013), theorem 2.8: lim ln(number at energy E < 0)/N."""
    edge = 2 * math.sqrt((p - 1) / p)
    found = 0.5 * math.log(p - 1) - (p - 2) / (4 * (p - 1)) * E**2
    if abs(E) <= edge:
        return found
    area = integrate.quad(lambda z: math.sqrt(z * z - edge * edge), edge, abs(E))[0]
    return found - 2 / edge**2 * area


@pytest.mark.parametrize(
    ("p", "E"), [(3, -1.75), (3, -1.65699836353), (3, -1.6), (3, -0.8), (5, 0)]
)
def test_the_complexity_of_spin_glasses(p, E):
    """O(ln N/N) away at N spins; it vanishes at the ground state, below which there are none."""
    n = 1000
    study = prevalence("p-spin", n, p=p, energy=E, samples=2000, rng=0)
    assert abs(study.log_number()[0] / n - spin_complexity(p, E)) < 2 * math.log(n) / n
    assert abs(spin_complexity(3, -1.65699836353)) < 1e-10
    if E < -1.65:
        assert study.fraction("minimum")[0] > 0.9


@dataclass(frozen=True, kw_only=True)
class Confined(KacRice):
    """μ|x|²/2 + an isotropic field, J = √f''(0) (Fyodorov 2004): s has another mean."""

    name: ClassVar[str] = "confined"
    stream: ClassVar[int] = 1
    energy_label: ClassVar[str] = ""

    mu: float = 0.5  # in units of J

    def energy_scale(self, n):
        """Not used."""
        return 1.0

    def shift_law(self, n):
        """The Hessian μ + (J/√n)√2 (T + ξ/√2)."""
        return -self.mu * math.sqrt(0.5 * n), 0.5

    def log_per_determinant(self, n):
        """The gradient vanishes at E|det H|/μⁿ points."""
        return n * (0.5 * math.log(2) - math.log(self.mu) - 0.5 * math.log(n))


@pytest.mark.parametrize(("mu", "complexity"), [(0.5, 0.318147180560), (0.25, None), (1.5, 0.0)])
def test_the_complexity_of_a_confined_landscape(mu, complexity):
    """Fyodorov's (μ² − 1)/2 − ln μ for μ < 1, else 0: O(ln n/n) away at n."""
    if complexity is None:
        complexity = (mu**2 - 1) / 2 - math.log(mu)
    n = 2000
    study = prevalence(Confined(mu=mu), n, samples=2000, rng=0)
    assert abs(study.log_number()[0] / n - complexity) < 2 * math.log(n) / n


@pytest.mark.parametrize("u", [-1.0, -0.5, 0.0, 0.25, 0.5, 0.75, 1.0])
def test_the_index_at_an_energy_is_bray_and_deans(u):
    """Their u is −s/R: p-spin energies −u E_∞, heights −2u√n of a field with ρ = 1."""
    n, p = 1000, 3
    edge = 2 * math.sqrt((p - 1) / p)
    assert abs(edge - 1.63299316186) < 1e-11
    alpha = dense.semicircle_below(-u)
    studies = (
        prevalence("p-spin", n, p=p, energy=-u * edge, samples=4000, rng=0),
        prevalence("gaussian-field", n, energy=-2 * u * math.sqrt(n), samples=4000, rng=0),
        # ρ < 1: the weighted shifts are at √2 ρ u/(1 + ρ²), in the scale of the chain.
        prevalence("gaussian-field", n, energy=-u * math.sqrt(n) * (1 + 0.36) / 0.6,
                   correlation=0.6, samples=4000, rng=0),
    )  # fmt: skip
    for study in studies:
        law = get_ensemble(study.ensemble, **study.parameters)
        assert abs(law.bulk_fraction(n) - alpha) < 1e-3
        error = 5 * study.index_mean_error()[0] / n + 3 / n
        assert abs(study.index_mean()[0] / n - alpha) < error


# --- exact laws -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 7, 12])
def test_the_exact_law_of_a_quadratic_form_is_uniform(n):
    law = index_law("p-spin", n, p=2)
    np.testing.assert_allclose(law.probabilities, np.full(n + 1, 1 / (n + 1)), rtol=law.accuracy)


@pytest.mark.parametrize(
    ("name", "n", "parameters"),
    [
        ("gaussian-field", 9, {}),
        ("gaussian-field", 6, {"energy": -2.0, "correlation": 0.7}),
        ("gaussian-field", 12, {"energy": 1.0}),
        ("p-spin", 6, {}),
        ("p-spin", 30, {"energy": -1.4}),
    ],
)  # fmt: skip
def test_studies_follow_exact_laws(name, n, parameters):
    study = prevalence(name, n, samples=400_000, rng=0, **parameters)
    law = study.exact_laws()[n].probabilities
    _, weight, square = study.weights(n)
    index = study.weights(n)[0]
    sums = np.zeros((2, n + 1))
    sums[:, index] = weight, square
    assert weighted_chi_square(*sums, law) > LIKELY


def test_exact_laws_by_height_add_up_to_all():
    """The field of d = 3 at its heights, each weighted by its number of critical points."""
    n, total = 3, np.zeros(4)
    for u in np.linspace(-9, 9, 37).tolist():
        law = get_ensemble("gaussian-field", energy=u)
        study = prevalence(law, n, samples=100_000, rng=0)
        total += math.exp(study.log_number()[0]) * index_law(law, n).probabilities
    whole = index_law("gaussian-field", n).probabilities
    # The numbers are sampled, each to √(1/50 000) or better.
    assert np.all(abs(total / total.sum() - whole) < 4 / math.sqrt(50_000) * whole)


def test_the_exact_law_has_indices_rarer_than_any_sample():
    """Auffinger, Ben Arous & Černý's E_1 (p = 3): saddles of index 1 vanish below it."""
    n, energy = 300, -1.65287319810
    study = prevalence("p-spin", n, energy=energy, samples=2000, rng=0)
    one = study.log_number()[0] + study.exact_laws()[n].log_probabilities[1]
    assert abs(one / n) < 2 * math.log(n) / n
    assert study.log_number()[0] > one


# --- errors ---------------------------------------------------------------------------------------


def test_errors_are_as_large_as_they_say():
    """400 small studies of d = 3: (fraction − law)/error is normal, intervals hold 95 %."""
    law = field_law(3)
    truth = {"minimum": law[0], "maximum": law[3], "saddle": law[1] + law[2]}
    z = {kind: [] for kind in KINDS}
    held, means = dict.fromkeys(KINDS, 0), []
    for seed in range(400):
        study = prevalence("gaussian-field", 3, samples=1500, rng=seed, workers=1)
        for kind in KINDS:
            difference = study.fraction(kind)[0] - truth[kind]
            z[kind].append(difference / study.standard_error(kind)[0])
            low, high = study.interval(kind)
            held[kind] += low[0] <= truth[kind] <= high[0]
        means.append((study.index_mean()[0] - 1.5) / study.index_mean_error()[0])
    for values in (*z.values(), means):
        assert abs(np.std(values) - 1) < 4 / math.sqrt(2 * 400)
        assert abs(np.mean(values)) < 0.3
    for kind in KINDS:
        assert stats.binomtest(held[kind], 400, 0.95).pvalue > LIKELY, held


def test_equal_weights_are_plain_counts():
    """A weight of 1 for each: the intervals are Clopper and Pearson's."""
    plain = prevalence("goe", [2, 3], samples=1000, rng=0)
    study = reweighted(plain, lambda count: (count * 1.0, count * 1.0))
    np.testing.assert_array_equal(study.effective_samples(), [1000, 1000])
    for kind in KINDS:
        np.testing.assert_allclose(study.fraction(kind), plain.fraction(kind), rtol=1e-15)
        for ours, theirs in zip(study.interval(kind), plain.interval(kind), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    np.testing.assert_allclose(study.index_mean(), plain.index_mean(), rtol=1e-14)
    np.testing.assert_allclose(study.index_var(), plain.index_var(), rtol=1e-14)


def reweighted(plain, weigh):
    fields = {name: getattr(plain, name) for name in PrevalenceStudy.__dataclass_fields__}
    weight, square = weigh(plain._count)
    return WeightedStudy(
        **fields, _weight=weight, _square=square, _log_unit=np.zeros(plain.dims.size)
    )


def test_a_kind_never_seen_has_the_limit_of_the_effective_samples():
    plain = prevalence("goe", [12], samples=1000, rng=0)
    study = reweighted(plain, lambda count: (count * 1.0, count * 4.0))
    low, high = study.interval("minimum")
    assert low[0] == 0
    assert abs(high[0] - special.betainccinv(1, 250, 0.025)) < 1e-12
    low, high = study.interval("saddle")
    assert high[0] == 1
    assert abs(low[0] - special.betaincinv(250, 1, 0.025)) < 1e-12


# --- the same bits --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_same_bits_for_any_split(name, parameters):
    args = {"samples": 5000, "rng": 1, **parameters}
    whole = prevalence(name, [2, 9, 70], workers=1, **args)
    for block_size in (64, 999):
        assert_same(prevalence(name, [2, 9, 70], workers=2, block_size=block_size, **args), whole)


def test_same_bits_in_processes():
    args = {"samples": 5000, "rng": 1, "energy": -0.5, "block_size": 1000}
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        there = prevalence("p-spin", [2, 9], executor=pool, **args)
    assert_same(there, prevalence("p-spin", [2, 9], **args))


def test_same_bits_after_a_crash(tmp_path, monkeypatch):
    args = {"samples": 5000, "rng": 1, "block_size": 500, "workers": 1}
    done = []

    def fails(self, key, n, first, count, counts):
        if len(done) == 7:
            raise KeyboardInterrupt
        done.append((n, first))
        return index(self, key, n, first, count, counts)

    index = KacRice.index
    with monkeypatch.context() as patch:
        patch.setattr(KacRice, "index", fails)
        with pytest.raises(KeyboardInterrupt):
            prevalence("gaussian-field", [2, 9], checkpoint=tmp_path / "a.sqlite", **args)
    again = prevalence("gaussian-field", [2, 9], checkpoint=tmp_path / "a.sqlite", **args)
    assert_same(again, prevalence("gaussian-field", [2, 9], **args))


def test_sums_are_exact():
    """The float that is nearest to the sum of all digits, also where partial sums have no float."""
    from saddlelab.studies.weighted import _decode

    top, last = 2**62, 1
    bins = np.array([8, 9, 10, 11, 12, 15], np.int64)
    counts = np.array([5, top, -3, last, 7, -2], np.int64)
    index, count, weight, square = _decode(Histogram(bins, counts))
    assert (index.tolist(), count.tolist()) == ([1], [5])
    assert weight[0] == (top * 2**52 - 3 * 2**26 + last) / 2**46
    assert square[0] == (7 * 2**78 - 2) / 2**40


# --- what goes in and out -------------------------------------------------------------------------


def test_results_are_saved(tmp_path, field):
    field.to_npz(tmp_path / "s.npz")
    for kind in (PrevalenceStudy, WeightedStudy):
        again = kind.load(tmp_path / "s.npz")
        assert_same(again, field)
        assert again.table() == field.table()
    prevalence("goe", 2, samples=10, rng=0).to_npz(tmp_path / "p.npz")
    assert type(WeightedStudy.load(tmp_path / "p.npz")) is PrevalenceStudy


def test_the_table_and_the_columns_are_weighted(field):
    columns = field.columns()
    assert list(columns)[:3] == ["n", "samples", "effective_samples"]
    np.testing.assert_array_equal(columns["minimum"], field.fraction("minimum"))
    assert abs(columns["minimum"][1] - 0.25) < 0.01
    assert abs(columns["minimum_count"][1] / field.samples - 0.25) > 0.01
    np.testing.assert_array_equal(columns["log_number"], field.log_number())
    header, first, *_ = field.table().splitlines()
    assert header.endswith("effective samples")
    assert first.split()[-1] == f"{field.effective_samples()[0]:.0f}"
    assert np.all(field.effective_samples() < 0.7 * field.samples)


def test_arrays_are_read_only(field):
    _, weight, _ = field.weights(3)
    with pytest.raises(ValueError, match="read-only"):
        weight[0] = 1.0
    with pytest.raises(ValueError, match="`n` must be a dimension of the study"):
        field.weights(7)
    with pytest.raises(ValueError, match="`kind` must be"):
        field.fraction("minima")


def test_the_command_line(tmp_path, capsys):
    args = ["prevalence", "p-spin", "--dims", "2,4", "--samples", "2000", "--seed", "0"]
    csv_file = tmp_path / "a.csv"
    main([*args, "--param", "p=2", "--param", "energy=-0.5", "--csv", str(csv_file), "--json",
          "--plot", str(tmp_path / "a.svg")])  # fmt: skip
    found = json.loads(capsys.readouterr().out)
    study = prevalence("p-spin", [2, 4], samples=2000, rng=0, p=2, energy=-0.5)
    assert found["parameters"] == {"energy": -0.5, "p": 2} == study.parameters
    assert found["minimum"] == study.fraction("minimum").tolist()
    with csv_file.open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["effective_samples"]) for row in rows] == study.effective_samples().tolist()
    assert (tmp_path / "a.svg").stat().st_size > 0


@pytest.mark.parametrize(
    ("name", "parameters", "error", "message"),
    [
        ("gaussian-field", {"energy": math.nan}, ValueError, "`energy` must be a finite number"),
        ("gaussian-field", {"energy": "low"}, TypeError, "`energy` must be a finite .* got 'low'"),
        ("gaussian-field", {"correlation": 0}, ValueError, "`correlation` must be positive .* 0"),
        ("gaussian-field", {"correlation": 1.1}, ValueError, "`correlation` .* at most 1, got 1.1"),
        ("gaussian-field", {"enrgy": 1}, UnknownParameterError, "did you mean 'energy'"),
        ("p-spin", {"p": 1}, ValueError, "`p` must be at least 2, got 1"),
        ("p-spin", {"p": 2.5}, ValueError, "`p` must be a positive integer, got 2.5"),
        ("p-spin", {"shift": 1}, UnknownParameterError, "`shift` is not a parameter of .*'p-spin'"),
        ("p-spin", {"nested": True}, ValueError, "`nested` must be False: the ensemble 'p-spin'"),
        ("p_spin", {}, ValueError, "did you mean 'p-spin'"),
    ],
)  # fmt: skip
def test_bad_parameters(name, parameters, error, message):
    with pytest.raises(error, match=message):
        prevalence(name, 3, samples=10, **parameters)


def test_more_samples_than_sums_have_room_for():
    with pytest.raises(ValueError, match=f"`samples` must be at most {MAX_SAMPLES}"):
        prevalence("p-spin", 3, samples=MAX_SAMPLES + 1)


def test_landscapes_are_known_by_name():
    assert {"gaussian-field", "p-spin"} <= set(names())
    assert saddlelab.WeightedStudy is WeightedStudy
    for name, parameters in CASES:
        law = get_ensemble(name, **parameters)
        assert pickle.loads(pickle.dumps(law)) == law
        assert law.parameters == ({"p": 3} if name == "p-spin" else {}) | parameters


@pytest.mark.parametrize("energy", [1e308, -1e308, 1e5])
def test_any_finite_energy_is_counted(energy):
    for name in ("gaussian-field", "p-spin"):
        study = prevalence(name, [1, 7, 100], samples=100, rng=0, energy=energy)
        assert study.fraction("maximum" if energy > 0 else "minimum").tolist() == [1, 1, 1]
        assert np.all(study.log_number() < -1e9)


def test_one_sample():
    study = prevalence("gaussian-field", 3, samples=1, rng=0)
    assert study.effective_samples() == pytest.approx([1])
    assert study.table()


# --- pictures -------------------------------------------------------------------------------------


def test_pictures_show_weighted_fractions(field):
    figure = prevalence_figure(field, figure=Figure())
    (line,) = [line for line in figure.axes[0].lines if line.get_label() == "minima"]
    np.testing.assert_array_equal(line.get_ydata(), field.fraction("minimum"))


def test_the_index_against_energy():
    dims, energies = [5, 40], [-1.5, -0.5, 0.5, 2.0]
    studies = [prevalence("p-spin", dims, energy=e, samples=500, rng=0) for e in energies]
    ax = plot_index_energy(studies, ax=Figure().subplots())
    for n, container in zip(dims, ax.containers, strict=True):
        at = dims.index(n)
        x, y = container.lines[0].get_data()
        assert x.tolist() == energies
        assert y.tolist() == [study.index_mean()[at] / n for study in studies]
    (curve,) = [line for line in ax.lines if "semicircle" in line.get_label()]
    assert curve.get_ydata()[0] == 0.0
    x = curve.get_xdata() / (2 * math.sqrt(2 / 3))
    np.testing.assert_allclose(curve.get_ydata(), dense.semicircle_below(x), atol=1e-9)


def test_heights_are_in_units_of_the_root_of_n():
    study = prevalence("gaussian-field", [4, 9], energy=-3.0, samples=100, rng=0)
    ax = plot_index_energy([study], ax=Figure().subplots())
    found = [container.lines[0].get_xdata().tolist() for container in ax.containers]
    assert found == [[-1.5], [-1.0]]


def test_what_has_no_energy_has_no_picture_of_it():
    with pytest.raises(ValueError, match="`studies` must hold at least one study"):
        plot_index_energy([])
    for study in (
        prevalence("p-spin", 3, samples=10, rng=0),
        prevalence("goe", 3, samples=10, rng=0),
    ):
        with pytest.raises(ValueError, match="`studies` must be of landscapes at a given `energy`"):
            plot_index_energy([study])
    others = [prevalence("p-spin", 3, p=p, energy=1, samples=10, rng=0) for p in (2, 3)]
    with pytest.raises(ValueError, match=r"must differ in their `energy` alone, got PSpin"):
        plot_index_energy(others)

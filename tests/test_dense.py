"""Ensembles drawn entry by entry: their streams, their laws, and what is refused."""

import json
import logging
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import LIKELY, chi_square, same_law
from reference import dense
from reference.ensembles import semicircle_below
from scipy import special, stats

from saddlecore import samples
from saddlecore.diagonal import diagonal_index, diagonal_index_scalar
from saddlelab.cli import main
from saddlelab.ensembles import get_ensemble, names
from saddlelab.ensembles.wigner import ENTRIES
from saddlelab.prevalence import prevalence
from saddlelab.studies.spec import StudySpec

KEY = np.uint64(0x9E3779B97F4A7C15)
EPS = np.finfo(float).eps
LAWS = [("wigner", {"entries": law}) for law in ENTRIES] + [
    ("wigner", {"entries": "student", "nu": 1.0, "shift": 0.2}),
    ("wigner", {"entries": "uniform", "diagonal": 2.0, "shift": -0.1}),
    ("sparse", {"degree": 3.0, "shift": 0.1}),
    ("wishart+goe", {"ratio": 0.5, "energy": 0.3}),
    ("wishart+goe", {"ratio": 2.0, "energy": 0.1}),
]  # fmt: skip
NAMES = [f"{name} {parameters}" for name, parameters in LAWS]
each_law = pytest.mark.parametrize(("name", "parameters"), LAWS, ids=NAMES)


@cache
def law_of(name, **parameters):
    return get_ensemble(name, **parameters)


def count(kernel, law, n, first, samples_, counts=None):
    counts = np.zeros(n + 1, np.int64) if counts is None else counts
    report, sampler = np.zeros(3, np.int64), law.sampler(n)
    kernel(sampler.words(), KEY, n, first, samples_, counts, report)
    assert report[1] == 0
    return counts, int(report[0])


def tolerance(H):
    """LAPACK's customary error of an eigenvalue."""
    return len(H[0]) * EPS * np.linalg.norm(H, axis=(1, 2))[:, None]


# --- streams -------------------------------------------------------------------------------------


@given(
    law=st.sampled_from(ENTRIES), n=st.integers(1, 5), sample=st.integers(0, 2**63 - 1),
    key=st.integers(0, 2**64 - 1), nu=st.sampled_from([0.2, 1.0, 2.0, 2.5, 30.0]),
)  # fmt: skip
def test_entries_are_those_of_the_streams(law, n, sample, key, nu):
    found = get_ensemble("wigner", entries=law, nu=nu).matrices(np.uint64(key), n, sample, 1)[0]
    truth = dense.wigner_of_stream(key, sample, n, law, nu)
    # a logarithm and a cosine of 2 ulp each, expm1 of 2^-43, powers of them
    np.testing.assert_allclose(found, truth, rtol=2.0**-40 if law == "student" else 16 * EPS,
                               atol=16 * EPS)  # fmt: skip


@each_law
@pytest.mark.parametrize("n", [1, 2, 7, 13])
def test_eight_matrices_at_once_are_those_drawn_one_by_one(name, parameters, n):
    sampler = law_of(name, **parameters).sampler(n)
    one, eight = np.empty((19, n, n)), np.empty((19, n, n))
    first = 2**32 - 5
    samples.draw_samples(sampler.words(), KEY, first, one)
    samples.draw_samples_lanes(sampler.words(), KEY, first, eight)
    np.testing.assert_array_equal(one, eight)
    np.testing.assert_array_equal(one, np.swapaxes(one, 1, 2))


@each_law
def test_all_kernels_count_alike(name, parameters):
    law = law_of(name, **parameters)
    n, first, size = 11, 2**32 - 300, 600
    truth = count(samples.sample_index_scalar, law, n, first, size)
    for kernel in (samples.sample_index_small, samples.sample_index_batch,
                   samples.sample_index_large):  # fmt: skip
        counts, uncertified = count(kernel, law, n, first, size)
        np.testing.assert_array_equal(counts, truth[0])
        assert uncertified == truth[1]


@each_law
@pytest.mark.parametrize("n", [1, 2, 3, 5, 9, 20, 70])
def test_counts_are_those_of_the_matrices(name, parameters, n):
    """What LAPACK resolves is counted so, zeros as not negative; nothing else is left out."""
    law, size = law_of(name, **parameters), 2000 if n < 20 else 60
    counts, _ = count(samples.sample_index, law, n, 5, size)
    H = law.matrices(KEY, n, 5, size)
    values = np.linalg.eigvalsh(H)
    below = np.bincount(np.sum(values < -tolerance(H), axis=1), minlength=n + 1)
    assert counts.sum() == size
    doubtful = np.any((abs(values) < tolerance(H)) & (abs(values) > 0), axis=1)
    unlike = np.abs(counts - below).sum() / 2
    # a heavy tail leaves small eigenvalues that LAPACK does not resolve, and equilibration does
    assert unlike <= (np.count_nonzero(doubtful) if parameters.get("nu") == 1.0 else 0)


@given(st.integers(0, 2**62), st.integers(0, 40), st.integers(0, 40))
def test_blocks_add_up(first, size, more):
    for law in (law_of("wigner"), law_of("wigner", entries="rademacher")):
        whole, _ = count(samples.sample_index, law, 4, first, size + more)
        counts, _ = count(samples.sample_index, law, 4, first, size)
        count(samples.sample_index, law, 4, first + size, more, counts)
        np.testing.assert_array_equal(whole, counts)


@pytest.mark.parametrize(("name", "parameters"), [*LAWS[:2], LAWS[-1], ("ginibre", {}),
                                                  ("diagonal", {"shift": 0.3})])  # fmt: skip
def test_same_bits_for_any_split(name, parameters):
    args = {"samples": 1500, "rng": 1, **parameters}
    whole = prevalence(name, [2, 9], workers=1, **args)
    for block_size in (64, 499):
        other = prevalence(name, [2, 9], workers=2, block_size=block_size, **args)
        for n in (2, 9):
            np.testing.assert_array_equal(whole.counts(n), other.counts(n))


# Counts by index of 5000 matrices of size 4, seed 7: the same on every machine and in every release
# that does not raise the ensemble's `stream`.
GOLDEN = [
    ("wigner", {"entries": "gaussian"}, [3, 723, 3585, 687, 2]),
    ("wigner", {"entries": "rademacher"}, [44, 1748, 3043, 165, 0]),
    ("wigner", {"entries": "uniform"}, [0, 699, 3590, 710, 1]),
    ("wigner", {"entries": "laplace"}, [5, 745, 3508, 740, 2]),
    ("wigner", {"entries": "student"}, [7, 749, 3496, 744, 4]),
    ("sparse", {"degree": 2, "shift": 0.1}, [0, 160, 2318, 2343, 179]),
    ("wishart+goe", {"ratio": 0.5, "energy": 0.3}, [1069, 3350, 576, 5, 0]),
    ("diagonal", {"shift": 0.5}, [39, 416, 1399, 2026, 1120]),
    ("ginibre", {}, [191, 1248, 2119, 1271, 171]),
]


@pytest.mark.parametrize(("name", "parameters", "counts"), GOLDEN)
def test_the_seed_gives_the_counts_of_earlier_releases(name, parameters, counts):
    study = prevalence(name, 4, samples=5000, rng=7, **parameters)
    assert study.counts(4).tolist() == counts


@given(st.integers(0, 2**62), st.integers(1, 60), st.floats(0, 1))
def test_diagonal_matrices_one_by_one_and_sixteen_at_once(first, size, p):
    dims, offsets = np.array([1, 4, 7]), np.array([0, 2, 7])
    found = np.zeros((2, 15), np.int64)
    for kernel, counts in zip((diagonal_index, diagonal_index_scalar), found, strict=True):
        kernel(KEY, p, dims, first, size, counts, offsets)
    np.testing.assert_array_equal(*found)
    assert found[0].sum() == 3 * size


# --- laws, beside NumPy's samples ----------------------------------------------------------------

BESIDE_NUMPY = [
    ("wigner", {"entries": "gaussian"}, 4, lambda rng, n, m: dense.wigner(rng, n, m)),
    ("wigner", {"entries": "rademacher", "shift": 0.21}, 5,
     lambda rng, n, m: dense.wigner(rng, n, m, "rademacher", shift=0.21)),
    ("wigner", {"entries": "uniform", "shift": 0.2}, 3,
     lambda rng, n, m: dense.wigner(rng, n, m, "uniform", shift=0.2)),
    ("wigner", {"entries": "laplace", "diagonal": 0.5}, 4,
     lambda rng, n, m: dense.wigner(rng, n, m, "laplace", diagonal=0.5)),
    ("wigner", {"entries": "student", "nu": 3.0, "shift": -0.3}, 4,
     lambda rng, n, m: dense.wigner(rng, n, m, "student", 3.0, shift=-0.3)),
    ("wigner", {"entries": "student", "nu": 1.0, "shift": 0.4}, 3,
     lambda rng, n, m: dense.wigner(rng, n, m, "student", 1.0, shift=0.4)),
    ("sparse", {"degree": 2.0}, 5, lambda rng, n, m: dense.sparse(rng, n, m, 2.0)),
    ("sparse", {"degree": 2.0, "shift": 0.1}, 5,
     lambda rng, n, m: dense.sparse(rng, n, m, 2.0, 0.1)),
    ("wishart+goe", {"ratio": 0.5, "energy": 0.3}, 5,
     lambda rng, n, m: dense.wishart_goe(rng, n, m, 10, 0.3)),
    ("wishart+goe", {"ratio": 2.0, "energy": 0.02}, 6,
     lambda rng, n, m: dense.wishart_goe(rng, n, m, 3, 0.02)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "parameters", "n", "sampler"), BESIDE_NUMPY)
def test_beside_dense_matrices_of_numpy(name, parameters, n, sampler):
    """A million samples of ours in all, a hundred thousand of NumPy's for each."""
    rng = np.random.default_rng(7)
    theirs = dense.histogram(lambda m: sampler(rng, n, m), n, 100_000)
    study = prevalence(name, n, samples=100_000, rng=2, **parameters)
    assert same_law(study.counts(n), theirs) > LIKELY


@pytest.mark.parametrize("nu", [0.7, 2.0, 3.5, 50.0])
def test_student_entries_follow_their_law(nu):
    entries = law_of("wigner", entries="student", nu=nu).matrices(KEY, 20, 0, 500)
    i, j = np.triu_indices(20)
    scale = np.sqrt((nu - 2) / nu) if nu > 2 else 1.0
    assert stats.kstest(entries[:, i, j].ravel() / scale, stats.t(nu).cdf).pvalue > LIKELY


@pytest.mark.parametrize("entries", ["gaussian", "uniform", "laplace", "rademacher"])
def test_entries_are_standard_and_independent(entries):
    H = law_of("wigner", entries=entries).matrices(KEY, 8, 0, 20_000)
    i, j = np.triu_indices(8)
    x = H[:, i, j]
    fourth = {"gaussian": 3, "uniform": 9 / 5, "laplace": 6, "rademacher": 1}[entries]
    sd = 1 / np.sqrt(x.size)
    assert abs(x.mean()) < 4 * sd
    assert abs((x**2).mean() - 1) <= 4 * sd * np.sqrt(fourth - 1)
    assert np.abs(np.corrcoef(x.T) - np.eye(36)).max() < 5 / np.sqrt(len(x))


# --- laws that are known -------------------------------------------------------------------------

GOE = {
    2: [0.146446609407, 0.707106781187],
    3: [0.0249209209607, 0.475079079039],
    4: [0.00245670925979, 0.176776695297, 0.641533190887],
    5: [1.40114685463e-4, 0.0376532945253, 0.462206590789],
    6: [4.62018747755e-6, 0.0046268890250396, 0.190636163043408, 0.609464655488150],
}  # P(index = 0, 1, …): closed forms, see tests/test_hermite.py


@pytest.mark.parametrize("n", GOE)
def test_gaussian_entries_with_twice_the_variance_on_the_diagonal_are_the_goe(n):
    law = np.array(GOE[n] + GOE[n][: n + 1 - len(GOE[n])][::-1])
    study = prevalence("wigner", n, diagonal=2, samples=300_000, rng=1)
    assert chi_square(study.counts(n), law / law.sum()) > LIKELY
    # and with the same variance everywhere they are not
    if n < 5:
        study = prevalence("wigner", n, samples=300_000, rng=1)
        assert chi_square(study.counts(n), law / law.sum()) < 1e-6


def test_uniform_entries_of_two_by_two():
    """P(positive definite) = 1/9 for entries uniform on [−1, 1]."""
    study = prevalence("wigner", 2, entries="uniform", samples=1_000_000, rng=0)
    assert chi_square(study.counts(2), [1 / 9, 7 / 9, 1 / 9]) > LIKELY


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_signs_follow_the_law_of_all_matrices_of_signs(n):
    """Half of them are singular at n = 2; all are certified."""
    law = dense.sign_law(n)
    counts, uncertified = count(samples.sample_index, law_of("wigner", entries="rademacher"), n, 0,
                                200_000)  # fmt: skip
    assert uncertified == 0
    assert not np.any(counts[law == 0])
    assert chi_square(counts[law > 0], law[law > 0]) > LIKELY


@pytest.mark.parametrize(("diagonal", "most"), [(1.0, 11), (0.0, 9)])
def test_no_eigenvalue_of_signs_is_below_the_gap(diagonal, most):
    law = law_of("wigner", entries="rademacher", diagonal=diagonal)
    for n in range(2, most + 1):
        e = law.sampler(n).gap
        assert e > 0
        values = abs(np.linalg.eigvalsh(law.matrices(KEY, n, 0, 2000)))
        assert values[values > 1e-12 * n].min() > 2.0**-e
    assert law_of("wigner", entries="rademacher", shift=0.1).sampler(3).gap == 0


def test_diagonal_matrices_are_binomial():
    for n, shift in ((3, 0.0), (8, 0.0), (6, -0.7)):
        study = prevalence("diagonal", n, samples=1_000_000, rng=4, shift=shift)
        law = stats.binom(n, special.ndtr(shift)).pmf(np.arange(n + 1))
        assert chi_square(study.counts(n), law) > LIKELY


def test_diagonal_matrices_nested():
    study = prevalence("diagonal", [2, 5], samples=300_000, rng=4, nested=True)
    for n in (2, 5):
        law = stats.binom(n, 0.5).pmf(np.arange(n + 1))
        assert chi_square(study.counts(n), law) > LIKELY


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_ginibre_matrices_follow_their_exact_law(n):
    study = prevalence("ginibre", n, samples=200_000 // n, rng=5)
    assert chi_square(study.counts(n), dense.ginibre_law(n)) > LIKELY


# Pennington & Bahri (2017): the fraction of negative eigenvalues as n → ∞.
ALPHA = {
    0.25: {0.05: 0.003854, 0.1: 0.053980, 0.2: 0.125483, 0.5: 0.225349, 1.0: 0.292612},
    0.5: {0.05: 0.063636, 0.1: 0.113562, 0.2: 0.170467, 0.5: 0.248948, 1.0: 0.304711},
}


@pytest.mark.parametrize("ratio", ALPHA)
def test_the_fraction_of_negative_eigenvalues_against_energy(ratio):
    """The index of rigid eigenvalues differs from its limit by less than one."""
    n = 200
    for energy, alpha in ALPHA[ratio].items():
        study = prevalence("wishart+goe", n, ratio=ratio, energy=energy, samples=64, rng=0)
        assert abs(study.index_mean()[0] - n * alpha) < 1.0, energy


@pytest.mark.parametrize(("name", "parameters"), [
    ("wigner", {"entries": "laplace"}), ("wigner", {"entries": "rademacher"}),
    ("wigner", {"entries": "student", "nu": 6.0}), ("sparse", {"degree": 60.0}),
])  # fmt: skip
def test_the_semicircle_is_universal(name, parameters):
    n = 120
    for shift in (0.0, 0.25, -0.5):
        study = prevalence(name, n, shift=shift, samples=200, rng=0, **parameters)
        assert abs(study.index_mean()[0] - n * semicircle_below(shift)) < 1.5, shift


# --- certificates, and what is refused -----------------------------------------------------------


def test_samples_of_continuous_laws_are_certified(record_property):
    left = 0
    for entries in ("gaussian", "uniform", "laplace", "student"):
        for n, size in ((2, 50_000), (10, 10_000), (50, 500)):
            law = law_of("wigner", entries=entries)
            left += count(samples.sample_index, law, n, 0, size)[1]
    record_property("uncertified", left)
    assert left == 0


def test_what_is_not_certified_is_told(caplog):
    law = law_of("sparse", degree=1.0)
    counts = np.zeros(7, np.int64)
    with caplog.at_level(logging.INFO, "saddlelab.ensembles"):
        law.index(KEY, 6, 0, 1000, counts)
    uncertified = law.count(KEY, 6, 0, 1000, np.zeros(7, np.int64))
    H = law.matrices(KEY, 6, 0, 1000)
    singular = np.any(abs(np.linalg.eigvalsh(H)) <= tolerance(H), axis=1)
    assert uncertified == np.count_nonzero(singular) > 500
    assert f"sparse, n = 6, samples 0 to 999: {uncertified} are not certified" in caplog.text
    assert counts.sum() == 1000


@pytest.mark.parametrize(
    ("name", "parameters", "error", "message"),
    [
        ("wigner", {"entries": "gausian"}, ValueError, "`entries` must be one of gaussian, .*, got "
         "'gausian': did you mean 'gaussian'"),
        ("wigner", {"entries": 3}, TypeError, "`entries` must be one of gaussian, .*, got 3"),
        ("wigner", {"nu": 0.1}, ValueError, "`nu` must be positive, at least 0.2 and .*, got 0.1"),
        ("wigner", {"diagonal": -1}, ValueError, "`diagonal` must be at least 0 and .*, got -1"),
        ("wigner", {"shift": np.nan}, ValueError, "`shift` must be a finite number, got nan"),
        ("sparse", {"degree": 0}, ValueError, "`degree` must be positive, at least .*, got 0"),
        ("wishart+goe", {"energy": 0}, ValueError, "`energy` must be positive, at least .*, got 0"),
        ("wishart+goe", {"ratio": -1}, ValueError, "`ratio` must be positive, .*, got -1"),
        ("diagonal", {"shift": "x"}, TypeError, "`shift` must be a finite number, got 'x'"),
        ("ginibre", {"shift": 1}, TypeError, "`shift` is not a parameter of .* 'ginibre', .* none"),
        ("wishrt+goe", {}, ValueError, r"did you mean 'wishart\+goe'"),
    ],
)  # fmt: skip
def test_bad_parameters(name, parameters, error, message):
    with pytest.raises(error, match=message):
        prevalence(name, 3, samples=10, **parameters)


def test_dimensions_that_do_not_fit():
    with pytest.raises(ValueError, match=r"`dims` must be at most 16384 for .*, got 20000"):
        prevalence("wigner", [3, 20_000], samples=10)
    with pytest.raises(ValueError, match="`nested` must be False: the ensemble 'wigner'"):
        prevalence("wigner", [2, 3], samples=10, nested=True)


def test_on_the_command_line(capsys):
    command = ["prevalence", "wishart+goe", "--dims", "4", "--samples", "5000", "--seed", "7"]
    assert main([*command, "--param", "ratio=0.5", "--param", "energy=0.3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["4"]["0"] == 1069
    assert main(["prevalence", "wigner", "--dims", "4", "--samples", "50", "--param",
                 "entries=cauchy"]) == 2  # fmt: skip
    assert "`entries` must be one of gaussian, rademacher" in capsys.readouterr().err


def test_names_and_specifications():
    assert {"wigner", "sparse", "diagonal", "wishart+goe", "ginibre"} <= set(names())
    assert get_ensemble("Wishart+GOE", ratio=1).parameters == {"ratio": 1.0, "energy": 0.1}
    assert get_ensemble("wigner").parameters == {"entries": "gaussian", "shift": 0.0}
    student = get_ensemble("wigner", entries="Student", nu=2, diagonal=2)
    assert student.parameters == {"entries": "student", "nu": 2.0, "shift": 0.0, "diagonal": 2.0}


def test_blocks_are_sized_by_what_a_sample_costs():
    def block(name):
        return StudySpec(get_ensemble(name), (100,), 10**7, 0, False).parts()[0]

    cheap, dear = block("goe"), block("wigner")
    assert (cheap.work, cheap.block_size) == (100, 2**17)
    assert dear.work == 10_000
    assert dear.block_size * dear.work <= 2**24 < 2 * dear.block_size * dear.work

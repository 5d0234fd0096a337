"""`rng=` becomes one recorded integer; every stream of a study gets a key of its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlelab.ensembles import get_ensemble
from saddlelab.prevalence import prevalence
from saddlelab.studies.seeds import resolve_seed, stream_key
from saddlelab.studies.spec import StudySpec


@given(st.integers(0, 2**200))
def test_an_integer_is_its_own_seed(seed):
    assert resolve_seed(seed) == seed


def test_a_numpy_integer_is_an_integer():
    assert resolve_seed(np.uint64(2**63 + 5)) == 2**63 + 5


def test_none_is_fresh_each_time():
    assert len({resolve_seed(None) for _ in range(20)}) == 20


def test_a_seed_sequence_gives_the_same_seed_again_and_its_children_others():
    sequence = np.random.SeedSequence(7)
    first = resolve_seed(sequence)
    assert first == resolve_seed(sequence) == resolve_seed(np.random.SeedSequence(7))
    assert first not in {resolve_seed(child) for child in sequence.spawn(3)}


def test_a_generator_is_advanced():
    generator = np.random.default_rng(3)
    first, second = resolve_seed(generator), resolve_seed(generator)
    assert first != second
    assert first == resolve_seed(np.random.default_rng(3))


@pytest.mark.parametrize("rng", [-1, np.int64(-5)])
def test_negative_seeds_are_refused(rng):
    with pytest.raises(ValueError, match=r"`rng` must be a non-negative integer.*got -"):
        resolve_seed(rng)


@pytest.mark.parametrize("rng", [True, 1.5, "0", [1], np.random.RandomState(0)])
def test_other_types_are_refused(rng):
    with pytest.raises(TypeError, match="`rng` must be a non-negative integer"):
        resolve_seed(rng)


def test_keys_are_those_of_all_releases():
    """A change here changes every published count: it needs a new stream version."""
    assert stream_key(0, "goe", "{}", 1, 10) == 0xEFC6734F1A8A5974
    assert stream_key(0, "goe", "{}", 1, None) == 0x581D953F9DABAA48


def test_keys_differ_in_every_field():
    base = (0, "goe", "{}", 1, 10)
    others = [(1, *base[1:]), (0, "gue", "{}", 1, 10), (0, "goe", '{"a":1}', 1, 10)]
    others += [(0, "goe", "{}", 2, 10), (0, "goe", "{}", 1, 11), (0, "goe", "{}", 1, None)]
    assert len({stream_key(*fields) for fields in [base, *others]}) == 7


def test_only_nested_dimensions_share_a_stream():
    goe = get_ensemble("goe")
    plain = StudySpec(goe, (1, 2, 3), 10, 0, False).parts()
    assert len({part.key for part in plain}) == 3
    (nested,) = StudySpec(goe, (1, 2, 3), 10, 0, True).parts()
    (other,) = StudySpec(goe, (5,), 10, 0, True).parts()
    assert nested.key == other.key


def test_the_recorded_seed_repeats_the_study():
    for rng in (None, np.random.SeedSequence(4), np.random.default_rng(4)):
        study = prevalence("goe", 5, samples=500, rng=rng)
        again = prevalence("goe", 5, samples=500, rng=study.seed)
        np.testing.assert_array_equal(study.counts(5), again.counts(5))

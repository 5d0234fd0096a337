"""Optimizers of first order: every step against the definition and against PyTorch."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import optimizers as reference

from saddlelab import minimize, objective, surfaces
from saddlelab.optimize import schedules
from saddlelab.optimize.methods import METHODS

EPS = 2.0**-52

# Functions of three variables: a saddle, a valley, one with a flat middle.


def bowl(x):
    return 0.5 * (3.0 * x[0] ** 2 + x[1] ** 2 - 0.5 * x[2] ** 2) + 0.1 * x[0] * x[1]


def bowl_slope(x):
    return np.array([3.0 * x[0] + 0.1 * x[1], x[1] + 0.1 * x[0], -0.5 * x[2]])


def waves(x):
    return math.sin(x[0]) * math.cos(x[1]) + 0.25 * x[2] ** 4 - 0.5 * x[2] ** 2


def waves_slope(x):
    return np.array([
        math.cos(x[0]) * math.cos(x[1]), -math.sin(x[0]) * math.sin(x[1]), x[2] ** 3 - x[2],
    ])  # fmt: skip


FUNCTIONS = {"bowl": (bowl, bowl_slope), "waves": (waves, waves_slope)}

#: Every rule of the engine with what makes it different.
CASES = [
    ("gd", {}),
    ("gd", {"weight_decay": 0.1}),
    ("momentum", {}),
    ("momentum", {"momentum": 0.5, "dampening": 0.3, "weight_decay": 0.05}),
    ("nesterov", {}),
    ("nesterov", {"look_ahead": True}),
    ("adagrad", {}),
    ("adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.1, "weight_decay": 0.1}),
    ("adagrad", {"eps_inside": True, "eps": 1e-7}),
    ("rmsprop", {}),
    ("rmsprop", {"alpha": 0.9, "momentum": 0.5, "weight_decay": 0.1}),
    ("rmsprop", {"centered": True, "eps": 1e-3}),
    ("rmsprop", {"eps_inside": True}),
    ("adam", {}),
    ("adam", {"betas": (0.5, 0.9), "eps": 1e-4, "weight_decay": 0.1}),
    ("adam", {"amsgrad": True}),
    ("adamw", {}),
    ("adamw", {"weight_decay": 0.3, "amsgrad": True}),
    ("nadam", {}),
    ("nadam", {"weight_decay": 0.1, "momentum_decay": 0.01}),
    ("nadam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
]
TORCH = {"gd": "SGD", "momentum": "SGD", "nesterov": "SGD", "adagrad": "Adagrad", "adam": "Adam",
         "rmsprop": "RMSprop", "adamw": "AdamW", "nadam": "NAdam"}  # fmt: skip
#: Those of which PyTorch has the form.
PYTORCHS = [
    pytest.param(name, options, id=f"{name} {options}")
    for name, options in CASES
    if not (options.get("look_ahead") or options.get("eps_inside"))
]

names = [f"{name} {options}" for name, options in CASES]
points = st.lists(st.floats(-2.0, 2.0), min_size=3, max_size=3)


def near(found, expected, steps):
    """Equal to rounding: each step adds some ulps, and the dynamics may stretch them.

    Where a gradient is tiny, m/√v amplifies its last bits: by 1/√(1 − β₂) at most.
    """
    size = np.maximum(1.0, np.max(np.abs(expected)))
    bound = 64.0 * EPS * steps * size * 32.0 * 1.5 ** (0.1 * steps)
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=bound)


@pytest.mark.parametrize(("name", "options"), CASES, ids=names)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_step_is_the_definition(name, options, function):
    f, slope = FUNCTIONS[function]
    x0 = np.random.default_rng(3).uniform(-2.0, 2.0, (11, 3))  # more than a group of lanes
    runs = minimize(f, x0, method=name, lr=0.05, steps=20, record="x", **options)
    rates = np.full(20, 0.05)
    for start, path in zip(x0, runs.history.x, strict=True):
        near(path, reference.trajectory(name, slope, start, rates, **options), 20)


@given(x0=points, rate=st.floats(1e-3, 0.2), case=st.sampled_from(CASES))
def test_every_step_is_the_definition_from_anywhere(x0, rate, case):
    name, options = case
    runs = minimize(waves, x0, method=name, lr=rate, steps=15, record="x", **options)
    path = reference.trajectory(name, waves_slope, x0, np.full(15, rate), **options)
    # At 0 a quotient of two zeros decides: the definition's own rounding is not ours.
    tiny = any(0.0 < abs(v) < 1e-6 for v in waves_slope(np.array(x0)))
    if not tiny:
        near(runs.history.x, path, 15)


@pytest.mark.parametrize(("name", "options"), PYTORCHS)
def test_every_step_is_pytorchs(name, options, monkeypatch):
    torch = pytest.importorskip("torch")
    # NAdam keeps a product in the default type.
    monkeypatch.setattr(torch, "get_default_dtype", lambda: torch.float64)
    x0 = np.random.default_rng(4).uniform(-2.0, 2.0, 3)
    x = torch.tensor(x0, dtype=torch.float64, requires_grad=True)
    settings = dict(options)
    if name == "momentum":
        settings.setdefault("momentum", 0.9)
    if name == "nesterov":
        settings |= {"momentum": 0.9, "nesterov": True}
    made = getattr(torch.optim, TORCH[name])([x], lr=0.05, **settings)
    path = [x0]
    for _ in range(30):
        made.zero_grad()
        value = torch.sin(x[0]) * torch.cos(x[1]) + 0.25 * x[2] ** 4 - 0.5 * x[2] ** 2
        value.backward()
        made.step()
        path.append(x.detach().numpy().copy())
    runs = minimize(waves, x0, method=name, lr=0.05, steps=30, record="x", **options)
    near(runs.history.x, np.array(path), 30)


@pytest.mark.parametrize("method", TORCH)
def test_defaults_are_pytorchs(method):
    torch = pytest.importorskip("torch")
    made = getattr(torch.optim, TORCH[method])([torch.zeros(1)])
    theirs = made.defaults
    assert METHODS[method].rate == theirs["lr"]
    for name, value in METHODS[method].options.items():
        if name in theirs and name != "momentum":
            assert tuple(np.atleast_1d(value)) == tuple(np.atleast_1d(theirs[name])), name


# --- the gradient: given, exact, by differences; lanes or not -------------------------------------


def test_however_the_gradient_is_had_the_runs_are_the_same():
    x0 = np.random.default_rng(5).uniform(-2.0, 2.0, (9, 3))
    given_one = objective(waves, gradient=waves_slope)
    exact = minimize(waves, x0, method="adam", lr=0.01, steps=50)
    near(minimize(given_one, x0, method="adam", lr=0.01, steps=50).x, exact.x, 50)

    def branching(x):
        wave = math.sin(x[0]) * math.cos(x[1])
        return wave + 0.25 * x[2] ** 4 - 0.5 * x[2] ** 2 if x[0] > -100.0 else 0.0

    # Differences are right to ε^(2/3).
    by_differences = minimize(branching, x0, method="adam", lr=0.01, steps=50).x
    np.testing.assert_allclose(by_differences, exact.x, rtol=0.0, atol=50 * 0.01 * EPS ** (1 / 3))


@pytest.mark.filterwarnings("ignore::saddlelab.PythonSpeedWarning")
def test_a_function_that_does_not_compile_runs_at_pythons_speed():
    memory = []

    def odd(x):
        memory.append(0)
        return float(sum(v**2 for v in x.tolist()))

    runs = minimize(odd, [[1.0, 2.0], [0.5, -1.0]], method="gd", lr=0.25, steps=5)
    np.testing.assert_allclose(runs.x, 0.5**5 * np.array([[1.0, 2.0], [0.5, -1.0]]), rtol=1e-8)
    assert memory


def test_an_exception_of_the_function_arrives():
    def bad(x):
        if x[0] < 0.5:
            raise RuntimeError("no further")
        return x[0] ** 2

    with pytest.raises(RuntimeError, match="no further") as caught:
        minimize(bad, [[1.0]], method="gd", lr=0.1, steps=20)
    assert "x = " in caught.value.__notes__[0]


# --- endings --------------------------------------------------------------------------------------


def double_well(x):
    return x[0] ** 2 - x[1] ** 2 + x[1] ** 4


def test_starts_end_one_by_one():
    x0 = np.random.default_rng(6).uniform(-1.0, 1.0, (300, 2))
    all_steps = minimize(double_well, x0, method="gd", lr=0.05, steps=400, record="gradient_norm")
    tol = 1e-6
    runs = minimize(double_well, x0, method="gd", lr=0.05, steps=400, tol=tol,
                    record=("gradient_norm", "x"))  # fmt: skip
    norms = all_steps.history.gradient_norm
    first = np.where((norms <= tol).any(axis=1), np.argmax(norms <= tol, axis=1), 400)
    assert runs.steps.tolist() == first.tolist()
    assert set(runs.status) <= {"converged", "steps"}
    assert (runs.status == "converged").sum() == (norms.min(axis=1) <= tol).sum() > 200
    for k in (0, 17, 299):
        end = runs.steps[k]
        assert np.array_equal(runs.history.x[k, end], runs.x[k])
        assert np.isnan(runs.history.gradient_norm[k, end + 1 :]).all()
        assert np.array_equal(runs.history.gradient_norm[k, : end + 1], norms[k, : end + 1])


def test_target_and_stall():
    x0 = [[1.0, 0.3], [0.5, -0.2]]
    runs = minimize(double_well, x0, method="gd", lr=0.05, steps=500, target=-0.2, record="value")
    assert runs.status.tolist() == ["target"] * 2
    for k, end in enumerate(runs.steps):
        assert runs.history.value[k, end] <= -0.2 < runs.history.value[k, end - 1]
    runs = minimize(double_well, x0, method="gd", lr=0.05, steps=5000, stall=1e-9,
                    record="step_length")  # fmt: skip
    assert runs.status.tolist() == ["stalled"] * 2
    for k, end in enumerate(runs.steps):
        lengths = runs.history.step_length[k]
        assert np.isnan(lengths[0])
        assert lengths[end] <= 1e-9 < lengths[end - 1]


def test_one_start_diverges_and_the_others_do_not_notice():
    x0 = np.full((20, 1), 0.5)
    x0[7] = 3.0  # x − x³ explodes beyond √3 or so
    quartic = lambda x: 0.25 * x[0] ** 4  # noqa: E731
    alone = minimize(quartic, x0[:7], method="gd", lr=1.0, steps=100)
    runs = minimize(quartic, x0, method="gd", lr=1.0, steps=100, record="value")
    assert runs.status[7] == "diverged"
    assert (np.delete(runs.status, 7) == "steps").all()
    assert np.array_equal(runs.x[:7], alone.x)
    assert np.isfinite(runs.x).all()
    assert runs.kind[7] != "minimum"
    assert not runs.success[7]
    # Its last finite point is where the definition's is.
    x, steps = 3.0, 0
    with np.errstate(over="ignore", invalid="ignore"):
        while np.isfinite(after := x - np.float64(x) ** 3):
            x, steps = after, steps + 1
    assert runs.steps[7] == steps
    np.testing.assert_allclose(runs.x[7, 0], x, rtol=1e-9)
    assert np.isnan(runs.history.value[7, steps + 1 :]).all()


def test_a_function_that_is_nan_at_the_start():
    for f, steps in ((lambda x: math.sqrt(x[0]), 0), (lambda x: math.log(x[0]), 3)):
        runs = minimize(f, [[-1.0], [1.0]], method="gd", lr=0.1, steps=3)
        assert runs.status.tolist() == ["diverged", "steps"]
        assert runs.steps.tolist() == [steps, 3]  # the slope of log x is 1/x at −1 too
        assert np.isnan(runs.value[0])
        assert runs.best == 1


# --- verdicts -------------------------------------------------------------------------------------


def test_verdicts_are_certified_and_success_is_only_a_minimum():
    x0 = np.random.default_rng(7).uniform(-5.0, 5.0, (64, 2))
    runs = minimize(surfaces.himmelblau, x0, method="adam", lr=0.05, steps=3000, tol=1e-9)
    known = surfaces.himmelblau.points()
    minima = known.x[known.index == 0]
    assert runs.success.all()
    assert runs.fun is runs.value
    assert runs.nit is runs.steps
    distance = np.linalg.norm(runs.x[:, None] - minima, axis=2).min(axis=1)
    assert distance.max() < 1e-8
    assert runs.value[runs.best] == runs.value.min()
    assert "minimum" in runs.table()
    assert repr(runs) == "<Runs of adam on himmelblau: 64 starts>"


def stable_manifold(x):
    return 0.5 * (x[0] ** 2 - x[1] ** 2) + 0.25 * x[1] ** 4


@pytest.mark.parametrize("method", ["gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"])
def test_a_start_on_the_stable_manifold_ends_at_a_saddle_and_is_told_so(method):
    runs = minimize(stable_manifold, [1.0, 0.0], method=method, lr=0.05, steps=5000, tol=1e-9,
                    near=1e-2)  # fmt: skip
    assert (runs.kind, runs.index, bool(runs.certified)) == ("saddle", 1, True)
    assert not runs.success


@pytest.mark.parametrize(("method", "options", "steps"), [
    ("gd", {}, 194), ("momentum", {}, 69), ("nesterov", {}, 61),
    ("nesterov", {"look_ahead": True}, 62), ("adagrad", {}, 17),
    ("adagrad", {"initial_accumulator_value": 0.1, "eps": 1e-7, "eps_inside": True}, 81),
    ("rmsprop", {"alpha": 0.9}, 5), ("rmsprop", {}, 2), ("adam", {}, 12),
])  # fmt: skip
def test_known_numbers_of_steps_from_a_saddle(method, options, steps):
    """(x² − y²)/2 from y = 1e-8 at rate 0.1 until |y| ≥ 1."""
    runs = minimize(lambda x: 0.5 * (x[0] ** 2 - x[1] ** 2), [1.0, 1e-8], method=method, lr=0.1,
                    steps=steps, record="x", **options)  # fmt: skip
    away = np.abs(runs.history.x[:, 1]) >= 1.0
    assert np.flatnonzero(away).tolist() == [steps]


# --- noise ----------------------------------------------------------------------------------------


def test_noise_is_normal_and_each_starts_own():
    m, n = 4000, 3
    runs = minimize(lambda x: 0.0 * x[0], np.zeros((m, n)), method="noisy_gd", noise=2.0, lr=0.5,
                    steps=4, rng=11)  # fmt: skip
    z = runs.x / (2.0 * 0.5 * math.sqrt(4))
    from scipy.stats import kstest

    assert kstest(z.ravel(), "norm").pvalue > 1e-4
    assert np.abs(np.corrcoef(z.T) - np.eye(n)).max() < 5.0 / math.sqrt(m)
    assert np.abs(np.corrcoef(z[: m // 2, 0], z[m // 2 :, 0])[0, 1]) < 5.0 / math.sqrt(m / 2)


@pytest.mark.parametrize("method", ["noisy_gd", "perturbed_gd", "adam"])
def test_same_seed_same_bits(method):
    x0 = np.random.default_rng(8).uniform(-1.0, 1.0, (700, 2))
    x0[::3] = 0.0
    options = {"noise": 0.1} if method == "adam" else {}

    def run(starts, **more):
        return minimize(double_well, starts, method=method, lr=0.05, steps=300, rng=5, **options,
                        **more)  # fmt: skip

    runs = run(x0, workers=1)
    for other in (run(x0, workers=2), run(x0, record="value"), run(x0, workers=3, target=-9.0)):
        assert np.array_equal(runs.x, other.x)
        assert np.array_equal(runs.steps, other.steps)
    assert np.array_equal(run(x0[:5]).x, runs.x[:5])
    different = minimize(double_well, x0, method=method, lr=0.05, steps=300, rng=6, **options)
    assert not np.array_equal(runs.x, different.x)
    assert runs.seed == 5


def test_perturbed_descent_leaves_where_descent_does_not():
    x0 = [[0.5, 0.0], [0.0, 0.0]]
    plain = minimize(double_well, x0, method="gd", lr=0.1, steps=5000, tol=1e-9)
    assert plain.kind.tolist() == ["saddle"] * 2
    kicked = minimize(double_well, x0, method="perturbed_gd", lr=0.1, steps=5000)
    assert kicked.kind.tolist() == ["minimum"] * 2
    assert kicked.status.tolist() == ["converged"] * 2
    assert kicked.steps.max() < 500


def test_kicks_are_uniform_in_the_ball():
    runs = minimize(lambda x: 0.0 * x[0], np.zeros((5000, 3)), method="perturbed_gd", radius=2.0,
                    steps=1, rng=3)  # fmt: skip
    radii = np.linalg.norm(runs.x, axis=1)
    from scipy.stats import kstest

    assert radii.max() <= 2.0 * (1.0 + 8 * EPS)
    assert kstest((radii / 2.0) ** 3, "uniform").pvalue > 1e-4
    assert kstest(runs.x[:, 0] / radii, "uniform", args=(-1.0, 2.0)).pvalue > 1e-4


# --- clipping and schedules -----------------------------------------------------------------------


@pytest.mark.parametrize("limits", [{"clip_norm": 0.5}, {"clip_value": 0.3},
                                    {"clip_norm": 0.7, "clip_value": 0.4}])  # fmt: skip
def test_clipping(limits):
    short = {name.removeprefix("clip_"): value for name, value in limits.items()}
    x0 = np.random.default_rng(9).uniform(-2.0, 2.0, (5, 3))
    runs = minimize(bowl, x0, method="momentum", lr=0.1, steps=10, record="x", **limits)
    for start, path in zip(x0, runs.history.x, strict=True):
        slope = lambda x: reference.clipped(bowl_slope(x), **short)  # noqa: E731
        near(path, reference.trajectory("momentum", slope, start, np.full(10, 0.1)), 10)


SCHEDULES = [
    (schedules.step(0.1, every=7, factor=0.5), "StepLR", {"step_size": 7, "gamma": 0.5}),
    (schedules.cosine(0.1, 30, 0.01), "CosineAnnealingLR", {"T_max": 30, "eta_min": 0.01}),
    (schedules.constant(0.1), "ConstantLR", {"factor": 1.0}),
    (schedules.warm_up(0.1, 10), "LinearLR", {"start_factor": 0.1, "total_iters": 9}),
    (schedules.inverse(0.1, 0.5), "LambdaLR", {"lr_lambda": lambda t: 1.0 / (1.0 + 0.5 * t)}),
]


@pytest.mark.parametrize(("schedule", "theirs", "options"), SCHEDULES,
                         ids=[name for _, name, _ in SCHEDULES])  # fmt: skip
def test_schedules_are_pytorchs(schedule, theirs, options):
    torch = pytest.importorskip("torch")
    made = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = getattr(torch.optim.lr_scheduler, theirs)(made, **options)
    expected = []
    for _ in range(30):
        expected.append(made.param_groups[0]["lr"])
        made.step()
        scheduler.step()
    np.testing.assert_allclose(schedule(np.arange(30)), expected, rtol=64 * EPS)


def test_a_schedule_is_followed():
    schedule = schedules.warm_up(schedules.cosine(0.2, 20), 5)
    rates = schedule(np.arange(20))
    path = reference.trajectory("adam", bowl_slope, [1.0, -1.0, 0.5], rates)
    for given_as in (schedule, rates, lambda t: schedule(t)):
        runs = minimize(bowl, [1.0, -1.0, 0.5], method="adam", learning_rate=given_as, steps=20,
                        record="x")  # fmt: skip
        near(runs.history.x, path, 20)


# --- history and resuming -------------------------------------------------------------------------


def test_history_holds_what_was_asked_for():
    x0 = np.random.default_rng(10).uniform(-1.0, 1.0, (37, 3))
    record = {"value": 10, "gradient_norm": 1, "step_length": 3, "x": 4}
    runs = minimize(waves, x0, method="adam", lr=0.01, steps=42, record=record)
    full = minimize(waves, x0, method="adam", lr=0.01, steps=42, record="x").history.x
    h = runs.history
    assert np.array_equal(runs.x, full[:, -1])
    assert h.steps("value").tolist() == [0, 10, 20, 30, 40]
    assert np.array_equal(h.x, full[:, ::4])
    scale = 8 * EPS * 4
    expected = np.array([[waves(x) for x in path[::10]] for path in full])
    np.testing.assert_allclose(h.value, expected, rtol=0.0, atol=scale)
    norms = np.array([[np.linalg.norm(waves_slope(x)) for x in path] for path in full])
    np.testing.assert_allclose(h.gradient_norm, norms, rtol=0.0, atol=scale)
    lengths = np.linalg.norm(np.diff(full, axis=1), axis=2)[:, 2::3]
    np.testing.assert_allclose(h.step_length[:, 1:], lengths, rtol=1e-9)
    np.testing.assert_allclose(runs.gradient_norm, norms[:, -1], rtol=0.0, atol=scale)


@pytest.mark.parametrize("method", [name for name in METHODS if not METHODS[name].needs_data])
def test_resumed_runs_are_unbroken_runs(method):
    x0 = np.random.default_rng(12).uniform(-1.0, 1.0, (50, 3))
    whole = minimize(waves, x0, method=method, steps=60, rng=1)
    begun = minimize(waves, x0, method=method, steps=25, rng=1)
    kept = begun.x.copy()
    resumed = minimize(waves, begun, steps=35)
    assert np.array_equal(resumed.x, whole.x)
    assert np.array_equal(resumed.steps, whole.steps)
    assert np.array_equal(begun.x, kept)
    assert np.array_equal(resumed.x0, x0)


def test_a_single_start_gives_scalars():
    runs = minimize(bowl, [1.0, 1.0, 0.0], method="gd", lr=0.1, steps=200, record="value")
    assert runs.x.shape == (3,)
    assert runs.history.value.shape == (201,)
    assert isinstance(float(runs.value), float)
    assert (str(runs.kind), int(runs.index), str(runs.status)) == ("saddle", 1, "steps")
    assert len(runs) == 1
    assert runs.best == 0


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "message"), [
    ({"method": "adma"}, "did you mean 'adam'"),
    ({"method": "quantum"}, "`method` must be one of gd, "),
    ({"lr": 0.0}, "`learning_rate` must be positive"),
    ({"lr": -0.1}, "`learning_rate` must be positive"),
    ({"learning_rate": lambda t: -0.1 * t}, "got -0.1 at step 1"),
    ({"learning_rate": [0.1, 0.1]}, "one number for each of the 5 steps"),
    ({"lr": 0.1, "learning_rate": 0.1}, "`lr` and `learning_rate` are the same"),
    ({"betas": (0.9, 1.0)}, r"`betas\[1\]` must be at least 0 and below 1"),
    ({"betas": 0.9}, "`betas` must be two numbers"),
    ({"beta": (0.9, 0.99)}, "`beta` is no option of adam.*did you mean 'betas'"),
    ({"momentum": 0.9}, "`momentum` is no option of adam"),
    ({"eps": -1.0}, "`eps` must not be negative"),
    ({"steps": 0}, "`steps` must be a positive integer"),
    ({"tol": -1.0}, "`tol` must not be negative"),
    ({"record": "loss"}, "`record` must be one of value, gradient_norm"),
    ({"record": {"value": 0}}, "`record` must be a positive integer"),
    ({"near": 0.0}, "`near` must be positive"),
    ({"x0": [[1.0, np.nan]]}, "`x0` must be finite"),
    ({"x0": [[]]}, "`x0` must be one point"),
    ({"clip_norm": 0.0}, "`clip_norm` must be positive"),
])  # fmt: skip
def test_bad_input_is_refused(change, message):
    call = {"x0": [1.0, 1.0], "steps": 5, "method": "adam", **change}
    with pytest.raises(ValueError, match=message):
        minimize(double_well, call.pop("x0"), **call)


def test_what_resumed_runs_cannot_change():
    runs = minimize(double_well, [1.0, 1.0], steps=3)
    with pytest.raises(ValueError, match="`fun` must be the function of the runs"):
        minimize(bowl, runs, steps=3)
    with pytest.raises(ValueError, match="`betas` is that of the runs"):
        minimize(double_well, runs, steps=3, betas=(0.5, 0.5))

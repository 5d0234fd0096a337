"""Our methods inside scipy.optimize.minimize, and what SciPy's own say at a saddle."""

import numpy as np
import pytest
from scipy import optimize

from saddlelab import check, minimize, objective, scipy_method


def manifold(x):
    """A start with x[1] = 0 is on the stable manifold of the saddle at 0."""
    return 0.5 * (x[0] ** 2 - x[1] ** 2) + 0.25 * x[1] ** 4


def slope(x):
    return np.array([x[0], -x[1] + x[1] ** 3])


def curvature(x):
    return np.array([[1.0, 0.0], [0.0, -1.0 + 3.0 * x[1] ** 2]])


SCIPYS = ["CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP", "Newton-CG", "trust-ncg", "trust-krylov"]


@pytest.mark.parametrize("method", SCIPYS)
def test_where_scipy_reports_success_the_verdict_is_a_saddle(method):
    more = {"hess": curvature} if method in ("Newton-CG", "trust-ncg", "trust-krylov") else {}
    found = optimize.minimize(manifold, [1.0, 0.0], jac=slope, method=method, **more)
    assert found.success
    verdict = check(manifold, found.x)
    assert (verdict.kind, verdict.index, bool(verdict.certified)) == ("saddle", 1, True)


def test_ours_says_so_and_is_no_success():
    found = optimize.minimize(manifold, [1.0, 0.0], method=scipy_method("gd", lr=0.1, steps=500))
    assert isinstance(found, optimize.OptimizeResult)
    assert (found.kind, found.index, found.certified, found.success) == ("saddle", 1, True, False)
    assert "saddle, index 1, certified" in found.message
    away = optimize.minimize(manifold, [1.0, 1e-3], jac=slope,
                             method=scipy_method("gd", lr=0.1, steps=500))  # fmt: skip
    assert away.success
    np.testing.assert_allclose(away.x, [0.0, 1.0], rtol=0.0, atol=1e-4)
    assert away.fun == pytest.approx(-0.25)


def test_arguments_are_scipys():
    def shifted(x, centre):
        return np.sum((x - centre) ** 2)

    centre = np.array([1.0, -2.0])
    method = scipy_method("adam", learning_rate=0.1)
    found = optimize.minimize(shifted, [0.0, 0.0], args=(centre,), method=method, tol=1e-7,
                              options={"maxiter": 4000})  # fmt: skip
    ours = minimize(objective(shifted, args=(centre,)), [0.0, 0.0], method="adam", lr=0.1,
                    tol=1e-7, steps=4000)  # fmt: skip
    assert np.array_equal(found.x, ours.x)
    assert found.nit == ours.steps
    assert found.success


def test_a_callback_sees_every_step_and_may_stop():
    seen = []

    def callback(x):
        seen.append(x.copy())
        if len(seen) == 4:
            raise StopIteration

    method = scipy_method("momentum", lr=0.1, steps=50)
    found = optimize.minimize(manifold, [1.0, 0.5], method=method, callback=callback)
    path = minimize(manifold, [1.0, 0.5], method="momentum", lr=0.1, steps=4, record="x").history.x
    assert np.array_equal(np.array(seen), path[1:])
    assert found.nit == 4


@pytest.mark.parametrize(("more", "message"), [
    ({"bounds": [(0, 1), (0, 1)]}, "`bounds` must be left out"),
    ({"constraints": {"type": "eq", "fun": lambda x: x[0]}}, "`constraints` must be left out"),
    ({"options": {"beta": 1}}, "`beta` is no option of gd"),
])  # fmt: skip
def test_what_it_cannot_do_is_refused(more, message):
    with pytest.raises(ValueError, match=message):
        optimize.minimize(manifold, [1.0, 0.0], method=scipy_method("gd"), **more)


def test_an_unknown_method_is_refused_at_once():
    with pytest.raises(ValueError, match="did you mean 'nadam'"):
        scipy_method("nadamm")

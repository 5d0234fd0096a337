"""Index laws in mpmath: de Bruijn's determinants and Pfaffians of half-line moments.

Density ∏|λ_i − λ_j|^β exp(−Σ λ²/2); index = number of eigenvalues below s.  Each returns
ln P(k), k = 0 … n, from E z^index at z = 0 … n.
"""

import mpmath as mp


def moments(count, s):
    """∫_s^∞ x^k exp(−x²/2) dx, k = 0 … count − 1."""
    end = mp.exp(-s * s / 2)
    found = [mp.sqrt(mp.pi / 2) * mp.erfc(s / mp.sqrt(2)), end]
    for k in range(2, count):
        found.append(s ** (k - 1) * end + (k - 1) * found[k - 2])
    return found[:count]


def halves(count, s):
    """The moments above s and below it."""
    return moments(count, s), [(-1) ** k * m for k, m in enumerate(moments(count, -s))]


def gue(n, s, dps):
    with mp.workdps(dps):
        up, down = halves(2 * n, mp.mpf(s))

        def generating(z):
            return mp.det(_matrix(n, lambda i, j: up[i + j] + z * down[i + j]))

        return _coefficients(generating, n)


def gse(n, s, dps):
    with mp.workdps(dps):
        up, down = halves(4 * n, mp.mpf(s))

        def entry(i, j, z):
            return (j - i) * (up[i + j - 1] + z * down[i + j - 1]) if i != j else mp.mpf(0)

        def generating(z):
            return mp.sqrt(mp.det(_matrix(2 * n, lambda i, j: entry(i, j, z))))

        return _coefficients(generating, n)


def goe(n, s, dps):
    """For even n; skew moments by quadrature."""
    assert n % 2 == 0
    with mp.workdps(dps):
        s = mp.mpf(s)
        up, down = halves(n, s)
        above, below = mp.matrix(n, n), mp.matrix(n, n)
        for i in range(n):
            for j in range(i):
                above[i, j] = _skew(i, j, s)
                # x → −x turns sgn, and x^i
                below[i, j] = -((-1) ** (i + j)) * _skew(i, j, -s)
                above[j, i], below[j, i] = -above[i, j], -below[i, j]

        def generating(z):
            cross = _matrix(n, lambda i, j: down[i] * up[j] - up[i] * down[j])
            return mp.sqrt(mp.det(above + z * cross + z * z * below))

        return _coefficients(generating, n)


def _skew(i, j, s):
    """∫∫_{x,y>s} sgn(y − x) x^i y^j exp(−(x² + y²)/2)."""
    whole = moments(j + 1, s)[j]

    def integrand(x):
        return x**i * mp.exp(-x * x / 2) * (2 * moments(j + 1, x)[j] - whole)

    top = max(abs(s), mp.mpf(3)) + mp.sqrt(2 * mp.mp.dps * mp.log(10)) + 3
    return mp.quad(integrand, mp.linspace(s, top, 9))


def _matrix(n, entry):
    return mp.matrix([[entry(i, j) for j in range(n)] for i in range(n)])


def _coefficients(generating, n):
    points = [mp.mpf(z) for z in range(n + 1)]
    values = mp.matrix([generating(z) for z in points])
    vandermonde = mp.matrix(n + 1, n + 1)
    for i, z in enumerate(points):
        for j in range(n + 1):
            vandermonde[i, j] = z**j
    solved = mp.lu_solve(vandermonde, values)
    total = sum(solved)
    return [mp.log(p / total) for p in solved]

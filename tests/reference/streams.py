"""The random streams in plain Python: Philox4x32-10 by integers, the rest with 40 digits.

Layout (saddlecore/streams.py): counter (sample low, sample high, row, attempt), key (seed low,
seed high); the output words make A = 2³² w0 + w1 and B = 2³² w2 + w3.
"""

from mpmath import MPContext

ctx = MPContext()  # our own context: the digits of `mpmath.mp` stay as they are
ctx.dps = 40
cos, log, mpf, pi, sin, sqrt = ctx.cos, ctx.log, ctx.mpf, ctx.pi, ctx.sin, ctx.sqrt
MASK = 0xFFFFFFFF
M0, M1 = 0xD2511F53, 0xCD9E8D57
W0, W1 = 0x9E3779B9, 0xBB67AE85


def philox4x32(counter, key):
    """Ten rounds of Salmon, Moraes, Dror, Shaw (2011), figure 2."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        first, second = M0 * c0, M1 * c2
        c0, c1, c2, c3 = (
            (second >> 32) ^ c1 ^ k0,
            second & MASK,
            (first >> 32) ^ c3 ^ k1,
            first & MASK,
        )
        k0, k1 = (k0 + W0) & MASK, (k1 + W1) & MASK
    return c0, c1, c2, c3


def block(key, sample, row, attempt=0):
    """(A, B) of one block."""
    counter = (sample & MASK, sample >> 32, row, attempt)
    w0, w1, w2, w3 = philox4x32(counter, (key & MASK, key >> 32))
    return w0 << 32 | w1, w2 << 32 | w3


def midpoint(value, bits):
    """(value + ½) / 2^bits: in (0, 1), symmetric about ½."""
    return (value + mpf("0.5")) / 2**bits


def radius_uniform(A):
    return midpoint(A >> 12, 52)


def acceptance(B):
    return midpoint((B >> 39) % 2**24, 24)


def normal_pair(A, B):
    """Box–Muller (1958) on a quarter of the circle, then reflections at 0 and at y = x."""
    r = sqrt(-2 * log(radius_uniform(A)))
    angle = pi / 2 * (mpf(B % 2**39) / 2**39 - mpf("0.5"))
    if B >> 63:
        r = -r
    pair = r * cos(angle), r * sin(angle)
    return pair[::-1] if A & 1 else pair


def uniform(key, sample, row):
    return radius_uniform(block(key, sample, row)[0])


def normal(key, sample, row):
    return normal_pair(*block(key, sample, row))


def gamma(key, sample, row, alpha):
    """Marsaglia–Tsang (2000) for alpha >= 1; half a squared normal for alpha = 1/2."""
    alpha = mpf(alpha)
    if alpha == mpf("0.5"):
        return normal(key, sample, row)[1] ** 2 / 2
    if alpha < 1:
        return gamma(key, sample, row, alpha + 1) * boost(key, sample, row, 0, alpha)
    for attempt in range(BOOST):
        A, B = block(key, sample, row, attempt)
        value, log_weight = proposal(normal_pair(A, B)[1], alpha)
        if value > 0 and log(acceptance(B)) < log_weight:
            return value


BOOST = 2**31  # the attempt whose block brings a gamma from shape + 1 to its shape


def boost(key, sample, row, word, alpha):
    """U^(1/alpha), which takes Gamma(alpha + 1) to Gamma(alpha); never below e^-500."""
    power = log(radius_uniform(block(key, sample, row, BOOST)[word])) / mpf(alpha)
    return ctx.exp(max(power, -500))


def proposal(x, alpha):
    """(d v, log of the probability to accept it) of Marsaglia–Tsang's proposal x."""
    d = alpha - mpf(1) / 3
    v = (1 + x / sqrt(9 * d)) ** 3
    return (d * v, x**2 / 2 + d * (1 - v + log(v))) if v > 0 else (mpf(0), mpf(0))


def gamma_pair(key, sample, row, shapes):
    """Two gammas of a row: both normals of a block, accepted together; shape 0 gives 0."""
    shapes = [mpf(shape) for shape in shapes]
    for attempt in range(BOOST):
        A, B = block(key, sample, row, attempt)
        values, weight = [], mpf(0)
        for x, shape in zip(normal_pair(A, B), shapes, strict=True):
            if shape in (0, mpf("0.5")):
                values.append(shape * x**2)
                continue
            value, log_weight = proposal(x, shape if shape >= 1 else shape + 1)
            values.append(value)
            weight += log_weight if value > 0 else -ctx.inf
        if log(acceptance(B)) < weight:
            break
    return [
        value * boost(key, sample, row, word, shape) if 0 < shape < 1 and shape != 0.5 else value
        for word, (value, shape) in enumerate(zip(values, shapes, strict=True))
    ]

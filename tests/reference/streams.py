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
    d = alpha - mpf(1) / 3
    c = 1 / sqrt(9 * d)
    attempt = 0
    while True:
        A, B = block(key, sample, row, attempt)
        x = normal_pair(A, B)[1]
        v = (1 + c * x) ** 3
        if v > 0 and log(acceptance(B)) < x**2 / 2 + d * (1 - v + log(v)):
            return d * v
        attempt += 1

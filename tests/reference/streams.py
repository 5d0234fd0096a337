"""The random streams in plain Python: Philox4x32-10 by integers, the rest with 40 digits.

Layout (saddlecore/streams.py): counter (sample low, sample high, row, attempt + purpose << 16),
key (seed low, seed high).
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


def block(key, sample, row, attempt=0, purpose=0):
    counter = (sample & MASK, sample >> 32, row, attempt + (purpose << 16))
    return philox4x32(counter, (key & MASK, key >> 32))


def uniforms(words):
    """(radius uniform in (0, 1), angle in [0, 1), acceptance in (0, 1)) of one block."""
    w0, w1, w2, w3 = words
    radius = (mpf((w0 << 20) + (w1 >> 12)) + mpf("0.5")) / 2**52
    angle = mpf((w2 << 20) + (w3 >> 12)) / 2**52
    acceptance = (mpf((w1 & 0xFFF) << 12 | (w3 & 0xFFF)) + mpf("0.5")) / 2**24
    return radius, angle, acceptance


def uniform(key, sample, row):
    return uniforms(block(key, sample, row))[0]


def normal_pair(words):
    """Box–Muller."""
    u, v, _ = uniforms(words)
    r = sqrt(-2 * log(u))
    return r * cos(2 * pi * v), r * sin(2 * pi * v)


def normal(key, sample, row):
    return normal_pair(block(key, sample, row))


def gamma(key, sample, row, alpha):
    """Marsaglia–Tsang (2000) for alpha >= 1; half a squared normal for alpha = 1/2."""
    alpha = mpf(alpha)
    if alpha == mpf("0.5"):
        return normal(key, sample, row)[1] ** 2 / 2
    d = alpha - mpf(1) / 3
    c = 1 / sqrt(9 * d)
    attempt = 0
    while True:
        words = block(key, sample, row, attempt)
        x = normal_pair(words)[1]
        v = (1 + c * x) ** 3
        if v > 0 and log(uniforms(words)[2]) < x**2 / 2 + d * (1 - v + log(v)):
            return d * v
        attempt += 1

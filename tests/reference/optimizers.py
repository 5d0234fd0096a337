"""Steps of optimizers, one start at a time, as their definitions say; nothing of ours."""

import numpy as np


def trajectory(method, gradient, x0, rates, **o):
    """All points x_0 … x_T of a method; `rates` has one number for each step."""
    x, memory, points = np.array(x0, dtype=float), {}, [np.array(x0, dtype=float)]
    for t, rate in enumerate(rates, start=1):
        x = STEPS[method](x, gradient, rate, t, memory, o)
        points.append(x.copy())
    return np.array(points)


def decayed(gradient, x, o):
    return gradient(x) + o.get("weight_decay", 0.0) * x


def gd(x, gradient, rate, t, memory, o):
    return x - rate * decayed(gradient, x, o)


def momentum(x, gradient, rate, t, memory, o):
    g = decayed(gradient, x, o)
    b = g if t == 1 else o.get("momentum", 0.9) * memory["b"] + (1 - o.get("dampening", 0.0)) * g
    memory["b"] = b
    return x - rate * b


def nesterov(x, gradient, rate, t, memory, o):
    mu = o.get("momentum", 0.9)
    if o.get("look_ahead", False):
        v = memory.get("v", np.zeros_like(x))
        memory["v"] = mu * v - rate * decayed(gradient, x + mu * v, o)
        return x + memory["v"]
    g = decayed(gradient, x, o)
    memory["b"] = mu * memory.get("b", np.zeros_like(x)) + g
    return x - rate * (g + mu * memory["b"])


def divided(g, v, o, eps):
    eps = o.get("eps", eps)
    return g / np.sqrt(v + eps) if o.get("eps_inside", False) else g / (np.sqrt(v) + eps)


def adagrad(x, gradient, rate, t, memory, o):
    g = decayed(gradient, x, o)
    start = np.full_like(x, o.get("initial_accumulator_value", 0.0))
    memory["v"] = memory.get("v", start) + g**2
    return x - rate / (1 + (t - 1) * o.get("lr_decay", 0.0)) * divided(g, memory["v"], o, 1e-10)


def rmsprop(x, gradient, rate, t, memory, o):
    g, alpha, zero = decayed(gradient, x, o), o.get("alpha", 0.99), np.zeros_like(x)
    v = memory["v"] = alpha * memory.get("v", zero) + (1 - alpha) * g**2
    if o.get("centered", False):
        memory["m"] = alpha * memory.get("m", zero) + (1 - alpha) * g
        v = np.maximum(v - memory["m"] ** 2, 0.0)
    memory["b"] = o.get("momentum", 0.0) * memory.get("b", zero) + divided(g, v, o, 1e-8)
    return x - rate * memory["b"]


def moments(g, t, memory, o):
    (beta1, beta2), zero = o.get("betas", (0.9, 0.999)), np.zeros_like(g)
    memory["m"] = beta1 * memory.get("m", zero) + (1 - beta1) * g
    memory["v"] = beta2 * memory.get("v", zero) + (1 - beta2) * g**2
    return memory["m"], memory["v"], 1 - beta1**t, 1 - beta2**t


def adam(x, gradient, rate, t, memory, o):
    m, v, first, second = moments(decayed(gradient, x, o), t, memory, o)
    if o.get("amsgrad", False):
        v = memory["top"] = np.maximum(memory.get("top", np.zeros_like(x)), v)
    return x - rate * (m / first) / (np.sqrt(v / second) + o.get("eps", 1e-8))


def adamw(x, gradient, rate, t, memory, o):
    decay = o.get("weight_decay", 1e-2)
    plain = {**o, "weight_decay": 0.0}
    return adam(x, gradient, rate, t, memory, plain) - rate * decay * x


def nadam(x, gradient, rate, t, memory, o):
    decoupled = o.get("decoupled_weight_decay", False)
    g = gradient(x) if decoupled else decayed(gradient, x, o)
    m, v, _, second = moments(g, t, memory, o)
    beta1, psi = o.get("betas", (0.9, 0.999))[0], o.get("momentum_decay", 4e-3)
    mu, after = (beta1 * (1 - 0.5 * 0.96 ** (k * psi)) for k in (t, t + 1))
    memory["product"] = memory.get("product", 1.0) * mu
    size = np.sqrt(v / second) + o.get("eps", 1e-8)
    kept = 1 - rate * o.get("weight_decay", 0.0) if decoupled else 1.0
    mean = after * m / (1 - memory["product"] * after)
    return kept * x - rate * (mean + (1 - mu) * g / (1 - memory["product"])) / size


STEPS = {
    "gd": gd, "momentum": momentum, "nesterov": nesterov, "adagrad": adagrad, "rmsprop": rmsprop,
    "adam": adam, "adamw": adamw, "nadam": nadam,
}  # fmt: skip


def clipped(g, norm=None, value=None):
    """As torch.nn.utils.clip_grad_norm_, then clip_grad_value_."""
    if norm:
        g = g * min(1.0, norm / (np.linalg.norm(g) + 1e-6))
    return np.clip(g, -value, value) if value else g

"""Derivatives of a torch model by its own parameters: backward, and differences of that."""

import copy

import torch


def gradient(model, loss, X, y):
    """∇ of the loss where the model is."""
    own = copy.deepcopy(model)
    own.zero_grad()
    loss(own(X), y).backward()
    return torch.cat([p.grad.reshape(-1) for p in own.parameters() if p.requires_grad]).numpy()


def product(model, loss, X, y, v, h=1e-5):
    """H v in float64: central differences of gradients at moved copies."""
    ends = []
    for side in (h, -h):
        moved = copy.deepcopy(model).double()
        own, at = [p for p in moved.parameters() if p.requires_grad], 0
        with torch.no_grad():
            for p in own:
                along = torch.as_tensor(v[at : at + p.numel()], dtype=torch.float64)
                p += side * along.view(p.shape)
                at += p.numel()
        ends.append(gradient(moved, loss, X.double(), y))
    return (ends[0] - ends[1]) / (2.0 * h)

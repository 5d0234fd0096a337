"""Small torch models with data, for tests: one of each kind whose second derivatives are hard."""

import torch
from sklearn.datasets import load_digits
from torch import nn


class Classifier(nn.Module):
    """An LSTM over a sequence; its last state is classified."""

    def __init__(self):
        super().__init__()
        self.cells, self.head = nn.LSTM(2, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, X):
        return self.head(self.cells(X)[0][:, -1])


class Encoder(nn.Module):
    """A transformer encoder; the mean of its outputs is classified."""

    def __init__(self, dropout=0.0):
        super().__init__()
        layer = nn.TransformerEncoderLayer(4, 2, 6, dropout=dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(4, 2)

    def forward(self, X):
        return self.head(self.encoder(X).mean(1))


def cnn():
    """Convolution, pool, dense, on digits."""
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(27, 10))  # fmt: skip
    X, y = load_digits(return_X_y=True)
    return net, torch.tensor(X[:60] / 16.0).float().view(-1, 1, 8, 8), torch.tensor(y[:60])


def lstm():
    """Which of two sums is larger."""
    X = torch.randn(30, 5, 2)
    return Classifier(), X, (X.sum(1)[:, 0] > X.sum(1)[:, 1]).long()


def normalised():
    """Batch norm and ReLU, He's start, in training mode."""
    net = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8),
                        nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))  # fmt: skip
    for each in net:
        if isinstance(each, nn.Linear):
            nn.init.kaiming_normal_(each.weight, nonlinearity="relu")
    return net, torch.randn(40, 5), torch.randint(0, 3, (40,))


def encoder():
    """Attention."""
    return Encoder(), torch.randn(20, 3, 4), torch.randint(0, 2, (20,))


KINDS = {make.__name__: make for make in (cnn, lstm, normalised, encoder)}


def make(kind):
    """A model with its data; the same at every call, and the random state as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return KINDS[kind]()

"""Signals in networks: saturation, what depth does to them and to gradients, mean-field theory."""

from saddlelab.signals.history import SaturationHistory, saturation_history
from saddlelab.signals.mean_field import MeanField, edge_of_chaos, mean_field
from saddlelab.signals.passage import Passage
from saddlelab.signals.plots import plot_histograms, plot_history, plot_saturation, plot_signals
from saddlelab.signals.report import SaturationReport
from saddlelab.signals.saturation import saturation
from saddlelab.signals.study import CURES, SignalStudy, signal_study
from saddlelab.signals.sweep import Sweep, sweep
from saddlelab.signals.sweep_plot import plot_sweep

__all__ = [
    "CURES",
    "MeanField",
    "Passage",
    "SaturationHistory",
    "SaturationReport",
    "SignalStudy",
    "Sweep",
    "edge_of_chaos",
    "mean_field",
    "plot_histograms",
    "plot_history",
    "plot_saturation",
    "plot_signals",
    "plot_sweep",
    "saturation",
    "saturation_history",
    "signal_study",
    "sweep",
]

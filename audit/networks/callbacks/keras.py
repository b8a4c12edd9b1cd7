"""Balance at the end of each epoch of Keras's ``fit``, on given samples."""

from __future__ import annotations

from typing import Any

import keras
import torch

from learnprop.audit.networks.balance import NetworkBalance, logged
from learnprop.audit.networks.monitor import BalanceMonitor


class KerasBalance(keras.callbacks.Callback):
    """See `learnprop.audit.networks.training_callbacks.keras_balance`.

    Attributes
    ----------
    history : list of NetworkBalance
        One for each epoch.
    """

    def __init__(
        self,
        monitor: BalanceMonitor,
        x: Any,
        y: torch.Tensor,
        *,
        from_logits: bool,
        batch_size: int,
    ) -> None:
        super().__init__()
        self.monitor, self.x, self.y = monitor, x, y
        self.from_logits, self.batch_size = from_logits, batch_size
        self.history: list[NetworkBalance] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Measure, and log the balance."""
        del epoch
        outputs = self.model.predict(self.x, batch_size=self.batch_size, verbose=0)
        given = torch.as_tensor(outputs).double()
        self.monitor.reset()
        self.monitor.update(given if self.from_logits else _logits(given), self.y)
        self.history.append(self.monitor.compute())
        if logs is not None:
            logs.update(logged(self.history[-1]))


def _logits(proba: torch.Tensor) -> torch.Tensor:
    """Log-probabilities; of one column, that of class 1, of both classes."""
    if proba.ndim == 1 or proba.shape[1] == 1:
        p = proba.reshape(-1)
        proba = torch.stack([1 - p, p], dim=1)
    return torch.log(proba)

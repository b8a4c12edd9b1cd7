"""Balance of each evaluation of Hugging Face's Trainer, as its ``compute_metrics``."""

from __future__ import annotations

from typing import Any

import torch

from learnprop.audit.networks.balance import NetworkBalance, logged
from learnprop.audit.networks.monitor import BalanceMonitor


class TransformersBalance:
    """See `learnprop.audit.networks.training_callbacks.transformers_balance`.

    Attributes
    ----------
    history : list of NetworkBalance
        One for each evaluation.
    """

    def __init__(self, monitor: BalanceMonitor) -> None:
        self.monitor = monitor
        self.history: list[NetworkBalance] = []

    def __call__(self, prediction: Any, compute_result: bool = True) -> dict[str, float]:
        """Numbers of an evaluation; of a batch of it, with ``batch_eval_metrics``, none yet."""
        outputs = prediction.predictions
        logits = torch.as_tensor(outputs[0] if isinstance(outputs, tuple) else outputs)
        if logits.ndim > 2:  # of tokens: classes last
            logits = logits.movedim(-1, 1)
        self.monitor.update(logits, torch.as_tensor(prediction.label_ids))
        if not compute_result:
            return {}
        self.history.append(self.monitor.compute())
        self.monitor.reset()
        return logged(self.history[-1])

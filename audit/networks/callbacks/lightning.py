"""Balance of each validation of Lightning's Trainer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from learnprop.audit.networks.balance import NetworkBalance, logged
from learnprop.audit.networks.monitor import BalanceMonitor
from learnprop.audit.networks.passes import Forward, forward_of_batch, labels_in


class LightningBalance(Callback):
    """See `learnprop.audit.networks.training_callbacks.lightning_balance`.

    Attributes
    ----------
    history : list of NetworkBalance
        One for each validation but the sanity check.
    """

    def __init__(self, monitor: BalanceMonitor, forward: Forward | None) -> None:
        self.monitor, self.forward = monitor, forward
        self.history: list[NetworkBalance] = []

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget the validation before."""
        del trainer, pl_module
        self.monitor.reset()

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Take in a batch."""
        del trainer, batch_idx, dataloader_idx
        if self.forward is not None:
            logits, labels = self.forward(pl_module, batch)
        elif isinstance(outputs, Mapping) and "logits" in outputs:
            logits, labels = outputs["logits"], labels_in(batch)
        else:
            logits, labels = forward_of_batch(pl_module, batch)
        self.monitor.update(logits, labels)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the balance."""
        if trainer.sanity_checking:
            return
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            self.monitor.sync()
        self.history.append(self.monitor.compute())
        pl_module.log_dict(logged(self.history[-1]))

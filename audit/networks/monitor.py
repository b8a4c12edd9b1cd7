"""Balance of a network while it is trained or evaluated: `BalanceMonitor`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from learnprop.audit.networks.balance import NetworkBalance, balance_of
from learnprop.audit.networks.bias_path import Start, has_changed, path_gradient, start_of
from learnprop.audit.networks.layout import samples_in
from learnprop.audit.stated_weights import weights_by_class
from learnprop.equations.arguments import BadArgument, instance_of
from learnprop.equations.arrays import FloatArray, as_number, as_whole
from learnprop.equations.class_weights import check_class_count
from learnprop.equations.losses.class_sums import full_precision
from learnprop.equations.losses.class_weighted import WideBuffers
from learnprop.equations.losses.inputs.arguments import check_ignore_index
from learnprop.equations.losses.inputs.samples import IGNORED
from learnprop.equations.mean_proba import Activation, check_activation

SUMS = ("proba", "miss", "count", "gradient", "n_updates", "unsound")
"""Buffers: what parts of a sample, or replicas, add up."""


class BalanceMonitor(WideBuffers):
    r"""Residual, gap and effective class weights of a network, batch by batch.

    Used as the metrics of torchmetrics are. Sums are kept in float64 on the device of the logits
    (in float32 where that has none), as :math:`Y^T f` of one-hot labels; nothing is copied to the
    host, and nothing waits for the device, before `compute`.

    Parameters
    ----------
    n_classes : int
        K, at least 2.
    class_weight : str, dict, Series or array_like, shape (n_classes,), optional
        λ that were asked for, or the name of a scheme; a dict or a Series is by the number of a
        class, and one that it leaves out has 1. By default equal.
    class_count : array_like, shape (n_classes,), optional
        N, class sizes of training. By default those that are seen: needed on a validation sample
        that has other shares.
    activation : {"softmax", "sigmoid"}
        Sigmoids are one-vs-all classifiers.
    ignore_index : int
        Samples with this label count nowhere.

    Raises
    ------
    ValueError
        If an argument does not fit, naming it.

    Examples
    --------
    >>> monitor = BalanceMonitor(2)
    >>> for z, y in (([[0.0, 0.0], [0.0, 1.0]], [0, 1]), ([[1.0, 0.0]], [0])):
    ...     monitor.update(torch.tensor(z), torch.tensor(y))
    >>> found = monitor.compute()
    >>> found.count, found.gap.round(2), found.effective.round(2)
    (array([2., 1.]), array([ 1.86, -0.65]), array([0.26, 0.74]))
    """

    proba: Tensor
    miss: Tensor
    count: Tensor
    gradient: Tensor
    n_updates: Tensor
    unsound: Tensor

    def __init__(
        self,
        n_classes: int,
        *,
        class_weight: Any = None,
        class_count: ArrayLike | None = None,
        activation: Activation = "softmax",
        ignore_index: int = IGNORED,
    ) -> None:
        super().__init__()
        self.n_classes = as_whole(n_classes, "n_classes", 2)
        check_activation(activation)
        check_ignore_index(ignore_index)
        self.activation, self.ignore_index = activation, ignore_index
        self.class_count = None
        if class_count is not None:
            self.class_count = check_class_count(class_count, self.n_classes)
        stated = np.ones(self.n_classes) if self.class_count is None else self.class_count
        weights_by_class(class_weight, range(self.n_classes), class_count=stated)
        self.class_weight = class_weight
        sizes = {"proba": (self.n_classes, self.n_classes), "n_updates": (1,), "unsound": (2,)}
        for name in SUMS:
            size = sizes.get(name, (self.n_classes,))
            self.register_buffer(name, torch.zeros(size, dtype=torch.float64))
        self._start: Start | None = None
        self._weight: Tensor | None = None
        self._divided_by: float | None = None
        self._hook: RemovableHandle | None = None
        self._n_steps, self._changed = 0, False

    @torch.no_grad()
    def update(self, logits: Tensor, targets: Tensor) -> None:
        """Take in a batch.

        Parameters
        ----------
        logits : tensor, shape (n_samples, n_classes) or (n_samples, n_classes, d1, ...)
            Of two classes also (n_samples,) or (n_samples, 1): the logit of class 1.
        targets : tensor of int, shape (n_samples,) or (n_samples, d1, ...)
            0 .. n_classes - 1.

        Raises
        ------
        ValueError
            If shapes or types do not fit. Values are looked at by `compute`, which waits anyway.
        """
        samples = samples_in(logits, targets, self.n_classes, self.ignore_index)
        if self.proba.device != samples.logits.device:
            self.to(samples.logits.device)
        z = samples.logits.to(self.proba.dtype)
        with full_precision(logits):
            own = samples.own.to(z.dtype)
            softmax = self.activation == "softmax"
            f = torch.softmax(z, dim=1) if softmax else torch.sigmoid(z)
            self.proba += own.mT @ f
            self.count += own.sum(dim=0)
            if not softmax:
                self.miss += (own * torch.sigmoid(-z)).sum(dim=0)
            if self._start is not None:
                self._add_gradient(f, own)
        if samples.sound is not None:
            self.unsound[0] += samples.sound.isnan().sum()
        self.unsound[1] += z.isnan().any(dim=1).sum()

    def compute(self) -> NetworkBalance:
        """Balance of all that was seen since `reset`.

        Returns
        -------
        NetworkBalance

        Raises
        ------
        ValueError
            If nothing was seen, a label was none of the classes, or a logit was NaN.
        """
        values = {name: getattr(self, name).double().cpu().numpy().copy() for name in self._sums()}
        labels, logits = values["unsound"]
        if labels:
            said = f"held {labels:.0f} labels outside 0..{self.n_classes - 1}"
            raise BadArgument("targets", said)
        if logits:
            raise BadArgument("logits", f"held NaN in {logits:.0f} samples")
        count: FloatArray = values["count"]
        if not count.any():
            raise BadArgument("logits", "are missing: nothing was seen since the start or a reset")
        with np.errstate(invalid="ignore"):
            P = values["proba"] / np.where(count > 0, count, np.nan)[:, None]
            miss = None if self.activation == "softmax" else values["miss"] / count
        found = balance_of(P, count, self.class_weight, self.class_count, miss)
        return found if self._start is None else self._with_path(found, values)

    def reset(self) -> None:
        """Forget what was seen; a bias that is tracked is tracked from where it is now."""
        for name in SUMS:
            getattr(self, name).zero_()
        self._n_steps, self._changed = 0, False
        if self._start is not None:
            self._start = start_of(self._start.optimizer, self._start.bias)

    def track(self, optimizer: Any, bias: Tensor, *, divided_by: float | None = None) -> None:
        r"""Follow the output bias through training, for E9: a check that needs no convergence.

        `compute` then has the mean gradient that the way of the bias tells of,
        :math:`(b_0 - b_T) / (\eta T)` (with momentum: `learnprop.audit.networks.bias_path`), and
        that of the minibatches that `update` saw, of their logits as training has them. They are
        equal, to the rounding of the bias, if the loss is the stated one and nothing else moves the
        bias. Of several micro-batches to a step the mean is taken.

        Parameters
        ----------
        optimizer : torch.optim.SGD
            Plain: without weight decay, Nesterov's or dampened momentum.
        bias : tensor, shape (n_classes,)
            Of the output layer, one of the optimiser's parameters.
        divided_by : float, optional
            Constant that the weighted sum over a minibatch is divided by; by default its weights,
            as PyTorch's ``reduction="mean"`` does. Weights of a named scheme sum to one.

        Raises
        ------
        ValueError
            If the optimiser is another, or an argument does not fit.
        """
        start = start_of(optimizer, bias)
        if tuple(bias.shape) != (self.n_classes,):
            got = tuple(bias.shape)
            raise BadArgument("bias", f"must have shape ({self.n_classes},), got {got}")
        if divided_by is not None and not as_number(divided_by, "divided_by") > 0:
            raise BadArgument("divided_by", f"must be positive, got {divided_by}")
        self._weight = torch.as_tensor(self._stated())
        if self._hook is not None:
            self._hook.remove()
        self._divided_by, self._start = divided_by, start
        self._hook = start.optimizer.register_step_post_hook(self._stepped)
        self.reset()

    def merge_state(self, others: BalanceMonitor | Iterable[BalanceMonitor]) -> None:
        """Add what other monitors saw, of other parts of the same sample.

        Parameters
        ----------
        others : BalanceMonitor or iterable of them

        Raises
        ------
        ValueError
            If one is of other classes.
        """
        for other in [others] if isinstance(others, BalanceMonitor) else others:
            instance_of(other, "others", BalanceMonitor)
            if (other.n_classes, other.activation) != (self.n_classes, self.activation):
                got = f"{other.n_classes} classes, {other.activation}"
                raise BadArgument("others", f"must be of the same classes and outputs, got {got}")
            for name in SUMS:
                getattr(self, name).add_(getattr(other, name).to(getattr(self, name)))

    def sync(self, group: Any = None) -> None:
        """Add what the monitors of all processes saw; `compute`, then `reset` before the next.

        One ``all_reduce`` of ``torch.distributed``. With gradients averaged over the replicas E9
        holds of the sums.

        Parameters
        ----------
        group : torch.distributed.ProcessGroup, optional
        """
        sums = [getattr(self, name) for name in SUMS]
        together = torch.cat([one.flatten() for one in sums])
        torch.distributed.all_reduce(together, group=group)
        for one, total in zip(sums, together.split([s.numel() for s in sums]), strict=True):
            one.copy_(total.view_as(one))

    def extra_repr(self) -> str:
        """Arguments, as `repr` shows them."""
        return f"n_classes={self.n_classes}, activation={self.activation!r}"

    def _stated(self) -> FloatArray:
        """λ as they were given: a constant that divides them does not scale with them."""
        return weights_by_class(
            self.class_weight, range(self.n_classes), class_count=self.class_count
        )

    def _sums(self) -> tuple[str, ...]:
        return SUMS if self._start is not None else ("proba", "miss", "count", "unsound")

    def _add_gradient(self, f: Tensor, own: Tensor) -> None:
        """Gradient of the minibatch's loss in the bias: Σ λ (f - y), divided."""
        if self._weight is None:
            return
        self._weight = self._weight.to(f)
        of_samples = own @ self._weight
        if self.activation == "softmax":
            total = of_samples @ f - own.sum(dim=0) * self._weight
        else:
            total = of_samples @ (f - own)
        self.gradient += total / (
            of_samples.sum() if self._divided_by is None else self._divided_by
        )
        self.n_updates += 1

    def _stepped(self, *_: Any) -> None:
        """After each step of the optimiser; on the host, which knows all that it asks."""
        self._n_steps += 1
        self._changed = self._changed or (self._start is not None and has_changed(self._start))

    def _with_path(self, found: NetworkBalance, values: dict[str, Any]) -> NetworkBalance:
        assert self._start is not None
        n_updates = values["n_updates"].item()
        mean = values["gradient"] / n_updates if n_updates else None
        if not self._n_steps:
            return replace(found, mean_gradient=mean, note="the optimiser made no step")
        if self._changed:
            note = "the learning rate or momentum changed between two resets"
            return replace(found, mean_gradient=mean, note=note)
        path = path_gradient(self._start, self._n_steps).cpu().numpy()
        return replace(found, path_gradient=path.astype(np.float64), mean_gradient=mean)

"""An output bias refined in a network that somebody has: `refine_output_bias`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from learnprop.audit.networks.balance import NetworkBalance
from learnprop.audit.networks.layout import samples_in
from learnprop.audit.networks.monitor import BalanceMonitor
from learnprop.audit.networks.output_layer import OutputLayer, output_layer
from learnprop.audit.networks.passes import (
    Forward,
    batches_of,
    check_takes_all,
    evaluated,
    forward_of_batch,
)
from learnprop.audit.stated_weights import stated_weights
from learnprop.equations.arguments import BadArgument, instance_of, one_of, renamed, shown
from learnprop.equations.arrays import FloatArray
from learnprop.equations.class_weights import check_class_count
from learnprop.equations.losses.inputs.samples import IGNORED
from learnprop.equations.losses.one_vs_all import equal_log_weights
from learnprop.equations.mean_proba import Activation, check_activation
from learnprop.simulations.refinement.sigmoid_bias import refine_sigmoid_bias
from learnprop.simulations.refinement.softmax_bias import refine_bias

PART = 2**24
"""Logits that are measured at once: 128 MiB."""


@dataclass(frozen=True)
class RefinedBias:
    """What `refine_output_bias` did.

    Attributes
    ----------
    head : str
        Name of the output layer.
    on : {"train", "heldout"}
    bias_before, bias : ndarray of float64, shape (n_outputs,)
        As the network had it, and has it now, in its precision.
    rounding : float
        Largest change of the refined bias by that precision.
    before, after : NetworkBalance
        On the sample; after, with the bias as it is kept.
    n_iter : int
        Passes over the logits.
    """

    head: str
    on: str
    bias_before: FloatArray
    bias: FloatArray
    rounding: float
    before: NetworkBalance
    after: NetworkBalance
    n_iter: int

    @property
    def largest_residual(self) -> float:
        """Largest residual over a class's own mass that is left, whatever its sign."""
        return float(np.abs(self.after.relative_residual).max())


def refine_output_bias(
    module: nn.Module,
    loader: Iterable[Any],
    *,
    class_weight: Any = None,
    class_count: ArrayLike | None = None,
    head: str | nn.Module | None = None,
    on: Literal["train", "heldout"] = "train",
    forward: Forward | None = None,
    activation: Activation = "softmax",
    ignore_index: int = IGNORED,
    device: torch.device | str | None = None,
) -> RefinedBias:
    r"""Set a network's output bias so that Eq. (9) is exact on a sample, and nothing else of it.

    A convex problem in K - 1 numbers (E6; `learnprop.simulations.refinement.softmax_bias`), solved
    in float64 from the logits, for the class masses :math:`w_k = \lambda_k N_k`. The network is run
    once over the loader, as it predicts (``eval()``), and the first batch twice more, to see that
    what is added to the bias is added to the logits. All other parameters and buffers, the modes of
    all modules and the random numbers stay as they are.

    On the training sample the bias is what training would have come to, had it minimised
    :math:`\sum_i \lambda_{y_i} \ell_i` in it: effects of minibatches, smoothing, early stopping and
    dropout on the balance are gone. On a held-out sample the balance of fresh data is mended,
    overfitting included; shares of its classes are of no matter, those of training are.

    Memory is that of three arrays (n_samples, n_classes) of float64, on the device of the network:
    of 50,000 images and 1000 classes 1.2 GB.

    Parameters
    ----------
    module : nn.Module
        Whose output layer has a bias of its own. Changed in place.
    loader : iterable of batches
        Pairs (x, y), or mappings as Hugging Face has them. Without augmentation that training does
        not have, too.
    class_weight : str, dict, Series or array_like, shape (n_classes,), optional
        λ to act upon, or the name of a scheme, such as "inverse"; a dict or a Series is by the
        number of a class, and one that it leaves out has 1. By default equal. For
        ``BCEWithLogitsLoss(pos_weight=p)`` it is ``[1, p]``.
    class_count : array_like, shape (n_classes,), optional
        N of training; needed on a held-out sample, and counted on the training sample.
    head : str or nn.Module, optional
        The output layer, where it cannot be found.
    on : {"train", "heldout"}
        What the loader gives.
    forward : callable, optional
        ``(module, batch) -> (logits, labels)``, for batches of other kinds.
    activation : {"softmax", "sigmoid"}
        Sigmoids are one-vs-all classifiers, each with an equation of its own. A single logit is
        that of class 1 of two.
    ignore_index : int
        Samples with this label count nowhere.
    device : torch.device or str, optional
        Where batches go; by default to the bias.

    Returns
    -------
    RefinedBias

    Raises
    ------
    ValueError
        If there is no such layer (its bias is missing, tied, or not added to the output), a batch
        or label does not fit, or a class has no sample.

    Examples
    --------
    >>> net = nn.Linear(1, 2).double()
    >>> x, y = torch.arange(6.0).double()[:, None], torch.tensor([0, 0, 0, 1, 0, 1])
    >>> found = refine_output_bias(net, [(x, y)], class_weight="inverse")
    >>> found.head, found.largest_residual < 1e-12, found.after.effective.round(8)
    ('Linear', True, array([0.33333333, 0.66666667]))
    """
    instance_of(module, "module", nn.Module)
    one_of(on, "on", ("train", "heldout"))
    check_activation(activation)
    if on == "train":
        if class_count is not None:
            raise BadArgument("class_count", "is counted on the training sample: leave it out")
        check_takes_all(loader)
    elif class_count is None:
        raise BadArgument("class_count", "is needed on a held-out sample: that of training")
    if forward is not None and not callable(forward):
        raise BadArgument("forward", f"must be a function, got {shown(forward)}")
    module = getattr(module, "_orig_mod", module)  # of a compiled one
    with evaluated(module, loader):
        layer, logits, labels = _run(module, loader, head, forward or forward_of_batch,
                                     ignore_index, device)  # fmt: skip
        return _refined(layer, logits, labels, class_weight, class_count, on, activation)


def _run(
    module: nn.Module,
    loader: Iterable[Any],
    head: str | nn.Module | None,
    forward: Forward,
    ignore_index: int,
    device: torch.device | str | None,
) -> tuple[OutputLayer, Tensor, Tensor]:
    """The output layer, logits (n_samples, K) in float64 with the bias in them, and labels."""
    where = _device_of(module) if device is None else _device(device)
    layer: OutputLayer | None = None
    z, y = [], []
    for batch in batches_of(loader, where):
        if layer is None:
            layer = output_layer(module, head, partial(_logits, forward, module, batch))
            n_classes = max(2, len(layer.bias))
        logits, labels = forward(module, batch)
        with renamed(logits="module", targets="loader"):
            samples = samples_in(logits, labels, n_classes, ignore_index)
        if samples.sound is not None and samples.sound.isnan().any():
            n = int(samples.sound.isnan().sum())
            said = f"gives {n} labels outside 0..{n_classes - 1} in a batch"
            raise BadArgument("loader", said)
        kept = samples.kept_labels >= 0
        found = samples.logits[kept]
        z.append(found.cpu().double() if found.device.type == "mps" else found.double())
        y.append(samples.kept_labels[kept].to(z[-1].device))
    if layer is None:
        raise BadArgument("loader", "gives no batch")
    return layer, torch.cat(z), torch.cat(y)


def _logits(forward: Forward, module: nn.Module, batch: Any) -> Tensor:
    return forward(module, batch)[0]


def _refined(
    layer: OutputLayer,
    logits: Tensor,
    labels: Tensor,
    class_weight: Any,
    class_count: ArrayLike | None,
    on: str,
    activation: Activation,
) -> RefinedBias:
    n_classes = logits.shape[1]
    present = torch.bincount(labels, minlength=n_classes).cpu().numpy().astype(np.float64)
    if not present.all():
        raise BadArgument("loader", f"gives no sample of class {int(present.argmin())}")
    if not logits.isfinite().all():
        raise BadArgument("module", "gives logits that are not finite")
    count = present if class_count is None else check_class_count(class_count, n_classes)
    mass = stated_weights(class_weight, range(n_classes), count) * count
    old = layer.bias.detach().cpu().double().clone()
    one_logit = len(old) == 1
    activation = "softmax" if one_logit else activation  # of (0, z)
    before = _measured(logits, labels, class_weight, count, activation)
    full = torch.cat([torch.zeros_like(old), old]) if one_logit else old
    full = full.to(logits.device)
    logits -= full
    share = torch.as_tensor(mass / present / mass.sum(), device=logits.device)
    if activation == "softmax":
        new, n_iter = refine_bias(logits[None], labels, share[None], full[None])
    else:
        log_mass = np.log(mass)
        new, n_iter = refine_sigmoid_bias(
            logits[None], labels, log_mass, equal_log_weights(log_mass), full[None]
        )
    wanted = new[0, 1:] - new[0, :1] if one_logit else new[0]
    layer.bias.copy_(wanted)
    kept = layer.bias.detach().cpu().double().clone()
    logits += (torch.cat([torch.zeros_like(kept), kept]) if one_logit else kept).to(logits.device)
    return RefinedBias(
        head=layer.name,
        on=on,
        bias_before=old.numpy(),
        bias=kept.numpy(),
        rounding=float((kept - wanted.cpu()).abs().max()),
        before=before,
        after=_measured(logits, labels, class_weight, count, activation),
        n_iter=int(n_iter[0]),
    )


def _measured(
    logits: Tensor, labels: Tensor, class_weight: Any, count: FloatArray, activation: Activation
) -> NetworkBalance:
    """Balance of logits, a part of them at a time."""
    n_classes = logits.shape[1]
    monitor = BalanceMonitor(
        n_classes, class_weight=class_weight, class_count=count, activation=activation
    )
    at_once = max(1, PART // n_classes)
    for z, y in zip(logits.split(at_once), labels.split(at_once), strict=True):
        monitor.update(z, y)
    return monitor.compute()


def _device_of(module: nn.Module) -> torch.device:
    return next((p.device for p in module.parameters()), torch.device("cpu"))


def _device(device: Any) -> torch.device:
    if isinstance(device, str | torch.device):
        try:
            return torch.device(device)
        except RuntimeError:
            pass
    raise BadArgument("device", f"must be one of PyTorch's, got {shown(device)}")

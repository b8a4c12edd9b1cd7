"""Balance in the training loops of Lightning, Hugging Face and Keras, each loaded when asked for.

All log ``balance_largest_gap`` and, of at most 20 classes, ``balance_gap_<k>`` and
``balance_weight_<k>``, the class weights that the network acts upon (summing to one). Their
``history`` has a `learnprop.audit.networks.balance.NetworkBalance` for each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from learnprop.audit.networks.monitor import BalanceMonitor
from learnprop.audit.networks.passes import Forward
from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import as_flag, as_numbers, as_whole

if TYPE_CHECKING:
    from learnprop.audit.networks.callbacks.keras import KerasBalance
    from learnprop.audit.networks.callbacks.lightning import LightningBalance
    from learnprop.audit.networks.callbacks.transformers import TransformersBalance


def lightning_balance(
    n_classes: int,
    *,
    class_weight: Any = None,
    class_count: ArrayLike | None = None,
    forward: Forward | None = None,
) -> LightningBalance:
    """Callback of Lightning's Trainer, for ``Trainer(callbacks=[...])``.

    Logs the balance on each validation sample. Logits are those that ``validation_step`` returns
    under "logits"; where it returns none the network is called once more on each batch.

    Parameters
    ----------
    n_classes : int
    class_weight : str, dict, Series or array_like, shape (n_classes,), optional
    class_count : array_like, shape (n_classes,), optional
        Of training. As in `learnprop.audit.networks.monitor.BalanceMonitor`.
    forward : callable, optional
        ``(module, batch) -> (logits, labels)``, for other batches than pairs (x, y) or mappings.

    Returns
    -------
    lightning.pytorch.Callback

    Raises
    ------
    ValueError
        If an argument does not fit.
    ImportError
        If Lightning is not installed.

    Examples
    --------
    >>> lightning_balance(1)
    Traceback (most recent call last):
    ValueError: n_classes must be at least 2, got 1
    """
    monitor = BalanceMonitor(n_classes, class_weight=class_weight, class_count=class_count)
    if forward is not None and not callable(forward):
        raise BadArgument("forward", f"must be a function, got {shown(forward)}")
    from learnprop.audit.networks.callbacks.lightning import LightningBalance

    return LightningBalance(monitor, forward)


def transformers_balance(
    n_classes: int, *, class_weight: Any = None, class_count: ArrayLike | None = None
) -> TransformersBalance:
    """``compute_metrics`` of Hugging Face's Trainer, which has the logits of each evaluation there.

    Also with ``batch_eval_metrics=True``, where the Trainer keeps no logits. Of tokens, classes
    come last, and labels of -100 do not count.

    Parameters
    ----------
    n_classes : int
    class_weight : str, dict, Series or array_like, shape (n_classes,), optional
    class_count : array_like, shape (n_classes,), optional
        Of training. As in `learnprop.audit.networks.monitor.BalanceMonitor`.

    Returns
    -------
    callable
        ``EvalPrediction -> dict``. What the Trainer logs is called ``eval_balance_...``.

    Raises
    ------
    ValueError
        If an argument does not fit.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> metrics = transformers_balance(2)
    >>> found = metrics(SimpleNamespace(predictions=np.zeros((4, 2)), label_ids=[0, 0, 1, 1]))
    >>> found["balance_largest_gap"], found["balance_weight_1"]
    (0.0, 0.5)
    """
    from learnprop.audit.networks.callbacks.transformers import TransformersBalance

    monitor = BalanceMonitor(n_classes, class_weight=class_weight, class_count=class_count)
    return TransformersBalance(monitor)


def keras_balance(
    x: Any,
    y: ArrayLike,
    n_classes: int,
    *,
    class_weight: Any = None,
    class_count: ArrayLike | None = None,
    from_logits: bool = False,
    batch_size: int = 256,
) -> KerasBalance:
    """Callback of Keras, for ``model.fit(..., callbacks=[...])``.

    Measures the balance on given samples at the end of each epoch. It comes before ``History``,
    whose columns it fills.

    Parameters
    ----------
    x : object
        What ``model.predict`` takes.
    y : array_like of int, shape (n_samples,), or one-hot (n_samples, n_classes)
    n_classes : int
    class_weight : str, dict, Series or array_like, shape (n_classes,), optional
    class_count : array_like, shape (n_classes,), optional
        Of training. As in `learnprop.audit.networks.monitor.BalanceMonitor`.
    from_logits : bool
        Whether the model gives logits, as Keras's losses call it; by default probabilities, which
        have the rounding of their type.
    batch_size : int

    Returns
    -------
    keras.callbacks.Callback

    Raises
    ------
    ValueError
        If an argument does not fit.
    ImportError
        If Keras is not installed.

    Examples
    --------
    >>> keras_balance(None, [0, 1, 2], 2)
    Traceback (most recent call last):
    ValueError: y must hold labels 0..1, got 2.0 at position 2
    """
    monitor = BalanceMonitor(n_classes, class_weight=class_weight, class_count=class_count)
    labels = _labels(y, monitor.n_classes)
    from_logits, batch_size = (
        as_flag(from_logits, "from_logits"),
        as_whole(batch_size, "batch_size", 1),
    )
    from learnprop.audit.networks.callbacks.keras import KerasBalance

    return KerasBalance(monitor, x, labels, from_logits=from_logits, batch_size=batch_size)


def _labels(y: ArrayLike, n_classes: int) -> torch.Tensor:
    """Labels 0 .. n_classes - 1, also from rows of one 1."""
    values = as_numbers(y, "y")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2 and values.shape[1] == n_classes:
        if not (np.isin(values, (0.0, 1.0)).all() and (values.sum(axis=1) == 1).all()):
            raise BadArgument("y", "must be one-hot where it has a column for each class")
        return torch.as_tensor(values.argmax(axis=1))
    if values.ndim != 1 or not len(values):
        raise BadArgument("y", f"must be labels (n_samples,), got shape {values.shape}")
    wrong = ~np.isin(values, np.arange(n_classes))
    if wrong.any():
        at = int(wrong.argmax())
        said = f"must hold labels 0..{n_classes - 1}, got {values[at]} at position {at}"
        raise BadArgument("y", said)
    return torch.as_tensor(values.astype(np.int64))

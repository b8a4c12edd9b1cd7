"""The layer whose bias is added to a network's logits: found, or named, and put to the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from learnprop.equations.arguments import BadArgument, shown

TOLERANCE = 1e-2
"""Of the change of a logit by a change of its bias of order one, beside rounding."""


class OutputLayer(NamedTuple):
    """A layer with a bias that is added to the logits.

    Attributes
    ----------
    name : str
        In ``module.named_modules()``.
    bias : tensor, shape (n_outputs,)
        Its parameter itself.
    """

    name: str
    bias: Tensor


class _Seen(NamedTuple):
    """What a module without parts gave, and how often it was called."""

    output: Tensor
    version: int
    n_calls: int


def output_layer(
    module: nn.Module,
    head: str | nn.Module | None,
    logits_now: Callable[[], Tensor],
) -> OutputLayer:
    """Find the output layer of a network, or refuse with the reason.

    Parameters
    ----------
    module : nn.Module
    head : str or nn.Module, optional
        The layer, or its name. By default the one whose output *is* what the module returns.
    logits_now : callable
        Runs the module on some samples, without a gradient.

    Returns
    -------
    OutputLayer

    Raises
    ------
    ValueError
        If no layer gives the output, it has no bias, shares it, is used twice, or what is added to
        the bias is not added to the output.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3))
    >>> x = torch.zeros(5, 2)
    >>> with torch.no_grad():
    ...     output_layer(net, None, lambda: net(x)).name
    '2'
    """
    names = {part: name for name, part in module.named_modules()}
    seen: dict[nn.Module, _Seen] = {}
    hooks = [part.register_forward_hook(_noting(seen)) for part in names]
    try:
        logits = logits_now()
    finally:
        for hook in hooks:
            hook.remove()
    layer = _found(seen, names, logits) if head is None else _named(module, head, names)
    name = names[layer] or type(layer).__name__
    bias = _bias_of(layer, name, module)
    if layer in seen and seen[layer].n_calls > 1:
        raise BadArgument("head", f": {name} is called {seen[layer].n_calls} times in a pass")
    _check_added(bias, name, logits, logits_now)
    return OutputLayer(name, bias)


def _noting(seen: dict[nn.Module, _Seen]) -> Callable[..., None]:
    """Hook that keeps what a module gave."""

    def note(part: nn.Module, _: Any, output: Any) -> None:
        n_calls = seen[part].n_calls + 1 if part in seen else 1
        if isinstance(output, Tensor):
            seen[part] = _Seen(output, output._version, n_calls)

    return note


def _found(seen: dict[nn.Module, _Seen], names: dict[nn.Module, str], logits: Tensor) -> nn.Module:
    """The layer whose output is that of the network, unchanged."""
    leaves = [part for part in seen if not any(True for _ in part.children())]
    gave = [part for part in leaves if _is_same(seen[part], logits)]
    if not gave:
        raise BadArgument(
            "head",
            "is needed: what the network returns is not the output of one of its layers, but "
            "something made of it",
        )
    # Identity, Flatten, and Dropout that is not trained pass on what they were given.
    layer = next((part for part in gave if _get_bias(part) is not None), gave[-1])
    if not isinstance(_get_bias(layer), Tensor):
        name = f"{names[layer]} ({type(layer).__name__})" if names[layer] else type(layer).__name__
        raise BadArgument("head", f": the output is that of {name}, which has no bias")
    return layer


def _is_same(one: _Seen, logits: Tensor) -> bool:
    """Whether logits are an output as it was, or a view of all of it: no copy, no change."""
    output = one.output
    is_view = (
        _share_memory(output, logits)
        and output.numel() == logits.numel()
        and output.dtype == logits.dtype
        and logits.is_contiguous()
    )
    return (output is logits or is_view) and logits._version == one.version


def _share_memory(one: Tensor, other: Tensor) -> bool:
    """Whether they begin at the same place; where there is none to be asked for, no."""
    return one.data_ptr() != 0 and one.data_ptr() == other.data_ptr()


def _named(module: nn.Module, head: Any, names: dict[nn.Module, str]) -> nn.Module:
    if isinstance(head, nn.Module):
        if head not in names:
            raise BadArgument("head", f"is no part of `module`: {type(head).__name__}")
        return head
    parts = dict(module.named_modules())
    if not isinstance(head, str) or head not in parts:
        known = [name for name, part in parts.items() if isinstance(_get_bias(part), Tensor)]
        raise BadArgument(
            "head", f"must be a layer with a bias, among {shown(known)}, got {shown(head)}"
        )
    return parts[head]


def _get_bias(part: nn.Module) -> Any:
    return getattr(part, "bias", None)


def _bias_of(layer: nn.Module, name: str, module: nn.Module) -> Tensor:
    """Its bias, if it is one of its own."""
    bias = _get_bias(layer)
    if not isinstance(bias, Tensor):
        raise BadArgument("head", f": {name} ({type(layer).__name__}) has no bias")
    if not isinstance(bias, nn.Parameter):
        raise BadArgument("head", f": the bias of {name} is computed from something else")
    if bias.ndim != 1:
        raise BadArgument("head", f": the bias of {name} has shape {tuple(bias.shape)}")
    owners = [
        owner
        for owner, parameter in module.named_parameters(remove_duplicate=False)
        if parameter is bias or _share_memory(parameter, bias)
    ]
    if len(owners) > 1:
        raise BadArgument("head", f": the bias of {name} is tied, {' and '.join(owners)} are one")
    return bias


def _check_added(bias: Tensor, name: str, logits: Tensor, logits_now: Callable[[], Tensor]) -> None:
    """Refuse unless what is added to the bias is added to the logits, but for a row's constant."""
    n_outputs = len(bias)
    at = _outputs_last(logits, n_outputs, name)
    if not at.isfinite().all():
        raise BadArgument("module", "gives logits that are not finite")
    before = bias.detach().clone()
    size = torch.linspace(0.5, 1.0, n_outputs)
    # Neighbouring classes differ, so that another order of them is seen.
    added = torch.where(torch.arange(n_outputs) % 2 == 0, size, -size)
    with torch.no_grad():
        bias.add_(added.to(bias))
        try:
            moved = _outputs_last(logits_now(), n_outputs, name)
        finally:
            expected = (bias.cpu().double() - before.cpu().double())[None]
            bias.copy_(before)
    change = moved - at
    if n_outputs > 1:  # a softmax does not see what all classes of a sample have in common
        change = change - change.mean(dim=1, keepdim=True)
        expected = expected - expected.mean()
    off = float((change - expected).abs().amax())
    rounding = torch.finfo(logits.dtype).eps * float(at.abs().amax())
    if not off <= TOLERANCE + 8 * rounding:
        raise BadArgument(
            "head",
            f": what is added to the bias of {name} is not added to what the network returns; a "
            "softmax, a temperature or another layer comes after it",
        )


def _outputs_last(logits: Tensor, n_outputs: int, name: str) -> Tensor:
    """Outputs (n_samples, n_outputs) in float64 on the host, of one batch."""
    wide = logits.detach().cpu().double()
    if n_outputs == 1:
        return wide.reshape(-1, 1)
    if wide.ndim < 2 or wide.shape[1] != n_outputs:
        if wide.ndim > 2 and wide.shape[-1] == n_outputs:
            got = tuple(wide.shape)
            raise BadArgument(
                "forward", f"is needed where classes come last, got {got}: flatten(0, -2)"
            )
        said = f": {name} has {n_outputs} outputs, the network returns {tuple(wide.shape)}"
        raise BadArgument("head", said)
    return wide if wide.ndim == 2 else wide.movedim(1, -1).flatten(0, -2)

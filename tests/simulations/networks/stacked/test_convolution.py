"""Convolutions of many networks against PyTorch's of each, and gradients by finite differences."""

import pytest
import torch
from torch.nn.functional import conv2d

from learnprop.simulations.networks.stacked import convolution
from learnprop.simulations.networks.stacked.convolution import (
    Convolution,
    columns,
    summed_columns,
)

SHAPES = [
    ((2, 3, 6, 5, 2), (4, 3, 2)),
    ((1, 2, 5, 5, 1), (3, 5, 5)),
    ((3, 1, 4, 7, 3), (2, 1, 1)),
    ((2, 2, 8, 8, 4), (6, 3, 3)),
]
"""(n_networks, n, height, width, channels) and (channels out, kernel height, kernel width)."""


def drawn(of_x, of_kernels):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(of_x, dtype=torch.float64, generator=generator)
    out, height, width = of_kernels
    weight = torch.randn(
        of_x[0], out, height, width, of_x[-1], dtype=torch.float64, generator=generator
    )
    return x.requires_grad_(), weight.requires_grad_()


def one_by_one(x, weight):
    """PyTorch's convolution of each network, channels first."""
    pairs = zip(x.movedim(-1, 2), weight.movedim(-1, 2), strict=True)
    return torch.stack([conv2d(images, kernels) for images, kernels in pairs]).movedim(2, -1)


@pytest.mark.parametrize(("of_x", "of_kernels"), SHAPES)
def test_values_and_gradients_are_pytorchs(of_x, of_kernels):
    x, weight = drawn(of_x, of_kernels)
    ours, theirs = Convolution.apply(x, weight), one_by_one(x, weight)
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-13)
    direction = torch.randn(
        ours.shape, dtype=ours.dtype, generator=torch.Generator().manual_seed(1)
    )
    for mine, expected in zip(
        torch.autograd.grad(ours, (x, weight), direction),
        torch.autograd.grad(theirs, (x, weight), direction),
        strict=True,
    ):
        assert torch.allclose(mine, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("of_x", "of_kernels"), SHAPES[:2])
def test_gradients_are_finite_differences(of_x, of_kernels):
    assert torch.autograd.gradcheck(Convolution.apply, drawn(of_x, of_kernels))


def test_a_wrong_gradient_is_seen_by_finite_differences(monkeypatch):
    right = summed_columns
    monkeypatch.setattr(convolution, "summed_columns", lambda *a: right(*a) * 1.01)
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        torch.autograd.gradcheck(Convolution.apply, drawn(*SHAPES[0]))


def test_images_get_no_gradient():
    x, weight = drawn(*SHAPES[0])
    y = Convolution.apply(x.detach(), weight)
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "summed_columns", lambda *a: asked.append(a))
        y.sum().backward()
    assert asked == []
    assert weight.grad is not None


def test_summing_is_the_transpose_of_columns():
    """<columns(x), w> = <x, summed_columns(w)>, and both are linear."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 6, 4, dtype=torch.float64, generator=generator)
    found = columns(x, 3, 2)
    w = torch.randn(found.shape, dtype=torch.float64, generator=generator)
    assert torch.allclose((found * w).sum(), (x * summed_columns(w, x.shape)).sum())
    assert found.is_contiguous()

r"""Softmax losses of many fits at once, and their derivatives.

The loss is that of a *target mass* T, of which class weights, label smoothing, mixup and the
normaliser of a minibatch are cases:

.. math:: L(\theta) = -\sum_i \sum_c T_{ic} \log f_c(x_i)
          + \frac{1}{2} \sum_p \alpha_p \sum_k \theta_{kp}^2 ,
          \qquad z_k = \theta_k^T x,

Only :math:`s_i = \sum_c T_{ic}` and the moments :math:`C_{kp} = \sum_i T_{ik} x_{ip}` enter the
derivatives,

.. math:: \frac{\partial L}{\partial \theta_{kp}}
          = \sum_i s_i f_k(x_i)\, x_{ip} - C_{kp} + \alpha_p \theta_{kp}, \qquad
          H_{kp,lq} = \sum_i s_i f_k (\delta_{kl} - f_l)\, x_{ip} x_{iq} + \alpha_p \delta .

A constant may be added to the logits of all classes: of all minimisers that is taken whose
parameters sum to zero over the classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import torch

from learnprop.simulations.minimisation.logistic_loss import tiles_of
from learnprop.simulations.minimisation.newton import Derivatives
from learnprop.simulations.minimisation.products import places_of_products, products_of

TILE_VALUES = 2**19
"""Temporary numbers of one tile on CPU, 4 MiB: of 5500 samples of five classes one tile. Seven that
the second-level cache holds take 1.7 times as long, in calls rather than in sums."""


@dataclass(frozen=True)
class SoftmaxLoss:
    """A batch of softmax losses.

    Attributes
    ----------
    design : tensor, shape (n_runs, n_params, n_samples)
        x, one row per parameter of a logit, the intercept's last.
    sample_mass : tensor, shape (n_runs, n_settings, n_samples)
        s, of sum one; may be an expanded view.
    target_moments : tensor, shape (n_runs, n_settings, n_classes, n_params)
        C.
    penalty : tensor that broadcasts to (n_runs, n_settings, n_classes, n_params)
        α, in units of the total mass.
    target : tensor, shape (n_runs, n_settings, n_classes, n_samples), or None
        T. With it the gradient is a sum of the samples' own, which keeps its digits where C and
        what is subtracted from it are an outlier's; it takes longer.
    """

    design: torch.Tensor
    sample_mass: torch.Tensor
    target_moments: torch.Tensor
    penalty: torch.Tensor
    target: torch.Tensor | None = None


def moments_of(target: torch.Tensor, design: torch.Tensor) -> torch.Tensor:
    """Moments C of a target mass.

    Parameters
    ----------
    target : tensor, shape (n_runs, n_settings, n_classes, n_samples)
    design : tensor, shape (n_runs, n_params, n_samples)

    Returns
    -------
    tensor, shape (n_runs, n_settings, n_classes, n_params)
    """
    moments = [t.flatten(0, 1) @ x.mT for t, x in zip(target, design, strict=True)]
    return torch.stack(moments).unflatten(1, target.shape[1:3])


def plain_loss(design: torch.Tensor, target: torch.Tensor) -> SoftmaxLoss:
    """Losses without penalty, of one setting each.

    Parameters
    ----------
    design : tensor, shape (n_runs, n_params, n_samples)
    target : tensor, shape (n_runs, n_classes, n_samples)
        T, of sum one.

    Returns
    -------
    SoftmaxLoss
    """
    return SoftmaxLoss(
        design=design,
        sample_mass=target.sum(dim=1)[:, None],
        target_moments=moments_of(target[:, None], design),
        penalty=design.new_zeros(design.shape[1]),
    )


def loss_at(loss: SoftmaxLoss, theta: torch.Tensor) -> torch.Tensor:
    """Value of a loss, over the total mass.

    Parameters
    ----------
    loss : SoftmaxLoss
    theta : tensor, shape (n_runs, n_settings, n_classes, n_params)

    Returns
    -------
    tensor, shape (n_runs, n_settings)
    """
    n_samples = loss.design.shape[-1]
    each = tiles_of(theta.shape[1], n_samples, n_samples, theta.device)
    normaliser = []
    for mass, parameters, x in zip(loss.sample_mass, theta, loss.design, strict=True):
        parts = []
        for s, _ in each:
            z = parameters[s] @ x
            # log Σ exp z by the largest probability, which takes half of torch.logsumexp's time.
            likeliest = torch.softmax(z, dim=1).amax(dim=1)
            parts.append((mass[s] * (z.amax(dim=1) - likeliest.log_())).sum(dim=1))
        normaliser.append(torch.cat(parts))
    linear = (loss.target_moments * theta).sum(dim=(2, 3))
    ridge = 0.5 * (loss.penalty * theta**2).sum(dim=(2, 3))
    return torch.stack(normaliser) - linear + ridge


def derivatives_of(loss: SoftmaxLoss, shape: torch.Size) -> Derivatives:
    """Gradient and Hessian as functions of theta, tile by tile.

    The Hessian's off-diagonal blocks, -Σ s f_k f_l x xᵀ, come from pairs of classes times pairs of
    parameters, one thin matrix product; a diagonal block is minus the sum of its row's others,
    since the f sum to one.

    Parameters
    ----------
    loss : SoftmaxLoss
    shape : torch.Size
        Of theta, (n_runs, n_settings, n_classes, n_params).

    Returns
    -------
    callable
        See `Derivatives`; theta, gradient and Hessian are flat in classes and parameters.
    """
    n_runs, n_settings, n_classes, n_params = shape
    n_pairs, n_products = comb(n_classes, 2), comb(n_params + 1, 2)
    rows = [n_settings * n_classes, n_settings * n_classes, n_settings * n_pairs, n_products]
    n_samples = loss.design.shape[-1]
    size = max(64, TILE_VALUES // sum(rows))
    tiles = tiles_of(n_runs, n_samples, size, loss.design.device)
    runs, part = tiles[0]
    room = runs.stop * min(part.stop, n_samples)
    buffers = [loss.design.new_empty(n * room) for n in rows]

    pair_of, product_of = (
        place.to(loss.design.device)
        for place in (_pair_of(n_classes), places_of_products(n_params))
    )
    ridge = loss.penalty.expand(shape).flatten(2)
    others_of = 1 - torch.eye(n_classes, dtype=loss.design.dtype, device=loss.design.device)

    def evaluate(
        theta: torch.Tensor, active: list[bool], curved: list[bool]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        gradient = loss.penalty * theta.view(shape)
        if loss.target is None:
            gradient = gradient - loss.target_moments
        by_pair = theta.new_zeros(n_runs, n_settings, n_pairs + 1, n_products)
        for runs, part in tiles:
            if not any(active[runs]):
                continue
            x = loss.design[runs, :, part]
            n = len(x)
            logits, proba, pairs, products = (
                buffer[: n * m * x.shape[2]].view(n, m, -1)
                for buffer, m in zip(buffers, rows, strict=True)
            )
            torch.bmm(theta[runs].reshape(n, -1, n_params), x, out=logits)
            z, f, by_class = (t.unflatten(1, (n_settings, -1)) for t in (logits, proba, pairs))
            torch.softmax(z, dim=2, out=f)
            pulled = torch.mul(f, loss.sample_mass[runs, :, None, part], out=z)
            pull = logits
            if loss.target is not None:
                t = loss.target[runs, ..., part]
                pull = (f * (others_of @ t) - t * (others_of @ f)).flatten(1, 2)
            gradient[runs] += torch.bmm(pull, x.mT).view(n, n_settings, n_classes, n_params)
            if not any(curved[runs]):
                continue
            first = 0
            for k in range(n_classes - 1):
                others = slice(first, first + n_classes - 1 - k)
                torch.mul(pulled[:, :, k + 1 :], f[:, :, k : k + 1], out=by_class[:, :, others])
                first = others.stop
            products_of(x, products)
            both = torch.bmm(pairs, products.mT)
            by_pair[runs, :, :-1] += both.view(n, n_settings, n_pairs, n_products)
        if not any(curved):
            return gradient.flatten(2), by_pair
        return gradient.flatten(2), _hessian(by_pair, pair_of, product_of, ridge)

    return evaluate


def _pair_of(n_classes: int) -> torch.Tensor:
    """Number of each pair of classes, (K, K), in the order of k < l; of k and k, that after all."""
    k, j = torch.triu_indices(n_classes, n_classes, 1)
    place = torch.full((n_classes, n_classes), len(k))
    place[k, j] = place[j, k] = torch.arange(len(k))
    return place


def _hessian(
    by_pair: torch.Tensor, pair_of: torch.Tensor, product_of: torch.Tensor, ridge: torch.Tensor
) -> torch.Tensor:
    """Hessian (R, S, K P, K P) from Σ s f_k f_l x_p x_q, k < l and p <= q; the last pair is zero.

    `ridge` (R, S, K P) comes on the diagonal. The flat direction of each parameter, the same change
    for all classes, gets a curvature of its own, which moves nothing that sums to zero over the
    classes.
    """
    n_classes = len(pair_of)
    place = pair_of[:, None, :, None] * by_pair.shape[-1] + product_of[:, None]
    hessian = -by_pair.flatten(2)[:, :, place]
    own_block = torch.zeros_like(hessian[:, :, :, :, 0])  # (R, S, K, P, P)
    for k in range(n_classes):
        own_block -= hessian[:, :, :, :, k]
    hessian.diagonal(dim1=2, dim2=4).copy_(own_block.movedim(2, -1))
    own = own_block.diagonal(dim1=3, dim2=4)  # (R, S, K, P)
    flat = own.mean(dim=2)[..., None, None] / n_classes  # (R, S, P, 1, 1)
    hessian.diagonal(dim1=3, dim2=5).permute(0, 1, 4, 2, 3).add_(flat)
    square = hessian.flatten(4).flatten(2, 3)
    square.diagonal(dim1=-2, dim2=-1).add_(ridge)
    return square

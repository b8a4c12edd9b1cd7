"""LGL-INR (Eq. (11)) of linear models, batched over replications."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument
from learnprop.equations.losses.hardness import in_negative_weights
from learnprop.equations.losses.lgl_inr import minibatch_loss
from learnprop.simulations.fitters.fit import Fit, Samples, check_enough, check_samples
from learnprop.simulations.fitters.fitter import one_fit
from learnprop.simulations.fitters.regression import (
    Attempt,
    in_units,
    newton_status,
    standardise,
    with_separated,
)
from learnprop.simulations.fitters.softmax import softmax_logits
from learnprop.simulations.minimisation.newton import SETTLED, newton
from learnprop.simulations.minimisation.separation import separation_of


def fit_lgl_inr(
    X: ArrayLike,
    y: ArrayLike,
    beta: Sequence[float],
    *,
    device: str = "cpu",
    max_iter: int = 100,
) -> Fit:
    r"""Linear LGL-INR for every replication and every β, full batch and with λ detached.

    Detached λ make the fit a fixed point, not a minimum: given λ, output k is the logistic
    regression of class k, each sample weighing :math:`1/N_k`, against the others, each weighing
    :math:`\lambda_j^{(k)} / N_j`, and λ are those of its mean probabilities. With
    :math:`\tilde x = (x, 1)`, whose last row is E10,

    .. math:: \frac{1}{N_k} \sum_{x \in S_k} \sigma(-z_k) \tilde x
              = \sum_{j \ne k} \frac{\lambda_j^{(k)}}{N_j} \sum_{x \in S_j} \sigma(z_k) \tilde x ,
              \qquad
              \lambda_j^{(k)} = \frac{e^{\beta \bar p_{j \to k}}}
              {\sum_{i \ne k} e^{\beta \bar p_{i \to k}}} .

    Newton's method, to which λ is a function of the parameters, solves it for every output to a
    norm of 1e-12, in standardised features; the mass of an output is 2.

    Parameters
    ----------
    X : array_like, shape (n_runs, n_samples, n_features)
    y : array_like, shape (n_samples,), labels 0 .. n_classes-1
    beta : sequence of float, shape (n_settings,)
        Inverse temperatures, 0 <= beta <= 1e30.
    device : {"cpu", "cuda", "auto"}
    max_iter : int
        Newton iterations, halvings included.

    Returns
    -------
    Fit
        Parameters have shape (n_runs, n_settings, n_classes, n_features + 1), intercept last.
        Loss, norm and bias gradient are those of `lgl_inr_loss`, over no mass; a fit is as bad as
        the worst of its outputs, "separated" where a hyperplane parts a class from all others.

    Raises
    ------
    ValueError
        If an argument does not fit (see `check_samples`), beta holds no or a bad number, or
        n_samples <= n_features + 1.

    Examples
    --------
    >>> X, y = np.array([[[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]]]), [0, 1, 0, 2, 1, 2]
    >>> fit = fit_lgl_inr(X, y, [0.0, 1.0])
    >>> fit.status.tolist(), fit.params.shape
    ([['converged', 'converged']], (1, 2, 3, 2))
    """
    data = _checked(X, y, beta, device)
    n_runs, n_samples, n_features = data.features.shape
    check_enough(n_samples, n_features + 1)
    count = np.bincount(data.labels).tolist()
    n_classes = len(count)
    by = standardise(torch.as_tensor(data.features.mT.copy(), device=data.device))
    design = torch.cat([by.features, torch.ones_like(by.features[:, :1])], dim=1)
    order = torch.as_tensor(np.argsort(data.labels, kind="stable"), device=data.device)
    design = design[..., order]

    def derivatives(
        trial: torch.Tensor, active: list[bool], _curved: list[bool]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        gradient = torch.zeros_like(trial)
        jacobian = trial.new_zeros(*trial.shape, trial.shape[-1])
        for run in np.flatnonzero(active):
            for s, b in enumerate(beta):
                at = run, slice(s * n_classes, (s + 1) * n_classes)
                gradient[at], jacobian[at] = _derivatives(trial[at], design[run], count, b)
        return gradient, jacobian

    found = newton(
        derivatives,
        design.new_zeros(n_runs, len(beta) * n_classes, n_features + 1),
        curvature=lambda j: j[..., -1, -1],  # the intercept's
        symmetric=False,
        max_iter=max_iter,
    )
    outputs = (n_runs, len(beta), n_classes)
    theta, gradient, step = (
        t.reshape(*outputs, -1) for t in (found.theta, found.gradient, found.step)
    )
    norm = found.gradient_norm.reshape(outputs)
    labels = torch.as_tensor(np.sort(data.labels), device=data.device)
    loss, last_move = norm.new_empty(outputs[:2]), norm.new_empty(outputs[:2])
    for run, x in enumerate(design):
        last_move[run] = (step[run] @ x).abs().amax(dim=(-2, -1))
        for s, b in enumerate(beta):
            loss[run, s] = minibatch_loss((theta[run, s] @ x).mT, labels, n_samples, b)

    params = in_units(theta, by).cpu().numpy()

    questions = [
        separation_of(lambda run, k=k: (data.features[run], (data.labels == k).astype(np.int64)))  # type: ignore[misc]
        for k in range(n_classes)
    ]

    def separated(run: int) -> bool:
        zeros = np.zeros_like(params[run])
        of_classes = np.stack([zeros, params[run]], axis=2)  # output, then against it or for it
        return any(
            ask(run, of_classes[:, k], in_full)
            for in_full in (False, True)
            for k, ask in enumerate(questions)
        )

    fit = Fit(
        params=params,
        loss=loss.cpu().numpy(),
        gradient_norm=torch.linalg.vector_norm(norm, dim=-1).cpu().numpy(),
        bias=params[..., -1],
        bias_gradient=gradient[..., -1].cpu().numpy(),
        n_iter=found.n_iter.reshape(outputs).amax(dim=-1).cpu().numpy(),
        status=newton_status(norm.amax(dim=-1), last_move),
    )
    return with_separated(Attempt(fit, last_move.cpu().numpy() <= SETTLED), separated)


def _derivatives(
    theta: torch.Tensor, x: torch.Tensor, count: Sequence[int], beta: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradient of all outputs with λ detached, (K, P), and its derivative with λ not, (K, P, P).

    All of it is in means over the classes: x (P, n_samples) is sorted by them.
    """
    own = torch.eye(len(count), dtype=x.dtype, device=x.device)
    sign = 1 - 2 * own  # of output k in class j: times the logit, that of what is wrong there
    wrong_x, curved_xx = [], []
    for j, of_class in enumerate(x.split(list(count), dim=1)):
        wrong = torch.sigmoid(sign[:, j, None] * (theta @ of_class))
        pairs = (of_class[:, None] * of_class).flatten(0, 1)
        wrong_x.append(wrong @ of_class.mT / count[j])
        curved_xx.append((wrong - wrong**2) @ pairs.mT / count[j])
    first = torch.stack(wrong_x, dim=1)  # (output k, class j, P)
    second = torch.stack(curved_xx, dim=1).unflatten(-1, (len(x), len(x)))
    weight = in_negative_weights(first[..., -1].mT, beta).mT[..., None]  # λ_j of output k; own: 0
    factor = own[..., None] + weight
    gradient = (sign[..., None] * factor * first).sum(dim=1)
    slope = second[..., -1]  # of the mean probability of output k in class j
    weight_slope = beta * weight * (slope - (weight * slope).sum(dim=1, keepdim=True))
    jacobian = (factor[..., None] * second).sum(dim=1) + first.mT @ weight_slope
    return gradient, jacobian


def _checked(X: ArrayLike, y: ArrayLike, beta: Sequence[float], device: str) -> Samples:
    if np.ndim(beta) != 1 or len(beta) == 0:
        raise BadArgument("beta", f"must be a sequence of numbers, one per setting, got {beta}")
    n_classes = len(np.unique(np.asarray(y)))
    if n_classes < 2:
        raise BadArgument("y", f"must hold at least 2 classes, got {n_classes}")
    return check_samples(X, y, np.ones((1, n_classes)), device)


FITTER = one_fit(
    fit_lgl_inr,
    softmax_logits,
    title="LGL-INR of linear outputs, full batch, to a fixed point of λ: gradient at constant λ of "
    "1e-12 for each output, of mass 2",
    activation="sigmoid",
)

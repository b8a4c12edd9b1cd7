r"""Leave-one-out logits of softmax regressions with more features than samples (E13).

The blocks of :math:`A = J H^{-1} J^T`, with J the samples' features for each logit, in matrices of
n_samples and not of n_features: with the penalty α of the coefficients, :math:`K = I \otimes X X^T
/ \alpha` and S the curvature of all samples,

.. math:: (K^{-1} + S)^{-1} = K - K Q K, \qquad Q = S - S (K^{-1} + S)^{-1} S ,

where Q takes a matrix of n_samples for each class and one more, since S is a diagonal minus what
has the rank of a single class. Intercepts :math:`B = I \otimes 1` without a penalty add
:math:`(B - K Q B) (B^T Q B)^{-1} (B - K Q B)^T`.

References
----------
Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, sections 2.7 and 3.5.
"""

from __future__ import annotations

import torch

from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.leave_one_out.logits import moved_logits
from learnprop.equations.leave_one_out.response import contrasts


def left_out_logits_of_many_features(
    X: torch.Tensor,
    logits: FloatArray,
    y: IntArray,
    weight: FloatArray,
    l2: float,
    intercept_l2: float = 0.0,
) -> FloatArray:
    """`left_out_softmax_logits` of one fit, on the device of its features.

    Parameters
    ----------
    X : tensor of float64, shape (n_samples, n_features)
        Without a column of ones.
    logits : ndarray, shape (n_samples, n_classes)
        At the minimum.
    y : ndarray of int, shape (n_samples,)
    weight : ndarray, shape (n_samples,)
        ω, of each sample.
    l2, intercept_l2 : float
        α of the coefficients, positive, and of the intercepts.

    Returns
    -------
    ndarray, shape (n_samples, n_classes)
        NaN as there. Rounding grows with the square of ω |x|² / α. Memory is that of
        3 n_classes matrices of n_samples, and four more.

    Examples
    --------
    Two logits are one, and its penalty is half of theirs:

    >>> import numpy as np
    >>> from learnprop.equations.leave_one_out.logits import left_out_logit
    >>> X, y = torch.tensor([[0.0], [1.0], [2.0], [3.0]]).double(), np.array([0, 1, 0, 1])
    >>> z, weight = np.stack([0 * y, 0.6 * X[:, 0].numpy() - 0.9], axis=1), np.ones(4)
    >>> both = left_out_logits_of_many_features(X, z, y, weight, 1.0)
    >>> (both[:, 1] - both[:, 0]).round(3).tolist()
    [0.669, -1.361, 1.361, -0.669]
    >>> left_out_logit(X.numpy(), z[:, 1], y == 1, weight, 0.5).round(3).tolist()
    [0.669, -1.361, 1.361, -0.669]
    """
    n_classes = logits.shape[1]
    z = torch.as_tensor(logits, device=X.device)
    omega = torch.as_tensor(weight, device=X.device)
    C = torch.as_tensor(contrasts(n_classes), device=X.device)
    if intercept_l2 == 0:
        X = X - X.mean(dim=0)
    kernel = X @ X.mT / l2
    root = (omega[:, None] * torch.softmax(z, dim=1)).sqrt().mT
    inverse = torch.stack([_inverse(kernel, r) for r in root])  # E, of each class
    factor = torch.linalg.cholesky(inverse.sum(dim=0))
    ones = inverse.sum(dim=2)
    pulled = torch.linalg.solve_triangular(factor, ones.mT, upper=False)
    Q = torch.diag(ones.sum(dim=1)) - pulled.mT @ pulled
    own = kernel.new_empty(n_classes, len(X))
    intercept = kernel.new_empty(n_classes, len(X))
    for k in range(n_classes):
        moved = inverse[k] @ kernel
        own[k] = kernel.diagonal() - (moved * kernel).sum(dim=0)
        intercept[k] = 1 - moved.sum(dim=0)
        inverse[k] = torch.linalg.solve_triangular(factor, moved, upper=False)
    A = torch.einsum("ani,bni->iab", inverse, inverse) + torch.diag_embed(own.mT)
    U = (torch.diag_embed(intercept.mT) + torch.einsum("ani,nb->iab", inverse, pulled)) @ C
    of_intercept = C.mT @ Q @ C
    of_intercept.diagonal().add_(intercept_l2)
    A = C.mT @ (A + U @ torch.linalg.solve(of_intercept, U.mT)) @ C
    return moved_logits(A.permute(1, 2, 0).cpu().numpy(), logits, y, weight)


def _inverse(kernel: torch.Tensor, root: torch.Tensor) -> torch.Tensor:
    """Inverse of the kernel plus that of a diagonal, which is told by its root."""
    matrix = root[:, None] * kernel * root
    matrix.diagonal().add_(1.0)
    return root[:, None] * torch.cholesky_inverse(torch.linalg.cholesky(matrix)) * root

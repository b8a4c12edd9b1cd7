"""A network's features, labels, class shares and output layer."""

import numpy as np
import pytest
import torch

N, D, K = 300, 6, 4


@pytest.fixture
def problem():
    """Features (300, 6), labels, λ over the mass, weights (4, 6) and bias of an output layer."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(K), (150, 90, 40, 20))
    features = rng.normal(size=(N, D)) + 0.8 * np.eye(K, D)[y]
    weight = np.array([0.5, 1.0, 2.0, 4.0])
    share = weight / weight[y].sum()
    return (torch.as_tensor(a) for a in (features, y, share, rng.normal(size=(K, D)), np.zeros(K)))

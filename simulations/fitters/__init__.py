r"""Fitters, batched over replications, in float64 on CPU or CUDA by the same code.

Conventions, shared by every module of this package
---------------------------------------------------
============= ================================ ================================================
name          shape                            meaning
============= ================================ ================================================
X             (n_runs, n_samples, n_features)  features of each replication
y             (n_samples,)                     labels, the same in every replication
class_weight  (n_settings, n_classes)          the λ settings that every replication is fitted
                                               with, each from the same initial point
params        (n_runs, n_settings, n_params)   coefficients, intercept last
============= ================================ ================================================

The loss is the sum form of Eq. (1), :math:`L = \sum_i \lambda_{y_i} \ell_i`. Inside a fitter it is
divided by the total mass :math:`\sum_k w_k`, a constant, and so are the gradients that a `Fit`
reports.
"""

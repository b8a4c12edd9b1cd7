"""What the paper states, as pure functions of arrays: no randomness, no files, no printing.

Conventions, shared by every module of this package
---------------------------------------------------
Classes are ``0 .. K-1``. Everything is float64.

============== ============ ==================================================================
name           shape        meaning
============== ============ ==================================================================
y_true         (n,)         true class of each sample
proba          (n, K)       predicted probabilities, rows summing to one
mean_proba     (..., K, K)  P: ``P[i, j]`` = mean predicted probability of class j where the
                            true class is i, the paper's p̄(i→j)
class_count    (..., K)     N: samples per class
class_weight   (..., K)     λ: weight of each class in the loss
class_mass     (..., K)     w = λ N
============== ============ ==================================================================
"""

BETA = 0.999
"""Default β of the class weights by effective numbers."""

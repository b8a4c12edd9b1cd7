r"""Class weights for a target.

To first order a weight acts as a bias: under a model that is true, λ multiplied by :math:`e^{b_k}`
moves the output biases by b, and nothing else. So the bias that would meet the target is found on
fresh predictions, which needs no fit, the weights are multiplied by its exponential, and the model
is fitted again, until the bias that is left over is none. The first of these biases, of equal
weights, is the other road: no retraining, the same ranking.
"""

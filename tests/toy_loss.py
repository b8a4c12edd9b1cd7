"""A loss that is not the paper's: the focal loss, of which no balance is stated."""

import torch

from learnprop.equations.losses.loss import Loss, Parameter

FOCAL = Loss(
    name="toy",
    label="Toy",
    title="focal",
    definition="focal loss",
    home="tests.toy_loss",
    activation="softmax",
    balance=None,
    parameters=(Parameter("gamma", "γ", option="toy_gamma", default=2.0),),
)


def minibatch_loss(logits, targets, batch_size, gamma):
    log_p = torch.log_softmax(logits, dim=-1).gather(-1, targets[..., None])[..., 0]
    return -((1 - log_p.exp()) ** gamma * log_p).sum(dim=-1) / batch_size

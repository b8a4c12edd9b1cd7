"""What protocols say of networks and of how they are trained."""

from __future__ import annotations

from simulations.trainer import Recipe

NETWORKS = {
    "cnn2c": "CNN2C of the paper's Table 2",
    "cnn5c": "CNN5C of the paper's Table 2",
    "resnet18": "ResNet-18 in its form for small images",
    "mobilenetv2": "MobileNetV2 in its form for small images",
}
_SCHEDULES = {
    "constant": "constant rate",
    "step": "rate divided by 10 after a half and after three quarters of the epochs",
    "cosine": "rate falling to zero by a cosine",
}


def training(recipe: Recipe) -> str:
    """Say how networks are trained."""
    parts = [
        f"SGD, {recipe.epochs} epochs, batch {recipe.batch_size}, learning rate {recipe.lr:g}, "
        f"momentum {recipe.momentum:g}, {_SCHEDULES[recipe.schedule]}"
    ]
    if recipe.weight_decay:
        bias = "the output bias too" if recipe.decay_bias else "not of the output bias"
        parts.append(f"weight decay {recipe.weight_decay:g} ({bias})")
    if recipe.augment:
        parts.append("random crop and horizontal flip (P is of the images as they are)")
    if recipe.precision != "float32":
        parts.append(f"{recipe.precision} autocast (P is of a network in float32)")
    if recipe.compiled:
        parts.append("through torch.compile")
    return "; ".join(parts)

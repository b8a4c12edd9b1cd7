"""What protocols say of networks and of how they are trained."""

from __future__ import annotations

from learnprop.simulations.networks.recipe import Recipe

NETWORK_NAMES = {
    "cnn2c": "CNN2C",
    "cnn2c-500": "CNN2C-500",
    "cnn5c": "CNN5C",
    "resnet18": "ResNet-18",
    "mobilenetv2": "MobileNetV2",
}
NETWORKS = {
    name: f"{title} of the paper's Table 2"
    if name.startswith("cnn")
    else f"{title} in its form for small images"
    for name, title in NETWORK_NAMES.items()
} | {"cnn2c-500": "CNN2C of the paper's Table 2 with a hidden layer of 500 before the output layer"}
_SCHEDULES = {
    "constant": "constant rate",
    "step": "rate divided by 10 after a half and after three quarters of the epochs",
    "cosine": "rate falling to zero by a cosine",
}


def standardised(recipe: Recipe) -> str:
    """Say by what images are standardised."""
    if recipe.standardise == "mnist":
        return "standardised by the mean and SD of MNIST, as PyTorch's example of it has them"
    return "standardised by channel"


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
    if recipe.precision == "tf32":
        parts.append("products of float32 in TF32 on a GPU")
    if recipe.precision == "bf16":
        parts.append("bf16 autocast (P is of a network in float32)")
    if recipe.compiled:
        parts.append("through torch.compile")
    return "; ".join(parts)

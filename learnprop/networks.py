"""Study commands that train networks on images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from equations.losses import LOSSES
from learnprop import options as shared
from learnprop.arguments import numbers, words
from learnprop.study_commands import study_command

if TYPE_CHECKING:
    from simulations.monte_carlo import Study

DATA, TRAINING = "Data", "Training"
"""Panels of ``--help``."""

DataDir = Annotated[
    str,
    typer.Option(
        metavar="DIR",
        help="Folder with a sub-folder per data set; else those of LEARNPROP_DATA, else where "
        "learnprop data fetch puts them.",
        rich_help_panel=DATA,
    ),
]
Precision = Annotated[
    str, typer.Option(metavar="float32|bf16", help="bf16 is autocast.", rich_help_panel=TRAINING)
]
Compile = Annotated[
    bool,
    typer.Option(
        "--compile", help="Put the network through torch.compile.", rich_help_panel=TRAINING
    ),
]


@study_command(out="results/cnn")
def cnn(
    runs: shared.Runs = 20,
    seed: shared.Seed = 0,
    dataset: Annotated[
        str,
        typer.Option(
            metavar="digits|mnist|fashion-mnist|kmnist|cifar10",
            help="Images. digits needs no download; for the others see learnprop data.",
            rich_help_panel=DATA,
        ),
    ] = "digits",
    imbalance: Annotated[
        str,
        typer.Option(
            metavar="R1,R2,...",
            help="Largest over smallest training class.",
            rich_help_panel=DATA,
        ),
    ] = "10",
    profile: Annotated[
        str,
        typer.Option(
            metavar="exponential|step",
            help="How sizes fall from class to class.",
            rich_help_panel=DATA,
        ),
    ] = "exponential",
    train_size: Annotated[
        int | None,
        typer.Option(
            help="Training images of the largest class. By default all that every class has.",
            rich_help_panel=DATA,
        ),
    ] = None,
    sizes: Annotated[
        str,
        typer.Option(
            metavar="N0,N1,...",
            help="Training images per class, instead of the above.",
            rich_help_panel=DATA,
        ),
    ] = "",
    data_dir: DataDir = "",
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCHEME|λ0,λ1,...",
            help="equal, inverse, sqrt-inverse, effective-number, or numbers; may be repeated. By "
            "default equal and inverse.",
        ),
    ] = None,
    beta: Annotated[float, typer.Option(help="β of effective-number.")] = 0.999,
    model: Annotated[
        str,
        typer.Option(
            metavar="cnn2c|cnn5c|resnet18|mobilenetv2",
            help="Network: of 28 x 28 the first two, of 28 x 28 or 32 x 32 the others.",
            rich_help_panel=TRAINING,
        ),
    ] = "cnn2c",
    epochs: Annotated[
        int, typer.Option(help="Passes over the sample.", rich_help_panel=TRAINING)
    ] = 20,
    batch_size: Annotated[
        int, typer.Option(help="Images of a minibatch.", rich_help_panel=TRAINING)
    ] = 64,
    lr: Annotated[float, typer.Option(help="Learning rate.", rich_help_panel=TRAINING)] = 0.01,
    momentum: Annotated[
        float, typer.Option(help="Of SGD, as PyTorch has it.", rich_help_panel=TRAINING)
    ] = 0.5,
    schedule: Annotated[
        str,
        typer.Option(
            metavar="constant|step|cosine",
            help="Of the learning rate; step divides it by 10 after a half and three quarters.",
            rich_help_panel=TRAINING,
        ),
    ] = "constant",
    weight_decay: Annotated[
        float, typer.Option(help="Of all but the output bias.", rich_help_panel=TRAINING)
    ] = 0.0,
    decay_bias: Annotated[
        bool,
        typer.Option(
            "--decay-bias",
            help="Decay the output bias too, which breaks Eq. (9).",
            rich_help_panel=TRAINING,
        ),
    ] = False,
    augment: Annotated[
        bool,
        typer.Option(
            "--augment", help="Random crop and horizontal flip.", rich_help_panel=TRAINING
        ),
    ] = False,
    precision: Precision = "float32",
    compile_: Compile = False,
    measure_at: Annotated[
        str,
        typer.Option(
            metavar="E1,E2,...",
            help="Epochs after which P is measured, besides the last. By default powers of two.",
            rich_help_panel=TRAINING,
        ),
    ] = "",
    margin: shared.Margin = 0.05,
    device: shared.Device = "auto",
) -> Study:
    """Put Eq. (9) to trained networks: as trained, bias refined, output layer refined.

    A second call with the same --out resumes, within a long training too.
    """
    from simulations.studies.cnn import Options, make_study

    chosen = Options(
        runs=runs,
        seed=seed,
        dataset=dataset,
        model=model,
        imbalance=numbers("--imbalance", imbalance, float),
        profile=profile,
        train_size=train_size,
        sizes=numbers("--sizes", sizes, int),
        weights=tuple(weights or Options.weights),
        beta=beta,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        momentum=momentum,
        schedule=schedule,
        weight_decay=weight_decay,
        decay_bias=decay_bias,
        augment=augment,
        precision=precision,
        compile=compile_,
        measure_at=numbers("--measure-at", measure_at, int),
        margin=margin,
        device=device,
        data_dir=data_dir,
    )
    return make_study(chosen)


@study_command(out="results/losses")
def losses(
    runs: Annotated[
        int, typer.Option(help="Replications of every loss; with one there are no intervals.")
    ] = 5,
    seed: shared.Seed = 0,
    dataset: Annotated[
        str,
        typer.Option(
            metavar="D1,D2,...",
            help="digits (no download), mnist, fashion-mnist, kmnist, cifar10.",
            rich_help_panel=DATA,
        ),
    ] = "digits",
    data_dir: DataDir = "",
    loss: Annotated[
        str,
        typer.Option(
            metavar="L1,L2,...",
            help=", ".join(f"{loss.name} ({loss.title})" for loss in LOSSES.values()) + ".",
        ),
    ] = ",".join(LOSSES),
    inr_beta: Annotated[
        str, typer.Option(metavar="B1,B2,...", help="β of lgl-inr, any numbers from 0 up.")
    ] = "1",
    match_step: Annotated[
        bool,
        typer.Option(
            "--match-step",
            help="Besides the shared learning rate: every loss scaled to the softmax loss's "
            "gradient norm at the start.",
        ),
    ] = False,
    model: Annotated[
        str,
        typer.Option(
            metavar="M1,M2,...",
            help="cnn2c, cnn5c (of 28 x 28), resnet18, mobilenetv2. By default cnn2c, on cifar10 "
            "mobilenetv2 and resnet18.",
            rich_help_panel=TRAINING,
        ),
    ] = "",
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Passes over the sample. By default 20, on cifar10 100.", rich_help_panel=TRAINING
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(help="Images of a minibatch. By default 64.", rich_help_panel=TRAINING),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            help="Learning rate. By default 0.01, on cifar10 0.1.", rich_help_panel=TRAINING
        ),
    ] = None,
    momentum: Annotated[
        float | None,
        typer.Option(
            help="Of SGD, as PyTorch has it. By default 0.5, on cifar10 0.9.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            metavar="constant|step|cosine",
            help="Of the learning rate. By default constant, on cifar10 step: divided by 10 after "
            "a half and three quarters.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option(
            help="Of all but the output bias. By default 0, on cifar10 1e-4.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    augment: Annotated[
        bool | None,
        typer.Option(
            "--augment/--no-augment",
            help="Random crop and horizontal flip. By default on cifar10.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    precision: Precision = "float32",
    compile_: Compile = False,
    margin: Annotated[
        float,
        typer.Option(
            help="Difference of accuracies that still counts as none, declared beforehand: 0.005 "
            "is half a percentage point."
        ),
    ] = 0.005,
    device: shared.Device = "auto",
) -> Study:
    """Compare the paper's losses: Tables 3, 4 and 5, Figures 1 and 2.

    Trained as in the paper unless told otherwise.

    A second call with the same --out resumes, within a long training too.

    If it is interrupted, what is there is reported.
    """
    from simulations.studies.losses import Options, make_study

    chosen = Options(
        runs=runs,
        seed=seed,
        dataset=words(dataset),
        model=words(model),
        loss=words(loss),
        inr_beta=numbers("--inr-beta", inr_beta, float),
        match_step=match_step,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        momentum=momentum,
        schedule=schedule,
        weight_decay=weight_decay,
        augment=augment,
        precision=precision,
        compile=compile_,
        margin=margin,
        device=device,
        data_dir=data_dir,
    )
    return make_study(chosen)

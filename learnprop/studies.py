"""Study commands: each lays a study out from its options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from learnprop import options as shared
from learnprop.arguments import numbers
from learnprop.study_commands import study_command

if TYPE_CHECKING:
    from simulations.monte_carlo import Study

OWN_DATA, GAUSSIAN = "Your own data", "Gaussian classes (--generator gaussian)"
"""Panels of ``explore --help``."""


@study_command(out="results/table1")
def table1(
    runs: shared.Runs = 100,
    seed: shared.Seed = 0,
    train_size: Annotated[
        tuple[int, int], typer.Option(metavar="N0 N1", help="Training samples per class.")
    ] = (1000, 10000),
    test_size: Annotated[
        tuple[int, int], typer.Option(metavar="N0 N1", help="Test samples per class.")
    ] = (1000, 1000),
    as_printed: Annotated[
        bool, typer.Option("--as-printed", help="λ0 as the paper's headings have it.")
    ] = False,
    sim1_reading: Annotated[
        str, typer.Option(metavar="sum|mixture", help="What N + U means.")
    ] = "sum",
    sim2_reading: Annotated[
        str, typer.Option(metavar="covariance|standard-deviation", help="What σ1 = 1.2 I means.")
    ] = "covariance",
    training: Annotated[
        str, typer.Option(metavar="bfgs|adam", help="How Sim2's network is trained.")
    ] = "bfgs",
    max_iter: Annotated[int, typer.Option(help="Iterations of BFGS at most.")] = 300,
    epochs: Annotated[int, typer.Option(help="Epochs of --training adam.")] = 20,
    margin: shared.Margin = 0.05,
    device: shared.Device = "cpu",
) -> Study:
    """Reproduce Table 1: Eq. (10) for Sim1 and Sim2, predicted, observed and the paper's.

    A second call with the same --out resumes.
    """
    from simulations.studies.table1 import Options, make_study

    chosen = Options(
        runs=runs,
        seed=seed,
        train_size=train_size,
        test_size=test_size,
        as_printed=as_printed,
        sim1_reading=sim1_reading,
        sim2_reading=sim2_reading,
        training=training,
        max_iter=max_iter,
        epochs=epochs,
        margin=margin,
        device=device,
    )
    return make_study(chosen)


@study_command(out="results/multiclass")
def multiclass(
    runs: shared.Runs = 100,
    seed: shared.Seed = 0,
    classes: Annotated[int, typer.Option(help="K, at least 2.")] = 5,
    dimension: Annotated[int, typer.Option(help="Number of features.")] = 2,
    means: Annotated[
        str, typer.Option(metavar="ring|simplex|random", help="How the class means lie.")
    ] = "ring",
    separation: Annotated[
        float, typer.Option(help="Distance between nearest means, in SDs of a feature.")
    ] = 2.0,
    covariance: Annotated[
        str, typer.Option(metavar="shared|per-class", help="Covariance of the classes.")
    ] = "shared",
    train_size: Annotated[int, typer.Option(help="Training samples of the largest class.")] = 2500,
    imbalance: Annotated[float, typer.Option(help="Largest over smallest training class.")] = 10.0,
    profile: Annotated[
        str, typer.Option(metavar="exponential|step", help="How sizes fall from class to class.")
    ] = "exponential",
    sizes: Annotated[
        str,
        typer.Option(metavar="N0,N1,...", help="Training samples per class, instead of the above."),
    ] = "",
    test_size: Annotated[int, typer.Option(help="Test samples of each class.")] = 1000,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCHEME|λ0,λ1,...",
            help="equal, inverse, sqrt-inverse, effective-number, or numbers; may be repeated. By "
            "default equal, inverse and sqrt-inverse.",
        ),
    ] = None,
    beta: Annotated[float, typer.Option(help="β of effective-number.")] = 0.999,
    fitter: Annotated[
        str, typer.Option(metavar="softmax|one-vs-all|mlp", help="What is fitted.")
    ] = "softmax",
    hidden: Annotated[int, typer.Option(help="Width of the hidden layer of --fitter mlp.")] = 16,
    epochs: Annotated[int, typer.Option(help="Epochs of --fitter mlp.")] = 20,
    margin: shared.Margin = 0.05,
    device: shared.Device = "cpu",
) -> Study:
    """Put Eq. (9) to the test: K Gaussian classes, several λ, both sides of every equation.

    A second call with the same --out resumes.
    """
    from simulations.studies.multiclass import Options, make_study

    chosen = Options(
        runs=runs,
        seed=seed,
        classes=classes,
        dimension=dimension,
        means=means,
        separation=separation,
        covariance=covariance,
        train_size=train_size,
        imbalance=imbalance,
        profile=profile,
        sizes=numbers("sizes", sizes, int),
        test_size=test_size,
        weights=tuple(weights or Options.weights),
        beta=beta,
        fitter=fitter,
        hidden=hidden,
        epochs=epochs,
        margin=margin,
        device=device,
    )
    return make_study(chosen)


@study_command(out="results/controls")
def controls(
    runs: shared.Runs = 100,
    seed: shared.Seed = 0,
    margin: shared.Margin = 0.05,
    device: shared.Device = "cpu",
) -> Study:
    """Break Eq. (9) on purpose: what should fail fails, and by how much; what should hold holds.

    A second call with the same --out resumes. --strict exits with 1 if a control does not end as
    expected.
    """
    from simulations.studies.controls import Options, make_study

    chosen = Options(runs=runs, seed=seed, margin=margin, device=device)
    return make_study(chosen)


@study_command(out="results/claims")
def claims(
    runs: shared.Runs = 100,
    seed: shared.Seed = 0,
    margin: shared.Margin = 0.05,
    device: shared.Device = "cpu",
) -> Study:
    """Put the paper's other statements to the test, each in a small design, with a verdict.

    A second call with the same --out resumes. --strict exits with 1 if any of them fails: some do.
    """
    from simulations.studies.claims import Options, make_study

    chosen = Options(runs=runs, seed=seed, margin=margin, device=device)
    return make_study(chosen)


@study_command(out="results/explore", max_failures=1.0)
def explore(
    runs: shared.Runs = 100,
    seed: shared.Seed = 0,
    generator: Annotated[
        str, typer.Option(metavar="sim1|sim2|gaussian", help="Where the samples come from.")
    ] = "sim1",
    ratios: Annotated[
        str, typer.Option(metavar="R1,R2,...", help="Largest over smallest training class.")
    ] = "1,2,5,10,20,50,100",
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCHEME|λ0|λ0,λ1,...",
            help="equal, inverse, sqrt-inverse, effective-number, the weight λ0 of the rarest "
            "class (the others share 1 - λ0 equally), or one number per class; may be repeated. "
            "By default all four schemes and the grid.",
        ),
    ] = None,
    grid: Annotated[
        tuple[float, float, int] | None,
        typer.Option(
            "--lambda0-grid",
            metavar="LOW HIGH N",
            help="N values of λ0 besides, even in log odds. Without --weights 0.01 0.99 10.",
        ),
    ] = None,
    beta: Annotated[float, typer.Option(help="β of effective-number.")] = 0.999,
    train_size: Annotated[
        int | None,
        typer.Option(
            help="Training samples of the largest class. By default 10000; of a file, all that "
            "each ratio allows."
        ),
    ] = None,
    profile: Annotated[
        str, typer.Option(metavar="exponential|step", help="How sizes rise from class to class.")
    ] = "exponential",
    test_size: Annotated[
        int | None,
        typer.Option(
            help="Test samples of each class. By default 1000; of a file, a fifth of each label's."
        ),
    ] = None,
    fitter: Annotated[
        str,
        typer.Option(
            metavar="auto|logistic|softmax|one-vs-all|mlp",
            help="What is fitted; auto is logistic for two classes, else softmax.",
        ),
    ] = "auto",
    hidden: Annotated[int, typer.Option(help="Width of the hidden layer of --fitter mlp.")] = 16,
    epochs: Annotated[int, typer.Option(help="Epochs of --fitter mlp.")] = 20,
    data: Annotated[
        str,
        typer.Option(
            metavar="FILE.csv|.parquet|.npz",
            help="Your own features and labels, resampled to the ratios.",
            rich_help_panel=OWN_DATA,
        ),
    ] = "",
    label: Annotated[
        str, typer.Option(help="Column of the labels.", rich_help_panel=OWN_DATA)
    ] = "label",
    drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Column that is no feature; may be repeated.",
            rich_help_panel=OWN_DATA,
        ),
    ] = None,
    rarest: Annotated[
        str,
        typer.Option(
            metavar="LABEL",
            help="Label to make rare. By default the file's rarest.",
            rich_help_panel=OWN_DATA,
        ),
    ] = "",
    classes: Annotated[int, typer.Option(help="K, at least 2.", rich_help_panel=GAUSSIAN)] = 3,
    dimension: Annotated[
        int, typer.Option(help="Number of features.", rich_help_panel=GAUSSIAN)
    ] = 2,
    means: Annotated[
        str,
        typer.Option(
            metavar="ring|simplex|random", help="How the class means lie.", rich_help_panel=GAUSSIAN
        ),
    ] = "ring",
    separation: Annotated[
        float,
        typer.Option(
            help="Distance between nearest means, in SDs of a feature.", rich_help_panel=GAUSSIAN
        ),
    ] = 2.0,
    covariance: Annotated[
        str,
        typer.Option(
            metavar="shared|per-class", help="Covariance of the classes.", rich_help_panel=GAUSSIAN
        ),
    ] = "shared",
    margin: shared.Margin = 0.05,
    device: shared.Device = "cpu",
) -> Study:
    """See what a weight does to each class: a grid of imbalance ratios and λ.

    Class 0 is the rarest. A second call with the same --out resumes.
    """
    from simulations.studies.explore import Options, make_study

    chosen = Options(
        runs=runs,
        seed=seed,
        generator=generator,
        ratios=numbers("ratios", ratios, float),
        weights=tuple(weights or ()),
        lambda0_grid=grid or (),
        beta=beta,
        data=data,
        label=label,
        drop=tuple(drop or ()),
        rarest=rarest,
        classes=classes,
        dimension=dimension,
        means=means,
        separation=separation,
        covariance=covariance,
        train_size=train_size,
        profile=profile,
        test_size=test_size,
        fitter=fitter,
        hidden=hidden,
        epochs=epochs,
        margin=margin,
        device=device,
    )
    return make_study(chosen)

"""Types of the public names; written by docs/tools/reference.py."""

from collections.abc import Sequence
from os import PathLike
from typing import Any, Literal

from numpy.typing import ArrayLike, NDArray


from learnprop.api import (
    StudyResult as StudyResult,
)
from learnprop.audit.boosting.logits import (
    balanced_logits as balanced_logits,
)
from learnprop.audit.boosting.start import (
    start_at_balance as start_at_balance,
)
from learnprop.audit.check import (
    check as check,
)
from learnprop.audit.design.design import (
    design as design,
)
from learnprop.audit.design.record import (
    DesignReport as DesignReport,
)
from learnprop.audit.display import (
    BalanceDisplay as BalanceDisplay,
)
from learnprop.audit.networks.balance import (
    NetworkBalance as NetworkBalance,
)
from learnprop.audit.networks.monitor import (
    BalanceMonitor as BalanceMonitor,
)
from learnprop.audit.networks.refine import (
    RefinedBias as RefinedBias,
    refine_output_bias as refine_output_bias,
)
from learnprop.audit.networks.training_callbacks import (
    keras_balance as keras_balance,
    lightning_balance as lightning_balance,
    transformers_balance as transformers_balance,
)
from learnprop.audit.report.record import (
    BalanceReport as BalanceReport,
)
from learnprop.audit.reweighting.classifier import (
    BalancedClassifier as BalancedClassifier,
)
from learnprop.audit.reweighting.reweight import (
    reweight as reweight,
)
from learnprop.equations.accuracy_bounds import (
    accuracy_bounds as accuracy_bounds,
)
from learnprop.equations.balance import (
    binary_ratio as binary_ratio,
    binary_ratio_in_theory as binary_ratio_in_theory,
    class_mass as class_mass,
    detailed_balance_asymmetry as detailed_balance_asymmetry,
    gap as gap,
    left_side as left_side,
    residual as residual,
    right_side as right_side,
    split_residual as split_residual,
)
from learnprop.equations.class_weights import (
    class_weights as class_weights,
    table1_class_weights as table1_class_weights,
)
from learnprop.equations.inference.estimates import (
    Estimate as Estimate,
    equivalence_verdict as equivalence_verdict,
    mcse_of_mean as mcse_of_mean,
    ratio_of_means as ratio_of_means,
)
from learnprop.equations.inference.jackknife import (
    jackknife as jackknife,
    mcse_of_sd as mcse_of_sd,
)
from learnprop.equations.inference.joint import (
    joint_test_over_runs as joint_test_over_runs,
)
from learnprop.equations.inference.model import (
    gaps_of_model as gaps_of_model,
    joint_test_of_model as joint_test_of_model,
)
from learnprop.equations.inference.simultaneous import (
    gaps_over_runs as gaps_over_runs,
    max_t_critical as max_t_critical,
)
from learnprop.equations.labels import (
    class_count as class_count,
)
from learnprop.equations.limits.predictions import (
    predict_logistic_ratio as predict_logistic_ratio,
)
from learnprop.equations.limits.state_evolution import (
    state_evolution as state_evolution,
)
from learnprop.equations.limits.state_evolution.record import (
    StateEvolution as StateEvolution,
)
from learnprop.equations.limits.state_evolution.separability import (
    separability_threshold as separability_threshold,
)
from learnprop.equations.losses.class_sums import (
    ClassSums as ClassSums,
    class_sums as class_sums,
)
from learnprop.equations.losses.gradient_factor import (
    gradient_factor as gradient_factor,
)
from learnprop.equations.losses.hardness import (
    in_negative_residual as in_negative_residual,
    in_negative_sides as in_negative_sides,
    in_negative_weights as in_negative_weights,
)
from learnprop.equations.losses.lgl_inr import (
    LGLINRLoss as LGLINRLoss,
    lgl_inr_loss as lgl_inr_loss,
)
from learnprop.equations.losses.logistic import (
    WeightedLogisticLoss as WeightedLogisticLoss,
    weighted_logistic_loss as weighted_logistic_loss,
)
from learnprop.equations.losses.one_vs_all import (
    OneVsAllLogisticLoss as OneVsAllLogisticLoss,
    one_vs_all_logistic_loss as one_vs_all_logistic_loss,
)
from learnprop.equations.losses.running_lgl_inr import (
    RunningLGLINRLoss as RunningLGLINRLoss,
)
from learnprop.equations.losses.softmax import (
    WeightedSoftmaxLoss as WeightedSoftmaxLoss,
    weighted_softmax_loss as weighted_softmax_loss,
)
from learnprop.equations.mean_proba import (
    mean_proba as mean_proba,
    mean_proba_and_second_moments as mean_proba_and_second_moments,
    proba_from_logits as proba_from_logits,
)
from learnprop.equations.stationary import (
    effective_class_weight as effective_class_weight,
    effective_class_weight_of_model as effective_class_weight_of_model,
    effective_class_weight_over_runs as effective_class_weight_over_runs,
    stationary_distribution as stationary_distribution,
)
from learnprop.equations.violations.minibatch_mean import (
    class_weight_for_minibatch_mean as class_weight_for_minibatch_mean,
    minibatch_mean_class_weight as minibatch_mean_class_weight,
)
from learnprop.equations.violations.residuals import (
    label_smoothing_residual as label_smoothing_residual,
    penalised_bias_residual as penalised_bias_residual,
    torch_label_smoothing_residual as torch_label_smoothing_residual,
)
from learnprop.simulations.engine.monte_carlo import (
    run_study as run_study,
)
from learnprop.simulations.engine.seeds import (
    replication_rng as replication_rng,
)
from learnprop.simulations.engine.study import (
    Study as Study,
)
from learnprop.simulations.engine.versions import (
    code_version as code_version,
)
from learnprop.simulations.engine.workers import (
    Workers as Workers,
)
from learnprop.simulations.fitters.fit import (
    Fit as Fit,
)
from learnprop.simulations.fitters.leave_one_out import (
    LeaveOneOut as LeaveOneOut,
    leave_one_out as leave_one_out,
)
from learnprop.simulations.fitters.logistic import (
    fit_logistic as fit_logistic,
    logistic_logits as logistic_logits,
)
from learnprop.simulations.fitters.mlp.network import (
    initial_params as initial_params,
    mlp_logits as mlp_logits,
)
from learnprop.simulations.fitters.mlp.sim2 import (
    fit_mlp as fit_mlp,
)
from learnprop.simulations.fitters.mlp.softmax import (
    fit_softmax_mlp as fit_softmax_mlp,
)
from learnprop.simulations.fitters.mlp.softmax_network import (
    initial_softmax_params as initial_softmax_params,
    softmax_mlp_logits as softmax_mlp_logits,
)
from learnprop.simulations.fitters.objective import (
    Objective as Objective,
)
from learnprop.simulations.fitters.one_vs_all import (
    fit_one_vs_all as fit_one_vs_all,
)
from learnprop.simulations.fitters.softmax import (
    fit_softmax as fit_softmax,
    softmax_logits as softmax_logits,
)
from learnprop.simulations.generators.class_sizes import (
    class_sizes as class_sizes,
)
from learnprop.simulations.generators.gaussian import (
    class_covariances as class_covariances,
    class_means as class_means,
    gaussian_classes as gaussian_classes,
)
from learnprop.simulations.generators.generator import (
    sample as sample,
)
from learnprop.simulations.generators.paper import (
    sim1 as sim1,
    sim2 as sim2,
)
from learnprop.simulations.generators.posterior import (
    posterior_balance as posterior_balance,
)
from learnprop.simulations.generators.skew_normal import (
    skew_normal_classes as skew_normal_classes,
)
from learnprop.simulations.records.measure import (
    measure as measure,
)
from learnprop.simulations.records.rows import (
    Block as Block,
    FitRow as FitRow,
    MeasurementRow as MeasurementRow,
    stack_fits as stack_fits,
    stack_measurements as stack_measurements,
)
from learnprop.simulations.records.store import (
    read_fits as read_fits,
    read_measurements as read_measurements,
)
from learnprop.simulations.records.store_file import (
    open_store as open_store,
    read_store as read_store,
)

__version__: str
__all__ = [
    # Run a study
    "table1",
    "multiclass",
    "controls",
    "claims",
    "explore",
    "cnn",
    "losses",
    "fresh",
    # Audit your classifier
    "check",
    "BalanceReport",
    "BalanceDisplay",
    "refine_output_bias",
    "RefinedBias",
    "BalanceMonitor",
    "NetworkBalance",
    "lightning_balance",
    "transformers_balance",
    "keras_balance",
    # Move a classifier to other weights
    "reweight",
    "BalancedClassifier",
    # Design class weights
    "design",
    "DesignReport",
    # Boosted trees
    "start_at_balance",
    "balanced_logits",
    # Measure a classifier
    "mean_proba",
    "mean_proba_and_second_moments",
    "proba_from_logits",
    "class_count",
    "measure",
    "accuracy_bounds",
    # The two sides of Eqs. (8) to (10)
    "class_mass",
    "residual",
    "left_side",
    "right_side",
    "gap",
    "split_residual",
    "binary_ratio",
    "binary_ratio_in_theory",
    "detailed_balance_asymmetry",
    "penalised_bias_residual",
    "label_smoothing_residual",
    "torch_label_smoothing_residual",
    "minibatch_mean_class_weight",
    "class_weight_for_minibatch_mean",
    # Class weights
    "class_weights",
    "table1_class_weights",
    "stationary_distribution",
    "effective_class_weight",
    "effective_class_weight_of_model",
    "effective_class_weight_over_runs",
    # Intervals, tests, verdicts
    "Estimate",
    "mcse_of_mean",
    "ratio_of_means",
    "equivalence_verdict",
    "mcse_of_sd",
    "jackknife",
    "gaps_over_runs",
    "max_t_critical",
    "joint_test_over_runs",
    "gaps_of_model",
    "joint_test_of_model",
    "predict_logistic_ratio",
    # The gap on fresh data, before it is drawn
    "state_evolution",
    "StateEvolution",
    "separability_threshold",
    # Losses
    "WeightedSoftmaxLoss",
    "weighted_softmax_loss",
    "WeightedLogisticLoss",
    "weighted_logistic_loss",
    "OneVsAllLogisticLoss",
    "one_vs_all_logistic_loss",
    "LGLINRLoss",
    "lgl_inr_loss",
    "RunningLGLINRLoss",
    "ClassSums",
    "class_sums",
    "in_negative_weights",
    "in_negative_sides",
    "in_negative_residual",
    "gradient_factor",
    # Samples
    "sim1",
    "sim2",
    "sample",
    "gaussian_classes",
    "class_means",
    "class_covariances",
    "skew_normal_classes",
    "class_sizes",
    "posterior_balance",
    # Fitters
    "Fit",
    "Objective",
    "fit_logistic",
    "logistic_logits",
    "fit_softmax",
    "softmax_logits",
    "fit_one_vs_all",
    "leave_one_out",
    "LeaveOneOut",
    "fit_softmax_mlp",
    "initial_softmax_params",
    "softmax_mlp_logits",
    "fit_mlp",
    "initial_params",
    "mlp_logits",
    # Studies
    "StudyResult",
    "Study",
    "run_study",
    "Block",
    "FitRow",
    "MeasurementRow",
    "stack_fits",
    "stack_measurements",
    "code_version",
    "replication_rng",
    "Workers",
    "open_store",
    "read_store",
    "read_fits",
    "read_measurements",
]

def table1(
    *,
    runs: int = ...,
    seed: int = ...,
    train_size: str | int | Sequence[int] | NDArray[Any] = ...,
    test_size: str | int | Sequence[int] | NDArray[Any] = ...,
    as_printed: bool = ...,
    sim1_reading: Literal["sum", "mixture"] = ...,
    sim2_reading: Literal["covariance", "standard-deviation"] = ...,
    training: Literal["bfgs", "adam"] = ...,
    max_iter: int = ...,
    epochs: int = ...,
    margin: float = ...,
    device: Literal["auto", "cpu", "cuda"] = ...,
    quick: bool = ...,
    out: str | PathLike[str] | None = ...,
    fresh: bool = ...,
    jobs: int = ...,
    backend: Literal["loky", "threading", "sequential", "dask"] = ...,
    scheduler: str | None = ...,
    mcse: float | None = ...,
    max_failures: float = ...,
    timeout: float | None = ...,
    progress: bool = ...,
) -> StudyResult: ...

def multiclass(
    *,
    runs: int = ...,
    seed: int = ...,
    generator: Literal["sim1", "sim2", "gaussian", "skew-normal"] = ...,
    reading: Literal["sum", "mixture", "covariance", "standard-deviation"] | None = ...,
    classes: int = ...,
    dimension: int = ...,
    means: Literal["ring", "simplex", "random"] = ...,
    separation: float = ...,
    covariance: Literal["shared", "per-class"] = ...,
    skewness: float = ...,
    train_size: int = ...,
    imbalance: float = ...,
    profile: Literal["exponential", "step"] = ...,
    sizes: str | int | Sequence[int] | NDArray[Any] = ...,
    test_size: int = ...,
    weights: str | float | Sequence[str | float | Sequence[float]] | NDArray[Any] = ...,
    beta: float = ...,
    fitter: Literal["logistic", "softmax", "one-vs-all", "mlp"] = ...,
    l2: float = ...,
    hidden: int = ...,
    epochs: int = ...,
    stage: str | Literal["raw", "loo"] | Sequence[Literal["raw", "loo"]] | NDArray[Any] = ...,
    margin: float = ...,
    device: Literal["auto", "cpu", "cuda"] = ...,
    quick: bool = ...,
    out: str | PathLike[str] | None = ...,
    fresh: bool = ...,
    jobs: int = ...,
    backend: Literal["loky", "threading", "sequential", "dask"] = ...,
    scheduler: str | None = ...,
    mcse: float | None = ...,
    max_failures: float = ...,
    timeout: float | None = ...,
    progress: bool = ...,
) -> StudyResult: ...

def controls(
    *,
    runs: int = ...,
    seed: int = ...,
    margin: float = ...,
    device: Literal["auto", "cpu", "cuda"] = ...,
    quick: bool = ...,
    out: str | PathLike[str] | None = ...,
    fresh: bool = ...,
    jobs: int = ...,
    backend: Literal["loky", "threading", "sequential", "dask"] = ...,
    scheduler: str | None = ...,
    mcse: float | None = ...,
    max_failures: float = ...,
    timeout: float | None = ...,
    progress: bool = ...,
) -> StudyResult: ...

def claims(
    *,
    runs: int = ...,
    seed: int = ...,
    margin: float = ...,
    device: Literal["auto", "cpu", "cuda"] = ...,
    quick: bool = ...,
    out: str | PathLike[str] | None = ...,
    fresh: bool = ...,
    jobs: int = ...,
    backend: Literal["loky", "threading", "sequential", "dask"] = ...,
    scheduler: str | None = ...,
    mcse: float | None = ...,
    max_failures: float = ...,
    timeout: float | None = ...,
    progress: bool = ...,
) -> StudyResult: ...

def explore(
    X: ArrayLike | None = ...,
    y: ArrayLike | None = ...,
    *,
    estimator: Any = ...,
    runs: int = ...,
    seed: int = ...,
    generator: Literal["sim1", "sim2", "gaussian", "skew-normal"] = ...,
    reading: Literal["sum", "mixture", "covariance", "standard-deviation"] | None = ...,
    classes: int = ...,
    dimension: int = ...,
    means: Literal["ring", "simplex", "random"] = ...,
    separation: float = ...,
    covariance: Literal["shared", "per-class"] = ...,
    skewness: float = ...,
    ratios: str | float | Sequence[float] | NDArray[Any] = ...,
    weights: str | float | Sequence[str | float | Sequence[float]] | NDArray[Any] = ...,
    lambda0_grid: str | float | Sequence[float] | NDArray[Any] = ...,
    beta: float = ...,
    train_size: int | None = ...,
    profile: Literal["exponential", "step"] = ...,
    test_size: int | None = ...,
    fitter: Literal["auto", "logistic", "softmax", "one-vs-all", "mlp"] = ...,
    l2: float = ...,
    hidden: int = ...,
    epochs: int = ...,
    stage: str | Literal["raw", "loo"] | Sequence[Literal["raw", "loo"]] | NDArray[Any] = ...,
    data: str = ...,
    label: str = ...,
    drop: str | Sequence[str] | NDArray[Any] = ...,
    drop_labels: str | float | Sequence[str | float] | NDArray[Any] = ...,
    rarest: str | float = ...,
    sep: str = ...,
    decimal: str = ...,
    encoding: str = ...,
    margin: float = ...,
    device: Literal["auto", "cpu", "cuda"] = ...,
    quick: bool = ...,
    out: str | PathLike[str] | None = ...,
    fresh: bool = ...,
    jobs: int = ...,
    backend: Literal["loky", "threading", "sequential", "dask"] = ...,
    scheduler: str | None = ...,
    mcse: float | None = ...,
    max_failures: float = ...,
    timeout: float | None = ...,
    progress: bool = ...,
) -> StudyResult: ...

def cnn(
    *,
    runs: int = ...,
    seed: int = ...,
    dataset: Literal["digits", "mnist", "fashion-mnist", "kmnist", "cifar10"] = ...,
    imbalance: str | float | Sequence[float] | NDArray[Any] = ...,
    profile: Literal["exponential", "step"] = ...,
    train_size: int | None = ...,
    sizes: str | int | Sequence[int] | NDArray[Any] = ...,
    heldout: float = ...,
    data_dir: str = ...,
    weights: str | float | Sequence[str | float | Sequence[float]] | NDArray[Any] = ...,
    beta: float = ...,
    model: Literal["cnn2c", "cnn2c-500", "cnn5c", "resnet18", "mobilenetv2"] = ...,
    epochs: int = ...,
    batch_size: int = ...,
    lr: float = ...,
    momentum: float = ...,
    schedule: Literal["constant", "step", "cosine"] = ...,
    weight_decay: float = ...,
    decay_bias: bool = ...,
    augment: bool = ...,
    precision: Literal["float32", "tf32", "bf16"] = ...,
    compile: bool = ...,
    stages: str | Literal["raw", "bias", "heldout", "head", "loo"] | Sequence[Literal["raw", "bias", "heldout", "head", "loo"]] | NDArray[Any] = ...,
    measure_at: str | int | Sequence[int] | NDArray[Any] = ...,
    states: str = ...,
    margin: float = ...,
    device: Literal["auto", "cpu", "cuda"] = ...,
    quick: bool = ...,
    out: str | PathLike[str] | None = ...,
    fresh: bool = ...,
    jobs: int = ...,
    backend: Literal["loky", "threading", "sequential", "dask"] = ...,
    scheduler: str | None = ...,
    mcse: float | None = ...,
    max_failures: float = ...,
    timeout: float | None = ...,
    progress: bool = ...,
) -> StudyResult: ...

def losses(
    *,
    runs: int = ...,
    seed: int = ...,
    dataset: str | Literal["digits", "mnist", "fashion-mnist", "kmnist", "cifar10"] | Sequence[Literal["digits", "mnist", "fashion-mnist", "kmnist", "cifar10"]] | NDArray[Any] = ...,
    data_dir: str = ...,
    loss: str | Literal["lgl", "sml", "lgl-inr"] | Sequence[Literal["lgl", "sml", "lgl-inr"]] | NDArray[Any] = ...,
    inr_beta: str | float | Sequence[float] | NDArray[Any] = ...,
    match_step: bool = ...,
    model: str | Literal["cnn2c", "cnn2c-500", "cnn5c", "resnet18", "mobilenetv2"] | Sequence[Literal["cnn2c", "cnn2c-500", "cnn5c", "resnet18", "mobilenetv2"]] | NDArray[Any] = ...,
    epochs: int | None = ...,
    batch_size: int | None = ...,
    lr: float | None = ...,
    momentum: float | None = ...,
    schedule: Literal["constant", "step", "cosine"] | None = ...,
    weight_decay: float | None = ...,
    augment: bool | None = ...,
    standardise: Literal["own", "mnist"] = ...,
    precision: Literal["float32", "tf32", "bf16"] = ...,
    compile: bool = ...,
    states: str = ...,
    margin: float = ...,
    device: Literal["auto", "cpu", "cuda"] = ...,
    quick: bool = ...,
    out: str | PathLike[str] | None = ...,
    fresh: bool = ...,
    jobs: int = ...,
    backend: Literal["loky", "threading", "sequential", "dask"] = ...,
    scheduler: str | None = ...,
    mcse: float | None = ...,
    max_failures: float = ...,
    timeout: float | None = ...,
    progress: bool = ...,
) -> StudyResult: ...

def fresh(
    *,
    runs: int = ...,
    seed: int = ...,
    classes: str | int | Sequence[int] | NDArray[Any] = ...,
    kappa: str | float | Sequence[float] | NDArray[Any] = ...,
    train_size: int = ...,
    imbalance: float = ...,
    separation: float = ...,
    shift: float = ...,
    weights: str | float | Sequence[str | float | Sequence[float]] | NDArray[Any] = ...,
    beta: float = ...,
    margin: float = ...,
    device: Literal["auto", "cpu", "cuda"] = ...,
    quick: bool = ...,
    out: str | PathLike[str] | None = ...,
    fresh: bool = ...,
    jobs: int = ...,
    backend: Literal["loky", "threading", "sequential", "dask"] = ...,
    scheduler: str | None = ...,
    mcse: float | None = ...,
    max_failures: float = ...,
    timeout: float | None = ...,
    progress: bool = ...,
) -> StudyResult: ...

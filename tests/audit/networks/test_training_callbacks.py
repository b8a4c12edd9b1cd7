"""Callbacks in the training loops that they are for, each on a network of a few parameters."""

import doctest
import importlib
import os
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import learnprop as lp
from learnprop.equations.arguments import BadArgument

rng = np.random.default_rng(0)
Y = np.repeat([0, 1], [90, 30])
X = (rng.normal(size=(120, 2)) + np.eye(2)[Y]).astype(np.float32)
COUNT, WEIGHT = [900, 300], [1.0, 3.0]


def expected_of(logits):
    P = lp.mean_proba(Y, softmax(np.asarray(logits, dtype=np.float64), axis=1))
    mass = lp.class_mass(WEIGHT, COUNT)
    return np.abs(lp.gap(P, mass)).max(), lp.effective_class_weight(P, COUNT)


def check_logged(numbers, logits, prefix="balance_", rtol=1e-4):
    """Numbers of a log, in float32, against those of the network as it is now."""
    largest, effective = expected_of(logits)
    assert float(numbers[f"{prefix}largest_gap"]) == pytest.approx(largest, rel=rtol)
    for k in range(2):
        assert float(numbers[f"{prefix}weight_{k}"]) == pytest.approx(effective[k], rel=rtol)


def lightning_module(returns):
    lightning = pytest.importorskip("lightning.pytorch")

    class Small(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x):
            return self.fc(x)

        def training_step(self, batch, _):
            return cross_entropy(self(batch[0]), batch[1])

        def validation_step(self, batch, _):
            z = self(batch[0])
            return {"logits": z} if returns else None

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return lightning, Small()


@pytest.mark.slow  # the import takes seconds
@pytest.mark.filterwarnings("ignore::DeprecationWarning:lightning")
@pytest.mark.filterwarnings("ignore::FutureWarning:lightning")
@pytest.mark.parametrize("returns", [True, False])
def test_lightning(returns, tmp_path):
    lightning, module = lightning_module(returns)
    torch.manual_seed(0)
    callback = lp.lightning_balance(2, class_weight=WEIGHT, class_count=COUNT)
    data = TensorDataset(torch.as_tensor(X), torch.as_tensor(Y))
    trainer = lightning.Trainer(
        max_epochs=2, callbacks=[callback], accelerator="cpu", logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        default_root_dir=tmp_path,
    )  # fmt: skip
    loaders = DataLoader(data, batch_size=40, shuffle=True), DataLoader(data, batch_size=50)
    trainer.fit(module, *loaders)
    assert len(callback.history) == 2  # and none of the sanity check
    assert callback.history[-1].count.tolist() == [90, 30]
    with torch.no_grad():
        check_logged(trainer.callback_metrics, module(torch.as_tensor(X)))


@pytest.mark.slow  # the import takes seconds
@pytest.mark.parametrize("batch_eval_metrics", [False, True])
def test_transformers(batch_eval_metrics, tmp_path):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")

    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x, labels=None):
            logits = self.fc(x)
            return {"loss": cross_entropy(logits, labels), "logits": logits}

    torch.manual_seed(0)
    module = Small()
    metrics = lp.transformers_balance(2, class_weight=WEIGHT, class_count=COUNT)
    data = [{"x": torch.as_tensor(x), "labels": int(y)} for x, y in zip(X, Y, strict=True)]
    trainer = transformers.Trainer(
        module,
        transformers.TrainingArguments(
            str(tmp_path), num_train_epochs=2, eval_strategy="epoch", save_strategy="no",
            report_to=[], use_cpu=True, disable_tqdm=True, learning_rate=0.1,
            label_names=["labels"], batch_eval_metrics=batch_eval_metrics,
            per_device_eval_batch_size=50,
        ),
        train_dataset=data, eval_dataset=data, compute_metrics=metrics,
    )  # fmt: skip
    trainer.train()
    logged = [line for line in trainer.state.log_history if "eval_balance_largest_gap" in line]
    assert len(logged) == len(metrics.history) == 2
    assert metrics.history[-1].count.tolist() == [90, 30]
    with torch.no_grad():
        check_logged(logged[-1], module.fc(torch.as_tensor(X)), "eval_balance_")


def test_transformers_of_tokens():
    """Classes last, and padding of -100."""
    logits = rng.normal(size=(2, 5, 3))
    labels = np.array([[0, 1, 2, -100, -100], [2, 2, 1, 0, -100]])
    found = lp.transformers_balance(3)
    found(SimpleNamespace(predictions=(logits, "hidden"), label_ids=labels))
    kept = labels >= 0
    P = lp.mean_proba(labels[kept], softmax(logits[kept], axis=1))
    np.testing.assert_allclose(found.history[0].mean_proba, P, rtol=1e-12)


def keras_library():
    if os.environ.get("KERAS_BACKEND") is None:
        os.environ["KERAS_BACKEND"] = "torch"  # of those that it can have, the one that is here
    return pytest.importorskip("keras")


@pytest.mark.slow  # the import takes seconds
@pytest.mark.filterwarnings("ignore::DeprecationWarning:keras")
@pytest.mark.parametrize("outputs", ["softmax", "logits", "sigmoid"])
def test_keras(outputs):
    keras = keras_library()
    keras.utils.set_random_seed(0)
    last = {"softmax": (2, "softmax"), "logits": (2, None), "sigmoid": (1, "sigmoid")}[outputs]
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(last[0], activation=last[1])])
    loss = (
        "binary_crossentropy" if outputs == "sigmoid"
        else keras.losses.SparseCategoricalCrossentropy(from_logits=outputs == "logits")
    )  # fmt: skip
    model.compile(optimizer="sgd", loss=loss)
    callback = lp.keras_balance(
        X, np.eye(2)[Y] if outputs == "softmax" else Y, 2, class_weight=WEIGHT, class_count=COUNT,
        from_logits=outputs == "logits", batch_size=50,
    )  # fmt: skip
    history = model.fit(X, Y, epochs=2, callbacks=[callback], verbose=0).history
    assert len(callback.history) == len(history["balance_largest_gap"]) == 2
    weight, bias = (np.asarray(one, dtype=np.float64) for one in model.get_weights())
    z = X @ weight + bias
    logits = np.concatenate([np.zeros_like(z), z], axis=1) if outputs == "sigmoid" else z
    check_logged({name: values[-1] for name, values in history.items()}, logits)


def stand_in(monkeypatch, name, **parts):
    """A library of these names alone, and its callback as it is imported with it."""
    ours = f"learnprop.audit.networks.callbacks.{name.partition('.')[0]}"
    for module in (name.partition(".")[0], name, ours):
        monkeypatch.setitem(sys.modules, module, ModuleType(module))
    del sys.modules[ours]
    vars(sys.modules[name]).update(parts)


def test_lightning_by_its_hooks(monkeypatch):
    stand_in(monkeypatch, "lightning.pytorch", Callback=object, LightningModule=None, Trainer=None)
    callback = lp.lightning_balance(2, class_weight=WEIGHT, class_count=COUNT)
    x, y, numbers = torch.as_tensor(X), torch.as_tensor(Y), {}
    module = nn.Linear(2, 2)
    module.log_dict = numbers.update
    for sanity_checking in (True, False, False):
        trainer = SimpleNamespace(sanity_checking=sanity_checking)
        callback.on_validation_epoch_start(trainer, module)
        for i in range(3):
            batch = x[i::3], y[i::3]
            with torch.no_grad():
                outputs = {"logits": module(batch[0])} if i else None
                callback.on_validation_batch_end(trainer, module, outputs, batch, i)
        callback.on_validation_epoch_end(trainer, module)
    assert len(callback.history) == 2
    assert callback.history[-1].count.tolist() == [90, 30]
    check_logged(numbers, module(x).detach())


@pytest.mark.parametrize("outputs", ["softmax", "logits", "sigmoid"])
def test_keras_by_its_hooks(outputs, monkeypatch):
    stand_in(monkeypatch, "keras", callbacks=SimpleNamespace(Callback=object))
    z = X @ np.array([[1.0, -0.5], [0.2, 0.8]])
    given = {"softmax": softmax(z, axis=1), "logits": z, "sigmoid": softmax(z, axis=1)[:, 1:]}
    callback = lp.keras_balance(
        X, np.eye(2)[Y] if outputs == "softmax" else Y, 2, class_weight=WEIGHT, class_count=COUNT,
        from_logits=outputs == "logits", batch_size=50,
    )  # fmt: skip
    callback.model = SimpleNamespace(predict=lambda *_, **__: given[outputs])
    numbers = {}
    callback.on_epoch_end(0)
    callback.on_epoch_end(1, numbers)
    assert len(callback.history) == 2
    check_logged(numbers, z)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[0.5, 0.5]], "y must be one-hot"),
        ([[1, 0, 0]], r"y must be labels \(n_samples,\), got shape \(1, 3\)"),
        ([0.5, 1], r"y must hold labels 0\.\.1, got 0.5 at position 0"),
        ([], "y must be labels"),
    ],
)
def test_other_labels_are_refused(y, message):
    with pytest.raises(BadArgument, match=message):
        lp.keras_balance(None, y, 2)


def test_forward_must_be_a_function():
    with pytest.raises(BadArgument, match="forward must be a function, got 3"):
        lp.lightning_balance(2, forward=3)


def test_many_classes_are_not_logged_one_by_one():
    found = lp.transformers_balance(21)
    y = np.arange(42) % 21
    numbers = found(SimpleNamespace(predictions=rng.normal(size=(42, 21)), label_ids=y))
    assert list(numbers) == ["balance_largest_gap"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lightning", "keras", "transformers"])
def test_examples_of_the_callbacks(name):
    """Left out where all others are run: the libraries need not be there."""
    if name == "keras":
        keras_library()
    pytest.importorskip(name)
    module = importlib.import_module(f"learnprop.audit.networks.callbacks.{name}")
    assert doctest.testmod(module).failed == 0

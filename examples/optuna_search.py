# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A search for settings with Optuna: `pip install optuna`, then `python examples/optuna_search.py`.

Trials are judged by their validation error; one that is worse than the median of the others is
ended. The test data are met at the end of a run, and looked at once: of the trial that validation
chose.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import optuna

from fewmult_hls import datasets, load, train
from fewmult_hls.nets.trainer import Epoch


def objective(trial: optuna.Trial, epochs: int, out: Path) -> float:
    """The validation error of a run in per cent; the run stays in a folder of its own."""

    def on_epoch(epoch: Epoch, validation_error: float) -> None:
        trial.report(validation_error, epoch.epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    with train(
        "digits",
        net=f"64-{trial.suggest_categorical('width', [32, 64, 128])}-10",
        rate=trial.suggest_int("rate", 0, 4),
        perturb=trial.suggest_categorical("perturb", [0, 8, 16]),
        sharpen=trial.suggest_int("sharpen", 0, 3),
        epochs=epochs,
        threads=1,
        out=out / f"trial-{trial.number}",
        on_epoch=on_epoch,
    ) as net:
        return net.summary["validation_error"]


def main() -> None:
    """Searches, and shows what validation chose."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("runs/optuna"))
    given = parser.parse_args()
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=1),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=2),
    )
    study.optimize(lambda trial: objective(trial, given.epochs, given.out), n_trials=given.trials)
    best = study.best_trial
    print(f"trial {best.number} of {len(study.trials)}: {best.params}")
    print(f"validation error {best.value:.2f} %")
    with load(given.out / f"trial-{best.number}") as net:
        test = datasets.load("digits").test
        print(f"test error {net.evaluate(test.images, test.labels):.2f} %")


if __name__ == "__main__":
    main()

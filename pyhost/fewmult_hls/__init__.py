# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Train neural networks without multiplications, with the same bits on a CPU and on an FPGA."""

# An import here would come before an interrupt is prepared for.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .api import sweep, train
    from .models.classifier import Classifier, load
    from .system.errors import FewmultError

__all__ = ["Classifier", "FewmultError", "__version__", "load", "sweep", "train"]

__version__ = "0.1.0"

_HOMES = {
    "Classifier": "models.classifier",
    "FewmultError": "system.errors",
    "load": "models.classifier",
    "sweep": "api",
    "train": "api",
}


def __getattr__(name: str) -> "Any":
    """Imports what is asked for only then: numpy alone takes longer than ``--help`` may."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)

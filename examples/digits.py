"""Handwritten digits: a network as ordinary Python, recorded into one file, run again without
Python.

Fits scikit-learn's MLPClassifier on the digits that ship inside scikit-learn, writes the same
network as define-by-run Ingot code, records it with a symbolic batch, saves digits.ingot in the
current folder and classifies the test images twice: eagerly here, and with ingot-run, a separate
process that has no Python in it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import ingot

NUM_IMAGES = 1797


def find_runner() -> str:
    """The ingot-run that was installed with this Python."""
    beside = Path(sysconfig.get_path("scripts")) / "ingot-run"
    runner = str(beside) if beside.exists() else shutil.which("ingot-run")
    if runner is None:
        sys.exit("ingot-run was not found: is the package installed in this environment?")
    return runner


def make_network(classifier: MLPClassifier):
    """The fitted network as a plain function of Ingot ops: f32[batch, 64] -> f32[batch, 10]."""
    weights = [
        (
            ingot.tensor(w.astype(np.float32), name=f"w{i}"),
            ingot.tensor(b.astype(np.float32), name=f"b{i}"),
        )
        for i, (w, b) in enumerate(zip(classifier.coefs_, classifier.intercepts_, strict=True))
    ]
    verbose = [True]

    def classify(x):
        for i, (w, b) in enumerate(weights):
            x = x @ w + b
            if i + 1 < len(
                weights
            ):  # an ordinary `if`: it depends on Python values, so it runs while recording
                x = ingot.relu(x)
            if verbose[0]:
                print(f"  layer {i}: {x.shape} {x.dtype}")  # an ordinary print
        verbose[0] = False
        return {"logits": x}

    return classify


def run_without_python(images: np.ndarray) -> tuple[np.ndarray, float]:
    """Logits from ingot-run, and the seconds from starting the process to having its answer."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "x.npy", Path(folder) / "logits.npy"
        np.save(source, images)
        command = [
            find_runner(),
            "digits.ingot",
            "--input",
            f"x={source}",
            "--output",
            f"logits={target}",
        ]
        begin = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        elapsed = time.perf_counter() - begin
        if done.returncode != 0:
            sys.exit(done.stderr)
        return np.load(target), elapsed


def main() -> None:
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels, test_size=0.3, random_state=0
    )
    classifier = MLPClassifier((128, 64), max_iter=60, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(x_train, y_train)

    classify = make_network(classifier)
    print("eager, define by run:")
    eager = classify(ingot.tensor(x_test))["logits"].numpy()

    batch = ingot.Dim("batch", 1, NUM_IMAGES)
    graph = ingot.record(classify, ingot.Spec((batch, 64), "float32"))
    graph.save("digits.ingot")
    static, elapsed = run_without_python(x_test)

    expected = classifier.predict(x_test)
    plan = ingot.load("digits.ingot").plan(batch=NUM_IMAGES)
    agree = bool((eager.argmax(1) == expected).all() and (static.argmax(1) == expected).all())
    report = {
        "accuracy, eager": round(float((eager.argmax(1) == y_test).mean()), 4),
        "accuracy, ingot-run": round(float((static.argmax(1) == y_test).mean()), 4),
        "all labels agree with scikit-learn": agree,
        "largest difference of logits, eager and ingot-run": float(np.abs(eager - static).max()),
        "digits.ingot, bytes": Path("digits.ingot").stat().st_size,
        "arena, bytes": plan.arena_bytes,
        "arena lower bound, bytes": plan.lower_bound_bytes,
        "ingot-run, start to answer, ms": round(1e3 * elapsed, 2),
    }
    print(graph)
    print(json.dumps(report, indent=2))
    if not agree or min(report["accuracy, eager"], report["accuracy, ingot-run"]) < 0.95:
        sys.exit("the results are not what they must be")


if __name__ == "__main__":
    main()

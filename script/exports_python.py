#!/usr/bin/env python3
"""Trains a model with each library that `zkverdict.export` knows, and takes it to a verified proof and a rendered contract.

Prints what each step takes, from the trained object on. Needs the Python package and requirements-exports.txt; what is not
installed is left out, unless it is named:

    python3 script/exports_python.py [sklearn] [forest] [xgboost] [lightgbm] [torch]
"""

import sys
import tempfile
import time
import warnings

import numpy as np
import zkverdict
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def cancer():
    x, y = load_breast_cancer(return_X_y=True)
    return x.astype(np.float32), y


def of_sklearn():
    x, y = cancer()
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x, y), x, y


def of_forest():
    from sklearn.ensemble import RandomForestClassifier

    x, y = cancer()
    return RandomForestClassifier(20, max_depth=4, random_state=7).fit(x, y), x, y


def of_xgboost():
    import xgboost

    x, y = cancer()
    return xgboost.XGBClassifier(n_estimators=20, max_depth=3, random_state=7).fit(x, y), x, y


def of_lightgbm():
    import lightgbm

    x, y = cancer()
    return lightgbm.LGBMClassifier(n_estimators=20, max_depth=3, verbose=-1, random_state=7).fit(x, y), x, y


def of_torch():
    import torch

    torch.manual_seed(7)
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    net = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
    for _ in range(100):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()
    return net, x, y


LIBRARIES = {"sklearn": of_sklearn, "forest": of_forest, "xgboost": of_xgboost, "lightgbm": of_lightgbm, "torch": of_torch}


def walk(name, trained, x, y):
    took, since = {}, time.perf_counter()

    def done(step):
        nonlocal since
        took[step], since = time.perf_counter() - since, time.perf_counter()

    model = zkverdict.export(trained, x[:1], x, labels=y)
    done("export")
    keys = model.keygen(unsafe_dev_srs=True)
    done("keygen")
    proof = keys.prove(x[0], context=1)
    done("prove")
    assert keys.verify(proof, context=1)
    done("verify")
    with tempfile.TemporaryDirectory() as folder:
        keys.render(folder)
    done("render")
    (own, *_) = proof.outputs.values()
    (run, *_) = model.run(x[0]).outputs.values()
    np.testing.assert_array_equal(own.quantized, run.quantized)
    report, steps = model.report, ", ".join(f"{step} {seconds:.2f}" for step, seconds in took.items())
    accuracy = "" if report.quantized_accuracy is None else f", accuracy {report.quantized_accuracy:.3f} (float {report.float_accuracy:.3f})"
    print(f"{name}: k = {keys.summary.k}, agreement {report.agreement:.3f}{accuracy}; seconds: {steps}; {sum(took.values()):.2f} in all")


def main():
    warnings.simplefilter("ignore")
    for name in sys.argv[1:] or LIBRARIES:
        try:
            trained = LIBRARIES[name]()
        except ImportError as error:
            if sys.argv[1:]:
                raise
            print(f"{name}: left out, {error}")
            continue
        walk(name, *trained)


if __name__ == "__main__":
    main()

# peers.py - the reference workloads on PyTorch and scikit-learn, and pandas reading CSV.
# SPDX-License-Identifier: Apache-2.0
"""Answers requests, one a line, with one JSON object a line:

    torch W1      {"seconds": a trial, "scaled": true when fewer steps were timed}
    sklearn W1    the same
    pandas FILE   {"seconds": reading it once}

A trial is training and the accuracy on the test part, written as users would write it:
eager PyTorch with nn.Sequential, batches by index from a new order each epoch;
MLPClassifier as it comes. One thread, and processor time, as on our side: on an idle
machine that is the clock's, on a busy one still that of the work. Very slow ones are
timed for some steps or one epoch, and scaled up.
"""
import csv
import json
import os
import sys
import time
import warnings

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402 (the number of threads must be set before)

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "..", "tests", "fixtures")
LABEL = {"iris": "Species", "digits": "label", "letter": "lettr"}

# data, hidden widths, activation, optimizer, batch, epochs
WORKLOADS = {
    "W1": ("iris", [16, 16], "relu", "adam", 16, 50),
    "W2": ("digits", [128, 128], "relu", "adam", 64, 20),
    "W3": ("letter", [256, 256], "relu", "adam", 128, 5),
    "W4": ("digits", [32] * 500, "tanh", "adam", 64, 1),
    "W5": ("digits", [32] * 5, "tanh", "adam", 32, 10),
    "W6": ("iris", [4] * 1000, "relu", "sgd", 16, 5),
}
LONG = 2.0  # seconds of training after which the rest is scaled


def load(name):
    """Features scaled to 0..1, labels as numbers, an 80/20 split."""
    with open(os.path.join(FIXTURES, name + ".csv"), newline="") as file:
        header, *rows = csv.reader(file)
    label = header.index(LABEL[name])
    names = sorted({row[label] for row in rows})
    y = np.array([names.index(row[label]) for row in rows])
    x = np.array([row[:label] + row[label + 1:] for row in rows], dtype=np.float32)
    span = x.max(0) - x.min(0)
    x = (x - x.min(0)) / np.where(span > 0, span, 1)
    order = np.random.default_rng(1).permutation(len(x))
    x, y, cut = x[order], y[order], len(x) * 4 // 5
    return x[:cut], y[:cut], x[cut:], y[cut:], len(names)


def torch_trial(workload):
    import torch
    from torch import nn
    torch.set_num_threads(1)
    data, hidden, activation, optimizer, batch, epochs = WORKLOADS[workload]
    x, y, x_test, y_test, classes = load(data)
    x, y, x_test, y_test = map(torch.from_numpy, (x, y, x_test, y_test))
    steps = epochs * -(-len(x) // batch)

    start = time.process_time()
    layers, width = [], x.shape[1]
    for units in hidden:
        layers += [nn.Linear(width, units), nn.ReLU() if activation == "relu" else nn.Tanh()]
        width = units
    model = nn.Sequential(*layers, nn.Linear(width, classes))
    rule = torch.optim.Adam(model.parameters()) if optimizer == "adam" else \
        torch.optim.SGD(model.parameters(), lr=0.01)
    loss_of = nn.CrossEntropyLoss()
    made, done = time.process_time(), 0
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for i in range(0, len(x), batch):
            rows = order[i:i + batch]
            rule.zero_grad()
            loss_of(model(x[rows]), y[rows]).backward()
            rule.step()
            done += 1
            if time.process_time() - made > LONG and done > 2:
                break
        else:
            continue
        break
    trained = time.process_time()
    with torch.no_grad():
        float((model(x_test).argmax(1) == y_test).float().mean())
    other = time.process_time() - trained + made - start
    return other + (trained - made) * steps / done, done < steps


def sklearn_trial(workload):
    from sklearn.neural_network import MLPClassifier
    data, hidden, activation, optimizer, batch, epochs = WORKLOADS[workload]
    x, y, x_test, y_test, _ = load(data)

    def run(n):
        start = time.process_time()
        model = MLPClassifier(hidden, activation=activation, solver=optimizer, alpha=0,
                              batch_size=batch, max_iter=n, tol=0, n_iter_no_change=n + 1,
                              learning_rate_init=0.01 if optimizer == "sgd" else 0.001,
                              momentum=0, nesterovs_momentum=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "not converged": as ordered
            model.fit(x, y)
        model.score(x_test, y_test)
        return time.process_time() - start

    one = run(1)
    if one * epochs > LONG:
        return one * epochs, epochs > 1
    return run(epochs), False


def pandas_read(path):
    import pandas
    start = time.process_time()
    pandas.read_csv(path)
    return time.process_time() - start, False


def main():
    kinds = {"torch": torch_trial, "sklearn": sklearn_trial, "pandas": pandas_read}
    for line in sys.stdin:
        kind, what = line.split(maxsplit=1)
        seconds, scaled = kinds[kind](what.strip())
        print(json.dumps({"seconds": seconds, "scaled": scaled}), flush=True)


if __name__ == "__main__":
    main()

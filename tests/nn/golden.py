#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""golden.py - trains five small designs with PyTorch and writes tests/fixtures/golden_*.json.

Each file holds the design, the rows, the first weights, the rows of every batch, and what
PyTorch makes of them: the loss of each step, the weights at the end, the outputs for all
rows. test_golden.c starts from the same weights, feeds the same batches and compares.

    /usr/bin/python3 tests/nn/golden.py        (needs python3-torch; made with 1.13)
"""
import json
import math
import os

import torch
from torch import nn

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")
ROWS, INPUTS, CLASSES, STEPS_AN_EPOCH, EPOCHS, BATCH = 24, 4, 3, 3, 4, 8

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "gelu": lambda x:
               nn.functional.gelu(x, approximate="tanh"), "elu": nn.functional.elu,
               "linear": lambda x: x}


class Layer(nn.Module):
    def __init__(self, inputs, units, spec):
        super().__init__()
        self.affine = nn.Linear(inputs, units)
        self.norm = nn.BatchNorm1d(units) if spec.get("batch_norm") else None
        self.activation = ACTIVATIONS[spec.get("activation", "relu")]
        self.l2 = spec.get("l2", 0)

    def forward(self, x):
        x = self.affine(x)
        if self.norm:
            x = self.norm(x)
        return self.activation(x)


class Network(nn.Module):
    """Hidden layers, residual sums as design.h says them, and the output layer."""

    def __init__(self, design, inputs, outputs):
        super().__init__()
        self.residual = design.get("residual", 0)
        layers = []
        for spec in design["hidden"]:
            for _ in range(spec.get("repeat", 1)):
                layers.append(Layer(inputs, spec["units"], spec))
                inputs = spec["units"]
        end = dict({"activation": "linear"}, **design.get("output", {}))
        self.layers = nn.ModuleList(layers + [Layer(inputs, outputs, end)])

    def forward(self, x):
        kept = []
        for i, layer in enumerate(self.layers):
            y = layer(x)
            k = self.residual
            if k and i < len(self.layers) - 1 and i >= k and i % k == 0:
                y = y + kept[i - k]
            kept.append(y)
            x = y
        return x

    def numbers(self):
        """Weights in the order of a plan: W (in, out), b, gamma, beta, layer by layer."""
        flat = []
        for layer in self.layers:
            flat += layer.affine.weight.t().reshape(-1).tolist()
            flat += layer.affine.bias.tolist()
            if layer.norm:
                flat += layer.norm.weight.tolist() + layer.norm.bias.tolist()
        return flat

    def penalty(self):
        return sum(layer.l2 / 2 * (layer.affine.weight ** 2).sum() for layer in self.layers)


class Nadam(torch.optim.Optimizer):
    """Dozat 2016 as torch.optim.NAdam has it from 2.0 on; 1.13 multiplies by mu twice."""

    def __init__(self, parameters, rate):
        super().__init__(parameters, {"lr": rate})
        self.step_count, self.product = 0, 1.0

    @torch.no_grad()
    def step(self):
        self.step_count += 1
        t = self.step_count
        now, after = (0.9 * (1 - 0.5 * 0.96 ** (0.004 * k)) for k in (t, t + 1))
        self.product *= now
        for group in self.param_groups:
            for p in group["params"]:
                s, g = self.state[p], p.grad
                m = s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
                v = s["v"] = 0.999 * s.get("v", 0) + 0.001 * g * g
                mean = ((1 - now) / (1 - self.product) * g
                        + after / (1 - self.product * after) * m)
                p -= group["lr"] * mean / ((v / (1 - 0.999 ** t)).sqrt() + 1e-8)


def make_optimizer(spec, parameters):
    name = spec["name"]
    rate = spec["rate"]
    if name == "sgd":
        return torch.optim.SGD(parameters, rate, spec.get("momentum", 0),
                               nesterov=spec.get("nesterov", False))
    if name == "rmsprop":
        return torch.optim.RMSprop(parameters, rate, alpha=spec.get("rho", 0.99))
    if name == "nadam":
        return Nadam(parameters, rate)
    if name == "adamw":
        return torch.optim.AdamW(parameters, rate, weight_decay=spec.get("decay", 0.01))
    if name == "adagrad":
        return torch.optim.Adagrad(parameters, rate)
    if name == "adadelta":
        return torch.optim.Adadelta(parameters, rate)
    return torch.optim.Adam(parameters, rate)


def loss_of(design, y, target):
    name = design.get("loss", "cross_entropy")
    if name == "cross_entropy":
        return nn.functional.cross_entropy(y, target)
    if target.dtype == torch.long:
        target = nn.functional.one_hot(target, CLASSES).to(y.dtype)
    if name == "mse":
        return nn.functional.mse_loss(y, target)
    return nn.functional.huber_loss(y, target)


def rate_at(design, step):
    rate, total = design["optimizer"]["rate"], STEPS_AN_EPOCH * EPOCHS
    if design.get("schedule") == "cosine":
        return rate * (1 + math.cos(math.pi * step / total)) / 2
    return rate


def make(name, design, regression=False):
    torch.manual_seed(len(name) * 1000 + ord(name[0]))
    design = dict(design, epochs=EPOCHS, batch=BATCH)
    outputs = 2 if regression else CLASSES
    x = torch.randn(ROWS, INPUTS, dtype=torch.float32).double()
    target = (torch.randn(ROWS, outputs, dtype=torch.float32).double() if regression
              else torch.randint(CLASSES, (ROWS,)))
    net = Network(design, INPUTS, outputs).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(p.float().double())  # what a float can hold is the common start
    start = net.numbers()
    optimizer = make_optimizer(design["optimizer"], net.parameters())
    batches, losses = [], []
    for step in range(STEPS_AN_EPOCH * EPOCHS):
        if step % STEPS_AN_EPOCH == 0:
            order = torch.randperm(ROWS).tolist()
        at = step % STEPS_AN_EPOCH * BATCH
        rows = order[at:at + BATCH]
        for group in optimizer.param_groups:
            group["lr"] = rate_at(design, step)
        optimizer.zero_grad()
        loss = loss_of(design, net(x[rows]), target[rows])
        (loss + net.penalty()).backward()
        if "clip" in design:
            nn.utils.clip_grad_norm_(net.parameters(), design["clip"]["norm"])
        optimizer.step()
        batches.append(rows)
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        y = net(x)
        if design.get("loss", "cross_entropy") == "cross_entropy":
            y = torch.softmax(y, 1)

    def short(values):
        return [float("%.9g" % v) for v in values]

    golden = {"torch": torch.__version__, "design": design,
              "classes": 0 if regression else CLASSES, "inputs": INPUTS,
              "x": short(x.reshape(-1).tolist()),
              "target": short(target.reshape(-1).tolist()), "start": short(start),
              "batches": batches, "losses": short(losses), "end": short(net.numbers()),
              "outputs": short(y.reshape(-1).tolist())}
    with open(os.path.join(FIXTURES, "golden_%s.json" % name), "w") as f:
        json.dump(golden, f, separators=(",", ":"))
        f.write("\n")


make("relu_adam", {"hidden": [{"units": 6}, {"units": 5}],
                   "optimizer": {"name": "adam", "rate": 0.01}})
make("tanh_momentum", {"hidden": [{"units": 6, "activation": "tanh"}], "loss": "mse",
                       "output": {"activation": "tanh"},
                       "optimizer": {"name": "sgd", "rate": 0.1, "momentum": 0.9}})
make("norm_residual", {"hidden": [{"units": 5, "activation": "elu", "batch_norm": True,
                                   "repeat": 4}], "residual": 2,
                       "optimizer": {"name": "sgd", "rate": 0.05, "momentum": 0.5,
                                     "nesterov": True}})
make("huber_rmsprop", {"hidden": [{"units": 7, "activation": "gelu"}], "loss": "huber",
                       "optimizer": {"name": "rmsprop", "rate": 0.003, "rho": 0.9}},
     regression=True)
make("nadam_clip", {"hidden": [{"units": 6, "l2": 0.05, "dropout": 0},
                               {"units": 6, "activation": "tanh", "l2": 0.01}],
                    "optimizer": {"name": "nadam", "rate": 0.02}, "schedule": "cosine",
                    "clip": {"norm": 0.3}})
make("adamw", {"hidden": [{"units": 5, "activation": "tanh"}],
               "optimizer": {"name": "adamw", "rate": 0.01, "decay": 0.1}})
make("adagrad", {"hidden": [{"units": 5, "activation": "tanh"}],
                 "optimizer": {"name": "adagrad", "rate": 0.05}})
make("adadelta", {"hidden": [{"units": 5, "activation": "tanh"}],
                  "optimizer": {"name": "adadelta", "rate": 1}})

"""A real task that tells its score on the way and logs what it trains, for tests of the upper rungs."""

from __future__ import annotations

REAL = """
import math
import os
import time

import torch

from actsearch.evaluate.task import Task

class Real(Task):
    \"\"\"Fit a sine on a grid, the better the longer.\"\"\"

    metric = "minus the mean squared error"
    learning_rates = (0.1, 0.2, 0.3)
    final_seeds = 3
    baselines = ("gelu", "tanh", "softplus")

    def curve(self, make_activation, seed, learning_rate):
        layer = make_activation(1, channel_dim=-1)
        log = os.environ.get("ACTSEARCH_TEST_LOG")
        if log:
            with open(log, "a") as file:
                file.write(f"real:{layer.activation.id} {seed} {learning_rate}\\n")
        x = torch.linspace(-2, 2, 61).unsqueeze(1)
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            error = float((layer(x) - torch.sin(2 * x) - 0.1 * noise).square().mean())
        for step in range(1, 11):
            time.sleep(float(os.environ.get("ACTSEARCH_TEST_SECONDS", "0")))
            # here
            yield step / 10, -error * (1 + abs(math.log(learning_rate / 0.15)) + (10 - step) / 10)
"""
"""Its file; a statement in place of the comment `here` is run before each point."""

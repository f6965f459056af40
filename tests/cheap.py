"""A task that takes a millisecond, for tests of searches."""

from __future__ import annotations

# The baselines are functions that the search space cannot write, so that a line of the log is one subject's alone.
CHEAP = """
import os
import time

import torch

from actsearch.evaluate.task import Task

class Cheap(Task):
    \"\"\"Fit a sine on a grid.\"\"\"

    metric = "minus the mean squared error"
    chance = -10.0
    learning_rates = (0.1, 0.2, 0.3)
    search_seeds = 2
    final_seeds = 3
    baselines = ("gelu", "selu")

    def score(self, make_activation, seed, learning_rate):
        layer = make_activation(1, channel_dim=-1)
        if "ACTSEARCH_TEST_LOG" in os.environ:
            with open(os.environ["ACTSEARCH_TEST_LOG"], "a") as log:
                log.write(f"{layer.activation.id} {seed} {learning_rate}\\n")
        time.sleep(float(os.environ.get("ACTSEARCH_TEST_SECONDS", "0")))
        # here
        x = torch.linspace(-2, 2, 61).unsqueeze(1)
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            error = (layer(x) - torch.sin(2 * x) - 0.1 * noise).square().mean()
        return -float(error) * (1 + learning_rate)
"""
"""Its file; a statement in place of the comment `here` is run before each score."""

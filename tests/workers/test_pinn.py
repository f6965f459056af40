from __future__ import annotations

import pytest
import torch

from actsearch import plugins
from actsearch.evaluate.task import load_task, subject_of
from actsearch.grammar.activation import parse

pinn = plugins.load("workers", "pinn")


def test_the_solution_is_0_at_the_ends_and_its_second_derivative_is_that_of_differences():
    solution = pinn._Solution.draw(torch.Generator().manual_seed(3))
    ends = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    assert solution(ends).abs().max() == 0
    x, step = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64)[:, None], 1e-4
    values, curvature = pinn.second_derivative(solution, x)
    assert torch.equal(values, solution(x))
    differences = (solution(x + step) - 2 * solution(x) + solution(x - step)) / step**2
    torch.testing.assert_close(curvature.detach(), differences, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("text", "solves"), [("sin(x)", True), ("relu(x)", False)])
def test_what_has_a_second_derivative_solves_the_equation(text, solves, monkeypatch):
    task = load_task("pinn")
    monkeypatch.setattr(type(task), "steps", 100)
    (*_, (_, score)) = task.curve(subject_of(parse(text)).module, 1, 3e-3)
    assert (score > 0.5) is solves

"""What tasks make of the data that come with scikit-learn."""

from __future__ import annotations

import torch

from actsearch import plugins
from actsearch.evaluate.task import load_task


def test_the_long_tail_is_in_the_training_data_only():
    longtail = plugins.load("workers", "longtail")
    rarest = set()
    for seed in range(5):
        split = longtail._split(seed)
        counts = torch.bincount(split.train_labels, minlength=10)
        assert (counts.max().item(), counts.min().item()) == (longtail.MOST, longtail.MOST // longtail.RARITY)
        for labels in (split.validation_labels, split.test_labels):
            assert torch.bincount(labels).tolist() == [longtail.TESTED] * 10
        rows = [set(map(tuple, part.tolist())) for part in (split.train_inputs, split.validation_inputs)]
        assert not rows[0] & rows[1]
        rarest.add(counts.argmin().item())
    assert len(rarest) > 1


def test_windows_are_standard_and_half_of_their_pixels_are_held_out():
    fit = plugins.load("workers", "image-fit")
    windows = [fit._window(seed) for seed in range(4)]
    for coordinates, values, known, held_out in windows:
        assert coordinates.shape == (fit.SIDE**2, 2)
        assert values.shape == (fit.SIDE**2, 1)
        assert abs(values.mean()) < 1e-5
        torch.testing.assert_close(values.std(correction=0), torch.tensor(1.0))
        assert sorted([*known.tolist(), *held_out.tolist()]) == list(range(fit.SIDE**2))
        # The prediction of the mean has the score that is called chance.
        assert (
            abs(-10 * (fit.CONTRAST**2 * values.square().mean()).log10().item() - load_task("image-fit").chance) < 1e-4
        )
    assert not torch.equal(windows[0][1], windows[2][1])


def test_classes_of_earlier_phases_do_not_come_back(monkeypatch):
    continual = plugins.load("workers", "continual")
    seen = []
    monkeypatch.setattr(
        continual, "descend", lambda model, loss, score, **_: iter([(1.0, float(seen.append(loss) or 0))])
    )
    targets = []
    monkeypatch.setattr(
        continual.functional, "cross_entropy", lambda _, labels: targets.append(set(labels.tolist())) or torch.zeros(())
    )
    task = load_task("continual")
    list(task.curve(lambda _: torch.nn.Tanh(), 0, 0.1))
    for step in range(continual.PHASES * task.steps):
        seen[0](step)
    phases = [set.union(*targets[start : start + task.steps]) for start in range(0, len(targets), task.steps)]
    assert [len(phase) for phase in phases] == [2] * 5
    assert set.union(*phases) == set(range(10))

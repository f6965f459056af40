"""A subject: what a task trains, activations at the sites of a model, each with its output gain."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Self

from torch import nn

from actsearch.analysis.moments import normalised
from actsearch.compile.lanes import build_lanes
from actsearch.compile.module import build
from actsearch.errors import TaskError
from actsearch.grammar.activation import Activation, Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A candidate, and the output gain that each of its activations is multiplied by."""

    candidate: Candidate
    gains: tuple[float, ...]
    """In the order of the candidate's assignment."""

    @classmethod
    def everywhere(cls, activation: Activation, gain: float) -> Self:
        """One activation at every site."""
        return cls(candidate=Candidate.everywhere(activation), gains=(gain,))

    @property
    def activation(self) -> Activation:
        """The one activation that stands everywhere; raises ValueError where there are several."""
        return self.candidate.activation

    @property
    def gain(self) -> float:
        """The gain of that one; raises ValueError where there are several."""
        (gain,) = self.gains
        return gain

    @property
    def is_gated(self) -> bool:
        """Whether some activation reads a second input, the gate."""
        return "gate" in self.candidate.inputs

    @property
    def module(self) -> MakeActivation:
        """What makes the layers of one model: another one at each access, because models share no parameters."""
        return MakeActivation(self)


class MakeActivation:
    """Makes the layers of one model; a parameter that sites share is one object in all of them.

    A layer takes one tensor of `inputs * channels` channels and gives one of `outputs * channels`. Both numbers are 1
    but for gates and lanes: of a gate x is the first half of the tensor and gate the second, and lanes stand one after
    the other. So `Linear(n, make.inputs * h)`, `make(h, channel_dim=-1)`, `Linear(make.outputs * h, n)` holds whatever
    there is, and has as many weights as a plain one of width d for h = 2 * d / (inputs + outputs).
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._parts = {
            selector: (activation, gain)
            for (selector, activation), gain in zip(subject.candidate.assignment, subject.gains, strict=True)
        }
        self._shared: dict[str, nn.Parameter] = {}
        self.is_gated = subject.is_gated

    @property
    def inputs(self) -> int:
        """By how many the channels of a site are multiplied in its input: 2 where a gate is read."""
        return 2 if self.is_gated else 1

    @property
    def outputs(self) -> int:
        """By how many they are multiplied in its output: the number of lanes."""
        return max(sum(selector.startswith("lane:") for selector in self._parts), 1)

    def another_model(self) -> MakeActivation:
        """What makes the layers of another model, for tasks that score several together."""
        return MakeActivation(self._subject)

    def __call__(
        self,
        channels: int | None = None,
        channel_dim: int = 1,
        *,
        layer: int | None = None,
        shared: MutableMapping[str, nn.Parameter] | None = None,
    ) -> nn.Module:
        """A fresh layer for a site of `channels` channels along `channel_dim`; None takes them from the first input.

        `layer` counts from 1 the sites of a task that says how many may differ (`Task.layers`). `shared` is where
        parameters that sites share are kept; None is this object's own. Raises `TaskError` for a layer that is not
        named, or not there, where activations differ by layer.
        """
        together = self._shared if shared is None else shared
        if self.outputs > 1:
            return build_lanes(
                self._subject.candidate,
                gain=self._subject.gains,
                channels=channels,
                channel_dim=channel_dim,
                shared=together,
            )
        selector = "*" if "*" in self._parts else f"layer:{layer}"
        if selector not in self._parts:
            known = ", ".join(self._parts)
            raise TaskError(
                f"the task made the site {selector}, and the candidate has {known}: give layer=1 and so on."
            )
        activation, gain = self._parts[selector]
        return build(
            activation, gain=gain, channels=channels, channel_dim=channel_dim, split="gate" in activation.inputs,
            shared=together,
        )  # fmt: skip


def subject_of(given: Activation | Candidate) -> Subject:
    """What to train for a given function: without constant factors in front, each activation with its own gain."""
    candidate = Candidate.everywhere(given) if isinstance(given, Activation) else given
    parts = [(selector, *normalised(activation)) for selector, activation in candidate.assignment]
    return Subject(
        candidate=Candidate(assignment=tuple((selector, activation) for selector, activation, _ in parts)),
        gains=tuple(gain for *_, gain in parts),
    )

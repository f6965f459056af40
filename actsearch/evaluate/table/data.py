"""The table as a value and as one file: every function of a space with its scores on some tasks.

The file is NumPy's archive of arrays without pickled objects; texts in it are JSON. Arrays of scores have the axes
(functions, learning rates, seeds, splits, shares of the training); NaN is a training that diverged or was not made.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actsearch.errors import ConfigError
from actsearch.grammar.activation import Activation, from_json
from actsearch.outcome import Scores

Array = NDArray[np.float32]
SPLITS = ("validation", "test")
"""Choices are made by the first and reported by the second."""
VERSION = 2
_MANTISSA_BITS_DROPPED = 9
"""Of 23: what is left is exact to 3e-5 of a score, less than another seed changes, and packs in half the space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function of the table, as the journal says it."""

    id: str
    expression: str
    parameters: Mapping[str, Mapping[str, Any]]
    gain: float

    @property
    def activation(self) -> Activation:
        """The activation to train, times `gain`."""
        return from_json(self.expression, self.parameters)


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """What a task measured of all functions: `values` for `seeds`, and `more` for `more_seeds` of the `best`."""

    learning_rates: tuple[float, ...]
    seeds: tuple[int, ...]
    shares: tuple[float, ...]
    """Shares of the training after which it was scored, ascending; the last is 1."""
    values: Array
    """(functions, learning rates, seeds, splits, shares)."""
    seconds: Array
    """One core's, for all trainings of a function with `seeds` (a share of its batch's); (functions,)."""
    best: tuple[int, ...]
    """Indices of the functions that were trained with `more_seeds` as well, best first."""
    more_seeds: tuple[int, ...]
    more: Array
    """(len(best), learning rates, len(more_seeds), splits, shares)."""
    chance: float
    """Score of a model that knows nothing."""

    def scores(self, function: int, seeds: Sequence[int] | None = None, *, share: float = 1.0) -> Scores:
        """The scores of a function after a share of the training, validation and test, for `seeds` (all of `seeds`)."""
        at = self.shares.index(share)
        columns = [self.seeds.index(seed) for seed in (self.seeds if seeds is None else seeds)]
        both = self.values[function, ..., at][:, columns]
        validation, test = (_rows(both[:, :, split]) for split in range(2))
        chosen = tuple(self.seeds[column] for column in columns)
        return Scores(learning_rates=self.learning_rates, seeds=chosen, values=validation, test=test)

    def means(self, seeds: Sequence[int] | None = None, *, share: float = 1.0, test: bool = True) -> Array:
        """Mean over `seeds` at each function's best learning rate, which the validation split chooses; (functions,).

        A function that diverged with some of the seeds at every learning rate has the lowest score of all, -inf.
        """
        at = self.shares.index(share)
        columns = [self.seeds.index(seed) for seed in (self.seeds if seeds is None else seeds)]
        return best_means(self.values[..., at][:, :, columns], test=test)

    @cached_property
    def held_out(self) -> Array:
        """Mean over `more_seeds` on the test split at the best learning rate, for each of `best`."""
        return best_means(self.more[..., -1], test=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Functions and what tasks measured of them; `card` says how that was made."""

    functions: tuple[Function, ...]
    tasks: Mapping[str, Measured]
    card: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path) -> Table:
        """The table in a file; raises `ConfigError` for what is none."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls._of(arrays)
        except OSError as error:
            reason = error.strerror or "it is no table that `actsearch table` wrote"
            raise ConfigError(f"cannot read the table {str(path)!r}: {reason}.") from None
        except (EOFError, KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile):
            raise ConfigError(
                f"{str(path)!r} is no table of this version: make one with `actsearch table {path} --build`."
            ) from None

    @classmethod
    def _of(cls, arrays: Mapping[str, NDArray[Any]]) -> Table:
        head = json.loads(arrays["head"].tobytes())
        if head["version"] != VERSION:
            raise ValueError(f"version {head['version']}")
        tasks = {
            name: Measured(
                learning_rates=tuple(facts["learning_rates"]),
                seeds=tuple(facts["seeds"]),
                shares=tuple(facts["shares"]),
                best=tuple(facts["best"]),
                more_seeds=tuple(facts["more_seeds"]),
                chance=facts["chance"],
                values=arrays[f"{name}/values"],
                seconds=arrays[f"{name}/seconds"],
                more=arrays[f"{name}/more"],
            )
            for name, facts in head["tasks"].items()
        }
        functions = tuple(Function(**fields) for fields in head["functions"])
        return cls(functions=functions, tasks=tasks, card=head["card"])

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all; scores are rounded to fewer bits."""
        facts = {
            name: {
                "learning_rates": measured.learning_rates,
                "seeds": measured.seeds,
                "shares": measured.shares,
                "best": measured.best,
                "more_seeds": measured.more_seeds,
                "chance": measured.chance,
            }
            for name, measured in self.tasks.items()
        }
        head = {"version": VERSION, "card": self.card, "tasks": facts, "functions": [asdict(f) for f in self.functions]}
        arrays: dict[str, NDArray[Any]] = {"head": np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)}
        for name, measured in self.tasks.items():
            arrays[f"{name}/values"], arrays[f"{name}/more"] = rounded(measured.values), rounded(measured.more)
            arrays[f"{name}/seconds"] = rounded(measured.seconds)
        save_arrays(path, arrays)


def best_means(values: Array, *, test: bool) -> Array:
    """Mean over seeds at the learning rate whose validation mean is best; `values` is (..., rates, seeds, splits)."""
    means = values.mean(axis=-2)
    validation = np.where(np.isnan(means[..., 0]), -np.inf, means[..., 0])
    chosen = validation.argmax(axis=-1)[..., None]
    reported = np.take_along_axis(means[..., 1] if test else validation, chosen, axis=-1)[..., 0]
    result: Array = np.where(np.isnan(reported), -np.inf, reported)
    return result


def rounded(values: Array) -> Array:
    """`values` with the last bits of their mantissas zero, to nearest, so that they pack better."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    half = np.uint32(1 << (_MANTISSA_BITS_DROPPED - 1))
    kept = np.where(np.isfinite(values), (bits + half) >> _MANTISSA_BITS_DROPPED << _MANTISSA_BITS_DROPPED, bits)
    result: Array = kept.astype(np.uint32).view(np.float32)
    return result


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to one file, whole or not at all; the same arrays give the same bytes."""
    beside = path.with_name(f".{path.name}.part")
    with beside.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    beside.replace(path)


def _rows(values: Array) -> tuple[tuple[float | None, ...], ...]:
    return tuple(tuple(None if np.isnan(v) else float(v) for v in row) for row in values)

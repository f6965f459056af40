"""What a table is to hold, and what of it is there already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actsearch.errors import ConfigError
from actsearch.evaluate.table.data import Array, save_arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a table is made; two tables of one plan are the same but for rounding on other processors."""

    space: str
    tasks: tuple[str, ...]
    seeds: int = 15
    """Seeds that every function is trained with: 0, 1, ..."""
    best: int = 200
    """Functions of each task that are trained with more seeds."""
    best_seeds: int = 40
    """Seeds of these, those after `seeds`."""
    shares: tuple[float, ...] = (0.1, 0.3, 1.0)
    """Shares of the training after which scores are taken."""
    limit: int = 0
    """At most so many functions, evenly chosen from all; 0 takes all."""

    @property
    def more_seeds(self) -> tuple[int, ...]:
        """The seeds of the best functions alone."""
        return tuple(range(self.seeds, self.seeds + self.best_seeds))

    @property
    def digest(self) -> str:
        """Content hash."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


class Parts:
    """A folder beside the table where what is trained is kept until the table is whole: `FILE.parts`."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self._folder = path.with_name(f"{path.name}.parts")
        try:
            self._folder.mkdir(exist_ok=True, parents=True)
        except OSError as error:
            raise ConfigError(f"cannot make the folder {str(self._folder)!r}: {error.strerror}.") from None
        stamp = self._folder / "plan.json"
        if stamp.exists() and json.loads(stamp.read_text())["digest"] != plan.digest:
            raise ConfigError(
                f"the folder {str(self._folder)!r} holds parts of a table with other settings: give those again, or "
                "delete the folder."
            )
        stamp.write_text(json.dumps({"digest": plan.digest, "plan": asdict(plan)}, indent=2))

    def find(self, name: str) -> tuple[Array, Array] | None:
        """The scores that were kept under `name`, and the seconds."""
        path = self._folder / f"{name}.npz"
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["scores"], arrays["seconds"]

    def keep(self, name: str, scores: Array, seconds: Array) -> None:
        """Keep scores under `name`, and the seconds they took."""
        arrays: Mapping[str, NDArray[np.float32]] = {"scores": scores, "seconds": seconds}
        save_arrays(self._folder / f"{name}.npz", arrays)

    def remove(self) -> None:
        """Delete the folder: the table holds everything now."""
        for path in self._folder.iterdir():
            path.unlink()
        self._folder.rmdir()

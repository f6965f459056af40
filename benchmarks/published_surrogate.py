"""The published surrogate recipe, for comparison: nearest neighbours over outputs and Fisher eigenvalues.

Bingham, Miikkulainen (2023), Efficient Activation Function Optimization through Surrogate Modeling, arXiv:2301.05785,
from its description: function outputs at normal inputs and eigenvalues of the Fisher information at initialisation are
embedded in two dimensions, a regression over the three nearest neighbours predicts the score, and the highest
prediction is evaluated next. In place of UMAP, which no dependency of ours brings, the embedding is spectral (Belkin,
Niyogi 2003; UMAP begins from it) on the same graph of fifteen neighbours. What the funnel would reject is left out, as
the authors leave out what fails. The first eight are random.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from fisher import eigenvalues, lesson_of
from numpy.typing import NDArray

from actsearch.analysis.moments import normalised
from actsearch.analysis.tensor_probe import probe_of
from actsearch.evaluate.task import Task
from actsearch.grammar.space import Genome, Space
from actsearch.search.strategies.surrogate import album_of
from actsearch.search.strategy import Archive, Proposal, State, Told, load_random, save_random

_INITIAL, _NEIGHBOURS, _GRAPH = 8, 3, 15
_OUTPUTS = 64
_CLIPPED = 10.0
Array = NDArray[np.float64]


class PublishedSurrogate:
    """Takes the best prediction of a regression over the nearest neighbours in an embedding."""

    def __init__(self, space: Space, task: Task) -> None:
        self._space, self._lesson = space, lesson_of(task)
        self._candidates: list[tuple[str, Genome]] = [
            (code, genome) for code, genome, seen in album_of(space).all if seen.is_promising
        ]
        self._places = {code: place for place, (code, _) in enumerate(self._candidates)}

    def start(self, seed: int) -> State:
        """A random generator."""
        return {"random": save_random(random.Random(seed))}

    def ask(self, state: State, count: int, archive: Archive) -> tuple[State, list[Proposal]]:
        """Random ones, then the best predictions."""
        generator = load_random(state["random"])
        left = [place for place, (code, _) in enumerate(self._candidates) if not archive.has(code)]
        known = [
            (self._places[told.genome.encode()], told.score)
            for told in archive.told
            if told.genome.encode() in self._places and told.stage != "duplicate"
        ]
        if len(known) < _INITIAL:
            chosen = generator.sample(left, min(count, len(left)))
        else:
            predicted = self._predicted(known, left)
            chosen = [left[place] for place in np.argsort(-predicted, kind="stable")[:count]]
        proposals = [Proposal(genome=self._candidates[place][1], parents=(), move="predict") for place in chosen]
        return {"random": save_random(generator)}, proposals

    def tell(self, state: State, results: Sequence[Told]) -> State:
        """The same state."""
        del results
        return state

    def _predicted(self, known: Sequence[tuple[int, float | None]], left: Sequence[int]) -> Array:
        from sklearn.neighbors import KNeighborsRegressor

        worst = min((score for _, score in known if score is not None), default=0.0)
        targets = [worst if score is None else score for _, score in known]
        model = KNeighborsRegressor(n_neighbors=_NEIGHBOURS)
        model.fit(self._embedding[[place for place, _ in known]], targets)
        found: Array = model.predict(self._embedding[left])
        return found

    @cached_property
    def _embedding(self) -> Array:
        """(candidates, 2)."""
        from sklearn.manifold import SpectralEmbedding

        rows = [self._row(genome) for _, genome in self._candidates]
        outputs, spectra = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
        features = np.concatenate([_scaled(outputs), _scaled(spectra)], axis=1)
        embedding = SpectralEmbedding(n_components=2, n_neighbors=_GRAPH, random_state=0)
        found: Array = embedding.fit_transform(features)
        return found

    def _row(self, genome: Genome) -> tuple[Array, Array]:
        activation, gain = normalised(self._space.candidate(genome).activation)
        probe: Any = probe_of(activation)
        shares = np.cumsum(probe.grid[1])
        at = np.searchsorted(shares, (np.arange(_OUTPUTS) + 0.5) / _OUTPUTS)
        outputs = np.clip(probe.gaussian_values[at] * gain, -_CLIPPED, _CLIPPED)
        return outputs, eigenvalues(activation, gain, self._lesson)


def _scaled(block: Array) -> Array:
    """Every column of unit variance, and blocks of any number of columns of the same weight."""
    known = np.where(np.isfinite(block), block, np.nanmin(block))
    scaled: Array = (known - known.mean(axis=0)) / np.maximum(known.std(axis=0), 1e-9) / len(known[0]) ** 0.5
    return scaled

from __future__ import annotations

import time

import pytest

from actsearch.evaluate.pool import InProcess
from actsearch.evaluate.profile import Profile
from actsearch.evaluate.task import load_task, subject_of
from actsearch.evaluate.worker import Job
from actsearch.grammar.activation import parse
from actsearch.search.config import SearchConfig
from actsearch.search.pace import Pace
from actsearch.search.progress import Progress
from actsearch.search.trials import Trials
from actsearch.store.journal import Journal


def pace(*generations: tuple[float, int]) -> tuple[float, float]:
    found = Pace()
    for seconds, trainings in generations:
        found.add(seconds, trainings)
    return found.generation_seconds, found.training_seconds


def test_before_anything_nothing_is_known():
    assert pace() == (0.0, 0.0)
    assert pace((3.0, 0)) == (3.0, 0.0)


def test_the_first_generation_counts_as_long_as_it_is_alone():
    assert pace((30.0, 10)) == (30.0, 3.0)
    assert pace((30.0, 10), (2.0, 20)) == (2.0, 0.1)
    # One in which nothing was trained says nothing of trainings.
    assert pace((30.0, 10), (2.0, 0)) == (2.0, 3.0)


def test_one_that_hung_does_not_set_the_pace_and_what_lasts_does():
    usual = [(2.0, 20)] * 4
    assert pace((1.0, 1), *usual, (60.0, 20)) == (2.0, 0.1)
    # Generations that grow are reserved for as they are now, and not as they were on the average.
    assert pace((1.0, 1), *usual, *[(4.0, 20)] * 3) == (4.0, 0.2)
    # Of two the longer.
    assert pace((1.0, 1), (2.0, 20), (4.0, 20)) == (4.0, 0.2)


SLOW_AT_FIRST = """if not hasattr(type(self), "is_warm"):
            type(self).is_warm = True
            time.sleep(1.0)"""


def test_after_a_slow_first_generation_no_time_is_reserved_for_another_like_it(search, write_task, tmp_path):
    task = write_task(SLOW_AT_FIRST)
    search(task=write_task(), store=tmp_path, budget="1c")
    texts = ["sin(x)", "tanh(x)", "x**2"]
    jobs = [Job(key=text, subject=subject_of(parse(text))) for text in texts]
    with Journal.open(tmp_path) as journal, InProcess(task, Profile(title="t", executor="in-process")) as executor:
        trials = Trials(
            record=journal.search(),
            journal=journal,
            task=load_task(task),
            executor=executor,
            config=SearchConfig.of({"finalists": "1", "final_seeds": "2", "protocols.stability.when": "never"}),
            progress=Progress(show=lambda _: None),
            warn=pytest.fail,
        )
        reserved = []
        for _ in range(2):
            assert len(list(trials.evaluate(jobs, 1))) == len(texts)
            reserved.append(trials.reserve_seconds())
        assert reserved[0] > 1.25
        assert 0 < reserved[1] < 0.5 * reserved[0]
        # What passes between two generations is a part of each: strategies breed then.
        time.sleep(0.3)
        list(trials.evaluate(jobs, 1))
        assert trials.reserve_seconds() > 1.25 * 0.3

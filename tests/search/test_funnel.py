from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actsearch.grammar.space import Space, read_space
from actsearch.outcome import Rejected
from actsearch.search.config import SearchConfig
from actsearch.search.funnel import Funnel, subject_of_record
from actsearch.search.strategy import Proposal
from actsearch.store.record import CandidateRecord

FUNCTIONS = {
    "hyperbolic": "sinh(x)", "fast": "sin(3 * x)",
    "sine": "sin(x)", "doubled": "2 * sin(x)", "negated": "-sin(x)", "squares": "1 - sin(x)**2",
    "cosines": "cos(x)**2", "log": "log(x)", "both": "log(x) + sin(1000 * x)", "line": "3 * x + 1",
    "slope": "beta * x", "constant": "x - x + 1", "steep": "sin(1000 * x)", "halves": "sin(500 * x) * cos(500 * x)",
    "steps": "sign(x)", "swish": "x * sigmoid(beta * x)", "sum": "logsigmoid(x) + softplus(x)",
    "quotient": "sin(x) / x", "sinc": "sinc(x / pi)", "overflows": "log(1 + exp(5 * x))",
    "careful": "5 * relu(x) + log1p(exp(-5 * abs(x)))",
}  # fmt: skip


@pytest.fixture(scope="module")
def space(write_space) -> Space:
    return read_space(Path(write_space(FUNCTIONS)))


@pytest.fixture
def propose(space) -> Callable[..., CandidateRecord]:
    """Passes functions, by their names, through a new funnel or a given one."""
    genomes = {genome.production.name: genome for genome in space.enumerate()}

    def through(*names: str, funnel: Funnel | None = None, **settings: str) -> list[CandidateRecord]:
        funnel = funnel or Funnel(space=space, config=SearchConfig.of(settings))
        proposals = [Proposal(genome=genomes[name], parents=("a" * 12,), move="point") for name in names]
        # One by one, so that none is judged beside another.
        return [funnel.pass_together([one], first=n, generation=3)[0] for n, one in enumerate(proposals)]

    return through


@pytest.fixture
def propose_together(space) -> Callable[..., list[CandidateRecord]]:
    """Passes functions, by their names, through a new funnel or a given one, as one batch."""
    genomes = {genome.production.name: genome for genome in space.enumerate()}

    def through(*names: str, funnel: Funnel | None = None, first: int = 0) -> list[CandidateRecord]:
        funnel = funnel or Funnel(space=space, config=SearchConfig())
        proposals = [Proposal(genome=genomes[name], parents=(), move="sample") for name in names]
        return funnel.pass_together(proposals, first=first, generation=1)

    return through


def test_what_passes_is_without_an_outcome_and_ready_to_be_trained(propose, space):
    (record,) = propose("swish")
    assert record.outcome is None
    assert (record.number, record.generation, record.parents, record.move) == (0, 3, ("a" * 12,), "point")
    assert record.expression == "x * sigmoid(beta * x)"
    assert record.parameters == {"beta": {"initial": 1.0, "granularity": "layer"}}
    assert space.decode(record.genome).production.name == "swish"
    subject = subject_of_record(record)
    assert (subject.gain, subject.activation.id) == (record.gain, record.id)
    assert 1.0 < record.gain < 3.0
    assert len(record.fingerprint) == 16


@pytest.mark.parametrize(
    ("name", "stage", "reason", "measured"),
    [
        ("log", "domain", "not finite at 50.0% of |x| <= 20 (nearest to 0: |x| = 0)", 801 / 1601),
        ("line", "trivial", "affine", 0.0),
        ("slope", "trivial", "affine", 0.0),
        ("constant", "trivial", "constant", 0.0),
        ("steep", "gradient", "exploding: a layer scales squared gradients by 1e+06 (bounds 0.01 to 1000)", 1e6),
        (
            "fast",
            "signal",
            (
                "forgets: after 3 layers 1.91e-06 is left of the difference between the correlations 0.8 and 0.2"
                " (at least 1e-05)"
            ),
            1.91e-6,
        ),
        (
            "hyperbolic",
            "signal",
            "explodes: a second moment of 4 is 1.95e+30 after 2 of 3 layers (at most 1e+30)",
            1.95e30,
        ),
        ("steps", "gradient", "dead: a layer scales squared gradients by 0 (bounds 0.01 to 1000)", 0.0),
    ],
)
def test_a_rejection_carries_stage_reason_and_the_measured_number(propose, name, stage, reason, measured):
    (record,) = propose(name)
    assert isinstance(record.outcome, Rejected)
    assert (record.outcome.stage, record.outcome.reason) == (stage, reason)
    assert record.outcome.measured == pytest.approx(measured, rel=5e-3, abs=1e-9)


def test_the_first_protocol_that_rejects_is_the_one_that_counts(propose):
    # Not finite and exploding; then a repetition of something that was rejected.
    both, again = propose("both", "both")
    assert both.outcome.stage == "domain"
    assert (again.outcome.stage, again.outcome.measured) == ("duplicate", 0.0)


def test_a_constant_factor_makes_a_duplicate_by_its_hash(propose):
    first, doubled = propose("sine", "doubled")
    assert first.outcome is None
    assert doubled.id == first.id
    assert doubled.expression == first.expression == "sin(x)"
    assert doubled.outcome == Rejected(
        stage="duplicate", reason="the same expression as candidate number 0", measured=0.0
    )
    assert (doubled.gain, doubled.fingerprint) == (None, None)


def test_a_sign_makes_another_candidate(propose):
    first, negated = propose("sine", "negated")
    assert negated.outcome is None
    assert negated.id != first.id


def test_another_expression_of_the_same_function_is_a_duplicate_by_its_fingerprint(propose):
    _, squares, cosines = propose("sine", "squares", "cosines")
    assert squares.outcome is None
    assert cosines.id != squares.id
    expected = Rejected(stage="duplicate", reason="the same function as candidate number 1", measured=1.0)
    assert cosines.outcome == expected


def test_a_function_that_was_rejected_after_its_fingerprint_is_known_as_well(propose):
    steep, halves = propose("steep", "halves")
    assert steep.outcome.stage == "gradient"
    assert (halves.outcome.stage, halves.outcome.measured) == ("duplicate", 0.0)


def test_what_cannot_be_trained_is_no_subject(propose):
    (record,) = propose("log")
    with pytest.raises(ValueError, match="candidate 0 did not pass"):
        subject_of_record(record)


def test_a_funnel_that_was_told_of_earlier_candidates_judges_as_the_one_that_saw_them(propose, space):
    names = ["sine", "squares", "steep", "log", "line"]
    again = ["doubled", "cosines", "halves", "log", "line", "swish"]
    seen = propose(*names)
    remembering = Funnel(space=space, config=SearchConfig())
    remembering.remember(seen)
    resumed = propose(*again, funnel=remembering)
    unbroken = propose(*names, *again)[len(names) :]
    assert [r.outcome for r in resumed] == [r.outcome for r in unbroken]
    assert [r.outcome and r.outcome.measured for r in resumed] == [0.0, 1.0, 2.0, 3.0, 4.0, None]


def test_thresholds_are_the_settings(propose):
    (steep,) = propose("steep", **{"protocols.gradient.largest": "1e7"})
    assert steep.outcome.stage == "signal"
    (steep,) = propose("steep", **{"protocols.gradient.largest": "1e7", "protocols.signal.smallest": "0"})
    assert steep.outcome is None
    (hyperbolic,) = propose("hyperbolic", **{"protocols.signal.depth": "1"})
    assert hyperbolic.outcome is None
    (sine,) = propose("sine", **{"protocols.cost.largest": "50"})
    assert (sine.outcome.stage, sine.outcome.measured) == ("cost", 57.0)
    (sine,) = propose("sine", **{"protocols.cost.largest": "57"})
    assert sine.outcome is None
    (sine,) = propose("sine", **{"protocols.gradient.largest": "1.1"})
    assert sine.outcome.stage == "gradient"
    (sine,) = propose("sine", **{"protocols.trivial.smallest_residual": "0.9"})
    assert sine.outcome.stage == "trivial"
    (log,) = propose("log", **{"protocols.domain.largest_share": "1"})
    assert log.outcome is None or log.outcome.stage != "domain"


def test_the_granularity_of_the_request_wins(propose):
    (layer,), (channel,) = propose("swish"), propose("swish", granularity="channel")
    assert channel.parameters == {"beta": {"initial": 1.0, "granularity": "channel"}}
    assert channel.id != layer.id


def test_a_batch_is_judged_as_its_members_one_by_one(propose, propose_together):
    names = ["sine", "doubled", "negated", "log", "line", "steep", "swish", "constant", "log", "steps"]
    apart, together = propose(*names), propose_together(*names)
    assert [(r.id, r.outcome, r.gain, r.fingerprint) for r in together] == [
        (r.id, r.outcome, r.gain, r.fingerprint) for r in apart
    ]
    assert [r.number for r in together] == list(range(len(names)))


@pytest.mark.parametrize("order", [("cosines", "squares"), ("squares", "cosines")])
def test_of_texts_of_one_function_the_smallest_is_kept(propose_together, order):
    records = dict(zip(order, propose_together("sine", *order)[1:], strict=True))
    kept, other = records["cosines"], records["squares"]
    assert kept.outcome is None
    assert other.outcome == Rejected(
        stage="duplicate", reason=f"the same function as candidate number {kept.number}", measured=float(kept.number)
    )
    assert (other.gain, other.fingerprint) == (None, None)


@pytest.mark.parametrize("order", [("overflows", "careful"), ("careful", "overflows")])
def test_a_text_that_is_finite_as_written_is_kept_before_a_smaller_one(propose, propose_together, order):
    assert all(propose(name)[0].outcome is None for name in order), "either may be trained, in a form that is stable"
    records = dict(zip(order, propose_together(*order), strict=True))
    assert records["careful"].outcome is None
    assert records["overflows"].outcome.measured == records["careful"].number


def test_what_was_kept_before_stays_though_a_smaller_text_comes(propose_together, space):
    funnel = Funnel(space=space, config=SearchConfig())
    (first,) = propose_together("squares", funnel=funnel)
    (later,) = propose_together("cosines", funnel=funnel, first=1)
    assert first.outcome is None
    assert later.outcome.measured == 0.0


def test_what_has_no_value_at_a_removable_point_does_not_hide_what_has_one(propose, propose_together):
    for records in (
        propose("quotient", "sinc"),
        propose_together("quotient", "sinc"),
        propose("sinc", "quotient")[::-1],
    ):
        quotient, sinc = records
        assert quotient.outcome.stage == "domain"
        assert sinc.outcome is None


def test_a_sum_that_is_a_straight_line_is_seen(propose):
    (record,) = propose("sum")
    assert (record.outcome.stage, record.outcome.reason) == ("trivial", "affine")


def test_a_space_may_ask_for_the_escape_test(tmp_path):
    text = "title: t\npaper: p\nstart: f\nrules: {f: {square: x**2, nearly: x + 0.01 * x**2, bounded: tanh(x)}}\n"
    outcomes = {}
    for name, more in (("plain", ""), ("strict", "protocols: [escape]\n")):
        path = tmp_path / f"{name}.yaml"
        path.write_text(text + more, encoding="utf-8")
        space = read_space(path)
        funnel = Funnel(space=space, config=SearchConfig())
        proposals = [Proposal(genome=genome, parents=(), move="sample") for genome in space.enumerate()]
        outcomes[name] = [record.outcome for record in funnel.pass_together(proposals, first=0, generation=1)]
    assert outcomes["plain"] == [None, None, None]
    square, *others = outcomes["strict"]
    assert square.stage == "escape"
    assert others == [None, None]


def test_layers_with_statistics_arrays_and_draws_are_judged_too(write_space):
    functions = {
        "normalised": "x * sigmoid(v * x) / std[last](x)", "same": "2 * x * sigmoid(v * x) / std[last](x)",
        "flat": "mean[last](x) - mean[last](x) + 1", "pole": "x / (x - mean[last](x))",
        "array": "c[0] + c[1] * x + c[2] * x**2", "switch": "stochastic(0.5, silu(x), tanh(x))",
    }  # fmt: skip
    space = read_space(Path(write_space(functions)))
    proposals = [Proposal(genome=genome, parents=(), move="sample") for genome in space.enumerate()]
    found = Funnel(space=space, config=SearchConfig()).pass_together(proposals, first=0, generation=1)
    records = dict(zip(functions, found, strict=True))
    stages = {name: record.outcome and record.outcome.stage for name, record in records.items()}
    assert stages == {
        "normalised": None, "same": "duplicate", "flat": "trivial", "pole": "domain", "array": None, "switch": None,
    }  # fmt: skip
    for name in ("normalised", "array", "switch"):
        assert subject_of_record(records[name]).gain == records[name].gain > 0


def test_more_proposals_than_go_together_are_numbered_and_known_as_one_after_the_other(propose, propose_together):
    names = [*FUNCTIONS, *FUNCTIONS] * 5
    alone, together = propose(*names), propose_together(*names)
    assert len(names) > 128
    assert [record.number for record in together] == list(range(len(names)))
    assert [(record.id, record.expression) for record in together] == [(r.id, r.expression) for r in alone]
    repeated = together[len(FUNCTIONS) :]
    assert {record.outcome.stage for record in repeated} == {"duplicate"}
    assert all(record.outcome.measured < len(FUNCTIONS) for record in repeated)

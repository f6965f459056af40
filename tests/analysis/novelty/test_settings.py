from __future__ import annotations

import numpy as np

from actsearch.analysis.novelty.family import family_of, plainly
from actsearch.analysis.novelty.settings import respond, settings_of
from actsearch.grammar.activation import parse


def found(text, **parameters):
    family = family_of(parse(text, **parameters))
    with plainly():
        settings = settings_of(family)
        return settings, respond(family, np.array([setting.values for setting in settings]))


def test_the_initial_setting_comes_first_and_all_have_values():
    settings, responses = found("tanh(a * x) + b * sin(x)", a=0.7, b=0.2)
    assert sorted(settings[0].values.tolist()) == [0.2, 0.7]
    assert np.isfinite(responses).all()
    assert (responses.max(axis=1) > responses.min(axis=1)).all()


def test_limits_are_what_the_family_tends_to_and_does_not_reach():
    settings, _ = found("x * exp(-log1p(lam * exp(-x)) / lam)", lam=1.0)
    assert {"lam": "0"} in [setting.limits for setting in settings]
    # tanh(a*x) with a = 0 is a member, though a constant one, and to infinity it tends to sign(x).
    settings, _ = found("tanh(a * x)", a=1.0)
    assert [setting.limits for setting in settings if setting.limits] == [{"a": "inf"}, {"a": "-inf"}]


def test_a_family_that_tends_nowhere_has_no_limit():
    settings, _ = found("x + a * sin(x)", a=1.0)
    assert not [setting for setting in settings if setting.limits]

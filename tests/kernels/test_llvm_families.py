"""The LLVM backend on random activations of every family, against float64."""

import pytest
from hypothesis import given

from actsearch.compile.backend import load_backend
from tests.compile.families import excesses, expected, trials
from tests.grammar.strategies import quick


@pytest.fixture(autouse=True, scope="module")
def _one_cache(tmp_path_factory):
    """Kernels of all examples in one folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACTSEARCH_STORE", str(tmp_path_factory.mktemp("kernels")))
        yield


def assert_agrees(case):
    wanted = expected(case)
    found = excesses(load_backend("llvm").compile(case.activation), case, wanted)
    assert max(found) <= 1, found


@quick(150)
@given(trials())
def test_values_and_gradients_of_any_activation_agree_with_float64(case):
    assert_agrees(case)


@quick(60)
@given(trials(is_smooth=True))
def test_second_derivatives_of_smooth_ones_agree_with_float64(case):
    assert_agrees(case)

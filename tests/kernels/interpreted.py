"""Runs in a process of its own with TRITON_INTERPRET=1, and prints what it found as JSON."""

import dataclasses
import json
import sys
import warnings

import torch

from actsearch.compile.backend import load_backend
from actsearch.compile.conformance import cases, check, outputs, sample


def repeated(case):
    """Whether two runs give the same bits."""
    function = load_backend("triton").compile(case.activation)
    x, upstream, parameters = sample(case)
    runs = [outputs(function, x, upstream, parameters, case.channel_dim) for _ in range(2)]
    return all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


def main():
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # numpy warns of lanes beyond the end of a tensor
    findings, failures, same = [], {}, {}
    for case in cases():
        try:
            findings += [dataclasses.asdict(finding) for finding in check(load_backend("triton"), case)]
            if case.activation.parameters and case.shape == (1030, 70):
                same[case.name] = repeated(case)
        except Exception as error:  # noqa: BLE001 - one broken case must not hide the others
            failures[case.name] = f"{type(error).__name__}: {error}"
    json.dump({"findings": findings, "failures": failures, "same_bits": same}, sys.stdout)


main()

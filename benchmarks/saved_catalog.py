"""What a layer of each function of the catalog keeps for its backward with `saving="auto"`.

    python benchmarks/saved_catalog.py

Counted, not measured: bits an element, where the next layer keeps the output anyway and where it does not. Writes
`benchmarks/saved_catalog.csv` anew, a row for each function of one input without parameters and statistics, which keep
the input, and prints how many keep less.
"""

from __future__ import annotations

from pathlib import Path

import record
import torch

from actsearch.analysis.catalog import catalog
from actsearch.compile.saving import saved_bits

TABLE = Path(__file__).with_suffix(".csv")
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def main() -> None:
    """Count, write, print."""
    rows = []
    for entry in catalog().values():
        if entry.formula is None:
            continue
        activation = entry.activation
        if len(activation.inputs) != 1 or activation.parameters or activation.statistics:
            continue
        for name, dtype in DTYPES.items():
            kept, alone = (saved_bits(activation, dtype, is_output_kept=is_kept) for is_kept in (True, False))
            rows.append({"function": entry.name, "dtype": name, "bits": kept, "bits_with_output": alone})
    about = record.machine("torch")
    record.write(TABLE, [about | row for row in rows])
    for name, dtype in DTYPES.items():
        own = [row for row in rows if row["dtype"] == name]
        less, alone = (sum(row[key] < 8 * dtype.itemsize for row in own) for key in ("bits", "bits_with_output"))
        print(f"{name}: {less} of {len(own)} keep less than the input, {alone} with the output counted")


if __name__ == "__main__":
    main()

"""Exported files, imported."""

import importlib.util
import sys

from actsearch.export.module import export_module, write


def exported(winner, folder, name="winner", **options):
    """The exported class of an activation or candidate."""
    path = folder / f"{name}.py"
    write(path, export_module(winner, **options))
    return imported(path)


def imported(path):
    """The one public class in an exported file."""
    spec = importlib.util.spec_from_file_location(f"exported_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where pickle and torch.compile look for it
    spec.loader.exec_module(module)
    return getattr(module, module.__all__[0])

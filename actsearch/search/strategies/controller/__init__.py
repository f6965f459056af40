"""A recurrent controller that writes derivations and is trained by reinforcement."""

from actsearch.search.strategies.controller.controller import Controller, ControllerSettings

__all__ = ["Controller", "ControllerSettings"]

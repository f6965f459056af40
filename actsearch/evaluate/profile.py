"""A profile: where workers run and within what limits, from a YAML file in `workers/profiles/` or a Ray address."""

from __future__ import annotations

import re
import socket
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from actsearch import plugins
from actsearch.documents import read_document
from actsearch.errors import ConfigError

_ADDRESS = re.compile(r"^(auto|local|ray://.+|[\w.\-]+:\d+)$")
_HOST_PORT = re.compile(r"^(ray://)?(?P<host>[\w.\-]+):(?P<port>\d+)$")
_ANSWER_SECONDS = 5.0


class Profile(BaseModel):
    """Settings of the workers; the YAML file has the same keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    executor: Literal["ray", "in-process"] = "ray"
    address: str = "local"
    """Ray cluster to join: `local` starts one, `auto` finds a running one, else `host:port`."""
    workers: Annotated[int, Field(ge=1, le=10_000)] = 2
    cpus_per_worker: Annotated[float, Field(gt=0)] = 1.0
    batch: Annotated[int, Field(ge=1, le=4096)] = 16
    """Most candidates that one call evaluates together."""
    time_limit_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Least time a candidate is given; 20 times what one takes if that is more."""
    memory_mebibytes: Annotated[int, Field(ge=64)] | None = 4096
    """Memory that a worker may take beyond what it starts with, so that a task that takes all fails alone; on Linux."""
    object_store_mebibytes: Annotated[int, Field(ge=76)] = 100
    """Ray's shared memory, of a local cluster; candidates are small."""


def read_profile(name: str) -> Profile:
    """The profile with that name or path, or one for the Ray cluster at an address; raises `ConfigError`."""
    if _ADDRESS.match(name) and name not in plugins.names("workers/profiles"):
        return Profile(title=f"the Ray cluster at {name}", address=name)
    return read_document(plugins.find("workers/profiles", name), Profile, ConfigError)


def check_address(profile: Profile) -> None:
    """Raise `ConfigError` if nothing answers at the profile's `host:port`; Ray itself tries for minutes."""
    match = _HOST_PORT.match(profile.address)
    if profile.executor != "ray" or match is None:
        return
    try:
        socket.create_connection((match["host"], int(match["port"])), timeout=_ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot reach the Ray cluster at {profile.address!r}: {reason}.") from None

"""docker/Dockerfile and docker/compose.yaml, held against the programs that they call.

No Docker engine is needed: the files are parsed, every program, option, port and variable in them is looked up in what
is installed, and the servers are started with the compose file's own commands and asked by its own health checks.
"""

from __future__ import annotations

import functools
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
TOKEN = secrets.token_hex(32)
SERVICES = ("mlflow", "ray-head", "ray-worker", "search")

# --- the two files, parsed ---------------------------------------------------------------------------------------


def interpolated(value: Any, variables: dict[str, str]) -> Any:
    """`value` with compose's `${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `$$` replaced, in depth."""
    if isinstance(value, dict):
        return {key: interpolated(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item, variables) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, operator, rest = match[1], match[2], match[3]
        if variables.get(name):
            return variables[name]
        if operator == ":-":
            return rest
        message = f"{name} is not set: {rest}"
        raise KeyError(message)

    return re.sub(r"\$\$|\$\{(\w+)(?:(:-|:\?)([^}]*))?\}", replace, value)


@functools.cache
def text() -> str:
    return (ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8")


def compose(**variables: str) -> dict[str, Any]:
    return interpolated(yaml.safe_load(text()), {"RAY_AUTH_TOKEN": TOKEN, **variables})


def service(name: str) -> dict[str, Any]:
    return compose()["services"][name]


@functools.cache
def dockerfile() -> tuple[tuple[str, str], ...]:
    """Instructions of the Dockerfile in order: name and argument, continued lines joined, comments gone."""
    lines = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    joined = "\n".join(line for line in lines if not line.lstrip().startswith("#")).replace("\\\n", " ")
    pairs = (line.split(None, 1) for line in joined.splitlines() if line.strip())
    return tuple((name.upper(), " ".join(argument.split())) for name, argument in pairs)


def arguments(instruction: str) -> list[str]:
    return [argument for name, argument in dockerfile() if name == instruction]


def simple_commands(words: list[str]) -> list[list[str]]:
    """The single commands of an exec form, those of `sh -c SCRIPT` among them."""
    if words[:2] != ["sh", "-c"]:
        return [words]
    parts = (shlex.split(part) for part in words[2].split("&&"))
    return [part[1:] if part[0] == "exec" else part for part in parts]


def commands() -> list[tuple[str, list[str]]]:
    """Every command of the compose file beside its service's name, health checks included."""
    found = []
    for name in SERVICES:
        content = service(name)
        assert content["healthcheck"]["test"][0] == "CMD"
        found += [(name, words) for words in simple_commands(content["command"])]
        found.append((name, content["healthcheck"]["test"][1:]))
    return found


def option(words: list[str], name: str) -> str:
    (value,) = (word.partition("=")[2] for word in words if word.startswith(f"{name}="))
    return value


@functools.cache
def options_of(*command: str) -> frozenset[str]:
    """The long and short options that `command --help` lists."""
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:], "--help"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return frozenset(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", done.stdout))


# --- compose.yaml ------------------------------------------------------------------------------------------------


def test_the_services_are_those_of_the_readme() -> None:
    assert set(compose()["services"]) == set(SERVICES)


def test_every_option_is_one_of_the_installed_program() -> None:
    programs = set()
    for name, words in commands():
        program = words[0]
        programs.add(program)
        if program == "python":
            assert words[1] == "-c"
            compile(words[2], name, "exec")
            continue
        assert (BIN / program).is_file(), f"{name}: {program} is not installed"
        known = options_of(program, words[1])
        for word in words[2:]:
            if word.startswith("-"):
                assert word.partition("=")[0] in known, f"{name}: `{program} {words[1]}` has no {word}"
    assert programs == {"mlflow", "ray", "actsearch", "python"}


def test_the_search_names_what_exists() -> None:
    (words,) = (words for words in simple_commands(service("search")["command"]) if words[0] == "actsearch")
    assert (ROOT / "search_spaces" / f"{words[2]}.yaml").is_file()
    assert (ROOT / "workers" / f"{option(words, '--task')}.py").is_file()
    assert re.fullmatch(r"\d+[smhc]", service("search")["environment"]["SEARCH_BUDGET"])


def package_files(package: str) -> Iterator[bytes]:
    """Contents of the files of an installed package that may read variables: its sources, Ray's programs too."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    yield from (path.read_bytes() for path in folder.rglob("*.py"))
    if package == "ray":
        yield (folder / "core/src/ray/gcs/gcs_server").read_bytes()


@functools.cache
def reads(package: str, name: str) -> bool:
    # Ray's settings in C++ are declared without the prefix RAY_ that their variables carry, in lower case.
    needle = name.removeprefix("RAY_") if package == "ray" and name != name.upper() else name
    return any(re.search(rb"\b" + needle.encode() + rb"\b", content) for content in package_files(package))


def environment_variables() -> list[tuple[str, str]]:
    found = [(name, variable) for name in SERVICES for variable in service(name).get("environment", {})]
    image = [pair.partition("=")[0] for line in arguments("ENV") for pair in shlex.split(line)]
    return found + [("Dockerfile", variable) for variable in image]


def test_every_variable_is_read_by_someone() -> None:
    python = subprocess.run([sys.executable, "--help-env"], capture_output=True, text=True, check=True).stdout
    for where, name in environment_variables():
        owner = {"MLFLOW": "mlflow", "RAY": "ray", "ACTSEARCH": "actsearch"}.get(name.split("_")[0])
        if owner:
            assert reads(owner, name), f"{where}: {owner} reads no {name}"
        elif name.startswith("PYTHON"):
            assert name in python, f"{where}: Python reads no {name}"
        else:
            assert any(f"${name}" in word for word in service(where)["command"]), f"{where} does not use {name}"
    assert reads("actsearch", "MLFLOW_TRACKING_URI")
    assert not reads("mlflow", "MLFLOW_SERVER_ALLOWED_GUESTS")


def test_ports_are_published_on_this_machine_only() -> None:
    published = [port for name in SERVICES for port in service(name).get("ports", [])]
    assert published
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in published)
    assert "network_mode" not in text()


def test_the_ports_fit_together() -> None:
    mlflow = option(service("mlflow")["command"], "--port")
    assert all(port.endswith(f":{mlflow}") for port in service("mlflow")["ports"])
    assert f":{mlflow}/health" in service("mlflow")["healthcheck"]["test"][-1]
    address = urlsplit(service("search")["environment"]["MLFLOW_TRACKING_URI"])
    assert (address.hostname, str(address.port)) == ("mlflow", mlflow)
    assert address.netloc in service("mlflow")["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")

    head = f"ray-head:{option(service('ray-head')['command'], '--port')}"
    asked = [word.partition("=")[2] for name, words in commands() for word in words
             if word.startswith(("--address=", "--workers=")) and not word.startswith("--workers=1")]  # fmt: skip
    assert set(asked) == {head, head.replace("ray-head", "127.0.0.1")}
    assert (
        option(service("ray-worker")["command"], "--node-manager-port")
        in service("ray-worker")["healthcheck"]["test"][-1]
    )


def test_a_browser_may_use_the_published_port() -> None:
    chosen = compose(MLFLOW_PORT="8123")["services"]["mlflow"]
    assert chosen["ports"] == ["127.0.0.1:8123:5000"]
    hosts = chosen["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    assert {"127.0.0.1:8123", "localhost:8123", "mlflow:5000"} <= set(hosts)


def test_the_token_is_required_and_has_no_default() -> None:
    with pytest.raises(KeyError, match="RAY_AUTH_TOKEN is not set"):
        interpolated(yaml.safe_load(text()), {})
    for name in ("ray-head", "ray-worker", "search"):
        environment = service(name)["environment"]
        assert environment["RAY_AUTH_MODE"] == "token"
        assert environment["RAY_AUTH_TOKEN"] == TOKEN


def test_services_wait_for_healthy_ones() -> None:
    for name in SERVICES:
        content = service(name)
        assert {"test", "interval", "timeout", "retries", "start_period"} <= set(content["healthcheck"])
        for other, how in content.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert service(other)["healthcheck"]
    assert set(service("search")["depends_on"]) == {"mlflow", "ray-head", "ray-worker"}


def test_workers_can_be_many() -> None:
    assert not {"container_name", "ports", "hostname"} & set(service("ray-worker"))


def test_every_volume_is_declared_and_belongs_to_the_user() -> None:
    declared = compose()["volumes"]
    (made,) = (re.search(r"install -d -o (\w+) -g \w+ ([^&]+)", run) for run in arguments("RUN") if "install -d" in run)
    assert made is not None
    assert made[1] == arguments("USER")[-1]
    for name in SERVICES:
        for volume in service(name).get("volumes", []):
            source, target = volume.split(":")
            assert source in declared
            assert target in made[2].split()
    assert {"ACTSEARCH_STORE=/store"} <= set(shlex.split(arguments("ENV")[0]))
    assert "store:/store" in service("search")["volumes"]


def test_every_variable_of_the_compose_file_is_documented() -> None:
    readme = (ROOT / "docker" / "README.md").read_text(encoding="utf-8")
    for name, default in re.findall(r"\$\{(\w+)(?::-([^}]*))?", text()):
        row = re.search(rf"^\| `{name}` \|.*$", readme, flags=re.MULTILINE)
        assert row, f"docker/README.md does not name {name}"
        assert default in row[0]


# --- Dockerfile --------------------------------------------------------------------------------------------------


def test_the_image_is_built_from_what_is_there() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sources = [word for line in arguments("COPY") if "--from=" not in line for word in line.split()[:-1]]
    for source in sources:
        assert (ROOT / source).exists(), f"{source} does not exist"
        assert f"!{source}" in let_in, f"{source} is kept out by .dockerignore"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert {*needed, project["project"]["readme"], *project["project"]["license-files"], "pyproject.toml"} <= set(
        sources
    )


def test_the_image_runs_without_rights() -> None:
    users = arguments("USER")
    assert users
    assert users[-1] not in {"root", "0"}
    assert f"useradd --create-home --uid 1000 {users[-1]}" in " ".join(arguments("RUN"))
    for name in SERVICES:
        assert "user" not in service(name)
        assert service(name)["cap_drop"] == ["ALL"]


def test_the_image_uses_a_python_that_we_support() -> None:
    for base in arguments("FROM"):
        assert re.match(r"python:3\.1[1-9]-slim\b", base), base


def test_pip_is_called_with_options_that_it_has() -> None:
    called = [shlex.split(part.strip("{} ")) for run in arguments("RUN") for part in re.split(r"&&|;|\|\|", run)]
    pips = [words for words in called if words[:1] == ["pip"]]
    assert {words[1] for words in pips} == {"wheel", "install"}
    for words in pips:
        for word in words[2:]:
            assert not word.startswith("-") or word in options_of("pip", words[1]), word
    (install,) = (words for words in pips if words[1] == "install")
    assert install[install.index("-c") + 1] == "/tmp/constraints.txt"
    # pip reads PIP_EXTRA_INDEX_URL because it has --extra-index-url.
    for argument in arguments("ARG"):
        name = argument.partition("=")[0]
        if name.startswith("PIP_"):
            assert "--" + name.removeprefix("PIP_").lower().replace("_", "-") in options_of("pip", "install")
        else:
            assert any(f"${name}" in run for run in arguments("RUN")), f"nobody uses {name}"


def test_the_image_starts_our_program() -> None:
    (start,) = arguments("CMD")
    assert yaml.safe_load(start)[0] in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]


# --- the servers, started as the compose file says ---------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """The compose file's servers as processes of this machine: its commands, with ports and folders of the test's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {port: str(free_port()) for port in ("5000", "6379", "6380")}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def here(self, words: list[str]) -> list[str]:
        """`words` as they are to be said on this machine."""
        text = "\0".join(words).replace("0.0.0.0", "127.0.0.1").replace("ray-head:", "127.0.0.1:")
        for port, free in self.ports.items():
            text = re.sub(rf"(?<=[:= ]){port}\b", free, text)
        program, *rest = text.replace("/mlflow/", f"{self.folder}/").split("\0")
        return [str(BIN / program), *rest]

    def environment(self, name: str) -> dict[str, str]:
        return {**os.environ, **service(name).get("environment", {})}

    def start(self, name: str) -> None:
        words = self.here(service(name)["command"])
        if name.startswith("ray"):
            words.append(f"--temp-dir={self.folder}")  # of our own, or it meets another Ray on this machine
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                words, env=self.environment(name), stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )

    def health(self, name: str, **environment: str) -> int:
        """Exit code of the service's health check."""
        words = self.here(service(name)["healthcheck"]["test"][1:])
        return subprocess.run(
            words, env=self.environment(name) | environment, capture_output=True, check=False, timeout=60
        ).returncode

    def becomes_healthy(self, name: str, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while self.processes[name].poll() is None and time.monotonic() < end:
            if self.health(name) == 0:
                return True
            time.sleep(0.5)
        print((self.folder / f"{name}.log").read_text(errors="replace"))
        return False

    def stop(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        # Servers' children that outlive them carry the test's folder in their command line.
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if str(self.folder).encode() in entry.read_bytes():
                    os.kill(int(entry.parent.name), signal.SIGKILL)
            except (OSError, ValueError):
                continue


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    # Not pytest's folder: Ray's sockets lie in it, and their paths may have 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="docker-", dir="/tmp"))
    running = Cluster(folder)
    try:
        for name in ("mlflow", "ray-head"):
            running.start(name)
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_the_ray_services_become_healthy(cluster: Cluster) -> None:
    assert cluster.becomes_healthy("ray-head", 60)
    assert cluster.health("ray-worker") != 0
    cluster.start("ray-worker")
    assert cluster.becomes_healthy("ray-worker", 60)


def test_a_wrong_token_is_refused(cluster: Cluster) -> None:
    assert cluster.becomes_healthy("ray-head", 60)
    assert cluster.health("ray-head", RAY_AUTH_TOKEN=secrets.token_hex(32)) != 0


def test_the_mlflow_service_becomes_healthy_and_checks_names(cluster: Cluster) -> None:
    assert cluster.becomes_healthy("mlflow", 60)
    assert status_of(cluster.ports["5000"], "mlflow:5000") == 200
    assert status_of(cluster.ports["5000"], "localhost:5000") == 200
    assert status_of(cluster.ports["5000"], "attacker.example:5000") == 403


def status_of(port: str, host: str) -> int:
    """HTTP status of a question to the MLflow server at `port` that calls it `host`."""
    url = f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/search?max_results=1"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": host}), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code

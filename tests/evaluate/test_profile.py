from __future__ import annotations

import socket

import pytest

from actsearch import plugins
from actsearch.errors import ConfigError, UnknownNameError
from actsearch.evaluate.profile import Profile, check_address, read_profile


def test_every_profile_that_comes_along_can_be_read():
    names = plugins.names("workers/profiles")
    assert {"laptop", "in-process", "cluster"} <= set(names)
    assert all(read_profile(name).title for name in names)
    laptop = read_profile("laptop")
    assert (laptop.executor, laptop.address, laptop.workers) == ("ray", "local", 2)


def test_an_address_is_a_profile_of_its_own():
    for address in ("auto", "local", "10.0.0.1:6379", "head.example:6379", "ray://head:10001"):
        profile = read_profile(address)
        assert (profile.executor, profile.address) == ("ray", address)


def test_a_path_is_read(profile_file):
    profile = read_profile(profile_file(executor="in-process", batch=3, time_limit_seconds=2.5))
    assert profile == Profile(title="a test's own", executor="in-process", batch=3, time_limit_seconds=2.5)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"executor": "slurm"}, ":2: executor: "),
        ({"workers": 0}, ":2: workers: "),
        ({"workers": "'two'"}, ":2: workers: "),
        ({"batch": 0}, ":2: batch: "),
        ({"batch": 3, "time_limit_seconds": -1}, ":3: time_limit_seconds: "),
        ({"object_store_mebibytes": 10}, ":2: object_store_mebibytes: "),
        ({"wrokers": 2}, "workers"),
        ({"batch": "["}, "not YAML"),
    ],
)
def test_a_wrong_profile_is_one_sentence_with_file_and_line(profile_file, fields, expected):
    path = profile_file(**fields)
    with pytest.raises(ConfigError) as caught:
        read_profile(path)
    assert str(caught.value).startswith(f"{path}:")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_profile_names_the_known_ones():
    with pytest.raises(UnknownNameError, match="unknown profile 'labtop': did you mean laptop"):
        read_profile("labtop")


def test_an_address_where_nobody_answers_is_found_out_at_once():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        # Bound and not listening: connections are refused.
        with pytest.raises(ConfigError, match=f"cannot reach the Ray cluster at '127.0.0.1:{port}'"):
            check_address(read_profile(f"127.0.0.1:{port}"))
        taken.listen()
        check_address(read_profile(f"127.0.0.1:{port}"))
    with pytest.raises(ConfigError, match="cannot reach"):
        check_address(read_profile("127.0.0.1:99999"))
    check_address(read_profile("laptop"))

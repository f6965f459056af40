"""Addresses are shown without their secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from actsearch.track.address import OWN, default_uri, redact, redact_text, view


@pytest.mark.parametrize(("uri", "shown"), [
    ("http://host:5000", "http://host:5000"),
    ("https://ann:s3cret@host/path", "https://***@host/path"),
    ("https://ann:p@ss/w@host", "https://***@host"),
    ("https://host/path?token=s3cret&a=b", "https://host/path?token=***&a=***"),
    ("postgresql+psycopg2://ann:s3cret@db/mlflow?sslpassword=x", "postgresql+psycopg2://***@db/mlflow?sslpassword=***"),
    ("sqlite:////home/a@b/mlflow.sqlite", "sqlite:////home/a@b/mlflow.sqlite"),
    ("databricks", "databricks"),
])  # fmt: skip
def test_redacted(uri: str, shown: str) -> None:
    assert redact(uri) == shown
    assert redact(shown) == shown


def test_errors_of_libraries_are_redacted() -> None:
    uri = "http://ann:s3cret@host:9"
    text = f"API request to {uri}/api/2.0 failed; also http://bob:other@elsewhere/ did"
    assert redact_text(text, uri) == "API request to http://***@host:9/api/2.0 failed; also http://***@elsewhere/ did"


def test_default_uri_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_uri(Path("runs")) == f"sqlite:///{tmp_path}/runs/mlflow.sqlite"


def test_a_view_s_name_has_no_secret_and_not_the_place_of_the_store(tmp_path: Path) -> None:
    assert view(tmp_path) == view(tmp_path, default_uri(tmp_path)) == OWN
    assert view(tmp_path, default_uri(tmp_path / "other")) == default_uri(tmp_path / "other")
    assert view(tmp_path, "http://ann:s3cret@host") == "http://***@host"

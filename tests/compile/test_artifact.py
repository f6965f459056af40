import pytest

from actsearch.compile.artifact import default_cache, install, write_whole
from actsearch.errors import StoreError


def test_a_file_is_named_by_its_content_and_imported_once(tmp_path):
    one = install("VALUE = 1\n", tmp_path)
    assert install("VALUE = 1\n", tmp_path) is one
    assert install("VALUE = 2\n", tmp_path).VALUE == 2
    assert len(list(tmp_path.glob("kernel_*.py"))) == 2
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_truncated_file_is_written_again(tmp_path):
    text = "VALUE = 3\nOTHER = 4\n"
    install(text, tmp_path / "first")
    (name,) = (path.name for path in (tmp_path / "first").glob("*.py"))
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / name).write_text("VALUE =")
    assert install(text, tmp_path / "second").OTHER == 4


def test_the_store_decides_where_kernels_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("ACTSEARCH_STORE", str(tmp_path))
    assert default_cache() == tmp_path / "kernels"
    monkeypatch.delenv("ACTSEARCH_STORE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert default_cache() == tmp_path / "cache" / "actsearch" / "kernels"


def test_a_folder_that_cannot_be_written_is_a_store_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        write_whole(tmp_path / "file" / "kernel.py", "VALUE = 1\n")

"""Downloads from a server on this machine: kept if they are as published, else removed."""

import functools
import gzip
import hashlib
import http.server
import tarfile
import threading
from dataclasses import replace

import pytest

from learnprop.simulations.dataset_catalogue import DATASETS, File
from learnprop.simulations.fetching import fetch_dataset

CONTENTS = {"a-idx3-ubyte.gz": b"first", "b-idx1-ubyte.gz": b"second"}


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_args):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        super().do_GET()


@pytest.fixture
def server(tmp_path):
    """A folder that is served, its address and what was asked for."""
    home = tmp_path / "served"
    home.mkdir()
    handler = functools.partial(Handler, directory=str(home))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.asked = []
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield home, f"http://127.0.0.1:{running.server_port}", running.asked
        running.shutdown()
        thread.join()


@pytest.fixture
def published(server):
    home, address, _ = server
    for name, content in CONTENTS.items():
        (home / name).write_bytes(gzip.compress(content))
    files = tuple(File(n, hashlib.sha256(c).hexdigest()) for n, c in CONTENTS.items())
    return replace(DATASETS["mnist"], name="tiny", url=f"{address}/", files=files)


def test_files_are_fetched_once(published, server, tmp_path):
    found = fetch_dataset(published, tmp_path / "into")
    assert [path.name for path in found] == list(CONTENTS)
    assert [gzip.decompress(path.read_bytes()) for path in found] == list(CONTENTS.values())
    assert len(server[2]) == 2
    fetch_dataset(published, tmp_path / "into")
    assert len(server[2]) == 2


def test_a_file_that_is_damaged_is_fetched_again(published, server, tmp_path):
    first, _ = fetch_dataset(published, tmp_path / "into")
    first.write_bytes(b"junk")
    fetch_dataset(published, tmp_path / "into")
    assert gzip.decompress(first.read_bytes()) == b"first"
    assert server[2].count("/a-idx3-ubyte.gz") == 2


def test_what_is_not_the_published_file_is_not_kept(published, server, tmp_path):
    (server[0] / "b-idx1-ubyte.gz").write_bytes(gzip.compress(b"forged"))
    with pytest.raises(ValueError, match=r"b-idx1-ubyte.gz is not the published file: SHA-256"):
        fetch_dataset(published, tmp_path / "into")
    kept = [p.name for p in (tmp_path / "into" / "tiny").iterdir()]
    assert kept == ["a-idx3-ubyte.gz"]


def test_what_is_not_there_is_an_os_error(published, tmp_path):
    gone = replace(published, url=published.url + "no/")
    with pytest.raises(OSError, match="404"):
        fetch_dataset(gone, tmp_path / "into")


def test_an_archive_is_unpacked_and_only_what_is_named(published, server, tmp_path):
    home, address, _ = server
    for name, content in {"x/one.bin": b"1", "x/two.bin": b"2", "x/readme": b"r"}.items():
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_bytes(content)
    with tarfile.open(home / "all.tar.gz", "w:gz") as archive:
        archive.add(home / "x", arcname="x")
    files = tuple(
        File(n, hashlib.sha256(c).hexdigest())
        for n, c in (("x/one.bin", b"1"), ("x/two.bin", b"2"))
    )
    packed = replace(published, url=f"{address}/all.tar.gz", files=files)
    found = fetch_dataset(packed, tmp_path / "into")
    assert [path.read_bytes() for path in found] == [b"1", b"2"]
    kept = sorted(p.name for p in (tmp_path / "into" / "tiny").rglob("*") if p.is_file())
    assert kept == ["one.bin", "two.bin"]


def test_what_is_no_archive_is_named_and_not_kept(published, server, tmp_path):
    (server[0] / "all.tar.gz").write_bytes(b"<html>")
    with pytest.raises(ValueError, match=r"all.tar.gz is no archive, or a truncated one"):
        fetch_dataset(replace(published, url=f"{server[1]}/all.tar.gz"), tmp_path / "into")
    assert list((tmp_path / "into" / "tiny").iterdir()) == []


def test_a_file_is_not_removed_before_another_is_there(published, tmp_path):
    mine = tmp_path / "into" / "tiny" / "a-idx3-ubyte.gz"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"my own")
    with pytest.raises(OSError, match="404"):
        fetch_dataset(replace(published, url=published.url + "no/"), tmp_path / "into")
    assert mine.read_bytes() == b"my own"

"""What travels to a machine without a network: gathered, cut, and put together again."""

import gzip
import hashlib
import io
import json
import zipfile

import pytest

from benchmarks.gpu import pack, run, supply
from benchmarks.gpu.pack import MANIFEST, files_of, main, write_pack
from benchmarks.gpu.parts import BadPart, join, split
from benchmarks.gpu.wheels import unpack_wheels
from learnprop.simulations.dataset_catalogue import DataSet, File

CONTENT = {"toy": b"a picture " * 400, "other": b"another one " * 300}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Two data sets of one file each, and the folder where they are."""
    known = {}
    for name, content in CONTENT.items():
        (tmp_path / "home" / name).mkdir(parents=True)
        (tmp_path / "home" / name / "images.gz").write_bytes(gzip.compress(content, 0))
        file = File("images.gz", hashlib.sha256(content).hexdigest())
        known[name] = DataSet(name, name, (1, 28, 28), ("0", "1"), files=(file,))
    for module in (pack, supply):
        monkeypatch.setattr(module, "DATASETS", known)
    monkeypatch.setattr(pack, "data_folders", lambda: [tmp_path / "home"])
    monkeypatch.setattr(supply, "data_folders", list)
    monkeypatch.setattr(supply, "lacking_here", list)
    return tmp_path / "home"


@pytest.fixture
def packed(home):
    """A pack of both, in parts of 2,000 bytes."""
    tmp_path = home.parent
    write_pack(tmp_path / "pack", {name: files_of(name) for name in CONTENT}, most=2000)
    return tmp_path / "pack"


def needing(*names):
    return {name: f"stage {name}3" for name in names}


def unpacked(folder):
    return {p.parent.name: gzip.decompress(p.read_bytes()) for p in folder.rglob("images.gz")}


def test_parts_are_small_and_their_hashes_those_of_the_files(packed):
    for whole in json.loads((packed / MANIFEST).read_text()):
        pieces = [(packed / part["name"]).read_bytes() for part in whole["parts"]]
        assert len(pieces) > 1
        assert max(map(len, pieces)) <= 2000
        for part, piece in zip(whole["parts"], pieces, strict=True):
            assert part["size"] == len(piece)
            assert part["sha256"] == hashlib.sha256(piece).hexdigest()
        assert whole["sha256"] == hashlib.sha256(b"".join(pieces)).hexdigest()


def test_what_was_packed_is_what_is_unpacked(packed, tmp_path, monkeypatch):
    monkeypatch.setenv("LEARNPROP_DATA", "/elsewhere")
    found = supply.supply(packed, tmp_path / "work", needing("toy", "other"))
    assert unpacked(tmp_path / "work") == CONTENT
    assert found["LEARNPROP_DATA"] == f"{tmp_path / 'work' / 'data'}:/elsewhere"


def test_what_is_here_is_not_looked_for_in_a_pack(home, tmp_path, monkeypatch):
    monkeypatch.setattr(supply, "data_folders", lambda: [home])
    supply.supply(tmp_path / "no-pack", tmp_path / "work", needing("toy"))
    assert not (tmp_path / "work" / "data").exists()


def test_parts_may_come_in_several_calls(packed, tmp_path):
    aside = tmp_path / "aside"
    aside.mkdir()
    for part in packed.glob("other.tar.*"):
        part.rename(aside / part.name)
    supply.supply(packed, tmp_path / "work", needing("toy"))
    for part in packed.glob("toy.tar.*"):
        part.unlink()
    for part in aside.iterdir():
        part.rename(packed / part.name)
    supply.supply(packed, tmp_path / "work", needing("toy", "other"))
    assert unpacked(tmp_path / "work") == CONTENT


def remove(part):
    part.unlink()


def flip(part):
    content = bytearray(part.read_bytes())
    content[7] ^= 1
    part.write_bytes(content)


def truncate(part):
    part.write_bytes(part.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("harm", "what"),
    [(remove, "is missing"), (flip, "its SHA-256 is not"), (truncate, "1999 bytes, not 2000")],
)
def test_what_is_missing_or_damaged_is_named(packed, tmp_path, harm, what):
    harm(packed / "toy.tar.1")
    with pytest.raises(supply.Missing, match=rf"stage toy3 needs toy.*toy\.tar\.1 .*{what}"):
        supply.supply(packed, tmp_path / "work", needing("other", "toy"))
    assert not (tmp_path / "work").exists()
    supply.supply(packed, tmp_path / "work", needing("other"))  # which is whole
    assert unpacked(tmp_path / "work") == {"other": CONTENT["other"]}


def test_parts_that_do_not_belong_together(tmp_path):
    one, two = (split(bytes([n] * 9), str(n), tmp_path, 5) for n in (1, 2))
    mixed = type(one)(one.name, one.size, one.sha256, (one.parts[0], two.parts[1]))
    with pytest.raises(BadPart, match="the parts of 1 do not make it up"):
        join(mixed, tmp_path)


@pytest.mark.parametrize(
    ("content", "what"),
    [(None, "is missing"), ("[", "is damaged"), ('[{"name": "x"}]', "is damaged: 'parts'")],
)
def test_a_manifest_that_is_not_whole(packed, tmp_path, content, what):
    (packed / MANIFEST).unlink()
    if content is not None:
        (packed / MANIFEST).write_text(content)
    with pytest.raises(supply.Missing, match=rf"manifest\.json {what}"):
        supply.supply(packed, tmp_path / "work", needing("toy"))


@pytest.mark.usefixtures("home")
def test_without_a_pack_it_says_who_gathers_one(tmp_path, monkeypatch):
    with pytest.raises(supply.Missing, match=r"stage toy3 needs toy, which .* none: make"):
        supply.supply(tmp_path / "no-pack", tmp_path / "work", needing("toy"))
    monkeypatch.setattr(supply, "lacking_here", lambda: ["pooch"])
    with pytest.raises(supply.Missing, match=r"this Python lacks pooch, and .* none: make"):
        supply.supply(tmp_path / "no-pack", tmp_path / "work", {})


def test_a_pack_is_replaced_and_nothing_else_is(packed, tmp_path):
    (packed / "notes").write_text("mine")
    write_pack(packed, {"toy": files_of("toy")})
    assert sorted(p.name for p in packed.iterdir()) == ["manifest.json", "notes", "toy.tar.0"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis").write_text("mine")
    with pytest.raises(ValueError, match="other is there and is no pack"):
        write_pack(other, {"toy": files_of("toy")})
    assert [p.name for p in other.iterdir()] == ["thesis"]


def test_a_data_set_that_is_not_here(home, tmp_path, capsys):
    (home / "toy" / "images.gz").unlink()
    for wanted, what in (("toy", "toy is not here"), ("elsewhere", "no such data set")):
        with pytest.raises(SystemExit) as stop:
            main([wanted, "--out", str(tmp_path / "pack")])
        assert stop.value.code == 2
        assert what in capsys.readouterr().err
    assert not (tmp_path / "pack").exists()


def test_only_what_is_lacking_is_unpacked(tmp_path):
    wheels = {}
    for name in ("left_out", "charset_normalizer"):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as wheel:
            wheel.writestr(f"{name}/__init__.py", "")
        wheels[f"{name}-1.0-py3-none-any.whl"] = content.getvalue()
    unpack_wheels(wheels, ["charset-normalizer"], tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["charset_normalizer"]


def test_the_command_says_what_is_missing_in_one_line_and_writes_nothing(
    packed, tmp_path, monkeypatch, capsys
):
    remove(packed / "toy.tar.0")
    stage = run.Stage("eq9", 0.5, lambda *_: [], datasets=("toy",))
    monkeypatch.setattr(run, "STAGES", (stage,))
    out = tmp_path / "out"
    status = run.main(["--pack", str(packed), "--out", str(out), "--work", str(tmp_path / "work")])
    said = capsys.readouterr().err
    assert status == 2
    assert said.count("\n") == 1
    assert "stage eq9 needs toy, which is not here: part" in said
    assert not out.exists()

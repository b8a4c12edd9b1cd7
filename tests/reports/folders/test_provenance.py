"""What provenance says of the machine."""

import json

import pytest
import torch

from learnprop.reports.folders.provenance import now, write_provenance


@pytest.mark.parametrize(("device", "named"), [("cuda", {"gpu": "Card 1"}), ("cpu", {})])
def test_the_card_is_named_where_one_computed(tmp_path, monkeypatch, device, named):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Card 1")
    path = tmp_path / "provenance.json"
    write_provenance(path, study="toy", design={"device": device}, started=now())
    machine = json.loads(path.read_text())["machine"]
    assert {name: machine[name] for name in machine.keys() - {"system", "processor", "cores"}} == (
        named
    )

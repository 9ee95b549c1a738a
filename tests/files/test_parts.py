"""What a run keeps while it is not finished: whole parts, of the same run, for one run at a time."""

import json
import os

import numpy as np
import pytest

from napari_edgeconnect.files import FileError, Parts, sha256, stamp


def test_parts_are_found_again_with_their_arrays_and_records(tmp_path):
    values = np.arange(5, dtype=">u2")
    with Parts(tmp_path / "run", {"seed": 1}) as parts:
        parts.put(3, {"values": values}, {"noté": [1, None]})
        assert parts.found == 0
    with Parts(tmp_path / "run", {"seed": 1}) as parts:
        assert parts.found == 1
        assert 3 in parts
        assert 2 not in parts
        arrays, record = parts.get(3)
        assert record == {"noté": [1, None]}
        assert arrays["values"].dtype == values.dtype
        np.testing.assert_array_equal(arrays["values"], values)


def test_a_part_has_its_name_only_when_all_of_it_is_written(tmp_path, monkeypatch):
    def cut(_):
        raise KeyboardInterrupt

    with Parts(tmp_path / "run", {}) as parts:
        monkeypatch.setattr(os, "fsync", cut)
        with pytest.raises(KeyboardInterrupt):
            parts.put(0, {"values": np.zeros(9)}, {})
        assert 0 not in parts
    with Parts(tmp_path / "run", {}) as parts:
        assert parts.found == 0


def test_parts_of_another_run_are_refused_or_dropped(tmp_path):
    with Parts(tmp_path / "run", {"seed": 1}) as parts:
        parts.put(0, {}, {})
    with pytest.raises(FileError, match="an unfinished run on other input or with other settings"):
        Parts(tmp_path / "run", {"seed": 2})
    with Parts(tmp_path / "run", {"seed": 2}, start_anew=True) as parts:
        assert 0 not in parts
        assert json.loads((tmp_path / "run" / "asked.json").read_text()) == {"seed": 2}
        assert Parts.of_same_run(tmp_path / "run", {"seed": 2})
        assert not Parts.of_same_run(tmp_path / "run", {"seed": 1})
    assert not (tmp_path / "run").exists()  # nothing was finished


def test_a_second_run_is_kept_out_while_the_first_is_on(tmp_path):
    with Parts(tmp_path / "run", {}), pytest.raises(FileError, match="Another run is working on the same output"):
        Parts(tmp_path / "run", {})
    with Parts(tmp_path / "run", {}):
        pass


def test_a_damaged_part_is_named_and_made_anew_the_next_time(tmp_path):
    with Parts(tmp_path / "run", {}) as parts:
        parts.put(0, {"values": np.arange(999)}, {})
        path = tmp_path / "run" / "0.npz"
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(FileError, match=r"0.npz.* is damaged: run again"):
            parts.get(0)
        assert 0 not in parts


def test_the_folder_goes_when_all_is_done(tmp_path):
    with Parts(tmp_path / "run", {}) as parts:
        parts.put(0, {}, {})
        parts.remove()
    assert not (tmp_path / "run").exists()


def test_a_folder_is_all_of_its_files(tmp_path):
    (tmp_path / "a.zarr" / "c").mkdir(parents=True)
    chunk = tmp_path / "a.zarr" / "c" / "0"
    chunk.write_bytes(b"one")
    before = sha256(tmp_path / "a.zarr"), stamp(tmp_path / "a.zarr")
    assert (sha256(tmp_path / "a.zarr"), stamp(tmp_path / "a.zarr")) == before
    chunk.write_bytes(b"two")
    os.utime(chunk, ns=(1, 1))
    assert sha256(tmp_path / "a.zarr") != before[0]
    assert stamp(tmp_path / "a.zarr") != before[1]
    assert stamp(chunk) != stamp(tmp_path / "a.zarr")

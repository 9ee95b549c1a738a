"""All outputs or none, and never an input."""

import pytest

from napari_edgeconnect.files import FileError, Staging


def listed(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_outputs_appear_together_under_their_names(tmp_path):
    staging = Staging([], overwrite=False)
    one, two = staging.plan(tmp_path / "one.txt"), staging.plan(tmp_path / "two.txt")
    staging.commit({one: lambda part: part.write_text("1"), two: lambda part: part.write_text("2")})
    assert listed(tmp_path) == {"one.txt": b"1", "two.txt": b"2"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, MemoryError])
def test_a_failure_leaves_the_old_files_and_nothing_new(tmp_path, error):
    (tmp_path / "one.txt").write_text("old")
    staging = Staging([], overwrite=True)
    one, two = staging.plan(tmp_path / "one.txt"), staging.plan(tmp_path / "two.txt")

    def fail(part):
        part.write_text("half")
        raise error

    with pytest.raises(error):
        staging.commit({one: lambda part: part.write_text("new"), two: fail})
    assert listed(tmp_path) == {"one.txt": b"old"}


def test_inputs_are_never_outputs_whatever_they_are_called(tmp_path):
    source = tmp_path / "image.tif"
    source.write_text("precious")
    (tmp_path / "link.tif").symlink_to(source)
    (tmp_path / "hard.tif").hardlink_to(source)
    (tmp_path / "sub").mkdir()
    staging = Staging([source], overwrite=True)
    for name in ("image.tif", "link.tif", "hard.tif", "sub/../image.tif"):
        with pytest.raises(FileError, match="is an input of this run"):
            staging.plan(tmp_path / name)


def test_outputs_that_collide_exist_or_have_no_folder_are_refused(tmp_path):
    (tmp_path / "old.tif").touch()
    (tmp_path / "folder.tif").mkdir()
    staging = Staging([], overwrite=False)
    staging.plan(tmp_path / "new.tif")
    for name, reason in [
        ("new.tif", "written twice"),
        ("old.tif", "exists: .* --overwrite"),
        ("folder.tif", "is a folder"),
        ("none/new.tif", "no folder"),
    ]:
        with pytest.raises(FileError, match=reason):
            staging.plan(tmp_path / name)


def test_a_store_replaces_a_store_as_a_whole_and_only_where_it_may(tmp_path):
    store = tmp_path / "out.zarr"
    store.mkdir()
    (store / "stale").write_text("old")
    with pytest.raises(FileError, match=r"exists: .* --overwrite"):
        Staging([], overwrite=False).plan(store, as_folder=True)
    staging = Staging([], overwrite=True)
    staging.plan(store, as_folder=True)

    def write(part):
        part.mkdir()
        (part / "chunk").write_text("new")

    work = tmp_path / "work"
    (work / "out.zarr.part").mkdir(parents=True)  # what a killed run left
    (work / "out.zarr.part" / "half").touch()
    staging.commit({store: write}, within=work)
    assert [file.name for file in store.iterdir()] == ["chunk"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.zarr", "work"]
    assert not list(work.iterdir())


def test_stores_are_not_written_into_each_other(tmp_path):
    (tmp_path / "in.zarr").mkdir()
    staging = Staging([tmp_path / "in.zarr"], overwrite=True)
    with pytest.raises(FileError, match="lie within each other"):
        staging.plan(tmp_path / "in.zarr" / "out.zarr", as_folder=True)
    with pytest.raises(FileError, match="lie within each other"):
        staging.plan(tmp_path, as_folder=True)
    with pytest.raises(FileError, match="is an input of this run"):
        staging.plan(tmp_path / "in.zarr", as_folder=True)
    (tmp_path / "out.zarr").touch()
    with pytest.raises(FileError, match="is a file"):
        staging.plan(tmp_path / "out.zarr", as_folder=True)

"""Stacks in files: read plane by plane, written as the same kind of file, with everything that the source says."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_edgeconnect.files import FileError, check_stack_format, holds_stack, open_stack, write_stack, zarr_stack

from .conftest import same_bits

AXES = "TCYX"
SHAPE = (2, 3, 32, 40)
OME = {
    "axes": AXES,
    "PhysicalSizeX": 0.108,
    "PhysicalSizeXUnit": "µm",
    "PhysicalSizeY": 0.108,
    "PhysicalSizeYUnit": "µm",
    "TimeIncrement": 2.5,
    "Channel": {"Name": ["DAPI", "GFP", "phase"]},
}


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def numbers(dtype="u2", shape=SHAPE):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


class Repaired:
    """A stack in which some planes have a square of other pixels; it says which planes were asked for."""

    def __init__(self, array, changed):
        self._array = array.copy()
        self.shape, self.dtype = array.shape, array.dtype
        self.asked = []
        for index in changed:
            self._array[index][4:9, 20:27] = 77

    def __getitem__(self, index):
        self.asked.append(index)
        return self._array[index]

    @property
    def whole(self):
        return self._array


CHANGED = [(0, 1, slice(None), slice(None)), (1, 2, slice(None), slice(None))]


def rewritten(name, array, changed=CHANGED, target=None):
    """Write a repaired copy: what it holds, and what it should."""
    target = Path(target or f"repaired{''.join(Path(name).suffixes)}")
    repaired = Repaired(array, changed)
    before = contents(Path(name))
    with open_stack(Path(name)) as source:
        check_stack_format(target, source)
        write_stack(target, source, repaired, changed)
    assert contents(Path(name)) == before
    with open_stack(target) as written:
        assert written.axes == source.axes
        assert same_bits(np.asarray(written.pixels[...]), repaired.whole)
    return repaired


def contents(path):
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


# --- TIFF ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_ome_tiff_keeps_its_xml_and_its_kind(compression, bigtiff):
    array = numbers()
    tifffile.imwrite("a.ome.tif", array, ome=True, metadata=OME, compression=compression, bigtiff=bigtiff)
    with open_stack(Path("a.ome.tif")) as stack:
        assert stack.axes == AXES
        assert isinstance(stack.pixels, np.memmap) == (compression is None)
    rewritten("a.ome.tif", array)
    with tifffile.TiffFile("a.ome.tif") as one, tifffile.TiffFile("repaired.ome.tif") as two:
        assert one.ome_metadata == two.ome_metadata
        assert 'PhysicalSizeX="0.108"' in two.ome_metadata
        assert 'Name="GFP"' in two.ome_metadata
        assert one.pages[0].compression == two.pages[0].compression
        assert one.is_bigtiff == two.is_bigtiff == bigtiff


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_imagej_hyperstacks_keep_units_labels_and_ranges(compression):
    array = numbers()
    metadata = {"axes": AXES, "unit": "um", "finterval": 2.5, "Ranges": (0.0, 200.0) * 3, "Labels": ["x"] * 6}
    if compression:
        # ImageJ itself writes none, but other programs do.
        tifffile.imwrite("plain.tif", array, imagej=True, metadata=metadata, resolution=(9.3, 9.3))
        with tifffile.TiffFile("plain.tif") as plain, tifffile.TiffWriter("a.tif") as writer:
            description = plain.pages[0].description
            for number, page in enumerate(array.reshape(-1, 32, 40)):
                first = {"description": description} if number == 0 else {}
                writer.write(page, metadata=None, compression=compression, resolution=(9.3, 9.3), **first)
    else:
        tifffile.imwrite("a.tif", array, imagej=True, metadata=metadata, resolution=(9.3, 9.3))
    rewritten("a.tif", array)
    with tifffile.TiffFile("a.tif") as one, tifffile.TiffFile("repaired.tif") as two:
        assert two.is_imagej
        assert {str(k): str(v) for k, v in one.imagej_metadata.items()} == {
            str(k): str(v) for k, v in two.imagej_metadata.items()
        }
        assert one.pages[0].tags[282].value == two.pages[0].tags[282].value


def test_pages_of_a_compressed_tiff_keep_their_own_tags_and_are_decoded_one_by_one(monkeypatch):
    array = numbers(shape=(4, 32, 40))
    with tifffile.TiffWriter("a.tif") as writer:
        for number, page in enumerate(array):
            description = f"section {number}"
            writer.write(page, metadata=None, compression="zlib", predictor=2, description=description, tile=(16, 16))
    decoded = []
    original = tifffile.TiffPage.asarray
    monkeypatch.setattr(
        tifffile.TiffPage, "asarray", lambda self, *a, **k: decoded.append(self.index) or original(self, *a, **k)
    )
    with open_stack(Path("a.tif")) as stack:
        assert stack.axes is None  # nothing says what the pages are
        assert same_bits(stack.pixels[2], array[2])
        assert same_bits(stack.pixels[1:3, 5:9], array[1:3, 5:9])
        assert decoded == [2, 1, 2]
    rewritten("a.tif", array, [(1, slice(None), slice(None))])
    with tifffile.TiffFile("repaired.tif") as written:
        assert [page.description for page in written.pages] == [f"section {number}" for number in range(4)]
        assert {(page.tile, int(page.predictor)) for page in written.pages} == {((16, 16), 2)}


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colour_stacks_are_planes_with_colours(planar, compression):
    axes, shape = ("TYXS", (3, 32, 40, 3)) if planar == "contig" else ("TSYX", (3, 3, 32, 40))
    array = numbers("u1", shape)
    options = {"photometric": "rgb", "planarconfig": planar, "compression": compression}
    tifffile.imwrite("a.ome.tif", array, ome=True, metadata={"axes": axes}, **options)
    with open_stack(Path("a.ome.tif")) as stack:
        assert stack.axes == axes
    rewritten("a.ome.tif", array, [(1, slice(None), slice(None), slice(None))])


def test_planes_that_lie_in_another_order_in_the_file_than_in_the_stack_come_out_right():
    # OME-XML may give the planes of a stack to a file's pages in any order.
    array = numbers(shape=(3, 32, 40))
    tifffile.imwrite("ordered.ome.tif", array, ome=True, metadata={"axes": "ZYX"}, compression="zlib")
    with tifffile.TiffFile("ordered.ome.tif") as ordered:
        xml = ordered.ome_metadata
    data = "".join(f'<TiffData IFD="{ifd}" FirstZ="{z}" PlaneCount="1"/>' for ifd, z in ((0, 2), (1, 0), (2, 1)))
    xml = re.sub(r"<TiffData.*?(/>|</TiffData>)", data, xml, count=1, flags=re.DOTALL)
    with tifffile.TiffWriter("a.ome.tif", ome=False) as writer:
        for number, z in enumerate((2, 0, 1)):
            first = {"description": xml.encode()} if number == 0 else {}
            writer.write(array[z], metadata=None, compression="zlib", **first)
    with open_stack(Path("a.ome.tif")) as stack:
        assert same_bits(stack.pixels[...], array)
    rewritten("a.ome.tif", array, [(2, slice(None), slice(None))])


def test_names_of_other_files_are_taken_out_of_the_copys_xml():
    tifffile.imwrite("a.ome.tif", numbers(), ome=True, metadata=OME)
    with tifffile.TiffFile("a.ome.tif") as file:
        xml = file.ome_metadata
    (own,) = re.findall(r'UUID="(urn:uuid:[^"]*)"', xml)
    uuid = f'<UUID FileName="a.ome.tif">{own}</UUID>'
    tifffile.tiffcomment("a.ome.tif", re.sub(r"(<TiffData[^>]*?)/>", rf"\1>{uuid}</TiffData>", xml).encode())
    rewritten("a.ome.tif", numbers())
    with tifffile.TiffFile("repaired.ome.tif") as file:
        assert "FileName" not in file.ome_metadata
        assert 'Name="GFP"' in file.ome_metadata


def test_a_pyramids_smaller_copies_are_left_out_with_a_note():
    array = numbers(shape=(2, 64, 64))
    with tifffile.TiffWriter("a.ome.tif", ome=True) as writer:
        writer.write(array, subifds=1, metadata={"axes": "ZYX"}, tile=(16, 16))
        writer.write(array[:, ::2, ::2], subfiletype=1, tile=(16, 16))
    with open_stack(Path("a.ome.tif")) as stack:
        assert stack.notes == ("1 smaller copies of the stack in the file (a pyramid) are not written",)
    rewritten("a.ome.tif", array, [(1, slice(None), slice(None))])
    with tifffile.TiffFile("repaired.ome.tif") as written:
        assert len(written.series[0].levels) == 1


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Path("a.tif").write_bytes(b"II*\0" + bytes(40)), "a.tif can't be read|holds 0 images"),
        (lambda: truncated(), "truncated"),
        (lambda: tifffile.imwrite("a.tif", numbers("c8"), photometric="minisblack"), "holds pixels of complex64"),
        (lambda: two_kinds(), "holds 2 images of different kinds"),
        (lambda: Path("a.tif").mkdir(), "no zarr store"),
        (lambda: Path("a.tif").write_text("hello"), "none of the formats"),
        (lambda: None, "There is no file a.tif"),
    ],
)
def test_what_is_no_stack_is_refused_in_a_sentence(make, sentence):
    make()
    with pytest.raises(FileError, match=sentence):
        open_stack(Path("a.tif"))


def truncated():
    tifffile.imwrite("a.tif", numbers(), photometric="minisblack")
    os.truncate("a.tif", Path("a.tif").stat().st_size - 100)


def two_kinds():
    tifffile.imwrite("a.tif", numbers(shape=(2, 8, 8)), metadata=None)
    tifffile.imwrite("a.tif", numbers(shape=(2, 9, 9)), metadata=None, append=True)


# --- zarr ---------------------------------------------------------------------------------------------------------


def ome_zarr(name, array, version, axes=AXES, levels=2):
    """An OME-Zarr image whose smaller levels are means of 2 x 2 pixels, with labels and foreign attributes."""
    group = zarr.open_group(name, mode="w", zarr_format=2 if version == "0.4" else 3)
    kinds = {"t": "time", "c": "channel"}
    units = {"t": {"unit": "second"}, "y": {"unit": "micrometer"}, "x": {"unit": "micrometer"}}
    named = [{"name": a, "type": kinds.get(a, "space"), **units.get(a, {})} for a in axes.lower()]
    datasets = []
    for level in range(levels):
        scale = [2.5 if a == "t" else 1 if a == "c" else 0.108 * 2**level for a in axes.lower()]
        datasets.append({"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": scale}]})
        group.create_array(str(level), data=shrunk(array, 2**level), chunks=(1, 2, 16, 16)[-array.ndim :])
    ome = {
        "multiscales": [{"axes": named, "datasets": datasets, "name": "cells"}],
        "omero": {"channels": [{"label": "DAPI", "color": "0000FF", "window": {"start": 0, "end": 200}}]},
    }
    if version == "0.4":
        ome["multiscales"][0]["version"] = "0.4"
        group.attrs.update(ome)
    else:
        group.attrs.update({"ome": {"version": "0.5", **ome}})
    group.attrs["microscope"] = {"serial": 12}
    labels = group.create_group("labels")
    labels.create_array("nuclei", data=numbers("u4", (4, 4)))
    return group


def shrunk(array, by):
    height, width = (-(-n // by) for n in array.shape[-2:])
    blocks = [
        array[..., y * by : (y + 1) * by, x * by : (x + 1) * by].mean(axis=(-2, -1))
        for y in range(height)
        for x in range(width)
    ]
    means = np.stack(blocks, axis=-1).reshape(*array.shape[:-2], height, width)
    return np.rint(means).astype(array.dtype) if array.dtype.kind in "ui" else means.astype(array.dtype)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_ome_zarr_keeps_sizes_units_channels_and_labels_and_its_pyramid_follows(version, dtype):
    array = numbers(dtype)
    ome_zarr("a.zarr", array, version, levels=3)
    with open_stack(Path("a.zarr")) as stack:
        assert stack.axes == AXES
    repaired = rewritten("a.zarr", array)
    one, two = zarr.open_group("a.zarr", mode="r"), zarr.open_group("repaired.zarr", mode="r")
    assert one.attrs.asdict() == two.attrs.asdict()
    assert one["0"].metadata == two["0"].metadata
    assert same_bits(one["labels/nuclei"][...], two["labels/nuclei"][...])
    for level in (1, 2):
        assert same_bits(two[str(level)][...], shrunk(repaired.whole, 2**level))


def test_chunks_without_a_repair_are_copied_byte_for_byte():
    array = numbers()
    ome_zarr("a.zarr", array, "0.5")
    rewritten("a.zarr", array)
    differ = [
        file.relative_to("a.zarr")
        for file in Path("a.zarr").rglob("*")
        if file.is_file() and file.read_bytes() != (Path("repaired.zarr") / file.relative_to("a.zarr")).read_bytes()
    ]
    # Two planes, whose squares lie in one chunk of each resolution.
    assert sorted(path.parts[0] for path in differ) == ["0", "0", "1", "1"]


def test_a_pyramid_of_odd_sizes_and_shrunk_along_z_follows_where_pixels_changed():
    array = numbers("f4", (5, 33, 41))
    group = zarr.open_group("a.zarr", mode="w")
    group.create_array("full", data=array)
    group.create_array("half", data=np.full((3, 17, 21), -1, "f4"))
    axes = [{"name": a, "type": "space"} for a in "zyx"]
    datasets = [{"path": "full"}, {"path": "half"}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    repaired = rewritten("a.zarr", array, [(4, slice(None), slice(None))])
    half = zarr.open_group("repaired.zarr", mode="r")["half"][...]
    touched = half != -1
    assert touched.any(axis=(1, 2)).tolist() == [False, False, True]
    assert touched.sum() < 5 * 6
    assert half[2][touched[2]].min() >= repaired.whole[3:].min()


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_plain_zarr_array_says_its_axes_by_its_dimension_names(zarr_format):
    array = numbers("i2", (3, 32, 40))
    names = {"dimension_names": ["z", "y", "x"]} if zarr_format == 3 else {}
    stored = zarr.create_array("a.zarr", data=array, chunks=(2, 16, 16), zarr_format=zarr_format, **names)
    if zarr_format == 2:
        stored.attrs["_ARRAY_DIMENSIONS"] = ["z", "y", "x"]
    with open_stack(Path("a.zarr")) as stack:
        assert stack.axes == "ZYX"
    rewritten("a.zarr", array, [(1, slice(None), slice(None))])


def test_axes_that_are_not_named_are_not_guessed():
    zarr.create_array("a.zarr", data=numbers())
    np.save("a.npy", numbers())
    for name in ("a.zarr", "a.npy"):
        with open_stack(Path(name)) as stack:
            assert stack.axes is None


def test_a_group_without_ome_metadata_is_refused_and_its_arrays_are_named():
    zarr.open_group("a.zarr", mode="w").create_array("raw", data=numbers())
    with pytest.raises(FileError, match=r"name one array in it .there are: raw."):
        open_stack(Path("a.zarr"))
    with open_stack(Path("a.zarr/raw")) as stack:
        assert same_bits(stack.pixels[0], numbers()[0])


def test_zarr_that_is_damaged_is_refused():
    ome_zarr("a.zarr", numbers(), "0.5")
    text = json.loads(Path("a.zarr/zarr.json").read_text())
    text["attributes"]["ome"]["multiscales"][0]["datasets"][0]["path"] = "gone"
    Path("a.zarr/zarr.json").write_text(json.dumps(text))
    with pytest.raises(FileError, match=r"a.zarr can't be read: it is damaged"):
        open_stack(Path("a.zarr"))


def test_without_the_package_the_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    Path("a.zarr").mkdir()
    with pytest.raises(ImportError, match=r"needs zarr: pip install \"napari-edgeconnect\[zarr\]\"\.$"):
        open_stack(Path("a.zarr"))


def test_files_are_copied_where_blocks_cannot_be_shared(monkeypatch):
    def refuse(*_):
        raise OSError("not on this file system")

    monkeypatch.setattr(zarr_stack.os, "copy_file_range", refuse, raising=False)
    ome_zarr("a.zarr", numbers(), "0.5")
    rewritten("a.zarr", numbers())


# --- NPY, and names -----------------------------------------------------------------------------------------------


def test_npy_is_mapped_and_copied():
    np.save("a.npy", numbers(">f4"))
    repaired = rewritten("a.npy", numbers(">f4"))
    assert repaired.asked == CHANGED


def test_a_stack_is_written_as_what_it_was():
    np.save("a.npy", numbers())
    with open_stack(Path("a.npy")) as stack, pytest.raises(FileError, match=r"give a name that ends in \.npy"):
        check_stack_format(Path("b.tif"), stack)


def test_a_file_is_a_stack_when_it_holds_more_than_one_plane():
    stacks = {"a.tif": (3, 8, 8), "b.tif": (2, 8, 8, 3), "c.npy": (3, 8, 8), "d.npy": (2, 8, 8, 3)}
    planes = {"e.tif": (8, 8), "f.tif": (8, 8, 3), "g.npy": (8, 8), "h.npy": (8, 8, 4)}
    for name, shape in {**stacks, **planes}.items():
        array = np.zeros(shape, np.uint8)
        if name.endswith("npy"):
            np.save(name, array)
        else:
            tifffile.imwrite(name, array, photometric="rgb" if shape[-1] == 3 else "minisblack")
        assert holds_stack(Path(name)) == (name in stacks)
    Path("folder").mkdir()
    assert holds_stack(Path("folder"))
    Path("i.tif").write_bytes(Path("a.tif").read_bytes()[:90])  # reading it will say what is wrong
    assert not holds_stack(Path("i.tif"))
    with pytest.raises(FileError, match=r"There is no file j.tif"):
        holds_stack(Path("j.tif"))


def test_only_chunks_with_changed_boxes_are_written(monkeypatch):
    array = numbers(shape=(2, 64, 80))
    zarr.create_array("in.zarr", data=array, chunks=(1, 16, 16), dimension_names=list("zyx"))
    original = zarr_stack._copy_store

    def copied_long_ago(source, target):
        original(source, target)
        for file in target.rglob("*"):
            os.utime(file, (0, 0))

    monkeypatch.setattr(zarr_stack, "_copy_store", copied_long_ago)
    boxes = [(1, slice(10, 30), slice(20, 50)), (0, slice(48, 64), slice(0, 48))]
    repaired = rewritten("in.zarr", array, boxes)
    assert repaired.asked == boxes
    written = {str(file.relative_to("repaired.zarr/c")) for file in Path("repaired.zarr/c").rglob("*")
               if file.is_file() and file.stat().st_mtime > 0}  # fmt: skip
    assert written == {f"1/{y}/{x}" for y in (0, 1) for x in (1, 2, 3)} | {f"0/3/{x}" for x in (0, 1, 2)}

"""Records and masks inside image files: found again, and nothing else in the file disturbed."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from napari_edgeconnect.files import (
    FileError,
    check_mask_place,
    check_stack_mask_place,
    open_stack,
    read_embedded,
    read_image,
    write_image,
    write_stack,
)
from napari_edgeconnect.files.embedded import TIFF_TAG, with_annotation
from napari_edgeconnect.files.tiff_append import add_ascii_tag

from .conftest import camera, same_bits

RECORD = {"kind": "repair", "note": "±µ <&> “”", "windows": [{"top": 0}]}
OME = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def mask(shape=(96, 96)):
    where = np.zeros(shape, bool)
    where[10:14, 20:60] = True
    return where


# --- one plane ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_record_is_found_again_after_those_before_it(name):
    write_image(Path(name), camera())
    first = read_image(Path(name))
    write_image(Path("1" + name), first.pixels, like=first, record=RECORD)
    again = read_image(Path("1" + name))
    write_image(Path("2" + name), again.pixels, like=again, record={"kind": "classical"})
    assert read_embedded(Path(name)) == ()
    assert read_embedded(Path("1" + name)) == (RECORD,)
    assert read_embedded(Path("2" + name)) == (RECORD, {"kind": "classical"})
    assert same_bits(read_image(Path("2" + name)).pixels, camera())
    with Image.open("2" + name) as other:
        assert np.array_equal(np.asarray(other), camera())


def test_a_png_keeps_its_other_texts_and_pillow_shows_ours():
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Comment", "a cell")
    Image.fromarray(camera()).save("a.png", pnginfo=info, dpi=(300, 300))
    source = read_image(Path("a.png"))
    write_image(Path("b.png"), source.pixels, like=source, record=RECORD)
    with Image.open("b.png") as image:
        image.load()
        assert image.text["Comment"] == "a cell"
        assert '"kind":"repair"' in image.text["napari-edgeconnect"]
        assert image.info["dpi"] == pytest.approx((300, 300), rel=1e-3)


def test_a_record_that_readers_would_refuse_as_too_long_loses_its_windows():
    long = {"kind": "repair", "windows": [{"top": n, "left": n} for n in range(60_000)], "planes": [RECORD]}
    write_image(Path("a.png"), camera(), record=long)
    assert read_embedded(Path("a.png")) == (
        {"kind": "repair", "planes": [{k: v for k, v in RECORD.items() if k != "windows"}]},
    )
    with Image.open("a.png") as image:
        image.load()


def test_other_formats_have_no_place():
    np.save("a.npy", camera())
    with pytest.raises(FileError, match="a NPY, which has no place for a record"):
        read_embedded(Path("a.npy"))


def test_imagej_metadata_stay_beside_the_record():
    metadata = {"unit": "um", "spacing": 0.5, "min": 3.0, "max": 200.0, "Info": "cells"}
    tifffile.imwrite("a.tif", camera(), imagej=True, metadata=metadata, resolution=(9.26, 9.26))
    source = read_image(Path("a.tif"))
    write_image(Path("b.tif"), source.pixels, like=source, record=RECORD)
    with tifffile.TiffFile("a.tif") as one, tifffile.TiffFile("b.tif") as two:
        assert two.is_imagej
        assert two.imagej_metadata == one.imagej_metadata
        assert two.pages[0].description == one.pages[0].description


def test_an_ome_tiff_has_the_record_as_an_annotation_of_its_image():
    metadata = {"axes": "YX", "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm", "Channel": {"Name": ["DAPI"]}}
    tifffile.imwrite("a.ome.tif", camera(), ome=True, metadata=metadata)
    source = read_image(Path("a.ome.tif"))
    write_image(Path("b.ome.tif"), source.pixels, like=source, record=RECORD)
    again = read_image(Path("b.ome.tif"))
    write_image(Path("c.ome.tif"), again.pixels, like=again, record=RECORD)
    with tifffile.TiffFile("a.ome.tif") as one, tifffile.TiffFile("c.ome.tif") as three:
        before, after = (ElementTree.fromstring(file.ome_metadata) for file in (one, three))
        assert three.is_ome
        assert three.series[0].axes == "YX"
    values = [value.text for value in after.iter("{napari-edgeconnect/record}records")]
    assert len(values) == 2
    references = [ref.get("ID") for ref in after.find(f"{OME}Image").findall(f"{OME}AnnotationRef")]
    assert references == ["Annotation:napari-edgeconnect-1", "Annotation:napari-edgeconnect-2"]
    assert {one.get("ID") for one in after.iter(f"{OME}XMLAnnotation")} == set(references)
    assert [child.tag for child in after] == [f"{OME}Image", f"{OME}StructuredAnnotations"]
    pixels = [ElementTree.tostring(root.find(f"{OME}Image/{OME}Pixels")) for root in (before, after)]
    assert pixels[0] == pixels[1]


ANNOTATED = (
    '<ome:OME xmlns:ome="http://www.openmicroscopy.org/Schemas/OME/2016-06"><ome:Image ID="Image:0"/>'
    '<ome:Image ID="Image:1"><ome:Pixels/></ome:Image><ome:StructuredAnnotations><ome:CommentAnnotation '
    'ID="Annotation:1"><ome:Value>é</ome:Value></ome:CommentAnnotation></ome:StructuredAnnotations>'
    '<ome:ROI ID="ROI:0"/></ome:OME>'
).encode()


def test_annotations_that_are_there_stay_and_the_rest_keeps_every_byte():
    changed = with_annotation(ANNOTATED, RECORD)
    root = ElementTree.fromstring(changed)
    annotations = root.find(f"{OME}StructuredAnnotations")
    assert [one.get("ID") for one in annotations] == ["Annotation:napari-edgeconnect-1", "Annotation:1"]
    assert [child.tag.removeprefix(OME) for child in root] == ["Image", "Image", "StructuredAnnotations", "ROI"]
    ours = [changed[changed.index(b"<ome:XMLAnnotation") : changed.index(b"</ome:XMLAnnotation>") + 20]]
    ours.append(b'<ome:AnnotationRef ID="Annotation:napari-edgeconnect-1"/>')
    for part in ours:
        changed = changed.replace(part, b"")
    assert changed == ANNOTATED


@pytest.mark.parametrize(
    "xml",
    [
        b"ImageJ=1.53\nunit=um",
        b"",
        ANNOTATED.replace(b"2016-06", b"2012-06"),
        ANNOTATED.replace(b"</ome:OME>", b""),
    ],
)
def test_what_is_no_ome_xml_of_a_known_schema_is_left_alone(xml):
    assert with_annotation(xml, RECORD) == xml


# --- the mask in a TIFF -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("imagej", [False, True])
def test_a_mask_lies_in_a_subifd_where_readers_do_not_mistake_it(imagej):
    tifffile.imwrite("a.tif", camera(), imagej=imagej)
    source = read_image(Path("a.tif"))
    check_mask_place(Path("b.tif"), source)
    write_image(Path("b.tif"), source.pixels, like=source, record=RECORD, altered=mask())
    with tifffile.TiffFile("b.tif") as file:
        assert len(file.pages) == 1
        assert np.array_equal(file.series[0].asarray(), camera())
        assert len(file.series[0].levels) == 1
        (page,) = file.pages[0].pages
        assert int(page.subfiletype) == 4
        assert page.bitspersample == 1
        assert np.array_equal(page.asarray(), mask())
    assert np.array_equal(tifffile.imread("b.tif"), camera())
    with Image.open("b.tif") as image:
        assert image.n_frames == 1
        assert np.array_equal(np.asarray(image), camera())
    again = read_image(Path("b.tif"))
    assert same_bits(again.pixels, camera())
    assert not any("pyramid" in note for note in again.notes)
    assert read_embedded(Path("b.tif")) == (RECORD,)


def test_napari_s_own_reader_shows_the_image_alone():
    from napari_builtins.io import napari_get_reader

    write_image(Path("b.tif"), camera(), record=RECORD, altered=mask())
    ((pixels, *_),) = napari_get_reader("b.tif")("b.tif")
    assert np.array_equal(pixels, camera())


def test_a_mask_has_no_place_where_readers_would_mistake_it():
    tifffile.imwrite("a.ome.tif", camera(), ome=True)
    source = read_image(Path("a.ome.tif"))
    with pytest.raises(FileError, match="take for smaller copies of the image"):
        check_mask_place(Path("b.ome.tif"), source)
    with pytest.raises(FileError, match="has a place in TIFF and OME-Zarr only"):
        check_mask_place(Path("b.png"), source)
    tifffile.imwrite("s.tif", np.stack([camera()] * 3), photometric="minisblack")
    with open_stack(Path("s.tif")) as stack, pytest.raises(FileError, match="among stacks only an OME-Zarr"):
        check_stack_mask_place(Path("t.tif"), stack)


# --- stacks -------------------------------------------------------------------------------------------------------


class Same:
    """A stack in which nothing was repaired."""

    def __init__(self, pixels):
        self.shape, self.dtype = pixels.shape, pixels.dtype
        self._pixels = pixels

    def __getitem__(self, key):
        return np.array(self._pixels[key])


#: Kind, compression, byte order and BigTIFF; ImageJ's own are big-endian, uncompressed and classic.
KINDS = [*product(["ome", "plain"], [None, "zlib"], "<>", [False, True]), ("imagej", None, ">", False)]


@pytest.mark.parametrize(("kind", "compression", "byteorder", "bigtiff"), KINDS)
def test_a_tiff_stack_has_its_records_and_keeps_the_rest(kind, compression, byteorder, bigtiff):
    image = np.stack([camera(), camera()[::-1]]).astype("u2")
    options = {"ome": {"ome": True}, "imagej": {"imagej": True}, "plain": {}}[kind]
    metadata = {"axes": "TYX", **({"PhysicalSizeX": 0.1} if kind == "ome" else {})}
    tifffile.imwrite(
        "a.tif", image, metadata=metadata, compression=compression, byteorder=byteorder, bigtiff=bigtiff, **options
    )
    for source, target, record in (("a.tif", "b.tif", RECORD), ("b.tif", "c.tif", {"kind": "stack"})):
        with open_stack(Path(source)) as stack:
            write_stack(Path(target), stack, Same(stack.pixels), [], record=record)
    assert read_embedded(Path("c.tif")) == (RECORD, {"kind": "stack"})
    with tifffile.TiffFile("a.tif") as before, tifffile.TiffFile("c.tif") as after:
        assert np.array_equal(after.asarray(), image)
        assert (after.is_ome, after.is_imagej, after.is_bigtiff) == (before.is_ome, before.is_imagej, before.is_bigtiff)
        assert after.series[0].axes == before.series[0].axes
        assert after.byteorder == byteorder
        if kind == "imagej":
            assert after.imagej_metadata == before.imagej_metadata
        if kind == "ome":
            root = ElementTree.fromstring(after.ome_metadata)
            assert root.find(f"{OME}Image/{OME}Pixels").get("PhysicalSizeX") == "0.1"
            assert len(list(root.iter(f"{OME}XMLAnnotation"))) == 2


@given(
    order=st.sampled_from("<>"),
    big=st.booleans(),
    pages=st.integers(1, 3),
    texts=st.lists(st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1), min_size=1, max_size=3),
    code=st.sampled_from([TIFF_TAG, 305, 40000]),
)
def test_a_tag_is_appended_and_all_else_is_read_as_before(tmp_path_factory, order, big, pages, texts, code):
    path = tmp_path_factory.mktemp("append") / "a.tif"
    image = np.arange(pages * 12, dtype="u2").reshape(pages, 3, 4)
    with tifffile.TiffWriter(path, byteorder=order, bigtiff=big) as writer:
        for page in image:
            writer.write(page, metadata=None, contiguous=False, description="kept", software="x")
    before = path.read_bytes()
    for text in texts:
        assert add_ascii_tag(path, code, text.encode() + b"\0")
    with tifffile.TiffFile(path) as file:
        assert np.array_equal(np.stack([page.asarray() for page in file.pages]), image)
        assert len(file.pages) == pages
        assert file.pages[0].description == "kept"
        assert str(file.pages[0].tags[code].value).strip() == texts[-1].strip()
        codes = [tag.code for tag in file.pages[0].tags]
        assert codes == sorted(set(codes))
    head = 16 if big else 8
    assert path.read_bytes()[head : len(before)] == before[head:]  # nothing was moved


# --- zarr ---------------------------------------------------------------------------------------------------------


def ome_zarr(name, array, version, axes, ratio=2):
    group = zarr.open_group(name, mode="w", zarr_format=2 if version == "0.4" else 3)
    kinds = {"t": "time", "c": "channel"}
    named = [{"name": a, "type": kinds.get(a, "space")} for a in axes]
    datasets = []
    for level in range(2):
        step = ratio**level
        small = array[..., ::step, ::step]
        scale = [0.1 * step if a in "yx" else 3.0 for a in axes]
        translation = [0.05 * level if a in "yx" else 0.0 for a in axes]
        transformations = [{"type": "scale", "scale": scale}, {"type": "translation", "translation": translation}]
        datasets.append({"path": f"s{level}", "coordinateTransformations": transformations})
        chunks = (1,) * (array.ndim - 2) + (16, 16)
        group.create_array(f"s{level}", data=small, chunks=chunks)
    image = {"axes": named, "datasets": datasets, "name": "cells"}
    if version == "0.4":
        group.attrs.update({"multiscales": [{"version": "0.4", **image}]})
    else:
        group.attrs.update({"ome": {"version": "0.5", "multiscales": [image]}})
    group.create_group("labels").attrs.update(
        {"labels": ["nuclei"]} if version == "0.4" else {"ome": {"version": "0.5", "labels": ["nuclei"]}}
    )
    return group


def ngff(node, version):
    attributes = node.attrs.asdict()
    return attributes if version == "0.4" else attributes["ome"]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("consolidated", [False, True])
def test_a_mask_becomes_the_label_image_of_an_ome_zarr_at_every_resolution(version, consolidated):
    array = np.random.default_rng(0).integers(0, 99, (2, 3, 32, 40)).astype("u2")
    ome_zarr("a.zarr", array, version, "tcyx")
    if consolidated:
        zarr.consolidate_metadata("a.zarr", zarr_format=2 if version == "0.4" else 3)
    line = np.zeros((32, 40), bool)
    line[5, 3:30] = True
    square = np.zeros((32, 40), bool)
    square[20:24, 20:24] = True
    whole = (slice(None), slice(None))
    with open_stack(Path("a.zarr")) as stack:
        check_stack_mask_place(Path("b.zarr"), stack)
        altered = [
            ((0, 0, *whole), line),
            ((0, 2, *whole), square),
            ((1, 1, slice(20, 24), slice(0, 40)), square[20:24]),
        ]
        write_stack(Path("b.zarr"), stack, Same(stack.pixels), [], record=RECORD, altered=altered)
    assert read_embedded(Path("b.zarr")) == (RECORD,)
    group = zarr.open_group("b.zarr", mode="r")
    assert ngff(group["labels"], version)["labels"] == ["nuclei", "reconstructed"]
    label = group["labels/reconstructed"]
    said = ngff(label, version)
    (image,) = said["multiscales"]
    assert [axis["name"] for axis in image["axes"]] == ["t", "y", "x"]
    assert said["image-label"]["source"] == {"image": "../../"}
    own = ngff(group, version)["multiscales"][0]["datasets"]
    assert [one["path"] for one in image["datasets"]] == [one["path"] for one in own]
    for ours, theirs in zip(image["datasets"], own, strict=True):
        for one, other in zip(ours["coordinateTransformations"], theirs["coordinateTransformations"], strict=True):
            values, wanted = one[one["type"]], other[other["type"]]
            assert values == [wanted[0], *wanted[2:]]
    full, small = label["s0"][...], label["s1"][...]
    assert (full.dtype, full.shape, small.shape) == (np.dtype("u1"), (2, 32, 40), (2, 16, 20))
    assert np.array_equal(full, np.stack([line | square, square]))
    assert np.array_equal(small, full.reshape(2, 16, 2, 20, 2).max(axis=(2, 4)))  # a line of one pixel is still seen
    assert label["s0"].metadata.zarr_format == group["s0"].metadata.zarr_format
    assert np.array_equal(group["s0"][...], array)


def test_what_was_reconstructed_before_stays_labelled():
    array = np.zeros((2, 32, 40), "u1")
    ome_zarr("a.zarr", array, "0.5", "zyx")
    where = [np.zeros((32, 40), bool) for _ in range(2)]
    where[0][2, 2], where[1][9, 9] = True, True
    for source, target, altered in (("a.zarr", "b.zarr", where[0]), ("b.zarr", "c.zarr", where[1])):
        with open_stack(Path(source)) as stack:
            index = (1, slice(None), slice(None))
            write_stack(Path(target), stack, Same(stack.pixels), [], record=RECORD, altered=[(index, altered)])
    group = zarr.open_group("c.zarr", mode="r")
    assert np.argwhere(group["labels/reconstructed/s0"][...]).tolist() == [[1, 2, 2], [1, 9, 9]]
    assert group["labels"].attrs["ome"]["labels"] == ["nuclei", "reconstructed"]
    assert len(read_embedded(Path("c.zarr"))) == 2


def test_a_plain_zarr_array_has_a_record_and_no_labels():
    zarr.create_array("a.zarr", data=np.zeros((2, 32, 40), "u1"), dimension_names=["z", "y", "x"])
    with open_stack(Path("a.zarr")) as stack:
        with pytest.raises(FileError, match="only an OME-Zarr image"):
            check_stack_mask_place(Path("b.zarr"), stack)
        write_stack(Path("b.zarr"), stack, Same(stack.pixels), [], record=RECORD)
    assert read_embedded(Path("b.zarr")) == (RECORD,)

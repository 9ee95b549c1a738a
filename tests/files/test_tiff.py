"""TIFF: every value, the layout and the tags survive; what is no plane of intensities is refused."""

import struct
from io import BytesIO

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin
from skimage import data

from napari_edgeconnect.files import FileError, read_image, write_image

from .conftest import TIFF_DTYPES, camera, images, rewritten, same_bits

# --- values and tags ------------------------------------------------------------------------------------------------


@given(
    image=images(TIFF_DTYPES),
    planar=st.sampled_from(["contig", "separate"]),
    byteorder=st.sampled_from("<>"),
    bigtiff=st.booleans(),
    compression=st.sampled_from([None, "zlib"]),
    predictor=st.booleans(),
    tile=st.sampled_from([None, (16, 32)]),
    resolution=st.tuples(st.integers(1, 2**31), st.integers(1, 2**31)),
    unit=st.sampled_from(["NONE", "INCH", "CENTIMETER"]),
    description=st.binary(max_size=40).map(lambda b: b.replace(b"\0", b"-") + b" x"),
    white_is_zero=st.booleans(),
)
def test_a_tiff_comes_back_with_every_value_and_its_layout_and_tags(
    folder,
    image,
    planar,
    byteorder,
    bigtiff,
    compression,
    predictor,
    tile,
    resolution,
    unit,
    description,
    white_is_zero,
):
    first, second = folder / "first.tif", folder / "second.tif"
    colour = image.ndim == 3
    predictor = 2 if predictor and compression and not colour and image.dtype.kind in "ui" else None
    data_ = np.moveaxis(image, -1, 0) if colour and planar == "separate" else image
    with tifffile.TiffWriter(first, byteorder=byteorder, bigtiff=bigtiff, shaped=False) as file:
        file.write(
            data_,
            photometric="rgb" if colour else "miniswhite" if white_is_zero else "minisblack",
            planarconfig=planar if colour else None,
            compression=compression,
            predictor=predictor,
            tile=tile,
            resolution=resolution,
            resolutionunit=unit,
            description=description,
            metadata=None,
            extratags=[(65000, 12, 2, (1.5, -2.5), True), (305, 2, 0, "scanner 7", True)],
            software=False,
        )
    read = read_image(first)
    assert same_bits(read.pixels, image)
    write_image(second, read.pixels, like=read)
    assert same_bits(read_image(second).pixels, image)
    with tifffile.TiffFile(first) as a, tifffile.TiffFile(second) as b:
        one, two = a.pages[0], b.pages[0]
        assert (a.byteorder, a.is_bigtiff) == (b.byteorder, b.is_bigtiff)
        layout = ("photometric", "planarconfig", "compression", "predictor", "extrasamples", "is_tiled", "tile")
        assert {name: getattr(one, name) for name in layout} == {name: getattr(two, name) for name in layout}
        for code in (282, 283, 296, 305, 65000):
            assert one.tags[code].value == two.tags[code].value
        assert description in second.read_bytes()


@given(image=images(["?"], channels=(None,)))
def test_a_one_bit_tiff_comes_back_as_bool(folder, image):
    path = folder / "bits.tif"
    write_image(path, image)
    read = read_image(path)
    assert same_bits(read.pixels, image)
    write_image(folder / "again.tif", read.pixels, like=read)
    assert same_bits(read_image(folder / "again.tif").pixels, image)


def test_imagej_metadata_survive(tmp_path):
    overlay = b"\x00Iout" + bytes(range(60))
    meta = {"unit": "um", "spacing": 0.5, "min": 3.0, "max": 900.0}
    tifffile.imwrite(
        tmp_path / "ij.tif",
        camera().astype(np.uint16),
        imagej=True,
        resolution=(9.3458, 9.3458),
        metadata={**meta, "Info": "exposure = 20 ms", "ROI": overlay},
    )
    rewritten(tmp_path / "ij.tif", tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "ij.tif") as one, tifffile.TiffFile(tmp_path / "out.tif") as two:
        assert two.is_imagej
        assert two.imagej_metadata == one.imagej_metadata
        assert two.imagej_metadata["Info"] == "exposure = 20 ms"
        assert two.pages[0].tags[282].value == one.pages[0].tags[282].value


def test_an_imagej_lookup_table_stays_with_its_intensities(tmp_path):
    table = np.stack([np.linspace(0, 65535, 256), np.zeros(256), np.arange(256) * 3]).astype(np.uint16)
    tifffile.imwrite(tmp_path / "lut.tif", camera(), imagej=True, colormap=table, photometric="palette")
    read = rewritten(tmp_path / "lut.tif", tmp_path / "out.tif")
    assert same_bits(read.pixels, camera())
    with tifffile.TiffFile(tmp_path / "out.tif") as two:
        np.testing.assert_array_equal(two.pages[0].colormap, table)


def test_a_description_outside_ascii_survives_byte_for_byte(tmp_path):
    text = "ImageJ=1.54f\nunit=µm\n".encode("latin-1")
    tifffile.imwrite(tmp_path / "in.tif", camera(), description=text, metadata=None)
    rewritten(tmp_path / "in.tif", tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        tag = file.pages[0].tags[270]
        file.filehandle.seek(tag.valueoffset)
        assert file.filehandle.read(len(text)) == text


def test_ome_metadata_survive_and_no_longer_point_to_the_damaged_file(tmp_path):
    tifffile.imwrite(
        tmp_path / "in.ome.tif", camera(), metadata={"axes": "YX", "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm"}
    )
    raw = (tmp_path / "in.ome.tif").read_bytes()
    with tifffile.TiffFile(BytesIO(raw)) as file:
        xml = file.pages[0].description
    pointing = xml.replace(
        '<TiffData IFD="0" PlaneCount="1"/>',
        '<TiffData IFD="0" PlaneCount="1"><UUID FileName="in.ome.tif">urn:uuid:1</UUID></TiffData>',
    )
    assert "FileName" in pointing
    tifffile.imwrite(tmp_path / "in.ome.tif", camera(), description=pointing.encode(), metadata=None)
    rewritten(tmp_path / "in.ome.tif", tmp_path / "out.ome.tif")
    with tifffile.TiffFile(tmp_path / "out.ome.tif") as file:
        assert file.is_ome
        assert 'PhysicalSizeX="0.1"' in file.pages[0].description
        assert "in.ome.tif" not in file.pages[0].description


def test_tags_that_point_into_the_old_file_are_left_out_and_named(tmp_path):
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[34665] = {33434: 0.02}
    info[37724] = b"layers of the damaged image"
    Image.fromarray(camera()).save(tmp_path / "exif.tif", tiffinfo=info)
    read = rewritten(tmp_path / "exif.tif", tmp_path / "out.tif")
    assert any("ExifTag" in note and "ImageSourceData" in note for note in read.notes)
    with tifffile.TiffFile(tmp_path / "exif.tif") as one, tifffile.TiffFile(tmp_path / "out.tif") as two:
        assert {34665, 37724} <= set(one.pages[0].tags.keys())
        assert {34665, 37724}.isdisjoint(two.pages[0].tags.keys())


def test_a_pyramid_is_read_at_full_size_with_a_note(tmp_path):
    with tifffile.TiffWriter(tmp_path / "pyramid.tif") as file:
        file.write(camera(), subifds=1, metadata=None)
        file.write(camera()[::2, ::2], subfiletype=1, metadata=None)
    read = rewritten(tmp_path / "pyramid.tif", tmp_path / "out.tif")
    assert same_bits(read.pixels, camera())
    assert any("1 smaller copies" in note for note in read.notes)
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert len(file.series[0].levels) == 1


# --- LZW ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32"])
def test_lzw_is_read_without_imagecodecs(tmp_path, dtype):
    image = (camera().astype(int) - (0 if dtype.startswith("u") else 100)).astype(dtype)
    path = tmp_path / "lzw.tif"
    mode = {"int16": None, "int32": "I", "float32": "F"}.get(dtype, "")
    if mode is None:
        Image.fromarray(image.view(np.uint16)).save(path, compression="tiff_lzw", tiffinfo={339: 2})
    else:
        Image.fromarray(image).save(path, compression="tiff_lzw")
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].compression == 5
        assert file.pages[0].dtype == dtype
    assert same_bits(read_image(path).pixels, image)


@pytest.mark.parametrize(("tag", "value"), [(274, 3), (274, 6), (262, 0)])
def test_lzw_that_pillow_would_turn_or_invert_is_refused(tmp_path, tag, value):
    path = tmp_path / "lzw.tif"
    Image.fromarray(camera(40)).save(path, compression="tiff_lzw", tiffinfo={274: 1})
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags[tag].overwrite(value)
    with pytest.raises(FileError, match="Install imagecodecs, or save it uncompressed"):
        read_image(path)


def test_lzw_colour_of_16_bits_is_refused_rather_than_cut_to_8(tmp_path):
    path = tmp_path / "lzw.tif"
    tifffile.imwrite(path, np.zeros((20, 20, 3), np.uint16), photometric="rgb", compression="zlib")
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags[259].overwrite(5)
    with pytest.raises(FileError, match=r"can't be decoded here \(compression LZW"):
        read_image(path)


# --- odd files ------------------------------------------------------------------------------------------------------


def stack(path):
    tifffile.imwrite(path, np.zeros((5, 20, 20), np.uint8), photometric="minisblack")


def imagej_stack(path):
    tifffile.imwrite(path, np.zeros((5, 20, 20), np.uint8), imagej=True)
    with tifffile.TiffFile(path) as file:
        first = file.pages[0]
        file.filehandle.seek(0)
        assert len(file.pages) == 5
        offset = first.offset
        count = struct.unpack(file.byteorder + "H", path.read_bytes()[offset : offset + 2])[0]
    raw = bytearray(path.read_bytes())
    raw[offset + 2 + 12 * count : offset + 6 + 12 * count] = bytes(4)  # no next page, as above 4 GB
    path.write_bytes(raw)


def palette(path):
    Image.fromarray(data.astronaut()[:20, :20]).quantize(16).save(path)


def cmyk(path):
    Image.fromarray(data.astronaut()[:20, :20]).convert("CMYK").save(path)


def five_samples(path):
    tifffile.imwrite(path, np.zeros((20, 20, 5), np.uint8), photometric="minisblack", planarconfig="contig")


def complex_values(path):
    tifffile.imwrite(path, np.zeros((20, 20), np.complex64))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (stack, "holds several pages; one plane is wanted"),
        (imagej_stack, "holds several pages; one plane is wanted"),
        (palette, "palette TIFF"),
        (cmyk, "colour space SEPARATED"),
        (five_samples, "5 samples per pixel"),
        (complex_values, "complex64"),
    ],
)
def test_a_tiff_that_is_no_plane_of_intensities_is_refused(tmp_path, make, reason):
    path = tmp_path / "odd.tif"
    make(path)
    with pytest.raises(FileError, match=f"odd.tif .*{reason}"):
        read_image(path)


def test_a_tiff_whose_pages_go_round_in_a_circle_is_read_once(tmp_path):
    path = tmp_path / "circle.tif"
    with tifffile.TiffWriter(path, shaped=False) as file:
        file.write(camera(), metadata=None)
        file.write(camera()[::2, ::2], subfiletype=1, metadata=None)
    with tifffile.TiffFile(path) as file:
        first, second = (page.offset for page in file.pages)
    raw = bytearray(path.read_bytes())
    (count,) = struct.unpack_from("<H", raw, second)
    struct.pack_into("<I", raw, second + 2 + 12 * count, first)
    path.write_bytes(raw)
    assert same_bits(read_image(path).pixels, camera())


def test_a_tiff_with_strips_that_were_never_written_is_truncated(tmp_path):
    path = tmp_path / "sparse.tif"
    tifffile.imwrite(path, camera(), rowsperstrip=48, compression="zlib")
    with tifffile.TiffFile(path, mode="r+b") as file:
        tag = file.pages[0].tags[279]
        tag.overwrite([tag.value[0], 0])
    with pytest.raises(FileError, match=r"sparse.tif is truncated: some of its pixels are missing"):
        read_image(path)

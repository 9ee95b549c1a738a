"""Image files: every value and the metadata survive; what can't be read without loss is a sentence."""

import struct
import zlib
from contextlib import suppress
from functools import cache
from io import BytesIO

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, PngImagePlugin, TiffImagePlugin
from skimage import data

from napari_edgeconnect.files import (
    FileError,
    Staging,
    check_format,
    read_as_edges,
    read_as_mask,
    read_image,
    sha256,
    write_image,
)

TIFF_DTYPES = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"]
PLANES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)


def camera(side=96):
    return data.camera()[120 : 120 + side, 160 : 160 + side].copy()


def same_bits(one, other):
    """Equal in shape, dtype (byte order aside) and every bit, NaN included."""
    plain = [np.ascontiguousarray(a, dtype=a.dtype.newbyteorder("<")) for a in (one, other)]
    return (
        plain[0].shape == plain[1].shape
        and plain[0].dtype == plain[1].dtype
        and (plain[0].tobytes() == plain[1].tobytes())
    )


@st.composite
def images(draw, dtypes, channels=(None, 3, 4)):
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    shape = draw(PLANES)
    count = draw(st.sampled_from(channels))
    raw = draw(st.integers(0, 2**32 - 1))
    shape = shape if count is None else (*shape, count)
    size = int(np.prod(shape)) * dtype.itemsize
    bits = np.random.default_rng(raw).integers(0, 256, size, dtype=np.uint8)
    return (bits % 2).astype(bool).reshape(shape) if dtype.kind == "b" else bits.view(dtype).reshape(shape)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


# --- every value survives -------------------------------------------------------------------------------------------


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


@given(image=images(["u1", "?", "u2"]))
def test_a_png_comes_back_with_every_value(folder, image):
    if image.ndim == 3 and image.dtype != np.uint8:
        with pytest.raises(FileError, match="can't be written as PNG without loss"):
            check_format(folder / "x.png", image.shape, image.dtype)
        return
    path = folder / "image.png"
    write_image(path, image)
    assert same_bits(read_image(path).pixels, image)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), image)  # and for other programs


@given(image=images([*TIFF_DTYPES, "?", ">u2", ">f4"]), fortran=st.booleans())
def test_an_npy_comes_back_with_every_value_and_its_byte_order(folder, image, fortran):
    path = folder / "image.npy"
    np.save(path, np.asfortranarray(image) if fortran else image)
    read = read_image(path)
    write_image(path, read.pixels, like=read)
    assert same_bits(np.load(path), image)
    assert np.load(path).dtype == image.dtype


@given(image=images(["?"], channels=(None,)))
def test_a_one_bit_tiff_comes_back_as_bool(folder, image):
    path = folder / "bits.tif"
    write_image(path, image)
    read = read_image(path)
    assert same_bits(read.pixels, image)
    write_image(folder / "again.tif", read.pixels, like=read)
    assert same_bits(read_image(folder / "again.tif").pixels, image)


@given(image=images(["u2", ">u2", ">f4"], channels=(None,)))
def test_arrays_of_any_byte_order_are_written_right(folder, image):
    suffixes = [".tif", ".png"] if image.dtype.kind == "u" else [".tif"]
    for suffix in suffixes:
        path = folder / f"order{suffix}"
        write_image(path, image)
        assert same_bits(read_image(path).pixels, image)


# --- metadata -------------------------------------------------------------------------------------------------------


def rewritten(source, target):
    read = read_image(source)
    write_image(target, read.pixels, like=read)
    return read


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


def test_png_text_gamma_resolution_and_profile_survive(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "stained 2026-11-02")
    info.add_itxt("Author", "Žofia")
    info.add(b"gAMA", struct.pack(">I", 45455))
    Image.fromarray(camera()).save(tmp_path / "in.png", pnginfo=info, dpi=(300, 150), icc_profile=b"profile" * 20)
    rewritten(tmp_path / "in.png", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        image.load()
        assert image.text == {"Comment": "stained 2026-11-02", "Author": "Žofia"}
        assert image.info["dpi"] == pytest.approx((300, 150), rel=1e-3)
        assert image.info["icc_profile"] == b"profile" * 20
        assert image.info["gamma"] == pytest.approx(0.45455)


def test_chunks_that_no_longer_fit_changed_pixels_are_left_out(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add(b"tIME", struct.pack(">H5B", 2020, 1, 1, 0, 0, 0))
    info.add(b"sBIT", b"\x05")
    Image.fromarray(camera()).save(tmp_path / "in.png", pnginfo=info)
    rewritten(tmp_path / "in.png", tmp_path / "out.png")
    assert b"tIME" in (tmp_path / "in.png").read_bytes()
    for name in (b"tIME", b"sBIT"):
        assert name not in (tmp_path / "out.png").read_bytes()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_jpeg_becomes_a_lossless_file_with_its_resolution_profile_and_orientation(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(data.astronaut()[:64, :96]).save(
        tmp_path / "in.jpg", dpi=(254, 254), icc_profile=b"profile" * 20, exif=exif
    )
    out = tmp_path / f"out{suffix}"
    read = rewritten(tmp_path / "in.jpg", out)
    stored = np.asarray(Image.open(tmp_path / "in.jpg"))
    assert stored.shape == (64, 96, 3)  # the pixel grid is not turned
    assert same_bits(read.pixels, stored)
    assert same_bits(read_image(out).pixels, stored)
    assert any("orientation 6" in note for note in read.notes)
    with Image.open(out) as image:
        assert image.info["dpi"] == pytest.approx((254, 254), rel=1e-3)
        assert image.info["icc_profile"] == b"profile" * 20
        assert image.getexif()[0x0112] == 6


def test_resolution_goes_from_tiff_to_png(tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", camera(), resolution=(100, 200), resolutionunit="CENTIMETER")
    rewritten(tmp_path / "in.tif", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert image.info["dpi"] == pytest.approx((254, 508), rel=1e-3)


# --- kinds of PNG ---------------------------------------------------------------------------------------------------


def test_palettes_gray_alpha_and_transparent_colours_become_rgb_or_rgba(tmp_path):
    colours = data.astronaut()[:40, :40]
    palette = Image.fromarray(colours).quantize(16)
    palette.save(tmp_path / "palette.png")
    assert same_bits(read_image(tmp_path / "palette.png").pixels, np.asarray(palette.convert("RGB")))
    palette.save(tmp_path / "clear.png", transparency=3)
    assert same_bits(
        read_image(tmp_path / "clear.png").pixels[..., 3],
        np.where(np.asarray(palette) == 3, 0, 255).astype(np.uint8),
    )
    gray = np.stack([camera(40), 255 - camera(40)], axis=-1)
    Image.fromarray(gray, mode=None).save(tmp_path / "la.png")
    pixels = read_image(tmp_path / "la.png").pixels
    assert same_bits(pixels[..., 1], gray[..., 0])
    assert same_bits(pixels[..., 3], gray[..., 1])
    Image.fromarray(colours).save(tmp_path / "key.png", transparency=tuple(map(int, colours[0, 0])))
    assert read_image(tmp_path / "key.png").pixels[0, 0, 3] == 0


def png_chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def handmade_png(depth, colour_type, row):
    header = struct.pack(">IIBBBBB", 2, 2, depth, colour_type, 0, 0, 0)
    body = zlib.compress((b"\0" + row) * 2)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


@pytest.mark.parametrize(("colour_type", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_16_bit_colour_png_is_refused_rather_than_cut_to_8_bits(tmp_path, colour_type, channels):
    path = tmp_path / "deep.png"
    path.write_bytes(handmade_png(16, colour_type, b"\x12\x34" * channels * 2))
    with pytest.raises(FileError, match=r"deep.png is a 16-bit colour PNG.* convert it to TIFF"):
        read_image(path)


def test_16_bit_gray_png_keeps_all_its_bits(tmp_path):
    path = tmp_path / "deep.png"
    path.write_bytes(handmade_png(16, 0, b"\x12\x34\xfe\xdc"))
    assert same_bits(read_image(path).pixels, np.array([[0x1234, 0xFEDC]] * 2, np.uint16))


def test_an_animated_png_is_refused(tmp_path):
    frames = [Image.fromarray(camera(32)), Image.fromarray(255 - camera(32))]
    frames[0].save(tmp_path / "film.png", save_all=True, append_images=frames[1:])
    with pytest.raises(FileError, match=r"film.png is an animated PNG"):
        read_image(tmp_path / "film.png")


# --- sentences ------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((4, 5, 5)), r"shape \(4, 5, 5\); one plane is wanted"),
        (np.zeros(7), r"shape \(7,\)"),
        (np.zeros((0, 5)), r"shape \(0, 5\)"),
        (np.zeros((5, 5), complex), "complex128"),
        (np.zeros((5, 5), [("a", "f4")]), "can't be read|values"),
        (np.array([[print]]), "can't be read"),
    ],
)
def test_an_npy_that_is_no_plane_of_numbers_is_refused_and_never_unpickled(tmp_path, array, reason):
    np.save(tmp_path / "odd.npy", array, allow_pickle=True)
    with pytest.raises(FileError, match=f"odd.npy.*({reason})"):
        read_image(tmp_path / "odd.npy")


def test_missing_empty_foreign_files_and_folders_are_named(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.tif").write_text("not an image")
    for name, reason in [
        ("none.png", "There is no file .*none.png"),
        ("empty.png", "empty.png is empty"),
        ("text.tif", "text.tif is none of the formats"),
        (".", "is a folder"),
    ]:
        with pytest.raises(FileError, match=reason):
            read_image(tmp_path / name)


def test_a_file_is_known_by_its_content_not_by_its_name(tmp_path):
    write_image(tmp_path / "image.png", camera())
    (tmp_path / "image.png").rename(tmp_path / "image.tif")
    assert same_bits(read_image(tmp_path / "image.tif").pixels, camera())


KINDS = ["png", "jpeg", "lzw tiff", "plain tiff", "deflated tiff", "npy"]


@cache
def encoded(kind):
    """The same picture in every format, as bytes."""
    buffer, picture = BytesIO(), Image.fromarray(camera(64))
    match kind:
        case "png":
            picture.save(buffer, "png")
        case "jpeg":
            picture.save(buffer, "jpeg", quality=90)
        case "lzw tiff":
            picture.save(buffer, "tiff", compression="tiff_lzw")
        case "npy":
            np.save(buffer, camera(64))
        case _:
            tifffile.imwrite(buffer, camera(64), compression="zlib" if kind == "deflated tiff" else None)
    return buffer.getvalue()


@given(kind=st.sampled_from(KINDS), kept=st.floats(0, 1), anywhere=st.booleans())
def test_a_truncated_file_never_gives_half_an_image(folder, kind, kept, anywhere):
    whole, path = encoded(kind), folder / "part"
    path.write_bytes(whole)
    complete = read_image(path).pixels
    # Near the end, too, where a decoder may have the last pixels or not.
    length = int(kept * (len(whole) - 1)) if anywhere else len(whole) - 1 - int(kept * 40)
    path.write_bytes(whole[:length])
    with suppress(FileError):
        pixels = read_image(path).pixels
        assert length > len(whole) - 40  # what follows the pixels only
        assert same_bits(pixels, complete)


@given(kind=st.sampled_from(KINDS), where=st.integers(0, 400), bit=st.integers(0, 7))
def test_a_damaged_file_gives_an_image_or_a_sentence(folder, kind, where, bit):
    raw = bytearray(encoded(kind))
    raw[where] ^= 1 << bit
    path = folder / "damaged"
    path.write_bytes(raw)
    with suppress(FileError, MemoryError):
        assert read_image(path).pixels.ndim in (2, 3)


def test_an_npy_whose_header_is_no_longer_python_is_damaged(tmp_path):
    (tmp_path / "damaged.npy").write_bytes(encoded("npy").replace(b"}", b"{", 1))
    with pytest.raises(FileError, match=r"damaged.npy can't be read"):
        read_image(tmp_path / "damaged.npy")


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


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "reason"),
    [
        ("x.jpg", (4, 4), "u1", "JPEG compression would change pixels outside the hole"),
        ("x.bmp", (4, 4), "u1", "ending '.bmp' is not known"),
        ("x", (4, 4), "u1", "ending '' is not known"),
        ("x.png", (4, 4), "f4", "gray values of float32 can't be written as PNG without loss"),
        ("x.png", (4, 4, 3), "u2", "colours of uint16 can't be written as PNG without loss"),
        ("x.tif", (4, 4, 3), "?", "bool; write .npy"),
    ],
)
def test_a_format_that_would_lose_values_is_refused_before_the_work(tmp_path, name, shape, dtype, reason):
    with pytest.raises(FileError, match=reason):
        check_format(tmp_path / name, shape, np.dtype(dtype))


# --- masks ----------------------------------------------------------------------------------------------------------


def saved(path, array):
    write_image(path, array) if path.suffix != ".jpg" else Image.fromarray(array).save(path, quality=100)
    return path


def disc(side=40):
    rows, columns = np.indices((side, side)) - side / 2
    return np.hypot(rows, columns) < side / 4


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
@pytest.mark.parametrize("white", [True, np.uint8(255), np.uint8(1), np.uint16(65535), np.uint16(7)])
def test_hard_masks_mean_what_is_not_zero(tmp_path, suffix, white):
    mask, notes = read_as_mask(saved(tmp_path / f"mask{suffix}", disc() * white))
    assert same_bits(mask, disc())
    assert notes == []


def test_every_label_is_hole(tmp_path):
    labels = disc().astype(np.uint8)
    labels[:5, :5] = 200
    labels[-5:] = 3
    mask, _ = read_as_mask(saved(tmp_path / "labels.png", labels))
    assert same_bits(mask, labels != 0)


def test_a_smoothed_mask_is_cut_at_half_with_a_note(tmp_path):
    from scipy import ndimage

    soft = np.rint(ndimage.gaussian_filter(disc() * 255.0, 1.5)).astype(np.uint8)
    soft[18:22, 18:22] = 255
    mask, notes = read_as_mask(saved(tmp_path / "soft.png", soft))
    assert same_bits(mask, soft > 127)
    assert len(notes) == 1
    assert "soft.png is a soft mask" in notes[0]
    assert "half (127)" in notes[0]


def test_a_jpeg_mask_is_soft(tmp_path):
    mask, notes = read_as_mask(saved(tmp_path / "mask.jpg", disc().astype(np.uint8) * np.uint8(255)))
    assert same_bits(mask, disc())
    assert "soft mask" in notes[0]


def test_float_masks_are_cut_at_a_half(tmp_path):
    soft = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    mask, notes = read_as_mask(saved(tmp_path / "mask.npy", soft))
    assert same_bits(mask, soft > 0.5)
    assert "above 0.5" in notes[0]


def test_a_gray_mask_saved_as_rgb_is_read_and_a_coloured_one_is_not(tmp_path):
    white = np.stack([disc() * np.uint8(255)] * 3, axis=-1)
    assert same_bits(read_as_mask(saved(tmp_path / "rgb.png", white))[0], disc())
    red = white * np.array([1, 0, 0], np.uint8)
    with pytest.raises(FileError, match=r"red.png is used as mask and holds colours"):
        read_as_mask(saved(tmp_path / "red.png", red))


def test_an_opaque_rgba_mask_is_read_and_a_transparent_one_is_not(tmp_path):
    mask = np.stack([disc() * np.uint8(255)] * 3 + [np.full(disc().shape, 255, np.uint8)], axis=-1)
    assert same_bits(read_as_mask(saved(tmp_path / "rgba.png", mask))[0], disc())
    mask[..., 3] = mask[..., 0]
    with pytest.raises(FileError, match=r"clear.png is used as mask and is partly transparent"):
        read_as_mask(saved(tmp_path / "clear.png", mask))


@pytest.mark.parametrize(("value", "reason"), [(np.nan, "NaN"), (-1.0, None), (np.int16(-1), "negative")])
def test_masks_of_odd_numbers(tmp_path, value, reason):
    array = disc().astype(np.asarray(value).dtype)
    array[0, 0] = value
    path = saved(tmp_path / "mask.npy", array)
    if reason:
        with pytest.raises(FileError, match=f"mask.npy is used as a mask and holds {reason}"):
            read_as_mask(path)
    else:
        assert same_bits(read_as_mask(path)[0], disc())


# --- edge images ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_labels_stay_labels(tmp_path, suffix):
    labels = np.arange(100, dtype=np.uint8).reshape(10, 10) % 4
    edges, meaning, notes = read_as_edges(saved(tmp_path / f"edges{suffix}", labels))
    assert (meaning, notes) == ("labels", [])
    assert same_bits(edges, labels)


def test_a_black_and_white_drawing_is_a_drawing(tmp_path):
    for name, array in [("eight.png", disc() * np.uint8(255)), ("one.png", disc())]:
        edges, meaning, notes = read_as_edges(saved(tmp_path / name, array))
        assert (meaning, notes) == ("drawing", [])
        assert same_bits(edges, disc())


def test_a_drawing_with_gray_pixels_is_cut_at_127_with_a_note(tmp_path):
    drawing = disc() * np.uint8(255)
    drawing[0, :2] = 127, 128
    edges, _, notes = read_as_edges(saved(tmp_path / "drawn.png", drawing))
    assert edges[0, :2].tolist() == [False, True]
    assert "2 gray pixels" in notes[0]


def test_a_drawing_in_black_on_white_is_remarked_upon(tmp_path):
    _, _, notes = read_as_edges(saved(tmp_path / "ink.png", ~disc() * np.uint8(255)))
    assert "black on white" in notes[0]


def test_probabilities_are_floats_from_0_to_1(tmp_path):
    values = np.linspace(0, 1, 100, dtype=np.float64).reshape(10, 10)
    edges, meaning, _ = read_as_edges(saved(tmp_path / "p.tif", values))
    assert meaning == "probabilities"
    assert same_bits(edges, values.astype(np.float32))
    for bad in (1.5, -0.1, np.nan):
        with pytest.raises(FileError, match="no probabilities"):
            read_as_edges(saved(tmp_path / "p.npy", np.where(values > 0.9, bad, values)))


def test_other_numbers_are_no_edge_image(tmp_path):
    with pytest.raises(FileError, match="uint16 values up to 900"):
        read_as_edges(saved(tmp_path / "e.tif", np.full((5, 5), 900, np.uint16)))


# --- all outputs or none --------------------------------------------------------------------------------------------


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


def test_sha256_is_of_the_bytes(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

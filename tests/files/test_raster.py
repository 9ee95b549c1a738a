"""PNG and JPEG: every value and what goes with them survive; no bit is cut off silently."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given
from PIL import Image, PngImagePlugin
from skimage import data

from napari_edgeconnect.files import FileError, check_format, read_image, write_image

from .conftest import camera, images, rewritten, same_bits


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

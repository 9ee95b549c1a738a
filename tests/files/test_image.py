"""One image in one file: known by its content, read whole or not at all; what is wrong is a sentence."""

from contextlib import suppress
from functools import cache
from io import BytesIO

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from napari_edgeconnect.files import FileError, check_format, read_image, sha256, write_image

from .conftest import TIFF_DTYPES, camera, images, same_bits

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


@given(image=images([*TIFF_DTYPES, "?", ">u2", ">f4"]), fortran=st.booleans())
def test_an_npy_comes_back_with_every_value_and_its_byte_order(folder, image, fortran):
    path = folder / "image.npy"
    np.save(path, np.asfortranarray(image) if fortran else image)
    read = read_image(path)
    write_image(path, read.pixels, like=read)
    assert same_bits(np.load(path), image)
    assert np.load(path).dtype == image.dtype


@given(image=images(["u2", ">u2", ">f4"], channels=(None,)))
def test_arrays_of_any_byte_order_are_written_right(folder, image):
    suffixes = [".tif", ".png"] if image.dtype.kind == "u" else [".tif"]
    for suffix in suffixes:
        path = folder / f"order{suffix}"
        write_image(path, image)
        assert same_bits(read_image(path).pixels, image)


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


def test_sha256_is_of_the_bytes(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

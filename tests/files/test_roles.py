"""Files as masks and as edge images: what their values mean."""

import numpy as np
import pytest
from PIL import Image

from napari_edgeconnect.files import FileError, read_as_edges, read_as_mask, write_image

from .conftest import same_bits


def saved(path, array):
    write_image(path, array) if path.suffix != ".jpg" else Image.fromarray(array).save(path, quality=100)
    return path


def disc(side=40):
    rows, columns = np.indices((side, side)) - side / 2
    return np.hypot(rows, columns) < side / 4


# --- masks ----------------------------------------------------------------------------------------------------------


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

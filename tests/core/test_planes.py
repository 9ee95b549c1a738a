"""Images of any dtype reach [0, 1] by their known pixels, and come back within their dtype."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data

from napari_edgeconnect.core.edges import known_edges
from napari_edgeconnect.core.planes import checked_image, colours, contrast_mapping, nonfinite

DTYPES = ["?", "u1", "i1", "u2", ">u2", "i2", "u4", "i4", "i8", "u8", "f2", "f4", ">f4", "f8"]
NO_HOLE = np.zeros((6, 5), dtype=bool)


@pytest.mark.parametrize("dtype", DTYPES)
@given(bits=st.data())
def test_any_output_comes_back_finite_and_within_the_dtype(dtype: str, bits: st.DataObject) -> None:
    elements = {"allow_nan": False, "allow_infinity": False} if "f" in dtype else {}
    image = bits.draw(arrays(dtype, (6, 5), elements=elements))
    unit = bits.draw(arrays("f8", (6, 5), elements={"min_value": -1e6, "max_value": 1e6}))
    mapping = contrast_mapping(image, NO_HOLE)
    assert np.isfinite(mapping.to_unit(image)).all()
    back = mapping.from_unit(unit, image.dtype)
    assert back.dtype == image.dtype
    assert np.isfinite(back.astype(np.float64)).all()


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"])
def test_the_mapping_inverts_itself(dtype: str) -> None:
    image = data.camera()[:64, :64].astype(dtype)
    mapping = contrast_mapping(image, np.zeros(image.shape, dtype=bool))
    back = mapping.from_unit(mapping.to_unit(image), image.dtype)
    tolerance = 2e-3 if dtype == "f2" else 1e-6 * 255
    assert np.abs(back.astype(float) - image.astype(float)).max() <= (tolerance if "f" in dtype else 0)


def test_eight_bit_colour_is_divided_by_255_and_nothing_else() -> None:
    image = data.astronaut()[:32, :32]
    mapping = contrast_mapping(image, np.zeros((32, 32), dtype=bool))
    assert (mapping.low, mapping.high) == (0, 255)
    assert np.array_equal(mapping.to_unit(image), image / 255)


def test_only_known_pixels_decide() -> None:
    image = data.camera().astype(np.float32)
    hole = np.zeros(image.shape, dtype=bool)
    hole[100:200, 100:200] = True
    damaged = image.copy()
    damaged[hole] = 1e6
    assert contrast_mapping(damaged, hole) == contrast_mapping(image, hole)


def test_twelve_bits_in_uint16_have_the_edges_of_the_same_picture_in_eight() -> None:
    fine = data.camera().astype(np.uint16) * 16 + 7
    coarse = data.camera()
    hole = np.zeros(fine.shape, dtype=bool)
    hole[200:240, 200:300] = True
    a, b = (known_edges(contrast_mapping(i, hole).to_unit(i), hole, sigma=2.0) for i in (fine, coarse))
    agreement = 2 * (a & b).sum() / (a.sum() + b.sum())
    assert b.sum() > 5000
    assert agreement > 0.95


def test_a_plane_without_contrast_is_mapped() -> None:
    for value in (0.0, 7.0, -3.0, 1e308, -1e308, 5e-324):
        mapping = contrast_mapping(np.full((6, 5), value), NO_HOLE)
        unit = mapping.to_unit(np.full((6, 5), value))
        assert np.isfinite(unit).all()
        assert np.allclose(mapping.from_unit(unit, np.dtype("f8")), value)


def test_large_planes_are_sampled_alike() -> None:
    image = np.tile(data.camera(), (4, 4)).astype(np.uint16)
    hole = np.zeros(image.shape, dtype=bool)
    small = contrast_mapping(data.camera().astype(np.uint16), hole[:512, :512])
    large = contrast_mapping(image, hole)
    assert abs(large.low - small.low) <= 3
    assert abs(large.high - small.high) <= 3


def test_channels_and_bad_pixels_are_found() -> None:
    image = np.ones((4, 5, 4))
    image[1, 2, 0] = np.nan
    image[2, 3, 1] = np.inf
    image[3, 3, 3] = np.nan  # alpha is kept as it is
    assert colours(image).shape == (4, 5, 3)
    assert colours(image[..., 0]).shape == (4, 5, 1)
    assert np.argwhere(nonfinite(image)).tolist() == [[1, 2], [2, 3]]


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (np.zeros((4, 4), complex), TypeError, "dtype complex128"),
        (np.zeros((4, 4), object), TypeError, "dtype object"),
        (np.zeros(4), ValueError, r"shape \(4,\)"),
        (np.zeros((4, 4, 2)), ValueError, r"shape \(4, 4, 2\).*plane by plane"),
        (np.zeros((0, 4)), ValueError, "holds no pixels"),
    ],
)
def test_what_is_no_image_has_its_sentence(image: np.ndarray, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        checked_image(image)

"""The biharmonic fill: scikit-image's values, found by another solver."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.linalg import splu
from skimage import data
from skimage.restoration import inpaint_biharmonic

from napari_edgeconnect.core.fill import biharmonic_fill


def smooth_picture(shape: tuple[int, ...], seed: int = 0) -> NDArray[np.float64]:
    """Coarse noise between two far known values, so that clipping hides nothing."""
    picture = ndimage.gaussian_filter(
        np.random.default_rng(seed).standard_normal(shape), (4, 4) + (0,) * (len(shape) - 2)
    )
    picture = 0.4 + 0.2 * (picture - picture.min()) / (np.ptp(picture) + 1e-9)
    picture[0, 0] = 0
    picture[-1, -1] = 1
    return picture


def directly_solved(image: NDArray[np.float64], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The same system from the whole plane's Laplacian and SciPy's general solver."""

    def second_difference(length: int) -> sparse.csr_array:
        neighbours = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(length, length))
        return sparse.csr_array(neighbours - sparse.diags_array(np.asarray(neighbours.sum(axis=1))))

    height, width = mask.shape
    laplacian = sparse.kron(second_difference(height), sparse.eye_array(width)) + sparse.kron(
        sparse.eye_array(height), second_difference(width)
    )
    squared = sparse.csr_array(laplacian @ laplacian)
    hole, known = np.flatnonzero(mask), np.flatnonzero(~mask)
    channels = image.reshape(mask.size, -1)
    rows = squared[hole]
    solve = splu(
        rows[:, hole].tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    ).solve
    filled = channels.copy()
    filled[hole] = np.clip(
        solve(-(rows[:, known] @ channels[known])), channels[known].min(axis=0), channels[known].max(axis=0)
    )
    return filled.reshape(image.shape)


def disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> NDArray[np.bool_]:
    y, x = np.ogrid[: shape[0], : shape[1]]
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


def blobs(shape: tuple[int, int], seed: int, smoothness: float, share: float) -> NDArray[np.bool_]:
    """Irregular holes, with islands and at the border, that cover about ``share`` of the plane."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    if smoothness:
        noise = ndimage.gaussian_filter(noise, smoothness)
    mask = noise > np.quantile(noise, 1 - share)
    mask[0, 0] = mask[-1, -1] = False
    return mask


@st.composite
def masks(draw: st.DrawFn, longest: int) -> NDArray[np.bool_]:
    """Rectangles, entire rows, islands and single pixels on planes down to one pixel wide."""
    height, width = draw(st.integers(1, longest)), draw(st.integers(1, longest))
    mask = np.zeros((max(height, 3 - width), width), dtype=bool)
    height = mask.shape[0]
    for hole in (True, *draw(st.lists(st.booleans(), max_size=3))):
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        bottom, right = draw(st.integers(top + 1, height)), draw(st.integers(left + 1, width))
        mask[top:bottom, left:right] = hole
    y, x = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    if mask.all():
        mask[y, x] = False
    elif not mask.any():
        mask[y, x] = True
    return mask


@pytest.mark.parametrize(
    ("picture", "box"),
    [("camera", (60, 180)), ("coins", (100, 40)), ("astronaut", (10, 160))],
)
@pytest.mark.parametrize("shape", ["square", "disc at a corner", "blobs"])
def test_agrees_with_scikit_image_on_real_pictures(picture: str, box: tuple[int, int], shape: str) -> None:
    image = getattr(data, picture)()[box[0] : box[0] + 96, box[1] : box[1] + 112] / 255
    mask = np.zeros(image.shape[:2], dtype=bool)
    if shape == "square":
        mask[20:76, 30:86] = True
    elif shape == "disc at a corner":
        mask = disc((96, 112), (96, 112), 45)
    else:
        mask = blobs((96, 112), seed=2, smoothness=4, share=0.3)
    expected = inpaint_biharmonic(image, mask, channel_axis=-1 if image.ndim == 3 else None)
    np.testing.assert_allclose(biharmonic_fill(image, mask), expected, rtol=0, atol=1e-6)


@given(masks(longest=24), st.sampled_from([(), (1,), (3,)]))
def test_agrees_with_scikit_image_on_any_mask(mask: NDArray[np.bool_], channels: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).random((*mask.shape, *channels))
    expected = inpaint_biharmonic(image, mask, channel_axis=-1 if channels else None)
    np.testing.assert_allclose(biharmonic_fill(image, mask), expected, rtol=0, atol=1e-6)


@settings(max_examples=50)
@given(
    st.tuples(st.integers(2, 110), st.integers(2, 110)),
    st.integers(0, 1000),
    st.sampled_from([0, 1, 3, 8]),
    st.floats(0.02, 0.9),
)
def test_agrees_with_a_direct_solve_on_irregular_holes(
    shape: tuple[int, int], seed: int, smoothness: float, share: float
) -> None:
    mask, image = blobs(shape, seed, smoothness, share), smooth_picture((*shape, 2), seed)
    np.testing.assert_allclose(biharmonic_fill(image, mask), directly_solved(image, mask), rtol=0, atol=1e-6)


def large_holes() -> list[object]:
    square = np.zeros((340, 350), dtype=bool)
    square[12:328, 15:331] = True
    island = square[:200, :220].copy()
    island[80:120, 90:101] = False
    island[150, 60] = False
    rows = np.zeros((150, 180), dtype=bool)
    rows[20:120] = True
    corner = np.ones((160, 170), dtype=bool)
    corner[-9:] = corner[:, -7:] = False
    strokes = np.zeros((260, 300), dtype=bool)
    for line in range(0, 520, 40):
        y = np.arange(260)
        for thickness in range(7):
            x = line - y + thickness
            strokes[y[(x >= 0) & (x < 300)], x[(x >= 0) & (x < 300)]] = True
    return [
        pytest.param(square, id="316 square"),
        pytest.param(island, id="islands"),
        pytest.param(rows, id="entire rows"),
        pytest.param(corner, id="corner"),
        pytest.param(strokes, id="strokes"),
        pytest.param(blobs((250, 240), seed=5, smoothness=9, share=0.5), id="blobs"),
    ]


@pytest.mark.parametrize("mask", large_holes())
def test_agrees_with_a_direct_solve_on_large_holes(mask: NDArray[np.bool_]) -> None:
    image = smooth_picture((*mask.shape, 3))
    np.testing.assert_allclose(biharmonic_fill(image, mask), directly_solved(image, mask), rtol=0, atol=1e-6)


def test_a_thin_scratch_across_a_wide_plane_agrees_with_its_surroundings_alone() -> None:
    image, mask = smooth_picture((2000, 40)), np.zeros((2000, 40), dtype=bool)
    mask[5:1995, 18:21] = True
    wide, wide_mask = np.zeros((2000, 4096)), np.zeros((2000, 4096), dtype=bool)
    wide[:, 3000:3040], wide_mask[:, 3000:3040] = image, mask
    np.testing.assert_allclose(
        biharmonic_fill(wide, wide_mask)[:, 3000:3040], directly_solved(image, mask), rtol=0, atol=1e-6
    )


@given(masks(longest=40), st.sampled_from([np.float16, np.float32, np.float64]), st.sampled_from([(), (3,)]))
def test_known_pixels_are_bit_identical(
    mask: NDArray[np.bool_], dtype: type[np.floating], channels: tuple[int, ...]
) -> None:
    image = np.random.default_rng(1).standard_normal((*mask.shape, *channels)).astype(dtype)
    filled = biharmonic_fill(image, mask)
    assert filled.dtype == dtype
    assert filled[~mask].tobytes() == image[~mask].tobytes()
    assert not np.array_equal(filled[mask], image[mask])


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_lower_precision_is_computed_in_float64_and_only_then_rounded(dtype: type[np.floating]) -> None:
    image, mask = smooth_picture((90, 80, 3)).astype(dtype), disc((90, 80), (40, 45), 30)
    exact = biharmonic_fill(image.astype(np.float64), mask)
    np.testing.assert_array_equal(biharmonic_fill(image, mask), exact.astype(dtype))


def test_the_input_is_not_modified_whatever_its_memory_order() -> None:
    image, mask = smooth_picture((3, 50, 40)).transpose(1, 2, 0), disc((50, 40), (20, 18), 12)
    image_before, mask_before = image.copy(), mask.copy()
    filled = biharmonic_fill(image, mask)
    np.testing.assert_array_equal(image, image_before)
    np.testing.assert_array_equal(mask, mask_before)
    np.testing.assert_allclose(filled, directly_solved(image_before, mask), rtol=0, atol=1e-6)


def test_what_lies_in_the_hole_does_not_matter() -> None:
    image, mask = smooth_picture((60, 70, 3)), disc((60, 70), (10, 30), 20)
    damaged = image.copy()
    damaged[mask] = np.nan
    damaged[5, 30] = np.inf
    np.testing.assert_array_equal(biharmonic_fill(damaged, mask), biharmonic_fill(image, mask))


@given(masks(longest=30), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_a_slope_continues_exactly_into_a_hole_off_the_border(
    mask: NDArray[np.bool_], down: float, right: float
) -> None:
    mask = np.pad(mask, 2)
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    image = 0.5 + down * y + right * x
    filled = biharmonic_fill(np.where(mask, np.nan, image), mask)
    np.testing.assert_allclose(filled, image, rtol=0, atol=1e-9)


@given(st.floats(-3, 3).filter(lambda scale: abs(scale) > 1e-3), st.floats(-5, 5))
def test_commutes_with_contrast_and_brightness(scale: float, offset: float) -> None:
    image, mask = smooth_picture((70, 64)), blobs((70, 64), seed=3, smoothness=5, share=0.4)
    expected = scale * directly_solved(image, mask) + offset
    np.testing.assert_allclose(biharmonic_fill(scale * image + offset, mask), expected, rtol=0, atol=1e-6)


def test_the_fill_stays_within_each_channels_known_range() -> None:
    y, x = np.mgrid[:60, :60]
    hill = np.exp(-((y - 30) ** 2 + (x - 30) ** 2) / 300)
    mask = disc((60, 60), (30, 30), 14)
    filled = biharmonic_fill(np.stack((hill, 5 - hill), axis=-1), mask)
    assert filled[30, 30, 0] == hill[~mask].max()  # unclipped, it would rise further
    assert filled[30, 30, 1] == (5 - hill)[~mask].min()


def test_an_empty_mask_gives_a_copy() -> None:
    image = smooth_picture((9, 8))
    filled = biharmonic_fill(image, np.zeros((9, 8), dtype=bool))
    np.testing.assert_array_equal(filled, image)
    assert not np.shares_memory(filled, image)


def test_refuses_a_mask_without_a_known_pixel() -> None:
    with pytest.raises(ValueError, match="Every pixel is masked: there is nothing known to continue"):
        biharmonic_fill(np.zeros((5, 6, 3)), np.ones((5, 6), dtype=bool))


def test_refuses_a_mask_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"mask has shape \(6, 5\), but the image's plane is \(5, 6\)"):
        biharmonic_fill(np.zeros((5, 6, 3)), np.zeros((6, 5), dtype=bool))

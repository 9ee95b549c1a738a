"""The spread is that of repairs which are as good as each other."""

from __future__ import annotations

import numpy as np
import pytest

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.uncertainty import repair_spread, repair_spread_steps


def test_the_spread_is_the_standard_deviation_over_all_variants(
    model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]
) -> None:
    image, mask = camera
    image = image.astype(np.float64)
    answers = []
    for mirrored in (False, True):
        for turns in range(4):
            way = [np.rot90(plane[:, ::-1] if mirrored else plane, turns) for plane in (image, mask)]
            back = np.rot90(model.inpaint(*way), -turns)
            answers.append(back[:, ::-1] if mirrored else back)
    answers += [model.inpaint(image, mask, sigma=sigma) for sigma in (1.5, 3.0)]
    edges = model.hallucinate_edges(image, mask)
    answers += [model.complete(image, mask, (edges.probability >= at).astype(float)) for at in (0.2, 0.5)]
    answers.append(model.complete(image, mask, np.zeros(mask.shape)))
    found = repair_spread(model, image, mask)
    assert len(found.variants) == len(answers) == 13
    np.testing.assert_allclose(found.spread, np.std(answers, axis=0), rtol=1e-4, atol=1e-4)
    assert found.spread[mask].min() > 0
    assert np.array_equal(found.repaired, model.inpaint(image, mask))
    assert np.array_equal(found.hole, mask)


def test_the_spread_is_in_the_images_units(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = camera
    one, hundred = (repair_spread(model, scale * image.astype(np.float32), mask) for scale in (1, 100))
    np.testing.assert_allclose(hundred.spread, 100 * one.spread, rtol=0.02, atol=0.5)


def test_colours_are_taken_together(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = camera
    gray = repair_spread(model, image.astype(np.float64), mask)
    colour = repair_spread(model, np.dstack([image] * 3).astype(np.float64), mask)
    assert colour.spread.shape == mask.shape
    assert colour.spread[mask].mean() == pytest.approx(gray.spread[mask].mean(), rel=0.6)


def test_missing_pixels_and_the_grown_mask_are_the_hole(
    model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]
) -> None:
    image, mask = camera[0].astype(np.float32), camera[1]
    image[5, 5] = np.nan
    found = repair_spread(model, image, mask, grow_px=1, sigma=None)
    assert found.hole[5, 5]
    assert np.count_nonzero(found.hole) == 1 + 24 * 30 + 2 * (24 + 30)
    assert not any(name.startswith("sigma") for name in found.variants)


def test_no_damage_has_no_spread(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    found = repair_spread(model, camera[0], np.zeros_like(camera[1]))
    assert not found.spread.any()


def test_each_variant_is_a_step(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    steps = repair_spread_steps(model, *camera)
    first = next(steps)
    assert (first.done, first.total, first.what) == (0, 13, "Repairing: as asked for")
    assert next(steps).what == "Repairing: turned by 90°"
    steps.close()

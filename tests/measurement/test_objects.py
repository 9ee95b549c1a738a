"""Objects are measured exactly, and matched with those of another segmentation by overlap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data
from skimage.measure import label, regionprops

from napari_edgeconnect.measurement.objects import FATES, Objects, match, measured


def of(*boxes: tuple[int, int, int, int]) -> Objects:
    """Rectangles (top, bottom, left, right) in a plane of 40 x 40."""
    labels = np.zeros((40, 40), np.int64)
    for number, (top, bottom, left, right) in enumerate(boxes, start=1):
        labels[top:bottom, left:right] = number
    return measured(labels, np.ones(labels.shape))


def fates(ours: Objects, theirs: Objects) -> list[str]:
    return [FATES[number] for number in match(ours, theirs).fate]


def test_values_are_those_of_regionprops() -> None:
    image = data.coins().astype(np.float64)
    labels = label(image > 120)
    found = measured(labels, image)
    regions = regionprops(labels, image)
    assert found.count == len(regions)
    np.testing.assert_array_equal(found.values["area"], [r.area for r in regions])
    np.testing.assert_allclose(found.values["mean intensity"], [r.intensity_mean for r in regions])
    totals = found.totals()
    assert totals["total area"] == np.count_nonzero(image > 120)
    assert totals["integrated intensity"] == pytest.approx(image[image > 120].sum())
    assert totals["mean intensity"] == pytest.approx(image[image > 120].mean())
    assert totals["median area"] == np.median([r.area for r in regions])


def test_labels_with_gaps_are_closed_up_and_a_chosen_few_are_summed() -> None:
    labels = np.zeros((4, 10), np.int64)
    labels[:, :2], labels[:, 4:9] = 7, 1000
    found = measured(labels, np.arange(40.0).reshape(4, 10))
    assert found.values["area"].tolist() == [8, 20]
    assert found.labels.max() == 2
    assert found.totals(np.array([True, False]))["total area"] == 8
    nothing = found.totals(np.array([False, False]))
    assert (nothing["count"], nothing["total area"]) == (0, 0)
    assert np.isnan(nothing["mean area"])


def test_no_objects_are_no_error() -> None:
    empty = measured(np.zeros((5, 5), np.int64), np.ones((5, 5)))
    assert empty.count == 0
    assert match(empty, of((0, 5, 0, 5))).new == 1
    assert fates(of((0, 5, 0, 5)), of()) == ["lost"]


def test_a_moved_object_is_matched_and_a_far_one_is_lost_and_new() -> None:
    found = match(of((0, 10, 0, 10)), of((3, 12, 0, 10)))
    assert (found.partner.tolist(), found.new) == ([0], 0)
    gone = match(of((0, 10, 0, 10)), of((20, 30, 20, 30)))
    assert (FATES[gone.fate[0]], gone.partner.tolist(), gone.new) == ("lost", [-1], 1)


def test_an_object_that_is_parted_is_split() -> None:
    assert fates(of((0, 10, 0, 30)), of((0, 10, 0, 14), (0, 10, 16, 30))) == ["split"]
    crumb = match(of((0, 10, 0, 30)), of((0, 10, 0, 28), (0, 10, 29, 30)))
    assert FATES[crumb.fate[0]] == "split"


def test_objects_that_are_joined_are_merged() -> None:
    one, other, third = (0, 10, 0, 14), (0, 10, 16, 30), (20, 30, 0, 10)
    found = match(of(one, other, third), of((0, 10, 0, 30), third))
    assert [FATES[n] for n in found.fate] == ["merged", "merged", "matched"]
    assert found.partner.tolist() == [-1, -1, 1]


def test_a_neighbour_that_is_touched_a_little_is_not_merged() -> None:
    assert fates(of((0, 10, 0, 14), (0, 10, 16, 30)), of((0, 10, 0, 17), (0, 10, 18, 30))) == ["matched", "matched"]


@given(st.integers(0, 2**32 - 1))
def test_matching_objects_with_themselves_in_any_order_finds_each(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = label(rng.random((20, 20)) > 0.6, connectivity=1)
    ours = measured(labels, np.ones(labels.shape))
    order = rng.permutation(labels.max())
    theirs = measured(np.append(0, order + 1)[labels], np.ones(labels.shape))
    found = match(ours, theirs)
    np.testing.assert_array_equal(found.partner, order)
    assert found.new == 0

"""What a repair does to a measurement is told without the damage, with the fill, and across its uncertainty."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from skimage import data

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.results import result_of
from napari_edgeconnect.core.uncertainty import Spread, repair_spread
from napari_edgeconnect.measurement.effect import effect_on_measurements, effect_steps
from napari_edgeconnect.measurement.objects import QUANTITIES, TOTALS
from napari_edgeconnect.measurement.samples import sampled_repairs
from napari_edgeconnect.measurement.segmentation import above, above_otsu, by_name, given, labels_of
from napari_edgeconnect.measurement.table import COLUMNS, as_csv, conclusion, markdown
from napari_edgeconnect.selftest.calibration import Calibration, Uncertainty, uncertainty_steps

COINS = data.coins()[20:116, 20:148]
SCRATCH = np.zeros(COINS.shape, bool)
SCRATCH[40:46, 10:110] = True


@pytest.fixture(scope="module")
def model() -> EdgeConnect:
    return EdgeConnect.load(device="cpu")


@pytest.fixture(scope="module")
def spread(model: EdgeConnect) -> Spread:
    return repair_spread(model, np.where(SCRATCH, 0, COINS), SCRATCH)


def calibrated(spread: Spread, factor: float = 2.0) -> Uncertainty:
    """An interval of a known width."""
    calibration = Calibration(factor, 0.0, 0.9, 3, 100)
    return Uncertainty(spread, calibration.half_width(spread.spread, spread.hole), calibration, ())


def known_of(labels: np.ndarray) -> np.ndarray:
    return np.where(SCRATCH, 0, labels)


def test_each_variant_is_a_complete_repair_and_the_first_is_the_one_at_hand(spread: Spread, model: EdgeConnect) -> None:
    assert np.array_equal(spread.image_of(0), spread.repaired)
    edges = model.complete(np.where(SCRATCH, 0, COINS), SCRATCH, np.zeros(SCRATCH.shape, np.float32))
    assert np.array_equal(spread.image_of(12), edges)
    for variant in range(13):
        assert spread.image_of(variant)[~SCRATCH].tobytes() == COINS[~SCRATCH].tobytes()


def test_totals_are_those_of_known_pixels_of_the_fill_and_of_all_variants(spread: Spread) -> None:
    effect = effect_on_measurements(spread, above(120))
    area, intensity = effect.totals["total area"], effect.totals["integrated intensity"]
    bright = [spread.image_of(variant) > 120 for variant in range(13)]
    areas = [np.count_nonzero(each) for each in bright]
    assert area.with_fill == areas[0]
    assert (area.lowest, area.highest) == (min(areas), max(areas))
    assert area.without_pixels == np.count_nonzero((COINS > 120) & ~SCRATCH)
    assert intensity.with_fill == pytest.approx(spread.repaired[bright[0]].sum())
    assert intensity.without_pixels == pytest.approx(COINS[(COINS > 120) & ~SCRATCH].sum())
    assert area.low is area.high is effect.level is None
    untouched = np.isin(effect.labels, np.unique(effect.labels[SCRATCH]), invert=True)
    assert area.without_objects == np.count_nonzero(untouched & (effect.labels > 0))
    assert effect.touched == len(np.unique(effect.labels[SCRATCH & (effect.labels > 0)]))
    assert tuple(effect.totals) == TOTALS


def test_objects_at_the_damage_are_listed_with_their_own_values(spread: Spread) -> None:
    effect = effect_on_measurements(spread, above(120))
    assert effect.objects
    for each in effect.objects:
        own = effect.labels == each.label
        assert each.touched_px == np.count_nonzero(own & SCRATCH)
        area, mean = each.values["area"], each.values["mean intensity"]
        assert area.with_fill == np.count_nonzero(own)
        assert (area.without_pixels or 0) == np.count_nonzero(own & ~SCRATCH)
        assert mean.with_fill == pytest.approx(spread.repaired[own].mean())
        assert sum(each.fates.values()) == 12
        assert area.lowest <= area.with_fill <= area.highest
    far = set(range(1, effect.labels.max() + 1)) - {each.label for each in effect.objects}
    assert all(not (effect.labels[37:49, 7:113] == label).any() for label in far)


def test_given_labels_keep_their_areas_and_only_intensities_move(spread: Spread) -> None:
    labels = np.zeros(COINS.shape, np.uint16)
    labels[30:60, 20:40], labels[70:80, 20:40] = 5, 9
    effect = effect_on_measurements(spread, given(labels))
    area, mean = effect.totals["total area"], effect.totals["mean intensity"]
    assert area.lowest == area.with_fill == area.highest == 30 * 20 + 10 * 20
    assert area.without_pixels == 24 * 20 + 10 * 20
    assert area.without_objects == 10 * 20
    assert mean.lowest < mean.highest
    (only,) = effect.objects
    assert (only.touched_px, only.fates["matched"]) == (6 * 20, 12)
    assert only.label == 5
    assert np.array_equal(effect.labels, labels)


def test_areas_are_in_the_unit_s_square(spread: Spread) -> None:
    pixels = effect_on_measurements(spread, above(120))
    lengths = effect_on_measurements(spread, above(120), pixel_size=(0.5, 0.2), unit="µm")
    for name in ("total area", "mean area", "median area"):
        assert lengths.totals[name].with_fill == pytest.approx(0.1 * pixels.totals[name].with_fill)
    for name in ("count", "mean intensity", "integrated intensity"):
        assert lengths.totals[name] == pixels.totals[name]
    assert "µm²" in conclusion(lengths)


def test_sampled_repairs_vary_as_the_interval_says_and_only_in_the_hole(spread: Spread) -> None:
    found = calibrated(spread)
    images = np.array(list(sampled_repairs(found, 400, seed=1)), dtype=np.float64)
    assert (images[:, ~SCRATCH] == COINS[~SCRATCH]).all()
    inside = images[:, SCRATCH] - spread.repaired[SCRATCH]
    wide = spread.spread[SCRATCH] > 2
    deviation = inside[:, wide].std(axis=0)
    np.testing.assert_allclose(deviation, found.half_width[SCRATCH][wide] / 1.645, rtol=0.25)
    share = np.mean(np.abs(inside[:, wide]) <= found.half_width[SCRATCH][wide])
    assert share == pytest.approx(0.9, abs=0.03)
    again = np.array(list(sampled_repairs(found, 3, seed=1)))
    assert np.array_equal(again, images[:3])
    assert not np.array_equal(np.array(list(sampled_repairs(found, 3, seed=2))), again)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.bool_])
def test_samples_are_of_the_image_s_dtype(model: EdgeConnect, dtype: type) -> None:
    image = COINS > 120 if dtype == np.bool_ else COINS.astype(dtype)
    found = calibrated(repair_spread(model, image, SCRATCH))
    for sample in sampled_repairs(found, 2):
        assert sample.dtype == dtype
        assert np.array_equal(sample[~SCRATCH], image[~SCRATCH])


def test_intervals_hold_their_share_of_samples_and_grow_with_the_calibration(spread: Spread) -> None:
    narrow, wide = (effect_on_measurements(calibrated(spread, f), above(120), samples=60) for f in (0.5, 3.0))
    for effect in (narrow, wide):
        assert (effect.level, effect.samples, effect.variants) == (0.9, 60, 13)
        values = [np.count_nonzero(each > 120) for each in sampled_repairs(calibrated(spread, 0.5), 60)]
        if effect is narrow:
            area = effect.totals["total area"]
            assert (area.low, area.high) == pytest.approx(np.quantile(values, (0.05, 0.95)))
    ranges = [e.totals["integrated intensity"].high - e.totals["integrated intensity"].low for e in (narrow, wide)]
    assert ranges[1] > 2 * ranges[0] > 0


def test_a_repair_and_its_copies_give_an_interval(model: EdgeConnect) -> None:
    found = result_of(uncertainty_steps(np.where(SCRATCH, 0, COINS), SCRATCH, model, trials=1))
    objects, threshold = above_otsu(found.spread.repaired, SCRATCH)
    assert np.array_equal(labels_of(objects, COINS) > 0, threshold < COINS)
    effect = effect_on_measurements(found, objects, samples=20)
    assert effect.calibration == found.calibration
    area = effect.totals["total area"]
    assert area.low <= area.high
    assert json.loads(json.dumps(effect.as_dict(), allow_nan=False))["totals"]["count"]["with_fill"] >= 1


def test_split_merged_and_new_objects_are_told(spread: Spread) -> None:
    calls = iter(range(100))

    def unsteady(image: np.ndarray) -> np.ndarray:
        call, labels = next(calls), np.zeros(image.shape, int)
        labels[38:48, 20:40], labels[38:48, 50:70] = 1, 2
        if call == 1:
            labels[38:48, 40:50] = labels[38:48, 50:70] = 1
        if call == 2:
            labels[38:48, 28:31] = 0
            labels[38:48, 31:40] = 3
        if call == 3:
            labels[38:48, 20:40] = 0
            labels[80:90, 80:90] = 4
        return labels

    effect = effect_on_measurements(spread, unsteady)
    first, second = effect.objects
    assert first.fates == {"matched": 9, "split": 1, "merged": 1, "lost": 1}
    assert second.fates == {"matched": 11, "split": 0, "merged": 1, "lost": 0}
    assert effect.new == 1
    assert (effect.totals["count"].lowest, effect.totals["count"].highest) == (1, 3)
    said = conclusion(effect)
    assert "2 objects near the damage are split, merged or lost in some of the repairs." in said
    assert "Up to 1 object more appear in some of them." in said


def test_the_conclusion_the_table_and_the_rows_say_the_same(spread: Spread) -> None:
    effect = effect_on_measurements(calibrated(spread), above(120), samples=20)
    area = effect.totals["total area"]
    said = conclusion(effect)
    assert said.startswith(
        f"Of {effect.totals['count'].with_fill:.0f} objects {effect.touched} touch reconstructed pixels; the total "
        f"area is {area.with_fill:,.0f} px² ({area.low:,.0f}–{area.high:,.0f} across the repair's uncertainty, 90 %); "
        f"of known pixels alone it is {area.without_pixels:,.0f} px²"
    )
    text = markdown(effect)
    assert said in text
    assert f"| total area | {area.without_pixels:,.0f} |" in text
    head, *rows = csv.reader(io.StringIO(as_csv(effect)))
    assert tuple(head) == COLUMNS
    assert len(rows) == len(TOTALS) + len(QUANTITIES) * len(effect.objects)
    total = dict(zip(head, rows[1], strict=True))
    assert (total["object"], total["quantity"], total["unit"]) == ("all", "total area", "px²")
    assert float(total["with_fill"]) == area.with_fill
    assert float(total["low"]) == area.low


def test_an_image_without_objects_is_measured_too(spread: Spread) -> None:
    effect = effect_on_measurements(spread, above(255))
    assert effect.totals["count"].with_fill == 0
    assert effect.totals["mean area"].with_fill is None
    assert conclusion(effect).startswith("Of 0 objects 0 touch reconstructed pixels; the total area is 0 px²")
    assert "None touches the damage" in markdown(effect)


def test_each_repair_is_a_step(spread: Spread) -> None:
    steps = list(effect_steps(calibrated(spread), above(120), samples=2))
    assert [step.done for step in steps] == list(range(15))
    assert steps[0].what == "Measuring the variants"
    assert steps[12].what == "Measuring sampled repairs"


def test_a_user_s_function_is_found_in_the_working_folder(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_objects.py").write_text("def bright(image):\n    return image > 120\n\nnumber = 3\n")
    assert np.array_equal(labels_of(by_name("my_objects:bright"), COINS) > 0, COINS > 120)
    for name, said in (
        ("my_objects", "give module:function"),
        ("my_objects:dark", "has no function 'dark'"),
        ("my_objects:number", "has no function 'number'"),
        ("nowhere_at_all:f", "can't be imported"),
    ):
        with pytest.raises(ValueError, match=said):
            by_name(name)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (np.zeros((3, 3), int), "gave int64 of shape"),
        (np.zeros(COINS.shape, float), "gave float64 of shape"),
        (np.full(COINS.shape, -1), "gave negative labels"),
    ],
)
def test_what_are_no_labels_is_one_sentence(spread: Spread, found: np.ndarray, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        effect_on_measurements(spread, lambda image: found)


def test_wrong_numbers_are_one_sentence(spread: Spread) -> None:
    with pytest.raises(ValueError, match=r"^The pixel size is 0"):
        effect_on_measurements(spread, above(120), pixel_size=0)
    with pytest.raises(ValueError, match=r"^1 samples were asked for"):
        effect_on_measurements(spread, above(120), samples=1)
    with pytest.raises(ValueError, match=r"^The known pixels have one value"):
        above_otsu(np.full((5, 5), 3), np.zeros((5, 5), bool))

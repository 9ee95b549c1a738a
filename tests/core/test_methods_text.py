"""Methods text: numbers of the records, whoever is to be cited, and that nothing of it is measured."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from napari_edgeconnect import EdgeConnect, EdgeSource, Settings
from napari_edgeconnect.core.citations import OF_METHOD
from napari_edgeconnect.core.classical import inpaint
from napari_edgeconnect.core.methods_text import FORMATS, METHOD_NAMES, methods_paragraph, methods_text
from napari_edgeconnect.core.record import digests_of_input, origin, with_self_test, with_uncertainty
from napari_edgeconnect.core.settings import CLASSICAL_METHODS
from napari_edgeconnect.selftest.run import self_test

Pair = tuple[np.ndarray, np.ndarray]
HONEST = "are reconstructed, not measured"


@pytest.fixture(scope="module")
def record(model: EdgeConnect) -> dict[str, Any]:
    return dict(model.inpaint(*crop(), return_record=True, grow_px=1).record)


def crop() -> Pair:
    from skimage import data

    image = data.camera()[60:156, 170:282].copy()
    mask = np.zeros(image.shape, bool)
    mask[30:54, 40:70] = True
    mask[80, 5] = True
    return image, mask


def test_a_repair_is_described_by_its_own_numbers(model: EdgeConnect, record: dict[str, Any]) -> None:
    said = methods_paragraph(record)
    assert said.startswith(f"{record['hole_px']} pixels in 2 damaged regions ({100 * record['hole_fraction']:.1f} % of")
    assert f"EdgeConnect (Nazeri et al., 2019) as implemented in napari-edgeconnect {record['version']}" in said
    edge, completion = (model.info.sha256[net][:8] for net in ("edge", "inpaint"))
    assert f"“{model.info.name}” (SHA-256 of its weights: edge {edge}…, inpaint {completion}…)" in said
    assert "none was drawn or erased by hand" in said
    assert "No noise was added." in said
    assert "was not estimated" in said
    assert HONEST in said
    assert said.endswith("must not be measured.")


def test_hand_work_noise_and_unused_edges_are_told(model: EdgeConnect) -> None:
    image, mask = crop()
    edges = model.hallucinate_edges(image, mask, sigma=None)
    labels = edges.labels.copy()
    labels[40, 45:57] = EdgeSource.DRAWN
    repair = model.complete(image, mask, edges.edited(labels), sigma=None, match_noise=True, seed=3, return_record=True)
    said = methods_paragraph(repair.record)
    counts = repair.record["edges"]
    assert counts["drawn_px"] == 12
    assert f"corrected by hand: 12 edge pixels drawn and {counts['erased_px']} edge pixels erased" in said
    assert "No known edges were used" in said
    assert "Random noise was added to the filled pixels; its strength and" in said


@pytest.mark.parametrize("method", CLASSICAL_METHODS)
def test_classical_methods_are_named_and_cited(method: str) -> None:
    repair = inpaint(*crop(), method, return_record=True)
    said = methods_paragraph(repair.record)
    assert METHOD_NAMES[method] in said
    assert HONEST in said
    assert "edge pixel" not in said
    assert "model" not in said
    if method == "mean":
        assert method not in OF_METHOD
    else:
        assert f"({OF_METHOD[method].short})" in said
        assert OF_METHOD[method].key in methods_text([repair.record], "bibtex")
    if repair.record["package"]["name"] != "napari-edgeconnect":
        assert f"by {repair.record['package']['name']} {repair.record['package']['version']}" in said


def test_a_self_test_s_error_is_that_of_the_method_used(record: dict[str, Any], model: EdgeConnect) -> None:
    image, mask = crop()
    test = self_test(image, mask, model, Settings(grow_px=1), methods=["edgeconnect", "biharmonic"], trials=2)
    rms = np.sqrt(np.mean([trial.figures["edgeconnect"]["rms"] ** 2 for trial in test.trials]))
    said = methods_paragraph(with_self_test(record, test.record))
    assert f"±{rms:.3g} grey values (root mean square)" in said
    assert "On 2 copies of the damage in intact parts of the same image" in said
    assert "was not estimated" not in said
    assert ("advised another method" in said) == (test.advice.method != "edgeconnect")
    without = with_self_test(record, self_test(image, mask, None, methods=["biharmonic"], trials=1).record)
    assert "A self-test on one copy of the damage did not try this method." in methods_paragraph(without)
    assert test.advice.sentences[0] in methods_paragraph(test.record)


def test_a_fill_without_edges_has_the_error_of_such_fills(record: dict[str, Any], model: EdgeConnect) -> None:
    image, mask = crop()
    methods = ["edgeconnect", "edgeconnect-no-edges"]
    test = self_test(image, mask, model, Settings(grow_px=1), methods=methods, trials=2)
    rms = {name: np.sqrt(np.mean([trial.figures[name]["rms"] ** 2 for trial in test.trials])) for name in methods}
    assert f"{rms['edgeconnect']:.3g}" != f"{rms['edgeconnect-no-edges']:.3g}"
    for alternative, name in (({}, "edgeconnect"), ({"alternative": "no edges"}, "edgeconnect-no-edges")):
        said = methods_paragraph(with_self_test({**record, **alternative}, test.record))
        assert f"±{rms[name]:.3g} grey values" in said
        assert ("advised another method" in said) == (test.advice.method != name)


def test_a_self_test_of_another_image_is_refused(record: dict[str, Any]) -> None:
    image, mask = crop()
    other = self_test(image[::-1], mask, None, methods=["biharmonic"], trials=1).record
    with pytest.raises(ValueError, match=r"made on another image: run selftest on the one that is repaired\.$"):
        with_self_test(record, other)
    other = self_test(image, np.roll(mask, 1), None, methods=["biharmonic"], trials=1).record
    with pytest.raises(ValueError, match="made on another mask"):
        with_self_test(record, other)
    with pytest.raises(ValueError, match="kind 'repair' is no self-test"):
        with_self_test(record, record)
    with pytest.raises(ValueError, match="not with a record of 'self_test'"):
        with_self_test(other, other)


def test_an_interval_is_told(record: dict[str, Any]) -> None:
    calibration = {"factor": 2.0, "floor": 1.0, "level": 0.9, "trials": 6, "pixels": 900}
    pixels = digests_of_input(*crop())
    interval = {**origin("uncertainty"), "calibration": calibration, "mean_half_width": 12.34, "pixels": pixels}
    said = methods_paragraph(with_uncertainty(record, interval))
    assert "within ±12.3 grey values of the reconstruction on average (90 % interval, calibrated on 6 copies" in said
    with pytest.raises(ValueError, match="The record of an uncertainty was made on another image"):
        with_uncertainty(record, {**interval, "pixels": digests_of_input(crop()[0][::-1], crop()[1])})


def stack_record(record: dict[str, Any], planes: int = 2, of: int = 5) -> dict[str, Any]:
    return {
        **{name: record[name] for name in ("method", "model", "settings", "version", "software")},
        "kind": "stack",
        "stack": {"axes": "TCYX", "shape": [of, 2, 96, 112]},
        "planes": [record] * planes,
        "hole_px": planes * record["hole_px"],
        "holes": planes * record["holes"],
        "hole_fraction": 0.01,
    }


def test_a_stack_says_how_many_of_its_planes(record: dict[str, Any]) -> None:
    said = methods_paragraph(stack_record(record))
    assert f"{2 * record['hole_px']:,} pixels in 4 damaged regions (1.0 % of the stack; 2 of 10 planes)" in said
    assert HONEST in said


def test_records_made_alike_share_a_paragraph(record: dict[str, Any]) -> None:
    classical = inpaint(*crop(), "biharmonic", return_record=True).record
    more = {**record, "hole_fraction": 0.25}
    text = methods_text([record, classical, more])
    first, second, title, *references = text.split("\n\n")
    assert f"{2 * record['hole_px']:,} pixels in 4 damaged regions" in first
    assert f"({100 * record['hole_fraction']:.1f} to 25.0 % of an image; 2 images)" in first
    assert "biharmonic inpainting (Damelin and Hoang, 2018)" in second
    assert title == "References"
    assert len(references) == 3
    assert "10.1155/2018/3950312" in text
    assert "arXiv:1901.00212" in text


def test_what_was_not_repaired_is_not_called_reconstructed(model: EdgeConnect) -> None:
    image, mask = crop()
    empty = model.inpaint(image, np.zeros_like(mask), return_record=True).record
    assert methods_paragraph(empty) == "Nothing was repaired: the mask was empty."
    edges = model.record_of(model.hallucinate_edges(image, mask), Settings())
    assert methods_paragraph(edges).endswith("Nothing was filled in: all pixels of the image are as they were.")


@pytest.mark.parametrize("record_", [{"unfinished": True}, {**origin("unfinished"), "unfinished": True}])
def test_an_unfinished_record_says_that_it_is(record: dict[str, Any], record_: dict[str, Any]) -> None:
    assert "it does not describe the final pixels" in methods_paragraph(record_)
    assert methods_paragraph({**record, "unfinished": True}) == methods_paragraph(record_)


def test_formats(record: dict[str, Any]) -> None:
    text, markdown, bibtex = (methods_text([record], form) for form in FORMATS)
    assert text.split("\n\n")[0] == markdown.split("\n\n")[0] == methods_paragraph(record)
    assert "- Nazeri, Kamyar; Ng, Eric" in markdown
    assert bibtex.startswith("@inproceedings{nazeri2019edgeconnect,\n  author = {Nazeri, Kamyar and ")
    assert bibtex.count("{") == bibtex.count("}")
    assert "@software{napariedgeconnect," in bibtex
    json.dumps(text)
    with pytest.raises(ValueError, match="There is no format 'word'"):
        methods_text([record], "word")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="There are no records"):
        methods_text([])

"""Means, intervals and tables of outcomes that were written by hand."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from napari_edgeconnect.evaluation.run import Outcome
from napari_edgeconnect.evaluation.summary import ALL, summarise
from napari_edgeconnect.evaluation.table import figures_csv, markdown, summary_csv

RECORD = {
    "cases": 4, "size": 64, "images": ["a.png"], "seed": 0, "masks": "drawn", "model": None,
    "settings": {"threshold": 0.3, "match_noise": False},
}  # fmt: skip


def outcome(modality: str, number: int, psnr: float, noise: float | None = 1.0, *, features: bool = False) -> Outcome:
    """EdgeConnect ``psnr`` dB in the hole, biharmonic 30 dB."""
    case = {"modality": modality, "bin": "thin", "number": number, "noise_level_of_truth": 1.0}
    figures = {
        "edgeconnect": {"psnr_db_hole": psnr, "noise_level": noise},
        "biharmonic": {"psnr_db_hole": 30.0, "noise_level": 0.5},
    }
    rng = np.random.default_rng(number)
    vectors = {name: rng.normal(size=(2, 40)).tolist() for name in figures}
    vectors["truth"] = vectors["biharmonic"]
    return Outcome(case, figures, {"edge_recall_at_0.5": 0.25}, vectors if features else {})


OUTCOMES = [outcome("em", 0, 30.0), outcome("em", 1, 34.0, None), outcome("photo", 0, 29.0), outcome("photo", 1, 29.0)]


def mean(means, modality, method, figure, bin_="thin"):
    (found,) = [m for m in means if (m.modality, m.bin, m.method, m.figure) == (modality, bin_, method, figure)]
    return found


def test_means_are_by_cell_and_over_all() -> None:
    means = summarise(OUTCOMES)
    assert mean(means, "em", "edgeconnect", "psnr_db_hole").mean == pytest.approx(32)
    assert mean(means, "photo", "edgeconnect", "psnr_db_hole").mean == pytest.approx(29)
    everywhere = mean(means, ALL, "edgeconnect", "psnr_db_hole", ALL)
    assert (everywhere.n, everywhere.mean) == (4, pytest.approx(30.5))
    assert mean(means, "em", "truth", "noise_level").mean == 1


def test_a_figure_that_says_nothing_is_left_out_of_the_mean() -> None:
    noise = mean(summarise(OUTCOMES), "em", "edgeconnect", "noise_level")
    assert (noise.n, noise.mean, noise.low) == (1, 1.0, None)


def test_intervals_hold_the_mean_and_come_again() -> None:
    values = np.random.default_rng(3).normal(30, 2, size=100)
    means = summarise([outcome("em", number, value) for number, value in enumerate(values)])
    found = mean(means, "em", "edgeconnect", "psnr_db_hole")
    half = 1.96 * values.std(ddof=1) / 10
    assert found.low == pytest.approx(values.mean() - half, abs=0.1)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1)
    assert means == summarise([outcome("em", number, value) for number, value in enumerate(values)])
    assert mean(means, "em", "biharmonic", "psnr_db_hole").low == 30


def test_differences_are_paired() -> None:
    values = np.linspace(20, 40, 10)
    cases = [outcome("em", number, value) for number, value in enumerate(values)]
    for case in cases:
        case.figures["edgeconnect-no-edges"] = {"psnr_db_hole": case.figures["edgeconnect"]["psnr_db_hole"] - 0.5}
    found = mean(summarise(cases), "em", "edgeconnect - edgeconnect-no-edges", "psnr_db_hole")
    assert (found.mean, found.low, found.high) == tuple(pytest.approx(0.5) for _ in range(3))


def test_frechet_distance_needs_more_images_than_channels() -> None:
    few, enough = ([outcome("em", n, 30.0, features=True) for n in range(count)] for count in (40, 41))
    assert not [m for m in summarise(few) if m.figure.startswith("frechet")]
    means = summarise(enough)
    assert mean(means, "em", "biharmonic", "frechet_hole").mean == pytest.approx(0, abs=1e-9)
    assert mean(means, "em", "edgeconnect", "frechet_hole").mean > 1


def test_tables_show_each_cell_and_where_a_classical_method_is_better() -> None:
    text = markdown(summarise(OUTCOMES), RECORD)
    assert "| em | thin | 32.00 [30.00, 34.00] | 30.00 [30.00, 30.00] |" in text
    assert "1 of 2 by PSNR (dB), hole." in text
    assert "| photo | thin | **biharmonic, 1.00** |" in text
    assert "| em | thin | biharmonic" not in text
    assert "| edgeconnect - biharmonic | thin | 0.50 [" in text
    assert "| thin |  |  |  |  |  | 0.250 [0.250, 0.250] |  |  |" in text  # recall at 0.5; the others have no values


def test_a_lead_that_may_be_chance_is_not_bold() -> None:
    cases = [outcome("em", number, psnr) for number, psnr in enumerate((20.0, 34.0, 35.0))]
    assert "| em | thin | biharmonic, 0.33 |" in markdown(summarise(cases), RECORD)


def test_a_table_without_edgeconnect_recommends_nothing() -> None:
    cases = [outcome("em", 0, 30.0), outcome("em", 1, 29.0)]
    for case in cases:
        del case.figures["edgeconnect"]
        case.edges.clear()
    assert "Which method to take" not in markdown(summarise(cases), RECORD)


def test_csv_files_hold_every_case_and_every_mean() -> None:
    rows = list(csv.DictReader(io.StringIO(figures_csv(OUTCOMES))))
    assert len(rows) == 8
    assert rows[0]["edge_recall_at_0.5"] == "0.25"
    assert rows[1]["edge_recall_at_0.5"] == ""  # hallucinated edges belong to EdgeConnect
    assert rows[2]["noise_level"] == ""
    means = summarise(OUTCOMES)
    again = list(csv.DictReader(io.StringIO(summary_csv(means))))
    assert [float(row["mean"]) for row in again] == [m.mean for m in means]

"""``edges`` and ``complete``: the two stages as files that can be edited between them."""

import numpy as np

from napari_edgeconnect import EdgeConnect, list_models

from .conftest import SIDE, camera, pixels, record, saved, scratch, sha256_of, succeed


def test_edges_then_complete_equals_inpaint(pair):
    image, mask = pair
    succeed("inpaint", image, "-m", mask, "-o", "both.png", "--save-edges", "e.png", "--save-probability", "p.tif")
    succeed("edges", image, "-m", mask, "-o", "edges.png", "--save-probability", "probability.npy")
    np.testing.assert_array_equal(pixels("edges.png"), pixels("e.png"))
    np.testing.assert_array_equal(pixels("probability.npy"), pixels("p.tif"))
    for name, edges in {
        "labels.png": ["--edges", "edges.png", "--probability", "probability.npy"],
        "soft.png": ["--edges", "p.tif"],
    }.items():
        succeed("complete", image, "-m", mask, *edges, "-o", name)
        np.testing.assert_array_equal(pixels(name), pixels("both.png"))
        succeed("inpaint", image, "-m", mask, *edges, "-o", f"inpaint_{name}")
        np.testing.assert_array_equal(pixels(f"inpaint_{name}"), pixels("both.png"))


def test_what_edges_writes_are_labels_of_the_sources_with_a_record(pair):
    succeed("edges", pair[0], "-m", pair[1], "-o", "edges.tif", "--threshold", 0.1, "--save-probability", "p.npy")
    expected = EdgeConnect.load().hallucinate_edges(camera(), scratch(), grow_px=2, threshold=0.1)
    np.testing.assert_array_equal(pixels("edges.tif"), expected.labels)
    np.testing.assert_array_equal(pixels("p.npy"), expected.probability)
    assert set(np.unique(expected.labels)) == {0, 1, 2}
    written = record("edges.json")
    assert written["command"] == "edges"
    assert written["edges"]["proposed_px"] == np.count_nonzero(expected.labels == 2) > 0
    assert written["model"]["licence"] == list_models()[0].licence
    assert written["inputs"]["image"]["sha256"] == sha256_of(pair[0])


def test_a_drawn_line_changes_the_completion_inside_the_hole_only(pair):
    image, mask = pair
    drawing = np.zeros((SIDE, SIDE), np.uint8)
    saved("nothing.png", drawing)
    drawing[44, 10:80] = 255
    saved("line.png", drawing)
    for name in ("nothing", "line"):
        result = succeed("complete", image, "-m", mask, "-e", f"{name}.png", "-o", f"out_{name}.png")
    assert "line.png is read as a drawing of the edges inside the hole" in result.stderr
    changed = pixels("out_nothing.png") != pixels("out_line.png")
    assert changed[44, 10:80].mean() > 0.3
    assert not changed[pixels("out_line_altered.png") == 0].any()
    assert record("out_line.json")["edges"]["drawn_px"] >= 70
    assert record("out_line.json")["inputs"]["edges"]["sha256"] == sha256_of("line.png")


def test_an_erased_proposal_is_honoured_when_its_probability_comes_along(pair):
    image, mask = pair
    succeed("edges", image, "-m", mask, "-o", "edges.png", "--save-probability", "p.npy", "--threshold", 0.1)
    labels = pixels("edges.png").copy()
    labels[labels == 2] = 0
    saved("erased.png", labels)
    given = ["--probability", "p.npy", "--threshold", 0.1]
    succeed("complete", image, "-m", mask, "-e", "erased.png", *given, "-o", "erased_out.png")
    succeed("complete", image, "-m", mask, "-e", "edges.png", *given, "-o", "out.png")
    assert record("erased_out.json")["edges"]["erased_px"] > 0
    assert (pixels("erased_out.png") != pixels("out.png")).any()


def test_labels_without_their_probabilities_are_hard_and_a_note_says_so(pair):
    succeed("edges", pair[0], "-m", pair[1], "-o", "edges.png", "--threshold", 0.1)
    result = succeed("complete", pair[0], "-m", pair[1], "-e", "edges.png", "-o", "out.png")
    assert "without --probability the proposed edges count as if they were drawn" in result.stderr

"""``inpaint``, from files to files, on the bundled model."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage import data

from napari_edgeconnect import EdgeConnect, list_models

from .conftest import SIDE, camera, contents, fail, pixels, record, saved, scratch, sha256_of, succeed


def test_a_16_bit_tiff_is_repaired_with_its_tags_its_record_and_the_mask_of_altered_pixels():
    image = camera(np.uint16)
    options = {
        "resolution": (12345, 6789),
        "resolutionunit": "CENTIMETER",
        "description": "detector 3",
        "metadata": None,
    }
    tifffile.imwrite("image.tif", image, compression="zlib", **options)
    saved("mask.tif", scratch())
    result = succeed("inpaint", "image.tif", "--mask", "mask.tif", "-o", "repaired.tif")
    assert result.stdout.split() == ["repaired.tif", "repaired.json", "repaired_altered.png"]
    assert set(contents()) == {"image.tif", "mask.tif", "repaired.tif", "repaired.json", "repaired_altered.png"}

    repaired, altered = pixels("repaired.tif"), pixels("repaired_altered.png")
    expected = EdgeConnect.load().inpaint(image, scratch(), grow_px=2, return_record=True)
    np.testing.assert_array_equal(repaired, expected.image)
    np.testing.assert_array_equal(altered, expected.altered * np.uint8(255))
    assert repaired.dtype == np.uint16
    known = altered == 0
    np.testing.assert_array_equal(repaired[known], image[known])
    assert (altered[scratch()] == 255).all()
    assert np.count_nonzero(altered) > np.count_nonzero(scratch())  # grown by 2 px
    assert (repaired[~known] != image[~known]).any()

    with tifffile.TiffFile("image.tif") as one, tifffile.TiffFile("repaired.tif") as two:
        for code in (282, 283, 296, 270, 259):
            assert one.pages[0].tags[code].value == two.pages[0].tags[code].value

    written = record("repaired.json")
    assert written["command"] == "inpaint"
    assert written["inputs"]["image"] == {"file": "image.tif", "sha256": sha256_of("image.tif")}
    assert written["inputs"]["mask"] == {"file": "mask.tif", "sha256": sha256_of("mask.tif")}
    assert written["outputs"] == {
        "output": "repaired.tif",
        "record": "repaired.json",
        "altered": "repaired_altered.png",
    }
    assert written["settings"]["grow_px"] == 2
    assert written["hole_px"] == np.count_nonzero(altered)
    assert written["model"] == expected.record["model"]
    assert written["edges"] == expected.record["edges"]


def test_the_options_reach_the_model(pair):
    model = ["--model", list_models()[0].name, "--device", "cpu"]
    edges = ["--sigma", 1.5, "--threshold", 0.2, "--no-merge-known-edges"]
    succeed("inpaint", *pair[:1], "-m", pair[1], "-o", "out.png", *model, *edges, "--grow-px", 0, "--rim-correction")
    settings = {
        "sigma": 1.5,
        "threshold": 0.2,
        "merge_known_edges": False,
        "grow_px": 0,
        "rim_correction": True,
    }
    expected = EdgeConnect.load(device="cpu").inpaint(camera(), scratch(), **settings)
    np.testing.assert_array_equal(pixels("out.png"), expected)
    assert settings.items() <= record("out.json")["settings"].items()


def test_without_known_edges_the_networks_see_none(pair):
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--no-known-edges", "--save-edges", "edges.png")
    assert record("out.json")["settings"]["sigma"] is None
    assert not (pixels("edges.png") == 1).any()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_colours_and_alpha_go_through(suffix):
    image = np.dstack([data.astronaut()[:SIDE, 150 : 150 + SIDE], camera()])
    saved(f"image{suffix}", image)
    saved("mask.png", scratch())
    succeed("inpaint", f"image{suffix}", "-m", "mask.png", "-o", f"out{suffix}")
    out = pixels(f"out{suffix}")
    np.testing.assert_array_equal(out[..., 3], camera())
    np.testing.assert_array_equal(out, EdgeConnect.load().inpaint(image, scratch(), grow_px=2))


def test_a_jpeg_is_repaired_into_a_lossless_file():
    Image.fromarray(camera()).save("image.jpg")
    saved("mask.png", scratch())
    succeed("inpaint", "image.jpg", "-m", "mask.png", "-o", "out.png")
    known = pixels("out_altered.png") == 0
    np.testing.assert_array_equal(pixels("out.png")[known], np.asarray(Image.open("image.jpg"))[known])
    message = fail("inpaint", "image.jpg", "-m", "mask.png", "-o", "other.jpg")
    assert "JPEG compression would change pixels outside the hole" in message


def test_nan_pixels_are_repaired_and_said_to_be_altered():
    image = camera(np.float32)
    image[5, 5] = np.nan
    saved("image.tif", image)
    saved("mask.png", scratch())
    succeed("inpaint", "image.tif", "-m", "mask.png", "-o", "out.tif")
    assert np.isfinite(pixels("out.tif")).all()
    assert pixels("out_altered.png")[5, 5] == 255


def test_model_licence_and_device_are_said_when_a_repair_starts(pair):
    info = list_models()[0]
    result = succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--device", "cpu")
    assert f"Model {info.name} (licence: {info.licence}) on cpu." in result.stderr.splitlines()


def test_an_empty_mask_gives_the_input_and_a_note(pair):
    saved("empty.png", np.zeros((SIDE, SIDE), np.uint8))
    result = succeed("inpaint", pair[0], "-m", "empty.png", "-o", "out.png")
    np.testing.assert_array_equal(pixels("out.png"), camera())
    assert "Note: The mask is empty" in result.stderr


def test_a_soft_mask_is_cut_and_a_note_says_so(pair):
    soft = scratch() * np.uint8(255)
    soft[39, 10:80], soft[48, 10:80] = 100, 140
    saved("soft.png", soft)
    result = succeed("inpaint", pair[0], "-m", "soft.png", "-o", "out.png", "--grow-px", 0)
    np.testing.assert_array_equal(pixels("out_altered.png") == 255, soft > 127)
    assert "Note: soft.png is a soft mask" in result.stderr


def test_noise_is_matched_from_a_seed_where_it_is_asked_for(pair):
    succeed("inpaint", pair[0], "--mask", pair[1], "-o", "plain.png")
    succeed("inpaint", pair[0], "--mask", pair[1], "-o", "noisy.png", "--match-noise", "--seed", 3)
    expected = EdgeConnect.load().inpaint(camera(), scratch(), grow_px=2, match_noise=True, seed=3)
    np.testing.assert_array_equal(pixels("noisy.png"), expected)
    assert record("noisy.json")["seed"] == 3
    assert record("plain.json")["seed"] is None


def test_what_speaks_against_a_repair_is_said_beside_it():
    saved("noise.npy", np.random.default_rng(0).normal(100, 20, scratch().shape))
    saved("mask.png", scratch() * np.uint8(255))
    result = succeed("inpaint", "noise.npy", "-m", "mask.png", "-o", "out.npy")
    assert "Note: Around the damage the image shows nothing above its noise" in " ".join(result.stderr.split())
    classical = succeed("inpaint", "noise.npy", "-m", "mask.png", "-o", "other.npy", "--method", "mean")
    assert "above its noise" not in classical.stderr

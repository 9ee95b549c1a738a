"""The advice follows from the figures, for and against EdgeConnect."""

from __future__ import annotations

import numpy as np
import pytest

from napari_edgeconnect.selftest.advice import Interval, advise, digits, interval


def trial(**psnr: float) -> dict[str, dict[str, float | None]]:
    return {
        name.replace("_", "-"): {"psnr_db": value, "ssim": value / 100, "rms": 100 / value, "error_90": 160 / value}
        for name, value in psnr.items()
    }


def test_a_classical_method_that_wins_is_advised() -> None:
    trials = [trial(edgeconnect=20 + n, telea=23 + n + n % 2, mean=10) for n in range(6)]
    advice = advise(trials, contrast=50, noise=1)
    assert (advice.method, advice.ahead_of, advice.sure, advice.good_enough) == ("telea", "edgeconnect", True, True)
    assert advice.ahead_db is not None
    assert advice.ahead_db.mean == 3.5
    assert advice.sentences[0] == "Take Telea: 3.5 dB ahead of EdgeConnect, the next best, on 6 copies of the damage."


def test_a_lead_that_comes_and_goes_is_not_sure() -> None:
    trials = [trial(edgeconnect=25 + gain, telea=25) for gain in (3, -2, 2, -1.5, 1.5)]
    advice = advise(trials, contrast=50, noise=1)
    assert (advice.method, advice.sure) == ("edgeconnect", False)
    assert advice.sentences[0] == (
        "Take EdgeConnect; Telea, 0.6 dB behind on 5 copies of the damage, may be as good."
    )  # fmt: skip


def test_edgeconnect_is_taken_unless_another_leads_by_more_than_a_standard_error() -> None:
    doubtful = [trial(edgeconnect=25, telea=25 + gain) for gain in (2, -2, 2.5, -1.5)]  # 0.25 +- 1.16
    advice = advise(doubtful, contrast=50, noise=1)
    assert advice.method == "edgeconnect"
    assert "Telea, 0.2 dB ahead on 4 copies" in advice.sentences[0]
    assert advise([trial(edgeconnect=25, telea=25 + g) for g in (2, -1, 2.5, 2)], 50, 1).method == "telea"
    assert advise([trial(edgeconnect=25, telea=25.9)], 50, 1).method == "edgeconnect"
    assert advise([trial(edgeconnect=25, telea=26.1)], 50, 1).method == "telea"


def test_without_edgeconnect_the_best_mean_decides() -> None:
    assert advise([trial(telea=25, biharmonic=24), trial(telea=20, biharmonic=22)], 50, 1).method == "biharmonic"


def test_the_floor_is_never_advised() -> None:
    assert advise([trial(telea=12, mean=20)] * 2, contrast=5, noise=1).method == "telea"


def test_errors_are_those_of_the_advised_method_in_the_images_units() -> None:
    advice = advise([trial(telea=20), trial(telea=25)], contrast=50, noise=1)
    assert advice.rms == pytest.approx(np.sqrt((5**2 + 4**2) / 2))
    assert advice.error_90 == pytest.approx((8 + 6.4) / 2)
    assert advice.sentences[1].startswith("Errors of ±4.53 grey values are to be expected (root mean square); nine of")


@pytest.mark.parametrize(("contrast", "noise", "good"), [(10, 0, True), (5, 0, False), (5, 4, True)])
def test_no_method_is_good_enough_where_it_explains_little_and_noise_is_no_excuse(
    contrast: float, noise: float, good: bool
) -> None:
    advice = advise([trial(telea=20)] * 3, contrast=contrast, noise=noise)  # off by 5
    assert advice.good_enough is good
    assert any(sentence.startswith("None of the methods is good enough") for sentence in advice.sentences) is not good


def test_an_interval_leaves_out_what_says_nothing_and_is_the_same_twice() -> None:
    found = interval([1.0, None, 2.0, 3.0])
    assert found == interval([1.0, None, 2.0, 3.0])
    assert found is not None
    assert (found.mean, found.n) == (2, 3)
    assert found.low is not None
    assert 1 <= found.low < 2
    assert interval([None]) is None
    assert interval([4.0]) == Interval(4, None, None, 1)


def test_a_lead_on_few_copies_is_not_sure() -> None:
    ahead = [trial(edgeconnect=25 + n / 10, telea=20) for n in range(5)]
    assert advise(ahead, 50, 1).sure
    assert not advise(ahead[:4], 50, 1).sure


def test_values_are_read_without_powers_of_ten() -> None:
    assert [digits(v) for v in (0, 0.01234, 4.567, 1234.5, 61000, 2e-6)] == [
        *("0", "0.0123", "4.57", "1234", "61000", "2.00e-06")
    ]

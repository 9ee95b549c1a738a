"""What a paper has to say about repairs, from their records: sentences for the methods section, and references.

Apart from ``record``, which writes records down: here they are read, newer and older ones, of one image or of many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from math import prod, sqrt
from typing import Any, Literal

from .citations import OF_METHOD, Citation, of_software
from .record import SOFTWARE

Record = Mapping[str, Any]
Format = Literal["text", "markdown", "bibtex"]
FORMATS: tuple[Format, ...] = ("text", "markdown", "bibtex")

METHOD_NAMES = {
    "edgeconnect": "EdgeConnect",
    "edgeconnect-no-edges": "EdgeConnect without edges",
    "telea": "Telea's fast marching method",
    "navier-stokes": "Navier–Stokes inpainting",
    "biharmonic": "biharmonic inpainting",
    "patchmatch": "PatchMatch",
    "mean": "the mean of each region's surroundings",
}
_REPAIRS = ("repair", "classical", "stack")
_HONESTY = (
    "The pixels in these regions are reconstructed, not measured; they show what is plausible there, not what was "
    "there, and must not be measured."
)
_UNFINISHED = (
    "This record was taken while the repair still followed its edges: it does not describe the final pixels. Let it "
    "finish, and take the record again."
)


def methods_paragraph(record: Record) -> str:
    """The sentences that belong in a paper about one repaired image or stack.

    Parameters
    ----------
    record : dict
        Of any kind.

    Returns
    -------
    paragraph : str
        Plain text with short citations; :func:`methods_text` adds the references.

    Examples
    --------
    >>> from skimage import data
    >>> import numpy as np
    >>> from napari_edgeconnect.core.classical import inpaint
    >>> mask = np.zeros((64, 64), bool)
    >>> mask[20:30, 20:40] = True
    >>> repair = inpaint(data.camera()[:64, :64], mask, return_record=True)
    >>> methods_paragraph(repair.record).split(" (")[0]
    '200 pixels in one damaged region'
    """
    return _paragraph([record])


def methods_text(records: Sequence[Record], form: Format = "text") -> str:
    """Paragraphs and references for any number of records: one paragraph for all that were made the same way.

    Parameters
    ----------
    records : sequence of dict
    form : "text", "markdown" or "bibtex"
        "bibtex" gives the references alone.

    Raises
    ------
    ValueError
        Without records, or for another format.
    """
    if form not in FORMATS:
        raise ValueError(f"There is no format {form!r}: known are {', '.join(FORMATS)}.")
    if not records:
        raise ValueError("There are no records: give at least one.")
    cited = list(citations(records))
    if form == "bibtex":
        return "\n\n".join(citation.as_bibtex() for citation in cited)
    paragraphs = [_paragraph(alike) for alike in _made_alike(records)]
    if form == "text":
        return "\n\n".join([*paragraphs, "References", *(citation.as_text() for citation in cited)])
    references = "\n".join(f"- {citation.as_text()}" for citation in cited)
    return "\n\n".join([*paragraphs, "**References**", references])


def citations(records: Iterable[Record]) -> Iterator[Citation]:
    """Whom to cite: the methods in the order of the records, and the software's versions; each once."""
    records = list(records)
    found = [OF_METHOD[method] for record in records if (method := _method(record)) in OF_METHOD]
    versions = [of_software(record["version"]) for record in records if "version" in record]
    by_text = {citation.as_text(): citation for citation in [*found, *versions]}
    yield from by_text.values()


def _method(record: Record) -> str:
    return str(record.get("method", "edgeconnect" if record.get("kind") != "self_test" else ""))


def _made_alike(records: Sequence[Record]) -> list[list[Record]]:
    """Records that one paragraph can be about: of one kind of work, method, model, version and settings."""

    def made(record: Record) -> str:
        settings = {k: v for k, v in record.get("settings", {}).items() if k not in ("seed", "contrast")}
        kind = "repair" if record.get("kind") in _REPAIRS else record.get("kind")
        model = (record.get("model") or {}).get("sha256")
        return repr((kind, _method(record), record.get("version"), model, settings, "unfinished" in record))

    groups = [list(alike) for _, alike in groupby(sorted(records, key=made), key=made)]
    return sorted(groups, key=lambda alike: list(records).index(alike[0]))


def _paragraph(records: Sequence[Record]) -> str:
    """One paragraph about records that were made alike."""
    first = records[0]
    if "unfinished" in first:
        return _UNFINISHED
    kind = first.get("kind")
    if kind == "self_test":
        return " ".join(_of_self_test(record) for record in records)
    if kind == "uncertainty":
        return " ".join([f"{_with_software(first)} was asked how sure its repair is.", *map(_of_interval, records)])
    if kind == "edges":
        return _of_edges(records)
    if kind == "measurement":
        return " ".join(_of_measurement(record) for record in records)
    if kind == "excluded":
        return _of_exclusion(records)
    sentences = [_what_was_repaired(records), *_by_hand(records), *_noise(records)]
    sentences += _expected_errors(records)
    repaired = any(_total(record, "hole_px") for record in records)
    return " ".join([*sentences, *([_HONESTY] if repaired else [])])


# ---- what was repaired, and by what


def _what_was_repaired(records: Sequence[Record]) -> str:
    pixels, holes = (sum(_total(record, name) for record in records) for name in ("hole_px", "holes"))
    if not pixels:
        return f"Nothing was repaired: the {'mask was' if len(records) == 1 else 'masks were'} empty."
    regions = "one damaged region" if holes == 1 else f"{holes:,} damaged regions"
    where = [_share(records)]
    if any("planes" in record for record in records):
        planes, of = (sum(count(record) for record in records) for count in (_repaired_planes, _all_planes))
        where.append(f"{planes:,} of {of:,} planes")
    if len(records) > 1:
        where.append(f"{len(records)} images")
    were = "was" if pixels == 1 else "were"
    return f"{_pixels(pixels)} in {regions} ({'; '.join(where)}) {were} filled in with {_with_software(records[0])}."


def _of_exclusion(records: Sequence[Record]) -> str:
    pixels = sum(_total(record, "hole_px") for record in records)
    if not pixels:
        return f"Nothing was excluded: the {'mask was' if len(records) == 1 else 'masks were'} empty."
    values = " or ".join(sorted({f"{record['value']}" for record in records}))
    were = "was" if pixels == 1 else "were"
    return (
        f"{_pixels(pixels)} ({_share(records)}) {were} marked as damaged and set to {values} with "
        f"{SOFTWARE} {records[0].get('version', '')}: nothing was filled in, and they must be left out of every "
        f"measurement."
    )


def _share(records: Sequence[Record]) -> str:
    shares = sorted(100 * float(record.get("hole_fraction", 0)) for record in records)
    low, high = _percent(shares[0]), _percent(shares[-1])
    what = "stack" if all("planes" in record for record in records) else "image"
    if len(records) == 1:
        return f"{low} % of the {what}"
    return (
        f"{low} % of each {what}" if low == high else f"{low} to {high} % of an {what}".replace("an stack", "a stack")
    )


def _with_software(record: Record) -> str:
    """The method, its citation, the software and the model."""
    method = _method(record)
    cited = f" ({OF_METHOD[method].short})" if method in OF_METHOD else ""
    version = f"{record.get('software', SOFTWARE)} {record.get('version', '')}".strip()
    name = f"{METHOD_NAMES.get(method, method)}{cited}"
    model = record.get("model")
    if method != "edgeconnect" or not model:
        package = record.get("package", {})
        by = f", by {package['name']} {package['version']}" if package.get("name", SOFTWARE) != SOFTWARE else ""
        return f"{name} as called by {version}{by}" if by else f"{name} as implemented in {version}"
    digests = model.get("sha256", {})
    weights = ", ".join(f"{net} {str(digests[net])[:8]}…" for net in ("edge", "inpaint") if net in digests)
    return f"{name} as implemented in {version}, with the model “{model['name']}” (SHA-256 of its weights: {weights})"


def _by_hand(records: Sequence[Record]) -> list[str]:
    if _method(records[0]) != "edgeconnect" or not any(_total(record, "hole_px") for record in records):
        return []
    settings = records[0].get("settings", {})
    sigma = settings.get("sigma")
    known = (
        "No known edges were used" if sigma is None else f"Known edges were found by Canny's method (σ = {sigma:g} px)"
    )
    drawn, erased = (sum(_edges_total(record, name) for record in records) for name in ("drawn_px", "erased_px"))
    if not drawn and not erased:
        inside = "those inside the regions were proposed by the network; none was drawn or erased by hand"
    else:
        inside = (
            f"those inside the regions were proposed by the network and corrected by hand: {_edge_pixels(drawn)} drawn "
            f"and {_edge_pixels(erased)} erased"
        )
    titles = {str(record["alternative"]) for record in records if "alternative" in record}
    chosen = f" The fill was chosen among several: that of “{'”, “'.join(sorted(titles))}”." if titles else ""
    return [f"{known}; {inside}.{chosen}"]


def _noise(records: Sequence[Record]) -> list[str]:
    if not any(_total(record, "hole_px") for record in records):
        return []
    settings = records[0].get("settings", {})
    if not settings.get("match_noise"):
        return ["No noise was added."]
    how = "its strength and the correlation between neighbouring pixels were estimated from the known pixels nearby"
    return [f"Random noise was added to the filled pixels; {how}."]


# ---- how far it may be off


def _expected_errors(records: Sequence[Record]) -> list[str]:
    """What self-tests and intervals say; that there are none is said, too."""
    if not any(_total(record, "hole_px") for record in records):
        return []
    planes = [plane for record in records for plane in record.get("planes", [record])]
    tested = [(plane, plane["self_test"]) for plane in planes if "self_test" in plane]
    intervals = [_of_interval(plane["uncertainty"]) for plane in planes if "uncertainty" in plane]
    if not tested:
        return intervals or ["The error of the reconstruction was not estimated."]
    sentences = [_tested_error(plane, test) for plane, test in tested]
    if len(tested) < len(planes):
        others = len(planes) - len(tested)
        sentences.append(f"For {others} other{'s' if others > 1 else ''} the error was not estimated.")
    return [*sentences, *intervals]


def _tested_error(record: Record, test: Record) -> str:
    """The error of the record's own method on the copies, whichever method the test advises."""
    # As the self-test calls it; what was tried with edges is another fill.
    method = "edgeconnect-no-edges" if record.get("alternative") == "no edges" else _method(record)
    trials = test["trials"]
    found = [trial["figures"][method] for trial in trials if method in trial["figures"]]
    copies = _copies(len(trials))
    if not found:
        return f"A self-test on {copies} of the damage did not try this method."
    rms = sqrt(sum(float(figures["rms"]) ** 2 for figures in found) / len(found))
    error_90 = sum(float(figures["error_90"]) for figures in found) / len(found)
    without = (
        ", without corrections by hand" if _edges_total(record, "drawn_px") + _edges_total(record, "erased_px") else ""
    )
    said = (
        f"On {copies} of the damage in intact parts of the same image the same method{without} had errors of "
        f"±{_digits(rms)} grey values (root mean square); nine of ten pixels stayed within ±{_digits(error_90)}."
    )
    advised = test["advice"]["method"]
    if advised != method:
        said += f" This test advised another method: {METHOD_NAMES.get(advised, advised)}."
    if not test["advice"]["good_enough"]:
        said += " It found no method good enough to be measured on."
    return said


def _of_measurement(record: Record) -> str:
    return (
        f"Objects ({record['segmentation']}) were measured without the damage, with its repair by "
        f"{_with_software(record)}, and across that repair's uncertainty. {record['conclusion']}"
    )


def _of_self_test(record: Record) -> str:
    return f"A self-test by {SOFTWARE} {record.get('version', '')} repaired copies of the damage: " + " ".join(
        record["advice"]["sentences"]
    )


def _of_interval(record: Record) -> str:
    calibration = record["calibration"]
    return (
        f"The truth is expected within ±{_digits(record['mean_half_width'])} grey values of the reconstruction on "
        f"average ({100 * calibration['level']:g} % interval, calibrated on {_copies(calibration['trials'])} of the "
        f"damage)."
    )


def _of_edges(records: Sequence[Record]) -> str:
    proposed = sum(_edges_total(record, "proposed_px") for record in records)
    return (
        f"Inside the damaged regions {_edge_pixels(proposed)} were proposed with {_with_software(records[0])}. "
        f"Nothing was filled in: all pixels of the image are as they were."
    )


# ---- numbers


def _total(record: Record, name: str) -> int:
    """A count of a repair: of a stack the sum over its planes where it has none of its own."""
    if name in record:
        return int(record[name])
    return sum(_total(plane, name) for plane in record.get("planes", ()))


def _edges_total(record: Record, name: str) -> int:
    return sum(int(one["edges"][name]) for one in record.get("planes", [record]) if "edges" in one)


def _repaired_planes(record: Record) -> int:
    return len(record.get("planes", [record]))


def _all_planes(record: Record) -> int:
    if "planes" not in record:
        return 1
    stack = record["stack"]
    return prod(size for name, size in zip(stack["axes"], stack["shape"], strict=True) if name not in "YXS")


def _pixels(count: int) -> str:
    return "One pixel" if count == 1 else f"{count:,} pixels"


def _edge_pixels(count: int) -> str:
    return "one edge pixel" if count == 1 else f"{count:,} edge pixels"


def _copies(count: int) -> str:
    return "one copy" if count == 1 else f"{count} copies"


def _percent(value: float) -> str:
    return f"{value:.1f}" if value >= 0.1 else f"{value:.2g}"


def _digits(value: float) -> str:
    """Three digits, without powers of ten where people do without."""
    if value >= 1000:
        return f"{value:.0f}"
    return f"{value:.3g}" if value == 0 or value >= 1e-4 else f"{value:.2e}"

"""The effect on a measurement as sentences, as Markdown and as rows of a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from .effect import Effect, ObjectEffect, Value
from .objects import FATES, QUANTITIES, TOTALS

COLUMNS = (
    *("object", "touched_px", "quantity", "unit", "without_pixels", "without_objects", "with_fill"),
    *("low", "high", "lowest", "highest", *FATES),
)


def conclusion(effect: Effect) -> str:
    """What was found, in plain sentences."""
    count, area = effect.totals["count"], effect.totals["total area"]
    number = int(count.with_fill or 0)
    touch = "touches" if effect.touched == 1 else "touch"
    square = f"{effect.unit}²"
    first = (
        f"Of {number} object{'' if number == 1 else 's'} {effect.touched} {touch} reconstructed pixels; the total area "
        f"is {text(area.with_fill)} {square} ({_range(area, effect)})"
    )
    if effect.touched:
        first += (
            f"; of known pixels alone it is {text(area.without_pixels)} {square}, and without the objects that touch "
            f"reconstructed pixels {text(area.without_objects)} {square}"
        )
    among = f"in {100 * effect.level:g} % of the repairs drawn" if effect.level else f"over {effect.variants} variants"
    sentences = [f"{first}.", f"The count is {number} ({_ends(count, effect)} {among})."]
    unstable = [each for each in effect.objects if any(each.fates[fate] for fate in FATES[1:])]
    if unstable:
        sentences.append(
            f"{len(unstable)} object{'' if len(unstable) == 1 else 's'} near the damage "
            f"{'is' if len(unstable) == 1 else 'are'} split, merged or lost in some of the repairs."
        )
    if effect.new:
        sentences.append(f"Up to {effect.new} object{'' if effect.new == 1 else 's'} more appear in some of them.")
    return " ".join(sentences)


def markdown(effect: Effect) -> str:
    """What a person reads of an effect."""
    totals = [[name, *cells(effect.totals[name], objects=True)] for name in TOTALS]
    parts = [
        "# What the repair does to the measurement\n",
        f"{conclusion(effect)}\n",
        "## All objects\n",
        _rows([["", *headings(effect, objects=True)], *totals]),
        "## Objects at the damage\n",
    ]
    if effect.objects:
        rows = [row for each in effect.objects for row in _object_rows(each)]
        parts.append(_rows([["object", "reconstructed px", "", *headings(effect), "in the other repairs"], *rows]))
    else:
        parts.append("None touches the damage or is near it.\n")
    parts.append(f"{reading(effect)}\n")
    return "\n".join(parts)


def rows(effect: Effect) -> Iterator[list[str | int | float | None]]:
    """One row for each object at the damage and quantity, and one for each total, in the order of ``COLUMNS``."""
    for name in TOTALS:
        value = effect.totals[name]
        yield ["all", None, name, unit_of(name, effect), *_figures(value), *[None] * len(FATES)]
    for each in effect.objects:
        for name in QUANTITIES:
            figures = _figures(each.values[name])
            yield [each.label, each.touched_px, name, unit_of(name, effect), *figures, *(each.fates[f] for f in FATES)]


def as_csv(effect: Effect, *, delimiter: str = ",") -> str:
    """``rows`` under their heading; with tabs between them, as spreadsheets paste them."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n", delimiter=delimiter)
    writer.writerow(COLUMNS)
    writer.writerows(rows(effect))
    return file.getvalue()


def text(value: float | None) -> str:
    """A figure as people read it: whole above 100, three digits below."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _figures(value: Value) -> list[float | None]:
    return [value.without_pixels, value.without_objects, value.with_fill, value.low, value.high, value.lowest,
            value.highest]  # fmt: skip


def unit_of(name: str, effect: Effect) -> str:
    """In what a quantity or a total is."""
    if name.endswith("area"):
        return f"{effect.unit}²"
    return "objects" if name == "count" else "grey values"


def _range(value: Value, effect: Effect) -> str:
    if effect.level is None:
        return f"{_ends(value, effect)} over {effect.variants} variants of the repair"
    return f"{_ends(value, effect)} across the repair's uncertainty, {100 * effect.level:g} %"


def _ends(value: Value, effect: Effect) -> str:
    low, high = (value.lowest, value.highest) if effect.level is None else (value.low, value.high)
    return f"{text(low)}–{text(high)}"


def headings(effect: Effect, *, objects: bool = False) -> list[str]:
    """Over ``cells``: of totals, which can leave out ``objects``, or of one object."""
    untouched = ["without objects that touch them"] if objects else []
    interval = "calibrated interval" if effect.level is None else f"{100 * effect.level:g} % interval"
    over = f"over {effect.variants} variants"
    return ["without reconstructed pixels", *untouched, "with the fill", interval, over]


def cells(value: Value, *, objects: bool = False) -> list[str]:
    """A value as people read it."""
    shown = [text(value.without_pixels), *([text(value.without_objects)] if objects else []), text(value.with_fill)]
    for low, high in ((value.low, value.high), (value.lowest, value.highest)):
        shown.append("–" if low is None else f"{text(low)} to {text(high)}")
    return shown


def fates_of(each: ObjectEffect) -> str:
    """How often an object was matched, split, merged and lost, in words."""
    return ", ".join(f"{fate} {each.fates[fate]}" for fate in FATES if each.fates[fate])


def _object_rows(each: ObjectEffect) -> Iterator[list[str]]:
    for number, name in enumerate(QUANTITIES):
        shown = [str(each.label), str(each.touched_px)] if number == 0 else ["", ""]
        yield [*shown, name, *cells(each.values[name]), fates_of(each) if number == 0 else ""]


def reading(effect: Effect) -> str:
    """What the figures mean, and what they do not."""
    variants = (
        f"The {effect.variants} variants are complete repairs, none of which is better than the others; how far they "
        "differ says where the repair is unsure, and not how wrong it is."
    )
    matched = (
        "Intervals of single objects are over those repairs in which the object is matched one to one (half of one "
        "lies in the other); the last column says in how many it was matched, split, merged with another, or lost."
    )
    if effect.calibration is None:
        return f"Areas are in {effect.unit}². {variants} Without calibration there is no interval. {matched}"
    calibrated = (
        f"The intervals are over {effect.samples} repairs drawn around this one: as far from it as the errors on "
        f"{effect.calibration.trials} copies of the damage, together as the variants differ. That is calibrated for "
        "pixels. True sums over objects lie outside somewhat more often than the level says, counts and mean areas "
        "much more: a fill is smoother than what it replaces, and specks are lost in it."
    )
    return f"Areas are in {effect.unit}². {variants} {calibrated} {matched}"


def _rows(lines: list[list[str]]) -> str:
    head, *rest = lines
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *rest))

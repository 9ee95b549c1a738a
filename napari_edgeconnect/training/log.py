"""What a run leaves to look at while it lasts: a CSV table and, where it is installed, TensorBoard."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

LOG = "log.csv"
TENSORBOARD = "tensorboard"


class Log:
    """Means over the steps between two rows.

    Parameters
    ----------
    folder : Path
    step : int
        Where the run goes on: later rows, of a run that was killed, are dropped.
    every : int
        Steps a row; rows fall on multiples of it.
    wanted : bool
        False writes nothing, as all processes but one do.
    """

    def __init__(self, folder: Path, *, step: int, every: int = 50, wanted: bool = True) -> None:
        self._path, self._every, self._wanted = folder / LOG, every, wanted
        self._sums: dict[str, float] = defaultdict(float)
        self._counts: dict[str, int] = defaultdict(int)
        if wanted:
            self._drop_after(step)
        self._board = _board(folder / TENSORBOARD, step) if wanted else None

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Take the figures of one step; ``step`` counts from 1."""
        for name, value in values.items():
            self._sums[name] += value
            self._counts[name] += 1
        if step % self._every == 0 and self._wanted:
            self._write(step, {name: total / self._counts[name] for name, total in self._sums.items()})
            self._sums.clear()
            self._counts.clear()

    def pending(self) -> dict[str, list[float]]:
        """What is not yet in a row, for the run's state."""
        return {name: [total, self._counts[name]] for name, total in self._sums.items()}

    def restore(self, pending: Mapping[str, list[float]]) -> None:
        """Take up what :meth:`pending` gave."""
        for name, (total, count) in pending.items():
            self._sums[name], self._counts[name] = total, int(count)

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        """Figures that belong to one step alone, such as a validation's; TensorBoard only."""
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def picture(self, step: int, name: str, rgb: object) -> None:
        """(H, W, 3) uint8; TensorBoard only."""
        if self._board is not None:
            self._board.add_image(name, rgb, step, dataformats="HWC")

    def __enter__(self) -> Log:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._board is not None:
            self._board.close()

    def _write(self, step: int, row: Mapping[str, float]) -> None:
        new = not self._path.exists()
        with self._path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", "name", "value"])
            writer.writerows([step, name, f"{value:.6g}"] for name, value in row.items())
        self.figures(step, row)

    def _drop_after(self, step: int) -> None:
        if not self._path.exists():
            return
        with self._path.open(newline="") as file:
            header, *rows = csv.reader(file)
        kept = [row for row in rows if len(row) == 3 and int(row[0]) <= step]
        part = self._path.with_suffix(".part")
        with part.open("w", newline="") as file:
            csv.writer(file).writerows([header, *kept])
        part.replace(self._path)


def _board(folder: Path, step: int):  # type: ignore[no-untyped-def]  # the type is TensorBoard's, which may be missing
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)

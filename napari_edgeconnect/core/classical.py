"""What a scientist would use instead: classical inpainting behind EdgeConnect's own contract.

Diffusion (OpenCV's Telea and Navier–Stokes, our biharmonic fill), patches
(PatchMatch), and the mean as what everything must beat. They are opponents in
the evaluation and methods of the command line. Apart from EdgeConnect because
none needs a model, and some need a package that the base does not bring.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.metadata import version
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .fill import biharmonic_fill
from .job import Job
from .planes import ContrastMapping
from .record import SOFTWARE, classical_record
from .results import ClassicalRepair, Step, result_of
from .settings import CLASSICAL_METHODS, Settings

INSTALL = 'pip install "napari-edgeconnect[classical]"'
#: How far OpenCV looks from the pixel that it fills. Of 3, 5 and 10 px the best for Telea, and equal for
#: Navier–Stokes (hole PSNR of 20 crops of 256 px from the training data).
OPENCV_RADIUS_PX = 5
#: PatchMatch compares squares that reach this far. Of 2 to 15 px the best in PSNR and SSIM (same crops);
#: the package's own 15 takes seven times as long.
PATCH_RADIUS_PX = 3
#: PatchMatch searches at random, from here: the same input gives the same output.
PATCHMATCH_SEED = 0
# OpenCV's formulas hold constants in gray levels (Telea's slope term is one level or so), so floats get
# many levels: at 1 for the whole contrast, Telea would be wrong by more than the contrast.
_LEVELS = 65535.0
_EIGHT_BIT = ContrastMapping("divide by 255", 0.0, 255.0)

Unit = NDArray[np.floating]


@overload
def inpaint(
    image: ArrayLike, mask: ArrayLike, method: str = ..., *, grow_px: float = ..., return_record: Literal[True],
) -> ClassicalRepair: ...  # fmt: skip
@overload
def inpaint(
    image: ArrayLike, mask: ArrayLike, method: str = ..., *, grow_px: float = ..., return_record: Literal[False] = ...,
) -> NDArray[Any]: ...  # fmt: skip
def inpaint(
    image: ArrayLike,
    mask: ArrayLike,
    method: str = "biharmonic",
    *,
    grow_px: float = 0.0,
    return_record: bool = False,
) -> NDArray[Any] | ClassicalRepair:
    """Repair an image without a network.

    8-bit images go to OpenCV and PatchMatch as they are. Others are mapped by
    their contrast: for OpenCV to float32 of 65536 levels, channel by channel,
    for PatchMatch to 8 bits, which is all that it knows. A hole too large for
    one window gets one of its own size.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
        Of any size and range; never modified. Pixels that are NaN or infinite
        count as hole.
    mask : (H, W) bool, integer (not 0 = hole) or float (above 0.5 = hole)
    method : str
        "telea" or "navier-stokes" (OpenCV), "patchmatch" (pypatchmatch),
        "biharmonic", or "mean" of the window's known pixels.
    grow_px : float
        The mask is widened by this many pixels first.
    return_record : bool

    Returns
    -------
    array or ClassicalRepair
        The completed image, of the input's shape and dtype and bit-identical
        to it outside the hole; with ``return_record`` a
        :class:`ClassicalRepair` around it.

    Raises
    ------
    TypeError, ValueError
        For bad input, in one sentence.
    ImportError
        When the method's package is not installed; the sentence says how to install it.

    References
    ----------
    Telea, An Image Inpainting Technique Based on the Fast Marching Method, 2004.
    Bertalmio, Bertozzi & Sapiro, Navier–Stokes, Fluid Dynamics, and Image and Video Inpainting, 2001.
    Damelin & Hoang, On Surface Completion and Image Inpainting by Biharmonic Functions, 2018.
    Barnes et al., PatchMatch: A Randomized Correspondence Algorithm for Structural Image Editing, 2009.

    Examples
    --------
    >>> from skimage import data
    >>> image = data.camera()[:128, :128]
    >>> mask = np.zeros(image.shape, dtype=bool)
    >>> mask[60:70, 20:100] = True
    >>> result = inpaint(image, mask, "biharmonic")
    >>> bool((result == image)[~mask].all())
    True
    """
    repair = result_of(inpaint_steps(image, mask, method, grow_px=grow_px))
    return repair if return_record else repair.image


def inpaint_steps(
    image: ArrayLike, mask: ArrayLike, method: str = "biharmonic", *, grow_px: float = 0.0
) -> Generator[Step, None, ClassicalRepair]:
    """:func:`inpaint`, window by window; closing it stops within one. Returns a :class:`ClassicalRepair`."""
    started = time.monotonic()
    return (
        yield from Classical(method).job_steps(Job.prepare(image, mask, Settings(grow_px=grow_px)), started=started)
    )


class Classical:
    """A classical method in the place of a model, for planes that are prepared already, such as a stack's.

    Parameters
    ----------
    method : str
        As for :func:`inpaint`; raises the same errors.
    """

    def __init__(self, method: str) -> None:
        if method not in CLASSICAL_METHODS:
            raise ValueError(f"There is no classical method {method!r}: known are {', '.join(CLASSICAL_METHODS)}.")
        self.method = method
        self._opponent = _opponent(method)

    def job_steps(
        self, job: Job, edges: object = None, *, started: float | None = None
    ) -> Generator[Step, None, ClassicalRepair]:
        """Repair a prepared job, window by window."""
        if edges is not None:
            raise ValueError(f"Method {self.method!r} has no use for edges: give none.")
        started = time.monotonic() if started is None else started
        return (yield from _job_steps(job, self.method, self._opponent, started))


def _job_steps(job: Job, method: str, opponent: _Opponent, started: float) -> Generator[Step, None, ClassicalRepair]:
    job = _as_it_is(job)
    result, total = job.image.copy(), len(job.plan.windows)
    undefined_px = 0
    for done, window in enumerate(job.plan.windows):
        yield Step(done, total, f"Filling in by {method}")
        unit, unknown = job.unit(window.box), job.hole[window.box.slices]
        filled = opponent.fill(unit, unknown, job.image.dtype == np.uint8)
        # OpenCV's float code divides by zero where a hole's surroundings have next to no contrast.
        undefined = ~np.isfinite(filled).all(axis=2)
        filled[undefined] = unit[~unknown].mean(axis=0)
        undefined_px += int(np.count_nonzero(undefined))
        job.composite(result, window, filled, job.limits(unit, unknown))
    yield Step(total, total, "Done")
    if undefined_px:
        note = f"{method} left {undefined_px} pixels undefined: they have the mean of their window's known pixels."
        job = replace(job, notes=(*job.notes, note))
    record = classical_record(
        job,
        method,
        result=result,
        package=opponent.package,
        options=opponent.options,
        seed=opponent.seed,
        seconds=time.monotonic() - started,
    )
    return ClassicalRepair(result, job.hole.copy(), record)


def _as_it_is(job: Job) -> Job:
    """A job as EdgeConnect's, but 8-bit gray is taken as it is, and no hole is cut into tiles."""
    mapping = _EIGHT_BIT if job.image.dtype == np.uint8 else job.mapping
    return replace(job, mapping=mapping, plan=job.plan.untiled())


@dataclass(frozen=True)
class _Opponent:
    """A method, ready to run.

    Attributes
    ----------
    fill : callable
        ``fill(unit, unknown, eight_bit)``: pixels in [0, 1] (h, w, C) and their hole (h, w) to
        filled pixels (h, w, C); ``eight_bit`` where [0, 1] is exactly 0 to 255.
    package : dict
        Name and version, for the record.
    options : dict
        The method's own settings.
    seed : int or None
        Where it searches at random.
    """

    fill: Callable[[NDArray[np.float64], NDArray[np.bool_], bool], Unit]
    package: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None


def _opponent(method: str) -> _Opponent:
    if method in ("telea", "navier-stokes"):
        cv2 = _imported("cv2", method, "OpenCV")
        flag = cv2.INPAINT_TELEA if method == "telea" else cv2.INPAINT_NS

        def by_opencv(unit: NDArray[np.float64], unknown: NDArray[np.bool_], eight_bit: bool) -> Unit:
            return _opencv(cv2, flag, unit, unknown, eight_bit)

        package = {"name": "opencv", "version": cv2.__version__}
        return _Opponent(by_opencv, package, {"radius_px": OPENCV_RADIUS_PX})
    if method == "patchmatch":
        patchmatch = _imported("patchmatch", method, "pypatchmatch")
        if not patchmatch.patchmatch_available:
            raise ImportError("Method 'patchmatch' can't run: pypatchmatch has no compiled library for this machine.")

        def by_patches(unit: NDArray[np.float64], unknown: NDArray[np.bool_], eight_bit: bool) -> Unit:
            return _patchmatch(patchmatch, unit, unknown)

        package = {"name": "pypatchmatch", "version": patchmatch.__version__}
        return _Opponent(by_patches, package, {"patch_radius_px": PATCH_RADIUS_PX}, PATCHMATCH_SEED)
    ours = {"name": SOFTWARE, "version": version(SOFTWARE)}
    return _Opponent(_biharmonic if method == "biharmonic" else _mean, ours)


def _imported(module: str, method: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == module
        reason = "" if missing else f", which can't be imported ({error})"
        raise ImportError(f"Method {method!r} needs {package}{reason}: {INSTALL}.", name=module) from error


def _opencv(
    cv2: Any, flag: int, unit: NDArray[np.float64], unknown: NDArray[np.bool_], eight_bit: bool
) -> NDArray[np.float64]:
    hole = unknown.astype(np.uint8)
    if eight_bit:
        filled = cv2.inpaint(_as_bytes(unit), hole, OPENCV_RADIUS_PX, flag)
        return filled.reshape(unit.shape) / 255.0
    # More than 8 bits OpenCV takes in one channel only; its own colour loop treats channels one by one, too.
    planes = [np.ascontiguousarray(_LEVELS * unit[..., c], dtype=np.float32) for c in range(unit.shape[2])]
    filled = np.stack([cv2.inpaint(plane, hole, OPENCV_RADIUS_PX, flag) for plane in planes], axis=2)
    return filled.astype(np.float64) / _LEVELS


def _patchmatch(patchmatch: Any, unit: NDArray[np.float64], unknown: NDArray[np.bool_]) -> NDArray[np.float64]:
    levels = np.ascontiguousarray(np.broadcast_to(_as_bytes(unit), (*unknown.shape, 3)))
    patchmatch.set_random_seed(PATCHMATCH_SEED)
    filled = patchmatch.inpaint(levels, unknown, patch_size=PATCH_RADIUS_PX)
    return filled[..., : unit.shape[2]] / 255.0


def _biharmonic(unit: NDArray[np.float64], unknown: NDArray[np.bool_], eight_bit: bool) -> NDArray[np.float64]:
    return biharmonic_fill(unit, unknown)


def _mean(unit: NDArray[np.float64], unknown: NDArray[np.bool_], eight_bit: bool) -> NDArray[np.float64]:
    filled = unit.copy()
    filled[unknown] = unit[~unknown].mean(axis=0)
    return filled


def _as_bytes(unit: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(255 * np.clip(unit, 0, 1)).astype(np.uint8)

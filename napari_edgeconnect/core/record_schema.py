"""What a record may say: the published schema of every record that this software writes.

Apart from ``record``, which makes plain dicts from arrays and needs no pydantic. ``docs/record.schema.json`` is made
from these models by ``scripts/record_schema.py``.

A record may hold more than is named here, beside its own fields: other programs, and people, may add what they know,
and nothing that is named gets another meaning by it. Inside the parts that a replay follows (settings, edges, mapping,
digests, inputs) nothing else is allowed: a choice that is not understood would be a choice that is not followed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from .record import RECORD_VERSION, SOFTWARE

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Exact(BaseModel):
    """A part that a replay follows: nothing beside what is named."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Open(BaseModel):
    """A part that may say more than is named."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class InputFile(Exact):
    """A file that was read."""

    file: str = Field(description="Its path from the record's folder, or an absolute one.")
    sha256: Sha256 = Field(description="Of its bytes; of a folder over the names and digests of its files.")


class Model(Open):
    """The weights."""

    name: str
    licence: str
    formulation: Literal["published", "residual"]
    width: Count
    blocks: Count
    sha256: dict[Literal["edge", "inpaint"], Sha256]
    training: str = ""
    device: str | None = None


class NetworkSettings(Exact):
    """Fields of ``core.settings.Settings``, as they held."""

    sigma: float | None
    grow_px: float
    threshold: Share
    rim_correction: bool | None
    merge_known_edges: bool
    margin_px: Count
    smallest_window_px: Count
    largest_window_px: Count
    half_precision: bool
    contrast: tuple[float, float] | None = Field(strict=False)
    match_noise: bool
    seed: Count


class ClassicalSettings(Exact):
    """Those fields that a classical method knows, and its own."""

    grow_px: float
    margin_px: Count
    smallest_window_px: Count
    largest_window_px: Count
    radius_px: Count | None = None
    patch_radius_px: Count | None = None


class EdgeDigests(Exact):
    """Of the arrays of the edge map; of a plane that was repaired in parts, over the digests of these."""

    labels: Sha256 = Field(description="(H, W) uint8.")
    probability: Sha256 = Field(
        description="float32: the values inside the hole, row by row; of all pixels where known edges are not merged."
    )
    hole: Sha256 = Field(description="(H, W) bool.")
    drawn: Sha256 = Field(description="int64: the numbers of the pixels set by hand, counted row by row from 0.")
    erased: Sha256 = Field(description="int64: of those kept clear by hand, as far as stage 2 can tell.")


class Edges(Exact):
    """The edge map that stage 2 followed, or that stage 1 gave."""

    given: bool = Field(description="False where stage 1 proposed them for this plane, in the same run.")
    threshold: Share
    measured_px: Count
    proposed_px: Count
    drawn_px: Count = Field(description="Set by hand.")
    erased_px: Count = Field(description="Kept clear by hand.")
    sha256: EdgeDigests


class InputDigests(Exact):
    """Of the arrays that were given: ``core.digests.array_sha256`` says of what exactly."""

    image: Sha256
    mask: Sha256 = Field(description="(H, W) bool, before it was grown.")


class Digests(InputDigests):
    """Of what was given and what was made; of a plane that was repaired in parts, over the digests of these."""

    altered: Sha256 = Field(description="(H, W) bool, True where pixels were invented.")
    result: Sha256 = Field(description="The values of these pixels, row by row.")
    parts: Count | None = None


class Mapping_(Exact):
    """The straight line that takes ``low`` to 0 and ``high`` to 1."""

    kind: Literal["divide by 255", "bool", "percentiles", "given"]
    low: float
    high: float


class ImageKind(Exact):
    """Shape and dtype."""

    shape: list[Count]
    dtype: str


class Window(Open):
    """A part of the plane that was looked at at once."""

    top: Count
    left: Count
    height: Count
    width: Count
    tile_of_large_hole: bool
    noise: dict[str, Any] | None = None


class Origin(Open):
    """What every record says."""

    record_version: Literal[1]
    software: str
    version: str
    packages: dict[str, str]
    created: str = Field(description="ISO 8601, UTC.")
    command: str | None = None
    inputs: dict[str, InputFile] | None = None
    outputs: dict[str, str] | None = Field(None, description="Paths from the record's folder.")


class Advice(Open):
    """What a self-test advises."""

    method: str
    rms: float
    error_90: float
    sure: bool
    good_enough: bool
    sentences: list[str]


class SelfTest(Origin):
    """Methods against each other on copies of the damage, where the truth is known."""

    kind: Literal["self_test"]
    pixels: InputDigests
    seed: Count
    trials_wanted: Count
    settings: NetworkSettings
    model: Model | None
    methods: list[str]
    not_installed: list[str]
    hole_px: Count
    mapping: Mapping_
    noise: float
    trials: list[dict[str, Any]]
    advice: Advice
    reasons_against: dict[str, str]


class Calibration(Open):
    """How a spread became an interval."""

    factor: float
    floor: float
    level: Share
    trials: Count
    pixels: Count


class Uncertainty(Origin):
    """How far the truth may lie from a repair."""

    kind: Literal["uncertainty"]
    pixels: InputDigests
    level: Share
    model: Model
    settings: NetworkSettings
    seed: Count
    variants: list[str]
    calibration: Calibration
    mean_half_width: float
    largest_half_width: float


class Holes(Origin):
    """How much was damaged."""

    hole_px: Count = Field(description="Pixels that were invented: the grown mask, and what was not finite.")
    hole_fraction: Share
    holes: Count = Field(description="In how many regions; those that touch at a corner are one.")
    largest_hole_px: Count


class Plane(Holes):
    """One plane that was repaired."""

    image: ImageKind
    mapping: Mapping_
    mask_px: Count
    nonfinite_px: Count
    pixels: Digests
    windows: list[Window] = Field(default_factory=list)
    seconds: float
    notes: list[str]
    seed: Count | None = Field(description="Of what was drawn at random; null where nothing was.")
    self_test: SelfTest | None = None
    uncertainty: Uncertainty | None = None
    unfinished: Literal[True] | None = Field(None, description="The pixels have moved on: this is of earlier ones.")


class Where(Exact):
    """Which plane of a stack."""

    axes: str
    place: list[Count]
    channel: Count
    edges_from: Count | None


class Repair(Plane):
    """One plane that EdgeConnect has repaired."""

    kind: Literal["repair"]
    method: Literal["edgeconnect"]
    model: Model
    settings: NetworkSettings
    device: str
    device_name: str
    edges: Edges
    alternative: str | None = Field(None, description="Which of several fills it was chosen as.")
    neighbours: dict[str, Any] | None = Field(None, description="What the planes beside one of a stack gave.")
    plane: Where | None = None


class Package(Exact):
    """Whose code it was."""

    name: str
    version: str


class Classical(Plane):
    """One plane that a classical method has repaired."""

    kind: Literal["classical"]
    method: Literal["telea", "navier-stokes", "biharmonic", "patchmatch", "mean"]
    package: Package
    settings: ClassicalSettings
    plane: Where | None = None


class ExclusionSettings(Exact):
    """What an exclusion follows."""

    grow_px: float


class Excluded(Holes):
    """One plane in which damage was marked as missing: nothing was filled in."""

    kind: Literal["excluded"]
    method: Literal["exclude"]
    settings: ExclusionSettings
    value: int | float | Literal["nan", "inf", "-inf"] = Field(description="What all excluded pixels hold.")
    image: ImageKind
    mask_px: Count
    nonfinite_px: Count
    pixels: Digests
    seconds: float
    notes: list[str]


class Measurement(Origin):
    """What a repair does to measured objects."""

    kind: Literal["measurement"]
    pixels: InputDigests
    conclusion: str
    segmentation: str
    model: Model
    settings: NetworkSettings
    seed: Count


class EdgeProposal(Holes):
    """Stage 1 alone: edges, and no pixel repaired."""

    kind: Literal["edges"]
    model: Model
    settings: NetworkSettings
    device: str
    device_name: str
    seed: Count | None
    edges: Edges
    seconds: float | None = None


class Shared(Exact):
    """What the planes of a stack share."""

    axes: str
    mask_axes: str
    shape: list[Count]
    dtype: str
    mapping: Literal["plane", "stack"]
    edges_from: Literal["own", "strongest"] | Count
    neighbours: Literal["off", "edges", "start", "contents"]
    neighbour_axis: str | None
    neighbour_reach: Count
    spread_mask: Literal["no", "between", "everywhere"]
    spread_axis: str | None
    planes: list[str] = Field(description="Those that were chosen; none: all.")
    guide: Count | None
    contrasts: list[list[float] | None]


class Throughput(Open):
    """How fast holes were repaired; what was finished before, reading and writing do not count."""

    hole_px: Count
    seconds: float
    core_seconds: float | None
    hole_mpx_per_second: float | None
    hole_mpx_per_core_second: float | None


class Stack(Holes):
    """A stack, and a record of each of its planes that was damaged."""

    kind: Literal["stack"]
    method: Literal["edgeconnect", "telea", "navier-stokes", "biharmonic", "patchmatch", "mean"]
    model: Model | None = Field(None, description="Of EdgeConnect.")
    settings: NetworkSettings
    stack: Shared
    seconds: float
    notes: list[str]
    throughput: Throughput | None = None
    planes: list[Annotated[Repair | Classical | EdgeProposal, Field(discriminator="kind")]]


class Unfinished(Origin):
    """A picture that follows its edges and has not caught up with them once."""

    kind: Literal["unfinished"]
    unfinished: Literal[True]


Record = Annotated[
    Repair | Classical | Excluded | EdgeProposal | Stack | SelfTest | Uncertainty | Measurement | Unfinished,
    Field(discriminator="kind"),
]
#: Validates any of them.
ADAPTER: TypeAdapter[Any] = TypeAdapter(Record)


def json_schema() -> dict[str, Any]:
    """The schema of all records as JSON Schema, draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Records of {SOFTWARE}, version {RECORD_VERSION}",
        **ADAPTER.json_schema(),
    }

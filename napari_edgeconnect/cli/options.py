"""The options that several commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from napari_edgeconnect.core.settings import (
    LARGEST_NEIGHBOUR_REACH,
    ClassicalMethod,
    ContrastOf,
    Neighbours,
    Settings,
    Spreading,
    StackSettings,
)

DEFAULTS = Settings()
STACK_DEFAULTS = StackSettings()
#: Tight masks leave a rim of damaged pixels, so the command line widens them.
GROW_PX = 2.0

EDGECONNECT: Final = "edgeconnect"
#: The method's name where nothing is filled in: ``--exclude``.
EXCLUDE = "exclude"

_MODEL = "Model"
_EDGES = "Edges"
_RUN = "Running"
_STACK = "Stacks"

Image = Annotated[Path, typer.Argument(metavar="IMAGE", help="PNG, JPEG, TIFF or NPY: one plane, gray, RGB or RGBA.")]
ImageOrStack = Annotated[
    Path,
    typer.Argument(
        metavar="IMAGE",
        help="PNG, JPEG, TIFF or NPY: one plane, gray, RGB or RGBA; or a stack: TIFF, NPY, OME-Zarr or zarr.",
    ),
]
Mask = Annotated[
    Path,
    typer.Option(
        "--mask",
        "-m",
        help="Where the damage is: any of these formats, of the image's size. Labels: not 0 is hole. Black and "
        "white: white is hole. Floats: above 0.5 is hole. Soft masks are cut at half of their range, with a note.",
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        help="The completed image: .png, .tif or .npy, in the input's own dtype. OUT.json (the record) and "
        "OUT_altered.png (the mask of altered pixels) are written beside it.",
    ),
]
EdgeOutput = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        help="The edge label image: .png, .tif or .npy with 0 none, 1 measured, 2 proposed; of a stack .tif. OUT.json "
        "(the record) is written beside it.",
    ),
]
Method = Annotated[
    Literal["edgeconnect", ClassicalMethod],
    typer.Option(
        help="What repairs. All but edgeconnect work without the networks, so options of models, edges and devices do "
        "not go with them. telea, navier-stokes and patchmatch need the extra 'classical'.",
    ),
]
Exclude = Annotated[
    str | None,
    typer.Option(
        "--exclude",
        metavar="nan|VALUE",
        help="Fill nothing in: give the damage this value instead, so that it can be left out of every measurement. "
        "nan needs an image of floats. Options of methods, models, edges and devices do not go with it.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(help="A name that `models` lists, or a folder. Default: the bundled model.", rich_help_panel=_MODEL),
]
EdgeWeights = Annotated[
    Path | None,
    typer.Option(
        help="A weight file of the edge generator (EdgeModel_gen.pth), with --inpaint-weights. To keep a model by "
        "name, use `models import`.",
        rich_help_panel=_MODEL,
    ),
]
InpaintWeights = Annotated[
    Path | None,
    typer.Option(
        help="A weight file of the completion network (InpaintingModel_gen.pth), with --edge-weights.",
        rich_help_panel=_MODEL,
    ),
]
RimCorrection = Annotated[
    bool | None,
    typer.Option(
        "--rim-correction/--no-rim-correction",
        help="Take the network's error on the known rim off the hole, too. Default: on for published weights only.",
        rich_help_panel=_MODEL,
    ),
]
EDGES_HELP = (
    "An edge image of the image's size. How it is read: integers 0 to 3 are labels of the whole plane (1 measured, "
    "2 proposed, 3 drawn); bool or 8-bit black and white is a drawing (above 127 is edge); floats are "
    "probabilities. Drawings and probabilities count inside the hole."
)
EdgesIn = Annotated[Path, typer.Option("--edges", "-e", help=EDGES_HELP, rich_help_panel=_EDGES)]
MaybeEdgesIn = Annotated[
    Path | None,
    typer.Option("--edges", "-e", help=f"Run stage 2 alone, on these edges. {EDGES_HELP}", rich_help_panel=_EDGES),
]
ProbabilityIn = Annotated[
    Path | None,
    typer.Option(
        "--probability",
        help="With an edge label image: the file that `edges --save-probability` wrote. Proposals that are still "
        "there then keep their soft values; without it they count as drawn.",
        rich_help_panel=_EDGES,
    ),
]
SaveEdges = Annotated[
    Path | None,
    typer.Option(
        help="Write the edge label image here: 0 none, 1 measured, 2 proposed, 3 drawn.", rich_help_panel=_EDGES
    ),
]
SaveProbability = Annotated[
    Path | None,
    typer.Option(help="Write the edge probabilities (float32) here: .tif or .npy.", rich_help_panel=_EDGES),
]
Sigma = Annotated[
    float | None,
    typer.Option(
        help="Width of Canny's Gaussian in pixels, for the known edges: small gives many fine edges, large few "
        f"strong ones. Default: {DEFAULTS.sigma:g}.",
        rich_help_panel=_EDGES,
    ),
]
NoKnownEdges = Annotated[
    bool, typer.Option("--no-known-edges", help="Show the networks no known edges.", rich_help_panel=_EDGES)
]
Threshold = Annotated[
    float,
    typer.Option(help="Hallucinated edges at least this probable are proposals.", rich_help_panel=_EDGES),
]
MergeKnownEdges = Annotated[
    bool,
    typer.Option(
        "--merge-known-edges/--no-merge-known-edges",
        help="Give stage 2 the measured edges outside the hole; or stage 1's output there, as the published script.",
        rich_help_panel=_EDGES,
    ),
]
AxesNames = Annotated[
    str | None,
    typer.Option(
        "--axes",
        metavar="LETTERS",
        help="What the axes of a stack are, a letter each, such as TCYX: Y and X are the plane, C channels, S the "
        "colours of RGB, all others count planes. Default: as the file says; where it does not, they must be given.",
        rich_help_panel=_STACK,
    ),
]
MaskAxesNames = Annotated[
    str | None,
    typer.Option(
        "--mask-axes",
        metavar="LETTERS",
        help="What the axes of the mask are, where its file does not say and it has neither two axes (a plane, for "
        "all planes) nor all of the stack's.",
        rich_help_panel=_STACK,
    ),
]
Mapping = Annotated[
    ContrastOf,
    typer.Option(
        "--mapping",
        help="Contrast of each plane by itself, or one for the stack, so that a film does not flicker with it.",
        rich_help_panel=_STACK,
    ),
]
EdgesFrom = Annotated[
    str,
    typer.Option(
        metavar="CHANNEL",
        help="Whose edges guide all channels: a channel's number, from 0; 'strongest': the one that stands out most "
        "from its noise; 'own': each its own.",
        rich_help_panel=_STACK,
    ),
]
NeighboursOf = Annotated[
    Neighbours,
    typer.Option(
        "--neighbours",
        help="What adjacent planes give for a hole in which they are intact, as far as their surroundings fit: off; "
        "edges (theirs, beside those proposed); start (their contents, for the networks to start from); contents (as "
        "they are, in place of what the networks make). The source's planes count, not repaired ones.",
        rich_help_panel=_STACK,
    ),
]
NeighbourAxis = Annotated[
    str | None,
    typer.Option(
        metavar="LETTER",
        help="Along which axis planes are adjacent, such as Z. Needed where several axes count planes.",
        rich_help_panel=_STACK,
    ),
]
NeighbourReach = Annotated[
    int,
    typer.Option(min=1, max=LARGEST_NEIGHBOUR_REACH, help="How many planes on either side.", rich_help_panel=_STACK),
]
SpreadMask = Annotated[
    Spreading,
    typer.Option(
        "--spread-mask",
        help="Of a mask with a plane for each place: no (as it is); between (empty planes between two that are painted "
        "get what lies between); everywhere (all planes get the damage of all).",
        rich_help_panel=_STACK,
    ),
]
SpreadAxis = Annotated[
    str | None,
    typer.Option(
        metavar="LETTER",
        help="Along which axis the mask is spread. Needed where several of its axes count planes.",
        rich_help_panel=_STACK,
    ),
]
Planes = Annotated[
    list[str] | None,
    typer.Option(
        "--plane",
        metavar="WHICH",
        help="Repair these planes alone: 12, Z=12, Z=3-7 or Z=12,T=3,C=0, counted from 0. May be given several times. "
        "All others are passed on as they are.",
        rich_help_panel=_STACK,
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Repair the planes on the workers of this dask scheduler, such as tcp://10.0.0.5:8786. They must see the "
        "same files. Needs the extra 'distributed'.",
        rich_help_panel=_STACK,
    ),
]
Threads = Annotated[
    int,
    typer.Option(min=1, help="Repair so many planes at once. Needs the extra 'distributed'.", rich_help_panel=_STACK),
]
MatchNoise = Annotated[
    bool,
    typer.Option("--match-noise", help="Give the fill the noise of the known pixels near it.", rich_help_panel=_RUN),
]
NoiseSeed = Annotated[int, typer.Option("--seed", min=0, help="Of that noise.", rich_help_panel=_RUN)]
GrowPx = Annotated[
    float,
    typer.Option(help="Widen the mask by so many pixels: tight masks leave a rim of damage.", rich_help_panel=_RUN),
]
Half = Annotated[
    bool, typer.Option("--half", help="Half precision: faster, has an effect on CUDA only.", rich_help_panel=_RUN)
]
Device = Annotated[
    str, typer.Option(help="auto, cpu, cuda (or cuda:1, …) or mps.", metavar="DEVICE", rich_help_panel=_RUN)
]
EmbedMask = Annotated[
    bool | None,
    typer.Option(
        "--embed-mask/--no-embed-mask",
        help="Put the mask of altered pixels into the image file, too: as labels/reconstructed of an OME-Zarr image "
        "(default: yes), or as a transparency mask in a SubIFD of a TIFF of one plane that is no OME-TIFF (default: "
        "no). The file of its own is written all the same.",
        rich_help_panel=_RUN,
    ),
]
SelfTest = Annotated[
    Path | None,
    typer.Option(
        "--selftest",
        metavar="SELFTEST.json",
        help="What `selftest` wrote about the same image and mask: its result goes into the record.",
        rich_help_panel=_RUN,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite/--no-overwrite",
        help="Replace outputs that exist. Inputs are never written to.",
        rich_help_panel=_RUN,
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="For programs: the result as one JSON object on stdout, events as one JSON object per line on stderr.",
        rich_help_panel=_RUN,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.", rich_help_panel=_RUN)]


def chosen_sigma(sigma: float | None, *, none_wanted: bool = False) -> float | None:
    """What ``--sigma`` and ``--no-known-edges`` say together; the default where neither is given."""
    if none_wanted and sigma is not None:
        raise typer.BadParameter("it contradicts --no-known-edges.", param_hint="--sigma")
    return DEFAULTS.sigma if sigma is None and not none_wanted else sigma

"""What the dock widget looks like: its parts, in the order of the work, without what they do."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QLabeledDoubleSlider

from ..core.edges import EdgeSource
from .layer_combo import LayerCombo
from .layers import (
    ALTERED,
    COMPARED,
    EDGE_COLOURS,
    EDGES,
    FOUND,
    GROWN,
    OBJECTS,
    PROBABILITY,
    STROKES,
    UNCERTAINTY,
    is_own,
)
from .parts import boxed, button, combo, folded, form, header, menu_of, note, picture_list, row, spin
from .preferences import Preferred
from .stack_choices import StackChoices

NO_EDGES = "sigma: none"
THIS_SLICE, ALL_SLICES = "this slice", "all slices"
THIS_PART, ALL_PARTS = "this part", "all parts"


class Panel(QWidget):
    """One column that fits a laptop's dock; every control says in its tooltip what it does, and its unit.

    Attributes
    ----------
    foot : QWidget
        Progress and status line, to be laid out under the column, so that they do not scroll away.
    """

    def __init__(self, preferred: Preferred, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._make_image()
        self._make_damage(preferred)
        self._make_edges(preferred)
        self._make_completion(preferred)
        self._make_keep()
        self._make_settings(preferred)
        self._arrange()

    def _make_image(self) -> None:
        self.image = LayerCombo(_is_image, none="no image is open")
        self.image.setToolTip("The image to repair. It is never changed: results become new layers.")
        self.about_image = note()
        self.slices = combo([(THIS_SLICE, False), (ALL_SLICES, True)])
        self.slices.setToolTip(
            "Of a stack: repair the displayed slice, or every slice that has damage. Slices whose edges you have "
            "corrected are completed from these. A large image is repaired part by part: this part is the damage "
            "nearest to the middle of the view."
        )
        self.slices_row = boxed(form(("Repair", self.slices)))
        self.slices_row.hide()
        self.stack = StackChoices()

    def name_slices(self, *, parts: bool, slices: bool) -> None:
        """Call what is repaired at once what it is: a slice, or a part of a large image."""
        self.slices.setItemText(0, THIS_PART if parts else THIS_SLICE)
        self.slices.setItemText(1, ALL_PARTS if parts and not slices else ALL_SLICES)

    def _make_damage(self, preferred: Preferred) -> None:
        self.mask = LayerCombo(_is_mask, none="no mask yet")
        self.mask.setToolTip("Labels (any label but 0) or Shapes that cover the damage.")
        self.new_mask = button("New mask", "Add a Labels layer over the image and start painting the damage on it.")
        self.find = button(
            "Find",
            "Find scratches, spots, dead rows and more; add a label; invert the mask; copy it to slices.",
        )
        self.find_menu = menu_of(self.find)
        self.grow = spin(preferred.settings.grow_px, 0, 100, step=1, decimals=0, suffix=" px")
        self.grow.setToolTip("Widen the damage by this many image pixels. A mask that is too tight leaves a rim.")
        self.show_grown = QCheckBox("show")
        self.show_grown.setToolTip("Outline the damage as it will be repaired, grown.")
        self.sensitivity = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.sensitivity.setRange(0, 1)
        self.sensitivity.setDecimals(2)
        self.sensitivity.setSingleStep(0.05)
        self.sensitivity.setValue(0.5)
        self.sensitivity.setToolTip(
            "0 finds only what is beyond doubt, 1 whatever might be damage. Moving it looks anew, past what you "
            "corrected in the preview."
        )
        self.take_found = button("Add", "Add the preview to the damage.")
        self.discard_found = button("Discard", "Throw the preview away.")
        self.found_row = boxed(form(("Sensitivity", self.sensitivity), ("", row(self.take_found, self.discard_found))))
        self.found_row.hide()
        self.about_mask = note()
        self.warning = note()
        self.warning.hide()

    def _make_edges(self, preferred: Preferred) -> None:
        self.sigma = spin(preferred.settings.sigma or 0, 0, 50, step=0.5, decimals=1, suffix=" px")
        self.sigma.setPrefix("sigma ")
        self.sigma.setSpecialValueText(NO_EDGES)
        self.sigma.setToolTip(
            "Smoothing before edges are measured, in image pixels: little gives many fine edges, "
            "much gives few strong ones, 0 gives none."
        )
        self.threshold = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.threshold.setRange(0.05, 0.95)
        self.threshold.setDecimals(2)
        self.threshold.setSingleStep(0.05)
        self.threshold.setValue(preferred.settings.threshold)
        self.threshold.setToolTip(
            "Edges that are at least this probable are proposed: low finds more, high is surer. Redraws the "
            "proposals at once; what you drew or erased stays."
        )
        self.hallucinate = button(
            "Hallucinate edges", "Propose the edges inside the damage, as a layer that you can correct."
        )
        self.legend = QLabel(_legend())
        self.legend.setToolTip("Colours of the edge layer. Paint with label 3 to draw, with the eraser to erase.")
        self.strokes = button("Strokes", "Draw lines, paths, ellipses as shapes, to be turned into edges.")
        self.bridge = button(
            "Bridge", "Click two edge ends: the gap is closed with a smooth curve that goes on as both do.",
            checkable=True,
        )  # fmt: skip
        self.erase_edge = button("Erase", "Click an edge to erase the whole of it.", checkable=True)
        self.more = button("More", "Short edges, edges from another layer, the model's own proposal.")
        self._make_more(menu_of(self.more))
        self.smooth = QCheckBox("smooth")
        self.smooth.setToolTip("Draw a smooth curve through the points of a path.")
        self.snap = QCheckBox("snap")
        self.snap.setToolTip("Move each stroke onto the strongest gradient or probability within 6 px of it.")
        self.take_strokes = button("Turn into edges", "Draw the shapes into the edge layer, one pixel wide.")
        self.strokes_row = boxed(row(self.smooth, self.snap, self.take_strokes))
        self.strokes_row.hide()

    def _make_more(self, menu: QMenu) -> None:
        self.keep_longer = menu.addAction("Erase short edges…")
        self.keep_longer.setToolTip("Inside the damage, keep only edges of at least so many pixels.")
        self.edges_from_menu = menu.addMenu("Edges from")
        self.edges_from_menu.setToolTipsVisible(True)
        self.reset = menu.addAction("Reset to the proposal")
        self.reset.setToolTip("Take back all that you drew or erased: the model's own proposal. Ctrl+Z brings it back.")
        menu.addSeparator()
        self.show_probability = menu.addAction("Show probability")
        self.show_probability.setCheckable(True)
        self.show_probability.setToolTip("Show how probable an edge is to the model, under the edges.")

    def _make_completion(self, preferred: Preferred) -> None:
        self.complete = button("Complete", "Fill the damage so that it follows the edges as they now stand.")
        self.inpaint = button(
            "Inpaint in one go", "Hallucinate the edges and complete the image, without a look in between."
        )
        self.live = QCheckBox("live")
        self.live.setChecked(preferred.live)
        self.live.setToolTip("Complete again after every stroke, where it changed something.")
        self.alternatives = button(
            "Other fills", "Complete with other edges, to choose from: small pictures in step 5."
        )
        self.test = button(
            "Test on this image",
            "Place copies of the damage where the image is intact, repair them by every method, and say which one to "
            "take and which errors to expect.",
        )
        self.how_sure = button(
            "How sure?",
            "Repair in many ways that are as good, and show how far the truth may lie from the repair: an interval in "
            "grey values, calibrated on copies of the damage. Its level is in napari's preferences.",
        )
        self.exclude = button(
            "Mark as missing…",
            "Fill nothing in: give the damage NaN, or in an image of whole numbers a value that you choose, so that "
            "nothing invented can be measured.",
        )
        self.expected = note()

    def _make_keep(self) -> None:
        self.keep = button("Keep", "Keep the completed image and its edges as a candidate.")
        self.delete = button("Delete", "Forget the chosen candidate.")
        self.send = button("To layer", "Put the chosen candidate into a layer of its own.")
        self.compare = button(
            "Compare",
            "Show the chosen candidate beside the one shown before it, or beside the damaged image.",
            checkable=True,
        )
        self.report = button(
            "Report",
            "What the repair does to measured objects; and for a paper, sentences for the methods section and a figure "
            "with an outline.",
        )
        menu = menu_of(self.report)
        self.measure = menu.addAction("Measure objects…")
        self.measure.setToolTip(
            "Areas, counts and intensities of objects: without the damage, with the fill, and across its uncertainty."
        )
        menu.addSeparator()
        self.methods = menu.addAction("Methods paragraph…")
        self.methods.setToolTip("What was repaired, by what and how sure, to be copied.")
        self.figure = menu.addAction("Export figure…")
        self.figure.setToolTip("A PNG file of the repair with what was altered outlined, and a caption.")
        self.candidates = picture_list()
        self.candidates.setToolTip("Choose a candidate to see it, with its edges. Hold W to see the image before.")
        self.candidates.hide()

    def _make_settings(self, preferred: Preferred) -> None:
        self.model = combo()
        self.model.setToolTip("The networks' weights. Import more with: napari-edgeconnect models import")
        self.about_model = note()
        self.device = combo([("auto", None)])
        self.device.setToolTip("What the networks run on. auto takes a GPU where there is one.")
        self.about_device = note()
        self.precision = combo([("full", False), ("half (CUDA only)", True)])
        self.precision.setCurrentIndex(int(preferred.settings.half_precision))
        self.precision.setToolTip("Half precision takes less memory and time on a CUDA GPU, and changes nothing else.")
        self.margin = spin(preferred.settings.margin_px, 16, 512, step=16, decimals=0, suffix=" px")
        self.margin.setToolTip("Known surroundings that the networks see around each hole. They see about 110 px far.")

        self.noise = QCheckBox("noise of the surroundings")
        self.noise.setChecked(preferred.settings.match_noise)
        self.noise.setToolTip(
            "Give the fill the noise of the known pixels near it, so that it does not stand out as smooth. It is drawn "
            "from a fixed seed, and the record says how much it was. It is no measurement."
        )
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.cancel = button("Cancel", "Stop after the window that is being computed. Nothing is changed.")
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setMinimumHeight(3 * self.status.fontMetrics().lineSpacing())
        self.status.setAlignment(Qt.AlignmentFlag.AlignTop)

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(5)
        column.addWidget(header(1, "Image"))
        column.addWidget(self.image)
        column.addWidget(self.about_image)
        column.addWidget(self.slices_row)
        column.addWidget(self.stack)
        column.addWidget(header(2, "Damage"))
        column.addLayout(row(self.mask, self.new_mask, self.find))
        column.addWidget(self.found_row)
        column.addLayout(form(("Grow by", row(self.grow, self.show_grown))))
        column.addWidget(self.about_mask)
        column.addWidget(self.warning)
        column.addWidget(header(3, "Edges"))
        column.addLayout(row(self.hallucinate, self.sigma))
        column.addLayout(form(("Threshold", self.threshold)))
        column.addWidget(self.legend)
        column.addLayout(row(self.strokes, self.bridge, self.erase_edge, self.more))
        column.addWidget(self.strokes_row)
        column.addLayout(_headed(header(4, "Completion"), self.exclude))
        column.addLayout(row(self.complete, self.inpaint, self.live))
        column.addLayout(row(self.alternatives, self.test, self.how_sure))
        column.addWidget(self.expected)
        column.addLayout(
            _headed(header(5, "Keep"), self.report)
        )  # five buttons in a row are wider than a laptop's dock
        column.addLayout(row(self.keep, self.compare, self.send, self.delete))
        column.addWidget(self.candidates)
        settings = form(
            ("Model", self.model), ("", self.about_model), ("Device", self.device), ("", self.about_device),
            ("Precision", self.precision), ("Margin", self.margin), ("Fill", self.noise),
        )  # fmt: skip
        column.addWidget(folded("Settings", settings))
        column.addStretch()
        foot = QVBoxLayout()
        foot.addLayout(row(self.progress, self.cancel))
        foot.addWidget(self.status)
        self.foot = boxed(foot)
        foot.setContentsMargins(10, 0, 10, 6)
        for part in (self.progress, self.cancel):
            policy = part.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            part.setSizePolicy(policy)
            part.hide()


def _headed(title: QLabel, push: QPushButton) -> QHBoxLayout:
    """A step's title with a button at the end of its line."""
    line = row(title, push)
    line.setStretch(0, 1)
    return line


def _is_image(layer: object) -> bool:
    from napari.layers import Image

    return isinstance(layer, Image) and not any(is_own(layer, kind) for kind in (COMPARED, PROBABILITY, UNCERTAINTY))


def _is_mask(layer: object) -> bool:
    from napari.layers import Labels, Shapes

    no_masks = (ALTERED, EDGES, FOUND, GROWN, OBJECTS, STROKES)
    return isinstance(layer, Labels | Shapes) and not any(is_own(layer, kind) for kind in no_masks)


def _legend() -> str:
    words = {EdgeSource.MEASURED: "measured", EdgeSource.PROPOSED: "proposed", EdgeSource.DRAWN: "drawn"}
    return "&nbsp;&nbsp; ".join(
        f'<span style="color: {EDGE_COLOURS[source]}">■</span>&nbsp;{word}' for source, word in words.items()
    )

"""Whether live completion shows what it has to: the picture and the record that a run would make."""

from __future__ import annotations

from contract import same_bits

from napari_edgeconnect.core.refusals import reasons_against
from napari_edgeconnect.plugin import layers as ours
from napari_edgeconnect.plugin.layer_plane import read_plane


def completed(viewer):
    return next(layer for layer in reversed(viewer.layers) if ours.is_own(layer, ours.COMPLETED))


def expected(widget):
    """What a run would make of the layers as they are: the repair, and the image it repairs."""
    session = widget.session
    now = session.situation()
    image = read_plane(now.plane)
    model = session.models.get(session.model.name, session.device)
    edges = ours.read_edges(session.edges(now.plane))
    return model.complete(image, now.mask, edges, session.settings(), return_record=True), image


def check_follows(widget, viewer) -> None:
    """The completed layer holds the picture and the record that a run would give it."""
    repair, image = expected(widget)
    layer = completed(viewer)
    shown = ours.pixels_of(layer, widget.session.plane())
    assert same_bits(shown, repair.image)
    assert same_bits(shown[~repair.altered], image[~repair.altered])
    mask, settings = widget.session.situation().mask, widget.session.settings()
    record = dict(layer.metadata[ours.KEY]["record"])
    for volatile in ("seconds", "created"):
        del record[volatile], repair.record[volatile]
    reasons = reasons_against(image, mask, settings, model=widget.session.model)
    assert record.pop("reasons_against") == {each.name: each.sentence for each in reasons}
    assert record == repair.record

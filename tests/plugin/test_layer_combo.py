"""The choice of layers in the widget."""

from __future__ import annotations


def test_our_own_edges_are_not_on_offer_as_damage(widget, press, viewer):
    press(widget, "hallucinate")
    offered = [widget.panel.mask.itemText(row) for row in range(widget.panel.mask.count())]

    assert offered == ["mask"]


def test_the_choice_of_layers_survives_renaming_and_reordering(widget, viewer, pixels):
    chosen = viewer.layers["camera"]
    viewer.add_image(pixels, name="another")
    widget.panel.image.choose(chosen)
    viewer.layers.move(0, 3)
    chosen.name = "renamed"

    assert widget.panel.image.layer is chosen
    assert widget.panel.image.currentText() == "renamed"
    viewer.layers.remove(chosen)
    assert widget.panel.image.layer is viewer.layers["another"]

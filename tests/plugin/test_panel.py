"""What the widget's parts say about themselves."""

from __future__ import annotations


def test_model_and_device_are_shown_with_licence_and_a_note(widget):
    panel = widget.panel

    assert panel.model.currentText() == "open-science-16"
    assert panel.about_model.text().startswith("Faithful: the least error")
    assert panel.about_model.text().endswith("Licence: BSD-3-Clause.")
    panel.model.setCurrentText("open-science-16-texture")
    assert panel.about_model.text().startswith("Textured: ")
    panel.device.setCurrentText("cpu")
    assert "CPU" in panel.about_device.text()
    assert not panel.about_device.isHidden()


def test_under_the_buttons_stands_with_what_and_how_long(widget, press):
    note = widget.panel.expected
    assert note.text().startswith("open-science-16 (BSD-3-Clause) on ")
    assert note.text().endswith("a stage on two laptop cores.") or "on cpu" not in note.text()
    press(widget, "inpaint")
    assert note.text().endswith("a stage, as measured here.")


def test_every_control_has_a_tooltip(widget):
    panel = widget.panel
    parts = (panel.image, panel.mask, panel.new_mask, panel.grow, panel.sigma, panel.hallucinate, panel.complete)

    assert all(part.toolTip() for part in (*parts, panel.inpaint, panel.model, panel.device, panel.cancel))
    assert "pixels" in panel.grow.toolTip()
    assert "pixels" in panel.sigma.toolTip()

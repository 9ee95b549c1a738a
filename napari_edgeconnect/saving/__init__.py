"""What napari's Save writes of our layers, as the manifest says.

A room of its own: it stands on the plugin's layers and on ``files``, on which the plugin does not stand.
"""

"""The napari side: layers to arrays, the dock widget, its worker, and sample data."""

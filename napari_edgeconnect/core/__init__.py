"""Arrays in, arrays out: the whole method, without napari or Qt, and without torch until a model is loaded."""

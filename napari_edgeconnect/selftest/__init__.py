"""The self-test: how well each method would repair *this* damage in *this* image.

Copies of the holes are placed where the image is intact (``placing``), repaired by every method and compared with
what is there (``run``, ``figures``); ``advice`` says which method to take, and what error to expect of it; ``table``
and ``sheet`` are what people look at. Stands on ``core`` and ``evaluation``.
"""

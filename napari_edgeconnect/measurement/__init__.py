"""What a repair does to a measurement: areas, counts and intensities of objects, across the repair's uncertainty.

``segmentation`` finds objects, ``choice`` says which in words, ``objects`` measures and matches them, ``samples`` draws
repairs that are as possible as the one at hand, ``effect`` brings these together, ``table`` is what people read,
``written`` what is kept of it. Stands on ``core`` and ``selftest``, whose calibration says how far the truth may lie
from a repair.
"""

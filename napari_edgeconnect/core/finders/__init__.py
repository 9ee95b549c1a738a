"""Finders: one small function for each kind of damage that an image shows by itself.

Each takes an image and a sensitivity from 0 (only what is beyond doubt) to 1
(whatever might be) and gives an (H, W) bool mask, to be looked at before it is
used. What all of them are called is said in ``core.find``.
"""

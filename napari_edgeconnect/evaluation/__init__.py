"""Evaluation: methods against each other on images whose truth is known.

A fixed list of cases (``cases``), what each method makes of them (``methods``),
figures (``figures``, ``perceptual``), the run that can be interrupted (``run``),
and what people read of it (``summary``, ``table``, ``plots``, ``sheets``). Stands
on ``core`` and ``files``; ``cli`` stands on it.
"""

"""The methods' names.

Apart from ``methods``, because ``--help`` shows them, and answers without scikit-image.
"""

from __future__ import annotations

from ..core.settings import CLASSICAL_METHODS

HALLUCINATED = "edgeconnect"
TRUE_EDGES = "edgeconnect-true-edges"
NO_EDGES = "edgeconnect-no-edges"
EDGECONNECT = (HALLUCINATED, TRUE_EDGES, NO_EDGES)
#: In the tables' order.
METHODS = (*EDGECONNECT, *CLASSICAL_METHODS)

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("contract")  # its asserts are to show their values, too

# A first call compiles, loads or waits for a busy core: time is measured in benchmarks/, not here.
settings.register_profile("napari-edgeconnect", deadline=None)
settings.load_profile("napari-edgeconnect")

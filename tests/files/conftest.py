import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage import data

from napari_edgeconnect.files import read_image, write_image

TIFF_DTYPES = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"]
PLANES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


def camera(side=96):
    return data.camera()[120 : 120 + side, 160 : 160 + side].copy()


def same_bits(one, other):
    """Equal in shape, dtype (byte order aside) and every bit, NaN included."""
    plain = [np.ascontiguousarray(a, dtype=a.dtype.newbyteorder("<")) for a in (one, other)]
    return (
        plain[0].shape == plain[1].shape
        and plain[0].dtype == plain[1].dtype
        and (plain[0].tobytes() == plain[1].tobytes())
    )


@st.composite
def images(draw, dtypes, channels=(None, 3, 4)):
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    shape = draw(PLANES)
    count = draw(st.sampled_from(channels))
    raw = draw(st.integers(0, 2**32 - 1))
    shape = shape if count is None else (*shape, count)
    size = int(np.prod(shape)) * dtype.itemsize
    bits = np.random.default_rng(raw).integers(0, 256, size, dtype=np.uint8)
    return (bits % 2).astype(bool).reshape(shape) if dtype.kind == "b" else bits.view(dtype).reshape(shape)


def rewritten(source, target):
    read = read_image(source)
    write_image(target, read.pixels, like=read)
    return read

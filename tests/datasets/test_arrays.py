# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Data in memory as people have it: numbers of every type, labels of every kind."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fewmult_hls import datasets
from fewmult_hls.datasets import areas, from_arrays
from fewmult_hls.datasets.arrays import as_images, read_labels
from fewmult_hls.datasets.preprocessing import Preprocessing
from fewmult_hls.datasets.scale import Scale, find_scale
from fewmult_hls.system.errors import FewmultError, UsageError

DIGITS = datasets.load("digits")
IMAGES, LABELS = DIGITS.train.images, DIGITS.train.labels
TEST = (DIGITS.test.images, DIGITS.test.labels)


def same_values(one: datasets.Dataset, other: datasets.Dataset) -> bool:
    return one.digest == other.digest and np.array_equal(one.test.images, other.test.images)


# --- numbers ---


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x.astype(np.int64),
        lambda x: x.astype(np.float32),
        lambda x: x.astype(np.float64) / 255,
        lambda x: x.astype(np.float32) / np.float32(255),
        lambda x: x.tolist(),
        lambda x: x.astype(object),
        np.asfortranarray,
    ],
)
def test_every_type_is_the_same_data(convert: Any) -> None:
    wanted = from_arrays((IMAGES, LABELS), TEST)
    given_ = from_arrays((convert(IMAGES), LABELS), (convert(TEST[0]), TEST[1]))
    assert same_values(given_, wanted)


def test_truth_values_are_black_and_white() -> None:
    data = from_arrays((IMAGES > 99, LABELS), (TEST[0] > 99, TEST[1]))
    assert set(np.unique(data.train.images)) == {0, 255}
    assert data.preprocessing.scale == Scale("unit")


def test_ranges_that_are_asked_for() -> None:
    sixteen = IMAGES // 16
    data = from_arrays((sixteen, LABELS), (TEST[0] // 16, TEST[1]), scale="0:15")
    assert np.array_equal(np.sort(data.train.images.ravel())[-1:], [255])
    assert data.preprocessing.scale == Scale("range", (0.0,), (15.0,))
    with pytest.raises(UsageError, match="test: values are from 0 to 255, and 0 to 15 are taken"):
        from_arrays((sixteen, LABELS), TEST, scale="0:15")


def test_columns_have_ranges_of_their_own() -> None:
    random = np.random.default_rng(3)
    values = random.normal(0, 1, (40, 3)) * [1, 1e6, 0] + [5, 0, 7]
    data = from_arrays((values, np.arange(40) % 2), (values * 2, [0, 1] * 20), scale="columns")
    low, high = values.min(axis=0), values.max(axis=0)
    share = np.clip((values * 2 - low) / np.where(high > low, high - low, 1), 0, 1)
    assert np.array_equal(data.test.images, np.floor(share * 255 + 0.5))
    assert data.preprocessing.scale.high == tuple(high)


def test_whole_numbers_of_another_scale_are_said() -> None:
    (note,) = from_arrays((IMAGES.astype(int) // 16, LABELS), TEST).notes
    assert note.startswith("values are whole numbers that reach 15 ")
    assert "scale 0:15" in note
    assert from_arrays((IMAGES.astype(int), LABELS), TEST).notes == ()


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.full((20, 4), -1), {}, "values are whole numbers from -1 to -1: scale them"),
        (np.full((20, 4), 0.5) * 3, {}, "values are fractions from 1.5 to 1.5: scale them"),
        (np.full((20, 4), np.inf), {"scale": "columns"}, "no finite numbers"),
        (np.zeros((20, 4)), {"scale": "5:1"}, "there is no scale '5:1': take"),
        (np.zeros((20, 4)), {"scale": "1:1"}, "there is no scale '1:1'"),
        (np.zeros((20, 4)), {"scale": "nan:1"}, "there is no scale 'nan:1'"),
        (np.zeros((20, 4)), {"scale": "wide"}, "there is no scale 'wide'"),
        (np.array([[1e308], [-1e308]] * 10), {"scale": "columns"}, "ends before it begins"),
        (np.zeros((20, 4, 4)), {"resize": "0x3"}, "resize is '0x3': give rows and columns"),
        (np.zeros((20, 4, 4)), {"resize": (300, 300)}, "at most 65,536"),
        (np.zeros((20, 4, 4)), {"resize": 3}, "resize is 3: give rows and columns"),
        (np.zeros((20, 4, 400)), {"resize": "4x4"}, "4x400 pixels .* a tenth or less"),
        (np.zeros((20, 4)), {"resize": "2x2"}, "rows of values cannot be scaled to 2x2"),
    ],
)
def test_numbers_that_are_refused(images: Any, options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        from_arrays((images, [0, 1] * 10), **options)
    assert "\n" not in str(error.value)


@given(
    low=st.floats(-1e300, 1e300),
    span=st.floats(1e-3, 1e300),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=8),
)
def test_scaling_is_what_it_says(low: float, span: float, shares: list[float]) -> None:
    high = low + span
    if not high > low:
        return
    numbers = np.clip(np.array([low + share * (high - low) for share in shares]), low, high)
    found = Scale("range", (low,), (high,)).bytes_of("x", numbers[None])[0]
    for number, value in zip(numbers.tolist(), found.tolist(), strict=True):
        exact = (Fraction(number) - Fraction(low)) / (Fraction(high) - Fraction(low)) * 255
        assert abs(exact - value) <= Fraction(1, 2) + Fraction(1, 10**9)


@given(st.lists(st.integers(0, 255), min_size=2, max_size=30))
def test_bytes_survive_every_type(values: list[int]) -> None:
    bytes_ = np.array([values], np.uint8)
    for numbers in (bytes_.astype(np.int64), bytes_ / 255.0, (bytes_ / 255.0).astype(np.float32)):
        assert np.array_equal(find_scale("x", numbers).bytes_of("x", numbers), bytes_)
    if max(values) > 1:
        floats = bytes_.astype(np.float16)
        assert np.array_equal(find_scale("x", floats).bytes_of("x", floats), bytes_)


# --- labels ---


@settings(max_examples=50)
@given(st.data())
def test_labels_of_every_kind_mean_the_same(data: st.DataObject) -> None:
    classes = data.draw(st.integers(2, 9))
    numbers = np.array(
        data.draw(st.lists(st.integers(0, classes - 1), min_size=1, max_size=40)), np.uint8
    )
    count = len(numbers)
    names = [f"class {k}" for k in range(classes)]
    ways: list[Any] = [
        numbers.astype(np.int64),
        numbers.astype(np.float64),
        numbers.astype(object),
        numbers.tolist(),
        numbers[:, None],
        np.eye(classes)[numbers],
        np.eye(classes, dtype=int)[numbers],
        np.eye(classes, dtype=bool)[numbers],
    ]
    for way in ways:
        assert np.array_equal(read_labels("x", way, count).numbers, numbers)
    for way in ([names[k] for k in numbers], np.array([names[k] for k in numbers], object)):
        assert np.array_equal(read_labels("x", way, count, names).numbers, numbers)
        found = read_labels("x", way, count)
        assert found.names == tuple(sorted({names[k] for k in numbers}))
        assert [found.names[k] for k in found.numbers] == [names[k] for k in numbers]


def test_names_as_labels_name_the_classes() -> None:
    names = [*"abcdefghij"]
    texts = [names[k] for k in LABELS]
    data = from_arrays((IMAGES, texts), (TEST[0], [names[k] for k in TEST[1]]))
    assert data.class_names == tuple(names)
    assert same_values(data, from_arrays((IMAGES, LABELS), TEST))
    with pytest.raises(UsageError, match="test: label 'x' is none of the classes a, b, c"):
        from_arrays((IMAGES, texts), (TEST[0][:1], ["x"]))
    with pytest.raises(UsageError, match="2 to 256 classes, not 1"):
        from_arrays((IMAGES[:20], ["a"] * 20))


def test_a_column_a_class_says_how_many_there_are() -> None:
    data = from_arrays((IMAGES, np.eye(12)[LABELS]), TEST)
    assert (data.classes, data.class_names) == (12, ())


# --- splits ---


def test_without_a_test_part_the_set_is_split_as_folders_are() -> None:
    images = np.repeat(np.arange(90, dtype=np.uint8), 4).reshape(90, 2, 2)
    data = from_arrays((images, np.repeat([0, 1, 2], 30)))
    assert data.test.images[:, 0].tolist() == [*range(4, 90, 5)]
    left = [value for value in range(90) if value % 5 != 4]
    assert data.validation.images[:, 0].tolist() == left[5::6]
    assert len(data.train.labels) == 90 - 18 - 12
    own = from_arrays((images, np.repeat([0, 1, 2], 30)), validation=(images[:3], [0, 1, 2]))
    assert [len(split.labels) for split in own.splits] == [72, 3, 18]
    with pytest.raises(UsageError, match="no class has 5 training images, to spare one for the"):
        from_arrays((images[:4], [0, 0, 1, 1]))


# --- data sets that give samples, as PyTorch's do ---


class Tensor:
    """What is used of a tensor of PyTorch."""

    def __init__(self, array: Any) -> None:
        self._array, self.shape = array, array.shape

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self

    def numpy(self) -> Any:
        return self._array


class Samples:
    def __init__(self, images: Any, labels: Any) -> None:
        self._images, self._labels = images, labels

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, k: int) -> tuple[Any, Any]:
        return self._images[k], self._labels[k]


def test_samples_of_every_kind() -> None:
    square = IMAGES.reshape(-1, 8, 8)
    wanted = from_arrays((square, LABELS))
    unit = [Tensor((image / np.float32(255))[None]) for image in square]
    pictures = [Image.fromarray(image) for image in square]
    for images in (unit, pictures, square):
        assert same_values(from_arrays(Samples(images, LABELS.tolist())), wanted)
    labels = [Tensor(np.array(label)) for label in LABELS]
    assert same_values(from_arrays(Samples(square, labels)), wanted)


def test_tensors_have_their_channels_in_front() -> None:
    colours = np.random.default_rng(1).integers(0, 256, (20, 3, 4, 5)).astype(np.uint8)
    data = from_arrays(Samples([Tensor(each) for each in colours], [0, 1] * 10))
    assert data.image_shape == (4, 5, 3)
    wanted = from_arrays((colours.transpose(0, 2, 3, 1), [0, 1] * 10))
    assert same_values(data, wanted)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (Samples([1, 2], [3]), "train: there must be|images of shape"),
        (Samples([IMAGES[0]], [3, 4]), "sample 1 is no pair of an image and its label: "),
        (Samples([Image.new("P", (8, 8))] * 20, [0, 1] * 10), "an image has a palette"),
        (
            Samples([Image.new("L", (8, k + 1)) for k in range(20)], [0, 1] * 10),
            "this makes no array|are object",
        ),
    ],
)
def test_samples_that_are_refused(samples: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        from_arrays(samples)
    assert "\n" not in str(error.value)


# --- images of other sizes and colours ---


def area(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The mean of each area by fractions, halves up."""
    rows, columns = image.shape
    result = np.zeros(size, int)
    for i in range(size[0]):
        for j in range(size[1]):
            total = Fraction(0)
            for y in range(rows):
                for x in range(columns):
                    high = min(Fraction((i + 1) * rows, size[0]), y + 1)
                    wide = min(Fraction((j + 1) * columns, size[1]), x + 1)
                    tall = max(0, high - max(Fraction(i * rows, size[0]), y))
                    broad = max(0, wide - max(Fraction(j * columns, size[1]), x))
                    total += tall * broad * int(image[y, x])
            mean = total * size[0] * size[1] / (rows * columns)
            result[i, j] = (2 * mean + 1) // 2
    return result


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_scaled_pixel_is_the_mean_of_its_area(data: st.DataObject) -> None:
    side = st.integers(1, 7)
    rows, columns = data.draw(side), data.draw(side)
    size = (data.draw(side), data.draw(side))
    values = data.draw(st.lists(st.integers(0, 255), min_size=rows * columns, max_size=49))
    image = np.array(values[: rows * columns], np.uint8).reshape(rows, columns)
    high, wide = areas.kept(rows, columns, size)
    top, left = (rows - high) // 2, (columns - wide) // 2
    middle = image[top : top + high, left : left + wide]
    wanted = image if image.shape == size else area(middle, size)
    assert np.array_equal(areas.covered(image[None], size)[0], wanted)
    colours = np.stack([image, 255 - image], axis=-1)
    assert np.array_equal(areas.covered(colours[None], size)[0, ..., 0], wanted)


@given(rows=st.integers(1, 300), columns=st.integers(1, 300), data=st.data())
def test_what_is_kept_has_the_proportions(rows: int, columns: int, data: st.DataObject) -> None:
    size = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    high, wide = areas.kept(rows, columns, size)
    assert high in (rows, max(1, columns * size[0] // size[1]))
    assert high == rows or wide == columns
    assert 1 <= high <= rows
    assert 1 <= wide <= columns


def test_many_images_are_scaled_as_one_is() -> None:
    random = np.random.default_rng(2)
    images = random.integers(0, 256, (50, 301, 200, 3)).astype(np.uint8)
    found = areas.covered(images, (17, 13))
    for k in (0, 23, 49):
        assert np.array_equal(found[k], areas.covered(images[k : k + 1], (17, 13))[0])


def test_grey_is_that_of_pillow() -> None:
    colours = np.random.default_rng(5).integers(0, 256, (100, 100, 3)).astype(np.uint8)
    grey = np.asarray(Image.fromarray(colours).convert("L"))
    assert np.array_equal(areas.gray(colours), grey)


def test_lists_of_several_sizes_and_colours() -> None:
    random = np.random.default_rng(8)
    images = [
        random.integers(0, 256, (6 + k % 3, 7, 3) if k % 2 else (6 + k % 3, 7)).astype(np.uint8)
        for k in range(20)
    ]
    data = from_arrays((images, [0, 1] * 10), gray=True, resize=(5, 5))
    assert data.image_shape == (5, 5)
    made = Preprocessing(gray=True, resize=(5, 5))
    assert np.array_equal(data.test.images[0], made.images("x", images[8][None])[0].ravel())
    with pytest.raises(FewmultError, match="image 0: images of several sizes must be uint8"):
        from_arrays(([image / 255 for image in images], [0, 1] * 10), gray=True, resize="5x5")


def test_images_of_the_size_that_training_made_stay_as_they_are() -> None:
    made = Preprocessing(gray=True, resize=(8, 8))
    square = IMAGES[:5].reshape(-1, 8, 8)
    assert np.array_equal(as_images("x", square, made), square)
    assert np.array_equal(as_images("x", IMAGES[:5], made)[:, 0], IMAGES[:5])

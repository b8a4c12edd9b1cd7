"""Catalogue of image data sets: what is published, and where. Loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from learnprop.equations.arguments import BadArgument

_TRAIN, _TRAIN_LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
_TEST, _TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"


@dataclass(frozen=True)
class File:
    """A file of a data set.

    Attributes
    ----------
    path : str
        Inside the folder of its data set.
    sha256 : str
        Of its content; of a gzip file, of what is in it, since packages compress anew.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class DataSet:
    """What is published, and where.

    Attributes
    ----------
    name : str
    title : str
    shape : tuple of int
        Of an image as networks take it: channels, height, width.
    labels : tuple of str
        Names of the classes.
    url : str
        Of the folder with its files, or of one archive; empty for what is embedded.
    files : tuple of File
    """

    name: str
    title: str
    shape: tuple[int, int, int]
    labels: tuple[str, ...]
    url: str = ""
    files: tuple[File, ...] = ()


_DIGITS = tuple("0123456789")


def _idx(train: str, train_labels: str, test: str, test_labels: str) -> tuple[File, ...]:
    names = (_TRAIN, _TRAIN_LABELS, _TEST, _TEST_LABELS)
    hashes = (train, train_labels, test, test_labels)
    return tuple(File(*pair) for pair in zip(names, hashes, strict=True))


DATASETS = {
    d.name: d
    for d in (
        DataSet("digits", "Digits of scikit-learn, brought to 28 x 28", (1, 28, 28), _DIGITS),
        DataSet(
            "mnist",
            "MNIST",
            (1, 28, 28),
            _DIGITS,
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            _idx(
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
        DataSet(
            "fashion-mnist",
            "Fashion-MNIST",
            (1, 28, 28),
            (
                "T-shirt", "trouser", "pullover", "dress", "coat",
                "sandal", "shirt", "sneaker", "bag", "ankle boot",
            ),
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            _idx(
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ),
        DataSet(
            "kmnist",
            "Kuzushiji-MNIST",
            (1, 28, 28),
            ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            _idx(
                "7112ba9ec422d98de4885262d4a4dff14cc4fefb81c11ace8bf563a8255df5c3",
                "2a16eeae62da984b8bd24fa32e31d47291f01dac3fe84d5594f304f71e7d374b",
                "76fbd229ce87db80dd281af5e6670de4ad0e42fb30a7bd643972994c47c1f42e",
                "a11dc742be8e781a40a92f53d6a4957e7b7d36df2faa097659131ebfd8fd60c6",
            ),
        ),
        DataSet(
            "cifar10",
            "CIFAR-10",
            (3, 32, 32),
            (
                "airplane", "automobile", "bird", "cat", "deer",
                "dog", "frog", "horse", "ship", "truck",
            ),
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            tuple(
                File(f"cifar-10-batches-bin/{name}.bin", sha256)
                for name, sha256 in (
                    (
                        "data_batch_1",
                        "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
                    ),
                    (
                        "data_batch_2",
                        "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
                    ),
                    (
                        "data_batch_3",
                        "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
                    ),
                    (
                        "data_batch_4",
                        "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
                    ),
                    (
                        "data_batch_5",
                        "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
                    ),
                    (
                        "test_batch",
                        "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
                    ),
                )
            ),
        ),
    )
}  # fmt: skip
"""By name."""


def dataset_named(name: str) -> DataSet:
    """Return what is known of a data set.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> dataset_named("kmnist").title
    'Kuzushiji-MNIST'
    """
    if name not in DATASETS:
        raise BadArgument("dataset", f"must be one of {', '.join(DATASETS)}, got {name!r}")
    return DATASETS[name]

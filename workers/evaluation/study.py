"""An evaluation from its images to its document: every figure is made here."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from plankton_stream import __version__
from plankton_stream.errors import ConfigError
from plankton_stream.settings import Settings
from plankton_stream.stack.toolchain import Say
from workers.encoders.identity import Encoder
from workers.evaluation.disturbances import KERNEL_PX, KERNELS_PX, Disturbance
from workers.evaluation.document import (
    Confusion,
    Curve,
    Data,
    EncoderFigures,
    Evaluation,
    Example,
    Figures,
    SearchFigures,
)
from workers.evaluation.methods import Method, Subject, compare, methods_of
from workers.evaluation.ranking import nearest
from workers.evaluation.retrieval import DEPTH, Judged, judge
from workers.evaluation.summaries import by_class, confusions, curve, figures
from workers.images import LabelledFolder, embed_files

SPLIT_RULE = (
    "first byte of the SHA-1 of the file name, modulo 10: 0 held back, 1 test, 2 validation, the "
    "rest train"
)
_FITTED_AT_MOST = 5_000


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        queries: the images that search.
        split: which of their folder they are, for the record.
        gallery: what they search; None: each searches the others.
        training: images that the encoder was trained on, as one more gallery.
        fit: images that are not judged, to learn codes from.
        blur: whether the blur curve is wanted: 15 more passes over the queries.
        milvus: settings that name a server, or none to be started; None: no Milvus.
        skip_unreadable: leave out what is no image instead of refusing.
        command: for the record.

    Raises:
        ConfigError: there is nothing to tell apart: one class, or no two images of one.
    """

    queries: LabelledFolder
    split: str
    gallery: LabelledFolder | None = None
    training: LabelledFolder | None = None
    fit: LabelledFolder | None = None
    blur: bool = False
    milvus: Settings | None = None
    skip_unreadable: bool = False
    command: str = ""

    def __post_init__(self) -> None:
        _require_kin(self.queries, self.gallery or self.queries, within=self.gallery is None)


def study(question: Question, encoders: Sequence[tuple[str, Encoder]], say: Say) -> Evaluation:
    """Answer a question.

    Args:
        question: what to find out.
        encoders: label and encoder; the first is the subject, the others stand beside it in the
            plots. At least one.
        say: gets one line of progress at a time.

    Raises:
        ConfigError: there is nothing to tell apart: one class, or no two images of one.
        RejectedError: images cannot be read, and are not to be skipped.
    """
    asked = [_Asked(question, encoder, label, say) for label, encoder in encoders]
    methods = asked[0].methods()
    return Evaluation(
        version=__version__,
        command=question.command,
        data=asked[0].data(),
        encoders=[one.figures() for one in asked],
        methods=methods,
    )


class _Asked:
    """One encoder with what it makes of the images as they are."""

    def __init__(self, question: Question, encoder: Encoder, label: str, say: Say) -> None:
        self._question, self._encoder, self._label, self._say = question, encoder, label, say
        self._unreadable: list[str] = []
        self._queries, self._vectors = self._embedded(question.queries)
        self._gallery, self._gallery_vectors = self._queries, self._vectors
        self._within = question.gallery is None
        if question.gallery is not None:
            self._gallery, self._gallery_vectors = self._embedded(question.gallery)
        self._query_classes, self._gallery_classes, self._names = _shared(
            self._queries, self._gallery
        )
        _require_kin(self._queries, self._gallery, within=self._within)  # of what is readable
        self._fitted = 0

    def data(self) -> Data:
        """What was judged."""
        counts = np.bincount(self._query_classes)
        asked = self._question
        return Data(
            name=asked.queries.folder.resolve().name,
            split=asked.split,
            split_rule=SPLIT_RULE,
            gallery=asked.gallery.folder.resolve().name if asked.gallery else None,
            images=len(self._queries.paths),
            classes=int((counts > 0).sum()),
            single=int((counts == 1).sum()),
            unlabelled=asked.queries.unlabelled,
            unreadable=list(dict.fromkeys(self._unreadable)),
            fit=self._fitted,
        )

    def figures(self) -> EncoderFigures:
        """All that is asked of every encoder."""
        judged = self._judged(self._vectors)
        identity = self._encoder.identity
        return EncoderFigures(
            label=self._label,
            id=identity.id,
            name=identity.name,
            version=identity.version,
            weights_sha256=identity.weights_sha256,
            input_size_px=identity.input_size_px,
            dimension=identity.dimension,
            preprocessing=identity.preprocessing,
            figures=list(self._ways(judged)),
            map_at_k=curve(range(1, judged.relevant.shape[1] + 1), judged.average_precision),
            blur=self._blur(judged) if self._question.blur else None,
            classes=by_class(judged, self._names),
            confusions=self._confusions(judged),
        )

    def methods(self) -> list[SearchFigures]:
        """The ways to search these vectors."""
        self._say("comparing search methods")
        subject = Subject(
            self._vectors,
            self._query_classes,
            self._gallery_vectors,
            self._gallery_classes,
            self._within,
        )
        fit = None
        if self._question.fit is not None:
            _, fit = self._embedded(_some(self._question.fit))
            self._fitted = len(fit)
        with ExitStack() as stack:
            methods: list[Method] = list(methods_of(self._gallery_vectors, fit))
            if self._question.milvus is not None:
                from workers.evaluation.milvus import milvus_methods  # noqa: PLC0415  # heavy

                servers = milvus_methods(self._question.milvus, self._gallery_vectors, self._say)
                methods += stack.enter_context(servers)
            return compare(subject, methods)

    def _embedded(self, images: LabelledFolder) -> tuple[LabelledFolder, NDArray[np.float32]]:
        """The readable ones of the images, and their vectors."""
        self._say(f"{self._label}: embedding {len(images.paths):,} images of {images.folder.name}")
        found = embed_files(
            self._encoder,
            images.folder,
            images.paths,
            skip_unreadable=self._question.skip_unreadable,
        )
        self._unreadable += found.unreadable
        if not len(found.rows):
            raise ConfigError(f"{images.folder}: none of its images can be read.")
        paths = [images.paths[row] for row in found.rows]
        return replace(images, paths=paths, classes=images.classes[found.rows]), found.vectors

    def _disturbed(self, disturbance: Disturbance) -> Judged:
        """The rankings of the queries, changed."""
        queries = self._queries
        found = embed_files(self._encoder, queries.folder, queries.paths, change=disturbance)
        return self._judged(found.vectors)

    def _judged(self, queries: NDArray[np.float32]) -> Judged:
        found = nearest(queries, self._gallery_vectors, DEPTH, within=self._within)
        return judge(found, self._query_classes, self._gallery_classes, within=self._within)

    def _ways(self, judged: Judged) -> Iterator[Figures]:
        size = len(self._gallery.paths) - self._within
        yield figures("as they are", judged, size)
        self._say(f"{self._label}: turning and blurring the queries")
        yield figures("turned", self._disturbed(Disturbance(turn=True)), size)
        both = Disturbance(turn=True, kernel_px=KERNEL_PX)
        yield figures(f"turned and blurred ({KERNEL_PX} px)", self._disturbed(both), size)
        if self._question.training is not None:
            images, vectors = self._embedded(self._question.training)
            query_classes, classes, _ = _shared(self._queries, images)
            found = nearest(self._vectors, vectors, DEPTH)
            yield figures(
                "against training images", judge(found, query_classes, classes), len(classes)
            )

    def _blur(self, judged: Judged) -> Curve:
        values = [judged.average_precision_at(10)]
        for kernel_px in KERNELS_PX[1:]:
            self._say(f"{self._label}: queries blurred with a kernel of {kernel_px} px")
            disturbed = self._disturbed(Disturbance(kernel_px=kernel_px))
            values.append(disturbed.average_precision_at(10))
        return curve(KERNELS_PX, np.stack(values, axis=1))

    def _confusions(self, judged: Judged) -> list[Confusion]:
        def example(query: int, found: int) -> Example:
            cosine = float(self._vectors[query] @ self._gallery_vectors[found])
            paths = self._queries.paths[query], self._gallery.paths[found]
            return Example(query=paths[0], found=paths[1], distance=max(0.0, 1 - cosine))

        return confusions(judged, self._gallery_classes, self._names, example)


def _require_kin(queries: LabelledFolder, gallery: LabelledFolder, *, within: bool) -> None:
    """See that there is something to tell apart, and something to find."""
    query_classes, gallery_classes, names = _shared(queries, gallery)
    if len({*query_classes.tolist(), *gallery_classes.tolist()}) < 2:
        raise ConfigError(
            f"{queries.folder}: all images are of one class ({queries.names[0]}), so nothing can "
            "be told apart. Name a folder with one sub-folder for each class."
        )
    counts = np.bincount(gallery_classes, minlength=len(names)) - within
    if not (counts[query_classes] > 0).any():
        missing = "every class has one image" if within else "no class is in the gallery"
        raise ConfigError(f"{queries.folder}: {missing}, so no query has anything to find.")


def _shared(
    queries: LabelledFolder, gallery: LabelledFolder
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
    """Classes of queries and gallery as numbers of one list of names."""
    names = sorted({*queries.names, *gallery.names})
    index = {name: row for row, name in enumerate(names)}

    def numbers(images: LabelledFolder) -> NDArray[np.int64]:
        return np.array([index[name] for name in images.names], dtype=np.int64)[images.classes]

    return numbers(queries), numbers(gallery), names


def _some(images: LabelledFolder) -> LabelledFolder:
    """At most a few thousand of the images, spread evenly over them."""
    step = max(1, -(-len(images.paths) // _FITTED_AT_MOST))
    return replace(images, paths=images.paths[::step], classes=images.classes[::step])

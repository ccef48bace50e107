"""How far people agree on names, beyond what chance alone would bring.

Sources, by the names used below:

- Cohen (1960), A coefficient of agreement for nominal scales, Educ. Psychol. Meas. 20, 37-46.
- Fleiss, Cohen & Everitt (1969), Large sample standard errors of kappa and weighted kappa,
  Psychol. Bull. 72, 323-327: formula 13.
- Fleiss (1971), Measuring nominal scale agreement among many raters, Psychol. Bull. 76, 378-382.
- Gwet (2014), Handbook of Inter-Rater Reliability, 4th ed.: Fleiss' kappa where images have
  different numbers of raters, and its variance.
- Cicchetti & Feinstein (1990), High agreement but low kappa: II, J. Clin. Epidemiol. 43, 551-558:
  specific agreement.
- Wilson (1927), Probable inference, J. Am. Stat. Assoc. 22, 209-212.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

_Z = 1.959963984540054  # of a two-sided interval of 95%


@dataclass(frozen=True, slots=True)
class Kappa:
    """A kappa with its interval of 95%.

    Attributes:
        value: 1 = always, 0 = as chance would have it, below 0 = less often. None where chance
            alone brings full agreement, because everything was called the same.
        low: end of the interval; None where it can't be told, as for a single image.
        high: the other end.
        observed: share of agreement, 0…1.
        expected: share that chance would bring.
        images: how many it was computed from.
    """

    value: float | None
    low: float | None
    high: float | None
    observed: float
    expected: float
    images: int


@dataclass(frozen=True, slots=True)
class Share:
    """Some of a number, with Wilson's interval of 95%; the shares are None where it is of none."""

    hits: int
    of: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often rows were called columns.

    Attributes:
        taxa: names of rows and columns alike, the most frequent first.
        counts: int64 (taxa, taxa).
    """

    taxa: tuple[str, ...]
    counts: Counts


def confusion(pairs: Iterable[tuple[str, str]]) -> Confusion:
    """Count pairs of names: the first one is the row, the second one the column."""
    pairs = list(pairs)
    total: dict[str, int] = {}
    for pair in pairs:
        for taxon in pair:
            total[taxon] = total.get(taxon, 0) + 1
    taxa = tuple(sorted(total, key=lambda taxon: (-total[taxon], taxon)))
    place = {taxon: number for number, taxon in enumerate(taxa)}
    counts = np.zeros((len(taxa), len(taxa)), np.int64)
    for row, column in pairs:
        counts[place[row], place[column]] += 1
    return Confusion(taxa, counts)


def cohen(counts: Counts) -> Kappa | None:
    """Cohen's kappa of two people: 1 - (1 - po) / (1 - pe); None of no image.

    Its interval is that of Fleiss, Cohen & Everitt (1969), for large samples.

    Args:
        counts: int64 (k, k), one person's names in the rows, the other's in the columns.
    """
    images = int(counts.sum())
    if images == 0:
        return None
    p = counts / images
    rows, columns, same = p.sum(axis=1), p.sum(axis=0), np.diag(p)
    observed, expected = float(same.sum()), float(rows @ columns)
    if _is_one(expected):
        return Kappa(None, None, None, observed, expected, images)
    value = (observed - expected) / (1 - expected)
    diagonal = same @ ((1 - expected) - (rows + columns) * (1 - observed)) ** 2
    # p_ij (p_.i + p_j.)² off the diagonal
    crossed = p * (columns[:, np.newaxis] + rows[np.newaxis, :]) ** 2
    others = (1 - observed) ** 2 * (crossed.sum() - np.diag(crossed).sum())
    rest = (observed * expected - 2 * expected + observed) ** 2
    variance = float(diagonal + others - rest) / (images * (1 - expected) ** 4)
    return _kappa(value, variance if images > 1 else None, observed, expected, images)


def fleiss(ratings: Sequence[Collection[str]]) -> Kappa | None:
    """Fleiss' kappa of any number of people; None of no image that two have named.

    Where images have different numbers of raters it is Gwet's generalisation: an image with one
    rater is left out, agreement is the mean over images of the share of its pairs that agree, and a
    taxon's frequency is the mean over images of the share of raters that chose it, so that an image
    counts once however many named it. With equal numbers it is exactly Fleiss (1971).

    Args:
        ratings: for each image the names that it was given, one a person.
    """
    several = [names for names in ratings if len(names) > 1]
    if not several:
        return None
    taxa = {taxon: number for number, taxon in enumerate(sorted({t for n in several for t in n}))}
    given = np.zeros((len(several), len(taxa)))
    for row, names in enumerate(several):
        for taxon in names:
            given[row, taxa[taxon]] += 1
    return fleiss_of_counts(given)


def fleiss_of_counts(given: NDArray[np.float64]) -> Kappa:
    """The same of a table of images by taxa: how many people called an image so, at least two."""
    images = len(given)
    raters = given.sum(axis=1)
    agreed = (given * (given - 1)).sum(axis=1) / (raters * (raters - 1))
    shares = given / raters[:, np.newaxis]
    frequency = shares.mean(axis=0)
    observed, expected = float(agreed.mean()), float(frequency @ frequency)
    if _is_one(expected):
        return Kappa(None, None, None, observed, expected, images)
    value = (observed - expected) / (1 - expected)
    if images == 1:
        return _kappa(value, None, observed, expected, images)
    each = (agreed - expected) / (1 - expected)
    each -= 2 * (1 - value) * (shares @ frequency - expected) / (1 - expected)
    variance = float(((each - value) ** 2).sum()) / (images * (images - 1))
    return _kappa(value, variance, observed, expected, images)


def share(hits: int, of: int) -> Share:
    """A share with Wilson's interval, which stays within 0…1 also for few."""
    if of == 0:
        return Share(hits, of, None, None, None)
    p, z2 = hits / of, _Z**2
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z * sqrt(p * (1 - p) / of + z2 / (4 * of**2)) / (1 + z2 / of)
    return Share(hits, of, p, max(0.0, middle - half), min(1.0, middle + half))


def by_taxon(found: Confusion) -> Mapping[str, Share]:
    """Specific agreement: of the times that either called an image so, how often both did.

    Twice the images that both called so, of those that the one plus those that the other did
    (Cicchetti & Feinstein 1990). Only the share is of this count; its interval is left out, because
    the two names of an image are not independent.
    """
    same = np.diag(found.counts)
    either = found.counts.sum(axis=0) + found.counts.sum(axis=1)
    return {
        taxon: Share(int(2 * same[i]), int(either[i]), float(2 * same[i] / either[i]), None, None)
        for i, taxon in enumerate(found.taxa)
    }


def _kappa(
    value: float, variance: float | None, observed: float, expected: float, images: int
) -> Kappa:
    if variance is None:
        return Kappa(value, None, None, observed, expected, images)
    half = _Z * sqrt(max(0.0, variance))
    return Kappa(value, max(-1.0, value - half), min(1.0, value + half), observed, expected, images)


def _is_one(expected: float) -> bool:
    return bool(np.isclose(expected, 1.0, rtol=0, atol=1e-12))

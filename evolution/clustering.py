"""How many clusters the returns of trials fall into: the optimal number of clusters, ONC.

López de Prado and Lewis (2019), Detection of false investment strategies using unsupervised
learning methods, Quantitative Finance 19. Two trials are as far apart as √((1 - ρ) / 2), and a
trial is a row of its distances from all. k-means is tried with every k from 2 on; what is kept is
the partition with the highest quality, mean over deviation of the silhouettes (Rousseeuw 1987). The
clusters whose own quality is below the average are partitioned again by themselves, and that is
kept where it raises their average.

N trials. The same correlations give the same clusters: k-means begins from seeds that are given,
and adds up in one thread, so that sums do not depend on who was first.
"""

import warnings
from collections.abc import Sequence

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray

MOST = 64  # clusters that are looked for at once
SEEDS = range(5)  # of k-means; the paper begins ten times
FEWEST = 4  # trials of which a partition means anything
GRAIN = 12  # decimals of a correlation; beyond them two that are the same might differ


def n_clusters(correlation: FloatArray) -> int:
    """Return how many clusters there are by correlations (N, N), as many as trials if hardly any.

    A correlation that is not known is none.
    """
    if len(correlation) < FEWEST:
        return len(correlation)
    from threadpoolctl import threadpool_limits

    bounded: FloatArray = np.clip(np.nan_to_num(correlation), -1.0, 1.0)
    known = bounded.round(GRAIN)
    np.fill_diagonal(known, 1.0)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of k-means, about fewer points that differ than k
        return len(_top(known, np.arange(len(known))))


def _top(correlation: FloatArray, members: IntArray) -> list[IntArray]:
    """Return the clusters of members, those that hold together badly partitioned once more."""
    own = correlation[np.ix_(members, members)]
    clusters = _base(own)
    quality = _qualities(own, clusters)
    bad = [i for i, each in enumerate(quality) if each < quality.mean()]
    named = [members[each] for each in clusters]
    if len(bad) < 2 or len(bad) == len(clusters):
        return named
    again = np.concatenate([named[i] for i in bad])
    if len(again) < FEWEST:
        return named
    good = [each for i, each in enumerate(named) if i not in bad]
    fresh = [*good, *_top(correlation, again)]
    place = np.argsort(members, kind="stable")
    local = [place[np.searchsorted(members[place], each)] for each in fresh]
    better = _qualities(own, local).mean() > quality[bad].mean()
    return fresh if better else named


def _base(correlation: FloatArray) -> list[IntArray]:
    """Return the best partition that k-means finds."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import pairwise_distances, silhouette_samples

    points = _distances(correlation)
    apart = pairwise_distances(points)
    n_distinct = len(np.unique(points, axis=0))
    best, labels = -np.inf, np.zeros(len(points), np.int64)
    for seed in SEEDS:
        for k in range(2, min(MOST, n_distinct, len(points) - 1) + 1):
            found = KMeans(k, n_init=1, random_state=seed).fit(points).labels_
            if len(np.unique(found)) < 2:
                continue
            quality = _quality(silhouette_samples(apart, found, metric="precomputed"))
            if quality > best:
                best, labels = quality, found
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def _qualities(correlation: FloatArray, clusters: Sequence[IntArray]) -> FloatArray:
    """Return the quality of each cluster."""
    from sklearn.metrics import pairwise_distances, silhouette_samples

    if len(clusters) < 2:
        return np.zeros(len(clusters))
    labels = np.empty(len(correlation), np.int64)
    for number, each in enumerate(clusters):
        labels[each] = number
    apart = pairwise_distances(_distances(correlation))
    silhouettes = silhouette_samples(apart, labels, metric="precomputed")
    return np.array([_quality(silhouettes[each]) for each in clusters])


def _distances(correlation: FloatArray) -> FloatArray:
    return np.sqrt((1.0 - correlation) / 2.0)


def _quality(silhouettes: FloatArray) -> float:
    """Return mean over deviation; without any deviation, 0 of who is alone and else a lot."""
    mean, deviation = float(silhouettes.mean()), float(silhouettes.std())
    return mean / max(deviation, np.finfo(np.float64).eps)

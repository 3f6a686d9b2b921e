"""The null distribution of the distance, simulated once for all sizes of windows.

Without drift, sqrt(e) times the area between two empirical CDFs, e = n m / (n + m), follows
the integral of |B(F(x))| dx with B the uniform empirical process of e rows, a Brownian bridge for
many. B does not depend on the column, so all columns share one set of draws: a matrix product.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ml.drift.counting.kernels import count_uniforms

DRAWS: Final = 150_000
_CHUNK: Final = 5_000
_LOOKUP: Final = 1_024
_SIZES: Final = (50.0, 100.0, 200.0, 500.0, np.inf)
_LEVELS: Final = (0.5, 0.1, 0.03)
_TAIL_LEVEL: Final = 0.01
_LOG_LEVELS: Final = -np.log(np.array([*_LEVELS, _TAIL_LEVEL]))
_TAIL_POWER: Final = 1.5  # between an exponential tail (1) and a normal one (2)
_SIZE_POWER: Final = -0.75
# Ascending, on a scale on which the tail is nearly linear in the number of rows.
_SCALED_SIZES: Final = np.array([size**_SIZE_POWER for size in _SIZES])[::-1]
_SEED: Final = 20_170_101


def _shares() -> NDArray[np.float64]:
    """The points at which B is drawn: equidistant on the normal scale, so as to cover the tails."""
    return np.asarray(ndtr(np.arange(-3.4, 3.401, 0.05)), np.float64)


@dataclass(frozen=True, slots=True)
class DistanceNull:
    """sqrt(e) * distance without drift, in reference spreads, for a few sizes e.

    mean, square, tail: shape (sizes,); quantiles: shape (sizes, levels). `tail` is the mean excess
    of the distance to the power 1.5 over its last quantile, where it exceeds it.
    """

    mean: NDArray[np.float64]
    square: NDArray[np.float64]
    quantiles: NDArray[np.float64]
    tail: NDArray[np.float64]

    def limit(self, chance: float, effective_rows: float) -> float:
        """The quantile of the null: the distance exceeded with this probability without drift.

        Beyond the last simulated level the tail is extrapolated with q ** 1.5 linear in ln(chance):
        a normal tail would be linear in q ** 2, an exponential one in q. The slope uses every draw
        beyond that level; a slope from two quantiles, with few draws above them, put probabilities
        off by half.

        Args:
            chance: probability of exceeding the limit, 0-1.
            effective_rows: n m / (n + m) of n reference rows and m current rows.

        Returns:
            In reference spreads.
        """
        powered = self._at(self.quantiles, effective_rows) ** _TAIL_POWER
        wanted = -math.log(chance)
        value = float(np.interp(wanted, _LOG_LEVELS, powered))
        if wanted > _LOG_LEVELS[-1]:
            slope = float(self._at(self.tail, effective_rows))
            value = float(powered[-1]) + slope * (wanted - float(_LOG_LEVELS[-1]))
        return float(value ** (1 / _TAIL_POWER)) / math.sqrt(effective_rows)

    def mean_at(self, effective_rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean distance without drift, in reference spreads; same shape as the argument."""
        scaled = np.interp(effective_rows**_SIZE_POWER, _SCALED_SIZES, self.mean[::-1])
        return np.asarray(scaled / np.sqrt(effective_rows), np.float64)

    def square_at(self, effective_rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean squared distance without drift, in squared spreads; same shape as the argument."""
        scaled = np.interp(effective_rows**_SIZE_POWER, _SCALED_SIZES, self.square[::-1])
        return np.asarray(scaled / effective_rows, np.float64)

    @staticmethod
    def _at(table: NDArray[np.float64], effective_rows: float) -> NDArray[np.float64]:
        position = np.interp(
            effective_rows**_SIZE_POWER, _SCALED_SIZES, np.arange(len(_SIZES))[::-1]
        )
        low = min(int(position), len(_SIZES) - 2)
        part = position - low
        return np.asarray((1 - part) * table[low] + part * table[low + 1], np.float64)


def simulate_nulls(
    shapes: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]], *, draws: int = DRAWS
) -> list[DistanceNull]:
    """Simulate the null of every column, given (gaps, cdf) of its reference, shape (k,) each.

    The seed is fixed: equal references give equal limits everywhere.
    """
    shares = _shares()
    weights = np.stack([_weights(gaps, cdf, shares) for gaps, cdf in shapes], axis=1)
    rng = np.random.default_rng(_SEED)
    per_size = [_drawn(rng, shares, weights, size=size, draws=draws) for size in _SIZES]
    return [
        DistanceNull(
            mean=np.array([found.mean[j] for found in per_size]),
            square=np.array([found.square[j] for found in per_size]),
            quantiles=np.array([found.quantiles[:, j] for found in per_size]),
            tail=np.array([found.tail[j] for found in per_size]),
        )
        for j in range(len(shapes))
    ]


def _drawn(
    rng: np.random.Generator,
    shares: NDArray[np.float64],
    weights: NDArray[np.float32],
    *,
    size: float,
    draws: int,
) -> DistanceNull:
    """Simulate all columns at one size; result shapes are (columns,) and (levels, columns).

    Only the largest areas are kept from chunk to chunk: memory does not grow with `draws`.
    """
    columns = weights.shape[1]
    chunks = -(-draws // _CHUNK)
    chunk = -(-draws // chunks)
    beyond = max(round(_TAIL_LEVEL * chunk * chunks), 1)
    largest = np.zeros((columns, beyond + 1 + chunk), np.float32)
    mean, square = np.zeros(columns), np.zeros(columns)
    areas = np.zeros((columns, 0), np.float32)
    for _ in range(chunks):
        areas = (np.abs(_bridges(rng, shares, chunk, size)) @ weights).T
        mean += areas.mean(axis=1, dtype=np.float64) / chunks
        square += np.einsum("ij,ij->i", areas, areas, dtype=np.float64) / (chunk * chunks)
        largest[:, beyond + 1 :] = areas
        largest.partition(chunk, axis=1)
        largest[:, : beyond + 1] = largest[:, chunk:].copy()
    body = np.quantile(areas, 1 - np.array(_LEVELS), axis=1)  # the last chunk is enough
    kept = np.sort(largest[:, : beyond + 1].astype(np.float64), axis=1)
    powered = kept**_TAIL_POWER
    return DistanceNull(
        mean=mean,
        square=square,
        quantiles=np.vstack([body, kept[:, 0]]),
        tail=(powered[:, 1:] - powered[:, :1]).mean(axis=1),
    )


def _weights(
    gaps: NDArray[np.float64], cdf: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Weight of each share, shape (shares,): each gap is split between the nearest two shares."""
    right = np.clip(np.searchsorted(shares, cdf), 1, len(shares) - 1)
    part = np.clip((cdf - shares[right - 1]) / (shares[right] - shares[right - 1]), 0.0, 1.0)
    inside = (cdf > 0) & (cdf < 1)
    lengths = np.where(inside, gaps, 0.0)
    size = len(shares)
    left_sum = np.bincount(right - 1, weights=lengths * (1 - part), minlength=size)
    return np.asarray(left_sum + np.bincount(right, weights=lengths * part, minlength=size), "f4")


def _bridges(
    rng: np.random.Generator, shares: NDArray[np.float64], draws: int, size: float
) -> NDArray[np.float32]:
    """sqrt(size) (empirical CDF - share), shape (draws, shares); a Brownian bridge for size inf."""
    if np.isinf(size):
        steps = np.diff(shares, prepend=0.0, append=1.0)
        walk = rng.standard_normal((draws, len(steps)), dtype=np.float32)
        walk *= np.sqrt(steps).astype(np.float32)
        path = np.cumsum(walk, axis=1)
        return np.asarray(path[:, :-1] - shares.astype(np.float32) * path[:, -1:], np.float32)
    starts = np.searchsorted(shares, np.arange(_LOOKUP) / _LOOKUP, side="right")
    counts = np.empty((draws, len(shares)), np.float32)
    count_uniforms(rng.random((draws, int(size)), dtype=np.float32), shares, starts, counts)
    apart = np.cumsum(counts, axis=1) / np.float32(size) - shares.astype(np.float32)
    return np.asarray(apart * np.float32(np.sqrt(size)), np.float32)

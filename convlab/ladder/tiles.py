"""Tiles whose sums stay in the cache.

The sums of 512 lanes for four channels are 8 KB: they have memory of their own in the first-level
cache until all channels and taps are added, and are then written once.  The next turns make the
other channels of the same tile, whose input is still in the second-level cache.  Small maps fit
without that; large ones do not.  Blocking for caches: Lam, Rothberg & Wolf, "The cache performance
and optimizations of blocked algorithms", ASPLOS 1991.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numba import prange

from convlab.kernels.device import loop


@lru_cache
def convolve_with(kernel_width: int) -> Callable:
    @loop
    def convolve(x: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
        # x: (C, H, W, N) · weight: (O, C, KH, KW) · out: (O, OH, OW, N) · O: a multiple of 4
        outputs, height, width, images = out.shape
        _, channels, kernel_height, _ = weight.shape
        tile, batch = 512, np.uintp(images)
        blocks, tiles = outputs // 4, -(-width * images // tile)
        for turn in prange(height * tiles * blocks):
            o, oh, first = turn % blocks * 4, turn // blocks // tiles, turn // blocks % tiles * tile
            lanes = np.uintp(min(tile, width * images - first))
            sums = np.zeros((4, tile), out.dtype)
            y0, y1, y2, y3 = sums[0], sums[1], sums[2], sums[3]
            for c in range(channels):
                for kh in range(kernel_height):
                    row = x[c, oh + kh].reshape(-1)[first:]
                    w0, w1 = weight[o, c, kh], weight[o + 1, c, kh]
                    w2, w3 = weight[o + 2, c, kh], weight[o + 3, c, kh]
                    for lane in range(lanes):
                        s0, s1, s2, s3 = y0[lane], y1[lane], y2[lane], y3[lane]
                        for kw in range(np.uintp(kernel_width)):
                            value = row[kw * batch + lane]
                            s0 += w0[kw] * value
                            s1 += w1[kw] * value
                            s2 += w2[kw] * value
                            s3 += w3[kw] * value
                        y0[lane], y1[lane], y2[lane], y3[lane] = s0, s1, s2, s3
            for b in range(4):
                y, s = out[o + b, oh].reshape(-1)[first:], sums[b]
                for lane in range(lanes):
                    y[lane] = s[lane]

    return convolve

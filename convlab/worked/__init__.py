"""Worked examples: the arithmetic of convolution step by step, with the engine's numbers.

What lectures write on the board: each function computes with the same operations
that train networks, and returns what a figure or a terminal needs to show it.
"""

from convlab.worked.relations import SizeRelation, conv_size, conv_transpose_size, pool_size

__all__ = ["SizeRelation", "conv_size", "conv_transpose_size", "pool_size"]

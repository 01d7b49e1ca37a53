"""ONNX files: read into graphs, translated into layers, written from networks."""

from convlab.models.onnx import operators, tensors
from convlab.models.onnx.network import from_onnx
from convlab.models.onnx.writer import to_onnx

__all__ = ["from_onnx", "to_onnx"]

_TABLES = operators, tensors  # whose functions are registered by being imported

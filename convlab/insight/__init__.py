"""What a network does with an image, as arrays."""

from convlab.insight.trace import Activation, trace
from convlab.insight.units import UnitField, unit_field

__all__ = ["Activation", "UnitField", "trace", "unit_field"]

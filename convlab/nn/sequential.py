"""Layers one after another, or in a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from convlab.checks import instance
from convlab.errors import SpecError
from convlab.nn.fusion import Node, Step, fused, in_segments, is_own, run
from convlab.nn.module import Module
from convlab.tensors import Tensor


class Sequential(Module):
    """Modules one after another, called "0", "1", ... or by the keys of a dict."""

    def __init__(self, *modules: Module | Mapping[str, Module]):
        super().__init__()
        self._layers: list[tuple[Module, bool]] = []
        self._steps: list[Step] = []  # how these layers are run
        named: dict[str, Any]
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            named = dict(modules[0])
        else:
            named = {str(i): module for i, module in enumerate(modules)}
        for name, module in named.items():
            if not isinstance(module, Module):
                raise SpecError(f"Sequential: expected modules, got {type(module).__name__}")
            if hasattr(self, name):
                raise SpecError(f"Sequential: expected a name that is free, got {name!r}")
            setattr(self, name, module)

    def nodes(self) -> Iterator[Node]:
        """(name, layer, names of what it reads) of each layer; None is the input."""
        before = None
        for name, layer in self.named_children():
            yield name, layer, (before,)
            before = name

    def forward(self, x: Tensor) -> Tensor:
        found = (value for value in vars(self).values() if isinstance(value, Module))
        layers = [(layer, is_own(layer)) for layer in found]
        if layers != self._layers:
            self._layers, self._steps = layers, list(in_segments(fused(self.nodes())))
        return run(self._steps, x)

    def output_shape(self, shape):
        shapes: dict[str | None, tuple[int, ...]] = {None: tuple(shape)}
        for name, layer, sources in self.nodes():
            shape = shapes[name] = tuple(layer.output_shape(*(shapes[s] for s in sources)))
        return shape

    def __len__(self) -> int:
        return sum(1 for _ in self.named_children())

    def __iter__(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def __getitem__(self, key: int | str) -> Module:
        named = dict(self.named_children())
        return list(named.values())[key] if isinstance(key, int) else named[key]


class ModuleList(Module):
    """Modules in a list, called "0", "1", ...; the module around it says what is done with them."""

    def __init__(self, modules: Iterable[Module] = ()):
        super().__init__()
        self.extend(modules)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end."""
        setattr(self, str(len(self)), instance(module, "ModuleList", Module, "modules"))
        return self

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add modules at the end."""
        for module in modules:
            self.append(module)
        return self

    def __len__(self) -> int:
        return sum(1 for _ in self.named_children())

    def __iter__(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def __getitem__(self, key: int | slice) -> Module:
        found = list(self)[key]
        return ModuleList(found) if isinstance(found, list) else found

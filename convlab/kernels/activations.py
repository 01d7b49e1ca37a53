"""Activations of one number and a setting ``a``, whose backward needs what went in.

x, gradients: of any shape, without gaps; ``a``: a number, or one for each channel (C,) of
x: (C, ...) in C order.  Each activation has its value and its slope twice: for one number, which
is the definition and what a thread of a GPU does, and for runs of numbers by NumPy's vector code.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from convlab.kernels import cuda, memory
from convlab.kernels.calls import do
from convlab.kernels.device import loop
from convlab.kernels.dispatch import Kernel
from convlab.kernels.pointwise import flat, sigmoid_cuda, sigmoid_into

RUN = 1 << 14  # numbers for which all intermediate results stay in the cache

# On a GPU a Python number would turn float32 into a double: constants take the kind of x.

# --- leaky ReLU (Maas, Hannun & Ng 2013), PReLU (He et al. 2015): a is the slope below 0 ---------


def _leaky(x, a):
    return x if x > 0 else a * x


def _leaky_slope(x, a):
    return type(x)(1) if x > 0 else a


def _leaky_into(x, a, out):
    np.multiply(x, a, out=out)
    np.copyto(out, x, where=x > 0)


def _leaky_slope_into(x, a, out):
    out[...] = a
    np.copyto(out, 1, where=x > 0)


# --- ELU (Clevert, Unterthiner & Hochreiter 2016): a is what it tends to far below 0, negated ----


def _elu(x, a):
    return x if x > 0 else a * (math.exp(x) - type(x)(1))


def _elu_slope(x, a):
    return type(x)(1) if x > 0 else a * math.exp(x)


def _elu_into(x, a, out):
    np.expm1(np.minimum(x, 0), out=out)
    out *= a
    np.copyto(out, x, where=x > 0)


def _elu_slope_into(x, a, out):
    np.exp(np.minimum(x, 0), out=out)
    out *= a
    np.copyto(out, 1, where=x > 0)


# --- GELU (Hendrycks & Gimpel 2016): x times the share of a normal distribution below it ---------


def _gelu(x, a):
    half, root = type(x)(0.5), type(x)(math.sqrt(0.5))
    return half * x * (type(x)(1) + math.erf(x * root))


def _gelu_slope(x, a):
    half, root, peak = type(x)(0.5), type(x)(math.sqrt(0.5)), type(x)(1 / math.sqrt(2 * math.pi))
    below = half * (type(x)(1) + math.erf(x * root))
    return below + x * peak * math.exp(-half * x * x)


@loop(parallel=False)
def _erf_loop(x, out):
    for i in range(x.size):
        out[i] = math.erf(x[i])


def _share_below_into(x, out):
    np.multiply(x, x.dtype.type(math.sqrt(0.5)), out=out)
    _erf_loop(out, out)
    out += x.dtype.type(1)
    out *= x.dtype.type(0.5)


def _gelu_into(x, a, out):
    _share_below_into(x, out)
    out *= x


def _gelu_slope_into(x, a, out):
    _share_below_into(x, out)
    kind = x.dtype.type
    out += x * np.exp(x * x * kind(-0.5)) * kind(1 / math.sqrt(2 * math.pi))


# --- its approximation by tanh, as in GPT-2; a is not used ----------------------------------------

_BEND = 0.044715


def _gelu_tanh(x, a):
    scale = type(x)(math.sqrt(2 / math.pi))
    inner = scale * (x + type(x)(_BEND) * x * x * x)
    return type(x)(0.5) * x * (type(x)(1) + math.tanh(inner))


def _gelu_tanh_slope(x, a):
    one, half, scale = type(x)(1), type(x)(0.5), type(x)(math.sqrt(2 / math.pi))
    bend = type(x)(_BEND)
    t = math.tanh(scale * (x + bend * x * x * x))
    steep = scale * (one + type(x)(3) * bend * x * x)
    return half * (one + t) + half * x * (one - t * t) * steep


def _tanh_of_cubic(x):
    kind = x.dtype.type
    return np.tanh(kind(math.sqrt(2 / math.pi)) * x * (kind(1) + kind(_BEND) * x * x))


def _gelu_tanh_into(x, a, out):
    np.add(_tanh_of_cubic(x), x.dtype.type(1), out=out)
    out *= x
    out *= x.dtype.type(0.5)


def _gelu_tanh_slope_into(x, a, out):
    kind, t = x.dtype.type, _tanh_of_cubic(x)
    steep = kind(math.sqrt(2 / math.pi)) * (kind(1) + kind(3 * _BEND) * x * x)
    np.multiply(x * (kind(1) - t * t), steep, out=out)
    out += kind(1) + t
    out *= kind(0.5)


# --- SiLU, or swish (Elfwing, Uchibe & Doya 2018): x times its sigmoid; a is not used ------------


def _silu(x, a):
    return x * sigmoid_cuda(x)


def _silu_slope(x, a):
    one, s = type(x)(1), sigmoid_cuda(x)
    return s * (one + x * (one - s))


def _silu_into(x, a, out):
    sigmoid_into(x, out)
    out *= x


def _silu_slope_into(x, a, out):
    sigmoid_into(x, out)
    out *= x.dtype.type(1) + x * (x.dtype.type(1) - out)


# --- softplus (Dugas et al. 2001): log(1 + exp(x)), and x itself above a ------------------------


def _softplus(x, a):
    if x > a:
        return x
    return max(x, type(x)(0)) + math.log(type(x)(1) + math.exp(-abs(x)))


def _softplus_slope(x, a):
    return type(x)(1) if x > a else sigmoid_cuda(x)


def _softplus_into(x, a, out):
    np.logaddexp(x, x.dtype.type(0), out=out)
    np.copyto(out, x, where=x > a)


def _softplus_slope_into(x, a, out):
    sigmoid_into(x, out)
    np.copyto(out, 1, where=x > a)


# --- ReLU cut off at a: ReLU6 (Howard et al. 2017) ----------------------------------------------


def _capped(x, a):
    return type(x)(0) if x < 0 else a if x > a else x


def _capped_slope(x, a):
    return type(x)(1) if x > 0 and x < a else type(x)(0)


def _capped_into(x, a, out):
    np.clip(x, 0, a, out=out)


def _capped_slope_into(x, a, out):
    np.copyto(out, (x > 0) & (x < a))


# --- hard sigmoid and hard swish (Howard et al. 2019), straight between -a and a -----------------


def _hardsigmoid(x, a):
    y = (x + a) / (a + a)
    return type(x)(0) if y < 0 else type(x)(1) if y > 1 else y


def _hardsigmoid_slope(x, a):
    return type(x)(1) / (a + a) if x > -a and x < a else type(x)(0)


def _hardsigmoid_into(x, a, out):
    np.add(x, a, out=out)
    out /= a + a
    np.clip(out, 0, 1, out=out)


def _hardsigmoid_slope_into(x, a, out):
    np.multiply((x > -a) & (x < a), x.dtype.type(1) / (a + a), out=out)


def _hardswish(x, a):
    y = (x + a) / (a + a)
    return x * (type(x)(0) if y < 0 else type(x)(1) if y > 1 else y)


def _hardswish_slope(x, a):
    return type(x)(0) if x <= -a else type(x)(1) if x >= a else x / a + type(x)(0.5)


def _hardswish_into(x, a, out):
    _hardsigmoid_into(x, a, out)
    out *= x


def _hardswish_slope_into(x, a, out):
    np.divide(x, a, out=out)
    out += x.dtype.type(0.5)
    np.copyto(out, 0, where=x <= -a)
    np.copyto(out, 1, where=x >= a)


# --- the kernels ---------------------------------------------------------------------------------


def _setting_at(a, place):
    return a[place[0]] if np.ndim(a) else a


def _each(function: Callable, grad, x, a):
    out = np.empty_like(x)
    for i in np.ndindex(x.shape):
        y = function(x[i], x.dtype.type(_setting_at(a, i)))
        out[i] = y if grad is None else grad[i] * y
    return out


def _in_runs(into, a, out, x, grad=None):
    rows = a.size
    x, out = flat(x).reshape(rows, -1), flat(out).reshape(rows, -1)
    grad = None if grad is None else flat(grad).reshape(rows, -1)
    with np.errstate(over="ignore", invalid="ignore"):
        for row in range(rows):
            for start in range(0, x.shape[1], RUN):
                run = slice(start, start + RUN)
                into(x[row, run], a[row], out[row, run])
                if grad is not None:
                    out[row, run] *= grad[row, run]


def _spread(a, x):
    """A setting for each channel as an array of as many axes as ``x``."""
    return a.reshape(-1, *[1] * (x.ndim - 1)) if isinstance(a, cuda.CudaArray) else a


def _kernels(name: str, value, slope, value_into, slope_into) -> tuple[Kernel, Kernel]:
    """Forward (x, a) and backward (grad, x, a)."""

    def forward(x, a):
        out = memory.empty_like(x)
        do(_in_runs, value_into, np.asarray(a, x.dtype).reshape(-1), out, x)
        return out

    def backward(grad, x, a):
        out = memory.empty_like(x)
        do(_in_runs, slope_into, np.asarray(a, x.dtype).reshape(-1), out, x, grad)
        return out

    on_cuda, slope_on_cuda = cuda.Pointwise(value, 2), cuda.Pointwise(slope, 2)
    return (
        Kernel(
            f"activations.{name}_forward",
            lambda x, a: _each(value, None, x, a),
            forward,
            lambda x, a: on_cuda(x, _spread(a, x)),
        ),
        Kernel(
            f"activations.{name}_backward",
            lambda grad, x, a: _each(slope, grad, x, a),
            backward,
            lambda grad, x, a: slope_on_cuda(x, _spread(a, x)) * grad,
        ),
    )


# --- the gradient by a leaky ReLU's slope ---------------------------------------------------------


def _below(grad, x):
    return type(x)(0) if x > 0 else grad * x


def _below_reference(grad, x):
    out = np.empty_like(x)
    for i in np.ndindex(x.shape):
        out[i] = _below(grad[i], x[i])
    return out


def _below_into(grad, x, out):
    np.multiply(grad, x, out=out)
    np.copyto(out, 0, where=x > 0)


def _below_cpu(grad, x):
    out = memory.empty_like(x)
    do(_below_into, grad, x, out)
    return out


below = Kernel("activations.below", _below_reference, _below_cpu, cuda.Pointwise(_below, 2))

leaky = _kernels("leaky", _leaky, _leaky_slope, _leaky_into, _leaky_slope_into)
elu = _kernels("elu", _elu, _elu_slope, _elu_into, _elu_slope_into)
gelu = _kernels("gelu", _gelu, _gelu_slope, _gelu_into, _gelu_slope_into)
gelu_tanh = _kernels(
    "gelu_tanh", _gelu_tanh, _gelu_tanh_slope, _gelu_tanh_into, _gelu_tanh_slope_into
)
silu = _kernels("silu", _silu, _silu_slope, _silu_into, _silu_slope_into)
softplus = _kernels("softplus", _softplus, _softplus_slope, _softplus_into, _softplus_slope_into)
capped = _kernels("capped", _capped, _capped_slope, _capped_into, _capped_slope_into)
hardsigmoid = _kernels(
    "hardsigmoid", _hardsigmoid, _hardsigmoid_slope, _hardsigmoid_into, _hardsigmoid_slope_into
)
hardswish = _kernels(
    "hardswish", _hardswish, _hardswish_slope, _hardswish_into, _hardswish_slope_into
)

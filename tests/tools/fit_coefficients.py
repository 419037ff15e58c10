"""Prints the fitted and multi-word constants of csrc/kernels/math_*.h, as C++.

Needs mpmath. The other coefficients are those of Taylor series, fractions in the headers.
A polynomial is the interpolant in the Chebyshev nodes of its interval, computed with 300 bits and
rounded coefficient by coefficient; its error is measured on a grid and printed beside it.
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp  # type: ignore[import-untyped]

mp.mp.prec = 300
Function = Callable[[mp.mpf], mp.mpf]


def fit(f: Function, low: float, high: float, degree: int) -> list[mp.mpf]:
    """Coefficients (constant first) of the Chebyshev interpolant of f on [low, high]."""
    nodes = [mp.cos(mp.pi * (2 * k + 1) / (2 * degree + 2)) for k in range(degree + 1)]
    middle, half = (mp.mpf(low) + high) / 2, (mp.mpf(high) - low) / 2
    xs = [middle + half * node for node in nodes]
    matrix = mp.matrix([[x**j for j in range(degree + 1)] for x in xs])
    return list(mp.lu_solve(matrix, mp.matrix([f(x) for x in xs])))


def hex_double(x: mp.mpf) -> str:
    return float(x).hex()


def print_array(name: str, values: list[mp.mpf]) -> None:
    print(f"inline constexpr double {name}[] = {{")
    for value in values:
        print(f"    {hex_double(value)},")
    print("};")


def print_fit(
    name: str, f: Function, weight: Function, low: float, high: float, degree: int
) -> None:
    coefficients = fit(f, low, high, degree)
    rounded = [mp.mpf(float(c)) for c in coefficients]
    xs = [mp.mpf(low) + (mp.mpf(high) - low) * k / 1000 for k in range(1001)]
    error = max(abs(mp.polyval(rounded[::-1], x) - f(x)) * weight(x) for x in xs)
    print(f"// largest weighted error 2^{float(mp.log(error, 2)):.1f}")
    print_array(name, coefficients)


def one(_: mp.mpf) -> mp.mpf:
    return mp.mpf(1)


def erf_ratio(z: mp.mpf) -> mp.mpf:
    """erf(sqrt(z)) / sqrt(z) - 1."""
    return mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1 if z > 0 else 2 / mp.sqrt(mp.pi) - 1


# erfc(x) exp(x^2) on 1 <= x <= 6, as a function of u in [-1, 1]: 1 / (x + 2) = (11 + 5 u) / 48.
def x_of_u(u: mp.mpf) -> mp.mpf:
    return 48 / (11 + 5 * u) - 2


def scaled_erfc(u: mp.mpf) -> mp.mpf:
    return mp.erfc(x_of_u(u)) * mp.exp(x_of_u(u) ** 2)


# (x + 2) erfc(x) exp(x^2) for low <= x <= high, as a function of u in [-1, 1], which is linear in
# 1 / (x + 2).
def tail_of_erfc(low: float, high: float) -> Function:
    near, far = 1 / (mp.mpf(low) + 2), 1 / (mp.mpf(high) + 2)

    def f(u: mp.mpf) -> mp.mpf:
        d = 1 / ((near + far) / 2 + (near - far) / 2 * u)
        return d * mp.erfc(d - 2) * mp.exp((d - 2) ** 2)

    return f


def atan_ratio(z: mp.mpf) -> mp.mpf:
    """(atan(t) / t - 1) / z, z = t^2."""
    t = mp.sqrt(z)
    return (mp.atan(t) / t - 1) / z if z > mp.mpf(2) ** -100 else mp.mpf(-1) / 3


def split(x: mp.mpf, bits: list[int]) -> list[mp.mpf]:
    """x as a sum of doubles, the first of them truncated to so many bits."""
    parts = []
    for n in bits:
        if n == 53:
            part = mp.mpf(float(x))
        else:
            scale = mp.mpf(2) ** (n - 1 - int(mp.floor(mp.log(abs(x), 2))))
            part = mp.floor(x * scale) / scale
        parts.append(part)
        x -= part
    return parts


def main() -> None:
    for name, degree in (("kErfSmall", 13), ("kErfSmallShort", 7)):
        print_fit(name, erf_ratio, one, 0, 1, degree)
    for name, degree in (("kErfcScaled", 17),):
        print_fit(name, scaled_erfc, lambda u: mp.exp(-(x_of_u(u) ** 2)), -1, 1, degree)
    for name, high, degree in (("kErfcTail", 28, 20), ("kErfcTailShort", 10.5, 10)):
        f = tail_of_erfc(1, high)
        print_fit(name, f, lambda u, f=f: 1 / f(u), -1, 1, degree)  # type: ignore[misc]
    for name, degree in (("kAtan", 12), ("kAtanShort", 6)):
        print_fit(name, atan_ratio, lambda z: z, 0, 0.17158, degree)
    print_array("kLn2Whole", split(mp.log(2), [53, 53]))
    print_array("kLog2E", split(1 / mp.log(2), [53, 53]))
    print_array("kLog10E", split(1 / mp.log(10), [53, 53]))
    print_array("kLn2", split(mp.log(2), [42, 53]))
    print_array("kHalfPi", split(mp.pi / 2, [53, 53, 53]))
    print("inline constexpr std::uint64_t kTwoOverPi[] = {")
    print("    0,")
    x = 2 / mp.pi
    mp.mp.prec = 1500
    x = 2 / mp.pi
    for _ in range(19):
        x *= mp.mpf(2) ** 64
        word = int(mp.floor(x))
        print(f"    0x{word:016x},")
        x -= word
    print("};")


if __name__ == "__main__":
    main()

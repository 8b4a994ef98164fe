"""Derives every polynomial and table of `genovo_kernels::scalar` and writes the two kinds of Rust file.

    python3 kernels/tools/coefficients.py            write the files
    python3 kernels/tools/coefficients.py --check    write nothing, fail when a file differs

Needs mpmath (tried with 1.3.0). Nothing is taken from another library: a polynomial interpolates its
function at Chebyshev nodes in 80 digits (at most a small factor from the minimax error, and every degree
has room for it), then each coefficient is rounded once to f64 or f32. The error after that rounding is
measured on a dense grid and written next to the coefficients.
"""

import pathlib
import struct
import sys

from mpmath import mp, mpf

mp.dps = 80
SCALAR = pathlib.Path(__file__).resolve().parent.parent / "src" / "scalar"
LN2 = mp.ln(2)


def f64(x):
    """The nearest double, as an exact mpf (mpmath's own float() rounds to nearest even)."""
    return mpf(float(x))


def f32(x):
    """The nearest f32 of a value far from f32's limits, as an exact mpf."""
    mantissa, exponent = mp.frexp(x)
    return mp.ldexp(mp.nint(mp.ldexp(mantissa, 24)), int(exponent) - 24)


def to_multiple(x, bits):
    """x rounded to a multiple of 2^-bits."""
    return mp.ldexp(mp.nint(mp.ldexp(x, bits)), -bits)


def text(x, kind=f64):
    """The shortest decimal that Rust reads back as this very number."""
    if kind is f64:
        return repr(float(x))
    value = float(x)
    bits = struct.pack("<f", value)
    assert struct.unpack("<f", bits)[0] == value
    for digits in range(1, 18):
        short = float(f"{value:.{digits - 1}e}")
        if struct.pack("<f", short) == bits:
            return repr(short)
    raise AssertionError(value)


def interpolate(function, low, high, degree):
    """Coefficients of x^0, x^1, … of the polynomial through the Chebyshev nodes of [low, high]."""
    count = degree + 1
    middle, half = (mpf(low) + high) / 2, (mpf(high) - low) / 2
    nodes = [middle + half * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    # At 0 itself our functions are 0/0; a node may as well lie beside it.
    nodes = [half * mpf("1e-10") if abs(x) < half * mpf("1e-10") else x for x in nodes]
    table = [function(x) for x in nodes]
    for level in range(1, count):  # divided differences, in place
        for i in range(count - 1, level - 1, -1):
            table[i] = (table[i] - table[i - 1]) / (nodes[i] - nodes[i - level])
    result = [mpf(0)] * count
    for i in range(count - 1, -1, -1):  # Newton form to powers of x
        shifted = [mpf(0)] + result[:-1]
        result = [s - nodes[i] * r for s, r in zip(shifted, result)]
        result[0] += table[i]
    return result


def log2_error(approximation, truth, low, high, points=400):
    """log2 of the largest relative error on a grid that leaves out 0."""
    worst = mpf(0)
    for i in range(points + 1):
        x = low + (mpf(high) - low) * i / points
        if x == 0:
            continue
        exact = truth(x)
        worst = max(worst, abs((approximation(x) - exact) / exact))
    return float(mp.log(worst, 2))


def horner(coefficients, x):
    total = mpf(0)
    for c in reversed(coefficients):
        total = total * x + c
    return total


def constant(name, doc, value, kind=f64):
    rust = "f64" if kind is f64 else "f32"
    return f"/// {doc}\npub(super) const {name}: {rust} = {text(kind(value), kind)};\n"


def array(name, doc, values, kind=f64):
    rust = "f64" if kind is f64 else "f32"
    out = [f"/// {line}" for line in doc.split("\n")]
    out += ["#[rustfmt::skip]", f"pub(super) const {name}: [{rust}; {len(values)}] = ["]
    out += rows([text(v, kind) for v in values], "    ")
    return "\n".join(out + ["];"]) + "\n"


def rows(words, indent):
    """Words in lines of at most 110 columns."""
    lines, line = [], indent
    for word in words:
        if len(line) + len(word) + 2 > 108:
            lines.append(line.rstrip())
            line = indent
        line += word + ", "
    return lines + [line.rstrip()]


def table(name, doc, entries, width):
    out = [f"/// {line}" for line in doc.split("\n")]
    out += ["#[rustfmt::skip]", f"pub(super) static {name}: [[f64; {width}]; {len(entries)}] = ["]
    for entry in entries:
        words = rows([text(v) for v in entry], "     ")
        words[0] = "    [" + words[0].lstrip()
        words[-1] = words[-1].rstrip(",") + "],"
        out += words
    return "\n".join(out + ["];"]) + "\n"


HEADER = """//! {about}
//!
//! Written by `kernels/tools/coefficients.py`: change it there. Decimals are the shortest that read back as
//! the very same number. An error is relative, after the coefficients were rounded.
#![allow(clippy::approx_constant, reason = "a rounded high part is not the constant it resembles")]
"""


def elementary_f64():
    parts = [HEADER.format(about="Polynomials and tables of exp, ln, sin, cos, atan and atanh in f64.")]

    # exp: 2^(j/64) · e^r, |r| <= ln2/128 with a little room for a rounded quotient.
    high = to_multiple(LN2 / 64, 42)
    limit = LN2 / 128 * mpf("1.001")
    q = [f64(c) for c in interpolate(lambda r: (mp.exp(r) - 1 - r) / r**2, -limit, limit, 4)]
    error = log2_error(lambda r: 1 + r + r * r * horner(q, r), mp.exp, -limit, limit)
    parts += [
        constant("EXP_STEPS", "64 / ln 2: how many table steps one unit of the argument is.", 64 / LN2),
        constant("EXP_STEP_HIGH", "ln 2 / 64, a multiple of 2^-42: up to 2^17 times it is exact.", high),
        constant("EXP_STEP_LOW", "What `EXP_STEP_HIGH` leaves of ln 2 / 64.", LN2 / 64 - high),
        array("EXP_POLY", f"e^r ≈ 1 + r + r²·poly(r) for |r| ≤ ln 2 / 128, error 2^{error:.1f}.", q),
        table("EXP_TABLE", "2^(j/64) for j in 0..64 as a double and the rest.",
              [[f64(mpf(2) ** (mpf(j) / 64)), mpf(2) ** (mpf(j) / 64) - f64(mpf(2) ** (mpf(j) / 64))]
               for j in range(64)], 2),
    ]

    # ln: x = 2^k · z, z in [0.707, 1.414); z · inverse is so close to 1 that r = z · inverse - 1 is exact.
    entries = []
    for i in range(128):
        cell = 53 + i  # in 128ths of an octave, from 1/2
        low, top = [(1 + mpf(c) / 128) / 2 if c < 128 else mpf(c) / 128 for c in (cell, cell + 1)]
        inverse = to_multiple(2 / (low + top), 7 if low < 1 else 8)
        if low == 1 or top == 1:
            inverse = mpf(1)  # next to 1 nothing may be lost: ln x itself is tiny there
        assert max(abs(low * inverse - 1), abs(top * inverse - 1)) <= mpf(2) ** -7, (i, low)
        logarithm = -mp.ln(inverse)
        first = to_multiple(logarithm, 42)
        entries.append([inverse, first, logarithm - first])
    limit = mpf(2) ** -7
    p = [f64(c) for c in interpolate(lambda r: (mp.log1p(r) - r + r * r / 2) / r**3, -limit, limit, 7)]
    error = log2_error(lambda r: r - r * r / 2 + r**3 * horner(p, r), mp.log1p, -limit, limit)
    high = to_multiple(LN2, 42)
    parts += [
        constant("LN2_HIGH", "ln 2, a multiple of 2^-42: an exponent times it is exact.", high),
        constant("LN2_LOW", "What `LN2_HIGH` leaves of ln 2.", LN2 - high),
        array("LN_POLY", f"ln(1+r) ≈ r - r²/2 + r³·poly(r) for |r| ≤ 2^-7, error 2^{error:.1f}.", p),
        table("LN_TABLE", "128 cells of [0.707, 1.414): an inverse c of at most 8 bits, and -ln c as a"
              "\nmultiple of 2^-42 and the rest. Both cells that touch 1 have c = 1.", entries, 3),
    ]

    # sin and cos on [-π/4, π/4].
    limit = mp.pi / 4 * mpf("1.0001")
    of_sin = lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z
    of_cos = lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2
    s = [f64(v) for v in interpolate(of_sin, mpf(0), limit**2, 7)]
    c = [f64(v) for v in interpolate(of_cos, mpf(0), limit**2, 6)]
    sin_error = log2_error(lambda r: r + r**3 * horner(s, r * r), mp.sin, mpf(0), limit)
    cos_error = log2_error(lambda r: 1 - r * r / 2 + r**4 * horner(c, r * r), mp.cos, mpf(0), limit)
    half_pi = f64(mp.pi / 2)
    parts += [
        array("SIN_POLY", f"sin r ≈ r + r³·poly(r²) for |r| ≤ π/4, error 2^{sin_error:.1f}.", s),
        array("COS_POLY", "cos r ≈ 1 - r²/2 + r⁴·poly(r²) for |r| ≤ π/4, error 2^"
              f"{cos_error:.1f}.", c),
        constant("HALF_PI_HIGH", "π/2 rounded to a double.", half_pi),
        constant("HALF_PI_LOW", "What `HALF_PI_HIGH` leaves of π/2.", mp.pi / 2 - half_pi),
    ]
    # 2/π after one word of zeros; the last window starts at bit 64 + 969 and is three words long.
    words = 21
    mp.dps = 500
    integer = int(mp.floor(mp.ldexp(2 / mp.pi, 64 * (words - 1))))
    mp.dps = 80
    chunks = [(integer >> (64 * (words - 1 - i))) & (2**64 - 1) for i in range(words)]
    lines = rows([f"0x{w:016x}" for w in chunks], "    ")
    parts.append(
        "/// The binary digits of 2/π, most significant first, after 64 zeros that stand left of the point.\n"
        f"#[rustfmt::skip]\npub(super) static TWO_OVER_PI: [u64; {words}] = [\n"
        + "\n".join(lines) + "\n];\n")

    # atan: 33 centres c = i/32, and |t| <= 1/64 with a little room.
    limit = mpf(1) / 64 * mpf("1.01")
    of_atan = lambda z: (mp.atan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z
    a = [f64(v) for v in interpolate(of_atan, mpf(0), limit**2, 3)]
    error = log2_error(lambda t: t + t**3 * horner(a, t * t), mp.atan, mpf(0), limit)
    arcs = [mp.atan(mpf(i) / 32) for i in range(33)]
    entries = [[f64(arc), arc - f64(arc)] for arc in arcs]
    parts += [
        array("ATAN_POLY", f"atan t ≈ t + t³·poly(t²) for |t| ≤ 1/64, error 2^{error:.1f}.", a),
        table("ATAN_TABLE", "atan(i/32) for i in 0..=32 as a double and the rest.", entries, 2),
    ]

    # atan of a quotient: up to tan(pi/8) with a little room, no table.
    limit = mp.tan(mp.pi / 8) * mpf("1.0001")
    a = [f64(v) for v in interpolate(of_atan, mpf(0), limit**2, 10)]
    error = log2_error(lambda t: t + t**3 * horner(a, t * t), mp.atan, mpf(0), limit)
    parts.append(array("ARC_POLY", f"atan t ≈ t + t³·poly(t²) for |t| ≤ tan(π/8), error 2^{error:.1f}.", a))

    # atanh: what is left once halves of ln 2 are taken away, by the nearest but for 0.0861 of one.
    limit = mp.tanh(mpf("0.5861") * mp.ln(2) / 2)
    of_atanh = lambda z: (mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z
    a = [f64(v) for v in interpolate(of_atanh, mpf(0), limit**2, 7)]
    error = log2_error(lambda t: t + t**3 * horner(a, t * t), mp.atanh, mpf(0), limit)
    doc = f"atanh t ≈ t + t³·poly(t²) for |t| ≤ {float(limit):.4f}, error 2^{error:.1f}."
    parts.append(array("ATANH_POLY", doc, a))
    return "\n".join(parts)


def quantile_tail(s):
    """-Φ⁻¹(e^(-s²/2)) by Newton's rule on ln Φ, which is nearly a parabola."""
    target = -s * s / 2
    x = s - mp.ln(s * mp.sqrt(2 * mp.pi)) / s if s > 2 else mpf(1)
    for _ in range(60):
        upper = mp.erfc(x / mp.sqrt(2)) / 2
        density = mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)
        step = (mp.ln(upper) - target) * upper / density
        x += step
        if abs(step) < mpf(10) ** (-mp.dps + 15):
            return x
    raise AssertionError(s)


def quantile_centre(u):
    """Φ⁻¹(1/2 + u) by Newton's rule."""
    x = u * mp.sqrt(2 * mp.pi)
    for _ in range(60):
        step = (mp.erf(x / mp.sqrt(2)) / 2 - u) * mp.sqrt(2 * mp.pi) * mp.exp(x * x / 2)
        x -= step
        if abs(step) < mpf(10) ** (-mp.dps + 10):
            return x
    raise AssertionError(u)


def octave_cells(first, last):
    """(middle, half width) of eighths of octaves, from the one that starts at `first` until past `last`."""
    start = mpf(first)
    while start < last:
        width = mp.ldexp(1, int(mp.floor(mp.log(start, 2)))) / 8
        yield start + width / 2, width / 2
        start += width


def local_table(function, cells, degree, origin):
    """One row a cell: value at the middle as two doubles, then c1..; and the worst relative error of all."""
    entries, worst = [], mpf("-inf")
    for middle, half in cells:
        limit = half * mpf("1.0001")
        local = lambda s, m=middle: function(m - origin + s)
        c = interpolate(local, -limit, limit, degree)
        row = [f64(c[0]), f64(c[0] - f64(c[0]))] + [f64(v) for v in c[1:]]
        error = log2_error(lambda s: row[0] + row[1] + s * horner(row[2:], s), local, -limit, limit, 12)
        worst = max(worst, error)
        entries.append(row)
    return entries, float(worst)


def normal_f64():
    mp.dps = 50
    parts = [HEADER.format(about="Tables of the normal distribution in f64: upper tail and quantile.")]
    mills = lambda a: mp.erfc(a / mp.sqrt(2)) * mp.exp(a * a / 2) / 2
    entries, error = local_table(mills, octave_cells(1, 40), 11, 1)
    parts.append(table(
        "TAIL_TABLE",
        "Φ(-a)·e^(a²/2) around the middle of each eighth of an octave of 1 + a, a from 0 to 39:"
        f"\nvalue as two doubles, then the coefficients of s, s², … Error 2^{error:.1f}.",
        entries, len(entries[0])))
    entries, error = local_table(quantile_tail, octave_cells(mpf("1.625"), mpf("38.7")), 11, 0)
    parts.append(table(
        "QUANTILE_TABLE",
        "-Φ⁻¹(e^(-s²/2)) around the middle of each eighth of an octave of s, s from 1.625 to 40:"
        f"\nvalue as two doubles, then the coefficients. Error 2^{error:.1f}.", entries, len(entries[0])))
    limit = mpf(1) / 16
    c = interpolate(lambda z: quantile_centre(mp.sqrt(z)) / mp.sqrt(z), mpf(0), limit, 17)
    high = f64(mp.sqrt(2 * mp.pi))
    rest = [f64(c[0] - high)] + [f64(v) for v in c[1:]]
    error = log2_error(lambda u: u * (high + horner(rest, u * u)), quantile_centre, mpf(0), mpf(1) / 4, 60)
    parts += [
        constant("QUANTILE_SLOPE", "√(2π), the slope of Φ⁻¹ at 1/2, rounded to a double.", high),
        array("QUANTILE_POLY", "Φ⁻¹(1/2+u) ≈ u·(slope + poly(u²)) for |u| ≤ 1/4, error 2^"
              f"{error:.1f}.", rest),
    ]
    mp.dps = 80
    return "\n".join(parts)


def elementary_f32():
    parts = [HEADER.format(about="Polynomials of exp, ln, sine, cosine and softplus in f32.")]
    limit = LN2 / 2 * mpf("1.0001")
    q = [f32(c) for c in interpolate(lambda r: (mp.exp(r) - 1 - r) / r**2, -limit, limit, 4)]
    error = log2_error(lambda r: 1 + r + r * r * horner(q, r), mp.exp, -limit, limit)
    high = to_multiple(LN2, 14)
    parts += [
        constant("LOG2_E", "1 / ln 2.", 1 / LN2, f32),
        constant("LN2_HIGH", "ln 2, a multiple of 2^-14: an exponent times it is exact.", high, f32),
        constant("LN2_LOW", "What `LN2_HIGH` leaves of ln 2.", LN2 - high, f32),
        array("EXP_POLY", f"e^r ≈ 1 + r + r²·poly(r) for |r| ≤ ln 2 / 2, error 2^{error:.1f}.", q, f32),
    ]
    low, top = mp.sqrt(mpf(1) / 2) - 1, mp.sqrt(2) - 1
    p = [f32(c) for c in interpolate(lambda r: (mp.log1p(r) - r + r * r / 2) / r**3, low, top, 8)]
    error = log2_error(lambda r: r - r * r / 2 + r**3 * horner(p, r), mp.log1p, low, top)
    doc = f"ln(1+r) ≈ r - r²/2 + r³·poly(r) for 1+r in [√½, √2], error 2^{error:.1f}."
    parts.append(array("LN_POLY", doc, p, f32))
    limit = mpf(1) / 8 * mpf("1.0001")
    turn = 2 * mp.pi
    s = interpolate(lambda z: mp.sin(turn * mp.sqrt(z)) / mp.sqrt(z), mpf(0), limit**2, 4)
    rest = [f32(s[0] - f32(turn))] + [f32(v) for v in s[1:]]
    c = [f32(v) for v in interpolate(lambda z: (mp.cos(turn * mp.sqrt(z)) - 1) / z, mpf(0), limit**2, 3)]
    sine, cosine = lambda f: f * (f32(turn) + horner(rest, f * f)), lambda f: 1 + f * f * horner(c, f * f)
    sin_error = log2_error(sine, lambda f: mp.sin(turn * f), mpf(0), limit)
    cos_error = log2_error(cosine, lambda f: mp.cos(turn * f), mpf(0), limit)
    sin_doc = f"sin(2πf) ≈ f·(2π rounded + poly(f²)) for |f| ≤ 1/8, error 2^{sin_error:.1f}."
    cos_doc = f"cos(2πf) ≈ 1 + f²·poly(f²) for |f| ≤ 1/8, error 2^{cos_error:.1f}."
    parts += [
        constant("TURN", "2π rounded to f32.", turn, f32),
        array("SIN_POLY", sin_doc, rest, f32),
        array("COS_POLY", cos_doc, c, f32),
    ]
    limit = mpf(1) / 3
    of_atanh = lambda z: 2 * (mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z
    a = [f32(v) for v in interpolate(of_atanh, mpf(0), limit**2, 4)]
    error = log2_error(lambda t: 2 * t + t**3 * horner(a, t * t), lambda t: 2 * mp.atanh(t), mpf(0), limit)
    doc = f"2·atanh t ≈ 2t + t³·poly(t²) for |t| ≤ 1/3, error 2^{error:.1f}."
    parts.append(array("ATANH_POLY", doc, a, f32))
    return "\n".join(parts)


def main():
    check = "--check" in sys.argv[1:]
    for path, make in (("f64/coefficients.rs", elementary_f64), ("f64/normal_tables.rs", normal_f64),
                       ("f32/coefficients.rs", elementary_f32)):
        file = SCALAR / path
        content = make()
        if check and file.read_text() != content:
            sys.exit(f"{path} differs from what its generator derives")
        if not check:
            file.write_text(content)
            print(path, content.count("\n"), "lines, widest", max(len(line) for line in content.split("\n")))


if __name__ == "__main__":
    main()

"""Writes the tables that `tests/golden.rs` measures every function against, from 60 and more digits.

    python3 kernels/tools/golden.py            write kernels/tests/golden/*.csv
    python3 kernels/tools/golden.py --check    write nothing, fail when a file differs
    python3 kernels/tools/golden.py --wide 50 DIR    50 times as many points, another seed, to DIR

The wide tables are where the documented errors come from: `GENOVO_KERNELS_GOLDEN=DIR cargo test -p
genovo-kernels golden -- --nocapture` measures them.

Needs mpmath (tried with 1.3.0). One row: the input's bits, the correctly rounded result's bits, and what the
rounding left, in ulp of the result (between -0.5 and 0.5). Random points come from a seed, so a second run
writes the same bytes.
"""

import math
import pathlib
import random
import struct
import sys

from mpmath import mp, mpf

mp.dps = 60
FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"


class Format:
    """A binary format: how to round into it, and how its bits look."""

    def __init__(self, precision, least, largest, code, word):
        self.precision, self.least, self.largest = precision, least, largest
        self.code, self.word = code, word
        self.bits_count = struct.calcsize(code) * 8

    def round(self, x):
        """(bits, what is left in ulp) of an exact mpf, a signed zero or an infinity as float."""
        if isinstance(x, float) or x == 0:
            return self.bits(float(x)), mpf(0)
        sign = -1 if x < 0 else 1
        magnitude = abs(x)
        exponent = max(int(mp.floor(mp.log(magnitude, 2))), self.least + self.precision - 1)
        ulp = mp.ldexp(1, exponent - self.precision + 1)
        steps = magnitude / ulp
        if steps >= mp.ldexp(1, self.precision):  # the logarithm was a hair off a power of two
            ulp, steps = ulp * 2, steps / 2
        whole = mp.nint(steps)
        if whole * ulp > self.largest:
            return self.bits(sign * math.inf), mpf(0)
        return self.bits(sign * float(whole * ulp), sign), sign * (steps - whole)

    def bits(self, x, sign=1):
        if x == 0 and sign < 0:
            x = -0.0
        return struct.unpack(self.word, struct.pack(self.code, x))[0]

    def value(self, bits):
        return struct.unpack(self.code, struct.pack(self.word, bits))[0]

    def random(self, rng):
        """Any finite number, uniform over the bits."""
        while True:
            x = self.value(rng.getrandbits(self.bits_count))
            if math.isfinite(x):
                return x

    def around(self, x, reach=2):
        """The number nearest to x and its neighbours, some last places to both sides."""
        bits = self.bits(self.nearest(x))
        return [self.value(bits + d) for d in range(-reach, reach + 1) if bits + d >= 0]

    def nearest(self, x):
        return self.value(self.bits(float(x)))


F64 = Format(53, -1074, mpf(sys.float_info.max), "<d", "<Q")
F32 = Format(24, -149, mp.ldexp(2**24 - 1, 104), "<f", "<I")


def ln(x):
    """math.log, but the same bits on every machine."""
    with mp.workdps(20):
        return float(mp.ln(mpf(x)))


def log_uniform(rng, low, high):
    with mp.workdps(20):
        return float(mp.exp(rng.uniform(ln(low), ln(high))))


def signed(values):
    return [s * v for v in values for s in (1, -1)]


def both_exp(fmt, rng, count, overflow, underflow, subnormal):
    points = [rng.uniform(underflow, overflow) for _ in range(count)]
    points += [rng.uniform(-1, 1) for _ in range(count // 2)]
    points += [rng.uniform(underflow, subnormal) for _ in range(count // 4)]
    points += signed([log_uniform(rng, 1e-20, 1) for _ in range(count // 4)])
    for edge in (overflow, underflow, subnormal):
        points += fmt.around(edge, 8)
    points += [k * ln(2) / 128 for k in range(-200, 200)]
    return points + [0.0, 1.0, -1.0]


def both_ln(fmt, rng, count):
    points = [abs(fmt.random(rng)) for _ in range(count)]
    points += [1 + rng.uniform(-0.3, 0.45) for _ in range(count)]
    points += [1 + s * log_uniform(rng, 2.0**-52, 0.01) for s in (1, -1) for _ in range(count // 6)]
    points += fmt.around(1.0, 20) + fmt.around(0.7071067811865476, 8) + fmt.around(1.4142135623730951, 8)
    points += [fmt.value(b) for b in (1, 2, 3, 5, 1000)]
    points += [1 + (i - 0.5) / 128 for i in range(1, 60)]
    points += fmt.around(float(mp.ldexp(1, fmt.least + fmt.precision - 1))) + [float(fmt.largest)]
    return [x for x in points if x > 0]


def worst_for_pi():
    """Doubles famous for lying next to a multiple of π/2 (found again by the continued fraction of π)."""
    found = []
    with mp.workdps(400):
        for exponent in range(-52, 972, 7):
            # m · 2^exponent ≈ n · π/2 with m < 2^53: convergents of 2^exponent / (π/2).
            x = mp.ldexp(1, exponent) / (mp.pi / 2)
            (p0, q0), (p1, q1) = (0, 1), (1, 0)
            for _ in range(400):
                whole = int(mp.floor(x))
                (p0, q0), (p1, q1) = (p1, q1), (p1 * whole + p0, q1 * whole + q0)
                if q1 >= 2**53:
                    break
                x = 1 / (x - whole)
            if q0 >= 2**40:
                found.append(math.ldexp(q0, exponent))
    return [x for x in found if math.isfinite(x)]


def circle_points(rng, count):
    points = [rng.uniform(-0.8, 0.8) for _ in range(count // 2)]
    points += [rng.uniform(-20, 20) for _ in range(count // 2)]
    points += [rng.uniform(-1e6, 1e6) for _ in range(count // 4)]
    points += [F64.random(rng) for _ in range(count // 2)]
    points += signed([log_uniform(rng, 1e-12, 1) for _ in range(count // 8)])
    for k in list(range(1, 40)) + [100, 1000, 10**6, 2**30 + 1]:
        points += F64.around(float(k * mp.pi / 4), 1)
    points += signed([6381956970095103.0 * 2.0**797, sys.float_info.max, 2.0**1023])
    points += signed([0.7853981633974483, 5e-324])
    return points + worst_for_pi()


def precise(function, x):
    """function(x) with enough digits for x of any magnitude."""
    with mp.workdps(60 + 2 * max(0, math.frexp(x)[1] // 3)):
        return function(mpf(x))


def phi(x):
    return mp.erfc(-mpf(x) / mp.sqrt(2)) / 2


def quantile(p):
    """Φ⁻¹(p): bisection by doublings of digits would do; Newton's rule on ln Φ is quicker."""
    p = mpf(p)
    if p == mpf(1) / 2:
        return mpf(0)
    upper = p > mpf(1) / 2
    q = 1 - p if upper else p
    x = mp.sqrt(-2 * mp.ln(q)) if q < 0.02 else mpf(0.5)
    if abs(p - mpf(1) / 2) < 0.25:
        u = p - mpf(1) / 2
        x = u * mp.sqrt(2 * mp.pi)
        for _ in range(50):
            step = (mp.erf(x / mp.sqrt(2)) / 2 - u) * mp.sqrt(2 * mp.pi) * mp.exp(x * x / 2)
            x -= step
            if abs(step) <= abs(x) * mpf(10) ** -35:
                return x
    for _ in range(100):
        tail = mp.erfc(x / mp.sqrt(2)) / 2
        step = mp.ln(tail / q) * tail * mp.sqrt(2 * mp.pi) * mp.exp(x * x / 2)
        x += step
        if abs(step) <= abs(x) * mpf(10) ** -35:
            return x if upper else -x
    raise AssertionError(p)


def power_points(rng, count):
    points = []
    for _ in range(count):
        x = abs(F64.random(rng))
        if x == 0 or x == 1:
            continue
        points.append((x, rng.uniform(-745, 709) / ln(x)))
        points.append((rng.uniform(0.5, 2), rng.uniform(-300, 300)))
    for _ in range(count // 2):
        x = 1 + rng.choice((1, -1)) * log_uniform(rng, 1e-15, 1e-2)
        points.append((x, rng.uniform(-745, 709) / ln(x)))
        points.append((rng.uniform(0, 100), rng.randrange(-20, 20)))
        points.append((-rng.uniform(0, 100), rng.randrange(-20, 20)))
        points.append((rng.uniform(0, 100), rng.choice((0.5, -0.5, 1.5, 0.25, 1 / 3, 0.1))))
        points.append((abs(F64.random(rng)), rng.uniform(-1e-10, 1e-10)))
    for _ in range(count // 4):  # subnormal results
        x = log_uniform(rng, 1e-300, 0.9)
        points.append((x, rng.uniform(-745.2, -708) / ln(x)))
        points.append((rng.getrandbits(52) * 5e-324, rng.uniform(-0.9, 0.99)))
    points += [(2.0, float(k)) for k in range(-1075, 1024, 19)]
    points += [(10.0, float(k)) for k in range(-323, 309, 13)]
    points += [(float(b), float(n)) for b in (3, 5, 7, -3) for n in range(0, 23)]
    return [(x, y) for x, y in points if x != 0 and y != 0 and math.isfinite(y)]


def ratio_points(rng, count):
    """Pairs of near numbers for the most part, as successive prices are."""
    points = []
    for _ in range(count):
        b = log_uniform(rng, 1e-3, 1e6)
        points.append((b * (1 + rng.choice((1, -1)) * log_uniform(rng, 1e-16, 0.05)), b))
        points.append((b * (1 + rng.uniform(-0.0625, 0.0646)), b))
    for _ in range(count // 4):
        b = abs(F64.random(rng)) or 1.0
        points.append((b * log_uniform(rng, 1e-3, 1e3), b))
        points.append((b * (1 + rng.uniform(-0.01, 0.01)), b))
        points.append((log_uniform(rng, 1e-150, 1e150), log_uniform(rng, 1e-150, 1e150)))
    points += [(a, 1.0) for a in F64.around(33 / 31, 8) + F64.around(31 / 33, 8) + F64.around(1.0, 8)]
    points += [(round(a, 2), round(b, 2)) for a, b in points[:count // 2] if b > 1]
    return [(a, b) for a, b in points if 0 < a and 0 < b and math.isfinite(a) and 2.0**-1000 < a / b < 2.0**1000]


def ratio_logarithm(a, b):
    return 0.0 if a == b else mp.ln(mpf(a) / mpf(b))


def ratio_angle(y, x):
    if y == 0:
        return y / x
    return math.copysign(1, y) * math.copysign(1, x) * mp.pi / 2 if x == 0 else mp.atan(mpf(y) / mpf(x))


def real_power(x, y):
    sign = -1 if x < 0 and int(y) % 2 else 1
    return sign * mp.exp(mpf(y) * mp.ln(abs(mpf(x))))


def turns(function):
    def of(x):
        exact = mpf(x) - mp.floor(mpf(x))
        quarters = exact * 4
        if quarters == mp.floor(quarters):
            names = {"sin": (0, 1, 0, -1), "cos": (1, 0, -1, 0)}[function]
            value = names[int(quarters)]
            return math.copysign(0.0, x if function == "sin" else 1.0) if value == 0 else mpf(value)
        return getattr(mp, function)(2 * mp.pi * exact)
    return of


def turn_points(rng, count):
    points = [rng.uniform(-1, 1) for _ in range(count)] + [F32.random(rng) for _ in range(count // 2)]
    points += [rng.uniform(-1e4, 1e4) for _ in range(count // 4)]
    for k in range(-24, 25):
        points += F32.around(k / 8, 2)
    points += signed([8388607.5, 8388608.0, 4194303.75, 4194304.5, 1e10, 2.0**-149, 1e-30])
    return points + [0.0, -0.0]


def curve_points(rng, count):
    points = [rng.uniform(-110, 40) for _ in range(count)] + [rng.uniform(-6, 6) for _ in range(count)]
    points += signed([log_uniform(rng, 1e-30, 1) for _ in range(count // 8)])
    for edge in (-103.97208, -103.27893, -87.33655, -30.0, -20.0, 0.6931472, 17.0, 20.0, 30.0, 88.72283):
        points += F32.around(edge, 4)
    return points + [0.0, 1.0, -1.0, -1e38, 1e38]


def softplus(x):
    return mp.log1p(mp.exp(mpf(x))) if x < 200 else mpf(x)


def sigmoid(x):
    return mp.exp(mpf(x)) / (1 + mp.exp(mpf(x))) if x < 0 else 1 / (1 + mp.exp(-mpf(x)))


def keep_zero(function):
    """A function with f(±0) = ±0."""
    return lambda x: x if x == 0 else precise(function, x)


def tables(seed, wide):
    """(file name, format, function, inputs) of each table; the inputs of pow and ln_ratio are pairs."""
    rng = random.Random(seed)
    yield "f64_exp", F64, lambda x: mp.exp(mpf(x)), both_exp(
        F64, rng, 1200 * wide, 709.782712893384, -745.1332191019412, -708.3964185322641)
    yield "f64_ln", F64, lambda x: mp.ln(mpf(x)) if x != 1 else 0.0, both_ln(F64, rng, 1100 * wide)
    circle = circle_points(rng, 1200 * wide)
    yield "f64_sin", F64, keep_zero(mp.sin), circle
    yield "f64_cos", F64, lambda x: precise(mp.cos, x), circle
    yield "f64_tan", F64, keep_zero(mp.tan), circle
    arcs = [F64.random(rng) for _ in range(900 * wide)] + [rng.uniform(-3, 3) for _ in range(900 * wide)]
    arcs += signed([log_uniform(rng, 1e-9, 1e18) for _ in range(400 * wide)])
    arcs += [(i + 0.5) / 32 for i in range(40)]
    arcs += signed([0.0, 1.0, 2.0**-27, 2.0**60, 5e-324, sys.float_info.max] + F64.around(1.0, 4))
    yield "f64_atan", F64, keep_zero(mp.atan), arcs
    yield "f64_pow", F64, real_power, power_points(rng, 500 * wide)
    bell = [rng.uniform(-38.6, 8.5) for _ in range(1300 * wide)]
    bell += [rng.uniform(-3, 3) for _ in range(800 * wide)]
    bell += signed([log_uniform(rng, 1e-300, 1) for _ in range(150 * wide)])
    bell += [rng.uniform(-38.6, -37.4) for _ in range(200 * wide)]
    bell += F64.around(8.292361075813595, 8) + [-i / 16 for i in range(617)] + [0.0, -0.0]
    bell += [rng.uniform(7.5, 8.6) for _ in range(60 * wide)]
    bell = [x for x in bell if x > -38.6]
    yield "f64_normal_cdf", F64, phi, bell
    chances = [rng.random() for _ in range(1000 * wide)]
    chances += [log_uniform(rng, 1e-300, 0.5) for _ in range(900 * wide)]
    chances += [1 - log_uniform(rng, 2.0**-53, 0.5) for _ in range(300 * wide)]
    chances += [0.5 + s * log_uniform(rng, 2.0**-53, 0.3) for s in (1, -1) for _ in range(150 * wide)]
    chances += [rng.getrandbits(52) * 5e-324 for _ in range(80 * wide)]
    chances += [5e-324, 1e-323, 2.0**-1022, 1 - 2.0**-53]
    for edge in (0.25, 0.5, 0.75):
        chances += F64.around(edge, 6)
    yield "f64_normal_quantile", F64, quantile, [p for p in chances if 0 < p < 1]
    yield "f32_exp", F32, lambda x: mp.exp(mpf(x)), both_exp(
        F32, rng, 700 * wide, 88.72283, -103.97208, -87.33655)
    yield "f32_ln", F32, lambda x: mp.ln(mpf(x)) if x != 1 else 0.0, both_ln(F32, rng, 600 * wide)
    spins = turn_points(rng, 700 * wide)
    yield "f32_sin_turns", F32, turns("sin"), spins
    yield "f32_cos_turns", F32, turns("cos"), spins
    curves = curve_points(rng, 700 * wide)
    yield "f32_sigmoid", F32, sigmoid, curves
    yield "f32_softplus", F32, softplus, curves
    yield "f64_ln_ratio", F64, ratio_logarithm, ratio_points(rng, 700 * wide)
    angles = [rng.uniform(-1, 1) for _ in range(1200 * wide)]
    angles += signed([log_uniform(rng, 1e-300, 1) for _ in range(300 * wide)])
    angles += signed([1 - log_uniform(rng, 2.0**-53, 0.5) for _ in range(300 * wide)])
    for k in range(1, 60):
        # Where one more half of ln 2 is taken away.
        angles += F64.around(math.tanh((k - 0.5) * math.log(2) / 2), 2)
    angles = [x for x in angles if abs(x) < 1] + [0.0, -0.0, 5e-324]
    quotients = [(rng.gauss(0, 1), rng.gauss(0, 1)) for _ in range(1500 * wide)]
    quotients += [(log_uniform(rng, 1e-150, 1e150), -log_uniform(rng, 1e-150, 1e150)) for _ in range(400 * wide)]
    for k in range(-4, 5):
        # Where the way changes.
        quotients += [(math.tan(k * math.pi / 8) * x, x) for x in (rng.uniform(-9, 9) for _ in range(40))]
    quotients += [(0.0, 3.0), (-0.0, 3.0), (0.0, -3.0), (3.0, 0.0), (-3.0, 0.0), (2.0, 2.0), (2.0, -2.0)]
    # Shares of such numbers are rounded to whole smallest ones.
    smallest = 5e-324
    quotients += [(j * smallest, k * smallest) for j in (1, 2, 3, 5, 12) for k in (1, 2, -3, 7, 11, 1000)]
    yield "f64_atan_ratio", F64, ratio_angle, quotients
    yield "f64_atanh", F64, keep_zero(mp.atanh), angles


def rows(fmt, function, inputs):
    digits = fmt.bits_count // 4
    seen = set()
    for point in inputs:
        point = tuple(fmt.nearest(v) for v in (point if isinstance(point, tuple) else (point,)))
        key = tuple(fmt.bits(v) for v in point)
        if key in seen or (fmt is F32 and not all(math.isfinite(v) for v in point)):
            continue
        seen.add(key)
        result, left = fmt.round(function(*point))
        cells = [f"{bits:0{digits}x}" for bits in key + (result,)]
        yield ",".join(cells + [f"{float(left):.4f}" if left else "0"])


def main():
    arguments = sys.argv[1:]
    check = arguments == ["--check"]
    folder, seed, wide = FOLDER, 20110611, 1
    if arguments[:1] == ["--wide"]:
        folder, seed, wide = pathlib.Path(arguments[2]), 20260726, int(arguments[1])
    for name, fmt, function, inputs in tables(seed, wide):
        file = folder / f"{name}.csv"
        content = "\n".join(rows(fmt, function, inputs)) + "\n"
        if check and file.read_text() != content:
            sys.exit(f"{file.name} differs from what its generator derives")
        if not check:
            file.write_text(content)
            print(file.name, content.count("\n"), "rows", len(content), "bytes", flush=True)


if __name__ == "__main__":
    main()

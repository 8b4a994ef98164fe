//! Opcodes against the PTX ISA, with the values at their edges.

use super::bench::{Bench, text};

/// What 32 bits come out where `body` computes `%r9` from inputs in `%r2`, `%r3`, `%r4`.
fn narrow(body: &str, inputs: [u32; 3]) -> u32 {
    let body = format!(
        "ld.global.b32 %r2, [%rd1]; ld.global.b32 %r3, [%rd1+4]; ld.global.b32 %r4, [%rd1+8];\n{body}\n\
         st.global.b32 [%rd1+12], %r9;"
    );
    let mut bench = Bench::body(&body).unwrap_or_else(|error| panic!("{body}\n{error}"));
    let address = bench.give([inputs[0], inputs[1], inputs[2], 0]);
    bench.launch(1, 1, address).unwrap_or_else(|finding| panic!("{body}\n{finding}"));
    bench.words(address, 4)[3]
}

/// Likewise 64 bits, `%rd9` from `%rd2`, `%rd3`, `%rd4`.
fn wide(body: &str, inputs: [u64; 3]) -> u64 {
    let body = format!(
        "ld.global.b64 %rd2, [%rd1]; ld.global.b64 %rd3, [%rd1+8]; ld.global.b64 %rd4, [%rd1+16];\n{body}\n\
         st.global.b64 [%rd1+24], %rd9;"
    );
    let mut bench = Bench::body(&body).unwrap_or_else(|error| panic!("{body}\n{error}"));
    let halves = |value: u64| [value as u32, (value >> 32) as u32];
    let [a, b, c] = inputs.map(halves);
    let address = bench.give([a[0], a[1], b[0], b[1], c[0], c[1], 0, 0]);
    bench.launch(1, 1, address).unwrap_or_else(|finding| panic!("{body}\n{finding}"));
    let words = bench.words(address, 8);
    u64::from(words[6]) | u64::from(words[7]) << 32
}

const MIN: u32 = i32::MIN as u32;
const ONE: u32 = 0x3f80_0000;
const INF: u32 = 0x7f80_0000;
const NAN: u32 = 0x7fff_ffff;

#[test]
fn integers_of_32_bits() {
    let table: &[(&str, [u32; 3], u32)] = &[
        ("add.s32", [u32::MAX, 1, 0], 0),
        ("sub.u32", [0, 1, 0], u32::MAX),
        ("mul.lo.s32", [0x8000_0001, 3, 0], 0x8000_0003),
        ("mul.hi.s32", [MIN, 2, 0], u32::MAX),
        ("mul.hi.u32", [MIN, 2, 0], 1),
        ("div.s32", [MIN, u32::MAX, 0], MIN),
        ("div.s32", [(-7i32) as u32, 2, 0], (-3i32) as u32),
        ("div.u32", [(-7i32) as u32, 2, 0], 0x7fff_fffc),
        ("rem.s32", [(-7i32) as u32, 2, 0], u32::MAX),
        ("rem.u32", [7, 4, 0], 3),
        ("min.s32", [u32::MAX, 1, 0], u32::MAX),
        ("min.u32", [u32::MAX, 1, 0], 1),
        ("max.s32", [u32::MAX, 1, 0], 1),
        ("max.u32", [u32::MAX, 1, 0], u32::MAX),
        ("and.b32", [0b1100, 0b1010, 0], 0b1000),
        ("or.b32", [0b1100, 0b1010, 0], 0b1110),
        ("xor.b32", [0b1100, 0b1010, 0], 0b0110),
        ("shl.b32", [1, 31, 0], MIN),
        ("shl.b32", [1, 32, 0], 0),
        ("shl.b32", [1, u32::MAX, 0], 0),
        ("shr.u32", [MIN, 31, 0], 1),
        ("shr.u32", [MIN, 32, 0], 0),
        ("shr.b32", [MIN, 4, 0], 0x0800_0000),
        ("shr.s32", [MIN, 31, 0], u32::MAX),
        ("shr.s32", [MIN, 300, 0], u32::MAX),
    ];
    for (opcode, inputs, expected) in table {
        let found = narrow(&format!("{opcode} %r9, %r2, %r3;"), *inputs);
        assert_eq!(found, *expected, "{opcode} {inputs:x?}: {found:#x}");
    }
    let unary: &[(&str, u32, u32)] = &[
        ("not.b32", 0xffff_0000, 0xffff),
        ("cnot.b32", 0, 1),
        ("cnot.b32", 5, 0),
        ("neg.s32", MIN, MIN),
        ("abs.s32", MIN, MIN),
        ("abs.s32", (-3i32) as u32, 3),
        ("popc.b32", 0xf0f0, 8),
        ("clz.b32", 0, 32),
        ("clz.b32", 0x00ff_0000, 8),
        ("brev.b32", 1, MIN),
        ("bfind.u32", 0, u32::MAX),
        ("bfind.u32", 0x8000, 15),
        ("bfind.s32", u32::MAX, u32::MAX),
        ("bfind.s32", (-3i32) as u32, 1),
        ("bfind.shiftamt.u32", 1, 31),
        ("bfind.shiftamt.s32", 0, u32::MAX),
    ];
    for (opcode, input, expected) in unary {
        let found = narrow(&format!("{opcode} %r9, %r2;"), [*input, 0, 0]);
        assert_eq!(found, *expected, "{opcode} {input:#x}: {found:#x}");
    }
    let ternary: &[(&str, [u32; 3], u32)] = &[
        ("mad.lo.s32", [7, 6, 100], 142),
        ("mad.hi.u32", [MIN, 4, 1], 3),
        ("bfe.u32", [0xabcd_ef01, 8, 8], 0xef),
        ("bfe.s32", [0xabcd_ef01, 8, 8], 0xffff_ffef),
        ("bfe.s32", [0xabcd_ef01, 28, 8], 0xffff_fffa),
        ("bfe.u32", [0xabcd_ef01, 0, 0], 0),
        ("bfe.s32", [MIN, 40, 4], u32::MAX),
        ("bfe.u32", [u32::MAX, 0, 32], u32::MAX),
        ("prmt.b32", [0x0403_0201, 0x0807_0605, 0x7531], 0x0806_0402),
        ("prmt.b32", [0x0000_0080, 0, 0x8888], u32::MAX),
        ("shf.l.wrap.b32", [MIN, 1, 33], 3),
        ("shf.l.clamp.b32", [0xdead, 0xbeef, 40], 0xdead),
        ("shf.r.wrap.b32", [MIN, 1, 33], 0xc000_0000),
        ("shf.r.clamp.b32", [0xdead, 0xbeef, 40], 0xbeef),
        ("sad.s32", [u32::MAX, 3, 10], 14),
        ("sad.u32", [100, 3, 10], 107),
        ("dp4a.s32.s32", [0xff02_0304, 0x0101_0101, 10], 18),
        ("dp4a.u32.u32", [0xff02_0304, 0x0101_0101, 10], 255 + 19),
    ];
    for (opcode, inputs, expected) in ternary {
        let found = narrow(&format!("{opcode} %r9, %r2, %r3, %r4;"), *inputs);
        assert_eq!(found, *expected, "{opcode} {inputs:x?}: {found:#x}");
    }
    assert_eq!(narrow("bfi.b32 %r9, %r2, %r3, %r4, 8;", [0xab, u32::MAX, 4,]), 0xffff_fabf);
    assert_eq!(narrow("bfi.b32 %r9, %r2, %r3, 28, 8;", [0xab, 0, 0]), 0xb000_0000);
    assert_eq!(narrow("lop3.b32 %r9, %r2, %r3, %r4, 0x96;", [0b1100, 0b1010, 0b1111]), 0b1001);
    assert_eq!(narrow("lop3.b32 %r9, %r2, %r3, %r4, 0xE8;", [0b1100, 0b1010, 0b0001]), 0b1000);
}

#[test]
fn integers_of_64_and_16_bits() {
    let table: &[(&str, [u64; 3], u64)] = &[
        ("add.s64 %rd9, %rd2, %rd3;", [u64::MAX, 2, 0], 1),
        ("mul.lo.u64 %rd9, %rd2, %rd3;", [1 << 40, 1 << 30, 0], 0),
        ("mul.hi.u64 %rd9, %rd2, %rd3;", [1 << 40, 1 << 30, 0], 1 << 6),
        ("mul.hi.s64 %rd9, %rd2, %rd3;", [u64::MAX, 3, 0], u64::MAX),
        ("mad.lo.s64 %rd9, %rd2, %rd3, %rd4;", [3, 5, u64::MAX], 14),
        ("div.s64 %rd9, %rd2, %rd3;", [(-9i64) as u64, 2, 0], (-4i64) as u64),
        ("rem.u64 %rd9, %rd2, %rd3;", [1 << 63, 10, 0], 8),
        ("shl.b64 %rd9, %rd2, 63;", [3, 0, 0], 1 << 63),
        ("shl.b64 %rd9, %rd2, 64;", [3, 0, 0], 0),
        ("shr.s64 %rd9, %rd2, 100;", [1 << 63, 0, 0], u64::MAX),
        ("bfe.s64 %rd9, %rd2, 60, 4;", [1 << 63, 0, 0], u64::MAX - 7),
        ("bfi.b64 %rd9, %rd2, %rd3, 32, 32;", [7, 9, 0], 7 << 32 | 9),
        ("brev.b64 %rd9, %rd2;", [1, 0, 0], 1 << 63),
        ("popc.b64 %r9, %rd2; cvt.u64.u32 %rd9, %r9;", [u64::MAX, 0, 0], 64),
        ("clz.b64 %r9, %rd2; cvt.u64.u32 %rd9, %r9;", [1, 0, 0], 63),
        ("mul.wide.s32 %rd9, -2, 3;", [0; 3], (-6i64) as u64),
        ("mul.wide.u32 %rd9, -1, 3;", [0; 3], 0x2_ffff_fffd),
        ("mad.wide.s32 %rd9, -2, 3, %rd2;", [10, 0, 0], 4),
        ("cvt.u32.u64 %r9, %rd2; cvt.s64.s32 %rd9, %r9;", [0x1_8000_0000, 0, 0], 0xffff_ffff_8000_0000),
        ("mov.b64 {%r9, %r10}, %rd2; mov.b64 %rd9, {%r10, %r9};", [1 << 32 | 2, 0, 0], 2 << 32 | 1),
        ("{ .reg .b32 %low; mov.b64 {%low, %r10}, %rd2; cvt.u64.u32 %rd9, %r10; }", [5 << 32, 0, 0], 5),
        ("mov.b64 {_, %r10}, %rd2; cvt.u64.u32 %rd9, %r10;", [5 << 32, 0, 0], 5),
        (".reg .b128 %q; mov.b128 %q, {%rd2, %rd3}; mov.b128 {%rd5, %rd9}, %q;", [1, 2, 0], 2),
        (
            "cvt.u16.u64 %h1, %rd2; add.s16 %h1, %h1, 1; cvt.s64.s16 %rd9, %h1;",
            [0x7fff, 0, 0],
            0xffff_ffff_ffff_8000,
        ),
        ("cvt.u16.u64 %h1, %rd2; mul.wide.s16 %r9, %h1, %h1; cvt.u64.u32 %rd9, %r9;", [0xffff, 0, 0], 1),
        ("cvt.u16.u64 %h1, %rd2; shr.s16 %h1, %h1, 4; cvt.u64.u16 %rd9, %h1;", [0x8000, 0, 0], 0xf800),
        (
            "cvt.u16.u64 %h1, %rd2; mov.b32 %r9, {%h1, %h1}; cvt.u64.u32 %rd9, %r9;",
            [0xabcd, 0, 0],
            0xabcd_abcd,
        ),
        (
            "cvt.u16.u64 %h1, %rd2; cvt.s32.s8 %r9, %h1; cvt.s64.s32 %rd9, %r9;",
            [0x180, 0, 0],
            (-128i64) as u64,
        ),
        ("cvt.sat.s8.s64 %r9, %rd2; cvt.s64.s32 %rd9, %r9;", [1000, 0, 0], 127),
        ("cvt.sat.u32.s64 %r9, %rd2; cvt.u64.u32 %rd9, %r9;", [(-5i64) as u64, 0, 0], 0),
    ];
    for (body, inputs, expected) in table {
        let found = wide(body, *inputs);
        assert_eq!(found, *expected, "{body} {inputs:x?}: {found:#x}");
    }
}

#[test]
fn singles_round_to_the_nearest_and_keep_denormals() {
    let f = f32::to_bits;
    let tiny = 1;
    let table: &[(&str, [u32; 3], u32)] = &[
        ("add.rn.f32 %r9, %r2, %r3;", [f(1.0), f(f32::EPSILON / 2.0), 0], ONE),
        ("add.rn.f32 %r9, %r2, %r3;", [ONE + 1, f(f32::EPSILON / 2.0), 0], ONE + 2),
        ("add.f32 %r9, %r2, %r3;", [INF, INF | MIN, 0], NAN),
        ("sub.rn.f32 %r9, %r2, %r3;", [2, 1, 0], tiny),
        ("mul.rn.f32 %r9, %r2, %r3;", [f(f32::MIN_POSITIVE), f(0.5), 0], 0x0040_0000),
        ("mul.rn.f32 %r9, %r2, %r3;", [f(f32::MAX), f(2.0), 0], INF),
        ("fma.rn.f32 %r9, %r2, %r3, %r4;", [ONE + 1, ONE + 1, f(-1.0)], f((ONE_UP * ONE_UP - 1.0) as f32)),
        ("fma.rn.f32 %r9, %r2, %r3, %r4;", [0, INF, ONE], NAN),
        ("div.rn.f32 %r9, %r2, %r3;", [ONE, f(3.0), 0], f(1.0 / 3.0)),
        ("div.rn.f32 %r9, %r2, %r3;", [f(1e-38), f(1e3), 0], f(1e-38 / 1e3)),
        ("div.rn.f32 %r9, %r2, %r3;", [ONE | MIN, 0, 0], INF | MIN),
        ("sqrt.rn.f32 %r9, %r2;", [f(2.0), 0, 0], f(2f32.sqrt())),
        ("sqrt.rn.f32 %r9, %r2;", [tiny, 0, 0], f(f32::from_bits(1).sqrt())),
        ("sqrt.rn.f32 %r9, %r2;", [f(-1.0), 0, 0], NAN),
        ("sqrt.rn.f32 %r9, %r2;", [MIN, 0, 0], MIN),
        ("rcp.rn.f32 %r9, %r2;", [f(3.0), 0, 0], f(1.0 / 3.0)),
        ("abs.f32 %r9, %r2;", [f(-2.0), 0, 0], f(2.0)),
        ("neg.f32 %r9, %r2;", [0, 0, 0], MIN),
        ("min.f32 %r9, %r2, %r3;", [NAN, ONE, 0], ONE),
        ("max.f32 %r9, %r2, %r3;", [ONE, NAN, 0], ONE),
        ("max.f32 %r9, %r2, %r3;", [NAN, NAN, 0], NAN),
        ("min.f32 %r9, %r2, %r3;", [0, MIN, 0], MIN),
        ("max.f32 %r9, %r2, %r3;", [MIN, 0, 0], 0),
        ("copysign.f32 %r9, %r2, %r3;", [MIN, ONE, 0], ONE | MIN),
        ("mov.f32 %r9, 0f40490FDB;", [0; 3], 0x4049_0fdb),
        ("cvt.rni.s32.f32 %r9, %r2;", [f(2.5), 0, 0], 2),
        ("cvt.rni.s32.f32 %r9, %r2;", [f(-3.5), 0, 0], (-4i32) as u32),
        ("cvt.rzi.s32.f32 %r9, %r2;", [f(-3.9), 0, 0], (-3i32) as u32),
        ("cvt.rmi.s32.f32 %r9, %r2;", [f(-3.1), 0, 0], (-4i32) as u32),
        ("cvt.rpi.s32.f32 %r9, %r2;", [f(3.1), 0, 0], 4),
        ("cvt.rzi.s32.f32 %r9, %r2;", [f(1e20), 0, 0], i32::MAX as u32),
        ("cvt.rzi.u32.f32 %r9, %r2;", [f(-5.0), 0, 0], 0),
        ("cvt.rzi.s32.f32 %r9, %r2;", [NAN, 0, 0], 0),
        ("cvt.rzi.u32.f32 %r9, %r2;", [INF, 0, 0], u32::MAX),
        ("cvt.rni.f32.f32 %r9, %r2;", [f(-0.5), 0, 0], MIN),
        ("cvt.rpi.f32.f32 %r9, %r2;", [f(0.1), 0, 0], ONE),
        ("cvt.sat.f32.f32 %r9, %r2;", [f(7.0), 0, 0], ONE),
        ("cvt.sat.f32.f32 %r9, %r2;", [NAN, 0, 0], 0),
        ("cvt.rn.f32.s32 %r9, %r2;", [0x0100_0001, 0, 0], f(16_777_216.0)),
        ("cvt.rn.f32.s32 %r9, %r2;", [u32::MAX, 0, 0], f(-1.0)),
        ("cvt.rn.f32.u32 %r9, %r2;", [u32::MAX, 0, 0], f(4_294_967_296.0)),
        ("cvt.rn.bf16.f32 %h1, %r2; cvt.u32.u16 %r9, %h1;", [0x3f80_8000, 0, 0], 0x3f80),
        ("cvt.rn.bf16.f32 %h1, %r2; cvt.u32.u16 %r9, %h1;", [0x3f81_8000, 0, 0], 0x3f82),
        ("cvt.rn.bf16.f32 %h1, %r2; cvt.u32.u16 %r9, %h1;", [0x7f7f_ffff, 0, 0], 0x7f80),
        ("cvt.rn.bf16.f32 %h1, %r2; cvt.u32.u16 %r9, %h1;", [0x0000_8001, 0, 0], 1),
        ("cvt.rn.bf16.f32 %h1, %r2; cvt.u32.u16 %r9, %h1;", [NAN, 0, 0], 0x7fff),
        ("cvt.u16.u32 %h1, %r2; cvt.f32.bf16 %r9, %h1;", [0xbf80, 0, 0], f(-1.0)),
        ("cvt.rn.f16.f32 %h1, %r2; cvt.u32.u16 %r9, %h1;", [f(65_520.0), 0, 0], 0x7c00),
        ("cvt.rn.f16.f32 %h1, %r2; cvt.u32.u16 %r9, %h1;", [f(-1.5), 0, 0], 0xbe00),
        ("cvt.rn.f16.f32 %h1, %r2; cvt.u32.u16 %r9, %h1;", [f(5.960_464_5e-8), 0, 0], 1),
        ("cvt.u16.u32 %h1, %r2; cvt.f32.f16 %r9, %h1;", [0x0001, 0, 0], f(5.960_464_5e-8)),
        ("cvt.u16.u32 %h1, %r2; cvt.f32.f16 %r9, %h1;", [0xfbff, 0, 0], f(-65_504.0)),
        ("cvt.rn.bf16x2.f32 %r9, %r2, %r3;", [ONE, f(2.0), 0], 0x3f80_4000),
    ];
    for (body, inputs, expected) in table {
        let found = narrow(body, *inputs);
        assert_eq!(found, *expected, "{body} {inputs:x?}: {found:#x}");
    }
}

const ONE_UP: f64 = 1.0 + f32::EPSILON as f64;

#[test]
fn doubles() {
    let d = f64::to_bits;
    let table: &[(&str, [u64; 3], u64)] = &[
        ("add.rn.f64 %rd9, %rd2, %rd3;", [d(0.1), d(0.2), 0], d(0.1 + 0.2)),
        ("sub.rn.f64 %rd9, %rd2, %rd3;", [2, 1, 0], 1),
        ("mul.rn.f64 %rd9, %rd2, %rd3;", [d(0.1), d(0.1), 0], d(0.1 * 0.1)),
        ("fma.rn.f64 %rd9, %rd2, %rd3, %rd4;", [d(0.1), d(10.0), d(-1.0)], d(0.1f64.mul_add(10.0, -1.0))),
        ("div.rn.f64 %rd9, %rd2, %rd3;", [d(1.0), d(3.0), 0], d(1.0 / 3.0)),
        ("sqrt.rn.f64 %rd9, %rd2;", [d(2.0), 0, 0], d(2f64.sqrt())),
        ("rcp.rn.f64 %rd9, %rd2;", [d(7.0), 0, 0], d(1.0 / 7.0)),
        ("min.f64 %rd9, %rd2, %rd3;", [d(f64::NAN), d(3.0), 0], d(3.0)),
        ("max.f64 %rd9, %rd2, %rd3;", [d(-0.0), d(0.0), 0], d(0.0)),
        ("abs.f64 %rd9, %rd2;", [d(-0.0), 0, 0], 0),
        ("neg.f64 %rd9, %rd2;", [d(1.0), 0, 0], d(-1.0)),
        ("cvt.rn.f32.f64 %r9, %rd2; cvt.f64.f32 %rd9, %r9;", [d(0.1), 0, 0], d(f64::from(0.1f32))),
        ("cvt.rn.f32.f64 %r9, %rd2; cvt.f64.f32 %rd9, %r9;", [d(1e300), 0, 0], d(f64::INFINITY)),
        ("cvt.rni.s64.f64 %rd9, %rd2;", [d(-2.5), 0, 0], (-2i64) as u64),
        ("cvt.rzi.s64.f64 %rd9, %rd2;", [d(1e300), 0, 0], i64::MAX as u64),
        ("cvt.rzi.u64.f64 %rd9, %rd2;", [d(f64::NAN), 0, 0], 1 << 63),
        ("cvt.rn.f64.s64 %rd9, %rd2;", [i64::MAX as u64, 0, 0], d(9.223_372_036_854_776e18)),
        ("cvt.rn.f64.u64 %rd9, %rd2;", [u64::MAX, 0, 0], d(1.844_674_407_370_955_2e19)),
        ("cvt.rmi.f64.f64 %rd9, %rd2;", [d(-0.1), 0, 0], d(-1.0)),
        ("mov.f64 %rd9, 0d3FF8000000000000;", [0; 3], d(1.5)),
        ("copysign.f64 %rd9, %rd2, %rd3;", [d(-1.0), d(2.0), 0], d(-2.0)),
    ];
    for (body, inputs, expected) in table {
        let found = wide(body, *inputs);
        assert_eq!(found, *expected, "{body} {inputs:x?}: {found:#x}");
    }
}

#[test]
fn floats_of_16_bits_go_there_and_back() {
    use crate::machine::arithmetic::{narrow_single, widen_half};
    use crate::machine::instruction::Type;
    for bits in 0..=u16::MAX {
        for (kind, value) in
            [(Type::F16, widen_half(bits)), (Type::Bf16, f32::from_bits(u32::from(bits) << 16))]
        {
            if value.is_nan() {
                assert_eq!(narrow_single(value, kind), 0x7fff);
                continue;
            }
            assert_eq!(narrow_single(value, kind), bits, "{kind:?} {value}");
            // Half way to the next number goes to the even one, anything past it goes up.
            let next = match kind {
                Type::F16 => widen_half(bits.wrapping_add(1)),
                _ => f32::from_bits(u32::from(bits.wrapping_add(1)) << 16),
            };
            if value.is_finite() && next.is_finite() && next.abs() > value.abs() {
                let half = value + (next - value) / 2.0;
                assert_eq!(narrow_single(half, kind), bits + (bits & 1), "{kind:?} {half}");
                let past = f32::from_bits(half.to_bits() + 1);
                assert_eq!(narrow_single(past, kind), bits + 1, "{kind:?} {past}");
            }
        }
    }
}

#[test]
fn comparisons() {
    let f = f32::to_bits;
    let table: &[(&str, [u32; 3], u32)] = &[
        ("eq.f32", [NAN, NAN, 0], 0),
        ("ne.f32", [NAN, ONE, 0], 0),
        ("neu.f32", [NAN, ONE, 0], 1),
        ("equ.f32", [NAN, ONE, 0], 1),
        ("lt.f32", [ONE, f(2.0), 0], 1),
        ("ltu.f32", [NAN, ONE, 0], 1),
        ("le.f32", [MIN, 0, 0], 1),
        ("gt.f32", [f(2.0), ONE, 0], 1),
        ("ge.f32", [NAN, ONE, 0], 0),
        ("geu.f32", [NAN, ONE, 0], 1),
        ("num.f32", [ONE, NAN, 0], 0),
        ("nan.f32", [ONE, NAN, 0], 1),
        ("lt.s32", [u32::MAX, 0, 0], 1),
        ("lt.u32", [u32::MAX, 0, 0], 0),
        ("lo.u32", [0, 1, 0], 1),
        ("hs.u32", [u32::MAX, 1, 0], 1),
        ("eq.b32", [3, 3, 0], 1),
        ("ne.s32", [3, 3, 0], 0),
    ];
    for (comparison, inputs, expected) in table {
        let body = format!("setp.{comparison} %p1, %r2, %r3; selp.u32 %r9, 1, 0, %p1;");
        assert_eq!(narrow(&body, *inputs), *expected, "{comparison} {inputs:x?}");
    }
    let body = "setp.eq.s32 %p1, %r2, %r3; setp.lt.and.s32 %p2|%p3, %r2, %r4, %p1;\n\
                selp.u32 %r9, 1, 0, %p2; selp.u32 %r10, 2, 0, %p3; or.b32 %r9, %r9, %r10;";
    assert_eq!(narrow(body, [5, 5, 9]), 1);
    assert_eq!(narrow(body, [5, 5, 2]), 2);
    assert_eq!(narrow(body, [5, 6, 9]), 0);
    let body = "setp.eq.s32 %p1, %r2, 1; setp.eq.s32 %p2, %r3, 1; and.pred %p3, %p1, %p2; not.pred %p4, %p3;\n\
                xor.pred %p5, %p4, %p1; selp.b32 %r9, 7, 8, %p5;";
    assert_eq!(narrow(body, [1, 1, 0]), 7);
    assert_eq!(narrow(body, [1, 0, 0]), 8);
}

#[test]
fn loads_extend_and_vectors_keep_their_order() {
    assert_eq!(narrow("ld.global.s8 %r9, [%rd1];", [0x80, 0, 0]), 0xffff_ff80);
    assert_eq!(narrow("ld.global.u8 %r9, [%rd1];", [0x80, 0, 0]), 0x80);
    assert_eq!(narrow("ld.global.s16 %r9, [%rd1+2];", [0x8000_0000, 0, 0]), 0xffff_8000);
    assert_eq!(wide("ld.global.s32 %rd9, [%rd1];", [0x8000_0000, 0, 0]), 0xffff_ffff_8000_0000);
    assert_eq!(wide("ld.global.u32 %rd9, [%rd1];", [0x8000_0000, 0, 0]), 0x8000_0000);
    assert_eq!(
        wide("ld.global.v2.b32 {%r5, %r6}, [%rd1]; mov.b64 %rd9, {%r6, %r5};", [1 << 32 | 2, 0, 0]),
        2 << 32 | 1
    );
    assert_eq!(
        narrow("ld.global.v4.b32 {%r5, %r6, _, %r8}, [%rd1+-0]; add.s32 %r9, %r5, %r6;", [3, 4, 5]),
        7
    );
    let stored = "{ .local .align 16 .b8 own[16]; mov.u64 %rd5, own; cvta.local.u64 %rd6, %rd5;\n\
                  st.local.v2.u32 [%rd5+8], {%r2, %r3}; ld.u32 %r9, [%rd6+12]; }";
    assert_eq!(narrow(stored, [3, 4, 0]), 4);
    let shared = "{ .shared .align 4 .b8 tile[8]; mov.u32 %r5, tile; st.shared.u16 [%r5+2], %r2;\n\
                  cvta.shared.u64 %rd5, 0; cvt.u64.u32 %rd6, %r5; add.s64 %rd5, %rd5, %rd6; ld.u16 %r9, [%rd5+2]; }";
    assert_eq!(narrow(shared, [0x1_2345, 0, 0]), 0x2345);
}

#[test]
fn atomic_operations() {
    let table: &[(&str, [u32; 3], u32)] = &[
        ("add.u32", [5, 7, 0], 12),
        ("min.s32", [5, u32::MAX, 0], u32::MAX),
        ("max.s32", [5, u32::MAX, 0], 5),
        ("max.u32", [5, u32::MAX, 0], u32::MAX),
        ("inc.u32", [5, 5, 0], 0),
        ("dec.u32", [0, 5, 0], 5),
        ("and.b32", [6, 3, 0], 2),
        ("or.b32", [6, 3, 0], 7),
        ("xor.b32", [6, 3, 0], 5),
        ("exch.b32", [6, 3, 0], 3),
    ];
    for (operation, inputs, expected) in table {
        let body = format!("atom.global.{operation} %r5, [%rd1], %r3; ld.volatile.global.b32 %r9, [%rd1];");
        assert_eq!(narrow(&body, *inputs), *expected, "{operation}");
    }
    let swap = "atom.global.cas.b32 %r9, [%rd1], %r3, %r4;";
    assert_eq!(narrow(swap, [6, 6, 1]), 6);
    assert_eq!(
        narrow("red.relaxed.gpu.global.add.u32 [%rd1], 3; ld.relaxed.gpu.global.u32 %r9, [%rd1];", [6, 0, 0]),
        9
    );
}

/// `%r9` of every lane of a warp.
fn warp(body: &str) -> Vec<u32> {
    let body = format!(
        "{body}\nmul.wide.u32 %rd20, %r1, 4; add.s64 %rd20, %rd1, %rd20; st.global.u32 [%rd20], %r9;"
    );
    let mut bench = Bench::body(&body).unwrap_or_else(|error| panic!("{body}\n{error}"));
    let address = bench.room(128);
    bench.launch(1, 32, address).unwrap_or_else(|finding| panic!("{body}\n{finding}"));
    bench.words(address, 32)
}

#[test]
fn lanes_exchange_values() {
    let lanes = |of: &dyn Fn(u32) -> u32| (0..32).map(of).collect::<Vec<u32>>();
    assert_eq!(warp("shfl.sync.idx.b32 %r9, %r1, 3, 31, -1;"), vec![3; 32]);
    assert_eq!(warp("shfl.sync.bfly.b32 %r9, %r1, 8, 31, -1;"), lanes(&|lane| lane ^ 8));
    assert_eq!(
        warp("shfl.sync.down.b32 %r9|%p1, %r1, 1, 4127, -1; @!%p1 mov.u32 %r9, 99;"),
        lanes(&|lane| if lane % 16 == 15 { 99 } else { lane + 1 }),
    );
    assert_eq!(
        warp("shfl.sync.up.b32 %r9, %r1, 2, 0, -1;"),
        lanes(&|lane| if lane < 2 { lane } else { lane - 2 })
    );
    assert_eq!(warp("setp.gt.u32 %p1, %r1, 29; vote.sync.ballot.b32 %r9, %p1, -1;"), vec![3 << 30; 32]);
    assert_eq!(
        warp("setp.gt.u32 %p1, %r1, 29; vote.sync.any.pred %p2, %p1, -1; selp.u32 %r9, 1, 0, %p2;"),
        vec![1; 32]
    );
    assert_eq!(
        warp("setp.gt.u32 %p1, %r1, 29; vote.sync.all.pred %p2, %p1, -1; selp.u32 %r9, 1, 0, %p2;"),
        vec![0; 32]
    );
    assert_eq!(warp("redux.sync.add.u32 %r9, %r1, -1;"), vec![496; 32]);
    assert_eq!(warp("sub.s32 %r2, %r1, 4; redux.sync.min.s32 %r9, %r2, -1;"), vec![(-4i32) as u32; 32]);
    assert_eq!(warp("mov.u32 %r9, %laneid;"), lanes(&|lane| lane));
    assert_eq!(warp("mov.u32 %r9, %lanemask_lt;"), lanes(&|lane| (1 << lane) - 1));
    // Halves of the warp that each name only themselves.
    let halves = "setp.lt.u32 %p1, %r1, 16; selp.b32 %r2, 0x0000ffff, 0xffff0000, %p1;\n\
                  redux.sync.max.u32 %r9, %r1, %r2;";
    assert_eq!(warp(halves), lanes(&|lane| if lane < 16 { 15 } else { 31 }));
}

#[test]
fn lanes_go_ways_of_their_own_and_meet_again() {
    // The loop runs as often as the lane's number; then all shuffle together.
    let body = "mov.u32 %r9, 0; mov.u32 %r2, %r1;\n$loop: setp.eq.u32 %p1, %r2, 0; @%p1 bra $end;\n\
                add.s32 %r9, %r9, %r2; sub.s32 %r2, %r2, 1; bra.uni $loop;\n\
                $end: shfl.sync.bfly.b32 %r9, %r9, 1, 31, -1;";
    let sums: Vec<u32> = (0..32).map(|lane: u32| ((lane ^ 1) * ((lane ^ 1) + 1)) / 2).collect();
    assert_eq!(warp(body), sums);
    let body = "and.b32 %r2, %r1, 3; $table: .branchtargets $a, $b, $c, $c; brx.idx %r2, $table;\n\
                $a: mov.u32 %r9, 10; bra $end;\n$b: mov.u32 %r9, 20; bra $end;\n$c: mov.u32 %r9, 30;\n$end:\n";
    let expected: Vec<u32> = (0..32).map(|lane: usize| [10, 20, 30, 30][lane % 4]).collect();
    assert_eq!(warp(body), expected);
}

#[test]
fn functions_are_laid_out_where_they_are_called() {
    let function = ".func (.param .b32 result) twice(.param .b32 x) {\n.reg .b32 %r<3>;\n.reg .pred %p<2>;\n\
                    ld.param.b32 %r1, [x];\nsetp.gt.u32 %p1, %r1, 5;\n@%p1 bra $L;\nadd.s32 %r2, %r1, %r1;\n\
                    st.param.b32 [result], %r2;\nret;\n$L: st.param.b32 [result+0], 77;\nret;\n}\n.visible .entry";
    let body = "{ .param .b32 in; .param .b32 out; st.param.b32 [in+0], %r1; call.uni (out), twice, (in);\n\
                ld.param.b32 %r9, [out]; }\n\
                { .param .b32 in; .param .b32 out; st.param.b32 [in+0], %r9; call.uni (out), twice, (in);\n\
                ld.param.b32 %r9, [out]; }\n\
                mul.wide.u32 %rd20, %r1, 4; add.s64 %rd20, %rd1, %rd20; st.global.u32 [%rd20], %r9;";
    let mut bench = Bench::new(&text(body).replace(".visible .entry", function)).unwrap();
    let address = bench.room(128);
    bench.launch(1, 32, address).unwrap();
    let twice = |x: u32| if x > 5 { 77 } else { 2 * x };
    assert_eq!(bench.words(address, 32), (0..32).map(|lane| twice(twice(lane))).collect::<Vec<_>>());
    let itself = ".func again() { call.uni again; ret; }\n.visible .entry";
    let error = Bench::new(&text("call.uni again;").replace(".visible .entry", itself)).err().unwrap();
    assert!(error.message.contains("calls itself"), "{error}");
}

#[test]
fn what_is_not_executed_says_where() {
    let table = [
        ("add.ftz.f32 %f1, %f2, %f3;", "add.ftz.f32: .ftz is not executed"),
        ("sin.approx.f32 %f1, %f2;", "opcode sin.approx.f32 is not executed"),
        ("div.full.f32 %f1, %f2, %f3;", "this type, or this way to round"),
        ("fma.rz.f32 %f1, %f2, %f3, %f4;", "this type, or this way to round"),
        ("add.s32 %r1, %r2;", "2 operands, where 3"),
        ("add.s32 %r1, %r2, %rd1;", "%rd1 has 64 bits, not 32"),
        ("add.s32 %r1, %r2, %p1;", "%p1 is a predicate"),
        ("add.s32 %r1, %r2, %unknown;", "there is no register or variable %unknown"),
        ("add.s32 %r1, %r2, %r40;", "there is no register or variable %r40"),
        ("bra $nowhere;", "there is no label $nowhere"),
        ("atom.global.add.f32 %f1, [%rd1], %f2;", "an order of float sums"),
        ("mov.u32 %r2, %clock;", "another on every run"),
        ("call.uni nobody;", "there is no function nobody"),
        ("st.const.u32 [%rd1], %r2", "where \";\" is expected"),
        ("$twice: $twice:", "label $twice is there twice"),
        ("frobnicate;", "opcode frobnicate is not executed"),
    ];
    for (body, expected) in table {
        let error = Bench::body(body).err().unwrap_or_else(|| panic!("{body} is taken"));
        assert!(error.message.contains(expected), "{body}: {error}");
        assert!((8..=9).contains(&error.line), "{body}: {error}");
    }
}

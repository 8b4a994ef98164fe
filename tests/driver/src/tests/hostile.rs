//! Text that is no PTX, or PTX that was cut and bent, is an error that names a line; nothing panics, nothing hangs.

use proptest::prelude::*;

use super::bench::{Bench, text};
use crate::lint::lint;
use crate::ptx::parse::parse;

const PLAIN: &str = include_str!("../../tests/scale.ptx");

/// A kernel with a bit of everything.
fn rich() -> String {
    text(
        ".shared .align 16 .b8 tile[64]; .local .align 8 .b8 own[16];\n\
         mov.u32 %r20, tile; mul.wide.u32 %rd2, %r1, 4; add.s64 %rd3, %rd1, %rd2;\n\
         and.b32 %r2, %r1, 1; $t: .branchtargets $a, $b; brx.idx %r2, $t;\n\
         $a: mov.f32 %f1, 0f3F800000; bra.uni $c;\n$b: mov.f32 %f1, 0f40000000;\n\
         $c: fma.rn.f32 %f2, %f1, %f1, %f1; shfl.sync.bfly.b32 %f3, %f2, 1, 31, -1; bar.sync 0;\n\
         setp.lt.and.f32 %p1|%p2, %f1, %f2, !%p3; @%p1 st.global.f32 [%rd3+4], %f3;\n\
         { .param .b32 in; st.param.b32 [in+0], %r1; } mov.b64 {%r3, %r4}, %rd3; atom.global.add.u32 %r5, [%rd1], 1;\n\
         cvt.rni.s32.f32 %r6, %f1; bfe.u32 %r7, %r6, 300, 400; lop3.b32 %r8, %r6, %r7, %r2, 0x96;",
    )
}

/// Reads a text and, if it is a kernel, runs it.
fn survives(ptx: &str) {
    let line = ptx.lines().count() as u32 + 1;
    if let Err(error) = parse(ptx) {
        assert!((1..=line).contains(&error.line), "{error}\n{ptx}");
    }
    lint(ptx);
    if let Ok(mut bench) = Bench::new(ptx) {
        bench.schedule.limit = 20_000;
        bench.schedule.seed = 1;
        let given = bench.give([0; 16]);
        let _ = bench.launch(2, 40, given);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bent_text(
        which in 0..2usize,
        cuts in prop::collection::vec((0..10_000usize, 0..40usize), 0..3),
        flips in prop::collection::vec((0..10_000usize, any::<u8>()), 0..4),
        swaps in prop::collection::vec((0..200usize, 0..200usize), 0..3),
    ) {
        let source = if which == 0 { PLAIN.to_string() } else { rich() };
        let mut lines: Vec<&str> = source.split_inclusive([';', '\n']).collect();
        for (a, b) in swaps {
            let count = lines.len();
            lines.swap(a % count, b % count);
        }
        let mut bytes = lines.concat().into_bytes();
        for (at, byte) in flips {
            let count = bytes.len();
            bytes[at % count] = byte;
        }
        for (at, length) in cuts {
            let start = at % bytes.len();
            let end = (start + length).min(bytes.len() - 1).max(start);
            bytes.drain(start..end);
        }
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_text(ptx in "\\PC{0,200}") {
        survives(&ptx);
    }

    #[test]
    fn any_words(words in prop::collection::vec(
        prop::sample::select(vec![
            ".version 8.0", ".target sm_80", ".entry", ".func", "k", "(", ")", "{", "}", ".reg", ".b32", "%r<5>", ";",
            ",",
            "add.s32", "%r1", "[", "]", "+", "4", "-1", "0f3F800000", "bra", "L", ":", "@%p1", ".shared", ".param",
            "ret",
            "<", ">", "|", "!", "_", "=", ".align 8", "4294967295", "18446744073709551615", "/*", "\"",
            ".branchtargets",
        ]),
        0..60,
    )) {
        survives(&format!(".version 8.0\n.target sm_80\n{}", words.join(" ")));
    }
}

#[test]
fn sizes_have_bounds() {
    for body in [
        ".reg .b32 %q<4294967295>;",
        ".reg .b128 %q<99999>;",
        ".shared .b8 big[999999999999];",
        ".shared .b8 big[200000000];",
        ".local .b8 big[200000000];",
        ".local .b8 big[4294967296][4294967296];",
    ] {
        let error = Bench::body(body).err().unwrap_or_else(|| panic!("{body} is taken"));
        assert!(
            error.line == 8 && error.message.contains("more than") || error.message.contains("bytes"),
            "{error}"
        );
    }
    // Calls that double with each function.
    let mut functions = String::new();
    for level in 0..30 {
        let call =
            if level == 0 { String::new() } else { format!("call.uni f{}; call.uni f{0};", level - 1) };
        functions.push_str(&format!(".func f{level}() {{ {call} ret; }}\n"));
    }
    let ptx = text("call.uni f29;").replace(".visible .entry", &format!("{functions}.visible .entry"));
    assert!(Bench::new(&ptx).err().unwrap().message.contains("more than"), "laid out");
}

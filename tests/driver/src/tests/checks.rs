//! Each check is set off by a small broken kernel and says nothing of the mended one.

use super::bench::Bench;
use crate::driver::code::Code;
use crate::driver::options::Options;
use crate::driver::state::State;
use crate::machine::finding::{Check, Finding};

/// Blocks, threads, bytes of memory given, kernel, and what is found.
type Case<'c> = (u32, u32, &'c str, Option<Check>);

const ADDRESS: &str = "mul.wide.u32 %rd2, %r1, 4; add.s64 %rd3, %rd1, %rd2;\n";

fn run(blocks: u32, threads: u32, body: &str, seed: u64) -> Result<Vec<u32>, Finding> {
    let body = format!(
        ".shared .align 256 .b8 tile[256];\nmov.u32 %r20, tile;\n\
         shl.b32 %r21, %r1, 2; add.s32 %r22, %r20, %r21;\n{ADDRESS}{body}"
    );
    let mut bench = Bench::body(&body).unwrap_or_else(|error| panic!("{body}\n{error}"));
    bench.schedule.seed = seed;
    let given = bench.give([1; 64]);
    bench.launch(blocks, threads, given)?;
    Ok(bench.words(given, 64))
}

fn try_cases(cases: &[Case<'_>]) {
    for (blocks, threads, body, expected) in cases {
        for seed in 0..6 {
            let found = run(*blocks, *threads, body, seed);
            let check = found.as_ref().err().map(|finding| finding.check);
            assert_eq!(check, *expected, "seed {seed}\n{body}\n{found:?}");
            if let Err(finding) = found {
                assert!(finding.line > 7 && finding.kernel == "test", "{finding}");
            }
        }
    }
}

#[test]
fn bounds_alignment_and_what_was_written() {
    use Check::*;
    try_cases(&[
        (1, 64, "ld.global.u32 %r2, [%rd3];", None),
        (1, 64, "ld.global.u32 %r2, [%rd3+4];", Some(OutOfBounds)),
        (1, 64, "ld.global.u32 %r2, [%rd3+-4];", Some(OutOfBounds)),
        (1, 64, "mov.u64 %rd5, 0; ld.global.u32 %r2, [%rd5];", Some(OutOfBounds)),
        (1, 1, "ld.global.v4.u32 {%r2, %r3, %r4, %r5}, [%rd1+240];", None),
        (1, 1, "ld.global.v4.u32 {%r2, %r3, %r4, %r5}, [%rd1+248];", Some(Misaligned)),
        (1, 1, "ld.global.u32 %r2, [%rd1+2];", Some(Misaligned)),
        (1, 64, "st.shared.u32 [%r22], %r1;", None),
        (1, 65, "st.shared.u32 [%r22], %r1;", Some(OutOfBounds)),
        (1, 1, "st.shared.u16 [%r22+1], %r1;", Some(Misaligned)),
        (1, 1, "ld.shared.u32 %r2, [%r20];", Some(Uninitialised)),
        (1, 1, "st.shared.u16 [%r20], %r1; ld.shared.u32 %r2, [%r20];", Some(Uninitialised)),
        (1, 1, "st.shared.u32 [%r20], %r1; ld.shared.u32 %r2, [%r20];", None),
        (1, 1, "add.s32 %r2, %r3, 1;", Some(Uninitialised)),
        (1, 1, "mov.u32 %r3, 1; add.s32 %r2, %r3, 1;", None),
        (1, 1, "mov.u32 %r2, %r3;", None),
        (1, 1, "mov.u32 %r2, %r3; st.global.u32 [%rd1], %r2;", Some(Uninitialised)),
        (1, 1, "@%p1 mov.u32 %r2, 1;", Some(Uninitialised)),
        (1, 32, "setp.lt.u32 %p1, %r1, 16; @%p1 mov.u32 %r2, 1; add.s32 %r3, %r2, 1;", Some(Uninitialised)),
        (1, 32, "setp.lt.u32 %p1, %r1, 16; @%p1 mov.u32 %r2, 1; @%p1 add.s32 %r3, %r2, 1;", None),
        (1, 1, "{ .local .b8 own[8]; mov.u64 %rd5, own; ld.local.u32 %r2, [%rd5]; }", Some(Uninitialised)),
        (
            1,
            1,
            "{ .local .align 4 .b8 own[8]; mov.u64 %rd5, own; st.local.u32 [%rd5+8], 1; }",
            Some(OutOfBounds),
        ),
        (1, 1, "mov.u32 %r2, 0; div.s32 %r3, 1, %r2;", Some(DivisionByZero)),
        (1, 1, "trap;", Some(Trap)),
        (1, 1, "$again: bra $again;", Some(Endless)),
        (1, 1, "ld.param.u32 %r2, [p+8];", Some(OutOfBounds)),
    ]);
}

#[test]
fn races() {
    use Check::*;
    let neighbour = "xor.b32 %r23, %r22, 128;";
    let exchange = |between: &str| {
        format!(
            "st.shared.u32 [%r22], %r1; {between} {neighbour} ld.shared.u32 %r2, [%r23]; st.global.u32 [%rd3], %r2;"
        )
    };
    let twice = |between: &str| {
        format!(
            "mov.u32 %r5, 0; $again: st.shared.u32 [%r22], %r1; bar.sync 0; {neighbour} ld.shared.u32 %r2, [%r23];\n\
             {between} add.s32 %r5, %r5, 1; setp.lt.u32 %p1, %r5, 3; @%p1 bra $again;"
        )
    };
    let lanes = |between: &str| {
        format!("st.shared.u32 [%r22], %r1; {between} xor.b32 %r23, %r22, 4; ld.shared.u32 %r2, [%r23];")
    };
    try_cases(&[
        (1, 64, &exchange("bar.sync 0;"), None),
        (1, 64, &twice("bar.sync 0;"), None),
        (1, 32, &lanes("bar.warp.sync -1;"), None),
        (1, 32, &lanes("bar.sync 0;"), None),
        (
            1,
            64,
            "st.shared.u32 [%r22], 1; bar.sync 1, 64; xor.b32 %r23, %r22, 128; ld.shared.u32 %r2, [%r23];",
            None,
        ),
        (1, 64, &twice(""), Some(SharedRace)),
        (1, 64, "st.shared.u32 [%r20], %r1;", Some(SharedRace)),
        (1, 64, "st.shared.u8 [%r22], %r1; st.shared.u8 [%r22+1], %r1;", None),
        (1, 64, "add.s32 %r23, %r20, %r1; st.shared.u8 [%r23], %r1;", None),
        (1, 32, &lanes(""), Some(SharedRace)),
        (1, 64, "setp.lt.u32 %p1, %r1, 32; @%p1 atom.shared.exch.b32 %r2, [%r20], 1;", Some(Uninitialised)),
        (2, 64, "ld.global.u32 %r2, [%rd3];", None),
        (2, 64, "st.global.u32 [%rd3], %r1;", Some(GlobalRace)),
        (2, 64, "atom.global.add.u32 %r2, [%rd1], 1;", None),
        (2, 64, "red.global.add.u32 [%rd1], 1;", None),
        (
            2,
            1,
            "mov.u32 %r2, %ctaid.x; setp.eq.u32 %p1, %r2, 0; @%p1 st.global.u32 [%rd1], 1;\n\
                @!%p1 ld.global.u32 %r3, [%rd1];",
            Some(GlobalRace),
        ),
        (
            2,
            1,
            "mov.u32 %r2, %ctaid.x; setp.eq.u32 %p1, %r2, 0; @%p1 red.global.add.u32 [%rd1], 1;\n\
                @!%p1 ld.global.u32 %r3, [%rd1];",
            Some(GlobalRace),
        ),
        (
            2,
            1,
            "mov.u32 %r2, %ctaid.x; setp.eq.u32 %p1, %r2, 0; @%p1 red.global.add.u32 [%rd1], 1;\n\
                @!%p1 ld.volatile.global.u32 %r3, [%rd1];",
            None,
        ),
        (
            1,
            64,
            "xor.b32 %r2, %r1, 32; mul.wide.u32 %rd5, %r2, 4; add.s64 %rd5, %rd1, %rd5;\n\
                 st.global.u32 [%rd3], 5; ld.global.u32 %r3, [%rd5];",
            Some(GlobalRace),
        ),
        (
            1,
            64,
            "xor.b32 %r2, %r1, 32; mul.wide.u32 %rd5, %r2, 4; add.s64 %rd5, %rd1, %rd5;\n\
                 st.global.u32 [%rd3], 5; bar.sync 0; ld.global.u32 %r3, [%rd5];",
            None,
        ),
    ]);
    // Without a barrier a thread may also come before what it wants was written: one or the other is found.
    for seed in 0..6 {
        let found = run(1, 64, &exchange(""), seed).unwrap_err();
        assert!(matches!(found.check, SharedRace | Uninitialised), "{found}");
    }
    assert_eq!(run(1, 64, &exchange("bar.sync 0;"), 3).unwrap(), (0..64).map(|i| i ^ 32).collect::<Vec<_>>());
}

#[test]
fn barriers_and_lanes_that_do_not_come() {
    use Check::*;
    try_cases(&[
        (1, 64, "setp.lt.u32 %p1, %r1, 40; @%p1 bar.sync 0;", Some(DivergentBarrier)),
        (
            1,
            64,
            "setp.lt.u32 %p1, %r1, 40; @%p1 bra $a; bar.sync 0; bra $b; $a: bar.sync 0; $b:",
            Some(DivergentBarrier),
        ),
        (1, 64, "setp.lt.u32 %p1, %r1, 32; @%p1 bra $a; bar.sync 0; bra $b; $a: bar.sync 0; $b:", None),
        (1, 64, "setp.ge.u32 %p1, %r1, 40; @%p1 exit; bar.sync 0;", Some(DivergentBarrier)),
        (1, 64, "setp.lt.u32 %p1, %r1, 32; @%p1 bar.sync 0;", Some(BarrierMismatch)),
        (1, 64, "setp.lt.u32 %p1, %r1, 32; @%p1 bar.sync 1, 32;", None),
        (1, 64, "bar.sync 1, 96;", Some(BarrierMismatch)),
        (1, 64, "bar.sync 16;", Some(BarrierMismatch)),
        // One warp makes something and goes on, the other waits for it.
        (
            1,
            64,
            "setp.lt.u32 %p1, %r1, 32; @%p1 bra $make; bar.sync 1, 64; ld.shared.u32 %r2, [%r22+-128]; bra $end;\n\
             $make: st.shared.u32 [%r22], %r1; bar.arrive 1, 64; $end:",
            None,
        ),
        (
            1,
            64,
            "setp.lt.u32 %p1, %r1, 32; @%p1 bra $make; bar.sync 1, 64; ld.shared.u32 %r2, [%r22+-128]; bra $end;\n\
             $make: st.shared.u32 [%r22], %r1; bar.arrive 1, 64; st.shared.u32 [%r22], %r1; $end:",
            Some(SharedRace),
        ),
        (1, 64, "setp.lt.u32 %p1, %r1, 32; @%p1 bar.sync 0; @!%p1 bar.sync 1;", Some(BarrierMismatch)),
        (1, 32, "setp.lt.u32 %p1, %r1, 5; @%p1 shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1;", Some(DivergentWarp)),
        (1, 32, "setp.lt.u32 %p1, %r1, 4; @%p1 shfl.sync.bfly.b32 %r2, %r1, 1, 31, 0xf;", None),
        (1, 32, "setp.lt.u32 %p1, %r1, 4; @%p1 shfl.sync.idx.b32 %r2, %r1, 9, 31, 0xf;", Some(DivergentWarp)),
        (1, 32, "setp.lt.u32 %p1, %r1, 4; @%p1 bar.warp.sync 0x7;", Some(DivergentWarp)),
    ]);
    let found = run(1, 64, "setp.lt.u32 %p1, %r1, 40; @%p1 bar.sync 0;", 0).unwrap_err();
    assert!(found.message.contains("lanes 0xffffff00 of warp 1 have ended"), "{found}");
    // A reduction over a block.
    let body = "setp.lt.u32 %p1, %r1, 40; bar.red.popc.u32 %r2, 0, %p1; st.global.u32 [%rd3], %r2;";
    assert_eq!(run(1, 64, body, 2).unwrap(), vec![40; 64]);
}

#[test]
fn freed_memory_limits_and_constants() {
    let mut bench = Bench::body("ld.global.u32 %r2, [%rd1];").unwrap();
    let given = bench.give([1; 4]);
    bench.launch(1, 1, given).unwrap();
    assert!(bench.memory.free(given));
    assert!(!bench.memory.free(given));
    assert_eq!(bench.launch(1, 1, given).unwrap_err().check, Check::UseAfterFree);
    let given = bench.give([1; 4]);
    for (blocks, threads, dynamic, fits) in [
        (1, 1024, 0, true),
        (1, 1025, 0, false),
        (0, 1, 0, false),
        (1, 0, 0, false),
        (1, 1, 48 << 10, true),
        (1, 1, (48 << 10) + 4, false),
    ] {
        bench.dynamic = dynamic;
        let found = bench.launch(blocks, threads, given);
        assert_eq!(found.is_ok(), fits, "{blocks} {threads} {dynamic}: {found:?}");
        assert!(found.is_ok() || found.unwrap_err().check == Check::Limit);
    }
}

#[test]
fn a_kernel_says_how_many_threads_it_takes() {
    for (directive, fits) in
        [(".maxntid 64", [true, true, false]), (".reqntid 64, 1, 1", [false, true, false])]
    {
        let text = super::bench::text("").replace("(.param .u64 p)", &format!("(.param .u64 p) {directive}"));
        let mut bench = Bench::new(&text).unwrap();
        for (threads, fits) in [32, 64, 96].into_iter().zip(fits) {
            assert_eq!(bench.launch(1, threads, 0).is_ok(), fits, "{directive} {threads}");
        }
    }
}

/// Numbers of a program or of a PTX text that no product of theirs fits.
#[test]
fn numbers_of_any_size_are_counted() {
    let most = ".maxntid 4294967295, 4294967295, 4294967295";
    let text = super::bench::text("").replace("(.param .u64 p)", &format!("(.param .u64 p) {most}"));
    let mut bench = Bench::new(&text).unwrap();
    let given = bench.give([1; 4]);
    assert!(bench.launch(1, 32, given).is_ok());
    assert_eq!(bench.launch_of([u32::MAX; 3], [1; 3], given).unwrap_err().check, Check::Limit);
    assert_eq!(bench.launch_of([1; 3], [u32::MAX; 3], given).unwrap_err().check, Check::Limit);
    assert_eq!(bench.memory.fill(given, &[0; 4], u64::MAX).unwrap_err().0, Check::OutOfBounds);
    assert_eq!(bench.words(given, 4), [1; 4]);
}

/// A short text may declare more than the device has; nothing is taken then.
#[test]
fn variables_of_a_module_are_memory_of_the_device() {
    let mut state = State::new(Options { memory: 1 << 20, ..Options::default() });
    state.initialised = true;
    let module =
        |bytes: u64| format!(".version 8.0\n.target sm_80\n.global .b8 a[{bytes}];\n.const .b8 c[64];\n");
    assert_eq!(state.load(&module(1 << 20)), Err(Code::ERROR_OUT_OF_MEMORY));
    assert_eq!(state.memory.used(), 0);
    assert!(state.load(&module((1 << 20) - 64)).is_ok());
    assert_eq!(state.memory.used(), 1 << 20);
}

#[test]
fn a_seed_decides_and_nothing_else() {
    // The order in which threads come to a counter.
    let body = "atom.global.add.u32 %r2, [%rd1+252], 1; mov.u32 %r3, %ctaid.x;\n\
                shl.b32 %r3, %r3, 5; and.b32 %r4, %r1, 31;\n\
                st.shared.u32 [%r22], %r2; setp.ne.u32 %p1, %r3, 0; @%p1 bra $end;\n\
                setp.gt.u32 %p2, %r1, 60; @%p2 bra $end;\n\
                st.global.u32 [%rd3], %r2; $end:";
    let of = |seed| run(2, 64, body, seed).unwrap();
    let mut different = std::collections::BTreeSet::new();
    for seed in 0..8 {
        assert_eq!(of(seed), of(seed), "seed {seed}");
        different.insert(of(seed));
    }
    assert!(different.len() >= 7, "{} orders of 8 seeds", different.len());
    assert_eq!(of(0)[..4], [1, 2, 3, 4]);
}

//! The committed PTX: what both of NVIDIA's compilers make of the sources, without a form of arithmetic whose
//! bits are not IEEE's, and without a register spilled on any generation of cards.

use std::collections::BTreeSet;
use std::{env, fs};

use genovo_kernels::backend::cuda::Kernel;

use crate::compilers::{Nvrtc, Ptxas, SOURCES, file, read};

/// Ampere, Hopper, Blackwell of servers and of workstations.
const GENERATIONS: [u32; 4] = [80, 90, 100, 120];

/// Lines whose bits depend on the machine, or on what ptxas makes of them: it fuses a product and a sum that
/// name no rounding.
pub fn lint(ptx: &str) -> Vec<String> {
    let wrong = |line: &str| {
        let code = line.split("//").next().unwrap_or_default().trim();
        let code = code.trim_start_matches(|c: char| c == '@' || c == '!');
        let code = match code.split_once(' ') {
            Some((predicate, rest)) if predicate.starts_with("%p") => rest.trim(),
            _ => code,
        };
        let operation = code.split_whitespace().next().unwrap_or_default();
        let mut parts = operation.split('.');
        let (name, parts) = (parts.next().unwrap_or_default(), parts.collect::<Vec<_>>());
        let float =
            parts.iter().any(|part| matches!(*part, "f16" | "bf16" | "f16x2" | "f32" | "f64" | "tf32"));
        let rounded = parts.contains(&"rn");
        match name {
            "add" | "sub" | "mul" | "fma" | "div" | "sqrt" | "rcp" if float => {
                !rounded || parts.contains(&"ftz")
            }
            "mad" | "rsqrt" | "sin" | "cos" | "ex2" | "lg2" | "tanh" | "atom" | "red" | "min" | "max"
                if float =>
            {
                true
            }
            "mma" | "wmma" | "wgmma" => true,
            _ => parts.contains(&"ftz") || parts.contains(&"approx") || parts.contains(&"full"),
        }
    };
    ptx.lines().filter(|line| wrong(line)).map(str::to_owned).collect()
}

#[test]
fn the_committed_ptx_is_what_nvrtc_13_makes() {
    let Some(nvrtc) = Nvrtc::find(13) else { return };
    for path in SOURCES {
        let (made, place) = (nvrtc.compile_own(path), format!("src/{path}.ptx"));
        if env::var_os("GENOVO_BLESS").is_some() {
            fs::write(file(&place), &made).unwrap();
        }
        let line = made.lines().zip(read(&place).lines()).position(|(made, committed)| made != committed);
        assert_eq!(line, None, "{place} differs from its source: GENOVO_BLESS=1 writes it anew");
        assert_eq!(made.lines().count(), read(&place).lines().count(), "{place}");
    }
}

#[test]
fn nvrtc_12_makes_kernels_of_the_same_kind() {
    let (Some(nvrtc), Some(ptxas)) = (Nvrtc::find(12), Ptxas::find()) else { return };
    for path in SOURCES {
        let (made, committed) = (nvrtc.compile_own(path), read(&format!("src/{path}.ptx")));
        assert_eq!(lint(&made), Vec::<String>::new(), "{path}");
        // It orders and unrolls differently; the operations on floats are the same ones.
        let floats = |ptx: &str| -> BTreeSet<String> {
            let operations = ptx.split_whitespace().filter(|word| word.contains(".rn.f32"));
            operations.map(str::to_owned).collect()
        };
        assert_eq!(floats(&made), floats(&committed), "{path}");
        let same = made
            .lines()
            .filter(|line| !line.starts_with("//"))
            .eq(committed.lines().filter(|line| !line.starts_with("//")));
        println!("{path}: {}", if same { "the same text as of 13" } else { "another text than of 13" });
        for kernel in ptxas.assemble(&made, 90) {
            assert_eq!(kernel.spilled, 0, "{} of NVRTC 12", kernel.name);
        }
    }
}

#[test]
fn the_ptx_names_every_rounding() {
    let mut kernels = BTreeSet::new();
    for path in SOURCES {
        let ptx = read(&format!("src/{path}.ptx"));
        assert_eq!(lint(&ptx), Vec::<String>::new(), "{path}");
        let entries = ptx.lines().filter_map(|line| line.strip_prefix(".visible .entry "));
        kernels.extend(entries.map(|entry| entry.trim_end_matches('(').to_owned()));
        assert!(ptx.contains(".version 7.0\n.target sm_80\n"), "{path}");
    }
    assert_eq!(kernels, Kernel::ALL.iter().map(|kernel| kernel.name().to_owned()).collect());
}

#[test]
fn the_lint_sees_what_it_is_there_for() {
    for line in [
        "	add.f32 	%f1, %f2, %f3;",
        "	@%p1 mul.f32 	%f1, %f2, %f3;",
        "	mul.ftz.f32 	%f1, %f2, %f3;",
        "	fma.rn.ftz.f32 	%f1, %f2, %f3, %f4;",
        "	div.full.f32 	%f1, %f2, %f3;",
        "	sqrt.approx.f32 	%f1, %f2;",
        "	ex2.approx.ftz.f32 	%f1, %f2;",
        "	atom.global.add.f32 	%f1, [%rd1], %f2;",
        "	mad.f32 	%f1, %f2, %f3, %f4;",
        "	max.f32 	%f1, %f2, %f3;",
        "	sub.f64 	%fd1, %fd2, %fd3;",
    ] {
        assert_eq!(lint(line).len(), 1, "{line}");
    }
    for line in [
        "	add.rn.f32 	%f1, %f2, %f3;",
        "	fma.rn.f32 	%f1, %f2, %f3, %f4;",
        "	div.rn.f32 	%f1, %f2, %f3;",
        "	add.s32 	%r1, %r2, %r3;",
        "	mad.lo.s32 	%r1, %r2, %r3, %r4;",
        "	ld.shared.v4.f32 	{%f1, %f2, %f3, %f4}, [%r1];",
        "	neg.f32 	%f1, %f2;",
        "	min.u32 	%r1, %r2, %r3;",
    ] {
        assert_eq!(lint(line), Vec::<String>::new());
    }
}

#[test]
fn no_generation_of_cards_spills_a_register() {
    let Some(ptxas) = Ptxas::find() else { return };
    let mut seen = 0;
    for path in SOURCES {
        let ptx = read(&format!("src/{path}.ptx"));
        for generation in GENERATIONS {
            for kernel in ptxas.assemble(&ptx, generation) {
                assert_eq!(kernel.spilled, 0, "{} for sm_{generation}", kernel.name);
                println!("sm_{generation} {}: {} registers", kernel.name, kernel.registers);
                seen += 1;
            }
        }
    }
    assert_eq!(seen, GENERATIONS.len() * Kernel::ALL.len());
}

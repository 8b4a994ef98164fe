//! The committed PTX: what both of NVIDIA's compilers make of the sources, without a form of arithmetic whose
//! bits are not IEEE's, and without a register spilled on any generation of cards.

use std::collections::BTreeSet;
use std::{env, fs};

use genovo_kernels::backend::cuda::Kernel;

use crate::compilers::{Nvrtc, Ptxas, SOURCES, file, read};

/// Ampere, Hopper, Blackwell of servers and of workstations.
const GENERATIONS: [u32; 4] = [80, 90, 100, 120];

/// What a PTX text must not contain, for a reader.
pub fn lint(ptx: &str) -> Vec<String> {
    genovo_driver::lint(ptx).iter().map(ToString::to_string).collect()
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

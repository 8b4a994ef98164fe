//! Broken kernels, each by one edit of the source, each seen by the rung that is named. A rung that sees
//! nothing would show nothing.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use genovo_kernels::backend::cuda::Cuda;
use tempfile::TempDir;

use crate::compilers::{Nvrtc, OPTIONS, file, read};
use crate::operations::{self, Size};
use crate::ptx::lint;
use crate::shim::Shim;
use crate::{stand_in, training};

/// Who sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rung {
    /// Other bits than the CPU's under the host shim, or a barrier without end.
    Shim,
    /// The lint of what NVRTC 13 makes of it.
    Lint,
    /// The stand-in driver, executing what NVRTC 13 makes of it: other bits, or a finding of its checks.
    StandIn,
}

struct Mutant {
    name: &'static str,
    path: &'static str,
    /// What is replaced, by what: all of it is in the source.
    edits: &'static [(&'static str, &'static str)],
    /// Of NVRTC, where it is asked.
    flags: &'static [&'static str],
    rung: Rung,
}

const fn of(
    path: &'static str,
    name: &'static str,
    edits: &'static [(&'static str, &'static str)],
    rung: Rung,
) -> Mutant {
    Mutant { name, path, edits, flags: &[], rung }
}

const LINEAR: &str = "linear/linear.cu";
const MIXER: &str = "mixer/mixer.cu";
const SCALAR: &str = "scalar/scalar.cuh";
const PRODUCTS: &str = "linear/products.cu";
const OPTIMISER: &str = "optimiser/optimiser.cu";
const ATTENTION: &str = "attention/attention.cu";
const CONVOLUTION: &str = "convolution/convolution.cu";
const LOSSES: &str = "losses/losses.cu";

/// Sources of training alone.
const TRAINING: [&str; 5] = [PRODUCTS, OPTIMISER, ATTENTION, CONVOLUTION, LOSSES];

/// Products and sums without a rounding of their own.
const BARE: &[(&str, &str)] = &[("__fadd_rn(a, b)", "a + b"), ("__fmul_rn(a, b)", "a * b")];

const MUTANTS: &[Mutant] = &[
    of(
        LINEAR,
        "no barrier between inputs' coming and their use",
        &[(
            "        __syncthreads();\n        const unsigned block = first",
            "        const unsigned block = first",
        )],
        Rung::Shim,
    ),
    of(
        LINEAR,
        "no barrier before sums of blocks are added",
        &[("        __syncthreads();\n        const unsigned left", "        const unsigned left")],
        Rung::Shim,
    ),
    of(
        LINEAR,
        "a race between a sum and what is made of it",
        &[("    __syncthreads();\n\n#pragma", "#pragma")],
        Rung::Shim,
    ),
    of(LINEAR, "blocks of 255", &[("#define BLOCK 256", "#define BLOCK 255")], Rung::Shim),
    of(
        LINEAR,
        "sums of blocks in another order",
        &[("block = 1; block < here; block++", "block = here - 1; block > 0; block--")],
        Rung::Shim,
    ),
    of(LINEAR, "a tail one input short", &[("at < rest; at++", "at + 1 < rest; at++")], Rung::Shim),
    of(
        LINEAR,
        "a sum that begins with memory nobody wrote",
        &[("first == 0 ? of[0] : plus(totals[at], of[0])", "plus(totals[at], of[0])")],
        Rung::Shim,
    ),
    of(
        LINEAR,
        "a stride without its padding",
        &[("together * PADDED, count", "together * BLOCK, count")],
        Rung::Shim,
    ),
    of(
        LINEAR,
        "one output too many",
        &[("here * PANEL + within < outputs", "here * PANEL + within <= outputs")],
        Rung::Shim,
    ),
    of(
        MIXER,
        "a window one step short",
        &[("glance.seen = full ? head.window", "glance.seen = full ? head.window - 1")],
        Rung::Shim,
    ),
    of(
        MIXER,
        "values overwritten while others still need them",
        &[("? rest : rows;\n            __syncthreads();", "? rest : rows;")],
        Rung::Shim,
    ),
    of(
        MIXER,
        "stale shared memory for the largest score of a warp",
        &[("if (threadIdx.x % 32 == 0)", "if (threadIdx.x == 0)")],
        Rung::Shim,
    ),
    of(
        MIXER,
        "no barrier between a ring's writing and its reading",
        &[("    __syncthreads();\n\n    Glance glance;", "    Glance glance;")],
        Rung::Shim,
    ),
    of(
        MIXER,
        "newest key first",
        &[("scores[begin + key];", "scores[begin + count - 1 - key];")],
        Rung::Shim,
    ),
    of(
        "norm/norm.cu",
        "squares rounded before they are added",
        &[("fma_of(tile[at], tile[at], sum)", "plus(sum, times(tile[at], tile[at]))")],
        Rung::Shim,
    ),
    of(
        PRODUCTS,
        "values overwritten while others still multiply them",
        &[("        __syncthreads();\n        keep<X_ALONG>", "        keep<X_ALONG>")],
        Rung::Shim,
    ),
    of(PRODUCTS, "terms behind the last one", &[("if (left >= DEPTH)", "if (left > 0)")], Rung::Shim),
    of(
        PRODUCTS,
        "blocks of a gradient added newest first",
        &[
            (
                "float total = parts[at];",
                "float total = parts[(unsigned long long)(blocks - 1) * each + at];",
            ),
            ("unsigned block = 1; block < blocks; block++", "unsigned block = blocks - 1; block-- > 0;"),
        ],
        Rung::Shim,
    ),
    of(
        PRODUCTS,
        "a bias that learns from one row fewer",
        &[("row > inputs ||", "row >= inputs ||")],
        Rung::Shim,
    ),
    of(
        OPTIMISER,
        "a sum of squares in f32",
        &[("sum = __fma_rn(wide, wide, sum);", "sum = (double)(float)__fma_rn(wide, wide, sum);")],
        Rung::Shim,
    ),
    of(
        OPTIMISER,
        "weights that shrink after their step",
        &[(
            "minus(times(values[at], shrink), over(times(size, m), below))",
            "times(minus(values[at], over(times(size, m), below)), shrink)",
        )],
        Rung::Shim,
    ),
    of(
        ATTENTION,
        "a key that gathers from its newest step first",
        &[("unsigned at = key; at < end; at++", "unsigned at = end; at-- > key;")],
        Rung::Shim,
    ),
    of(
        ATTENTION,
        "no barrier before scores are compared",
        &[("    __syncthreads();\n    // A warp has", "    // A warp has")],
        Rung::Shim,
    ),
    of(
        CONVOLUTION,
        "gradients that come back from the next sequence",
        &[("row % steps + ahead < steps", "row + ahead < rows")],
        Rung::Shim,
    ),
    of(
        LOSSES,
        "a policy's slope that ends on the other side",
        &[("? ratio > high : ratio < low;", "? ratio < low : ratio > high;")],
        Rung::Shim,
    ),
    Mutant {
        name: "products and sums that may become one",
        path: SCALAR,
        edits: BARE,
        flags: &["--gpu-architecture=compute_80", "--fmad=true", "--std=c++17", "-default-device"],
        rung: Rung::Lint,
    },
    Mutant {
        name: "rows that nobody wrote are multiplied",
        path: LINEAR,
        edits: &[(
            concat!(
                "staged[(row * together + block) * PADDED + within] =\n",
                "                there ? x[(first_row + row) * x_stride + k] : 0.0f;"
            ),
            "if (there) staged[(row * together + block) * PADDED + within] = x[(first_row + row) * x_stride + k];",
        )],
        flags: &OPTIONS,
        rung: Rung::StandIn,
    },
    Mutant {
        name: "two warps write one place",
        path: MIXER,
        edits: &[("maxima[threadIdx.x / 32] = largest;", "maxima[0] = maxima[threadIdx.x / 32] = largest;")],
        flags: &OPTIONS,
        rung: Rung::StandIn,
    },
    Mutant {
        name: "a barrier that not all threads reach",
        path: MIXER,
        edits: &[(
            "? rest : rows;\n            __syncthreads();",
            "? rest : rows;\n            if (threadIdx.x < channels) __syncthreads();",
        )],
        flags: &OPTIONS,
        rung: Rung::StandIn,
    },
    Mutant {
        name: "values multiplied while others still bring them",
        path: PRODUCTS,
        edits: &[(
            "        __syncthreads();\n        fetch<X_ALONG, ONES>(x_next, x, first",
            "        fetch<X_ALONG, ONES>(x_next, x, first",
        )],
        flags: &OPTIONS,
        rung: Rung::StandIn,
    },
    Mutant {
        name: "a quotient that is nearly right",
        path: SCALAR,
        edits: &[("__fdiv_rn(a, b)", "__fdividef(a, b)")],
        flags: &OPTIONS,
        rung: Rung::Lint,
    },
    Mutant {
        name: "an exponential of the card's own",
        path: SCALAR,
        edits: &[(
            "return times(times(parts.high, power_of_two(half)), power_of_two(parts.k - half));",
            "return __expf(x);",
        )],
        flags: &OPTIONS,
        rung: Rung::Lint,
    },
    Mutant {
        name: "subnormal numbers flushed to zero",
        path: SCALAR,
        edits: &[],
        flags: &[
            "--gpu-architecture=compute_80",
            "--fmad=false",
            "--ftz=true",
            "--std=c++17",
            "-default-device",
        ],
        rung: Rung::Lint,
    },
];

impl Mutant {
    fn text(&self) -> String {
        let mut text = read(&format!("src/{}", self.path));
        for (from, to) in self.edits {
            assert_eq!(text.matches(from).count(), 1, "{}: `{from}` is not there once", self.name);
            text = text.replace(from, to);
        }
        text
    }

    /// Whether the host shim sees it.
    fn fails_on_the_shim(&self) -> bool {
        let training = TRAINING.contains(&self.path);
        let alone = if training { "-DTRAINING_ALONE" } else { "-DINFERENCE_ALONE" };
        let shim = Shim::edited(1, &[(self.path, self.text())], &[alone]);
        let cuda = Cuda::on(shim.unwrap_or_else(|log| panic!("{}:\n{log}", self.name)));
        let compare = || match training {
            true => training::has_the_bits_of_the_cpu(&cuda, Size::Small),
            false => operations::have_the_bits_of_the_cpu(&cuda, Size::Small),
        };
        catch_unwind(AssertUnwindSafe(compare)).is_err()
    }

    /// A folder with what NVRTC makes of it.
    fn compiled(&self, nvrtc: &Nvrtc) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let (name, _) = self.path.rsplit('/').next().unwrap().split_once('.').unwrap();
        let ptx = nvrtc.compile(name, &self.text(), &read("src/scalar/scalar.cuh"), self.flags);
        let ptx = ptx.unwrap_or_else(|log| panic!("{}:\n{log}", self.name));
        std::fs::write(folder.path().join(format!("{name}.ptx")), ptx).unwrap();
        folder
    }

    /// The test that compares what the source is for.
    fn on_the_card(&self) -> &'static str {
        if TRAINING.contains(&self.path) { stand_in::TRAINING } else { stand_in::OPERATIONS }
    }

    /// Whether the lint sees it, in the kernel of the mixer, which uses all elementary operations.
    fn fails_the_lint(&self, nvrtc: &Nvrtc) -> bool {
        let ptx = nvrtc.compile("mixer", &read("src/mixer/mixer.cu"), &self.text(), self.flags);
        !lint(&ptx.unwrap_or_else(|log| panic!("{}:\n{log}", self.name))).is_empty()
    }
}

/// A source as it is: what sees something wrong in it would see it in any.
const fn whole(path: &'static str) -> Mutant {
    Mutant { flags: &OPTIONS, ..of(path, "nothing", &[], Rung::Shim) }
}

#[test]
fn broken_kernels_are_seen_by_the_host_shim() {
    if Shim::find(0).is_none() {
        return;
    }
    for path in [LINEAR, PRODUCTS] {
        assert!(!whole(path).fails_on_the_shim(), "{path}: what is not broken is seen as broken");
    }
    for mutant in MUTANTS.iter().filter(|mutant| mutant.rung == Rung::Shim) {
        assert!(mutant.fails_on_the_shim(), "{}: nobody saw it", mutant.name);
    }
}

#[test]
fn broken_kernels_are_seen_by_the_lint() {
    let Some(nvrtc) = Nvrtc::find(13) else { return };
    for mutant in MUTANTS.iter().filter(|mutant| mutant.rung == Rung::Lint) {
        assert!(mutant.fails_the_lint(&nvrtc), "{}: nobody saw it", mutant.name);
    }
}

#[test]
fn broken_kernels_are_seen_by_the_stand_in() {
    let Some(nvrtc) = Nvrtc::find(13) else { return };
    for path in [LINEAR, PRODUCTS] {
        let (control, folder) = (whole(path), whole(path).compiled(&nvrtc));
        let (passed, said) = stand_in::run(control.on_the_card(), 1, None, Some(folder.path()));
        assert!(passed, "{path}: what is not broken is seen as broken\n{said}");
    }
    for mutant in MUTANTS.iter().filter(|mutant| mutant.rung == Rung::StandIn) {
        let folder = mutant.compiled(&nvrtc);
        let (passed, said) = stand_in::run(mutant.on_the_card(), 1, None, Some(folder.path()));
        assert!(!passed, "{}: nobody saw it", mutant.name);
        let line = said.lines().find(|line| line.contains("expected") || line.contains("failed with"));
        println!("{}: {}", mutant.name, line.unwrap_or(&said));
    }
}

#[test]
fn the_documentation_names_every_broken_kernel() {
    let page = std::fs::read_to_string(file("../docs/gpu.md")).unwrap();
    let mut rows = BTreeMap::new();
    for line in page.lines().skip_while(|line| !line.starts_with("| broken kernel")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [name, path, rung] = cells[..]
            && path.starts_with('`')
        {
            rows.insert(name.to_owned(), (path.trim_matches('`').to_owned(), rung.to_owned()));
        }
    }
    for mutant in MUTANTS {
        let rung = match mutant.rung {
            Rung::Shim => "host shim",
            Rung::Lint => "lint",
            Rung::StandIn => "stand-in driver",
        };
        let row = rows.get(mutant.name).map(|(path, rung)| (path.as_str(), rung.as_str()));
        assert_eq!(row, Some((mutant.path, rung)), "docs/gpu.md has no row of {}", mutant.name);
        rows.remove(mutant.name);
    }
    assert!(rows.is_empty(), "docs/gpu.md has rows of kernels that nobody broke: {rows:?}");
}

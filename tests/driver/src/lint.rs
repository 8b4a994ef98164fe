//! What PTX must not contain if its floats are to have the same bits on every machine.

use std::fmt;

use crate::ptx::Statement;
use crate::ptx::parse::parse;

/// An instruction that breaks a rule, or a text that is no PTX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1.
    pub line: u32,
    /// The opcode.
    pub opcode: String,
    /// The rule.
    pub rule: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PTX line {}: {}: {}", self.line, self.opcode, self.rule)
    }
}

/// Every instruction of a PTX text that breaks a rule, by line.
///
/// Sums and products of floats say `.rn`, or the assembler fuses them; nothing flushes denormals, approximates, or adds
/// floats in an order that no run repeats.
pub fn lint(ptx: &str) -> Vec<Finding> {
    let module = match parse(ptx) {
        Ok(module) => module,
        Err(error) => {
            let rule = "this text is no PTX that can be read";
            return vec![Finding { line: error.line, opcode: error.message, rule }];
        }
    };
    let mut findings = Vec::new();
    for function in &module.functions {
        for statement in function.body.iter().flatten() {
            let Statement::Instruction(instruction) = statement else { continue };
            if let Some(rule) = broken(&instruction.opcode) {
                findings.push(Finding { line: instruction.line, opcode: instruction.opcode.clone(), rule });
            }
        }
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

/// The rule that an opcode breaks.
fn broken(opcode: &str) -> Option<&'static str> {
    let mut parts = opcode.split('.');
    let first = parts.next().unwrap_or_default();
    let parts: Vec<&str> = parts.collect();
    let has = |part: &str| parts.contains(&part);
    let float = parts
        .iter()
        .any(|part| matches!(*part, "f32" | "f64" | "f16" | "bf16" | "f16x2" | "bf16x2" | "f32x2" | "tf32"));
    if has("ftz") {
        return Some("flushes denormals to zero");
    }
    if has("approx") || has("full") {
        return Some("approximates");
    }
    match first {
        "tanh" | "sin" | "cos" | "ex2" | "lg2" | "rsqrt" => Some("approximates"),
        "mma" | "wmma" | "wgmma" | "tcgen05" => Some("sums in an order of its own"),
        "atom" | "red" if float => Some("adds floats in an order that no run repeats"),
        "mad" if float => Some("is fused or not as the target likes; fma.rn says which"),
        "add" | "sub" | "mul" if float && !has("rn") => Some("may be fused with others; .rn keeps it apart"),
        "fma" | "div" | "sqrt" | "rcp" if float && !has("rn") => Some("rounds otherwise than to the nearest"),
        _ => None,
    }
}

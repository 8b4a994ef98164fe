//! PTX: text to a tree of what it says.

pub mod parse;
pub mod token;

use std::fmt;

/// Why a text is no PTX that the stand-in executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PtxError {
    /// The line, from 1.
    pub line: u32,
    /// What is wrong there.
    pub message: String,
}

impl PtxError {
    /// An error of this line.
    pub fn new(line: u32, message: impl Into<String>) -> Self {
        PtxError { line, message: message.into() }
    }
}

impl fmt::Display for PtxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PTX line {}: {}", self.line, self.message)
    }
}

/// Where a variable lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Memory of the device.
    Global,
    /// Memory of the device that kernels only read.
    Constant,
    /// Memory of a block.
    Shared,
    /// Memory of a thread.
    Local,
    /// Arguments and results.
    Parameter,
}

/// A variable in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub space: Space,
    /// Alignment in bytes, a power of two.
    pub align: u64,
    /// Size in bytes; 0 for the dynamic part of shared memory.
    pub size: u64,
    /// First bytes of its contents; the rest is zero. None: no contents are given.
    pub contents: Option<Vec<u8>>,
    /// Declared in another place, as the dynamic part of shared memory is.
    pub external: bool,
    /// Where it stands.
    pub line: u32,
}

/// Registers of one width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// A truth value.
    Predicate,
    /// Up to 16 bits.
    B16,
    /// 32 bits.
    B32,
    /// 64 bits.
    B64,
    /// 128 bits.
    B128,
}

/// What an instruction acts upon.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A register, a variable, a label, or `_`.
    Name(String),
    /// An integer, negative ones as two's complement.
    Integer(u64),
    /// Bits of an f32.
    Single(u32),
    /// Bits of an f64.
    Double(u64),
    /// `[base + offset]`.
    Memory(Box<Operand>, i64),
    /// `{a, b}`
    Vector(Vec<Operand>),
    /// `a|b`
    Pair(String, String),
    /// `!a`
    Not(String),
    /// `(a, b)` of a call.
    List(Vec<Operand>),
}

/// One instruction.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// Where it stands.
    pub line: u32,
    /// The predicate that guards it, and whether it must be false.
    pub guard: Option<(String, bool)>,
    /// The opcode with its dots.
    pub opcode: String,
    /// What it acts upon.
    pub operands: Vec<Operand>,
}

/// What stands in a function.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `{`
    Open,
    /// `}`
    Close,
    /// `.reg .b32 %r<5>;` has a count, `.reg .b32 x;` has none.
    Registers {
        /// How wide they are.
        width: Width,
        /// The name, or what comes before the number.
        name: String,
        /// How many there are.
        count: Option<u32>,
        /// Where it stands.
        line: u32,
    },
    /// A variable.
    Variable(Variable),
    /// `name:`
    Label(String, u32),
    /// `name: .branchtargets a, b;`
    Targets {
        /// The name of the table.
        name: String,
        /// Where it goes.
        labels: Vec<String>,
        /// Where it stands.
        line: u32,
    },
    /// An instruction.
    Instruction(Instruction),
}

/// A function or a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Can be launched.
    pub entry: bool,
    /// What it takes.
    pub parameters: Vec<Variable>,
    /// What it gives back.
    pub results: Vec<Variable>,
    /// What it does; none for a mere declaration.
    pub body: Option<Vec<Statement>>,
    /// Threads per block that a launch may have at most, in x, y, z.
    pub most_threads: Option<[u32; 3]>,
    /// Threads per block that a launch must have.
    pub required_threads: Option<[u32; 3]>,
    /// Where it stands.
    pub line: u32,
}

/// A module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Module {
    /// `.version`, major and minor.
    pub version: (u32, u32),
    /// `.target`.
    pub target: String,
    /// Variables outside of functions.
    pub variables: Vec<Variable>,
    /// Functions and kernels.
    pub functions: Vec<Function>,
}

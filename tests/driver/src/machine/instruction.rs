//! Instructions made ready to run: registers are slots, labels are places, types are known.

/// The place of a 32-bit register among those of a warp; a wider one takes this slot and the next ones.
pub type Slot = u32;

/// The place of a truth value among those of a warp.
pub type Truth = u32;

/// Types of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    B8,
    B16,
    B32,
    B64,
    B128,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F16,
    Bf16,
    F32,
    F64,
}

impl Type {
    /// The type with this name.
    pub fn named(name: &str) -> Option<Type> {
        Some(match name {
            "b8" => Type::B8,
            "b16" => Type::B16,
            "b32" => Type::B32,
            "b64" => Type::B64,
            "b128" => Type::B128,
            "u8" => Type::U8,
            "u16" => Type::U16,
            "u32" => Type::U32,
            "u64" => Type::U64,
            "s8" => Type::S8,
            "s16" => Type::S16,
            "s32" => Type::S32,
            "s64" => Type::S64,
            "f16" => Type::F16,
            "bf16" => Type::Bf16,
            "f32" => Type::F32,
            "f64" => Type::F64,
            _ => return None,
        })
    }

    /// Its bits.
    pub fn bits(self) -> u32 {
        match self {
            Type::B8 | Type::U8 | Type::S8 => 8,
            Type::B16 | Type::U16 | Type::S16 | Type::F16 | Type::Bf16 => 16,
            Type::B32 | Type::U32 | Type::S32 | Type::F32 => 32,
            Type::B64 | Type::U64 | Type::S64 | Type::F64 => 64,
            Type::B128 => 128,
        }
    }

    /// Whether it is an integer with a sign.
    pub fn signed(self) -> bool {
        matches!(self, Type::S8 | Type::S16 | Type::S32 | Type::S64)
    }

    /// Whether it is a float.
    pub fn float(self) -> bool {
        matches!(self, Type::F16 | Type::Bf16 | Type::F32 | Type::F64)
    }

    /// Whether it has no meaning but its bits.
    pub fn untyped(self) -> bool {
        matches!(self, Type::B8 | Type::B16 | Type::B32 | Type::B64 | Type::B128)
    }
}

/// What a computation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Add,
    Subtract,
    /// The low half of a product; the product of floats.
    Multiply,
    MultiplyHigh,
    /// The whole product, twice as wide.
    MultiplyWide,
    /// Low half of a product, and a third number.
    MultiplyAdd,
    MultiplyAddHigh,
    MultiplyAddWide,
    Fused,
    Divide,
    Remainder,
    Root,
    Reciprocal,
    Absolute,
    Negate,
    Least,
    Greatest,
    CopySign,
    And,
    Or,
    Xor,
    Not,
    LogicalNot,
    ShiftLeft,
    ShiftRight,
    FunnelLeftWrap,
    FunnelLeftClamp,
    FunnelRightWrap,
    FunnelRightClamp,
    Extract,
    Insert,
    Permute,
    /// A table of a truth value for each of eight combinations of bits.
    Lookup(u8),
    CountOnes,
    CountLeadingZeros,
    FindTop,
    FindTopShift,
    Reverse,
    DotBytes {
        first_signed: bool,
        second_signed: bool,
    },
    SumOfDifference,
}

/// Ways to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// The same, true where a NaN is compared.
    EqualUnordered,
    NotEqualUnordered,
    LessUnordered,
    LessEqualUnordered,
    GreaterUnordered,
    GreaterEqualUnordered,
    /// Neither is NaN.
    Numbers,
    /// One is NaN.
    SomeNan,
}

/// How truth values are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logic {
    And,
    Or,
    Xor,
    Not,
    Copy,
}

/// How a float becomes an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    None,
    NearestEven,
    Zero,
    Down,
    Up,
}

/// Where an address points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Memory of the device, constants too.
    Global,
    Shared,
    Local,
    /// Arguments of the kernel.
    Parameter,
    /// The address itself tells.
    Generic,
}

/// What an atomic operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Atomic {
    Add,
    Least,
    Greatest,
    Increment,
    Decrement,
    And,
    Or,
    Xor,
    Exchange,
    CompareAndSwap,
}

/// Which lane a lane reads from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shuffle {
    Index,
    Up,
    Down,
    Butterfly,
}

/// What lanes vote for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vote {
    All,
    Any,
    Uniform,
    Ballot,
}

/// What a barrier does with the values that come with arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    CountOnes { target: Slot },
    And { target: Truth },
    Or { target: Truth },
}

/// A register that takes part in an access to memory; none for `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    pub slot: Option<Slot>,
    /// 1 for up to 32 bits, 2 for 64.
    pub slots: u32,
}

/// An access to memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    pub window: Window,
    /// Where the address is; `wide` if it has 64 bits.
    pub address: Slot,
    pub wide: bool,
    pub offset: i64,
    /// Type of one element.
    pub kind: Type,
    pub elements: Box<[Element]>,
    /// `.volatile`, `.relaxed`, `.acquire`, `.release`: may meet atomic operations.
    pub strong: bool,
}

/// A truth value or its contrary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    pub truth: Truth,
    pub negated: bool,
}

/// A barrier of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Barrier {
    pub number: Slot,
    /// How many threads take part; none for all.
    pub threads: Option<Slot>,
    /// Arrives and goes on.
    pub arrive: bool,
    pub reduction: Option<(Reduction, Condition)>,
}

/// What an instruction does.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// The first `count` sources are read; the target has `slots`.
    Compute {
        function: Function,
        kind: Type,
        target: Slot,
        sources: [Slot; 4],
        count: u8,
        slots: u8,
    },
    /// Copies registers, unset ones too.
    Copy {
        target: Slot,
        source: Slot,
        slots: u32,
    },
    /// Puts parts of `bits` together, the lowest first.
    Pack {
        target: Slot,
        sources: Box<[Slot]>,
        bits: u32,
    },
    /// Takes parts apart; none for `_`.
    Unpack {
        targets: Box<[Option<Slot>]>,
        source: Slot,
        bits: u32,
    },
    Compare {
        comparison: Comparison,
        kind: Type,
        target: Option<Truth>,
        /// Gets the contrary.
        opposite: Option<Truth>,
        sources: [Slot; 2],
        combine: Option<(Logic, Condition)>,
    },
    Select {
        target: Slot,
        sources: [Slot; 2],
        slots: u32,
        condition: Condition,
    },
    Truths {
        logic: Logic,
        target: Truth,
        sources: [Condition; 2],
    },
    /// `set`-like: a truth value to a number and back.
    Convert {
        to: Type,
        from: Type,
        rounding: Rounding,
        saturate: bool,
        target: Slot,
        source: Slot,
    },
    /// Halves of two floats in one register, the second operand lowest.
    ConvertPair {
        to: Type,
        target: Slot,
        sources: [Slot; 2],
    },
    /// A generic address from one of a window, or back.
    Address {
        window: Window,
        to_generic: bool,
        target: Slot,
        source: Slot,
        wide: bool,
    },
    Load(Box<Access>),
    Store(Box<Access>),
    Atomic {
        atomic: Atomic,
        access: Box<Access>,
        sources: [Slot; 2],
    },
    Branch {
        target: u32,
    },
    /// Jumps to one of several places by number.
    BranchTable {
        targets: Box<[u32]>,
        index: Slot,
    },
    Exit,
    Barrier(Box<Barrier>),
    WarpBarrier {
        members: Slot,
    },
    Shuffle {
        shuffle: Shuffle,
        target: Slot,
        valid: Option<Truth>,
        sources: [Slot; 4],
    },
    Vote {
        vote: Vote,
        target: u32,
        source: Condition,
        members: Slot,
    },
    Reduce {
        atomic: Atomic,
        signed: bool,
        target: Slot,
        source: Slot,
        members: Slot,
    },
    Active {
        target: Slot,
    },
    Nothing,
    Trap,
}

/// An instruction with its guard.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub operation: Operation,
    pub guard: Option<Condition>,
    /// The line of the text.
    pub line: u32,
}

/// Registers that every thread is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Special {
    Thread(u8),
    Threads(u8),
    Block(u8),
    Blocks(u8),
    Lane,
    Warp,
    Warps,
    WarpSize,
    LanesEqual,
    LanesBelow,
    LanesBelowOrEqual,
    LanesAbove,
    LanesAboveOrEqual,
    DynamicShared,
    TotalShared,
}

/// A kernel, ready to run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    pub name: String,
    pub steps: Vec<Step>,
    /// How many slots and truth values a warp has.
    pub slots: u32,
    pub truths: u32,
    /// What some slots hold from the start.
    pub constants: Vec<(Slot, u32)>,
    pub specials: Vec<(Slot, Special)>,
    pub constant_truths: Vec<(Truth, bool)>,
    /// Names of registers by their first slot, for messages.
    pub names: Vec<(Slot, String)>,
    pub truth_names: Vec<(Truth, String)>,
    /// Offset and size of each argument.
    pub parameters: Vec<(u64, u64)>,
    /// Static variables in shared memory: offset, size, name. The dynamic part begins after them.
    pub shared: Vec<(u64, u64, String)>,
    /// Their bytes, as the real compiler would lay them out.
    pub shared_bytes: u64,
    /// Variables of a thread: offset, size, name.
    pub local: Vec<(u64, u64, String)>,
    pub local_bytes: u64,
    pub most_threads: Option<[u32; 3]>,
    pub required_threads: Option<[u32; 3]>,
}

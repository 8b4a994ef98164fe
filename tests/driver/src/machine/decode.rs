//! From a kernel's text to a program: names become slots, functions are laid out where they are called.

use std::collections::HashMap;

use super::instruction::{Condition, Element, Operation, Program, Slot, Special, Step, Truth};
use super::opcode;
use crate::ptx::{Function, Instruction, Module, Operand, PtxError, Space, Statement, Variable, Width};

/// Where the dynamic part of shared memory begins: past whatever is static.
pub const DYNAMIC_AT: u64 = 1 << 20;

/// Bytes between two variables that belong to neither.
const GAP: u64 = 64;

/// The longest program and the most registers that are laid out.
const LONGEST: usize = 1 << 20;
const MOST_SLOTS: u32 = 1 << 16;

/// The largest memory of a thread and static memory of a block.
const LARGEST: u64 = 1 << 20;

/// Addresses of a module's variables in the memory of the device.
pub type Globals = HashMap<String, u64>;

/// Makes a kernel ready.
pub fn decode(module: &Module, globals: &Globals, kernel: &Function) -> Result<Program, PtxError> {
    let mut decoder = Decoder {
        module,
        globals,
        program: Program {
            name: kernel.name.clone(),
            most_threads: kernel.most_threads,
            required_threads: kernel.required_threads,
            ..Program::default()
        },
        scopes: vec![Scope::default()],
        floor: 0,
        constants: HashMap::new(),
        wide_constants: HashMap::new(),
        specials: HashMap::new(),
        shared: HashMap::new(),
        calls: Vec::new(),
        entry: true,
        ends: Vec::new(),
        jumps: Vec::new(),
        labels: HashMap::new(),
        tables: HashMap::new(),
    };
    let mut offset: u64 = 0;
    for parameter in &kernel.parameters {
        offset = offset.next_multiple_of(parameter.align);
        decoder.scopes[0].memory.insert(parameter.name.clone(), Place::Parameter(offset));
        decoder.program.parameters.push((offset, parameter.size));
        offset += parameter.size;
        if offset > 1 << 15 {
            return Err(PtxError::new(kernel.line, "more than 32768 bytes of parameters"));
        }
    }
    decoder.body(kernel)?;
    decoder.emit(Operation::Exit, None, kernel.line)?;
    Ok(decoder.program)
}

/// Where a variable lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the kernel's arguments.
    Parameter(u64),
    /// In memory of a thread.
    Local(u64),
    /// In memory of a block.
    Shared(u64),
    /// In memory of the device.
    Global(u64),
}

#[derive(Clone, Copy)]
struct Registers {
    width: Width,
    first: u32,
    count: Option<u32>,
}

#[derive(Default)]
struct Scope {
    registers: HashMap<String, Registers>,
    memory: HashMap<String, Place>,
}

/// The state of laying out one kernel.
pub struct Decoder<'m> {
    module: &'m Module,
    globals: &'m Globals,
    pub(super) program: Program,
    scopes: Vec<Scope>,
    /// The first scope of the function that is laid out.
    floor: usize,
    constants: HashMap<u32, Slot>,
    wide_constants: HashMap<u64, Slot>,
    specials: HashMap<Special, Slot>,
    shared: HashMap<String, u64>,
    calls: Vec<String>,
    entry: bool,
    /// Returns of the function that is laid out, to be sent to its end.
    ends: Vec<usize>,
    /// Jumps to labels that may come later.
    jumps: Vec<(usize, Vec<String>, u32)>,
    labels: HashMap<String, u32>,
    tables: HashMap<String, Vec<String>>,
}

impl<'m> Decoder<'m> {
    /// Adds a step.
    pub fn emit(
        &mut self,
        operation: Operation,
        guard: Option<Condition>,
        line: u32,
    ) -> Result<usize, PtxError> {
        if self.program.steps.len() >= LONGEST {
            return Err(PtxError::new(
                line,
                format!("more than {LONGEST} instructions with functions laid out"),
            ));
        }
        self.program.steps.push(Step { operation, guard, line });
        Ok(self.program.steps.len() - 1)
    }

    fn body(&mut self, function: &'m Function) -> Result<(), PtxError> {
        let Some(body) = &function.body else {
            return Err(PtxError::new(function.line, format!("function {} has no body", function.name)));
        };
        if self.calls.len() > 32 || self.calls.contains(&function.name) {
            let message = format!("function {} calls itself, which is not executed", function.name);
            return Err(PtxError::new(function.line, message));
        }
        self.calls.push(function.name.clone());
        let floor = std::mem::replace(&mut self.floor, self.scopes.len() - 1);
        let labels = std::mem::take(&mut self.labels);
        let jumps = std::mem::take(&mut self.jumps);
        let ends = std::mem::take(&mut self.ends);
        let tables = std::mem::take(&mut self.tables);
        for statement in body {
            self.statement(statement)?;
        }
        let end = self.program.steps.len() as u32;
        for (index, names, line) in std::mem::replace(&mut self.jumps, jumps) {
            let mut places = Vec::new();
            for name in &names {
                match self.labels.get(name) {
                    Some(place) => places.push(*place),
                    None => return Err(PtxError::new(line, format!("there is no label {name}"))),
                }
            }
            match &mut self.program.steps[index].operation {
                Operation::Branch { target } => *target = places[0],
                Operation::BranchTable { targets, .. } => *targets = places.into(),
                _ => {}
            }
        }
        for index in std::mem::replace(&mut self.ends, ends) {
            self.program.steps[index].operation = Operation::Branch { target: end };
        }
        self.labels = labels;
        self.tables = tables;
        self.scopes.truncate(self.floor + 1);
        self.floor = floor;
        self.calls.pop();
        Ok(())
    }

    fn statement(&mut self, statement: &'m Statement) -> Result<(), PtxError> {
        match statement {
            Statement::Open => self.scopes.push(Scope::default()),
            Statement::Close => {
                if self.scopes.len() > self.floor + 1 {
                    self.scopes.pop();
                }
            }
            Statement::Registers { width, name, count, line } => {
                self.registers(*width, name, *count, *line)?
            }
            Statement::Variable(variable) => self.variable(variable)?,
            Statement::Label(name, line) => {
                let place = self.program.steps.len() as u32;
                if self.labels.insert(name.clone(), place).is_some() {
                    return Err(PtxError::new(*line, format!("label {name} is there twice")));
                }
            }
            Statement::Targets { name, labels, line } => {
                if self.tables.insert(name.clone(), labels.clone()).is_some() {
                    return Err(PtxError::new(*line, format!("table {name} is there twice")));
                }
            }
            Statement::Instruction(instruction) => self.instruction(instruction)?,
        }
        Ok(())
    }

    fn scope(&mut self) -> &mut Scope {
        let last = self.scopes.len() - 1;
        &mut self.scopes[last]
    }

    /// New slots for a register of this width, or a new truth value.
    fn new_registers(&mut self, width: Width, count: u32, line: u32) -> Result<u32, PtxError> {
        let (first, slots) = match width {
            Width::Predicate => (&mut self.program.truths, 1),
            width => (&mut self.program.slots, slots_of(width)),
        };
        let found = *first;
        let end = u64::from(found) + u64::from(count) * u64::from(slots);
        if end > u64::from(MOST_SLOTS) {
            return Err(PtxError::new(line, format!("more than {MOST_SLOTS} registers")));
        }
        *first = end as u32;
        Ok(found)
    }

    fn registers(&mut self, width: Width, name: &str, count: Option<u32>, line: u32) -> Result<(), PtxError> {
        let first = self.new_registers(width, count.unwrap_or(1), line)?;
        for index in 0..count.unwrap_or(1) {
            let name = if count.is_some() { format!("{name}{index}") } else { name.to_string() };
            match width {
                Width::Predicate => self.program.truth_names.push((first + index, name)),
                _ => self.program.names.push((first + index * slots_of(width), name)),
            }
        }
        let known = self.scope().registers.insert(name.to_string(), Registers { width, first, count });
        if known.is_some() {
            return Err(PtxError::new(line, format!("registers {name} are there twice")));
        }
        Ok(())
    }

    fn variable(&mut self, variable: &Variable) -> Result<(), PtxError> {
        let place = match variable.space {
            // Arguments and results of calls lie in memory of the thread.
            Space::Local | Space::Parameter => Place::Local(self.new_local(variable)?),
            Space::Shared => {
                let function = self.calls.last().map_or("", String::as_str);
                let key = format!("{function}/{}", variable.name);
                Place::Shared(self.new_shared(key, variable)?)
            }
            Space::Global | Space::Constant => {
                return Err(PtxError::new(
                    variable.line,
                    "memory of the device is declared outside of functions",
                ));
            }
        };
        if self.scope().memory.insert(variable.name.clone(), place).is_some() {
            return Err(PtxError::new(variable.line, format!("variable {} is there twice", variable.name)));
        }
        Ok(())
    }

    fn new_local(&mut self, variable: &Variable) -> Result<u64, PtxError> {
        let offset = (self.program.local_bytes + GAP).next_multiple_of(variable.align.max(16));
        self.program.local_bytes = offset + variable.size;
        if self.program.local_bytes > LARGEST {
            return Err(PtxError::new(
                variable.line,
                format!("more than {LARGEST} bytes of memory of a thread"),
            ));
        }
        self.program.local.push((offset, variable.size, variable.name.clone()));
        Ok(offset)
    }

    fn new_shared(&mut self, key: String, variable: &Variable) -> Result<u64, PtxError> {
        if let Some(offset) = self.shared.get(&key) {
            return Ok(*offset);
        }
        if variable.contents.is_some() {
            return Err(PtxError::new(variable.line, "shared memory has no contents at the start"));
        }
        let offset = if variable.size == 0 {
            DYNAMIC_AT
        } else {
            let end = self.program.shared.last().map_or(0, |(offset, size, _)| offset + size);
            let offset = (end + GAP).next_multiple_of(variable.align.max(16));
            let bytes = self.program.shared_bytes.next_multiple_of(variable.align) + variable.size;
            if bytes > LARGEST / 2 || offset + variable.size > LARGEST {
                return Err(PtxError::new(variable.line, format!("{bytes} bytes of static shared memory")));
            }
            self.program.shared_bytes = bytes;
            self.program.shared.push((offset, variable.size, variable.name.clone()));
            offset
        };
        self.shared.insert(key, offset);
        Ok(offset)
    }

    fn instruction(&mut self, instruction: &'m Instruction) -> Result<(), PtxError> {
        let line = instruction.line;
        let guard = match &instruction.guard {
            None => None,
            Some((name, negated)) => Some(Condition {
                truth: self.truth(&Operand::Name(name.clone()), line)?.truth,
                negated: *negated,
            }),
        };
        let opcode = instruction.opcode.as_str();
        match opcode {
            "bra" | "bra.uni" => {
                let [Operand::Name(label)] = instruction.operands.as_slice() else {
                    return Err(PtxError::new(line, "bra goes to one label"));
                };
                let index = self.emit(Operation::Branch { target: 0 }, guard, line)?;
                self.jumps.push((index, vec![label.clone()], line));
            }
            "ret" | "ret.uni" if !self.entry => {
                let index = self.emit(Operation::Branch { target: 0 }, guard, line)?;
                self.ends.push(index);
            }
            "ret" | "ret.uni" | "exit" => {
                self.emit(Operation::Exit, guard, line)?;
            }
            "call" | "call.uni" => {
                if guard.is_some() {
                    // Jump over it.
                    let guard = guard.map(|guard| Condition { negated: !guard.negated, ..guard });
                    let index = self.emit(Operation::Branch { target: 0 }, guard, line)?;
                    self.call(instruction)?;
                    let end = self.program.steps.len() as u32;
                    self.program.steps[index].operation = Operation::Branch { target: end };
                } else {
                    self.call(instruction)?;
                }
            }
            _ => {
                let operation = opcode::translate(self, instruction)?;
                self.emit(operation, guard, line)?;
            }
        }
        Ok(())
    }

    /// Lays the called function out here.
    fn call(&mut self, instruction: &'m Instruction) -> Result<(), PtxError> {
        let line = instruction.line;
        let wrong =
            || PtxError::new(line, "a call is (results), function, (arguments); others are not executed");
        let (results, rest) = match instruction.operands.as_slice() {
            [Operand::List(results), rest @ ..] => (results.as_slice(), rest),
            rest => (&[] as &[Operand], rest),
        };
        let (name, arguments) = match rest {
            [Operand::Name(name)] => (name, &[] as &[Operand]),
            [Operand::Name(name), Operand::List(arguments)] => (name, arguments.as_slice()),
            _ => return Err(wrong()),
        };
        let Some(function) = self.module.functions.iter().find(|function| function.name == *name) else {
            return Err(PtxError::new(
                line,
                format!("there is no function {name}: calls by address are not executed"),
            ));
        };
        if function.results.len() != results.len() || function.parameters.len() != arguments.len() {
            let message = format!(
                "{name} takes {} arguments and gives {} results, not {} and {}",
                function.parameters.len(),
                function.results.len(),
                arguments.len(),
                results.len(),
            );
            return Err(PtxError::new(line, message));
        }
        let mut scope = Scope::default();
        let formal = function.results.iter().chain(&function.parameters);
        for (formal, actual) in formal.zip(results.iter().chain(arguments)) {
            let Operand::Name(actual) = actual else { return Err(wrong()) };
            match self.memory(actual) {
                Some(place @ Place::Local(_)) => scope.memory.insert(formal.name.clone(), place),
                _ => return Err(PtxError::new(line, format!("{actual} is no .param of the caller"))),
            };
        }
        let depth = self.scopes.len();
        self.scopes.push(scope);
        let entry = std::mem::replace(&mut self.entry, false);
        self.body(function)?;
        self.entry = entry;
        self.scopes.truncate(depth);
        Ok(())
    }

    /// Adds a jump to a label of this name to the step that comes next.
    pub fn jump_table(&mut self, labels: Vec<String>, line: u32) {
        self.jumps.push((self.program.steps.len(), labels, line));
    }

    /// The labels of a table.
    pub fn table(&self, name: &str) -> Option<Vec<String>> {
        self.tables.get(name).cloned()
    }

    fn find_register(&self, name: &str) -> Option<(Width, u32)> {
        let digits = name.len() - name.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (prefix, number) = name.split_at(digits);
        for scope in self.scopes[self.floor..].iter().rev() {
            if let Some(found) = scope.registers.get(name)
                && found.count.is_none()
            {
                return Some((found.width, found.first));
            }
            if let Some(found) = scope.registers.get(prefix)
                && let Ok(number) = number.parse::<u32>()
                && (number == 0 || !name[digits..].starts_with('0'))
                && number < found.count.unwrap_or(0)
            {
                return Some((found.width, found.first + number * slots_of(found.width)));
            }
        }
        None
    }

    /// Where a variable lies that can be seen from here.
    pub fn memory(&mut self, name: &str) -> Option<Place> {
        for scope in self.scopes[self.floor..].iter().rev() {
            if let Some(place) = scope.memory.get(name) {
                return Some(*place);
            }
        }
        if let Some(address) = self.globals.get(name) {
            return Some(Place::Global(*address));
        }
        let module = self.module;
        let variable = module.variables.iter().find(|variable| variable.name == name)?;
        match variable.space {
            Space::Shared => self.new_shared(format!("/{name}"), variable).ok().map(Place::Shared),
            _ => None,
        }
    }

    /// A slot that holds a number.
    pub fn constant(&mut self, value: u64, bits: u32) -> Slot {
        if bits <= 32 {
            let value = if bits == 16 { value as u32 & 0xffff } else { value as u32 };
            if let Some(slot) = self.constants.get(&value) {
                return *slot;
            }
            let slot = self.program.slots;
            self.program.slots += 1;
            self.program.constants.push((slot, value));
            self.constants.insert(value, slot);
            return slot;
        }
        if let Some(slot) = self.wide_constants.get(&value) {
            return *slot;
        }
        let slot = self.program.slots;
        self.program.slots += 2;
        self.program.constants.push((slot, value as u32));
        self.program.constants.push((slot + 1, (value >> 32) as u32));
        self.wide_constants.insert(value, slot);
        slot
    }

    fn special(&mut self, name: &str, line: u32) -> Result<Option<Slot>, PtxError> {
        let axis = |name: &str| match name.rsplit_once('.').map(|(_, axis)| axis) {
            Some("x") => Some(0),
            Some("y") => Some(1),
            Some("z") => Some(2),
            _ => None,
        };
        let special = match (name.split('.').next().unwrap_or_default(), axis(name)) {
            ("%tid", Some(axis)) => Special::Thread(axis),
            ("%ntid", Some(axis)) => Special::Threads(axis),
            ("%ctaid", Some(axis)) => Special::Block(axis),
            ("%nctaid", Some(axis)) => Special::Blocks(axis),
            ("%laneid", None) => Special::Lane,
            ("%warpid", None) => Special::Warp,
            ("%nwarpid", None) => Special::Warps,
            ("WARP_SZ", None) => Special::WarpSize,
            ("%lanemask_eq", None) => Special::LanesEqual,
            ("%lanemask_lt", None) => Special::LanesBelow,
            ("%lanemask_le", None) => Special::LanesBelowOrEqual,
            ("%lanemask_gt", None) => Special::LanesAbove,
            ("%lanemask_ge", None) => Special::LanesAboveOrEqual,
            ("%dynamic_smem_size", None) => Special::DynamicShared,
            ("%total_smem_size", None) => Special::TotalShared,
            (
                "%clock" | "%clock_hi" | "%clock64" | "%globaltimer" | "%globaltimer_lo" | "%smid" | "%nsmid",
                None,
            ) => {
                let message = format!("{name} is another on every run: it is not executed");
                return Err(PtxError::new(line, message));
            }
            _ => return Ok(None),
        };
        if let Some(slot) = self.specials.get(&special) {
            return Ok(Some(*slot));
        }
        let slot = self.program.slots;
        self.program.slots += 1;
        self.program.specials.push((slot, special));
        self.specials.insert(special, slot);
        Ok(Some(slot))
    }

    /// The slot of a source of this many bits; wider registers are taken too where `loose`.
    pub fn source(&mut self, operand: &Operand, bits: u32, loose: bool, line: u32) -> Result<Slot, PtxError> {
        match operand {
            Operand::Integer(value) => Ok(self.constant(*value, bits)),
            Operand::Single(value) if bits == 32 => Ok(self.constant(u64::from(*value), 32)),
            Operand::Double(value) if bits == 64 => Ok(self.constant(*value, 64)),
            Operand::Double(value) if bits == 32 => {
                Ok(self.constant(u64::from((f64::from_bits(*value) as f32).to_bits()), 32))
            }
            Operand::Name(name) => {
                if let Some((width, slot)) = self.find_register(name) {
                    check_width(name, width, bits, loose, line)?;
                    return Ok(slot);
                }
                if let Some(slot) = self.special(name, line)? {
                    if bits > 32 {
                        return Err(PtxError::new(line, format!("{name} has 32 bits, not {bits}")));
                    }
                    return Ok(slot);
                }
                match self.memory(name) {
                    Some(_) if bits < 32 => {
                        Err(PtxError::new(line, format!("an address has 32 or 64 bits, not {bits}")))
                    }
                    Some(Place::Global(address)) if bits == 64 => Ok(self.constant(address, 64)),
                    Some(Place::Global(_)) => {
                        Err(PtxError::new(line, format!("the address of {name} has 64 bits, not {bits}")))
                    }
                    Some(Place::Shared(at) | Place::Local(at) | Place::Parameter(at)) => {
                        Ok(self.constant(at, bits))
                    }
                    None => Err(PtxError::new(line, format!("there is no register or variable {name}"))),
                }
            }
            _ => Err(PtxError::new(line, format!("no source of {bits} bits"))),
        }
    }

    /// The slot of a target of this many bits.
    pub fn target(&mut self, operand: &Operand, bits: u32, loose: bool, line: u32) -> Result<Slot, PtxError> {
        let Operand::Name(name) = operand else {
            return Err(PtxError::new(line, "the target is no register"));
        };
        match self.find_register(name) {
            Some((width, slot)) => {
                check_width(name, width, bits, loose, line)?;
                Ok(slot)
            }
            None => Err(PtxError::new(line, format!("there is no register {name}"))),
        }
    }

    /// How many slots the register of an operand has; what is no register has as many as the bits need.
    pub fn slots(&self, operand: &Operand, bits: u32) -> u32 {
        match operand {
            Operand::Name(name) => match self.find_register(name) {
                Some((width, _)) => slots_of(width),
                None => bits.div_ceil(32),
            },
            _ => bits.div_ceil(32),
        }
    }

    /// A register of a load or a store, `_` too.
    pub fn element(
        &mut self,
        operand: &Operand,
        bits: u32,
        load: bool,
        line: u32,
    ) -> Result<Element, PtxError> {
        if *operand == Operand::Name("_".to_string()) {
            return Ok(Element { slot: None, slots: bits.div_ceil(32) });
        }
        let slots = self.slots(operand, bits);
        let slot = if load {
            self.target(operand, bits, true, line)?
        } else {
            self.source(operand, bits, true, line)?
        };
        Ok(Element { slot: Some(slot), slots })
    }

    /// A truth value, a constant one too.
    pub fn truth(&mut self, operand: &Operand, line: u32) -> Result<Condition, PtxError> {
        let (name, negated) = match operand {
            Operand::Name(name) => (name, false),
            Operand::Not(name) => (name, true),
            Operand::Integer(value) => {
                let truth = self.program.truths;
                self.program.truths += 1;
                self.program.constant_truths.push((truth, *value != 0));
                return Ok(Condition { truth, negated: false });
            }
            _ => return Err(PtxError::new(line, "no predicate")),
        };
        match self.find_register(name) {
            Some((Width::Predicate, truth)) => Ok(Condition { truth, negated }),
            Some(_) => Err(PtxError::new(line, format!("{name} is no predicate"))),
            None => Err(PtxError::new(line, format!("there is no predicate {name}"))),
        }
    }

    /// A truth value to be set; none for `_`.
    pub fn target_truth(&mut self, name: &str, line: u32) -> Result<Option<Truth>, PtxError> {
        if name == "_" {
            return Ok(None);
        }
        Ok(Some(self.truth(&Operand::Name(name.to_string()), line)?.truth))
    }

    /// Whether what is laid out is the kernel itself.
    pub fn in_entry(&self) -> bool {
        self.entry
    }
}

/// How many slots a register takes.
pub fn slots_of(width: Width) -> u32 {
    match width {
        Width::Predicate | Width::B16 | Width::B32 => 1,
        Width::B64 => 2,
        Width::B128 => 4,
    }
}

fn bits_of(width: Width) -> u32 {
    match width {
        Width::Predicate => 1,
        Width::B16 => 16,
        Width::B32 => 32,
        Width::B64 => 64,
        Width::B128 => 128,
    }
}

fn check_width(name: &str, width: Width, bits: u32, loose: bool, line: u32) -> Result<(), PtxError> {
    let has = bits_of(width);
    if width == Width::Predicate {
        return Err(PtxError::new(line, format!("{name} is a predicate, not a number of {bits} bits")));
    }
    if has == bits || (loose && has > bits) {
        return Ok(());
    }
    Err(PtxError::new(line, format!("{name} has {has} bits, not {bits}")))
}

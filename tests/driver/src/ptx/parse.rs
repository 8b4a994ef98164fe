//! Words to a module. Every mistake is an error that names its line.

use super::token::{Placed, Word, integer, words};
use super::{Function, Instruction, Module, Operand, PtxError, Space, Statement, Variable, Width};

/// The largest variable, in bytes.
const LARGEST: u64 = 1 << 28;

/// Reads a module.
pub fn parse(text: &str) -> Result<Module, PtxError> {
    let words = words(text)?;
    Parser { words, at: 0 }.module()
}

struct Parser<'t> {
    words: Vec<Placed<'t>>,
    at: usize,
}

/// The size of a fundamental type in bytes.
fn size_of_type(name: &str) -> Option<u64> {
    Some(match name {
        ".b8" | ".u8" | ".s8" => 1,
        ".b16" | ".u16" | ".s16" | ".f16" | ".bf16" => 2,
        ".b32" | ".u32" | ".s32" | ".f32" | ".f16x2" | ".bf16x2" => 4,
        ".b64" | ".u64" | ".s64" | ".f64" => 8,
        ".b128" => 16,
        _ => return None,
    })
}

fn space_of(name: &str) -> Option<Space> {
    Some(match name {
        ".global" => Space::Global,
        ".const" => Space::Constant,
        ".shared" => Space::Shared,
        ".local" => Space::Local,
        ".param" => Space::Parameter,
        _ => return None,
    })
}

impl<'t> Parser<'t> {
    fn line(&self) -> u32 {
        let last = self.words.len().saturating_sub(1);
        self.words.get(self.at.min(last)).map_or(1, |word| word.1)
    }

    fn peek(&self) -> Option<Word<'t>> {
        self.words.get(self.at).map(|word| word.0)
    }

    fn wrong<T>(&self, expected: &str) -> Result<T, PtxError> {
        let found = match self.peek() {
            None => "the end".to_string(),
            Some(Word::Name(name) | Word::Number(name)) => format!("\"{name}\""),
            Some(Word::Quoted(text)) => format!("the text \"{text}\""),
            Some(Word::Mark(mark)) => format!("\"{mark}\""),
        };
        Err(PtxError::new(self.line(), format!("{found}, where {expected} is expected")))
    }

    fn is(&self, mark: char) -> bool {
        self.peek() == Some(Word::Mark(mark))
    }

    fn take(&mut self, mark: char) -> bool {
        let there = self.is(mark);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, mark: char) -> Result<(), PtxError> {
        if self.take(mark) { Ok(()) } else { self.wrong(&format!("\"{mark}\"")) }
    }

    fn take_name(&mut self, wanted: &str) -> bool {
        let there = self.peek() == Some(Word::Name(wanted));
        self.at += usize::from(there);
        there
    }

    fn name(&mut self, what: &str) -> Result<&'t str, PtxError> {
        match self.peek() {
            Some(Word::Name(name)) => {
                self.at += 1;
                Ok(name)
            }
            _ => self.wrong(what),
        }
    }

    fn number(&mut self) -> Result<u64, PtxError> {
        match self.peek() {
            Some(Word::Number(text)) if integer(text).is_some() => {
                self.at += 1;
                Ok(integer(text).unwrap_or_default())
            }
            _ => self.wrong("an integer"),
        }
    }

    /// Goes past whatever stands on this line.
    fn skip_line(&mut self) {
        let line = self.line();
        while self.at < self.words.len() && self.words[self.at].1 == line {
            self.at += 1;
        }
    }

    /// Goes past braces and all that is in them.
    fn skip_braces(&mut self) -> Result<(), PtxError> {
        self.expect('{')?;
        let mut depth = 1;
        while depth > 0 {
            match self.peek() {
                None => return self.wrong("\"}\""),
                Some(Word::Mark('{')) => depth += 1,
                Some(Word::Mark('}')) => depth -= 1,
                Some(_) => {}
            }
            self.at += 1;
        }
        Ok(())
    }

    fn module(mut self) -> Result<Module, PtxError> {
        let mut module = Module::default();
        while let Some(word) = self.peek() {
            let Word::Name(name) = word else {
                return self.wrong("a directive");
            };
            match name {
                ".version" => {
                    self.at += 1;
                    module.version = self.version()?;
                }
                ".target" => {
                    self.at += 1;
                    module.target = self.name("a target")?.to_string();
                    while self.take(',') {
                        self.name("an option of the target")?;
                    }
                }
                ".address_size" => {
                    self.at += 1;
                    if self.number()? != 64 {
                        self.at -= 1;
                        return self.wrong("64, the only size of addresses that is executed,");
                    }
                }
                ".file" | ".loc" => self.skip_line(),
                ".section" => {
                    self.at += 1;
                    self.name("the name of a section")?;
                    self.skip_braces()?;
                }
                ".pragma" => self.pragma()?,
                _ => self.definition(&mut module)?,
            }
        }
        if module.version == (0, 0) {
            return Err(PtxError::new(1, "no .version: this is no PTX"));
        }
        if module.target.is_empty() {
            return Err(PtxError::new(1, "no .target"));
        }
        Ok(module)
    }

    fn version(&mut self) -> Result<(u32, u32), PtxError> {
        if let Some(Word::Number(text)) = self.peek()
            && let Some((major, minor)) = text.split_once('.')
            && let (Ok(major), Ok(minor)) = (major.parse(), minor.parse())
            && major > 0
        {
            self.at += 1;
            return Ok((major, minor));
        }
        self.wrong("a version such as 8.0")
    }

    fn pragma(&mut self) -> Result<(), PtxError> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(Word::Quoted(_)) => self.at += 1,
                _ => return self.wrong("a text in quotes"),
            }
            if !self.take(',') {
                return self.expect(';');
            }
        }
    }

    /// A variable or a function, with what tells who sees it.
    fn definition(&mut self, module: &mut Module) -> Result<(), PtxError> {
        let mut external = false;
        loop {
            let name = match self.peek() {
                Some(Word::Name(name)) => name,
                _ => return self.wrong("a directive"),
            };
            match name {
                ".extern" => external = true,
                ".visible" | ".weak" | ".common" => {}
                ".entry" | ".func" => {
                    self.at += 1;
                    let function = self.function(name == ".entry")?;
                    let known = module.functions.iter().position(|known| known.name == function.name);
                    match known {
                        None => module.functions.push(function),
                        // A declaration before it.
                        Some(index) if module.functions[index].body.is_none() => {
                            module.functions[index] = function;
                        }
                        Some(_) if function.body.is_none() => {}
                        Some(_) => {
                            let message = format!("function {} is there twice", function.name);
                            return Err(PtxError::new(function.line, message));
                        }
                    }
                    return Ok(());
                }
                _ if space_of(name).is_some() => {
                    let variables = self.variables(external)?;
                    for variable in variables {
                        if module.variables.iter().any(|known| known.name == variable.name) {
                            let message = format!("variable {} is there twice", variable.name);
                            return Err(PtxError::new(variable.line, message));
                        }
                        module.variables.push(variable);
                    }
                    return Ok(());
                }
                _ => return self.wrong("a directive of a module"),
            }
            self.at += 1;
        }
    }

    /// `.shared .align 4 .b8 name[12], other[2];`, from the space on.
    fn variables(&mut self, external: bool) -> Result<Vec<Variable>, PtxError> {
        let (space, align, unit) = self.variable_type()?;
        let mut found = Vec::new();
        loop {
            let mut variable = self.variable(space, align, unit)?;
            variable.external = external;
            found.push(variable);
            if !self.take(',') {
                self.expect(';')?;
                return Ok(found);
            }
        }
    }

    /// The space, the alignment and the size of a unit.
    fn variable_type(&mut self) -> Result<(Space, u64, u64), PtxError> {
        let Some(space) = self.peek().and_then(|word| match word {
            Word::Name(name) => space_of(name),
            _ => None,
        }) else {
            return self.wrong("a space of memory");
        };
        self.at += 1;
        let (mut align, mut vector) = (0, 1);
        loop {
            let name = self.name("a type")?;
            match name {
                ".align" => {
                    let given = self.number()?;
                    if !given.is_power_of_two() || given > 1 << 16 {
                        self.at -= 1;
                        return self.wrong("a power of two up to 65536");
                    }
                    align = align.max(given);
                }
                ".v2" => vector = 2,
                ".v4" => vector = 4,
                ".ptr" => {
                    // `.ptr .global .align 4` tells of what a parameter points to.
                    if matches!(self.peek(), Some(Word::Name(".global" | ".shared" | ".const" | ".local"))) {
                        self.at += 1;
                    }
                    if self.take_name(".align") {
                        self.number()?;
                    }
                    return Ok((space, align.max(8), 8));
                }
                _ => match size_of_type(name) {
                    Some(size) => {
                        let unit = size * vector;
                        if matches!(self.peek(), Some(Word::Name(".ptr"))) {
                            continue;
                        }
                        return Ok((space, align.max(unit), unit));
                    }
                    None => {
                        self.at -= 1;
                        return self.wrong("a type");
                    }
                },
            }
        }
    }

    fn variable(&mut self, space: Space, align: u64, unit: u64) -> Result<Variable, PtxError> {
        let line = self.line();
        let name = self.name("the name of a variable")?.to_string();
        let (mut count, mut open) = (1u64, false);
        while self.take('[') {
            if self.take(']') {
                open = true;
                continue;
            }
            let length = self.number()?;
            self.expect(']')?;
            count = count.saturating_mul(length);
        }
        let mut size = if open { 0 } else { count.saturating_mul(unit) };
        if size > LARGEST {
            return Err(PtxError::new(
                line,
                format!("variable {name} has {size} bytes, more than {LARGEST}"),
            ));
        }
        let mut contents = None;
        if self.take('=') {
            let mut bytes = Vec::new();
            if self.take('{') {
                while !self.take('}') {
                    self.content(unit, &mut bytes)?;
                    if !self.take(',') && !self.is('}') {
                        return self.wrong("\",\" or \"}\"");
                    }
                }
            } else {
                self.content(unit, &mut bytes)?;
            }
            if open {
                size = bytes.len() as u64;
            }
            if bytes.len() as u64 > size {
                let message = format!("variable {name} has {size} bytes and {} of contents", bytes.len());
                return Err(PtxError::new(line, message));
            }
            contents = Some(bytes);
        }
        Ok(Variable { name, space, align, size, contents, external: false, line })
    }

    /// One element of a variable's contents.
    fn content(&mut self, unit: u64, bytes: &mut Vec<u8>) -> Result<(), PtxError> {
        let value = match self.operand()? {
            Operand::Integer(value) | Operand::Double(value) => value,
            Operand::Single(value) => u64::from(value),
            _ => {
                self.at -= 1;
                return self.wrong("a number: addresses in contents are not executed,");
            }
        };
        let bytes_of_value = value.to_le_bytes();
        bytes.extend((0..unit as usize).map(|index| bytes_of_value.get(index).copied().unwrap_or(0)));
        Ok(())
    }

    fn parameters(&mut self) -> Result<Vec<Variable>, PtxError> {
        let mut found: Vec<Variable> = Vec::new();
        self.expect('(')?;
        while !self.take(')') {
            if self.take_name(".reg") {
                return self.wrong("a parameter in .param: others are not executed");
            }
            let (space, align, unit) = self.variable_type()?;
            let variable = self.variable(space, align, unit)?;
            if space != Space::Parameter {
                return Err(PtxError::new(variable.line, "a parameter lies in .param"));
            }
            found.push(variable);
            if !self.take(',') && !self.is(')') {
                return self.wrong("\",\" or \")\"");
            }
        }
        Ok(found)
    }

    fn function(&mut self, entry: bool) -> Result<Function, PtxError> {
        let line = self.line();
        let results = if self.is('(') { self.parameters()? } else { Vec::new() };
        let name = self.name("the name of a function")?.to_string();
        let parameters = if self.is('(') { self.parameters()? } else { Vec::new() };
        let (mut most_threads, mut required_threads) = (None, None);
        loop {
            match self.peek() {
                Some(Word::Name(".maxntid")) => most_threads = Some(self.extents()?),
                Some(Word::Name(".reqntid")) => required_threads = Some(self.extents()?),
                Some(Word::Name(".minnctapersm" | ".maxnreg" | ".maxnctapersm")) => {
                    self.at += 1;
                    self.number()?;
                }
                Some(Word::Name(".noreturn")) => self.at += 1,
                Some(Word::Name(".pragma")) => self.pragma()?,
                Some(Word::Mark(';')) => {
                    self.at += 1;
                    let body = None;
                    return Ok(Function {
                        name,
                        entry,
                        parameters,
                        results,
                        body,
                        most_threads,
                        required_threads,
                        line,
                    });
                }
                Some(Word::Mark('{')) => break,
                _ => return self.wrong("\"{\" or a directive of a function"),
            }
        }
        let body = Some(self.body()?);
        Ok(Function { name, entry, parameters, results, body, most_threads, required_threads, line })
    }

    /// `.maxntid 128, 1, 1`
    fn extents(&mut self) -> Result<[u32; 3], PtxError> {
        self.at += 1;
        let mut extents = [1; 3];
        for (index, extent) in extents.iter_mut().enumerate() {
            if index > 0 && !self.take(',') {
                break;
            }
            *extent = u32::try_from(self.number()?).unwrap_or(u32::MAX);
        }
        Ok(extents)
    }

    fn body(&mut self) -> Result<Vec<Statement>, PtxError> {
        self.expect('{')?;
        let mut depth = 1u32;
        let mut found = Vec::new();
        loop {
            let line = self.line();
            match self.peek() {
                None => return self.wrong("\"}\""),
                Some(Word::Mark('{')) => {
                    self.at += 1;
                    depth += 1;
                    found.push(Statement::Open);
                }
                Some(Word::Mark('}')) => {
                    self.at += 1;
                    depth -= 1;
                    if depth == 0 {
                        return Ok(found);
                    }
                    found.push(Statement::Close);
                }
                Some(Word::Mark(';')) => self.at += 1,
                Some(Word::Name(".reg")) => self.registers(&mut found)?,
                Some(Word::Name(".loc" | ".file")) => self.skip_line(),
                Some(Word::Name(".pragma")) => self.pragma()?,
                Some(Word::Name(name)) if space_of(name).is_some() => {
                    found.extend(self.variables(false)?.into_iter().map(Statement::Variable));
                }
                Some(Word::Name(name)) if name.starts_with('.') => {
                    return self.wrong("a directive that is executed");
                }
                Some(Word::Name(name))
                    if self.words.get(self.at + 1).map(|next| next.0) == Some(Word::Mark(':')) =>
                {
                    self.at += 2;
                    if self.take_name(".branchtargets") {
                        let mut labels = vec![self.name("a label")?.to_string()];
                        while self.take(',') {
                            labels.push(self.name("a label")?.to_string());
                        }
                        self.expect(';')?;
                        found.push(Statement::Targets { name: name.to_string(), labels, line });
                    } else {
                        found.push(Statement::Label(name.to_string(), line));
                    }
                }
                Some(_) => found.push(Statement::Instruction(self.instruction()?)),
            }
        }
    }

    fn registers(&mut self, found: &mut Vec<Statement>) -> Result<(), PtxError> {
        self.at += 1;
        let line = self.line();
        let width = match self.name("the type of a register")? {
            ".pred" => Width::Predicate,
            name => match size_of_type(name) {
                Some(1 | 2) => Width::B16,
                Some(4) => Width::B32,
                Some(8) => Width::B64,
                Some(16) => Width::B128,
                _ => {
                    self.at -= 1;
                    return self.wrong("the type of a register");
                }
            },
        };
        loop {
            let name = self.name("the name of a register")?.to_string();
            let mut count = None;
            if self.take('<') {
                count = Some(u32::try_from(self.number()?).unwrap_or(u32::MAX));
                self.expect('>')?;
            }
            found.push(Statement::Registers { width, name, count, line });
            if !self.take(',') {
                return self.expect(';');
            }
        }
    }

    fn instruction(&mut self) -> Result<Instruction, PtxError> {
        let guard = if self.take('@') {
            let negated = self.take('!');
            Some((self.name("a predicate")?.to_string(), negated))
        } else {
            None
        };
        let line = self.line();
        let opcode = self.name("an opcode")?.to_string();
        if !opcode.starts_with(|first: char| first.is_ascii_lowercase()) {
            self.at -= 1;
            return self.wrong("an opcode");
        }
        let mut operands = Vec::new();
        if !self.is(';') {
            loop {
                operands.push(self.operand()?);
                if !self.take(',') {
                    break;
                }
            }
        }
        self.expect(';')?;
        Ok(Instruction { line, guard, opcode, operands })
    }

    /// The operands between two marks.
    fn operands_until(&mut self, end: char) -> Result<Vec<Operand>, PtxError> {
        let mut found = Vec::new();
        while !self.take(end) {
            found.push(self.simple_operand()?);
            if !self.take(',') && !self.is(end) {
                return self.wrong(&format!("\",\" or \"{end}\""));
            }
        }
        Ok(found)
    }

    fn operand(&mut self) -> Result<Operand, PtxError> {
        if self.take('{') {
            return Ok(Operand::Vector(self.operands_until('}')?));
        }
        if self.take('(') {
            return Ok(Operand::List(self.operands_until(')')?));
        }
        if self.take('[') {
            let base = self.simple_operand()?;
            let offset = if self.take('+') || self.is('-') { self.offset()? } else { 0 };
            self.expect(']')?;
            return Ok(Operand::Memory(Box::new(base), offset));
        }
        if self.take('!') {
            return Ok(Operand::Not(self.name("a predicate")?.to_string()));
        }
        let first = self.simple_operand()?;
        if let Operand::Name(name) = &first
            && self.take('|')
        {
            return Ok(Operand::Pair(name.clone(), self.name("a predicate")?.to_string()));
        }
        Ok(first)
    }

    fn offset(&mut self) -> Result<i64, PtxError> {
        let negative = self.take('-');
        let value = self.number()? as i64;
        Ok(if negative { value.wrapping_neg() } else { value })
    }

    /// A name or a number.
    fn simple_operand(&mut self) -> Result<Operand, PtxError> {
        let negative = self.take('-');
        match self.peek() {
            Some(Word::Name(name)) if !negative => {
                self.at += 1;
                Ok(Operand::Name(name.to_string()))
            }
            Some(Word::Number(text)) => {
                let value = if let Some(bits) = text.strip_prefix("0f").or_else(|| text.strip_prefix("0F")) {
                    u32::from_str_radix(bits, 16).ok().filter(|_| bits.len() == 8).map(Operand::Single)
                } else if let Some(bits) = text.strip_prefix("0d").or_else(|| text.strip_prefix("0D")) {
                    u64::from_str_radix(bits, 16).ok().filter(|_| bits.len() == 16).map(Operand::Double)
                } else if text.contains('.') {
                    text.parse().ok().map(|value: f64| Operand::Double(value.to_bits()))
                } else {
                    integer(text).map(Operand::Integer)
                };
                let Some(value) = value else {
                    return self.wrong("a number");
                };
                self.at += 1;
                Ok(match value {
                    Operand::Integer(value) if negative => Operand::Integer(value.wrapping_neg()),
                    Operand::Single(bits) if negative => Operand::Single(bits ^ 1 << 31),
                    Operand::Double(bits) if negative => Operand::Double(bits ^ 1 << 63),
                    value => value,
                })
            }
            _ => self.wrong("an operand"),
        }
    }
}

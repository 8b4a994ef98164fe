//! A device for tests: memory and launches without the driver around them.

use std::sync::Arc;

use crate::machine::decode::{Globals, decode};
use crate::machine::finding::Finding;
use crate::machine::instruction::Program;
use crate::machine::launch::{SHARED, Schedule, Shape, launch};
use crate::machine::memory::{Memory, Purpose};
use crate::ptx::PtxError;
use crate::ptx::parse::parse;

/// A kernel, and memory for it.
pub struct Bench {
    pub memory: Memory,
    program: Arc<Program>,
    pub schedule: Schedule,
    pub dynamic: u32,
}

impl Bench {
    /// The first kernel of a text.
    pub fn new(ptx: &str) -> Result<Bench, PtxError> {
        let module = parse(ptx)?;
        let kernel = module.functions.iter().find(|function| function.entry);
        let kernel = kernel.ok_or_else(|| PtxError::new(1, "no kernel"))?;
        let program = Arc::new(decode(&module, &Globals::new(), kernel)?);
        let schedule = Schedule { seed: 0, limit: 100_000_000 };
        Ok(Bench { memory: Memory::new("the device"), program, schedule, dynamic: 0 })
    }

    /// A kernel `test` with a pointer `p` in `%rd1` and the thread's number in `%r1`, and some registers.
    pub fn body(body: &str) -> Result<Bench, PtxError> {
        Bench::new(&text(body))
    }

    /// Memory with these bytes.
    pub fn give<const N: usize>(&mut self, words: [u32; N]) -> u64 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let address = self.memory.allocate(bytes.len() as u64, Purpose::Plain);
        self.memory.write(address, &bytes).expect("it was just taken");
        address
    }

    /// Memory that nothing was written to.
    pub fn room(&mut self, bytes: u64) -> u64 {
        self.memory.allocate(bytes, Purpose::Plain)
    }

    /// Words of memory.
    pub fn words(&self, address: u64, count: u64) -> Vec<u32> {
        let bytes = self.memory.read(address, count * 4).expect("it is there");
        bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().expect("four bytes"))).collect()
    }

    /// Launches with one argument.
    pub fn launch(&mut self, blocks: u32, threads: u32, argument: u64) -> Result<u64, Finding> {
        self.launch_of([blocks, 1, 1], [threads, 1, 1], argument)
    }

    /// The same in three directions.
    pub fn launch_of(&mut self, blocks: [u32; 3], threads: [u32; 3], argument: u64) -> Result<u64, Finding> {
        let shape = Shape { blocks, threads, dynamic: self.dynamic, allowed: SHARED };
        launch(&self.program, &mut self.memory, &argument.to_le_bytes(), &shape, self.schedule)
    }
}

/// The text of a kernel with this body.
pub fn text(body: &str) -> String {
    format!(
        ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry test(.param .u64 p)\n{{\n\
         .reg .pred %p<8>; .reg .b16 %h<16>; .reg .b32 %r<40>; .reg .f32 %f<32>; .reg .b64 %rd<32>; .reg .f64 %d<16>;\n\
         ld.param.u64 %rd1, [p]; mov.u32 %r1, %tid.x;\n{body}\nret;\n}}\n"
    )
}

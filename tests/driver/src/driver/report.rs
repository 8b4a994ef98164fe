//! Counts and findings, for `GENOVO_DRIVER_REPORT`.

use std::fmt::Write;

use crate::machine::finding::Finding;

/// What the stand-in has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Kernels launched and carried out.
    pub launches: u64,
    /// Instructions that threads have done.
    pub instructions: u64,
    /// Graphs launched.
    pub graphs: u64,
    /// Allocations made, and bytes in use at the most.
    pub allocations: u64,
    pub most_bytes: u64,
    /// Launches by kernel.
    pub kernels: Vec<(String, u64)>,
    /// What checks found.
    pub findings: Vec<Finding>,
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter < ' ' => drop(write!(quoted, "\\u{:04x}", u32::from(letter))),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

impl Report {
    /// Counts a launch of a kernel.
    pub fn count(&mut self, kernel: &str) {
        match self.kernels.iter_mut().find(|(name, _)| name == kernel) {
            Some((_, count)) => *count += 1,
            None => self.kernels.push((kernel.to_string(), 1)),
        }
    }

    /// As JSON.
    pub fn json(&self, seed: u64) -> String {
        let kernels: Vec<String> =
            self.kernels.iter().map(|(name, count)| format!("{}: {count}", quoted(name))).collect();
        let findings: Vec<String> = self
            .findings
            .iter()
            .map(|finding| {
                format!(
                    "{{\"check\": \"{}\", \"kernel\": {}, \"line\": {}, \"block\": {:?}, \"thread\": {:?}, \
                     \"message\": {}}}",
                    finding.check,
                    quoted(&finding.kernel),
                    finding.line,
                    finding.block,
                    finding.thread,
                    quoted(&finding.message)
                )
            })
            .collect();
        format!(
            "{{\"seed\": {seed}, \"launches\": {}, \"instructions\": {}, \"graphs\": {}, \"allocations\": {}, \
             \"most_bytes\": {}, \"kernels\": {{{}}}, \"findings\": [{}]}}\n",
            self.launches,
            self.instructions,
            self.graphs,
            self.allocations,
            self.most_bytes,
            kernels.join(", "),
            findings.join(", ")
        )
    }
}

//! Graphs: work captured once and launched many times.

use super::code::Code;
use super::state::State;
use super::stream::Work;

/// The number of the node within its graph, in the lower part of its handle.
pub const NODE_BITS: u32 = 20;

impl State {
    /// Begins to capture.
    pub fn begin_capture(&mut self, stream: u64) -> Result<(), Code> {
        let capture = self.handle();
        let stream_state = self.stream(stream)?;
        if stream == 0 {
            return Err(Code::ERROR_STREAM_CAPTURE_UNSUPPORTED);
        }
        if stream_state.capture.is_some() {
            return Err(Code::ERROR_STREAM_CAPTURE_MERGE);
        }
        stream_state.capture = Some(capture);
        stream_state.origin = true;
        self.captures.insert(capture, Vec::new());
        Ok(())
    }

    /// Ends a capture; the graph's handle.
    pub fn end_capture(&mut self, stream: u64) -> Result<u64, Code> {
        let stream = self.stream(stream)?;
        let Some(capture) = stream.capture else {
            return Err(Code::ERROR_INVALID_VALUE);
        };
        if !stream.origin {
            return Err(Code::ERROR_STREAM_CAPTURE_UNMATCHED);
        }
        for stream in self.streams.values_mut().filter(|stream| stream.capture == Some(capture)) {
            stream.capture = None;
            stream.origin = false;
        }
        let works = self.captures.remove(&capture).unwrap_or_default();
        if works.len() >= 1 << NODE_BITS {
            return Err(
                self.refuse(Code::ERROR_NOT_SUPPORTED, "a graph of more than a million pieces of work")
            );
        }
        let graph = self.handle() << NODE_BITS;
        self.graphs.insert(graph, works);
        Ok(graph)
    }

    /// Makes a graph ready to launch.
    pub fn instantiate(&mut self, graph: u64, flags: u64) -> Result<u64, Code> {
        let works = self.graphs.get(&graph).cloned().ok_or(Code::ERROR_INVALID_HANDLE)?;
        // Freed on launch, uploaded, launched by the device, priority of nodes.
        if flags & !0xf != 0 || (flags & 1 != 0 && flags & 4 != 0) {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        let exec = self.handle();
        self.execs.insert(exec, (graph, works));
        Ok(exec)
    }

    /// Puts a graph's work into a stream.
    pub fn launch_graph(&mut self, exec: u64, stream: u64) -> Result<(), Code> {
        let (_, works) = self.execs.get(&exec).cloned().ok_or(Code::ERROR_INVALID_HANDLE)?;
        self.report.graphs += 1;
        for work in works {
            self.push(stream, work)?;
        }
        Ok(())
    }

    /// Takes the work of another graph of the same form.
    pub fn update_graph(&mut self, exec: u64, graph: u64) -> Result<(), Code> {
        let works = self.graphs.get(&graph).cloned().ok_or(Code::ERROR_INVALID_HANDLE)?;
        let (_, known) = self.execs.get_mut(&exec).ok_or(Code::ERROR_INVALID_HANDLE)?;
        let kinds = |works: &[Work]| works.iter().map(Work::kind).collect::<Vec<_>>();
        if kinds(known) != kinds(&works) {
            return Err(Code::ERROR_GRAPH_EXEC_UPDATE_FAILURE);
        }
        *known = works;
        Ok(())
    }

    /// Replaces a kernel and its arguments in a graph that is ready.
    pub fn update_node(&mut self, exec: u64, node: u64, work: Work) -> Result<(), Code> {
        let (graph, works) = self.execs.get_mut(&exec).ok_or(Code::ERROR_INVALID_HANDLE)?;
        if node >> NODE_BITS << NODE_BITS != *graph {
            return Err(Code::ERROR_INVALID_HANDLE);
        }
        let index = (node & ((1 << NODE_BITS) - 1)) as usize;
        match works.get_mut(index) {
            Some(place @ Work::Launch { .. }) => {
                *place = work;
                Ok(())
            }
            _ => Err(Code::ERROR_INVALID_VALUE),
        }
    }
}

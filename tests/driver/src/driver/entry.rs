//! The entry points that programs find by name, as the driver's documentation describes them. Handles are numbers in
//! the shape of pointers; one that is unknown is an error, never followed.

#![allow(non_snake_case)]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

use super::code::Code;
use super::graph::NODE_BITS;
use super::state::{CAPABILITY, State, with};
use super::stream::{Event, HostFunction, Stream, Work};
use crate::machine::launch::{
    MOST_BLOCKS, MOST_EXTENTS, MOST_SHARED, MOST_THREADS, SHARED, Shape, check_shape, count,
};

/// The one context.
const CONTEXT: u64 = 0xc0;

/// The one pool of memory.
const POOL: u64 = 0xb0;

thread_local! {
    static CURRENT: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Writes a result to where the caller wants it.
fn give<T>(place: *mut T, value: T) -> Result<(), Code> {
    if place.is_null() {
        return Err(Code::ERROR_INVALID_VALUE);
    }
    // SAFETY: the caller gives a place for this type, as the entry point's documentation demands.
    unsafe { place.write_unaligned(value) };
    Ok(())
}

/// Reads what the caller points to.
fn take<T: Copy>(place: *const T) -> Result<T, Code> {
    if place.is_null() {
        return Err(Code::ERROR_INVALID_VALUE);
    }
    // SAFETY: the caller points to a value of this type, as the entry point's documentation demands.
    Ok(unsafe { place.read_unaligned() })
}

/// A text of the caller that ends with a zero.
fn text<'t>(place: *const c_char) -> Result<&'t str, Code> {
    if place.is_null() {
        return Err(Code::ERROR_INVALID_VALUE);
    }
    // SAFETY: the caller points to a text that ends with a zero and outlives the call.
    unsafe { CStr::from_ptr(place) }.to_str().map_err(|_| Code::ERROR_INVALID_VALUE)
}

/// Bytes of the host's memory.
pub fn host_bytes(from: usize, bytes: u64) -> Vec<u8> {
    if from == 0 || bytes == 0 {
        return Vec::new();
    }
    // SAFETY: whoever asks for a copy vouches for its source until the copy is done.
    unsafe { std::slice::from_raw_parts(from as *const u8, bytes as usize) }.to_vec()
}

/// Writes into the host's memory.
pub fn to_host(to: usize, bytes: &[u8]) {
    if to != 0 && !bytes.is_empty() {
        // SAFETY: whoever asks for a copy vouches for its target until the copy is done.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to as *mut u8, bytes.len()) };
    }
}

/// Defines entry points: each gets the state and answers with a code.
macro_rules! entries {
    ($($name:ident($($argument:ident: $kind:ty),*) |$state:ident| $body:block)*) => {
        $(#[unsafe(no_mangle)]
        extern "C" fn $name($($argument: $kind),*) -> c_int {
            with(|$state: &mut State| -> Result<(), Code> { $body })
        })*
    };
}

fn one_device(state: &State, device: c_int) -> Result<(), Code> {
    if !state.initialised {
        return Err(Code::ERROR_NOT_INITIALIZED);
    }
    if device < 0 || device >= state.options.devices { Err(Code::ERROR_INVALID_DEVICE) } else { Ok(()) }
}

fn attribute(attribute: c_int) -> Option<c_int> {
    let version = CAPABILITY as c_int;
    Some(match attribute {
        1 => MOST_THREADS as c_int,
        2..=4 => MOST_EXTENTS[attribute as usize - 2] as c_int,
        5..=7 => MOST_BLOCKS[attribute as usize - 5] as c_int,
        // Shared memory, constant memory, lanes, registers of a block.
        8 => SHARED as c_int,
        9 => 64 << 10,
        10 => 32,
        12 | 82 => 64 << 10,
        // Clocks in kHz and the width of a bus, of nothing.
        13 | 36 => 1_000_000,
        37 => 1024,
        // Multiprocessors: the blocks of a grid are done one after the other.
        16 => 1,
        15 | 31 | 40 | 41 | 78 | 79 | 80 | 115 => 1,
        38 => 1 << 20,
        39 => 2048,
        75 => version / 10,
        76 => version % 10,
        81 => MOST_SHARED as c_int + 1024,
        97 => MOST_SHARED as c_int,
        106 => 32,
        111 => 1024,
        // The rest is not there.
        11 | 14 | 17..=120 => 0,
        _ => return None,
    })
}

/// Arguments of a launch, copied by what the kernel takes.
fn work(state: &mut State, kernel: u64, shape: Shape, places: *const *const c_void) -> Result<Work, Code> {
    let known = state.kernels.get(&kernel).ok_or(Code::ERROR_INVALID_HANDLE)?.clone();
    let shape = Shape { allowed: known.allowed, ..shape };
    if let Err(finding) = check_shape(&known.program, &shape) {
        return Err(state.refuse(Code::ERROR_INVALID_VALUE, finding.to_string()));
    }
    let mut arguments = Vec::new();
    for (index, (offset, size)) in known.program.parameters.iter().enumerate() {
        arguments.resize(*offset as usize, 0);
        if places.is_null() {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        let place = take(places.wrapping_add(index))?;
        if place.is_null() {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        arguments.extend(host_bytes(place as usize, *size));
    }
    Ok(Work::Launch { program: known.program, arguments, shape })
}

/// Copies to the device; memory of the host that is not pinned is staged at once, but in a graph.
fn write_work(state: &mut State, stream: u64, to: u64, from: usize, bytes: u64) -> Result<Work, Code> {
    if from == 0 && bytes > 0 {
        return Err(Code::ERROR_INVALID_VALUE);
    }
    let captured = state.stream(stream)?.capture.is_some();
    Ok(if captured || state.is_pinned(from, bytes) {
        Work::WriteFrom { to, from, bytes }
    } else {
        Work::Write { to, bytes: host_bytes(from, bytes) }
    })
}

fn pin(state: &mut State, bytes: usize) -> Result<u64, Code> {
    state.alive()?;
    let layout =
        std::alloc::Layout::from_size_align(bytes.max(1), 4096).map_err(|_| Code::ERROR_INVALID_VALUE)?;
    // SAFETY: the layout has a size.
    let place = unsafe { std::alloc::alloc(layout) } as usize;
    if place == 0 {
        return Err(Code::ERROR_OUT_OF_MEMORY);
    }
    state.pinned.insert(place, bytes.max(1));
    Ok(place as u64)
}

fn occupancy(state: &State, kernel: u64, threads: c_int, dynamic: usize) -> Result<c_int, Code> {
    let kernel = state.kernels.get(&kernel).ok_or(Code::ERROR_INVALID_HANDLE)?;
    if threads <= 0 {
        return Err(Code::ERROR_INVALID_VALUE);
    }
    let by_threads = 2048 / (threads as u64).next_multiple_of(32);
    let shared = (kernel.program.shared_bytes + 1024).saturating_add(dynamic as u64);
    let by_shared = u64::from(MOST_SHARED + 1024) / shared;
    Ok(by_threads.min(by_shared).min(32) as c_int)
}

entries! {
    cuInit(flags: c_uint) |state| {
        if flags != 0 {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        if state.options.devices == 0 {
            return Err(Code::ERROR_NO_DEVICE);
        }
        state.initialised = true;
        Ok(())
    }
    cuDriverGetVersion(version: *mut c_int) |state| { give(version, state.options.version) }
    cuDeviceGetCount(count: *mut c_int) |state| {
        if !state.initialised {
            return Err(Code::ERROR_NOT_INITIALIZED);
        }
        give(count, state.options.devices)
    }
    cuDeviceGet(device: *mut c_int, ordinal: c_int) |state| {
        one_device(state, ordinal)?;
        give(device, ordinal)
    }
    cuDeviceGetName(name: *mut c_char, length: c_int, device: c_int) |state| {
        one_device(state, device)?;
        let text = c"genovo stand-in, no GPU".to_bytes_with_nul();
        if name.is_null() || (length as usize) < text.len() || length < 0 {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        to_host(name as usize, text);
        Ok(())
    }
    cuDeviceGetUuid_v2(uuid: *mut [u8; 16], device: c_int) |state| {
        one_device(state, device)?;
        give(uuid, *b"genovo stand-in ")
    }
    cuDeviceTotalMem_v2(bytes: *mut usize, device: c_int) |state| {
        one_device(state, device)?;
        give(bytes, state.options.memory as usize)
    }
    cuDeviceGetAttribute(value: *mut c_int, wanted: c_int, device: c_int) |state| {
        one_device(state, device)?;
        give(value, attribute(wanted).ok_or(Code::ERROR_INVALID_VALUE)?)
    }
    cuDeviceGetDefaultMemPool(pool: *mut u64, device: c_int) |state| {
        one_device(state, device)?;
        give(pool, POOL)
    }
    cuDeviceGetMemPool(pool: *mut u64, device: c_int) |state| {
        one_device(state, device)?;
        give(pool, POOL)
    }
    cuDevicePrimaryCtxRetain(context: *mut u64, device: c_int) |state| {
        one_device(state, device)?;
        state.alive()?;
        give(context, CONTEXT)
    }
    cuDevicePrimaryCtxRelease_v2(device: c_int) |state| {
        one_device(state, device)?;
        state.write_report();
        Ok(())
    }
    cuCtxSetCurrent(context: u64) |state| {
        if !state.initialised {
            return Err(Code::ERROR_NOT_INITIALIZED);
        }
        if context != CONTEXT && context != 0 {
            return Err(Code::ERROR_INVALID_CONTEXT);
        }
        CURRENT.set(context);
        Ok(())
    }
    cuCtxGetCurrent(context: *mut u64) |state| {
        if !state.initialised {
            return Err(Code::ERROR_NOT_INITIALIZED);
        }
        give(context, CURRENT.get())
    }
    cuCtxGetDevice(device: *mut c_int) |state| {
        one_device(state, 0)?;
        give(device, 0)
    }
    cuCtxSetFlags(_flags: c_uint) |state| { state.alive() }
    cuCtxSynchronize() |state| { state.finish(None) }
    cuCtxGetStreamPriorityRange(least: *mut c_int, greatest: *mut c_int) |state| {
        state.alive()?;
        give(least, 0)?;
        give(greatest, -5)
    }
    cuModuleLoadData(module: *mut u64, image: *const c_char) |state| {
        let handle = state.load(text(image)?)?;
        give(module, handle)
    }
    cuModuleLoadDataEx(
        module: *mut u64, image: *const c_char, _count: c_uint, _options: *mut c_int, _values: *mut *mut c_void
    ) |state| {
        let handle = state.load(text(image)?)?;
        give(module, handle)
    }
    cuModuleLoad(module: *mut u64, path: *const c_char) |state| {
        let path = text(path)?;
        let found = std::fs::read_to_string(path);
        let image = found.map_err(|error| state.refuse(Code::ERROR_FILE_NOT_FOUND, format!("{path}: {error}")))?;
        let handle = state.load(&image)?;
        give(module, handle)
    }
    cuModuleUnload(module: u64) |state| {
        state.alive()?;
        let loaded = state.modules.remove(&module).ok_or(Code::ERROR_INVALID_HANDLE)?;
        for kernel in loaded.kernels.values() {
            state.kernels.remove(kernel);
        }
        for (address, _) in loaded.variables.values() {
            state.memory.free(*address);
        }
        Ok(())
    }
    cuModuleGetFunction(kernel: *mut u64, module: u64, name: *const c_char) |state| {
        state.alive()?;
        let name = text(name)?;
        let loaded = state.modules.get(&module).ok_or(Code::ERROR_INVALID_HANDLE)?;
        match loaded.kernels.get(name) {
            Some(found) => give(kernel, *found),
            None => {
                let mut names: Vec<&str> = loaded.kernels.keys().map(String::as_str).collect();
                names.sort_unstable();
                let message = format!("there is no kernel {name}, only {names:?}");
                Err(state.refuse(Code::ERROR_NOT_FOUND, message))
            }
        }
    }
    cuModuleGetGlobal_v2(address: *mut u64, bytes: *mut usize, module: u64, name: *const c_char) |state| {
        state.alive()?;
        let name = text(name)?;
        let loaded = state.modules.get(&module).ok_or(Code::ERROR_INVALID_HANDLE)?;
        let (at, size) = *loaded.variables.get(name).ok_or(Code::ERROR_NOT_FOUND)?;
        if !address.is_null() {
            give(address, at)?;
        }
        if bytes.is_null() { Ok(()) } else { give(bytes, size as usize) }
    }
    cuFuncGetAttribute(value: *mut c_int, wanted: c_int, kernel: u64) |state| {
        state.alive()?;
        let kernel = state.kernels.get(&kernel).ok_or(Code::ERROR_INVALID_HANDLE)?;
        let program = &kernel.program;
        let found = match wanted {
            0 => {
                let most = program.most_threads.map_or(u64::MAX, |most| count(&most));
                most.min(MOST_THREADS.into()) as c_int
            }
            1 => program.shared_bytes as c_int,
            2 | 7 | 9 => 0,
            3 => program.local_bytes as c_int,
            // Registers of the text; how many the hardware would need only its compiler knows.
            4 => program.slots.min(255) as c_int,
            5 | 6 => CAPABILITY as c_int,
            8 => kernel.allowed as c_int,
            _ => return Err(Code::ERROR_INVALID_VALUE),
        };
        give(value, found)
    }
    cuFuncSetAttribute(kernel: u64, wanted: c_int, value: c_int) |state| {
        state.alive()?;
        let kernel = state.kernels.get_mut(&kernel).ok_or(Code::ERROR_INVALID_HANDLE)?;
        match wanted {
            8 if value >= 0 && value as u64 + kernel.program.shared_bytes <= u64::from(MOST_SHARED) => {
                kernel.allowed = value as u32;
                Ok(())
            }
            9 => Ok(()),
            _ => Err(Code::ERROR_INVALID_VALUE),
        }
    }
    cuFuncSetCacheConfig(kernel: u64, _config: c_int) |state| {
        state.alive()?;
        if state.kernels.contains_key(&kernel) { Ok(()) } else { Err(Code::ERROR_INVALID_HANDLE) }
    }
    cuOccupancyMaxActiveBlocksPerMultiprocessor(
        blocks: *mut c_int, kernel: u64, threads: c_int, dynamic: usize
    ) |state| {
        give(blocks, occupancy(state, kernel, threads, dynamic)?)
    }
    cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        blocks: *mut c_int, kernel: u64, threads: c_int, dynamic: usize, _flags: c_uint
    ) |state| {
        give(blocks, occupancy(state, kernel, threads, dynamic)?)
    }
    cuMemGetInfo_v2(free: *mut usize, total: *mut usize) |state| {
        state.alive()?;
        give(free, state.options.memory.saturating_sub(state.memory.used()) as usize)?;
        give(total, state.options.memory as usize)
    }
    cuMemAlloc_v2(address: *mut u64, bytes: usize) |state| {
        let found = state.allocate(bytes as u64)?;
        give(address, found)
    }
    cuMemAllocAsync(address: *mut u64, bytes: usize, stream: u64) |state| {
        state.stream(stream)?;
        let found = state.allocate(bytes as u64)?;
        give(address, found)
    }
    cuMemAllocFromPoolAsync(address: *mut u64, bytes: usize, pool: u64, stream: u64) |state| {
        state.stream(stream)?;
        if pool != POOL {
            return Err(Code::ERROR_INVALID_HANDLE);
        }
        let found = state.allocate(bytes as u64)?;
        give(address, found)
    }
    cuMemFree_v2(address: u64) |state| {
        state.alive()?;
        // Waits for the device.
        if state.captures.is_empty() {
            state.finish(None)?;
        }
        state.free(address)
    }
    cuMemFreeAsync(address: u64, stream: u64) |state| {
        if address == 0 {
            return state.alive();
        }
        if state.stream(stream)?.capture.is_some() {
            return Err(Code::ERROR_STREAM_CAPTURE_UNSUPPORTED);
        }
        state.push(stream, Work::Free { address })
    }
    cuMemHostAlloc(place: *mut u64, bytes: usize, _flags: c_uint) |state| {
        let found = pin(state, bytes)?;
        give(place, found)
    }
    cuMemAllocHost_v2(place: *mut u64, bytes: usize) |state| {
        let found = pin(state, bytes)?;
        give(place, found)
    }
    cuMemFreeHost(place: u64) |state| {
        if state.captures.is_empty() {
            // Work that still needs it is done before, as the real driver does.
            let _ = state.finish(None);
        }
        let bytes = state.pinned.remove(&(place as usize)).ok_or(Code::ERROR_INVALID_VALUE)?;
        let layout =
            std::alloc::Layout::from_size_align(bytes, 4096).map_err(|_| Code::ERROR_INVALID_VALUE)?;
        // SAFETY: it was taken with this layout and is given back once.
        unsafe { std::alloc::dealloc(place as *mut u8, layout) };
        Ok(())
    }
    cuMemcpyHtoD_v2(to: u64, from: u64, bytes: usize) |state| {
        let work = write_work(state, 0, to, from as usize, bytes as u64)?;
        state.push(0, work)?;
        state.finish(Some(0))
    }
    cuMemcpyHtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: u64) |state| {
        let work = write_work(state, stream, to, from as usize, bytes as u64)?;
        state.push(stream, work)
    }
    cuMemcpyDtoH_v2(to: u64, from: u64, bytes: usize) |state| {
        state.push(0, Work::Read { to: to as usize, from, bytes: bytes as u64 })?;
        state.finish(Some(0))
    }
    cuMemcpyDtoHAsync_v2(to: u64, from: u64, bytes: usize, stream: u64) |state| {
        let pinned = state.is_pinned(to as usize, bytes as u64);
        let captured = state.stream(stream)?.capture.is_some();
        state.push(stream, Work::Read { to: to as usize, from, bytes: bytes as u64 })?;
        // Into memory that is not pinned the driver copies before it comes back.
        if pinned || captured { Ok(()) } else { state.finish(Some(stream)) }
    }
    cuMemcpyDtoD_v2(to: u64, from: u64, bytes: usize) |state| {
        state.push(0, Work::Copy { to, from, bytes: bytes as u64 })
    }
    cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: u64) |state| {
        state.push(stream, Work::Copy { to, from, bytes: bytes as u64 })
    }
    cuMemsetD8_v2(to: u64, value: u8, count: usize) |state| {
        state.push(0, Work::Fill { to, pattern: vec![value], count: count as u64 })
    }
    cuMemsetD8Async(to: u64, value: u8, count: usize, stream: u64) |state| {
        state.push(stream, Work::Fill { to, pattern: vec![value], count: count as u64 })
    }
    cuMemsetD32_v2(to: u64, value: c_uint, count: usize) |state| {
        state.push(0, Work::Fill { to, pattern: value.to_le_bytes().to_vec(), count: count as u64 })
    }
    cuMemsetD32Async(to: u64, value: c_uint, count: usize, stream: u64) |state| {
        state.push(stream, Work::Fill { to, pattern: value.to_le_bytes().to_vec(), count: count as u64 })
    }
    cuStreamCreate(stream: *mut u64, _flags: c_uint) |state| {
        state.alive()?;
        let handle = state.handle();
        state.streams.insert(handle, Stream::default());
        give(stream, handle)
    }
    cuStreamCreateWithPriority(stream: *mut u64, _flags: c_uint, _priority: c_int) |state| {
        state.alive()?;
        let handle = state.handle();
        state.streams.insert(handle, Stream::default());
        give(stream, handle)
    }
    cuStreamDestroy_v2(stream: u64) |state| {
        // Work that was asked for is still done.
        if state.stream(stream)?.capture.is_none() {
            let _ = state.finish(Some(stream));
        }
        if stream > 2 {
            state.streams.remove(&stream);
        }
        Ok(())
    }
    cuStreamSynchronize(stream: u64) |state| { state.finish(Some(stream)) }
    cuStreamQuery(stream: u64) |state| {
        state.alive()?;
        if state.stream(stream)?.queue.is_empty() { state.tell() } else { Err(Code::ERROR_NOT_READY) }
    }
    cuStreamWaitEvent(stream: u64, event: u64, _flags: c_uint) |state| {
        let known = state.events.get(&event).ok_or(Code::ERROR_INVALID_HANDLE)?;
        let (capture, serial) = (known.capture, known.recorded);
        let waiting = state.stream(stream)?;
        match (waiting.capture, capture) {
            // A stream joins the capture in which the event was recorded.
            (None, Some(capture)) => {
                waiting.capture = Some(capture);
                Ok(())
            }
            (Some(mine), Some(theirs)) if mine == theirs => Ok(()),
            (Some(_), Some(_)) => Err(Code::ERROR_STREAM_CAPTURE_MERGE),
            (Some(_), None) if serial > 0 => {
                let message = "a stream that is captured waits for an event from outside of the capture";
                Err(state.refuse(Code::ERROR_STREAM_CAPTURE_ISOLATION, message))
            }
            _ if serial == 0 => Ok(()),
            _ => state.push(stream, Work::Wait { event, serial }),
        }
    }
    cuStreamBeginCapture_v2(stream: u64, _mode: c_int) |state| {
        state.alive()?;
        state.begin_capture(stream)
    }
    cuStreamEndCapture(stream: u64, graph: *mut u64) |state| {
        let handle = state.end_capture(stream)?;
        give(graph, handle)
    }
    cuStreamIsCapturing(stream: u64, status: *mut c_int) |state| {
        let capturing = state.stream(stream)?.capture.is_some();
        give(status, c_int::from(capturing))
    }
    cuEventCreate(event: *mut u64, _flags: c_uint) |state| {
        state.alive()?;
        let handle = state.handle();
        state.events.insert(handle, Event::default());
        give(event, handle)
    }
    cuEventRecord(event: u64, stream: u64) |state| {
        let capture = state.stream(stream)?.capture;
        let known = state.events.get_mut(&event).ok_or(Code::ERROR_INVALID_HANDLE)?;
        known.capture = capture;
        if capture.is_some() {
            return Ok(());
        }
        known.recorded += 1;
        let serial = known.recorded;
        state.push(stream, Work::Record { event, serial })
    }
    cuEventQuery(event: u64) |state| {
        state.alive()?;
        let known = state.events.get(&event).ok_or(Code::ERROR_INVALID_HANDLE)?;
        if known.capture.is_some() {
            return Err(Code::ERROR_CAPTURED_EVENT);
        }
        if known.reached < known.recorded { Err(Code::ERROR_NOT_READY) } else { state.tell() }
    }
    cuEventSynchronize(event: u64) |state| { state.finish_event(event) }
    cuEventElapsedTime_v2(milliseconds: *mut f32, start: u64, end: u64) |state| {
        state.alive()?;
        let at = |event: u64| {
            let event = state.events.get(&event).ok_or(Code::ERROR_INVALID_HANDLE)?;
            if event.recorded == 0 {
                return Err(Code::ERROR_INVALID_HANDLE);
            }
            if event.reached < event.recorded { Err(Code::ERROR_NOT_READY) } else { Ok(event.instructions) }
        };
        // There is no time: a microsecond for a thousand instructions.
        give(milliseconds, (at(end)?.saturating_sub(at(start)?)) as f32 / 1e6)
    }
    cuEventDestroy_v2(event: u64) |state| {
        state.events.remove(&event).map(drop).ok_or(Code::ERROR_INVALID_HANDLE)
    }
    cuLaunchHostFunc(stream: u64, function: Option<HostFunction>, data: u64) |state| {
        let function = function.ok_or(Code::ERROR_INVALID_VALUE)?;
        state.push(stream, Work::Call { function, data: data as usize })
    }
    cuLaunchKernel(
        kernel: u64, blocks_x: c_uint, blocks_y: c_uint, blocks_z: c_uint, threads_x: c_uint, threads_y: c_uint,
        threads_z: c_uint, dynamic: c_uint, stream: u64, arguments: *const *const c_void, extra: *const c_void
    ) |state| {
        state.alive()?;
        if !extra.is_null() {
            return Err(state.refuse(Code::ERROR_NOT_SUPPORTED, "arguments of a launch in a buffer"));
        }
        let blocks = [blocks_x, blocks_y, blocks_z];
        let shape = Shape { blocks, threads: [threads_x, threads_y, threads_z], dynamic, allowed: 0 };
        let work = work(state, kernel, shape, arguments)?;
        state.push(stream, work)
    }
    cuGraphInstantiateWithFlags(exec: *mut u64, graph: u64, flags: u64) |state| {
        let handle = state.instantiate(graph, flags)?;
        give(exec, handle)
    }
    cuGraphLaunch(exec: u64, stream: u64) |state| {
        state.alive()?;
        state.launch_graph(exec, stream)
    }
    cuGraphUpload(exec: u64, stream: u64) |state| {
        state.stream(stream)?;
        if state.execs.contains_key(&exec) { Ok(()) } else { Err(Code::ERROR_INVALID_HANDLE) }
    }
    cuGraphExecUpdate_v2(exec: u64, graph: u64, info: *mut [u64; 3]) |state| {
        let result = state.update_graph(exec, graph);
        // The result comes first: 0 for success, 3 where the form has changed.
        let told = [if result.is_ok() { 0 } else { 3 }, 0, 0];
        if !info.is_null() {
            give(info, told)?;
        }
        result
    }
    cuGraphGetNodes(graph: u64, nodes: *mut u64, count: *mut usize) |state| {
        let there = state.graphs.get(&graph).ok_or(Code::ERROR_INVALID_HANDLE)?.len();
        if nodes.is_null() {
            return give(count, there);
        }
        let room = take(count)?;
        for index in 0..room.min(there) {
            give(nodes.wrapping_add(index), graph | index as u64)?;
        }
        give(count, room.min(there))
    }
    cuGraphExecKernelNodeSetParams_v2(exec: u64, node: u64, parameters: *const KernelNode) |state| {
        let given = take(parameters)?;
        let shape =
            Shape { blocks: given.blocks, threads: given.threads, dynamic: given.dynamic, allowed: 0 };
        let work = work(state, given.kernel, shape, given.arguments)?;
        state.update_node(exec, node, work)
    }
    cuGraphExecDestroy(exec: u64) |state| {
        state.execs.remove(&exec).map(drop).ok_or(Code::ERROR_INVALID_HANDLE)
    }
    cuGraphDestroy(graph: u64) |state| {
        debug_assert_eq!(graph % (1 << NODE_BITS), 0);
        state.graphs.remove(&graph).map(drop).ok_or(Code::ERROR_INVALID_HANDLE)
    }
    cuProfilerStart() |state| { state.alive() }
    cuProfilerStop() |state| { state.alive() }
    cuGetErrorName(code: c_int, name: *mut *const c_char) |_state| {
        match Code(code).texts() {
            Some((text, _)) => give(name, text.as_ptr().cast()),
            None => Err(Code::ERROR_INVALID_VALUE),
        }
    }
    cuGetErrorString(code: c_int, meaning: *mut *const c_char) |state| {
        if let Some(words) = state.words.get(&code) {
            return give(meaning, words.as_ptr());
        }
        match Code(code).texts() {
            Some((_, text)) => give(meaning, text.as_ptr().cast()),
            None => Err(Code::ERROR_INVALID_VALUE),
        }
    }
}

/// `CUDA_KERNEL_NODE_PARAMS_v2`.
#[repr(C)]
#[derive(Clone, Copy)]
struct KernelNode {
    kernel: u64,
    blocks: [c_uint; 3],
    threads: [c_uint; 3],
    dynamic: c_uint,
    arguments: *const *const c_void,
    extra: *const c_void,
    library_kernel: u64,
    context: u64,
}

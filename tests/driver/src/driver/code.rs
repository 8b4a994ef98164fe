//! Codes that entry points answer with, under the names that the driver's documentation gives them.

/// An answer of an entry point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub i32);

macro_rules! codes {
    ($($name:ident = $number:literal $text:literal;)*) => {
        impl Code {
            $(#[allow(dead_code)]
            pub const $name: Code = Code($number);)*

            /// Its name and what it means, each with the zero that ends it in C.
            pub fn texts(self) -> Option<(&'static str, &'static str)> {
                match self.0 {
                    $($number => Some((concat!("CUDA_", stringify!($name), "\0"), concat!($text, "\0"))),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    SUCCESS = 0 "no error";
    ERROR_INVALID_VALUE = 1 "invalid argument";
    ERROR_OUT_OF_MEMORY = 2 "out of memory";
    ERROR_NOT_INITIALIZED = 3 "initialization error";
    ERROR_NO_DEVICE = 100 "no CUDA-capable device is detected";
    ERROR_INVALID_DEVICE = 101 "invalid device ordinal";
    ERROR_INVALID_CONTEXT = 201 "invalid device context";
    ERROR_NO_BINARY_FOR_GPU = 209 "no kernel image is available for execution on the device";
    ERROR_INVALID_PTX = 218 "a PTX JIT compilation failed";
    ERROR_UNSUPPORTED_PTX_VERSION = 222 "the provided PTX was compiled with an unsupported toolchain";
    ERROR_FILE_NOT_FOUND = 301 "file not found";
    ERROR_INVALID_HANDLE = 400 "invalid resource handle";
    ERROR_NOT_FOUND = 500 "named symbol not found";
    ERROR_NOT_READY = 600 "device not ready";
    ERROR_ILLEGAL_ADDRESS = 700 "an illegal memory access was encountered";
    ERROR_LAUNCH_TIMEOUT = 702 "the launch timed out and was terminated";
    ERROR_ILLEGAL_INSTRUCTION = 715 "an illegal instruction was encountered";
    ERROR_MISALIGNED_ADDRESS = 716 "misaligned address";
    ERROR_LAUNCH_FAILED = 719 "unspecified launch failure";
    ERROR_NOT_SUPPORTED = 801 "operation not supported";
    ERROR_STREAM_CAPTURE_UNSUPPORTED = 900 "operation not permitted when stream is capturing";
    ERROR_STREAM_CAPTURE_MERGE = 902 "operation would result in a merge of separate capture sequences";
    ERROR_STREAM_CAPTURE_UNMATCHED = 903 "capture was not ended in the same stream as it began";
    ERROR_STREAM_CAPTURE_ISOLATION = 905 "dependency created on uncaptured work in another stream";
    ERROR_CAPTURED_EVENT = 907 "operation not permitted on an event last recorded in a capturing stream";
    ERROR_GRAPH_EXEC_UPDATE_FAILURE = 910 "the graph update was not performed";
    ERROR_UNKNOWN = 999 "unknown error";
}

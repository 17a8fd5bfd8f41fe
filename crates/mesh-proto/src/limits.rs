//! Limits of size.

/// How large things may get, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// A request's body. 33,554,432 by default, the gateway's own limit.
    pub request: u64,
    /// A reply: the body of one document, or what is kept of a stream, with an estimate of what it
    /// takes on the heap. 256 MiB by default: ten large images as base64.
    pub reply: usize,
    /// One frame of a stream. 64 MiB by default.
    pub frame: usize,
    /// The body of an error; what is beyond is not read. 64 KiB by default.
    pub error_body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: 33_554_432,
            reply: 256 << 20,
            frame: crate::sse::DEFAULT_LIMIT,
            error_body: 64 << 10,
        }
    }
}

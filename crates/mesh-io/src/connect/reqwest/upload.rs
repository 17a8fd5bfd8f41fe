//! A request's body on its way through reqwest, and how far it has got.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use mesh_proto::Moment;
use mesh_proto::body::BodyReader;
use mesh_proto::call::{Fault, FaultKind, Stage};
use tokio::time::Instant;

/// How much is handed over at a time.
const PIECE: usize = 64 << 10;

/// How many pieces hyper may hold at once before a new buffer is made.
const PIECES: usize = 4;

/// A body as hyper reads it, with its exact size: without a copy where it is held as it is sent, and
/// else from a few buffers that are used again.
pub struct Upload {
    reader: BodyReader,
    handed_out: VecDeque<Bytes>,
    progress: Arc<UploadProgress>,
}

/// How far an upload has got, as whoever drives the call sees it.
#[derive(Debug)]
pub struct UploadProgress {
    origin: Instant,
    length: u64,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    bytes: u64,
    /// When the first was taken, or the last.
    at: Moment,
    is_closed: bool,
}

impl Upload {
    /// What `reader` reads, and how far it has got; moments count from `origin`.
    pub fn new(reader: BodyReader, origin: Instant) -> (Self, Arc<UploadProgress>) {
        let progress = Arc::new(UploadProgress {
            origin,
            length: reader.remaining(),
            taken: Mutex::default(),
        });
        let upload = Self {
            reader,
            handed_out: VecDeque::new(),
            progress: progress.clone(),
        };
        (upload, progress)
    }

    fn piece(&mut self) -> Bytes {
        if let Some(held) = self.reader.slice(PIECE) {
            return held;
        }
        let oldest = (self.handed_out.len() >= PIECES).then(|| self.handed_out.pop_front());
        let recycled = oldest.flatten().and_then(|bytes| bytes.try_into_mut().ok());
        let mut buffer = recycled.unwrap_or_default();
        let left = usize::try_from(self.reader.remaining()).unwrap_or(PIECE);
        buffer.resize(left.min(PIECE), 0);
        let count = self.reader.read(&mut buffer);
        buffer.truncate(count);
        let piece = buffer.freeze();
        self.handed_out.push_back(piece.clone());
        piece
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if this.reader.remaining() == 0 {
            return Poll::Ready(None);
        }
        let piece = this.piece();
        let taken = this.progress.advance(piece.len() as u64);
        Poll::Ready(Some(taken.map(|()| Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.reader.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.reader.remaining())
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Upload").field(&self.progress).finish()
    }
}

impl UploadProgress {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a piece is taken, unless none may be.
    fn advance(&self, count: u64) -> io::Result<()> {
        let mut taken = self.taken();
        if taken.is_closed {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let is_first = taken.bytes == 0;
        taken.bytes += count;
        if is_first || taken.bytes == self.length {
            taken.at = Moment::after_origin(self.origin.elapsed());
        }
        Ok(())
    }

    /// Lets nothing be taken, unless something has been.
    pub fn close(&self) {
        let mut taken = self.taken();
        taken.is_closed = taken.bytes == 0;
    }

    /// The stage that has been reached, and when. Without a body nothing shows whether the
    /// connection stands.
    pub fn stage(&self) -> Option<(Stage, Moment)> {
        let taken = self.taken();
        let stage = match taken.bytes {
            _ if self.length == 0 => return None,
            0 => Stage::Connecting,
            bytes if bytes < self.length => Stage::Connected,
            _ => Stage::BodySent,
        };
        Some((stage, taken.at))
    }

    /// A failure of the exchange, with how much of the request the gateway can have.
    pub fn fault(&self, kind: FaultKind) -> Fault {
        Fault::in_upload(kind, self.taken().bytes, self.length)
    }
}

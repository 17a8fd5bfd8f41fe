//! A request's body on its way through reqwest, and how far it has got.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use mesh_proto::body::{Body, BodyReader};
use mesh_proto::call::{Fault, FaultKind, Sent, Stage};

/// How much is handed over at a time.
const PIECE: usize = 64 << 10;

/// How many pieces hyper may hold at once before a new buffer is made.
const PIECES: usize = 4;

/// A body as hyper reads it, with its exact size, from a few buffers that are used again.
pub(crate) struct Upload {
    reader: BodyReader,
    handed_out: VecDeque<Bytes>,
    progress: Arc<Progress>,
}

/// How far an upload has got, as the driver sees it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    length: u64,
    /// In bytes; [`CLOSED`] once nothing may be taken any more.
    taken: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

/// More than any body has.
const CLOSED: u64 = u64::MAX;

impl Upload {
    pub(crate) fn new(body: &Body) -> (Self, Arc<Progress>) {
        let progress = Arc::new(Progress {
            length: body.len(),
            ..Progress::default()
        });
        let upload = Self {
            reader: body.reader(),
            handed_out: VecDeque::new(),
            progress: progress.clone(),
        };
        (upload, progress)
    }

    fn buffer(&mut self) -> BytesMut {
        let oldest = if self.handed_out.len() < PIECES {
            None
        } else {
            self.handed_out.pop_front()
        };
        let recycled = oldest.and_then(|bytes| bytes.try_into_mut().ok());
        let mut buffer = recycled.unwrap_or_default();
        let size = usize::try_from(self.reader.remaining())
            .unwrap_or(PIECE)
            .min(PIECE);
        buffer.resize(size, 0);
        buffer
    }
}

impl http_body::Body for Upload {
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
        let mut buffer = this.buffer();
        let count = this.reader.read(&mut buffer);
        buffer.truncate(count);
        if !this.progress.advance(count as u64) {
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        }
        let piece = buffer.freeze();
        this.handed_out.push_back(piece.clone());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.reader.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.reader.remaining())
    }
}

impl Progress {
    /// Notes that a piece is taken; whether it may be.
    fn advance(&self, count: u64) -> bool {
        let taken = self
            .taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                (taken != CLOSED).then(|| taken.saturating_add(count))
            });
        let Ok(before) = taken else { return false };
        // The driver has something new to say when the first and when the last byte is taken.
        if before == 0 || before + count == self.length {
            let waker = self
                .waker
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
        true
    }

    /// Lets nothing be taken, unless something has been.
    pub(crate) fn close(&self) {
        let _begun = self
            .taken
            .compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Has `waker` woken at the next stage.
    pub(crate) fn watch(&self, waker: &Waker) {
        self.waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(waker.clone());
    }

    /// The stage that has been reached. Without a body nothing shows whether the connection
    /// stands.
    pub(crate) fn stage(&self) -> Option<Stage> {
        match self.taken.load(Ordering::Acquire) {
            _ if self.length == 0 => None,
            0 | CLOSED => Some(Stage::Connecting),
            taken if taken < self.length => Some(Stage::Connected),
            _ => Some(Stage::BodySent),
        }
    }

    /// A failure of the exchange, with how much of the request the gateway can have.
    pub(crate) fn fault(&self, kind: FaultKind) -> Fault {
        match (kind, self.stage()) {
            (FaultKind::Connect, None | Some(Stage::Connecting)) => Fault::new(FaultKind::Connect),
            (FaultKind::Connect, _) => Fault::new(FaultKind::Lost).after(self.sent()),
            (kind, _) => Fault::new(kind).after(self.sent()),
        }
    }

    fn sent(&self) -> Sent {
        match self.stage() {
            Some(Stage::Connecting) => Sent::Nothing,
            Some(Stage::Connected) => Sent::Part,
            _ => Sent::Whole,
        }
    }
}

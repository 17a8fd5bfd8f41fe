//! Bodies of requests, read within bounds of time and memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{header, request};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::House;
use super::seats::Seat;
use crate::gateway::MOST_BODY_BYTES;

/// The most bytes of bodies that are kept at a time: those of sixteen of the largest.
const MOST_HELD: usize = 512 * 1024 * 1024;

/// What became of a body.
pub(super) enum Read {
    Whole(Bytes),
    /// With the rest, if the client sends it without waiting for a `100 Continue`.
    TooLarge(Option<Incoming>),
    /// It broke off, or a chunk of it is malformed.
    Broken,
    /// It did not come in time.
    Late,
    /// There is no memory for it. With the rest.
    CrowdedOut(Incoming),
}

/// How many bytes of bodies are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Arc<AtomicUsize>);

/// The bytes of one body, as long as they are kept.
pub(super) struct Share {
    all: Held,
    bytes: usize,
}

impl Held {
    fn share(&self) -> Share {
        Share {
            all: self.clone(),
            bytes: 0,
        }
    }
}

impl Share {
    /// Counts more bytes, if there is place for them.
    fn grow(&mut self, bytes: usize) -> bool {
        let before = self.all.0.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        before.saturating_add(bytes) <= MOST_HELD
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Reads a body. Memory is taken as its bytes come, whatever length was announced.
pub(super) async fn read(
    head: &request::Parts,
    mut body: Incoming,
    house: &House,
    seat: &Seat,
) -> (Read, Share) {
    let patience = house.patience;
    let mut share = house.held.share();
    let waits = head.headers.contains_key(header::EXPECT);
    if body.size_hint().lower() > MOST_BODY_BYTES {
        return (Read::TooLarge((!waits).then_some(body)), share);
    }
    let most = usize::try_from(MOST_BODY_BYTES).unwrap_or(usize::MAX);
    let end = Instant::now() + patience.whole_body;
    let mut bytes = BytesMut::new();
    loop {
        seat.wait();
        let next = end.min(Instant::now() + patience.body);
        let frame = match timeout_at(next, body.frame()).await {
            Err(_) => return (Read::Late, share),
            Ok(None) => return (Read::Whole(bytes.freeze()), share),
            Ok(Some(Err(_))) => return (Read::Broken, share),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len().saturating_add(data.len()) > most {
            return (Read::TooLarge(Some(body)), share);
        }
        if !share.grow(data.len()) {
            return (Read::CrowdedOut(body), share);
        }
        bytes.extend_from_slice(&data);
    }
}

/// Takes what a client still sends, so that closing does not reset the connection before it has
/// read the answer.
pub(super) async fn drain(mut body: Incoming, most_time: Duration) {
    const MOST: usize = 1 << 30;
    let end = Instant::now() + most_time;
    let mut taken = 0_usize;
    while let Ok(Some(Ok(frame))) = timeout_at(end, body.frame()).await {
        taken = taken.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if taken > MOST {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_as_long_as_they_are_kept() {
        let held = Held::default();
        let (mut one, mut other) = (held.share(), held.share());
        assert!(one.grow(MOST_HELD - 10) && other.grow(10));
        assert!(!other.grow(1));
        drop(one);
        assert!(other.grow(1));
        drop(other);
        assert_eq!(held.0.load(Ordering::Relaxed), 0);
    }
}

//! A request's body as segments: JSON around pictures that are encoded only as they are read.
//!
//! A picture costs its own bytes, once, however often and however concurrently the body is sent:
//! the length is arithmetic, a replay is another [`BodyReader`].

mod multipart;
mod splice;

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

pub use self::multipart::{EncodedForm, Form};
pub(crate) use self::splice::Picture;
pub use self::splice::Splice;
use crate::base64;

/// The bytes of a request, in segments that are shared and never copied. Cheap to clone.
#[derive(Clone, Default)]
pub struct Body(Segments);

/// Most bodies are one piece of JSON, which needs no list.
#[derive(Clone, Default)]
enum Segments {
    #[default]
    None,
    One(Segment),
    Many(Arc<[Segment]>),
}

/// One stretch of a body.
#[derive(Clone, PartialEq, Eq)]
pub enum Segment {
    /// Bytes that are sent as they are.
    Literal(Bytes),
    /// Bytes that are sent as padded base64 in the standard alphabet (RFC 4648, section 4).
    Base64(Bytes),
    /// The text of a data URL, a picture in its own words, sent as it is.
    DataUrl(Bytes),
    /// The bytes of a file, a picture of a form, sent as they are.
    File(Bytes),
}

impl Segment {
    /// How many bytes it takes on the wire.
    #[allow(
        clippy::len_without_is_empty,
        reason = "an empty segment means nothing to anyone"
    )]
    pub fn len(&self) -> u64 {
        match self {
            Self::Literal(bytes) | Self::DataUrl(bytes) | Self::File(bytes) => bytes.len() as u64,
            Self::Base64(bytes) => (bytes.len() as u64).div_ceil(3).saturating_mul(4),
        }
    }

    /// The bytes as they are held, base64 not yet written.
    fn bytes(&self) -> &Bytes {
        match self {
            Self::Literal(bytes)
            | Self::Base64(bytes)
            | Self::DataUrl(bytes)
            | Self::File(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(bytes) => write!(f, "Literal({} bytes)", bytes.len()),
            Self::Base64(bytes) => write!(f, "Base64({} bytes)", bytes.len()),
            Self::DataUrl(text) => write!(f, "DataUrl({} bytes)", text.len()),
            Self::File(bytes) => write!(f, "File({} bytes)", bytes.len()),
        }
    }
}

impl Body {
    /// No bytes.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The segments in their order.
    pub fn new(segments: impl IntoIterator<Item = Segment>) -> Self {
        let mut segments = segments.into_iter();
        Self(match (segments.next(), segments.next()) {
            (None, _) => Segments::None,
            (Some(only), None) => Segments::One(only),
            (Some(first), Some(second)) => {
                Segments::Many([first, second].into_iter().chain(segments).collect())
            }
        })
    }

    /// The segments in their order.
    pub fn segments(&self) -> &[Segment] {
        match &self.0 {
            Segments::None => &[],
            Segments::One(segment) => std::slice::from_ref(segment),
            Segments::Many(segments) => segments,
        }
    }

    /// The exact number of bytes that a reader gives: the request's `Content-Length`.
    pub fn len(&self) -> u64 {
        self.segments()
            .iter()
            .fold(0, |sum, segment| sum.saturating_add(segment.len()))
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A reader from the first byte on. Any number may be at work at once.
    pub fn reader(&self) -> BodyReader {
        BodyReader {
            body: self.clone(),
            segment: 0,
            offset: 0,
            remaining: self.len(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("len", &self.len())
            .field("segments", &self.segments())
            .finish()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::new([Segment::Literal(bytes)])
    }
}

/// A cursor over a body that encodes base64 into the caller's buffer as it goes.
#[derive(Clone, Debug)]
pub struct BodyReader {
    body: Body,
    segment: usize,
    /// In bytes of the wire, within the segment.
    offset: usize,
    remaining: u64,
}

impl BodyReader {
    /// How many bytes are still to come.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Fills `out` as far as the body reaches, and returns how many bytes that was: less than
    /// `out.len()` only at the end, 0 only after it or for an empty `out`.
    pub fn read(&mut self, out: &mut [u8]) -> usize {
        let mut filled = 0;
        while let Some(segment) = self.body.segments().get(self.segment) {
            let Some(free) = out.get_mut(filled..).filter(|free| !free.is_empty()) else {
                break;
            };
            let count = match segment {
                Segment::Literal(bytes) | Segment::DataUrl(bytes) | Segment::File(bytes) => {
                    copy(bytes.get(self.offset..).unwrap_or_default(), free)
                }
                Segment::Base64(bytes) => encode(bytes, self.offset, free),
            };
            if count == 0 {
                self.segment += 1;
                self.offset = 0;
            } else {
                self.offset += count;
                filled += count;
            }
        }
        self.remaining = self.remaining.saturating_sub(filled as u64);
        filled
    }

    /// The next bytes without a copy: `size` of them, or all that are left. `None` where they are
    /// not held that way, but encoded or put together as they are read.
    pub fn slice(&mut self, size: usize) -> Option<Bytes> {
        let (Segment::Literal(bytes) | Segment::DataUrl(bytes) | Segment::File(bytes)) =
            self.body.segments().get(self.segment)?
        else {
            return None;
        };
        let held = bytes.len().checked_sub(self.offset)?;
        if held == 0 || (held < size && held as u64 != self.remaining) {
            return None;
        }
        let end = self.offset + held.min(size);
        let slice = bytes.slice(self.offset..end);
        self.offset = end;
        self.remaining = self.remaining.saturating_sub(slice.len() as u64);
        Some(slice)
    }
}

fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let count = from.len().min(to.len());
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    count
}

/// Writes the base64 of `raw` from its encoded byte `offset` on, as much as `out` takes.
fn encode(raw: &[u8], offset: usize, out: &mut [u8]) -> usize {
    let rest = raw.get(offset / 4 * 3..).unwrap_or_default();
    if offset.is_multiple_of(4) && out.len() >= 4 {
        let whole = rest.len().min(out.len() / 4 * 3);
        return base64::encode(rest.get(..whole).unwrap_or_default(), out);
    }
    let mut group = [0; 4];
    let size = base64::encode(
        rest.get(..rest.len().min(3)).unwrap_or_default(),
        &mut group,
    );
    copy(group.get(offset % 4..size).unwrap_or_default(), out)
}

impl io::Read for BodyReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        Ok(Self::read(self, out))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segments() -> impl Strategy<Value = Vec<Segment>> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
        proptest::collection::vec(
            prop_oneof![
                bytes().prop_map(Segment::Literal),
                bytes().prop_map(Segment::Base64),
                bytes().prop_map(Segment::DataUrl),
                bytes().prop_map(Segment::File)
            ],
            0..6,
        )
    }

    proptest! {
        #[test]
        fn reads_the_same_bytes_through_any_buffers(
            segments in segments(),
            sizes in proptest::collection::vec(0_usize..50, 1..20),
        ) {
            let mut whole = Vec::new();
            for segment in &segments {
                match segment {
                    Segment::Literal(bytes) | Segment::DataUrl(bytes) | Segment::File(bytes) => {
                        whole.extend_from_slice(bytes);
                    }
                    Segment::Base64(bytes) => {
                        let mut text = String::new();
                        base64::encode_onto(bytes, &mut text);
                        whole.extend_from_slice(text.as_bytes());
                    }
                }
            }
            let body = Body::new(segments);
            prop_assert_eq!(body.len(), whole.len() as u64);

            let mut reader = body.reader();
            let mut read = Vec::new();
            for size in sizes.iter().copied().chain(std::iter::repeat(64)) {
                let mut out = vec![0xaa; size];
                let count = reader.read(&mut out);
                read.extend_from_slice(&out[..count]);
                prop_assert_eq!(reader.remaining(), (whole.len() - read.len()) as u64);
                prop_assert!(count == size || reader.remaining() == 0, "a short read before the end");
                if count == 0 && size > 0 {
                    break;
                }
            }
            prop_assert_eq!(&read, &whole);

            let mut reader = body.reader();
            let mut read = Vec::new();
            for size in sizes.into_iter().map(|size| size + 1).chain(std::iter::repeat(64)) {
                let left = whole.len() - read.len();
                if let Some(slice) = reader.slice(size) {
                    prop_assert_eq!(slice.len(), size.min(left));
                    read.extend_from_slice(&slice);
                }
                let mut out = vec![0xaa; size];
                let count = reader.read(&mut out);
                read.extend_from_slice(&out[..count]);
                prop_assert_eq!(reader.remaining(), (whole.len() - read.len()) as u64);
                if count == 0 {
                    break;
                }
            }
            prop_assert_eq!(read, whole);
        }
    }

    #[test]
    fn a_slice_is_what_is_held() {
        let bytes = Bytes::from(vec![7; 10]);
        let body = Body::new([
            Segment::Literal(bytes.clone()),
            Segment::Base64(Bytes::from_static(b"abc")),
            Segment::File(bytes.clone()),
        ]);
        let mut reader = body.reader();
        assert_eq!(reader.slice(11), None, "the next bytes are of two segments");
        let slice = reader.slice(4).unwrap();
        assert_eq!((slice.as_ptr(), slice.len()), (bytes.as_ptr(), 4));
        assert_eq!(reader.slice(6).map(|slice| slice.len()), Some(6));
        assert_eq!(
            reader.slice(4),
            None,
            "the next bytes have yet to be encoded"
        );
        assert_eq!(reader.read(&mut [0; 5]), 5);
        let slice = reader.slice(100).unwrap();
        assert_eq!((slice.as_ptr(), slice.len()), (bytes[1..].as_ptr(), 9));
        assert_eq!((reader.slice(1), reader.remaining()), (None, 0));
    }

    #[test]
    fn debug_shows_no_bytes() {
        let body = Body::new([Segment::Base64(Bytes::from_static(b"canary"))]);
        assert_eq!(
            format!("{body:?}"),
            "Body { len: 8, segments: [Base64(6 bytes)] }"
        );
    }
}

//! JSON with holes: serde_json writes everything but the pictures, which are spliced in as
//! segments.
//!
//! A picture serialises itself as a byte string, JSON's one type that serde_json leaves to its
//! `Formatter`. Just before, it leaves its content with the [`Splice`] that it was given; the
//! formatter picks that up and notes where the hole is. No text stands in for the picture, so no
//! text can be mistaken for one.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;

use bytes::Bytes;
use serde_core::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

use super::{Body, Segment};
use crate::build_error::BuildError;

/// Collects the pictures of one body while its JSON is written.
///
/// For an endpoint of one's own: wrap each image with `Image::spliced` where it stands in a
/// `Serialize` value, then hand the value to [`Splice::body`].
///
/// ```
/// use mesh_proto::body::Splice;
/// use mesh_proto::image::Image;
///
/// let image = Image::from_bytes(&b"\x89PNG\r\n\x1a\n"[..])?;
/// let splice = Splice::new();
/// let body = splice.body(&serde_json::json!({ "scan": null }))?;
/// assert_eq!(body.len(), 13);
///
/// #[derive(serde::Serialize)]
/// struct Scan<'s> { picture: mesh_proto::image::Spliced<'s> }
/// let body = splice.body(&Scan { picture: image.spliced(&splice) })?;
/// let mut text = String::new();
/// std::io::Read::read_to_string(&mut body.reader(), &mut text)?;
/// assert_eq!(text, r#"{"picture":"data:image/png;base64,iVBORw0KGgo="}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Splice {
    /// The picture that is about to be written: full only between a picture's `serialize` and the
    /// formatter's answer to it.
    pending: Cell<Option<Picture>>,
    holes: RefCell<Vec<Hole>>,
}

/// A JSON string that is `prefix` and then `content`; neither needs escaping.
pub(crate) struct Picture {
    pub(crate) prefix: String,
    pub(crate) content: Segment,
}

struct Hole {
    at: usize,
    content: Segment,
}

impl Splice {
    /// A splice with no pictures yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps `picture` for the byte string that is serialised next.
    pub(crate) fn put(&self, picture: Picture) {
        self.pending.set(Some(picture));
    }

    /// Writes `value` as compact JSON with this splice's pictures in their places. The bytes equal
    /// those of plain serde_json on the same value with data URLs inline.
    ///
    /// Errors where `value` cannot be JSON.
    pub fn body<T: Serialize + ?Sized>(&self, value: &T) -> Result<Body, BuildError> {
        self.pending.take();
        self.holes.take();
        let written = RefCell::new(Vec::with_capacity(1024));
        let formatter = Splicing {
            splice: self,
            written: &written,
            compact: CompactFormatter,
        };
        let mut serializer = serde_json::Serializer::with_formatter(Writer(&written), formatter);
        value.serialize(&mut serializer).map_err(BuildError::json)?;

        let mut rest = Bytes::from(written.into_inner());
        let mut from = 0;
        let holes = self.holes.take();
        if holes.is_empty() {
            return Ok(Body::from(rest));
        }
        let mut segments = Vec::with_capacity(2 * holes.len() + 1);
        for Hole { at, content } in holes {
            segments.push(Segment::Literal(rest.split_to((at - from).min(rest.len()))));
            segments.push(content);
            from = at;
        }
        segments.push(Segment::Literal(rest));
        segments.retain(|segment| segment.len() > 0);
        Ok(Body::new(segments))
    }
}

impl fmt::Debug for Splice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Splice").finish_non_exhaustive()
    }
}

struct Splicing<'s> {
    splice: &'s Splice,
    written: &'s RefCell<Vec<u8>>,
    compact: CompactFormatter,
}

impl Formatter for Splicing<'_> {
    fn write_byte_array<W>(&mut self, writer: &mut W, value: &[u8]) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let Some(picture) = self.splice.pending.take() else {
            return self.compact.write_byte_array(writer, value);
        };
        writer.write_all(b"\"")?;
        writer.write_all(picture.prefix.as_bytes())?;
        let at = self.written.borrow().len();
        self.splice.holes.borrow_mut().push(Hole {
            at,
            content: picture.content,
        });
        writer.write_all(b"\"")
    }
}

struct Writer<'s>(&'s RefCell<Vec<u8>>);

impl io::Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! `multipart/form-data` (RFC 7578) as segments: files are sent as their own bytes, never copied.

use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hasher as _};

use bytes::Bytes;
use http::header::HeaderValue;

use super::{Body, Segment};
use crate::build_error::BuildError;

/// A form of texts and files, for endpoints that take `multipart/form-data`.
///
/// ```
/// use mesh_proto::body::Form;
///
/// let form = Form::new()
///     .text("operation", "upscale")
///     .file("image", "scan.png", "image/png", &b"\x89PNG\r\n\x1a\n"[..]);
/// let encoded = form.encode()?;
/// assert!(encoded.content_type.to_str()?.starts_with("multipart/form-data; boundary="));
/// assert_eq!(encoded.body.len(), encoded.body.reader().remaining());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Form {
    fields: Vec<Field>,
}

#[derive(Clone)]
struct Field {
    /// What stands between the boundary and the content.
    head: String,
    content: Segment,
}

/// A form as it is sent.
#[derive(Clone, Debug)]
pub struct EncodedForm {
    /// The body.
    pub body: Body,
    /// The value of the header `Content-Type`, which names the boundary.
    pub content_type: HeaderValue,
}

impl Form {
    /// A form without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field that is a text, sent to the letter.
    pub fn text(mut self, name: &str, text: impl Into<String>) -> Self {
        self.fields.push(Field {
            head: format!(
                "Content-Disposition: form-data; name=\"{}\"\r\n\r\n",
                Quoted(name)
            ),
            content: Segment::Literal(Bytes::from(text.into())),
        });
        self
    }

    /// Adds a field that is a file with its content type, such as `image/png` or a
    /// [`MediaType`](crate::image::MediaType). A repeated name is sent as often.
    pub fn file(
        mut self,
        name: &str,
        file_name: &str,
        content_type: impl AsRef<str>,
        bytes: impl Into<Bytes>,
    ) -> Self {
        self.fields.push(Field {
            head: format!(
                "Content-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
                Quoted(name),
                Quoted(file_name),
                // It may have been declared by a server.
                content_type.as_ref().replace(['\r', '\n'], " ")
            ),
            content: Segment::File(bytes.into()),
        });
        self
    }

    /// The form as a body, between boundaries that occur nowhere in it. The boundary follows from
    /// the contents alone, so the same form is always the same bytes.
    ///
    /// Errors where the header cannot be written, which no form is known to cause.
    pub fn encode(&self) -> Result<EncodedForm, BuildError> {
        let boundary = self.boundary();
        let content_type =
            HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"))
                .map_err(http::Error::from)?;
        let mut segments = Vec::with_capacity(self.fields.len() * 2 + 1);
        let mut lead = "";
        for Field { head, content } in &self.fields {
            let opening = format!("{lead}--{boundary}\r\n{head}");
            segments.push(Segment::Literal(Bytes::from(opening)));
            segments.push(content.clone());
            lead = "\r\n";
        }
        segments.push(Segment::Literal(Bytes::from(format!(
            "{lead}--{boundary}--\r\n"
        ))));
        segments.retain(|segment| segment.len() > 0);
        Ok(EncodedForm {
            body: Body::new(segments),
            content_type,
        })
    }

    /// A boundary from the lengths and the ends of the contents: telling forms apart is enough, as
    /// every candidate is looked for in all of them.
    fn boundary(&self) -> String {
        let mut hasher = DefaultHasher::new();
        for Field { head, content } in &self.fields {
            let content = content.bytes();
            hasher.write(head.as_bytes());
            hasher.write_usize(content.len());
            let (first, last) = (
                content.get(..SAMPLE).unwrap_or(content),
                content.len().saturating_sub(SAMPLE),
            );
            hasher.write(first);
            hasher.write(content.get(last..).unwrap_or_default());
        }
        loop {
            let boundary = format!("mesh-{:016x}", hasher.finish());
            let finder = memchr::memmem::Finder::new(&boundary);
            let occurs = self.fields.iter().any(|Field { head, content }| {
                finder.find(head.as_bytes()).is_some() || finder.find(content.bytes()).is_some()
            });
            if !occurs {
                return boundary;
            }
            hasher.write(boundary.as_bytes());
        }
    }
}

/// How many bytes of each end of a content the boundary follows from.
const SAMPLE: usize = 256;

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.fields.iter().map(|field| &field.content))
            .finish()
    }
}

/// A name between quotes, with the three characters that could end it escaped as the WHATWG's HTML
/// standard has it ("multipart form data").
struct Quoted<'n>(&'n str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '"' => f.write_str("%22")?,
                '\r' => f.write_str("%0D")?,
                '\n' => f.write_str("%0A")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    fn sent(form: &Form) -> (String, Vec<u8>) {
        let encoded = form.encode().unwrap();
        let mut bytes = Vec::new();
        encoded.body.reader().read_to_end(&mut bytes).unwrap();
        assert_eq!(encoded.body.len(), bytes.len() as u64);
        let content_type = encoded.content_type.to_str().unwrap();
        let (_, boundary) = content_type.split_once("boundary=").unwrap();
        (boundary.to_owned(), bytes)
    }

    #[test]
    fn the_form_of_the_standard() {
        let form = Form::new().text("prompt", "a fox").file(
            "image",
            "image.png",
            "image/png",
            &b"\x89PNG"[..],
        );
        let (boundary, bytes) = sent(&form);
        let expected = [
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na fox\r\n").as_bytes(),
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"image.png\"\r\nContent-Type: image/png\r\n\r\n").as_bytes(),
            b"\x89PNG\r\n",
            format!("--{boundary}--\r\n").as_bytes(),
        ]
        .concat();
        assert_eq!(bytes, expected);
        assert_eq!(sent(&form.clone()), (boundary, bytes));
    }

    #[test]
    fn a_name_opens_no_header_of_its_own() {
        let name = "a\"\r\nX-Injected: 1\r\n\r\n";
        let form = Form::new()
            .text(name, "")
            .file(name, name, "image/png", &b""[..]);
        let (boundary, bytes) = sent(&form);
        let text = String::from_utf8(bytes).unwrap();
        let escaped = "a%22%0D%0AX-Injected: 1%0D%0A%0D%0A";
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{escaped}\"\r\n\r\n\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"{escaped}\"; filename=\"{escaped}\"\r\nContent-Type: image/png\r\n\r\n\r\n--{boundary}--\r\n"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn a_boundary_that_the_contents_foresaw_is_not_taken() {
        // A text long enough that its ends, and so the first candidate, stay what they are.
        let filler = "x".repeat(2 * SAMPLE);
        let with = |middle: &str| Form::new().text("prompt", format!("{filler}{middle}{filler}"));
        let (foreseen, _) = sent(&with(&"y".repeat(21)));
        let (boundary, bytes) = sent(&with(&foreseen));
        assert_ne!(boundary, foreseen);
        assert_eq!(memchr::memmem::find_iter(&bytes, &boundary).count(), 2);
    }

    proptest! {
        #[test]
        fn the_boundary_is_nowhere_else(
            texts in proptest::collection::vec(("\\PC{0,20}", "(mesh-|--|\r\n|\\PC){0,60}"), 0..5),
            file in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut form = Form::new().file("image", "a", "image/png", file.clone());
            for (name, text) in &texts {
                form = form.text(name, text);
            }
            let (boundary, bytes) = sent(&form);
            let delimiter = format!("--{boundary}");
            let found = memchr::memmem::find_iter(&bytes, &delimiter).count();
            prop_assert_eq!(found, texts.len() + 2);
            prop_assert!(memchr::memmem::find(&bytes, &file).is_some());
        }
    }
}

//! `multipart/form-data` bodies (RFC 7578), read without copying.

use std::fmt;

use memchr::memmem;

/// The most parts of a body, and the most bytes of a part's head.
const MOST_PARTS: usize = 64;
const MOST_HEAD_BYTES: usize = 8192;

/// A part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part<'b> {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    /// In lower case, without parameters.
    pub(super) content_type: Option<String>,
    pub(super) bytes: &'b [u8],
}

/// Why a body is no form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// The content type has no boundary, or one that is none.
    NoBoundary,
    /// No delimiter stands where the first part should begin.
    NoBeginning,
    /// The body ends before its last delimiter.
    NoEnd,
    /// A delimiter is followed by something else than a line end.
    Delimiter,
    /// A part's head is not lines of `Name: value`, or is too long.
    Head,
    /// A part has no `Content-Disposition: form-data` with a name.
    Nameless,
    /// A part is encoded for mail.
    TransferEncoding,
    /// There are more than 64 parts.
    TooMany,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBoundary => "the Content-Type has no boundary of 1 to 70 characters",
            Self::NoBeginning => "no part begins with the boundary",
            Self::NoEnd => "the body ends before its closing boundary",
            Self::Delimiter => "a boundary is not followed by a line end",
            Self::Head => "the head of a part is not lines of Name: value, at most 8192 bytes",
            Self::Nameless => "a part has no Content-Disposition: form-data with a name",
            Self::TransferEncoding => {
                "a part has a Content-Transfer-Encoding; forms are sent as they are"
            }
            Self::TooMany => "the form has more than 64 parts",
        })
    }
}

/// Whether a content type is that of a form.
pub(super) fn is_form(content_type: &str) -> bool {
    let (kind, _) = content_type.split_once(';').unwrap_or((content_type, ""));
    kind.trim().eq_ignore_ascii_case("multipart/form-data")
}

/// The parts of a body in their order. `content_type` is the request's, with its boundary.
pub(super) fn parts<'b>(content_type: &str, body: &'b [u8]) -> Result<Vec<Part<'b>>, Malformed> {
    let boundary = boundary(content_type).ok_or(Malformed::NoBoundary)?;
    let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
    let find = memmem::Finder::new(&delimiter);
    // The first delimiter has no line end before it, unless there is something to skip.
    let opening = delimiter.get(2..).unwrap_or_default();
    let mut rest = match body.strip_prefix(opening) {
        Some(rest) => rest,
        None => {
            let at = find.find(body).ok_or(Malformed::NoBeginning)?;
            body.get(at + delimiter.len()..).unwrap_or_default()
        }
    };
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        if parts.len() == MOST_PARTS {
            return Err(Malformed::TooMany);
        }
        rest = after_line_end(rest)?;
        let end = match rest.strip_prefix(opening) {
            // An empty head and no line end: the next delimiter at once.
            Some(_) => return Err(Malformed::Nameless),
            None => find.find(rest).ok_or(Malformed::NoEnd)?,
        };
        let (part, after) = rest.split_at_checked(end).ok_or(Malformed::NoEnd)?;
        parts.push(read_part(part)?);
        rest = after.get(delimiter.len()..).unwrap_or_default();
    }
}

/// What follows the line that a delimiter stands in.
fn after_line_end(rest: &[u8]) -> Result<&[u8], Malformed> {
    if rest.is_empty() || rest == b"\r" || rest == b"-" {
        return Err(Malformed::NoEnd);
    }
    let blanks = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    rest.get(blanks..)
        .and_then(|rest| rest.strip_prefix(b"\r\n"))
        .ok_or(Malformed::Delimiter)
}

fn read_part(part: &[u8]) -> Result<Part<'_>, Malformed> {
    let (head, bytes) = match part.strip_prefix(b"\r\n") {
        Some(bytes) => (&[][..], bytes),
        None => {
            let end = memmem::find(part, b"\r\n\r\n").ok_or(Malformed::Head)?;
            let (head, rest) = part.split_at_checked(end).ok_or(Malformed::Head)?;
            (head, rest.get(4..).unwrap_or_default())
        }
    };
    if head.len() > MOST_HEAD_BYTES {
        return Err(Malformed::Head);
    }
    let head = std::str::from_utf8(head).map_err(|_| Malformed::Head)?;
    let mut disposition = None;
    let mut content_type = None;
    for line in head.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(Malformed::Head)?;
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "content-disposition" => disposition = Some(value),
            "content-type" => {
                let (kind, _) = value.split_once(';').unwrap_or((value, ""));
                content_type = Some(kind.trim().to_ascii_lowercase());
            }
            "content-transfer-encoding" => {
                let plain = ["binary", "8bit", "7bit"];
                if !plain.iter().any(|it| value.eq_ignore_ascii_case(it)) {
                    return Err(Malformed::TransferEncoding);
                }
            }
            _ => {}
        }
    }
    let (kind, parameters) = disposition
        .and_then(|it| it.split_once(';'))
        .ok_or(Malformed::Nameless)?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(Malformed::Nameless);
    }
    Ok(Part {
        name: parameter(parameters, "name").ok_or(Malformed::Nameless)?,
        file_name: parameter(parameters, "filename"),
        content_type,
        bytes,
    })
}

fn boundary(content_type: &str) -> Option<String> {
    let (_, parameters) = content_type.split_once(';')?;
    parameter(parameters, "boundary").filter(|it| {
        (1..=70).contains(&it.len())
            && it
                .bytes()
                .all(|byte| byte == b' ' || byte.is_ascii_graphic())
            && !it.ends_with(' ')
    })
}

/// The value of a parameter: a token, or a quoted text in which a backslash keeps what follows.
/// Browsers write a quotation mark in a name as `%22`, which stays as it is.
fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        rest = rest.trim_start_matches([';', ' ', '\t']);
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                let (token, after) = after.split_at_checked(end)?;
                (token.trim().to_owned(), after)
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
}

/// A quoted text from behind its opening mark, and what follows its closing one.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at + 1..)?)),
            // Paths of Windows are full of backslashes that keep nothing.
            '\\' => match characters.clone().next() {
                Some((_, kept @ ('"' | '\\'))) => {
                    value.push(kept);
                    characters.next();
                }
                _ => value.push('\\'),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=xyz";

    #[test]
    fn parts_are_read_as_they_stand() {
        let body = b"to skip\r\n--xyz \t\r\ncontent-disposition: FORM-DATA; name=\"image\"; filename=\"a;\\\"b\\\".png\"\r\nContent-Type: Image/PNG; x=y\r\n\r\n\x89PNG\r\n--xy\r\n\r\n--xyz\r\nContent-Disposition: form-data; name=prompt\r\n\r\n\r\n--xyz--\r\nafter";
        let parts = parts(TYPE, body).unwrap();
        let [image, prompt] = &parts[..] else {
            panic!("{parts:?}")
        };
        assert_eq!(image.name, "image");
        assert_eq!(image.file_name.as_deref(), Some("a;\"b\".png"));
        assert_eq!(image.content_type.as_deref(), Some("image/png"));
        assert_eq!(image.bytes, b"\x89PNG\r\n--xy\r\n");
        assert_eq!((prompt.name.as_str(), prompt.bytes), ("prompt", &b""[..]));
        assert_eq!((&prompt.file_name, &prompt.content_type), (&None, &None));
    }

    #[test]
    fn a_form_without_parts_is_empty() {
        assert_eq!(parts(TYPE, b"--xyz--"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        const DISPOSITION: &str = "Content-Disposition: form-data; name=a\r\n";
        let cases = [
            ("multipart/form-data", String::new(), Malformed::NoBoundary),
            (
                "multipart/form-data; boundary=\"\"",
                String::new(),
                Malformed::NoBoundary,
            ),
            (TYPE, String::new(), Malformed::NoBeginning),
            (TYPE, "--other\r\n".to_owned(), Malformed::NoBeginning),
            (TYPE, "--xyz".to_owned(), Malformed::NoEnd),
            (
                TYPE,
                format!("--xyz\r\n{DISPOSITION}\r\nvalue\r\n--xy"),
                Malformed::NoEnd,
            ),
            (
                TYPE,
                format!("--xyz\r\n{DISPOSITION}\r\nvalue\r\n--xyz"),
                Malformed::NoEnd,
            ),
            (
                TYPE,
                format!("--xyzw\r\n{DISPOSITION}\r\nvalue\r\n--xyz--"),
                Malformed::Delimiter,
            ),
            (
                TYPE,
                format!("--xyz\r\n{DISPOSITION}value\r\n--xyz--"),
                Malformed::Head,
            ),
            (
                TYPE,
                format!("--xyz\r\n{}\r\n\r\n\r\n--xyz--", "a".repeat(9000)),
                Malformed::Head,
            ),
            (
                TYPE,
                "--xyz\r\n\r\nvalue\r\n--xyz--".to_owned(),
                Malformed::Nameless,
            ),
            (TYPE, "--xyz\r\n--xyz--".to_owned(), Malformed::Nameless),
            (
                TYPE,
                "--xyz\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--xyz--".to_owned(),
                Malformed::Nameless,
            ),
            (
                TYPE,
                format!(
                    "--xyz\r\n{DISPOSITION}Content-Transfer-Encoding: base64\r\n\r\n\r\n--xyz--"
                ),
                Malformed::TransferEncoding,
            ),
            (
                TYPE,
                format!("--xyz\r\n{DISPOSITION}\r\n\r\n").repeat(65) + "--xyz--",
                Malformed::TooMany,
            ),
        ];
        for (content_type, body, expected) in cases {
            assert_eq!(
                parts(content_type, body.as_bytes()),
                Err(expected),
                "{body:.80}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            fields in prop::collection::vec(("[^\\x00-\\x1f\\x7f]{0,12}", any::<bool>(), prop::collection::vec(any::<u8>(), 0..60)), 0..6),
        ) {
            let boundary = "-a boundary that no part holds";
            let mut body = Vec::new();
            for (name, is_file, bytes) in &fields {
                let name = name.replace('\\', "\\\\").replace('"', "\\\"");
                let file = if *is_file { "; filename=\"f\"\r\nContent-Type: image/png" } else { "" };
                body.extend(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").bytes());
                body.extend(bytes);
                body.extend(b"\r\n");
            }
            body.extend(format!("--{boundary}--\r\n").bytes());
            let read = parts(&format!("multipart/form-data; boundary=\"{boundary}\""), &body).unwrap();
            prop_assert_eq!(read.len(), fields.len());
            for (part, (name, is_file, bytes)) in read.iter().zip(&fields) {
                prop_assert_eq!(&part.name, name);
                prop_assert_eq!(part.file_name.is_some(), *is_file);
                prop_assert_eq!(part.bytes, &bytes[..]);
            }
        }

        #[test]
        fn any_bytes_are_a_form_or_not(
            content_type in "(multipart/form-data; ?)?(boundary=\"?[a-z ;=\\\\]{0,4}\"?)?",
            body in prop::collection::vec(prop::sample::select(&b"-\r\n a:;=\"\\xyz"[..]), 0..60),
        ) {
            let _ = is_form(&content_type);
            if let Ok(parts) = parts(&content_type, &body) {
                prop_assert!(parts.iter().all(|part| part.bytes.len() <= body.len()));
            }
        }
    }
}

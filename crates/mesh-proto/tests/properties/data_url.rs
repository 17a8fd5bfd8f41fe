//! Data URLs are read as the plain reading of the standard reads them, and never otherwise.

use mesh_proto::image::{DataUrl, GeneratedImage, Image, MediaType};

use super::base64::decoded;
use super::look_at;

pub(super) fn hold(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let expected = reference(text);
    let url = DataUrl::parse(text);
    assert_eq!(url.is_ok(), expected.is_some());
    assert!(url.is_err() || DataUrl::is_data_url(text));
    if let (Ok(url), Some(bytes)) = (&url, &expected) {
        let _ = (url.declared(), format!("{url:?}"));
        assert_eq!(url.decode().ok(), *bytes);
    }

    let image = GeneratedImage::from_url(text);
    assert_eq!(image.clone().into_bytes(), image.bytes().cloned());
    look_at(std::slice::from_ref(&image));
    assert_eq!(image.remote_url().is_some(), expected.is_none());
    let bytes = expected.flatten().filter(|bytes| !bytes.is_empty());
    if url.is_ok() {
        assert_eq!(image.bytes().ok().map(|bytes| bytes.to_vec()), bytes);
        assert_eq!(Image::from_url(text).is_ok(), bytes.is_some());
    }
    if let Ok(image) = Image::from_url(text) {
        let _ = format!("{image:?}");
        let sent = image.url().unwrap();
        if url.is_ok() {
            let text = text.trim();
            let marked = text
                .get(..5)
                .is_some_and(|it| it.eq_ignore_ascii_case("data:"));
            let rest = if marked { &text[5..] } else { text };
            assert_eq!(sent, format!("data:{rest}"));
        } else {
            // Nothing but what a URL may not hold is changed.
            assert!(sent.starts_with("http://") || sent.starts_with("https://"));
            assert!(
                sent.is_ascii() && !sent.contains([' ', '"', '<', '>']),
                "{sent}"
            );
            let read = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
            assert!(read(sent).eq_ignore_ascii_case(&read(text.trim())));
        }
        assert_eq!(image.remote_url().is_some(), url.is_err());
        let stored = serde_json::to_string(&image).unwrap();
        assert_eq!(image, serde_json::from_str(&stored).unwrap());
    }
}

/// How long the part before the comma may be if there is no scheme.
const LONGEST_HEAD: usize = 128;

/// The bytes of a data URL, `None` within where it is not the base64 it says it is.
#[allow(clippy::option_option, reason = "no data URL is not a broken one")]
fn reference(text: &str) -> Option<Option<Vec<u8>>> {
    let text = text.trim();
    let comma = text.find(',')?;
    let has_scheme = text
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
    let start = if has_scheme {
        5
    } else {
        let head = text[..comma].to_ascii_lowercase();
        let is_plain = !head.contains(|it: char| it == ':' || it.is_whitespace());
        let is_image = head.starts_with("image/") && head.ends_with(";base64");
        if !(is_plain && is_image && comma < LONGEST_HEAD) {
            return None;
        }
        0
    };
    let data = &text[comma + 1..];
    if let Some(inner) = reference(data) {
        return Some(inner);
    }
    let mut parameters = text[start..comma].split(';').skip(1);
    let is_marked = parameters.any(|it| it.trim().eq_ignore_ascii_case("base64"));
    let bytes = unescaped(data.as_bytes());
    Some(if is_marked || is_unmarked_base64(data.as_bytes()) {
        decoded(&bytes)
    } else {
        Some(bytes)
    })
}

/// Whether the first kilobyte is no image and the base64 of one.
fn is_unmarked_base64(data: &[u8]) -> bool {
    let beginning = &data[..data.len().min(1024)];
    let plain = unescaped(beginning);
    if MediaType::sniff(&plain).is_some() {
        return false;
    }
    let mut text: Vec<u8> = plain
        .into_iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    if beginning.len() < data.len() {
        text.truncate(text.len().saturating_sub(2) / 4 * 4);
    }
    decoded(&text).is_some_and(|bytes| MediaType::sniff(&bytes).is_some())
}

fn unescaped(mut text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let [first, rest @ ..] = text {
        let escaped = rest
            .get(..2)
            .filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit))
            .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
        bytes.push(escaped.unwrap_or(*first));
        text = if escaped.is_some() { &rest[2..] } else { rest };
    }
    bytes
}

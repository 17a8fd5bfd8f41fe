//! Finding the pictures in a reply, in every shape of the protocol reference, section 6.

use serde_json::{Map, Value};

use super::data_url::DataUrl;
use super::media_type::MediaType;
use super::output::GeneratedImage;

/// The pictures of a `data` list: rows 1 to 5.
pub(crate) fn find_in_data(data: &[Value]) -> Vec<GeneratedImage> {
    data.iter().filter_map(in_value).collect()
}

/// The pictures of an assistant's message: its content as text (row 10) or parts (rows 8 and 9),
/// and its `images` (row 7). One that stands in both is given once.
pub(crate) fn find_in_message<'m>(
    text: Option<&str>,
    parts: impl IntoIterator<Item = &'m Value>,
    images: &'m [Value],
) -> Vec<GeneratedImage> {
    let mut found: Vec<GeneratedImage> = text.map(in_text).unwrap_or_default();
    for value in parts.into_iter().chain(images) {
        found.extend(in_part(value));
    }
    let mut once: Vec<GeneratedImage> = Vec::with_capacity(found.len());
    for image in found {
        if !once.iter().any(|known| known.is_same_source(&image)) {
            once.push(image);
        }
    }
    once
}

/// A part that is text may hold pictures as text does.
fn in_part(value: &Value) -> Vec<GeneratedImage> {
    match value.get("type").and_then(Value::as_str) {
        Some("text" | "output_text") => value
            .get("text")
            .and_then(Value::as_str)
            .map(in_text)
            .unwrap_or_default(),
        _ => in_value(value).into_iter().collect(),
    }
}

/// A picture as a value of its own.
fn in_value(value: &Value) -> Option<GeneratedImage> {
    match value {
        Value::String(text) => from_text(text),
        Value::Object(object) => in_object(object),
        _ => None,
    }
}

fn in_object(object: &Map<String, Value>) -> Option<GeneratedImage> {
    let text = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| object.get(*name))
            .and_then(Value::as_str)
            .filter(|text| !text.trim().is_empty())
    };
    let declared = text(&["media_type", "mime_type", "mimeType", "mediaType"])
        .and_then(MediaType::declared)
        .or_else(|| {
            text(&["output_format", "format"])
                .and_then(|format| MediaType::declared(&format!("image/{format}")))
        });
    let inline = text(&[
        "b64_json",
        "base64",
        "image_base64",
        "b64",
        "result",
        "data",
    ])
    .map(GeneratedImage::from_base64);
    let nested = || {
        ["image_url", "inline_data", "inlineData", "source", "image"]
            .iter()
            .find_map(|name| in_value(object.get(*name)?))
    };
    let image = inline
        .or_else(nested)
        .or_else(|| text(&["url"]).and_then(from_text))?;
    let revised = text(&["revised_prompt"]).map(str::to_owned);
    Some(image.with_declared(declared).with_revised_prompt(revised))
}

/// A text that is a picture: a URL of either kind, or base64 whose bytes are one.
fn from_text(text: &str) -> Option<GeneratedImage> {
    let text = text.trim();
    if DataUrl::is_data_url(text) || is_remote(text) {
        return Some(GeneratedImage::from_url(text));
    }
    let image = GeneratedImage::from_base64(text);
    MediaType::sniff(image.bytes().ok()?).map(|_| image)
}

fn is_remote(text: &str) -> bool {
    let has = |scheme: &str| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    has("https://") || has("http://")
}

/// The pictures in a text: JSON of an image response, data URLs, Markdown pictures.
fn in_text(text: &str) -> Vec<GeneratedImage> {
    if let Some(found) = in_json_text(text) {
        return found;
    }
    let mut found: Vec<(usize, GeneratedImage)> = Vec::new();
    for at in memchr::memmem::find_iter(text.as_bytes(), b"data:image/") {
        found.extend(
            text.get(at..)
                .map(|rest| (at, GeneratedImage::from_url(url_at(rest)))),
        );
    }
    for at in memchr::memmem::find_iter(text.as_bytes(), b"![") {
        let target = text
            .get(at..)
            .and_then(|rest| rest.split_once("]("))
            .map(|(_, target)| target.trim_start_matches([' ', '<']));
        if let Some(url) = target.map(url_at).filter(|url| is_remote(url)) {
            found.push((at, GeneratedImage::from_url(url)));
        }
    }
    // The scheme in another case is rare enough to be looked for only where the text is one URL.
    if found.is_empty() && DataUrl::is_data_url(text) && !text.trim().contains(char::is_whitespace)
    {
        found.push((0, GeneratedImage::from_url(text.trim())));
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, image)| image).collect()
}

/// A URL as it stands in prose or Markdown: up to white space or what closes it.
fn url_at(text: &str) -> &str {
    let end = text.find(|character: char| {
        character.is_whitespace() || matches!(character, ')' | '"' | '\'' | '>' | ']' | '`')
    });
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

fn in_json_text(text: &str) -> Option<Vec<GeneratedImage>> {
    let text = text.trim();
    let fenced = text
        .strip_prefix("```json")
        .or_else(|| text.strip_prefix("```"));
    let text = fenced
        .and_then(|rest| rest.strip_suffix("```"))
        .unwrap_or(text)
        .trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let found = match serde_json::from_str(text).ok()? {
        Value::Array(items) => find_in_data(&items),
        Value::Object(object) => match object.get("data").or_else(|| object.get("images")) {
            Some(Value::Array(items)) => find_in_data(items),
            _ => in_object(&object).into_iter().collect(),
        },
        _ => return None,
    };
    (!found.is_empty()).then_some(found)
}

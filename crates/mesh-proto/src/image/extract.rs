//! Finding the pictures in a reply, in every shape of the protocol reference, section 6.

use serde_json::Value;

use super::data_url::DataUrl;
use super::media_type::MediaType;
use super::output::GeneratedImage;
use crate::wire::{Json, Text, field, from_text};

/// Every picture in a reply's raw JSON, whatever endpoint it is of: chat, images, the Responses
/// endpoint and the events of its stream, a batch with its results (protocol reference, section 6,
/// rows 1 to 14). For replies of endpoints that are not modelled here.
///
/// ```
/// let reply = serde_json::json!({"object": "response", "output": [
///     {"type": "image_generation_call", "result": "iVBORw0KGgo="}
/// ]});
/// let [image] = mesh_proto::image::find_in_document(&reply).try_into().unwrap();
/// assert_eq!(image.media_type()?.0, mesh_proto::image::MediaType::PNG);
/// # Ok::<(), mesh_proto::image::PictureError>(())
/// ```
#[inline]
pub fn find_in_document(reply: &Value) -> Vec<GeneratedImage> {
    once(in_document(&Json::from(reply)).into_iter())
}

/// Whatever parser made the value bounded its depth, and with it this.
#[inline]
fn in_document(reply: &Json) -> Vec<GeneratedImage> {
    let object = match reply {
        Json::List(items) => return items.iter().flat_map(in_document).collect(),
        Json::Object(object) => object.as_slice(),
        _ => return Vec::new(),
    };
    let list = |name| reply.get(name).map(Json::items).unwrap_or_default();
    let mut found = Vec::new();
    for choice in list("choices") {
        let said = ["message", "delta"]
            .iter()
            .filter_map(|name| choice.get(name));
        found.extend(said.flat_map(in_message));
    }
    found.extend(find_in_data(list("data")));
    found.extend(find_in_data(list("images")));
    found.extend(list("output").iter().flat_map(in_output_item));
    // An event of a stream, one result of a batch, its response and that response's body.
    found.extend(reply.get("item").into_iter().flat_map(in_output_item));
    found.extend(list("results").iter().flat_map(in_document));
    for name in ["response", "body"] {
        found.extend(reply.get(name).into_iter().flat_map(in_document));
    }
    let partial = text_of(object, &["partial_image_b64"]).map(from_base64);
    let bare = || text_of(object, BASE64).and_then(|_| in_object(object));
    found.extend(partial.or_else(bare));
    found
}

/// A message as raw JSON.
#[inline]
fn in_message(message: &Json) -> Vec<GeneratedImage> {
    let content = message.get("content");
    // A list of one has been seen without its brackets.
    let listed = |name: &&str| match message.get(name) {
        Some(Json::List(images)) => images.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    find_in_message(
        content.and_then(Json::as_str),
        content.map(Json::items).unwrap_or_default(),
        ["images"].iter().chain(&BESIDE_CONTENT).flat_map(listed),
    )
}

/// Where else gateways put the pictures of a message: one alone, and the parts of several kinds.
pub(crate) const BESIDE_CONTENT: [&str; 2] = ["image", "multi_mod_content"];

/// An item of the Responses endpoint's output: a picture, or a message.
#[inline]
fn in_output_item(item: &Json) -> Vec<GeneratedImage> {
    if item.get("content").is_some() {
        return in_message(item);
    }
    in_value(item).into_iter().collect()
}

/// The pictures of a `data` list: rows 1 to 5.
pub(crate) fn find_in_data<'d>(data: impl IntoIterator<Item = &'d Json>) -> Vec<GeneratedImage> {
    data.into_iter().filter_map(in_value).collect()
}

/// Whether a value is a picture.
#[inline]
pub(crate) fn holds_picture(value: &Json) -> bool {
    in_value(value).is_some()
}

/// The pictures of an assistant's message: its content as text (row 10) or parts (rows 8 and 9),
/// and its `images` (row 7).
pub(crate) fn find_in_message<'m>(
    text: Option<&str>,
    parts: impl IntoIterator<Item = &'m Json>,
    images: impl IntoIterator<Item = &'m Json>,
) -> Vec<GeneratedImage> {
    let in_text = text.map(in_text).unwrap_or_default();
    in_text
        .into_iter()
        .chain(parts.into_iter().chain(images).flat_map(in_part))
        .collect()
}

/// The pictures without those that stand in two places.
pub(crate) fn once(found: impl Iterator<Item = GeneratedImage>) -> Vec<GeneratedImage> {
    let mut once: Vec<GeneratedImage> = Vec::new();
    for image in found {
        if !once.iter().any(|known| known.is_same_source(&image)) {
            once.push(image);
        }
    }
    once
}

/// A part that is text may hold pictures as text does.
#[inline]
fn in_part(value: &Json) -> Vec<GeneratedImage> {
    match value.get("type").and_then(Json::as_str) {
        Some("text" | "output_text") => value
            .get("text")
            .and_then(Json::as_str)
            .map(in_text)
            .unwrap_or_default(),
        _ => in_value(value).into_iter().collect(),
    }
}

/// A picture as a value of its own.
#[inline]
fn in_value(value: &Json) -> Option<GeneratedImage> {
    match value {
        Json::Text(text) => by_text(text),
        Json::Object(object) => in_object(object),
        _ => None,
    }
}

#[inline]
fn in_object(object: &[(String, Json)]) -> Option<GeneratedImage> {
    let declared = text_of(object, DECLARED).and_then(|text| MediaType::declared(text.trim()));
    let format = text_of(object, &["output_format"])
        .and_then(|format| MediaType::declared(&format!("image/{}", format.trim())));
    let declared = declared.or(format);
    // What is called base64 is one; under a vaguer name it has to look like a picture.
    let named = text_of(object, BASE64).map(from_base64);
    let vague = || text_of(object, VAGUE).and_then(picture_as_base64);
    let nested = || {
        NESTED
            .iter()
            .find_map(|name| in_value(field(object, name)?))
    };
    let by_url = || text_of(object, &["url"]).and_then(by_text);
    let image = named.or_else(vague).or_else(nested).or_else(by_url)?;
    let revised = text_of(object, &["revised_prompt"]).map(|text| text.trim().to_owned());
    Some(image.with_declared(declared).with_revised_prompt(revised))
}

const DECLARED: &[&str] = &["media_type", "mime_type", "mimeType", "mediaType"];
const BASE64: &[&str] = &["b64_json", "image_base64", "bytesBase64Encoded"];
const VAGUE: &[&str] = &["data", "result", "base64", "b64"];
const NESTED: &[&str] = &["image_url", "inline_data", "inlineData", "source", "image"];

/// The text that a picture is, where it stands in its value.
#[inline]
pub(crate) fn picture_text(value: &mut Json) -> Option<&mut Text> {
    match value {
        Json::Text(text) => Some(text),
        Json::Object(object) => {
            let is_text =
                |name: &&&str| field(object, name).is_some_and(|it| it.as_text().is_some());
            let is_there = |name: &&&str| {
                field(object, name).is_some_and(|it| matches!(it, Json::Text(_) | Json::Object(_)))
            };
            let flat = BASE64.iter().chain(VAGUE).find(is_text);
            let name = flat
                .or_else(|| NESTED.iter().find(is_there))
                .or_else(|| ["url"].iter().find(is_text))?;
            picture_text(value.get_mut(name)?)
        }
        _ => None,
    }
}

/// Whether a text can only be more of a picture that began before: base64 that begins none itself
/// (protocol reference, section 6, row 12).
#[inline]
pub(crate) fn is_continuation(text: &str) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=\r\n".contains(&byte);
    // As many characters as any magic bytes are looked for in.
    let beginning = text.as_bytes().get(..64).unwrap_or(text.as_bytes());
    let whole = beginning.get(..beginning.len() / 4 * 4).unwrap_or_default();
    !text.is_empty()
        && text.bytes().all(is_base64)
        && !crate::base64::decode(whole)
            .is_ok_and(|bytes| MediaType::sniff(&bytes).is_some_and(|it| it.is_portable()))
}

/// The first of the fields that is a text with something in it.
#[inline]
fn text_of<'o>(object: &'o [(String, Json)], names: &[&str]) -> Option<&'o Text> {
    let mut texts = names
        .iter()
        .filter_map(|name| field(object, name)?.as_text());
    texts.find(|text| !text.trim().is_empty())
}

/// A text that is a picture: a URL of either kind, or base64 whose bytes are one.
#[inline]
fn by_text(text: &Text) -> Option<GeneratedImage> {
    if DataUrl::is_data_url(text) || is_remote(text.trim()) {
        return Some(GeneratedImage::of_url(text.clone()));
    }
    picture_as_base64(text)
}

/// What is called base64.
#[inline]
fn from_base64(text: &Text) -> GeneratedImage {
    GeneratedImage::of_base64(text.clone())
}

#[inline]
fn picture_as_base64(text: &Text) -> Option<GeneratedImage> {
    let image = from_base64(text);
    MediaType::sniff(image.bytes().ok()?).map(|_| image)
}

pub(super) fn is_remote(text: &str) -> bool {
    let has = |scheme: &str| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    has("https://") || has("http://")
}

/// The pictures in a text: JSON of an image response, data URLs, Markdown pictures.
#[inline]
fn in_text(text: &str) -> Vec<GeneratedImage> {
    if let Some(found) = in_json_text(text) {
        return found;
    }
    let whole = text.trim();
    if is_remote(whole) && !whole.contains(char::is_whitespace) && is_named_as_picture(whole) {
        return vec![GeneratedImage::from_url(whole)];
    }
    // The scheme in another case is rare enough to be looked for only where the text is one URL.
    if DataUrl::is_data_url(text) && !text.trim().contains(char::is_whitespace) {
        return vec![GeneratedImage::from_url(whole)];
    }
    in_prose(text)
}

/// Whether the path of a URL ends like a picture's file.
#[inline]
fn is_named_as_picture(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let ending = path
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase());
    matches!(
        ending.as_deref(),
        Some("png" | "jpg" | "jpeg" | "webp" | "gif")
    )
}

/// Data URLs and Markdown pictures, in their order. Looks at no byte again and again, whatever the
/// text is made of.
#[inline]
fn in_prose(text: &str) -> Vec<GeneratedImage> {
    let places = |mark: &'static [u8]| {
        memchr::memmem::find_iter(text.as_bytes(), mark).map(move |at| (at, mark))
    };
    let mut marks: Vec<(usize, &[u8])> = places(DATA_URL).chain(places(LINK)).collect();
    marks.sort_unstable();
    let mut found = Vec::new();
    let mut end = 0;
    for (at, mark) in marks {
        if at < end {
            continue;
        }
        let mut start = at;
        let mut url = text.get(at..).map(url_at).unwrap_or_default();
        let found_here = if mark == LINK {
            start += LINK.len();
            let rest = text.get(start..).unwrap_or_default();
            url = match rest.strip_prefix('<') {
                Some(rest) => {
                    start += 1;
                    bracketed(rest)
                }
                None => url_at(rest),
            };
            let is_picture = is_alternative_text(text.get(end..at).unwrap_or_default());
            is_picture.then(|| linked(url)).flatten()
        } else {
            // Whatever it is, nothing else begins inside it.
            end = start + url.len();
            let is_picture = DataUrl::parse(url).is_ok_and(|data| !data.data().is_empty());
            is_picture.then(|| GeneratedImage::from_url(url))
        };
        if let Some(image) = found_here {
            end = start + url.len();
            found.push(image);
        }
    }
    found
}

/// The picture that Markdown shows: a URL, or a data URL that does not say so and is one.
#[inline]
fn linked(url: &str) -> Option<GeneratedImage> {
    if url.starts_with("http") {
        return Some(GeneratedImage::from_url(url));
    }
    if !url.starts_with("data:") || url.as_bytes().starts_with(DATA_URL) {
        return None;
    }
    let image = GeneratedImage::from_url(url);
    MediaType::sniff(image.bytes().ok()?).map(|_| image)
}

const DATA_URL: &[u8] = b"data:image/";
const LINK: &[u8] = b"](";

/// Whether `before` ends with `![` and a text without brackets or line ends.
#[inline]
fn is_alternative_text(before: &str) -> bool {
    let open = before.rfind(['[', ']', '\n']);
    open.is_some_and(|open| before.get(..=open).is_some_and(|text| text.ends_with("![")))
}

/// A URL as it stands in prose or Markdown: up to white space or what closes it.
#[inline]
fn url_at(text: &str) -> &str {
    let closes = |character: char| {
        character.is_whitespace() || matches!(character, ')' | '"' | '\'' | '>' | ']' | '`')
    };
    text.find(closes)
        .and_then(|end| text.get(..end))
        .unwrap_or(text)
}

/// A URL as it stands between angle brackets, after the first: up to the second on the same line.
#[inline]
fn bracketed(text: &str) -> &str {
    let end = text.find(['<', '>', '\n', '\r']);
    let url = end.and_then(|end| text.get(..end));
    url.unwrap_or(text).trim_end()
}

/// An image response as the text of a message, fenced or not.
#[inline]
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
    let found = match from_text(text).ok()? {
        Json::List(items) => find_in_data(&items),
        Json::Object(object) => match field(&object, "data").or_else(|| field(&object, "images")) {
            Some(Json::List(items)) => find_in_data(items),
            // A URL in an answer that is JSON is just a URL; only bytes make it a picture.
            _ => in_object(&object)
                .filter(|image| image.remote_url().is_none())
                .into_iter()
                .collect(),
        },
        _ => return None,
    };
    (!found.is_empty()).then_some(found)
}

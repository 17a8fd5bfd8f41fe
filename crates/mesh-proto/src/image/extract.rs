//! Finding the pictures in a reply, in every shape of the [protocol reference, section 6](crate::protocol#6-image-results-a-client-must-accept).

use serde_json::Value;

use super::data_url::DataUrl;
use super::media_type::MediaType;
use super::output::GeneratedImage;
use crate::wire::{Json, Text, field, from_text};

/// Every picture in a reply's raw JSON, whatever endpoint it is of: chat, images, the Responses
/// endpoint and the events of its stream, a batch with its results ([protocol reference, section 6](crate::protocol#6-image-results-a-client-must-accept),
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
pub fn find_in_document(reply: &Value) -> Vec<GeneratedImage> {
    let reply = Json::from(reply);
    let found = once(in_document(&reply, Urls::Absolute).into_iter());
    if found.is_empty() {
        return once(in_document(&reply, Urls::Any).into_iter());
    }
    found
}

/// Which URLs in a text count as those of images.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urls {
    /// Those that say where they lead by themselves.
    Absolute,
    /// Also those that are relative to the gateway: too many texts have links like these for them to
    /// count if anything else in the reply is an image.
    Any,
}

/// Whatever parser made the value bounded its depth, and with it this.
fn in_document(reply: &Json, urls: Urls) -> Vec<GeneratedImage> {
    let object = match reply {
        Json::List(items) => {
            let found = items.iter().flat_map(|item| in_document(item, urls));
            return found.collect();
        }
        Json::Object(object) => object.as_slice(),
        _ => return Vec::new(),
    };
    let list = |name| reply.get(name).map(Json::items).unwrap_or_default();
    let mut found = Vec::new();
    for choice in list("choices") {
        let said = ["message", "delta"]
            .iter()
            .filter_map(|name| choice.get(name));
        found.extend(said.flat_map(|message| in_message(message, urls)));
    }
    found.extend(find_in_data(list("data")));
    found.extend(find_in_data(list("images")));
    let in_item = |item| in_output_item(item, urls);
    found.extend(list("output").iter().flat_map(in_item));
    // An event of a stream, one result of a batch, its response and that response's body.
    found.extend(reply.get("item").into_iter().flat_map(in_item));
    let in_inner = |inner| in_document(inner, urls);
    found.extend(list("results").iter().flat_map(in_inner));
    for name in ["response", "body"] {
        found.extend(reply.get(name).into_iter().flat_map(in_inner));
    }
    let partial = text_of(object, &["partial_image_b64"]).map(from_base64);
    let bare = || text_of(object, BASE64).and_then(|_| in_object(object, urls));
    found.extend(partial.or_else(bare));
    found
}

/// A message as raw JSON.
fn in_message(message: &Json, urls: Urls) -> Vec<GeneratedImage> {
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
        urls,
    )
}

/// Where else gateways put the pictures of a message: one alone, and the parts of several kinds.
pub(crate) const BESIDE_CONTENT: [&str; 2] = ["image", "multi_mod_content"];

/// An item of the Responses endpoint's output: a picture, or a message.
fn in_output_item(item: &Json, urls: Urls) -> Vec<GeneratedImage> {
    if item.get("content").is_some() {
        return in_message(item, urls);
    }
    in_value(item, Urls::Absolute).into_iter().collect()
}

/// The pictures of a `data` list: rows 1 to 5.
pub(crate) fn find_in_data<'d>(data: impl IntoIterator<Item = &'d Json>) -> Vec<GeneratedImage> {
    data.into_iter().filter_map(in_field).collect()
}

/// Whether a value is a picture.
pub(crate) fn holds_picture(value: &Json) -> bool {
    in_field(value).is_some()
}

/// The pictures of an assistant's message: its content as text (row 10) or parts (rows 8 and 9),
/// and its `images` (row 7). `urls` says which count in its texts.
pub(crate) fn find_in_message<'m>(
    text: Option<&str>,
    parts: impl IntoIterator<Item = &'m Json>,
    images: impl IntoIterator<Item = &'m Json>,
    urls: Urls,
) -> Vec<GeneratedImage> {
    let in_parts = parts.into_iter().flat_map(|part| in_part(part, urls));
    let in_images = images.into_iter().flat_map(|image| match image {
        Json::Text(_) => in_field(image).into_iter().collect(),
        _ => in_part(image, urls),
    });
    let in_text = text.map(|text| in_text(text, urls)).unwrap_or_default();
    in_text
        .into_iter()
        .chain(in_parts)
        .chain(in_images)
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
fn in_part(value: &Json, urls: Urls) -> Vec<GeneratedImage> {
    match value.get("type").and_then(Json::as_str) {
        Some("text" | "output_text") => value
            .get("text")
            .and_then(Json::as_str)
            .map(|text| in_text(text, urls))
            .unwrap_or_default(),
        _ => in_value(value, Urls::Absolute).into_iter().collect(),
    }
}

/// A picture as a value of its own. Any URL counts in the fields that are named for one; `urls` says
/// which count where the value is a mere text.
fn in_value(value: &Json, urls: Urls) -> Option<GeneratedImage> {
    match value {
        Json::Text(text) => by_text(text, urls),
        Json::Object(object) => in_object(object, Urls::Any),
        _ => None,
    }
}

/// A picture in a field that holds nothing else.
fn in_field(value: &Json) -> Option<GeneratedImage> {
    in_value(value, Urls::Any)
}

fn in_object(object: &[(String, Json)], urls: Urls) -> Option<GeneratedImage> {
    let declared = text_of(object, DECLARED).and_then(|text| MediaType::declared(text.trim()));
    let format = text_of(object, &["output_format"])
        .and_then(|format| MediaType::declared(&format!("image/{}", format.trim())));
    let declared = declared.or(format);
    // What is called base64 is one; under a vaguer name it has to look like a picture.
    let named = text_of(object, BASE64).map(from_base64);
    let vague = || text_of(object, VAGUE).and_then(picture_as_base64);
    let nested = || {
        NESTED.iter().find_map(|(name, named)| {
            let urls = if *named == Urls::Any { urls } else { *named };
            in_value(field(object, name)?, urls)
        })
    };
    let by_url = || text_of(object, &["url"]).and_then(|text| by_text(text, urls));
    let image = named.or_else(vague).or_else(nested).or_else(by_url)?;
    let revised = text_of(object, &["revised_prompt"]).map(|text| text.trim().to_owned());
    Some(image.with_declared(declared).with_revised_prompt(revised))
}

const DECLARED: &[&str] = &["media_type", "mime_type", "mimeType", "mediaType"];
const BASE64: &[&str] = &["b64_json", "image_base64", "bytesBase64Encoded"];
const VAGUE: &[&str] = &["data", "result", "base64", "b64"];
/// Where a picture stands in another value, and which URLs these fields hold.
const NESTED: &[(&str, Urls)] = &[
    ("image_url", Urls::Any),
    ("inline_data", Urls::Absolute),
    ("inlineData", Urls::Absolute),
    ("source", Urls::Absolute),
    ("image", Urls::Any),
];

/// The text that a picture is, where it stands in its value.
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
                .or_else(|| NESTED.iter().map(|(name, _)| name).find(is_there))
                .or_else(|| ["url"].iter().find(is_text))?;
            picture_text(value.get_mut(name)?)
        }
        _ => None,
    }
}

/// Whether a text can only be more of a picture that began before: base64 that begins none itself
/// ([protocol reference, section 6](crate::protocol#6-image-results-a-client-must-accept), row 12).
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
fn text_of<'o>(object: &'o [(String, Json)], names: &[&str]) -> Option<&'o Text> {
    let mut texts = names
        .iter()
        .filter_map(|name| field(object, name)?.as_text());
    texts.find(|text| !text.trim().is_empty())
}

/// A text that is a picture: a URL of either kind, or base64 whose bytes are one.
fn by_text(text: &Text, urls: Urls) -> Option<GeneratedImage> {
    if DataUrl::is_data_url(text) || is_remote(text.trim()) {
        return Some(GeneratedImage::of_url(text.clone()));
    }
    // The base64 of a JPEG begins like a path.
    picture_as_base64(text).or_else(|| {
        let is_url = urls == Urls::Any && is_reference(text.trim());
        is_url.then(|| GeneratedImage::of_url(text.clone()))
    })
}

/// Whether a text that should be a URL may be one that is relative to the gateway, or of a scheme
/// that is not fetched here: it says where the picture is, and not that there is none.
fn is_reference(text: &str) -> bool {
    // Words such as `none` or `pending` have nothing of a path.
    let has_path = text.contains(['/', '?']) || is_named_as_picture(text);
    // Prose may have a slash in it, and a file's name may have spaces in it.
    let first = text.split_whitespace().next().unwrap_or_default();
    let has_room = first.contains('/') && is_named_as_picture(text);
    has_path
        && text.len() <= LONGEST_REFERENCE
        && !text.contains(char::is_control)
        && (has_room || !text.contains(char::is_whitespace))
        && !text.starts_with(['#', '<', '{', '['])
        && !text.eq_ignore_ascii_case("n/a")
}

/// Whoever signs URLs gives them whole.
const LONGEST_REFERENCE: usize = 4096;

/// What is called base64.
fn from_base64(text: &Text) -> GeneratedImage {
    GeneratedImage::of_base64(text.clone())
}

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

/// The pictures in a text: JSON of an image response, data URLs, base64, Markdown pictures.
fn in_text(text: &str, urls: Urls) -> Vec<GeneratedImage> {
    if let Some(found) = in_json_text(text) {
        return found;
    }
    let whole = text.trim();
    if let Some(image) = bare_base64(unfenced(whole)) {
        return vec![image];
    }
    let is_path = urls == Urls::Any && whole.starts_with('/') && is_named_as_picture(whole);
    if is_path && is_reference(whole) {
        return vec![GeneratedImage::from_url(whole)];
    }
    if is_remote(whole) && !whole.contains(char::is_whitespace) && is_named_as_picture(whole) {
        return vec![GeneratedImage::from_url(whole)];
    }
    // The scheme in another case is rare enough to be looked for only where the text is one URL.
    if DataUrl::is_data_url(text) && !text.trim().contains(char::is_whitespace) {
        return vec![GeneratedImage::from_url(whole)];
    }
    in_prose(text, urls)
}

/// A text without the fence or the quotes around it.
fn unfenced(text: &str) -> &str {
    let fenced = text.strip_prefix("```").and_then(|text| {
        let text = text.strip_suffix("```")?;
        // The language stands behind the fence.
        text.split_once('\n').map(|(_, text)| text)
    });
    let text = fenced.unwrap_or(text).trim();
    text.trim_matches(['`', '"', '\''])
}

/// A picture as base64 that nothing marks as such. Its beginning is looked at first, as most texts
/// are words.
fn bare_base64(text: &str) -> Option<GeneratedImage> {
    let begins = text.as_bytes().get(..64).unwrap_or(text.as_bytes());
    let mut begins = begins.to_vec();
    begins.retain(|byte| !byte.is_ascii_whitespace());
    if begins.len() < text.len() {
        begins.truncate(begins.len() / 4 * 4);
    }
    let bytes = crate::base64::decode(&begins).ok()?;
    let media_type = MediaType::sniff(&bytes)?;
    // Three bytes tell a JPEG, and a word may have them; two tell other formats.
    let is_telling = match media_type.name() {
        "JPEG" => text.len() >= SURELY_BASE64,
        "PNG" | "GIF" | "WebP" | "AVIF" | "HEIC" | "HEIF" => true,
        _ => false,
    };
    if !is_telling {
        return None;
    }
    let image = GeneratedImage::from_base64(text);
    image.bytes().is_ok().then_some(image)
}

/// A run of base64 characters from this length on is no word.
const SURELY_BASE64: usize = 64;

/// Whether the path of a URL ends like a picture's file.
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

/// Data URLs, base64 and Markdown pictures, in their order. Looks at no byte again and again,
/// whatever the text is made of.
fn in_prose(text: &str, urls: Urls) -> Vec<GeneratedImage> {
    let places = |mark: &'static [u8]| {
        memchr::memmem::find_iter(text.as_bytes(), mark).map(move |at| (at, mark))
    };
    let mut marks: Vec<(usize, &[u8])> = places(DATA_URL).chain(places(LINK)).collect();
    marks.extend(BARE.into_iter().flat_map(places));
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
            is_picture.then(|| linked(url, urls)).flatten()
        } else if BARE.contains(&mark) {
            let before = text.get(..at).unwrap_or_default();
            if before.ends_with(is_base64) {
                continue;
            }
            let rest = text.get(at..).unwrap_or_default();
            url = rest.split(|it| !is_base64(it)).next().unwrap_or_default();
            end = start + url.len();
            // What goes on in the next line would be cut off here.
            let next = text.get(end..).unwrap_or_default().trim_start_matches('\r');
            let goes_on = next.strip_prefix('\n').is_some_and(|line| {
                line.chars().take(16).filter(|it| is_base64(*it)).count() == 16
            });
            let is_picture = url.len() >= SURELY_BASE64 && !goes_on;
            is_picture.then(|| bare_base64(url)).flatten()
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
fn linked(url: &str, urls: Urls) -> Option<GeneratedImage> {
    if is_remote(url) {
        return Some(GeneratedImage::from_url(url));
    }
    if url.as_bytes().starts_with(DATA_URL) {
        return None;
    }
    if DataUrl::is_data_url(url) {
        let image = GeneratedImage::from_url(url);
        return MediaType::sniff(image.bytes().ok()?).map(|_| image);
    }
    bare_base64(url).or_else(|| {
        let is_url = urls == Urls::Any && is_reference(url);
        is_url.then(|| GeneratedImage::from_url(url))
    })
}

/// How the base64 of PNG, JPEG, GIF and WebP begins.
const BARE: [&[u8]; 4] = [b"iVBORw0KGgo", b"/9j/", b"R0lGODlh", b"UklGR"];

fn is_base64(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '-' | '_' | '=')
}

const DATA_URL: &[u8] = b"data:image/";
const LINK: &[u8] = b"](";

/// Whether `before` ends with `![` and a text without brackets or line ends.
fn is_alternative_text(before: &str) -> bool {
    let open = before.rfind(['[', ']', '\n']);
    open.is_some_and(|open| before.get(..=open).is_some_and(|text| text.ends_with("![")))
}

/// A URL as it stands in prose or Markdown: up to white space or what closes it.
fn url_at(text: &str) -> &str {
    let closes = |character: char| {
        character.is_whitespace() || matches!(character, ')' | '"' | '\'' | '>' | ']' | '`')
    };
    text.find(closes)
        .and_then(|end| text.get(..end))
        .unwrap_or(text)
}

/// A URL as it stands between angle brackets, after the first: up to the second on the same line.
fn bracketed(text: &str) -> &str {
    let end = text.find(['<', '>', '\n', '\r']);
    let url = end.and_then(|end| text.get(..end));
    url.unwrap_or(text).trim_end()
}

/// An image response as the text of a message, fenced or not.
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
        Json::List(items) => {
            let pictures = items.iter().filter_map(|item| match item {
                Json::Text(text) => by_text(text, Urls::Absolute),
                Json::Object(object) => in_object(object, Urls::Absolute),
                _ => None,
            });
            pictures.collect()
        }
        Json::Object(object) => match field(&object, "data").or_else(|| field(&object, "images")) {
            Some(Json::List(items)) => find_in_data(items),
            // A URL in an answer that is JSON is just a URL; only bytes make it a picture.
            _ => in_object(&object, Urls::Absolute)
                .filter(|image| image.remote_url().is_none())
                .into_iter()
                .collect(),
        },
        _ => return None,
    };
    (!found.is_empty()).then_some(found)
}

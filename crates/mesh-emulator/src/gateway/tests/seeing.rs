//! Pictures in, words out.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use image::{Rgba, RgbaImage};

use super::*;
use crate::drawing::{Codec, encode};

fn plain(colour: [u8; 3]) -> Vec<u8> {
    let [red, green, blue] = colour;
    let picture = RgbaImage::from_pixel(40, 30, Rgba([red, green, blue, 255]));
    encode(&picture, Codec::Png, 90).unwrap()
}

const RED: [u8; 3] = [220, 20, 20];
const BLUE: [u8; 3] = [20, 20, 220];

fn url(bytes: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(bytes))
}

fn show(text: &str, urls: &[&str]) -> Value {
    let mut parts = vec![json!({"type": "text", "text": text})];
    parts.extend(
        urls.iter()
            .map(|url| json!({"type": "image_url", "image_url": {"url": url}})),
    );
    json!({"model": "openai/gpt-4o-mini", "messages": user(parts)})
}

fn said(gateway: &mut Gateway, body: &Value) -> String {
    ask(gateway, body)["choices"][0]["message"]["content"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_answer_is_about_the_pixels_however_they_are_written() {
    let mut gateway = gateway();
    let picture = plain(RED);
    let percent: Vec<String> = picture.iter().map(|byte| format!("%{byte:02X}")).collect();
    let urls = [
        url(&picture),
        format!(
            "data:image/jpeg;base64,{}",
            URL_SAFE_NO_PAD.encode(&picture)
        ),
        url(&picture).replace('+', "%2B").replace('/', "%2F"),
        format!("DATA:image/png,{}", percent.concat()),
    ];
    for url in urls {
        let text = said(&mut gateway, &show("What colour is this?", &[&url]));
        assert!(
            text.contains("red") && text.contains("PNG") && text.contains("40 x 30"),
            "{text}"
        );
    }
    let text = said(
        &mut gateway,
        &show("What colour is this?", &[&url(&plain(BLUE))]),
    );
    assert!(text.contains("blue") && !text.contains("red"), "{text}");
}

#[test]
fn the_last_pictures_count() {
    let mut gateway = gateway();
    let part = |bytes: &[u8]| json!([{"type": "image_url", "image_url": {"url": url(bytes), "detail": "low"}}]);
    let body = json!({"messages": [
        {"role": "user", "content": part(&plain(RED))},
        {"role": "assistant", "content": "A red one."},
        {"role": "user", "content": part(&plain(BLUE))},
        {"role": "assistant", "content": null},
        {"role": "user", "content": "And the colour of that?"},
    ]});
    let reply = ask(&mut gateway, &body);
    let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.contains("blue") && !text.contains("red"), "{text}");
    assert_eq!(reply["usage"]["prompt_tokens_details"]["image_tokens"], 170);

    let both = said(
        &mut gateway,
        &show("Compare.", &[&url(&plain(RED)), &url(&plain(BLUE))]),
    );
    assert!(
        both.contains("Image 1") && both.contains("Image 2"),
        "{both}"
    );
}

#[test]
fn what_cannot_be_seen_is_told_apart() {
    let mut gateway = gateway();
    let good = url(&plain(RED));
    let bare = STANDARD.encode(plain(RED));
    for (address, expected, word) in [
        (bare.as_str(), "invalid_input", "bare base64"),
        ("data:image/png;base64,AAAA", "invalid_input", "picture"),
        ("data:image/png;base64,!", "invalid_input", "base64"),
        ("data:image/png;base64", "invalid_input", "comma"),
        ("data:,", "invalid_input", "no bytes"),
        (
            "https://example.com/image.jpg",
            "invalid_request",
            "no network",
        ),
        (
            "http://127.0.0.1:4000/pictures/none.png",
            "invalid_request",
            "hosted",
        ),
    ] {
        let reply = chat(&mut gateway, &show("What?", &[&good, address]));
        assert_eq!(reply.head.status, 400);
        assert_eq!(code(&reply), expected, "{address}");
        let body = document(&reply);
        let message = body["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with("messages[0].content[2]: ") && message.contains(word),
            "{message}"
        );
    }
    let mut body = show("What?", &[&good]);
    body["model"] = "deepseek/deepseek-chat-v3.1".into();
    assert_eq!(
        code(&chat(&mut gateway, &body)),
        "model_capability_not_supported"
    );
}

#[test]
fn facts_come_as_json() {
    let mut gateway = gateway();
    let mut body = show("Describe.", &[&url(&plain(RED))]);
    body["response_format"] = json!({"type": "json_object"});
    let facts: Value = serde_json::from_str(&said(&mut gateway, &body)).unwrap();
    assert_eq!(facts["pictures"][0]["mean_colour"], "#dc1414");
    assert_eq!(facts["pictures"][0]["width"], 40);

    let schema = json!({"type": "object", "required": ["width", "colors", "main"], "properties": {
        "width": {"type": "integer"}, "colors": {"type": "array", "items": {"type": "string"}},
        "main": {"$ref": "#/$defs/colour"}, "color": {"enum": ["blue", "red"]}, "note": {"type": "string"},
        "boxes": {"type": "array", "minItems": 2, "items": {"type": "object", "properties": {"height": {"type": "number"}}}},
    }, "$defs": {"colour": {"type": ["string", "null"]}}});
    body["response_format"] =
        json!({"type": "json_schema", "json_schema": {"name": "facts", "schema": schema}});
    let facts: Value = serde_json::from_str(&said(&mut gateway, &body)).unwrap();
    assert_eq!(facts["width"], 40);
    assert_eq!(facts["color"], "red");
    assert_eq!(facts["colors"], json!(["red"]));
    assert_eq!(facts["boxes"], json!([{"height": 30}, {"height": 30}]));
    assert!(facts["main"].is_string() && facts["note"].is_string());
}

#[test]
fn the_page_tells_what_came_in() {
    let mut gateway = gateway();
    chat(
        &mut gateway,
        &show("What?", &[&url(&plain(RED)), "data:text/plain,<b>hello"]),
    );
    let page = whole(&get(&mut gateway, "/"));
    let page = String::from_utf8_lossy(&page);
    for told in [
        "POST /v1/chat/completions",
        "400",
        "openai/gpt-4o-mini",
        "a PNG picture, 40 × 30",
        "XML or other markup, 8 bytes",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
}

/// What `src` attributes of the page's images point to.
fn sources(page: &str) -> Vec<String> {
    let sources = page.split("<img src=\"").skip(1);
    sources
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

fn page_of(gateway: &mut Gateway) -> String {
    let reply = get(gateway, "/");
    let policy = header_of(&reply, "content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"));
    assert_eq!(header_of(&reply, "x-content-type-options"), Some("nosniff"));
    String::from_utf8(whole(&reply).to_vec()).unwrap()
}

#[test]
fn the_page_shows_the_images_that_were_sent() {
    let mut gateway = gateway();
    let picture = RgbaImage::from_pixel(4, 4, Rgba([1, 2, 3, 255]));
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("image/png", plain(RED)),
        ("image/jpeg", encode(&picture, Codec::Jpeg, 90).unwrap()),
        ("image/webp", encode(&picture, Codec::Webp, 90).unwrap()),
    ];
    for (media_type, file) in &files {
        chat(&mut gateway, &show("What?", &[&url(file)]));
        let page = page_of(&mut gateway);
        let first = sources(&page).first().unwrap().clone();
        assert!(first.starts_with("/sent/"), "{first}");
        let shown = get(&mut gateway, &first);
        assert_eq!(shown.head.status, 200);
        assert_eq!(header_of(&shown, "content-type"), Some(*media_type));
        assert_eq!(header_of(&shown, "x-content-type-options"), Some("nosniff"));
        let policy = header_of(&shown, "content-security-policy");
        assert_eq!(policy, Some("default-src 'none'; sandbox"));
        assert_eq!(whole(&shown), file);
    }
    // The endpoints of images show theirs, too, and a conversation that is sent again keeps its
    // image once.
    let edit = json!({
        "model": "openai/gpt-image-1", "prompt": "darker",
        "image": STANDARD.encode(plain(BLUE)), "mask": STANDARD.encode(plain(RED)),
    });
    post(&mut gateway, "/v1/images/edits", &edit);
    let shown = sources(&page_of(&mut gateway));
    let sent: Vec<&String> = shown.iter().filter(|it| it.starts_with("/sent/")).collect();
    assert_eq!(sent.len(), 5);
    assert_eq!(sent.iter().filter(|it| **it == sent[1]).count(), 2);
    assert_eq!(whole(&get(&mut gateway, sent[0])), plain(BLUE));

    let elsewhere = [("host", "evil.example")];
    let request = request(Method::GET, sent[0], &elsewhere, "");
    let reply = gateway.handle(request, Moment::ORIGIN);
    assert_eq!(reply.head.status, 421);
    assert_eq!(get(&mut gateway, "/sent/none").head.status, 404);
}

#[test]
fn the_page_shows_only_images_and_only_so_many() {
    let mut gateway = gateway();
    let script = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let named_png = format!("data:image/png;base64,{}", STANDARD.encode(script));
    chat(&mut gateway, &show("What?", &[&named_png]));
    let mut huge = plain(RED);
    huge[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    huge[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    chat(&mut gateway, &show("What?", &[&url(&huge)]));
    let page = page_of(&mut gateway);
    assert!(
        sources(&page).is_empty() && !page.contains("<script"),
        "{page}"
    );

    let urls: Vec<String> = (0..20).map(|it| url(&plain([it, 0, 0]))).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    chat(&mut gateway, &show("What?", &urls));
    let page = page_of(&mut gateway);
    assert_eq!(sources(&page).len(), 16);
    assert!(page.contains("and 4 more"), "{page}");
    // Images that are no longer kept are told in words.
    let large = |number: u8| [plain(RED), vec![number; 20 << 20]].concat();
    for number in 0..4 {
        chat(&mut gateway, &show("What?", &[&url(&large(number))]));
    }
    let page = page_of(&mut gateway);
    assert_eq!(sources(&page).len(), 3);
    assert_eq!(page.matches("a PNG picture, 40 × 30").count(), 20);
}

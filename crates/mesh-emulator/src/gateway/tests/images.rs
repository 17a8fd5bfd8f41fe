//! Pictures from the images endpoint, plain.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mesh_proto::image::{Dimensions, GeneratedImage, MediaType};

use super::*;

fn order(model: &str, more: &Value) -> Value {
    let mut body = json!({"model": model, "prompt": "a red circle on white", "size": "48x32"});
    let fields = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    body
}

fn gpt(more: &Value) -> Value {
    order("openai/gpt-image-1", more)
}

fn made(gateway: &mut Gateway, body: &Value) -> Value {
    let reply = generate(gateway, body);
    assert_eq!(reply.head.status, 200, "{:?}", whole(&reply));
    document(&reply)
}

/// The bytes of an item, fetched where it has a remote URL.
fn file(gateway: &mut Gateway, item: &Value) -> Bytes {
    let picture = match (item["url"].as_str(), item["b64_json"].as_str()) {
        (Some(url), None) => GeneratedImage::from_url(url),
        (None, Some(base64)) => GeneratedImage::from_base64(base64),
        _ => panic!("{item}"),
    };
    match picture.remote_url() {
        Some(url) => {
            let path = url.strip_prefix("http://127.0.0.1:4000").unwrap();
            let reply = gateway.handle(request(Method::GET, path, &[], ""), Moment::ORIGIN);
            assert_eq!(reply.head.status, 200);
            whole(&reply)
        }
        None => picture.bytes().unwrap().clone(),
    }
}

fn size_of(file: &[u8]) -> (u32, u32) {
    let size = Dimensions::read(file).unwrap();
    (size.width, size.height)
}

fn names(value: &Value) -> Vec<&str> {
    let fields = value.as_object().unwrap();
    fields.keys().map(String::as_str).collect()
}

#[test]
fn the_reply_is_that_of_the_reference() {
    let mut gateway = gateway_with(|it| it.epoch_seconds = 1_790_000_000);
    let body = gpt(&json!({"output_format": "webp"}));
    let reply = generate(&mut gateway, &body);
    assert_eq!(header_of(&reply, "content-type"), Some("application/json"));
    assert!(
        header_of(&reply, "x-request-id")
            .unwrap()
            .starts_with("req_")
    );
    assert_eq!(header_of(&reply, "x-mesh-version"), Some("2026-08"));
    let mut reply = document(&reply);
    let url = reply["data"][0]["url"].take();
    assert!(
        url.as_str()
            .unwrap()
            .starts_with("data:image/webp;base64,UklGR")
    );
    let expected = json!({
        "created": 1_790_000_000,
        "data": [{"url": null, "revised_prompt": "a red circle on white"}],
        "background": "opaque",
        "output_format": "webp",
        "quality": "high",
        "size": "48x32",
        "usage": {
            "prompt_tokens": 5,
            "completion_tokens": 6,
            "total_tokens": 11,
            "input_tokens_details": {"text_tokens": 5, "image_tokens": 0},
            "output_tokens_details": {"text_tokens": 0, "image_tokens": 6},
        },
    });
    assert_eq!(reply, expected);
    // A body with a prompt alone is drawn by the default model.
    let alone = made(&mut gateway, &json!({"prompt": "a cat"}));
    let picture = file(&mut gateway, &alone["data"][0]);
    assert_eq!(size_of(&picture), (1024, 1024));
    assert_eq!(alone["size"], "1024x1024");
}

#[test]
fn each_model_has_its_form() {
    const DATA: &str = "data:image/png;base64,";
    const HOSTED: &str = "http://127.0.0.1:4000/pictures/";
    for counts in ResponseFormat::ALL {
        let mut gateway = gateway_with(|it| it.switches.response_format = *counts);
        for (model, own) in [
            ("openai/gpt-image-1", Some(DATA)),
            ("openai/gpt-image-1-mini", Some(DATA)),
            ("bytedance/seedream-4.0", Some(HOSTED)),
            ("google/imagen-4-fast", None),
        ] {
            for asked in [None, Some("url"), Some("b64_json")] {
                let body = order(model, &json!({"response_format": asked, "n": 2}));
                let reply = made(&mut gateway, &body);
                let items = reply["data"].as_array().unwrap();
                assert_eq!(items.len(), 2);
                let is_base64 = asked == Some("b64_json") && *counts == ResponseFormat::Honoured;
                let mut files = Vec::new();
                for item in items {
                    match own.filter(|_| !is_base64) {
                        Some(start) => assert!(
                            item["url"].as_str().unwrap().starts_with(start),
                            "{model} {asked:?}"
                        ),
                        None => assert!(item["b64_json"].is_string(), "{model} {asked:?}"),
                    }
                    let bytes = file(&mut gateway, item);
                    assert_eq!(MediaType::sniff(&bytes), Some(MediaType::PNG));
                    assert_eq!(size_of(&bytes), (48, 32));
                    files.push(bytes);
                }
                assert_ne!(files[0], files[1]);
                assert_eq!(reply.get("usage").is_some(), !model.contains("imagen"));
                assert_eq!(reply.get("size").is_some(), model.starts_with("openai/"));
            }
        }
    }
    // Without the caller's word for where the gateway is, nothing can be hosted.
    let body = order("bytedance/seedream-4.0", &json!({}));
    let headers = [("authorization", KEY)];
    let request = request(
        Method::POST,
        "/v1/images/generations",
        &headers,
        &body.to_string(),
    );
    let reply = document(&gateway().handle(request, Moment::ORIGIN));
    assert!(reply["data"][0]["url"].as_str().unwrap().starts_with(DATA));
}

#[test]
fn models_that_do_not_draw_here_say_so() {
    for (model, status, expected) in [
        ("nobody/nothing", 404, "model_not_found"),
        ("auto", 404, "model_not_found"),
        ("openai/gpt-4o", 400, "model_capability_not_supported"),
        ("google/veo-3.1-fast", 400, "model_capability_not_supported"),
        ("openai/gpt-5.4-image", 500, "internal_error"),
        ("google/gemini-2.5-flash-image", 500, "internal_error"),
    ] {
        for stream in [false, true] {
            let body = order(model, &json!({"stream": stream}));
            let reply = generate(&mut gateway(), &body);
            assert_eq!(reply.head.status, status, "{model}");
            assert_eq!(code(&reply), expected, "{model}");
        }
    }
    let references = order("google/imagen-4-fast", &json!({"image": "data:,x"}));
    let reply = generate(&mut gateway(), &references);
    assert_eq!(code(&reply), "model_capability_not_supported");
    let silent = generate(&mut gateway(), &json!({"prompt": " "}));
    assert_eq!(code(&silent), "invalid_request");
    let broken = generate(&mut gateway(), &Value::Null);
    assert_eq!(broken.head.status, 422);
    let get = get(&mut gateway(), "/v1/images/generations");
    assert_eq!(header_of(&get, "allow"), Some("POST"));
}

#[test]
fn formats_and_compression_count_for_openai() {
    let mut gateway = gateway();
    let mut lengths = Vec::new();
    for (format, kind) in [
        ("png", MediaType::PNG),
        ("jpeg", MediaType::JPEG),
        ("webp", MediaType::WEBP),
    ] {
        for compression in [0, 100] {
            let options = json!({"output_format": format, "output_compression": compression, "size": "96x64"});
            let reply = made(&mut gateway, &gpt(&options));
            assert_eq!(reply["output_format"], format);
            let url = reply["data"][0]["url"].as_str().unwrap();
            assert!(url.starts_with(&format!("data:image/{format};")));
            let bytes = file(&mut gateway, &reply["data"][0]);
            assert_eq!(MediaType::sniff(&bytes), Some(kind.clone()));
            let decoded = image::load_from_memory(&bytes).unwrap();
            assert_eq!((decoded.width(), decoded.height()), (96, 64));
            lengths.push(bytes.len());
            let other = order("bytedance/seedream-4.0", &options);
            let other = made(&mut gateway, &other);
            let bytes = file(&mut gateway, &other["data"][0]);
            assert_eq!(MediaType::sniff(&bytes), Some(MediaType::PNG));
        }
    }
    assert_eq!(lengths[0], lengths[1]);
    assert!(lengths[2] < lengths[3], "{lengths:?}");
    assert_ne!(lengths[4], lengths[5]);
}

#[test]
fn sizes_come_from_what_is_given() {
    let mut gateway = gateway();
    for (options, expected) in [
        (json!({"size": "64x16"}), (64, 16)),
        (
            json!({"size": "64x16", "aspect_ratio": "1:1", "resolution": "32"}),
            (64, 16),
        ),
        (
            json!({"size": "auto", "aspect_ratio": "2:1", "resolution": "32"}),
            (48, 24),
        ),
        (json!({"size": null, "resolution": "64"}), (64, 64)),
        (json!({"size": "auto", "resolution": "40x20"}), (40, 20)),
        (json!({"size": "16:9"}), (1360, 768)),
        (
            json!({"size": null, "aspect_ratio": "wide", "resolution": "fine"}),
            (1024, 1024),
        ),
    ] {
        let options = gpt(&options);
        let reply = made(&mut gateway, &options);
        let bytes = file(&mut gateway, &reply["data"][0]);
        assert_eq!(size_of(&bytes), expected, "{options}");
    }
}

#[test]
fn seeds_change_the_picture() {
    let mut gateway = gateway();
    let mut drawn = |options: &Value| {
        let reply = made(&mut gateway, &gpt(options));
        reply["data"][0]["url"].as_str().unwrap().to_owned()
    };
    let unseeded = drawn(&json!({}));
    assert_eq!(unseeded, drawn(&json!({"seed": null})));
    let [zero, one] = [0, 1].map(|seed| drawn(&json!({"seed": seed})));
    assert_eq!(one, drawn(&json!({"seed": 1, "quality": "high"})));
    assert_ne!(one, drawn(&json!({"seed": 1, "quality": "low"})));
    assert!(zero != one && zero != unseeded && one != unseeded);
    assert_ne!(drawn(&json!({"seed": -1})), drawn(&json!({"seed": -1})));
}

#[test]
fn backgrounds_are_what_is_asked() {
    let mut gateway = gateway();
    let clear = "a red heart, transparent background";
    for (options, told, is_clear) in [
        (json!({}), "opaque", false),
        (
            json!({"background": "auto", "prompt": clear}),
            "transparent",
            true,
        ),
        (json!({"background": "transparent"}), "transparent", true),
        (
            json!({"background": "transparent", "output_format": "webp"}),
            "transparent",
            true,
        ),
        (
            json!({"background": "transparent", "output_format": "jpeg"}),
            "opaque",
            false,
        ),
        (
            json!({"background": "opaque", "prompt": clear}),
            "opaque",
            false,
        ),
    ] {
        let reply = made(&mut gateway, &gpt(&options));
        assert_eq!(reply["background"], told, "{options}");
        let bytes = file(&mut gateway, &reply["data"][0]);
        let pixels = image::load_from_memory(&bytes).unwrap().to_rgba8();
        assert_eq!(
            pixels.pixels().any(|pixel| pixel.0[3] < 255),
            is_clear,
            "{options}"
        );
    }
}

#[test]
fn references_tint_the_picture() {
    let mut gateway = gateway();
    let hosted = order(
        "bytedance/seedream-4.0",
        &json!({"prompt": "a teal square on teal"}),
    );
    let hosted = made(&mut gateway, &hosted);
    let hosted = hosted["data"][0]["url"].as_str().unwrap().to_owned();
    let purple = image::RgbaImage::from_pixel(20, 20, image::Rgba([128, 0, 128, 255]));
    let purple = crate::drawing::encode(&purple, crate::drawing::Codec::Png, 100).unwrap();
    let bare = STANDARD.encode(&purple);
    let url = format!("data:image/png;base64,{bare}");
    for (references, colours) in [
        (json!(hosted), &["teal"][..]),
        (json!(url), &["purple"]),
        (json!(bare), &["purple"]),
        (json!([bare, hosted]), &["purple", "teal"]),
        (json!([]), &[]),
    ] {
        let body = gpt(&json!({"prompt": "gizmo", "image": references}));
        let reply = made(&mut gateway, &body);
        let revised = reply["data"][0]["revised_prompt"].as_str().unwrap();
        assert_eq!(revised == "gizmo", colours.is_empty(), "{revised}");
        assert!(
            colours.iter().all(|colour| revised.contains(colour)),
            "{revised}"
        );
        let tokens = reply["usage"]["input_tokens_details"]["image_tokens"].as_u64();
        assert_eq!(
            tokens,
            u64::try_from(colours.len()).ok().map(|count| count * 255)
        );
        let seen = crate::vision::look(&file(&mut gateway, &reply["data"][0])).unwrap();
        for colour in colours {
            assert!(
                seen.colours.iter().any(|it| it.colour.contains(colour)),
                "{:?}",
                seen.colours
            );
        }
    }
    let page = whole(&get(&mut gateway, "/"));
    let page = String::from_utf8_lossy(&page);
    assert!(
        page.contains("POST /v1/images/generations") && page.contains("<img"),
        "{page}"
    );
    assert!(
        page.contains("a PNG image, 20 × 20") || page.contains(", 20 × 20,"),
        "{page}"
    );
}

#[test]
fn what_is_no_reference_is_invalid_input() {
    for (reference, told) in [
        ("", "image[0]: the picture has no bytes."),
        ("not base64!", "image[0]: this is neither a URL nor base64"),
        (
            "data:image/png;base64,*",
            "image[0]: this is neither a URL nor base64",
        ),
        (
            "AAAA",
            "image[0]: the bytes are not a PNG, JPEG, GIF or WebP picture.",
        ),
        ("iVBORw0KGgo=", "image[0]: "),
        (
            "https://example.com/a.png",
            "image[0]: the emulator has no network",
        ),
        (
            "http://127.0.0.1:4000/pictures/gone.png",
            "image[0]: that picture is not",
        ),
        (
            "ftp://127.0.0.1/a",
            "image[0]: this is neither a URL nor base64",
        ),
    ] {
        let reply = generate(&mut gateway(), &gpt(&json!({"image": [reference]})));
        assert_eq!(reply.head.status, 400, "{reference}");
        assert_eq!(code(&reply), "invalid_input", "{reference}");
        let document = document(&reply);
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(told), "{reference}: {message}");
    }
}

#[test]
fn forbidden_prompts_are_declined_as_switched() {
    let body = gpt(&json!({"prompt": "Please REFUSE this.", "n": 2}));
    for (refused, data) in [
        (RefusedPicture::EmptyData, json!([])),
        (RefusedPicture::BareItem, json!([{}, {}])),
    ] {
        let mut gateway = gateway_with(|it| it.switches.refused_picture = refused);
        let reply = made(&mut gateway, &body);
        assert_eq!(reply["data"], data);
        assert_eq!(names(&reply), ["created", "data"]);
    }
    let mut gateway = gateway_with(|it| it.switches.refusal = Refusal::AsError);
    let reply = generate(&mut gateway, &body);
    assert_eq!(reply.head.status, 400);
    assert_eq!(code(&reply), "content_policy_violation");
}

#[test]
fn keys_count_and_are_not_told() {
    let mut gateway = gateway_with(|it| it.requests_per_minute = Some(1));
    let body = gpt(&json!({"prompt": "rsk_01SECRET on white", "quality": "rsk_01SECRET"}));
    let reply = generate(&mut gateway, &body);
    assert_eq!(reply.head.status, 200);
    assert!(!String::from_utf8_lossy(&whole(&reply)).contains("SECRET"));
    assert_eq!(code(&generate(&mut gateway, &body)), "rate_limit_exceeded");
    let request = request(
        Method::POST,
        "/v1/images/generations",
        &[],
        &body.to_string(),
    );
    let reply = gateway.handle(request, Moment::ORIGIN);
    assert_eq!(code(&reply), "unauthorized");
}

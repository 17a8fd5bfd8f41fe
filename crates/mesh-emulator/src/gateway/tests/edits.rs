//! Pictures edited, from JSON and from forms.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{Rgba, RgbaImage};
use mesh_proto::image::GeneratedImage;
use proptest::prelude::*;

use super::*;
use crate::drawing::{Codec, encode};
use crate::editing;

const RED: Rgba<u8> = Rgba([220, 30, 30, 255]);
const WHITE: Rgba<u8> = Rgba([255, 255, 255, 255]);
const BLACK: Rgba<u8> = Rgba([0, 0, 0, 255]);
const GPT: &str = "openai/gpt-image-1";
const GEMINI: &str = "google/gemini-2.5-flash-image";
const IMAGEN: &str = "google/imagen-4-fast";
const SEEDREAM: &str = "bytedance/seedream-4.0";

/// A square in the middle half of a sheet.
fn square(width: u32, height: u32, inside: Rgba<u8>, outside: Rgba<u8>) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        if is_inside(x, y, width, height) {
            inside
        } else {
            outside
        }
    })
}

fn is_inside(x: u32, y: u32, width: u32, height: u32) -> bool {
    (width / 4..width - width / 4).contains(&x) && (height / 4..height - height / 4).contains(&y)
}

fn file(picture: &RgbaImage) -> Vec<u8> {
    encode(picture, Codec::Png, 100).unwrap()
}

fn url(picture: &RgbaImage) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(file(picture)))
}

fn photo() -> RgbaImage {
    square(40, 32, RED, WHITE)
}

fn mask() -> RgbaImage {
    square(40, 32, WHITE, BLACK)
}

fn order(model: &str, operation: &str, more: &Value) -> Value {
    let mut body = json!({"model": model, "operation": operation, "image": url(&photo())});
    let fields = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    body
}

fn edit(gateway: &mut Gateway, body: &Value) -> Reply {
    post(gateway, "/v1/images/edits", body)
}

fn pixels(gateway: &mut Gateway, reply: &Reply) -> Vec<RgbaImage> {
    assert_eq!(reply.head.status, 200, "{:.500?}", whole(reply));
    let document = document(reply);
    let items = document["data"].as_array().unwrap().iter();
    items
        .map(|item| {
            let picture = match (item["url"].as_str(), item["b64_json"].as_str()) {
                (Some(url), None) => GeneratedImage::from_url(url),
                (None, Some(base64)) => GeneratedImage::from_base64(base64),
                _ => panic!("{item:.100}"),
            };
            let bytes = match picture.remote_url() {
                Some(url) => {
                    let path = url.strip_prefix("http://127.0.0.1:4000").unwrap();
                    whole(&get(gateway, path))
                }
                None => picture.bytes().unwrap().clone(),
            };
            image::load_from_memory(&bytes).unwrap().to_rgba8()
        })
        .collect()
}

fn edited(body: &Value) -> RgbaImage {
    let mut gateway = gateway();
    let reply = edit(&mut gateway, body);
    let mut pictures = pixels(&mut gateway, &reply);
    assert_eq!(pictures.len(), 1);
    pictures.remove(0)
}

/// A form of text fields and of files.
fn form(gateway: &mut Gateway, texts: &[(&str, &str)], files: &[(&str, &[u8])]) -> Reply {
    let mut body = Vec::new();
    let mut part = |head: String, bytes: &[u8]| {
        body.extend(format!("--=_b\r\nContent-Disposition: form-data; {head}\r\n\r\n").bytes());
        body.extend(bytes);
        body.extend(b"\r\n");
    };
    for (name, text) in texts {
        part(format!("name=\"{name}\""), text.as_bytes());
    }
    for (name, bytes) in files {
        let head = format!("name=\"{name}\"; filename=\"a.png\"\r\nContent-Type: image/png");
        part(head, bytes);
    }
    body.extend(b"--=_b--\r\n");
    let kind = "multipart/form-data; boundary=\"=_b\"";
    let headers = [
        ("authorization", KEY),
        ("host", "127.0.0.1:4000"),
        ("content-type", kind),
    ];
    let mut request = request(Method::POST, "/v1/images/edits", &headers, "");
    *request.body_mut() = body.into();
    gateway.handle(request, Moment::ORIGIN)
}

#[test]
fn the_reply_is_that_of_generations() {
    let mut gateway = gateway_with(|it| it.epoch_seconds = 1_790_000_000);
    let body = order(GPT, "edit", &json!({"prompt": "make it blue"}));
    let mut reply = document(&edit(&mut gateway, &body));
    let url = reply["data"][0]["url"].take();
    assert!(url.as_str().unwrap().starts_with("data:image/png;base64,"));
    let expected = json!({
        "created": 1_790_000_000,
        "data": [{"url": null, "revised_prompt": "make it blue"}],
        "background": "opaque",
        "output_format": "png",
        "quality": "high",
        "size": "40x32",
        "usage": {
            "prompt_tokens": 258,
            "completion_tokens": 5,
            "total_tokens": 263,
            "input_tokens_details": {"text_tokens": 3, "image_tokens": 255},
            "output_tokens_details": {"text_tokens": 0, "image_tokens": 5},
        },
    });
    assert_eq!(reply, expected);
}

#[test]
fn pictures_come_in_every_documented_form() {
    let bare = STANDARD.encode(file(&photo()));
    let expected = editing::remove_background(&photo());
    for image in [
        json!(url(&photo())),
        json!(bare),
        json!({"url": url(&photo())}),
        json!({"url": bare}),
        json!(url(&photo()).replace("data:image/png", "DATA:application/octet-stream")),
    ] {
        let body = order(GPT, "remove_background", &json!({ "image": image }));
        assert!(edited(&body) == expected);
    }
    let texts = [("model", GPT), ("operation", "remove_background")];
    for (texts, files) in [
        (&texts[..], &[("image", &file(&photo())[..])][..]),
        (&texts, &[("image[]", &file(&photo()))]),
        (&[texts[0], texts[1], ("image", &bare)], &[]),
        (
            &[texts[0], texts[1], ("image", &url(&photo())), ("mask", "")],
            &[],
        ),
    ] {
        let mut gateway = gateway();
        let reply = form(&mut gateway, texts, files);
        assert!(pixels(&mut gateway, &reply) == [expected.clone()]);
    }
}

#[test]
fn references_repeat_with_and_without_brackets() {
    let blue = file(&RgbaImage::from_pixel(9, 9, Rgba([0, 0, 255, 255])));
    let mut results = Vec::new();
    for names in [
        ["reference_images", "reference_images"],
        ["reference_images[]", "reference_images[]"],
        ["reference_images", "reference_images[]"],
    ] {
        let mut gateway = gateway();
        let photo = file(&photo());
        let files = [("image", &photo[..]), (names[0], &blue), (names[1], &blue)];
        let texts = [
            ("model", GPT),
            ("operation", "mix"),
            ("prompt", "together"),
            ("n", "1"),
        ];
        let reply = form(&mut gateway, &texts, &files);
        results.push(pixels(&mut gateway, &reply));
        let page = whole(&get(&mut gateway, "/"));
        assert_eq!(String::from_utf8_lossy(&page).matches("9 × 9").count(), 2);
    }
    let blue = format!("data:;base64,{}", STANDARD.encode(blue));
    let more = json!({"prompt": "together", "reference_images": [blue, {"url": blue}]});
    results.push(vec![edited(&order(GPT, "mix", &more))]);
    assert!(results.iter().all(|result| *result == results[0]));
    // One third is the picture's, two are blue.
    let Rgba([red, _, blue, _]) = *results[0][0].get_pixel(20, 16);
    assert!(
        red.abs_diff(73) < 3 && blue.abs_diff(180) < 3,
        "{red} {blue}"
    );
}

#[test]
fn every_operation_is_one_on_pixels() {
    let upscaled = edited(&order(IMAGEN, "upscale", &json!({"upscale_factor": "x4"})));
    assert_eq!(upscaled.dimensions(), (160, 128));
    assert_eq!(
        (*upscaled.get_pixel(80, 64), *upscaled.get_pixel(0, 0)),
        (RED, WHITE)
    );
    let twice = order(
        SEEDREAM,
        "upscale",
        &json!({"upscale_factor": "x2", "size": "64x64"}),
    );
    assert_eq!(edited(&twice).dimensions(), (80, 64));

    let wide = order(
        GEMINI,
        "reframe",
        &json!({"aspect_ratio": "16:9", "prompt": ""}),
    );
    let wide = edited(&wide);
    assert_eq!(wide.dimensions(), (57, 32));
    assert_eq!(
        (*wide.get_pixel(28, 16), wide.get_pixel(0, 0).0[3]),
        (RED, 255)
    );
    let crop = json!({"aspect_ratio": "1:1", "prompt": "crop it"});
    assert_eq!(
        edited(&order(GEMINI, "reframe", &crop)).dimensions(),
        (32, 32)
    );

    let green = json!({"prompt": "add a green circle"});
    let added = edited(&order(SEEDREAM, "edit", &green));
    assert!(
        added
            .pixels()
            .filter(|it| **it == Rgba([0, 128, 0, 255]))
            .count()
            > 30
    );
    let clear = json!({"prompt": "darker", "background": "transparent"});
    assert_eq!(edited(&order(GPT, "edit", &clear)).get_pixel(0, 0).0[3], 0);
    let sized = json!({"prompt": "darker", "size": "64x16"});
    assert_eq!(edited(&order(GPT, "edit", &sized)).dimensions(), (64, 16));
    let sized = json!({"prompt": "darker", "resolution": "80"});
    assert_eq!(edited(&order(GPT, "edit", &sized)).dimensions(), (96, 77));
}

#[test]
fn inpainting_and_masked_edits_leave_the_rest() {
    let openai_mask = square(40, 32, Rgba([0; 4]), WHITE);
    for (model, operation, mask, more) in [
        (GPT, "inpaint", mask(), json!({"prompt": "a blue star"})),
        (
            IMAGEN,
            "inpaint",
            mask(),
            json!({"prompt": "", "mask_feather": 3}),
        ),
        (IMAGEN, "edit", mask(), json!({"prompt": "a blue star"})),
        (GPT, "edit", openai_mask, json!({"prompt": "darker"})),
        (
            GPT,
            "inpaint",
            square(80, 64, WHITE, BLACK),
            json!({"prompt": "purple"}),
        ),
    ] {
        let mut body = order(model, operation, &more);
        body["mask"] = url(&mask).into();
        let result = edited(&body);
        let photo = photo();
        assert_eq!(result.dimensions(), (40, 32));
        let changed = result
            .enumerate_pixels()
            .filter(|(x, y, pixel)| *pixel != photo.get_pixel(*x, *y));
        let mut count = 0;
        for (x, y, _) in changed {
            assert!(is_inside(x, y, 40, 32), "{operation} {x} {y}");
            count += 1;
        }
        assert!(count > 20, "{operation} {count}");
    }
}

#[test]
fn outpainting_is_larger_by_a_factor_or_a_mask() {
    let prompt = "a green meadow";
    for (more, size, place) in [
        (json!({"expand_factor": 0.5}), (60, 48), (10, 8)),
        (json!({"expand_factor": "0.25"}), (50, 40), (5, 4)),
        (
            json!({"expand_factor": 1, "mask": url(&RgbaImage::from_pixel(40, 32, BLACK))}),
            (80, 64),
            (20, 16),
        ),
        (
            json!({"mask": url(&RgbaImage::from_fn(60, 40, |x, y| if (15..55).contains(&x) && y < 32 { BLACK } else { WHITE }))}),
            (60, 40),
            (15, 0),
        ),
        (
            json!({"mask": url(&RgbaImage::from_pixel(60, 40, WHITE))}),
            (60, 40),
            (10, 4),
        ),
    ] {
        let mut body = order(IMAGEN, "outpaint", &more);
        body["prompt"] = prompt.into();
        let result = edited(&body);
        assert_eq!(result.dimensions(), size, "{more:.60}");
        assert!(result.pixels().all(|pixel| pixel.0[3] == 255));
        let is_white = more["mask"].is_string() && place == (10, 4);
        if !is_white {
            let kept = image::imageops::crop_imm(&result, place.0, place.1, 40, 32).to_image();
            assert!(kept == photo(), "{more:.60}");
        }
    }
    // A mask of the picture's own size says what to draw anew.
    let mut body = order(IMAGEN, "outpaint", &json!({"prompt": prompt}));
    body["mask"] = url(&mask()).into();
    let result = edited(&body);
    assert_eq!(result.dimensions(), (40, 32));
    assert_eq!(*result.get_pixel(0, 0), WHITE);
    assert_ne!(*result.get_pixel(20, 16), RED);
}

#[test]
fn several_results_come_where_they_may() {
    let mut gateway = gateway();
    let body = order(GPT, "edit", &json!({"prompt": "a forest at night", "n": 3}));
    let reply = edit(&mut gateway, &body);
    let pictures = pixels(&mut gateway, &reply);
    assert_eq!(pictures.len(), 3);
    assert!(pictures[0] != pictures[1] && pictures[1] != pictures[2]);
    let reply = form(
        &mut gateway,
        &[
            ("model", IMAGEN),
            ("operation", "remove_background"),
            ("n", " 2"),
        ],
        &[("image", &file(&photo()))],
    );
    let body = document(&reply);
    assert_eq!(body["data"].as_array().unwrap().len(), 2);
    assert!(body["data"][0]["b64_json"].is_string() && body.get("usage").is_none());
    let hosted = json!({"prompt": "darker", "response_format": "url"});
    let reply = edit(&mut gateway, &order(SEEDREAM, "edit", &hosted));
    assert_eq!(pixels(&mut gateway, &reply).len(), 1);
    assert!(
        document(&reply)["data"][0]["url"]
            .as_str()
            .unwrap()
            .starts_with("http://")
    );
}

#[test]
fn each_operation_tells_what_it_needs() {
    let blue = url(&RgbaImage::from_pixel(2, 2, RED));
    for (operation, more, place, kind) in [
        ("edit", json!({}), "prompt", "missing"),
        ("edit", json!({"prompt": " "}), "prompt", "string_too_short"),
        ("edit", json!({"prompt": 5}), "prompt", "string_type"),
        ("outpaint", json!({"mask": blue}), "prompt", "missing"),
        ("outpaint", json!({"prompt": "a"}), "mask", "missing"),
        ("inpaint", json!({"prompt": "a"}), "mask", "missing"),
        ("upscale", json!({}), "upscale_factor", "missing"),
        (
            "upscale",
            json!({"upscale_factor": "x3"}),
            "upscale_factor",
            "literal_error",
        ),
        (
            "upscale",
            json!({"upscale_factor": 2}),
            "upscale_factor",
            "literal_error",
        ),
        ("mix", json!({"prompt": "a"}), "reference_images", "missing"),
        (
            "mix",
            json!({"prompt": "a", "reference_images": []}),
            "reference_images",
            "missing",
        ),
        (
            "mix",
            json!({"prompt": "a", "reference_images": [blue, blue, blue, blue]}),
            "reference_images",
            "too_long",
        ),
        (
            "mix",
            json!({"prompt": "a", "reference_images": [blue], "n": 2}),
            "n",
            "less_than_equal",
        ),
        ("reframe", json!({}), "aspect_ratio", "missing"),
        (
            "reframe",
            json!({"aspect_ratio": "5:4"}),
            "aspect_ratio",
            "literal_error",
        ),
        (
            "reframe",
            json!({"aspect_ratio": "1:1", "n": 2}),
            "n",
            "less_than_equal",
        ),
    ] {
        let body = order(GPT, operation, &more);
        let reply = edit(&mut gateway(), &body);
        rules::assert_told(&reply, &more, place, kind);
    }
}

#[test]
fn each_field_has_its_rule() {
    for (more, place, kind) in [
        (json!({"n": 11}), "n", "less_than_equal"),
        (json!({"n": 0}), "n", "greater_than_equal"),
        (json!({"model": null}), "model", "string_type"),
        (json!({"image": null}), "image", "missing"),
        (json!({"image": 5}), "image", "string_type"),
        (json!({"image": {}}), "image url", "missing"),
        (json!({"image": {"url": 5}}), "image url", "string_type"),
        (json!({"mask": []}), "mask", "string_type"),
        (
            json!({"reference_images": [5]}),
            "reference_images 0",
            "string_type",
        ),
        (json!({"expand_factor": 0}), "expand_factor", "greater_than"),
        (
            json!({"expand_factor": "-1"}),
            "expand_factor",
            "greater_than",
        ),
        (
            json!({"expand_factor": "much"}),
            "expand_factor",
            "float_parsing",
        ),
        (
            json!({"expand_factor": "nan"}),
            "expand_factor",
            "float_parsing",
        ),
        (
            json!({"mask_feather": -1}),
            "mask_feather",
            "greater_than_equal",
        ),
        (
            json!({"mask_feather": "soft"}),
            "mask_feather",
            "float_type",
        ),
        (json!({"size": "big"}), "size", "value_error"),
        (
            json!({"response_format": "png"}),
            "response_format",
            "literal_error",
        ),
        (
            json!({"background": "white"}),
            "background",
            "literal_error",
        ),
        (json!({"aspect_ratio": 1}), "aspect_ratio", "string_type"),
        (json!({"resolution": 1}), "resolution", "string_type"),
        (json!({"quality_tier": 1}), "quality_tier", "string_type"),
    ] {
        let body = order(GPT, "remove_background", &more);
        let reply = edit(&mut gateway(), &body);
        rules::assert_told(&reply, &more, place, kind);
    }
    let bare = edit(&mut gateway(), &json!({}));
    let told = document(&bare);
    let missing = told["detail"].as_array().unwrap().iter();
    let missing: Vec<&str> = missing.map(|it| it["loc"][1].as_str().unwrap()).collect();
    assert_eq!(missing, ["model", "prompt", "image"]);
    let photo = file(&photo());
    let twice = [("image", &photo[..]), ("image", &photo)];
    let texts = [("model", GPT), ("prompt", "a")];
    let reply = form(&mut gateway(), &texts, &twice);
    assert_eq!(document(&reply)["detail"][0]["type"], "too_long");
    let texts = [("model", GPT), ("prompt", "a"), ("n", "two")];
    let reply = form(&mut gateway(), &texts, &twice[..1]);
    assert_eq!(document(&reply)["detail"][0]["loc"], json!(["body", "n"]));
}

#[test]
fn models_do_what_the_catalogue_says() {
    let blue = url(&RgbaImage::from_pixel(2, 2, RED));
    let needs = json!({
        "prompt": "darker", "mask": url(&mask()), "reference_images": [blue],
        "upscale_factor": "x2", "aspect_ratio": "1:1", "expand_factor": 0.5,
    });
    let rows = document(&get(&mut gateway(), "/v1/models"));
    let mut counts = [0, 0];
    for row in rows.as_array().unwrap() {
        for operation in [
            "edit",
            "inpaint",
            "outpaint",
            "mix",
            "reframe",
            "upscale",
            "remove_background",
        ] {
            let says = row[format!("supports_image_{operation}")]
                .as_bool()
                .unwrap();
            let model = row["id"].as_str().unwrap();
            let reply = edit(&mut gateway(), &order(model, operation, &needs));
            assert_eq!(
                reply.head.status,
                if says { 200 } else { 422 },
                "{model} {operation}"
            );
            counts[usize::from(says)] += 1;
        }
    }
    assert_eq!(counts[1], 17);
    for (switch, status, expected) in [
        (UnsupportedEdit::Detail, 422, None),
        (
            UnsupportedEdit::BadRequest,
            400,
            Some("model_capability_not_supported"),
        ),
        (
            UnsupportedEdit::NotImplemented,
            501,
            Some("not_implemented"),
        ),
        (
            UnsupportedEdit::NotImplementedBadRequest,
            400,
            Some("not_implemented"),
        ),
    ] {
        for operation in ["outpaint", "levitate"] {
            let mut gateway = gateway_with(|it| it.switches.unsupported_edit = switch);
            let reply = edit(&mut gateway, &order(GPT, operation, &needs));
            assert_eq!(reply.head.status, status);
            let body = document(&reply);
            match expected {
                Some(expected) => assert_eq!(body["error"]["code"], expected),
                None => assert!(
                    body["detail"]
                        .as_str()
                        .unwrap()
                        .contains("does not support operation")
                ),
            }
        }
    }
    let nobody = edit(&mut gateway(), &order("nobody/nothing", "edit", &needs));
    assert_eq!(code(&nobody), "model_not_found");
}

#[test]
fn bodies_are_taken_as_switched() {
    for (takes, of_json, of_form) in [
        (EditsBody::Either, 200, 200),
        (EditsBody::Json, 200, 422),
        (EditsBody::Multipart, 422, 200),
        (EditsBody::Absent, 404, 404),
    ] {
        let mut gateway = gateway_with(|it| it.switches.edits_body = takes);
        let reply = edit(
            &mut gateway,
            &order(GPT, "edit", &json!({"prompt": "darker"})),
        );
        assert_eq!(reply.head.status, of_json, "{takes}");
        let texts = [("model", GPT), ("prompt", "darker")];
        let reply = form(&mut gateway, &texts, &[("image", &file(&photo()))]);
        assert_eq!(reply.head.status, of_form, "{takes}");
    }
    for (kind, body) in [
        ("multipart/form-data", "--x--"),
        ("multipart/form-data; boundary=x", "--x\r\n"),
        ("application/json", "{"),
        ("text/plain", "hello"),
    ] {
        let headers = [("authorization", KEY), ("content-type", kind)];
        let request = request(Method::POST, "/v1/images/edits", &headers, body);
        let reply = gateway().handle(request, Moment::ORIGIN);
        assert_eq!(
            (reply.head.status.as_u16(), code(&reply).as_str()),
            (400, "bad_request")
        );
    }
}

#[test]
fn what_is_no_picture_or_too_far_away_is_refused() {
    for (image, expected, told) in [
        (
            "https://example.com/a.png",
            "invalid_request",
            "image: remote URLs",
        ),
        (
            "HTTP://127.0.0.1:4000/pictures/x.png",
            "invalid_request",
            "image: remote URLs",
        ),
        ("ftp://a", "invalid_request", "image: remote URLs"),
        ("not base64!", "invalid_input", "image: this is neither"),
        ("", "invalid_input", "image: the picture has no bytes"),
        ("AAAA", "invalid_input", "image: the bytes are not"),
        (
            "data:image/png;base64,iVBORw0KGgo=",
            "invalid_request",
            "image: the PNG picture is truncated",
        ),
    ] {
        let body = order(GPT, "remove_background", &json!({ "image": image }));
        let reply = edit(&mut gateway(), &body);
        assert_eq!(reply.head.status, 400, "{image}");
        assert_eq!(code(&reply), expected, "{image}");
        let document = document(&reply);
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(told), "{message}");
    }
    for more in [
        json!({"operation": "outpaint", "prompt": "a", "expand_factor": 1e9}),
        json!({"operation": "upscale", "upscale_factor": "x4", "image": url(&RgbaImage::new(4000, 700))}),
    ] {
        let reply = edit(&mut gateway(), &order(IMAGEN, "", &more));
        assert_eq!(code(&reply), "invalid_input");
    }
}

#[test]
fn images_that_a_provider_rejects_are_invalid_requests() {
    // The image that the official Python SDK's live tests send: a length in it is wrong.
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let whole = file(&photo());
    let mut wrong_sum = whole.clone();
    let sum = whole.len() - 14;
    wrong_sum[sum] ^= 1;
    let mut wrong_length = whole.clone();
    wrong_length[33] = 0x7f;
    let cut = whole[..whole.len() - 20].to_vec();
    let fields = order(GPT, "edit", &json!({"prompt": "darker"}));
    let with = |image: &str| {
        let mut body = fields.clone();
        body["image"] = image.into();
        edit(&mut gateway(), &body)
    };
    let mut replies = vec![(with(pixel), "damaged")];
    for (bytes, what) in [
        (wrong_sum, "damaged"),
        (wrong_length, "damaged"),
        (cut, "truncated"),
    ] {
        replies.push((with(&STANDARD.encode(&bytes)), what));
        let texts = [("model", GPT), ("prompt", "darker")];
        let sent = [("image", bytes.as_slice())];
        replies.push((form(&mut gateway(), &texts, &sent), what));
        let mut body = fields.clone();
        body["mask"] = STANDARD.encode(&bytes).into();
        replies.push((edit(&mut gateway(), &body), what));
    }
    for (reply, what) in replies {
        assert_eq!(reply.head.status, 400);
        assert_eq!(code(&reply), "invalid_request");
        let body = document(&reply);
        let message = body["error"]["message"].as_str().unwrap();
        assert!(
            message.contains(&format!("the PNG picture is {what}")),
            "{message}"
        );
    }
}

#[test]
fn forbidden_prompts_are_declined() {
    let body = order(GPT, "edit", &json!({"prompt": "Please refuse this."}));
    assert_eq!(document(&edit(&mut gateway(), &body))["data"], json!([]));
    let mut strict = gateway_with(|it| it.switches.refusal = Refusal::AsError);
    assert_eq!(code(&edit(&mut strict, &body)), "content_policy_violation");
}

fn any_field() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            json!("x2"),
            json!("x4"),
            json!("16x24"),
            json!("1:1"),
            json!("9:16"),
            json!("32"),
            json!(1),
            json!(2),
            json!("0.25"),
            json!("transparent"),
            json!("opaque"),
            json!("b64_json"),
            json!("url"),
            json!([]),
            json!({}),
            json!({"url": url(&square(7, 5, RED, WHITE))}),
            json!([url(&square(3, 9, BLACK, WHITE))]),
            json!(url(&square(9, 8, WHITE, BLACK))),
            json!("data:,x"),
            json!("https://a/b"),
        ]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_edit_is_answered(
        model in prop::sample::select(vec![GPT, GEMINI, IMAGEN, SEEDREAM]),
        operation in prop::sample::select(vec!["edit", "inpaint", "outpaint", "mix", "reframe", "upscale", "remove_background", "x"]),
        fields in prop::collection::btree_map(
            prop::sample::select(vec![
                "prompt", "mask", "reference_images", "n", "size", "response_format", "background", "aspect_ratio",
                "resolution", "upscale_factor", "expand_factor", "mask_feather", "quality_tier", "image",
            ]),
            any_field(),
            0..7,
        ),
        as_form: bool,
    ) {
        let mut body = json!({"model": model, "operation": operation, "prompt": "a red star", "image": url(&square(9, 8, RED, WHITE))});
        body.as_object_mut().unwrap().extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let mut gateway = gateway();
        let reply = if as_form {
            let texts: Vec<(String, String)> = body.as_object().unwrap().iter()
                .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
                .collect();
            let texts: Vec<(&str, &str)> = texts.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            form(&mut gateway, &texts, &[])
        } else {
            edit(&mut gateway, &body)
        };
        let status = reply.head.status.as_u16();
        prop_assert!(matches!(status, 200 | 400 | 422), "{status}");
        document(&reply);
        if status == 200 {
            pixels(&mut gateway, &reply);
        }
    }
}

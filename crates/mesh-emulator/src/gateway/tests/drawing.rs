//! Words in, pictures out.

use mesh_proto::ChatReply;
use mesh_proto::image::{Dimensions, MediaType};

use super::*;

fn order(options: &Value) -> Value {
    json!({"model": "openai/gpt-image-1", "image": options, "messages": user("a red circle on white")})
}

fn pictures(body: &Value) -> Vec<mesh_proto::image::GeneratedImage> {
    serde_json::from_value::<ChatReply>(body.clone())
        .unwrap()
        .images()
}

/// What a stream amounts to as a document.
fn assembled(events: &[Value]) -> Value {
    let mut text = String::new();
    let (mut parts, mut images, mut data) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        let delta = &event["choices"][0]["delta"];
        text.push_str(delta["content"].as_str().unwrap_or_default());
        for (list, all) in [
            (&delta["content"], &mut parts),
            (&delta["images"], &mut images),
            (&event["data"], &mut data),
        ] {
            all.extend(list.as_array().into_iter().flatten().cloned());
        }
    }
    let content = if parts.is_empty() {
        Value::from(text)
    } else {
        Value::from(parts)
    };
    json!({"choices": [{"message": {"content": content, "images": images}}], "data": data})
}

#[test]
fn every_shape_holds_the_picture() {
    for shape in ChatPictureShape::ALL {
        for format in [None, Some("b64_json"), Some("url")] {
            let mut gateway = gateway_with(|it| it.switches.chat_picture = *shape);
            let mut body = order(&json!({"size": "32x16", "n": 2}));
            if let Some(format) = format {
                body["image"]["response_format"] = format.into();
            }
            let reply = ask(&mut gateway, &body);
            assert_eq!(
                reply.get("choices").is_none(),
                *shape == ChatPictureShape::DataAlone
            );
            let mut found = pictures(&reply);
            if *shape == ChatPictureShape::UrlText && format == Some("url") {
                // A client does not take bare remote URLs in prose for pictures.
                let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
                found = text
                    .lines()
                    .map(mesh_proto::image::GeneratedImage::from_url)
                    .collect();
            }
            assert_eq!(found.len(), 2, "{shape} {format:?}");
            let mut files = Vec::new();
            for picture in &found {
                let bytes = match picture.remote_url() {
                    Some(remote) => {
                        assert_eq!(format, Some("url"), "{shape}");
                        let path = remote.strip_prefix("http://127.0.0.1:4000").unwrap();
                        let reply =
                            gateway.handle(request(Method::GET, path, &[], ""), Moment::ORIGIN);
                        assert_eq!(header_of(&reply, "content-type"), Some("image/png"));
                        whole(&reply)
                    }
                    None => picture.bytes().unwrap().clone(),
                };
                assert_eq!(MediaType::sniff(&bytes), Some(MediaType::PNG));
                assert_eq!(
                    Dimensions::read(&bytes),
                    Some(Dimensions {
                        width: 32,
                        height: 16
                    })
                );
                files.push(bytes);
            }
            assert_ne!(files[0], files[1]);

            body["stream"] = true.into();
            let streamed = assembled(&events(&chat(&mut gateway, &body)));
            let is_url_text = *shape == ChatPictureShape::UrlText && format == Some("url");
            let expected = if is_url_text { 0 } else { 2 };
            assert_eq!(pictures(&streamed).len(), expected, "{shape} {format:?}");
        }
    }
}

#[test]
fn sizes_and_models_decide() {
    let mut gateway = gateway();
    let size = |body: &Value| Dimensions::read(pictures(body)[0].bytes().unwrap()).unwrap();
    let reply = ask(
        &mut gateway,
        &order(&json!({"size": "64x48", "quality": "low"})),
    );
    assert_eq!(
        size(&reply),
        Dimensions {
            width: 64,
            height: 48
        }
    );
    assert!(reply["usage"]["completion_tokens"].as_u64().unwrap() > 64 * 48 / 256);

    for model in ["openai/gpt-4o", "gemma-3-27b-it"] {
        let mut body = order(&json!({"size": "16x16"}));
        body["model"] = model.into();
        assert_eq!(
            code(&chat(&mut gateway, &body)),
            "model_capability_not_supported"
        );
    }
    let mut body = order(&json!({"size": "16x16"}));
    body["model"] = "openai/gpt-5.4-image".into();
    assert_eq!(pictures(&ask(&mut gateway, &body)).len(), 1);
    body["model"] = "auto".into();
    assert_eq!(ask(&mut gateway, &body)["model"], "openai/gpt-image-1");

    let words =
        json!({"model": "openai/gpt-5.4-image", "modality": "text", "messages": user("hi")});
    assert!(pictures(&ask(&mut gateway, &words)).is_empty());
    let silent = json!({"model": "openai/gpt-image-1", "messages": user("  ")});
    assert_eq!(code(&chat(&mut gateway, &silent)), "invalid_request");
}

#[test]
fn a_drawing_can_be_looked_at_again() {
    let mut gateway = gateway();
    let drawn = ask(
        &mut gateway,
        &order(&json!({"size": "64x64", "response_format": "url"})),
    );
    let url = pictures(&drawn)[0].remote_url().unwrap().to_owned();
    let parts = json!([{"type": "text", "text": "Which colours?"}, {"type": "image_url", "image_url": {"url": url}}]);
    let reply = ask(&mut gateway, &json!({"messages": user(parts)}));
    let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.contains("red") && text.contains("64 x 64"), "{text}");
    let page = whole(&get(&mut gateway, "/"));
    assert!(String::from_utf8_lossy(&page).contains("<img src=\"/pictures/"));
}

#[test]
fn ignored_formats_come_inline() {
    let mut gateway = gateway_with(|it| it.switches.response_format = ResponseFormat::Ignored);
    for format in ["url", "b64_json"] {
        let reply = ask(
            &mut gateway,
            &order(&json!({"size": "16x16", "response_format": format})),
        );
        let url = &reply["choices"][0]["message"]["images"][0]["image_url"]["url"];
        assert!(url.as_str().unwrap().starts_with("data:image/png;base64,"));
    }
}

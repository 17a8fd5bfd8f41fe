//! Pictures from the images endpoint, streamed.

use mesh_proto::image::{Dimensions, GeneratedImage};

use super::*;

fn order(more: &Value) -> Value {
    let mut body = json!({
        "model": "openai/gpt-image-1", "prompt": "a red circle on white", "size": "48x32", "stream": true,
    });
    let fields = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    body
}

fn streamed(gateway: &mut Gateway, body: &Value) -> Reply {
    let reply = generate(gateway, body);
    assert_eq!(reply.head.status, 200, "{:?}", whole(&reply));
    let kind = header_of(&reply, "content-type");
    assert_eq!(kind, Some("text/event-stream; charset=utf-8"));
    assert!(header_of(&reply, "x-request-id").is_some());
    assert!(reply.frames.is_sorted_by_key(|frame| frame.at));
    reply
}

/// Frames told apart: `event: name` before the data where it has a name.
fn outline(reply: &Reply) -> Vec<String> {
    let frames = reply.frames.iter();
    let texts = frames.map(|frame| String::from_utf8(frame.bytes.to_vec()).unwrap());
    texts
        .map(|text| {
            let text = text.strip_suffix("\n\n").unwrap();
            let (name, data) = match text.split_once('\n') {
                Some((name, data)) => (Some(name.strip_prefix("event: ").unwrap()), data),
                None => (None, text),
            };
            let data = data.strip_prefix("data: ").unwrap_or(data);
            let Ok(event) = serde_json::from_str::<Value>(data) else {
                return data.to_owned();
            };
            assert_eq!(event["type"].as_str(), name);
            let told = name.or(event["status"].as_str()).unwrap();
            match event["partial_image_index"].as_u64() {
                Some(index) => format!("{told} {index}"),
                None => told.to_owned(),
            }
        })
        .collect()
}

fn data_of(reply: &Reply) -> Vec<Value> {
    let text = String::from_utf8(whole(reply).to_vec()).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

fn item_bytes(item: &Value) -> Bytes {
    let picture = match item["url"].as_str() {
        Some(url) => GeneratedImage::from_url(url),
        None => GeneratedImage::from_base64(item["b64_json"].as_str().unwrap()),
    };
    picture.bytes().unwrap().clone()
}

#[test]
fn the_stream_is_that_of_the_reference() {
    let mut gateway = gateway_with(|it| it.epoch_seconds = 1_790_000_000);
    let reply = streamed(
        &mut gateway,
        &order(&json!({"response_format": "b64_json"})),
    );
    assert_eq!(
        outline(&reply),
        ["processing", ": ping", "completed", "[DONE]"]
    );
    let [first, last] = data_of(&reply).try_into().unwrap();
    let id = first["id"].as_str().unwrap();
    assert!(id.starts_with("img_"));
    let expected = json!({
        "id": id, "object": "image.chunk", "created": 1_790_000_000, "model": "openai/gpt-image-1",
        "status": "processing", "data": [],
    });
    assert_eq!(first, expected);
    assert_eq!(last["id"], id);
    assert_eq!(last["usage"]["total_tokens"], 11);
    let plain = generate(&mut gateway, &{
        let mut body = order(&json!({"response_format": "b64_json"}));
        body["stream"] = false.into();
        body
    });
    assert_eq!(last["data"], document(&plain)["data"]);
}

#[test]
fn comments_and_pictures_leave_while_it_is_drawn() {
    let seconds = Duration::from_secs;
    let at = |reply: &Reply, name: &str| -> Vec<u64> {
        let told = outline(reply);
        let frames = reply.frames.iter().zip(told);
        frames
            .filter(|(_, told)| told.starts_with(name))
            .map(|(frame, _)| frame.at.since_origin().as_secs())
            .collect()
    };
    let mut gateway = gateway_with(|it| it.pace = seconds(1));
    let reply = streamed(&mut gateway, &order(&json!({"partial_images": 2})));
    assert_eq!(at(&reply, "processing"), [0]);
    assert_eq!(at(&reply, ": ping"), [5, 10, 15, 20]);
    assert_eq!(at(&reply, "partial"), [8, 16]);
    assert_eq!(at(&reply, "completed"), [24]);
    assert_eq!(at(&reply, "[DONE]"), [25]);
    let mut gateway = gateway_with(|it| {
        it.pace = seconds(1);
        it.ping = seconds(10);
    });
    let reply = streamed(&mut gateway, &order(&json!({})));
    assert_eq!(at(&reply, ": ping"), [10, 20]);
    let mut gateway = gateway_with(|it| it.pace = Duration::ZERO);
    let reply = streamed(&mut gateway, &order(&json!({"partial_images": 1})));
    assert_eq!(
        outline(&reply),
        ["processing", ": ping", "partial 0", "completed", "[DONE]"]
    );
}

#[test]
fn partial_pictures_are_coarser_ones_in_either_form() {
    for events in PartialImages::ALL {
        for format in ["png", "jpeg", "webp"] {
            let mut gateway = gateway_with(|it| {
                it.switches.partial_images = *events;
                it.pace = Duration::ZERO;
            });
            let body = order(&json!({"partial_images": 3, "output_format": format}));
            let reply = streamed(&mut gateway, &body);
            let data = data_of(&reply);
            let pictures: Vec<Bytes> = match events {
                PartialImages::Chunks => {
                    let expected = [
                        "processing",
                        ": ping",
                        "partial 0",
                        "partial 1",
                        "partial 2",
                        "completed",
                        "[DONE]",
                    ];
                    assert_eq!(outline(&reply), expected);
                    data[1..]
                        .iter()
                        .map(|chunk| item_bytes(&chunk["data"][0]))
                        .collect()
                }
                PartialImages::OpenAiEvents => {
                    let expected = [
                        "processing",
                        ": ping",
                        "image_generation.partial_image 0",
                        "image_generation.partial_image 1",
                        "image_generation.partial_image 2",
                        "image_generation.completed",
                        "[DONE]",
                    ];
                    assert_eq!(outline(&reply), expected);
                    let last = data.last().unwrap();
                    assert!(last["created_at"].is_u64() && last["size"] == "48x32");
                    assert_eq!(last["usage"]["input_tokens"], 5);
                    assert!(data[1].get("usage").is_none());
                    data[1..].iter().map(item_bytes).collect()
                }
            };
            assert_eq!(pictures.len(), 4);
            for (place, picture) in pictures.iter().enumerate() {
                let expected = Dimensions {
                    width: 48,
                    height: 32,
                };
                assert_eq!(Dimensions::read(picture), Some(expected));
                assert!(image::load_from_memory(picture).is_ok());
                assert!(
                    !pictures[..place].contains(picture),
                    "{events} {format} {place}"
                );
            }
            let plain = generate(&mut gateway, &{
                let mut body = body.clone();
                body["stream"] = false.into();
                body
            });
            assert_eq!(item_bytes(&document(&plain)["data"][0]), pictures[3]);
        }
    }
}

#[test]
fn several_pictures_come_together_or_in_an_event_each() {
    for events in PartialImages::ALL {
        let mut gateway = gateway_with(|it| it.switches.partial_images = *events);
        let body = order(&json!({"n": 2, "partial_images": 1}));
        let reply = streamed(&mut gateway, &body);
        let data = data_of(&reply);
        match events {
            PartialImages::Chunks => {
                let counts: Vec<usize> = data
                    .iter()
                    .map(|chunk| chunk["data"].as_array().unwrap().len())
                    .collect();
                assert_eq!(counts, [0, 2, 2]);
            }
            PartialImages::OpenAiEvents => {
                let usages: Vec<bool> = data.iter().map(|it| it.get("usage").is_some()).collect();
                assert_eq!(usages, [false, false, false, false, true]);
            }
        }
    }
}

#[test]
fn other_models_and_declined_prompts_have_chunks_without_partial_pictures() {
    let mut gateway = gateway_with(|it| {
        it.switches.partial_images = PartialImages::OpenAiEvents;
        it.switches.refused_picture = RefusedPicture::BareItem;
    });
    for (options, expected) in [
        (json!({"model": "google/imagen-4-fast"}), "b64_json"),
        (json!({"model": "bytedance/seedream-4.0"}), "url"),
        (json!({"prompt": "refuse this"}), ""),
    ] {
        let mut body = order(&options);
        body["partial_images"] = 3.into();
        let reply = streamed(&mut gateway, &body);
        let told = outline(&reply);
        assert_eq!(
            told,
            ["processing", ": ping", "completed", "[DONE]"],
            "{options}"
        );
        let last = data_of(&reply).pop().unwrap();
        let item = last["data"][0].as_object().unwrap();
        assert_eq!(item.contains_key(expected), !expected.is_empty());
        assert_eq!(item.is_empty(), expected.is_empty());
    }
    let mut strict = gateway_with(|it| it.switches.refusal = Refusal::AsError);
    let reply = generate(&mut strict, &order(&json!({"prompt": "refuse this"})));
    assert_eq!(code(&reply), "content_policy_violation");
}

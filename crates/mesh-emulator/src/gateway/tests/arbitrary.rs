//! Whatever comes in, something well-formed goes out.

use proptest::prelude::*;

use super::*;

fn any_value() -> impl Strategy<Value = Value> {
    let names = || {
        prop::sample::select(vec![
            "messages",
            "role",
            "content",
            "type",
            "image_url",
            "url",
            "detail",
            "text",
            "image",
            "n",
            "size",
            "stream",
            "stop",
            "max_tokens",
            "model",
            "modality",
            "response_format",
            "json_schema",
            "schema",
            "properties",
            "items",
            "$ref",
            "prompt",
            "background",
            "partial_images",
            "output_format",
            "output_compression",
            "seed",
            "aspect_ratio",
            "resolution",
            "tools",
            "tool_choice",
            "tool_calls",
            "function",
            "name",
            "parameters",
            "arguments",
            "id",
            "template",
            "variables",
            "timeout",
            "other",
        ])
        .prop_map(str::to_owned)
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "user",
            "text",
            "image_url",
            "json_schema",
            "function",
            "describe",
            "required",
            "json_object",
            "array",
            "object",
            "#",
            "#/schema",
            "auto",
            "data:image/png;base64,iVBORw0KGgo=",
            "http://127.0.0.1/pictures/x",
            "16x16",
            "openai/gpt-image-1",
            "google/imagen-4-fast",
            "b64_json",
            "transparent",
            "jpeg",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A body that is likely to reach the answer. Sizes stay small, for the pictures' sake.
fn likely_body() -> impl Strategy<Value = Value> {
    (any_value(), any_value(), any_value(), "\\PC{0,20}", any::<bool>()).prop_map(|(content, options, format, text, draws)| {
        let mut body = json!({"messages": [{"role": "assistant", "content": content}, {"role": "user", "content": text}]});
        if let Value::Object(fields) = options {
            body.as_object_mut().unwrap().extend(fields.into_iter().filter(|(name, _)| name != "messages" && name != "model" && name != "modality"));
        }
        if draws {
            body["image"] = json!({"size": "16x16"});
            body["model"] = "openai/gpt-5.4-image".into();
        } else {
            body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": format}});
            body.as_object_mut().unwrap().remove("image");
        }
        body
    })
}

/// An images body that is likely to reach the answer.
fn likely_images_body() -> impl Strategy<Value = Value> {
    let models = prop::sample::select(vec![
        "openai/gpt-image-1",
        "bytedance/seedream-4.0",
        "google/imagen-4-fast",
    ]);
    let some = |values: Vec<Value>| prop::option::of(prop::sample::select(values));
    let chosen = (
        some(vec!["jpeg".into(), "webp".into()]),
        some(vec!["transparent".into(), "opaque".into()]),
        some(vec![0.into(), 3.into()]),
        prop::option::of(-1..=i64::from(i32::MAX)),
        any::<bool>(),
    );
    (any_value(), models, "\\PC{0,20}", chosen).prop_map(
        |(options, model, prompt, (format, background, partials, seed, stream))| {
            let mut body = json!({});
            if let Value::Object(fields) = options {
                body.as_object_mut().unwrap().extend(fields);
            }
            let known = json!({
                "model": model, "prompt": prompt, "size": "16x24", "output_format": format,
                "background": background, "partial_images": partials, "seed": seed, "stream": stream,
            });
            body.as_object_mut().unwrap().extend(known.as_object().unwrap().clone());
            body
        },
    )
}

fn is_well_formed(reply: &Reply) -> bool {
    let bytes = whole(reply);
    let kind = header_of(reply, "content-type").unwrap_or_default();
    match kind {
        "application/json" => serde_json::from_slice::<Value>(&bytes).is_ok(),
        "text/event-stream; charset=utf-8" => bytes.ends_with(b"data: [DONE]\n\n"),
        "text/html; charset=utf-8" => bytes.starts_with(b"<!doctype html>"),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_request_is_answered(
        method in "GET|POST|PUT|HEAD|BREW",
        path in prop_oneof![Just("/v1/chat/completions".to_owned()), Just("/v1/images/generations".to_owned()), Just("/v1/images/edits".to_owned()), "/(v1/)?(models|pictures/|chat)?[a-z0-9./?&=%+-]{0,20}"],
        headers in prop::collection::vec(("authorization|host|x-mesh-version|x-request-id|expect", "[ -~]{0,20}"), 0..4),
        body: Vec<u8>,
    ) {
        let mut gateway = gateway();
        let mut built = Request::builder().method(method.as_str()).uri(path).header("authorization", KEY);
        for (name, value) in headers {
            built = built.header(name, value);
        }
        let Ok(request) = built.body(Bytes::from(body)) else { return Ok(()) };
        let reply = gateway.handle(request, Moment::ORIGIN);
        prop_assert!(is_well_formed(&reply), "{reply:?}");
        prop_assert!(is_well_formed(&get(&mut gateway, "/")));
    }

    #[test]
    fn any_json_is_answered(body in any_value()) {
        prop_assert!(is_well_formed(&chat(&mut gateway(), &body)));
        prop_assert!(is_well_formed(&generate(&mut gateway(), &body)));
    }

    #[test]
    fn any_likely_images_body_is_answered(body in likely_images_body()) {
        for events in PartialImages::ALL {
            let mut gateway = gateway_with(|it| it.switches.partial_images = *events);
            prop_assert!(is_well_formed(&generate(&mut gateway, &body)), "{body}");
        }
    }

    #[test]
    fn any_likely_body_is_answered(body in likely_body()) {
        for thoughts in Thoughts::ALL {
            let mut gateway = gateway_with(|it| {
                it.switches.thoughts = *thoughts;
                it.switches.picture_pieces = PicturePieces::Split;
                it.switches.response_cache = ResponseCache::On;
            });
            for _ in 0..2 {
                prop_assert!(is_well_formed(&chat(&mut gateway, &body)), "{body}");
            }
        }
    }

    #[test]
    fn any_tools_are_called_or_not(tools in prop::collection::vec(any_value(), 0..3), parameters in any_value(), choice in any_value(), stream: bool) {
        let known = json!({"type": "function", "function": {"name": "fly", "parameters": parameters}});
        for tools in [tools, vec![known]] {
            let required = json!({"messages": user("fly"), "tools": tools, "tool_choice": "required", "stream": stream});
            let mut chosen = required.clone();
            chosen["tool_choice"] = choice.clone();
            for body in [required, chosen] {
                prop_assert!(is_well_formed(&chat(&mut gateway(), &body)), "{body}");
            }
        }
    }

    #[test]
    fn any_query_is_answered(query in "(q|free|sort|order|limit|offset|brand|input_modality|output_modality|type)?=?[a-z0-9%&=+-]{0,12}") {
        for path in ["/v1/models?", "/v1/models/search?"] {
            let path = path.to_owned() + &query;
            prop_assert!(is_well_formed(&get(&mut gateway(), &path)), "{path}");
        }
    }
}

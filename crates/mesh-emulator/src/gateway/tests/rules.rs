//! The rules of each field, and how a breach is told.

use super::*;

/// One breach of chat's rules: where it stands, after `body`, and its kind.
fn assert_breach(body: &Value, place: &str, kind: &str) {
    assert_told(&chat(&mut gateway(), body), body, place, kind);
}

pub(super) fn assert_told(reply: &Reply, body: &Value, place: &str, kind: &str) {
    assert_eq!(reply.head.status, 422, "{body}");
    let document = document(reply);
    let problems = document["detail"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{document}");
    let steps = problems[0]["loc"].as_array().unwrap().iter();
    let told: Vec<String> = steps
        .map(|step| step.as_str().map_or(step.to_string(), str::to_owned))
        .collect();
    assert_eq!(told.join(" "), format!("body {place}").trim(), "{body}");
    assert_eq!(problems[0]["type"], kind, "{body}");
    assert!(problems[0]["msg"].is_string());
}

#[test]
fn of_options() {
    for (field, value, place, kind) in [
        ("temperature", "2.1", "temperature", "less_than_equal"),
        ("temperature", "\"1\"", "temperature", "float_type"),
        ("top_p", "-0.1", "top_p", "greater_than_equal"),
        (
            "frequency_penalty",
            "-3",
            "frequency_penalty",
            "greater_than_equal",
        ),
        (
            "presence_penalty",
            "3",
            "presence_penalty",
            "less_than_equal",
        ),
        ("max_tokens", "0", "max_tokens", "greater_than_equal"),
        ("max_tokens", "1.5", "max_tokens", "int_from_float"),
        ("seed", "\"a\"", "seed", "int_type"),
        ("stop", "1", "stop", "string_type"),
        ("stop", "[\"a\", 1]", "stop 1", "string_type"),
        ("stream", "\"yes\"", "stream", "bool_type"),
        ("user", "5", "user", "string_type"),
        ("timeout", "0", "timeout", "greater_than"),
        ("model", "1", "model", "string_type"),
        ("models", "\"a\"", "models", "list_type"),
        (
            "reasoning_effort",
            "\"extreme\"",
            "reasoning_effort",
            "literal_error",
        ),
        ("service_tier", "\"gold\"", "service_tier", "literal_error"),
        ("modality", "\"smell\"", "modality", "literal_error"),
        ("tools", "[{}]", "tools 0 type", "missing"),
        ("tool_choice", "\"perhaps\"", "tool_choice", "literal_error"),
        ("image", "\"big\"", "image", "dict_type"),
        ("image", r#"{"n": 11}"#, "image n", "less_than_equal"),
        ("image", r#"{"n": 0}"#, "image n", "greater_than_equal"),
        ("image", r#"{"size": "big"}"#, "image size", "value_error"),
        ("image", r#"{"quality": 5}"#, "image quality", "string_type"),
        (
            "image",
            r#"{"response_format": "png"}"#,
            "image response_format",
            "literal_error",
        ),
        ("response_format", "{}", "response_format type", "missing"),
        (
            "response_format",
            r#"{"type": "yaml"}"#,
            "response_format type",
            "literal_error",
        ),
        (
            "response_format",
            r#"{"type": "json_schema"}"#,
            "response_format json_schema",
            "missing",
        ),
        (
            "response_format",
            r#"{"type": "json_schema", "json_schema": {"name": "a"}}"#,
            "response_format json_schema schema",
            "missing",
        ),
    ] {
        let value: Value = serde_json::from_str(value).unwrap();
        assert_breach(&json!({"messages": user("hi"), field: value}), place, kind);
    }
    let long = json!({"messages": user("hi"), "user": "ä".repeat(257)});
    assert_breach(&long, "user", "string_too_long");
    let fits = json!({"messages": user("hi"), "user": "ä".repeat(256)});
    ask(&mut gateway(), &fits);
}

#[test]
fn of_messages() {
    for (body, place, kind) in [
        ("[]", "", "dict_type"),
        ("{}", "messages", "missing"),
        (r#"{"messages": null}"#, "messages", "list_type"),
        (r#"{"messages": []}"#, "messages", "too_short"),
        (r#"{"messages": [1]}"#, "messages 0", "dict_type"),
        (
            r#"{"messages": [{"content": "a"}]}"#,
            "messages 0 role",
            "missing",
        ),
        (
            r#"{"messages": [{"role": "king", "content": "a"}]}"#,
            "messages 0 role",
            "literal_error",
        ),
        (
            r#"{"messages": [{"role": "user"}]}"#,
            "messages 0 content",
            "missing",
        ),
        (
            r#"{"messages": [{"role": "user", "content": 5}]}"#,
            "messages 0 content",
            "string_type",
        ),
    ] {
        assert_breach(&serde_json::from_str(body).unwrap(), place, kind);
    }
}

#[test]
fn of_parts() {
    for (part, place, kind) in [
        (r#""a""#, "", "dict_type"),
        (r#"{"text": "a"}"#, "type", "missing"),
        (r#"{"type": "text"}"#, "text", "missing"),
        (r#"{"type": "input_image"}"#, "type", "literal_error"),
        (r#"{"type": "input_audio"}"#, "input_audio", "missing"),
        (r#"{"type": "image_url"}"#, "image_url", "missing"),
        (
            r#"{"type": "image_url", "image_url": "https://a"}"#,
            "image_url",
            "dict_type",
        ),
        (
            r#"{"type": "image_url", "image_url": {}}"#,
            "image_url url",
            "missing",
        ),
        (
            r#"{"type": "image_url", "image_url": {"url": 5}}"#,
            "image_url url",
            "string_type",
        ),
        (
            r#"{"type": "image_url", "image_url": {"url": "data:,", "detail": "fine"}}"#,
            "image_url detail",
            "literal_error",
        ),
    ] {
        let part: Value = serde_json::from_str(part).unwrap();
        let place = format!("messages 0 content 0 {place}");
        assert_breach(&json!({"messages": user(vec![part])}), place.trim(), kind);
    }
}

#[test]
fn of_images() {
    for (field, values, kind) in [
        ("prompt", &["null", "5", "[]"][..], "string_type"),
        ("model", &["5", "[]"], "string_type"),
        ("n", &["0", "-1"], "greater_than_equal"),
        ("n", &["11", "9999999999999999999"], "less_than_equal"),
        ("n", &["1.5"], "int_from_float"),
        ("n", &["\"1\"", "true"], "int_type"),
        (
            "size",
            &["\"big\"", "\"8x8\"", "\"5000x16\"", "\"99:1\""],
            "value_error",
        ),
        ("size", &["1024"], "string_type"),
        ("quality", &["5"], "string_type"),
        ("response_format", &["\"png\"", "5"], "literal_error"),
        (
            "output_format",
            &["\"gif\"", "5", "\"PNG\""],
            "literal_error",
        ),
        ("output_compression", &["-1"], "greater_than_equal"),
        ("output_compression", &["101"], "less_than_equal"),
        ("output_compression", &["\"50\""], "int_type"),
        ("background", &["\"white\"", "true"], "literal_error"),
        ("moderation", &["\"high\""], "literal_error"),
        ("partial_images", &["-1"], "greater_than_equal"),
        ("partial_images", &["4"], "less_than_equal"),
        ("partial_images", &["true"], "int_type"),
        ("image", &["5", "{}"], "string_type"),
        ("seed", &["-2"], "greater_than_equal"),
        ("seed", &["2147483648"], "less_than_equal"),
        ("seed", &["\"1\""], "int_type"),
        ("guidance_scale", &["0.9"], "greater_than_equal"),
        ("guidance_scale", &["10.1"], "less_than_equal"),
        ("guidance_scale", &["\"5\""], "float_type"),
        ("aspect_ratio", &["1.5"], "string_type"),
        ("resolution", &["2"], "string_type"),
        ("watermark", &["\"no\"", "0"], "bool_type"),
        (
            "sequential_image_generation",
            &["\"on\"", "true"],
            "literal_error",
        ),
        ("sequential_image_generation_options", &["5"], "dict_type"),
        ("optimize_prompt_options", &["\"fast\""], "dict_type"),
        ("stream", &["\"yes\"", "1"], "bool_type"),
    ] {
        for value in values {
            let value: Value = serde_json::from_str(value).unwrap();
            let mut body = json!({"prompt": "a cat", "size": "16x16"});
            body[field] = value;
            assert_told(&generate(&mut gateway(), &body), &body, field, kind);
        }
    }
    for (body, place, kind) in [
        ("[]", "", "dict_type"),
        ("{}", "prompt", "missing"),
        (
            r#"{"prompt": "a", "image": ["data:,", 5]}"#,
            "image 1",
            "string_type",
        ),
    ] {
        let body: Value = serde_json::from_str(body).unwrap();
        assert_told(&generate(&mut gateway(), &body), &body, place, kind);
    }
    let every = json!({
        "prompt": "a cat", "model": "openai/gpt-image-1", "n": 10, "size": "16x16", "quality": "splendid",
        "response_format": "b64_json", "output_format": "webp", "output_compression": 0,
        "background": "opaque", "moderation": "low", "partial_images": 3, "image": [], "seed": 2_147_483_647,
        "guidance_scale": 10, "aspect_ratio": "1:1", "resolution": "1K", "watermark": true,
        "sequential_image_generation": "disabled", "sequential_image_generation_options": {"max_images": 3},
        "optimize_prompt_options": {}, "stream": false, "unheard_of": [1],
    });
    let reply = generate(&mut gateway(), &every);
    assert_eq!(document(&reply)["data"].as_array().map(Vec::len), Some(10));
    let names: Vec<String> = every.as_object().unwrap().keys().cloned().collect();
    let mut empty: Value = names.into_iter().map(|name| (name, Value::Null)).collect();
    empty["prompt"] = "a cat".into();
    empty["resolution"] = "16".into();
    assert_eq!(generate(&mut gateway(), &empty).head.status, 200);
}

//! Tools called and answered, prompts stored, thoughts told.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{Rgba, RgbaImage};

use super::*;
use crate::drawing::{Codec, encode};

fn tool(name: &str, description: &str, properties: &Value) -> Value {
    let parameters = json!({"type": "object", "properties": properties});
    json!({"type": "function", "function": {"name": name, "description": description, "parameters": parameters}})
}

fn tools() -> Value {
    json!([
        tool(
            "get_weather",
            "Returns the weather of a place",
            &json!({"place": {"type": "string"}})
        ),
        tool(
            "record_picture",
            "Records what a picture looks like",
            &json!({
                "width": {"type": "integer"}, "colour": {"type": "string"}, "grayscale": {"type": "boolean"},
                "kind": {"enum": ["PNG", "JPEG"]},
            })
        ),
    ])
}

fn green() -> Value {
    let picture = RgbaImage::from_pixel(24, 18, Rgba([0, 128, 0, 255]));
    let file = encode(&picture, Codec::Png, 100).unwrap();
    let url = format!("data:image/png;base64,{}", STANDARD.encode(file));
    json!({"type": "image_url", "image_url": {"url": url}})
}

fn asked(content: impl Into<Value>, choice: &Value) -> Value {
    json!({"messages": user(content), "tools": tools(), "tool_choice": choice})
}

fn call_of(reply: &Value) -> Option<(String, Value)> {
    let choice = &reply["choices"][0];
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(choice["finish_reason"] == "tool_calls", call.is_object());
    let function = call.get("function")?;
    assert!(choice["message"]["content"].is_null());
    assert!(call["id"].as_str().unwrap().starts_with("call_"));
    let arguments = function["arguments"].as_str().unwrap();
    let name = function["name"].as_str().unwrap().to_owned();
    Some((name, serde_json::from_str(arguments).unwrap()))
}

#[test]
fn the_tool_that_fits_is_called_with_what_was_measured() {
    let mut gateway = gateway();
    let picture = json!([{"type": "text", "text": "Record this picture."}, green()]);
    let reply = ask(&mut gateway, &asked(picture, &json!("auto")));
    let (name, arguments) = call_of(&reply).unwrap();
    assert_eq!(name, "record_picture");
    assert_eq!(
        arguments,
        json!({"width": 24, "colour": "green", "grayscale": false, "kind": "PNG"})
    );
    let weather = "How is the weather in Ghent?";
    let reply = ask(&mut gateway, &asked(weather, &Value::Null));
    let expected = ("get_weather".to_owned(), json!({ "place": weather }));
    assert_eq!(call_of(&reply), Some(expected));
}

/// Tools as a terminal client sends them with every question.
fn tools_of_a_coding_client() -> Value {
    let text = json!({"type": "string"});
    json!([
        tool(
            "read_file",
            "Read a file from the user's filesystem and return its contents.",
            &json!({"path": text})
        ),
        tool(
            "write_file",
            "Create or overwrite a file, also an image.",
            &json!({"path": text, "content": text})
        ),
        tool(
            "run_bash",
            "Run a shell command and show what it prints.",
            &json!({"command": text})
        ),
        tool(
            "web_search",
            "Search the web for pages, images and what colour things are.",
            &json!({"query": text})
        ),
        tool(
            "ask_user",
            "Ask the user what they see or want in a picture.",
            &json!({"questions": text})
        ),
        tool(
            "get_image",
            "Describe an image: colours, light, size.",
            &json!({"image": text})
        ),
        tool(
            "remember",
            "Remember a fact about this project.",
            &json!({})
        ),
        tool("view", "Shows this image.", &json!({})),
    ])
}

#[test]
fn a_question_about_an_image_is_answered_whatever_tools_are_offered() {
    for (question, expected) in [
        ("What is in this image?", None),
        ("Describe the colours of this picture in detail.", None),
        ("What colour is this file?", None),
        ("", None),
        ("Is the light in this image warm?", None),
        ("Please call get_image on it.", Some("get_image")),
        (
            "Read this file and say what it contains.",
            Some("read_file"),
        ),
        ("Use web-search: web_search!", Some("web_search")),
        ("REMEMBER this.", Some("remember")),
    ] {
        let content = json!([{"type": "text", "text": question}, green()]);
        for choice in [json!("auto"), Value::Null] {
            let body = json!({
                "messages": user(content.clone()),
                "tools": tools_of_a_coding_client(),
                "tool_choice": choice,
            });
            let reply = ask(&mut gateway(), &body);
            let called = call_of(&reply).map(|(name, _)| name);
            assert_eq!(called.as_deref(), expected, "{question}");
            if expected.is_none() {
                let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
                assert!(text.contains("24 x 18"), "{text}");
            }
        }
        // A forced tool is called whatever the question is.
        let named = json!({"type": "function", "function": {"name": "run_bash"}});
        for choice in [json!("required"), named] {
            let body = json!({
                "messages": user(content.clone()),
                "tools": tools_of_a_coding_client(),
                "tool_choice": choice,
            });
            assert!(call_of(&ask(&mut gateway(), &body)).is_some());
        }
    }
}

#[test]
fn a_tool_named_by_a_common_word_is_called_only_if_the_question_marks_it_as_a_tool() {
    let names = ["image", "edit", "read", "look_at", "describe", "bash"];
    let tools: Vec<Value> = names.iter().map(|it| tool(it, "", &json!({}))).collect();
    for (question, expected) in [
        ("What is in this image?", None),
        ("Can you read the sign, and edit nothing?", None),
        ("Please describe what is here. Have a look.", None),
        ("What would a BASH user call this?", None),
        ("What is it? Use bash.", Some("bash")),
        ("Please call the `Image` tool.", Some("image")),
        ("Please apply the edit tool.", Some("edit")),
        ("Answer with read().", Some("read")),
        ("Answer with \"read\".", Some("read")),
        ("Please look at it.", Some("look_at")),
        ("Edit this.", Some("edit")),
    ] {
        let content = json!([{"type": "text", "text": question}, green()]);
        let body = json!({"messages": user(content), "tools": tools, "tool_choice": "auto"});
        let reply = ask(&mut gateway(), &body);
        let called = call_of(&reply).map(|(name, _)| name);
        assert_eq!(called.as_deref(), expected, "{question}");
    }
}

#[test]
fn a_question_in_words_alone_calls_the_tool_that_it_plainly_asks_for() {
    let weather = |name: &str| {
        let city = json!({"city": {"type": "string"}});
        json!([tool(name, "Get the current weather for a city.", &city)])
    };
    for (question, tools, called) in [
        (
            "What is the weather in Tokyo?",
            weather("get_weather"),
            true,
        ),
        ("Weather in Paris?", weather("get_current_weather"), true),
        (
            "Which city has good weather?",
            weather("weather_lookup_v2"),
            true,
        ),
        ("Which city is it?", weather("get_weather"), false),
        ("Good morning", weather("get_weather"), false),
        ("Write a poem.", tools_of_a_coding_client(), false),
    ] {
        let body = json!({"messages": user(question), "tools": tools});
        let reply = ask(&mut gateway(), &body);
        assert_eq!(call_of(&reply).is_some(), called, "{question}");
    }
}

#[test]
fn a_drawing_is_made_whatever_tools_are_offered() {
    for (question, choice, draws) in [
        ("A red circle on white", json!("auto"), true),
        ("A red circle on white", Value::Null, true),
        ("A red circle on white", json!("none"), true),
        ("A red circle on white", json!("required"), false),
        ("Read the file of a circle", json!("auto"), false),
    ] {
        let body = json!({
            "model": "google/gemini-2.5-flash-image",
            "messages": user(question),
            "tools": tools_of_a_coding_client(),
            "tool_choice": choice,
        });
        let reply = ask(&mut gateway(), &body);
        let message = &reply["choices"][0]["message"];
        assert_eq!(
            message.get("images").is_some(),
            draws,
            "{question} {choice}"
        );
        assert_eq!(
            message.get("tool_calls").is_none(),
            draws,
            "{question} {choice}"
        );
    }
}

#[test]
fn the_choice_of_tools_is_kept() {
    let named = |name: &str| json!({"type": "function", "function": {"name": name}});
    for (question, choice, expected) in [
        ("Good morning", json!("auto"), None),
        ("How is the weather?", json!("none"), None),
        ("Good morning", json!("required"), Some("get_weather")),
        (
            "A picture, please",
            json!("required"),
            Some("record_picture"),
        ),
        (
            "How is the weather?",
            named("record_picture"),
            Some("record_picture"),
        ),
    ] {
        let reply = ask(&mut gateway(), &asked(question, &choice));
        let called = call_of(&reply).map(|(name, _)| name);
        assert_eq!(called.as_deref(), expected, "{question} {choice}");
    }
    let reply = chat(&mut gateway(), &asked("hi", &named("fly")));
    assert_eq!(code(&reply), "invalid_request");
    let none = json!({"messages": user("hi"), "tool_choice": "required"});
    assert_eq!(code(&chat(&mut gateway(), &none)), "invalid_request");
}

#[test]
fn streamed_calls_are_whole_in_every_form() {
    let mut body = asked("How is the weather in Ghent?", &json!("auto"));
    let plain = ask(&mut gateway(), &body);
    body["stream"] = true.into();
    for pieces in ToolPieces::ALL {
        let mut gateway = gateway_with(|it| it.switches.tool_pieces = *pieces);
        let events = events(&chat(&mut gateway, &body));
        let deltas: Vec<&Value> = events
            .iter()
            .filter_map(|it| it.pointer("/choices/0/delta/tool_calls/0"))
            .collect();
        assert!(deltas.len() > 3);
        assert_eq!(deltas[0]["function"]["name"], "get_weather");
        assert!(deltas[0]["id"].is_string());
        let arguments: Vec<&str> = deltas
            .iter()
            .map(|it| it["function"]["arguments"].as_str().unwrap())
            .collect();
        let whole = &plain["choices"][0]["message"]["tool_calls"][0]["function"];
        assert_eq!(arguments.concat(), whole["arguments"].as_str().unwrap());
        for later in &deltas[1..] {
            assert_eq!(later["index"].is_u64(), *pieces == ToolPieces::Indexed);
            assert_eq!(later["id"].is_string(), *pieces == ToolPieces::ById);
        }
        let finish = events
            .iter()
            .find_map(|it| it["choices"][0]["finish_reason"].as_str());
        assert_eq!(finish, Some("tool_calls"));
    }
}

#[test]
fn what_tools_answer_is_told() {
    let mut gateway = gateway();
    let first = asked("How is the weather in Ghent?", &json!("auto"));
    let reply = ask(&mut gateway, &first);
    let message = reply["choices"][0]["message"].clone();
    let id = message["tool_calls"][0]["id"].clone();
    let mut body = first.clone();
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(message);
    messages.push(json!({"role": "tool", "tool_call_id": id, "content": "{\"celsius\": 11}"}));
    let reply = ask(&mut gateway, &body);
    let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(text, "get_weather answered: {\"celsius\": 11}");
    body["tool_choice"] = "required".into();
    assert!(call_of(&ask(&mut gateway, &body)).is_some());
}

#[test]
fn thoughts_are_told_and_wanted_back() {
    let mut gateway = gateway_with(|it| it.switches.thoughts = Thoughts::Told);
    let first = asked("How is the weather in Ghent?", &json!("auto"));
    let reply = ask(&mut gateway, &first);
    let message = reply["choices"][0]["message"].clone();
    assert!(message["reasoning_details"][0]["signature"].is_string());
    assert!(message["tool_calls"][0]["thought_signature"].is_string());
    let mut streamed = first.clone();
    streamed["stream"] = true.into();
    let events = events(&chat(&mut gateway, &streamed));
    let told = |field: &str| events.iter().any(|it| it.pointer(field).is_some());
    assert!(told("/choices/0/delta/reasoning_details/0/text"));
    assert!(told("/choices/0/delta/tool_calls/0/thought_signature"));

    let id = message["tool_calls"][0]["id"].clone();
    let mut back = |change: &dyn Fn(&mut Value)| {
        let mut message = message.clone();
        change(&mut message);
        let mut body = first.clone();
        let messages = body["messages"].as_array_mut().unwrap();
        messages.push(message);
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": "11"}));
        chat(&mut gateway, &body)
    };
    assert_eq!(back(&|_| ()).head.status, 200);
    for change in [
        &(|it: &mut Value| it["tool_calls"][0]["thought_signature"] = Value::Null)
            as &dyn Fn(&mut Value),
        &|it| it["tool_calls"][0]["function"]["arguments"] = "{}".into(),
        &|it| it["reasoning_details"][0]["text"] = "something else".into(),
    ] {
        assert_eq!(code(&back(change)), "invalid_request");
    }
}

#[test]
fn efforts_are_for_models_that_know_them() {
    let body = |model: &str, effort: &str, stream: bool| json!({"model": model, "reasoning_effort": effort, "messages": user("hi"), "stream": stream});
    ask(
        &mut gateway(),
        &body("google/gemini-2.5-flash", "high", false),
    );
    ask(&mut gateway(), &body("openai/gpt-4o", "none", false));
    let reply = chat(&mut gateway(), &body("openai/gpt-4o", "low", false));
    assert_eq!(code(&reply), "model_capability_not_supported");
    let reply = chat(&mut gateway(), &body("openai/gpt-4o", "low", true));
    assert_eq!(reply.head.status, 200);
    let id = header_of(&reply, "x-request-id").unwrap();
    let text = String::from_utf8(whole(&reply).to_vec()).unwrap();
    let (error, rest) = text
        .strip_prefix("data: ")
        .unwrap()
        .split_once("\n\n")
        .unwrap();
    let error: Value = serde_json::from_str(error).unwrap();
    assert_eq!(error["error"]["code"], "model_capability_not_supported");
    assert_eq!(error["request_id"], id);
    assert_eq!(rest, "data: [DONE]\n\n");
}

#[test]
fn stored_prompts_are_filled_in() {
    let mut gateway = gateway_with(|it| {
        it.templates = vec![Template::new("paint", "Paint {{ what }} in {{colour}}.")];
    });
    let id = gateway.settings().templates[0].id.clone();
    for name in ["paint", &id] {
        let body = json!({
            "template": name, "variables": {"what": "a circle", "colour": "teal"},
            "model": "openai/gpt-image-1", "image": {"size": "32x32"}, "messages": user(""),
        });
        let reply = ask(&mut gateway, &body);
        let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
        assert!(text.contains("Paint a circle in teal."), "{text}");
    }
    let both = json!({"template": "paint", "variables": {"what": "x", "colour": "y"}, "messages": user("Now.")});
    let reply = ask(&mut gateway, &both);
    let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.contains("“Paint x in y. Now.”"), "{text}");
    let unknown = json!({"template": "sculpt", "messages": user("hi")});
    assert_eq!(code(&chat(&mut gateway, &unknown)), "resource_not_found");
    for (variables, place, kind) in [
        (json!({"what": "x"}), "variables colour", "missing"),
        (
            json!({"what": "x", "colour": 5}),
            "variables colour",
            "string_type",
        ),
        (json!([]), "variables", "dict_type"),
    ] {
        let body = json!({"template": "paint", "variables": variables, "messages": user("hi")});
        rules::assert_told(&chat(&mut gateway, &body), &body, place, kind);
    }
}

#[test]
fn several_choices_are_given() {
    let mut body = json!({"n": 3, "messages": user("How are you?")});
    let reply = ask(&mut gateway(), &body);
    let choices = reply["choices"].as_array().unwrap();
    let indices: Vec<u64> = choices
        .iter()
        .map(|it| it["index"].as_u64().unwrap())
        .collect();
    assert_eq!(indices, [0, 1, 2]);
    body["stream"] = true.into();
    let events = events(&chat(&mut gateway(), &body));
    for (index, choice) in choices.iter().enumerate() {
        let own = events.iter().map(|it| &it["choices"][0]);
        let own = own.filter(|it| it["index"] == index);
        let said: Vec<&str> = own
            .filter_map(|it| it["delta"]["content"].as_str())
            .collect();
        assert_eq!(
            said.concat(),
            choice["message"]["content"].as_str().unwrap()
        );
    }
    let tokens = |reply: &Value| reply["usage"]["completion_tokens"].as_u64().unwrap();
    let one = ask(&mut gateway(), &json!({"messages": user("How are you?")}));
    assert_eq!(tokens(&reply), 3 * tokens(&one));
}

#[test]
fn choosing_a_model_is_told_and_counted() {
    let body = json!({"model": "auto", "messages": user("How are you?")});
    let reply = ask(&mut gateway(), &body);
    assert_eq!(reply["usage"]["classifier_prompt_tokens"], 3);
    assert_eq!(reply["x_classifier_usage"][0]["total_tokens"], 4);
    assert!(reply.get("x_auto_routed_fallback").is_none());
    let silent = json!({"model": "auto", "stream": true, "messages": user("")});
    let events = events(&chat(&mut gateway(), &silent));
    let last = events.last().unwrap();
    assert_eq!(last["x_auto_routed_fallback"], true);
    assert!(last["x_auto_routed_fallback_reason"].is_string());
}

#[test]
fn a_stream_ends_at_its_timeout() {
    let mut gateway = gateway_with(|it| it.pace = Duration::from_secs(1));
    let body = |timeout: f64| json!({"stream": true, "timeout": timeout, "messages": user("How are you?")});
    let reply = chat(&mut gateway, &body(3.5));
    let text = String::from_utf8(whole(&reply).to_vec()).unwrap();
    assert!(
        text.contains("\"gateway_timeout\"") && text.ends_with("data: [DONE]\n\n"),
        "{text}"
    );
    let last = reply.frames.last().unwrap().at.since_origin();
    assert_eq!(last, Duration::from_millis(3500));
    let reply = chat(&mut gateway, &body(1e300));
    assert!(!String::from_utf8_lossy(&whole(&reply)).contains("gateway_timeout"));
}

#[test]
fn a_declined_prompt_may_get_prose() {
    let mut gateway = gateway_with(|it| it.switches.refusal = Refusal::InProse);
    let body = json!({"model": "openai/gpt-image-1", "messages": user("Please refuse this.")});
    let reply = ask(&mut gateway, &body);
    let message = &reply["choices"][0]["message"];
    assert!(message["content"].as_str().unwrap().contains("policy"));
    assert!(message.get("images").is_none() && message.get("refusal").is_none());
    assert_eq!(reply["choices"][0]["finish_reason"], "stop");
    let image = json!({"prompt": "refuse this"});
    assert_eq!(document(&generate(&mut gateway, &image))["data"], json!([]));
}

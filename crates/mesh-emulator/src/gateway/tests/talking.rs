//! Words in, words out.

use super::*;

#[test]
fn words_get_an_honest_answer() {
    let mut gateway = gateway_with(|it| it.epoch_seconds = 1_790_000_000);
    let reply = ask(&mut gateway, &json!({"messages": user("How are you?")}));
    assert_eq!(reply["object"], "chat.completion");
    assert_eq!(reply["model"], "openai/gpt-4o");
    assert_eq!(reply["created"], 1_790_000_000);
    assert_eq!(reply["system_fingerprint"], "mesh-emulator");
    assert_eq!(reply["choices"][0]["finish_reason"], "stop");
    let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(
        text.contains("emulator") && text.contains("3 words: “How are you?”"),
        "{text}"
    );
    assert!(reply["usage"]["total_tokens"].as_u64().unwrap() > 10);
    assert!(reply.get("cost").is_none());
}

#[test]
fn a_stream_says_the_same_as_a_document() {
    let mut gateway = gateway_with(|it| it.switches.cost = Cost::Reported);
    let mut body = json!({"messages": user("How are you?")});
    let text = ask(&mut gateway, &body)["choices"][0]["message"]["content"].clone();
    body["stream"] = true.into();
    let reply = chat(&mut gateway, &body);
    let moments: Vec<Moment> = reply.frames.iter().map(|frame| frame.at).collect();
    assert!(
        moments.is_sorted() && moments.last().unwrap().since_origin() < Duration::from_millis(1500)
    );
    let events = events(&reply);
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    let said: Vec<&str> = events
        .iter()
        .filter_map(|it| it["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert!(said.len() > 10);
    assert_eq!(said.concat(), text.as_str().unwrap());
    let [.., finish, usage] = &events[..] else {
        panic!()
    };
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!(usage["choices"], json!([]));
    assert!(
        usage["usage"]["total_tokens"].is_u64() && usage["cost"].is_string(),
        "{usage}"
    );
}

#[test]
fn answers_end_where_asked() {
    let mut gateway = gateway();
    for (options, text, reason) in [
        (json!({"max_tokens": 3}), "This is the", "length"),
        (json!({"max_completion_tokens": 1}), "This", "length"),
        (json!({"stop": " the"}), "This is", "stop"),
        (json!({"stop": ["emulator", "is"]}), "Th", "stop"),
    ] {
        let mut body = json!({"messages": user("hello")});
        body.as_object_mut()
            .unwrap()
            .extend(options.as_object().unwrap().clone());
        let choice = &ask(&mut gateway, &body)["choices"][0];
        assert_eq!(choice["message"]["content"], text);
        assert_eq!(choice["finish_reason"], reason);
    }
}

#[test]
fn models_are_found_routed_or_not() {
    let mut gateway = gateway();
    let reply = chat(
        &mut gateway,
        &json!({"model": "nobody/nothing", "messages": user("hi")}),
    );
    assert_eq!(
        (reply.head.status.as_u16(), code(&reply).as_str()),
        (404, "model_not_found")
    );

    let reply = chat(
        &mut gateway,
        &json!({"model": "auto", "messages": user("hi")}),
    );
    assert_eq!(header_of(&reply, "x-auto-routed"), Some("true"));
    let model = header_of(&reply, "x-resolved-model-id").unwrap().to_owned();
    let body = document(&reply);
    assert_eq!(body["x_auto_routed"], true);
    assert_eq!(body["x_resolved_model_id"], model.as_str());
    assert_eq!(body["model"], model.as_str());

    let models =
        json!({"model": "a/b", "models": ["c/d", "openai/gpt-4o-mini"], "messages": user("hi")});
    let reply = chat(&mut gateway, &models);
    assert_eq!(header_of(&reply, "x-mesh-routing-attempts"), Some("3"));
    assert_eq!(document(&reply)["model"], "openai/gpt-4o-mini");

    for model in ["openai/text-embedding-3-small", "google/veo-3.1-fast"] {
        let reply = chat(
            &mut gateway,
            &json!({"model": model, "messages": user("hi")}),
        );
        assert_eq!(code(&reply), "model_capability_not_supported");
    }
}

#[test]
fn what_is_unknown_or_null_is_passed_over() {
    let mut gateway = gateway();
    ask(
        &mut gateway,
        &json!({
            "messages": [{"role": "assistant", "content": null}, {"role": "user", "content": "hi", "name": "me"}],
            "temperature": null, "stream": null, "image": null, "nonsense": {"a": 1}, "max_tokens": 10.0,
        }),
    );
}

#[test]
fn json_is_answered_where_asked() {
    let mut gateway = gateway();
    let format = json!({"type": "json_object"});
    let reply = ask(
        &mut gateway,
        &json!({"messages": user("a b c"), "response_format": format}),
    );
    let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(text).unwrap()["question_words"],
        3
    );

    // A schema that refers to itself in many ways ends all the same.
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let properties: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({"$ref": "#"})))
        .collect();
    let schema = json!({"type": "object", "properties": properties});
    let format = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
    ask(
        &mut gateway,
        &json!({"messages": user("a"), "response_format": format}),
    );
}

#[test]
fn what_the_policy_forbids_is_declined() {
    let body = json!({"messages": user("Please refuse THIS.")});
    let choice = &ask(&mut gateway(), &body)["choices"][0];
    assert_eq!(choice["finish_reason"], "content_filter");
    assert!(choice["message"]["refusal"].is_string() && choice["message"]["content"].is_null());
    let mut strict = gateway_with(|it| it.switches.refusal = Refusal::AsError);
    assert_eq!(code(&chat(&mut strict, &body)), "content_policy_violation");
}

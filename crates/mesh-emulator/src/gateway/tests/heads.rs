//! What heads tell, and answers that are kept.

use super::*;

fn cached(gateway: &mut Gateway, body: &Value, headers: &[(&str, &str)]) -> Reply {
    let headers: Vec<_> = [("authorization", KEY)]
        .iter()
        .chain(headers)
        .copied()
        .collect();
    let request = request(
        Method::POST,
        "/v1/chat/completions",
        &headers,
        &body.to_string(),
    );
    gateway.handle(request, Moment::ORIGIN)
}

fn is_hit(reply: &Reply) -> bool {
    assert_eq!(reply.head.status, 200);
    header_of(reply, "x-cache") == Some("HIT")
}

#[test]
fn the_same_question_gets_the_answer_that_was_kept() {
    let mut gateway = gateway_with(|it| it.switches.response_cache = ResponseCache::On);
    let mut body = json!({"messages": user("How are you?")});
    let first = cached(&mut gateway, &body, &[]);
    assert!(!is_hit(&first));
    body["user"] = "me".into();
    let second = cached(&mut gateway, &body, &[]);
    assert!(is_hit(&second));
    let (first, second) = (document(&first), document(&second));
    assert!(
        second["id"]
            .as_str()
            .unwrap()
            .starts_with("chatcmpl-cached-")
    );
    assert_eq!(first["choices"], second["choices"]);
    assert_eq!(first["usage"], second["usage"]);

    body["stream"] = true.into();
    let streamed = cached(&mut gateway, &body, &[]);
    assert!(is_hit(&streamed));
    let text = String::from_utf8(whole(&streamed).to_vec()).unwrap();
    let (chunk, rest) = text
        .strip_prefix("data: ")
        .unwrap()
        .split_once("\n\n")
        .unwrap();
    assert_eq!(rest, "data: [DONE]\n\n");
    let chunk: Value = serde_json::from_str(chunk).unwrap();
    assert_eq!(chunk["object"], "chat.completion.chunk");
    assert_eq!(chunk["choices"][0]["delta"], first["choices"][0]["message"]);
    assert!(chunk["choices"][0].get("message").is_none());
    assert!(
        chunk["id"]
            .as_str()
            .unwrap()
            .starts_with("chatcmpl-cached-")
    );
    // A stream fills the cache as well as a plain answer does.
    let other = json!({"messages": user("Who are you?"), "stream": true});
    assert!(!is_hit(&cached(&mut gateway, &other, &[])));
    assert!(is_hit(&cached(&mut gateway, &other, &[])));
}

#[test]
fn what_passes_the_cache_by() {
    let mut gateway = gateway_with(|it| it.switches.response_cache = ResponseCache::On);
    let body = json!({"messages": user("How are you?")});
    let no_store = [("x-mesh-cache", "no-store")];
    assert!(!is_hit(&cached(&mut gateway, &body, &no_store)));
    assert!(!is_hit(&cached(&mut gateway, &body, &[])));
    assert!(!is_hit(&cached(&mut gateway, &body, &no_store)));
    let mut declined = body.clone();
    declined["cache"] = false.into();
    assert!(!is_hit(&cached(&mut gateway, &declined, &[])));
    let tool = json!([{"type": "function", "function": {"name": "fly"}}]);
    let with_tools = json!({"messages": user("How are you?"), "tools": tool});
    for _ in 0..2 {
        assert!(!is_hit(&cached(&mut gateway, &with_tools, &[])));
    }
    let other_key = [("authorization", "Bearer rsk_02EXAMPLE")];
    let request = request(
        Method::POST,
        "/v1/chat/completions",
        &other_key,
        &body.to_string(),
    );
    assert!(!is_hit(&gateway.handle(request, Moment::ORIGIN)));
    assert!(is_hit(&cached(&mut gateway, &body, &[])));
    let mut without = super::gateway();
    for _ in 0..2 {
        assert!(!is_hit(&cached(&mut without, &body, &[])));
    }
}

#[test]
fn rates_are_told_and_how_long_to_wait() {
    for (told, retry_after) in [
        (RetryAfter::Seconds, Some("45")),
        (RetryAfter::Date, Some("Mon, 21 Sep 2026 14:14:20 GMT")),
        (RetryAfter::BodyAlone, None),
    ] {
        let mut gateway = gateway_with(|it| {
            it.epoch_seconds = 1_790_000_000;
            it.requests_per_minute = Some(2);
            it.switches.retry_after = told;
        });
        let mut at = |seconds| {
            let request = request(Method::GET, "/v1/models", &[("authorization", KEY)], "");
            gateway.handle(request, Moment::after_origin(Duration::from_secs(seconds)))
        };
        let remaining = |reply: &Reply| {
            ["limit", "remaining", "reset"]
                .map(|it| {
                    header_of(reply, &format!("x-ratelimit-{it}-requests")).map(str::to_owned)
                })
                .map(Option::unwrap)
        };
        assert_eq!(remaining(&at(5)), ["2", "1", "55"]);
        assert_eq!(remaining(&at(10)), ["2", "0", "50"]);
        let refused = at(15);
        assert_eq!(remaining(&refused), ["2", "0", "45"]);
        assert_eq!(header_of(&refused, "retry-after"), retry_after);
        assert_eq!(document(&refused)["error"]["retry_after_seconds"], 45);
    }
    let reply = get(&mut gateway(), "/v1/models");
    assert_eq!(header_of(&reply, "x-ratelimit-limit-requests"), None);
}

#[test]
fn single_routes_have_a_form_of_errors_of_their_own() {
    let mut gateway = gateway_with(|it| {
        it.switches.errors = ErrorForm::MessageOnly;
        it.switches.route_errors.models = Some(ErrorForm::DetailText);
        it.switches.route_errors.edits = Some(ErrorForm::ErrorText);
    });
    let missing = document(&get(&mut gateway, "/v1/models/nobody"));
    assert!(missing["detail"].is_string(), "{missing}");
    let edit = document(&post(&mut gateway, "/v1/images/edits", &json!({})));
    assert!(edit["error"].is_string(), "{edit}");
    let chat = document(&chat(&mut gateway, &json!({})));
    assert!(chat["message"].is_string(), "{chat}");
}

#[test]
fn pictures_of_a_stream_come_in_pieces_where_switched() {
    let body = json!({"model": "openai/gpt-image-1", "stream": true, "image": {"size": "32x16"}, "messages": user("a red circle")});
    for shape in [
        ChatPictureShape::Images,
        ChatPictureShape::ImageUrlParts,
        ChatPictureShape::InlineDataParts,
    ] {
        let pictures = |pieces| {
            let mut gateway = gateway_with(|it| {
                it.switches.chat_picture = shape;
                it.switches.picture_pieces = pieces;
            });
            let events = events(&chat(&mut gateway, &body));
            let found = events.iter().flat_map(|it| {
                let delta = &it["choices"][0]["delta"];
                [&delta["images"][0], &delta["content"][0]].map(Value::clone)
            });
            let found = found.filter(|it| it.is_object() && it["type"] != "text");
            found.collect::<Vec<Value>>()
        };
        let text = |picture: &Value| {
            let places = ["/image_url/url", "/inline_data/data"];
            let found = places.iter().find_map(|it| picture.pointer(it)?.as_str());
            found.unwrap().to_owned()
        };
        let whole = pictures(PicturePieces::Whole);
        let split = pictures(PicturePieces::Split);
        assert_eq!((whole.len(), split.len()), (1, 2), "{shape}");
        assert!(split.iter().all(|it| it["index"] == split[0]["index"]));
        assert_eq!(text(&split[0]) + &text(&split[1]), text(&whole[0]));
    }
}

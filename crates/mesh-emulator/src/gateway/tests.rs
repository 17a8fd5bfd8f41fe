//! The gateway through its front door.

mod arbitrary;
mod bounds;
mod catalogue;
mod drawing;
mod edits;
mod heads;
mod image_stream;
mod images;
mod rules;
mod seeing;
mod talking;
mod tools;

use std::time::Duration;

use http::Method;

use serde_json::json;

use super::*;

const KEY: &str = "Bearer rsk_01EXAMPLE";

fn gateway() -> Gateway {
    Gateway::new(GatewaySettings::default())
}

fn gateway_with(change: impl FnOnce(&mut GatewaySettings)) -> Gateway {
    let mut settings = GatewaySettings::default();
    change(&mut settings);
    Gateway::new(settings)
}

fn request(method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

fn get(gateway: &mut Gateway, path: &str) -> Reply {
    let request = request(Method::GET, path, &[("authorization", KEY)], "");
    gateway.handle(request, Moment::ORIGIN)
}

fn chat(gateway: &mut Gateway, body: &Value) -> Reply {
    post(gateway, "/v1/chat/completions", body)
}

fn generate(gateway: &mut Gateway, body: &Value) -> Reply {
    post(gateway, "/v1/images/generations", body)
}

fn post(gateway: &mut Gateway, path: &str, body: &Value) -> Reply {
    let headers = [("authorization", KEY), ("host", "127.0.0.1:4000")];
    let request = request(Method::POST, path, &headers, &body.to_string());
    gateway.handle(request, Moment::ORIGIN)
}

fn whole(reply: &Reply) -> Bytes {
    let frames: Vec<&[u8]> = reply.frames.iter().map(|frame| &frame.bytes[..]).collect();
    frames.concat().into()
}

fn document(reply: &Reply) -> Value {
    serde_json::from_slice(&whole(reply)).unwrap()
}

fn ask(gateway: &mut Gateway, body: &Value) -> Value {
    let reply = chat(gateway, body);
    assert_eq!(reply.head.status, 200, "{:?}", whole(&reply));
    document(&reply)
}

/// The events of a stream, without the comments and the end mark, both of which must be there.
fn events(reply: &Reply) -> Vec<Value> {
    let text = String::from_utf8(whole(reply).to_vec()).unwrap();
    let mut blocks: Vec<&str> = text.split_terminator("\n\n").collect();
    assert_eq!(blocks.pop(), Some("data: [DONE]"));
    assert!(blocks.contains(&": ping"));
    let data = blocks
        .into_iter()
        .filter_map(|block| block.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn code(reply: &Reply) -> String {
    document(reply)["error"]["code"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn user(content: impl Into<Value>) -> Value {
    json!([{"role": "user", "content": content.into()}])
}

fn header_of<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply
        .head
        .headers
        .get(name)
        .map(|value| value.to_str().unwrap())
}

#[test]
fn a_wrong_key_is_called_wrong_and_a_missing_one_missing() {
    for (headers, words) in [
        (&[][..], "An API key is needed"),
        (&[("authorization", "")], "An API key is needed"),
        (&[("authorization", "Bearer ")], "An API key is needed"),
        (
            &[("authorization", "Bearer nonsense")],
            "This API key is not valid",
        ),
        (
            &[("authorization", "Bearer sk-proj-0123")],
            "This API key is not valid",
        ),
        (
            &[("authorization", "Basic bm9ib2R5")],
            "This API key is not valid",
        ),
        (
            &[("authorization", "rsk_01ABCDEF")],
            "This API key is not valid",
        ),
        (
            &[("authorization", "Bearer rsk_0REFUSED")],
            "This API key is not valid",
        ),
    ] {
        let request = request(Method::GET, "/v1/models", headers, "");
        let mut gateway = gateway_with(|it| it.refused_keys = vec!["rsk_0REFUSED".to_owned()]);
        let reply = gateway.handle(request, Moment::ORIGIN);
        assert_eq!(reply.head.status, 401, "{headers:?}");
        let message = document(&reply)["error"]["message"].to_string();
        assert!(message.contains(words), "{headers:?}: {message}");
    }
}

#[test]
fn checks_come_in_their_order() {
    let hello = json!({"messages": user("hello")}).to_string();
    let version = ("x-mesh-version", "2024-01");
    let wrong = ("authorization", "Bearer nonsense");
    let right = ("authorization", KEY);
    let path = "/v1/chat/completions";
    for (headers, path, body, status, expected) in [
        (&[version, wrong][..], path, "{", 400, "invalid_api_version"),
        (&[wrong], "/v1/nothing", "{", 404, "not_found"),
        (&[wrong], path, "{", 401, "unauthorized"),
        (&[], path, &hello, 401, "unauthorized"),
        (
            &[("authorization", "Bearer mak_01ADMIN")],
            path,
            &hello,
            403,
            "forbidden",
        ),
        (
            &[("authorization", "Bearer rsk_0REFUSED")],
            path,
            &hello,
            401,
            "unauthorized",
        ),
        (&[right], path, "{", 400, "bad_request"),
        (&[right], "/v1/models", "", 405, "method_not_allowed"),
        (
            &[right, ("x-mesh-version", "")],
            path,
            &hello,
            400,
            "invalid_api_version",
        ),
        (
            &[
                right,
                ("x-mesh-version", "2026-08"),
                ("x-mesh-version", "2026-09"),
            ],
            path,
            &hello,
            400,
            "invalid_api_version",
        ),
    ] {
        let mut gateway = gateway_with(|it| it.refused_keys = vec!["rsk_0REFUSED".to_owned()]);
        let reply = gateway.handle(request(Method::POST, path, headers, body), Moment::ORIGIN);
        assert_eq!(reply.head.status, status, "{headers:?}");
        assert_eq!(code(&reply), expected, "{headers:?}");
        let id = header_of(&reply, "x-request-id").unwrap();
        assert_eq!(document(&reply)["request_id"], id);
        assert!(id.starts_with("req_") && id.len() == 30);
    }
}

#[test]
fn a_body_over_the_limit_gets_the_pages_of_the_edge() {
    let mut gateway = gateway();
    let limit = usize::try_from(MOST_BODY_BYTES).unwrap();
    for (length, status) in [(limit, 400), (limit + 1, 413)] {
        let mut request = request(
            Method::POST,
            "/v1/chat/completions",
            &[("authorization", KEY)],
            "",
        );
        *request.body_mut() = vec![b'{'; length].into();
        let reply = gateway.handle(request, Moment::ORIGIN);
        assert_eq!(reply.head.status, status);
        assert_eq!(header_of(&reply, "x-request-id").is_none(), status == 413);
        assert_eq!(whole(&reply).starts_with(b"<html>"), status == 413);
    }
}

#[test]
fn versions_and_ids_are_echoed() {
    let mut gateway = gateway();
    for (headers, version, id) in [
        (&[][..], "2026-08", None),
        (&[("x-mesh-version", "2026-09")], "2026-09", None),
        (
            &[("x-mesh-version", "2026-09"), ("x-mesh-version", "2026-09")],
            "2026-09",
            None,
        ),
        (
            &[("x-request-id", "my:id.1_-")],
            "2026-08",
            Some("my:id.1_-"),
        ),
        (&[("x-request-id", "my id")], "2026-08", None),
    ] {
        let headers: Vec<_> = [("authorization", KEY)]
            .iter()
            .chain(headers)
            .copied()
            .collect();
        let request = request(Method::GET, "/v1/models", &headers, "");
        let reply = gateway.handle(request, Moment::ORIGIN);
        assert_eq!(header_of(&reply, "x-mesh-version"), Some(version));
        let echoed = header_of(&reply, "x-request-id").unwrap();
        assert!(
            id.map_or(echoed.starts_with("req_"), |id| id == echoed),
            "{echoed}"
        );
    }
    let mut older = gateway_with(|it| it.switches.version_echo = VersionEcho::MeshVersion);
    let reply = get(&mut older, "/v1/models");
    assert_eq!(header_of(&reply, "mesh-version"), Some("2026-08"));
    assert_eq!(header_of(&reply, "x-mesh-version"), None);
}

#[test]
fn the_same_seed_gives_the_same_ids() {
    let ids = |seed| {
        let mut gateway = gateway_with(|it| it.seed = seed);
        let made: Vec<String> = (0..3)
            .map(|_| {
                header_of(&get(&mut gateway, "/v1/models"), "x-request-id")
                    .unwrap()
                    .to_owned()
            })
            .collect();
        (made, gateway.key().to_owned())
    };
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
    assert!(gateway().key().starts_with("rsk_"));
}

#[test]
fn rates_are_fixed_windows_of_each_key() {
    let mut gateway = gateway_with(|it| it.requests_per_minute = Some(2));
    let mut at = |seconds, key| {
        let request = request(Method::GET, "/v1/models", &[("authorization", key)], "");
        gateway.handle(request, Moment::after_origin(Duration::from_secs(seconds)))
    };
    let other = "Bearer rsk_02EXAMPLE";
    assert_eq!(at(10, KEY).head.status, 200);
    assert_eq!(at(10, KEY).head.status, 200);
    let refused = at(45, KEY);
    assert_eq!(refused.head.status, 429);
    assert_eq!(code(&refused), "rate_limit_exceeded");
    assert_eq!(header_of(&refused, "retry-after"), Some("15"));
    assert_eq!(document(&refused)["error"]["retry_after_seconds"], 15);
    assert_eq!(at(45, other).head.status, 200);
    assert_eq!(at(60, KEY).head.status, 200);
}

#[test]
fn errors_take_the_form_that_is_asked_for() {
    let body = json!({"messages": [], "temperature": 3});
    for (form, expected) in [
        (ErrorForm::Documented, "/detail/0/msg"),
        (ErrorForm::Envelope, "/error/details/0/loc/1"),
        (ErrorForm::DetailText, "/detail"),
        (ErrorForm::MessageOnly, "/message"),
        (ErrorForm::ErrorText, "/error"),
    ] {
        let mut gateway = gateway_with(|it| it.switches.errors = form);
        let reply = chat(&mut gateway, &body);
        assert_eq!(reply.head.status, 422);
        assert!(
            document(&reply).pointer(expected).unwrap().is_string(),
            "{form}"
        );
    }
}

#[test]
fn no_key_is_ever_told() {
    let mut gateway = gateway();
    let model = json!({"model": "rsk_01SECRET", "messages": user("hi")});
    let reply = chat(&mut gateway, &model);
    assert_eq!(reply.head.status, 404);
    assert!(!format!("{reply:?}").contains("SECRET"));
    get(&mut gateway, "/v1/rsk_01SECRET?key=rsk_01SECRET");
    let page = whole(&get(&mut gateway, "/"));
    let page = String::from_utf8_lossy(&page);
    assert!(
        !page.contains("SECRET") && !page.contains("01EXAMPLE"),
        "{page}"
    );
    assert!(
        page.contains("GET /v1/(key)") && page.contains(gateway.key()),
        "{page}"
    );
}

#[test]
fn the_catalogue_is_filtered_and_shaped() {
    let mut gateway = gateway();
    let mut ids = |path: &str| -> Vec<String> {
        let reply = get(&mut gateway, path);
        assert_eq!(reply.head.status, 200, "{path}");
        let rows = document(&reply);
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = ids("/v1/models");
    assert!(all.len() >= 12 && all.iter().any(|id| !id.contains('/')));
    assert_eq!(ids("/v1/models?free=true").len(), 1);
    assert_eq!(ids("/v1/models?free=0&type=video"), ["google/veo-3.1-fast"]);
    assert_eq!(ids("/v1/models?provider=mesh%2Demulator"), all);
    assert!(
        ids("/v1/models?provider=anthropic&other=1")
            .iter()
            .all(|id| id.starts_with("anthropic/"))
    );
    let reply = get(&mut gateway, "/v1/models?type=smell");
    assert_eq!(reply.head.status, 422);
    assert_eq!(
        document(&reply)["detail"][0]["loc"],
        json!(["query", "type"])
    );

    let mut older = gateway_with(|it| {
        it.switches.model_list = ModelListShape::Data;
        it.switches.pricing = Pricing::Legacy;
    });
    let list = document(&get(&mut older, "/v1/models"));
    assert_eq!(list["data"][0]["pricing"]["prompt_usd_per_1k"], "0.0025");
    let versions = document(&get(&mut older, "/v1/api-versions"));
    assert_eq!(versions[0]["label"], "2026-08");
    assert_eq!(versions[1]["latest"], true);
}

use mesh_conformance::{Act, Exchange, Framing};
use mesh_proto::structured::{Parse, ParseReason, Schema};
use mesh_proto::{ChatRequest, Error, Outcome};
use serde_json::{Value, json};

use super::each;

/// A response that has an id of its own.
fn response(status: u16, id: &str, body: String) -> Exchange {
    let head = Act::Head {
        status,
        headers: vec![("x-request-id", id.to_owned())],
        framing: Framing::Length(body.len() as u64),
    };
    Exchange::new([head, Act::Data(body.into()), Act::End])
}

fn says(id: &str, content: &str) -> Exchange {
    let reply = json!({
        "choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
        "usage": {"completion_tokens": 3, "cost": "0.001"},
    });
    response(200, id, reply.to_string())
}

fn question(corrections: u32) -> Parse<Value> {
    let object = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let request = ChatRequest::new("m").user("How many?");
    Parse::with_schema(request, &Schema::new("count", object)).corrections(corrections)
}

#[test]
fn a_bad_answer_goes_back_with_what_is_wrong_and_every_round_is_kept() {
    let scripts = [says("req_1", "Three."), says("req_2", r#"{"n": 3}"#)];
    each(&scripts, |client, server| {
        let parsed = client.parse(question(1)).unwrap();
        assert_eq!(parsed.value, json!({"n": 3}));
        let ids: Vec<_> = parsed
            .rounds
            .iter()
            .filter_map(|it| it.head.request_id())
            .collect();
        assert_eq!(ids, ["req_1", "req_2"]);
        let bodies: Vec<Value> = server
            .rest()
            .iter()
            .map(|request| serde_json::from_slice(&request.body).unwrap())
            .collect();
        assert_eq!(bodies.len(), 2);
        assert_eq!(bodies[0]["response_format"], bodies[1]["response_format"]);
        assert_eq!(
            bodies[1]["messages"][1],
            json!({"role": "assistant", "content": "Three."})
        );
        let told = bodies[1]["messages"][2]["content"].as_str().unwrap();
        assert!(told.contains("prose instead of JSON"), "{told}");
    });
}

#[test]
fn nothing_is_asked_again_unasked() {
    each(&[says("req_1", "Three.")], |client, server| {
        let error = client.parse(question(0)).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("prose instead of JSON: \"Three.\" (request req_1)"),
            "{error}"
        );
        assert_eq!(server.rest().len(), 1);
    });
}

#[test]
fn a_round_that_fails_keeps_what_was_paid_for_before() {
    let refusal = response(
        402,
        "req_2",
        r#"{"error":{"code":"insufficient_credits","message":"empty"}}"#.to_owned(),
    );
    each(&[says("req_1", "Three."), refusal], |client, _server| {
        let error = client.parse(question(1)).unwrap_err();
        assert_eq!(error.outcome(), Outcome::Delivered);
        assert_eq!(
            (error.status().unwrap().as_u16(), error.request_id()),
            (402, Some("req_2"))
        );
        assert_eq!(error.code().unwrap().as_str(), "insufficient_credits");
        let Error::Parse(error) = error else {
            panic!("{error:?}")
        };
        assert!(matches!(error.reason(), ParseReason::Round(_)));
        assert_eq!(error.rounds().len(), 1);
        assert!(error.rounds()[0].usage.is_some());
    });
}

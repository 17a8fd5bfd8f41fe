//! What comes back, whole, broken or odd.

use super::*;

#[test]
fn an_end_without_its_mark_is_truncated_and_keeps_what_came() {
    for tail in ["", "data: {\"choices\":[{\"del", "data: [DON", ": ping\n\n"] {
        let run = run(
            stream(),
            &Settings::default(),
            &[vec![head(200), data(CHUNK), data(tail), Act::End]],
        );
        let error = run.result.unwrap_err();
        assert_eq!(
            *error.failure(),
            Failure::Decode(DecodeError::Truncated),
            "{tail:?}"
        );
        assert_eq!(
            (error.outcome(), error.request_id()),
            (Outcome::Delivered, Some("req_1"))
        );
        assert_eq!(run.partial.unwrap().text(), "hi");
    }
    // The end mark itself may lack its blank line.
    let run = run(
        stream(),
        &Settings::default(),
        &[vec![head(200), data(CHUNK), data("data: [DONE]"), Act::End]],
    );
    assert_eq!(run.result.unwrap().text(), "hi");
}

#[test]
fn the_end_mark_ends_the_call_whatever_follows() {
    let acts = vec![head(200), data(&format!("{CHUNK}{DONE}data: garbage"))];
    let run = run(stream(), &Settings::default(), &[acts]);
    assert_eq!(run.result.unwrap().text(), "hi");
    assert_eq!(run.at, run.began[0], "nothing was waited for");
}

#[test]
fn polls_repeat_a_step_until_it_is_answered_and_the_end_is_the_end() {
    let mut call = Call::new(chat(), &target(), &Settings::default(), Moment::ORIGIN, 0).unwrap();
    for _ in 0..3 {
        assert!(matches!(call.poll(Moment::ORIGIN), Step::Send(_)));
    }
    let Step::Send(outgoing) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    outgoing.head(parts(200, &[]));
    for _ in 0..3 {
        assert!(matches!(call.poll(Moment::ORIGIN), Step::Receive(_)));
    }
    let Step::Receive(incoming) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    incoming.data(REPLY.as_bytes());
    let Step::Receive(incoming) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    incoming.end();
    assert!(matches!(call.poll(Moment::ORIGIN), Step::Done(Ok(_))));
    for _ in 0..3 {
        let Step::Done(Err(error)) = call.poll(Moment::ORIGIN) else {
            panic!()
        };
        assert_eq!(*error.failure(), Failure::Finished);
    }
    assert_eq!(call.deadline(), None);
}

#[test]
fn no_error_shows_the_key_whoever_echoes_it() {
    let envelope = r#"{"error":{"code":"unauthorized","message":"bad key rsk_canary","details":{"got":"Bearer rsk_canary"}}}"#;
    let location = Act::Head(
        307,
        vec![("location", "https://evil.test/?k=rsk_canary".to_owned())],
    );
    for exchange in [
        whole(401, envelope),
        whole(401, "<html>rsk_canary"),
        whole(200, envelope),
        whole(200, "<html>rsk_canary"),
        whole(200, "{\"rsk_canary\":}"),
        vec![location, Act::End],
        vec![
            Act::Head(200, vec![("content-encoding", "rsk_canary".to_owned())]),
            Act::End,
        ],
    ] {
        let error = run(
            chat(),
            &Settings::default(),
            std::slice::from_ref(&exchange),
        )
        .result
        .unwrap_err();
        let shown = format!(
            "{error} {error:?} {:?}",
            error.api().map(|api| api.details.clone())
        );
        assert!(!shown.contains("canary"), "{shown}");
        let error = run(stream(), &Settings::default(), &[exchange])
            .result
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let exchange = vec![Act::Head(
        308,
        vec![("location", "https://elsewhere.test/v1".to_owned())],
    )];
    let error = run(ListModels::new(), &Settings::default(), &[exchange])
        .result
        .unwrap_err();
    assert!(
        matches!(error.failure(), Failure::Redirect { location: Some(to), .. } if to == "https://elsewhere.test/v1")
    );
    assert_eq!(error.attempts(), 1);

    // Which points nowhere, as it is no redirect.
    let error = run(ListModels::new(), &Settings::default(), &[whole(304, "")])
        .result
        .unwrap_err();
    assert_eq!(
        error.api().unwrap().to_string(),
        "Not Modified (304, request req_1)"
    );
}

#[test]
fn an_encoding_that_nobody_asked_for_is_an_error_of_its_own() {
    let exchange = vec![Act::Head(
        200,
        vec![("content-encoding", "zstd".to_owned())],
    )];
    let error = run(chat(), &Settings::default(), &[exchange])
        .result
        .unwrap_err();
    assert_eq!(
        *error.failure(),
        Failure::Decode(DecodeError::Encoding("zstd".to_owned()))
    );
}

#[test]
fn an_error_in_a_stream_has_the_heads_request_id() {
    for frame in [
        r#"data: {"error":{"code":"gateway_timeout","message":"too slow"}}"#,
        r#"data: {"error":"too slow"}"#,
        "event: error\ndata: {\"message\":\"too slow\"}",
    ] {
        let exchange = vec![head(200), data(&format!("{frame}\n\n{DONE}")), Act::End];
        let error = run(stream(), &Settings::default(), &[exchange])
            .result
            .unwrap_err();
        let api = error.api().unwrap();
        assert_eq!(
            (api.message.as_str(), api.request_id()),
            ("too slow", Some("req_1")),
            "{frame}"
        );
        assert_eq!(
            (error.outcome(), error.attempts()),
            (Outcome::Unknown, 1),
            "{frame}"
        );
    }
    // An error is one whatever stands beside it, and what stands beside it is kept.
    let beside = r#"data: {"error":{"code":"upstream_error","message":"m"},"choices":[{"delta":{"content":" there"},"finish_reason":"error"}]}"#;
    let exchange = vec![head(200), data(&format!("{CHUNK}{beside}\n\n{DONE}"))];
    let broken = run(stream(), &Settings::default(), &[exchange]);
    assert_eq!(broken.result.unwrap_err().api().unwrap().message, "m");
    assert_eq!(broken.partial.unwrap().text(), "hi there");
    let exchange = vec![
        head(200),
        data(&format!(
            "{CHUNK}data: {{\"error\":{{\"code\":\"brand_new\",\"message\":\"m\"}}}}\n\n"
        )),
    ];
    let error = run(stream(), &Settings::default(), &[exchange])
        .result
        .unwrap_err();
    assert_eq!(
        error.api().unwrap().code,
        Some(ErrorCode::Other("brand_new".to_owned()))
    );
    assert_eq!(error.outcome(), Outcome::Delivered);
}

#[test]
fn a_document_instead_of_a_stream_is_read_as_what_it_is() {
    let whole_reply = run(stream(), &Settings::default(), &[whole(200, REPLY)]);
    assert_eq!(
        whole_reply
            .events
            .iter()
            .map(|chunk| chunk.text().into_owned())
            .collect::<String>(),
        "hi"
    );
    assert_eq!(whole_reply.result.unwrap().text(), "hi");
    let html = run(
        stream(),
        &Settings::default(),
        &[whole(200, " <html>down</html>")],
    )
    .result
    .unwrap_err();
    assert!(
        matches!(
            html.failure(),
            Failure::Decode(DecodeError::NotJson {
                what: "HTML or XML",
                ..
            })
        ),
        "{html}"
    );
    let empty = run(stream(), &Settings::default(), &[whole(200, "\n")])
        .result
        .unwrap_err();
    assert!(
        matches!(
            empty.failure(),
            Failure::Decode(DecodeError::NotJson {
                what: "an empty body",
                ..
            })
        ),
        "{empty}"
    );
    let text = run(
        stream(),
        &Settings::default(),
        &[whole(200, "upstream connect error")],
    )
    .result
    .unwrap_err();
    assert!(
        matches!(text.failure(), Failure::Decode(DecodeError::NotJson { what: "text", excerpt }) if excerpt == "upstream connect error"),
        "{text}"
    );
    for body in [
        r#"{"detail":"overloaded"}"#,
        r#"{"message":"overloaded"}"#,
        r#"{"error":"overloaded","choices":[]}"#,
    ] {
        for error in [
            run(chat(), &Settings::default(), &[whole(200, body)])
                .result
                .unwrap_err(),
            run(stream(), &Settings::default(), &[whole(200, body)])
                .result
                .unwrap_err(),
        ] {
            assert_eq!(error.api().unwrap().message, "overloaded", "{body}");
        }
    }
    let shape = run(
        chat(),
        &Settings::default(),
        &[whole(200, r#"{"status":"ok"}"#)],
    )
    .result
    .unwrap_err();
    assert!(
        matches!(shape.failure(), Failure::Decode(DecodeError::Json { .. })),
        "{shape}"
    );
    let silent = run(
        chat(),
        &Settings::default(),
        &[whole(200, r#"{"choices":[{"message":{"content":""}}]}"#)],
    );
    assert_eq!(silent.result.unwrap().text(), "");
    let events = run(chat(), &Settings::default(), &[whole(200, CHUNK)]);
    assert_eq!(
        *events.result.unwrap_err().failure(),
        Failure::Decode(DecodeError::Truncated)
    );
    assert_eq!(events.partial.unwrap().text(), "hi");
}

#[test]
fn a_reply_is_the_same_plain_and_streamed() {
    let chunks = concat!(
        "data: {\"id\":\"c\",\"created\":1,\"model\":\"m\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"zwei\"}},{\"index\":0,\"delta\":{\"content\":\"ei\"}}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ns\"},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3},\"cost\":\"0.001\"}\n\n",
        "data: [DONE]\n\n",
    );
    let plain: ChatReply = serde_json::from_str(
        r#"{"id":"c","created":1,"model":"m","choices":[
            {"index":0,"message":{"role":"assistant","content":"eins"},"finish_reason":"stop"},
            {"index":1,"message":{"content":"zwei"},"finish_reason":"length"}],
            "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3},"cost":"0.001"}"#,
    )
    .unwrap();
    let run = run(stream(), &Settings::default(), &[whole(200, chunks)]);
    assert_eq!(run.result.unwrap().into_value(), plain);
}

/// Keeps lines, and takes none that is longer than five bytes.
#[derive(Default)]
struct ShortLines(Vec<String>);

impl Decode for ShortLines {
    type Event = std::convert::Infallible;
    type Output = Vec<String>;

    fn push(&mut self, chunk: bytes::Bytes) -> Result<(), DecodeError> {
        if chunk.len() > 5 {
            return Err(DecodeError::TooLarge {
                what: "line",
                limit: 5,
            });
        }
        self.0.push(String::from_utf8_lossy(&chunk).into_owned());
        Ok(())
    }

    fn end(&mut self) {}

    fn next(&mut self) -> Result<crate::endpoint::Decoded<Self::Event>, DecodeError> {
        Ok(crate::endpoint::Decoded::Starved)
    }

    fn finish(&mut self) -> Result<Vec<String>, DecodeError> {
        Ok(std::mem::take(&mut self.0))
    }

    fn partial(&mut self) -> Option<Vec<String>> {
        Some(std::mem::take(&mut self.0))
    }
}

struct Lines;

impl Endpoint for Lines {
    type Event = std::convert::Infallible;
    type Output = Vec<String>;
    type Decoder = ShortLines;

    fn replay(&self) -> Replay {
        Replay::Unprocessed
    }

    fn request(&self, target: &Target) -> Result<Request<Body>, BuildError> {
        Ok(target
            .request(http::Method::GET, "/v1/lines")?
            .body(Body::empty())?)
    }

    fn decoder(&self, _: &Head, _: &Limits) -> Result<ShortLines, DecodeError> {
        Ok(ShortLines::default())
    }
}

#[test]
fn what_a_decoder_had_before_it_refused_a_piece_is_kept() {
    let exchange = vec![head(200), data("one"), data("too long")];
    let run = run(Lines, &Settings::default(), &[exchange]);
    let error = run.result.unwrap_err();
    assert!(
        matches!(
            error.failure(),
            Failure::Decode(DecodeError::TooLarge { .. })
        ),
        "{error:?}"
    );
    assert_eq!(run.partial.unwrap(), ["one"]);
}

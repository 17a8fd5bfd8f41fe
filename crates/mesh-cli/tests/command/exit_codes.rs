//! Each way to fail has its exit code and its one line.

use std::process::Command;

use mesh_conformance::{Act, Exchange};
use serde_json::{Value, json};

use crate::answers::{
    chunk, data_url, document, done, end_of_body, error, event, finish, piece, png, reply, saying,
    server, stream,
};
use crate::running::{KEY, Ran, mesh, names_in, photo, run, speaking_to};

/// Asks about a photograph.
fn see(answer: Exchange) -> Ran {
    let server = server(answer);
    let ran = run(speaking_to(&server).arg("see").arg(photo("rocket.jpg")));
    assert_eq!(server.rest().len(), 1, "{ran:?}");
    ran
}

/// Asks for a picture, and expects none to be written.
fn draw(answer: Exchange) -> Ran {
    let directory = tempfile::tempdir().unwrap();
    let server = server(answer);
    let ran = run(speaking_to(&server)
        .current_dir(&directory)
        .args(["draw", "a fox", "-o", "fox.png"]));
    assert_eq!(names_in(directory.path()), [""; 0], "{ran:?}");
    ran
}

fn told(ran: &Ran, code: i32, what: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(code), ""), "{ran:?}");
    let line = ran.line();
    assert!(line.starts_with("mesh: ") && line.contains(what), "{line}");
}

#[test]
fn a_gateway_that_fails_is_1() {
    for ask in [see, draw] {
        told(
            &ask(error(500, "internal_error", "It broke")),
            1,
            "It broke",
        );
        told(
            &ask(error(502, "upstream_error", "The provider broke")),
            1,
            "The provider broke",
        );
        told(
            &ask(error(503, "provider_not_available", "Closed")),
            1,
            "Closed",
        );
        told(
            &ask(error(404, "model_not_found", "No such model")),
            1,
            "No such model",
        );
        told(
            &ask(Exchange::response(
                502,
                "content-type: text/html\r\n",
                "<html>Bad gateway</html>",
            )),
            1,
            "Bad gateway",
        );
        told(
            &ask(Exchange::response(
                200,
                "content-type: text/html\r\n",
                "<html>Welcome</html>",
            )),
            1,
            "HTML",
        );
        told(
            &ask(Exchange::response(
                307,
                "location: https://elsewhere.test/\r\n",
                "",
            )),
            1,
            "elsewhere.test",
        );
    }
    told(
        &see(stream([chunk("data: {\"choices\": nonsense}\n\n"), done()])),
        1,
        "JSON",
    );
}

#[test]
fn what_no_gateway_answers_is_not_called_billed_and_the_base_url_is_to_be_checked() {
    let page = |body| Exchange::response(200, "content-type: text/html\r\n", body);
    let no_content = || Exchange::new([Act::Raw("HTTP/1.1 204 No Content\r\n\r\n".into())]);
    for ask in [see, draw] {
        for answer in [page("<html>Log in</html>"), page(""), no_content()] {
            let ran = ask(answer);
            told(&ran, 1, "check MESHAPI_BASE_URL");
            let line = ran.line();
            assert!(line.contains("; asked http://127.0.0.1:"), "{line}");
            assert!(line.contains("may be billed"), "{line}");
            assert!(!line.contains("delivered"), "{line}");
        }
        let queued = Exchange::response(
            202,
            "content-type: application/json\r\n",
            r#"{"status":"queued"}"#,
        );
        told(&ask(queued), 1, "may be billed");
        let unmodified = ask(Exchange::response(304, "", ""));
        told(&unmodified, 1, "Not Modified (304)");
        let busy = Exchange::response(429, "retry-after: 99999999999999999999\r\n", "busy");
        told(&ask(busy), 4, "try again in more than a year");
    }
}

#[test]
fn an_error_tells_the_request_to_quote() {
    told(&see(error(500, "internal_error", "It broke")), 1, "req_7");
    told(&draw(error(500, "internal_error", "It broke")), 1, "req_7");
}

#[test]
fn wrong_usage_is_2() {
    let usages: [&[&str]; 8] = [
        &[],
        &["nonsense"],
        &["see"],
        &["see", "--nonsense", "a.png"],
        &["see", "--detail", "nonsense", "a.png"],
        &["draw"],
        &["draw", "a fox", "--response-format", "nonsense"],
        &["draw", " "],
    ];
    for arguments in usages {
        let ran = run(mesh().args(arguments).env("MESHAPI_API_KEY", KEY));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
        assert!(!ran.stderr.is_empty());
    }
}

#[test]
fn a_picture_that_the_gateway_finds_broken_is_2() {
    told(
        &see(error(400, "invalid_input", "The picture is truncated")),
        2,
        "truncated",
    );
    told(
        &see(Exchange::response(
            413,
            "content-type: text/html\r\n",
            "<h1>413 Too Large</h1>",
        )),
        2,
        "413",
    );
}

#[test]
fn a_key_that_is_refused_is_3_with_the_gateways_message() {
    for ask in [see, draw] {
        told(
            &ask(error(401, "unauthorized", "This key is not valid")),
            3,
            "This key is not valid",
        );
        told(
            &ask(error(403, "forbidden", "Not for this key")),
            3,
            "Not for this key",
        );
    }
}

#[test]
fn a_rate_or_quota_that_is_used_up_is_4() {
    for ask in [see, draw] {
        told(
            &ask(error(429, "rate_limit_exceeded", "Slow down")),
            4,
            "Slow down",
        );
        told(
            &ask(error(429, "insufficient_quota", "Nothing left")),
            4,
            "Nothing left",
        );
        told(
            &ask(error(402, "insufficient_credits", "Buy credits")),
            4,
            "Buy credits",
        );
        told(
            &ask(error(402, "spend_limit_exceeded", "Limit reached")),
            4,
            "Limit reached",
        );
    }
    // The same inside a stream, where the status says nothing.
    let inside = json!({"error": {"code": "rate_limit_exceeded", "message": "Slow down"}});
    told(&see(stream([event(&inside)])), 4, "Slow down");
}

#[test]
fn a_model_that_declines_to_look_is_5() {
    let refusing = json!({"choices": [{"index": 0, "delta": {"refusal": "I would rather not."}, "finish_reason": "stop"}]});
    told(
        &see(stream([event(&refusing), done()])),
        5,
        "I would rather not.",
    );
    told(
        &see(error(400, "content_policy_violation", "Not allowed")),
        5,
        "Not allowed",
    );
    told(&see(stream([finish("stop"), done()])), 5, "nothing");
    told(&see(document(&json!({"choices": []}))), 5, "nothing");
    told(
        &see(stream([event(&json!({"choices": []})), done()])),
        5,
        "nothing",
    );

    for filter in [
        "content_filter",
        "CONTENT_FILTER",
        "SAFETY",
        "PROHIBITED_CONTENT",
    ] {
        told(
            &see(stream([finish(filter), done()])),
            5,
            "a content filter withheld the answer",
        );
    }
    let words = json!({"choices": [{"index": 0, "delta": {"refusal": "Not this."}, "finish_reason": "content_filter"}]});
    told(
        &see(stream([event(&words), done()])),
        5,
        "the model refused: Not this.",
    );
}

#[test]
fn a_picture_in_place_of_words_is_told_to_be_one() {
    let message = json!({"content": "", "images": [{"image_url": {"url": data_url(&png())}}]});
    told(&see(reply(&message, "stop")), 5, "`mesh draw`");
    let delta = json!({"choices": [{"index": 0, "delta": message, "finish_reason": "stop"}]});
    told(&see(stream([event(&delta), done()])), 5, "`mesh draw`");
}

#[test]
fn a_model_that_sends_no_picture_is_5_with_what_it_says() {
    let message = |content: Value, refusal: Value| json!({"role": "assistant", "content": content, "refusal": refusal});
    let prose = message(json!("Foxes are shy."), Value::Null);
    told(&draw(reply(&prose, "stop")), 5, "Foxes are shy.");
    told(&draw(reply(&prose, "content_filter")), 5, "Foxes are shy.");
    let refusal = message(Value::Null, json!("Not a fox."));
    told(&draw(reply(&refusal, "stop")), 5, "Not a fox.");
    told(&draw(document(&json!({"choices": []}))), 5, "no picture");
    told(
        &draw(error(400, "content_policy_violation", "Not allowed")),
        5,
        "Not allowed",
    );
    let letter = json!({"content": "", "images": [{"b64_json": "aGVsbG8="}]});
    let ran = draw(reply(&letter, "stop"));
    told(&ran, 1, "not a picture but text");
    told(&ran, 1, "was made and is billed");
    let nothing = json!({"content": "", "images": [{"b64_json": "!!!!"}]});
    told(&draw(reply(&nothing, "stop")), 1, "base64");
}

#[test]
fn a_stream_that_is_cut_is_6_with_what_had_come() {
    let inside = json!({"error": {"code": "upstream_error", "message": "It broke"}});
    for cut in [
        vec![Act::Close],
        vec![Act::Raw("40\r\ndata: {\"choi".into()), Act::Close],
        vec![end_of_body()],
        vec![event(&inside), end_of_body()],
    ] {
        let ran = see(stream(
            [piece("A rocket "), piece("at night")]
                .into_iter()
                .chain(cut),
        ));
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(6), "A rocket at night\n"),
            "{ran:?}"
        );
        assert!(ran.line().starts_with("mesh: "), "{ran:?}");
    }
}

#[test]
fn stream_without_its_end_mark_is_6_unless_every_choice_has_its_finish_reason() {
    let ran = see(stream([event(&json!({"choices": []})), end_of_body()]));
    told(&ran, 6, "before it was complete");
    let ran = see(stream([piece("Some of it."), end_of_body()]));
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(6), "Some of it.\n"),
        "{ran:?}"
    );
    let ran = see(stream([piece("All of it."), finish("stop"), end_of_body()]));
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "All of it.\n"),
        "{ran:?}"
    );
}

#[test]
fn an_answer_that_ends_too_early_is_6() {
    for (reason, what) in [
        ("length", "cut off at the most tokens"),
        ("max_tokens", "cut off at the most tokens"),
        ("MAX_TOKENS", "cut off at the most tokens"),
        ("model_length", "cut off at the most tokens"),
        ("content_filter", "a content filter cut the answer off"),
        ("SAFETY", "a content filter cut the answer off"),
        ("insufficient_system_resource", "the answer ended with"),
        ("abort", "the answer ended with"),
        ("unknown", "the answer ended with"),
    ] {
        let ran = see(stream([piece("A rocket at"), finish(reason), done()]));
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(6), "A rocket at\n"),
            "{ran:?}"
        );
        let line = ran.line();
        assert!(line.contains(what), "{line}");
        assert!(!line.contains("A rocket"), "{line}");
    }
    told(
        &see(stream([finish("MAX_TOKENS"), done()])),
        6,
        "cut off at the most tokens",
    );
    // One that a gateway calls an error is one, whatever else is said of it.
    let ran = see(stream([piece("A rocket at"), finish("error"), done()]));
    assert_eq!(ran.code, Some(6), "{ran:?}");
}

#[test]
fn other_names_for_an_ordinary_end_are_0() {
    for reason in [
        "stop",
        "STOP",
        "eos",
        "eos_token",
        "end_turn",
        "stop_sequence",
        "COMPLETE",
        "function_call",
        "tool_calls",
        "a word of tomorrow",
    ] {
        let ran = see(stream([piece("A rocket."), finish(reason), done()]));
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (Some(0), "A rocket.\n", "")
        );
    }
}

#[test]
fn a_connection_that_is_lost_before_there_is_anything_to_show_is_1_and_may_be_billed() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n";
    for answer in [
        Exchange::new([Act::Raw(format!("{head}{{\"choi").into()), Act::Close]),
        stream([Act::Close]),
        Exchange::new([Act::Close]),
    ] {
        for ask in [see, draw] {
            told(&ask(answer.clone()), 1, "may be billed");
        }
    }
}

#[test]
fn the_codes_are_documented() {
    let ran = run(mesh().arg("--help"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for code in 0..=6 {
        assert!(
            ran.stdout.contains(&format!("\n  {code}  ")),
            "{code}: {}",
            ran.stdout
        );
    }
}

#[test]
fn what_works_is_0_and_silent() {
    let server = server(saying("A rocket."));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("picture.png");
    std::fs::write(&path, png()).unwrap();
    let command: &mut Command = &mut speaking_to(&server);
    let ran = run(command.arg("see").arg(path));
    assert_eq!(
        (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
        (Some(0), "A rocket.\n", "")
    );
}

//! Replies in another form than was asked for, and streams that end without their mark.

use super::*;

/// An exchange whose head names a content coding.
fn under(coding: &str, body: Act) -> Vec<Act> {
    let head = Act::Head(200, vec![("content-encoding", coding.to_owned())]);
    vec![head, body, Act::End]
}

#[test]
fn coding_that_is_not_one_is_ignored_over_plain_bytes() {
    for coding in [
        "identity",
        "",
        "aws-chunked",
        "UTF-8",
        "none",
        "undefined",
        "binary",
    ] {
        let plain = run(chat(), &Settings::default(), &[under(coding, data(REPLY))]);
        assert_eq!(plain.result.unwrap().text(), "hi");
        let events = data(&format!("{CHUNK}{DONE}"));
        let streamed = run(stream(), &Settings::default(), &[under(coding, events)]);
        assert_eq!(streamed.result.unwrap().text(), "hi");
    }
}

#[test]
fn bytes_under_an_unknown_coding_are_encoded_unless_they_are_text() {
    let error = |is_stream: bool, body: &'static [u8]| {
        let exchange = [under("aws-chunked", Act::Data(body.into()))];
        if is_stream {
            run(stream(), &Settings::default(), &exchange)
                .result
                .map(drop)
        } else {
            run(chat(), &Settings::default(), &exchange)
                .result
                .map(drop)
        }
        .unwrap_err()
    };
    let named = Failure::Decode(DecodeError::Encoding("aws-chunked".to_owned()));
    for is_stream in [true, false] {
        for body in [
            &b"\x1f\x8b\x08\0\0\0"[..],
            b"\x0b\x02\x80hello\x03",
            b"\xff\xfe\xfd",
        ] {
            assert_eq!(*error(is_stream, body).failure(), named);
        }
        for body in [
            &b"<html>\xff"[..],
            b"{\"choices\" oops \xff",
            b"upstream connect error",
            b"",
        ] {
            assert_ne!(*error(is_stream, body).failure(), named);
        }
    }
}

#[test]
fn event_stream_that_answers_a_plain_request_is_a_reply() {
    let whole = vec![head(200), data(&format!("{CHUNK}{CHUNK}{DONE}"))];
    let run = run(chat(), &Settings::default(), &[whole]);
    assert_eq!(run.result.unwrap().text(), "hihi");
    assert_eq!(
        run.at, run.began[0],
        "nothing was waited for after the mark"
    );
}

#[test]
fn event_stream_that_answers_a_plain_request_is_billed_once_it_has_begun() {
    let error = r#"data: {"error":{"code":"rate_limit_exceeded","message":"m"}}"#;
    let error = data(&format!("{error}\n\n"));
    for end in [Act::Fault(FaultKind::Lost, Sent::Whole), error.clone()] {
        let exchange = vec![head(200), data(CHUNK), end];
        let run = run(chat(), &Settings::default(), &[exchange]);
        assert_eq!(run.result.unwrap_err().outcome(), Outcome::Delivered);
        assert_eq!(run.partial.unwrap().text(), "hi");
    }
    let first = run(chat(), &Settings::default(), &[vec![head(200), error]]);
    assert_eq!(first.result.unwrap_err().outcome(), Outcome::Refused);
}

const FINISHED: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n";

fn ending(pieces: &[&str], end: Act) -> [Vec<Act>; 1] {
    let pieces = pieces.iter().map(|it| data(it));
    [std::iter::once(head(200))
        .chain(pieces)
        .chain([end])
        .collect()]
}

#[test]
fn clean_end_after_every_finish_reason_is_complete_without_its_mark() {
    for tail in [
        &[FINISHED][..],
        &[FINISHED, USAGE],
        &[FINISHED.trim_ascii_end()],
    ] {
        let pieces = [&[CHUNK], tail].concat();
        let ended = ending(&pieces, Act::End);
        for answer in [
            run(stream(), &Settings::default(), &ended).result.unwrap(),
            run(chat(), &Settings::default(), &ended).result.unwrap(),
        ] {
            assert_eq!(answer.text(), "hi");
            assert_eq!(answer.end, ReplyEnd::WithoutMark);
        }
        let marked = ending(&[&pieces[..], &["\n\n", DONE]].concat(), Act::End);
        let answer = run(stream(), &Settings::default(), &marked).result.unwrap();
        assert_eq!(answer.end, ReplyEnd::Regular);
        // A body that breaks off is not an end.
        let lost = ending(&pieces, Act::Fault(FaultKind::Lost, Sent::Whole));
        let lost = run(stream(), &Settings::default(), &lost);
        assert!(matches!(
            lost.result.unwrap_err().failure(),
            Failure::Fault(_)
        ));
        assert_eq!(lost.partial.unwrap().text(), "hi");
    }
}

#[test]
fn end_without_its_mark_is_truncated_if_a_choice_has_no_finish_reason() {
    let other = "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\n\n";
    let empty = FINISHED.replace("stop", "");
    let null = FINISHED.replace("\"stop\"", "null");
    for tail in [
        &[FINISHED, other][..],
        &[FINISHED, "data: [DON"],
        &[FINISHED, "data: {\"choices\":[{\"del"],
        &[&empty],
        &[&null],
        &[USAGE],
    ] {
        let ended = ending(&[&[CHUNK], tail].concat(), Act::End);
        let run = run(stream(), &Settings::default(), &ended);
        let error = run.result.unwrap_err();
        assert_eq!(
            *error.failure(),
            Failure::Decode(DecodeError::Truncated),
            "{tail:?}"
        );
        assert_eq!(run.partial.unwrap().text(), "hi");
    }
    // An empty reason after a real one takes nothing back.
    let ended = ending(&[CHUNK, FINISHED, &empty], Act::End);
    assert!(run(stream(), &Settings::default(), &ended).result.is_ok());
    // A reason that is an error stays one.
    let ended = ending(&[CHUNK, &FINISHED.replace("stop", "error")], Act::End);
    let broken = run(stream(), &Settings::default(), &ended)
        .result
        .unwrap_err();
    assert!(broken.api().is_some());
}

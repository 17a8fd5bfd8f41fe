//! Replies that come whole: however they are framed, and whatever they turn out to be.

use mesh_proto::Outcome;
use mesh_proto::call::FaultKind;

use super::{DONE, REPLY, data, delta, error_body, raw};
use crate::scenario::{Ask, Expected, Need, Scenario, Why};
use crate::script::{Act, Exchange, Framing, head};

pub(super) fn scenarios() -> Vec<Scenario> {
    let raw_reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{REPLY}",
        REPLY.len()
    );
    vec![
        Scenario::new(
            "reply",
            "a reply is read under its head",
            Ask::Chat,
        )
        .answers([Exchange::answer(200, REPLY)])
        .accepts(Expected::reply("hi")),
        Scenario::new(
            "reply_byte_by_byte",
            "letters of several bytes may be split anywhere",
            Ask::Chat,
        )
        .answers([Exchange::new([
            head(200, &[], Framing::Chunked),
            Act::Bytewise(r#"{"choices":[{"message":{"content":"größer 🦀"}}]}"#.into()),
            Act::End,
        ])])
        .accepts(Expected::reply("größer 🦀")),
        Scenario::new(
            "reply_until_closed",
            "a body without length ends with its connection",
            Ask::Chat,
        )
        .needs(&[Need::Http1])
        .answers([Exchange::new([
            head(200, &[], Framing::UntilClosed),
            data(REPLY),
            Act::End,
        ])])
        .accepts(Expected::reply("hi")),
        Scenario::new(
            "head_in_pieces",
            "a head may come in any pieces",
            Ask::Chat,
        )
        .needs(&[Need::Http1])
        .answers([Exchange::new(
            raw_reply.as_bytes().chunks(7).map(|piece| raw(piece.to_vec())),
        )])
        .accepts(Expected::reply("hi")),
        Scenario::new(
            "interim_heads",
            "interim responses are passed over",
            Ask::Chat,
        )
        .needs(&[Need::Http1])
        .answers([Exchange::new([
            raw("HTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n"),
            raw(raw_reply.clone()),
        ])])
        .accepts(Expected::reply("hi")),
        Scenario::new(
            "encoding_identity",
            "`identity` is no encoding",
            Ask::Chat,
        )
        .answers([Exchange::answer_with(
            200,
            &[("content-encoding", "identity")],
            REPLY,
        )])
        .accepts(Expected::reply("hi")),
        Scenario::new(
            "encoding_gzip",
            "a compression that nobody asked for is told by name; the work is billed",
            Ask::Chat,
        )
        .answers([Exchange::answer_with(
            200,
            &[("content-encoding", "gzip")],
            &b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"[..],
        )])
        .accepts(
            Expected::failure_after(200, Why::Encoding, Outcome::Delivered).says("gzip"),
        ),
        Scenario::new(
            "encoding_that_is_none",
            "a content coding that is none is ignored over plain bytes",
            Ask::Chat,
        )
        .answers([Exchange::answer_with(200, &[("content-encoding", "aws-chunked")], REPLY)])
        .accepts(Expected::reply("hi")),
        Scenario::new(
            "encoding_that_is_none_stream",
            "the same in a stream",
            Ask::ChatStream,
        )
        .answers([Exchange::answer_with(
            200,
            &[("content-encoding", "UTF-8"), ("content-type", "text/event-stream")],
            delta("hi") + DONE,
        )])
        .accepts(Expected::stream(["hi"])),
        Scenario::new(
            "encoding_unknown",
            "bytes that are not plain under a coding that is not known are told by its name",
            Ask::Chat,
        )
        .answers([Exchange::answer_with(
            200,
            &[("content-encoding", "undefined")],
            &b"\x0b\x02\x80hello\x03"[..],
        )])
        .accepts(
            Expected::failure_after(200, Why::Encoding, Outcome::Delivered).says("undefined"),
        ),
        Scenario::new(
            "events_instead_of_reply",
            "an event stream in place of a reply is read as one, up to its mark",
            Ask::Chat,
        )
        .answers([Exchange::stream([
            data(delta("h")),
            data(delta("i")),
            data(DONE),
            Act::Stall,
        ])])
        .accepts(Expected::reply("hi")),
        Scenario::new(
            "events_instead_of_reply_broken_off",
            "one that breaks off is billed",
            Ask::Chat,
        )
        .answers([Exchange::events([delta("h")])])
        .accepts(Expected::failure_after(200, Why::Truncated, Outcome::Delivered)),
        Scenario::new(
            "events_instead_of_image",
            "the same of an image",
            Ask::Draw,
        )
        .answers([Exchange::events([
            "data: {\"data\":[{\"b64_json\":\"iVBORw0KGgo=\"}]}\n\n",
        ])])
        .accepts(Expected::reply("[8]")),
        Scenario::new(
            "object_of_another_kind",
            "an object that has nothing of a reply is not an empty reply",
            Ask::Chat,
        )
        .answers([Exchange::answer(200, r#"{"object":"list","data":[]}"#)])
        .accepts(Expected::failure_after(200, Why::Json, Outcome::Delivered).says("no choices")),
        Scenario::new(
            "encoding_brotli_stream",
            "the same in a stream",
            Ask::ChatStream,
        )
        .answers([Exchange::answer_with(
            200,
            &[("content-encoding", "br"), ("content-type", "text/event-stream")],
            &b"\x0b\x02\x80hello\x03"[..],
        )])
        .accepts(Expected::failure_after(200, Why::Encoding, Outcome::Delivered).says("br")),
        Scenario::new(
            "html_with_200",
            "a proxy's page is no reply, and shown",
            Ask::Chat,
        )
        .answers([Exchange::answer(200, "<html>Welcome to the lobby</html>")])
        .accepts(
            Expected::failure_after(200, Why::NotJson, Outcome::Unknown).says("the lobby"),
        ),
        Scenario::new(
            "empty_with_200",
            "nothing is no reply",
            Ask::Chat,
        )
        .answers([Exchange::answer(200, "")])
        .accepts(
            Expected::failure_after(200, Why::NotJson, Outcome::Unknown).says("an empty body"),
        ),
        Scenario::new(
            "no_content",
            "a 204 is a success without a reply",
            Ask::Chat,
        )
        .answers([Exchange::new([head(204, &[], Framing::NoBody)])])
        .accepts(
            Expected::failure_after(204, Why::NotJson, Outcome::Unknown).says("an empty body"),
        ),
        Scenario::new(
            "error_with_200",
            "an error inside a success is the error that it is, and costs what it says",
            Ask::Chat,
        )
        .answers([Exchange::answer(200, error_body("content_policy_violation"))])
        .accepts(
            Expected::failure_after(200, Why::InBand, Outcome::Refused)
                .code("content_policy_violation")
                .says("told"),
        ),
        Scenario::new(
            "json_cut_off",
            "JSON that breaks off is a reply that is not whole",
            Ask::Chat,
        )
        .answers([Exchange::answer(200, r#"{"choices":[{"mess"#)])
        .accepts(Expected::failure_after(200, Why::Truncated, Outcome::Delivered)),
        Scenario::new(
            "json_of_another_kind",
            "JSON that is no reply is shown",
            Ask::Models,
        )
        .answers([Exchange::answer(200, r#"{"models":7}"#)])
        .accepts(Expected::failure_after(200, Why::Json, Outcome::Delivered).says("models")),
        Scenario::new(
            "null_list",
            "a list that is null is empty",
            Ask::Models,
        )
        .answers([Exchange::answer(200, r#"{"object":"list","data":null}"#)])
        .accepts(Expected::reply("")),
        Scenario::new(
            "length_unmet",
            "a body shorter than its length is a lost connection: the work may be billed, nothing is repeated",
            Ask::Chat,
        )
        .needs(&[Need::Http1])
        .answers([Exchange::new([
            head(200, &[], Framing::Length(1000)),
            data(REPLY),
            Act::Close,
        ])])
        .accepts(Expected::failure_after(
            200,
            Why::Fault(FaultKind::Lost),
            Outcome::Unknown,
        )),
        Scenario::new(
            "length_unmet_read",
            "a read whose body breaks off is repeated",
            Ask::Models,
        )
        .needs(&[Need::Http1])
        .answers([
            Exchange::new([
                head(200, &[], Framing::Length(1000)),
                data(r#"[{"id":"a"}]"#),
                Act::Close,
            ]),
            Exchange::answer(200, r#"[{"id":"a"}]"#),
        ])
        .accepts(Expected::reply("a").attempts(2)),
        Scenario::new(
            "chunked_cut",
            "a chunked body without its last chunk is a lost connection, though its JSON be whole",
            Ask::Chat,
        )
        // Over HTTP/2 a reset overtakes a head that has not left yet.
.needs(&[Need::Http1])
.answers([Exchange::new([
            head(200, &[], Framing::Chunked),
            data(REPLY),
            Act::Close,
        ])])
        .accepts(Expected::failure_after(
            200,
            Why::Fault(FaultKind::Lost),
            Outcome::Unknown,
        )),
        Scenario::new(
            "chunk_cut",
            "so is one that breaks off inside a chunk",
            Ask::Chat,
        )
        .needs(&[Need::Http1])
        .answers([Exchange::new([
            head(200, &[], Framing::Chunked),
            raw("ff\r\n{\"choices\""),
            Act::Close,
        ])])
        .accepts(Expected::failure_after(
            200,
            Why::Fault(FaultKind::Lost),
            Outcome::Unknown,
        )),
        Scenario::new(
            "reply_too_large",
            "a reply over the limit is a typed error, and the rest is not read",
            Ask::Chat,
        )
        .with(|settings| settings.limits.reply = 10_000)
        .answers([Exchange::new([
            head(200, &[], Framing::Chunked),
            data(vec![b' '; 9_000]),
            data(vec![b' '; 9_000]),
            Act::Stall,
        ])])
        .accepts(Expected::failure_after(200, Why::TooLarge, Outcome::Delivered)),
        Scenario::new(
            "length_too_large",
            "a length over the limit is enough to give up",
            Ask::Chat,
        )
        .with(|settings| settings.limits.reply = 10_000)
        .answers([Exchange::new([
            head(200, &[], Framing::Length(10_001)),
            data(" "),
            Act::Stall,
        ])])
        .accepts(Expected::failure_after(200, Why::TooLarge, Outcome::Delivered)),
        Scenario::new(
            "not_http",
            "what is not HTTP is a fault of the transport after the whole request",
            Ask::Chat,
        )
        .needs(&[Need::Http1])
        .answers([Exchange::new([raw("SSH-2.0-OpenSSH_9.6\r\n\r\n"), Act::Close])])
        .accepts(Expected::failure(Why::Fault(FaultKind::BadResponse), Outcome::Unknown))
        .accepts(Expected::failure(Why::Fault(FaultKind::Lost), Outcome::Unknown)),
    ]
}

//! Streams of events: every form that the standard and the gateway allow, in any pieces.

use mesh_proto::Outcome;

use super::{DONE, REPLY, data, delta, delta_json, error_body, says};
use crate::scenario::{Ask, Expected, Scenario, Why};
use crate::script::{Act, Exchange, Framing, head};

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut all = forms();
    all.extend(meanings());
    all
}

fn stream(name: &'static str, rule: &'static str) -> Scenario {
    Scenario::new(name, rule, Ask::ChatStream)
}

/// How a stream is written.
fn forms() -> Vec<Scenario> {
    let one_two = || Expected::stream(["one", "two"]);
    let whole = [delta("one"), delta("two"), DONE.to_owned()].concat();
    vec![
        stream(
            "events_as_they_come",
            "an event is shown before the next has come",
        )
        .answers([Exchange::stream([
            says("one"),
            Act::AwaitEvents(1),
            says("two"),
            Act::AwaitEvents(2),
            data(DONE),
            Act::End,
        ])])
        .accepts(one_two()),
        stream("events_in_one_piece", "one piece may hold many frames")
            .answers([Exchange::events([whole.clone()])])
            .accepts(one_two()),
        stream(
            "events_byte_by_byte",
            "frames and letters may be split anywhere",
        )
        .answers([Exchange::stream([
            Act::Bytewise(
                [delta("grün"), delta("🦀"), DONE.to_owned()]
                    .concat()
                    .into(),
            ),
            Act::End,
        ])])
        .accepts(Expected::stream(["grün", "🦀"])),
        stream("line_ends_crlf", "lines end with CRLF")
            .answers([Exchange::stream([
                Act::Bytewise(whole.replace('\n', "\r\n").into()),
                Act::End,
            ])])
            .accepts(one_two()),
        stream("line_ends_cr", "lines end with a bare CR")
            .answers([Exchange::events([whole.replace('\n', "\r")])])
            .accepts(one_two()),
        stream(
            "no_space_after_colon",
            "the space after the colon is optional",
        )
        .answers([Exchange::events([whole.replace("data: ", "data:")])])
        .accepts(one_two()),
        stream(
            "several_data_lines",
            "a frame's data lines are joined with a line feed",
        )
        .answers([Exchange::events([
            "data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"one\"}}]}\n\n"
                .to_owned(),
            DONE.to_owned(),
        ])])
        .accepts(Expected::stream(["one"])),
        stream("byte_order_mark", "a BOM at the start is passed over")
            .answers([Exchange::events([format!("\u{feff}{whole}")])])
            .accepts(one_two()),
        stream(
            "comments_and_fields",
            "comments, ids, types, reconnection times and unknown fields are passed over",
        )
        .answers([Exchange::events([format!(
            ": ping\n\nid: 7\nevent: chunk\nretry: 10\nx: y\n{}:\n\n{}{DONE}",
            delta("one"),
            delta("two")
        )])])
        .accepts(one_two()),
        stream(
            "line_separator_in_text",
            "U+2028, U+2029 and U+0085 end no line",
        )
        .answers([Exchange::events([
            delta("a\u{2028}b\u{2029}c\u{85}d"),
            DONE.to_owned(),
        ])])
        .accepts(Expected::stream(["a\u{2028}b\u{2029}c\u{85}d"])),
        stream(
            "done_without_blank_line",
            "the end ends the last frame, too",
        )
        .answers([Exchange::events([delta("one"), "data: [DONE]".to_owned()])])
        .accepts(Expected::stream(["one"])),
        stream(
            "done_ends_the_stream",
            "the end mark ends the call, and nobody waits for the socket",
        )
        .answers([Exchange::stream([says("one"), data(DONE), Act::Stall])])
        .accepts(Expected::stream(["one"])),
        stream("after_done", "what follows the end mark is passed over")
            .answers([Exchange::events([
                delta("one"),
                format!("{DONE}{}", error_body("internal_error")),
                delta("two"),
            ])])
            .accepts(Expected::stream(["one"])),
        stream(
            "content_type_of_another_kind",
            "a stream is known by its form, whatever it calls itself",
        )
        .answers([Exchange::new([
            head(
                200,
                &[("content-type", "application/json")],
                Framing::Chunked,
            ),
            data(whole.clone()),
            Act::End,
        ])])
        .accepts(one_two()),
        stream("stream_with_length", "a stream may have a length")
            .answers([Exchange::answer(200, whole)])
            .accepts(one_two()),
        stream("frame_of_32_mib", "a frame of 32 MiB is a frame")
            .answers([Exchange::events([
                delta(&"x".repeat(32 << 20)),
                DONE.to_owned(),
            ])])
            .accepts(Expected::stream([&"x".repeat(32 << 20)])),
        stream(
            "frame_without_end",
            "a frame over the limit is a typed error, and the rest is not read",
        )
        .with(|settings| settings.limits.frame = 100_000)
        .answers([Exchange::stream([
            says("one"),
            Act::AwaitEvents(1),
            data("data: {\"x\":\""),
            data(vec![b'x'; 200_000]),
            Act::Stall,
        ])])
        .accepts(
            Expected::failure_after(200, Why::TooLarge, Outcome::Delivered)
                .events(["one"])
                .partial("one")
                .says("frame"),
        ),
    ]
}

/// What a stream says.
fn meanings() -> Vec<Scenario> {
    vec![
        stream("usage_chunk", "a chunk without choices is an event without text")
            .answers([Exchange::events([
                delta("one"),
                "data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n".to_owned(),
                DONE.to_owned(),
            ])])
            .accepts(Expected::stream(["one", ""])),
        stream("events_of_responses", "events typed `response.*` are passed over")
            .answers([Exchange::events([
                "data: {\"type\":\"response.created\"}\n\n".to_owned(),
                delta("one"),
                DONE.to_owned(),
            ])])
            .accepts(Expected::stream(["one"])),
        stream("document_instead_of_stream", "a whole reply in place of a stream is one event")
            .answers([Exchange::answer(200, REPLY)])
            .accepts(Expected::stream(["hi"])),
        stream("error_instead_of_stream", "an error in place of a stream is the error that it is")
            .answers([Exchange::answer(200, error_body("model_not_found"))])
            .accepts(
                Expected::failure_after(200, Why::InBand, Outcome::Refused).code("model_not_found"),
            ),
        stream("html_instead_of_stream", "a page in place of a stream is shown")
            .answers([Exchange::answer_with(
                200,
                &[("content-type", "text/event-stream")],
                "<html>Welcome to the lobby</html>",
            )])
            .accepts(
                Expected::failure_after(200, Why::NotJson, Outcome::Unknown).says("the lobby"),
            ),
        stream("text_instead_of_stream", "so is text that is no stream")
            .answers([Exchange::answer(200, "upstream connect error")])
            .accepts(
                Expected::failure_after(200, Why::NotJson, Outcome::Unknown)
                    .says("upstream connect error"),
            ),
        stream("frame_that_is_no_json", "a frame that does not parse is told and never skipped")
            .answers([Exchange::events([
                delta("one"),
                "data: {\"choices\" oops}\n\n".to_owned(),
                delta("two"),
                DONE.to_owned(),
            ])])
            .accepts(
                Expected::failure_after(200, Why::Json, Outcome::Delivered)
                    .events(["one"])
                    .partial("one")
                    .says("oops"),
            ),
        stream("error_first", "an error as the first frame costs what its code says, and is not retried")
            .answers([Exchange::events([
                "data: {\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"told\"}}\n\n",
                DONE,
            ])])
            .accepts(
                Expected::failure_after(200, Why::InBand, Outcome::Refused)
                    .code("rate_limit_exceeded")
                    .partial(""),
            ),
        stream("error_in_the_middle", "an error after an event is billed, and what came before is kept")
            .answers([Exchange::events([
                delta("one"),
                "data: {\"error\":{\"code\":\"gateway_timeout\",\"message\":\"told\"},\"request_id\":\"req_2\"}\n\n".to_owned(),
                DONE.to_owned(),
            ])])
            .accepts(
                Expected::failure_after(200, Why::InBand, Outcome::Delivered)
                    .code("gateway_timeout")
                    .id("req_2")
                    .events(["one"])
                    .partial("one"),
            ),
        stream("error_last_without_blank_line", "an error that the end cuts short of its blank line is told")
            .answers([Exchange::events([
                delta("one"),
                "data: {\"error\":{\"code\":\"upstream_error\",\"message\":\"told\"}}".to_owned(),
            ])])
            .accepts(
                Expected::failure_after(200, Why::InBand, Outcome::Delivered)
                    .code("upstream_error")
                    .events(["one"])
                    .partial("one"),
            ),
        stream("error_as_text", "an error may be a mere text")
            .answers([Exchange::events([
                delta("one"),
                "data: {\"error\":\"the provider is gone\"}\n\n".to_owned(),
            ])])
            .accepts(
                Expected::failure_after(200, Why::InBand, Outcome::Delivered)
                    .events(["one"])
                    .partial("one")
                    .says("the provider is gone"),
            ),
        stream("error_line", "a field `error` with an object, as llama.cpp writes it, is an error")
            .answers([Exchange::events([
                delta("one"),
                "error: {\"code\":400,\"message\":\"the context is full\",\"type\":\"invalid_request_error\"}\n\n".to_owned(),
                DONE.to_owned(),
            ])])
            .accepts(
                Expected::failure_after(200, Why::InBand, Outcome::Delivered)
                    .events(["one"])
                    .partial("one")
                    .code("invalid_request_error")
                    .says("the context is full"),
            ),
        stream("error_line_first", "the same before any event costs what its code says")
            .answers([Exchange::events([
                "error: {\"code\":400,\"message\":\"the context is full\",\"type\":\"invalid_request_error\"}\n\n",
                DONE,
            ])])
            .accepts(
                Expected::failure_after(200, Why::InBand, Outcome::Refused)
                    .partial("")
                    .code("invalid_request_error")
                    .says("the context is full"),
            ),
        stream("signs_of_life", "words that keep a connection open are skipped")
            .answers([Exchange::events([
                delta("one"),
                "event: ping\ndata: ping\n\ndata: heartbeat\n\nevent: Keep-Alive\ndata: 7\n\n".to_owned(),
                delta("two"),
                DONE.to_owned(),
            ])])
            .accepts(Expected::stream(["one", "two"])),
        stream("done_without_brackets", "`DONE` ends a stream")
            .answers([Exchange::stream([says("one"), data("data: DONE\n\n"), Act::Stall])])
            .accepts(Expected::stream(["one"])),
        stream("done_in_quotes", "so does `[DONE]` in quotes")
            .answers([Exchange::stream([says("one"), data("data: \"[DONE]\"\n\n"), Act::Stall])])
            .accepts(Expected::stream(["one"])),
        stream("events_without_blank_lines", "lines of one event that are each a document are events")
            .answers([Exchange::events([
                delta("one").trim_end().to_owned(),
                "\n".to_owned() + &delta("two").replace("\n\n", "\n"),
                DONE.to_owned(),
            ])])
            .accepts(Expected::stream(["one", "two"])),
        stream("number_as_text", "a number in place of a text is its digits as received")
            .answers([Exchange::events([
                delta("one "),
                delta("0.10").replace("\"0.10\"", "0.10"),
                DONE.to_owned(),
            ])])
            .accepts(Expected::stream(["one ", "0.10"])),
        stream("error_event", "an event of the type `error` is one, in any envelope")
            .answers([Exchange::events([
                delta("one"),
                "event: error\ndata: {\"message\":\"the provider is gone\"}\n\n".to_owned(),
            ])])
            .accepts(
                Expected::failure_after(200, Why::InBand, Outcome::Delivered)
                    .events(["one"])
                    .partial("one")
                    .says("the provider is gone"),
            ),
        stream("error_beside_choices", "what stands beside an error is kept")
            .answers([Exchange::events([
                delta("one"),
                format!(
                    "data: {}\n\n",
                    delta_json("two").replacen('{', "{\"error\":{\"code\":\"internal_error\",\"message\":\"told\"},", 1)
                ),
            ])])
            .accepts(
                Expected::failure_after(200, Why::InBand, Outcome::Delivered)
                    .code("internal_error")
                    .events(["one"])
                    .partial("onetwo"),
            ),
    ]
}

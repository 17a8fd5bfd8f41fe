//! Pictures, whole and streamed.

use mesh_proto::Outcome;
use mesh_proto::call::FaultKind;

use super::{DONE, LIMIT, data, error, error_body};
use crate::scenario::{Ask, Expected, Scenario, Why};
use crate::script::{Act, Exchange};

/// The bytes of the PNG signature, as base64.
const PNG: &str = "iVBORw0KGgo=";

/// More than that, as the picture of a partial state.
const DRAFT: &str = "iVBORw0KGgpkcmFmdA==";

fn chunk(status: &str, picture: Option<&str>) -> String {
    let data = picture.map_or(String::new(), |base64| {
        format!(r#"{{"b64_json":"{base64}"}}"#)
    });
    format!("data: {{\"object\":\"image.chunk\",\"status\":\"{status}\",\"data\":[{data}]}}\n\n")
}

fn event(kind: &str, fields: &str) -> String {
    format!("event: {kind}\ndata: {{\"type\":\"{kind}\",{fields}}}\n\n")
}

pub(super) fn scenarios() -> Vec<Scenario> {
    let stream = |name, rule| Scenario::new(name, rule, Ask::DrawStream(1));
    let draw = |name, rule| Scenario::new(name, rule, Ask::Draw);
    let edit = |name, rule| Scenario::new(name, rule, Ask::Edit(300_000));
    let edited = || Exchange::answer(200, format!(r#"{{"data":[{{"b64_json":"{PNG}"}}]}}"#));
    vec![
        edit(
            "edit_as_form",
            "a picture goes out as a form, and what becomes of it comes back",
        )
        .answers([edited()])
        .accepts(Expected::reply("[8]")),
        edit(
            "edit_repeated",
            "a form is sent again to the letter where work plainly did not start",
        )
        .answers([error(503, "provider_not_available"), edited()])
        .accepts(Expected::reply("[8]").attempts(2)),
        edit("edit_lost", "and not where it may have been billed")
            .answers([error(502, "upstream_error"), edited()])
            .accepts(Expected::error(
                502,
                Some("upstream_error"),
                Outcome::Unknown,
            )),
        draw("picture_as_base64", "a picture comes as base64")
            .answers([Exchange::answer(
                200,
                format!(r#"{{"created":1,"data":[{{"b64_json":"{PNG}"}}]}}"#),
            )])
            .accepts(Expected::reply("[8]")),
        draw(
            "picture_as_data_url",
            "or as a data URL in `url`, with a media type that nobody trusts",
        )
        .answers([Exchange::answer(
            200,
            format!(r#"{{"data":[{{"url":"data:image/webp;base64,{PNG}"}}]}}"#),
        )])
        .accepts(Expected::reply("[8]")),
        draw(
            "picture_error_with_200",
            "an error inside a success is the error that it is",
        )
        .answers([Exchange::answer(
            200,
            error_body("content_policy_violation"),
        )])
        .accepts(
            Expected::failure_after(200, Why::InBand, Outcome::Refused)
                .code("content_policy_violation"),
        ),
        draw(
            "picture_lost",
            "a picture that is lost on its way may be billed, and is not drawn again",
        )
        .answers([Exchange::new([Act::Close])])
        .accepts(Expected::failure(
            Why::Fault(FaultKind::Lost),
            Outcome::Unknown,
        )),
        stream(
            "picture_stream",
            "work goes on, then the picture, then the end mark",
        )
        .answers([Exchange::events([
            chunk("processing", None),
            ": ping\n\n".to_owned(),
            chunk("completed", Some(PNG)),
            DONE.to_owned(),
        ])])
        .accepts(Expected::reply("[8]").events(["partial []", "final [8]"])),
        stream(
            "picture_ends_the_stream",
            "the final picture ends the stream, though no end mark comes",
        )
        .answers([Exchange::stream([
            data(chunk("processing", None)),
            data(chunk("done", Some(PNG))),
            Act::Stall,
        ])])
        .accepts(Expected::reply("[8]").events(["partial []", "final [8]"])),
        Scenario::new(
            "pictures_as_many_as_asked",
            "of two pictures the first does not end the stream",
            Ask::DrawStream(2),
        )
        .answers([Exchange::stream([
            data(chunk("completed", Some(PNG))),
            Act::AwaitEvents(1),
            data(chunk("completed", Some(DRAFT))),
            Act::Stall,
        ])])
        .accepts(Expected::reply("[8 13]").events(["final [8]", "final [13]"])),
        stream("picture_events_of_openai", "OpenAI's events are understood")
            .answers([Exchange::events([
                event(
                    "image_generation.partial_image",
                    &format!(r#""partial_image_index":0,"b64_json":"{DRAFT}""#),
                ),
                event(
                    "image_generation.completed",
                    &format!(r#""b64_json":"{PNG}""#),
                ),
            ])])
            .accepts(Expected::reply("[8]").events(["partial [13]", "final [8]"])),
        stream(
            "picture_cut_off",
            "of a stream that ends early the latest state is kept",
        )
        .answers([Exchange::events([
            chunk("processing", None),
            chunk("partial", Some(DRAFT)),
        ])])
        .accepts(
            Expected::failure_after(200, Why::Truncated, Outcome::Delivered)
                .events(["partial []", "partial [13]"])
                .partial("[13]"),
        ),
        stream("picture_reset", "so it is where the connection is lost")
            .answers([Exchange::stream([
                data(chunk("partial", Some(DRAFT))),
                Act::AwaitEvents(1),
                Act::Reset,
            ])])
            .accepts(
                Expected::failure_after(200, Why::Fault(FaultKind::Lost), Outcome::Delivered)
                    .events(["partial [13]"])
                    .partial("[13]"),
            ),
        stream("picture_stall", "and where the stream stands still")
            .with(|settings| settings.deadlines.idle = LIMIT)
            .answers([Exchange::stream([
                data(chunk("partial", Some(DRAFT))),
                Act::Stall,
            ])])
            .accepts(
                Expected::failure_after(200, Why::Idle, Outcome::Delivered)
                    .events(["partial [13]"])
                    .partial("[13]"),
            ),
        stream(
            "picture_error_in_the_stream",
            "an error after the work began is told with its code",
        )
        .answers([Exchange::events([
            chunk("processing", None),
            "data: {\"error\":{\"code\":\"provider_job_failed\",\"message\":\"told\"}}\n\n"
                .to_owned(),
            DONE.to_owned(),
        ])])
        .accepts(
            Expected::failure_after(200, Why::InBand, Outcome::Delivered)
                .code("provider_job_failed")
                .events(["partial []"])
                .partial("[]"),
        ),
        stream(
            "picture_instead_of_stream",
            "a document in place of a stream is one event",
        )
        .answers([Exchange::answer(
            200,
            format!(r#"{{"data":[{{"b64_json":"{PNG}"}}]}}"#),
        )])
        .accepts(Expected::reply("[8]").events(["final [8]"])),
        stream("picture_busy", "a stream that has not begun is tried again")
            .answers([
                error(503, "provider_not_available"),
                Exchange::events([chunk("completed", Some(PNG)), DONE.to_owned()]),
            ])
            .accepts(Expected::reply("[8]").events(["final [8]"]).attempts(2)),
    ]
}

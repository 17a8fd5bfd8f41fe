//! Streams that end as they should not.

use mesh_proto::Outcome;
use mesh_proto::call::FaultKind;

use super::{DONE, data, delta, raw, says};
use crate::scenario::{Ask, Expected, Need, Scenario, Why};
use crate::script::{Act, Exchange, Framing, head};

const FINISHED: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n";

fn stream(name: &'static str, rule: &'static str) -> Scenario {
    Scenario::new(name, rule, Ask::ChatStream)
}

pub(super) fn scenarios() -> Vec<Scenario> {
    let lost = || {
        Expected::failure_after(200, Why::Fault(FaultKind::Lost), Outcome::Delivered)
            .events(["one"])
            .partial("one")
    };
    let truncated = |outcome| Expected::failure_after(200, Why::Truncated, outcome);
    vec![
        stream("done_missing", "an end without its mark is no success; what came is kept")
            .answers([Exchange::events([delta("one"), delta("two")])])
            .accepts(
                truncated(Outcome::Delivered)
                    .events(["one", "two"])
                    .partial("onetwo"),
            ),
        stream("done_missing_after_finish_reason", "a clean end after every finish reason is complete without its mark")
            .answers([Exchange::events([delta("one"), FINISHED.to_owned(), USAGE.to_owned()])])
            .accepts(Expected::stream(["one", "", ""])),
        stream("done_missing_until_closed", "the same if the body ends with its connection")
            .needs(&[Need::Http1])
            .answers([Exchange::new([
                head(200, &[], Framing::UntilClosed),
                says("one"),
                data(FINISHED),
                Act::End,
            ])])
            .accepts(Expected::stream(["one", ""])),
        stream("done_missing_with_length", "the same if the body has a length")
            .answers([Exchange::answer(200, delta("one") + FINISHED)])
            .accepts(Expected::stream(["one", ""])),
        stream("closed_after_finish_reason", "a body without its last chunk is lost, whatever it said")
            .answers([Exchange::stream([
                says("one"),
                data(FINISHED),
                Act::AwaitEvents(2),
                Act::Close,
            ])])
            .accepts(
                Expected::failure_after(200, Why::Fault(FaultKind::Lost), Outcome::Delivered)
                    .events(["one", ""])
                    .partial("one"),
            ),
        stream("length_unmet_after_finish_reason", "so is one that is shorter than its length")
            .needs(&[Need::Http1])
            .answers([Exchange::new([
                head(200, &[], Framing::Length(1000)),
                says("one"),
                data(FINISHED),
                Act::AwaitEvents(2),
                Act::Close,
            ])])
            .accepts(
                Expected::failure_after(200, Why::Fault(FaultKind::Lost), Outcome::Delivered)
                    .events(["one", ""])
                    .partial("one"),
            ),
        stream("one_choice_unfinished", "a choice without its finish reason is not complete")
            .answers([Exchange::events([
                delta("one"),
                FINISHED.to_owned(),
                FINISHED.replace("\"stop\"", "null").replace("\"index\":0", "\"index\":1"),
            ])])
            .accepts(
                truncated(Outcome::Delivered)
                    .events(["one", "", ""])
                    .partial("one"),
            ),
        stream("last_frame_without_blank_line", "a last frame without its blank line is shown all the same")
            .answers([Exchange::events([
                delta("one"),
                delta("two").trim_end().to_owned(),
            ])])
            .accepts(
                truncated(Outcome::Delivered)
                    .events(["one", "two"])
                    .partial("onetwo"),
            ),
        stream("last_frame_cut_off", "a frame that the end cuts off is not shown, and not an error of its own")
            .answers([Exchange::events([
                delta("one"),
                "data: {\"choices\":[{\"del".to_owned(),
            ])])
            .accepts(truncated(Outcome::Delivered).events(["one"]).partial("one")),
        stream("only_comments", "a stream of comments is no reply")
            .answers([Exchange::events([": ping\n\n", ": ping\n\n"])])
            .accepts(truncated(Outcome::Delivered)),
        stream("nothing_after_the_head", "a stream of nothing is no reply")
            .answers([Exchange::stream([Act::End])])
            .accepts(
                Expected::failure_after(200, Why::NotJson, Outcome::Unknown).says("an empty body"),
            ),
        stream("only_done", "a stream that only ends is a reply of nothing")
            .answers([Exchange::events([DONE])])
            .accepts(Expected::stream([])),
        stream("reset_after_first_event", "after the first event nothing is repeated; what came is kept")
            .answers([Exchange::stream([says("one"), Act::AwaitEvents(1), Act::Reset])])
            .accepts(lost()),
        stream("closed_after_first_event", "the same where the connection closes without a last chunk")
            .answers([Exchange::stream([says("one"), Act::AwaitEvents(1), Act::Close])])
            .accepts(lost()),
        stream("reset_inside_a_frame", "the same in the middle of a frame")
            .answers([Exchange::stream([
                says("one"),
                data("data: {\"choi"),
                Act::AwaitEvents(1),
                Act::Reset,
            ])])
            .accepts(lost()),
        stream("closed_inside_a_chunk", "the same in the middle of a chunk")
            .needs(&[Need::Http1])
            .answers([Exchange::stream([
                says("one"),
                raw("40\r\ndata: {\"choi"),
                Act::Close,
            ])])
            .accepts(lost()),
        stream("reset_before_done", "the same just before the end mark")
            .answers([Exchange::stream([
                says("one"),
                data("data: [DO"),
                Act::AwaitEvents(1),
                Act::Reset,
            ])])
            .accepts(lost()),
        stream("reset_after_done", "a connection that dies after the end mark harms nobody")
            .answers([Exchange::stream([says("one"), data(DONE), Act::AwaitEvents(1), Act::Reset])])
            .accepts(Expected::stream(["one"])),
        stream("chunks_that_are_none", "a broken chunk is a lost connection")
            .needs(&[Need::Http1])
            .answers([Exchange::stream([
                says("one"),
                Act::AwaitEvents(1),
                raw("zz\r\nhello\r\n"),
                Act::Close,
            ])])
            .accepts(lost())
            .accepts(
                Expected::failure_after(200, Why::Fault(FaultKind::BadResponse), Outcome::Delivered)
                    .events(["one"])
                    .partial("one"),
            ),
        stream("closed_before_first_event", "a stream that dies before its first event may have cost something, and is not repeated")
            // Over HTTP/2 a reset overtakes a head that has not left yet.
.needs(&[Need::Http1])
.answers([Exchange::stream([data(": ping\n\n"), Act::Close])])
            .accepts(Expected::failure_after(
                200,
                Why::Fault(FaultKind::Lost),
                Outcome::Unknown,
            )),
    ]
}

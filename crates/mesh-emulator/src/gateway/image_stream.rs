//! An images answer as server-sent events ([protocol reference, section 5.2](mesh_proto::protocol#52-streamed-generations)).

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::events;
use super::image_reply::{Answer, Picture};
use super::settings::GatewaySettings;
use super::switches::PartialImages;

/// How many paces drawing takes.
const PACES: u32 = 24;

/// The answer as a stream: that work goes on, keep-alive comments, earlier states of the pictures
/// where they are asked for, the pictures, the end.
pub(super) fn streamed(answer: &Answer, settings: &GatewaySettings) -> Draft {
    let drawing = settings.pace.saturating_mul(PACES);
    let mut frames = vec![(Duration::ZERO, chunk(answer, "processing", json!([])))];
    let mut work: Vec<(Duration, Bytes)> = pings(drawing, settings.ping)
        .map(|at| (at, events::PING))
        .collect();
    // A declined prompt has no picture to tell of in an event of its own.
    let speaks_openai = answer.events == PartialImages::OpenAiEvents
        && answer.model.is_openai()
        && !answer.pictures.is_empty();
    let stages = answer.pictures.first().map_or(0, |it| it.earlier.len());
    for stage in 0..stages {
        let at = share(drawing, stage + 1, stages + 1);
        if speaks_openai {
            work.extend(partial_events(answer, stage).map(|event| (at, event)));
        } else {
            work.push((at, partial_chunk(answer, stage)));
        }
    }
    work.sort_by_key(|(at, _)| *at);
    frames.extend(work);
    if speaks_openai {
        frames.extend(completed_events(answer).map(|event| (drawing, event)));
    } else {
        frames.push((drawing, last_chunk(answer)));
    }
    frames.push((drawing.saturating_add(settings.pace), events::DONE));
    Draft::events(frames)
}

/// When the comments leave: at the interval, and once at least before drawing ends.
fn pings(drawing: Duration, interval: Duration) -> impl Iterator<Item = Duration> {
    const MOST: u32 = 10_000;
    let interval = interval.max(drawing / MOST).min(drawing / 2);
    let others = (2..=MOST)
        .map(move |number| interval.saturating_mul(number))
        .take_while(move |at| *at < drawing);
    std::iter::once(interval).chain(others)
}

fn share(whole: Duration, part: usize, parts: usize) -> Duration {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    (whole / number(parts)).saturating_mul(number(part))
}

fn frame(answer: &Answer, status: &str, data: Value) -> Map<String, Value> {
    let mut frame = Map::new();
    frame.insert("id".to_owned(), answer.id.clone().into());
    frame.insert("object".to_owned(), "image.chunk".into());
    frame.insert("created".to_owned(), answer.created.into());
    frame.insert("model".to_owned(), answer.model.id.into());
    frame.insert("status".to_owned(), status.into());
    frame.insert("data".to_owned(), data);
    frame
}

fn chunk(answer: &Answer, status: &str, data: Value) -> Bytes {
    events::event(&Value::Object(frame(answer, status, data)))
}

fn partial_chunk(answer: &Answer, stage: usize) -> Bytes {
    let mut frame = frame(answer, "partial", answer.earlier_data(stage));
    frame.insert("partial_image_index".to_owned(), stage.into());
    events::event(&Value::Object(frame))
}

fn last_chunk(answer: &Answer) -> Bytes {
    let mut frame = frame(answer, "completed", answer.data());
    answer.tell_facts(&mut frame);
    if let Some(usage) = answer.usage {
        frame.insert("usage".to_owned(), usage.of_images());
    }
    events::event(&Value::Object(frame))
}

fn partial_events(answer: &Answer, stage: usize) -> impl Iterator<Item = Bytes> {
    let states = answer
        .pictures
        .iter()
        .filter_map(move |it| it.earlier.get(stage));
    states.map(move |picture| {
        let index = [("partial_image_index", Value::from(stage))];
        picture_event(answer, PARTIAL, picture.base64(), index)
    })
}

fn completed_events(answer: &Answer) -> impl Iterator<Item = Bytes> {
    let count = answer.pictures.len();
    (1..).zip(&answer.pictures).map(move |(number, picture)| {
        let Picture { last, .. } = picture;
        // The usage is that of all, and comes once.
        let usage = answer.usage.filter(|_| number == count);
        let usage = usage.map(|usage| ("usage", usage.of_image_events()));
        picture_event(answer, COMPLETED, last.base64(), usage)
    })
}

const PARTIAL: &str = "image_generation.partial_image";
const COMPLETED: &str = "image_generation.completed";

fn picture_event(
    answer: &Answer,
    kind: &str,
    base64: String,
    more: impl IntoIterator<Item = (&'static str, Value)>,
) -> Bytes {
    let mut event = Map::new();
    event.insert("type".to_owned(), kind.into());
    event.insert("b64_json".to_owned(), base64.into());
    event.insert("created_at".to_owned(), answer.created.into());
    answer.tell_facts(&mut event);
    for (name, value) in more {
        event.insert(name.to_owned(), value);
    }
    events::named_event(kind, &Value::Object(event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pings_come_at_the_interval_and_once_at_least() {
        let seconds = Duration::from_secs;
        for (drawing, interval, expected) in [
            (seconds(20), seconds(5), &[5, 10, 15][..]),
            (seconds(21), seconds(5), &[5, 10, 15, 20]),
            (seconds(4), seconds(5), &[2]),
            (seconds(0), seconds(5), &[0]),
        ] {
            let told: Vec<u64> = pings(drawing, interval).map(|it| it.as_secs()).collect();
            assert_eq!(told, expected, "{drawing:?} {interval:?}");
        }
        for drawing in [1, 2, 999, 86_400_000_000_000, u64::MAX].map(Duration::from_nanos) {
            let told: Vec<Duration> = pings(drawing, Duration::ZERO).collect();
            assert!((1..=10_000).contains(&told.len()));
            assert!(told.is_sorted() && told.iter().all(|at| *at < drawing));
        }
    }
}

//! The images endpoint: what is sent, and what comes back, plain and streamed ([protocol reference,
//! section 5](mesh_proto::protocol#5-image-endpoints)).

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use std::io::Read as _;

use bytes::Bytes;
use mesh_proto::call::Failure;
use mesh_proto::chat::{ImageFormat, Quality};
use mesh_proto::endpoint::ImageStream;
use mesh_proto::error::Absence;
use mesh_proto::error::DecodeError;
use mesh_proto::image::{Image, MediaType};
use mesh_proto::images::{
    Background, ImageReply, ImageRequest, OutputFormat, SequentialGeneration,
};
use mesh_proto::{ApiKey, Endpoint, Target};
use serde_json::{Value, json};

const PNG: &str = "iVBORw0KGgo=";
const MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";

fn sent(endpoint: &impl Endpoint) -> http::Request<String> {
    let target = Target::production(ApiKey::new("rsk_1").unwrap());
    endpoint.request(&target).unwrap().map(|body| {
        let mut text = String::new();
        body.reader().read_to_string(&mut text).unwrap();
        text
    })
}

fn fox() -> ImageRequest {
    ImageRequest::new("openai/gpt-image-1", "a fox")
}

#[test]
fn the_request_has_every_field_of_the_reference() {
    let fields = json!({
        "model": "openai/gpt-image-1", "prompt": "a fox", "n": 2, "size": "1024x1024", "quality": "high",
        "response_format": "b64_json", "output_format": "webp", "output_compression": 80,
        "background": "transparent", "moderation": "low", "partial_images": 3, "seed": -1,
        "guidance_scale": 7.5, "aspect_ratio": "16:9", "resolution": "2K", "watermark": false,
        "sequential_image_generation": "disabled", "sequential_image_generation_options": {"max_images": 3},
        "optimize_prompt_options": {"mode": "fast"}, "brand_new": [1],
        "image": ["https://example.com/a.png", "data:image/png;base64,iVBORw0KGgo="]
    });
    let request: ImageRequest = serde_json::from_value(fields.clone()).unwrap();
    assert_eq!(request.output_format, Some(OutputFormat::Webp));
    assert_eq!(request.background, Some(Background::Transparent));
    assert_eq!(
        serde_json::from_str::<Value>(sent(&request).body()).unwrap(),
        fields
    );
    assert_eq!(
        serde_json::to_string(&request).unwrap(),
        *sent(&request).body()
    );
}

#[test]
fn fields_stand_in_their_documented_order() {
    let mut request = fox().reference(Image::from_bytes(MAGIC).unwrap());
    request.quality = Some(Quality::Low);
    request.response_format = Some(ImageFormat::Url);
    let plain = sent(&request);
    assert_eq!(plain.uri(), "https://api.meshapi.ai/v1/images/generations");
    assert_eq!(
        plain.body(),
        r#"{"model":"openai/gpt-image-1","prompt":"a fox","quality":"low","response_format":"url","image":"data:image/png;base64,iVBORw0KGgo="}"#
    );
    let streamed = sent(&ImageStream::new(&request).unwrap());
    assert!(
        streamed
            .body()
            .starts_with(r#"{"model":"openai/gpt-image-1","stream":true,"#),
        "{}",
        streamed.body()
    );
    assert_eq!(streamed.headers()["accept"], "text/event-stream");
}

#[test]
fn values_that_break_a_rule_are_named_before_anything_is_sent() {
    let target = Target::production(ApiKey::new("rsk_1").unwrap());
    for (field, change) in [
        (
            "prompt",
            (|it| it.prompt = " ".to_owned()) as fn(&mut ImageRequest),
        ),
        ("model", |it| it.model = Some(String::new())),
        ("n", |it| it.n = Some(0)),
        ("n", |it| it.n = Some(11)),
        ("output_compression", |it| it.output_compression = Some(101)),
        ("partial_images", |it| it.partial_images = Some(4)),
        ("seed", |it| it.seed = Some(-2)),
        ("seed", |it| it.seed = Some(1 << 31)),
        ("guidance_scale", |it| it.guidance_scale = Some(0.9)),
        ("guidance_scale", |it| it.guidance_scale = Some(f64::NAN)),
    ] {
        let mut request = fox();
        change(&mut request);
        let error = request.request(&target).unwrap_err().to_string();
        assert!(error.starts_with(field), "{error}");
        assert!(ImageStream::new(&request).is_err());
    }
}

fn plain(body: &str) -> Result<ImageReply, Failure> {
    fox()
        .read(http::Response::new(Bytes::copy_from_slice(body.as_bytes())))
        .map(|answer| answer.value)
}

fn streamed(request: &ImageRequest, body: &str) -> Result<ImageReply, Failure> {
    let response = http::Response::new(Bytes::copy_from_slice(body.as_bytes()));
    ImageStream::new(request)
        .unwrap()
        .read(response)
        .map(|answer| answer.value)
}

#[test]
fn rows_1_to_5_of_the_reference() {
    let body = r#"{"created":1790000000,"data":[{"url":"data:image/webp;base64,UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==","revised_prompt":"r"}],"size":"1024x1024"}"#;
    let reply = plain(body).unwrap();
    let [image] = reply.images().try_into().unwrap();
    assert!(image.bytes().unwrap().starts_with(b"RIFF"));
    assert_eq!(image.media_type().unwrap().0, MediaType::WEBP);
    assert_eq!(image.revised_prompt(), Some("r"));
    assert_eq!(
        (reply.created, reply.size.as_deref()),
        (Some(1_790_000_000), Some("1024x1024"))
    );

    let reply = plain(r#"{"data":[{"url":"https://cdn.test/a.png"},{"b64_json":"iVBORw0KGgo"}],"created":"x","usage":[]}"#).unwrap();
    let [remote, inline] = reply.images().try_into().unwrap();
    assert_eq!(remote.remote_url(), Some("https://cdn.test/a.png"));
    assert_eq!(inline.bytes().unwrap(), MAGIC);

    for (error, message) in [
        (r#"{"error":{"message":"m"},"data":[]}"#, "m"),
        (r#"{"detail":"d"}"#, "d"),
    ] {
        let Failure::Decode(DecodeError::Api(api)) = plain(error).unwrap_err() else {
            panic!("{error}")
        };
        assert_eq!(api.message, message);
    }
    assert!(matches!(
        plain(r#"{"status":"ok"}"#),
        Err(Failure::Decode(DecodeError::Json { .. }))
    ));
}

#[test]
fn an_answer_without_a_picture_is_an_error_that_says_why() {
    for (data, reason, text) in [
        (json!([]), Absence::Empty, ""),
        (json!([{}]), Absence::Empty, ""),
        (
            json!([{"url": "", "b64_json": null, "message": "not this"}]),
            Absence::Empty,
            "not this",
        ),
        (
            json!([{"refusal": "I will not"}]),
            Absence::Refusal,
            "I will not",
        ),
        (
            json!([{"finish_reason": "content_filter", "text": "violence"}]),
            Absence::ContentFilter,
            "violence",
        ),
        (
            json!([{"raiFilteredReason": "people"}]),
            Absence::ContentFilter,
            "people",
        ),
    ] {
        let body = json!({"created": 1, "data": data, "usage": {"total_tokens": 4}}).to_string();
        let stream =
            format!("data: {{\"status\":\"processing\"}}\n\ndata: {body}\n\ndata: [DONE]\n\n");
        for failure in [
            plain(&body).unwrap_err(),
            streamed(&fox(), &stream).unwrap_err(),
        ] {
            let Failure::Decode(DecodeError::NoPicture(absence)) = failure else {
                panic!("{failure:?}")
            };
            assert_eq!((absence.reason, absence.text.as_str()), (reason, text));
            assert_eq!(absence.usage.unwrap().total_tokens, Some(4));
        }
    }
}

#[test]
fn the_model_decides_how_long_a_series_is() {
    let mut series = fox();
    series.sequential_image_generation = Some(SequentialGeneration::Auto);
    let picture = format!("data: {{\"data\":[{{\"b64_json\":\"{PNG}\"}}]}}\n\n");
    let body = format!(
        "{picture}{}data: [DONE]\n\n",
        picture.replace("Ggo", "GgoAAAA")
    );
    assert_eq!(streamed(&series, &body).unwrap().images().len(), 2);
    assert_eq!(streamed(&fox(), &body).unwrap().images().len(), 1);
    assert!(matches!(
        streamed(&series, &picture),
        Err(Failure::Decode(DecodeError::Truncated))
    ));
}

#[test]
fn the_stream_of_the_reference() {
    let body = concat!(
        "data: {\"id\":\"img_1\",\"object\":\"image.chunk\",\"created\":1790000000,\"status\":\"processing\",\"data\":[]}\n\n",
        ": ping\n\n",
        "data: {\"id\":\"img_1\",\"object\":\"image.chunk\",\"created\":1790000041,\"status\":\"completed\",\"data\":[{\"b64_json\":\"iVBORw0KGgo=\"}]}\n\n",
    );
    // The end mark, or the final picture, ends it.
    for end in ["data: [DONE]\n\n", "", "data: gar"] {
        let reply = streamed(&fox(), &format!("{body}{end}")).unwrap();
        assert_eq!(reply.images()[0].bytes().unwrap(), MAGIC);
        assert_eq!(reply.created, Some(1_790_000_000));
    }
    // Two pictures were asked for, and one came.
    let mut two = fox();
    two.n = Some(2);
    assert!(matches!(
        streamed(&two, body),
        Err(Failure::Decode(DecodeError::Truncated))
    ));
    assert_eq!(
        streamed(&two, &format!("{body}data: [DONE]\n\n"))
            .unwrap()
            .images()
            .len(),
        1
    );
    // A document instead of a stream.
    let document =
        format!(r#"{{"data":[{{"b64_json":"{PNG}"}}],"size":"1x1","usage":{{"total_tokens":3}}}}"#);
    assert_eq!(
        streamed(&fox(), &document).unwrap(),
        plain(&document).unwrap()
    );
}

#[test]
fn earlier_states_are_shown_and_not_taken_for_the_picture() {
    let partial = "R0lGODlh";
    let mesh = [
        json!({"status": "processing", "data": []}),
        json!({"status": "partial", "partial_image_index": 0, "data": [{"b64_json": partial}]}),
        json!({"status": "whatever", "data": [{"b64_json": PNG}]}),
    ];
    let openai = [
        json!({"type": "image_generation.partial_image", "b64_json": partial, "partial_image_index": 0, "created_at": 7}),
        json!({"type": "image_generation.completed", "b64_json": PNG, "created_at": 7, "usage": {"input_tokens": 1}}),
    ];
    for chunks in [&mesh[..], &openai[..]] {
        let frames: Vec<String> = chunks
            .iter()
            .map(|chunk| format!("event: x\ndata: {chunk}\n\n"))
            .collect();
        let reply = streamed(&fox(), &frames.concat()).unwrap();
        let [image] = reply.images().try_into().unwrap();
        assert_eq!(image.bytes().unwrap(), MAGIC);
        // What was there when the stream broke off is better than nothing.
        let cut = &frames[..frames.len() - 1];
        assert!(matches!(
            streamed(&fox(), &cut.concat()),
            Err(Failure::Decode(DecodeError::Truncated))
        ));
        let endpoint = ImageStream::new(&fox()).unwrap();
        let head = mesh_proto::Head::from(&http::Response::new(()).into_parts().0);
        let mut decoder = endpoint
            .decoder(&head, &mesh_proto::call::Limits::default())
            .unwrap();
        mesh_proto::endpoint::Decode::push(&mut decoder, cut.concat().into()).unwrap();
        let mut shown = Vec::new();
        while let mesh_proto::endpoint::Decoded::Event(chunk) =
            mesh_proto::endpoint::Decode::next(&mut decoder).unwrap()
        {
            shown.extend(
                chunk
                    .is_partial()
                    .then(|| chunk.images())
                    .into_iter()
                    .flatten(),
            );
        }
        assert_eq!(shown.len(), 1);
        let kept = mesh_proto::endpoint::Decode::partial(&mut decoder).unwrap();
        assert_eq!(kept.images()[0].media_type().unwrap().0, MediaType::GIF);
    }
    let reply = streamed(&fox(), &format!("data: {}\n\n", openai[1])).unwrap();
    assert_eq!(
        (reply.created, reply.usage.unwrap().prompt_tokens),
        (Some(7), Some(1))
    );
}

#[test]
fn a_picture_that_was_begun_and_then_declined_is_an_error_that_keeps_what_was_shown() {
    let named = json!({"status": "partial", "partial_image_index": 0, "data": [{"b64_json": PNG}]});
    let declined = json!({"status": "completed", "data": [{"finish_reason": "content_filter"}], "usage": {"total_tokens": 3}});
    for body in [
        format!("data: {named}\n\ndata: {declined}\n\ndata: [DONE]\n\n"),
        format!("data: {named}\n\ndata: [DONE]\n\n"),
    ] {
        let target = Target::production(ApiKey::new("rsk_1").unwrap());
        let endpoint = ImageStream::new(&fox()).unwrap();
        let now = mesh_proto::Moment::ORIGIN;
        let settings = mesh_proto::Settings::default();
        let mut call = mesh_proto::Call::new(endpoint, &target, &settings, now, 1).unwrap();
        let mut pieces = [body].into_iter();
        let error = loop {
            match call.poll(now) {
                mesh_proto::Step::Send(outgoing) => {
                    outgoing.head(http::Response::new(()).into_parts().0);
                }
                mesh_proto::Step::Receive(incoming) => match pieces.next() {
                    Some(piece) => incoming.data(piece.as_bytes()),
                    None => incoming.end(),
                },
                mesh_proto::Step::Wait(until) => panic!("a wait until {until:?}"),
                mesh_proto::Step::Event(_) => {}
                mesh_proto::Step::Done(result) => break result.unwrap_err(),
            }
        };
        assert!(error.no_picture().is_some(), "{error}");
        assert_eq!(error.outcome(), mesh_proto::Outcome::Delivered);
        let kept = call.into_partial().unwrap();
        assert_eq!(kept.images()[0].bytes().unwrap(), MAGIC);
    }
    // A status is a word that nobody documents: what stands under it is taken for the picture where
    // no other comes.
    let worded = json!({"status": "generating", "data": [{"b64_json": PNG}]});
    let reply = streamed(&fox(), &format!("data: {worded}\n\ndata: [DONE]\n\n")).unwrap();
    assert_eq!(reply.images()[0].bytes().unwrap(), MAGIC);
    // A place without a picture is neither one, nor does it undo one.
    let place = json!({"status": "processing", "data": [{"index": 0}]});
    let nothing = streamed(&fox(), &format!("data: {place}\n\ndata: [DONE]\n\n"));
    assert!(
        matches!(nothing, Err(Failure::Decode(DecodeError::NoPicture(_)))),
        "{nothing:?}"
    );
    let both = format!("data: {worded}\n\ndata: {place}\n\ndata: [DONE]\n\n");
    assert_eq!(streamed(&fox(), &both).unwrap().images().len(), 1);
}

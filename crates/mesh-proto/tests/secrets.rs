//! No `Debug`, no message and no source of an error shows the key or the bytes of a picture, whoever
//! echoes them: every public type is filled with both and looked through.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test says when it fails, and reads the sources"
)]

use std::any::type_name;
use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use mesh_proto::SetUpError;
use mesh_proto::body::{Body, Form, Segment, Splice};
use mesh_proto::call::{CallError, Failure};
use mesh_proto::call::{CallOptions, Fault, FaultKind, Limits, RetryPolicy};
use mesh_proto::chat::{
    AutoRouting, ChatChunk, Content, Logprobs, Message, Part, ResponseFormat, Stop, Tool,
    ToolChoice, Usage,
};
use mesh_proto::destination::Destination;
use mesh_proto::download::{Download, DownloadBounds, DownloadPieces, Fetch, Piece};
use mesh_proto::endpoint::{
    ChatStream, Decode, Decoded, GetModel, ImageStream, ListApiVersions, ListErrorCodes,
    ListModels, SearchModels,
};
use mesh_proto::error::{ApiError, BuildError, DecodeError};
use mesh_proto::head::HeaderNameOrText;
use mesh_proto::image::{
    DataUrl, GeneratedImage, Image, ImageError, ImageFileError, MediaType, Opening,
    find_in_document,
};
use mesh_proto::images::{EditRequest, ImageChunk, ImageReply, ImageRequest};
use mesh_proto::models::{Model, Pages};
use mesh_proto::structured::{Parse, Round, RoundFailure, Schema};
use mesh_proto::{
    Answer, ApiKey, ApiVersion, BaseUrl, Call, ChatReply, ChatRequest, Endpoint, Error, Head,
    Moment, Settings, Step, Target, TargetError, Usd,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const KEY: &str = "rsk_01CANARYCANARYCANARYCANARY";

fn picture() -> Bytes {
    Bytes::from([&b"\x89PNG\r\n\x1a\n"[..], &b"canarypicture".repeat(16)].concat())
}

fn encoded() -> String {
    STANDARD.encode(picture())
}

fn data_url() -> String {
    format!("data:image/png;base64,{}", encoded())
}

/// What a picture looks like where it shows: its bytes as text, in decimal and in hexadecimal, and
/// every stretch of its base64.
static STRETCHES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let encoded = encoded();
    let in_base64 = (0..encoded.len() - 20).map(|at| encoded[at..at + 20].to_owned());
    let decimal = format!("{:?}", b"canary").replace(['[', ']'], "");
    let otherwise = ["canarypicture", "63616e617279", &decimal].map(str::to_owned);
    in_base64.chain(otherwise).collect()
});

/// The key as servers write it into URLs, JSON, HTML and the names of headers, without the ends
/// that may be spelled in several ways.
static SPELLINGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let each = |spell: fn(char) -> String| KEY.chars().map(spell).collect::<String>();
    vec![
        KEY.to_owned(),
        KEY.to_lowercase(),
        KEY.replace('_', "%5F"),
        each(|it| format!("%{:02x}", it as u32)),
        each(|it| format!("\\u{:04x}", it as u32)),
        each(|it| format!("&#{};", it as u32)),
    ]
});

/// Panics where the key or a stretch of the picture shows.
fn assert_hides(name: &str, shown: &str) {
    let lower = shown.to_lowercase();
    for spelling in &*SPELLINGS {
        let is_shown = lower.contains(&spelling.to_lowercase());
        assert!(!is_shown, "{name} shows the key: {shown}");
    }
    for stretch in &*STRETCHES {
        assert!(
            !shown.contains(stretch),
            "{name} shows the picture: {shown}"
        );
    }
}

/// Which types have been looked through, by the path of their definition.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    fn value<T: Debug>(&mut self, value: &T) {
        let name = type_name::<T>();
        assert_hides(name, &format!("{value:?}"));
        let path = name.split('<').next().unwrap_or_default();
        self.0.insert(path.to_owned());
    }

    fn error<T: StdError>(&mut self, error: &T) {
        self.value(error);
        let mut next: Option<&dyn StdError> = Some(error);
        while let Some(error) = next {
            assert_hides(type_name::<T>(), &format!("{error} {error:?}"));
            next = error.source();
        }
    }
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn target() -> Target {
    Target::new(
        BaseUrl::new("https://gateway.test").unwrap(),
        ApiKey::new(KEY).unwrap(),
    )
    .with_header(
        HeaderName::from_static("x-token"),
        HeaderValue::from_static(KEY),
    )
    .unwrap()
}

/// A message with a picture in every place that can hold one.
fn message() -> Value {
    let url = data_url();
    json!({
        "role": "assistant",
        "content": [
            {"type": "text", "text": format!("![a]({url})"), "x": url},
            {"type": "image_url", "image_url": {"url": url, "x": url}, "x": url},
            {"type": "inline_data", "inline_data": {"mime_type": "image/png", "data": encoded()}},
        ],
        "images": [{"b64_json": encoded()}, url],
        "tool_calls": [{
            "id": "c",
            "type": "function",
            "function": {"name": "f", "arguments": json!({"picture": url}).to_string(), "x": url},
            "thought_signature": encoded(),
        }],
        "refusal": url,
        "reasoning": url,
        "reasoning_details": [url],
        "audio": {"data": encoded()},
    })
}

fn chat_reply() -> Value {
    json!({
        "id": "r",
        "choices": [{"message": message(), "finish_reason": encoded(), "logprobs": [encoded()]}],
        "data": [{"url": data_url()}, {"b64_json": encoded(), "revised_prompt": data_url()}],
        "usage": {"prompt_tokens_details": {"x": encoded()}, "x": encoded()},
        "x_auto_routed": true,
        "x_classifier_usage": [{"x": encoded()}],
        "x": data_url(),
    })
}

fn chat_request() -> ChatRequest {
    let image = Image::from_bytes(picture()).unwrap();
    let stored = Image::from_url(data_url()).unwrap();
    let mut request = ChatRequest::new("m")
        .user(("look", image))
        .user(("and", stored))
        .user(data_url())
        .message(read(message()));
    request.tools = vec![Tool::function("f", "d", json!({"type": "object"}))];
    request.variables.insert("slot".to_owned(), data_url());
    request.extra.insert("x".to_owned(), data_url().into());
    request
}

fn drawing() -> ImageRequest {
    let mut request =
        ImageRequest::new("m", "a fox").reference(Image::from_bytes(picture()).unwrap());
    request.extra.insert("x".to_owned(), data_url().into());
    request
}

fn pieces() -> DownloadPieces {
    let download = Download::new("https://cdn.test/p.png", DownloadBounds::default());
    download.unwrap().in_pieces()
}

fn edit() -> EditRequest {
    let mut request = EditRequest::new("m", Image::from_url(data_url()).unwrap(), "night")
        .mask(Image::from_bytes(picture()).unwrap())
        .reference(Image::from_bytes(picture()).unwrap());
    request.extra.insert("x".to_owned(), data_url().into());
    request
}

fn values(seen: &mut Seen) {
    seen.value(&read::<Logprobs>(json!([encoded()])));
    seen.value(&read::<Logprobs>(
        json!({"content": [encoded()], "x": data_url()}),
    ));
    let image = Image::from_bytes(picture()).unwrap();
    seen.value(&image);
    seen.value(&Image::from_url(data_url()).unwrap());
    seen.value(&DataUrl::parse(&data_url()).unwrap());
    for generated in [
        GeneratedImage::from_bytes(picture()),
        GeneratedImage::from_base64(encoded()),
        GeneratedImage::from_url(data_url()).with_revised_prompt(Some(data_url())),
        GeneratedImage::from_url(format!("https://cdn.test/{}", encoded())),
    ] {
        seen.value(&generated);
        if let Ok(mut reader) = generated.reader() {
            seen.value(&reader);
            reader.read(&mut [0; 20]).unwrap();
            seen.value(&reader);
        }
        let _ = generated.bytes();
        seen.value(&generated);
    }
    for image in find_in_document(&json!({"output": [message()]})) {
        seen.value(&image);
    }
    seen.value(&MediaType::sniff(&picture()).unwrap());
    let mut opening = Opening::new(MediaType::declared("image/png"));
    opening.take(&picture());
    seen.value(&opening);
    seen.value(&Destination::new("fox"));

    let request = chat_request();
    seen.value(&request);
    seen.value(&request.extra);
    for message in &request.messages {
        seen.value(message);
    }
    let ours: Message = read(message());
    seen.value(ours.content.as_ref().unwrap());
    if let Some(Content::Parts(parts)) = &ours.content {
        for part in parts {
            seen.value::<Part>(part);
        }
    }
    seen.value(&ours.tool_calls[0]);
    seen.value(&ours.tool_calls[0].function);
    seen.value(&request.tools[0]);
    seen.value(request.tools[0].function.as_ref().unwrap());
    seen.value(&ToolChoice::Function("f".to_owned()));
    seen.value(&ResponseFormat::JsonObject);
    seen.value(&Stop::Text("s".to_owned()));
    seen.value(&read::<mesh_proto::chat::ImageOptions>(
        json!({"x": data_url()}),
    ));
    seen.value(&drawing());
    seen.value(&edit());

    let reply: ChatReply = read(chat_reply());
    seen.value(&reply);
    let choice = &reply.choices[0];
    seen.value(choice);
    seen.value(&choice.message);
    seen.value(&choice.message.images[0]);
    seen.value(choice.finish_reason.as_ref().unwrap());
    let usage: &Usage = reply.usage.as_ref().unwrap();
    seen.value(usage);
    seen.value(usage.prompt_tokens_details.as_ref().unwrap());
    let routing: AutoRouting = reply.auto_routing().unwrap();
    seen.value(&routing);
    let mut delta = message();
    delta["tool_calls"][0]["index"] = json!(0);
    let chunk: ChatChunk =
        read(json!({"choices": [{"delta": delta, "x": encoded()}], "x": encoded()}));
    seen.value(&chunk);
    seen.value(&chunk.choices[0]);
    seen.value(&chunk.choices[0].delta);
    seen.value(&chunk.choices[0].delta.tool_calls[0]);
    seen.value(&read::<ImageReply>(
        json!({"data": [{"b64_json": encoded()}], "size": "1x1", "x": encoded()}),
    ));
    seen.value(&read::<ImageChunk>(
        json!({"data": [data_url()], "b64_json": encoded()}),
    ));
    let mut declined: ChatReply = read(json!({"choices": [{"message": {"content": "no"}}]}));
    declined.choices[0]
        .message
        .extra
        .insert("refusal".to_owned(), encoded().into());
    seen.error(&declined.drawn().unwrap_err());
    seen.value(&"0.1".parse::<Usd>().unwrap());
}

fn bodies(seen: &mut Seen) {
    let segments = [
        Segment::Literal(picture()),
        Segment::Base64(picture()),
        Segment::DataUrl(data_url().into()),
        Segment::File(picture()),
    ];
    for segment in &segments {
        seen.value(segment);
    }
    let body = Body::new(segments);
    seen.value(&body);
    let mut reader = body.reader();
    reader.read(&mut [0; 100]);
    seen.value(&reader);
    let form = Form::new()
        .text("t", data_url())
        .file("image", "a.png", &MediaType::PNG, picture());
    seen.value(&form);
    seen.value(&form.encode().unwrap());
    let splice = Splice::new();
    let image = Image::from_bytes(picture()).unwrap();
    seen.value(&image.spliced(&splice));
    seen.value(&splice);
    seen.value(&splice.body(&json!({"x": data_url()})).unwrap());

    let mut frames = mesh_proto::sse::Decoder::new();
    frames.push(format!("event: e\ndata: {}\n\ndata: {KEY}", data_url()).into());
    seen.value(&frames);
    let frame = frames.next().unwrap().unwrap();
    seen.value(&frame);
    frames.end();
    seen.value(&frames);
}

fn targets(seen: &mut Seen) {
    seen.value(&target());
    seen.value(target().key());
    seen.value(target().base());
    seen.value(&ApiVersion::new("2026-09").unwrap());
    let options = CallOptions::new()
        .header(
            HeaderName::from_static("x-token"),
            HeaderValue::from_static(KEY),
        )
        .unwrap();
    seen.value(&options);
    seen.error(&ApiKey::new(format!("{KEY}\n{KEY}")).unwrap_err());
    let with_key = |key: &str| Target::from_variables(|_| Some(key.to_owned())).unwrap_err();
    seen.error(&with_key(&format!("{KEY} {KEY}")));
    for url in [
        format!("https://{KEY}@gateway.test"),
        format!("https://gateway.test?key={KEY}"),
        format!("{KEY}://gateway.test"),
        KEY.to_owned(),
    ] {
        seen.error(&BaseUrl::new(url).unwrap_err());
    }
    let refused = target()
        .with_header(http::header::AUTHORIZATION, HeaderValue::from_static(KEY))
        .unwrap_err();
    seen.error(&refused);
    let settings = Settings::default().with_observer(|_| {});
    seen.value(&settings);
    seen.value(&settings.budget);
    seen.value(settings.observer.as_ref().unwrap());

    for request in [
        chat_request().request(&target()),
        drawing().request(&target()),
        edit().request(&target()),
        ListModels::new().request(&target()),
    ] {
        let request = request.unwrap();
        // Headers that the caller sets are shown by the http crate; the key's is marked sensitive.
        let (mut parts, body) = request.into_parts();
        parts.headers.remove("x-token");
        assert_hides("a request", &format!("{parts:?} {body:?}"));
    }
    seen.value(&ChatStream::new(&chat_request()).unwrap());
    seen.value(&ImageStream::new(&drawing()).unwrap());
    seen.value(&GetModel::new("m"));
    seen.value(&ListModels::new());
    let download = Download::new("https://cdn.test/p.png", DownloadBounds::default()).unwrap();
    seen.value(&download);
    seen.value(&pieces());
    let bounds = DownloadBounds::default();
    let url = "https://cdn.test/p.png";
    seen.value(&Fetch::new(url, bounds, Download::whole, Moment::ORIGIN).unwrap());
    seen.value(&Piece::Bytes(picture()));
    seen.value(&HeaderNameOrText::from("x"));
}

/// The errors that no call is needed for.
fn errors(seen: &mut Seen) {
    let extra = json!({"x": encoded(), "y": KEY});
    seen.value(&mesh_proto::error::End {
        finish_reason: Some(&encoded()),
        extra: extra.as_object().unwrap(),
    });
    let wrong = Image::from_bytes(picture().slice(8..)).unwrap_err();
    seen.error(&wrong);
    seen.error(&Image::from_url(format!("data:;base64,{}!", encoded())).unwrap_err());
    seen.error(&Image::from_url(format!("ftp://{}", encoded())).unwrap_err());
    let path = Path::new("a.png");
    seen.error(&ImageFileError::image(path, wrong));
    seen.error(&ImageFileError::read(path, std::io::Error::other("gone")));
    seen.error(&ImageError::NotPortable(MediaType::SVG));
    for image in [
        GeneratedImage::from_base64(format!("{}!", encoded())),
        GeneratedImage::from_url(format!("data:;base64,{}!", encoded())),
        GeneratedImage::from_url(format!("https://cdn.test/{}", encoded())),
        GeneratedImage::from_bytes(picture().slice(8..)),
    ] {
        seen.error(&image.media_type().unwrap_err());
    }
    let mut request = chat_request();
    request.temperature = Some(9.0);
    let invalid = request.request(&target()).unwrap_err();
    seen.error(&invalid);
    seen.error(&Error::from(invalid));
    let mut tight = Settings::default();
    tight.limits.request = 10;
    let large = Call::new(chat_request(), &target(), &tight, Moment::ORIGIN, 7).unwrap_err();
    assert!(matches!(large, BuildError::TooLarge { .. }));
    seen.error(&large);
    for image in [
        Image::from_url(format!("https://cdn.test/{}", encoded())).unwrap(),
        read(json!({"url": encoded() + "!"})),
    ] {
        let refused = EditRequest::new("m", image, "night").request(&target());
        seen.error(&refused.unwrap_err());
    }
    seen.error(
        &GetModel::new(format!("{}//", encoded()))
            .request(&target())
            .unwrap_err(),
    );
    for url in [
        format!("http://cdn.test/{}", encoded()),
        format!("https://{KEY}@cdn.test/"),
    ] {
        let refused = Download::new(&url, DownloadBounds::default())
            .and_then(|download| download.request(&target()));
        seen.error(&refused.unwrap_err());
    }
    seen.error(&SetUpError::from(TargetError::NoKey));
    seen.error(&"x".parse::<Usd>().unwrap_err());
}

/// A server that gives back what it was sent, in every form.
fn echoes() -> Vec<String> {
    let (url, encoded) = (data_url(), encoded());
    let both = format!("Bearer {KEY} sent {url}");
    let standard = json!({
        "error": {
            "code": both, "message": both, "details": {"a": [both], KEY: both, "b": encoded},
            "provider_code": both, "provider_error": {"body": both}, "request_id": both,
        },
        "request_id": both,
    });
    let findings = json!({"detail": [{"loc": ["body", both], "msg": both, "type": both}]});
    let long = format!("{} {both}", "and ".repeat(58));
    let spelled = SPELLINGS.iter().flat_map(|key| {
        let both = format!("Bearer {key} sent");
        [
            json!({"error": {"code": both, "message": both, "details": {"a": [both], key: both}}})
                .to_string(),
            json!({"error": {"message": key}, "request_id": key}).to_string(),
            // Escapes that the parser of JSON undoes.
            format!(r#"{{"error":{{"message":"{both}","details":{{"{key}":1}}}}}}"#),
            format!("<html>{both}</html>"),
            format!("{} {both}", "and ".repeat(58)),
            format!("data: {{\"error\":{{\"message\":\"{both}\"}}}}\n\n"),
        ]
    });
    let spelled: Vec<String> = spelled.collect();
    let echoes = vec![
        standard.to_string(),
        findings.to_string(),
        json!({"detail": both}).to_string(),
        json!({"message": both, "code": encoded}).to_string(),
        json!({"error": both}).to_string(),
        json!({"error": {"code": encoded}}).to_string(),
        json!({"unknown": both}).to_string(),
        json!({"choices": both, "data": both, "id": {KEY: both}}).to_string(),
        json!({"choices": [{"message": {"content": "", "refusal": both}}], "data": []}).to_string(),
        json!({"data": [{"refusal": both}]}).to_string(),
        json!([both]).to_string(),
        json!(both).to_string(),
        format!("<html>{both}</html>"),
        both.clone(),
        long,
        format!("data: {standard}\n\n"),
        format!("data: {both}\n\n"),
        format!("event: error\ndata: {findings}\n\n"),
        format!("data: {}\n\n", json!({"choices": both})),
        format!(
            "data: {}",
            json!({"choices": [{"delta": {"content": url}}]})
        ),
        encoded,
    ];
    echoes.into_iter().chain(spelled).collect()
}

/// Drives a call to its end through an echo, and looks through everything on the way.
fn echoed<E: Endpoint>(seen: &mut Seen, endpoint: E, status: u16, echo: &str)
where
    E::Output: Debug,
    E::Decoder: Debug,
{
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = told.clone();
    let mut settings = Settings::default()
        .with_observer(move |attempt| sink.lock().unwrap().push(attempt.clone()));
    settings.retry.max_retries = 1;
    let mut response = http::Response::new(()).into_parts().0;
    response.status = status.try_into().unwrap();
    let header = format!("Bearer {KEY} {}", encoded());
    for name in [
        "x-request-id",
        "x-echo",
        "location",
        "retry-after",
        "x-mesh-version",
    ] {
        response.headers.insert(name, header.parse().unwrap());
    }
    for (index, spelling) in SPELLINGS.iter().enumerate() {
        let name = HeaderName::try_from(format!("x-echo-{index}")).unwrap();
        response.headers.insert(name, spelling.parse().unwrap());
    }
    let named = HeaderName::try_from(KEY.to_lowercase()).unwrap();
    response.headers.insert(named, "1".parse().unwrap());
    if let Ok(mut decoder) = endpoint.decoder(&Head::from(&response), &Limits::default()) {
        let _ = decoder.push(echo.to_owned().into());
        seen.value(&decoder);
    }

    let mut call = Call::new(endpoint, &target(), &settings, Moment::ORIGIN, 7).unwrap();
    let mut now = Moment::ORIGIN;
    let mut bodies = vec![echo];
    loop {
        seen.value(&call);
        let step = call.poll(now);
        seen.value(&step);
        match step {
            Step::Send(outgoing) => {
                seen.value(&outgoing);
                bodies = vec![echo];
                outgoing.head(response.clone());
            }
            Step::Receive(incoming) => {
                seen.value(&incoming);
                match bodies.pop() {
                    Some(body) => incoming.data(body.as_bytes()),
                    None => incoming.end(),
                }
            }
            Step::Wait(until) => now = until,
            Step::Event(_) => {}
            Step::Done(result) => {
                let head = call.head().unwrap();
                seen.value(head);
                assert!(head.headers().values().all(|value| value == "[key]"));
                match result {
                    // What a server says in a success is the caller's: the key is not looked for.
                    Ok(Answer { head, .. }) => seen.value(&head),
                    Err(error) => failed(seen, error),
                }
                for attempt in told.lock().unwrap().iter() {
                    seen.value(attempt);
                }
                return;
            }
        }
    }
}

fn failed(seen: &mut Seen, error: CallError) {
    seen.value(error.failure());
    match error.failure() {
        Failure::Decode(error) => seen.error(error),
        Failure::Api(error) => seen.error::<ApiError>(error),
        _ => {}
    }
    if let Some(error) = error.api() {
        for finding in error.validation() {
            seen.value(&finding);
        }
        assert_hides(
            "a message",
            &format!("{} {}", error.message, error.excerpt()),
        );
    }
    if let Some(absence) = error.no_picture() {
        seen.error(absence);
    }
    seen.error(&error);
    let error = error.with_source(Some(Fault::new(FaultKind::Lost).into()));
    seen.error(&error);
    seen.error(&Error::from(error));
}

fn calls(seen: &mut Seen) {
    for echo in echoes() {
        for status in [200, 302, 400, 401, 422, 429, 500, 503] {
            echoed(seen, chat_request(), status, &echo);
            echoed(
                seen,
                ChatStream::new(&chat_request()).unwrap(),
                status,
                &echo,
            );
            echoed(seen, drawing(), status, &echo);
            echoed(seen, ImageStream::new(&drawing()).unwrap(), status, &echo);
            echoed(seen, edit(), status, &echo);
            echoed(seen, ListModels::new(), status, &echo);
            echoed(seen, GetModel::new("m"), status, &echo);
            echoed(seen, pieces(), status, &echo);
        }
    }
    // What is assembled so far, and what is given.
    let stream = format!("data: {}\n\n", json!({"choices": [{"delta": message()}]}));
    let head = Head::from(&http::Response::new(()).into_parts().0);
    let chat = ChatStream::new(&chat_request()).unwrap();
    let mut decoder = chat.decoder(&head, &Limits::default()).unwrap();
    decoder.push(stream.into()).unwrap();
    let given: Decoded<ChatChunk> = decoder.next().unwrap();
    seen.value(&given);
    seen.value(&decoder);
    seen.value(&mesh_proto::chat::Assembly::default());
    seen.value(&mesh_proto::images::Assembly::default());

    let body = Bytes::from(chat_reply().to_string());
    let answer = chat_request().read(http::Response::new(body)).unwrap();
    seen.value(&answer);
    let rows = json!([{"id": "m", "x": encoded()}, {"id": {KEY: data_url()}}, encoded()]);
    let list = ListModels::new()
        .read(http::Response::new(rows.to_string().into()))
        .unwrap();
    seen.value(&list.value);
    seen.value(&list.models[0]);
    seen.value(&list.odd[0]);
    assert_eq!(RetryPolicy::never().max_retries, 0);
    let encoding = DecodeError::Encoding("gzip".to_owned());
    seen.error(&encoding);
}

/// The catalogue and what is told beside it, a picture in whatever is not modelled or cannot be read.
fn lists(seen: &mut Seen) {
    let row = json!({"id": "m", "code": "c", "label": "2026-09", "x": encoded(), "pricing": {"x": encoded()}});
    let model: Model = read(row.clone());
    seen.value(&model);
    seen.value(model.pricing.as_ref().unwrap());
    let mut search = SearchModels::words("fox");
    search.offset = Some(1);
    seen.value(&search);
    let page = json!({"items": [row, encoded()], "x": encoded()});
    let response = |body: &Value| http::Response::new(Bytes::from(body.to_string()));
    let page = search.read(response(&page)).unwrap().into_value();
    seen.value(&page);
    let mut pages = Pages::new(search);
    pages.take(page);
    seen.value(&pages);
    let rows = json!([row, encoded()]);
    let versions = ListApiVersions::new().read(response(&rows)).unwrap();
    seen.value(&versions.value);
    seen.value(&versions.versions[0]);
    let codes = ListErrorCodes::new().read(response(&rows)).unwrap();
    seen.value(&codes.value);
    seen.value(&codes.codes[0]);

    let priced: Model = read(json!({"id": "m", "pricing": {
        "pricing_unit": "per_image", "output_usd_per_unit": "1", "image_output_size": "1x1"}}));
    let mut request = ImageRequest::new("m", data_url());
    request.size = Some("2x2".to_owned());
    seen.value(&request.check(&priced));
    request.size = None;
    let report = request.check(&priced);
    seen.value(report.cost().unwrap());
    let report = chat_request().check(&model);
    seen.value(&report);
    seen.value(&report.findings()[0]);
}

/// Answers as values, all of them pictures.
fn parsing(seen: &mut Seen) {
    let schema = Schema::new("n", json!({"const": "a", "type": "string"}));
    seen.value(&schema);
    let parse = || Parse::<Value>::with_schema(chat_request(), &schema);
    seen.value(&parse());
    let answer = |reply: Value| {
        let body = Bytes::from(reply.to_string());
        Ok(chat_request().read(http::Response::new(body)).unwrap())
    };
    let says = |text: &str| {
        let mut reply = chat_reply();
        reply["choices"] = json!([{"message": {"content": text}}]);
        answer(reply)
    };
    let again = parse().corrections(1).take(says(&data_url()));
    seen.value(&again);
    for text in [data_url(), format!("{{\"{}", encoded()), String::new()] {
        let Round::Done(Err(error)) = parse().take(says(&text)) else {
            panic!("{text} is no answer")
        };
        seen.error(&error);
        seen.value(error.reason());
    }
    let failure = || RoundFailure::Build(BuildError::invalid("model", "gone"));
    seen.value(&failure());
    if let Round::Done(Err(error)) = parse().take(Err(failure())) {
        seen.error(&error);
    }
    let shown =
        Parse::<()>::with_schema(chat_request(), &Schema::new("n", json!({"type": "null"})));
    if let Round::Done(Ok(parsed)) = shown.take(says("null")) {
        seen.value(&parsed);
    }
}

#[cfg(feature = "fit")]
fn fitting(seen: &mut Seen) {
    let error = Image::from_bytes(picture()).unwrap().fit(1).unwrap_err();
    seen.error(&error);
}

/// There is nothing to fit with.
#[cfg(not(feature = "fit"))]
fn fitting(seen: &mut Seen) {
    seen.0.insert("mesh_proto::image::fit::FitError".to_owned());
}

/// The public types that can hold a text or bytes, by the path of their definition: all but the
/// enumerations that `open_enum!` makes, which share one `Debug`, and those that are `Copy` and
/// borrow nothing.
fn public_types(directory: &Path, path: &str, found: &mut BTreeSet<String>) {
    let mut entries: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for entry in entries {
        let name = entry.file_stem().unwrap().to_str().unwrap().to_owned();
        let path = if name == "lib" {
            path.to_owned()
        } else {
            format!("{path}::{name}")
        };
        if name == "tests" {
            continue;
        }
        if entry.is_dir() {
            public_types(&entry, &path, found);
            continue;
        }
        let text = std::fs::read_to_string(&entry).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let (mut derives, mut is_open_enum) = (String::new(), false);
        for line in code.lines() {
            is_open_enum = line.starts_with("open_enum!") || (is_open_enum && line != "}");
            let line = line.trim_start();
            if line.starts_with("#[derive") {
                line.clone_into(&mut derives);
            }
            let declared = ["pub struct ", "pub enum "]
                .iter()
                .find_map(|it| line.strip_prefix(it));
            let Some(declared) = declared else {
                continue;
            };
            let end = declared
                .find(|it: char| !it.is_alphanumeric())
                .unwrap_or(declared.len());
            let holds_nothing = derives.contains("Copy") && !declared[end..].starts_with('<');
            // A macro's own pattern has no name yet.
            if end > 0 && !is_open_enum && !holds_nothing {
                found.insert(format!("{path}::{}", &declared[..end]));
            }
            derives.clear();
        }
    }
}

#[test]
fn nothing_shows_the_key_or_a_picture() {
    let mut seen = Seen::default();
    values(&mut seen);
    bodies(&mut seen);
    targets(&mut seen);
    errors(&mut seen);
    calls(&mut seen);
    lists(&mut seen);
    parsing(&mut seen);
    fitting(&mut seen);

    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = BTreeSet::new();
    public_types(&sources, "mesh_proto", &mut all);
    assert!(
        all.len() > 60,
        "the sources are not read as they should be: {all:?}"
    );
    let missing: Vec<_> = all.difference(&seen.0).collect();
    assert!(
        missing.is_empty(),
        "fill these with the key and the picture, too: {missing:#?}"
    );
}

#[test]
fn the_scan_finds_what_it_looks_for() {
    for shown in [
        format!("x{KEY}x"),
        encoded(),
        data_url(),
        format!("{:?}", picture()),
        format!("{:?}", picture().to_vec()),
        encoded()[40..70].to_owned(),
    ] {
        let found = std::panic::catch_unwind(|| assert_hides("it", &shown));
        assert!(found.is_err(), "{shown}");
    }
    assert_hides("it", &encoded()[..15]);
}

//! Whatever a server answers, echoes and hides: an error has a message, shows neither the key nor
//! what may be a picture, and is the same in a stream.
//!
//! In the body, `KEY` stands for the key, `K_E_Y` for the key as JSON may also write it, and `RUN`
//! for base64.

use std::error::Error;

use http::HeaderValue;
use mesh_proto::call::RetryPolicy;
use mesh_proto::call::{CallError, Failure};
use mesh_proto::endpoint::{ChatStream, ListModels};
use mesh_proto::error::ApiError;
use mesh_proto::images::ImageRequest;
use mesh_proto::{Call, ChatRequest, Endpoint, Moment, Settings, Step};

use super::{KEY, head, shows_no_base64, target};

pub(super) fn hold(data: &[u8]) {
    let run = "iVBORw0KGgo".repeat(8);
    let escaped: Vec<String> = KEY.bytes().map(|it| format!("\\u{it:04x}")).collect();
    let body = replace(data, b"KEY", KEY.as_bytes());
    let body = replace(&body, b"K_E_Y", escaped.concat().as_bytes());
    let body = replace(&body, b"RUN", run.as_bytes());
    for status in [400, 422, 429, 500, 599] {
        let error = ApiError::read(&head(status, &[("x-request-id", "req_1")]), &body);
        assert!(!error.message.trim().is_empty());
        assert_eq!(error.status.as_u16(), status);
        shows_no_base64(&error.message);
        shows_no_base64(error.excerpt());
        shows_no_base64(&error.to_string());
        shows_no_base64(&format!("{error:?}"));
        for finding in error.validation() {
            shows_no_base64(&format!("{finding:?}"));
        }
    }
    for status in [200, 302, 404, 503] {
        let chat = ChatRequest::new("m").user("u");
        hides(fail(ChatStream::new(&chat).unwrap(), status, &body));
        hides(fail(chat, status, &body));
        hides(fail(ImageRequest::new("m", "a fox"), status, &body));
        hides(fail(ListModels::new(), status, &body));
    }
    means_the_same_in_a_stream(&body);
}

/// What is an error as the frame of a stream is the same one as a document, unless that is a reply.
fn means_the_same_in_a_stream(body: &[u8]) {
    let is_one_line = !body.iter().any(|byte| b"\r\n".contains(byte));
    if !is_one_line || !body.first().is_some_and(|first| b"{[".contains(first)) {
        return;
    }
    let chat = ChatRequest::new("m").user("u");
    let stream = [b"data: ", body, b"\n\ndata: [DONE]\n\n"].concat();
    let streamed = fail(ChatStream::new(&chat).unwrap(), 200, &stream);
    if let Some(streamed) = streamed.as_ref().and_then(CallError::api)
        && let Some(whole) = fail(chat, 200, body)
    {
        let told = String::from_utf8_lossy(body);
        let whole = whole.api().unwrap_or_else(|| panic!("{told}: {whole}"));
        assert_eq!(
            (&whole.message, &whole.code, &whole.details),
            (&streamed.message, &streamed.code, &streamed.details)
        );
    }
}

fn replace(data: &[u8], mark: &[u8], text: &[u8]) -> Vec<u8> {
    let mut rest = data;
    let mut replaced = Vec::new();
    while let Some(at) = rest.windows(mark.len()).position(|it| it == mark) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(text);
        rest = &rest[at + mark.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

/// What a call makes of the answer: as its body, and in its headers where they can carry it.
fn fail<E: Endpoint>(endpoint: E, status: u16, body: &[u8]) -> Option<CallError> {
    let mut settings = Settings::default();
    settings.retry = RetryPolicy::never();
    let mut call = Call::new(endpoint, &target(), &settings, Moment::ORIGIN, 7).unwrap();
    let mut response = http::Response::new(()).into_parts().0;
    response.status = status.try_into().unwrap();
    if let Ok(value) = HeaderValue::from_bytes(body) {
        for name in ["location", "x-request-id", "x-echo"] {
            response.headers.insert(name, value.clone());
        }
    }
    let mut bodies = Some(body).into_iter();
    loop {
        match call.poll(Moment::ORIGIN) {
            Step::Send(outgoing) => outgoing.head(response.clone()),
            Step::Receive(incoming) => match bodies.next() {
                Some(body) => incoming.data(body),
                None => incoming.end(),
            },
            Step::Wait(_) => panic!("a wait though nothing is repeated"),
            Step::Event(_) => {}
            Step::Done(result) => return result.err(),
        }
    }
}

fn hides(error: Option<CallError>) {
    let Some(error) = error else {
        return;
    };
    let mut shown = vec![error.to_string(), format!("{error:?}")];
    let mut source = error.source();
    while let Some(error) = source {
        shown.extend([error.to_string(), format!("{error:?}")]);
        source = error.source();
    }
    for text in &shown {
        assert!(!text.trim().is_empty());
        shows_no_base64(text);
    }
    // What a program may read of the error, and then show.
    if let Some(error) = error.api() {
        assert!(!error.message.trim().is_empty());
        let values = [&error.details, &error.provider_error];
        shown.extend(values.into_iter().flatten().map(ToString::to_string));
        shown.extend(error.code.iter().map(ToString::to_string));
        shown.extend(error.provider_code.clone());
        shown.push(format!("{:?}", error.validation()));
        shown.push(error.excerpt().to_owned());
    }
    if let Failure::Redirect { location, .. } = error.failure() {
        shown.extend(location.clone());
    }
    shown.extend(error.request_id().map(str::to_owned));
    if let Some(head) = error.head() {
        let values = head.headers().values();
        shown.extend(values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()));
    }
    for text in shown {
        assert!(!text.contains(KEY), "{text}");
    }
}

//! A gateway on a script: one conduct per request.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION,
};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::wording::{Manner, item, json_text, picture, pieces};
use super::{Conduct, Served};
use crate::chance::Chance;
use crate::hint::Hint;
use crate::reading::describe;
use crate::subject::Kind;

/// Codes that say that a repeat harms or cannot help (DESIGN, section 3).
pub(crate) const HOPELESS: [&str; 10] = [
    "provider_job_failed",
    "insufficient_user_quota",
    "model_not_found",
    "insufficient_credits",
    "spend_limit_exceeded",
    "batch_limit_exceeded",
    "insufficient_quota",
    "unauthorized",
    "forbidden",
    "validation_error",
];

/// Answers a request of `kind` as `conduct` has it, and says `echoed` wherever it can.
pub(super) fn serve(kind: Kind, conduct: Conduct, echoed: &str, chance: &mut Chance) -> Served {
    let script = Script {
        kind,
        conduct,
        echoed,
        chance,
    };
    script.serve()
}

struct Script<'s> {
    kind: Kind,
    conduct: Conduct,
    /// What a careless server repeats of the request: the key, or nothing.
    echoed: &'s str,
    chance: &'s mut Chance,
}

/// A body and what it says.
struct Written {
    frames: Vec<(Duration, Bytes)>,
    meant: String,
    is_events: bool,
}

impl Script<'_> {
    fn serve(mut self) -> Served {
        match self.conduct {
            Conduct::Answers
            | Conduct::Dawdles
            | Conduct::NoEndMark
            | Conduct::Declines
            | Conduct::OtherForm
            | Conduct::ErrorMidway
            | Conduct::ErrorLast => self.answer(),
            Conduct::ErrorFirst => self.error_in_success(),
            Conduct::Compressed => {
                let mut served = self.answer();
                let encoding = HeaderValue::from_static("gzip");
                served.head.headers.insert(CONTENT_ENCODING, encoding);
                served
            }
            Conduct::Page => {
                let page = format!("<!DOCTYPE html><html>{}</html>", self.echoed);
                self.success("text/html", page)
            }
            Conduct::Empty => self.success("application/json", String::new()),
            Conduct::Redirects => self.redirect(),
            _ => self.refuse(),
        }
    }

    fn served(&mut self, status: u16, headers: HeaderMap) -> Served {
        let status = StatusCode::from_u16(status).expect("a status");
        let mut head = Response::builder()
            .status(status)
            .body(())
            .expect("a head")
            .into_parts()
            .0;
        head.headers = headers;
        if !self.echoed.is_empty() {
            let name = self
                .chance
                .of(&["x-request-id", "x-echo", "x-mesh-version"]);
            let echo = HeaderValue::from_str(self.echoed).expect("a key");
            head.headers.insert(name, echo);
        } else if self.chance.percent(80) {
            head.headers
                .insert("x-request-id", HeaderValue::from_static("req_1"));
        }
        Served {
            conduct: self.conduct,
            is_billed: false,
            head_after: self.latency(),
            head,
            frames: Vec::new(),
            hint: Hint::default(),
            forbids_repeating: false,
            meant: None,
        }
    }

    fn latency(&mut self) -> Duration {
        if self.conduct == Conduct::Dawdles && self.chance.percent(50) {
            self.chance.milliseconds(1_000..=500_000)
        } else {
            // Short enough for the shortest limit, connecting and uploading included.
            self.chance.milliseconds(1..=2_000)
        }
    }

    /// The time between two pieces of a body.
    fn pace(&mut self) -> Duration {
        if self.conduct == Conduct::Dawdles {
            self.chance.milliseconds(0..=90_000)
        } else {
            self.chance.milliseconds(0..=200)
        }
    }

    fn answer(&mut self) -> Served {
        let other_form = self.conduct == Conduct::OtherForm;
        let written = if self.kind.is_streamed() == other_form {
            self.document()
        } else {
            self.events()
        };
        let mut headers = HeaderMap::new();
        let media_type = if written.is_events {
            "text/event-stream"
        } else {
            "application/json"
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        if !written.is_events && self.chance.percent(70) {
            let length: usize = written.frames.iter().map(|(_, bytes)| bytes.len()).sum();
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let mut served = self.served(200, headers);
        served.is_billed = self.kind.is_generation();
        served.frames = written.frames;
        // Events are read as the reply that they are, and a list has none.
        let is_misplaced = other_form && written.is_events && self.kind == Kind::Models;
        served.meant = (!is_misplaced).then_some(written.meant);
        served
    }

    fn document(&mut self) -> Written {
        let (document, meant) = match self.kind {
            Kind::Chat | Kind::ChatStream => {
                let text = pieces(self.chance).concat();
                let message = json!({"role": "assistant", "content": text});
                let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
                (json!({"id": "chatcmpl-1", "choices": [choice]}), text)
            }
            Kind::Models => {
                let ids = ["openai/gpt-4o", "openai/gpt-image-1", "a"];
                let count = self.chance.below(4);
                let ids = ids.get(..count).unwrap_or_default();
                let rows: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
                let meant = ids.iter().flat_map(|id| [id, ";"]).collect();
                let rows = Value::from(rows);
                let is_bare = self.chance.percent(50);
                (
                    if is_bare {
                        rows
                    } else {
                        json!({ "data": rows })
                    },
                    meant,
                )
            }
            Kind::Image | Kind::ImageStream | Kind::Edit => {
                let (data, meant) = self.pictures();
                (json!({"created": 1_790_000_000, "data": data}), meant)
            }
        };
        let body = Bytes::from(json_text(&document, self.chance));
        let middle = self.chance.below(body.len());
        let frames = vec![
            (Duration::ZERO, body.slice(..middle)),
            (self.pace(), body.slice(middle..)),
        ];
        Written {
            frames,
            meant,
            is_events: false,
        }
    }

    fn pictures(&mut self) -> (Vec<Value>, String) {
        if self.conduct == Conduct::Declines {
            let empty = self.chance.percent(50);
            let data = if empty { Vec::new() } else { vec![json!({})] };
            return (data, String::new());
        }
        let bytes = picture(self.chance);
        (vec![item(&bytes, self.chance)], describe(&bytes))
    }

    fn events(&mut self) -> Written {
        let (mut chunks, meant) = if self.kind.is_pictures() {
            self.picture_chunks()
        } else {
            self.chat_chunks()
        };
        let manner = Manner::any(self.chance);
        let error = matches!(self.conduct, Conduct::ErrorMidway | Conduct::ErrorLast);
        if error && self.kind.is_pictures() {
            // The picture itself would end the stream.
            chunks.truncate(chunks.len() - 1);
        }
        if self.conduct == Conduct::ErrorMidway {
            chunks.truncate(1 + self.chance.below(chunks.len()));
        }
        if self.conduct == Conduct::NoEndMark && !self.kind.is_pictures() && self.chance.percent(50)
        {
            // Without its finish reason the end does not show that the answer is whole.
            chunks.truncate(chunks.len() - 2);
        }
        let mut texts: Vec<Bytes> = vec![manner.opening().into()];
        for chunk in &chunks {
            let data = json_text(chunk, self.chance);
            texts.push(manner.event(&data, self.chance));
        }
        if error {
            let codes = [
                "upstream_error",
                "gateway_timeout",
                "rate_limit_exceeded",
                "odd",
            ];
            let code = self.chance.of(&codes);
            let error = self.error_body(code, &Hint::default()).to_string();
            let mut text = manner.open_event(&error, self.chance);
            if self.conduct == Conduct::ErrorLast {
                text.truncate(text.trim_end().len());
            } else {
                text = String::from_utf8_lossy(&manner.event(&error, self.chance)).into_owned();
            }
            texts.push(text.into());
        }
        let has_mark = !matches!(self.conduct, Conduct::NoEndMark | Conduct::ErrorLast);
        if has_mark {
            let mark = if self.chance.percent(15) {
                manner
                    .open_event("[DONE]", self.chance)
                    .trim_end()
                    .to_owned()
                    .into()
            } else {
                manner.event("[DONE]", self.chance)
            };
            texts.push(mark);
        }
        let mut at = Duration::ZERO;
        let mut frames = Vec::new();
        for text in texts {
            frames.push((at, text));
            at += self.pace();
        }
        Written {
            frames,
            meant,
            is_events: true,
        }
    }

    fn chat_chunks(&mut self) -> (Vec<Value>, String) {
        let chunk = |choices: Value| json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": choices});
        let mut chunks = vec![chunk(
            json!([{"index": 0, "delta": {"role": "assistant", "content": ""}}]),
        )];
        let mut meant = String::new();
        for piece in pieces(self.chance) {
            chunks.push(chunk(json!([{"index": 0, "delta": {"content": piece}}])));
            meant += piece;
        }
        chunks.push(chunk(
            json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]),
        ));
        let usage = json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3});
        chunks.push(json!({"id": "chatcmpl-1", "choices": [], "usage": usage}));
        (chunks, meant)
    }

    fn picture_chunks(&mut self) -> (Vec<Value>, String) {
        let mut chunks = vec![json!({"object": "image.chunk", "status": "processing", "data": []})];
        if self.conduct != Conduct::Declines && self.chance.percent(40) {
            let earlier = item(&picture(self.chance), self.chance);
            chunks.push(
                json!({"object": "image.chunk", "partial_image_index": 0, "data": [earlier]}),
            );
        }
        let (data, meant) = self.pictures();
        chunks.push(json!({"object": "image.chunk", "status": "completed", "data": data}));
        (chunks, meant)
    }

    fn success(&mut self, media_type: &'static str, body: String) -> Served {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        let mut served = self.served(200, headers);
        served.is_billed = self.kind.is_generation() && self.chance.percent(50);
        served.frames = vec![(Duration::ZERO, body.into())];
        served
    }

    fn error_in_success(&mut self) -> Served {
        const BEFORE_WORK: [&str; 3] = [
            "rate_limit_exceeded",
            "invalid_request",
            "provider_not_available",
        ];
        const AFTER_WORK: [&str; 7] = [
            "upstream_error",
            "gateway_timeout",
            "provider_job_failed",
            "odd",
            "408",
            "499",
            "503",
        ];
        let is_before = self.chance.percent(50);
        let code = if is_before {
            self.chance.of(&BEFORE_WORK)
        } else {
            self.chance.of(&AFTER_WORK)
        };
        let error = self.error_body(code, &Hint::default()).to_string();
        let body = if self.kind.is_streamed() {
            let manner = Manner::any(self.chance);
            let event = manner.event(&error, self.chance);
            String::from_utf8_lossy(&event).into_owned()
        } else {
            error
        };
        let mut served = self.success("application/json", body);
        served.is_billed &= !is_before;
        served
    }

    fn redirect(&mut self) -> Served {
        let mut headers = HeaderMap::new();
        let location = format!("https://elsewhere.example/?key={}", self.echoed);
        let location = HeaderValue::from_str(&location).expect("a URL");
        headers.insert(LOCATION, location);
        let status = self.chance.of(&[301, 302, 307, 308]);
        self.served(status, headers)
    }

    fn refuse(&mut self) -> Served {
        let (status, code) = self.status_and_code();
        let may_hint = matches!(
            self.conduct,
            Conduct::RateLimited
                | Conduct::Unavailable
                | Conduct::BadGateway
                | Conduct::GatewayTimeout
        );
        let mut hint = if may_hint {
            Hint::any(self.chance)
        } else {
            Hint::default()
        };
        let mut headers = HeaderMap::new();
        hint.write(&mut headers, &mut Map::new());
        let is_html = status == 413 || (status > 500 && self.chance.percent(15));
        let body = if is_html {
            hint.by_field = None;
            format!("<html><h1>{status}</h1>{}</html>", self.echoed)
        } else {
            let error = self.error_body(code, &hint);
            json_text(&error, self.chance)
        };
        let mut served = self.served(status, headers);
        // Work may have begun before it failed, and a paid job has.
        served.is_billed = self.kind.is_generation()
            && match self.conduct {
                Conduct::JobFailed => true,
                Conduct::BadGateway | Conduct::GatewayTimeout => self.chance.percent(50),
                // A number in the body may be lost on the way.
                Conduct::RequestTimeout => status != 400 && self.chance.percent(50),
                // A router's, which gives up waiting for work that goes on.
                Conduct::Unavailable => {
                    let is_own_word = !is_html && code == "provider_not_available";
                    let is_contradicted = !is_html && code == "upstream_error";
                    let asks = hint.by_field.or(hint.by_header).is_some() && !is_contradicted;
                    !is_own_word && !asks && self.chance.percent(50)
                }
                Conduct::Breaks => status == 500 && self.chance.percent(50),
                _ => false,
            };
        let body = Bytes::from(body);
        let middle = self.chance.below(body.len());
        served.frames = vec![
            (Duration::ZERO, body.slice(..middle)),
            (self.pace(), body.slice(middle..)),
        ];
        served.hint = hint;
        served.forbids_repeating = !is_html && HOPELESS.contains(&code);
        served
    }

    fn status_and_code(&mut self) -> (u16, &'static str) {
        let one = |chance: &mut Chance, rows: &[(u16, &'static str)]| chance.of(rows);
        match self.conduct {
            Conduct::RateLimited => {
                let codes = ["rate_limit_exceeded", "upstream_rate_limit_error", "odd"];
                (429, self.chance.of(&codes))
            }
            Conduct::Exhausted => one(
                self.chance,
                &[
                    (429, "batch_limit_exceeded"),
                    (429, "insufficient_quota"),
                    (429, "spend_limit_exceeded"),
                    (402, "insufficient_credits"),
                    (503, "insufficient_credits"),
                    (403, "insufficient_user_quota"),
                ],
            ),
            Conduct::Unavailable => {
                let codes = ["provider_not_available", "upstream_error", "odd"];
                (503, self.chance.of(&codes))
            }
            Conduct::BadGateway => (502, "upstream_error"),
            Conduct::GatewayTimeout => (504, "gateway_timeout"),
            Conduct::JobFailed => (500, "provider_job_failed"),
            Conduct::RequestTimeout => one(
                self.chance,
                &[(408, "odd"), (499, "odd"), (400, "499"), (400, "408")],
            ),
            Conduct::RefusesEarly => one(
                self.chance,
                &[
                    (413, "odd"),
                    (401, "unauthorized"),
                    (429, "rate_limit_exceeded"),
                ],
            ),
            Conduct::Refuses => one(
                self.chance,
                &[
                    (400, "invalid_request"),
                    (401, "unauthorized"),
                    (403, "forbidden"),
                    (404, "model_not_found"),
                    (409, "conflict"),
                    (422, "validation_error"),
                ],
            ),
            _ => one(
                self.chance,
                &[(500, "internal_error"), (501, "not_implemented")],
            ),
        }
    }

    fn error_body(&mut self, code: &str, hint: &Hint) -> Value {
        let mut error = Map::new();
        error.insert("code".to_owned(), code.into());
        let before = "x ".repeat(self.chance.below(150));
        let message = match self.chance.below(3) {
            0 => format!("{before}{}", self.echoed),
            1 => format!("Wrong key {}{before}", self.echoed),
            _ => format!("{before}key={},", self.echoed),
        };
        error.insert("message".to_owned(), message.into());
        if self.chance.percent(20) {
            error.insert(
                "details".to_owned(),
                json!([{"key": self.echoed, self.echoed: 1}]),
            );
        }
        if self.chance.percent(20) {
            let provider_error = json!({ "headers": format!("Bearer {}", self.echoed) });
            error.insert("provider_error".to_owned(), provider_error);
        }
        hint.write(&mut HeaderMap::new(), &mut error);
        json!({"error": error, "request_id": "req_1"})
    }
}

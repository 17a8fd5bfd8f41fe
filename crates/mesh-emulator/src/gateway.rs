//! The gateway without I/O: requests, moments and a seed in, replies out.

mod admission;
mod cache;
mod chat;
mod chat_reply;
mod chat_request;
mod chat_stream;
mod chat_tools;
mod chat_turns;
mod circumstances;
mod delivery;
mod document;
mod draft;
mod drawing_options;
mod edit_request;
mod edits;
mod error_list;
mod errors;
mod events;
mod given;
mod host;
mod ids;
mod image_reply;
mod image_request;
mod image_stream;
mod images;
mod looking;
mod model_list;
mod model_row;
mod model_search;
mod models;
mod multipart;
mod operation;
mod page;
mod painting;
mod picture_shape;
mod pictures;
mod query;
mod record;
mod route;
mod routing;
mod secrets;
mod settings;
mod sizes;
mod sources;
mod structured;
mod switches;
mod template;
mod tokens;
mod usage;
mod validate;
mod version_list;
mod weight;

use core::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, StatusCode, request};
use mesh_proto::Moment;
use mesh_proto::error::ErrorCode;
use serde_json::Value;

use self::admission::{RateWindow, Version};
use self::cache::{Cache, Kept};
use self::circumstances::{Circumstances, Wanted};
use self::draft::Draft;
use self::errors::Refused;
use self::ids::Ids;
use self::models::Model;
use self::pictures::{Hosted, Pictures};
use self::record::{Exchange, Record};
use self::route::{ByCost, Route};

pub use self::admission::MOST_BODY_BYTES;
pub use self::settings::GatewaySettings;
pub use self::switches::{
    ApiVersions, ChatPictureShape, Cost, EditsBody, ErrorForm, ModelListShape, PartialImages,
    PicturePieces, Pricing, Refusal, RefusedPicture, ResponseCache, ResponseFormat, RetryAfter,
    RouteErrors, Switch, Switches, Thoughts, ToolPieces, UnknownChoice, UnsupportedEdit,
    VersionEcho, WithdrawnLists,
};
pub use self::template::Template;

/// A Mesh API gateway. It owns what lasts between requests: the rates of keys, the pictures that it
/// hosts, the answers that it keeps, the record of the last exchanges.
///
/// [`Gateway::handle`] does all of a request at once. Whoever answers several at a time takes the
/// steps one by one: [`Gateway::admit`] and [`Gateway::settle`] are quick, and [`Admitted::answer`]
/// between them, which decodes and draws, needs no gateway.
#[derive(Debug)]
pub struct Gateway {
    settings: Arc<GatewaySettings>,
    key: String,
    /// Where it listens, if it does.
    address: Option<IpAddr>,
    served: u64,
    rates: RateWindow,
    pictures: Pictures,
    cache: Cache,
    record: Record,
    /// The images of the requests in the record.
    sent: Pictures,
}

/// A response, and when its pieces leave.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status and headers. A reply with `content-length` has one frame; one without is a stream.
    pub head: http::response::Parts,
    /// The body, in order.
    pub frames: Vec<ReplyFrame>,
}

/// A piece of a response's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyFrame {
    /// When it leaves: never before the piece in front of it.
    pub at: Moment,
    /// What leaves.
    pub bytes: Bytes,
}

/// A request that was let in or refused, and is not yet answered.
#[derive(Debug)]
pub struct Admitted {
    settings: Arc<GatewaySettings>,
    pictures: Pictures,
    ids: Ids,
    created: u64,
    host: Option<String>,
    marks: HeaderMap,
    request_id: String,
    errors: ErrorForm,
    work: Work,
    exchange: Option<Exchange>,
}

/// An answer that the gateway has not yet taken note of.
#[derive(Debug)]
pub struct Answered {
    ids: Ids,
    draft: Draft,
    hosted: Vec<Hosted>,
    kept: Option<Kept>,
    exchange: Option<Exchange>,
}

#[derive(Debug)]
enum Work {
    Ready(Draft),
    Refused(Refused),
    Models(String, ModelListShape),
    ModelSearch(String),
    Model(String),
    Made(Endpoint, Asked),
}

/// A body, and what its head says of it.
#[derive(Debug)]
struct Asked {
    body: Bytes,
    content_type: Option<String>,
    caller: u64,
    /// A snapshot, where the request may have what is kept.
    cache: Option<Cache>,
}

/// Where a body goes that takes long to answer.
#[derive(Clone, Copy, Debug)]
enum Endpoint {
    Chat,
    Images,
    Edits,
}

impl Default for Gateway {
    fn default() -> Self {
        Self::new(GatewaySettings::default())
    }
}

impl Gateway {
    /// A gateway that has served nothing yet.
    pub fn new(settings: GatewaySettings) -> Self {
        Self {
            key: own_key(&settings),
            settings: Arc::new(settings),
            address: None,
            served: 0,
            rates: RateWindow::default(),
            pictures: Pictures::default(),
            cache: Cache::default(),
            record: Record::default(),
            sent: Pictures::default(),
        }
    }

    /// Sets the clock and the seed where the settings leave them at 0, and where it listens.
    pub(crate) fn set_out(&mut self, epoch_seconds: u64, seed: u64, address: IpAddr) {
        self.address = Some(address);
        let mut settings = GatewaySettings::clone(&self.settings);
        if settings.epoch_seconds == 0 {
            settings.epoch_seconds = epoch_seconds;
        }
        if settings.seed == 0 {
            settings.seed = seed;
        }
        self.key = own_key(&settings);
        self.settings = Arc::new(settings);
    }

    /// A key to use. Any other of the documented form does as well.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// How it behaves.
    pub fn settings(&self) -> &GatewaySettings {
        &self.settings
    }

    /// Answers a request. `now` is when it came; moments must not go back between requests.
    pub fn handle(&mut self, request: Request<Bytes>, now: Moment) -> Reply {
        let answered = self.admit(request, now).answer();
        self.settle(answered, now)
    }

    /// Takes a request in: the checks that come before its body is read ([protocol reference,
    /// section 1](mesh_proto::protocol#1-transport-authentication-headers), [section 2](mesh_proto::protocol#2-dated-versions) and [section 8](mesh_proto::protocol#8-limits-timeouts-retries)), in their order.
    pub fn admit(&mut self, request: Request<Bytes>, now: Moment) -> Admitted {
        let (head, body) = request.into_parts();
        self.admit_body(&head, Body::Read(body), now)
    }

    /// Takes in a request whose body is over [`MOST_BODY_BYTES`] and was not read: a 413, unless
    /// the request is wrong before that.
    pub fn admit_oversized(&mut self, head: &request::Parts, now: Moment) -> Admitted {
        self.admit_body(head, Body::TooLarge, now)
    }

    /// Takes in a request whose body broke off, or whose framing is wrong: a 400, unless the request
    /// is wrong before that.
    pub fn admit_broken(&mut self, head: &request::Parts, now: Moment) -> Admitted {
        self.admit_body(head, Body::Broken, now)
    }

    /// Takes in a request whose body did not come in time: a 408, unless the request is wrong before
    /// that.
    pub fn admit_late(&mut self, head: &request::Parts, now: Moment) -> Admitted {
        self.admit_body(head, Body::Late, now)
    }

    /// Takes in a request whose body there is no memory for, because of all the others: a 503,
    /// unless the request is wrong before that.
    pub fn admit_crowded_out(&mut self, head: &request::Parts, now: Moment) -> Admitted {
        self.admit_body(head, Body::CrowdedOut, now)
    }

    /// Takes note of an answer, and lets it begin now.
    pub fn settle(&mut self, answered: Answered, now: Moment) -> Reply {
        for picture in answered.hosted {
            self.pictures.keep(picture);
        }
        if let Some(answer) = answered.kept {
            self.cache.keep(answer);
        }
        if let Some(mut exchange) = answered.exchange {
            exchange.status = answered.draft.status;
            exchange.keep_files(&mut self.sent, |number| {
                // The ids before are those of the answer and its pictures.
                answered.ids.id("", number.saturating_add(1000))
            });
            self.record.add(exchange);
        }
        answered.draft.begin(now)
    }

    fn admit_body(&mut self, head: &request::Parts, body: Body, now: Moment) -> Admitted {
        let since = now.since_origin();
        let epoch = self.settings.epoch_seconds;
        let milliseconds = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let ids = Ids::new(
            self.settings.seed,
            self.served,
            epoch.saturating_mul(1000).saturating_add(milliseconds),
        );
        self.served = self.served.wrapping_add(1);
        let request_id = own_request_id(&head.headers).unwrap_or_else(|| ids.id("req_", 0));
        let path = head.uri.path();
        let host = host::named(head);
        let mut marks = HeaderMap::new();
        let work = self
            .check(head, body, host.as_deref(), now, &mut marks)
            .unwrap_or_else(Work::Refused);
        Admitted {
            settings: Arc::clone(&self.settings),
            pictures: self.pictures.clone(),
            ids,
            created: epoch.saturating_add(since.as_secs()),
            host,
            marks,
            request_id,
            errors: self.settings.switches.error_form(path),
            work,
            exchange: route::is_api(path).then(|| Exchange::new(&head.method, path)),
        }
    }

    fn asked(&self, head: &request::Parts, body: Bytes, caller: u64) -> Asked {
        let content_type = head.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let declined = head.headers.get_all("x-mesh-cache").iter().any(|value| {
            let value = value.to_str().unwrap_or_default().trim();
            value.eq_ignore_ascii_case("no-store")
        });
        let is_kept = self.settings.switches.response_cache == ResponseCache::On;
        Asked {
            body,
            content_type: content_type.map(str::to_owned),
            caller,
            cache: (is_kept && !declined).then(|| self.cache.clone()),
        }
    }

    fn check(
        &mut self,
        head: &request::Parts,
        body: Body,
        host: Option<&str>,
        now: Moment,
        marks: &mut HeaderMap,
    ) -> Result<Work, Refused> {
        let path = head.uri.path();
        let is_api = route::is_api(path);
        if is_api {
            let version = Version::asked(&head.headers)?;
            let name = HeaderName::from_static(self.settings.switches.version_echo.name());
            marks.insert(name, HeaderValue::from_static(version.label()));
        }
        let body = body.whole()?;
        let route = Route::find(&head.method, path)?;
        let mut caller = 0;
        // The catalogue of errors is for those who have trouble with their key as well.
        if is_api && route != Route::Errors {
            caller = admission::check_key(&head.headers, &route, &self.settings)?;
            self.rates.count(caller, &self.settings, now, marks)?;
        }
        match route {
            Route::Page | Route::Picture(_) | Route::Sent(_) => {
                host::check_own(head, self.address)?;
            }
            Route::Chat | Route::Images | Route::Edits => admission::check_codings(&head.headers)?,
            _ => {}
        }
        let asked = |body| self.asked(head, body, caller);
        let switches = self.settings.switches;
        let shape = model_list::shape_for(&head.headers, switches.model_list);
        match route {
            Route::Page => {
                let host = host.unwrap_or("127.0.0.1");
                Ok(Work::Ready(page::draft(
                    host,
                    &self.key,
                    &self.record,
                    &self.sent,
                )))
            }
            Route::Picture(name) => match self.pictures.find(&name) {
                Some(bytes) => Ok(Work::Ready(page::picture(bytes))),
                None => Err(Refused::because(
                    ErrorCode::NotFound,
                    "That picture is not, or no longer, hosted here.",
                )),
            },
            Route::Sent(name) => match self.sent.find(&name) {
                Some(bytes) => Ok(Work::Ready(page::sent_picture(bytes))),
                None => Err(Refused::because(
                    ErrorCode::NotFound,
                    "That image is not, or no longer, kept here.",
                )),
            },
            Route::Models => Ok(Work::Models(query_of(head), shape)),
            Route::ModelSearch => Ok(Work::ModelSearch(query_of(head))),
            Route::ModelsByCost(which) => match switches.withdrawn_lists {
                WithdrawnLists::Gone => Err(Refused::because(
                    ErrorCode::NotFound,
                    "This route is withdrawn; GET /v1/models?free= has both lists.",
                )),
                WithdrawnLists::Served => {
                    let pricing = switches.pricing;
                    let is_free = which == ByCost::Free;
                    Ok(document(&model_list::list_by_cost(is_free, shape, pricing)))
                }
            },
            Route::Model(id) => Ok(Work::Model(id)),
            Route::Errors => Ok(document(&error_list::catalogue())),
            Route::ApiVersions => match switches.api_versions {
                ApiVersions::Served => Ok(document(&version_list::catalogue())),
                ApiVersions::Absent => Err(Refused::because(
                    ErrorCode::NotFound,
                    "This deployment does not list its versions.",
                )),
            },
            Route::Chat => Ok(Work::Made(Endpoint::Chat, asked(body))),
            Route::Images => Ok(Work::Made(Endpoint::Images, asked(body))),
            Route::Edits => Ok(Work::Made(Endpoint::Edits, asked(body))),
        }
    }
}

impl Admitted {
    /// Whether the answer takes next to no time, so that it need not be worked out elsewhere.
    pub fn is_quick(&self) -> bool {
        !matches!(self.work, Work::Made(..))
    }

    /// Whether the answer takes a moment at most: a short chat in words, without pictures. A server
    /// that answers few others at a time does well to answer these beside them.
    pub fn is_light(&self) -> bool {
        match &self.work {
            Work::Made(Endpoint::Chat, asked) => weight::is_light_chat(&asked.body),
            Work::Made(Endpoint::Images | Endpoint::Edits, _) => false,
            _ => true,
        }
    }

    /// Works the answer out. This may take long: pictures are decoded and drawn here.
    pub fn answer(self) -> Answered {
        self.answer_while(&|| true)
    }

    /// As [`Admitted::answer`], as long as the answer is wanted: once it is not, the work stops at
    /// its next step, and the answer is an error that nobody has to read.
    pub fn answer_while(self, is_wanted: &dyn Fn() -> bool) -> Answered {
        let mut exchange = self.exchange;
        let switches = self.settings.switches;
        let mut hosted = Vec::new();
        let mut kept = None;
        let is_edge = matches!(self.work, Work::Refused(Refused::TooLarge));
        let drafted = match self.work {
            Work::Ready(draft) => Ok(draft),
            Work::Refused(refused) => Err(refused),
            Work::ModelSearch(query) => model_search::page(&query, switches.pricing)
                .map(|page| Draft::json(StatusCode::OK, &page)),
            Work::Models(query, shape) => model_list::list(&query, shape, switches.pricing)
                .map(|list| Draft::json(StatusCode::OK, &list)),
            Work::Model(id) => {
                model_list::get(&id, switches.pricing).map(|row| Draft::json(StatusCode::OK, &row))
            }
            Work::Made(endpoint, asked) => {
                let Asked {
                    body, content_type, ..
                } = asked;
                let circumstances = Circumstances {
                    settings: &self.settings,
                    ids: self.ids,
                    created: self.created,
                    host: self.host.as_deref(),
                    pictures: &self.pictures,
                    request_id: &self.request_id,
                    cache: asked.cache.as_ref(),
                    caller: asked.caller,
                    wanted: Wanted(is_wanted),
                };
                let mut unrecorded = Exchange::new(&http::Method::POST, "");
                let noted = exchange.as_mut().unwrap_or(&mut unrecorded);
                let answered = match endpoint {
                    Endpoint::Chat => chat::answer(&body, &circumstances, noted),
                    Endpoint::Images => images::answer(&body, &circumstances, noted),
                    Endpoint::Edits => {
                        edits::answer(&body, content_type.as_deref(), &circumstances, noted)
                    }
                };
                answered.map(|answered| {
                    hosted = answered.hosted;
                    kept = answered.kept;
                    answered.draft
                })
            }
        };
        let mut draft =
            drafted.unwrap_or_else(|refused| refused.draft(self.errors, &self.request_id));
        let model = exchange.as_ref().and_then(|it| it.model.as_deref());
        if let Some(model) = model.and_then(Model::find) {
            model.tell_age(&mut draft.headers);
        }
        if !is_edge {
            draft.headers.extend(self.marks);
            if let Ok(id) = HeaderValue::from_str(&self.request_id) {
                draft
                    .headers
                    .insert(HeaderName::from_static("x-request-id"), id);
            }
        }
        Answered {
            ids: self.ids,
            draft,
            hosted,
            kept,
            exchange,
        }
    }
}

enum Body {
    Read(Bytes),
    TooLarge,
    Broken,
    Late,
    CrowdedOut,
}

impl Body {
    /// The body, if it came whole and is not too large.
    fn whole(self) -> Result<Bytes, Refused> {
        match self {
            Self::Read(body) if u64::try_from(body.len()).is_ok_and(|it| it <= MOST_BODY_BYTES) => {
                Ok(body)
            }
            Self::Read(_) | Self::TooLarge => Err(Refused::TooLarge),
            Self::Broken => Err(Refused::because(
                ErrorCode::BadRequest,
                "The body cannot be read: it broke off, or a chunk of it is malformed.",
            )),
            Self::Late => Err(Refused::with_status(
                StatusCode::REQUEST_TIMEOUT,
                ErrorCode::Other("request_timeout".to_owned()),
                "The body did not come in time.",
            )),
            Self::CrowdedOut => Err(Refused::with_status(
                StatusCode::SERVICE_UNAVAILABLE,
                ErrorCode::Other("overloaded".to_owned()),
                "The bodies of other requests take all memory that there is for them.",
            )),
        }
    }
}

fn query_of(head: &request::Parts) -> String {
    head.uri.query().unwrap_or_default().to_owned()
}

fn document(body: &Value) -> Work {
    Work::Ready(Draft::json(StatusCode::OK, body))
}

fn own_key(settings: &GatewaySettings) -> String {
    let milliseconds = settings.epoch_seconds.saturating_mul(1000);
    Ids::new(settings.seed, u64::MAX, milliseconds).id("rsk_", 0)
}

/// The caller's own request id, if it has the documented form.
fn own_request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    let is_fine = (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte));
    is_fine.then(|| id.to_owned())
}

#[cfg(test)]
mod tests;

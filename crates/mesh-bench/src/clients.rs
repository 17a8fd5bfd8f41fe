//! The clients, each as its own documentation would have it set up, and the requests that they send.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use async_openai::types::chat::{
    ChatCompletionRequestMessageContentPartImage, ChatCompletionRequestMessageContentPartText,
    ChatCompletionRequestUserMessage, ChatCompletionRequestUserMessageContentPart,
    CreateChatCompletionRequest, ImageUrl,
};
use bytes::Bytes;
use mesh_proto::image::Image;
use mesh_proto::{ApiKey, ChatRequest, Endpoint, Target};
use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

use crate::{Failure, plain};

const KEY: &str = "rsk_01JB";

/// What every request asks.
pub(crate) const QUESTION: &str = "What is in this image?";

/// One thread that runs futures.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

/// As many threads as the machine has cores.
pub(crate) fn threaded_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

/// Ours, blocking.
pub(crate) fn blocking(url: &str) -> Result<mesh_blocking::Client, Failure> {
    Ok(mesh_blocking::Client::builder()
        .key(KEY)
        .base_url(url)
        .build()?)
}

/// Ours, async.
pub(crate) fn asynchronous(url: &str) -> Result<mesh_async::Client, Failure> {
    Ok(mesh_async::Client::builder()
        .key(KEY)
        .base_url(url)
        .build()?)
}

/// Our gateway where nothing is sent.
pub(crate) fn target() -> Result<Target, Failure> {
    Ok(Target::production(ApiKey::new(KEY)?))
}

/// Our request about pictures.
pub(crate) fn ours_about(pictures: &[Bytes]) -> Result<ChatRequest, Failure> {
    let mut content = vec![mesh_proto::chat::Part::from(QUESTION)];
    for picture in pictures {
        content.push(Image::from_bytes(picture.clone())?.into());
    }
    Ok(ChatRequest::new("openai/gpt-4o").user(content))
}

/// Our request of a few words.
pub(crate) fn ours_short() -> ChatRequest {
    ChatRequest::new("openai/gpt-4o-mini").user(QUESTION)
}

/// Reads a reply as those do who send requests in their own way.
pub(crate) fn ours_read<E: Endpoint>(endpoint: &E, body: Bytes) -> Result<E::Output, Failure> {
    let answer = endpoint.read(http::Response::new(body));
    Ok(answer.map_err(|failure| format!("{failure:?}"))?.value)
}

/// How long a connection may take to be made, as our clients have it by default.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the server may be silent.
const SILENCE: Duration = Duration::from_secs(300);

/// reqwest as it is, except for the proxies of the environment, and with limits: without any, a dead
/// server is waited for without end.
pub(crate) fn raw_async() -> Result<reqwest::Client, Failure> {
    // Whoever was first chose the same.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .build()?)
}

/// A request by hand.
pub(crate) fn raw_post(
    client: &reqwest::Client,
    url: &str,
    body: Vec<u8>,
) -> reqwest::RequestBuilder {
    client
        .post(format!("{url}/v1/chat/completions"))
        .bearer_auth(KEY)
        .header("content-type", "application/json")
        .body(body)
}

/// ureq with a pool of the right size and with limits, and no proxy.
pub(crate) fn raw_blocking(connections: usize) -> ureq::Agent {
    limited()
        .max_idle_connections(connections)
        .max_idle_connections_per_host(connections)
        .proxy(None)
        .build()
        .into()
}

/// ureq with limits, and otherwise as it is except for the proxies of the environment.
pub(crate) fn raw_blocking_by_default() -> ureq::Agent {
    limited().proxy(None).build().into()
}

fn limited() -> ConfigBuilder<AgentScope> {
    ureq::Agent::config_builder()
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
}

/// A request by hand, and the whole of its reply.
pub(crate) fn raw_exchange(
    agent: &ureq::Agent,
    url: &str,
    body: &[u8],
) -> Result<Vec<u8>, Failure> {
    let mut response = agent
        .post(format!("{url}/v1/chat/completions"))
        .header("authorization", format!("Bearer {KEY}"))
        .header("content-type", "application/json")
        .send(body)?;
    Ok(response
        .body_mut()
        .with_config()
        .limit(1 << 30)
        .read_to_vec()?)
}

/// The raw request for a few words.
pub(crate) fn raw_short() -> plain::Request<'static> {
    plain::Request::asking(QUESTION)
}

/// async-openai, over reqwest without the proxies of the environment.
pub(crate) fn openai(url: &str) -> Result<async_openai::Client<OpenAIConfig>, Failure> {
    Ok(async_openai::Client::build(
        raw_async()?,
        openai_config(url),
    ))
}

fn openai_config(url: &str) -> OpenAIConfig {
    OpenAIConfig::new()
        .with_api_key(KEY)
        .with_api_base(format!("{url}/v1"))
}

/// async-openai where nothing is sent: every request is built, and answered with what `reply` makes.
pub(crate) fn openai_offline(
    reply: impl Fn() -> reqwest::Body + Send + Sync + 'static,
) -> Result<async_openai::Client<OpenAIConfig>, Failure> {
    Ok(openai("http://127.0.0.1")?.with_http_service(Offline {
        reply: Arc::new(reply),
    }))
}

#[derive(Clone)]
struct Offline {
    reply: Arc<dyn Fn() -> reqwest::Body + Send + Sync>,
}

impl tower_service::Service<HttpRequestFactory> for Offline {
    type Response = reqwest::Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<reqwest::Response, OpenAIError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        let reply = http::Response::new((self.reply)());
        Box::pin(async move {
            request.build().await?;
            Ok(reply.into())
        })
    }
}

/// async-openai's request about pictures.
pub(crate) fn openai_about<B: AsRef<[u8]>>(pictures: &[B]) -> CreateChatCompletionRequest {
    let mut parts: Vec<ChatCompletionRequestUserMessageContentPart> =
        vec![ChatCompletionRequestMessageContentPartText::from(QUESTION).into()];
    parts.extend(pictures.iter().map(|picture| {
        let url = ImageUrl::from(plain::data_url(picture.as_ref()));
        ChatCompletionRequestMessageContentPartImage::from(url).into()
    }));
    CreateChatCompletionRequest {
        model: "openai/gpt-4o".to_owned(),
        messages: vec![ChatCompletionRequestUserMessage::from(parts_of(parts)).into()],
        ..CreateChatCompletionRequest::default()
    }
}

/// async-openai's request of a few words.
pub(crate) fn openai_short() -> CreateChatCompletionRequest {
    CreateChatCompletionRequest {
        model: "openai/gpt-4o-mini".to_owned(),
        messages: vec![ChatCompletionRequestUserMessage::from(QUESTION).into()],
        ..CreateChatCompletionRequest::default()
    }
}

fn parts_of(
    parts: Vec<ChatCompletionRequestUserMessageContentPart>,
) -> async_openai::types::chat::ChatCompletionRequestUserMessageContent {
    parts.into()
}

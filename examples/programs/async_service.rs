//! A service that describes the pictures that are posted to it, as they are described: `cargo run
//! -p mesh-examples --example async_service`, and then
//! `curl --no-buffer --data-binary @photo.jpg ADDRESS`. A caller that hangs up ends the call, too.
//!
//! Asks the gateway of `MESHAPI_API_KEY` and `MESHAPI_BASE_URL` or, without a key, an emulator that
//! it starts itself.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mesh_async::proto::endpoint::ChatStream;
use mesh_async::proto::error::chain;
use mesh_async::{ChatRequest, Client, EventStream, Image};
use mesh_emulator::{Gateway, Server};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Server::start(Gateway::default())?;
    let client = Client::from_env().or_else(|_| {
        let builder = Client::builder().key(emulator.key());
        builder.base_url(emulator.base_url()).build()
    })?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        let client = client.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| describe(client.clone(), request));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
            if let Err(error) = connection.await {
                eprintln!("{}", chain(&error));
            }
        });
    }
}

type Reply = Either<Full<Bytes>, Telling>;

async fn describe(
    client: Client,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Infallible> {
    let answer = match start(&client, request).await {
        Ok(stream) => Response::new(Either::Right(Telling(stream))),
        Err(error) => {
            let mut answer = Response::new(Either::Left(Full::from(format!(
                "{}\n",
                chain(error.as_ref())
            ))));
            *answer.status_mut() = StatusCode::BAD_REQUEST;
            answer
        }
    };
    Ok(answer)
}

async fn start(
    client: &Client,
    request: Request<Incoming>,
) -> Result<EventStream<ChatStream>, Box<dyn Error + Send + Sync>> {
    let photo = Limited::new(request.into_body(), 20 << 20)
        .collect()
        .await?;
    let photo = Image::from_bytes(photo.to_bytes())?;
    let request = ChatRequest::new("openai/gpt-4o").user(("What is in this image?", photo));
    Ok(client.chat().completions().stream(&request)?)
}

/// The words as they come. An error breaks the response off, so that nobody takes it for whole.
struct Telling(EventStream<ChatStream>);

impl Body for Telling {
    type Data = Bytes;
    type Error = mesh_async::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, mesh_async::Error>>> {
        use futures_core::Stream as _;

        let chunk = ready!(Pin::new(&mut self.0).poll_next(context));
        let words = |text: std::borrow::Cow<'_, str>| Frame::data(Bytes::from(text.into_owned()));
        Poll::Ready(chunk.map(|chunk| chunk.map(|chunk| words(chunk.text()))))
    }
}

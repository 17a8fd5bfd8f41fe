//! What a client promises to who trusts it with a key, on real sockets against servers that mean
//! harm. Both clients go through the same scenarios: `security.rs` beside each says how it is driven.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mesh_conformance::{Act, Exchange, ScriptedServer, stream_head};
use mesh_io::save::{SaveError, Saved};
use mesh_proto::call::{CallError, Failure};
use mesh_proto::call::{Deadline, RetryPolicy};
use mesh_proto::destination::Destination;
use mesh_proto::download::{Addresses, DownloadBounds};
use mesh_proto::error::DecodeError;
use mesh_proto::image::{GeneratedImage, Image};
use mesh_proto::images::EditRequest;
use mesh_proto::{ApiKey, BaseUrl, ChatRequest, Error, Settings, Target};

pub const KEY: &str = "rsk_01CANARYCANARYCANARYCANARY";

/// What is done with a client, each to its end. Successes are not looked at.
pub trait Client: Sized {
    fn new(target: Target, settings: Settings) -> Self;
    fn create(&self, request: &ChatRequest) -> Result<(), Error>;
    fn stream(&self, request: &ChatRequest) -> Result<(), Error>;
    fn edit(&self, request: &EditRequest) -> Result<(), Error>;
    fn list(&self) -> Result<(), Error>;
    fn get(&self, id: &str) -> Result<(), Error>;
    fn download(
        &self,
        image: &GeneratedImage,
        bounds: DownloadBounds,
    ) -> Result<GeneratedImage, Error>;
    fn save(&self, image: &GeneratedImage, to: Destination) -> Result<Saved, SaveError>;
}

/// A client that downloads into files.
pub struct IntoFiles<C>(C);

impl<C: Client> Client for IntoFiles<C> {
    fn new(target: Target, settings: Settings) -> Self {
        Self(C::new(target, settings))
    }

    fn create(&self, request: &ChatRequest) -> Result<(), Error> {
        self.0.create(request)
    }

    fn stream(&self, request: &ChatRequest) -> Result<(), Error> {
        self.0.stream(request)
    }

    fn edit(&self, request: &EditRequest) -> Result<(), Error> {
        self.0.edit(request)
    }

    fn list(&self) -> Result<(), Error> {
        self.0.list()
    }

    fn get(&self, id: &str) -> Result<(), Error> {
        self.0.get(id)
    }

    fn download(
        &self,
        image: &GeneratedImage,
        bounds: DownloadBounds,
    ) -> Result<GeneratedImage, Error> {
        let directory = tempfile::tempdir().unwrap();
        let to = Destination::new(directory.path().join("fox")).within(bounds);
        let saved = self.save(image, to);
        let left = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(left, usize::from(saved.is_ok()));
        match saved {
            Ok(saved) => Ok(GeneratedImage::from_bytes(
                std::fs::read(saved.path).unwrap(),
            )),
            Err(SaveError::Fetch(error)) => Err(error),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn save(&self, image: &GeneratedImage, to: Destination) -> Result<Saved, SaveError> {
        self.0.save(image, to)
    }
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.retry = RetryPolicy::never();
    settings
}

fn target(server: &ScriptedServer) -> Target {
    let key = ApiKey::new(KEY).unwrap();
    Target::new(BaseUrl::new(server.base_url()).unwrap(), key)
        .with_header(
            "x-team".try_into().unwrap(),
            http::HeaderValue::from_static("canary-team"),
        )
        .unwrap()
}

fn client<C: Client>(server: &ScriptedServer) -> C {
    C::new(target(server), settings())
}

fn chat() -> ChatRequest {
    ChatRequest::new("m").user("hello")
}

fn edit() -> EditRequest {
    let image = Image::from_bytes(&b"\x89PNG\r\n\x1a\n"[..]).unwrap();
    EditRequest::new("m", image, "night")
}

fn failed(result: Result<(), Error>) -> CallError {
    match result.unwrap_err() {
        Error::Call(error) => error,
        other => panic!("{other:?}"),
    }
}

/// Every call that a client makes.
fn every_call<C: Client>(client: &C) -> Vec<Result<(), Error>> {
    vec![
        client.create(&chat()),
        client.stream(&chat()),
        client.edit(&edit()),
        client.list(),
        client.get("openai/gpt-4o"),
    ]
}

fn remote(url: impl Into<String>) -> GeneratedImage {
    GeneratedImage::from_url(url.into())
}

pub fn no_call_follows_a_redirect<C: Client>() {
    let elsewhere = ScriptedServer::start([Exchange::response(200, "", "{}")]);
    let place = elsewhere.base_url();
    for location in [
        format!("{place}/v1/models"),
        place.replace("http:", ""),
        place.replace("127.0.0.1", "localhost"),
        "/v1/elsewhere".to_owned(),
        "elsewhere".to_owned(),
    ] {
        for status in [300, 301, 302, 303, 307, 308] {
            let headers = format!("location: {location}\r\n");
            let server = ScriptedServer::start([Exchange::response(status, &headers, "")]);
            let results = every_call(&client::<C>(&server));
            let calls = results.len();
            for result in results {
                let error = failed(result);
                let Failure::Redirect { location: told, .. } = error.failure() else {
                    panic!("{error:?}");
                };
                assert_eq!(told.as_deref(), Some(location.as_str()));
            }
            assert_eq!(server.rest().len(), calls, "{status} to {location}");
        }
    }
    assert!(elsewhere.rest().is_empty());
}

/// The beginning of a GIF, which tells an image.
const GIF: &str = "GIF89a";

pub fn a_download_carries_neither_the_key_nor_the_callers_headers<C: Client>() {
    let picture = || {
        Exchange::response(
            200,
            "content-type: image/gif\r\nset-cookie: a=canary\r\n",
            GIF,
        )
    };
    let elsewhere = ScriptedServer::start([picture()]);
    let away = Exchange::response(
        302,
        &format!("location: {}/b.png\r\n", elsewhere.base_url()),
        "",
    );
    let server = ScriptedServer::start([picture(), picture(), away]);
    let client = client::<C>(&server);
    let mut bounds = DownloadBounds::default();
    bounds.addresses = Addresses::Any;
    for url in [
        format!("{}/v1/models", server.base_url()),
        format!("{}/a.png", server.base_url()),
        format!("{}/a.png", server.base_url()),
        format!("{}/c.png", elsewhere.base_url()),
    ] {
        client.download(&remote(url), bounds).unwrap();
    }
    let (own, away) = (server.rest(), elsewhere.rest());
    assert_eq!((own.len(), away.len()), (3, 2));
    for request in own.into_iter().chain(away) {
        let shown = format!("{request:?}");
        assert!(!shown.to_lowercase().contains("canary"), "{shown}");
        for name in [
            "authorization",
            "cookie",
            "referer",
            "x-team",
            "x-meshapi-sdk",
        ] {
            assert_eq!(request.header(name), None, "{name}");
        }
    }
}

pub fn no_spelling_of_a_private_address_is_reached<C: Client>() {
    let private = ScriptedServer::start([Exchange::response(200, "", "x")]);
    let port = private.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0X7F.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "127.255.255.254",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "0.0.0.0",
        "0",
        "[::]",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.127.255.255",
        "[fc00::1]",
        "[fd12:3456::1]",
        "[fe80::1]",
        "[fe80::1%25lo]",
        "[::ffff:10.0.0.1]",
        "[::ffff:169.254.169.254]",
    ] {
        for scheme in ["https", "http"] {
            let url = format!("{scheme}://{host}:{port}/a.png");
            let redirect = Exchange::response(302, &format!("location: {url}\r\n"), "");
            let server = ScriptedServer::start([redirect]);
            let client = client::<C>(&server);
            for url in [url.clone(), format!("{}/b.png", server.base_url())] {
                let refused = client.download(&remote(&url), DownloadBounds::default());
                assert!(
                    matches!(refused, Err(Error::Build(_))),
                    "{url}: {refused:?}"
                );
            }
        }
    }
    assert!(private.rest().is_empty());
}

pub fn a_picture_that_has_the_key_in_its_url_is_not_fetched<C: Client>() {
    let elsewhere = ScriptedServer::start([Exchange::response(200, "", "x")]);
    let url = format!("{}/a.png?token={KEY}", elsewhere.base_url());
    let redirect = Exchange::response(302, &format!("location: {url}\r\n"), "");
    let server = ScriptedServer::start([redirect]);
    let mut bounds = DownloadBounds::default();
    bounds.addresses = Addresses::Any;
    for url in [url, format!("{}/b.png", server.base_url())] {
        let refused = client::<C>(&server).download(&remote(url), bounds);
        let Err(Error::Build(error)) = refused else {
            panic!("{refused:?}");
        };
        assert!(error.to_string().contains("API key"), "{error}");
    }
    assert_eq!((server.rest().len(), elsewhere.rest().len()), (1, 0));
}

pub fn redirects_of_a_download_come_to_an_end<C: Client>() {
    let server = ScriptedServer::start([Exchange::response(302, "location: /again.png\r\n", "")]);
    let endless = client::<C>(&server).download(
        &remote(format!("{}/a.png", server.base_url())),
        DownloadBounds::default(),
    );
    assert!(
        endless
            .unwrap_err()
            .to_string()
            .contains("more than 5 redirects")
    );
    assert_eq!(server.rest().len(), 6);
}

pub fn a_download_is_bounded_in_size<C: Client>() {
    let announced = Exchange::response(200, "", &"x".repeat(1001));
    let endless = Exchange::new([
        Act::Raw("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".into()),
        Act::Raw(vec![b'x'; 1001].into()),
        Act::Stall,
    ]);
    let small = Exchange::response(200, "content-type: image/gif\r\n", GIF);
    let server = ScriptedServer::start([announced, endless, small]);
    let client = client::<C>(&server);
    let mut bounds = DownloadBounds::default();
    bounds.size = 1000;
    let image = remote(format!("{}/a.png", server.base_url()));
    for _ in 0..2 {
        let error = failed(client.download(&image, bounds).map(drop));
        assert_eq!(
            *error.failure(),
            Failure::Decode(DecodeError::TooLarge {
                what: "reply",
                limit: 1000
            })
        );
    }
    assert_eq!(
        client.download(&image, bounds).unwrap().bytes().unwrap(),
        GIF
    );
}

pub fn a_download_is_bounded_in_time_whatever_keeps_it_alive<C: Client>() {
    let waits = |first: &'static [u8]| Exchange::new([Act::Raw(first.into()), Act::AwaitEvents(1)]);
    let server = ScriptedServer::start([
        waits(b""),
        waits(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"),
        // A redirect begins no new time.
        Exchange::response(302, "location: /b.png\r\n", ""),
        waits(b""),
    ]);
    let mut bounds = DownloadBounds::default();
    bounds.time = Duration::from_millis(100);
    for _ in 0..3 {
        let image = remote(format!("{}/a.png", server.base_url()));
        let error = failed(client::<C>(&server).download(&image, bounds).map(drop));
        let Failure::Deadline(Deadline::Total(limit)) = error.failure() else {
            panic!("{error:?}");
        };
        assert!(*limit <= bounds.time);
    }
    server.shown().add();
}

/// Runs `call`, which has to end though the server does not, and gives what it ended with.
fn ends<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(call()));
    ended
        .recv_timeout(Duration::from_secs(60))
        .expect("an end, whatever the server does")
}

/// A server that goes on after `first` with `more` until the client has had enough.
fn endless(first: &'static [u8], more: &'static [u8]) -> String {
    use std::io::{BufRead as _, BufReader, Write as _};

    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let reader = BufReader::new(stream.try_clone().unwrap());
            let head = reader.lines().map_while(Result::ok);
            let _head: Vec<String> = head.take_while(|line| !line.is_empty()).collect();
            let mut next = first;
            while stream.write_all(next).is_ok() {
                next = more;
            }
        }
    });
    url
}

fn against<C: Client>(url: &str, change: impl FnOnce(&mut Settings)) -> C {
    let mut settings = settings();
    change(&mut settings);
    let base = BaseUrl::new(url).unwrap();
    C::new(Target::new(base, ApiKey::new(KEY).unwrap()), settings)
}

pub fn what_never_ends_meets_a_limit<C: Client>() {
    const MORE: &[u8] = &[b'x'; 4096];
    let of = |head: &'static [u8]| endless(head, MORE);

    // A header, and headers.
    for url in [
        of(b"HTTP/1.1 200 OK\r\nx-long: "),
        endless(b"HTTP/1.1 200 OK\r\n", b"x-one-more: and another\r\n"),
        of(b""),
    ] {
        let error = ends(move || failed(against::<C>(&url, |_| {}).list()));
        assert!(matches!(error.failure(), Failure::Fault(_)), "{error:?}");
    }

    // A reply, a frame, and a comment.
    let too_large = |what, limit| Failure::Decode(DecodeError::TooLarge { what, limit });
    let url = of(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"data\":[\"");
    let error = ends(move || failed(against::<C>(&url, |it| it.limits.reply = 100_000).list()));
    assert_eq!(*error.failure(), too_large("reply", 100_000));
    for head in [
        &b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\ndata: "[..],
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n: ",
    ] {
        let url = of(head);
        let limited = move || against::<C>(&url, |it| it.limits.frame = 100_000).stream(&chat());
        let error = ends(move || failed(limited()));
        assert_eq!(*error.failure(), too_large("frame", 100_000));
    }

    // An error's body is read as far as it is of use, and the error is told.
    let url = of(b"HTTP/1.1 400 X\r\nconnection: close\r\n\r\nno ");
    let error = ends(move || failed(against::<C>(&url, |_| {}).create(&chat())));
    assert_eq!(error.api().unwrap().status, 400);
    assert!(error.api().unwrap().message.starts_with("no "));
}

pub fn an_id_makes_no_header_and_leads_nowhere_else<C: Client>() {
    let server = ScriptedServer::start([Exchange::response(200, "", "{\"id\":\"m\"}")]);
    let client = client::<C>(&server);
    client
        .get("a\r\nx-evil: 1\r\n\r\nGET /evil?b#c/\u{e4} d")
        .unwrap();
    for id in ["../v1/keys", "a/..", ".", "", "a//b"] {
        assert!(matches!(client.get(id), Err(Error::Build(_))), "{id}");
    }
    let requests = server.rest();
    assert_eq!(requests.len(), 1);
    let line = "GET /v1/models/a%0D%0Ax-evil:%201%0D%0A%0D%0AGET%20/evil%3Fb%23c/%C3%A4%20d";
    assert_eq!(requests[0].line, line);
    assert_eq!(requests[0].header("x-evil"), None);
}

pub fn no_error_shows_what_a_server_echoes<C: Client>() {
    let headers = format!("x-request-id: {KEY}\r\nx-echo: Bearer {KEY}\r\n");
    let body = format!("{{\"error\":{{\"code\":\"{KEY}\",\"message\":\"{KEY} is no key\"}}}}");
    for act in [
        Exchange::response(401, &headers, &body),
        Exchange::response(200, &headers, &body),
        Exchange::response(200, &headers, KEY),
        Exchange::response(302, &format!("location: /login?key={KEY}\r\n"), ""),
        Exchange::new([stream_head(), Act::Close]),
        Exchange::new([
            Act::Raw(format!("HTTP/1.1 {KEY}\r\n\r\n").into()),
            Act::Close,
        ]),
        Exchange::new([
            Act::Raw(format!("HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n").into()),
            Act::Close,
        ]),
        Exchange::new([Act::Close]),
    ] {
        let server = ScriptedServer::start([act.clone()]);
        for result in every_call(&client::<C>(&server)) {
            let error = result.unwrap_err();
            let mut next: Option<&dyn StdError> = Some(&error);
            while let Some(error) = next {
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains("CANARY"), "{act:?}: {shown}");
                next = error.source();
            }
        }
    }
}

/// The names of the public types in a crate's sources.
pub fn public_types(crate_directory: &str) -> BTreeSet<String> {
    let sources = std::fs::read_dir(Path::new(crate_directory).join("src")).unwrap();
    let mut names = BTreeSet::new();
    for source in sources {
        let text = std::fs::read_to_string(source.unwrap().path()).unwrap();
        for line in text.lines() {
            let declared = ["pub struct ", "pub enum "]
                .iter()
                .find_map(|it| line.strip_prefix(it));
            let name =
                declared.map(|it| it.split(|it: char| !it.is_alphanumeric()).next().unwrap());
            names.extend(name.map(str::to_owned));
        }
    }
    names
}

/// Runs every scenario through a client.
macro_rules! through {
    ($client:ty: $($scenario:ident,)*) => {
        $(#[test] fn $scenario() { hostile::$scenario::<$client>(); })*
    };
}

//! The text of an error and its causes: each says its own part, and a cause is never said twice.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test reads files, and says when it fails"
)]

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use mesh_blocking::image::SaveError;
use mesh_conformance::{Act, Exchange, ScriptedServer};
use mesh_io::connect::{Proxies, Proxy, ThroughProxy};
use mesh_proto::SetUpError;
use mesh_proto::call::{RetryPolicy, Settings};
use mesh_proto::error::{BuildError, chain};
use mesh_proto::image::{GeneratedImage, ImageError, ImageFileError, PictureError};
use mesh_proto::structured::{Parse, RoundFailure, Schema};
use mesh_proto::{ChatRequest, Error, TargetError};
use serde_json::{Value, json};

type Sample = (&'static str, Box<dyn StdError>);

#[test]
fn no_error_repeats_its_cause() {
    for (name, error) in samples() {
        let text = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            assert!(
                !text.contains(&cause.to_string()),
                "{name}: {text:?} contains its cause {:?}",
                cause.to_string()
            );
            next = cause.source();
        }
    }
}

#[test]
fn the_chain_shows_what_failed_beneath() {
    let chains: Vec<String> = samples()
        .iter()
        .map(|(_, error)| chain(error.as_ref()).to_string())
        .collect();
    for shown in [
        "cannot read photo.png: the disk is broken",
        "photo.png: empty",
        "fox.png cannot be written: the disk is broken",
        "the HTTP client cannot be set up: the disk is broken",
        "there is no API key: set MESHAPI_API_KEY",
        "a header cannot be written: invalid HTTP header name",
        "could not connect",
        "refused",
    ] {
        assert!(
            chains.iter().any(|chain| chain.contains(shown)),
            "{shown}: {chains:#?}"
        );
    }
    for shown in &chains {
        assert_eq!(shown.matches("the disk is broken").count().max(1), 1);
    }
}

/// A sample of every public error that has a cause is among [`samples`].
#[test]
fn every_error_type_with_a_cause_has_a_sample() {
    let sampled: BTreeSet<&str> = samples().iter().map(|(name, _)| *name).collect();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = 0;
    for name in [
        "mesh-proto",
        "mesh-io",
        "mesh-blocking",
        "mesh-async",
        "mesh-emulator",
    ] {
        for path in sources(&crates.join(name).join("src")) {
            let text = fs::read_to_string(&path).unwrap();
            for line in text.lines() {
                let implementation = line
                    .strip_prefix("impl std::error::Error for ")
                    .or_else(|| line.strip_prefix("impl StdError for "))
                    .or_else(|| line.strip_prefix("impl Error for "));
                let Some((name, body)) = implementation.and_then(|it| it.split_once(' ')) else {
                    continue;
                };
                found += 1;
                assert!(
                    body == "{}" || sampled.contains(name),
                    "{name} of {} has a cause and no sample in this test",
                    path.display()
                );
            }
        }
    }
    assert!(found > 20, "{found} implementations of `Error` found");
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn samples() -> Vec<Sample> {
    let broken = || io::Error::other("the disk is broken");
    let json = serde_json::from_str::<u8>("x").unwrap_err();
    let header = http::HeaderName::try_from("a b").map_err(http::Error::from);
    let call = || match unreachable() {
        Error::Call(error) => error,
        other => panic!("{other:?}"),
    };
    vec![
        ("BuildError", Box::new(BuildError::Json(json)) as _),
        (
            "BuildError",
            Box::new(BuildError::from(header.unwrap_err())),
        ),
        (
            "BuildError",
            Box::new(BuildError::invalid("n", "too large")),
        ),
        (
            "SetUpError",
            Box::new(SetUpError::Target(TargetError::NoKey)),
        ),
        ("SetUpError", Box::new(SetUpError::Http(broken().into()))),
        (
            "SetUpError",
            Box::new(SetUpError::Certificates("none".to_owned())),
        ),
        (
            "ImageFileError",
            Box::new(ImageFileError::read("photo.png".as_ref(), broken())),
        ),
        (
            "ImageFileError",
            Box::new(ImageFileError::image(
                "photo.png".as_ref(),
                ImageError::Empty,
            )),
        ),
        ("SaveError", Box::new(SaveError::Fetch(unreachable()))),
        (
            "SaveError",
            Box::new(SaveError::Picture(PictureError::Empty)),
        ),
        ("SaveError", Box::new(SaveError::Exists("fox.png".into()))),
        (
            "SaveError",
            Box::new(SaveError::File {
                path: "fox.png".into(),
                error: broken(),
            }),
        ),
        (
            "ThroughProxy",
            Box::new(ThroughProxy::new(proxy().to_string(), broken())),
        ),
        ("CallError", Box::new(call())),
        ("Error", Box::new(unreachable())),
        (
            "Error",
            Box::new(Error::Build(BuildError::invalid("n", "too large"))),
        ),
        (
            "Error",
            Box::new(Error::from(BuildError::Json(
                serde_json::from_str::<u8>("x").unwrap_err(),
            ))),
        ),
        ("Error", Box::new(failed_correction())),
        (
            "RoundFailure",
            Box::new(RoundFailure::try_from(unreachable()).unwrap()),
        ),
        (
            "ParseError",
            match failed_correction() {
                Error::Parse(error) => Box::new(error),
                other => panic!("{other:?}"),
            },
        ),
    ]
}

fn client(base: &str) -> mesh_blocking::Client {
    let mut settings = Settings::default();
    settings.retry = RetryPolicy::never();
    mesh_blocking::Client::builder()
        .key("rsk_01")
        .base_url(base)
        .settings(settings)
        .build()
        .unwrap()
}

fn proxy() -> Proxy {
    let set = |name: &str| (name == "HTTPS_PROXY").then(|| "http://proxy.test:3128".into());
    let url = http::Uri::from_static("https://api.meshapi.ai/");
    let proxies = Proxies::from_variables(set);
    proxies.route(&url).unwrap().unwrap().clone()
}

/// A call to a port that was free a moment ago, and that nothing listens on.
fn unreachable() -> Error {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client = client(&format!("http://127.0.0.1:{port}"));
    client.models().list().unwrap_err()
}

/// A first answer that is no JSON, and a connection that breaks in the second round.
fn failed_correction() -> Error {
    let prose = json!({"choices": [{"message": {"content": "Three."}, "finish_reason": "stop"}]});
    let server = ScriptedServer::start([
        Exchange::response(
            200,
            "content-type: application/json\r\n",
            &prose.to_string(),
        ),
        Exchange::new([Act::Close]),
    ]);
    let request = ChatRequest::new("m").user("How many?");
    let schema = Schema::new("count", json!({"type": "object"}));
    let ask = Parse::<Value>::with_schema(request, &schema).corrections(1);
    client(&server.base_url())
        .chat()
        .completions()
        .parse(ask)
        .unwrap_err()
}

#[test]
fn an_images_host_that_refuses_is_not_the_gateway_and_nothing_is_said_of_work() {
    for status in [403, 404, 410, 500] {
        let server = ScriptedServer::start([Exchange::response(status, "", "gone")]);
        let client = client(&server.base_url());
        let image = GeneratedImage::from_url(format!("{}/1.png", server.base_url()));
        let directory = tempfile::tempdir().unwrap();
        let saved = client.save(&image, directory.path().join("fox"));
        let downloaded = client.download(&image);
        for text in [
            chain(&saved.unwrap_err()).to_string(),
            chain(&downloaded.unwrap_err()).to_string(),
        ] {
            assert!(text.contains(&status.to_string()), "{text}");
            for claim in ["gateway", "before any work", "billed", "unknown"] {
                assert!(!text.contains(claim), "{claim}: {text}");
            }
        }
    }
}

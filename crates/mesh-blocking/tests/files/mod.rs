//! What a client promises to who saves a picture, on real sockets. Both clients go through the same
//! scenarios: `saving.rs` beside each says how it is driven.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use mesh_conformance::{Act, Exchange, ScriptedServer};
use mesh_emulator::gateway::Gateway;
use mesh_emulator::{Server, vision};
use mesh_io::save::{SaveError, Saved};
use mesh_proto::body::{Body, Segment};
use mesh_proto::call::Failure;
use mesh_proto::chat::{ChatReply, ImageFormat, ImageOptions};
use mesh_proto::destination::{Destination, Existing};
use mesh_proto::download::{Addresses, DownloadBounds};
use mesh_proto::error::DecodeError;
use mesh_proto::image::{Evidence, GeneratedImage, MediaType, PictureError};
use mesh_proto::{ChatRequest, Error, Settings, Target};

/// What is done with a client.
pub trait Client: Sized {
    fn new(target: Target, settings: Settings) -> Self;
    fn draw(&self, request: &ChatRequest) -> ChatReply;
    fn save(&self, image: &GeneratedImage, to: Destination) -> Result<Saved, SaveError>;
}

pub fn client<C: Client>(base_url: &str, key: &str) -> C {
    let mut settings = Settings::default();
    settings.retry.base = Duration::from_millis(1);
    C::new(Target::of(Some(key), Some(base_url)).unwrap(), settings)
}

pub fn names_in(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// More than is decoded, written or received at once.
pub fn large_png() -> Vec<u8> {
    let rest = (0..1_000_000_u32).flat_map(u32::to_le_bytes);
    b"\x89PNG\r\n\x1a\n".iter().copied().chain(rest).collect()
}

fn picture_of(bytes: &[u8]) -> Exchange {
    Exchange::answer_with(200, &[("content-type", "image/jpeg")], bytes.to_vec())
}

/// Half of a picture, and then the connection is closed.
fn cut(bytes: &[u8]) -> Exchange {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", bytes.len());
    let half = bytes[..bytes.len() / 2].to_vec();
    Exchange::new([Act::Raw(head.into()), Act::Raw(half.into()), Act::Close])
}

fn hosted(server: &ScriptedServer) -> GeneratedImage {
    GeneratedImage::from_url(format!("{}/fox", server.base_url()))
}

pub fn a_drawn_picture_is_saved_wherever_the_reply_has_it<C: Client>() {
    let server = Server::start(Gateway::default()).unwrap();
    let client = client::<C>(&server.base_url(), server.key());
    for format in [ImageFormat::B64Json, ImageFormat::Url] {
        let directory = tempfile::tempdir().unwrap();
        let mut options = ImageOptions::new().size("320x200");
        options.response_format = Some(format);
        let request = ChatRequest::new("openai/gpt-image-1")
            .image(options)
            .user("a red circle");
        let picture = &client.draw(&request).images()[0];
        let saved = client.save(picture, directory.path().join("fox").into());
        let saved = saved.unwrap();
        assert_eq!(saved.path, directory.path().join("fox.png"));
        assert_eq!(saved.media_type, MediaType::PNG);
        assert_eq!(saved.evidence, Evidence::MagicBytes);
        let bytes = fs::read(&saved.path).unwrap();
        assert_eq!(bytes.len() as u64, saved.length);
        let sight = vision::look(&bytes).unwrap();
        assert_eq!((sight.width, sight.height), (320, 200));
        assert_eq!(names_in(directory.path()).len(), 1);
    }
}

pub fn a_large_picture_arrives_to_the_byte<C: Client>() {
    let bytes = large_png();
    let mut encoded = String::new();
    for piece in bytes.chunks(57) {
        let mut reader = Body::new([Segment::Base64(piece.to_vec().into())]).reader();
        let mut line = [0; 76];
        let count = reader.read(&mut line);
        encoded.push_str(std::str::from_utf8(&line[..count]).unwrap());
        encoded.push('\n');
    }
    let server = ScriptedServer::start([picture_of(&bytes)]);
    let client = client::<C>(&server.base_url(), "rsk_01");
    for image in [
        hosted(&server),
        GeneratedImage::from_base64(encoded),
        GeneratedImage::from_bytes(bytes.clone()),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let saved = client.save(&image, directory.path().join("fox").into());
        assert!(fs::read(saved.unwrap().path).unwrap() == bytes, "{image:?}");
    }
}

pub fn what_is_there_stays_unless_told<C: Client>() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fox.png");
    fs::write(&path, "old").unwrap();
    let png = b"\x89PNG\r\n\x1a\n";
    let server = ScriptedServer::start([picture_of(png)]);
    let client = client::<C>(&server.base_url(), "rsk_01");
    let image = hosted(&server);

    let refused = client.save(&image, (&path).into()).unwrap_err();
    assert!(matches!(refused, SaveError::Exists(there) if there == path));
    // It is told before anything is fetched.
    assert!(server.rest().is_empty());
    // Which name it will have is not known beforehand.
    let refused = client.save(&image, directory.path().join("fox").into());
    assert!(matches!(refused, Err(SaveError::Exists(there)) if there == path));
    assert_eq!(fs::read(&path).unwrap(), b"old");

    let numbered = Destination::new(&path).existing(Existing::Number);
    let saved = client.save(&image, numbered).unwrap();
    assert_eq!(saved.path, directory.path().join("fox-2.png"));
    let replaced = Destination::new(&path).existing(Existing::Replace);
    assert_eq!(client.save(&image, replaced).unwrap().path, path);
    assert_eq!(fs::read(&path).unwrap(), png);
    assert_eq!(
        names_in(directory.path()),
        ["fox-2.png", "fox.png"].map(str::to_owned).into()
    );
}

pub fn nothing_is_left_of_what_is_no_picture<C: Client>() {
    let directory = tempfile::tempdir().unwrap();
    let server = ScriptedServer::start([Exchange::answer(200, "<html>")]);
    let client = client::<C>(&server.base_url(), "rsk_01");
    let broken = "iVBORw0KGgoA".repeat(100_000) + "!";
    for image in [GeneratedImage::from_base64(broken), hosted(&server)] {
        let error = client.save(&image, directory.path().join("fox").into());
        let Err(SaveError::Picture(error)) = error else {
            panic!("{error:?}");
        };
        let is_expected = match error {
            PictureError::Base64(error) => error.length == 1_200_001,
            PictureError::NotAPicture(what) => what == "HTML",
            _ => false,
        };
        assert!(is_expected, "{image:?}");
    }
    assert!(names_in(directory.path()).is_empty());
}

pub fn a_download_that_is_cut_short_begins_anew_or_leaves_nothing<C: Client>() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = large_png();
    let server = ScriptedServer::start([cut(&bytes), picture_of(&bytes)]);
    let client = client::<C>(&server.base_url(), "rsk_01");
    let saved = client.save(&hosted(&server), directory.path().join("fox").into());
    assert!(fs::read(saved.unwrap().path).unwrap() == bytes);

    let server = ScriptedServer::start([cut(&bytes)]);
    let client = self::client::<C>(&server.base_url(), "rsk_01");
    let error = client.save(&hosted(&server), directory.path().join("other").into());
    let Err(SaveError::Fetch(Error::Call(error))) = error else {
        panic!("{error:?}");
    };
    assert!(matches!(error.failure(), Failure::Fault(_)), "{error:?}");
    assert_eq!((error.attempts(), server.rest().len()), (3, 3));
    assert_eq!(
        names_in(directory.path()),
        ["fox.png".to_owned()].into(),
        "{error}"
    );
}

pub fn the_bounds_of_a_download_hold<C: Client>() {
    let directory = tempfile::tempdir().unwrap();
    let to = || Destination::new(directory.path().join("fox"));
    let png = b"\x89PNG\r\n\x1a\n";
    let server = ScriptedServer::start([picture_of(png)]);
    let client = client::<C>(&server.base_url(), "rsk_01");
    let mut bounds = DownloadBounds::default();
    bounds.size = 7;
    let error = client.save(&hosted(&server), to().within(bounds));
    let Err(SaveError::Fetch(Error::Call(error))) = error else {
        panic!("{error:?}");
    };
    let limit = DecodeError::TooLarge {
        what: "reply",
        limit: 7,
    };
    assert_eq!(*error.failure(), Failure::Decode(limit));

    let elsewhere = self::client::<C>("https://gateway.test", "rsk_01");
    let error = elsewhere.save(&hosted(&server), to());
    assert!(matches!(error, Err(SaveError::Fetch(Error::Build(_)))));
    assert!(names_in(directory.path()).is_empty());
    bounds = DownloadBounds::default();
    bounds.addresses = Addresses::Any;
    elsewhere
        .save(&hosted(&server), to().within(bounds))
        .unwrap();
    for request in server.rest() {
        assert!(!format!("{request:?}").contains("rsk_01"));
    }
}

pub fn the_text_of_a_data_url_is_the_picture_in_it<C: Client>() {
    let directory = tempfile::tempdir().unwrap();
    let server = ScriptedServer::start([Exchange::answer(
        200,
        "\n data:image/png;base64,iVBORw0KGgo=",
    )]);
    let client = client::<C>(&server.base_url(), "rsk_01");
    let saved = client.save(&hosted(&server), directory.path().join("fox").into());
    assert_eq!(fs::read(saved.unwrap().path).unwrap(), b"\x89PNG\r\n\x1a\n");
}

pub fn a_place_that_cannot_be_is_told_before_anything_is_fetched<C: Client>() {
    let directory = tempfile::tempdir().unwrap();
    let server = ScriptedServer::start([picture_of(b"GIF89a")]);
    let client = client::<C>(&server.base_url(), "rsk_01");
    let places = [
        (directory.path().join("none/fox"), "create its directory"),
        (directory.path().to_owned(), "name a file in it"),
        #[cfg(target_os = "linux")]
        ("/proc/fox".into(), "cannot be written"),
    ];
    for (place, expected) in places {
        let error = client.save(&hosted(&server), place.into()).unwrap_err();
        assert!(matches!(error, SaveError::File { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(server.rest().is_empty());
    assert!(names_in(directory.path()).is_empty());
}

/// Runs every scenario through a client.
macro_rules! through {
    ($client:ty: $($scenario:ident,)*) => {
        $(#[test] fn $scenario() { files::$scenario::<$client>(); })*
    };
}

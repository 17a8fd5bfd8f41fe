use mesh_conformance::{Exchange, ScriptedServer};
use mesh_proto::call::Failure;
use mesh_proto::chat::{Message, Role};
use mesh_proto::download::DownloadBounds;
use mesh_proto::error::DecodeError;
use mesh_proto::image::{Detail, Image};
use mesh_proto::{ChatRequest, Error, Outcome};
use serde_json::Value;

use super::each;

/// A GIF as far as its magic bytes go, and text, as the script has it.
const GIF: &str = "GIF89a";

fn picture() -> Exchange {
    Exchange::answer_with(200, &[("content-type", "image/gif")], GIF)
}

#[test]
fn a_picture_is_fetched_without_the_key_and_can_be_sent() {
    let moved = Exchange::answer_with(302, &[("location", "/moved.gif")], "");
    each(&[moved, picture()], |client, server| {
        let url = format!(" {}/a.gif?size=1\n", server.base_url());
        let image = client.inline(&url).unwrap();
        assert_eq!(image.bytes().unwrap(), GIF.as_bytes());
        assert_eq!(image, Image::from_bytes(GIF).unwrap());
        let requests = server.rest();
        let lines: Vec<_> = requests.iter().map(|it| it.line.as_str()).collect();
        assert_eq!(lines, ["GET /a.gif?size=1", "GET /moved.gif"]);
        assert!(!format!("{requests:?}").contains("canary"));
    });
}

#[test]
fn a_path_is_no_url_of_the_users() {
    each(&[], |client, server| {
        for url in ["photos/a.gif", "/photos/a.gif", "//a.test/b.gif", ""] {
            let error = client.inline(url).unwrap_err();
            assert!(matches!(error, Error::Build(_)), "{error:?}");
        }
        assert!(server.rest().is_empty());
    });
}

#[test]
fn what_is_no_picture_is_refused_by_name() {
    for (body, expected) in [
        (
            "<!DOCTYPE html><title>Sign in</title>",
            "not a picture but HTML",
        ),
        ("%PDF-1.7", "not a picture but a PDF document"),
        ("II*\0", "TIFF (image/tiff), which models do not take"),
        ("", "has no bytes"),
    ] {
        // What the server calls it does not make it one.
        let script = Exchange::answer_with(200, &[("content-type", "image/png")], body);
        each(&[script], |client, server| {
            let error = client.inline(&server.base_url()).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.outcome(), Outcome::NotSent);
        });
    }
}

#[test]
fn a_private_place_is_not_looked_into_even_after_a_redirect() {
    let private = ScriptedServer::start([picture()]);
    let elsewhere = format!("http://127.0.0.1:{}/a.gif", private.port());
    let redirect = Exchange::answer_with(302, &[("location", &elsewhere)], "");
    each(&[redirect], |client, server| {
        for url in [
            elsewhere.clone(),
            format!("https://localhost:{}/", private.port()),
            format!("{}/b.gif", server.base_url()),
            "file:///etc/passwd".to_owned(),
            "a.gif".to_owned(),
            String::new(),
        ] {
            let error = client.inline(&url).unwrap_err();
            assert!(matches!(error, Error::Build(_)), "{url}: {error:?}");
        }
        let mut request = ChatRequest::new("m").user(Image::from_url(&elsewhere).unwrap());
        assert!(client.inline_all(&mut request).is_err());
    });
    assert!(private.rest().is_empty());
}

#[test]
fn a_picture_that_is_gone_or_too_large_is_an_error_of_the_call() {
    let gone = Exchange::answer(404, "");
    each(&[gone], |client, server| {
        let error = client.inline(&server.base_url()).unwrap_err();
        assert_eq!(error.status().unwrap(), 404);
    });
    each(&[picture()], |client, server| {
        let mut bounds = DownloadBounds::default();
        bounds.size = 5;
        let error = client
            .inline_within(&server.base_url(), bounds)
            .unwrap_err();
        let failure = error.call().unwrap().failure();
        assert!(
            matches!(
                failure,
                Failure::Decode(DecodeError::TooLarge { limit: 5, .. })
            ),
            "{error}"
        );
    });
}

#[test]
fn every_picture_of_a_request_is_put_in_its_urls_place() {
    let second = Exchange::answer(200, "GIF87a");
    each(&[picture(), second], |client, server| {
        let remote = |path: &str| Image::from_url(format!("{}/{path}", server.base_url())).unwrap();
        let data = Image::from_url("data:image/png;base64,iVBORw0KGgo=").unwrap();
        let closely = remote("1").detail(Detail::High);
        let mut request = ChatRequest::new("m")
            .system("Compare.")
            .user(("These:", [closely, data.clone()]))
            .message(Message::new(Role::User, remote("2")));
        client.inline_all(&mut request).unwrap();
        let images: Vec<Image> = request.images_mut().map(|image| image.clone()).collect();
        assert_eq!(
            images,
            [
                Image::from_bytes(GIF).unwrap().detail(Detail::High),
                data,
                Image::from_bytes("GIF87a").unwrap(),
            ]
        );
        let sent: Value = serde_json::to_value(&request).unwrap();
        assert_eq!(sent["messages"][1]["content"][0]["text"], "These:");
        assert!(!sent.to_string().contains(&server.base_url()));
        assert_eq!(server.rest().len(), 2);
        // There is nothing left to do.
        client.inline_all(&mut request).unwrap();
        assert!(server.rest().is_empty());
    });
}

#[test]
fn a_data_url_is_read_where_it_is() {
    each(&[], |client, server| {
        let image = client.inline("data:image/gif;base64,R0lGODlh").unwrap();
        assert_eq!(image.bytes().unwrap(), GIF.as_bytes());
        assert!(server.rest().is_empty());
    });
}

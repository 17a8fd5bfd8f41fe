//! Images as gateways and hosts give them in spite of the documentation, and URLs as users type them.

use std::fs;

use mesh_conformance::{Exchange, ScriptedServer};
use serde_json::{Value, json};

use crate::answers::{data_url, document, pictures, png, reply, saying, server};
use crate::running::{Ran, mesh, names_in, only_body, run, speaking_to};

fn draw(server: &ScriptedServer) -> (Ran, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let ran = run(speaking_to(server)
        .current_dir(&directory)
        .args(["draw", "fox", "--via", "chat"]));
    (ran, directory)
}

fn hosted(media_type: &str, body: &[u8]) -> Exchange {
    Exchange::answer_with(200, &[("content-type", media_type)], body.to_vec())
}

#[test]
fn a_relative_url_is_fetched_from_the_gateway_without_the_key() {
    for (url, path) in [
        ("/images/fox.png", "/images/fox.png"),
        ("images/fox.png", "/images/fox.png"),
        ("./my fox.png?a=b", "/my%20fox.png?a=b"),
    ] {
        let markdown = json!({"role": "assistant", "content": format!("![fox]({url})")});
        let mut answers = vec![document(&json!({"data": [{"url": url, "b64_json": null}]}))];
        if !url.contains(' ') {
            answers.push(reply(&markdown, "stop"));
        }
        for answer in answers {
            let server = ScriptedServer::start([answer, hosted("image/png", &png())]);
            let (ran, directory) = draw(&server);
            assert_eq!(ran.code, Some(0), "{ran:?}");
            assert_eq!(fs::read(directory.path().join("fox.png")).unwrap(), png());
            let requests = server.rest();
            assert_eq!(requests[1].line, format!("GET {path}"));
            assert!(!format!("{:?}", requests[1]).contains("uthorization"));
        }
    }
}

#[test]
fn a_relative_url_that_cannot_be_fetched_is_of_an_image_that_was_made() {
    for (url, shown) in [
        ("/images/fox.png", "/images/fox.png"),
        ("//127.0.0.1:9/fox.png", "http://127.0.0.1:9/fox.png"),
        ("gs://bucket/fox.png", "gs://bucket/fox.png"),
    ] {
        let gone = Exchange::response(404, "content-type: text/plain\r\n", "gone");
        let server = ScriptedServer::start([document(&json!({"data": [{"url": url}]})), gone]);
        let (ran, directory) = draw(&server);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.line().contains("was made and is billed"), "{ran:?}");
        assert!(ran.line().contains(shown), "{ran:?}");
        assert!(!ran.line().contains("declines"), "{ran:?}");
        assert_eq!(names_in(directory.path()), [""; 0]);
    }
}

#[test]
fn what_is_declared_an_image_and_is_none_is_not_saved() {
    for media_type in ["image/png", "image/jpeg", "image/webp", "image/gif"] {
        for (body, what) in [
            (&b"Not Found"[..], "text"),
            (b"<html>gone</html>", "HTML"),
            (b"{\"error\": 1}", "JSON"),
            (b"\x01\x00\x02", "data of an unknown kind"),
        ] {
            let server = ScriptedServer::start_telling(|base_url| {
                let url = format!("{base_url}/fox");
                vec![pictures(&[&url]), hosted(media_type, body)]
            });
            let inline = data_url(body).replace("image/png", media_type);
            for server in [server, ScriptedServer::start([pictures(&[&inline])])] {
                let (ran, directory) = draw(&server);
                assert_eq!(ran.code, Some(1), "{ran:?}");
                let line = ran.line();
                assert!(line.contains("was made and is billed"), "{line}");
                assert!(
                    line.contains(&format!("not a picture but {what}")),
                    "{line}"
                );
                assert_eq!(names_in(directory.path()), [""; 0]);
            }
        }
    }
}

#[test]
fn base64_without_its_mark_is_an_image() {
    let url = data_url(&png());
    let base64 = url.split_once(',').unwrap().1;
    let beside = |url: &str| json!({"content": "", "images": [{"image_url": {"url": url}}]});
    let messages: [Value; 5] = [
        beside(&format!("data:image/png,{base64}")),
        beside(&format!("data:image/png;base64;charset=utf-8,{base64}")),
        beside(&format!("data:image/png;base64,{url}")),
        json!({"role": "assistant", "content": base64}),
        json!({"role": "assistant", "content": format!("```\n{base64}\n```")}),
    ];
    for message in messages {
        let (ran, directory) = draw(&server(reply(&message, "stop")));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(fs::read(directory.path().join("fox.png")).unwrap(), png());
    }
}

#[test]
fn a_url_of_the_users_is_encoded_or_refused_for_what_is_wrong() {
    for (url, sent) in [
        ("HTTPS://a.test/photo.jpg", "https://a.test/photo.jpg"),
        (
            "https://a.test/my photo.jpg",
            "https://a.test/my%20photo.jpg",
        ),
        (
            "https://a.test/Zürich.jpg",
            "https://a.test/Z%C3%BCrich.jpg",
        ),
    ] {
        let server = server(saying("a photo"));
        let ran = run(speaking_to(&server).args(["see", url]));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let body = only_body(&server).to_string();
        assert!(body.contains(sent), "{body}");
    }
    for (url, reason) in [
        ("https://zürich.test/photo.jpg", "host is not ASCII"),
        ("https://my host.test/photo.jpg", "a space in its host"),
        ("file:///photo.jpg", "/photo.jpg: No such file"),
        ("File://photo.jpg", "give a path"),
        ("s3://bucket/photo.jpg", "another scheme"),
    ] {
        let ran = run(speaking_to(&server(saying("never asked"))).args(["see", url]));
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.line().contains(reason), "{ran:?}");
    }
}

#[test]
fn this_machine_in_another_spelling_is_asked() {
    let server = ScriptedServer::start([document(&json!([])), document(&json!([]))]);
    for host in ["0.0.0.0", "127.1"] {
        let base_url = format!("http://{host}:{}", server.port());
        let ran = run(mesh()
            .env("MESHAPI_API_KEY", "rsk_test")
            .env("MESHAPI_BASE_URL", base_url)
            .arg("models"));
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    assert_eq!(server.rest().len(), 2);
    let ran = run(mesh()
        .env("MESHAPI_API_KEY", "rsk_test")
        .env("MESHAPI_BASE_URL", "http://app.localhost:4000")
        .arg("models"));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.line().contains("write 127.0.0.1"), "{ran:?}");
}

#[test]
fn a_short_key_is_not_taken_out_of_the_url_of_a_paid_image() {
    for key in ["ollama", "1", "EMPTY"] {
        let gone = Exchange::response(410, "content-type: text/plain\r\n", "gone");
        let server = ScriptedServer::start_telling(|base_url| {
            let url = format!("{base_url}/ollama/EMPTY/1024.png");
            vec![pictures(&[&url]), gone.clone()]
        });
        let directory = tempfile::tempdir().unwrap();
        let ran = run(speaking_to(&server)
            .env("MESHAPI_API_KEY", key)
            .current_dir(&directory)
            .args(["draw", "fox", "--via", "chat"]));
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let url = format!("{}/ollama/EMPTY/1024.png", server.base_url());
        assert!(ran.line().ends_with(&url), "{ran:?}");
        assert!(ran.line().contains("410"), "{ran:?}");
    }
}

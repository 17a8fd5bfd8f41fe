//! What goes over a connection, and what becomes of it.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a test runs servers, and fails by panicking"
)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use mesh_blocking::{ChatRequest, Client, Endpoint, Image};
use mesh_conformance::{Act, Exchange, ScriptedServer, stream_head};

const STREAM: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: [DONE]\n\n";
const REPLY: &str = r#"{"choices":[{"message":{"content":"hi"}}]}"#;

fn client(base_url: &str) -> Client {
    let builder = Client::builder().key("rsk_1").base_url(base_url);
    builder.build().unwrap()
}

fn streamed(client: &Client) -> String {
    let request = ChatRequest::new("m").user("hello");
    let mut stream = client.chat().completions().stream(&request).unwrap();
    stream.finish().unwrap().text().into_owned()
}

#[test]
fn a_stream_leaves_its_connection_to_the_next_call() {
    let body = format!("{:x}\r\n{STREAM}\r\n0\r\n\r\n", STREAM.len());
    let server = ScriptedServer::start([Exchange::new([stream_head(), Act::Raw(body.into())])]);
    let client = client(&server.base_url());
    for _ in 0..3 {
        assert_eq!(streamed(&client), "hi");
        assert_eq!(server.next().connection, 0);
    }
}

#[test]
fn a_stream_that_does_not_end_after_its_end_mark_is_not_waited_for() {
    let server = ScriptedServer::start([
        Exchange::stream([Act::Data(STREAM.into()), Act::Stall]),
        Exchange::events([STREAM]),
    ]);
    let client = client(&server.base_url());
    assert_eq!(streamed(&client), "hi");
    assert_eq!(server.ended(), 0);
    assert_eq!(streamed(&client), "hi");
    let connections = [server.next(), server.next()].map(|received| received.connection);
    assert_eq!(connections, [0, 1]);
}

#[test]
fn a_small_request_comes_in_one_piece() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut piece = vec![0; 64 << 10];
        [(); 2].map(|()| {
            let count = stream.read(&mut piece).unwrap();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", REPLY.len());
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(REPLY.as_bytes()).unwrap();
            String::from_utf8_lossy(piece.get(..count).unwrap()).into_owned()
        })
    });
    let client = client(&url);
    let request = ChatRequest::new("m").user("hello");
    for _ in 0..2 {
        client.chat().completions().create(&request).unwrap();
    }
    for piece in server.join().unwrap() {
        assert!(piece.starts_with("POST /v1/chat/completions "), "{piece}");
        assert!(piece.ends_with(r#""content":"hello"}]}"#), "{piece}");
    }
}

#[test]
fn a_request_of_any_size_comes_as_it_is() {
    let server = ScriptedServer::start([Exchange::answer(200, REPLY)]);
    let client = client(&server.base_url());
    // Around what ureq sends at once, 128 KiB, in base64 and with the head before it.
    for size in [1_000, 97_500, 97_900, 98_300, 150_000, 400_000, 1_000_000] {
        let mut photo = b"\x89PNG\r\n\x1a\n".to_vec();
        photo.extend((0..size).map(|at: u32| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]));
        let photo = Image::from_bytes(photo).unwrap();
        let request = ChatRequest::new("m").user(("What is it?", photo));
        client.chat().completions().create(&request).unwrap();

        let mut whole = Vec::new();
        let sent = request.request(client.target()).unwrap().into_body();
        sent.reader().read_to_end(&mut whole).unwrap();
        assert!(server.next().body == whole, "{size}");
    }
}

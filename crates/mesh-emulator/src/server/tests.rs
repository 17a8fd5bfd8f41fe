//! The server over real sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::*;
use crate::gateway::GatewaySettings;

fn serve(settings: GatewaySettings) -> Server {
    Server::start(Gateway::new(settings)).unwrap()
}

fn paced(pace: Duration) -> GatewaySettings {
    GatewaySettings {
        pace,
        ..GatewaySettings::default()
    }
}

fn connect(server: &Server) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(server.address()).unwrap();
    // A guard against hanging, not a measurement.
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    BufReader::new(stream)
}

fn chat(server: &Server, headers: &str, body: &str) -> String {
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n{headers}\r\n{body}",
        server.address(),
        server.key()
    )
}

fn sized_chat(server: &Server, body: &str) -> String {
    chat(server, &format!("Content-Length: {}\r\n", body.len()), body)
}

fn head(connection: &mut BufReader<TcpStream>) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(connection.read_line(&mut head).unwrap() > 0, "{head}");
    }
    head.to_lowercase()
}

fn body(connection: &mut BufReader<TcpStream>, head: &str) -> String {
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    connection.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

const HELLO: &str = r#"{"messages":[{"role":"user","content":"hello there"}]}"#;

#[test]
fn a_connection_is_kept() {
    let server = serve(GatewaySettings::default());
    let mut connection = connect(&server);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let request = sized_chat(&server, HELLO);
        connection.get_mut().write_all(request.as_bytes()).unwrap();
        let head = head(&mut connection);
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(body(&mut connection, &head).contains("“hello there”"));
        ids.extend(
            head.lines()
                .find(|line| line.starts_with("x-request-id: req_"))
                .map(str::to_owned),
        );
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_frame_arrives_long_before_the_next() {
    let settings = paced(Duration::from_secs(3600));
    let server = serve(settings);
    let mut connection = connect(&server);
    let request = sized_chat(
        &server,
        r#"{"stream":true,"messages":[{"role":"user","content":"hello"}]}"#,
    );
    connection.get_mut().write_all(request.as_bytes()).unwrap();
    let head = head(&mut connection);
    assert!(
        head.contains("text/event-stream") && head.contains("chunked"),
        "{head}"
    );
    let mut line = String::new();
    while !line.starts_with("data:") {
        line.clear();
        connection.read_line(&mut line).unwrap();
    }
    assert!(line.contains(r#""role":"assistant""#), "{line}");

    // Another connection is served while the stream waits.
    let mut other = connect(&server);
    let request = sized_chat(&server, HELLO);
    other.get_mut().write_all(request.as_bytes()).unwrap();
    assert!(self::head(&mut other).starts_with("http/1.1 200"));
}

#[test]
fn a_stream_ends() {
    let settings = paced(Duration::from_millis(1));
    let server = serve(settings);
    let mut connection = connect(&server);
    let body = r#"{"stream":true,"messages":[{"role":"user","content":"hello"}]}"#;
    let headers = format!("Connection: close\r\nContent-Length: {}\r\n", body.len());
    let request = chat(&server, &headers, body);
    connection.get_mut().write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).unwrap();
    assert!(response.contains("data: [DONE]\n\n"), "{response}");
    assert!(response.contains("\n: ping\n\n"), "{response}");
}

#[test]
fn too_large_is_told_before_the_body_comes() {
    let server = serve(GatewaySettings::default());
    for headers in [
        "Content-Length: 33554433\r\nExpect: 100-continue\r\n",
        "Content-Length: 33554433\r\n",
    ] {
        let mut connection = connect(&server);
        let request = chat(&server, headers, "");
        connection.get_mut().write_all(request.as_bytes()).unwrap();
        let head = head(&mut connection);
        assert!(head.starts_with("http/1.1 413"), "{head}");
        assert!(
            head.contains("text/html") && !head.contains("x-request-id"),
            "{head}"
        );
    }
}

#[test]
fn a_client_that_sends_all_first_reads_413_too() {
    let server = serve(GatewaySettings::default());
    let part = vec![b' '; 1 << 20];
    let sized = "Content-Length: 41943040\r\n";
    for headers in [sized, "Transfer-Encoding: chunked\r\n"] {
        let mut connection = connect(&server);
        let request = chat(&server, headers, "");
        let stream = connection.get_mut();
        stream.write_all(request.as_bytes()).unwrap();
        for _ in 0..40 {
            if headers == sized {
                stream.write_all(&part).unwrap();
            } else {
                write!(stream, "{:x}\r\n", part.len()).unwrap();
                stream.write_all(&part).unwrap();
                stream.write_all(b"\r\n").unwrap();
            }
        }
        let head = head(&mut connection);
        assert!(head.starts_with("http/1.1 413"), "{head}");
    }
}

#[test]
fn whoever_waits_is_told_to_continue() {
    let server = serve(GatewaySettings::default());
    let mut connection = connect(&server);
    let headers = format!(
        "Content-Length: {}\r\nExpect: 100-continue\r\n",
        HELLO.len()
    );
    let request = chat(&server, &headers, "");
    connection.get_mut().write_all(request.as_bytes()).unwrap();
    assert!(head(&mut connection).starts_with("http/1.1 100"));
    connection.get_mut().write_all(HELLO.as_bytes()).unwrap();
    assert!(head(&mut connection).starts_with("http/1.1 200"));
}

#[test]
fn dropping_frees_the_port_even_while_a_stream_waits() {
    let settings = paced(Duration::from_secs(3600));
    let server = serve(settings.clone());
    let address = server.address();
    let mut connection = connect(&server);
    let request = sized_chat(
        &server,
        r#"{"stream":true,"messages":[{"role":"user","content":"hello"}]}"#,
    );
    connection.get_mut().write_all(request.as_bytes()).unwrap();
    head(&mut connection);
    drop(server);
    let mut rest = Vec::new();
    // The end may come as a reset.
    let _ = connection.read_to_end(&mut rest);
    let again = Server::start_on(Gateway::new(settings), address).unwrap();
    assert_eq!(again.address(), address);
}

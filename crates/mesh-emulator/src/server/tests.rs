//! The server over real sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};

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

fn patient(change: impl FnOnce(&mut Patience)) -> Server {
    let mut patience = Patience::default();
    change(&mut patience);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Server::start_with(Gateway::default(), address, patience).unwrap()
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

#[test]
fn a_client_that_has_closed_its_half_is_answered() {
    let server = serve(paced(Duration::from_millis(20)));
    for body in [
        HELLO,
        r#"{"stream":true,"messages":[{"role":"user","content":"hello there"}]}"#,
        r#"{"model":"openai/gpt-image-1","messages":[{"role":"user","content":"a fox"}]}"#,
    ] {
        let mut connection = connect(&server);
        let request = sized_chat(&server, body);
        let stream = connection.get_mut();
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut response = String::new();
        connection.read_to_string(&mut response).unwrap();
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        let whole = response.ends_with('}') || response.contains("data: [DONE]\n\n");
        assert!(whole, "{response}");
    }
}

#[test]
fn a_body_that_cannot_be_read_is_400_in_the_envelope() {
    let server = serve(GatewaySettings::default());
    for (headers, body, ends) in [
        (
            "Transfer-Encoding: chunked\r\n",
            "zz\r\n{}\r\n0\r\n\r\n",
            false,
        ),
        (
            "Transfer-Encoding: chunked\r\n",
            "fffffffffffffffff\r\n{}",
            false,
        ),
        ("Transfer-Encoding: chunked\r\n", "5\r\n{}", true),
        ("Content-Length: 100\r\n", "{\"a\"", true),
    ] {
        let mut connection = connect(&server);
        let request = chat(&server, headers, body);
        let stream = connection.get_mut();
        stream.write_all(request.as_bytes()).unwrap();
        if ends {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        let head = head(&mut connection);
        assert!(head.starts_with("http/1.1 400"), "{body}: {head}");
        assert!(head.contains("connection: close"), "{head}");
        let told = self::body(&mut connection, &head);
        assert!(told.contains(r#""code":"bad_request""#), "{told}");
    }
}

#[test]
fn a_body_that_is_encoded_is_refused_by_the_name_of_its_coding() {
    let server = serve(GatewaySettings::default());
    let chunked = format!("{:x}\r\n{HELLO}\r\n0\r\n\r\n", HELLO.len());
    let sized = format!(
        "Content-Encoding: gzip\r\nContent-Length: {}\r\n",
        HELLO.len()
    );
    for (headers, body, status, named) in [
        (sized.as_str(), HELLO, "415", "Content-Encoding: gzip"),
        (
            "Content-Encoding: identity, br\r\nTransfer-Encoding: chunked\r\n",
            &chunked,
            "415",
            "Content-Encoding: br",
        ),
        (
            "Transfer-Encoding: gzip, chunked\r\n",
            &chunked,
            "501",
            "Transfer-Encoding: gzip",
        ),
        (
            "Content-Encoding: identity\r\nTransfer-Encoding: Chunked\r\n",
            &chunked,
            "200",
            "hello there",
        ),
    ] {
        let mut connection = connect(&server);
        let request = chat(&server, headers, body);
        connection.get_mut().write_all(request.as_bytes()).unwrap();
        let head = head(&mut connection);
        assert!(
            head.starts_with(&format!("http/1.1 {status}")),
            "{headers}: {head}"
        );
        let told = self::body(&mut connection, &head);
        assert!(told.contains(named), "{told}");
    }
}

#[test]
fn the_page_and_its_pictures_answer_to_this_machines_names_alone() {
    let server = serve(GatewaySettings::default());
    let address = server.address();
    let ask = |path: &str, hosts: &str| {
        let mut connection = connect(&server);
        let request = format!("GET {path} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        connection.get_mut().write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        connection.read_to_string(&mut response).unwrap();
        response
    };
    for host in [
        address.to_string(),
        format!("localhost:{}", address.port()),
        "emulator.localhost".to_owned(),
        "[::1]:80".to_owned(),
    ] {
        let response = ask("/", &format!("Host: {host}\r\n"));
        assert!(response.starts_with("HTTP/1.1 200"), "{host}: {response}");
    }
    for hosts in [
        "Host: evil.example\r\n".to_owned(),
        format!("Host: evil.example:{}\r\n", address.port()),
        "Host: localhost.evil.example\r\n".to_owned(),
        "Host: 10.0.0.7\r\n".to_owned(),
        "Host: localhost@evil.example\r\n".to_owned(),
        "Host: [::1].evil.example\r\n".to_owned(),
        "Host: [::1%25lo]\r\n".to_owned(),
        "Host: localhost..\r\n".to_owned(),
        "Host: localhost:x\r\n".to_owned(),
        "Host: \r\n".to_owned(),
        format!("Host: {address}\r\nHost: evil.example\r\n"),
    ] {
        for path in ["/", "/pictures/1.png"] {
            let response = ask(path, &hosts);
            assert!(!response.contains(server.key()), "{response}");
            // Two hosts may be refused as such.
            let status = response.split(' ').nth(1);
            assert!(matches!(status, Some("421" | "400")), "{hosts}: {response}");
        }
    }
    let misdirected = ask("/", "Host: evil.example\r\n");
    assert!(misdirected.contains("for this machine"), "{misdirected}");
}

fn ends(connection: &mut BufReader<TcpStream>) -> String {
    let mut rest = Vec::new();
    // The end may come as a reset.
    let _ = connection.read_to_end(&mut rest);
    String::from_utf8(rest).unwrap()
}

fn is_answered(server: &Server) {
    let mut connection = connect(server);
    let request = sized_chat(server, HELLO);
    connection.get_mut().write_all(request.as_bytes()).unwrap();
    assert!(head(&mut connection).starts_with("http/1.1 200"));
}

#[test]
fn half_open_requests_are_closed() {
    let server = patient(|it| {
        it.headers = Duration::from_millis(300);
        it.body = Duration::from_millis(300);
    });
    let beginnings = [
        String::new(),
        "POST /v1/chat".to_owned(),
        "GET / HTTP/1.1\r\nHost: localhost\r\n".to_owned(),
        chat(&server, "Content-Length: 1000\r\n", ""),
        chat(&server, "Content-Length: 1000\r\n", "{\"messages\":"),
        chat(&server, "Transfer-Encoding: chunked\r\n", "3\r\n{ "),
        // One that was answered, and then says no more.
        sized_chat(&server, HELLO),
    ];
    let mut open: Vec<_> = beginnings
        .iter()
        .cycle()
        .take(60)
        .map(|beginning| {
            let mut connection = connect(&server);
            let stream = connection.get_mut();
            stream.write_all(beginning.as_bytes()).unwrap();
            (connection, beginning)
        })
        .collect();
    is_answered(&server);
    for (connection, beginning) in &mut open {
        let answer = ends(connection);
        if !beginning.contains("\r\n\r\n") {
            assert_eq!(answer, "", "{beginning}");
        } else if beginning.ends_with(HELLO) {
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        } else {
            assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
            assert!(answer.contains(r#""code":"request_timeout""#), "{answer}");
        }
    }
    is_answered(&server);
}

#[test]
fn a_body_that_comes_slowly_ends_at_its_time() {
    let server = patient(|it| it.whole_body = Duration::from_millis(300));
    let mut connection = connect(&server);
    let request = chat(&server, "Content-Length: 33554432\r\n", "");
    let mut stream = connection.get_ref().try_clone().unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    // Always some more, until the server has had enough.
    let writer = std::thread::spawn(move || while stream.write_all(b" ").is_ok() {});
    assert!(head(&mut connection).starts_with("http/1.1 408"));
    drop(connection);
    drop(server);
    writer.join().unwrap();
}

#[test]
fn announced_bytes_take_no_memory() {
    // Pages of the whole process, where the system tells them.
    let pages = || -> Option<u64> {
        let told = std::fs::read_to_string("/proc/self/statm").ok()?;
        told.split(' ').next()?.parse().ok()
    };
    let server = serve(GatewaySettings::default());
    let before = pages();
    let headers = "Content-Length: 33554432\r\nExpect: 100-continue\r\n";
    let mut open = Vec::new();
    for _ in 0..200 {
        let mut connection = connect(&server);
        let request = chat(&server, headers, "");
        connection.get_mut().write_all(request.as_bytes()).unwrap();
        assert!(head(&mut connection).starts_with("http/1.1 100"));
        open.push(connection);
    }
    if let (Some(before), Some(after)) = (before, pages()) {
        // Reserved, they would be 1.6 million.
        assert!(after.saturating_sub(before) < 800_000, "{before} {after}");
    }
}

#[test]
fn connections_are_bounded_and_the_idlest_makes_place() {
    let server = patient(|it| it.connections = 8);
    let mut idle: Vec<_> = (0..12)
        .map(|_| {
            let mut connection = connect(&server);
            connection.get_mut().write_all(b"GET / HT").unwrap();
            connection
        })
        .collect();
    is_answered(&server);
    for connection in idle.iter_mut().take(4) {
        assert_eq!(ends(connection), "");
    }

    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let gateway = Gateway::new(paced(Duration::from_secs(3600)));
    let patience = Patience {
        connections: 1,
        ..Patience::default()
    };
    let server = Server::start_with(gateway, address, patience).unwrap();
    let mut streaming = connect(&server);
    let body = r#"{"stream":true,"messages":[{"role":"user","content":"hello"}]}"#;
    let request = sized_chat(&server, body);
    streaming.get_mut().write_all(request.as_bytes()).unwrap();
    assert!(head(&mut streaming).starts_with("http/1.1 200"));
    let told = ends(&mut connect(&server));
    assert!(told.starts_with("HTTP/1.1 503"), "{told}");
    let (head, body) = told.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}", body.len())));
}

/// A request whose answer takes long: ten drawings.
fn long_work(server: &Server, size: &str) -> BufReader<TcpStream> {
    let mut connection = connect(server);
    let body = format!(
        r#"{{"model":"openai/gpt-image-1","image":{{"n":10,"size":"{size}"}},"messages":[{{"role":"user","content":"a castle in a forest at night"}}]}}"#
    );
    let request = sized_chat(server, &body);
    connection.get_mut().write_all(request.as_bytes()).unwrap();
    connection
}

#[test]
fn long_work_keeps_no_one_from_an_answer_in_words() {
    let server = serve(GatewaySettings::default());
    let long: Vec<_> = (0..24).map(|_| long_work(&server, "2048x2048")).collect();
    is_answered(&server);
    let mut page = connect(&server);
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    page.get_mut().write_all(request).unwrap();
    assert!(head(&mut page).starts_with("http/1.1 200"));
    for connection in &long {
        let stream = connection.get_ref();
        stream.set_nonblocking(true).unwrap();
        let answered = stream.peek(&mut [0]);
        assert_eq!(answered.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}

#[test]
fn work_ends_when_its_client_leaves() {
    let server = patient(|it| it.half_closed = Duration::from_millis(50));
    for number in 0..200 {
        let connection = long_work(&server, "768x768");
        if number % 2 == 0 {
            let socket = socket2::SockRef::from(connection.get_ref());
            socket.set_linger(Some(Duration::ZERO)).unwrap();
        }
    }
    // What the others asked for would take minutes.
    let mut connection = connect(&server);
    let body = r#"{"model":"openai/gpt-image-1","image":{"size":"32x32"},"messages":[{"role":"user","content":"a fox"}]}"#;
    let request = sized_chat(&server, body);
    connection.get_mut().write_all(request.as_bytes()).unwrap();
    assert!(head(&mut connection).starts_with("http/1.1 200"));
}

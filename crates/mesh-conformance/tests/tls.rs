//! Certificates: those that are wrong end the call before anything is sent, and say why; a company's
//! own authority can be trusted.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test has sockets and threads, and fails by panicking"
)]

use std::error::Error as _;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use mesh_proto::call::Failure;
use mesh_proto::call::{CertificateFault, Fault, FaultKind, Settings};
use mesh_proto::{ChatRequest, Error, Outcome};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const REPLY: &str = r#"{"choices":[{"message":{"content":"hi"}}]}"#;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    authority_named("The company")
}

fn authority_named(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A gateway with a certificate by `authority`.
struct Gateway {
    base_url: String,
    /// What has come out of the encryption.
    heard: Receiver<String>,
}

/// What a gateway with a certificate by `authority` is set up with.
fn config(authority: &Authority, mut params: CertificateParams) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    params.is_ca = IsCa::ExplicitNoCa;
    let certificate = params.signed_by(&key, authority).unwrap();
    config_of(certificate.der().clone(), &key)
}

fn config_of(certificate: CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

impl Gateway {
    fn start(authority: &Authority, params: CertificateParams) -> Self {
        Self::serve(config(authority, params))
    }

    /// A gateway whose certificate is an authority's own.
    fn with_own(authority: &Authority) -> Self {
        Self::serve(config_of(authority.der().clone(), authority.key()))
    }

    fn serve(config: ServerConfig) -> Self {
        let config = Arc::new(config);
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let base_url = format!("https://{}", listener.local_addr().unwrap());
        let (sender, heard) = mpsc::channel();
        thread::spawn(move || {
            for socket in listener.incoming() {
                let connection = ServerConnection::new(config.clone()).unwrap();
                let mut stream = StreamOwned::new(connection, socket.unwrap());
                let mut request = Vec::new();
                let mut piece = [0; 4096];
                // A client that does not like the certificate hangs up: nothing is heard then.
                while !request.ends_with(b"}") {
                    match stream.read(&mut piece) {
                        Ok(0) | Err(_) => break,
                        Ok(count) => request.extend(piece.iter().take(count)),
                    }
                }
                let request = String::from_utf8(request).unwrap();
                if !request.is_empty() {
                    let length = REPLY.len();
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
                    );
                    stream.write_all((answer + REPLY).as_bytes()).unwrap();
                    stream.conn.send_close_notify();
                    stream.flush().unwrap();
                }
                sender.send(request).unwrap();
            }
        });
        Self { base_url, heard }
    }
}

fn for_this_host() -> CertificateParams {
    CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap()
}

/// Asks with a client that trusts `authority` besides the system's own.
type Ask = fn(&str, &Authority) -> Result<String, Error>;

fn settings() -> Settings {
    Settings::default()
}

fn blocking(base_url: &str, authority: &Authority) -> Result<String, Error> {
    let client = mesh_blocking::Client::builder()
        .key("rsk_canary")
        .base_url(base_url)
        .settings(settings())
        .certificate_authority(authority.pem());
    let client = client.build().unwrap();
    let reply = client
        .chat()
        .completions()
        .create(&ChatRequest::new("m").user("hello"))?;
    Ok(reply.text().into_owned())
}

fn asynchronous(base_url: &str, authority: &Authority) -> Result<String, Error> {
    let client = mesh_async::Client::builder()
        .key("rsk_canary")
        .base_url(base_url)
        .settings(settings())
        .certificate_authority(authority.pem());
    let client = client.build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let request = ChatRequest::new("m").user("hello");
    let reply = runtime.block_on(client.chat().completions().create(&request))?;
    Ok(reply.text().into_owned())
}

const CLIENTS: [Ask; 2] = [blocking, asynchronous];

/// Checks that the gateway's certificate ends the call at the first attempt, before anything is
/// sent, and that the message says what is wrong with it.
fn is_refused(gateway: &Gateway, trusted: &Authority, problem: CertificateFault, words: &str) {
    for ask in CLIENTS {
        let error = ask(&gateway.base_url, trusted).unwrap_err();
        let call = error.call().unwrap();
        let expected = Fault::new(FaultKind::Certificate(problem));
        assert!(
            matches!(call.failure(), Failure::Fault(fault) if *fault == expected),
            "{error:?}"
        );
        assert_eq!(call.outcome(), Outcome::NotSent);
        assert_eq!(call.attempts(), 1, "another attempt would fail, too");
        let message = error.to_string();
        for words in [words, "certificate_authority", "SSL_CERT_FILE"] {
            assert!(message.contains(words), "{message}");
        }
        assert!(error.source().is_some(), "{error:?}");
        assert_eq!(gateway.heard.recv().unwrap(), "", "nothing is sent");
        assert!(gateway.heard.try_recv().is_err(), "one connection");
    }
}

#[test]
fn a_company_authority_can_be_trusted() {
    let authority = authority();
    let gateway = Gateway::start(&authority, for_this_host());
    for ask in CLIENTS {
        assert_eq!(ask(&gateway.base_url, &authority).unwrap(), "hi");
        let heard = gateway.heard.recv().unwrap();
        assert!(heard.contains("Bearer rsk_canary"), "{heard}");
    }
}

#[test]
fn a_certificate_of_an_unknown_authority_is_told() {
    let gateway = Gateway::start(&authority_named("Somebody else"), for_this_host());
    let words = "unknown authority";
    is_refused(
        &gateway,
        &authority(),
        CertificateFault::UnknownAuthority,
        words,
    );
}

#[test]
fn a_certificate_for_another_name_is_told() {
    let authority = authority();
    let params = CertificateParams::new(vec!["gateway.test".to_owned()]).unwrap();
    let gateway = Gateway::start(&authority, params);
    is_refused(
        &gateway,
        &authority,
        CertificateFault::WrongHost,
        "wrong host",
    );
}

#[test]
fn a_certificate_that_has_expired_is_told() {
    let authority = authority();
    let mut params = for_this_host();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    let gateway = Gateway::start(&authority, params);
    is_refused(
        &gateway,
        &authority,
        CertificateFault::Expired,
        "has expired",
    );
}

#[test]
fn certificate_that_is_not_valid_yet_is_named() {
    let authority = authority();
    let mut params = for_this_host();
    params.not_before = date_time_ymd(3000, 1, 1);
    params.not_after = date_time_ymd(3001, 1, 1);
    let gateway = Gateway::start(&authority, params);
    let words = "not valid yet";
    is_refused(&gateway, &authority, CertificateFault::NotYetValid, words);
}

/// Signs itself, as `openssl req -x509` has it.
fn self_signed(is_ca: IsCa) -> Authority {
    let mut params = for_this_host();
    params.is_ca = is_ca;
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

#[test]
fn self_signed_certificate_is_named() {
    let gateway = Gateway::with_own(&self_signed(IsCa::ExplicitNoCa));
    let problem = CertificateFault::UnknownAuthority;
    is_refused(&gateway, &authority(), problem, "self-signed");
}

#[test]
fn certificate_of_an_authority_is_no_certificate_of_a_server_whether_trusted_or_not() {
    let own = self_signed(IsCa::Ca(BasicConstraints::Unconstrained));
    let gateway = Gateway::with_own(&own);
    for trusted in [&own, &authority()] {
        let problem = CertificateFault::AuthorityAsServer;
        is_refused(&gateway, trusted, problem, "CA:FALSE");
    }
}

#[test]
fn http_2_is_spoken_where_the_gateway_offers_it() {
    let authority = authority();
    let mut config = config(&authority, for_this_host());
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))
        .unwrap();
    let base_url = format!("https://{}", listener.local_addr().unwrap());
    runtime.spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let socket = acceptor.accept(socket).await.unwrap();
        let mut connection = h2::server::handshake(socket).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            assert_eq!(request.version(), http::Version::HTTP_2);
            let mut body = respond
                .send_response(http::Response::new(()), false)
                .unwrap();
            body.send_data(REPLY.into(), true).unwrap();
        }
    });
    assert_eq!(asynchronous(&base_url, &authority).unwrap(), "hi");
}

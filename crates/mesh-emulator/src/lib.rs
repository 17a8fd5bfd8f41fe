//! A Mesh API gateway on loopback, for images and vision: it measures the pictures that it is sent
//! and draws the pictures that it is asked for. No key, no network, no model; it says so in
//! `system_fingerprint` and in the `provider` of each model.
//!
//! - [`gateway`] is the gateway without I/O: requests and moments in, replies out.
//! - [`server`] is the same on a real socket.
//! - [`vision`], [`drawing`] and [`editing`] are what it sees, draws and edits with.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//!
//! use mesh_emulator::{Gateway, Server};
//!
//! let server = Server::start(Gateway::default())?;
//! let body = r#"{"messages":[{"role":"user","content":"Good morning"}]}"#;
//! let mut connection = TcpStream::connect(server.address())?;
//! write!(
//!     connection,
//!     "POST /v1/chat/completions HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
//!     server.address(),
//!     server.key(),
//!     body.len(),
//! )?;
//! let mut response = String::new();
//! connection.read_to_string(&mut response)?;
//! assert!(response.starts_with("HTTP/1.1 200 OK"));
//! assert!(response.contains("“Good morning”"));
//! assert!(response.contains(r#""system_fingerprint":"mesh-emulator""#));
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod drawing;
pub mod editing;
pub mod gateway;
pub mod server;
pub mod vision;

pub use self::gateway::{Gateway, GatewaySettings, Reply, ReplyFrame, Switches};
pub use self::server::Server;

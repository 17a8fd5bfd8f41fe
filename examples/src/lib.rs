//! Drivers of one's own: a [`Call`](mesh_proto::Call) on a socket without any runtime, and on a
//! runtime that mesh has no client for. Copy the one that is nearest to what you have.
//!
//! - [`http1`] is HTTP/1.1 without I/O, as much of it as a gateway speaks.
//! - [`bare_socket`] drives a call over a non-blocking socket.
//! - [`smol_runtime`] drives a call in smol.
//!
//! They speak plain HTTP, to a loopback host or a proxy that adds TLS, one connection for each
//! attempt. The conformance suite holds them against the same scenarios as mesh's own clients.

pub mod bare_socket;
pub mod http1;
pub mod smol_runtime;

//! How an exchange failed, as far as decisions rest on it, and how far it had got.

use std::fmt;

/// How many headers a response may have. A response with more is a fault.
pub const MAX_RESPONSE_HEADERS: usize = 100;

/// How many bytes of headers a response may have. A response with more is a fault.
pub const MAX_RESPONSE_HEAD_BYTES: usize = 64 << 10;

/// How far the sending of a request has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// A connection is being established, and the driver will say when it is: until then the
    /// connect deadline holds.
    Connecting,
    /// The connection stands, TLS included.
    Connected,
    /// The last byte of the body has been handed over.
    BodySent,
}

impl Stage {
    /// How much of the request the gateway can have by a stage.
    pub(crate) fn sent(stage: Option<Self>) -> Sent {
        match stage {
            Some(Self::Connecting) => Sent::Nothing,
            // Nothing tells a part from the whole here, and the whole is what may cost.
            Some(Self::Connected | Self::BodySent) | None => Sent::Whole,
        }
    }
}

/// A failure of the transport, as far as decisions rest on it. The transport keeps its own error
/// and attaches it to the [`CallError`](crate::call::CallError) at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// What happened.
    pub kind: FaultKind,
    /// How much of the request the gateway can have.
    pub sent: Sent,
}

impl Fault {
    /// A fault, as a driver says it that cannot tell how much had gone out: nothing where no
    /// connection came about, and all of it otherwise.
    pub fn new(kind: FaultKind) -> Self {
        let sent = match kind {
            FaultKind::Connect | FaultKind::Proxy | FaultKind::Certificate(_) => Sent::Nothing,
            _ => Sent::Whole,
        };
        Self { kind, sent }
    }

    /// A fault, where the driver knows how much of the request's body had gone out: `handed_over` of
    /// `length` bytes. Without a body, the request may be whole when its first line is out.
    ///
    /// What looks like a failure to connect is a lost connection once there had been one: an error of
    /// TLS looks the same in the handshake and after the whole request.
    pub fn in_upload(kind: FaultKind, handed_over: u64, length: u64) -> Self {
        let sent = match handed_over {
            0 if length > 0 => Sent::Nothing,
            count if count < length => Sent::Part,
            _ => Sent::Whole,
        };
        match kind {
            FaultKind::Connect | FaultKind::Proxy if handed_over > 0 => {
                Self::new(FaultKind::Lost).after(sent)
            }
            // A certificate is checked in the handshake, before any byte of a request is sent.
            FaultKind::Connect | FaultKind::Proxy | FaultKind::Certificate(_) => Self::new(kind),
            kind => Self { kind, sent },
        }
    }

    /// The same fault, where the driver knows how much of the request had gone out.
    pub fn after(self, sent: Sent) -> Self {
        Self { sent, ..self }
    }
}

/// Kinds of [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// No connection came about: DNS, TCP or TLS failed.
    Connect,
    /// No connection came about through the proxy: it cannot be reached, or it refuses. The source
    /// of the error names it.
    Proxy,
    /// The server's certificate is not accepted. The request was not sent, and is not sent again:
    /// another attempt meets the same certificate.
    Certificate(CertificateFault),
    /// The connection broke.
    Lost,
    /// The transport's own time limit passed.
    TimedOut,
    /// The peer stopped taking the request's body.
    BodyRefused,
    /// What was received is not HTTP.
    BadResponse,
    /// The response has more headers than [`MAX_RESPONSE_HEADERS`], or more bytes of them than
    /// [`MAX_RESPONSE_HEAD_BYTES`].
    HeadTooLarge,
    /// The caller cancelled the call.
    Cancelled,
    /// Anything else.
    Other,
}

/// What is wrong with a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateFault {
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is for another host.
    WrongHost,
    /// No trusted authority signed it: it is self-signed, or its authority is unknown.
    UnknownAuthority,
    /// It is a certificate of an authority, and used as a server's.
    AuthorityAsServer,
    /// It has been revoked.
    Revoked,
    /// Anything else, such as a bad signature.
    Other,
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "server certificate has expired: renew it, or correct the local clock",
            Self::NotYetValid => "server certificate is not valid yet: correct the local clock",
            Self::WrongHost => "server certificate is for another host (wrong host name)",
            Self::UnknownAuthority => {
                "server certificate is self-signed or signed by an unknown authority"
            }
            Self::AuthorityAsServer => {
                "server certificate is one of a certificate authority and not of a server, as a \
                 self-signed one often is: create it with basicConstraints CA:FALSE"
            }
            Self::Revoked => "server certificate has been revoked",
            Self::Other => "server certificate is invalid",
        })
    }
}

/// How much of a request the gateway can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sent {
    /// Not a byte.
    Nothing,
    /// Less than the whole body: no work can have begun.
    Part,
    /// All of it, or nobody knows.
    Whole,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FaultKind::Certificate(fault) => {
                return write!(
                    f,
                    "{fault} (a certificate authority is trusted through \
                     `ClientBuilder::certificate_authority` or SSL_CERT_FILE)"
                );
            }
            FaultKind::HeadTooLarge => {
                return write!(
                    f,
                    "the response has more than {MAX_RESPONSE_HEADERS} headers or {} KiB of them",
                    MAX_RESPONSE_HEAD_BYTES >> 10
                );
            }
            FaultKind::Connect => "could not connect",
            FaultKind::Proxy => "could not connect through the proxy",
            FaultKind::Lost => "the connection was lost",
            FaultKind::TimedOut => "the transport's time limit passed",
            FaultKind::BodyRefused => "the peer stopped taking the request",
            FaultKind::BadResponse => "the response is not valid HTTP",
            FaultKind::Cancelled => "the call was cancelled",
            FaultKind::Other => "the transport failed",
        })
    }
}

impl std::error::Error for Fault {}

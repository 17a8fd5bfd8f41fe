//! A reply that should be one document, and may come as a stream of events all the same.

use std::convert::Infallible;
use std::fmt;

use bytes::{Bytes, BytesMut};

use super::document::DocumentDecoder;
use super::frame::{Beginning, beginning};
use super::stream::{Assemble, StreamDecoder};
use super::{Decode, Decoded};
use crate::error::DecodeError;
use crate::head::ReplyEnd;

/// Reads a reply to a request that did not ask for a stream: a document, or the events of a gateway
/// that streams whatever it is asked.
pub struct ReplyDecoder<A: Assemble> {
    form: Form,
    document: DocumentDecoder<A::Reply>,
    events: StreamDecoder<A>,
    has_begun: bool,
}

enum Form {
    /// What has been received may be the beginning of either.
    Unknown(BytesMut),
    Document,
    Events,
}

impl<A: Assemble> ReplyDecoder<A> {
    /// A decoder that reads a document with `document`, and events with `events`.
    pub(super) fn new(document: DocumentDecoder<A::Reply>, events: StreamDecoder<A>) -> Self {
        Self {
            form: Form::Unknown(BytesMut::new()),
            document,
            events,
            has_begun: false,
        }
    }
}

impl<A: Assemble> Decode for ReplyDecoder<A> {
    type Event = Infallible;
    type Output = A::Reply;

    fn push(&mut self, mut chunk: Bytes) -> Result<(), DecodeError> {
        if let Form::Unknown(opening) = &mut self.form {
            // A length over the limit is an error before there is anything to read.
            self.document.push(Bytes::new())?;
            if !opening.is_empty() {
                opening.extend_from_slice(&chunk);
                chunk = opening.split().freeze();
            }
            match beginning(&chunk) {
                Beginning::Open => {
                    *opening = chunk.into();
                    return Ok(());
                }
                Beginning::Events => self.form = Form::Events,
                Beginning::Other => self.form = Form::Document,
            }
        }
        match self.form {
            Form::Events => self.events.push(chunk),
            Form::Document | Form::Unknown(_) => self.document.push(chunk),
        }
    }

    fn end(&mut self) {
        match self.form {
            Form::Events => self.events.end(),
            Form::Document | Form::Unknown(_) => self.document.end(),
        }
    }

    fn next(&mut self) -> Result<Decoded<Infallible>, DecodeError> {
        match self.form {
            Form::Events => loop {
                match self.events.next()? {
                    Decoded::Event(_) => self.has_begun = true,
                    Decoded::Starved => return Ok(Decoded::Starved),
                    Decoded::Complete => return Ok(Decoded::Complete),
                }
            },
            Form::Document | Form::Unknown(_) => self.document.next(),
        }
    }

    fn is_sufficient(&self) -> bool {
        match self.form {
            Form::Events => self.events.is_sufficient(),
            Form::Document | Form::Unknown(_) => self.document.is_sufficient(),
        }
    }

    fn finish(&mut self) -> Result<A::Reply, DecodeError> {
        if let Form::Unknown(opening) = &mut self.form {
            self.document.push(opening.split().freeze())?;
        }
        match self.form {
            Form::Events => self.events.finish(),
            Form::Document | Form::Unknown(_) => self.document.finish(),
        }
    }

    fn reply_end(&self) -> ReplyEnd {
        match self.form {
            Form::Events => self.events.reply_end(),
            Form::Document | Form::Unknown(_) => self.document.reply_end(),
        }
    }

    fn has_begun(&self) -> bool {
        self.has_begun
    }

    fn partial(&mut self) -> Option<A::Reply> {
        match self.form {
            Form::Events => self.events.partial(),
            Form::Document | Form::Unknown(_) => self.document.partial(),
        }
    }
}

impl<A: Assemble> fmt::Debug for ReplyDecoder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form {
            Form::Events => self.events.fmt(f),
            Form::Document | Form::Unknown(_) => self.document.fmt(f),
        }
    }
}

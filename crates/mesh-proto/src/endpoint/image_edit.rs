//! `POST /v1/images/edits` ([protocol reference, section 5.3](crate::protocol#53-image-edits)).

use http::header;
use http::{Method, Request};

use super::document::DocumentDecoder;
use super::image_generation::read_reply;
use super::reply::ReplyDecoder;
use super::stream::StreamDecoder;
use super::{Endpoint, Replay, json_request, spliced};
use crate::body::{Body, EncodedForm};
use crate::build_error::BuildError;
use crate::error::DecodeError;
use crate::head::Head;
use crate::images::{Assembly, EditRequest, ImageReply};
use crate::limits::Limits;
use crate::target::Target;

const PATH: &str = "/v1/images/edits";

impl Endpoint for EditRequest {
    type Event = std::convert::Infallible;
    type Output = ImageReply;
    type Decoder = ReplyDecoder<Assembly>;

    fn replay(&self) -> Replay {
        Replay::Unprocessed
    }

    fn request(&self, target: &Target) -> Result<Request<Body>, BuildError> {
        self.validate()?;
        let request = |body| json_request(target, Method::POST, PATH, "application/json", body);
        if !self.is_form() {
            return request(spliced(self)?);
        }
        let EncodedForm { body, content_type } = self.form()?;
        let mut request = request(body)?;
        request
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
        Ok(request)
    }

    fn decoder(&self, head: &Head, limits: &Limits) -> Result<Self::Decoder, DecodeError> {
        let wanted = self.n.and_then(|n| usize::try_from(n).ok()).unwrap_or(1);
        let document = DocumentDecoder::new(head, limits, (), |body, ()| read_reply(&body));
        let assembly = Assembly::of(Some(wanted));
        let events = StreamDecoder::new(head, limits, assembly);
        Ok(ReplyDecoder::new(document, events))
    }
}

//! The kinds of calls that are made, and how what came of one is told in one text.

use std::convert::Infallible;
use std::fmt::Debug;

use bytes::Bytes;
use mesh_proto::Endpoint;
use mesh_proto::chat::{ChatChunk, ChatReply, ChatRequest};
use mesh_proto::endpoint::{ChatStream, ImageStream, ListModels};
use mesh_proto::image::{GeneratedImage, Image};
use mesh_proto::images::{EditRequest, ImageChunk, ImageReply, ImageRequest};
use mesh_proto::models::ModelList;

use crate::chance::Chance;
use crate::reading::describe;

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Chat,
    ChatStream,
    Models,
    Image,
    ImageStream,
    Edit,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Chat,
        Self::ChatStream,
        Self::Models,
        Self::Image,
        Self::ImageStream,
        Self::Edit,
    ];

    pub(crate) fn is_streamed(self) -> bool {
        matches!(self, Self::ChatStream | Self::ImageStream)
    }

    /// Whether it may be billed.
    pub(crate) fn is_generation(self) -> bool {
        self != Self::Models
    }

    pub(crate) fn is_pictures(self) -> bool {
        matches!(self, Self::Image | Self::ImageStream | Self::Edit)
    }
}

/// An endpoint whose events and replies can be told in a text as [`read`](crate::reading::read)
/// tells them.
pub(crate) trait Subject: Endpoint<Event: Debug, Output: Debug> {
    /// What an event says that belongs to the reply.
    fn event(event: &Self::Event) -> String;
    /// What a reply says.
    fn output(output: &Self::Output) -> String;
}

impl Subject for ChatRequest {
    fn event(event: &Infallible) -> String {
        match *event {}
    }

    fn output(output: &ChatReply) -> String {
        output.text().into_owned()
    }
}

impl Subject for ChatStream {
    fn event(event: &ChatChunk) -> String {
        event.text().into_owned()
    }

    fn output(output: &ChatReply) -> String {
        output.text().into_owned()
    }
}

impl Subject for ListModels {
    fn event(event: &Infallible) -> String {
        match *event {}
    }

    fn output(output: &ModelList) -> String {
        let ids = output.models.iter();
        ids.flat_map(|model| [model.id.as_str(), ";"]).collect()
    }
}

impl Subject for ImageRequest {
    fn event(event: &Infallible) -> String {
        match *event {}
    }

    fn output(output: &ImageReply) -> String {
        pictures(&output.images())
    }
}

impl Subject for ImageStream {
    fn event(event: &ImageChunk) -> String {
        if event.is_partial() {
            String::new()
        } else {
            pictures(&event.images())
        }
    }

    fn output(output: &ImageReply) -> String {
        pictures(&output.images())
    }
}

impl Subject for EditRequest {
    fn event(event: &Infallible) -> String {
        match *event {}
    }

    fn output(output: &ImageReply) -> String {
        pictures(&output.images())
    }
}

fn pictures(images: &[GeneratedImage]) -> String {
    let bytes = images.iter().filter_map(|image| image.bytes().ok());
    bytes.map(|bytes| describe(bytes)).collect()
}

pub(crate) fn chat_request(chance: &mut Chance) -> ChatRequest {
    let questions = [
        "Good morning",
        "Was ist das? 🎨",
        "Say \"data: [DONE]\"\r\n",
    ];
    let mut request = ChatRequest::new("openai/gpt-4o").user(chance.of(&questions));
    if chance.percent(10) {
        request = request.user(("And this?", picture(chance)));
    }
    if chance.percent(20) {
        request.timeout = Some(chance.of(&[0.5, 5.0, 60.0]));
    }
    request
}

pub(crate) fn list_request(chance: &mut Chance) -> ListModels {
    let mut list = ListModels::new();
    if chance.percent(30) {
        list.free = Some(true);
    }
    list
}

/// A request for a picture as small as the emulator draws it.
pub(crate) fn image_request(chance: &mut Chance) -> ImageRequest {
    let prompts = ["a red circle on white", "a blue house by the sea"];
    let models = ["openai/gpt-image-1", "google/imagen-4-fast"];
    let mut request = ImageRequest::new(chance.of(&models), chance.of(&prompts));
    request.size = Some("16x16".to_owned());
    request
}

pub(crate) fn edit_request(chance: &mut Chance) -> EditRequest {
    EditRequest::new("openai/gpt-image-1", picture(chance), "Make it night")
}

fn picture(chance: &mut Chance) -> Image {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend((0..chance.below(200)).map(|byte| u8::try_from(byte).unwrap_or_default()));
    Image::from_bytes(Bytes::from(bytes)).expect("it begins as a PNG does")
}

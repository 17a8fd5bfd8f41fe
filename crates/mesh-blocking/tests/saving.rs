//! The blocking client saves pictures: see `files/mod.rs`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test runs servers, and fails by panicking"
)]

#[macro_use]
mod files;

use mesh_blocking::Client;
use mesh_blocking::image::{SaveError, Saved};
use mesh_proto::chat::ChatReply;
use mesh_proto::destination::Destination;
use mesh_proto::image::GeneratedImage;
use mesh_proto::{ChatRequest, Settings, Target};

impl files::Client for Client {
    fn new(target: Target, settings: Settings) -> Self {
        let client = Self::builder().target(target).settings(settings);
        client.build().unwrap()
    }

    fn draw(&self, request: &ChatRequest) -> ChatReply {
        self.chat()
            .completions()
            .create(request)
            .unwrap()
            .into_value()
    }

    fn save(&self, image: &GeneratedImage, to: Destination) -> Result<Saved, SaveError> {
        Client::save(self, image, to)
    }
}

through! { Client:
    a_drawn_picture_is_saved_wherever_the_reply_has_it,
    a_large_picture_arrives_to_the_byte,
    what_is_there_stays_unless_told,
    nothing_is_left_of_what_is_no_picture,
    a_download_that_is_cut_short_begins_anew_or_leaves_nothing,
    the_bounds_of_a_download_hold,
    the_text_of_a_data_url_is_the_picture_in_it,
    a_place_that_cannot_be_is_told_before_anything_is_fetched,
}

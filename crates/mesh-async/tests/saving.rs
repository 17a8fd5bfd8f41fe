//! The async client saves pictures: see the scenarios beside the blocking client's.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test runs servers, and fails by panicking"
)]

#[macro_use]
#[path = "../../mesh-blocking/tests/files/mod.rs"]
mod files;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use mesh_async::Client;
use mesh_async::image::{SaveError, Saved};
use mesh_conformance::{Act, Exchange, ScriptedServer};
use mesh_proto::chat::ChatReply;
use mesh_proto::destination::Destination;
use mesh_proto::image::GeneratedImage;
use mesh_proto::{ChatRequest, Settings, Target};
use tokio::runtime::Runtime;

/// A client with the runtime that drives it.
struct Driven(Client, Runtime);

impl files::Client for Driven {
    fn new(target: Target, settings: Settings) -> Self {
        let client = Client::builder().target(target).settings(settings);
        let runtime = tokio::runtime::Builder::new_multi_thread();
        Self(
            client.build().unwrap(),
            { runtime }.enable_all().build().unwrap(),
        )
    }

    fn draw(&self, request: &ChatRequest) -> ChatReply {
        let reply = self.1.block_on(self.0.chat().completions().create(request));
        reply.unwrap().into_value()
    }

    fn save(&self, image: &GeneratedImage, to: Destination) -> Result<Saved, SaveError> {
        // As a task of its own, which may move between threads.
        let (client, image) = (self.0.clone(), image.clone());
        let task = self.1.spawn(async move { client.save(&image, to).await });
        self.1.block_on(task).unwrap()
    }
}

through! { Driven:
    a_drawn_picture_is_saved_wherever_the_reply_has_it,
    a_large_picture_arrives_to_the_byte,
    what_is_there_stays_unless_told,
    nothing_is_left_of_what_is_no_picture,
    a_download_that_is_cut_short_begins_anew_or_leaves_nothing,
    the_bounds_of_a_download_hold,
    the_text_of_a_data_url_is_the_picture_in_it,
    a_place_that_cannot_be_is_told_before_anything_is_fetched,
}

#[test]
fn a_save_that_is_dropped_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = files::large_png();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", bytes.len());
    let half = bytes[..bytes.len() / 2].to_vec();
    let stalls = Exchange::new([Act::Raw(head.into()), Act::Raw(half.into()), Act::Stall]);
    let server = ScriptedServer::start([stalls]);
    let Driven(client, runtime) = files::client(&server.base_url(), "rsk_01");
    let hosted = GeneratedImage::from_url(format!("{}/fox", server.base_url()));
    for image in [hosted, GeneratedImage::from_bytes(bytes)] {
        runtime.block_on(async {
            let mut save = pin!(client.save(&image, directory.path().join("fox")));
            // Until some of it is written, and no further.
            poll_fn(|context| {
                assert!(save.as_mut().poll(context).is_pending());
                let drafts = files::names_in(directory.path());
                let written = drafts.iter().any(|name| {
                    let draft = directory.path().join(name).metadata();
                    draft.is_ok_and(|draft| draft.len() > 0)
                });
                if written {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        });
        // What was being written when it was dropped is removed at the end of its turn.
        while !files::names_in(directory.path()).is_empty() {
            std::thread::yield_now();
        }
    }
    // And no turn that comes after puts it into its place.
    drop(runtime);
    assert!(files::names_in(directory.path()).is_empty());
}

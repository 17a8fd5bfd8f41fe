//! The blocking client against servers that mean harm: see `hostile/mod.rs`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test runs servers, and fails by panicking"
)]

#[macro_use]
mod hostile;

use std::collections::BTreeSet;

use hostile::KEY;
use mesh_blocking::image::{Destination, SaveError, Saved};
use mesh_blocking::{Client, ClientBuilder, SearchModels};
use mesh_proto::download::DownloadBounds;
use mesh_proto::image::GeneratedImage;
use mesh_proto::images::EditRequest;
use mesh_proto::{ChatRequest, Error, Settings, Target};

impl hostile::Client for Client {
    fn new(target: Target, settings: Settings) -> Self {
        let client = Self::builder().target(target).settings(settings);
        client.build().unwrap()
    }

    fn create(&self, request: &ChatRequest) -> Result<(), Error> {
        self.chat().completions().create(request).map(drop)
    }

    fn stream(&self, request: &ChatRequest) -> Result<(), Error> {
        self.chat()
            .completions()
            .stream(request)?
            .finish()
            .map(drop)
    }

    fn edit(&self, request: &EditRequest) -> Result<(), Error> {
        self.images().edit(request).map(drop)
    }

    fn list(&self) -> Result<(), Error> {
        self.models().list().map(drop)
    }

    fn get(&self, id: &str) -> Result<(), Error> {
        self.models().get(id).map(drop)
    }

    fn download(
        &self,
        image: &GeneratedImage,
        bounds: DownloadBounds,
    ) -> Result<GeneratedImage, Error> {
        self.download_within(image, bounds)
    }

    fn save(&self, image: &GeneratedImage, to: Destination) -> Result<Saved, SaveError> {
        Client::save(self, image, to)
    }
}

through! { Client:
    no_call_follows_a_redirect,
    a_download_carries_neither_the_key_nor_the_callers_headers,
    no_spelling_of_a_private_address_is_reached,
    a_picture_that_has_the_key_in_its_url_is_not_fetched,
    redirects_of_a_download_come_to_an_end,
    a_download_is_bounded_in_size,
    a_download_is_bounded_in_time_whatever_keeps_it_alive,
    what_never_ends_meets_a_limit,
    an_id_makes_no_header_and_leads_nowhere_else,
    no_error_shows_what_a_server_echoes,
}

mod into_files {
    use super::{Client, hostile};

    through! { hostile::IntoFiles<Client>:
        a_download_carries_neither_the_key_nor_the_callers_headers,
        no_spelling_of_a_private_address_is_reached,
        a_picture_that_has_the_key_in_its_url_is_not_fetched,
        redirects_of_a_download_come_to_an_end,
        a_download_is_bounded_in_size,
        a_download_is_bounded_in_time_whatever_keeps_it_alive,
    }
}

fn builder() -> ClientBuilder {
    Client::builder().key(KEY).base_url("https://gateway.test")
}

#[test]
fn no_type_shows_the_key() {
    let client = builder().build().unwrap();
    let stream = client
        .chat()
        .completions()
        .stream(&ChatRequest::new("m").user("u"));
    let shown = [
        ("Client", format!("{client:?}")),
        (
            "ClientBuilder",
            format!(
                "{:?} {:?}",
                builder(),
                Client::builder().target(client.target().clone())
            ),
        ),
        (
            "ClientBuilder",
            format!(
                "{:?}",
                builder().base_url(format!("https://{KEY}@gateway.test"))
            ),
        ),
        ("Chat", format!("{:?}", client.chat())),
        ("Completions", format!("{:?}", client.chat().completions())),
        ("Images", format!("{:?}", client.images())),
        ("Models", format!("{:?}", client.models())),
        (
            "ModelSearch",
            format!("{:?}", client.models().search(SearchModels::words("fox"))),
        ),
        ("EventStream", format!("{:?}", stream.unwrap())),
    ];
    for (name, shown) in &shown {
        assert!(!shown.contains("CANARY"), "{name}: {shown}");
    }
    let names: BTreeSet<String> = shown.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names, hostile::public_types(env!("CARGO_MANIFEST_DIR")));
}

#[test]
fn what_is_no_key_or_leads_over_plain_http_is_refused_without_being_shown() {
    for (key, base) in [
        (
            format!("{KEY}\r\nx-evil: 1"),
            "https://gateway.test".to_owned(),
        ),
        (KEY.to_owned(), "http://gateway.test".to_owned()),
        (KEY.to_owned(), "http://10.0.0.1:8000".to_owned()),
        (KEY.to_owned(), "http://127.0.0.1.gateway.test".to_owned()),
        (KEY.to_owned(), format!("https://{KEY}@gateway.test")),
        (KEY.to_owned(), format!("https://gateway.test/?key={KEY}")),
    ] {
        let error = Client::builder()
            .key(key)
            .base_url(base)
            .build()
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }
}

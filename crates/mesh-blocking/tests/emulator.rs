//! The client against the emulator on a real socket: pictures seen and drawn, models listed, errors
//! told.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test runs threads, and fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use mesh_blocking::image::{self, Image};
use mesh_blocking::proto::chat::{FinishReason, ImageFormat, ImageOptions, Modality};
use mesh_blocking::proto::error::Absence;
use mesh_blocking::proto::error::ErrorCode;
use mesh_blocking::proto::image::{Evidence, MediaType};
use mesh_blocking::proto::models::{Capability, Feature};
use mesh_blocking::{
    ChatRequest, Client, EditRequest, Error, GeneratedImage, ImageRequest, Outcome, SearchModels,
    UpscaleFactor,
};
use mesh_emulator::gateway::{ChatPictureShape, Switch};
use mesh_emulator::{Gateway, GatewaySettings, Server, vision};

/// The emulator, streaming as fast as it can.
fn emulator(shape: ChatPictureShape) -> Server {
    let mut settings = GatewaySettings::default();
    settings.pace = Duration::ZERO;
    settings.switches.chat_picture = shape;
    settings.refused_keys = vec!["rsk_refused1".to_owned()];
    Server::start(Gateway::new(settings)).unwrap()
}

fn client(server: &Server) -> Client {
    client_with(server, server.key())
}

fn client_with(server: &Server, key: &str) -> Client {
    Client::builder()
        .key(key)
        .base_url(server.base_url())
        .build()
        .unwrap()
}

fn photo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/photos/rocket.jpg")
}

fn what_is_in(image: Image) -> ChatRequest {
    ChatRequest::new("openai/gpt-4o").user(("What is in this image?", image))
}

fn a_circle(format: Option<ImageFormat>) -> ChatRequest {
    let mut options = ImageOptions::new().size("320x200");
    options.response_format = format;
    ChatRequest::new("openai/gpt-image-1")
        .image(options)
        .user("a red circle on a blue background")
}

/// Decodes the whole picture.
fn assert_is_the_circle(picture: &GeneratedImage) {
    assert_eq!(
        picture.media_type().unwrap(),
        (MediaType::PNG, Evidence::MagicBytes)
    );
    let sight = vision::look(picture.bytes().unwrap()).unwrap();
    assert_eq!((sight.width, sight.height), (320, 200));
    let colours = sight.describe("Which colours?");
    assert!(
        colours.contains("blue") && colours.contains("red"),
        "{colours}"
    );
}

#[test]
fn a_photograph_is_described_the_same_plain_and_streamed() {
    let server = emulator(ChatPictureShape::Images);
    let client = client(&server);
    let request = what_is_in(image::open(photo()).unwrap());

    let plain = client.chat().completions().create(&request).unwrap();
    assert!(plain.text().contains("JPEG") && plain.text().contains("640 x 427"));
    assert!(plain.head.request_id().is_some());
    assert_eq!(plain.finish_reason(), Some(&FinishReason::Stop));
    assert!(plain.usage.as_ref().unwrap().completion_tokens.is_some());
    assert_eq!(plain.system_fingerprint.as_deref(), Some("mesh-emulator"));

    let mut stream = client.chat().completions().stream(&request).unwrap();
    let pieces: Vec<String> = stream
        .by_ref()
        .map(|chunk| chunk.unwrap().text().into_owned())
        .collect();
    assert!(pieces.len() > 2, "{pieces:?}");
    assert_eq!(pieces.concat(), plain.text());
    let streamed = stream.finish().unwrap();
    assert_eq!(streamed.text(), plain.text());
    assert_eq!(streamed.usage, plain.usage);
    assert_eq!(streamed.finish_reason(), plain.finish_reason());
}

#[test]
fn a_drawn_picture_is_found_wherever_the_gateway_puts_it() {
    for shape in ChatPictureShape::ALL {
        for format in [None, Some(ImageFormat::Url), Some(ImageFormat::B64Json)] {
            if (*shape, &format) == (ChatPictureShape::UrlText, &Some(ImageFormat::Url)) {
                // A URL and no word beside it: has a test of its own.
                continue;
            }
            let server = emulator(*shape);
            let client = client(&server);
            let request = a_circle(format.clone());

            let plain = client.chat().completions().create(&request).unwrap();
            let pictures = plain.images();
            assert_eq!(pictures.len(), 1, "{shape}, {format:?}");
            assert_is_the_circle(&client.download(&pictures[0]).unwrap());

            let mut stream = client.chat().completions().stream(&request).unwrap();
            let streamed = stream.finish().unwrap().images();
            assert_eq!(streamed.len(), 1, "{shape}, {format:?}, streamed");
            let streamed = client.download(&streamed[0]).unwrap();
            let plain = client.download(&pictures[0]).unwrap();
            assert_eq!(streamed.bytes(), plain.bytes(), "{shape}, {format:?}");
        }
    }
}

#[test]
fn a_hosted_picture_is_fetched_from_its_url() {
    let server = emulator(ChatPictureShape::Images);
    let client = client(&server);
    let request = a_circle(Some(ImageFormat::Url));
    let reply = client.chat().completions().create(&request).unwrap();
    let pictures = reply.images();
    let url = pictures[0].remote_url().unwrap();
    assert!(url.starts_with(&server.base_url()), "{url}");
    assert!(pictures[0].bytes().is_err());
    let fetched = client.download(&pictures[0]).unwrap();
    assert_eq!(fetched.remote_url(), None);
    assert_is_the_circle(&fetched);

    let gone = GeneratedImage::from_url(format!("{}/pictures/nothing.png", server.base_url()));
    let error = client.download(&gone).unwrap_err();
    assert_eq!(error.call().unwrap().status().unwrap().as_u16(), 404);
}

#[test]
fn a_text_that_is_nothing_but_the_url_of_a_picture_is_the_picture() {
    let server = emulator(ChatPictureShape::UrlText);
    let client = client(&server);
    let request = a_circle(Some(ImageFormat::Url));
    let reply = client.chat().completions().create(&request).unwrap();
    assert!(reply.text().starts_with("http"), "{}", reply.text());
    let pictures = reply.images();
    assert_eq!(pictures.len(), 1, "{}", reply.text());
    assert_is_the_circle(&client.download(&pictures[0]).unwrap());
}

#[test]
fn a_drawn_picture_can_be_shown_to_a_model() {
    let server = emulator(ChatPictureShape::Images);
    let client = client(&server);
    let drawn = client.chat().completions().create(&a_circle(None)).unwrap();
    let bytes = drawn.images()[0].bytes().unwrap().clone();
    let request = what_is_in(Image::from_bytes(bytes).unwrap());
    let seen = client.chat().completions().create(&request).unwrap();
    assert!(
        seen.text().contains("A PNG picture, 320 x 200 pixels"),
        "{}",
        seen.text()
    );
}

#[test]
fn the_catalogue_says_who_sees_and_who_draws() {
    let server = emulator(ChatPictureShape::Images);
    let list = client(&server).models().list().unwrap();
    assert!(list.seeing().any(|model| model.id == "openai/gpt-4o"));
    assert!(list.drawing().any(|model| model.id == "openai/gpt-image-1"));
    assert!(!list.drawing().any(|model| model.id == "openai/gpt-4o"));
    assert!(list.odd.is_empty(), "{:?}", list.odd);
}

/// The error of a request, which the gateway refused before any work.
fn refused(client: &Client, request: &ChatRequest) -> (u16, Option<ErrorCode>) {
    let plain = client.chat().completions().create(request).unwrap_err();
    let mut stream = client.chat().completions().stream(request).unwrap();
    let streamed = stream.finish().unwrap_err();
    let told = |error: &Error| {
        assert_eq!(error.outcome(), Outcome::Refused, "{error}");
        let call = error.call().unwrap();
        assert!(call.request_id().is_some_and(|id| !id.is_empty()));
        assert_eq!(call.attempts(), 1);
        let api = error.api().unwrap();
        assert!(error.to_string().contains(&api.message));
        (api.status.as_u16(), api.code.clone())
    };
    assert_eq!(told(&plain), told(&streamed));
    told(&plain)
}

#[test]
fn a_wrong_key_is_refused_with_the_request_to_quote() {
    let server = emulator(ChatPictureShape::Images);
    for key in ["rsk_refused1", "sk-of-another-house"] {
        let client = client_with(&server, key);
        let request = ChatRequest::new("openai/gpt-4o").user("hello");
        assert_eq!(
            refused(&client, &request),
            (401, Some(ErrorCode::Unauthorized))
        );
    }
}

#[test]
fn an_unknown_model_is_not_found() {
    let server = emulator(ChatPictureShape::Images);
    let request = ChatRequest::new("openai/nonsense").user("hello");
    assert_eq!(
        refused(&client(&server), &request),
        (404, Some(ErrorCode::ModelNotFound))
    );
}

#[test]
fn a_broken_picture_is_invalid_input() {
    let server = emulator(ChatPictureShape::Images);
    let whole = image::open(photo()).unwrap();
    let half = whole.bytes().unwrap().slice(..60_000);
    let request = what_is_in(Image::from_bytes(half).unwrap());
    assert_eq!(
        refused(&client(&server), &request),
        (400, Some(ErrorCode::InvalidInput))
    );
}

#[test]
fn one_client_serves_many_threads_at_once() {
    let server = emulator(ChatPictureShape::Images);
    let client = client(&server);
    let request = what_is_in(image::open(photo()).unwrap());
    let expected = client.chat().completions().create(&request).unwrap();
    let threads: Vec<_> = (0..16)
        .map(|number| {
            let (client, request) = (client.clone(), request.clone());
            thread::spawn(move || {
                let completions = client.chat().completions();
                if number % 2 == 0 {
                    completions.create(&request).unwrap()
                } else {
                    completions.stream(&request).unwrap().finish().unwrap()
                }
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap().text(), expected.text());
    }
    // Borrowing does as well as cloning.
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(!client.models().list().unwrap().models.is_empty()));
        }
    });
}

#[test]
fn the_images_endpoint_draws_plain_and_streamed() {
    let server = emulator(ChatPictureShape::Images);
    let client = client(&server);
    let mut request = ImageRequest::new("openai/gpt-image-1", "a red circle on a blue background");
    request.size = Some("320x200".to_owned());
    request.partial_images = Some(2);
    let reply = client.images().generate(&request).unwrap();
    let [plain] = reply.images().try_into().unwrap();
    assert_is_the_circle(&plain);

    let mut stream = client.images().stream(&request).unwrap();
    let mut partial = 0;
    for chunk in &mut stream {
        let chunk = chunk.unwrap();
        if chunk.is_partial() {
            partial += chunk.images().len();
        }
    }
    assert_eq!(partial, 2);
    let [streamed] = stream.reply().unwrap().images().try_into().unwrap();
    assert_is_the_circle(&streamed);

    request.prompt = "refuse this".to_owned();
    let error = client.images().generate(&request).unwrap_err();
    assert_eq!(error.no_picture().unwrap().reason, Absence::Empty);
    assert_eq!(error.outcome(), Outcome::Delivered, "a refusal is billed");
    assert!(error.request_id().unwrap().starts_with("req_"));
}

#[test]
fn one_model_is_found_by_its_id() {
    let server = emulator(ChatPictureShape::Images);
    let client = client(&server);
    for model in &client.models().list().unwrap().into_value() {
        assert_eq!(client.models().get(&model.id).unwrap().into_value(), *model);
    }
    let error = client.models().get("no/such model").unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::ModelNotFound), "{error}");
}

#[test]
fn free_and_paid_models_make_up_the_catalogue() {
    let server = emulator(ChatPictureShape::Images);
    let client = client(&server);
    let (free, paid) = (
        client.models().free().unwrap(),
        client.models().paid().unwrap(),
    );
    let all = client.models().list().unwrap();
    assert!(!free.models.is_empty() && !paid.models.is_empty());
    assert!(free.iter().all(|model| model.is_free == Some(true)));
    assert!(paid.iter().all(|model| model.is_free == Some(false)));
    assert_eq!(free.models.len() + paid.models.len(), all.models.len());
}

#[test]
fn a_request_is_checked_and_priced_by_the_catalogue() {
    let server = emulator(ChatPictureShape::Images);
    let client = client(&server);
    let list = client.models().list().unwrap();
    let sees = what_is_in(image::open(photo()).unwrap());
    assert_eq!(sees.check(list.get("openai/gpt-4o").unwrap()).worst(), None);
    let reads = sees.check(list.get("deepseek/deepseek-chat-v3.1").unwrap());
    assert!(
        reads
            .findings()
            .iter()
            .any(|it| it.text.contains("takes no image")),
        "{reads}"
    );
    let mut draws = ImageRequest::new("openai/gpt-image-1", "a red circle");
    draws.n = Some(3);
    let report = draws.check(list.get("openai/gpt-image-1").unwrap());
    let cost = report.cost().and_then(|cost| cost.exact()).unwrap();
    assert_eq!(cost.as_str(), "0.126", "{report}");
}

#[test]
fn edits_are_done_on_pixels_from_forms_and_from_json() {
    let server = emulator(ChatPictureShape::Images);
    let client = client(&server);
    let photo = image::open(photo()).unwrap().fit(96).unwrap();
    let size = photo.dimensions().unwrap();
    let mut inline = serde_json::to_value(&photo).unwrap();
    let inline = Image::from_url(inline["url"].take().as_str().unwrap()).unwrap();
    for photo in [photo, inline] {
        // Bytes go out as a form, data URLs as JSON.
        let model = the_first_that_can(&client, &Feature::ImageUpscale);
        let upscale = EditRequest::upscale(model, photo.clone(), UpscaleFactor::X2);
        let [larger] = drawn(&client, &upscale);
        let dimensions = larger.dimensions().unwrap().unwrap();
        assert_eq!(
            (dimensions.width, dimensions.height),
            (size.width * 2, size.height * 2)
        );

        let cut_out = EditRequest::remove_background("openai/gpt-image-1", photo.clone());
        let [cut_out] = drawn(&client, &cut_out);
        assert_eq!(cut_out.media_type().unwrap().0, MediaType::PNG);

        let mixed = EditRequest::mix(
            "openai/gpt-image-1",
            photo.clone(),
            [photo.clone()],
            "side by side",
        );
        let [_mixed] = drawn(&client, &mixed);
    }
}

/// The first model of the catalogue that can do it.
fn the_first_that_can(client: &Client, feature: &Feature) -> String {
    let list = client.models().list().unwrap();
    let mut able = list
        .iter()
        .filter(|model| model.supports(feature) == Capability::Yes);
    able.next().expect("a model that can").id.clone()
}

fn drawn(client: &Client, request: &EditRequest) -> [GeneratedImage; 1] {
    let reply = client.images().edit(request).unwrap();
    reply.into_value().into_images().try_into().unwrap()
}

#[test]
fn an_edit_that_the_model_cannot_do_is_refused_before_any_work() {
    let server = emulator(ChatPictureShape::Images);
    let client = client(&server);
    let photo = image::open(photo()).unwrap();
    let reframe = EditRequest::upscale("openai/gpt-image-1", photo, UpscaleFactor::X4);
    let error = client.images().edit(&reframe).unwrap_err();
    assert_eq!(error.outcome(), Outcome::Refused, "{error}");
    assert!(error.to_string().contains("upscale"), "{error}");
    let remote = Image::from_url("https://example.com/a.png").unwrap();
    let error = client
        .images()
        .edit(&EditRequest::new("openai/gpt-image-1", remote, "x"))
        .unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
    assert!(error.to_string().starts_with("image:"), "{error}");
}

#[test]
fn a_search_finds_page_by_page_what_the_list_has() {
    let server = emulator(ChatPictureShape::Images);
    let client = client(&server);
    let list = client.models().list().unwrap();
    let mut listed: Vec<&str> = list.iter().map(|model| model.id.as_str()).collect();
    let mut search = SearchModels::new();
    search.limit = Some(3);
    let found: Vec<_> = client
        .models()
        .search(search.clone())
        .collect::<Result<_, _>>()
        .unwrap();
    let mut found: Vec<&str> = found.iter().map(|model| model.id.as_str()).collect();
    listed.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, listed);

    let page = client.models().search_page(&search).unwrap();
    assert_eq!(
        (page.items.len(), page.total),
        (3, Some(listed.len() as u64))
    );
    search
        .input_modalities
        .push(Modality::Other("smell".to_owned()));
    let error = client.models().search_page(&search).unwrap_err();
    assert_eq!(
        error.code(),
        Some(&ErrorCode::InvalidSearchParameter),
        "{error}"
    );
}

#[test]
fn versions_and_error_codes_are_told() {
    let server = emulator(ChatPictureShape::Images);
    let client = client(&server);
    let versions = client.api_versions().unwrap();
    let labels: Vec<&str> = versions
        .versions
        .iter()
        .map(|version| version.label.as_str())
        .collect();
    assert!(
        labels.contains(&"2026-08") && labels.contains(&"2026-09"),
        "{labels:?}"
    );
    let codes = client.error_codes().unwrap();
    assert!(
        codes
            .codes
            .iter()
            .any(|row| row.code == ErrorCode::ProviderJobFailed)
    );
}

//! What can be done with a photograph of an electricity meter:
//! `cargo run -p mesh-examples --example pictures [PHOTO]`.
//!
//! Asks the gateway of `MESHAPI_API_KEY` and `MESHAPI_BASE_URL` or, without a key, an emulator that
//! it starts itself.

use std::error::Error;

use mesh_blocking::image::{Destination, Existing};
use mesh_blocking::proto::chat::Modality;
use mesh_blocking::{ChatRequest, Client, EditRequest, Parse, SearchModels, image};
use mesh_emulator::{Gateway, Server};

const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/photos/coffee.png");

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Meter {
    kilowatt_hours: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Server::start(Gateway::default())?;
    let mesh = Client::from_env().or_else(|_| {
        let builder = Client::builder().key(emulator.key());
        builder.base_url(emulator.base_url()).build()
    })?;
    let photo = image::open(std::env::args().nth(1).unwrap_or(PHOTO.to_owned()))?;

    // As large as models see it, and the right way up.
    let photo = photo.fit(256)?;
    println!("asking about {}", photo.dimensions().ok_or("no size")?);
    let question = ChatRequest::new("openai/gpt-4o").user(("What does it read?", photo.clone()));

    // An answer as a value of yours (feature `schemars`), asked for once more where it is none.
    let ask = Parse::new(question.clone()).corrections(1);
    let meter = mesh.chat().completions().parse::<Meter>(ask)?;
    let rounds = meter.rounds.len(); // each is billed
    println!("{} kWh, after {rounds} round(s)", meter.kilowatt_hours);

    // The models that can, and a request held against each of them, offline.
    let sees = SearchModels::new().takes(Modality::Image);
    for model in mesh.models().search(sees) {
        let model = model?;
        println!("{}: {}", model.id, question.check(&model));
    }

    // Edits: what an operation lacks is told before anything is sent. Bytes go out as a form.
    let edit = EditRequest::new("openai/gpt-image-1", photo, "Make it night");
    let edited = mesh.images().edit(&edit)?.into_value();
    for picture in edited.into_images() {
        // Whole or not at all, and with the ending of what it is. Unless told, nothing is overwritten.
        let to = std::env::temp_dir().join("meter-at-night");
        let saved = mesh.save(&picture, Destination::new(to).existing(Existing::Replace))?;
        println!("{} bytes in {}", saved.length, saved.path.display());
    }
    Ok(())
}

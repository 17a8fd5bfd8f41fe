//! Draws a picture in smol, where mesh has no client: `cargo run -p mesh-examples --example
//! smol_runtime [PROMPT]`. Says what it drew.
//!
//! Asks the gateway of `MESHAPI_BASE_URL` (plain `http` on loopback) or, without one, an emulator
//! that it starts itself.

use std::error::Error;
use std::time::Instant;

use mesh_emulator::{Gateway, Server};
use mesh_examples::smol_runtime;
use mesh_proto::endpoint::ImageStream;
use mesh_proto::images::ImageRequest;
use mesh_proto::{Call, Moment, Settings, Target};

fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Server::start(Gateway::default())?;
    let target = Target::from_variables(|name| std::env::var(name).ok())
        .or_else(|_| Target::of(Some(emulator.key()), Some(&emulator.base_url())))?;
    let prompt = std::env::args().nth(1);
    let prompt = prompt.unwrap_or("a lighthouse at night".to_owned());

    let origin = Instant::now();
    let endpoint = ImageStream::new(&ImageRequest::new("openai/gpt-image-1", prompt))?;
    // Chance for the back-off: any number that differs from program to program.
    let seed = u64::from(std::process::id());
    let mut call = Call::new(
        endpoint,
        &target,
        &Settings::default(),
        Moment::ORIGIN,
        seed,
    )?;
    let reply = smol::block_on(smol_runtime::drive(&mut call, origin, |chunk| {
        println!("{}", chunk.status.as_deref().unwrap_or("a picture"));
    }))?;
    for image in reply.images() {
        let size = image.bytes()?.len();
        let (media_type, _) = image.media_type()?;
        println!("{media_type}, {size} bytes, {:?}", image.dimensions()?);
    }
    Ok(())
}

//! Describes a photograph, word by word, with nothing but a socket:
//! `cargo run -p mesh-examples --example bare_socket [PHOTO]`.
//!
//! Asks the gateway of `MESHAPI_BASE_URL` (plain `http` on loopback) or, without one, an emulator
//! that it starts itself.

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Instant;

use mesh_emulator::{Gateway, Server};
use mesh_examples::bare_socket;
use mesh_proto::endpoint::ChatStream;
use mesh_proto::image::Image;
use mesh_proto::{Call, ChatRequest, Moment, Settings, Target};

const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/photos/rocket.jpg");

fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Server::start(Gateway::default())?;
    let target = Target::from_variables(|name| std::env::var(name).ok())
        .or_else(|_| Target::of(Some(emulator.key()), Some(&emulator.base_url())))?;

    let photo = std::env::args().nth(1).unwrap_or(PHOTO.to_owned());
    let photo = Image::from_bytes(std::fs::read(photo)?)?;
    let request = ChatRequest::new("openai/gpt-4o").user(("What is in this image?", photo));

    let origin = Instant::now();
    let endpoint = ChatStream::new(&request)?;
    // Chance for the back-off: any number that differs from program to program.
    let seed = u64::from(std::process::id());
    let mut call = Call::new(
        endpoint,
        &target,
        &Settings::default(),
        Moment::ORIGIN,
        seed,
    )?;
    let mut told = Ok(());
    let reply = bare_socket::drive(&mut call, origin, |chunk| {
        let shown = write!(stdout(), "{}", chunk.text()).and_then(|()| stdout().flush());
        told = std::mem::replace(&mut told, Ok(())).and(shown);
    })?;
    told?;
    println!("\n({})", reply.head.request_id().unwrap_or("no request id"));
    Ok(())
}

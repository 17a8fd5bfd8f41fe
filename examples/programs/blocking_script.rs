//! Says of every picture in a folder what is in it, one line each:
//! `cargo run -p mesh-examples --example blocking_script [FOLDER]`.
//!
//! Asks the gateway of `MESHAPI_API_KEY` and `MESHAPI_BASE_URL` or, without a key, an emulator that
//! it starts itself.

use std::error::Error;
use std::fs;

use mesh_blocking::proto::error::chain;
use mesh_blocking::{ChatRequest, Client, image};
use mesh_emulator::{Gateway, Server};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/photos");

fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Server::start(Gateway::default())?;
    let client = Client::from_env().or_else(|_| {
        let builder = Client::builder().key(emulator.key());
        builder.base_url(emulator.base_url()).build()
    })?;

    let folder = std::env::args().nth(1).unwrap_or(FOLDER.to_owned());
    let mut paths: Vec<_> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().display();
        // What is no picture is told by name, and the others go on.
        let photo = match image::open(&path) {
            Ok(photo) => photo,
            Err(error) => {
                println!("{name}: {}", chain(&error));
                continue;
            }
        };
        let request = ChatRequest::new("openai/gpt-4o").user(("What is in this image?", photo));
        let reply = client.chat().completions().create(&request)?;
        println!("{name}: {}", reply.text());
    }
    Ok(())
}

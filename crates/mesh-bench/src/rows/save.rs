//! A reply with a picture of 8 MiB, from the received body into a file, and by all but async-openai
//! brought to the disk.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use async_openai::types::images::ImagesResponse;
use bytes::Bytes;
use mesh_proto::image::GeneratedImage;
use mesh_proto::images::ImageRequest;

use crate::clients::{asynchronous, blocking, ours_read, runtime};
use crate::measure::{Sample, repeat};
use crate::row::{Effort, Goal, Heap, Measure, Row, limit, ours, peer};
use crate::runner::Scale;
use crate::{Failure, inputs, plain};

const SIZE: usize = 8 << 20;

/// Where nobody listens: nothing is sent.
const NOWHERE: &str = "http://127.0.0.1:9";

const MIB: f64 = 1024.0 * 1024.0;

pub(super) fn row() -> Row {
    Row {
        id: "save",
        title: "An image reply with a picture of 8 MiB, into a file, fresh",
        unit: "picture",
        heap: Heap::Fresh,
        effort: Effort::Usual,
        contestants: vec![
            ours("mesh, blocking", mesh_blocking),
            ours("mesh, async", mesh_async),
            ours("mesh, decoded whole, then written", whole),
            peer("async-openai", openai),
            limit("borrowed parse, decoding in place, then written", in_place),
        ],
        goals: vec![
            Goal::times(
                "blocking ≤ 1.3 × decoding in place, then writing",
                "mesh, blocking",
                Measure::Cpu,
                1.3,
                "borrowed parse, decoding in place, then written",
            ),
            Goal::times(
                "async ≤ 1.3 × decoding in place, then writing",
                "mesh, async",
                Measure::Cpu,
                1.3,
                "borrowed parse, decoding in place, then written",
            ),
            Goal::at_most(
                "blocking ≤ 2 MiB beyond the body",
                "mesh, blocking",
                Measure::Heap,
                2.0 * MIB,
            ),
            Goal::at_most(
                "async ≤ 2 MiB beyond the body",
                "mesh, async",
                Measure::Heap,
                2.0 * MIB,
            ),
        ],
    }
}

/// Every sample gets a body of its own, as if it had just been received, and an empty directory.
fn received(
    scale: Scale,
    mut save: impl FnMut(Vec<u8>, &Path) -> Result<(), Failure>,
) -> Result<Sample, Failure> {
    let body = inputs::image_reply(scale.bytes(SIZE));
    repeat(
        scale.times(9),
        || Ok((body.clone(), tempfile::tempdir()?)),
        |(body, directory)| {
            save(body, directory.path())?;
            let entries = fs::read_dir(directory.path())?;
            let sizes = entries.map(|entry| Ok(entry?.metadata()?.len()));
            if sizes.sum::<std::io::Result<u64>>()? == scale.bytes(SIZE) as u64 {
                Ok(())
            } else {
                Err("not the whole picture".into())
            }
        },
    )
}

fn picture(body: Vec<u8>) -> Result<GeneratedImage, Failure> {
    let request = ImageRequest::new("google/imagen-4", "a rocket");
    let images = ours_read(&request, Bytes::from(body))?.into_images();
    Ok(images.into_iter().next().ok_or("no picture")?)
}

fn mesh_blocking(scale: Scale) -> Result<Sample, Failure> {
    let client = blocking(NOWHERE)?;
    received(scale, |body, directory| {
        client.save(&picture(body)?, directory.join("rocket"))?;
        Ok(())
    })
}

fn mesh_async(scale: Scale) -> Result<Sample, Failure> {
    let (client, runtime) = (asynchronous(NOWHERE)?, runtime()?);
    received(scale, |body, directory| {
        let picture = picture(body)?;
        runtime.block_on(client.save(&picture, directory.join("rocket")))?;
        Ok(())
    })
}

fn whole(scale: Scale) -> Result<Sample, Failure> {
    received(scale, |body, directory| {
        let bytes = picture(body)?.into_bytes()?;
        write(directory, &bytes)
    })
}

fn openai(scale: Scale) -> Result<Sample, Failure> {
    let runtime = runtime()?;
    received(scale, |body, directory| {
        let reply: ImagesResponse = serde_json::from_slice(&body)?;
        runtime.block_on(reply.save(directory))?;
        Ok(())
    })
}

fn in_place(scale: Scale) -> Result<Sample, Failure> {
    received(scale, |mut body, directory| {
        let bytes = plain::decode_in_place(&mut body)?;
        let bytes = body.get(..bytes).ok_or("not the whole picture")?;
        write(directory, bytes)
    })
}

fn write(directory: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut file = File::create(directory.join("rocket.png"))?;
    file.write_all(bytes)?;
    Ok(file.sync_data()?)
}

//! A picture of 8 MiB behind a URL, fetched over loopback into a file, and brought to the disk.

use std::fs::{self, File};
use std::io::{self, Write as _};

use mesh_proto::image::GeneratedImage;

use crate::clients::{asynchronous, blocking, raw_async, raw_blocking, runtime};
use crate::loopback::{self, Bare, Loopback};
use crate::measure::{Sample, growth_of, repeat};
use crate::row::{Effort, Goal, Heap, Measure, Row, limit, ours, peer};
use crate::runner::Scale;
use crate::{Failure, heap, inputs};

const SIZE: usize = 8 << 20;

const MIB: f64 = 1024.0 * 1024.0;

pub(super) fn row() -> Row {
    Row {
        id: "download",
        title: "A picture of 8 MiB behind a URL, fetched over loopback into a file",
        unit: "picture",
        heap: Heap::System,
        effort: Effort::Usual,
        contestants: vec![
            ours("mesh, blocking", mesh_blocking),
            ours("mesh, async", mesh_async),
            peer("raw ureq, copied to the file", ureq),
            peer("raw reqwest, whole body", reqwest),
            limit("bare TCP to the file", bare),
        ],
        goals: vec![
            Goal::times(
                "blocking ≤ 1.3 × raw ureq",
                "mesh, blocking",
                Measure::Cpu,
                1.3,
                "raw ureq, copied to the file",
            ),
            Goal::times(
                "async ≤ 1.3 × raw reqwest",
                "mesh, async",
                Measure::Cpu,
                1.3,
                "raw reqwest, whole body",
            ),
            Goal::at_most(
                "blocking ≤ 2 MiB",
                "mesh, blocking",
                Measure::Heap,
                2.0 * MIB,
            ),
            Goal::at_most("async ≤ 2 MiB", "mesh, async", Measure::Heap, 2.0 * MIB),
        ],
    }
}

/// Fetches the picture into a file, anew each time.
fn sample(
    scale: Scale,
    mut fetch: impl FnMut(&Loopback, &std::path::Path) -> Result<(), Failure>,
) -> Result<Sample, Failure> {
    let picture = inputs::picture(scale.bytes(SIZE));
    let server = Loopback::start(loopback::document("image/png", &picture))?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("picture.png");
    let mut once = || {
        fetch(&server, &path)?;
        let written = fs::metadata(&path)?.len();
        fs::remove_file(&path)?;
        if usize::try_from(written)? == picture.len() {
            Ok(())
        } else {
            Err("not the whole picture".into())
        }
    };
    let grown = growth_of(&mut once)?;
    if heap::is_counted() {
        return Ok(grown);
    }
    let timed = repeat(scale.times(9), || Ok(()), |()| once())?;
    Ok(timed.or(grown))
}

fn url(server: &Loopback) -> String {
    format!("{}/picture.png", server.url())
}

fn mesh_blocking(scale: Scale) -> Result<Sample, Failure> {
    let mut client = None;
    sample(scale, |server, path| {
        let client = match &mut client {
            Some(client) => client,
            None => client.insert(blocking(&server.url())?),
        };
        client.save(&GeneratedImage::from_url(url(server)), path)?;
        Ok(())
    })
}

fn mesh_async(scale: Scale) -> Result<Sample, Failure> {
    let runtime = runtime()?;
    let mut client = None;
    sample(scale, |server, path| {
        let client = match &mut client {
            Some(client) => client,
            None => client.insert(asynchronous(&server.url())?),
        };
        let image = GeneratedImage::from_url(url(server));
        runtime.block_on(client.save(&image, path))?;
        Ok(())
    })
}

fn ureq(scale: Scale) -> Result<Sample, Failure> {
    let agent = raw_blocking(1);
    sample(scale, |server, path| {
        let mut response = agent.get(url(server)).call()?;
        let mut body = response.body_mut().with_config().limit(1 << 30).reader();
        let mut file = File::create(path)?;
        io::copy(&mut body, &mut file)?;
        Ok(file.sync_data()?)
    })
}

fn reqwest(scale: Scale) -> Result<Sample, Failure> {
    let (client, runtime) = (raw_async()?, runtime()?);
    sample(scale, |server, path| {
        let body = runtime.block_on(async {
            let response = client.get(url(server)).send().await?;
            response.error_for_status()?.bytes().await
        })?;
        let mut file = File::create(path)?;
        file.write_all(&body)?;
        Ok(file.sync_data()?)
    })
}

fn bare(scale: Scale) -> Result<Sample, Failure> {
    let length = loopback::document("image/png", &inputs::picture(scale.bytes(SIZE))).len();
    let head = length - scale.bytes(SIZE);
    let mut buffer = vec![0; 64 << 10];
    sample(scale, |server, path| {
        let mut client = Bare::connect(server.address())?;
        let mut file = File::create(path)?;
        let (mut skip, mut failed) = (head, Ok(()));
        client.exchange(b"GET /picture.png HTTP/1.1\r\n\r\n", 0, &mut buffer)?;
        client.read(length, &mut buffer, |piece| {
            let before = skip.min(piece.len());
            skip -= before;
            let written = file.write_all(piece.get(before..).unwrap_or_default());
            failed = std::mem::replace(&mut failed, Ok(())).and(written);
        })?;
        failed?;
        Ok(file.sync_data()?)
    })
}

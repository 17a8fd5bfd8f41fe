//! What a program takes that says hello through a client: crates, CPU time to build, stripped size.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::measure::Sample;
use crate::row::{Effort, Goal, Heap, Measure, Row, ours, peer};
use crate::runner::{Scale, scratch};
use crate::{Failure, heap};

pub(super) fn row() -> Row {
    let build = |text, of, against| Goal::times(text, of, Measure::Cpu, 1.15, against);
    let crates = |text, of, against, more: f64| {
        Goal::times(text, of, Measure::Crates, 1.0, against).plus(more)
    };
    Row {
        id: "weight",
        title: "A program that says hello: crates, CPU time to build, size when stripped",
        unit: "build",
        heap: Heap::System,
        effort: Effort::Minutes,
        contestants: vec![
            ours("mesh, blocking", |scale| program(scale, &MESH_BLOCKING)),
            ours("mesh, async", |scale| program(scale, &MESH_ASYNC)),
            ours("mesh-proto", |scale| program(scale, &MESH_PROTO)),
            peer("async-openai", |scale| program(scale, &ASYNC_OPENAI)),
            peer("raw ureq", |scale| program(scale, &UREQ)),
            peer("raw reqwest", |scale| program(scale, &REQWEST)),
        ],
        goals: vec![
            build(
                "blocking builds in ≤ 1.15 × raw ureq",
                "mesh, blocking",
                "raw ureq",
            ),
            build(
                "async builds in ≤ 1.15 × raw reqwest",
                "mesh, async",
                "raw reqwest",
            ),
            crates(
                "blocking ≤ 4 more crates than raw ureq",
                "mesh, blocking",
                "raw ureq",
                4.0,
            ),
            crates(
                "async ≤ 6 more crates than raw reqwest",
                "mesh, async",
                "raw reqwest",
                6.0,
            ),
            // Beneath it, so that the program and the crate itself do not count.
            Goal::at_most(
                "mesh-proto ≤ 20 crates",
                "mesh-proto",
                Measure::Crates,
                22.0,
            ),
        ],
    }
}

/// A program of its own, outside of the workspace.
struct Program {
    name: &'static str,
    dependencies: &'static str,
    main: &'static str,
}

const MESH_BLOCKING: Program = Program {
    name: "hello-mesh-blocking",
    dependencies: "mesh-blocking = { path = \"{crates}/mesh-blocking\" }",
    main: r#"
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mesh = mesh_blocking::Client::from_env()?;
    let request = mesh_blocking::ChatRequest::new("openai/gpt-4o").user("Hello");
    println!("{}", mesh.chat().completions().create(&request)?.text());
    Ok(())
}
"#,
};

const MESH_ASYNC: Program = Program {
    name: "hello-mesh-async",
    dependencies: "mesh-async = { path = \"{crates}/mesh-async\" }\ntokio = { version = \"1\", features = [\"rt\"] }",
    main: r#"
fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mesh = mesh_async::Client::from_env()?;
        let request = mesh_async::ChatRequest::new("openai/gpt-4o").user("Hello");
        println!("{}", mesh.chat().completions().create(&request).await?.text());
        Ok(())
    })
}
"#,
};

const MESH_PROTO: Program = Program {
    name: "hello-mesh-proto",
    dependencies: "mesh-proto = { path = \"{crates}/mesh-proto\" }",
    main: r#"
use mesh_proto::Endpoint;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = mesh_proto::Target::of(Some("rsk_01JB"), None)?;
    let request = mesh_proto::ChatRequest::new("openai/gpt-4o").user("Hello");
    println!("{:?}", request.request(&target)?);
    Ok(())
}
"#,
};

const ASYNC_OPENAI: Program = Program {
    name: "hello-async-openai",
    dependencies: "async-openai = { version = \"0.43\", features = [\"chat-completion\"] }\ntokio = { version = \"1\", features = [\"rt\"] }",
    main: r#"
use async_openai::types::chat::{ChatCompletionRequestUserMessage, CreateChatCompletionRequest};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let client = async_openai::Client::new();
        let request = CreateChatCompletionRequest {
            model: "openai/gpt-4o".to_owned(),
            messages: vec![ChatCompletionRequestUserMessage::from("Hello").into()],
            ..Default::default()
        };
        println!("{:?}", client.chat().create(request).await?.choices);
        Ok(())
    })
}
"#,
};

const UREQ: Program = Program {
    name: "hello-ureq",
    dependencies: "ureq = { version = \"3.5\", features = [\"json\"] }\nserde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"",
    main: r#"
#[derive(Debug, serde::Deserialize)]
struct Reply {
    choices: Vec<Choice>,
}

#[derive(Debug, serde::Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Debug, serde::Deserialize)]
struct Message {
    content: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let request = serde_json::json!({"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Hello"}]});
    let reply: Reply = ureq::post("https://api.meshapi.ai/v1/chat/completions")
        .header("authorization", "Bearer rsk_01JB")
        .send_json(request)?
        .body_mut()
        .read_json()?;
    println!("{:?}", reply.choices.first().map(|choice| &choice.message.content));
    Ok(())
}
"#,
};

const REQWEST: Program = Program {
    name: "hello-reqwest",
    dependencies: "reqwest = { version = \"0.13\", default-features = false, features = [\"http2\", \"json\", \"rustls-no-provider\"] }\nrustls = { version = \"0.23\", default-features = false, features = [\"ring\", \"std\", \"tls12\"] }\nserde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\ntokio = { version = \"1\", features = [\"rt\"] }",
    main: r#"
#[derive(Debug, serde::Deserialize)]
struct Reply {
    choices: Vec<Choice>,
}

#[derive(Debug, serde::Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Debug, serde::Deserialize)]
struct Message {
    content: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "a provider")?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let request = serde_json::json!({"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Hello"}]});
        let reply: Reply = reqwest::Client::new()
            .post("https://api.meshapi.ai/v1/chat/completions")
            .bearer_auth("rsk_01JB")
            .json(&request)
            .send()
            .await?
            .json()
            .await?;
        println!("{:?}", reply.choices.first().map(|choice| &choice.message.content));
        Ok(())
    })
}
"#,
};

/// Writes the program, counts its crates, builds it from nothing and strips it. A quick sample builds
/// nothing.
fn program(scale: Scale, program: &Program) -> Result<Sample, Failure> {
    if heap::is_counted() {
        return Ok(Sample::default());
    }
    let beside = std::env::current_exe()?;
    let directory = scratch(beside.parent().ok_or("no directory")?).join(program.name);
    fs::create_dir_all(directory.join("src"))?;
    let crates = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let manifest = format!(
        "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{}\n\n[profile.release]\nstrip = true\n\n[workspace]\n",
        program.name,
        program.dependencies.replace("{crates}", crates),
    );
    fs::write(directory.join("Cargo.toml"), manifest)?;
    fs::write(directory.join("src/main.rs"), program.main.trim_start())?;
    // Newer versions than the workspace's would be other crates.
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
    fs::copy(lock, directory.join("Cargo.lock"))?;

    let sample = Sample {
        crates: Some(crates_of(&directory)?),
        ..Sample::default()
    };
    if scale == Scale::Quick {
        return Ok(sample);
    }
    let target = directory.join("target");
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    let cpu = build(&directory)?;
    let size = fs::metadata(target.join("release").join(program.name))?.len();
    fs::remove_dir_all(&target)?;
    #[allow(clippy::cast_precision_loss, reason = "a few megabytes")]
    let size = size as f64;
    Ok(Sample {
        cpu: Some(cpu),
        size: Some(size),
        ..sample
    })
}

fn crates_of(directory: &Path) -> Result<f64, Failure> {
    let tree = [
        "tree",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--no-dedupe",
        "--format",
        "{p}",
    ];
    let output = Command::new("cargo")
        .args(tree)
        .current_dir(directory)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    let listed = String::from_utf8(output.stdout)?;
    let mut crates: Vec<&str> = listed.lines().filter(|line| !line.is_empty()).collect();
    crates.sort_unstable();
    crates.dedup();
    #[allow(clippy::cast_precision_loss, reason = "hundreds at most")]
    Ok(crates.len() as f64)
}

/// Builds, and gives the CPU time of cargo and all its children in nanoseconds, as the shell has it.
fn build(directory: &Path) -> Result<f64, Failure> {
    let script =
        "cargo fetch --quiet && cargo build --release --quiet --target-dir target && times";
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(directory)
        .env_remove("CARGO_TARGET_DIR")
        .env("LC_ALL", "C")
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    let told = String::from_utf8(output.stdout)?;
    let children = told.lines().last().ok_or("no times")?;
    let seconds = children
        .split_whitespace()
        .map(seconds)
        .sum::<Option<f64>>();
    Ok(seconds.ok_or("times in another form")? * 1e9)
}

/// `1m2.5s` in seconds.
fn seconds(text: &str) -> Option<f64> {
    let (minutes, seconds) = text.strip_suffix('s')?.split_once('m')?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_tells_minutes_and_seconds() {
        assert_eq!(seconds("1m2.5s"), Some(62.5));
        assert_eq!(seconds("0m0.010000s"), Some(0.01));
        assert_eq!(seconds("3.2"), None);
    }
}

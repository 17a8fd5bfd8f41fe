//! What a program takes that says hello through a client: crates, CPU time to build, stripped size.

use crate::measure::Sample;
use crate::program::Program;
use crate::row::{Effort, Goal, Heap, Measure, Row, ours, peer};
use crate::runner::Scale;
use crate::{Failure, heap};

pub(super) fn row() -> Row {
    let build = |text, of, against| Goal::times(text, of, Measure::Cpu, 1.4, against);
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
                "blocking builds in ≤ 1.4 × raw ureq",
                "mesh, blocking",
                "raw ureq",
            ),
            build(
                "async builds in ≤ 1.4 × raw reqwest",
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
    let written = program.write()?;
    let sample = Sample {
        crates: Some(written.crates()?),
        ..Sample::default()
    };
    if scale == Scale::Quick {
        return Ok(sample);
    }
    written.clean()?;
    let cpu = written.build()?;
    let size = written.size()?;
    written.clean()?;
    Ok(Sample {
        cpu: Some(cpu),
        size: Some(size),
        ..sample
    })
}

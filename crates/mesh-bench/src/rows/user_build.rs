//! What every edit of a user costs: one program that uses most of an SDK, built again in release
//! after a change of one line.

use crate::measure::Sample;
use crate::program::Program;
use crate::row::{Effort, Goal, Heap, Measure, Row, ours, peer};
use crate::runner::Scale;
use crate::{Failure, heap};

pub(super) fn row() -> Row {
    Row {
        id: "user-build",
        title: "Chat, a stream, generation and saving, edits, the catalogue: a release rebuild after a one-line change",
        unit: "rebuild",
        heap: Heap::System,
        effort: Effort::Minutes,
        contestants: vec![
            ours("mesh, async", |scale| rebuild(scale, &MESH)),
            peer("async-openai", |scale| rebuild(scale, &ASYNC_OPENAI)),
        ],
        goals: vec![
            Goal::times(
                "≤ 0.65 × the CPU of async-openai",
                "mesh, async",
                Measure::Cpu,
                0.65,
                "async-openai",
            ),
            Goal::times(
                "≤ 0.9 × the size of async-openai",
                "mesh, async",
                Measure::Size,
                0.9,
                "async-openai",
            ),
        ],
    }
}

const MESH: Program = Program {
    name: "user-mesh",
    dependencies: "mesh-async = { path = \"{crates}/mesh-async\" }\ntokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }",
    main: r#"
use mesh_async::image::Destination;
use mesh_async::{ChatRequest, Client, EditRequest, ImageRequest};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mesh = Client::from_env()?;
    println!("Hello");

    let photo = mesh_async::image::open("photo.jpg").await?;
    let question = ChatRequest::new("openai/gpt-4o").user(("What is in this image?", photo.clone()));
    let reply = mesh.chat().completions().create(&question).await?;
    println!("{}", reply.text());

    let mut chunks = mesh.chat().completions().stream(&question)?;
    while let Some(chunk) = chunks.next().await {
        print!("{}", chunk?.text());
    }

    let request = ImageRequest::new("openai/gpt-image-1", "A watercolor of a fox");
    let generated = mesh.images().generate(&request).await?.into_value();
    for (number, image) in generated.into_images().into_iter().enumerate() {
        let to = Destination::new(format!("fox-{number}"));
        println!("{}", mesh.save(&image, to).await?.path.display());
    }

    let edit = EditRequest::new("openai/gpt-image-1", photo, "Make it night");
    let edited = mesh.images().edit(&edit).await?.into_value();
    for (number, image) in edited.into_images().into_iter().enumerate() {
        let to = Destination::new(format!("night-{number}"));
        println!("{}", mesh.save(&image, to).await?.path.display());
    }

    for model in mesh.models().list().await?.iter() {
        println!("{}", model.id);
    }
    Ok(())
}
"#,
};

const ASYNC_OPENAI: Program = Program {
    name: "user-async-openai",
    dependencies: "async-openai = { version = \"0.43\", features = [\"chat-completion\", \"image\", \"model\"] }\nbase64 = \"0.23\"\nfutures = \"0.3\"\ntokio = { version = \"1\", features = [\"fs\", \"macros\", \"rt-multi-thread\"] }",
    main: r#"
use async_openai::Client;
use async_openai::types::chat::{
    ChatCompletionRequestMessageContentPartImage, ChatCompletionRequestMessageContentPartText,
    ChatCompletionRequestUserMessage, ChatCompletionRequestUserMessageContent,
    CreateChatCompletionRequest, ImageUrl,
};
use async_openai::types::images::{CreateImageEditRequest, CreateImageRequest, ImageModel};
use base64::Engine as _;
use futures::StreamExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new();
    println!("Hello");

    let photo = base64::engine::general_purpose::STANDARD.encode(tokio::fs::read("photo.jpg").await?);
    let question = CreateChatCompletionRequest {
        model: "openai/gpt-4o".to_owned(),
        messages: vec![
            ChatCompletionRequestUserMessage::from(ChatCompletionRequestUserMessageContent::Array(vec![
                ChatCompletionRequestMessageContentPartText::from("What is in this image?").into(),
                ChatCompletionRequestMessageContentPartImage::from(ImageUrl {
                    url: format!("data:image/jpeg;base64,{photo}"),
                    ..Default::default()
                })
                .into(),
            ]))
            .into(),
        ],
        ..Default::default()
    };
    let reply = client.chat().create(question.clone()).await?;
    for choice in reply.choices {
        println!("{}", choice.message.content.unwrap_or_default());
    }

    let mut chunks = client.chat().create_stream(question).await?;
    while let Some(chunk) = chunks.next().await {
        for choice in chunk?.choices {
            print!("{}", choice.delta.content.unwrap_or_default());
        }
    }

    let request = CreateImageRequest {
        prompt: "A watercolor of a fox".to_owned(),
        model: ImageModel::Other("openai/gpt-image-1".to_owned()),
        ..Default::default()
    };
    for path in client.images().generate(request).await?.save("foxes").await? {
        println!("{}", path.display());
    }

    let edit = CreateImageEditRequest {
        image: "photo.jpg".into(),
        prompt: "Make it night".to_owned(),
        model: ImageModel::Other("openai/gpt-image-1".to_owned()),
        ..Default::default()
    };
    for path in client.images().edit(edit).await?.save("nights").await? {
        println!("{}", path.display());
    }

    for model in client.models().list().await?.data {
        println!("{}", model.id);
    }
    Ok(())
}
"#,
};

/// Builds the program, changes a line and builds it again. A quick sample builds nothing.
fn rebuild(scale: Scale, program: &Program) -> Result<Sample, Failure> {
    if heap::is_counted() {
        return Ok(Sample::default());
    }
    let written = program.write()?;
    if scale == Scale::Quick {
        return Ok(Sample::default());
    }
    // What an earlier sample built of the dependencies serves this one, too.
    written.build()?;
    written.change_a_line()?;
    let cpu = written.build()?;
    Ok(Sample {
        cpu: Some(cpu),
        size: Some(written.size()?),
        ..Sample::default()
    })
}

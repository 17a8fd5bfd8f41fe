//! `mesh see`: ask a model about pictures.

use std::io::{self, Read as _};
use std::path::Path;

use mesh_blocking::image::{self, Detail, Image};
use mesh_blocking::proto::chat::{Ending, FinishReason};
use mesh_blocking::proto::error::{BuildError, chain};
use mesh_blocking::proto::image::{DataUrl, MAX_FILE};
use mesh_blocking::{ChatReply, ChatRequest, Error};

use crate::arguments::{DetailArgument, GatewayArguments, See};
use crate::failure::{Failure, Kind, Shown};
use crate::gateway::Gateway;
use crate::output::Output;

pub(crate) fn run(see: &See, gateway: &GatewayArguments) -> Result<(), Failure> {
    let pictures = see
        .pictures
        .iter()
        .map(|name| open(name))
        .collect::<Result<Vec<_>, _>>()?;
    let pictures = pictures.into_iter().map(|picture| match see.detail {
        Some(DetailArgument::Auto) => picture.detail(Detail::Auto),
        Some(DetailArgument::Low) => picture.detail(Detail::Low),
        Some(DetailArgument::High) => picture.detail(Detail::High),
        None => picture,
    });
    let request =
        ChatRequest::new(&see.model).user((see.question.as_str(), pictures.collect::<Vec<_>>()));
    let gateway = Gateway::open(gateway)?;
    answer(see, &request, &gateway)
}

fn open(name: &str) -> Result<Image, Failure> {
    let bad = |error: &dyn std::fmt::Display| Failure::new(Kind::Usage, error);
    if name == "-" {
        let mut bytes = Vec::new();
        io::stdin()
            .lock()
            .take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| bad(&format_args!("standard input: {error}")))?;
        return Image::from_bytes(bytes)
            .map_err(|error| bad(&format_args!("standard input: {error}")));
    }
    if Image::is_url(name) {
        return Image::from_url(name).map_err(|error| bad(&error));
    }
    image::open(name).map_err(|error| {
        let error = chain(&error);
        if name.contains(' ') && !Path::new(name).exists() {
            bad(&format_args!("{error} (to ask something, use --question)"))
        } else {
            bad(&error)
        }
    })
}

fn answer(see: &See, request: &ChatRequest, gateway: &Gateway) -> Result<(), Failure> {
    let client = &gateway.client;
    let mut output = Output::new();
    let mut stream = client
        .chat()
        .completions()
        .stream(request)
        .map_err(|error| unsent(see, &error, gateway))?;
    let mut failure = None;
    for chunk in &mut stream {
        match chunk {
            Ok(chunk) => output.piece(&chunk.text())?,
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    output.end()?;
    if let Some(error) = failure {
        let shown = if output.shown {
            Shown::Part
        } else {
            Shown::Nothing
        };
        return Err(match error {
            Error::Build(_) => unsent(see, &error, gateway),
            _ => Failure::of_call(&error, client.target(), shown),
        });
    }
    stream.reply().map_or(Ok(()), |reply| judge(reply, &output))
}

/// Whether an answer that came to its end is one.
fn judge(reply: &ChatReply, output: &Output) -> Result<(), Failure> {
    let reason = reply.finish_reason().map_or("", FinishReason::as_str);
    let ending = reply
        .finish_reason()
        .map_or(Ending::Whole, FinishReason::ending);
    let text = reply.text();
    // Beside a content filter the answer itself counts as the refusal, and has been shown already.
    let refusal = reply
        .refusal()
        .filter(|words| !words.trim().is_empty() && (ending != Ending::Filtered || *words != text));
    if let Some(refusal) = refusal {
        return Err(Failure::new(
            Kind::Declined,
            format_args!("the model refused: {}", refusal.trim()),
        ));
    }
    match (ending, output.shown) {
        (Ending::Whole, true) => Ok(()),
        (Ending::Whole, false) => Err(Failure::new(
            Kind::Declined,
            if reply.images().is_empty() {
                "the model answered nothing"
            } else {
                "the model answered with a picture and no words; `mesh draw` saves what a model draws"
            },
        )),
        (Ending::MostTokens, _) => Err(Failure::new(
            Kind::Incomplete,
            "the answer was cut off at the most tokens allowed",
        )),
        (Ending::Filtered, true) => Err(Failure::new(
            Kind::Incomplete,
            format_args!("a content filter cut the answer off: it ended with {reason:?}"),
        )),
        (Ending::Filtered, false) => Err(Failure::new(
            Kind::Declined,
            format_args!("a content filter withheld the answer: it ended with {reason:?}"),
        )),
        // However else an answer may end one day, it was not whole.
        _ => Err(Failure::new(
            Kind::Incomplete,
            format_args!("the answer ended with {reason:?}, before it was complete"),
        )),
    }
}

/// A request that cannot be sent, with the pictures by the names that the caller gave them.
fn unsent(see: &See, error: &Error, gateway: &Gateway) -> Failure {
    let Error::Build(BuildError::TooLarge { largest, .. }) = error else {
        return Failure::of_call(error, gateway.client.target(), Shown::Nothing);
    };
    let inline = see
        .pictures
        .iter()
        .map(String::as_str)
        .filter(|name| !name.contains("://"));
    let shown = |name| match name {
        "-" => "standard input",
        name if DataUrl::is_data_url(name) => "a data URL",
        name => name,
    };
    let inline: Vec<&str> = inline.map(shown).collect();
    let names: Vec<&str> = largest
        .iter()
        .filter_map(|(place, _)| inline.get(place.checked_sub(1)?).copied())
        .collect();
    Failure::new(Kind::Usage, format_args!("{}: {error}", names.join(", ")))
}

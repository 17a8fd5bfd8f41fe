//! `mesh see`: ask a model about pictures.

use mesh_blocking::image::Detail;
use mesh_blocking::proto::chat::{Ending, FinishReason};
use mesh_blocking::proto::error::BuildError;
use mesh_blocking::{ChatReply, ChatRequest, Error};

use crate::arguments::{DetailArgument, GatewayArguments, See};
use crate::failure::{Failure, Kind, Shown};
use crate::gateway::Gateway;
use crate::output::Output;
use crate::source::{Source, with_names};

pub(crate) fn run(see: &See, gateway: &GatewayArguments) -> Result<(), Failure> {
    let sources: Vec<Source<'_>> = see.pictures.iter().map(|it| Source::of(it)).collect();
    let pictures = sources
        .iter()
        .map(Source::open)
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
    answer(&sources, &request, &gateway)
}

fn answer(sources: &[Source<'_>], request: &ChatRequest, gateway: &Gateway) -> Result<(), Failure> {
    let client = &gateway.client;
    let mut output = Output::new();
    gateway.asks();
    let mut stream = client
        .chat()
        .completions()
        .stream(request)
        .map_err(|error| failed(sources, &error, Shown::Nothing, gateway))?;
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
        return Err(failed(sources, &error, shown, gateway));
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
        (Ending::Whole, false) => Err(without_text(reply)),
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

/// An answer that came to its end, and has no text.
fn without_text(reply: &ChatReply) -> Failure {
    let called: Vec<&str> = reply
        .tool_calls()
        .iter()
        .map(|call| call.function.name.as_str())
        .collect();
    if !called.is_empty() {
        let names = called.join(", ");
        return Failure::new(
            Kind::Declined,
            format_args!(
                "the model answered with no text: it called tools that it was not given ({names})"
            ),
        );
    }
    Failure::new(
        Kind::Declined,
        if reply.images().is_empty() {
            "the model answered nothing"
        } else {
            "the model answered with a picture and no words; `mesh draw` saves what a model draws"
        },
    )
}

/// A request that cannot be sent or is refused, with the images by the names that the caller gave
/// them.
fn failed(sources: &[Source<'_>], error: &Error, shown: Shown, gateway: &Gateway) -> Failure {
    if let Error::Build(BuildError::TooLarge { largest, .. }) = error {
        let inline: Vec<&Source<'_>> = sources.iter().filter(|it| it.is_inline()).collect();
        let names: Vec<String> = largest
            .iter()
            .filter_map(|(place, _)| Some(inline.get(place.checked_sub(1)?)?.to_string()))
            .collect();
        return Failure::new(Kind::Usage, format_args!("{}: {error}", names.join(", ")));
    }
    Failure::of_call(error, gateway.client.target(), shown)
        .rephrased(|text| with_names(text, sources))
}

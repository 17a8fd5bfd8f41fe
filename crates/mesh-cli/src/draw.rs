//! `mesh draw`: have a picture drawn.

mod keep;
mod place;
mod via;

use mesh_blocking::proto::chat::{ImageFormat, ImageOptions, Quality};
use mesh_blocking::{ChatRequest, Error, GeneratedImage, ImageRequest};

use self::place::Place;
use self::via::Via;
use crate::arguments::{Draw, FormatArgument, GatewayArguments, ViaArgument};
use crate::failure::{Failure, Kind, Shown};
use crate::gateway::Gateway;
use crate::interrupt;

pub(crate) fn run(draw: &Draw, gateway: &GatewayArguments) -> Result<(), Failure> {
    if draw.prompt.trim().is_empty() {
        return Err(Failure::new(Kind::Usage, "the prompt is empty"));
    }
    // Whatever can be told to go wrong is told before the picture costs anything.
    let place = Place::find(draw)?;
    let gateway = Gateway::open(gateway)?;
    let via = Via::find(draw, &gateway.client);
    gateway.asks();
    let pictures = asked(draw, &gateway, via.route).map_err(|failure| match failure {
        Unmade::Call(error) => {
            let failure = Failure::of_call(&error, gateway.client.target(), Shown::Nothing);
            match via.hint(&error) {
                Some(hint) => failure.rephrased(|message| format!("{message}; {hint}")),
                None => failure,
            }
        }
        Unmade::Declined(failure) => failure,
    })?;
    if pictures.is_empty() {
        return Err(Failure::new(Kind::Declined, "the model sent no picture"));
    }
    gateway.has_images(&pictures);
    // What has been paid for is kept: one picture that fails does not cost the others.
    let mut failure = None;
    for (index, picture) in pictures.iter().enumerate() {
        let number = if pictures.len() > 1 {
            Some(index + 1)
        } else {
            None
        };
        if let Err(error) = keep::keep(draw, &place, &gateway.client, picture, number)
            && let Some(earlier) = failure.replace(error)
        {
            earlier.report();
        }
        interrupt::is_done_with_image();
    }
    failure.map_or(Ok(()), Err)
}

/// Why there are no images.
#[derive(Debug)]
enum Unmade {
    Call(Error),
    Declined(Failure),
}

fn asked(
    draw: &Draw,
    gateway: &Gateway,
    route: ViaArgument,
) -> Result<Vec<GeneratedImage>, Unmade> {
    let client = &gateway.client;
    match route {
        ViaArgument::Chat => {
            let completions = client.chat().completions();
            let reply = completions.create(&chat(draw)).map_err(Unmade::Call)?;
            reply
                .drawn()
                .map_err(|absence| Unmade::Declined(Failure::new(Kind::Declined, absence)))
        }
        ViaArgument::Images => {
            let reply = client.images().generate(&generation(draw));
            Ok(reply.map_err(Unmade::Call)?.into_value().into_images())
        }
    }
}

fn chat(draw: &Draw) -> ChatRequest {
    let mut options = ImageOptions::new().size(&draw.size);
    options.quality = draw.quality.as_deref().map(Quality::from);
    options.response_format = draw.response_format.map(format);
    ChatRequest::new(&draw.model)
        .image(options)
        .user(draw.prompt.as_str())
}

fn generation(draw: &Draw) -> ImageRequest {
    let mut request = ImageRequest::new(&draw.model, &draw.prompt);
    request.size = Some(draw.size.clone());
    request.quality = draw.quality.as_deref().map(Quality::from);
    request.response_format = draw.response_format.map(format);
    request
}

fn format(format: FormatArgument) -> ImageFormat {
    match format {
        FormatArgument::Url => ImageFormat::Url,
        FormatArgument::B64Json => ImageFormat::B64Json,
    }
}

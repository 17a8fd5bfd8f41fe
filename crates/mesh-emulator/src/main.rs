//! The command `mesh-emulator`: a Mesh API gateway on loopback, until it is killed.

#![allow(
    clippy::disallowed_macros,
    reason = "the command is where the terminal is"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use mesh_emulator::gateway::{
    ApiVersions, ChatPictureShape, Cost, EditsBody, ErrorForm, Gateway, GatewaySettings,
    ModelListShape, PartialImages, Pricing, Refusal, RefusedPicture, ResponseFormat, Switch,
    UnknownChoice, UnsupportedEdit, VersionEcho, WithdrawnLists,
};
use mesh_emulator::server::Server;

/// A Mesh API gateway on loopback that really looks at pictures and draws them.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The loopback address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Milliseconds between two pieces of a stream.
    #[arg(long, value_name = "MS", default_value_t = 12)]
    pace: u64,
    /// Milliseconds between two keep-alive comments of a stream of pictures.
    #[arg(long, value_name = "MS", default_value_t = 5000)]
    ping: u64,
    /// What ids and the key are made from; 0 takes a new one.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A key to refuse with 401. May be repeated.
    #[arg(long = "refuse-key", value_name = "KEY")]
    refused_keys: Vec<String>,
    /// Requests per minute and key, beyond which the answer is 429.
    #[arg(long, value_name = "COUNT")]
    requests_per_minute: Option<u32>,
    /// Where chat puts the pictures that it draws.
    #[arg(long, default_value_t, value_parser = choice::<ChatPictureShape>())]
    chat_picture: ChatPictureShape,
    /// The bodies that image edits take.
    #[arg(long, default_value_t, value_parser = choice::<EditsBody>())]
    edits_body: EditsBody,
    /// How an edit that a model does not support is refused.
    #[arg(long, default_value_t, value_parser = choice::<UnsupportedEdit>())]
    unsupported_edit: UnsupportedEdit,
    /// Whether chat tells its cost.
    #[arg(long, default_value_t, value_parser = choice::<Cost>())]
    cost: Cost,
    /// The form of the models list.
    #[arg(long, default_value_t, value_parser = choice::<ModelListShape>())]
    model_list: ModelListShape,
    /// Whether the withdrawn lists of free and of paid models are still there.
    #[arg(long, default_value_t, value_parser = choice::<WithdrawnLists>())]
    withdrawn_lists: WithdrawnLists,
    /// Whether the versions are listed.
    #[arg(long, default_value_t, value_parser = choice::<ApiVersions>())]
    api_versions: ApiVersions,
    /// Whether the format that pictures are asked for in counts.
    #[arg(long, default_value_t, value_parser = choice::<ResponseFormat>())]
    response_format: ResponseFormat,
    /// The pricing fields of the models list.
    #[arg(long, default_value_t, value_parser = choice::<Pricing>())]
    pricing: Pricing,
    /// The form of errors.
    #[arg(long, default_value_t, value_parser = choice::<ErrorForm>())]
    errors: ErrorForm,
    /// The header that tells the version that served a call.
    #[arg(long, default_value_t, value_parser = choice::<VersionEcho>())]
    version_echo: VersionEcho,
    /// How a prompt that says `refuse this` is declined.
    #[arg(long, default_value_t, value_parser = choice::<Refusal>())]
    refusal: Refusal,
    /// What an images answer has instead of a picture that is declined without an error.
    #[arg(long, default_value_t, value_parser = choice::<RefusedPicture>())]
    refused_picture: RefusedPicture,
    /// How a stream of pictures tells of their earlier states.
    #[arg(long, default_value_t, value_parser = choice::<PartialImages>())]
    partial_images: PartialImages,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Whoever reaches it sees the key and the pictures.
    if !arguments.address.is_loopback() {
        eprintln!(
            "mesh-emulator: {} is not an address of this machine alone",
            arguments.address
        );
        return ExitCode::from(2);
    }
    let address = SocketAddr::new(arguments.address, arguments.port);
    match Server::start_on(Gateway::new(arguments.settings()), address) {
        Ok(server) => {
            let (base_url, key) = (server.base_url(), server.key());
            println!("Mesh API emulator at {base_url} with the key {key}");
            println!();
            println!("export MESHAPI_BASE_URL={base_url} MESHAPI_API_KEY={key}");
            println!();
            println!("Open {base_url}/ to see what it was sent. Ctrl-C ends it.");
            loop {
                std::thread::park();
            }
        }
        Err(error) => {
            eprintln!("mesh-emulator: cannot listen on {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn settings(self) -> GatewaySettings {
        let mut settings = GatewaySettings::default();
        settings.seed = self.seed;
        settings.pace = Duration::from_millis(self.pace);
        settings.ping = Duration::from_millis(self.ping);
        settings.refused_keys = self.refused_keys;
        settings.requests_per_minute = self.requests_per_minute;
        settings.switches.chat_picture = self.chat_picture;
        settings.switches.edits_body = self.edits_body;
        settings.switches.unsupported_edit = self.unsupported_edit;
        settings.switches.cost = self.cost;
        settings.switches.model_list = self.model_list;
        settings.switches.withdrawn_lists = self.withdrawn_lists;
        settings.switches.api_versions = self.api_versions;
        settings.switches.response_format = self.response_format;
        settings.switches.pricing = self.pricing;
        settings.switches.errors = self.errors;
        settings.switches.version_echo = self.version_echo;
        settings.switches.refusal = self.refusal;
        settings.switches.refused_picture = self.refused_picture;
        settings.switches.partial_images = self.partial_images;
        settings
    }
}

fn choice<S: Switch + Send + Sync>() -> impl TypedValueParser<Value = S> {
    PossibleValuesParser::new(S::ALL.iter().map(|choice| choice.name()))
        .try_map(|name| name.parse::<S>().map_err(|unknown: UnknownChoice| unknown))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent_and_default_to_the_defaults() {
        Arguments::command().debug_assert();
        let settings = Arguments::parse_from(["mesh-emulator"]).settings();
        assert_eq!(settings, GatewaySettings::default());
    }
}

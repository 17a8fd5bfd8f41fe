//! The command `mesh-emulator`: a Mesh API gateway on loopback, until it is killed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use mesh_emulator::gateway::{
    ApiVersions, ChatPictureShape, Cost, EditsBody, ErrorForm, Gateway, GatewaySettings,
    ModelListShape, PartialImages, PicturePieces, Pricing, Refusal, RefusedPicture, ResponseCache,
    ResponseFormat, RetryAfter, RouteErrors, Switch, Template, Thoughts, ToolPieces, UnknownChoice,
    UnsupportedEdit, VersionEcho, WithdrawnLists,
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
    /// A stored prompt for chat's `template`, with slots such as {{subject}}. May be repeated.
    #[arg(long = "template", value_name = "NAME=TEXT", value_parser = template)]
    templates: Vec<Template>,
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
    /// The form of errors of one route: chat, generations, edits or models. May be repeated.
    #[arg(long = "route-errors", value_name = "ROUTE=FORM", value_parser = route_errors)]
    route_errors: Vec<(ErrorRoute, ErrorForm)>,
    /// The header that tells the version that served a call.
    #[arg(long, default_value_t, value_parser = choice::<VersionEcho>())]
    version_echo: VersionEcho,
    /// Whether chat tells what it thought, and wants it back.
    #[arg(long, default_value_t, value_parser = choice::<Thoughts>())]
    thoughts: Thoughts,
    /// How the pieces of a streamed tool call are told apart.
    #[arg(long, default_value_t, value_parser = choice::<ToolPieces>())]
    tool_pieces: ToolPieces,
    /// Whether a stream has a picture of chat in one piece.
    #[arg(long, default_value_t, value_parser = choice::<PicturePieces>())]
    picture_pieces: PicturePieces,
    /// Whether chat answers the same question twice from what it kept.
    #[arg(long, default_value_t, value_parser = choice::<ResponseCache>())]
    response_cache: ResponseCache,
    /// How a 429 says when to come again.
    #[arg(long, default_value_t, value_parser = choice::<RetryAfter>())]
    retry_after: RetryAfter,
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
        settings.templates.extend(self.templates);
        settings.switches.route_errors = forms_of(&self.route_errors);
        settings.switches.thoughts = self.thoughts;
        settings.switches.tool_pieces = self.tool_pieces;
        settings.switches.picture_pieces = self.picture_pieces;
        settings.switches.response_cache = self.response_cache;
        settings.switches.retry_after = self.retry_after;
        settings.switches.refusal = self.refusal;
        settings.switches.refused_picture = self.refused_picture;
        settings.switches.partial_images = self.partial_images;
        settings
    }
}

/// A route whose errors can have a form of their own.
#[derive(Clone, Copy, Debug)]
enum ErrorRoute {
    Chat,
    Generations,
    Edits,
    Models,
}

fn route_errors(text: &str) -> Result<(ErrorRoute, ErrorForm), String> {
    let (route, form) = text.split_once('=').ok_or("it has no =")?;
    let route = match route {
        "chat" => ErrorRoute::Chat,
        "generations" => ErrorRoute::Generations,
        "edits" => ErrorRoute::Edits,
        "models" => ErrorRoute::Models,
        _ => return Err("the route is none of chat, generations, edits, models".to_owned()),
    };
    let names: Vec<&str> = ErrorForm::ALL.iter().map(|it| it.name()).collect();
    let form = form.parse();
    let form = form.map_err(|_: UnknownChoice| format!("the form is none of {}", names.join(", ")));
    Ok((route, form?))
}

fn forms_of(routes: &[(ErrorRoute, ErrorForm)]) -> RouteErrors {
    let mut forms = RouteErrors::default();
    for (route, form) in routes {
        let place = match route {
            ErrorRoute::Chat => &mut forms.chat,
            ErrorRoute::Generations => &mut forms.generations,
            ErrorRoute::Edits => &mut forms.edits,
            ErrorRoute::Models => &mut forms.models,
        };
        *place = Some(*form);
    }
    forms
}

fn template(text: &str) -> Result<Template, String> {
    let (name, text) = text.split_once('=').ok_or("it has no =")?;
    Ok(Template::new(name, text))
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

    #[test]
    fn every_switch_has_an_argument() {
        let command = Arguments::command();
        let mut changed = 0;
        for argument in command.get_arguments() {
            let choices = argument.get_possible_values();
            let Some(other) = choices.get(1).map(clap::builder::PossibleValue::get_name) else {
                continue;
            };
            let name = argument.get_long().unwrap();
            let settings =
                Arguments::parse_from(["mesh-emulator", &format!("--{name}"), other]).settings();
            let told = format!("{:?}", settings.switches);
            assert_ne!(
                told,
                format!("{:?}", GatewaySettings::default().switches),
                "{name}"
            );
            changed += 1;
        }
        // One name each, beside the forms of single routes.
        let fields = format!("{:?}", GatewaySettings::default().switches);
        assert_eq!(changed, fields.matches(": ").count() - 5);
    }

    #[test]
    fn routes_and_templates_are_read() {
        let settings = Arguments::parse_from([
            "mesh-emulator",
            "--route-errors",
            "edits=detail-text",
            "--route-errors",
            "models=error-text",
            "--template",
            "sum=What is {{a}} = b?",
        ])
        .settings();
        let forms = settings.switches.route_errors;
        assert_eq!(forms.edits, Some(ErrorForm::DetailText));
        assert_eq!(
            (forms.models, forms.chat),
            (Some(ErrorForm::ErrorText), None)
        );
        assert_eq!(settings.templates[1].text, "What is {{a}} = b?");
        for wrong in ["edits", "pictures=envelope", "edits=html"] {
            assert!(Arguments::try_parse_from(["mesh-emulator", "--route-errors", wrong]).is_err());
        }
    }
}

//! What can be typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Show pictures to models, have pictures drawn, find the models that can.
///
/// The key comes from MESHAPI_API_KEY (or MESH_API_KEY), the gateway from MESHAPI_BASE_URL, or else
/// it is https://api.meshapi.ai. With --offline neither is needed: an emulator on this machine
/// looks at the pictures and draws them.
#[derive(Debug, Parser)]
#[command(name = "mesh", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) gateway: GatewayArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the gateway or the network failed
  2  wrong usage, or a bad input file
  3  no key, or it was refused
  4  the rate or the quota is used up
  5  the model refused, or sent no picture
  6  the answer is incomplete
  130, 143  ended by Ctrl-C (SIGINT) or SIGTERM

Certificates: the system's authorities are trusted, or those in the file that SSL_CERT_FILE names.";

#[derive(Args, Debug)]
pub(crate) struct GatewayArguments {
    /// Ask the emulator on this machine: no key, no network, no model
    #[arg(long, global = true)]
    pub(crate) offline: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask a model about pictures
    See(See),
    /// Have a picture drawn
    Draw(Draw),
    /// List models
    Models(Models),
}

#[derive(Args, Debug)]
pub(crate) struct See {
    /// Files (PNG, JPEG, GIF or WebP), https URLs, or `-` for standard input
    #[arg(required = true, value_name = "PICTURE")]
    pub(crate) pictures: Vec<OsString>,
    /// What to ask
    #[arg(short, long, default_value = "What is in this image?")]
    pub(crate) question: String,
    /// The model to ask
    #[arg(short, long, default_value = "openai/gpt-4o-mini")]
    pub(crate) model: String,
    /// How closely the model shall look: the closer, the dearer
    #[arg(long, value_enum)]
    pub(crate) detail: Option<DetailArgument>,
}

#[derive(Args, Debug)]
pub(crate) struct Draw {
    /// What to draw
    pub(crate) prompt: String,
    /// The file to write, or `-` for standard output; named after the prompt by default. It gets the
    /// extension of what the image is: `fox` becomes fox.png, and so does fox.jpg if it is a PNG
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The model to ask
    #[arg(short, long, default_value = "openai/gpt-image-1")]
    pub(crate) model: String,
    /// WIDTHxHEIGHT in pixels, a ratio such as 16:9, or `auto`
    #[arg(long, default_value = "1024x1024", value_parser = size)]
    pub(crate) size: String,
    /// How well: low, medium, high, auto, or another word that the model knows
    #[arg(long)]
    pub(crate) quality: Option<String>,
    /// Where to ask: by default the gateway's catalogue says it (one short request that may fail), or
    /// else it is chat
    #[arg(long, value_enum)]
    pub(crate) via: Option<ViaArgument>,
    /// How the picture shall come
    #[arg(long, value_enum)]
    pub(crate) response_format: Option<FormatArgument>,
    /// Overwrite a file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

fn size(text: &str) -> Result<String, &'static str> {
    let is_number = |part: &str| part.parse::<u32>().is_ok_and(|number| number > 0);
    let is_pair = |(one, other): (&str, &str)| is_number(one) && is_number(other);
    if text == "auto"
        || text.split_once('x').is_some_and(is_pair)
        || text.split_once(':').is_some_and(is_pair)
    {
        Ok(text.to_owned())
    } else {
        Err("neither WIDTHxHEIGHT, nor a ratio such as 16:9, nor `auto`")
    }
}

#[derive(Args, Debug)]
pub(crate) struct Models {
    /// Only models that take pictures
    #[arg(long)]
    pub(crate) sees: bool,
    /// Only models that give pictures
    #[arg(long)]
    pub(crate) draws: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DetailArgument {
    Auto,
    Low,
    High,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViaArgument {
    /// At /v1/chat/completions
    Chat,
    /// At /v1/images/generations
    Images,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FormatArgument {
    /// By a URL, which is fetched without the key
    Url,
    /// As base64
    #[value(name = "b64_json")]
    B64Json,
}

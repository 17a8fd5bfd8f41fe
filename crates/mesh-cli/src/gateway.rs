//! The gateway that is asked: Mesh's, or the emulator on this machine.

use std::borrow::Cow;
use std::time::Instant;

use mesh_blocking::proto::call::{Attempt, AttemptEnd};
use mesh_blocking::{Client, GeneratedImage, Outcome, Settings, Target};
use mesh_emulator::Server;

use crate::arguments::GatewayArguments;
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::output::{keep_secret, say};

/// A client, and the emulator it speaks to, where it does.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) client: Client,
    emulator: Option<Server>,
}

impl Gateway {
    pub(crate) fn open(arguments: &GatewayArguments) -> Result<Self, Failure> {
        let settings = Settings::default().with_observer(tell);
        if !arguments.offline {
            let target = Target::from_variables(variable)
                .map_err(|error| Failure::from(mesh_blocking::SetUpError::from(error)))?;
            keep_secret(target.key());
            let client = Client::builder()
                .target(target)
                .settings(settings)
                .build()?;
            return Ok(Self {
                client,
                emulator: None,
            });
        }
        let emulator = Server::start(mesh_emulator::Gateway::default()).map_err(|error| {
            Failure::new(
                Kind::Failed,
                format_args!("the emulator cannot start: {error}"),
            )
        })?;
        let client = Client::builder()
            .key(emulator.key())
            .base_url(emulator.base_url())
            .settings(settings)
            .build()?;
        say(
            "offline: the emulator on this machine answers, which measures and draws; no model is asked",
        );
        Ok(Self {
            client,
            emulator: Some(emulator),
        })
    }
}

impl Gateway {
    /// A request that may be billed is about to be sent.
    pub(crate) fn asks(&self) {
        if self.emulator.is_none() {
            interrupt::asks();
        }
    }

    /// These images were generated, and are about to be saved.
    pub(crate) fn has_images(&self, images: &[GeneratedImage]) {
        if self.emulator.is_none() {
            let base = self.client.target().base();
            let url = |image: &GeneratedImage| image.url_from(base).map(Cow::into_owned);
            interrupt::has_images(images.iter().map(url));
        }
    }
}

/// Says before a wait how long it is, and why.
fn tell(attempt: &Attempt) {
    if let Some(wait) = attempt.next {
        let outcome = match attempt.end {
            AttemptEnd::Failed(outcome)
            | AttemptEnd::Fault(_, outcome)
            | AttemptEnd::Deadline(_, outcome) => outcome,
            _ => Outcome::Delivered,
        };
        interrupt::waits(Instant::now() + wait, outcome);
        // The status of a reply that broke off is that of a success, and no reason.
        let why = match (attempt.end, attempt.status) {
            (AttemptEnd::Fault(fault, _), _) => fault.to_string(),
            (AttemptEnd::Deadline(deadline, _), _) => deadline.to_string(),
            (_, Some(status)) => status.to_string(),
            (_, None) => "no answer".to_owned(),
        };
        say(format_args!(
            "attempt {} failed ({why}); trying again in {:.1} s",
            attempt.number,
            wait.as_secs_f64()
        ));
    }
}

/// The value of an environment variable. One that is not Unicode is invalid, and not absent: the key
/// must not go to the default gateway if the base URL cannot be read.
fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    Some(value.to_string_lossy().into_owned())
}

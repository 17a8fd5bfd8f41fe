//! The gateway that is asked: Mesh's, or the emulator on this machine.

use mesh_blocking::proto::call::{Attempt, AttemptEnd};
use mesh_blocking::{Client, Settings, Target};
use mesh_emulator::Server;

use crate::arguments::GatewayArguments;
use crate::failure::{Failure, Kind};
use crate::output::{keep_secret, say};

/// A client, and the emulator it speaks to, where it does.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) client: Client,
    _emulator: Option<Server>,
}

impl Gateway {
    pub(crate) fn open(arguments: &GatewayArguments) -> Result<Self, Failure> {
        let settings = Settings::default().with_observer(tell);
        if !arguments.offline {
            let target = Target::from_variables(|name| std::env::var(name).ok())
                .map_err(|error| Failure::from(mesh_blocking::SetUpError::from(error)))?;
            keep_secret(target.key());
            let client = Client::builder()
                .target(target)
                .settings(settings)
                .build()?;
            return Ok(Self {
                client,
                _emulator: None,
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
            _emulator: Some(emulator),
        })
    }
}

/// Says when a call has to wait, so that nobody wonders.
fn tell(attempt: &Attempt) {
    if let Some(wait) = attempt.next {
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

//! What a gateway is told when it starts.

use std::fmt;
use std::time::Duration;

use super::switches::Switches;
use super::template::Template;

/// How a gateway behaves. `GatewaySettings::default()` is a gateway that starts in 1970, streams at
/// a pace that a person can follow, and takes every key of the documented form.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatewaySettings {
    /// The wall-clock time of the origin of moments, in seconds since 1970. 0 by default, where a
    /// server puts the time at which it starts.
    pub epoch_seconds: u64,
    /// What ids and the key are made from: the same seed and requests give the same ids. 0 by
    /// default, where a server puts one of its own.
    pub seed: u64,
    /// The time between two pieces of a stream. 12 ms by default; an answer has at most 120 pieces,
    /// and pictures take 24 paces to draw.
    pub pace: Duration,
    /// The time between two keep-alive comments of a stream of pictures (open point 6). 5 s by
    /// default, and less where drawing takes less, for each stream has one at least.
    pub ping: Duration,
    /// Keys that are answered with 401 although their form is right. None by default.
    pub refused_keys: Vec<String>,
    /// How many requests a key has per minute, in fixed windows; 429 beyond ([protocol reference,
    /// section 8](mesh_proto::protocol#8-limits-timeouts-retries)). Without limit by default.
    pub requests_per_minute: Option<u32>,
    /// The stored prompts that chat may name. One by default, `describe`, with the slot `subject`.
    pub templates: Vec<Template>,
    /// The choices where the protocol reference leaves a point open.
    pub switches: Switches,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            epoch_seconds: 0,
            seed: 0,
            pace: Duration::from_millis(12),
            ping: Duration::from_secs(5),
            refused_keys: Vec::new(),
            requests_per_minute: None,
            templates: vec![Template::new("describe", "Describe {{subject}}.")],
            switches: Switches::default(),
        }
    }
}

impl fmt::Debug for GatewaySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewaySettings")
            .field("epoch_seconds", &self.epoch_seconds)
            .field("seed", &self.seed)
            .field("pace", &self.pace)
            .field("ping", &self.ping)
            .field("refused_keys", &self.refused_keys.len())
            .field("requests_per_minute", &self.requests_per_minute)
            .field("templates", &self.templates)
            .field("switches", &self.switches)
            .finish()
    }
}

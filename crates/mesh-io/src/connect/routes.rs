//! An HTTP client for each reach.

use std::sync::OnceLock;

use mesh_proto::download::Reach;
use mesh_proto::error::BuildError;
use mesh_proto::{Error, SetUpError};

/// The HTTP clients beneath one client: the gateway's, and those for pictures behind URLs, each made
/// when the first is fetched.
#[derive(Debug)]
pub struct Routes<C> {
    gateway: C,
    public: OnceLock<C>,
    anywhere: OnceLock<C>,
}

impl<C: Clone> Routes<C> {
    /// The routes of a client that calls its gateway with `gateway`.
    pub fn new(gateway: C) -> Self {
        Self {
            gateway,
            public: OnceLock::new(),
            anywhere: OnceLock::new(),
        }
    }

    /// The HTTP client for calls.
    pub fn gateway(&self) -> C {
        self.gateway.clone()
    }

    /// The HTTP client for a reach, which `make` makes where it is needed for the first time.
    ///
    /// Errors where it cannot be made.
    pub fn reaching(
        &self,
        reach: Reach,
        make: impl FnOnce() -> Result<C, SetUpError>,
    ) -> Result<C, Error> {
        let client = match reach {
            Reach::Gateway => return Ok(self.gateway()),
            Reach::Public => &self.public,
            Reach::Anywhere => &self.anywhere,
        };
        if let Some(client) = client.get() {
            return Ok(client.clone());
        }
        let new = make().map_err(|error| BuildError::invalid("url", error.to_string()))?;
        Ok(client.get_or_init(|| new).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reach_has_one_client_made_when_it_is_needed() {
        let routes = Routes::new("gateway");
        let unasked = || panic!("made again");
        assert_eq!(routes.reaching(Reach::Gateway, unasked).unwrap(), "gateway");
        for (reach, name) in [(Reach::Public, "public"), (Reach::Anywhere, "anywhere")] {
            let failed = || Err(SetUpError::Certificates("none".to_owned()));
            let error = routes.reaching(reach, failed).unwrap_err();
            assert!(error.to_string().contains("no certificates"), "{error}");
            assert_eq!(routes.reaching(reach, || Ok(name)).unwrap(), name);
            assert_eq!(routes.reaching(reach, unasked).unwrap(), name);
        }
    }
}

//! The surface that the official SDKs have, each method a line.

use mesh_proto::api_versions::VersionList;
use mesh_proto::chat::{ChatReply, ChatRequest};
use mesh_proto::endpoint::{
    ChatStream, GetModel, ImageStream, ListApiVersions, ListErrorCodes, ListModels, SearchModels,
};
use mesh_proto::error_codes::ErrorCodeList;
use mesh_proto::images::{EditRequest, ImageReply, ImageRequest};
use mesh_proto::models::{Model, ModelList, ModelPage};
use mesh_proto::structured::{Parse, Parsed, Round, RoundFailure};
use mesh_proto::{Answer, Error};
use serde_core::de::DeserializeOwned;

use crate::client::Client;
use crate::search::ModelSearch;
use crate::stream::EventStream;

impl Client {
    /// Chat.
    pub fn chat(&self) -> Chat<'_> {
        Chat(self)
    }

    /// Images.
    pub fn images(&self) -> Images<'_> {
        Images(self)
    }

    /// The catalogue of models.
    pub fn models(&self) -> Models<'_> {
        Models(self)
    }

    /// The dated contracts that the gateway serves.
    ///
    /// Errors as [`Completions::create`] does; with a 404 where the deployment is too old to say.
    pub fn api_versions(&self) -> Result<Answer<VersionList>, Error> {
        self.send(ListApiVersions::new())
    }

    /// The gateway's own catalogue of its error codes.
    ///
    /// Errors as [`Completions::create`] does.
    pub fn error_codes(&self) -> Result<Answer<ErrorCodeList>, Error> {
        self.send(ListErrorCodes::new())
    }
}

/// Chat: see [`Client::chat`].
#[derive(Clone, Copy, Debug)]
pub struct Chat<'c>(&'c Client);

impl<'c> Chat<'c> {
    /// `POST /v1/chat/completions`.
    pub fn completions(self) -> Completions<'c> {
        Completions(self.0)
    }
}

/// `POST /v1/chat/completions`: see [`Chat::completions`].
#[derive(Clone, Copy, Debug)]
pub struct Completions<'c>(&'c Client);

impl Completions<'_> {
    /// Asks, and waits for the whole reply.
    ///
    /// Errors where the request cannot be built, the gateway refuses it, or no reply can be read;
    /// [`Error::outcome`] says what that may have cost.
    pub fn create(self, request: &ChatRequest) -> Result<Answer<ChatReply>, Error> {
        self.0.send(request)
    }

    /// Asks for a value: with the schema of `T` where the feature `schemars` is on, or a
    /// [`Parse::with_schema`] of one's own.
    ///
    /// Errors as [`Completions::create`] does, and with [`Error::Parse`] where an answer came that
    /// is no `T`; it keeps the answer.
    ///
    /// ```
    /// # let gateway = mesh_emulator::Server::start(Default::default())?;
    /// # let mesh = mesh_blocking::Client::builder().key(gateway.key()).base_url(gateway.base_url()).build()?;
    /// # let photo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/photos/rocket.jpg");
    /// # let photo = mesh_blocking::image::open(photo)?;
    /// use mesh_blocking::ChatRequest;
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Scene { width: u32, colour: String }
    ///
    /// let request = ChatRequest::new("openai/gpt-4o").user(("What do you see?", photo));
    /// let scene = mesh.chat().completions().parse::<Scene>(&request)?;
    /// println!("{}, {} pixels wide", scene.colour, scene.width);
    /// # assert_eq!(scene.width, 640);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse<T: DeserializeOwned>(
        self,
        question: impl Into<Parse<T>>,
    ) -> Result<Parsed<T>, Error> {
        let mut parse = question.into();
        loop {
            let answer = match self.create(parse.request()) {
                Ok(answer) => Ok(answer),
                Err(error) => Err(RoundFailure::try_from(error)?),
            };
            match parse.take(answer) {
                Round::Again(next) => parse = next,
                Round::Done(result) => return Ok(result?),
            }
        }
    }

    /// Asks, and gives the reply as it arrives; at its end the whole reply is at hand.
    ///
    /// Errors where the request cannot be built; what goes wrong later comes as the stream's item.
    pub fn stream(self, request: &ChatRequest) -> Result<EventStream<ChatStream>, Error> {
        self.0.stream(ChatStream::new(request)?)
    }
}

/// Images: see [`Client::images`].
#[derive(Clone, Copy, Debug)]
pub struct Images<'c>(&'c Client);

impl Images<'_> {
    /// `POST /v1/images/generations`: has pictures drawn, and waits for them.
    ///
    /// Errors as [`Completions::create`] does.
    pub fn generate(self, request: &ImageRequest) -> Result<Answer<ImageReply>, Error> {
        self.0.send(request)
    }

    /// `POST /v1/images/edits`: has a picture changed, and waits for what becomes of it.
    ///
    /// Errors as [`Completions::create`] does.
    pub fn edit(self, request: &EditRequest) -> Result<Answer<ImageReply>, Error> {
        self.0.send(request)
    }

    /// Has pictures drawn, and shows how they come about; at the end the whole reply is at hand.
    ///
    /// Errors where the request cannot be built; what goes wrong later comes as the stream's item.
    pub fn stream(self, request: &ImageRequest) -> Result<EventStream<ImageStream>, Error> {
        self.0.stream(ImageStream::new(request)?)
    }
}

/// The catalogue of models: see [`Client::models`].
#[derive(Clone, Copy, Debug)]
pub struct Models<'c>(&'c Client);

impl Models<'_> {
    /// The whole catalogue.
    ///
    /// Errors as [`Completions::create`] does.
    pub fn list(self) -> Result<Answer<ModelList>, Error> {
        self.list_with(&ListModels::new())
    }

    /// The part of the catalogue that the filters leave.
    ///
    /// Errors as [`Completions::create`] does.
    pub fn list_with(self, filters: &ListModels) -> Result<Answer<ModelList>, Error> {
        self.0.send(filters)
    }

    /// The models that cost nothing.
    ///
    /// Errors as [`Completions::create`] does.
    pub fn free(self) -> Result<Answer<ModelList>, Error> {
        self.list_with(&ListModels::new().free())
    }

    /// The models that cost something.
    ///
    /// Errors as [`Completions::create`] does.
    pub fn paid(self) -> Result<Answer<ModelList>, Error> {
        self.list_with(&ListModels::new().paid())
    }

    /// Every model that a search finds, page by page as they are asked for; the search's `limit` is
    /// the size of a page. What goes wrong comes as an item, and ends it.
    pub fn search(self, search: SearchModels) -> ModelSearch {
        ModelSearch::new(self.0, search)
    }

    /// One page of what a search finds, with its facets.
    ///
    /// Errors as [`Completions::create`] does, and where the search sorts by price without exactly
    /// one output that has one.
    pub fn search_page(self, search: &SearchModels) -> Result<Answer<ModelPage>, Error> {
        self.0.send(search)
    }

    /// One model, by its id.
    ///
    /// Errors as [`Completions::create`] does; where no model has the id, with the gateway's 404.
    pub fn get(self, id: impl Into<String>) -> Result<Answer<Model>, Error> {
        self.0.send(GetModel::new(id))
    }
}

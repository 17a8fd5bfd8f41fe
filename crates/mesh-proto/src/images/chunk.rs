//! A chunk of a streamed reply: that work goes on, an earlier state of a picture, or the picture.

use serde_core::Deserialize;
use serde_json::Value;

use super::reply::ImageReply;
use crate::chat::{IMAGES, Picture, pictures, pictures_in};
use crate::error::{Found, NoPicture};
use crate::image::{GeneratedImage, find_in_data, holds_picture};
use crate::wire::weight::{self, Weight, set};
use crate::wire::{Json, count, lenient, read_object};

read_object! {
    /// An `image.chunk`, or one of OpenAI's image events ([protocol reference, section 5.2](crate::protocol#52-streamed-generations)).
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct ImageChunk {
        /// What the gateway says of the work: `processing`, and words that are not documented.
        pub status: Option<String> => lenient,
        /// OpenAI's type of event, such as `image_generation.partial_image`.
        pub kind: Option<String> = "type" => lenient,
        /// Which earlier state of the picture this is, from 0.
        pub partial_image_index: Option<u64> => count,
        /// The pictures, as they came: [`ImageChunk::images`] reads them.
        pub data: Vec<Picture> [always] => pictures,
        /// The picture at the top, where OpenAI has it.
        b64_json: Option<Json>,
        url: Option<Json>,
    }
}

impl ImageChunk {
    /// The pictures in the chunk: earlier states where [`ImageChunk::is_partial`] says so.
    pub fn images(&self) -> Vec<GeneratedImage> {
        let beside = self.beside();
        find_in_data(self.data.iter().chain(&beside).map(|picture| &picture.0))
    }

    /// Whether its pictures are earlier states of what will come. Decided by what is documented
    /// and observed; the final status is not, so whatever is not known to be partial is final.
    pub fn is_partial(&self) -> bool {
        self.is_named_partial()
            || self.status.as_deref().is_some_and(|status| {
                [
                    "processing",
                    "partial",
                    "in_progress",
                    "generating",
                    "queued",
                ]
                .contains(&status)
            })
    }

    /// Whether it is called partial by its type or its index, and not by its status alone.
    fn is_named_partial(&self) -> bool {
        self.partial_image_index.is_some()
            || self
                .kind
                .as_ref()
                .is_some_and(|kind| kind.ends_with(".partial_image"))
    }

    /// Whether one picture of several has failed, which does not end the others (Seedream's word).
    fn is_one_failed(&self) -> bool {
        let kind = self.kind.as_deref();
        kind.is_some_and(|kind| kind.ends_with(".partial_failed"))
    }

    /// Whether it may be the last one, by its type: Seedream ends a series so.
    fn is_last(&self) -> bool {
        let kind = self.kind.as_deref();
        kind.is_some_and(|kind| kind.ends_with(".completed"))
    }

    /// How much of a reply is in it. One image that failed is a reply, too.
    pub(crate) fn found(&self) -> Found {
        if self.is_one_failed() {
            return Found::Whole;
        }
        let is_blank = self.data.is_empty()
            && self.b64_json.is_none()
            && self.url.is_none()
            && self.partial_image_index.is_none()
            && ["created", "usage", IMAGES]
                .iter()
                .all(|name| !self.extra.contains_key(*name));
        if is_blank { Found::Blank } else { Found::Part }
    }

    /// A whole reply as one chunk.
    pub(crate) fn whole(reply: ImageReply) -> Self {
        let mut extra = reply.extra;
        let mut say = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                extra.insert(name.to_owned(), value);
            }
        };
        say("created", reply.created.map(Value::from));
        say("size", reply.size.map(Value::from));
        say("background", reply.background.map(|it| it.as_str().into()));
        say(
            "output_format",
            reply.output_format.map(|it| it.as_str().into()),
        );
        say("quality", reply.quality.map(|it| it.as_str().into()));
        say(
            "usage",
            reply
                .usage
                .and_then(|usage| serde_json::to_value(usage).ok()),
        );
        Self {
            data: reply.data,
            extra,
            ..Self::default()
        }
    }

    /// What stands beside `data`, as it would stand there.
    fn beside(&self) -> Vec<Picture> {
        let mut beside = pictures_in(&self.extra, &[IMAGES]);
        beside.extend(self.top());
        beside
    }

    /// The picture at the top, as it would stand in `data`.
    fn top(&self) -> Option<Picture> {
        let own = [("b64_json", &self.b64_json), ("url", &self.url)];
        let own = own
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        let own: Vec<(String, Json)> = own.collect();
        let beside = ["output_format", "revised_prompt"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), self.extra.get(name)?.into())));
        (!own.is_empty()).then(|| Picture(Json::Object(own.into_iter().chain(beside).collect())))
    }
}

/// A reply in the making: see [`Assemble`](crate::endpoint::Assemble).
#[derive(Debug, Default)]
pub struct Assembly {
    /// How many pictures end the stream; none do where nobody knows how many there will be.
    wanted: Option<usize>,
    reply: Option<ImageReply>,
    /// Whether an event has said that the work is done, apart from any image.
    is_finished: bool,
    /// The latest earlier state, which is better than nothing.
    partial: Vec<Picture>,
    /// Whether that state says by more than its status that it is one: words of a status are not
    /// documented, so one of them does not cost the caller a picture.
    is_surely_partial: bool,
    /// Whether the usage comes in an event of its own, behind the last picture.
    awaits_usage: bool,
    /// What the reply takes without the earlier state.
    weight: Weight,
    partial_weight: usize,
}

impl Assembly {
    /// An assembly that `wanted` pictures complete.
    pub(crate) fn of(wanted: Option<usize>) -> Self {
        Self {
            wanted,
            ..Self::default()
        }
    }

    /// Adds a chunk.
    pub(crate) fn add(&mut self, chunk: &ImageChunk) {
        self.awaits_usage = match chunk.kind.as_deref() {
            Some(kind) => {
                // Seedream's names.
                let is_one = kind.ends_with(".partial_succeeded") || chunk.is_one_failed();
                is_one || (self.awaits_usage && !kind.ends_with(".completed"))
            }
            None => self.awaits_usage,
        };
        let reply = self.reply.get_or_insert_default();
        if chunk.is_one_failed() {
            // Its place, as a plain reply has it.
            let place = Json::from(&Value::Object(chunk.extra.0.clone()));
            let weight = weight::ITEM.saturating_add(weight::of_json(&place));
            self.weight.add(weight);
            reply.data.push(Picture(place));
            return;
        }
        let beside = chunk.beside();
        let pictures = chunk.data.iter().chain(&beside);
        let is_last = chunk.is_last() && pictures.clone().next().is_none();
        self.is_finished = self.is_finished || (is_last && !reply.data.is_empty());
        if chunk.is_partial() {
            // A place without a picture is not how far the work has come.
            if pictures.clone().any(|picture| holds_picture(&picture.0)) {
                self.partial = pictures.cloned().collect();
                self.partial_weight = weight_of(&self.partial);
                self.is_surely_partial = chunk.is_named_partial();
            }
        } else {
            let begun = reply.data.len();
            reply.data.extend(pictures.cloned());
            let new = reply.data.get(begun..).unwrap_or_default();
            self.weight.add(weight_of(new));
        }
        if chunk.extra.is_empty() {
            return;
        }
        if let Ok(mut more) = ImageReply::deserialize(&chunk.extra.0) {
            more.extra.remove("object");
            more.extra.remove(IMAGES);
            // OpenAI's name for the same.
            if let Some(created) = more.extra.remove("created_at")
                && !chunk.extra.contains_key("created")
            {
                more.created = count(created).ok().flatten();
            }
            reply.created = reply.created.or(more.created);
            reply.background = more.background.or(reply.background.take());
            reply.output_format = more.output_format.or(reply.output_format.take());
            reply.quality = more.quality.or(reply.quality.take());
            reply.size = more.size.or(reply.size.take());
            reply.usage = more.usage.or(reply.usage.take());
            for (name, value) in more.extra.0 {
                set(&mut reply.extra, &name, &value, &mut self.weight);
            }
        }
    }

    /// How much of the heap the reply takes so far, in bytes.
    pub(crate) fn weight(&self) -> usize {
        self.weight.bytes().saturating_add(self.partial_weight)
    }

    /// Whether there are as many final pictures as complete it, and no event of theirs is to come.
    pub(crate) fn is_whole(&self) -> bool {
        self.has_every_picture() && !self.awaits_usage
    }

    /// Whether there are as many final pictures as were asked for.
    pub(crate) fn has_every_picture(&self) -> bool {
        self.wanted.is_some_and(|wanted| {
            self.reply
                .as_ref()
                .is_some_and(|reply| reply.data.len() >= wanted)
        })
    }

    /// Whether the provider has said that there are no more images.
    pub(crate) fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// An error where the stream came to its end without a picture, though it may have shown how one
    /// came about.
    pub(crate) fn require_picture(&self) -> Result<(), NoPicture> {
        if !self.partial.is_empty() && !self.is_surely_partial {
            return Ok(());
        }
        match &self.reply {
            Some(reply) => reply.require_picture(),
            None => ImageReply::default().require_picture(),
        }
    }

    /// What there is. Leaves nothing.
    pub(crate) fn take(&mut self) -> Option<ImageReply> {
        let partial = std::mem::take(&mut self.partial);
        (self.weight, self.partial_weight) = (Weight::default(), 0);
        self.reply.take().map(|mut reply| {
            if reply.require_picture().is_err() {
                reply.data.extend(partial);
            }
            reply
        })
    }
}

fn weight_of(pictures: &[Picture]) -> usize {
    let pictures = pictures.iter();
    let weights = pictures.map(|it| weight::of_json(&it.0).saturating_add(weight::ITEM));
    weights.fold(0, usize::saturating_add)
}

//! Pictures turned upright and made as small as a model looks at them.

use std::fmt;
use std::io::Cursor;

use ::image::codecs::gif::GifDecoder;
use ::image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use ::image::codecs::png::{PngDecoder, PngEncoder};
use ::image::codecs::webp::{WebPDecoder, WebPEncoder};
use ::image::imageops::{self, FilterType};
use ::image::metadata::Orientation;
use ::image::{
    AnimationDecoder as _, ColorType, DynamicImage, ImageDecoder, ImageEncoder, ImageResult, Limits,
};
use bytes::Bytes;

use super::input::{Image, ImageError};
use super::media_type::{Dimensions, MediaType, is_xcode_png};
use super::whole::is_cut;

/// How well a JPEG is written, of 100.
const JPEG_QUALITY: u8 = 90;

/// The most pixels that are decoded.
const MOST_PIXELS: u64 = 100_000_000;

/// The most memory that a decoder may take, in bytes: the largest picture at 16 bits a channel.
const MOST_MEMORY: u64 = MOST_PIXELS * 8;

impl Image {
    /// The picture upright, as its EXIF or XMP orientation has it, and with no side longer than
    /// `longest_side` pixels. Models see pixels as they are stored, and phones store them
    /// sideways; most look at no more than about 2000 pixels, and every byte counts towards the
    /// gateway's 32 MiB.
    ///
    /// Where nothing is to be done, the bytes stay as they are, to the last one, metadata and
    /// animation included. Otherwise a JPEG stays a JPEG (quality 90), a PNG a PNG, a WebP becomes
    /// a lossless one, and a GIF becomes a PNG; transparency, depth and colour profile are kept,
    /// all other metadata is left out. A picture is never made larger.
    ///
    /// # Errors
    ///
    /// Returns [`FitError`] if the picture is behind a URL, of a type that is not decoded here,
    /// broken or cut short, has more than 100 million pixels, or is animated and would have to be
    /// changed.
    ///
    /// ```
    /// use mesh_proto::image::{Dimensions, Image};
    ///
    /// # let bytes = &include_bytes!("../../../../examples/photos/rocket.jpg")[..];
    /// let photo = Image::from_bytes(bytes)?;
    /// let small = photo.fit(320)?;
    /// assert_eq!(small.dimensions(), Some(Dimensions { width: 320, height: 214 }));
    /// assert_eq!(photo.fit(2048)?, photo);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fit(&self, longest_side: u32) -> Result<Self, FitError> {
        if self.remote_url().is_some() {
            return Err(FitError::Remote);
        }
        let (_, bytes) = self.file().map_err(FitError::Image)?;
        Ok(match fitted(&bytes, longest_side)? {
            Some((media_type, bytes)) => self.with_bytes(media_type, bytes.into()),
            None => self.clone(),
        })
    }

    /// The picture upright, as its EXIF or XMP orientation has it, and as large as it is; otherwise as
    /// [`Image::fit`].
    pub fn upright(&self) -> Result<Self, FitError> {
        self.fit(u32::MAX)
    }
}

/// The picture as it has to be, or `None` where it is so already.
fn fitted(bytes: &Bytes, longest_side: u32) -> Result<Option<(MediaType, Vec<u8>)>, FitError> {
    let media_type = MediaType::sniff(bytes).ok_or_else(|| {
        let what = super::other::describe(bytes).into_owned();
        FitError::Image(ImageError::NotAnImage(what))
    })?;
    if is_xcode_png(bytes) {
        return Err(FitError::Image(ImageError::XcodePng));
    }
    if is_cut(bytes, &media_type) {
        return Err(FitError::CutShort(media_type));
    }
    let broken = |error: ::image::ImageError| FitError::Broken {
        media_type: media_type.clone(),
        reason: crate::excerpt::message(&error.to_string()),
    };
    let mut opened = Opened::new(bytes, &media_type)
        .ok_or_else(|| FitError::Format(media_type.clone()))?
        .map_err(broken)?;
    let (width, height) = opened.decoder.dimensions();
    let size = Dimensions { width, height };
    let orientation = super::Orientation::read(bytes)
        .and_then(|it| Orientation::from_exif(it.number()))
        .unwrap_or(Orientation::NoTransforms);
    let target = within(size, longest_side);
    if target == size && orientation == Orientation::NoTransforms {
        return Ok(None);
    }
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(FitError::TooLarge(size));
    }
    if opened.is_animated {
        return Err(FitError::Animated(media_type));
    }
    let profile = opened.decoder.icc_profile().ok().flatten();
    let mut picture = DynamicImage::from_decoder(opened.decoder).map_err(broken)?;
    if target != size {
        picture = scaled(picture, target);
    }
    picture.apply_orientation(orientation);
    let profile = profile.filter(|profile| fits(profile, picture.color()));
    written(&picture, &media_type, profile)
        .map(Some)
        .map_err(broken)
}

/// A picture whose header is read.
struct Opened<'b> {
    decoder: Box<dyn ImageDecoder + 'b>,
    is_animated: bool,
}

impl<'b> Opened<'b> {
    /// `None` for a type that is not decoded here.
    fn new(bytes: &'b [u8], media_type: &MediaType) -> Option<ImageResult<Self>> {
        let opened = match media_type.name() {
            "PNG" => Self::png(bytes),
            "JPEG" => JpegDecoder::new(Cursor::new(bytes)).map(|decoder| Self {
                decoder: Box::new(decoder),
                is_animated: false,
            }),
            "GIF" => Self::gif(bytes),
            "WebP" => WebPDecoder::new(Cursor::new(bytes)).map(|decoder| Self {
                is_animated: decoder.has_animation(),
                decoder: Box::new(decoder),
            }),
            _ => return None,
        };
        Some(opened.and_then(|mut opened| {
            opened.decoder.set_limits(limits())?;
            Ok(opened)
        }))
    }

    fn png(bytes: &'b [u8]) -> ImageResult<Self> {
        let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits())?;
        Ok(Self {
            is_animated: decoder.is_apng()?,
            decoder: Box::new(decoder),
        })
    }

    fn gif(bytes: &'b [u8]) -> ImageResult<Self> {
        let decoder = GifDecoder::new(Cursor::new(bytes))?;
        let (width, height) = decoder.dimensions();
        // Counting frames decodes them, which is refused to the largest anyway.
        let is_animated = u64::from(width) * u64::from(height) <= MOST_PIXELS && {
            let mut counted = GifDecoder::new(Cursor::new(bytes))?;
            counted.set_limits(limits())?;
            matches!(counted.into_frames().nth(1), Some(Ok(_)))
        };
        Ok(Self {
            decoder: Box::new(decoder),
            is_animated,
        })
    }
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MOST_MEMORY);
    limits
}

/// The size with the same shape and no side longer than `longest`; never a larger one.
fn within(size: Dimensions, longest: u32) -> Dimensions {
    let long = u64::from(size.width.max(size.height));
    let longest = u64::from(longest.max(1));
    if long <= longest {
        return size;
    }
    let scale = |side: u32| {
        let scaled = (u64::from(side) * longest + long / 2) / long;
        u32::try_from(scaled).unwrap_or(side).max(1)
    };
    Dimensions {
        width: scale(size.width),
        height: scale(size.height),
    }
}

fn scaled(picture: DynamicImage, size: Dimensions) -> DynamicImage {
    let colour = picture.color();
    if !colour.has_alpha() {
        return picture.resize_exact(size.width, size.height, FilterType::Lanczos3);
    }
    // What is transparent has a colour too, which must not bleed into what is not.
    let mut deep = picture.into_rgba16();
    for pixel in deep.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0;
        let under = |part: u16| divided(u32::from(part) * u32::from(alpha), FULL);
        pixel.0 = [under(red), under(green), under(blue), alpha];
    }
    let mut deep = imageops::resize(&deep, size.width, size.height, FilterType::Lanczos3);
    for pixel in deep.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0;
        let over = |part: u16| divided(u32::from(part) * FULL, u32::from(alpha));
        pixel.0 = [over(red), over(green), over(blue), alpha];
    }
    let deep = DynamicImage::ImageRgba16(deep);
    match colour {
        ColorType::La8 => DynamicImage::ImageLumaA8(deep.into_luma_alpha8()),
        ColorType::La16 => DynamicImage::ImageLumaA16(deep.into_luma_alpha16()),
        ColorType::Rgba16 => deep,
        _ => DynamicImage::ImageRgba8(deep.into_rgba8()),
    }
}

/// One channel at its most, of 16 bits.
const FULL: u32 = 65_535;

/// Rounded, and within a channel; nothing of nothing.
fn divided(part: u32, whole: u32) -> u16 {
    let quotient = (u64::from(part) + u64::from(whole / 2)).checked_div(u64::from(whole));
    u16::try_from(quotient.unwrap_or(0)).unwrap_or(u16::MAX)
}

/// Whether a colour profile is one of colours like these (ICC.1, section 7.2): that of a CMYK
/// picture is not, once it is decoded.
fn fits(profile: &[u8], colour: ColorType) -> bool {
    let space = profile.get(16..20);
    space == Some(if colour.has_color() { b"RGB " } else { b"GRAY" })
}

fn written(
    picture: &DynamicImage,
    media_type: &MediaType,
    profile: Option<Vec<u8>>,
) -> ImageResult<(MediaType, Vec<u8>)> {
    let mut bytes = Vec::new();
    let media_type = match media_type.name() {
        "JPEG" => {
            let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
            encode(picture, encoder, profile)?;
            MediaType::JPEG
        }
        "WebP" => {
            encode(picture, WebPEncoder::new_lossless(&mut bytes), profile)?;
            MediaType::WEBP
        }
        _ => {
            encode(picture, PngEncoder::new(&mut bytes), profile)?;
            MediaType::PNG
        }
    };
    Ok((media_type, bytes))
}

fn encode(
    picture: &DynamicImage,
    mut encoder: impl ImageEncoder,
    profile: Option<Vec<u8>>,
) -> ImageResult<()> {
    if let Some(profile) = profile {
        // A profile that cannot be written costs a shade, and not the picture.
        let _unsupported = encoder.set_icc_profile(profile);
    }
    picture.write_with_encoder(encoder)
}

/// Why a picture cannot be turned upright and fitted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FitError {
    /// It is behind a URL: fetch it with a client's `inline` first.
    Remote,
    /// It holds no picture.
    Image(ImageError),
    /// A picture of a type that is not decoded here.
    Format(MediaType),
    /// It moves, and what is to be done to it would leave one still.
    Animated(MediaType),
    /// The file ends before the image does.
    CutShort(MediaType),
    /// It has more than 100 million pixels.
    TooLarge(Dimensions),
    /// It cannot be decoded.
    Broken {
        /// What it is.
        media_type: MediaType,
        /// What the decoder says.
        reason: String,
    },
}

impl fmt::Display for FitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote => {
                f.write_str("the picture is behind a URL; fetch it with a client's `inline` first")
            }
            Self::Image(error) => error.fmt(f),
            Self::Format(media_type) => write!(
                f,
                "{} ({media_type}) is not decoded here; convert it to PNG, JPEG, GIF or WebP",
                media_type.name()
            ),
            Self::Animated(media_type) => write!(
                f,
                "the {} is animated, and fitting it would leave one still; send it as it is, or a frame of it",
                media_type.name()
            ),
            Self::CutShort(media_type) => write!(
                f,
                "the {} is cut short: the file ends before the image does; copy or download it again",
                media_type.name()
            ),
            Self::TooLarge(size) => write!(
                f,
                "the picture is {size} pixels, and at most {} million are decoded",
                MOST_PIXELS / 1_000_000
            ),
            Self::Broken { media_type, reason } => {
                write!(f, "the {} cannot be decoded: {reason}", media_type.name())
            }
        }
    }
}

impl std::error::Error for FitError {}

//! Sizes of pictures to draw: `WxH`, a ratio, or `auto`.

/// A size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Size {
    /// What `auto` stands for.
    pub(super) const AUTO: Self = Self {
        width: 1024,
        height: 1024,
    };

    /// `auto`; `WxH` with sides of 16 to 4096; or a ratio, which gives about a million pixels.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("auto") {
            return Some(Self::AUTO);
        }
        if let Some((width, height)) = text.split_once(['x', 'X', '×']) {
            let side = |text| number(text).filter(|side| (16..=4096).contains(side));
            return Some(Self {
                width: side(width)?,
                height: side(height)?,
            });
        }
        let (across, down) = text.split_once(':')?;
        let part = |text| number(text).filter(|part| (1..=64).contains(part));
        let (across, down) = (part(across)?, part(down)?);
        if across > down.saturating_mul(16) || down > across.saturating_mul(16) {
            return None;
        }
        Some(Self {
            width: ratio_side(across, down),
            height: ratio_side(down, across),
        })
    }

    /// The same shape with as many pixels as a square of a resolution has: `1K`, `2K`, `4K`, or a
    /// side such as `512`. `WxH` is a size of its own.
    pub(super) fn at_resolution(self, resolution: &str) -> Option<Self> {
        if let Some(size) = Self::read(resolution) {
            return Some(size);
        }
        let text = resolution.trim();
        let side = match text.strip_suffix(['k', 'K']) {
            Some(thousands) => number(thousands)?.checked_mul(1024)?,
            None => number(text)?,
        };
        if !(16..=4096).contains(&side) {
            return None;
        }
        let (longer, shorter) = (self.width.max(self.height), self.width.min(self.height));
        let longest = ratio_side_of(longer, shorter, u64::from(side).pow(2)).min(4096);
        let scaled = |this: u32| {
            let exact = (u64::from(this) * u64::from(longest) + u64::from(longer) / 2)
                / u64::from(longer.max(1));
            u32::try_from(exact).unwrap_or(longest).clamp(16, 4096)
        };
        Some(Self {
            width: scaled(self.width),
            height: scaled(self.height),
        })
    }

    /// In pixels.
    pub(super) fn area(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

/// The side of a picture of about a million pixels, a multiple of 16.
fn ratio_side(this: u32, other: u32) -> u32 {
    ratio_side_of(this, other, Size::AUTO.area())
}

/// The side of a picture of about so many pixels, a multiple of 16.
fn ratio_side_of(this: u32, other: u32, area: u64) -> u32 {
    let exact = (u64::from(this) * area / u64::from(other.max(1))).isqrt();
    u32::try_from((exact + 8) / 16 * 16).unwrap_or(Size::AUTO.width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_every_form() {
        for (text, expected) in [
            ("auto", Some((1024, 1024))),
            ("1536x1024", Some((1536, 1024))),
            ("16X4096", Some((16, 4096))),
            ("1:1", Some((1024, 1024))),
            ("16:9", Some((1360, 768))),
            ("3:4", Some((880, 1184))),
            ("16:1", Some((4096, 256))),
            ("15x16", None),
            ("16x4097", None),
            ("17:1", None),
            ("0:1", None),
            ("+16x16", None),
            ("99999999999x1", None),
            ("x", None),
            ("large", None),
            ("", None),
        ] {
            let read = Size::read(text).map(|size| (size.width, size.height));
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn resolutions_scale() {
        for (shape, resolution, expected) in [
            ("auto", "2K", Some((2048, 2048))),
            ("auto", "512", Some((512, 512))),
            ("16:9", "2k", Some((2720, 1536))),
            ("1:16", "4K", Some((256, 4096))),
            ("16:9", "640x480", Some((640, 480))),
            ("16:9", "5K", None),
            ("16:9", "99999999K", None),
            ("16:9", "fine", None),
        ] {
            let size = Size::read(shape).and_then(|shape| shape.at_resolution(resolution));
            let sides = size.map(|size| (size.width, size.height));
            assert_eq!(sides, expected, "{shape} {resolution}");
        }
    }
}

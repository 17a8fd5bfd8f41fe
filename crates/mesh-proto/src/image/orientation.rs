//! Which way up a picture is meant to be, by its EXIF or XMP data. Vision models see the pixels as
//! they are stored, and phones store them sideways.

use std::fmt;

use super::xmp;

/// How the stored pixels have to be turned to be seen as they were meant: the EXIF tag
/// `Orientation`, 1 to 8 (EXIF 2.32, section 4.6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Orientation {
    /// 1: not at all.
    Upright,
    /// 2: mirrored left to right.
    Mirrored,
    /// 3: by 180 degrees.
    HalfTurn,
    /// 4: mirrored top to bottom.
    Flipped,
    /// 5: mirrored left to right, then by 270 degrees clockwise.
    Transposed,
    /// 6: by 90 degrees clockwise, as a phone held upright stores it.
    QuarterTurn,
    /// 7: mirrored left to right, then by 90 degrees clockwise.
    Transversed,
    /// 8: by 270 degrees clockwise.
    ThreeQuarterTurn,
}

impl Orientation {
    const ALL: [Self; 8] = [
        Self::Upright,
        Self::Mirrored,
        Self::HalfTurn,
        Self::Flipped,
        Self::Transposed,
        Self::QuarterTurn,
        Self::Transversed,
        Self::ThreeQuarterTurn,
    ];

    /// Returns the orientation in the EXIF data of a JPEG (its APP1 segments), a PNG (its `eXIf`
    /// chunk) or a WebP (its `EXIF` chunk), else the one in its XMP data (an APP1 segment, an
    /// uncompressed `iTXt` chunk, an `XMP ` chunk), without decoding the picture. `None` if neither
    /// contains a valid one.
    ///
    /// ```
    /// use mesh_proto::image::Orientation;
    ///
    /// let sideways = b"\xff\xd8\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0\xff\xd9";
    /// assert_eq!(Orientation::read(sideways), Some(Orientation::QuarterTurn));
    /// ```
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut found = Found::default();
        // A file that breaks off is read as far as it goes.
        let _ = if let Some(segments) = bytes.strip_prefix(b"\xff\xd8") {
            in_jpeg(segments, &mut found)
        } else if let Some(chunks) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") {
            in_png(chunks, &mut found)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            in_webp(bytes.get(12..)?, &mut found)
        } else {
            None
        };
        found.exif.or(found.xmp)
    }

    /// The orientation of this number, 1 to 8.
    pub fn from_number(number: u8) -> Option<Self> {
        let index = usize::from(number).checked_sub(1)?;
        Self::ALL.get(index).copied()
    }

    /// The number of this orientation, 1 to 8.
    pub fn number(self) -> u8 {
        match self {
            Self::Upright => 1,
            Self::Mirrored => 2,
            Self::HalfTurn => 3,
            Self::Flipped => 4,
            Self::Transposed => 5,
            Self::QuarterTurn => 6,
            Self::Transversed => 7,
            Self::ThreeQuarterTurn => 8,
        }
    }

    /// Whether the picture is stored as it is meant to be seen.
    pub fn is_upright(self) -> bool {
        self == Self::Upright
    }
}

/// What has to be done to the stored pixels, in words for a message.
impl fmt::Display for Orientation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upright => "as it is",
            Self::Mirrored => "mirrored left to right",
            Self::HalfTurn => "turned by 180 degrees",
            Self::Flipped => "mirrored top to bottom",
            Self::Transposed => "mirrored left to right and turned by 270 degrees clockwise",
            Self::QuarterTurn => "turned by 90 degrees clockwise",
            Self::Transversed => "mirrored left to right and turned by 90 degrees clockwise",
            Self::ThreeQuarterTurn => "turned by 270 degrees clockwise",
        })
    }
}

/// What was found so far. The first valid orientation of each kind counts.
#[derive(Default)]
struct Found {
    exif: Option<Orientation>,
    xmp: Option<Orientation>,
}

impl Found {
    fn read_exif(&mut self, data: &[u8]) {
        // The mark of a JPEG's segment stands in many a WebP and PNG as well.
        let data = data.strip_prefix(EXIF).unwrap_or(data);
        self.exif = self.exif.or_else(|| in_tiff(data));
    }

    fn read_xmp(&mut self, packet: &[u8]) {
        self.xmp = self.xmp.or_else(|| xmp::orientation(packet));
    }
}

/// Looks through the segments before the first scan (ITU T.81, annex B).
fn in_jpeg(mut rest: &[u8], found: &mut Found) -> Option<()> {
    while found.exif.is_none() {
        rest = rest.strip_prefix(b"\xff")?;
        // Any number of 0xff may fill up before a marker.
        let marker = *rest.first()?;
        if marker == 0xff {
            continue;
        }
        rest = rest.get(1..)?;
        match marker {
            0x01 | 0xd0..=0xd7 => continue,
            0xd9 | 0xda => return None,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        // A segment that is cut off is looked into as far as it goes.
        let segment = rest.get(2..length.min(rest.len()))?;
        if marker == 0xe1 {
            if let Some(data) = segment.strip_prefix(EXIF) {
                found.read_exif(data);
            } else if let Some(packet) = segment.strip_prefix(XMP) {
                found.read_xmp(packet);
            }
        }
        rest = rest.get(length..)?;
    }
    Some(())
}

/// What stands before the TIFF header in a JPEG, and sometimes in a WebP.
const EXIF: &[u8] = b"Exif\0\0";

/// What stands before an XMP packet in a JPEG (XMP part 3, section 1.1.3).
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// Looks through the chunks to the last (PNG, third edition, sections 5.3 and 11.3.4.5).
fn in_png(mut rest: &[u8], found: &mut Found) -> Option<()> {
    while found.exif.is_none() {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let kind = rest.get(4..8)?;
        let data = rest.get(8..)?;
        let whole = data.get(..length.min(data.len()))?;
        match kind {
            b"eXIf" => found.read_exif(whole),
            b"iTXt" => {
                if let Some(packet) = packet_of(whole) {
                    found.read_xmp(packet);
                }
            }
            _ => {}
        }
        // The checksum follows.
        rest = data.get(length.checked_add(4)?..)?;
    }
    Some(())
}

/// The XMP packet of an `iTXt` chunk: it follows the keyword, the flag and method of compression,
/// the language tag and the translated keyword (XMP part 3, section 1.1.5). A compressed one is not
/// read; the specification forbids it.
fn packet_of(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"XML:com.adobe.xmp\0\0")?.get(1..)?;
    let mut fields = rest.splitn(3, |byte| *byte == 0);
    fields.nth(2)
}

/// Looks through the chunks (RFC 9649, sections 2.3 and 2.7).
fn in_webp(mut rest: &[u8], found: &mut Found) -> Option<()> {
    while found.exif.is_none() {
        let length = usize::try_from(u32::from_le_bytes(*rest.get(4..)?.first_chunk()?)).ok()?;
        let data = rest.get(8..)?;
        let whole = data.get(..length.min(data.len()))?;
        match rest.first_chunk()? {
            b"EXIF" => found.read_exif(whole),
            b"XMP " => found.read_xmp(whole),
            _ => {}
        }
        // Odd chunks are filled up.
        rest = data.get(length.checked_add(length % 2)?..)?;
    }
    Some(())
}

/// Looks through the first directory (TIFF 6.0, section 2).
fn in_tiff(data: &[u8]) -> Option<Orientation> {
    let order = match data.first_chunk()? {
        b"II*\0" => Order::Little,
        b"MM\0*" => Order::Big,
        _ => return None,
    };
    let directory = data.get(order.long(data.get(4..)?)?..)?;
    let entries = directory.get(2..)?.chunks_exact(12);
    entries
        .take(order.short(directory)?)
        .find_map(|entry| {
            let (tag, rest) = entry.split_at_checked(2)?;
            let (kind, value) = (order.short(rest)?, entry.get(8..)?);
            match (order.short(tag)?, kind) {
                (ORIENTATION, SHORT) => order.short(value),
                (ORIENTATION, LONG) => order.long(value),
                _ => None,
            }
        })
        .and_then(|number| Orientation::from_number(u8::try_from(number).ok()?))
}

const ORIENTATION: usize = 0x0112;
const SHORT: usize = 3;
const LONG: usize = 4;

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn short(self, bytes: &[u8]) -> Option<usize> {
        let bytes = *bytes.first_chunk()?;
        Some(usize::from(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }))
    }

    fn long(self, bytes: &[u8]) -> Option<usize> {
        let bytes = *bytes.first_chunk()?;
        usize::try_from(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
        .ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// TIFF data with entries before and after the orientation, the directory at `offset`.
    fn tiff(order: Order, offset: u32, number: u16) -> Vec<u8> {
        let short = |value: u16| match order {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        };
        let long = |value: u32| match order {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        };
        let mut data = match order {
            Order::Little => b"II*\0".to_vec(),
            Order::Big => b"MM\0*".to_vec(),
        };
        data.extend(long(offset));
        data.resize(offset as usize, 0xee);
        data.extend(short(3));
        for (tag, value) in [(0x010f, 9), (0x0112, number), (0x0128, 2)] {
            data.extend(short(tag));
            data.extend(short(3));
            data.extend(long(1));
            data.extend(short(value));
            data.extend(short(0));
        }
        data.extend(long(0));
        data
    }

    fn jpeg(exif: &[u8]) -> Vec<u8> {
        let mut bytes = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec();
        bytes.extend(b"\xff\xe1\0\x1dhttp://ns.adobe.com/xap/1.0");
        bytes.extend(b"\xff\xff\xff\xe1");
        bytes.extend(u16::try_from(exif.len() + 8).unwrap().to_be_bytes());
        bytes.extend(EXIF);
        bytes.extend(exif);
        bytes.extend(b"\xff\xda\0\x02pixels\xff\xd9");
        bytes
    }

    fn png(exif: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        for (kind, data) in [
            (b"IHDR", &[0; 13][..]),
            (b"IDAT", b"pixels"),
            (b"eXIf", exif),
            (b"IEND", b""),
        ] {
            bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend(kind);
            bytes.extend(data);
            bytes.extend([0; 4]);
        }
        bytes
    }

    fn webp(exif: &[u8]) -> Vec<u8> {
        let mut bytes = b"RIFF\0\0\0\0WEBP".to_vec();
        for (kind, data) in [(b"VP8X", &[0; 10][..]), (b"VP8 ", b"odd"), (b"EXIF", exif)] {
            bytes.extend(kind);
            bytes.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
            bytes.extend(data);
            bytes.resize(bytes.len() + data.len() % 2, 0);
        }
        bytes
    }

    #[test]
    fn every_orientation_is_read_in_every_container() {
        for number in 1..=8 {
            let expected = Orientation::from_number(number);
            assert!(expected.is_some_and(|it| it.is_upright() == (number == 1)));
            assert_eq!(expected.map(Orientation::number), Some(number));
            for (order, offset) in [
                (Order::Little, 8),
                (Order::Big, 8),
                (Order::Big, 30),
                (Order::Little, 64),
            ] {
                let exif = tiff(order, offset, number.into());
                for picture in [
                    jpeg(&exif),
                    png(&exif),
                    webp(&exif),
                    webp(&[EXIF, &exif].concat()),
                ] {
                    assert_eq!(Orientation::read(&picture), expected, "{number} {offset}");
                }
            }
        }
    }

    const TIFF_NAMESPACE: &str = "http://ns.adobe.com/tiff/1.0/";

    /// An XMP packet whose only description has these attributes and content.
    fn packet(attributes: &str, content: &str) -> Vec<u8> {
        format!(
            "<?xpacket begin='\u{feff}'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF \
             xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description \
             rdf:about='' {attributes}>{content}</rdf:Description></rdf:RDF></x:xmpmeta>"
        )
        .into_bytes()
    }

    fn inserted(mut picture: Vec<u8>, at: usize, more: &[&[u8]]) -> Vec<u8> {
        picture.splice(at..at, more.concat());
        picture
    }

    /// Each container with an XMP packet, and EXIF data before or behind it.
    fn with_xmp(packet: &[u8], exif: &[u8]) -> [Vec<u8>; 3] {
        let length = u16::try_from(XMP.len() + packet.len() + 2).unwrap();
        let segment = [b"\xff\xe1", &length.to_be_bytes()[..], XMP, packet];
        let text = [b"XML:com.adobe.xmp\0\0\0en\0XMP\0", packet].concat();
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        let chunk = [&length[..], b"iTXt", &text, &[0; 4]];
        let mut behind = webp(exif);
        behind.extend(b"XMP ");
        behind.extend(u32::try_from(packet.len()).unwrap().to_le_bytes());
        behind.extend(packet);
        [
            inserted(jpeg(exif), 20, &segment),
            inserted(png(exif), 33, &chunk),
            behind,
        ]
    }

    #[test]
    fn xmp_orientation_is_read_in_every_container() {
        let declared = |prefix: &str| format!("xmlns:{prefix}=\"{TIFF_NAMESPACE}\"");
        for (attributes, content) in [
            (format!("{} tiff:Orientation='6'", declared("tiff")), ""),
            (format!("t:Orientation = \" 6 \"\n{}", declared("t")), ""),
            (declared("tiff"), "<tiff:Orientation>6</tiff:Orientation>"),
            (
                declared("p.q"),
                "<a:b>x</a:b><p.q:Orientation >\n6 </p.q:Orientation>",
            ),
            (
                String::new(),
                "<Orientation xmlns='http://ns.adobe.com/tiff/1.0/'>6</Orientation>",
            ),
            (
                format!("{} note='>' tiff:Orientation='6'", declared("tiff")),
                "<!-- <tiff:Orientation>3</tiff:Orientation> -->",
            ),
            ("tiff:Orientation='6'".to_owned(), ""),
        ] {
            for picture in with_xmp(&packet(&attributes, content), b"") {
                let read = Orientation::read(&picture);
                assert_eq!(
                    read,
                    Some(Orientation::QuarterTurn),
                    "{attributes} {content}"
                );
            }
        }
    }

    #[test]
    fn xmp_without_a_valid_orientation_of_the_image_itself_is_none() {
        let tiff = format!("xmlns:tiff='{TIFF_NAMESPACE}'");
        for (attributes, content) in [
            (format!("{tiff} tiff:Orientation='0'"), ""),
            (format!("{tiff} tiff:Orientation='9'"), ""),
            (format!("{tiff} tiff:Orientation='66'"), ""),
            (format!("{tiff} tiff:Orientation=''"), ""),
            (format!("{tiff} Orientation='6'"), ""),
            ("exif:Orientation='6'".to_owned(), ""),
            ("xmlns:tiff='urn:other' tiff:Orientation='6'".to_owned(), ""),
            (
                tiff.clone(),
                "<!-- <tiff:Orientation>6</tiff:Orientation> -->",
            ),
            (
                tiff.clone(),
                "<![CDATA[<tiff:Orientation>6</tiff:Orientation>]]>",
            ),
            // That of an image which this one was made from.
            (
                tiff,
                "<m:Pantry><rdf:Bag><rdf:li><tiff:Orientation>6</tiff:Orientation></rdf:li></rdf:Bag></m:Pantry>",
            ),
        ] {
            for picture in with_xmp(&packet(&attributes, content), b"") {
                assert_eq!(Orientation::read(&picture), None, "{attributes} {content}");
            }
        }
    }

    #[test]
    fn exif_wins_over_xmp_wherever_it_stands() {
        let eight = packet("tiff:Orientation='8'", "");
        for picture in with_xmp(&eight, &tiff(Order::Big, 8, 6)) {
            assert_eq!(Orientation::read(&picture), Some(Orientation::QuarterTurn));
        }
        // EXIF data without a valid orientation says nothing.
        for picture in with_xmp(&eight, &tiff(Order::Big, 8, 0)) {
            let read = Orientation::read(&picture);
            assert_eq!(read, Some(Orientation::ThreeQuarterTurn));
        }
    }

    #[test]
    fn what_says_nothing_valid_is_none() {
        for exif in [
            tiff(Order::Big, 8, 0),
            tiff(Order::Big, 8, 9),
            tiff(Order::Little, 8, 262),
            b"II*\0".to_vec(),
            b"II*\0\xff\xff\xff\xff".to_vec(),
            b"MM\0*\0\0\0\x08\xff\xff".to_vec(),
            b"not TIFF".to_vec(),
            Vec::new(),
        ] {
            for picture in [jpeg(&exif), png(&exif), webp(&exif)] {
                assert_eq!(Orientation::read(&picture), None);
            }
        }
        for picture in [
            &b""[..],
            b"GIF89a",
            b"\xff\xd8",
            b"\xff\xd8\xff\xe1\0\0",
            b"\xff\xd8\xff\xe1\0\x01\xff\xd9",
        ] {
            assert_eq!(Orientation::read(picture), None);
        }
        let after_the_scan = [
            b"\xff\xd8\xff\xda\0\x02\xff\xd9".to_vec(),
            jpeg(&tiff(Order::Big, 8, 6)),
        ]
        .concat();
        assert_eq!(Orientation::read(&after_the_scan), None);
        let rocket = include_bytes!("../../../../examples/photos/rocket.jpg");
        assert_eq!(Orientation::read(rocket), None);
    }

    #[test]
    fn xmp_of_a_photograph_is_read() {
        let chelsea = include_bytes!("../../../../examples/photos/chelsea.png");
        assert_eq!(Orientation::read(chelsea), Some(Orientation::Upright));
    }

    proptest! {
        #[test]
        fn nothing_panics_or_hangs(
            kind in 0..3,
            number in 0_u16..12,
            cut in 0_usize..160,
            changes in proptest::collection::vec((0_usize..160, any::<u8>()), 0..6),
        ) {
            let exif = tiff(Order::Big, 8, number);
            let mut picture = match kind { 0 => jpeg(&exif), 1 => png(&exif), _ => webp(&exif) };
            for (place, byte) in changes {
                if let Some(at) = picture.get_mut(place) {
                    *at = byte;
                }
            }
            picture.truncate(picture.len().saturating_sub(cut));
            let _ = Orientation::read(&picture);
        }

        #[test]
        fn arbitrary_packets_are_read_to_an_end(text in "[<>/!?\\-='\" a:trRDF6\\[\\]]{0,60}", inside: bool) {
            let whole = if inside { packet("", &text) } else { text.into_bytes() };
            for picture in with_xmp(&whole, b"") {
                let _ = Orientation::read(&picture);
            }
        }

        #[test]
        fn arbitrary_bytes_are_read_to_an_end(
            magic in prop::sample::select(vec![&b"\xff\xd8\xff\xe1\0\x40Exif\0\0"[..], b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPEXIF\x20\0\0\0"]),
            rest: Vec<u8>,
        ) {
            let _ = Orientation::read(&[magic, &rest[..]].concat());
        }
    }
}

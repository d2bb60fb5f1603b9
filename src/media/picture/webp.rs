//! WebP, with and without loss. Of an animated one the first frame.
//!
//! The decoder reads how large the picture is from the container, and decodes a frame before it compares: so every frame
//! is looked at first, wherever it stands. And it decodes a picture without loss and without alpha into a second copy; so
//! alpha is said to be there, and left out afterwards: 100 MB instead of 175.

use std::{borrow::Cow, io::Cursor};

use image::metadata::Orientation;
use image_webp::{DecodingError, UpsamplingMethod, WebPDecodeOptions, WebPDecoder};

use super::{PictureError, Pixels, SIDE, Size};

/// The most pixels of an animated picture: its canvas, its frame and the output are in memory together.
const MOST_PIXELS_MOVING: u64 = 6_000_000;

/// Metadata that is read, in bytes.
const EXIF: u64 = 64 * 1024;

/// Blocks a file may have. A picture has a handful, an animation some for each frame.
const MOST_CHUNKS: usize = 10_000;

/// A picture whose header was read.
#[derive(Debug)]
pub(super) struct WebP<'a> {
    bytes: Cow<'a, [u8]>,
    size: Size,
    kind: Kind,
    /// Whether alpha is there only because we said so.
    is_opaque: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Lossy,
    LossyWithAlpha,
    Lossless,
    Moving,
}

/// A block of the container.
struct Chunk {
    name: [u8; 4],
    /// Where its content begins and ends.
    begin: usize,
    end: usize,
}

impl<'a> WebP<'a> {
    pub(super) fn check(bytes: &'a [u8]) -> Result<Self, PictureError> {
        let chunks = chunks(bytes)?;
        for frame in chunks.iter().filter(|chunk| &chunk.name == b"VP8 ") {
            size_of_frame(&bytes[frame.begin..frame.end])?.checked()?;
        }
        let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|_| PictureError::Broken)?;
        let (width, height) = decoder.dimensions();
        let size = Size { width, height }.checked()?;
        let is_lossless = chunks.iter().any(|chunk| &chunk.name == b"VP8L");
        let kind = match (decoder.is_animated(), is_lossless, decoder.has_alpha()) {
            (true, ..) if size.pixels() > MOST_PIXELS_MOVING => return Err(PictureError::TooLargeToMove),
            (true, ..) => Kind::Moving,
            (_, true, _) => Kind::Lossless,
            (_, _, true) => Kind::LossyWithAlpha,
            _ => Kind::Lossy,
        };
        let is_opaque = !decoder.has_alpha();
        let bytes = if kind == Kind::Lossless && is_opaque { said_to_have_alpha(bytes, &chunks) } else { bytes.into() };
        Ok(Self { bytes, size, kind, is_opaque })
    }

    /// The most memory the decoder takes, in bytes: measured.
    pub(super) fn memory(&self) -> u64 {
        self.size.pixels()
            * match self.kind {
                Kind::Lossy | Kind::Lossless => 5,
                Kind::LossyWithAlpha => 11,
                Kind::Moving => 19,
            }
    }

    pub(super) fn decode(self) -> Result<Pixels, PictureError> {
        let mut options = WebPDecodeOptions::default();
        // of a picture that is made much smaller nobody sees the difference
        if self.size.width.min(self.size.height) >= 2 * SIDE {
            options.lossy_upsampling = UpsamplingMethod::Simple;
        }
        let decoder = WebPDecoder::new_with_options(Cursor::new(&*self.bytes), options);
        let mut decoder = decoder.map_err(|_| PictureError::Broken)?;
        decoder.set_memory_limit(usize::try_from(EXIF).unwrap_or(usize::MAX));
        let orientation = orientation(&mut decoder).unwrap_or(Orientation::NoTransforms);
        let mut samples = vec![0; decoder.output_buffer_size().ok_or(PictureError::TooManyPixels)?];
        decoder.read_image(&mut samples).map_err(|_| PictureError::Broken)?;
        let channels = if decoder.has_alpha() { 4 } else { 3 };
        Ok(Pixels { size: self.size, channels, is_opaque: self.is_opaque, samples, orientation })
    }
}

/// What EXIF says; nothing where it cannot be read.
fn orientation(decoder: &mut WebPDecoder<Cursor<&[u8]>>) -> Option<Orientation> {
    let exif: Result<_, DecodingError> = decoder.exif_metadata();
    Orientation::from_exif_chunk(&exif.ok()??)
}

/// The blocks of the container, those of frames after their frame.
fn chunks(bytes: &[u8]) -> Result<Vec<Chunk>, PictureError> {
    let mut chunks = Vec::new();
    let mut place = 12;
    while let Some(head) = bytes.get(place..place + 8) {
        let length = usize::try_from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
        let length = length.unwrap_or(usize::MAX);
        let chunk = Chunk {
            name: [head[0], head[1], head[2], head[3]],
            begin: place + 8,
            end: (place + 8).saturating_add(length).min(bytes.len()),
        };
        // of a frame its own head is skipped, and its blocks follow
        let next = if &chunk.name == b"ANMF" { place + 8 + 16 } else { chunk.end + length % 2 };
        chunks.push(chunk);
        if chunks.len() > MOST_CHUNKS {
            return Err(PictureError::Broken);
        }
        place = next;
    }
    Ok(chunks)
}

/// What the head of a frame with loss says of its size (RFC 6386, section 9.1).
fn size_of_frame(frame: &[u8]) -> Result<Size, PictureError> {
    let sides = frame.get(6..10).ok_or(PictureError::Broken)?;
    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Ok(Size { width: side(sides[0], sides[1]), height: side(sides[2], sides[3]) })
}

/// The same picture, which says that it has alpha: one bit in the head of the picture, and one in that of the container.
fn said_to_have_alpha<'a>(bytes: &'a [u8], chunks: &[Chunk]) -> Cow<'a, [u8]> {
    let mut bytes = bytes.to_vec();
    for chunk in chunks {
        let place = match &chunk.name {
            b"VP8L" => chunk.begin + 4,
            b"VP8X" => chunk.begin,
            _ => continue,
        };
        if let Some(flags) = bytes.get_mut(place) {
            *flags |= 0x10;
        }
    }
    bytes.into()
}

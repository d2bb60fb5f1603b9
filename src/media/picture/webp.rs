//! Decodes WebP, lossy and lossless, and of an animation the first frame.
//!
//! The decoder reads the size of the picture from the container, and compares it with a frame only after it has decoded
//! the frame. Therefore the size of each lossy frame is checked first. The decoder copies a lossless picture without
//! alpha once more. Therefore its flags are changed to claim an alpha channel, which is removed afterwards: this takes
//! 100 MB instead of 175.

use std::{borrow::Cow, io::Cursor};

use image::metadata::Orientation;
use image_webp::{DecodingError, UpsamplingMethod, WebPDecodeOptions, WebPDecoder};

use super::{PictureError, Pixels, SIDE, Size};

/// The most pixels of an animation: its canvas, a frame and the output are in memory at the same time.
const MAX_ANIMATED_PIXELS: u64 = 6_000_000;

/// The longest EXIF metadata that is read, in bytes.
const MAX_EXIF: u64 = 64 * 1024;

/// The most chunks of a file. A picture has a few, an animation a few for each frame.
const MAX_CHUNKS: usize = 10_000;

/// A picture whose chunks were checked.
#[derive(Debug)]
pub(super) struct WebP<'a> {
    bytes: Cow<'a, [u8]>,
    size: Size,
    kind: Kind,
    /// Whether the picture is opaque: an alpha channel was only claimed.
    is_opaque: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Lossy,
    LossyWithAlpha,
    Lossless,
    Animated,
}

/// A chunk of the RIFF container.
struct Chunk {
    name: [u8; 4],
    /// The offsets at which its content begins and ends.
    begin: usize,
    end: usize,
}

impl<'a> WebP<'a> {
    pub(super) fn check(bytes: &'a [u8]) -> Result<Self, PictureError> {
        let chunks = chunks(bytes)?;
        for frame in chunks.iter().filter(|chunk| &chunk.name == b"VP8 ") {
            frame_size(&bytes[frame.begin..frame.end])?.checked()?;
        }
        let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|_| PictureError::Broken)?;
        let (width, height) = decoder.dimensions();
        let size = Size { width, height }.checked()?;
        let is_lossless = chunks.iter().any(|chunk| &chunk.name == b"VP8L");
        let kind = match (decoder.is_animated(), is_lossless, decoder.has_alpha()) {
            (true, ..) if size.pixels() > MAX_ANIMATED_PIXELS => return Err(PictureError::AnimationTooLarge),
            (true, ..) => Kind::Animated,
            (_, true, _) => Kind::Lossless,
            (_, _, true) => Kind::LossyWithAlpha,
            _ => Kind::Lossy,
        };
        let is_opaque = !decoder.has_alpha();
        let bytes = if kind == Kind::Lossless && is_opaque { with_alpha_flags(bytes, &chunks) } else { bytes.into() };
        Ok(Self { bytes, size, kind, is_opaque })
    }

    /// The most memory that the decoder needs, in bytes, as measured.
    pub(super) fn memory(&self) -> u64 {
        self.size.pixels()
            * match self.kind {
                Kind::Lossy | Kind::Lossless => 5,
                Kind::LossyWithAlpha => 11,
                Kind::Animated => 19,
            }
    }

    pub(super) fn decode(self) -> Result<Pixels, PictureError> {
        let mut options = WebPDecodeOptions::default();
        // after scaling by a half or more, the simpler upsampling makes no visible difference
        if self.size.width.min(self.size.height) >= 2 * SIDE {
            options.lossy_upsampling = UpsamplingMethod::Simple;
        }
        let decoder = WebPDecoder::new_with_options(Cursor::new(&*self.bytes), options);
        let mut decoder = decoder.map_err(|_| PictureError::Broken)?;
        decoder.set_memory_limit(usize::try_from(MAX_EXIF).unwrap_or(usize::MAX));
        let orientation = orientation(&mut decoder).unwrap_or(Orientation::NoTransforms);
        let mut samples = vec![0; decoder.output_buffer_size().ok_or(PictureError::TooManyPixels)?];
        decoder.read_image(&mut samples).map_err(|_| PictureError::Broken)?;
        let channels = if decoder.has_alpha() { 4 } else { 3 };
        Ok(Pixels { size: self.size, channels, is_opaque: self.is_opaque, samples, orientation })
    }
}

/// The EXIF orientation; `None` if it cannot be read.
fn orientation(decoder: &mut WebPDecoder<Cursor<&[u8]>>) -> Option<Orientation> {
    let exif: Result<_, DecodingError> = decoder.exif_metadata();
    Orientation::from_exif_chunk(&exif.ok()??)
}

/// The chunks of the container; the chunks within a frame follow the chunk of the frame.
fn chunks(bytes: &[u8]) -> Result<Vec<Chunk>, PictureError> {
    let mut chunks = Vec::new();
    let mut position = 12;
    while let Some(header) = bytes.get(position..position + 8) {
        let length = usize::try_from(u32::from_le_bytes([header[4], header[5], header[6], header[7]]));
        let length = length.unwrap_or(usize::MAX);
        let chunk = Chunk {
            name: [header[0], header[1], header[2], header[3]],
            begin: position + 8,
            end: (position + 8).saturating_add(length).min(bytes.len()),
        };
        // only the header of a frame is skipped, because the frame contains chunks
        let next = if &chunk.name == b"ANMF" { position + 8 + 16 } else { chunk.end + length % 2 };
        chunks.push(chunk);
        if chunks.len() > MAX_CHUNKS {
            return Err(PictureError::Broken);
        }
        position = next;
    }
    Ok(chunks)
}

/// The size in the header of a lossy frame (RFC 6386, section 9.1).
fn frame_size(frame: &[u8]) -> Result<Size, PictureError> {
    let sides = frame.get(6..10).ok_or(PictureError::Broken)?;
    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Ok(Size { width: side(sides[0], sides[1]), height: side(sides[2], sides[3]) })
}

/// The same picture with the alpha flags set, in the header of the picture and in that of the container.
fn with_alpha_flags<'a>(bytes: &'a [u8], chunks: &[Chunk]) -> Cow<'a, [u8]> {
    let mut bytes = bytes.to_vec();
    for chunk in chunks {
        let position = match &chunk.name {
            b"VP8L" => chunk.begin + 4,
            b"VP8X" => chunk.begin,
            _ => continue,
        };
        if let Some(flags) = bytes.get_mut(position) {
            *flags |= 0x10;
        }
    }
    bytes.into()
}

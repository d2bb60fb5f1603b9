//! JPEG. Decoded at a half, a quarter or an eighth where that is still large enough, so that a photograph of 25
//! megapixels takes 12 MB. Its markers are read first: a picture that is cut is refused instead of filled up with grey,
//! and one with hundreds of scans, each of which would go over all pixels, is not decoded.

use image::metadata::Orientation;
use jpeg_decoder::{CodingProcess, Decoder, PixelFormat};

use super::{PictureError, Pixels, SIDE, Size};

/// Scans of a picture. Encoders write about ten.
const MOST_SCANS: usize = 100;

/// The most pixels that are decoded, so that memory is bounded: 256 MB. A picture with more of them is decoded at a half
/// whatever its shorter side is, which makes a very long strip a square of less than 512 pixels.
const MOST_DECODED: u64 = 16_000_000;

/// Markers: the start of a scan, and the end of the picture.
const SOS: u8 = 0xda;
const EOI: u8 = 0xd9;

/// A picture whose header was read.
#[derive(Debug)]
pub(super) struct Jpeg<'a> {
    /// From its first marker to its last: no more.
    bytes: &'a [u8],
    size: Size,
    is_progressive: bool,
}

impl<'a> Jpeg<'a> {
    pub(super) fn check(bytes: &'a [u8]) -> Result<Self, PictureError> {
        let bytes = whole(bytes).ok_or(PictureError::Broken)?;
        let mut decoder = Decoder::new(bytes);
        decoder.read_info().map_err(|_| PictureError::Broken)?;
        let info = decoder.info().ok_or(PictureError::Broken)?;
        if info.coding_process == CodingProcess::Lossless {
            return Err(PictureError::Broken);
        }
        let size = Size { width: info.width.into(), height: info.height.into() }.checked()?;
        Ok(Self { bytes, size, is_progressive: info.coding_process == CodingProcess::DctProgressive })
    }

    /// The most memory the decoder takes, in bytes: coefficients of two bytes and three components, all of them where the
    /// picture is progressive; three samples of each pixel that comes out, before and after colours are converted.
    pub(super) fn memory(&self) -> u64 {
        let coefficients = if self.is_progressive { 6 * self.size.pixels() } else { 0 };
        coefficients + 8 * self.decoded().pixels() * if self.is_progressive { 1 } else { 2 }
    }

    /// The size it is decoded at.
    fn decoded(&self) -> Size {
        let shorter = self.size.width.min(self.size.height);
        let least = if self.size.pixels() > MOST_DECODED { 2 } else { 1 };
        let factor = [8, 4, 2].into_iter().find(|factor| shorter.div_ceil(*factor) >= SIDE).unwrap_or(least);
        Size { width: self.size.width.div_ceil(factor), height: self.size.height.div_ceil(factor) }
    }

    pub(super) fn decode(self) -> Result<Pixels, PictureError> {
        let mut decoder = Decoder::new(self.bytes);
        let wanted = self.decoded();
        let [width, height] = [wanted.width, wanted.height].map(|side| u16::try_from(side).unwrap_or(u16::MAX));
        let (width, height) = decoder.scale(width, height).map_err(|_| PictureError::Broken)?;
        let samples = decoder.decode().map_err(|_| PictureError::Broken)?;
        let format = decoder.info().ok_or(PictureError::Broken)?.pixel_format;
        let (channels, samples) = match format {
            PixelFormat::L8 => (1, samples),
            PixelFormat::RGB24 => (3, samples),
            PixelFormat::CMYK32 => (3, rgb(&samples)),
            PixelFormat::L16 => return Err(PictureError::Broken),
        };
        let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk);
        let orientation = orientation.unwrap_or(Orientation::NoTransforms);
        let size = Size { width: width.into(), height: height.into() };
        Ok(Pixels { size, channels, is_opaque: true, samples, orientation })
    }
}

/// The picture from its first marker to its last, without what follows it; `None` where it has no end, or too many scans.
fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let (mut place, mut scans) = (2, 0);
    loop {
        place += bytes.get(place..)?.iter().position(|byte| *byte == 0xff)? + 1;
        match *bytes.get(place)? {
            EOI => return bytes.get(..=place),
            // filling, escaped data, restart markers, and others that stand alone
            0xff => continue,
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            marker => {
                scans += usize::from(marker == SOS);
                let length = bytes.get(place + 1..place + 3)?;
                place += usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
        }
        if scans > MOST_SCANS {
            return None;
        }
        place += 1;
    }
}

/// Colours of print on a screen.
fn rgb(cmyk: &[u8]) -> Vec<u8> {
    let part = |ink: u8, black: u8| {
        let light = u16::from(255 - ink) * u16::from(255 - black);
        u8::try_from((light + 127) / 255).unwrap_or(u8::MAX)
    };
    cmyk.chunks_exact(4).flat_map(|pixel| [0, 1, 2].map(|ink| part(pixel[ink], pixel[3]))).collect()
}

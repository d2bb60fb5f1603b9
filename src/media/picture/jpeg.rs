//! Decodes JPEG, at a half, a quarter or an eighth of its size if that is large enough, so that a photograph of 25
//! megapixels takes 12 MB. The markers are checked first: the decoder would fill a truncated picture with grey, and
//! would process all pixels once for each scan, so truncated pictures and pictures with too many scans are refused.

use image::metadata::Orientation;
use jpeg_decoder::{CodingProcess, Decoder, PixelFormat};

use super::{PictureError, Pixels, SIDE, Size};

/// The most scans of a picture. Encoders write about ten.
const MAX_SCANS: usize = 100;

/// The most decoded pixels, which limits the memory to 256 MB. A larger picture is decoded at a half even if its
/// shorter side is then less than 512 pixels, which affects only very long strips.
const MAX_DECODED_PIXELS: u64 = 16_000_000;

/// The markers of the start of a scan, and of the end of the picture.
const SOS: u8 = 0xda;
const EOI: u8 = 0xd9;

/// A picture whose markers and header were checked.
#[derive(Debug)]
pub(super) struct Jpeg<'a> {
    /// The picture, without trailing bytes.
    bytes: &'a [u8],
    size: Size,
    is_progressive: bool,
}

impl<'a> Jpeg<'a> {
    pub(super) fn check(bytes: &'a [u8]) -> Result<Self, PictureError> {
        let bytes = trim(bytes).ok_or(PictureError::Broken)?;
        let mut decoder = Decoder::new(bytes);
        decoder.read_info().map_err(|_| PictureError::Broken)?;
        let info = decoder.info().ok_or(PictureError::Broken)?;
        if info.coding_process == CodingProcess::Lossless {
            return Err(PictureError::Broken);
        }
        let size = Size { width: info.width.into(), height: info.height.into() }.checked()?;
        Ok(Self { bytes, size, is_progressive: info.coding_process == CodingProcess::DctProgressive })
    }

    /// The most memory that the decoder needs, in bytes. A progressive picture needs all coefficients: two bytes for
    /// each of three components of a pixel. Each decoded pixel needs three samples before and after the colour
    /// conversion.
    pub(super) fn memory(&self) -> u64 {
        let coefficients = if self.is_progressive { 6 * self.size.pixels() } else { 0 };
        coefficients + 8 * self.decoded_size().pixels() * if self.is_progressive { 1 } else { 2 }
    }

    /// The size at which it is decoded.
    fn decoded_size(&self) -> Size {
        let shorter = self.size.width.min(self.size.height);
        let least = if self.size.pixels() > MAX_DECODED_PIXELS { 2 } else { 1 };
        let factor = [8, 4, 2].into_iter().find(|factor| shorter.div_ceil(*factor) >= SIDE).unwrap_or(least);
        Size { width: self.size.width.div_ceil(factor), height: self.size.height.div_ceil(factor) }
    }

    pub(super) fn decode(self) -> Result<Pixels, PictureError> {
        let mut decoder = Decoder::new(self.bytes);
        let wanted = self.decoded_size();
        let [width, height] = [wanted.width, wanted.height].map(|side| u16::try_from(side).unwrap_or(u16::MAX));
        let (width, height) = decoder.scale(width, height).map_err(|_| PictureError::Broken)?;
        let samples = decoder.decode().map_err(|_| PictureError::Broken)?;
        let format = decoder.info().ok_or(PictureError::Broken)?.pixel_format;
        let (channels, samples) = match format {
            PixelFormat::L8 => (1, samples),
            PixelFormat::RGB24 => (3, samples),
            PixelFormat::CMYK32 => (3, rgb_of_cmyk(&samples)),
            PixelFormat::L16 => return Err(PictureError::Broken),
        };
        let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk);
        let orientation = orientation.unwrap_or(Orientation::NoTransforms);
        let size = Size { width: width.into(), height: height.into() };
        Ok(Pixels { size, channels, is_opaque: true, samples, orientation })
    }
}

/// The picture from its first to its last marker; `None` if the last one is missing, or if there are too many scans.
fn trim(bytes: &[u8]) -> Option<&[u8]> {
    let (mut position, mut scans) = (2, 0);
    loop {
        position += bytes.get(position..)?.iter().position(|byte| *byte == 0xff)? + 1;
        match *bytes.get(position)? {
            EOI => return bytes.get(..=position),
            // fill bytes, escaped data, and markers without a segment, such as restart markers
            0xff => continue,
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            marker => {
                scans += usize::from(marker == SOS);
                let length = bytes.get(position + 1..position + 3)?;
                position += usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
        }
        if scans > MAX_SCANS {
            return None;
        }
        position += 1;
    }
}

/// Converts CMYK to RGB.
fn rgb_of_cmyk(cmyk: &[u8]) -> Vec<u8> {
    let part = |ink: u8, black: u8| {
        let light = u16::from(255 - ink) * u16::from(255 - black);
        u8::try_from((light + 127) / 255).unwrap_or(u8::MAX)
    };
    cmyk.chunks_exact(4).flat_map(|pixel| [0, 1, 2].map(|ink| part(pixel[ink], pixel[3]))).collect()
}

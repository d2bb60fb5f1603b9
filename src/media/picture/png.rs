//! Decodes PNG with eight bits per sample, and of an animation the first frame. Texts and colour profiles are skipped:
//! they may be compressed, and decompress to any length.

use std::io::Cursor;

use image::metadata::Orientation;
use png::{Decoder, Limits, Transformations};

use super::{PictureError, Pixels, Size};

/// Memory for everything but the pixels, in bytes.
const OVERHEAD: usize = 8 * 1024 * 1024;

/// Checks the header. Returns the most memory that the decoder needs, in bytes: four samples for each pixel, and the
/// overhead.
pub(super) fn check(bytes: &[u8]) -> Result<u64, PictureError> {
    // the header is the first chunk and has a fixed form
    let header = bytes.get(8..24).filter(|header| &header[..8] == b"\0\0\0\x0dIHDR").ok_or(PictureError::Broken)?;
    let number =
        |offset: usize| header[offset..offset + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
    let size = Size { width: number(8), height: number(12) }.checked()?;
    Ok(4 * size.pixels() + u64::try_from(OVERHEAD).unwrap_or(u64::MAX))
}

pub(super) fn decode(bytes: &[u8]) -> Result<Pixels, PictureError> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: OVERHEAD });
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(|_| PictureError::Broken)?;
    let size = Size { width: reader.info().width, height: reader.info().height }.checked()?;
    let mut samples = vec![0; reader.output_buffer_size().ok_or(PictureError::TooManyPixels)?];
    let frame = reader.next_frame(&mut samples).map_err(|_| PictureError::Broken)?;
    if (frame.width, frame.height) != (size.width, size.height) {
        return Err(PictureError::Broken);
    }
    let exif = reader.info().exif_metadata.as_deref();
    let orientation = exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    let channels = frame.color_type.samples();
    Ok(Pixels { size, channels, is_opaque: channels % 2 == 1, samples, orientation })
}

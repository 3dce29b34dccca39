/** Base64, RFC 4648 section 4. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const QUAD = 4;

/**
 * The bytes that a text spells, or undefined where it is not base64: padded to whole groups of four, no other character
 * and no line break (section 3.3), no bits left over (section 3.5).
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % QUAD !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / QUAD) * 3 - padding);
  const view = new DataView(bytes.buffer);
  let length = 0;
  for (let start = 0; start < text.length; start += QUAD) {
    let bits = 0;
    for (let at = start; at < start + QUAD; at++) {
      const value = at < text.length - padding ? ALPHABET.indexOf(text.charAt(at)) : 0;
      if (value < 0) return undefined;
      bits = (bits << 6) | value;
    }
    for (let shift = 16; shift >= 0; shift -= 8) {
      const byte = (bits >> shift) & 0xff;
      if (length < bytes.length) view.setUint8(length, byte);
      else if (byte !== 0) return undefined;
      length++;
    }
  }
  return bytes;
}

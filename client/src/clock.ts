// When a token is due. Phones have wrong clocks, so nothing compares a phone's time with the server's: a token tells in
// `iat` what time it was at the server when it came, and the phone's clock only measures what has passed since.

/* How long before its end a token is exchanged: a minute, or a fifth of a life that is shorter than five. */
const MARGIN_MS = 60_000;

/* The value of a base64url digit: a to z, _, A to Z, 0 to 9, - (RFC 4648, section 5). */
const valueOf = (code: number): number =>
  code > 96 ? code - 71 : code > 94 ? 63 : code > 64 ? code - 65 : code > 47 ? code + 4 : 62;

/* The claims of a JWT, which the server verifies, not we. WeChat has no `atob`. */
function claimsOf(token: string): { iat?: number; exp?: number; sid?: string } {
  let bits = 0;
  let value = 0;
  let json = '';
  try {
    for (const digit of token.split('.')[1]) {
      value = (value << 6) | valueOf(digit.charCodeAt(0));
      bits += 6;
      if (bits > 7) json += String.fromCharCode((value >> (bits -= 8)) & 255);
    }
    return JSON.parse(json);
  } catch {
    return {};
  }
}

export interface Times {
  /** When the token is to be exchanged, by this device's clock. */
  due: number;
  /** The session's id, which stays when the tokens change. */
  sid: string;
}

/** Reads a token that came just now. One that does not tell its times is the server's to judge. */
export function timesOf(token: string): Times {
  const { iat = 0, exp = 1e10, sid = token } = claimsOf(token);
  const life = (exp - iat) * 1000;
  return { due: Date.now() + life - Math.min(MARGIN_MS, life / 5), sid };
}

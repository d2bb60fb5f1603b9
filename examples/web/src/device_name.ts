// A name for this device that its owner recognizes in a list.
const BROWSERS = [['Edg/', 'Edge'], ['Firefox/', 'Firefox'], ['Chrome/', 'Chrome'], ['Safari/', 'Safari']] as const;
const SYSTEMS = [['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Android', 'Android'], ['Windows', 'Windows'], ['Mac', 'Mac'], ['Linux', 'Linux']] as const;

/** `Firefox on Windows`, as far as the user agent tells. The first match counts: many browsers name others, too. */
export function deviceName({ userAgent } = navigator): string {
  const find = (names: typeof BROWSERS | typeof SYSTEMS) => names.find(([part]) => userAgent.includes(part))?.[1];
  return `${find(BROWSERS) ?? 'A browser'} on ${find(SYSTEMS) ?? 'a computer'}`;
}

// The list of sessions: where the person is signed in.
import { readFragment, type FragmentType } from './generated/fragment-masking';
import { DeviceFragmentDoc, type DeviceFragment } from './generated/graphql';
import { element, whileBusy } from './page';

const time = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

function item(device: DeviceFragment, end: (id: string) => Promise<void>): HTMLLIElement {
  const { id, deviceName, userAgent, ipPrefix, isCurrent, lastUsedAt } = device;
  const name = deviceName ?? userAgent ?? 'A device without a name';
  const title = document.createElement('strong');
  title.textContent = name;
  const used = document.createElement('time');
  used.dateTime = lastUsedAt;
  used.textContent = time.format(new Date(lastUsedAt));
  const details = document.createElement('span');
  details.className = 'hint';
  details.append('used ', used, ipPrefix ? ` from ${ipPrefix}` : '');
  const text = document.createElement('span');
  text.className = 'device';
  text.append(title, details);
  const line = document.createElement('li');
  line.append(text);
  if (isCurrent) {
    const here = document.createElement('span');
    here.className = 'pill';
    here.textContent = 'this device';
    line.append(here);
  } else {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Sign out';
    button.setAttribute('aria-label', `Sign out ${name}`);
    button.addEventListener('click', () => void whileBusy(button, () => end(id)));
    line.append(button);
  }
  return line;
}

let shown = '';

/** Shows the sessions; `end` ends one of the others. */
export function showDevices(devices: readonly FragmentType<typeof DeviceFragmentDoc>[], end: (id: string) => Promise<void>): void {
  // what is the same stays, with the focus that may be on it
  const now = JSON.stringify(devices);
  if (now === shown) return;
  shown = now;
  const list = element('devices');
  const hadFocus = list.contains(document.activeElement);
  const all = readFragment(DeviceFragmentDoc, devices);
  list.replaceChildren(...all.map((device) => item(device, end)));
  element('sign-out-others').hidden = all.length < 2;
  if (hadFocus) element('devices-title').focus();
}

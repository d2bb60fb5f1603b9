// Signs in, shows the account, and listens to what happens to it.
import type { AccountError } from 'miniaccount-client';
import { account, ask, listen, onConnection, signIn } from './account';
import { showDevices } from './devices';
import {
  AccountEventsDocument, MeDocument, RevokeSessionDocument, UpdateProfileDocument,
  type AccountEventsSubscription, type SessionEndReason,
} from './generated/graphql';
import { announce, element, showView, whileBusy } from './page';
import { clearProblem, showProblem } from './problem';
import { forgetProfile, setUpProfile, showProfile } from './profile';

/* Where the client itself gives up to connect, such as while a computer sleeps. */
const LISTEN_AGAIN_MS = 3000;

const REASONS: Partial<Record<SessionEndReason | 'SIGNED_OUT', string>> = {
  SIGNED_OUT: 'You are signed out.',
  LOGGED_OUT: 'You were signed out elsewhere.',
  REVOKED: 'You were signed out from another device.',
  REPLACED: 'You signed in again on this device.',
  SUSPENDED: 'This account is suspended.',
  DELETED: 'This account was deleted.',
  MERGED: 'This account was merged into another one. Sign in again.',
};

let stopListening = () => {};

function showSignIn(reason = ''): void {
  element('sign-in-reason').textContent = reason;
  element('connection').hidden = true;
  forgetProfile();
  showView('sign-in');
}

const showSignedOut = (reason: string) =>
  showSignIn(REASONS[reason as SessionEndReason] ?? 'Your session has ended. Sign in again.');

/* What every failure leads to. `again` is what failed. */
function fail(error: AccountError, again?: () => void): void {
  if (error.code === 'CANCELLED') return showSignIn(element('sign-in-reason').textContent);
  if (error.action === 'RELOGIN') showSignIn();
  showProblem(error, again);
}

/* Runs; where the person wants it after a failure, runs again or does `again`. Answers nothing where it failed. */
async function attempt<T>(run: () => Promise<T>, again: () => void = () => void attempt(run)): Promise<T | undefined> {
  try {
    const answer = await run();
    clearProblem();
    return answer;
  } catch (error) {
    fail(error as AccountError, again);
    return undefined;
  }
}

async function load(): Promise<void> {
  const { me } = await ask('query', MeDocument, {});
  showProfile(me!);
  showDevices(me!.sessions?.nodes ?? [], endSession);
  showView('account');
}

async function endSession(id: string): Promise<void> {
  await attempt(async () => {
    const { revokeSession: { userErrors } } = await ask('mutation', RevokeSessionDocument, { id });
    // one that has ended already is gone from the list as well
    announce(userErrors[0]?.message ?? 'The device is signed out.');
    await load();
  });
}

function onEvent({ accountEvents: event }: AccountEventsSubscription): void {
  if (event.__typename === 'ProfileChangedEvent') showProfile(event.user);
  else if (event.isCurrent) showSignedOut(event.reason);
  else void attempt(load);
}

function startListening(): void {
  stopListening();
  stopListening = listen(AccountEventsDocument, {}, onEvent, (error) => {
    if (error.action === 'RETRY') setTimeout(() => { if (!element('account').hidden) startListening(); }, LISTEN_AGAIN_MS);
    else fail(error);
  });
}

async function start(): Promise<void> {
  await load();
  startListening();
}

async function signInWith(code: string): Promise<void> {
  clearProblem();
  announce('');
  await attempt(async () => {
    await signIn(code);
    await start();
  });
}

async function signOut(scope: 'CURRENT' | 'ALL'): Promise<void> {
  await attempt(() => account.logout(scope));
  showSignedOut('SIGNED_OUT');
}

onConnection((isOpen) => {
  const pill = element('connection');
  pill.hidden = element('account').hidden;
  pill.textContent = isOpen ? 'live' : 'reconnecting…';
  pill.classList.toggle('live', isOpen);
  // what happened while nobody listened
  if (isOpen) void attempt(load);
});

account.onSessionEnd(({ reason }) => showSignedOut(reason));

setUpProfile((input, again) =>
  attempt(async () => (await ask('mutation', UpdateProfileDocument, { input })).updateProfile, again));

for (const button of document.querySelectorAll<HTMLButtonElement>('.person')) {
  button.addEventListener('click', () => void whileBusy(button, () => signInWith(button.dataset.code!)));
}
const codeForm = element<HTMLFormElement>('code-form');
codeForm.addEventListener('submit', (event) => {
  event.preventDefault();
  void whileBusy(codeForm, () => signInWith(element<HTMLInputElement>('code').value.trim()));
});

const onClick = (id: string, run: () => Promise<unknown>) => {
  const button = element(id);
  button.addEventListener('click', () => void whileBusy(button, async () => { await run(); }));
};
onClick('sign-out', () => signOut('CURRENT'));
onClick('sign-out-everywhere', () => signOut('ALL'));
onClick('sign-out-others', () => attempt(async () => {
  await account.logout('OTHERS');
  announce('The other devices are signed out.');
  await load();
}));

// logins elsewhere are no event
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !element('account').hidden) void attempt(load);
});
// another tab has signed in
addEventListener('storage', ({ newValue }) => {
  if (newValue && !element('sign-in').hidden) void attempt(start);
});

void attempt(start);

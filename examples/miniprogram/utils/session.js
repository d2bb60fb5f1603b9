// Whether somebody is signed in, and who. Pages watch it; only this module signs in and out.
const client = require('./client');
const { allowLogin } = require('./adapter');
const { explain, sessionEnd } = require('./explain');
const { remember, remembered } = require('./wechat');

/* Holds why the person is signed out: the next start must not log them in silently. */
const SIGNED_OUT = 'example.signed-out';

/* A session that ended for one of these is replaced by a login, and the person need not know. */
const HARMLESS = ['INVALID', 'MERGED', 'REPLACED'];

const EVENTS = `subscription { accountEvents { __typename
  ... on ProfileChangedEvent { user { id nickname avatarUrl phoneNumber deletesAt } } } }`;

/** `status` is `loading`, `ready` (with `user`), `failed` (with `problem`) or `signedOut` (with `notice`). */
let state = { status: 'loading', user: null, problem: null, notice: '' };
/* Sign-ins and sign-outs so far: an answer to an earlier one no longer counts. */
let era = 0;
let stopListening = null;
const watchers = new Set();

const ignore = () => {};

function set(changes) {
  state = Object.assign({}, state, changes);
  watchers.forEach((watcher) => watcher(state));
}

function silence() {
  if (stopListening) stopListening();
  stopListening = null;
}

/* Changes of the account on other devices. Without a connection the pages work as well, and learn it later. */
function listen() {
  if (stopListening) return;
  const over = () => { stopListening = null; };
  stopListening = client.subscribe(EVENTS, undefined, {
    next: ({ accountEvents: { user } }) => { if (user) update(user); },
    complete: over,
    error({ action }) {
      over();
      // the session's end comes first; what is left is an account that this session may no longer use
      if (action !== 'RETRY') setTimeout(() => { if (state.status === 'ready') refresh().catch(ignore); }, 0);
    },
  });
}

async function load(ask) {
  const mine = ++era;
  allowLogin(true);
  set({ status: 'loading', problem: null });
  try {
    const user = await ask();
    if (mine !== era) return;
    set({ status: 'ready', user, notice: '' });
    listen();
  } catch (error) {
    if (mine === era) set({ status: 'failed', problem: explain(error) });
  }
}

function leave(reason) {
  era += 1;
  allowLogin(false);
  silence();
  remember(SIGNED_OUT, reason);
  set({ status: 'signedOut', user: null, notice: sessionEnd(reason) });
}

/** Takes over what a change of the account answered. */
function update(changes) {
  if (state.user) set({ user: Object.assign({}, state.user, changes) });
}

/** Signs in silently, unless the person signed out. */
function start() {
  const reason = remembered(SIGNED_OUT);
  if (reason) leave(reason);
  else return load(() => client.me());
}

client.onSessionEnd(({ reason }) => {
  if (HARMLESS.includes(reason)) {
    silence();
    if (state.status === 'ready') refresh().catch(ignore);
    return;
  }
  leave(reason);
});

/** Asks the server again who this is, and shows what there is meanwhile. */
async function refresh() {
  const mine = era;
  const user = await client.me();
  if (mine !== era) return;
  set({ status: 'ready', user });
  listen();
}

module.exports = {
  start,
  update,
  refresh,

  /** The person wants to be signed in. */
  signIn() {
    remember(SIGNED_OUT, '');
    return load(() => client.login());
  },

  /** Signs out here. Without a network this device forgets the session all the same. */
  async signOut(reason = 'SELF') {
    leave(reason);
    await client.logout();
  },

  /** The app goes to the background, where WeChat closes connections, and comes back. */
  pause: silence,

  resume() {
    if (state.status === 'ready') listen();
  },

  /** Calls the watcher now and at each change; returns what stops that. */
  watch(watcher) {
    watchers.add(watcher);
    watcher(state);
    return () => watchers.delete(watcher);
  },
};

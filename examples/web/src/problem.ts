// What went wrong, and what the person can do about it: by the `action` of the error, whatever its code.
import type { AccountError } from 'miniaccount-client';
import { element } from './page';

const ADVICE = {
  RELOGIN: 'Sign in again.',
  RETRY: 'That may pass.',
  FIX: 'This page asked for something that the server does not take. A newer version of the page may help: reload it.',
  GIVE_UP: 'Trying again does not help.',
  OPERATOR: 'The server is not set up right. Tell the people who run it.',
};

const MESSAGES: Partial<Record<AccountError['code'], string>> = {
  NETWORK: 'The server does not answer.',
  BAD_ANSWER: 'Something else than the server answered.',
};

export function clearProblem(): void {
  element('problem').replaceChildren();
}

/** Shows an error, with a button to try again where that may help. */
export function showProblem(error: AccountError, again?: () => void): void {
  const { action, code, message, requestId } = error;
  const text = document.createElement('p');
  // what is no AccountError is a fault of this page
  text.textContent = `${MESSAGES[code] ?? message} ${ADVICE[action] ?? ADVICE.FIX}`;
  const box = element('problem');
  box.replaceChildren(text);
  box.dataset.action = action;
  if (requestId && (action === 'FIX' || action === 'OPERATOR')) {
    const id = document.createElement('p');
    id.className = 'hint';
    id.textContent = `The server’s log has it under ${requestId}`;
    box.append(id);
  }
  if (action === 'RETRY' && again) {
    const button = document.createElement('button');
    button.textContent = 'Try again';
    button.addEventListener('click', () => {
      clearProblem();
      again();
    });
    box.append(button);
  }
}

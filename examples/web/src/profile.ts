// The form of the profile. It follows changes that are made elsewhere, but never takes away what the person is writing.
import { readFragment, type FragmentType } from './generated/fragment-masking';
import {
  ProfileFragmentDoc, type ProfileFragment, type UpdateProfileInput, type UpdateProfileMutation,
} from './generated/graphql';
import { announce, element, whileBusy } from './page';

const FIELDS = ['nickname', 'locale'] as const;
type Field = (typeof FIELDS)[number];
type Payload = UpdateProfileMutation['updateProfile'];

const LABELS: Record<Field, string> = { nickname: 'nickname', locale: 'language' };

const input = (field: Field) => element<HTMLInputElement>(field);
const named = (value: string | null) => (value ? `“${value}”` : 'empty');

function note(field: Field, text = '', isError = false): void {
  const hint = element(`${field}-note`);
  hint.textContent = text;
  hint.classList.toggle('error', isError);
  input(field).ariaInvalid = isError ? 'true' : null;
}

let shown: ProfileFragment | undefined;

const isWritten = (field: Field) => shown !== undefined && input(field).value !== (shown[field] ?? '');

/** Forgets the person, so that the next one does not see what was written for this one. */
export function forgetProfile(): void {
  shown = undefined;
  for (const field of FIELDS) {
    input(field).value = '';
    note(field);
  }
}

/** Shows a profile, unless a newer one is shown already: answers and events overtake each other. */
export function showProfile(profile: FragmentType<typeof ProfileFragmentDoc>, sent: UpdateProfileInput = {}): void {
  const next = readFragment(ProfileFragmentDoc, profile);
  if (shown && next.id !== shown.id) forgetProfile();
  if (shown && (next.updatedAt ?? '') < (shown.updatedAt ?? '')) return;
  const news: string[] = [];
  for (const field of FIELDS) {
    const { value } = input(field);
    const text = next[field] ?? '';
    const isChanged = shown && shown[field] !== next[field];
    const isDraft = isWritten(field) && value !== (sent[field] ?? undefined) && value !== text;
    if (!isDraft) input(field).value = text;
    if (!isChanged) continue;
    note(field, isDraft ? `It is ${named(text)} now, changed elsewhere. Saving replaces that.` : '');
    // what the person wrote themselves is no news
    if (value !== text && !(field in sent)) news.push(`${LABELS[field]} ${named(text)}`);
  }
  if (news.length) announce(`Changed elsewhere: ${news.join(', ')}`);
  shown = next;
  element('account-title').textContent = next.nickname ?? 'Somebody without a name';
  element('face').textContent = [...(next.nickname ?? '?')][0]!.toUpperCase();
}

function showErrors(errors: Payload['userErrors']): void {
  for (const { field: path, message } of errors) {
    const field = FIELDS.find((each) => path?.includes(each));
    if (field) note(field, message, true);
    else announce(message);
  }
  const first = FIELDS.find((field) => input(field).ariaInvalid);
  if (first) input(first).focus();
}

/** `save` sends the changes; it shows what it fails with by itself, with `again` behind a button, and answers nothing. */
export function setUpProfile(save: (changes: UpdateProfileInput, again: () => void) => Promise<Payload | undefined>): void {
  const form = element<HTMLFormElement>('profile');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void whileBusy(form, async () => {
      // what is left out stays as it is; `null` clears
      const written = FIELDS.filter(isWritten);
      const changes = Object.fromEntries(written.map((field) => [field, input(field).value || null]));
      if (!written.length) return announce('Nothing to save.');
      const payload = await save(changes, () => form.requestSubmit());
      if (!payload) return;
      for (const field of written) note(field);
      if (payload.user) {
        showProfile(payload.user, changes);
        announce('Saved.');
      }
      showErrors(payload.userErrors);
    });
  });
}

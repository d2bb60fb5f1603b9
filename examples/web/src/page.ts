// The parts of the page.
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const VIEWS = ['loading', 'sign-in', 'account'] as const;

/** Shows one view. A person who reads with their ears is taken to its title. */
export function showView(shown: (typeof VIEWS)[number]): void {
  if (!element(shown).hidden) return;
  for (const view of VIEWS) element(view).hidden = view !== shown;
  document.getElementById(`${shown}-title`)?.focus();
}

/** Tells a change, for eyes and ears. */
export function announce(news: string): void {
  element('news').textContent = news;
}

/** Runs what a form or button does, once at a time. */
export async function whileBusy(control: HTMLElement, run: () => Promise<void>): Promise<void> {
  if (control.ariaBusy === 'true') return;
  control.ariaBusy = 'true';
  try {
    await run();
  } finally {
    control.ariaBusy = null;
  }
}

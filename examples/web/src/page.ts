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

const NEWS_MS = 8000;
let newsTimer: ReturnType<typeof setTimeout>;

/** Tells a change, for eyes and ears. */
export function announce(news: string): void {
  const text = document.createElement('span');
  text.textContent = news;
  // a new element is read out even where the text is the same as before
  element('news').replaceChildren(...(news ? [text] : []));
  clearTimeout(newsTimer);
  newsTimer = setTimeout(announce, NEWS_MS, '');
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

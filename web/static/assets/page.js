// What the pages behind mailed links have in common. The token stands in the fragment, which browsers send to nobody;
// only a person's click posts it, so that mail scanners that merely open links use nothing up.
const title = document.getElementById('title');
const text = document.getElementById('text');
const form = document.getElementById('form');
const problem = document.getElementById('problem');

const token = new URLSearchParams(location.hash.slice(1)).get('token');
// Out of the address bar, the history and any screenshot.
history.replaceState(null, '', location.pathname);
// Another link of the same kind, opened in this tab, changes nothing but the fragment.
addEventListener('hashchange', () => location.reload());

const LONGEST_ANSWER_MS = 30_000;

/**
 * Posts the token of the mailed link when a person submits the form.
 *
 * @param path of the API
 * @param outcomes heading and sentence of each end: `done`, `token_expired`, `token_invalid`
 * @param fields what is posted beside the token; null where the person has to enter something first
 * @param refuse shows what the API says against these fields, and tells whether it said anything
 */
export function onSubmit(path, outcomes, { fields = () => ({}), refuse = () => false } = {}) {
  if (!token)
    return show(
      'Open the link again',
      'This page has lost its link. Follow the one in the letter once more.',
    );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.ariaBusy === 'true') return;
    const entered = fields();
    if (!entered) return;
    setBusy(true);
    const answer = await post(path, { token, ...entered });
    setBusy(false);
    const outcome = outcomeOf(answer, refuse);
    if (outcome in outcomes) conclude(...outcomes[outcome]);
    else if (outcome === 'failed') say(excuseOf(answer));
  });
  form.hidden = false;
}

/** Puts something where it is read out at once; nothing clears it. */
export function say(...parts) {
  problem.replaceChildren(...parts);
}

function outcomeOf({ ok, code, errors }, refuse) {
  if (ok) return 'done';
  if (code === 'token_invalid' || code === 'token_expired') return code;
  if (code !== 'validation_failed') return 'failed';
  // Where it is not the fields it is the token, cut off by a mail program.
  return refuse(errors) ? 'refused' : 'token_invalid';
}

/** The end of the page's story: nothing is left to click. */
function conclude(heading, sentence) {
  form.reset();
  form.hidden = true;
  show(heading, sentence);
  title.focus();
}

function show(heading, sentence) {
  const paragraph = document.createElement('p');
  paragraph.textContent = sentence;
  title.textContent = heading;
  text.replaceChildren(paragraph);
}

/** Not `disabled`, which would take the focus away from those who use a keyboard. */
function setBusy(isBusy) {
  if (isBusy) say();
  form.ariaBusy = String(isBusy);
  form.querySelector('[type=submit]').ariaDisabled = String(isBusy);
}

async function post(path, body) {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(LONGEST_ANSWER_MS),
    });
    // A proxy in between may answer with something else than JSON.
    const { code, errors = [] } = await response.json().catch(() => ({}));
    const { ok, status, headers } = response;
    return { ok, status, code, errors, retryAfter: Number(headers.get('Retry-After')) };
  } catch {
    return { ok: false, status: 0 };
  }
}

/** Why it did not work this time. In each of these cases the same click may work later. */
function excuseOf({ status, retryAfter }) {
  if (status === 429) return `Too many attempts. Please try again in ${waitOf(retryAfter)}.`;
  if (status === 503) return 'The service is not available at the moment. Please try again in a few seconds.';
  if (status > 0) return 'Something went wrong on our side. Please try again in a moment.';
  return navigator.onLine
    ? 'The service could not be reached. Please try again in a moment.'
    : 'You are offline. Please try again when you are connected.';
}

function waitOf(seconds) {
  if (!(seconds > 0)) return 'a few minutes';
  const minutes = Math.ceil(seconds / 60);
  return minutes > 1 ? `${minutes} minutes` : 'a minute';
}

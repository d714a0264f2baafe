// The page behind the mailed link. The token stands in the fragment, which browsers send to nobody; only a person's
// click posts it, so that mail scanners that merely open links use nothing up.
const title = document.getElementById('title');
const text = document.getElementById('text');
const button = document.getElementById('verify');

const token = new URLSearchParams(location.hash.slice(1)).get('token');
// Out of the address bar, the history and any screenshot.
history.replaceState(null, '', location.pathname);

const outcomes = {
  verified: ['Your address is verified', 'You can close this page and log in.'],
  token_expired: ['This link has expired', 'Ask for a new letter and use the link in it within 24 hours.'],
  token_invalid: [
    'This link does not work',
    'It may have been replaced by a newer one. Use the link of the latest letter.',
  ],
  failed: ['That did not work', 'The service could not be reached. Please try again in a moment.'],
};

function show(outcome) {
  const [heading, sentence] = outcomes[outcome];
  title.textContent = heading;
  text.textContent = sentence;
  button.hidden = outcome !== 'failed';
  button.disabled = false;
}

async function verify() {
  button.disabled = true;
  try {
    const response = await fetch('/api/auth/verify', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    const { code } = response.ok ? { code: 'verified' } : await response.json();
    show(code in outcomes ? code : 'failed');
  } catch {
    show('failed');
  }
}

if (token) {
  button.hidden = false;
  button.addEventListener('click', verify);
} else {
  show('token_invalid');
}

import { onSubmit, say } from './page.js';

const password = document.getElementById('password');
const toggle = document.getElementById('toggle');

onSubmit(
  '/api/auth/reset-confirm',
  {
    done: ['Your new password is set', 'Every device is signed out. You can close this page and sign in.'],
    token_expired: [
      'This link has expired',
      'Ask for a new letter on the sign-in page and use the link in it within an hour.',
    ],
    token_invalid: [
      'This link does not work',
      'It may have been used already, or replaced by a newer one. Use the link of the latest letter, or ask for a new ' +
        'one on the sign-in page.',
    ],
  },
  { fields: enteredPassword, refuse },
);

toggle.addEventListener('click', () => show(password.type === 'password'));
password.addEventListener('input', () => password.removeAttribute('aria-invalid'));

function enteredPassword() {
  // Browsers remember what is in a text field, and password managers do not see it.
  show(false);
  if (password.value !== '') return { password: password.value };
  complain('Enter a new password.');
  return null;
}

function refuse(errors) {
  const messages = errors.filter(({ field }) => field === 'password').map(({ message }) => message);
  if (messages.length === 0) return false;
  const list = document.createElement('ul');
  list.append(...messages.map(itemOf));
  complain('The new password', list);
  return true;
}

function complain(...parts) {
  say(...parts);
  password.setAttribute('aria-invalid', 'true');
  password.focus();
}

function itemOf(message) {
  const item = document.createElement('li');
  item.textContent = message;
  return item;
}

function show(isVisible) {
  password.type = isVisible ? 'text' : 'password';
  toggle.textContent = isVisible ? 'Hide password' : 'Show password';
}

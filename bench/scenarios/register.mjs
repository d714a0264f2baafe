import { newAccount, request } from '../better-auth.mjs';
import { eachOnce, message } from '../messages.mjs';
import { PASSWORD } from '../people.mjs';

export const register = async (world) => {
  const people = await world.people();
  const make = async (count) =>
    Array.from({ length: count }, () =>
      message('POST', '/api/auth/register', { body: { email: people.address(), password: PASSWORD } }),
    );
  return eachOnce(make, '"access_token":');
};

export const lines = [
  {
    name: 'register',
    server: 'gatehouse',
    peer: 'Better Auth sign-up',
    isSlow: true,
    mayRefuse: true,
    requests: register,
  },
  {
    name: 'Better Auth sign-up',
    server: 'better-auth',
    isSlow: true,
    requests: () =>
      eachOnce(
        async (count) =>
          Array.from({ length: count }, () => request('POST', '/sign-up/email', { body: newAccount() })),
        '"token":',
      ),
  },
];

export const targets = [];

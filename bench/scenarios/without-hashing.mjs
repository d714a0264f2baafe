// What a login and a registration take besides the hash of the password, measured among the other requests.
import { cpuOf } from '../targets.mjs';
import { logIn } from './login.mjs';
import { register } from './register.mjs';

const REST = { server: 'gatehouse', without: 'hashing', mayRefuse: true };
const LOGIN = { ...REST, name: 'login, without hashing', requests: logIn };

export const lines = [LOGIN, { ...REST, name: 'register, without hashing', requests: register }];

export const targets = [cpuOf(LOGIN.name, { atMost: 1 })];

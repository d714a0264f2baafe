// Loaded before the built server: how late its event loop is, and how long dns.lookup and a look at a file take in it.
import { lookup } from 'node:dns/promises';
import { stat } from 'node:fs/promises';
import { summary } from './connection.mjs';

/** Milliseconds between the times at which the loop should turn. */
const STEP = 10;
const SIDE_STEP = 100;
let watch = null;

process.on('message', (message) => {
  if (message.watch === 'start') watch = start();
  if (message.watch === 'stop') process.send({ watched: stop() });
});

function start() {
  const begun = { lag: [], dns: [], fs: [], nextAt: performance.now() + STEP };
  begun.timers = [setInterval(look, 1), setInterval(lookAside, SIDE_STEP)];
  return begun;
}

/** Every time that has been missed counts, as it would for a request that came in then. */
function look() {
  const now = performance.now();
  for (; watch.nextAt <= now; watch.nextAt += STEP) watch.lag.push(now - watch.nextAt);
}

function lookAside() {
  const begun = watch;
  const since = performance.now();
  void lookup('localhost').then(() => begun.dns.push(performance.now() - since));
  void stat('/').then(() => begun.fs.push(performance.now() - since));
}

function stop() {
  const { timers, lag, dns, fs } = watch;
  timers.forEach(clearInterval);
  watch = null;
  return { lag: summary(lag), dns: summary(dns), fs: summary(fs) };
}

// A process of its own that loads servers: each connection sends its next request when the answer to the last is
// complete. Raw sockets: an HTTP client costs more than the fastest servers measured here.
import { connect } from 'node:net';
import { keepAwake } from './awake.mjs';

/** No answer for so long is a failure. Passwords of 128 connections wait for one another. */
const PATIENCE_MS = 30_000;
const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';
const REFUSED = 503;

process.on('message', async (job) => {
  process.send(await load(job).catch(({ message }) => ({ failure: message })));
});
process.on('disconnect', () => process.exit());

/**
 * @param job `requests` are whole HTTP messages, sent in turn to the `ports`, whose answers are 2xx and have in them what
 *   `expects` says; with `isOnce` none is sent twice, and the load ends with them; with `chain` each connection has one
 *   of its own, which goes on with what is found in the answer; with `mayRefuse` a 503 is obeyed and not counted; with
 *   `isInTurn` one port after the other has all of the load, for its share of the time
 */
async function load(job) {
  const { ports, connections, seconds, isInTurn } = job;
  const startedAt = performance.now();
  const run = {
    ...job,
    expects: new RegExp(job.expects ?? ''),
    chain: job.chain && new RegExp(job.chain),
    sent: 0,
    refused: 0,
    latencies: [],
  };
  const letSleep = keepAwake();
  const turns = isInTurn ? ports.map((port) => [port]) : [ports];
  try {
    for (const [turn, open] of turns.entries()) {
      run.until = startedAt + (seconds * 1000 * (turn + 1)) / turns.length;
      await Promise.all(
        Array.from({ length: connections }, (_, number) => drive(open[number % open.length], number, run)),
      );
    }
  } finally {
    letSleep();
  }
  const ms = performance.now() - startedAt;
  const { requests, sent, refused, latencies } = run;
  latencies.sort((a, b) => a - b);
  const quantile = (part) => latencies[Math.floor(part * (latencies.length - 1))];
  return {
    sent,
    refused,
    answered: latencies.length,
    perSecond: (latencies.length * 1000) / ms,
    p50: quantile(0.5),
    p99: quantile(0.99),
    ...(run.chain ? { requests } : {}),
  };
}

function drive(port, number, run) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1');
    let answer = '';
    let sentAt;
    let isDone = false;
    const send = () => {
      const request = next(number, run);
      if (request === undefined) return end();
      answer = '';
      sentAt = performance.now();
      socket.write(request);
    };
    const end = () => {
      isDone = true;
      resolve();
      socket.end();
    };
    const fail = (reason) => {
      if (isDone) return;
      socket.destroy();
      reject(new Error(reason));
    };
    // Where all are refused it lasts longer: a round without an answer has no figures.
    const goOn = () => (performance.now() < run.until || run.latencies.length === 0 ? send() : end());
    socket.on('connect', send);
    socket.on('error', ({ message }) => fail(message));
    socket.on('close', () => fail('the server closed the connection'));
    socket.setTimeout(PATIENCE_MS, () => fail('the server does not answer'));
    socket.on('data', (chunk) => {
      answer += chunk;
      if (!isComplete(answer)) return;
      if (run.mayRefuse && statusOf(answer) === REFUSED) {
        run.refused += 1;
        setTimeout(goOn, retryAfterMs(answer));
        return;
      }
      if (statusOf(answer) >= 300 || !run.expects.test(answer)) return fail(answer);
      run.latencies.push(performance.now() - sentAt);
      if (run.chain)
        run.requests[number] = run.requests[number].replace(run.chain, run.chain.exec(answer)[0]);
      goOn();
    });
  });
}

/** Undefined where there is none left. */
function next(number, run) {
  const { requests, chain, isOnce } = run;
  if (isOnce && run.sent === requests.length) return undefined;
  const at = chain ? number : run.sent % requests.length;
  run.sent += 1;
  return requests[at];
}

function isComplete(answer) {
  const head = answer.indexOf(HEAD_END);
  if (head < 0) return false;
  if (/^transfer-encoding: chunked/im.test(answer.slice(0, head))) return answer.endsWith(LAST_CHUNK);
  const length = /^content-length: (\d+)/im.exec(answer)?.[1] ?? 0;
  return answer.length >= head + HEAD_END.length + Number(length);
}

const statusOf = (answer) => Number(answer.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length));
const retryAfterMs = (answer) => Number(/^retry-after: (\d+)/im.exec(answer)?.[1] ?? 1) * 1000;

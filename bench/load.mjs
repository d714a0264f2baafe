// A process of its own that loads a server: each connection sends its next request when the answer to the last is
// complete. Raw sockets: an HTTP client costs more than the fastest servers measured here.
import { connect } from 'node:net';

/** No answer for so long is a failure. */
const PATIENCE_MS = 10_000;
const HEAD_END = '\r\n\r\n';

process.on('message', async (job) => {
  process.send(await load(job).catch(({ message }) => ({ failure: message })));
});
process.on('disconnect', () => process.exit());

/** @param job `requests` are whole HTTP messages, sent in turn; every answer must be a 2xx of known length */
async function load({ port, requests, connections, seconds }) {
  const latencies = [];
  const turn = { next: 0 };
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  await Promise.all(Array.from({ length: connections }, () => drive(port, requests, turn, until, latencies)));
  const ms = performance.now() - startedAt;
  latencies.sort((a, b) => a - b);
  const quantile = (part) => latencies[Math.floor(part * (latencies.length - 1))];
  const count = latencies.length;
  return { requests: count, perSecond: (count * 1000) / ms, p50: quantile(0.5), p99: quantile(0.99) };
}

function drive(port, requests, turn, until, latencies) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1');
    let answer = '';
    let sentAt;
    const send = () => {
      answer = '';
      sentAt = performance.now();
      socket.write(requests[turn.next++ % requests.length]);
    };
    const fail = (reason) => {
      socket.destroy();
      reject(new Error(reason));
    };
    socket.on('connect', send);
    socket.on('error', ({ message }) => fail(message));
    socket.on('close', () => fail('the server closed the connection'));
    socket.setTimeout(PATIENCE_MS, () => fail('the server does not answer'));
    socket.on('data', (chunk) => {
      answer += chunk;
      if (!isComplete(answer)) return;
      if (!answer.startsWith('HTTP/1.1 2')) return fail(answer);
      const now = performance.now();
      latencies.push(now - sentAt);
      if (now < until) return send();
      resolve();
      socket.end();
    });
  });
}

function isComplete(answer) {
  const head = answer.indexOf(HEAD_END);
  if (head < 0) return false;
  const length = /^content-length: (\d+)/im.exec(answer)?.[1] ?? 0;
  return answer.length >= head + HEAD_END.length + Number(length);
}

// A process of its own that asks a server at fixed times and measures from the time at which it meant to ask: a delay
// that keeps a question from being asked counts as well.
import { collect, Connection, summaries } from './connection.mjs';

/** Milliseconds to wait for the last answers. */
const PATIENCE = 2000;

process.on('message', async (job) => process.send(await probe(job)));
process.on('disconnect', () => process.exit());

/**
 * @param job `probes`, each with a name, how often a second, and the messages it sends in turn
 * @returns of each name the answers by status, with the milliseconds they took
 */
async function probe({ port, seconds, probes }) {
  const connections = [];
  const idle = [];
  const pending = new Set();
  const took = Object.fromEntries(probes.map(({ name }) => [name, {}]));
  const startedAt = performance.now();
  await Promise.all(probes.map(ask));
  const left = Promise.all([...pending].map(({ answered }) => answered));
  await Promise.race([left, pause(PATIENCE)]);
  // The queue of the server is not waited for to the end: these count with their time so far.
  for (const { name, dueAt } of pending) collect(took[name], 'no answer yet', performance.now() - dueAt);
  for (const connection of connections) connection.close();
  return Object.fromEntries(Object.entries(took).map(([name, each]) => [name, summaries(each)]));

  async function ask({ name, perSecond, messages }) {
    const interval = 1000 / perSecond;
    for (let turn = 0; turn * interval < seconds * 1000; turn++) {
      const dueAt = startedAt + turn * interval;
      await pause(dueAt - performance.now());
      const question = { name, dueAt };
      pending.add(question);
      question.answered = answer(question, messages[turn % messages.length]);
    }
  }

  /** On a connection on which no other question waits. */
  async function answer(question, message) {
    const connection = idle.pop() ?? open();
    const { status, hasWaited } = await connection.send(message);
    if (!pending.delete(question)) return;
    collect(
      took[question.name],
      hasWaited ? `${status} after waiting` : status,
      performance.now() - question.dueAt,
    );
    idle.push(connection);
  }

  function open() {
    const connection = new Connection(port);
    connections.push(connection);
    return connection;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

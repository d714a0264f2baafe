import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { freePort } from './processes.mjs';

/** A stretch of network that can be slow, refuse, or swallow everything without a word. */
export class Wire {
  /** Milliseconds that every answer takes longer. */
  delayMs = 0;
  isSilent = false;
  sockets = new Set();

  static async to(target, port) {
    const wire = new Wire();
    wire.target = target;
    wire.port = port ?? (await freePort());
    await wire.accept();
    return wire;
  }

  async accept() {
    this.server = createServer((near) => this.carry(near)).listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** New connections meet a closed port. Those there are live on. */
  refuse() {
    this.server.close();
  }

  /** Nothing is lost, nothing arrives: neither bytes nor the end of a connection. */
  silence() {
    this.isSilent = true;
    for (const socket of this.sockets) socket.pause();
  }

  /** New connections work. Those of before never say a word again, like those of a machine that was replaced. */
  speak() {
    this.isSilent = false;
    for (const socket of this.sockets) socket.isLost = true;
  }

  carry(near) {
    const far = connect(this.target, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      this.sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (chunk) => this.pass(chunk, from, to));
      from.on('error', () => undefined);
      from.on('close', () => {
        this.sockets.delete(from);
        // The news of an end gets lost with the rest.
        if (!this.isSilent && !from.isLost) to.destroy();
      });
      if (this.isSilent) from.pause();
    }
  }

  pass(chunk, from, to) {
    if (this.isSilent || from.isLost) return;
    from.queue ??= [];
    // Half of the delay on each way. Behind what is still under way nothing overtakes.
    if (this.delayMs === 0 && from.queue.length === 0) to.write(chunk);
    else if (from.queue.push({ chunk, at: performance.now() + this.delayMs / 2 }) === 1)
      this.deliver(from, to);
  }

  deliver(from, to) {
    const wait = Math.max(0, from.queue[0].at - performance.now());
    setTimeout(() => {
      to.write(from.queue.shift().chunk);
      if (from.queue.length > 0) this.deliver(from, to);
    }, wait);
  }

  /** What was lost is forgotten on the far side too, as by its keep-alive in the end. */
  bury() {
    for (const socket of this.sockets) if (socket.isLost) socket.destroy();
  }
}

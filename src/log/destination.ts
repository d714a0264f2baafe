import { constants, fstatSync, openSync } from 'node:fs';
import { SonicBoom } from 'sonic-boom';

/** Bytes of lines that wait for a slow reader; what comes on top is dropped, and counted. */
const ROOM = 1024 * 1024;
/**
 * Lines leave together: once there are so many characters of them, or after so many milliseconds. One by one they would
 * cost a request a tenth of its time. What a killed process had not written yet is lost; one that ends itself writes all.
 */
const BATCH = 16 * 1024;
const BATCH_MS = 50;
const STDOUT = 1;

/**
 * Where the lines of the log go: standard output, without ever waiting for whoever reads it. A reader that has stopped
 * costs lines, not requests, and one that has gone costs nothing: neither ends the process.
 */
export class LogDestination {
  private readonly boom: SonicBoom;
  /** Not left to SonicBoom, which looks through all that waits at each further line. */
  private batch = '';
  private timer?: NodeJS.Timeout;
  private droppedLines = 0;
  private hasFailed = false;

  constructor(fd = openStdout()) {
    this.boom = new SonicBoom({ fd, sync: false, maxLength: ROOM });
    this.boom.on('drop', (batch: string) => (this.droppedLines += linesOf(batch)));
    // A closed pipe, a full disk. What is written later finds out by itself whether that is over.
    this.boom.on('error', () => (this.hasFailed = true));
  }

  /** Lines that were given up since the start. */
  get dropped(): number {
    return this.droppedLines;
  }

  /** Whether a write has ever failed. */
  get isBroken(): boolean {
    return this.hasFailed;
  }

  write(line: string): void {
    this.batch += line;
    if (this.batch.length >= BATCH) this.send();
    else this.timer ??= setTimeout(() => this.send(), BATCH_MS).unref();
  }

  /** Resolves when what was written has gone out, or after so many milliseconds. */
  async flushed(ms: number): Promise<void> {
    this.send();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.boom.flush(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private send(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { batch } = this;
    this.batch = '';
    if (batch !== '') this.boom.write(batch);
  }
}

/** Each line of the log ends with the only line feed in it. */
function linesOf(batch: string): number {
  return batch.split('\n').length - 1;
}

let destination: LogDestination | undefined;

/** The one of this process. */
export function logDestination(): LogDestination {
  return (destination ??= new LogDestination());
}

/**
 * A pipe is opened anew, without blocking: else a write that finds it full would hold one of libuv's few threads until
 * the reader goes on, and keep the process from ending. What is no pipe, or no Linux, is used as it is.
 */
function openStdout(): number {
  try {
    if (fstatSync(STDOUT).isFIFO())
      return openSync(`/proc/self/fd/${STDOUT}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // No /proc, or nothing that can be opened twice.
  }
  return STDOUT;
}

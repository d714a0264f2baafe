// What Linux says of processes (proc_pid_stat(5), proc_pid_status(5)).
import { readFileSync } from 'node:fs';

/** The kernel counts CPU time in hundredths of a second (`getconf CLK_TCK`). */
const TICK_MS = 10;
/** Fields are counted from after the name of the program, which may hold spaces and brackets. */
const PARENT = 1;
const [USER, KERNEL, ENDED_USER, ENDED_KERNEL] = [11, 12, 13, 14];

/** Milliseconds on a core since its start: all threads, user and kernel. */
export function cpuMs(pid) {
  return sum(statOf(pid), [USER, KERNEL]) * TICK_MS;
}

/** The same of a process and its children, those that have ended included. */
export function familyCpuMs(pid) {
  const own = sum(statOf(pid), [USER, KERNEL, ENDED_USER, ENDED_KERNEL]);
  const living = childrenOf(pid).map((child) => sum(statOf(child), [USER, KERNEL]));
  return living.reduce((total, ticks) => total + ticks, own) * TICK_MS;
}

export function parentOf(pid) {
  return Number(statOf(pid)[PARENT]);
}

/** Megabytes (10⁶ bytes) in memory, now and at most so far. */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (name) =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)[1]) * 1024) / 1e6;
  return { now: megabytes('VmRSS'), most: megabytes('VmHWM') };
}

function childrenOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? [] : children.split(' ');
}

/** Empty for a process that has just ended. */
function statOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return [];
    throw error;
  }
}

const sum = (fields, positions) =>
  positions.reduce((total, position) => total + Number(fields[position] ?? 0), 0);

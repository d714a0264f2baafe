// What is promised of the lines of a table. All figures of a target come from one round: what disturbs the machine
// disturbs all of them.

/** One line over another, by CPU. */
export function ratio(line, over, promise) {
  return {
    says: `CPU: ${line} / ${over}`,
    lines: [line, over],
    value: (round) => round[line].cpu / round[over].cpu,
    ...promise,
  };
}

/** Of one line, in milliseconds of CPU. */
export function cpuOf(line, promise) {
  return { says: `CPU ms: ${line}`, lines: [line], value: (round) => round[line].cpu, ...promise };
}

/** One line over another, by what is done in a second. */
export function throughput(line, over, promise) {
  return {
    says: `throughput: ${line} / ${over}`,
    lines: [line, over],
    value: (round) => round[line].perSecond / round[over].perSecond,
    ...promise,
  };
}

/**
 * A core that sleeps is woken by whoever sends it something, at the sender's expense: the slower a server, the more often
 * it would have to pay for that, up to a third of its time. So this core does not sleep while it measures.
 *
 * @returns what lets it sleep again
 */
export function keepAwake() {
  let isOn = true;
  const turn = () => isOn && setImmediate(turn);
  turn();
  return () => (isOn = false);
}

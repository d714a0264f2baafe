import ipaddr from 'ipaddr.js';

/**
 * What counts as one client: an IPv4 address, or the /64 of an IPv6 one, which is what a single customer is handed and
 * can choose from freely (RFC 6177). An IPv4 address mapped into IPv6 is the IPv4 address; spellings are equal.
 *
 * @param address as `clientInfoOf` gives it: always a valid address, without zone or port
 */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  const prefix = (parsed as ipaddr.IPv6).parts.slice(0, 4).map((part) => part.toString(16));
  return `${prefix.join(':')}::/64`;
}

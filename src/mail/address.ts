/** Of a dot-atom and a domain in ASCII; stricter than RFC 5321 on purpose. */
const SENDABLE = /^[\w!#$%&'*+/=?^`{|}~.-]{1,64}@[a-z\d-]+(\.[a-z\d-]+)+$/i;

export interface NamedAddress {
  name: string;
  address: string;
}

/**
 * Whether a letter may go to this address. Mail libraries have sent letters elsewhere for the sake of quotes, commas,
 * angle brackets and control characters in an address (CVE-2025-13033); none of them is let near one.
 */
export function isSendable(address: string): boolean {
  return address.length <= 254 && SENDABLE.test(address);
}

/** Takes `Name <address>` or a bare address apart, as the configuration admits them. */
export function parseMailbox(value: string): NamedAddress {
  const [, name = '', address = value] = /^(.*?) <(.+)>$/.exec(value) ?? [];
  return { name, address };
}

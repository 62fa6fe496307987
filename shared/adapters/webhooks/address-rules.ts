import { BlockList, isIP } from 'node:net';

/**
 * Addresses that no webhook may reach, with `allowPrivate` or without: link-local with the metadata services of the
 * clouds, Azure's platform address 168.63.129.16, unspecified, multicast, reserved.
 */
const NEVER = blockList([
  '0.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '100.100.100.200/32',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
]);

/** Not globally reachable. Source: IANA IPv4 Special-Purpose Address Registry (RFC 6890), read 2026-11. */
const PRIVATE_V4 = blockList([
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
]);

/** All of IPv6 that is given out for global use; what is outside (loopback, fc00::/7, mapped, NAT64 …) is refused. */
const GLOBAL_V6 = blockList(['2000::/3']);
/** Within it: protocol assignments with Teredo and ORCHID, documentation, and 6to4, which can carry any IPv4 address. */
const SPECIAL_V6 = blockList(['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);

/** Whether a connection to this address must be refused. `address` as text, as a resolver gives it. */
export function isRefusedAddress(address: string, allowPrivate: boolean): boolean {
  const version = isIP(address);
  if (version === 0) return true;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (NEVER.check(address, family)) return true;
  if (allowPrivate) return false;
  if (version === 4) return PRIVATE_V4.check(address, family);
  return !GLOBAL_V6.check(address, family) || SPECIAL_V6.check(address, family);
}

function blockList(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', prefix] = subnet.split('/');
    list.addSubnet(address, Number(prefix), address.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}

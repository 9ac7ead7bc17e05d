import { PORTS } from '../config/index.ts';
import type { GatewayListener, GatewayPorts } from '../model/index.ts';

/** Proxies are no root, and open every port this much higher. */
export const PORT_OFFSET = 8000;

/** Where proxies listen that are deployed from here. */
export const DEPLOYED_PORTS: GatewayPorts = {
  offset: PORT_OFFSET,
  taken: [PORTS.admin, PORTS.outbound, PORTS.inbound, PORTS.health],
};

const highest = 65_535;

/** Why no proxy can open a listener's port, and what to write instead; undefined where it can. */
export function whyNoPort(
  { port, protocol }: Pick<GatewayListener, 'port' | 'protocol'>,
  { offset, taken }: GatewayPorts = DEPLOYED_PORTS,
): string | undefined {
  const opened = port + offset;
  const where = `port ${port} cannot be opened: proxies listen on ${opened} for it (${offset} higher)`;
  if (opened > highest) return `${where}, and ports end at ${highest}; take one up to ${highest - offset}`;
  // What is taken is taken of TCP.
  if (protocol === 'udp' || !taken.includes(opened)) return undefined;
  return `${where}, which is a port of their own; take another one`;
}

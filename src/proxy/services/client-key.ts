/**
 * What a client is known by for consistent hashing: its address without the port. An app that was told of its proxy calls from
 * loopback, as everybody's does: then it is the pod's address that tells one caller from another.
 */
export function clientKey(downstream: string, ownAddress: string): string {
  const address = downstream.slice(0, downstream.lastIndexOf(':'));
  return address.startsWith('127.') || address === '[::1]' ? ownAddress : address;
}

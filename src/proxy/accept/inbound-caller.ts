import type { Head } from '../../http/index.ts';
import type { Peer } from '../../model/index.ts';
import { UNKNOWN_PEER } from '../../telemetry/index.ts';
import { newRequestId, REQUEST_ID } from '../exchange/request-id.ts';

const forwardedFor = Buffer.from('x-forwarded-for', 'latin1');
const clientCertificate = Buffer.from('x-forwarded-client-cert', 'latin1');
const hostName = Buffer.from('host', 'latin1');

/** Who calls on an inbound connection, as its requests tell the app. */
export class InboundCaller {
  peer: Peer = UNKNOWN_PEER;
  /** Whether it has shown a certificate of the mesh. */
  mutualTls = false;
  /** Whether that is of another trust domain, whose namespaces are not ours. */
  isForeign = false;
  /** The pod that calls: where the connection comes from, unless its proxy says otherwise. */
  #address: string;
  #forwardedFor: Buffer | undefined;
  #certificate: Buffer | undefined;

  constructor(address: string) {
    this.#address = address;
  }

  /** A proxy has proved who it is. `address`: of its pod; '' where it says none. */
  proved(peer: Peer, address: string, isForeign = false): void {
    this.peer = peer;
    this.mutualTls = true;
    this.isForeign = isForeign;
    if (address !== '') this.#address = address;
  }

  /** What every request of the connection says to the app. `own`: this proxy's principal; `host`: for requests that name none. */
  introduce(head: Head, own: string, host: string): void {
    if (head.forwardedFor < 0) {
      this.#forwardedFor ??= Buffer.from(this.#address, 'latin1');
      head.add(forwardedFor, this.#forwardedFor);
    }
    // Only we may say who the client is: what it says itself is taken out.
    if (head.clientCertificate >= 0) head.remove(head.clientCertificate);
    if (this.mutualTls) {
      this.#certificate ??= Buffer.from(`By=${own};URI=${this.peer.principal}`, 'latin1');
      head.add(clientCertificate, this.#certificate);
    }
    if (head.requestId < 0) head.add(REQUEST_ID, newRequestId());
    if (head.host < 0) head.add(hostName, Buffer.from(host, 'latin1'));
  }
}

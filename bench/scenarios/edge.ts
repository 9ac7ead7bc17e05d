// The way in: `weft-proxy gateway` as it is shipped beside HAProxy and nginx, each with one core. Clients speak HTTP/1 or
// HTTP/2, in clear or over TLS; the backend HTTP/1. Handshakes are connections of one request.
import type { Edge } from '../peers/index.ts';
import { fastBackend } from './backends.ts';
import { fullHandshakes, h2load } from './http2.ts';
import { closedLoop, handshakes } from './loads.ts';
import { type Comparison, compare, type Load } from './rounds.ts';
import type { Scenario } from './scenario.interface.ts';

function scenario(name: string, title: string, edge: Edge, load: Load, unit = 'request'): Scenario {
  const comparison = (quick: boolean): Comparison => ({
    job: { protocol: 'http', topology: 'hop', edge },
    backend: stage => fastBackend(stage),
    load,
    seconds: quick ? 2 : 5,
  });
  return {
    name,
    title,
    unit,
    run: (proxies, settings) => compare(comparison(settings.quick), proxies, settings),
  };
}

/** In the order in which they run. */
export const edgeScenarios: readonly Scenario[] = [
  scenario('edge-http1', 'an edge, HTTP/1 in clear', { clients: 'http1' }, closedLoop()),
  scenario(
    'edge-tls',
    'an edge, HTTP/1 over TLS',
    { clients: 'http1', tls: 'ecdsa' },
    closedLoop({ tls: true }),
  ),
  scenario('edge-h2c', 'an edge, HTTP/2 in clear, 10 streams each', { clients: 'http2' }, h2load(10, false)),
  scenario(
    'edge-h2',
    'an edge, HTTP/2 over TLS, 10 streams each',
    { clients: 'http2', tls: 'ecdsa' },
    h2load(10, false, 'https'),
  ),
  scenario(
    'edge-handshakes',
    'an edge, a full TLS handshake (ECDSA P-256) for each request',
    { clients: 'http1', tls: 'ecdsa' },
    fullHandshakes,
    'handshake',
  ),
  scenario(
    'edge-handshakes-rsa',
    'an edge, a full TLS handshake (RSA 2048) for each request',
    { clients: 'http1', tls: 'rsa' },
    fullHandshakes,
    'handshake',
  ),
  scenario(
    'edge-resumed',
    'an edge, a resumed TLS session for each request',
    { clients: 'http1', tls: 'ecdsa' },
    handshakes('resumed'),
    'handshake',
  ),
  scenario(
    'edge-handshakes-hybrid',
    'an edge, a full TLS handshake with hybrid key exchange, where the server has it, for each request',
    { clients: 'http1', tls: 'ecdsa' },
    handshakes('hybrid'),
    'handshake',
  ),
];

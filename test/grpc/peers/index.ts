// Implementations of gRPC that are tried with each other. Only @grpc/grpc-js comes with the project; every other is named by an
// environment variable, and left out by name where that says nothing (.ci/build-grpc-peers makes them).
import { join } from 'node:path';
import type { Command, GrpcPeer } from './peer.interface.ts';

export type { Command, GrpcPeer } from './peer.interface.ts';

const js = (program: string): string => join(import.meta.dirname, 'js', program);
const python = (program: string): string => join(import.meta.dirname, 'python', program);

/** What a variable says; where it says nothing, `missing` has its name. */
const given = (variable: string): string => process.env[variable] ?? '';
const missing = (...variables: readonly string[]) => {
  const unset = variables.filter(each => given(each) === '');
  return unset.length > 0 && `${unset.join(' and ')} name${unset.length === 1 ? 's' : ''} none`;
};

const grpcJs: GrpcPeer = {
  name: 'grpc-js',
  missing: () => false,
  server: port => [process.execPath, js('server.ts'), `--port=${port}`],
  client: (port, cases) => [process.execPath, js('client.ts'), `--port=${port}`, `--cases=${cases}`],
};

/** The interop programs of google.golang.org/grpc. */
const grpcGo: GrpcPeer = {
  name: 'grpc-go',
  missing: () => missing('WEFT_GRPC_INTEROP_CLIENT', 'WEFT_GRPC_INTEROP_SERVER'),
  server: port => [given('WEFT_GRPC_INTEROP_SERVER'), `-port=${port}`],
  client: (port, cases) => [
    given('WEFT_GRPC_INTEROP_CLIENT'),
    '-server_host=127.0.0.1',
    `-server_port=${port}`,
    `-test_case=${cases}`,
  ],
  oneByOne: true,
};

/** WEFT_GRPC_PYTHON: a Python with grpcio and grpcio-tools. */
const grpcio: GrpcPeer = {
  name: 'grpcio',
  missing: () => missing('WEFT_GRPC_PYTHON'),
  server: port => [given('WEFT_GRPC_PYTHON'), python('server.py'), `--port=${port}`],
  client: (port, cases) => [
    given('WEFT_GRPC_PYTHON'),
    python('client.py'),
    `--port=${port}`,
    `--cases=${cases}`,
  ],
};

/** WEFT_GRPC_JAVA: a folder with the jars of grpc-netty-shaded, grpc-stub and protobuf-java, and java/Peer.java compiled. */
const grpcJava: GrpcPeer = {
  name: 'grpc-java',
  missing: () => missing('WEFT_GRPC_JAVA'),
  server: port => java('server', `${port}`),
  client: (port, cases) => java('client', `${port}`, `${cases}`),
};
const java = (...args: readonly string[]): Command => {
  const folder = given('WEFT_GRPC_JAVA');
  return ['java', '-cp', `${folder}:${join(folder, '*')}`, 'Peer', ...args];
};

export const PEERS: readonly GrpcPeer[] = [grpcJs, grpcGo, grpcio, grpcJava];

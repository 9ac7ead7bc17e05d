import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { listeningPlaces, listeningSockets } from './listening-sockets.ts';

test('every socket that this process listens on is found, and no other', async t => {
  const servers = ['127.0.0.1', '::1'].map(host => createServer().listen(0, host));
  t.after(() => servers.forEach(server => void server.close()));
  await Promise.all(servers.map(server => once(server, 'listening')));
  const before = listeningSockets();
  for (const server of servers) {
    const { address, port } = server.address() as AddressInfo;
    assert.equal(before.filter(each => each.address === address && each.port === port).length, 1);
  }
  const [first] = servers;
  const { port } = first!.address() as AddressInfo;
  first!.close();
  await once(first!, 'close');
  assert.equal(listeningSockets().length, before.length - 1);
  assert.equal(
    listeningSockets().some(each => each.port === port),
    false,
  );
});

test('addresses of the tables of the kernel are written as listeners have them', () => {
  const row = (local: string, state: string, inode: string): string =>
    `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1337        0 ${inode} 1 0`;
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    row('0100007F:3A98', '0A', '11'),
    row('00000000:3AAE', '0A', '12'),
    row('0100007F:3A99', '01', '13'),
    row('00000000000000000000000000000000:3AAC', '0A', '14'),
    row('00000000000000000000000001000000:0050', '0A', '15'),
  ].join('\n');
  assert.deepEqual(listeningPlaces(table), [
    ['11', { address: '127.0.0.1', port: 15000 }],
    ['12', { address: '0.0.0.0', port: 15022 }],
    ['14', { address: '::', port: 15020 }],
    ['15', { address: '::1', port: 80 }],
  ]);
});

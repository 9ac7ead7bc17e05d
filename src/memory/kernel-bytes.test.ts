import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelBytesOfGroup } from './kernel-bytes.ts';

const bytesOf = (files: Readonly<Record<string, string>>): number =>
  kernelBytesOfGroup(path => files[path])();

test('version 2 tells kernel and sockets, under the path of the group or at the top', () => {
  const stat =
    'anon 1000\nfile 5000\nkernel 300\nkernel_stack 100\npagetables 50\nsock 40\nslab_unreclaimable 7\n';
  const own = { '/proc/self/cgroup': '0::/kubepods/pod1\n' };
  assert.equal(bytesOf({ ...own, '/sys/fs/cgroup/kubepods/pod1/memory.stat': stat }), 340);
  assert.equal(bytesOf({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.stat': stat }), 340);
  assert.equal(bytesOf({ ...own, '/sys/fs/cgroup/memory.stat': stat }), 340);
});

test('an older version 2 tells its parts', () => {
  const stat = 'anon 1000\nkernel_stack 100\npagetables 50\nsock 40\nslab_unreclaimable 7\n';
  assert.equal(bytesOf({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.stat': stat }), 197);
});

test('version 1 tells one number', () => {
  const groups = '5:cpu,cpuacct:/a\n4:memory:/docker/1\n0::/\n';
  const file = '/sys/fs/cgroup/memory/docker/1/memory.kmem.usage_in_bytes';
  assert.equal(bytesOf({ '/proc/self/cgroup': groups, [file]: '7532544\n' }), 7_532_544);
  assert.equal(
    bytesOf({ '/proc/self/cgroup': groups, '/sys/fs/cgroup/memory/memory.kmem.usage_in_bytes': '12\n' }),
    12,
  );
});

test('where the kernel does not tell it is nothing, and what is gone later is nothing, too', () => {
  assert.equal(bytesOf({}), 0);
  assert.equal(bytesOf({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.stat': 'anon 5\n' }), 0);
  const files: Record<string, string> = {
    '/proc/self/cgroup': '0::/\n',
    '/sys/fs/cgroup/memory.stat': 'kernel 3\nsock 0\n',
  };
  const bytes = kernelBytesOfGroup(path => files[path]);
  delete files['/sys/fs/cgroup/memory.stat'];
  assert.equal(bytes(), 0);
});

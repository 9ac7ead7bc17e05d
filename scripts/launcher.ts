/**
 * What dist/PROGRAM.mjs says: loads the program, or tells that this Node is too old for it. Of the program itself an older Node
 * understands neither the syntax nor its imports, and nothing that stands in its file could say so; hence a file of its own, in
 * words of Node 12. `path`: of the program, from the launcher; CommonJS is required, since import() would first look what it
 * exports.
 */
export function launcher(program: string, path: string, needed = 24): string {
  return `#!/usr/bin/env node
if (Number(process.versions.node.split('.')[0]) < ${needed}) {
  console.error(
    '${program} needs Node ${needed} or newer, and this is ' + process.version + ' (' + process.execPath + '); ' +
      'install it from nodejs.org, or let "make setup" fetch it and run, in the checkout: export PATH="$(dirname "$(scripts/toolchain.sh node)"):$PATH"'
  );
  process.exit(1);
}
${
  path.endsWith('.cjs')
    ? `process.getBuiltinModule('module').createRequire(import.meta.url)('./${path}');`
    : `import('./${path}');`
}
`;
}

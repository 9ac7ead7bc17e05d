// Writes dist/sbom/<image>.cdx.json: what each image holds, in CycloneDX, made by npm itself (`npm sbom`) and cut to the
// packages that are in the image's programs. Fails where a licence is none that may be shipped. `--check` writes nothing.
// node scripts/sbom.ts [--check]
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { pagePlugin } from '../src/dashboard/assets/index.ts';

/** Licences that ask for no more than to be named. */
const free = /^(?:MIT|MIT-0|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD|Unlicense|CC0-1\.0|BlueOak-1\.0\.0)$/;

/** Of a choice of several the first that is free counts, whatever npm writes around it. */
const choice = /\s+OR\s+|[()]/;

/** What each image holds beside npm packages: the first column of its Dockerfile's lines. */
const images = {
  'weft-proxy': { programs: ['weft-proxy'], dockerfile: 'Dockerfile.sidecar', outside: ['koffi'] },
  'weft-injector': { programs: ['weft-injector', 'weft'], dockerfile: 'Dockerfile.injector', outside: [] },
} as const;

interface Component {
  readonly name: string;
  readonly version?: string;
  readonly group?: string;
  readonly licenses?: readonly {
    readonly license?: { readonly id?: string; readonly name?: string };
    readonly expression?: string;
  }[];
  readonly [field: string]: unknown;
}

interface Bom {
  readonly components: readonly Component[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

const check = process.argv.includes('--check');
const all = JSON.parse(
  execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx'], { encoding: 'utf8', maxBuffer: 64 << 20 }),
) as Bom;

let refused = 0;
for (const [image, { programs, dockerfile, outside }] of Object.entries(images)) {
  const packages = new Set<string>([...(await bundled(programs)), ...outside]);
  const components = all.components.filter(each => packages.has(nameOf(each)));
  for (const each of components) {
    const names = licencesOf(each);
    if (names.some(name => free.test(name))) continue;
    refused++;
    console.error(
      `${image}: ${nameOf(each)} ${each.version ?? ''} is under ${names.join(', ') || 'no licence'}`,
    );
  }
  console.log(
    `${image}: ${components.length} npm packages, ${[...new Set(components.flatMap(licencesOf))].sort().join(', ')}`,
  );
  if (check) continue;
  mkdirSync('dist/sbom', { recursive: true });
  const component = { type: 'container', name: image, licenses: [{ license: { id: 'Apache-2.0' } }] };
  const bom = {
    ...all,
    metadata: { ...all.metadata, component },
    components: [...components, ...systemParts(dockerfile)],
    dependencies: undefined,
  };
  writeFileSync(`dist/sbom/${image}.cdx.json`, `${JSON.stringify(bom, undefined, 2)}\n`);
}
if (refused > 0) process.exitCode = 1;

/** Names of the npm packages in these programs, the page of the dashboard included. */
async function bundled(programs: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>();
  const note = (inputs: Readonly<Record<string, unknown>>): void => {
    for (const path of Object.keys(inputs)) {
      const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(path)?.[1];
      if (name !== undefined) found.add(name);
    }
  };
  const common = { bundle: true, write: false, metafile: true, logLevel: 'warning' } as const;
  const { metafile } = await build({
    ...common,
    entryPoints: programs.map(program => `src/main/${program}.ts`),
    ...{ outdir: 'out', platform: 'node', format: 'esm', splitting: true, external: ['koffi'] },
    plugins: [pagePlugin(build)],
  });
  note(metafile.inputs);
  if (programs.includes('weft-injector')) {
    const page = await build({
      ...common,
      entryPoints: ['dashboard/app.tsx'],
      outdir: 'out',
      jsx: 'automatic',
      jsxImportSource: 'preact',
    });
    note(page.metafile.inputs);
  }
  return [...found];
}

/** Node, and what the image takes from Debian: its Dockerfile names the versions or leaves them to the base image. */
function systemParts(dockerfile: string): readonly object[] {
  const text = readFileSync(dockerfile, 'utf8');
  const node = /^ARG NODE_VERSION=([\d.]+)-(\w+)/m.exec(text);
  const debian =
    /apt-get install -y --no-install-recommends ([^\\\n]*)/.exec(text)?.[1]?.trim().split(/\s+/) ?? [];
  return [
    { type: 'platform', name: 'node', version: node?.[1], purl: `pkg:generic/node@${node?.[1]}` },
    ...debian
      // Only used while the image is built.
      .filter(name => name !== 'binutils')
      .concat('libc6', 'libstdc++6')
      .map(name => ({
        type: 'library',
        name,
        purl: `pkg:deb/debian/${encodeURIComponent(name)}?distro=${node?.[2]}`,
      })),
  ];
}

function nameOf({ name, group }: Component): string {
  return group === undefined || name.startsWith('@') ? name : `${group}/${name}`;
}

function licencesOf({ licenses = [] }: Component): readonly string[] {
  return licenses.flatMap(({ license, expression }) =>
    (license?.id ?? license?.name ?? expression ?? '')
      .split(choice)
      .map(each => each.trim())
      .filter(Boolean),
  );
}

import { type Command, Option } from 'commander';
import { auditOf, auditText } from './authz/audit.ts';
import { checkOf, checkText } from './authz/check.ts';
import { gatherFiles } from './authz/suggest/gather.ts';
import { prove } from './authz/suggest/prove.ts';
import { proofWords } from './authz/suggest/text.ts';
import { registerSuggest } from './authz/suggest.ts';
import { guarded } from './guarded.ts';
import { loadMesh, type MeshFlags, meshFlags } from './mesh/index.ts';
import { screenOf } from './table.ts';

const checkHelp = `
Sends nothing. It asks the code that proxies run: for each caller, each workload that it may call and each port, whether the request passes,
and which rule of which policy says so. Without a request it asks for GET /.

Examples:
  weft authz check -f manifests/
  weft authz check GET /admin --to shop/cart -f manifests/
  weft authz check POST /orders --from shop/web --to shop/cart -H 'x-tenant: a'
  weft authz check --bytes --to shop/redis
  weft authz check GET /admin --to gateway/shop/edge
  weft authz check --observed seen.jsonl -f manifests/     # what weft tap -o json has printed: would all of it still be allowed?`;

const auditHelp = `
For each workload: the policies that hold for it, those that are only tried, and who may call it without any. Then what is wrong with policies of
authorization (weft analyze has all findings).

Examples:
  weft authz audit
  weft authz audit -f manifests/`;

/** Flags of both. */
export interface AuthzFlags extends MeshFlags {
  readonly namespace?: string;
  readonly output: string;
}

/** Flags of `check`. */
export interface CheckFlags extends AuthzFlags {
  readonly from?: string;
  readonly to?: string;
  readonly host?: string;
  readonly header: readonly string[];
  readonly bytes?: boolean;
  readonly observed?: readonly string[];
}

/** Adds the command `authz`. */
export function register(program: Command): void {
  const authz = program
    .command('authz')
    .summary('tell who may call what')
    .description('tell who may call what');
  const check = authz
    .command('check')
    .summary('who may call what, and the rule that decides')
    .description('who may call what, and the rule that decides')
    .argument('[method]', 'GET unless told')
    .argument('[path]', 'with its query; / unless told');
  common(check)
    .option('--from <workload>', 'who calls: NAMESPACE/NAME; everybody and a client in plaintext unless told')
    .option(
      '--to <workload>',
      'who is called: NAMESPACE/NAME, or gateway/NAMESPACE/NAME; every workload and every gateway with policies unless told',
    )
    .option('--host <name>', 'the Host of the request; the name of the Service unless told')
    .option('-H, --header <line>', "a header of the request, 'name: value'; may be repeated", collect, [])
    .option('--bytes', 'a connection whose bytes are not read, instead of a request')
    .option(
      '--observed <file...>',
      'instead of one request all that weft tap or weft logs printed with -o json; - for stdin. Ends with 1 where one would be refused',
    )
    .addHelpText('after', checkHelp)
    .action(
      guarded(async (method: string | undefined, path: string | undefined, flags: CheckFlags) => {
        if (flags.observed !== undefined) return checkObserved(flags.observed, flags);
        const answers = checkOf(await loadMesh(flags), method ?? 'GET', path ?? '/', flags);
        print(flags, answers, () => checkText(answers, screenOf()));
      }),
    );
  const audit = authz
    .command('audit')
    .summary('which policies hold for which workload, and what is wrong with them')
    .description('which policies hold for which workload, and what is wrong with them');
  common(audit)
    .addHelpText('after', auditHelp)
    .action(
      guarded(async (flags: AuthzFlags) => {
        const report = auditOf(await loadMesh(flags), flags);
        print(flags, report, () => auditText(report, screenOf()));
      }),
    );
  registerSuggest(authz);
}

async function checkObserved(files: readonly string[], flags: CheckFlags): Promise<void> {
  const mesh = await loadMesh(flags);
  const proof = prove(mesh, (await gatherFiles(files, mesh)).observed);
  print(flags, proof, () => proofWords(proof));
  if (proof.refused.length > 0) process.exitCode = 1;
}

function common(command: Command): Command {
  return meshFlags(command)
    .option('-n, --namespace <name>', 'only workloads of this namespace are called')
    .addOption(new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'));
}

function print({ output }: AuthzFlags, value: unknown, text: () => readonly string[]): void {
  process.stdout.write(
    output === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : `${text().join('\n')}\n`,
  );
}

function collect(line: string, before: readonly string[]): readonly string[] {
  return [...before, line];
}

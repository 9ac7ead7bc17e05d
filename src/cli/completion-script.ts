// Completion scripts, made from the commands themselves. In: a commander program. Out: text for bash, zsh or fish. The scripts
// know every command and flag and ask nobody while one types.
import type { Command } from 'commander';

/** The shells that there is a script for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** One of SHELLS. */
export type Shell = (typeof SHELLS)[number];

/** What may follow a command path such as `sandbox up`. */
interface Node {
  /** Words after `weft`; '' for weft itself. */
  readonly path: string;
  readonly commands: readonly Entry[];
  readonly flags: readonly Flag[];
}

interface Entry {
  readonly name: string;
  readonly summary: string;
}

interface Flag extends Entry {
  readonly takesValue: boolean;
  /** Allowed values, where they are known. */
  readonly choices: readonly string[];
}

/** The script for `shell`. */
export function completionScript(shell: Shell, program: Command): string {
  const nodes = nodesOf(program, '');
  return { bash, zsh, fish }[shell](nodes);
}

function nodesOf(command: Command, path: string): Node[] {
  const commands = command.commands.filter(each => each.name() !== 'help');
  const flags = command.options
    .filter(option => !option.hidden)
    .flatMap(option =>
      [option.long, option.short].filter(Boolean).map(name => ({
        name: name!,
        summary: firstLine(option.description),
        takesValue: option.required || option.optional,
        choices: option.argChoices ?? [],
      })),
    );
  flags.push({ name: '--help', summary: 'explain this command', takesValue: false, choices: [] });
  const entries = commands.map(each => ({
    name: each.name(),
    summary: firstLine(each.summary() || each.description()),
  }));
  const below = commands.flatMap(each => nodesOf(each, `${path} ${each.name()}`.trim()));
  return [{ path, commands: entries, flags }, ...below];
}

function firstLine(text: string): string {
  return text.split('\n')[0]!.trim();
}

/** For the inside of single quotes. */
function quoted(text: string): string {
  return text.replaceAll("'", "'\\''");
}

/** Walks over the words before the cursor; what is no flag and goes on a path is part of it. */
function bash(nodes: readonly Node[]): string {
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  const cases = nodes.map(({ path, commands, flags }) => {
    const words = [...commands, ...flags].map(({ name }) => name).join(' ');
    return `    '${path}') words='${words}' ;;`;
  });
  const values = nodes.flatMap(({ path, flags }) =>
    flags
      .filter(({ choices }) => choices.length > 0)
      .map(({ name, choices }) => `    '${path} ${name}') values='${choices.join(' ')}' ;;`),
  );
  return `# bash completion of weft
_weft() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev='' path='' words='' values='' word next each i
  local -a paths=(${paths.join(' ')})
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    prev=$word
    next="\${path:+$path }$word"
    for each in "\${paths[@]}"; do
      if [[ $each == "$next" ]]; then path=$next; break; fi
    done
  done
  case "$path $prev" in
${values.join('\n')}
  esac
  if [[ -n $values ]]; then
    COMPREPLY=($(compgen -W "$values" -- "$cur"))
    return
  fi
  case $path in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ \${#COMPREPLY[@]} -eq 0 ]]; then COMPREPLY=($(compgen -f -- "$cur")); fi
}
complete -o filenames -F _weft weft
`;
}

function zsh(nodes: readonly Node[]): string {
  const colons = (text: string) => quoted(text).replaceAll(':', '\\:');
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  const cases = nodes.map(({ path, commands, flags }) => {
    const lines = [...commands, ...flags].map(
      ({ name, summary }) => `      '${colons(name)}:${colons(summary)}'`,
    );
    return `    '${path}') choices=(\n${lines.join('\n')}\n    ) ;;`;
  });
  const values = nodes.flatMap(({ path, flags }) =>
    flags
      .filter(({ choices }) => choices.length > 0)
      .map(({ name, choices }) => `    '${path} ${name}') compadd ${choices.join(' ')}; return ;;`),
  );
  return `#compdef weft
# zsh completion of weft
_weft() {
  local trail='' prev='' word next i
  local -a choices paths
  paths=(${paths.join(' ')})
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    prev=$word
    next="\${trail:+$trail }$word"
    if ((\${paths[(Ie)$next]})); then trail=$next; fi
  done
  case "$trail $prev" in
${values.join('\n')}
  esac
  case $trail in
${cases.join('\n')}
  esac
  _describe 'weft' choices || _files
}
if [[ \${funcstack[1]} == _weft ]]; then _weft "$@"; else compdef _weft weft; fi
`;
}

function fish(nodes: readonly Node[]): string {
  const lines = ['# fish completion of weft', 'complete -c weft -e'];
  for (const { path, commands, flags } of nodes) {
    const words = path.split(' ').filter(Boolean);
    const seen = words.map(word => `__fish_seen_subcommand_from ${word}`);
    const names = commands.map(({ name }) => name).join(' ');
    const open = [...seen, ...(names === '' ? [] : [`not __fish_seen_subcommand_from ${names}`])].join(
      '; and ',
    );
    for (const { name, summary } of commands) {
      lines.push(`complete -c weft -f -n '${open}' -a '${name}' -d '${quoted(summary)}'`);
    }
    for (const { name, summary, takesValue, choices } of flags) {
      const flag = name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`;
      const value = choices.length > 0 ? ` -x -a '${choices.join(' ')}'` : takesValue ? ' -r' : '';
      lines.push(`complete -c weft -n '${open}' ${flag}${value} -d '${quoted(summary)}'`);
    }
  }
  return `${lines.join('\n')}\n`;
}

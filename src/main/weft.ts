#!/usr/bin/env node
// weft: the command line. Every command is a file in src/cli; this one only starts the one that was typed.
import { createProgram, refuseUnknownCommand } from '../cli/index.ts';

// A reader that has seen enough (`weft inject … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const program = await createProgram(process.argv);
refuseUnknownCommand(program, process.argv);
if (process.argv.length <= 2) program.outputHelp();
else await program.parseAsync(process.argv);

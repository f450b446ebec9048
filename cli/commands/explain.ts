/** `aviary explain`: tells what happens in a trace, and why that is wrong. */
import type { Command } from 'commander'
import { Exit } from '../errors.js'
import { usualLast } from '../finding.js'
import { integer } from '../options.js'
import { leadsToRecording } from '../recording-file.js'
import { explainRun } from '../recording-story.js'
import { exitOf, saySetup } from '../report.js'
import { sayStory } from '../story.js'
import { makeTerminal, plural } from '../terminal.js'
import { readTrace, systemOf } from '../trace-file.js'

interface ExplainFlags {
  readonly last: number
  readonly system?: string
}

export function addExplain(program: Command): void {
  program
    .command('explain')
    .description('tell what happens in a trace or a recording, and why it is wrong')
    .argument('<file>', 'a trace, a recording, or a folder of recordings')
    .option('--last <n>', 'shows that many of the last steps', integer(1, 1e6), usualLast)
    .option('--system <system>', 'the system, if it is not where the trace says')
    .addHelpText(
      'after',
      `
Example:
  aviary explain aviary-out/rdma-register-missing-checksum-integrity-7.aviary --last 40

Exit codes: those of the violation (1, 4, 5, 3), 0 for a trace without one, 2 for one that cannot be read or followed;
3 for a recording that the code at hand leaves.`,
    )
    .action(async (file: string, flags: ExplainFlags) => {
      process.exitCode = await explain(file, flags)
    })
}

async function explain(file: string, flags: ExplainFlags): Promise<Exit> {
  if (leadsToRecording(file)) return explainRun(file, flags)
  const terminal = makeTerminal()
  const { say, colours } = terminal
  const trace = readTrace(file)
  const system = await systemOf(file, trace, flags.system)
  const { violation } = trace
  const { bug } = trace.header.setup
  say(
    `${colours.bold(system.argument)}${bug === undefined ? '' : ` with the planted bug ${colours.yellow(bug)}`}: ${plural(trace.actions.length, 'action')}`,
  )
  saySetup(terminal, trace)
  say()
  sayStory(terminal, system, trace, flags.last)
  return violation === undefined ? Exit.nothingFound : exitOf(violation.kind)
}

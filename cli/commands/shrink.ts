/** `aviary shrink`: makes a trace smaller while it violates the same property. */
import type { Command } from 'commander'
import { Exit, UsageError } from '../errors.js'
import { replayCommand, usualLast, viewCommand } from '../finding.js'
import { watchInterrupts } from '../interrupt.js'
import { positive } from '../options.js'
import { exitOf } from '../report.js'
import { sayShrinking, shrinkTrace } from '../shrinking.js'
import { sayStory } from '../story.js'
import { makeTerminal } from '../terminal.js'
import { readTrace, systemOf, writeTrace } from '../trace-file.js'

interface ShrinkFlags {
  readonly out?: string
  readonly seconds: number
  readonly system?: string
  readonly json?: boolean
}

export function addShrink(program: Command): void {
  program
    .command('shrink')
    .description('make a trace smaller while it violates the same property')
    .argument('<file>', 'a trace with a violation')
    .option('--out <file>', 'where to write the smaller one (default: FILE with .min before its ending)')
    .option('--seconds <s>', 'at most that long', positive(1e5), 60)
    .option('--system <system>', 'the system, if it is not where the trace says')
    .option('--json', 'one JSON object as the last line on standard output')
    .addHelpText(
      'after',
      `
Fewer actions, faults, context switches and nodes, smaller values; always the same violation. \`explore\` does this by
itself; use it on a trace of --no-shrink, or with more time.

Example:
  aviary shrink trace.aviary --seconds 300 --out smaller.aviary

Exit codes: those of the violation (1, 4, 5, 3), 2 for a trace that has none or cannot be read.`,
    )
    .action(async (file: string, flags: ShrinkFlags) => {
      process.exitCode = await shrink(file, flags)
    })
}

async function shrink(file: string, flags: ShrinkFlags): Promise<Exit> {
  const terminal = makeTerminal(flags)
  const trace = readTrace(file)
  const system = await systemOf(file, trace, flags.system)
  const { violation } = trace
  if (violation === undefined)
    throw new UsageError(
      `${file}: has no violation`,
      'shrink a trace that `aviary explore` wrote of a finding.',
    )
  const interrupt = watchInterrupts(terminal.say)
  const shrinking = await shrinkTrace(system, trace, flags.seconds, interrupt, (line) => {
    terminal.progress.update(line)
  })
  const out = flags.out ?? file.replace(/(\.[^./\\]*)?$/, '.min$1')
  sayShrinking(terminal, shrinking, system.definition.nodes.noun)
  if (shrinking.outcome === 'shrunk') {
    writeTrace(out, shrinking.trace)
    terminal.say()
    sayStory(terminal, system, shrinking.trace, usualLast)
    terminal.say(
      `\n  Trace:  ${out}\n  Replay: ${terminal.colours.cyan(replayCommand(out))}\n  View:   ${terminal.colours.cyan(viewCommand(out))}`,
    )
  }
  terminal.json({
    system: trace.header.system,
    outcome: shrinking.outcome,
    violation: shrinking.trace.violation ?? violation,
    steps: shrinking.trace.actions.length,
    stepsBefore: trace.actions.length,
    trace: shrinking.outcome === 'shrunk' ? out : file,
    ...(shrinking.outcome === 'shrunk'
      ? { before: shrinking.before, after: shrinking.after, finished: shrinking.finished }
      : { why: shrinking.why }),
  })
  return exitOf(violation.kind)
}

/** `aviary replay`: executes a trace again, bit for bit, or follows its story on other code. */
import type { Command } from 'commander'
import type { Run } from '../../sim/index.js'
import {
  type StrictReplay,
  type Trace,
  investigate,
  replayGuided,
  replayStrict,
  textLines,
} from '../../sim/trace/index.js'
import { Exit, UsageError, unknownName } from '../errors.js'
import { type Stepper, endFaults, runToGoal } from '../healing.js'
import type { LoadedSystem } from '../load-system.js'
import { exitOf, kindWords, saySetup } from '../report.js'
import { type Terminal, makeTerminal, plural, wrap } from '../terminal.js'
import { leadsToRecording } from '../recording-file.js'
import { replayRun } from '../replay-recording.js'
import { readTrace, systemOf } from '../trace-file.js'

interface ReplayFlags {
  readonly guided?: boolean
  readonly bug?: string
  readonly right?: boolean
  readonly twice?: boolean
  readonly text?: boolean
  readonly system?: string
  readonly json?: boolean
}

export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('execute a trace or a recording again, bit for bit, or follow its story on changed code')
    .argument('<file>', 'a trace, as a file of bytes or of text; a recording, or a folder of recordings')
    .option('--guided', 'follows the story as far as it goes, reports what was skipped, then heals')
    .option('--right', 'follows it on the right protocol (guided)')
    .option('--bug <name>', 'follows it on that wrong variant (guided); a recording: says where it differs')
    .option('--twice', 'replays twice, and compares every byte')
    .option('--text', 'prints every action')
    .option('--system <system>', 'the system, if it is not where the trace says')
    .option('--json', 'one JSON object as the last line on standard output')
    .addHelpText(
      'after',
      `
A strict replay takes exactly the actions of the trace, compares fingerprints of the state on the way, and must come to
the same verdict at the same step. Where it leaves the trace it says at which step, in which component and field.

A recording of aviary run --record is given to the same cores offline: every effect and every recorded state must be the
same, and what clients saw must be explained by the model of the system.

Examples:
  aviary replay aviary-out/rdma-register-missing-checksum-integrity-7.aviary
  aviary replay trace.aviary --twice   the proof that it replays the same
  aviary replay trace.aviary --right   does the same story harm the right protocol?
  aviary replay out                    recordings of a run on real processes
  aviary replay trace.aviary --text    all actions as text (to keep it: aviary export --format text)

Exit codes: the violation's own if it was reproduced (1, 4 liveness, 5 crash, 3 hidden state), 0 if the trace has none,
2 unreadable trace, 3 if the replay diverged.`,
    )
    .action(async (file: string, flags: ReplayFlags) => {
      process.exitCode = await replay(file, flags)
    })
}

async function replay(file: string, flags: ReplayFlags): Promise<Exit> {
  if (leadsToRecording(file)) {
    for (const flag of ['guided', 'right', 'twice', 'text'] as const)
      if (flags[flag] === true)
        throw new UsageError(`--${flag}: is for traces, and this is a recording`, 'leave it out.')
    return replayRun(file, flags)
  }
  const terminal = makeTerminal(flags)
  const { say } = terminal
  const trace = readTrace(file)
  const system = await systemOf(file, trace, flags.system)
  if (flags.right === true && flags.bug !== undefined)
    throw new UsageError('--right and --bug: say different things', 'give one of them.')
  if (flags.bug !== undefined && !Object.hasOwn(system.definition.bugs, flags.bug))
    throw unknownName(
      `--bug: ${system.definition.name} has no wrong variant`,
      flags.bug,
      Object.keys(system.definition.bugs),
    )
  const { setup } = trace.header
  say(
    `Replaying ${plural(trace.actions.length, 'action')} of ${terminal.colours.bold(system.argument)}${setup.bug === undefined ? '' : ` with the planted bug ${terminal.colours.yellow(setup.bug)}`}.`,
  )
  saySetup(terminal, trace)
  if (flags.text === true) {
    say()
    for (const line of textLines(trace, system.definition)) if (/^\d/.test(line)) say(`  ${line}`)
  }
  say()
  const isGuided = flags.guided === true || flags.right === true || flags.bug !== undefined
  if (!isGuided) return strict(terminal, system, trace, flags.twice ?? false)
  if (flags.twice === true)
    throw new UsageError('--twice: is for strict replays', 'leave it or --guided out.')
  return guided(terminal, system, trace, flags)
}

function strict(terminal: Terminal, system: LoadedSystem, trace: Trace, twice: boolean): Exit {
  const { say, colours, width } = terminal
  const { definition, codeFingerprint } = system
  const selfTest = trace.violation?.kind === 'hidden-state'
  const once = (): StrictReplay => replayStrict(definition, trace, { selfTest, codeFingerprint })
  const first = once()
  const state = fingerprint(first.run)
  const json = {
    system: trace.header.system,
    bug: trace.header.setup.bug ?? null,
    mode: 'strict',
    outcome: first.outcome,
    steps: first.executed,
    violation: first.run.violation ?? null,
    fingerprint: state,
    codeChanged: first.codeChanged,
    message: first.message,
  }
  if (twice) {
    const again = once()
    const isSame =
      first.message === again.message && equal(first.run.world.memory.bytes, again.run.world.memory.bytes)
    if (!isSame) {
      const schedule = first.run.log
      const { message } = investigate({ definition, setup: trace.header.setup, schedule })
      say(colours.red('The two replays differ: the system is not deterministic.'))
      say(wrap(message, width, 2))
      terminal.json({ ...json, twice: 'different', message })
      return Exit.diverged
    }
    say(`Replayed twice: equal in every byte of the last state (${state}).`)
  }
  if (first.outcome !== 'reproduced') {
    const missed =
      first.outcome === 'diverged' ? 'The replay left the trace.' : 'The replay came to another verdict.'
    say(colours.red(missed))
    say(wrap(first.message, width, 2))
    say(wrap('Mend: replay with the code of then, or follow the story on this code with --guided.', width, 2))
    terminal.json(json)
    return Exit.diverged
  }
  const { violation } = first
  if (first.codeChanged)
    say(colours.dim('The code has changed since the trace was recorded, but that made no difference.'))
  if (violation === undefined) {
    say(colours.green(first.message))
  } else {
    say(
      `${colours.bold(`Reproduced after ${plural(violation.at, 'action')}:`)} ${colours.red(violation.name)} ${colours.dim(`(${kindWords[violation.kind]})`)}`,
    )
    say(wrap(violation.reason, width, 2))
  }
  terminal.json({ ...json, ...(twice ? { twice: 'same' } : {}) })
  return violation === undefined ? Exit.nothingFound : exitOf(violation.kind)
}

/** Actions after healing, at most. */
const healedActions = 20_000

function guided(terminal: Terminal, system: LoadedSystem, trace: Trace, flags: ReplayFlags): Exit {
  const { say, colours, width } = terminal
  const other = flags.right === true || flags.bug !== undefined
  let goal = false
  const result = replayGuided(system.definition, trace, {
    ...(other ? { setup: { bug: flags.bug } } : {}),
    heal: (run) => {
      goal = heal(run)
    },
  })
  const { executed, approximated, skipped, approximations, skips, violation, healed } = result
  if (other)
    say(`Followed on ${flags.bug === undefined ? 'the right protocol' : `the variant ${flags.bug}`}.`)
  say(
    `Of ${plural(result.followed, 'action')} ${String(executed)} were executed, ${String(approximated)} approximated and ${String(skipped)} skipped.`,
  )
  const list = (what: string, some: typeof skips, all: number): void => {
    if (all === 0) return
    say(colours.dim(`  ${what}:`))
    for (const { index, action, reason } of some)
      say(colours.dim(`    ${String(index)} ${action}: ${reason}`))
    if (all > some.length) say(colours.dim(`    … and ${String(all - some.length)} more`))
  }
  list('approximated', approximations, approximated)
  list('skipped', skips, skipped)
  if (healed) say(`Then the faults ended, and the system ${goal ? 'reached' : 'did not reach'} its goal.`)
  if (violation === undefined)
    say(colours.green('Nothing was violated. That proves nothing: it is one story.'))
  else {
    say(`${colours.red(colours.bold(violation.name))} ${colours.dim(`(${kindWords[violation.kind]})`)}`)
    say(wrap(violation.reason, width, 2))
  }
  terminal.json({
    system: trace.header.system,
    bug: flags.right === true ? null : (flags.bug ?? trace.header.setup.bug ?? null),
    mode: 'guided',
    outcome: violation === undefined ? 'nothing found' : 'violation',
    executed,
    approximated,
    skipped,
    healed,
    goalReached: healed ? goal : null,
    violation: violation ?? null,
    message: result.message,
  })
  return violation === undefined ? Exit.nothingFound : exitOf(violation.kind)
}

/** Ends the faults, and lets the system run until it has reached its goal. Returns whether it has. */
function heal(run: Run): boolean {
  const stepper: Stepper = {
    world: run.world,
    judge: run.judge,
    take: (site, choice) => run.take(site, choice),
    mustStop: () => run.violation !== undefined,
  }
  endFaults(stepper, false)
  return runToGoal(stepper, healedActions)
}

const fingerprint = (run: Run): string => run.world.fingerprint().toString(16).padStart(8, '0')

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

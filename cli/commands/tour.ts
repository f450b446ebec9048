/** `aviary tour`: the main job from beginning to end, in less than a minute. `npm start` runs it. */
import { accessSync, constants, mkdtempSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { SwarmOptions } from '../../sim/index.js'
import { replayStrict } from '../../sim/trace/index.js'
import { Exit } from '../errors.js'
import { type Finding, replayCommand, sayFinding, viewCommand, workUp } from '../finding.js'
import { type HuntResult, hunt } from '../hunt.js'
import { type Interrupt, watchInterrupts } from '../interrupt.js'
import { type LoadedSystem, loadSystem } from '../load-system.js'
import { kindWords, progressLine, sayHunt } from '../report.js'
import { type Terminal, compact, makeTerminal, plural, wrap } from '../terminal.js'
import { readTrace } from '../trace-file.js'

const systemName = 'rdma-register'
const bugName = 'missing-checksum'
const rightSeconds = 4
const bugSeconds = 15
const shrinkSeconds = 10
/** The tour is the same every time. */
const firstSeed = 1

export function addTour(program: Command): void {
  program
    .command('tour')
    .description('a guided tour of the main job, in less than a minute')
    .addHelpText(
      'after',
      `
Hunts a right protocol, then one with a planted bug; shrinks, explains and replays what it finds.
Exit codes: 0 when everything went as told, 1 when it did not.`,
    )
    .action(async () => {
      process.exitCode = await tour()
    })
}

async function tour(): Promise<Exit> {
  const terminal = makeTerminal()
  const { say, colours, width } = terminal
  const tell = (text: string): void => {
    say(wrap(text, Math.min(width, 100)))
  }
  const part = (number: number, title: string): void => {
    say()
    say(colours.bold(colours.cyan(`${String(number)}. ${title}`)))
  }
  const interrupt = watchInterrupts(say)
  const system = await loadSystem(systemName)
  const bug = system.definition.bugs[bugName]
  if (bug === undefined) return fail(terminal, `${systemName} has no bug ${bugName} any more`)
  const workers = availableParallelism()

  say(colours.bold('Aviary: a workbench for fault-tolerant protocols'))
  say()
  tell(
    `This tour hunts a small protocol twice: as it should be, and with one planted bug. Aviary runs it in a simulated world in which everything that can happen is a choice: which word of an RDMA WRITE lands next, which message is lost, who crashes. A seed draws a cluster, a workload, faults and a scheduler; many seeds make a swarm.`,
  )
  say()
  tell(`The protocol is ${systemName}: ${lowerFirst(system.definition.summary)}.`)

  part(1, `Hunt the right protocol (${String(rightSeconds)} seconds, ${plural(workers, 'worker')})`)
  const right = await chase(terminal, system, {}, rightSeconds, workers, interrupt)
  if (interrupt.stopped) return fail(terminal, 'it was interrupted')
  if (right.findings.length > 0) {
    await showFindings(terminal, system, {}, right, interrupt)
    return fail(terminal, 'the right protocol violated a property')
  }
  sayHunt(terminal, right, { tables: false })
  say(
    `${colours.green('Nothing found')} in ${compact(right.totals.moved)} actions under faults. That is no proof, but the next part shows that the hunt can bite.`,
  )

  part(2, `Plant a bug: ${bugName}`)
  tell(bug.story)
  const swarm: SwarmOptions = { bug: bugName }
  const wrong = await chase(terminal, system, swarm, bugSeconds, workers, interrupt)
  if (interrupt.stopped) return fail(terminal, 'it was interrupted')
  const [raw] = wrong.findings
  if (raw === undefined)
    return fail(terminal, `the planted bug was not found in ${String(bugSeconds)} seconds`)
  say(
    `${colours.red('Found')} after ${wrong.seconds.toFixed(1)} s and ${compact(wrong.totals.moved)} actions, without any hint: ${colours.bold(raw.violation.name)} (${kindWords[raw.violation.kind]}), in a run of ${plural(raw.sites.length, 'action')}.`,
  )

  part(3, 'Shrink it and explain it')
  const finding = (await showFindings(terminal, system, swarm, wrong, interrupt))[0]
  if (finding?.path === undefined || finding.trace === undefined)
    return fail(terminal, 'the finding could not be repeated')
  if (finding.shrinking?.outcome !== 'shrunk') return fail(terminal, 'the finding could not be shrunk')

  part(4, 'Replay it, bit for bit, from the file')
  const trace = readTrace(finding.path)
  const replayed = replayStrict(system.definition, trace, { codeFingerprint: system.codeFingerprint })
  say(wrap(replayed.message, width))
  if (replayed.outcome !== 'reproduced') return fail(terminal, 'the replay did not reproduce the violation')

  part(5, 'Now you')
  const commands = [
    [viewCommand(finding.path), 'look at it in the browser: every state of it, step by step'],
    ['npx aviary view', 'a tour of one bug of APUS in the browser, and a gallery of all the others'],
    [replayCommand(finding.path), 'the same again, at any time'],
    [`${replayCommand(finding.path)} --right`, 'the same story on the right protocol: no harm'],
    ['npx aviary list', 'what else there is to find'],
    [`npx aviary explore paxos --seconds 20`, 'hunt another protocol'],
    [`npx aviary explore ${systemName} --faults beyond:writer-restart`, 'one step beyond what it promises'],
    ['npx aviary explore ./my-protocol.ts', 'your own'],
    ['npx aviary --help', ''],
  ]
  for (const [command, why] of commands)
    say(`  ${colours.cyan(command)}${why === '' ? '' : `\n      ${colours.dim(why)}`}`)
  return Exit.nothingFound
}

const chase = (
  { progress }: Terminal,
  system: LoadedSystem,
  swarm: SwarmOptions,
  seconds: number,
  workers: number,
  interrupt: Interrupt,
): Promise<HuntResult> =>
  hunt({
    system,
    swarm,
    firstSeed,
    seeds: undefined,
    seconds,
    workers,
    keepGoing: false,
    interrupt,
    onProgress: (state) => {
      progress.update(progressLine(state))
    },
  })

async function showFindings(
  terminal: Terminal,
  system: LoadedSystem,
  swarm: SwarmOptions,
  { findings, totals }: HuntResult,
  interrupt: Interrupt,
): Promise<Finding[]> {
  const { progress } = terminal
  const out = isWritable('.') ? 'aviary-out' : mkdtempSync(join(tmpdir(), 'aviary-out-'))
  const worked = await workUp(findings, {
    system,
    swarm,
    shrinkSeconds,
    out,
    counts: totals.violations,
    interrupt,
    progress,
  })
  for (const finding of worked) sayFinding(terminal, finding)
  return worked
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function fail({ say, colours }: Terminal, what: string): Exit {
  say(colours.red(`The tour did not go as told: ${what}.`))
  return Exit.violation
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '')

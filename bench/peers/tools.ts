/**
 * The model checkers that are measured beside each other, Aviary among them: how each is told to check a model on some
 * cores, and where it says what it has counted. All search to the end, judge one property that holds, and keep what is
 * needed to give a path to a violation.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { findPeer } from './built.js'
import { run } from './process.js'

export interface Task {
  /** `2pc`: two-phase commit, consistency. `paxos`: single-decree Paxos on three servers, linearizability. */
  readonly model: '2pc' | 'paxos'
  /** Resource managers, or clients. */
  readonly size: number
}

export interface Counts {
  readonly distinct: number
  /** In TLC's unit: moved + idle + 1. */
  readonly generated: number
  /** Steps that changed the state, where the tool tells them apart. */
  readonly moved?: number | undefined
  readonly bytesPerState?: number | undefined
  /** Without the start of the process, where the tool says so. */
  readonly searchSeconds?: number | undefined
}

export interface Tool {
  readonly name: string
  readonly version: string
  /** How it is used, in a few words. */
  readonly manner: string
  models(task: Task): boolean
  /** What is compiled before it is measured. */
  prepare(task: Task, cores: number): Promise<void>
  command(task: Task, cores: number): readonly string[]
  /** Where the command is run, if that matters. */
  readonly folder?: string
  /** Significant digits in which it prints its counts, where these are not all. */
  readonly digits?: number
  /** Throws when the output does not say that everything was looked at and holds. */
  counts(stdout: string): Counts
}

export interface LeftOut {
  readonly tool: string
  readonly reason: string
}

export interface Places {
  /** The checkout: `bench/peers` and `bench/models` are read from there. */
  readonly checkout: string
  /** Where `bench/peers/build.mjs` has put what it built. */
  readonly cache: string
}

/** Aviary, and the peers that were built; of the others, why not. */
export function findTools(places: Places): {
  readonly tools: readonly Tool[]
  readonly leftOut: readonly LeftOut[]
} {
  const tools: Tool[] = [aviary(places)]
  const leftOut: LeftOut[] = []
  for (const [name, make] of [
    ['stateright', stateright],
    ['spin', spin],
    ['tlc', tlc],
  ] as const) {
    const peer = findPeer(places.cache, name)
    if ('reason' in peer) leftOut.push({ tool: name, reason: peer.reason })
    else tools.push(make(peer.program, peer.version, places))
  }
  return { tools, leftOut }
}

const nothing = (): Promise<void> => Promise.resolve()

/** The command as a user runs it, with the property that the peers judge. */
function aviary({ checkout }: Places): Tool {
  const manifest = z.object({ version: z.string() })
  const others = ['commit-needs-every-vote', 'vote-binds', 'commit-is-the-managers']
  const result = z.object({
    ended: z.literal('exhausted'),
    distinct: z.number(),
    generated: z.number(),
    moved: z.number(),
    bytesPerState: z.number(),
    seconds: z.number(),
  })
  return {
    name: 'aviary',
    version: manifest.parse(JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))).version,
    manner: 'aviary check, breadth first',
    models: () => true,
    prepare: nothing,
    command: ({ model, size }, cores) => [
      process.execPath,
      join(checkout, 'dist', 'cli', 'main.js'),
      'check',
      ...(model === '2pc'
        ? ['2pc', '--nodes', String(size), ...others.flatMap((name) => ['--without', name])]
        : [join(checkout, 'bench', 'models', 'quorum-paxos.ts'), '--set', `clients=${size}`]),
      '--workers',
      String(cores),
      '--json',
    ],
    counts(stdout) {
      const { distinct, generated, moved, bytesPerState, seconds } = result.parse(JSON.parse(stdout))
      return { distinct, generated, moved, bytesPerState, searchSeconds: seconds }
    },
  }
}

/** Depth first is the faster of its searches for these models. */
function stateright(program: string, version: string): Tool {
  const result = z.object({ distinct: z.number(), generated: z.number() })
  return {
    name: 'stateright',
    version,
    manner: 'release build, depth first',
    models: () => true,
    prepare: nothing,
    command: ({ model, size }, cores) => [program, model, String(size), String(cores), 'dfs'],
    counts: (stdout) => result.parse(JSON.parse(stdout)),
  }
}

/** Log2 of the slots of the hash table: the next power of two above the states. */
const hashBits = (size: number): number => Math.max(18, Math.ceil(2.6 * size))

/** On two cores: bytes of the longest state vector, and MiB of shared memory; what is set aside otherwise is too little. */
const sharedRoom = ['-DVMAX=64', '-DMEMLIM=6000']

function spin(program: string, version: string, { checkout, cache }: Places): Tool {
  const model = join(checkout, 'bench', 'peers', 'two-phase-commit.pml')
  const folderOf = (size: number, cores: number): string => join(cache, 'spin', `2pc-${size}-${cores}`)
  return {
    name: 'spin',
    version,
    manner: 'gcc -O2 -DSAFETY -DNOREDUCE, depth first; on two cores -DNCORE=2 -DFULL_TRAIL',
    models: (task) => task.model === '2pc' && task.size <= 9,
    digits: 8,
    async prepare({ size }, cores) {
      const cwd = folderOf(size, cores)
      mkdirSync(cwd, { recursive: true })
      await compile([program, `-DN=${size}`, '-a', model], cwd)
      const parallel = cores === 1 ? [] : [`-DNCORE=${cores}`, '-DFULL_TRAIL', ...sharedRoom]
      await compile(['gcc', '-O2', '-w', '-DSAFETY', '-DNOREDUCE', ...parallel, '-o', 'pan', 'pan.c'], cwd)
    },
    command: ({ size }, cores) => [join(folderOf(size, cores), 'pan'), '-m1000', '-E', `-w${hashBits(size)}`],
    counts(stdout) {
      if (stdout.includes('Search not completed')) throw new Error(`SPIN has not come to its end:\n${stdout}`)
      return {
        distinct: found(stdout, /errors: 0[^]*?([\d.e+]+) states, stored/),
        generated: found(stdout, /errors: 0[^]*?([\d.e+]+) transitions/),
      }
    },
  }
}

async function compile(command: readonly string[], cwd: string): Promise<void> {
  const { code, stdout, stderr } = await run(command, 2, cwd)
  if (code !== 0) throw new Error(`${command.join(' ')} failed:\n${stdout}${stderr}`)
}

function tlc(jar: string, version: string, { checkout, cache }: Places): Tool {
  const folder = join(cache, 'tlc')
  const configuration = (size: number): string => `2pc-${size}.cfg`
  return {
    name: 'tlc',
    folder,
    version,
    manner: 'java -XX:+UseParallelGC, breadth first',
    models: (task) => task.model === '2pc',
    prepare({ size }) {
      mkdirSync(folder, { recursive: true })
      const managers = Array.from({ length: size }, (_, i) => `m${i + 1}`).join(', ')
      const lines = ['INIT Init', 'NEXT Next', 'INVARIANT Consistent', `CONSTANT Managers = {${managers}}`]
      writeFileSync(join(folder, configuration(size)), `${lines.join('\n')}\n`)
      // TLC looks for a configuration beside the module only.
      copyFileSync(join(checkout, 'bench', 'peers', 'TwoPhaseCommit.tla'), join(folder, 'TwoPhaseCommit.tla'))
      return nothing()
    },
    command: ({ size }, cores) => [
      'java',
      '-XX:+UseParallelGC',
      // It unpacks its standard modules there.
      `-Djava.io.tmpdir=${folder}`,
      '-cp',
      jar,
      'tlc2.TLC',
      '-deadlock',
      '-workers',
      String(cores),
      '-metadir',
      'states',
      '-config',
      configuration(size),
      'TwoPhaseCommit.tla',
    ],
    counts(stdout) {
      const counts =
        /No error has been found[^]*?(\d+) states generated, (\d+) distinct states found, 0 states left/
      const [, generated, distinct] = counts.exec(stdout) ?? []
      if (generated === undefined) throw new Error(`TLC has not come to its end:\n${stdout}`)
      return { distinct: Number(distinct), generated: Number(generated) }
    },
  }
}

function found(text: string, pattern: RegExp): number {
  const number = pattern.exec(text)?.[1]
  if (number === undefined) throw new Error(`not what was expected:\n${text}`)
  return Number(number)
}

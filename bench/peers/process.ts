/** Runs a program to its end on some cores, and says what that took: wall time, and processor time of all its threads. */
import { spawn, spawnSync } from 'node:child_process'

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly seconds: number
  /** User and system time, of helper threads too: what other programs on the machine do disturbs it least. */
  readonly cpuSeconds: number
}

/** A shell that waits for the program, then says what its children took (POSIX `times`). */
const timing = '"$@"; code=$?; times >&2; exit $code'

/** @param cores the program may use so many; where `taskset` is missing, as many as it likes. */
export function run(command: readonly string[], cores: number, folder?: string): Promise<Ended> {
  const pinned = canPin() ? ['taskset', '--cpu-list', firstCores(cores), ...command] : command
  return new Promise((resolve, reject) => {
    const begin = performance.now()
    const child = spawn('sh', ['-c', timing, 'sh', ...pinned], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.once('error', reject)
    child.once('close', (code) => {
      const seconds = (performance.now() - begin) / 1000
      const lines = stderr.trimEnd().split('\n')
      const cpuSeconds = secondsIn(lines.pop() ?? '')
      lines.pop()
      resolve({ code, stdout, stderr: lines.join('\n'), seconds, cpuSeconds })
    })
  })
}

/** '1m2.50s 0m0.25s' are 62.75 seconds. */
function secondsIn(times: string): number {
  let seconds = 0
  for (const [, minutes, rest] of times.matchAll(/(\d+)m([\d.]+)s/g))
    seconds += Number(minutes) * 60 + Number(rest)
  return seconds
}

let pins: boolean | undefined
function canPin(): boolean {
  return (pins ??= spawnSync('taskset', ['--version']).status === 0)
}

/** The first of the cores that this process may use. */
function firstCores(count: number): string {
  const { stdout } = spawnSync('taskset', ['--cpu-list', '--pid', String(process.pid)], { encoding: 'utf8' })
  const allowed = stdout
    .slice(stdout.lastIndexOf(':') + 1)
    .split(',')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    })
  return allowed.slice(0, count).join(',')
}

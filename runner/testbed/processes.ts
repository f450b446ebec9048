/** Programs of the host that are run to their end, and processes that somebody else began. */
import { spawn } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export interface Ran {
  /** 127 when it could not be started, 124 when it took too long and was killed. */
  readonly code: number
  /** Everything that it printed. */
  readonly output: string
}

export function run(
  command: string,
  args: readonly string[],
  { cwd, millis, env = {} }: { cwd?: string; millis: number; env?: Readonly<Record<string, string>> },
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, LC_ALL: 'C', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, millis)
    const collect = (chunk: string): string => (output += chunk)
    child.stdout.setEncoding('utf8').on('data', collect)
    child.stderr.setEncoding('utf8').on('data', collect)
    child.on('error', (error) => {
      clearTimeout(timer)
      resolve({ code: 127, output: error.message })
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code: isLate ? 124 : (code ?? 1), output })
    })
  })
}

/** Where a command is, as a shell would find it, and where only root's shell would. */
export function whereIs(command: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders
    .map((folder) => join(folder, command))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** A process that lives or has lived: numbers are used again, but not with the same beginning. */
export interface ProcessName {
  readonly pid: number
  /** When it began, in ticks since the machine's start: field 22 of `/proc/PID/stat`, see proc(5). */
  readonly begun: number
}

/** Undefined when there is no such process, or it has ended and was not waited for. */
export function processName(pid: number): ProcessName | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The name of the program comes second, in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? undefined : { pid, begun: Number(fields[19]) }
}

export const isAlive = ({ pid, begun }: ProcessName): boolean => processName(pid)?.begun === begun

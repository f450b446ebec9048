/** Where the members of a cluster run, and what whoever has started one sees of it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { freePorts } from './free-ports.js'
import type { CoreReport } from './order.js'

/** What a member tells the process that has started it. */
export type MemberReport =
  | { readonly kind: 'state'; readonly state: string; readonly reason: string | undefined }
  | { readonly kind: 'gateway'; readonly port: number }
  | { readonly kind: 'core'; readonly report: CoreReport }

export interface MemberProcess {
  /** On the machine that it runs on. */
  readonly pid: number | undefined
  /** False when it has ended. */
  signal(signal: NodeJS.Signals): boolean
  /** On its IPC channel. */
  tell(command: unknown): void
}

export interface MemberListener {
  reported(report: MemberReport): void
  /** Of its standard error. */
  logged(line: string): void
  /** Once, and not before `start` has returned. `mayReturn`: another one in its place may fare better. */
  ended(how: string, mayReturn: boolean): void
}

/** As `HOST:PORT`. */
export interface MemberAddress {
  readonly control: string
  readonly clients: string | undefined
}

export interface Place {
  /** Milliseconds within which all members run. */
  readonly readyMillis: number
  /**
   * Where members meet and clients are served. `inside` is what members are told, `outside` how this process reaches them.
   * @param clientPort of the first member's clients, as seen from outside; 0: any that are free; undefined: none
   */
  addresses(
    nodes: number,
    clientPort: number | undefined,
  ): Promise<{ readonly inside: readonly MemberAddress[]; readonly outside: readonly MemberAddress[] }>
  /** The folder for configuration and for what must outlive the members, as they call it; default: the cluster's. */
  readonly folder?: string
  /** Begins a member: this program with these arguments. */
  start(member: number, argv: readonly string[], listener: MemberListener): MemberProcess
}

/** Processes on this machine, over loopback. */
export function thisMachine(pins: boolean, readyMillis = 60_000): Place {
  return {
    readyMillis,
    async addresses(nodes, clientPort) {
      const ports = await freePorts(clientPort === 0 ? 2 * nodes : nodes)
      const inside = Array.from({ length: nodes }, (_, member) => ({
        control: `127.0.0.1:${String(ports[member])}`,
        clients:
          clientPort === undefined
            ? undefined
            : `127.0.0.1:${String(clientPort === 0 ? ports[nodes + member] : clientPort + member)}`,
      }))
      return { inside, outside: inside }
    },
    start(member, argv, listener) {
      const processor = String(member % availableParallelism())
      const [program, ...args] = pins ? ['taskset', '-c', processor, ...argv] : argv
      const child = spawn(program!, args, {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        serialization: 'advanced',
      })
      listen(child, listener)
      return {
        pid: child.pid,
        signal: (signal) => child.kill(signal),
        tell: (command) => child.send(command as object, () => undefined),
      }
    },
  }
}

function listen(child: ChildProcess, listener: MemberListener): void {
  child.stderr!.setEncoding('utf8').on('data', linesTo(listener.logged))
  child.on('message', (report: MemberReport) => {
    listener.reported(report)
  })
  child.on('error', (error) => {
    listener.ended(error.message, false)
  })
  child.on('exit', (code, signal) => {
    listener.ended(signal ?? `exit code ${String(code)}`, mayReturn(code))
  })
}

/** What it was told was wrong: it would end the same way again. */
export const mayReturn = (code: number | null): boolean => code !== 2

/** Takes text as it comes and tells whole lines. */
export function linesTo(tell: (line: string) => void): (text: string) => void {
  let rest = ''
  return (text) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop()!
    for (const line of lines) tell(line)
  }
}

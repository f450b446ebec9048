/**
 * What a benchmark has started, and how it ends: processes by their ids, folders, clusters. Everything that a scope was
 * given is ended when its body is through, when it throws, at Ctrl-C and SIGTERM, and at the latest when this process exits.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export interface Started {
  readonly child: ChildProcess
  /** Everything that it writes to standard output; rejects when it ends otherwise than with 0, or by us. */
  readonly output: Promise<string>
  /** Its first line, as soon as that is there. */
  readonly firstLine: Promise<string>
}

/** Milliseconds that a process has to end by itself. */
const END_MILLIS = 3000
/** Of what a process says to standard error, so much is kept for the message when it fails. */
const KEPT_CHARACTERS = 2000

/** The line that says what was wrong. */
function reasonIn(complaint: string): string {
  const lines = complaint.split('\n').filter((line) => line.trim() !== '')
  return (lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'it said nothing').trim()
}

const scopes = new Set<Scope>()

export class Scope {
  readonly #children = new Set<ChildProcess>()
  readonly #folders: string[] = []
  readonly #ends: (() => Promise<void>)[] = []

  /** Starts a program; it has an open standard input, which closes when this process ends. */
  spawn(command: readonly string[]): Started {
    const [program, ...args] = command as [string, ...string[]]
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#children.add(child)
    let output = ''
    let complaint = ''
    let firstLine: (line: string) => void = () => undefined
    const first = new Promise<string>((resolve) => (firstLine = resolve))
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const end = output.indexOf('\n')
      if (end >= 0) firstLine(output.slice(0, end))
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-KEPT_CHARACTERS)
    })
    // Who has ended reads no more.
    child.stdin.on('error', () => undefined)
    const ended = new Promise<string>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        this.#children.delete(child)
        if (code === 0) resolve(output)
        else reject(new Error(`${program} ended with ${signal ?? String(code)}: ${reasonIn(complaint)}`))
      })
    })
    const line = Promise.race([first, ended.then((text) => text.split('\n')[0]!)])
    // Whether anybody waits for these or not.
    ended.catch(() => undefined)
    line.catch(() => undefined)
    return { child, output: ended, firstLine: line }
  }

  /** A fresh folder, which is removed in the end. */
  folder(parent: string): string {
    const folder = mkdtempSync(join(parent, 'aviary-bench-'))
    this.#folders.push(folder)
    return folder
  }

  /** Something else that must be ended, before processes and folders are. */
  atEnd(end: () => Promise<void>): void {
    this.#ends.push(end)
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end()
    await Promise.all([...this.#children].map(endChild))
    this.endNow()
  }

  /** Without waiting for anybody. */
  endNow(): void {
    for (const child of this.#children) child.kill('SIGKILL')
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs a body that starts things, and ends them. */
export async function scoped<T>(body: (scope: Scope) => Promise<T>): Promise<T> {
  const scope = new Scope()
  if (scopes.size === 0) watch()
  scopes.add(scope)
  try {
    return await body(scope)
  } finally {
    await scope.end()
    scopes.delete(scope)
    if (scopes.size === 0) unwatch()
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MILLIS)
  await exited
  clearTimeout(timer)
}

function onExit(): void {
  for (const scope of scopes) scope.endNow()
}

/** Ends everything, then the process, with the code that shells expect; a second signal waits for nothing. */
function onSignal(signal: NodeJS.Signals): void {
  process.off('SIGINT', onSignal)
  process.off('SIGTERM', onSignal)
  const exit = (): never => process.exit(signal === 'SIGINT' ? 130 : 143)
  void Promise.all([...scopes].map((scope) => scope.end())).then(exit, exit)
}

function watch(): void {
  process.on('exit', onExit)
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
}

function unwatch(): void {
  process.off('exit', onExit)
  process.off('SIGINT', onSignal)
  process.off('SIGTERM', onSignal)
}

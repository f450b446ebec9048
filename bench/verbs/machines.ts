/** Programs in machines of a testbed: begun, told of each other, listened to, and ended. */
import { type MachineProcess, type Testbed, addressOf } from '../../runner/testbed/index.js'
import type { Meet, Said, Task } from './task.js'

/** Attempts to reach the other end of `ib_write_lat` before it listens, and milliseconds between two. */
const ATTEMPTS = 40
const ATTEMPT_MILLIS = 500

export interface WriteLat {
  /** Microseconds, half of a ping-pong. */
  readonly least: number
  readonly typical: number
  readonly p99: number
}

/**
 * Runs tasks, each in its machine, until the first has told its result; then the others are ended. Rejects when one ends
 * before.
 */
export async function runTasks(
  testbed: Testbed,
  program: string,
  tasks: readonly (readonly [machine: number, task: Task])[],
): Promise<unknown> {
  const children: MachineProcess[] = []
  try {
    return await new Promise<unknown>((resolve, reject) => {
      tasks.forEach(([machine, task], index) => {
        const argv = [process.execPath, program, JSON.stringify(task)]
        const child = testbed.spawn(machine, { argv, ipc: true })
        children.push(child)
        let complaint = ''
        child.stdout.resume()
        child.stderr
          .setEncoding('utf8')
          .on('data', (text: string) => (complaint = (complaint + text).slice(-2000)))
        child.on('message', (message) => {
          const said = message as Said
          if (said.kind === 'result') {
            if (index === 0) resolve(said.value)
          } else
            said.addresses.forEach((address, to) => {
              if (address !== undefined) children[to]!.send({ peer: index, address } satisfies Meet)
            })
        })
        child
          .end()
          .then(({ code, signal, error }) => {
            const reason = complaint.split('\n').find((line) => /error/i.test(line)) ?? complaint.trim()
            reject(
              new Error(
                `${task.kind} in machine ${String(machine)} has ended (${error ?? signal ?? String(code)}): ${reason}`,
              ),
            )
          })
          .catch(reject)
      })
    })
  } finally {
    await ended(children)
  }
}

/** `ib_write_lat` of perftest, from the first machine to the second. */
export async function runWriteLat(
  testbed: Testbed,
  [from, to]: readonly [number, number],
  { bytes, trips, gidIndex }: { readonly bytes: number; readonly trips: number; readonly gidIndex: number },
): Promise<WriteLat> {
  const argv = ['ib_write_lat', '-F', '-s', String(bytes), '-n', String(trips), '-x', String(gidIndex)]
  const server = testbed.spawn(to, { argv })
  server.stdout.resume()
  server.stderr.resume()
  try {
    let last = ''
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { code, stdout, stderr } = await testbed.exec(from, [...argv, addressOf(to)])
      const figures = new RegExp(String.raw`^\s*${String(bytes)}\s+${String(trips)}\s+([\d.\s]+)$`, 'm').exec(
        stdout,
      )
      const [least, , typical, , , p99] = (figures?.[1] ?? '').trim().split(/\s+/).map(Number)
      if (code === 0 && p99 !== undefined) return { least: least!, typical: typical!, p99 }
      last = stderr.trim().split('\n').at(-1) ?? ''
      await new Promise((resolve) => setTimeout(resolve, ATTEMPT_MILLIS))
    }
    throw new Error(`ib_write_lat has not come to a result: ${last}`)
  } finally {
    await ended([server])
  }
}

async function ended(children: readonly MachineProcess[]): Promise<void> {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(children.map((child) => child.end()))
}

/**
 * Members of a cluster in the machines of a testbed, one in each. They meet over the machines' network; from here they are
 * reached at ports of the loopback device, each of which leads to one of theirs over the machine's agent.
 */
import { mkdirSync } from 'node:fs'
import { type Server, type Socket, createServer } from 'node:net'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { RunError } from '../errors.js'
import { freePorts } from '../free-ports.js'
import {
  type MemberAddress,
  type MemberListener,
  type MemberProcess,
  type MemberReport,
  type Place,
  linesTo,
  mayReturn,
} from '../member-process.js'
import type { MachineProcess } from './connection.js'
import { addressOf } from './machine.js'
import type { Testbed } from './testbed.js'

/** Of the first member; inside of the machines nobody else has ports. */
const CONTROL_PORT = 7000
const CLIENT_PORT = 6379
/** Between two looks whether a machine is there. */
const LOOK_MILLIS = 200
/** Virtual machines share the processors of this one. */
const READY_MILLIS = 300_000

export interface TestbedPlace extends Place {
  readonly folder: string
  /** Where a member serves clients, for those in the machines. */
  clientsInside(member: number): { readonly host: string; readonly port: number }
  /** Ends what leads into the machines. */
  close(): void
}

/** @param machineOf the machine of each member; default: one of its own */
export function testbedPlace(testbed: Testbed, machineOf = (member: number): number => member): TestbedPlace {
  const servers: Server[] = []
  const sockets = new Set<Socket>()
  const folder = join(testbed.share, `run-${randomBytes(4).toString('hex')}`)
  mkdirSync(folder)

  /** Leads a port of the loopback device to one inside of a machine. */
  const forward = (port: number, machine: number, inner: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        sockets.add(socket)
        const inside = testbed.dial(machine, addressOf(machine), inner)
        socket.on('close', () => {
          sockets.delete(socket)
          inside.destroy()
        })
        socket.on('error', () => inside.destroy())
        inside.on('error', () => socket.destroy())
        inside.on('close', () => socket.destroy())
        socket.pipe(inside).pipe(socket)
      })
      servers.push(server)
      server.once('error', (error) => {
        reject(
          new RunError(
            `port ${String(port)} cannot be listened on: ${error.message}`,
            'choose another with --port.',
          ),
        )
      })
      server.listen(port, '127.0.0.1', resolve)
    })

  return {
    folder,
    readyMillis: READY_MILLIS,
    clientsInside: (member) => ({ host: addressOf(machineOf(member)), port: CLIENT_PORT + member }),
    async addresses(nodes, clientPort) {
      const { machines } = await testbed.status()
      const needed = 1 + Math.max(...Array.from({ length: nodes }, (_, member) => machineOf(member)))
      if (machines.length < needed)
        throw new RunError(
          `the testbed has ${String(machines.length)} machines, and ${String(needed)} are needed`,
          'boot more: --nodes.',
        )
      const ports = await freePorts(2 * nodes)
      const inside: MemberAddress[] = []
      const outside: MemberAddress[] = []
      for (let member = 0; member < nodes; member++) {
        const machine = machineOf(member)
        const inner = addressOf(machine)
        const control = ports[member]!
        await forward(control, machine, CONTROL_PORT + member)
        const clients =
          clientPort === undefined
            ? undefined
            : clientPort === 0
              ? ports[nodes + member]!
              : clientPort + member
        if (clients !== undefined) await forward(clients, machine, CLIENT_PORT + member)
        inside.push({
          control: `${inner}:${String(CONTROL_PORT + member)}`,
          clients: clients === undefined ? undefined : `${inner}:${String(CLIENT_PORT + member)}`,
        })
        outside.push({
          control: `127.0.0.1:${String(control)}`,
          clients: clients === undefined ? undefined : `127.0.0.1:${String(clients)}`,
        })
      }
      return { inside, outside }
    },
    start: (member, argv, listener) => startInside(testbed, machineOf(member), argv, listener),
    close() {
      for (const server of servers) server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** As soon as the machine is there, which may have to be booted again first. */
function startInside(
  testbed: Testbed,
  machine: number,
  argv: readonly string[],
  listener: MemberListener,
): MemberProcess {
  let child: MachineProcess | undefined
  let isOver = false
  const begin = async (): Promise<void> => {
    while (!isOver) {
      const { machines } = await testbed.status()
      if (machines[machine]?.state === 'ready') break
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS))
    }
    if (isOver) return
    child = testbed.spawn(machine, { argv, cwd: process.cwd(), ipc: true })
    child.stderr.setEncoding('utf8').on('data', linesTo(listener.logged))
    child.stdout.resume()
    child.on('message', (report) => {
      listener.reported(report as MemberReport)
    })
    const { code, signal, error } = await child.end()
    isOver = true
    listener.ended(error ?? signal ?? `exit code ${String(code)}`, mayReturn(code))
  }
  begin().catch((error: unknown) => {
    isOver = true
    listener.ended((error as Error).message, false)
  })
  return {
    pid: undefined,
    signal(signal) {
      if (isOver) return false
      if (child !== undefined) child.kill(signal)
      else if (signal === 'SIGTERM' || signal === 'SIGKILL') {
        // It has not begun.
        isOver = true
        queueMicrotask(() => {
          listener.ended(signal, false)
        })
      }
      return true
    },
    tell(command) {
      child?.send(command)
    },
  }
}

/** `aviary testbed`: machines are booted, used, harmed and removed; whoever is killed, nothing is left. */
import { readFileSync, readdirSync, readlinkSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { MachineProcess, Testbed } from '../../runner/testbed/index.js'
import { testbedFolder } from '../../runner/testbed/state.js'
import { aviary, folderWith, jsonOf, relay, start } from '../cli/support.js'
import { machineHarm } from '../../runner/index.js'
import { describeCluster } from './cluster.js'
import { complaintsAbout, runnable, seenInMachines } from './parity.js'
import {
  BOOT_MILLIS,
  type Status,
  bootTestbed,
  freshName,
  hasProcess,
  lines,
  processState,
  statusJson,
} from './support.js'

vi.setConfig({ testTimeout: BOOT_MILLIS, hookTimeout: BOOT_MILLIS })

const PORT = 9000
/** Says what it is sent, and answers. */
const listener = `
const socket = require('node:dgram').createSocket('udp4')
socket.on('message', (text, { address }) => {
  console.log(String(text))
  if (!String(text).startsWith('re:')) socket.send('re:' + text, ${String(PORT)}, address)
})
socket.bind(${String(PORT)}, () => console.log('listening'))
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [to, text] = line.split(' ')
  socket.send(text, ${String(PORT)}, to)
})`

const judgedJson = z.object({ nodes: z.number(), broken: z.array(z.unknown()), goalReached: z.boolean() })

/** Every other one: all of them, many times, are in `npm run test:long`. */
const chosen = runnable.flatMap(({ name }, i) => (i % 2 === 0 ? [name] : []))

let name: string
let booted: Status
let testbed: Testbed

/** A talker in each machine: a line "ADDRESS WORD" sends the word, what comes is said, and answered with "re:". */
async function talker(machine: number): Promise<MachineProcess> {
  const child = testbed.spawn(machine, { argv: [process.execPath, '-e', listener] })
  await lines(child, 1)
  return child
}

const addressOf = (machine: number): string => booted.machines[machine]!.address

const ask = (...args: string[]): ReturnType<typeof aviary> =>
  aviary(folderWith(), 'testbed', args[0]!, '--name', name, ...args.slice(1))

beforeAll(async () => {
  ;({ name, status: booted, testbed } = await bootTestbed(3))
}, BOOT_MILLIS)

afterAll(async () => {
  const pids = booted.machines.map(({ pid }) => pid!)
  testbed.close()
  const ended = await ask('down')
  expect(ended.code, ended.stderr).toBe(0)
  expect(pids.filter(hasProcess)).toEqual([])
  expect(existsSync(booted.folder)).toBe(false)
}, BOOT_MILLIS)

test('every machine has an RDMA device whose port is active, and memory of its own', async () => {
  expect(booted.machines.map(({ state }) => state)).toEqual(['ready', 'ready', 'ready'])
  for (const { machine, address } of booted.machines) {
    const { stdout } = await testbed.exec(machine, [
      'sh',
      '-c',
      'cat /sys/class/infiniband/rxe0/ports/1/state; cat /sys/class/infiniband/rxe0/ports/1/gids/* 2> /dev/null; hostname; ip -4 -o addr show eth0',
    ])
    expect(stdout).toContain('ACTIVE')
    expect(stdout).toContain(`machine-${String(machine)}`)
    expect(stdout).toContain(`${address}/`)
    const last = Number(address.split('.')[3]).toString(16).padStart(2, '0')
    expect(stdout).toMatch(new RegExp(`0000:0000:0000:0000:0000:ffff:0a4d:53${last}`))
  }
})

test('nothing listens outside of the loopback device', () => {
  const inodes = new Set(
    [booted.pid, ...booted.machines.map(({ pid }) => pid!)].flatMap((pid) => {
      const folder = `/proc/${String(pid)}/fd`
      return readdirSync(folder).flatMap((fd) => {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(join(folder, fd)))?.[1]
        return inode === undefined ? [] : [inode]
      })
    }),
  )
  const bound = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((kind) =>
    readFileSync(`/proc/net/${kind}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => inodes.has(fields[9]!))
      .map((fields) => ({
        kind,
        address: fields[1]!
          .split(':')[0]!
          .match(/../g)!
          .reverse()
          .map((byte) => parseInt(byte, 16)),
      })),
  )
  // The hub of the machines: each has a socket at a multicast group.
  expect(bound).toHaveLength(3)
  for (const { kind, address } of bound) {
    expect(kind).toBe('udp')
    expect(address[0]).toBe(239)
  }
  // Which is joined on the loopback device alone.
  const group = readFileSync('/proc/net/igmp', 'utf8').split(/\n(?=\d)/)
  const reversed = bound[0]!.address
    .map((byte) => byte.toString(16).padStart(2, '0').toUpperCase())
    .reverse()
    .join('')
  expect(group.filter((device) => device.includes(reversed)).map((device) => device.split(/\s+/)[1])).toEqual(
    ['lo'],
  )
})

test('the files of the host are there, and what is written stays inside, but for the shared folder', async () => {
  const inside = join(folderWith({ 'from-the-host': 'greetings' }), 'from-the-host')
  const { stdout } = await testbed.exec(0, [
    'sh',
    '-c',
    `cat ${inside}; echo changed > ${inside}; cat ${inside}`,
  ])
  expect(stdout).toBe('greetingschanged\n')
  expect(readFileSync(inside, 'utf8')).toBe('greetings')
  expect((await testbed.exec(1, ['cat', inside])).stdout).toBe('greetings')
  const shared = join(testbed.share, 'shared')
  await testbed.exec(0, ['sh', '-c', `echo for all > ${shared}`])
  expect(readFileSync(shared, 'utf8')).toBe('for all\n')
  expect((await testbed.exec(2, ['cat', shared])).stdout).toBe('for all\n')
})

test('a file that has changed on the host is seen by who asks for it', async () => {
  const path = join(folderWith({ changing: 'before' }), 'changing')
  expect((await testbed.exec(0, ['cat', path])).stdout).toBe('before')
  writeFileSync(path, 'afterwards')
  expect((await testbed.exec(0, ['cat', path], { fresh: true })).stdout).toBe('afterwards')
})

describe('a program in a machine is as one at home', () => {
  test('input, both outputs, exit code', async () => {
    const { child, ended } = start(folderWith(), [
      'testbed',
      'exec',
      '--name',
      name,
      '1',
      '--',
      'sh',
      '-c',
      'echo out; echo err >&2; exit 7',
    ])
    child.on('error', () => undefined)
    const { code, stdout, stderr } = await ended
    expect([code, stdout, stderr.replaceAll(/^npm .*\n/gm, '')]).toEqual([7, 'out\n', 'err\n'])
    const cat = testbed.spawn(1, { argv: ['cat'] })
    // More than any buffer on the way.
    const bytes = Buffer.alloc(3_000_000, 'aviary ')
    const parts: Buffer[] = []
    cat.stdout.on('data', (part: Buffer) => parts.push(part))
    cat.stdin.end(bytes)
    expect(await cat.end()).toMatchObject({ code: 0 })
    expect(Buffer.concat(parts).equals(bytes)).toBe(true)
  })
  test('one that is not there ends with 127, and a signal reaches what it has started', async () => {
    expect(await testbed.exec(1, ['no-such-program'])).toMatchObject({
      code: 127,
      error: 'there is no no-such-program',
    })
    const child = testbed.spawn(1, { argv: ['sh', '-c', 'sleep 1000 & echo $!; wait'] })
    const [pid] = await lines(child, 1)
    child.kill('SIGKILL')
    expect(await child.end()).toMatchObject({ signal: 'SIGKILL' })
    expect((await testbed.exec(1, ['test', '-d', `/proc/${pid!}`])).code).toBe(1)
  })
  test('who is gone leaves nothing running', async () => {
    const marked = `sleep ${String(100_000 + process.pid)}`
    const { child, ended } = start(folderWith(), [
      'testbed',
      'exec',
      '--name',
      name,
      '1',
      '--',
      ...marked.split(' '),
    ])
    const isThere = async (): Promise<boolean> => (await testbed.exec(1, ['pgrep', '-f', marked])).code === 0
    await vi.waitFor(async () => expect(await isThere()).toBe(true), { timeout: 60_000, interval: 200 })
    child.kill('SIGKILL')
    await ended
    await vi.waitFor(async () => expect(await isThere()).toBe(false), { timeout: 60_000, interval: 200 })
  })
})

test('a cut loses what goes one way, and nothing else; healed, all arrives', async () => {
  const [first, second] = await Promise.all([talker(0), talker(1)])
  expect((await ask('cut', '0', '1')).code).toBe(0)
  // What the second says arrives; the answer, and what the first says, do not.
  second.stdin.write(`${addressOf(0)} heard\n`)
  expect(await lines(first, 2)).toEqual(['listening', 'heard'])
  first.stdin.write(`${addressOf(1)} lost\n`)
  // Behind it in the same queue, and through.
  first.stdin.write(`${addressOf(2)} elsewhere\n`)
  const healed = await ask('heal', '--json')
  expect(jsonOf(statusJson, healed).cuts).toEqual([])
  first.stdin.write(`${addressOf(1)} found\n`)
  expect(await lines(second, 2)).toEqual(['listening', 'found'])
  expect(await lines(first, 3)).toEqual(['listening', 'heard', 're:found'])
  for (const each of [first, second]) each.kill('SIGKILL')
})

test('a paused machine does nothing, is cut off from its partner’s side, and goes on where it was', async () => {
  const [first, second] = await Promise.all([talker(0), talker(1)])
  const paused = jsonOf(statusJson, await ask('pause', '1', '--json'))
  expect(paused.machines[1]!.state).toBe('paused')
  expect(processState(paused.machines[1]!.pid!)).toBe('T')
  first.stdin.write(`${addressOf(1)} early\n`)
  await testbed.exec(0, ['true'])
  expect((await ask('cut', '0', '1')).code).toBe(0)
  first.stdin.write(`${addressOf(1)} lost\n`)
  expect((await ask('heal', '0', '1')).code).toBe(0)
  expect(await lines(second, 1)).toEqual(['listening'])
  expect((await ask('resume', '1')).code).toBe(0)
  first.stdin.write(`${addressOf(1)} late\n`)
  expect(await lines(second, 3)).toEqual(['listening', 'early', 'late'])
  expect(await lines(first, 3)).toEqual(['listening', 're:early', 're:late'])
  for (const each of [first, second]) each.kill('SIGKILL')
})

test('a killed machine loses its memory and keeps its cuts; started, it is as new', async () => {
  await testbed.exec(2, ['touch', '/tmp/remember-me'])
  const waiting = testbed.spawn(2, { argv: ['sleep', '1000'] })
  expect((await ask('cut', '2', '0')).code).toBe(0)
  const before = (await testbed.status()).machines[2]!.pid!
  const killed = jsonOf(statusJson, await ask('kill', '2', '--json'))
  expect(killed.machines[2]).toMatchObject({ state: 'down' })
  expect(hasProcess(before)).toBe(false)
  expect(await waiting.end()).toMatchObject({ code: null, error: 'the machine has gone down' })
  const refused = await ask('exec', '2', '--', 'true')
  expect([refused.code, refused.stderr]).toEqual([255, expect.stringContaining('machine 2 is down')])
  const started = jsonOf(statusJson, await ask('start', '2', '--json'))
  expect(started.machines[2]).toMatchObject({ state: 'ready' })
  expect(started.cuts).toEqual([[2, 0]])
  expect((await testbed.exec(2, ['test', '-e', '/tmp/remember-me'])).code).toBe(1)
  const filters = await testbed.exec(2, ['tc', 'filter', 'show', 'dev', 'eth0', 'egress'])
  expect(filters.stdout).toContain('dst_mac')
  expect((await ask('heal')).code).toBe(0)
})

describe('a replicated store over RDMA, whose machines are harmed', () => {
  describeCluster(() => ({ name, testbed }))
})

test('nothing is killed in a machine that is no member', async () => {
  const harm = machineHarm(testbed)
  await expect(harm.kill([{ member: 0, pid: 1 }], 'process')).rejects.toThrow(
    'member 0: process 1 is no member of a cluster in machine 0',
  )
})

test('a protocol of the user’s own runs in the machines, over queue pairs, and is judged', async () => {
  const cwd = folderWith({ 'relay.ts': relay })
  const ended = await aviary(cwd, 'run', './relay.ts', '--testbed', name, '--nodes', '3', '--json')
  expect(ended.code, ended.stderr).toBe(0)
  expect(jsonOf(judgedJson, ended)).toEqual({ nodes: 3, broken: [], goalReached: true })
})

test('litmus programs have the outcomes of the simulator, and deviations that are listed by name', async () => {
  const seen = await seenInMachines(testbed, [0, 1], chosen, 1)
  expect(seen.flatMap(complaintsAbout)).toEqual([])
})

describe('what cannot be is said in two lines, with exit code 2', () => {
  test.each([
    [['up', '--name', 'not a name'], /--name not a name: this cannot be the name/],
    [['exec', '--name', 'nowhere', '0', '--', 'true'], /no testbed nowhere is up/],
    [['up', '--counted', '--processors', '2'], /whose time is counted has one processor, not 2/],
    [['cut', '0'], /missing required argument 'to'/],
  ] as const)('%j', async (args, message) => {
    const ended = await aviary(folderWith(), 'testbed', ...args)
    expect(ended.stderr).toMatch(message)
    expect(ended.code).toBe(2)
  })
  test.each([
    [['up'], /is up already/],
    [['kill', '7'], /there is no machine 7/],
    [['resume', '0'], /resume 0: the machine is ready/],
    [['cut', '1', '1'], /machine 1 has no link to itself/],
    [['heal', '1'], /TO is missing/],
  ] as const)('of one that is up: %j', async (args, message) => {
    const ended = await ask(...args)
    expect(ended.stderr).toMatch(message)
    expect(ended.stderr.split('\n').filter((line) => /^(error|mend): /.test(line))).toHaveLength(2)
    expect(ended.code).toBe(2)
  })
})

describe('nothing is left of a testbed', () => {
  /** When its machines have begun: their processes, and the keeper's. */
  async function pidsOf(folder: string): Promise<{ owner: number; machines: number[] }> {
    return vi.waitFor(
      () => {
        const state = JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')) as {
          owner: { pid: number }
          machines: { pid: number }[]
        }
        expect(state.machines).toHaveLength(1)
        return { owner: state.owner.pid, machines: state.machines.map(({ pid }) => pid) }
      },
      { timeout: 120_000, interval: 20 },
    )
  }

  test('whose command was killed while it booted', async () => {
    const other = freshName()
    const { child, ended } = start(folderWith(), ['testbed', 'up', '--name', other, '--nodes', '1'])
    const { owner, machines } = await pidsOf(testbedFolder(other))
    child.kill('SIGKILL')
    await ended
    await vi.waitFor(() => expect([owner, ...machines].filter(hasProcess)).toEqual([]), { timeout: 60_000 })
    await vi.waitFor(() => expect(existsSync(testbedFolder(other))).toBe(false), { timeout: 60_000 })
  })

  test('whose keeper was killed: its machines end with it, and whoever comes next removes the rest', async () => {
    const other = freshName()
    const { child, ended } = start(folderWith(), ['testbed', 'up', '--name', other, '--nodes', '1'])
    const { owner, machines } = await pidsOf(testbedFolder(other))
    // Neither can tidy up after the other.
    child.kill('SIGSTOP')
    process.kill(owner, 'SIGKILL')
    await vi.waitFor(() => expect(machines.filter(hasProcess)).toEqual([]), { timeout: 60_000 })
    child.kill('SIGKILL')
    await ended
    expect(existsSync(testbedFolder(other))).toBe(true)
    const down = await aviary(folderWith(), 'testbed', 'down', '--name', other)
    expect(down.stdout).toContain(`The testbed ${other} was stale, and is removed.`)
    expect(existsSync(testbedFolder(other))).toBe(false)
  })
})

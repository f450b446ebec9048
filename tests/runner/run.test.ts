/** `aviary run`: systems as real processes, as a user starts them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { freePorts } from '../../runner/free-ports.js'
import { aviary, folderWith, jsonOf, relay, said, start } from '../cli/support.js'
import { served } from './served.js'

// Processes that start beside other tests take their time.
vi.setConfig({ testTimeout: 180_000 })

const judgedJson = z.object({
  system: z.string(),
  nodes: z.number(),
  broken: z.array(z.object({ name: z.string(), reason: z.string() })),
  goalReached: z.boolean(),
  history: z.enum(['linearizable', 'violated', 'unknown', 'none']),
  operations: z.number(),
  unknown: z.number(),
})

describe('systems with clients of their own run as processes and are judged', () => {
  for (const [system, nodes, operations, history] of [
    ['2pc', 3, 0, 'none'],
    ['paxos', 3, 4, 'linearizable'],
    ['rdma-register', 4, 12, 'linearizable'],
  ] as const)
    test(system, async () => {
      const ended = await aviary(
        folderWith(),
        'run',
        system,
        '--local',
        String(nodes),
        '--json',
        '--seed',
        '3',
      )
      expect(ended.stderr).toContain('hold of all memories in the end')
      expect(jsonOf(judgedJson, ended)).toMatchObject({
        system,
        nodes,
        broken: [],
        goalReached: true,
        operations,
        history,
      })
      expect(ended.code).toBe(0)
    })

  test('a module of the user’s own', async () => {
    const cwd = folderWith({ 'relay.ts': relay })
    const ended = await aviary(cwd, 'run', './relay.ts', '--local', '2', '--json')
    expect(jsonOf(judgedJson, ended)).toMatchObject({ broken: [], goalReached: true })
    expect(ended.code).toBe(0)
  })
})

test('a core that throws ends the run with 5, names the member and the reason', async () => {
  const throwing = relay
    .replace('poll()', 'poll_()')
    .replace('start() {', "start() { throw new Error('out of order')")
  const cwd = folderWith({ 'throws.ts': throwing })
  const ended = await aviary(cwd, 'run', './throws.ts', '--local', '2', '--json')
  expect(ended.stderr).toMatch(/error: member \d: out of order/)
  expect(ended.stderr).not.toMatch(/\n\s+at /)
  expect(ended.code).toBe(5)
})

describe('what cannot be is said in two lines, with exit code 2', () => {
  const config = (more = ''): string => `name = "demo"
system = "paxos"
secret = "0123456789abcdef"
${more}
[[member]]
control = "127.0.0.1:1"
folder = "a"
[[member]]
control = "127.0.0.1:2"
folder = "b"
[[member]]
control = "127.0.0.1:3"
folder = "c"
`
  test.each([
    [['run', 'paxos'], /--local is missing/],
    [['run', '--local', '3'], /SYSTEM is missing/],
    [['run', 'paxos', '--local', '99'], /--local 99|99.*number/],
    [['run', 'apus', '--local', '2'], /--local 2: apus has 3 to 9 replicas/],
    [['run', 'apus', '--local', '3', '--set', 'windo=3'], /no parameter.*windo/],
    [['run', 'apus', '--local', '3', '--set', 'window=0'], /--set window 0/],
    [['run', '--cluster', 'none.toml', '--id', '0'], /none\.toml cannot be read/],
    [['run', '--cluster', 'good.toml'], /--id is missing/],
    [['run', '--cluster', 'good.toml', '--id', '7'], /--id 7: there is no such member/],
    [['run', 'paxos', '--cluster', 'good.toml', '--id', '0'], /SYSTEM is named twice/],
    [['run', '--cluster', 'broken.toml', '--id', '0'], /broken\.toml is not TOML/],
    [['run', '--cluster', 'secret.toml', '--id', '0'], /secret: must have at least 16 characters/],
    [['run', '--cluster', 'address.toml', '--id', '0'], /member\[1\]\.control|member\.\[1\]\.control/],
    [['run', '--cluster', 'unknown.toml', '--id', '0'], /Unrecognized key|unrecognized/i],
    [['run', '--cluster', 'few.toml', '--id', '0'], /member: paxos has 3 to/],
    [
      ['run', '--cluster', 'port.toml', '--id', '0'],
      /member\[0\]\.control.*1.*(cannot be listened on|another process)/,
    ],
    [['status', 'none.toml'], /none\.toml cannot be read/],
  ] as const)('%j', async (args, message) => {
    const cwd = folderWith({
      'good.toml': config(),
      'broken.toml': 'name = ',
      'secret.toml': config().replace('0123456789abcdef', 'short'),
      'address.toml': config().replace('127.0.0.1:2', 'nowhere'),
      'unknown.toml': config('colour = 3'),
      'few.toml': config().split('[[member]]').slice(0, 3).join('[[member]]'),
      'port.toml': config().replace('127.0.0.1:1', '192.0.2.1:1'),
    })
    const ended = await aviary(cwd, ...args)
    expect(ended.stderr).toMatch(message)
    expect(
      ended.stderr
        .trim()
        .split('\n')
        .filter((line) => /^(error|mend): /.test(line)),
    ).toHaveLength(2)
    expect(ended.code).toBe(2)
  })
})

test('a service serves until it is stopped, and leaves nothing behind', async () => {
  const cwd = folderWith()
  const cluster = start(cwd, ['run', 'apus', '--local', '3', '--port', 'none', '--folder', 'run', '--json'])
  try {
    await said(cluster, 'Stop:')
    const status = await aviary(cwd, 'status', join('run', 'cluster.toml'), '--json')
    const { members } = JSON.parse(status.stdout) as {
      members: {
        state: string
        service: { leads: boolean; view: number }
        peers: { queuePairs: string[] }[]
      }[]
    }
    expect(members.map(({ state }) => state)).toEqual(['running', 'running', 'running'])
    expect(members.filter(({ service }) => service.leads)).toHaveLength(1)
    // One of the core's to each peer, and one for messages.
    const leader = members.find(({ service }) => service.leads)!
    expect(leader.peers.map(({ queuePairs }) => queuePairs.length)).toEqual([2, 2])
    // It could not lead without a follower.
    expect(leader.peers.map(({ queuePairs }) => queuePairs[0])).toContain('readyToSend')
    expect(status.code).toBe(0)
    const shown = await aviary(cwd, 'status', join('run', 'cluster.toml'))
    expect(shown.stdout).toMatch(/leader .*:RTS/)
  } finally {
    cluster.child.kill('SIGTERM')
  }
  expect((await cluster.ended).code).toBe(0)
  const after = await aviary(cwd, 'status', join('run', 'cluster.toml'))
  expect(after.code).toBe(1)
  expect(after.stdout).toContain('no answer')
})

test(
  'a cluster on disks goes on where it was; one in memory says that it cannot',
  { timeout: 180_000 },
  async () => {
    const onDisk = folderWith()
    const disk = ['--set', 'durability=1']
    await served(onDisk, 'apus', disk, (client) => client.set('stays', 'here'))
    expect(await served(onDisk, 'apus', disk, (client) => client.get('stays'))).toBe('here')
    const other = await aviary(onDisk, 'run', 'apus', '--local', '5', '--folder', 'run', ...disk)
    expect(other.stderr).toContain('another cluster was run there (3 of apus')
    const inMemory = folderWith()
    await served(inMemory, 'apus', [], (client) => client.set('goes', 'away'))
    const again = await aviary(inMemory, 'run', 'apus', '--local', '3', '--folder', 'run')
    expect(again.stderr).toContain('whose memory is gone')
    expect([other.code, again.code]).toEqual([2, 2])
  },
)

test('a member with another configuration is turned away, and both say so', async () => {
  const cwd = folderWith()
  const run = (path: string, id: number) => start(cwd, ['run', '--cluster', path, '--id', String(id)])
  for (const [more, words] of [
    ['secret = "another secret, and long"', 'the secrets differ'],
    ['secret = "0123456789abcdef"\nseed = 7', 'has another configuration'],
  ] as const) {
    const members = (await freePorts(3)).map(
      (port, k) => `[[member]]\ncontrol = "127.0.0.1:${String(port)}"\nfolder = "m${String(k)}"`,
    )
    for (const [path, head] of [
      ['one.toml', 'secret = "0123456789abcdef"'],
      ['other.toml', more],
    ] as const)
      writeFileSync(join(cwd, path), `name = "demo"\nsystem = "paxos"\n${head}\n${members.join('\n')}\n`)
    const both = [run('one.toml', 0), run('other.toml', 1)]
    try {
      await Promise.all(both.map((one) => said(one, words)))
    } finally {
      for (const { child } of both) child.kill('SIGTERM')
    }
    expect((await Promise.all(both.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([0, 0])
  }
})

test('metrics are served where the configuration says so, before all members are there too', async () => {
  const [port, ...controls] = await freePorts(4)
  const members = controls.map(
    (control, k) => `[[member]]\ncontrol = "127.0.0.1:${String(control)}"\nfolder = "m${String(k)}"\n`,
  )
  members[0] += `metrics = "127.0.0.1:${String(port)}"\n`
  const cwd = folderWith({
    'one.toml': `name = "demo"\nsystem = "apus"\nsecret = "0123456789abcdef"\n${members.join('')}`,
  })
  const member = start(cwd, ['run', '--cluster', 'one.toml', '--id', '0'])
  try {
    await said(member, 'meeting')
    const response = await fetch(`http://127.0.0.1:${String(port)}/metrics`)
    const text = await response.text()
    expect(text).toContain('aviary_running{cluster="demo",member="0"} 0')
    expect((await fetch(`http://127.0.0.1:${String(port)}/`)).status).toBe(404)
  } finally {
    member.child.kill('SIGTERM')
  }
  expect((await member.ended).code).toBe(0)
})
